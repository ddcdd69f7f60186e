/*
 * What one schedule came to, in a line.
 */
#ifndef AEGIS_SIM_ACCOUNT_H
#define AEGIS_SIM_ACCOUNT_H

#include "sim/reach.h"
#include "sim/world.h"

/* What had been counted before it. */
struct account {
	uint64_t counters[COUNT_COUNT];
	uint64_t reached[REACH_COUNT];
};

void account_begin(struct account *a, const uint64_t *counters);

/* Where it came from, what was done to it, and where it was. */
void account_print(const struct account *a, const struct world *w,
    const uint64_t *counters);

#endif
