/*
 * Reducing a failing schedule to what it takes.
 */
#ifndef AEGIS_SIM_SHRINK_H
#define AEGIS_SIM_SHRINK_H

#include "sim/world.h"

/*
 * Live through one seed.  When a rule is broken, or the process that does so
 * dies, find few choices and requests with which that is so, and print the
 * line that replays them.  False when it is well.
 */
bool shrink(struct world *w, uint64_t seed);

#endif
