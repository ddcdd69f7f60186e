/*
 * Disks that lie: what comes back is not what was written.
 */
#ifndef AEGIS_SIM_LIE_H
#define AEGIS_SIM_LIE_H

#include "sim/world.h"

/* Plan the lies that the profile asks for. */
void lie_begin(struct world *w);

/* The planned moment: the disk is copied, or its replica goes down. */
void lie_happen(struct world *w, const struct happening *h);

/* A replica starts: a log that has lost its end is set aside. */
void lie_recollect(struct replica *r);

/* Has it come back older, as far as that matters yet?  A step was taken. */
void lie_settle(struct world *w, struct replica *r);

/*
 * Does somebody have to be told what it has forgotten, which others may be
 * the only ones to know?  They count as well as it then, so none may fail.
 */
bool lie_is_delicate(const struct world *w);

/* The engine says how far its votes may go. */
void lie_horizon(struct replica *r, const struct horizon *horizon);

/* A sync begins, has ended, or was cut short by a crash. */
void lie_horizon_sync(struct replica *r);
void lie_horizon_synced(struct replica *r);
void lie_horizon_crash(struct world *w, struct replica *r);

#endif
