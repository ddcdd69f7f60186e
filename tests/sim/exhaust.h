/*
 * The small scope, exhaustively: four members, two requests, one culprit,
 * and everything that can become of some consecutive messages.
 */
#ifndef AEGIS_SIM_EXHAUST_H
#define AEGIS_SIM_EXHAUST_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/profile.h"

#define EXHAUST_DEPTH_MAX 24

/* A path through the tree of decisions; off where most is 0. */
struct exhaust {
	uint32_t most; /* messages decided on */
	uint8_t digits[EXHAUST_DEPTH_MAX];
	uint8_t radix[EXHAUST_DEPTH_MAX];
	uint32_t set;   /* digits given; those after them are 0 */
	uint32_t depth; /* decisions met in this schedule */
	uint64_t seen;  /* messages that could be decided on */
	uint64_t from;  /* the first that is */
};

enum exhaust_fate {
	EXHAUST_ON_TIME,
	EXHAUST_LATE, /* after what answers the others */
	EXHAUST_LOST,
	EXHAUST_FATES,
};

/* Begin a schedule of this path, and say what its world is. */
void exhaust_begin(struct exhaust *x, struct profile *p);

/* What becomes of a message of this type. */
enum exhaust_fate exhaust_fate(struct exhaust *x, uint64_t type);

/*
 * All paths, on so many processes: the program's exit status.  And one of
 * them, "3,0,1,2": false when a rule was broken.
 */
int exhaust_run(uint32_t most, unsigned int jobs);
bool exhaust_one(uint32_t most, const char *path, bool is_traced);

#endif
