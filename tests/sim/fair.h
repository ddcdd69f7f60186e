/*
 * Is anybody's request passed over?
 */
#ifndef AEGIS_SIM_FAIR_H
#define AEGIS_SIM_FAIR_H

#include "sim/world.h"

/* A client asks a replica for what is first in its envelope. */
void fair_asked(struct world *w, const struct replica *r,
    struct operation_history *first);

/* The reference has executed one batch more. */
void fair_judge(struct world *w);

#endif
