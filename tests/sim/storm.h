/*
 * Faults that strike until the storm is over, and its end.
 */
#ifndef AEGIS_SIM_STORM_H
#define AEGIS_SIM_STORM_H

#include "sim/world.h"

/* Plan its first faults, its rounds, the lies of disks, and its end. */
void storm_begin(struct world *w);

/* A fault, flapping or a round is due, a reboot, a sleep or a blackout; or the
 * storm is over. */
void storm_happen(struct world *w, const struct happening *h);

#endif
