/*
 * What the parts of the seam share: the words that the runner has mapped too.
 */
#ifndef AEGIS_TESTS_CHAOS_SEAM_H
#define AEGIS_TESTS_CHAOS_SEAM_H

#include <stdatomic.h>
#include <stdint.h>

struct seam {
	/* What is asked. */
	_Atomic uint64_t sync_delay_us; /* each sync takes that much longer */
	_Atomic uint64_t sync_errors;   /* so many syncs fail, once each */
	_Atomic int64_t wall_offset_us; /* of the wall clock */
	_Atomic uint64_t rough;         /* so many of 65536 calls, and */
	_Atomic uint64_t rough_seed;    /* which */
	_Atomic uint64_t no_descriptor; /* so many of 65536 that take one */
	/* What has happened. */
	_Atomic uint64_t slow_syncs;
	_Atomic uint64_t failed_syncs;
	_Atomic uint64_t wrong_times;
	_Atomic uint64_t rough_calls;
};

extern struct seam *seam;

/* The function of that name that would have been called. */
void *seam_next(const char *name);

#endif
