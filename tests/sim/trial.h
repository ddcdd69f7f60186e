/*
 * Schedules lived through by another process, which may die of them.
 *
 * Ownership  trial_open() begins, trial_close() ends the process.
 */
#ifndef AEGIS_SIM_TRIAL_H
#define AEGIS_SIM_TRIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/world.h"

/* What is asked of that process, and its answer. */
struct trial {
	struct choices choices; /* those kept; then what struck */
	struct limit limit;     /* then what there was */
	const char *rule;       /* NULL: none was broken */
	uint64_t events;
	char violation[WORLD_VIOLATION_BYTES];
};

struct trials {
	struct world *world;
	struct trial *trial; /* shared with that process */
	pid_t pid;           /* 0: there is none */
	int link;            /* a byte asks, and a byte answers */
	uint64_t seed;
	uint64_t events; /* of all of them */
	uint32_t runs;
};

/* Schedules of this seed, in a world that is otherwise as this one. */
void trial_open(struct trials *t, struct world *w, uint64_t seed);
void trial_close(struct trials *t);

/* One, with the world's choices: the rule that it breaks, or NULL. */
const char *trial_run(struct trials *t, const struct limit *limit);

#endif
