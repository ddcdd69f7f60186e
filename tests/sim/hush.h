/*
 * Storms that no word of checkpoints gets through, and ends of epochs that one
 * node alone hears of.
 */
#ifndef AEGIS_SIM_HUSH_H
#define AEGIS_SIM_HUSH_H

#include "sim/world.h"

/* Does it strike, where the profile has one? */
void hush_begin(struct world *w);

/* An epoch has ended, where the profile has it that one hears of that. */
void hush_end(struct world *w);

/* Is this message to a node lost? */
bool hush_stops(const struct world *w, uint32_t to, struct bytes body);

#endif
