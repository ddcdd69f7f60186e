/*
 * What a load on a cluster consists of: which operation is next, and on
 * which key.  The same seed gives the same sequence.
 *
 * Ownership  workload_init() takes memory that workload_fini() returns.
 * Threads    none of its own.
 */
#ifndef AEGIS_CLIENT_WORKLOAD_H
#define AEGIS_CLIENT_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define WORKLOAD_KEYS_MAX UINT64_C(10000000)
#define WORKLOAD_WEIGHT_MAX 1000000

enum workload_operation {
	WORKLOAD_PUT,
	WORKLOAD_GET,
	WORKLOAD_TXN,
	WORKLOAD_OPERATIONS,
};

enum workload_spread {
	WORKLOAD_UNIFORM,
	WORKLOAD_ZIPF, /* the i-th key in proportion to 1/i */
};

struct workload_config {
	uint32_t weights[WORKLOAD_OPERATIONS]; /* not all 0 */
	uint64_t keys;                         /* 1 to WORKLOAD_KEYS_MAX */
	enum workload_spread spread;
	uint64_t seed;
};

struct workload {
	struct workload_config config;
	uint64_t state;
	double *sums; /* of 1/i up to each key; NULL: uniform */
};

/* "put", "get" or "txn". */
const char *workload_name(enum workload_operation operation);

/*
 * Read "put=50,get=40,txn=10"; what is not named has no part.
 * AG_EINVAL  with a sentence for the user
 */
enum ag_status workload_parse_mix(const char *text,
    uint32_t weights[static WORKLOAD_OPERATIONS],
    struct ag_error *err) AG_MUST_USE;

/* "uniform" or "zipf".  AG_EINVAL with a sentence for the user. */
enum ag_status workload_parse_spread(const char *text,
    enum workload_spread *spread, struct ag_error *err) AG_MUST_USE;

enum ag_status workload_init(struct workload *w,
    const struct workload_config *config, struct ag_error *err) AG_MUST_USE;
void workload_fini(struct workload *w);

enum workload_operation workload_next_operation(struct workload *w);

/* 0 to keys - 1. */
uint64_t workload_next_key(struct workload *w);

/* SplitMix64: 64 bits that look random, of a state that is any number. */
uint64_t workload_random(uint64_t *state);

#endif
