/*
 * How much is done under slow primaries.
 */
#ifndef AEGIS_SIM_PACE_H
#define AEGIS_SIM_PACE_H

#include "sim/world.h"

/* Where primaries were slow for half of the requests: was that half as fast? */
void pace_judge(struct world *w);

#endif
