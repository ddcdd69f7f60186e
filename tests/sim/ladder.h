/*
 * How far each of the first views gets, at each replica.
 */
#ifndef AEGIS_SIM_LADDER_H
#define AEGIS_SIM_LADDER_H

#include "sim/world.h"

/* Draw it, where the profile asks for one. */
void ladder_begin(struct world *w);

/* Does this message not reach that replica, whoever sent it? */
bool ladder_stops(const struct world *w, uint32_t to, struct bytes body);

/* By how much it comes later than it would. */
uint64_t ladder_late_us(const struct world *w, uint32_t to, struct bytes body);

#endif
