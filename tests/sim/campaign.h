/*
 * Many schedules, on all cores.
 */
#ifndef AEGIS_SIM_CAMPAIGN_H
#define AEGIS_SIM_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/world.h"

struct campaign_options {
	const struct strategy *strategy;
	enum profile_kind kind; /* of PBFT's */
	uint64_t from;          /* the first seed */
	uint64_t count;         /* schedules; 0: any number */
	uint64_t seconds;       /* 0: any number */
	unsigned int jobs;
	bool is_first;  /* end with the first violation */
	bool is_json;   /* print the counters */
	bool is_hashed; /* print each schedule's hash, in order: one job */
	const char *histories; /* a directory for some of them; NULL: none */
};

/* Run them and tell what happened; the program's exit status. */
int campaign_run(const struct campaign_options *o);

/* One schedule, sometimes twice; a violation is told, and if asked for what it
 * was without one.  False with one. */
bool campaign_seed(struct world *w, uint64_t seed, uint64_t *counters,
    bool is_told);

#endif
