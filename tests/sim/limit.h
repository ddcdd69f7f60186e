/*
 * A world made smaller than its seed says.
 */
#ifndef AEGIS_SIM_LIMIT_H
#define AEGIS_SIM_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/profile.h"

/* At most so many; 0: as many as were drawn. */
struct limit {
	uint32_t requests;
	uint32_t clients;
	uint32_t members;
};

/* The least members there can be, of either strategy. */
uint32_t limit_members_min(bool is_raft);

/* Members stay as many as they are where fewer could not bear the faults. */
void limit_apply(struct profile *p, const struct limit *l, bool is_raft);

#endif
