/*
 * What a Byzantine replica does with the messages its engine makes.
 */
#ifndef AEGIS_SIM_BYZANTINE_H
#define AEGIS_SIM_BYZANTINE_H

#include "sim/world.h"

void byzantine_send(struct world *w, struct replica *r, uint32_t to,
    struct bytes body);

/* It may claim another state at a checkpoint. */
void byzantine_digest(struct world *w, struct replica *r,
    struct digest *digest);

#endif
