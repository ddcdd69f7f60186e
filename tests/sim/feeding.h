/*
 * Members feed those who observe: the node's own feed (node/feed.h), driven
 * as a node drives it.
 */
#ifndef AEGIS_SIM_FEEDING_H
#define AEGIS_SIM_FEEDING_H

#include "sim/world.h"

/* A replica has started: it feeds, if it is a member and anybody observes. */
void feeding_start(struct world *w, struct replica *r);
void feeding_stop(struct replica *r);

/* It hands a batch on to be executed; a checkpoint is stable. */
void feeding_decided(struct replica *r, const struct effect *effect);
void feeding_stable(struct replica *r, uint64_t seq, struct bytes certificate);

/* A message of an observer's. */
void feeding_message(struct world *w, struct replica *r, uint32_t from,
    struct bytes body);

#endif
