/*
 * More culprits than the cluster tolerates.
 *
 * Nothing is agreed on then and no answer is right, but a correct member
 * still owes something to its operator.
 */
#ifndef AEGIS_SIM_BEYOND_H
#define AEGIS_SIM_BEYOND_H

#include "sim/world.h"

/* Part those that twins will tell two stories. */
void beyond_begin(struct world *w);

/* An honest replica has this certificate, which holds; the batch of one that
 * decides. */
void beyond_hold(struct world *w, struct replica *r, struct bytes certificate,
    struct bytes batch);

/* A message of this node arrives. */
void beyond_message(struct world *w, struct replica *r, uint32_t node,
    struct bytes body);

/* An honest replica's engine has stopped, saying this. */
void beyond_stop(struct world *w, struct replica *r, const char *text);

/* The schedule is over: everybody is shown what the others have. */
void beyond_judge(struct world *w);

#endif
