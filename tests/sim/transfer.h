/*
 * State transfer, modelled: the states replicas keep at their checkpoints,
 * and fetching one of them.
 */
#ifndef AEGIS_SIM_TRANSFER_H
#define AEGIS_SIM_TRANSFER_H

#include "sim/world.h"

/* Keep the state as it is now, at a checkpoint, for others to fetch. */
void transfer_keep(struct replica *r);

/* The engine asks for a state. */
void transfer_want(struct world *w, struct replica *r,
    const struct effect *effect);

/* Does any honest replica still hold a certified state at or above seq? */
bool transfer_is_held(const struct world *w, uint64_t seq);

/* Ask somebody; asks again later when nobody has it. */
void transfer_try(struct world *w, struct replica *r);

#endif
