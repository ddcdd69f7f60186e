/*
 * One replica: the product's engine, driven as engine.h asks.
 */
#ifndef AEGIS_SIM_REPLICA_H
#define AEGIS_SIM_REPLICA_H

#include "sim/world.h"

/* Recover from disk and state, and take part. */
void replica_start(struct world *w, struct replica *r);

/* Lose everything that is not safe; a RESTART follows after down_us. */
void replica_crash(struct world *w, struct replica *r, uint64_t down_us);

/* Something meant for this replica happened. */
void replica_happen(struct world *w, struct replica *r,
    const struct happening *h);

/* A message for these positions; what was agreed from seq on for one. */
void replica_send(struct world *w, struct replica *r, uint32_t members,
    struct bytes body);
void replica_send_history(struct world *w, struct replica *r, uint32_t member,
    uint64_t seq);

/* Make the engine take a step; now and wall clock are filled in. */
void replica_step(struct world *w, struct replica *r, struct event event);

/* It says of itself that it leads. */
static inline bool
replica_leads(const struct replica *r)
{
	return r->is_up && !r->status.is_changing_view &&
	    r->status.primary == r->self;
}

#endif
