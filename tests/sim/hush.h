/*
 * A storm that no word of checkpoints gets through.
 */
#ifndef AEGIS_SIM_HUSH_H
#define AEGIS_SIM_HUSH_H

#include "sim/world.h"

/* Does it strike, where the profile has one? */
void hush_begin(struct world *w);

/* Is this message lost? */
bool hush_stops(const struct world *w, struct bytes body);

#endif
