/*
 * State transfer, modelled: the states replicas keep when they are asked,
 * and fetching one of them.
 */
#ifndef AEGIS_SIM_TRANSFER_H
#define AEGIS_SIM_TRANSFER_H

#include "sim/world.h"

/* Keep the state as it is now, whose digest is known, for others to fetch. */
void transfer_keep(struct world *w, struct replica *r);

/* Its state of seq can be proved now. */
void transfer_prove(struct world *w, struct replica *r, uint64_t seq);

/* The engine asks for a state. */
void transfer_want(struct world *w, struct replica *r,
    const struct effect *effect);

/* Ask somebody; asks again later when nobody has it. */
void transfer_try(struct world *w, struct replica *r);

#endif
