/*
 * From one epoch to the next, as a node goes (node/node_epoch.c).
 */
#ifndef AEGIS_SIM_SUCCESSION_H
#define AEGIS_SIM_SUCCESSION_H

#include "sim/world.h"

/* Its state is the last of the epoch, and certified: it goes on soon. */
void succession_consider(struct world *w, struct replica *r);

/* LEAVE, TOLD and JOIN happenings. */
void succession_happen(struct world *w, struct replica *r,
    const struct happening *h);

/*
 * A message arrives, perhaps from another epoch, where links end: whoever is
 * behind is told.  False when it goes no further; else *from is where its
 * sender stands.
 */
bool succession_admits(struct world *w, struct replica *r,
    const struct happening *h, uint32_t *from);

/* After the storm operators look after who has nobody to tell it. */
void succession_rescue(struct world *w);

#endif
