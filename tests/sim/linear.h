/*
 * Is a history of one key linearizable, or one of transactions and reads over
 * several?  Asked of what clients saw alone:
 * when they called, when they were answered, and what the answer was.
 */
#ifndef AEGIS_SIM_LINEAR_H
#define AEGIS_SIM_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/operation.h"

#define LINEAR_OPERATIONS_MAX 256
#define LINEAR_NEVER UINT64_MAX

enum linear_kind {
	LINEAR_PUT,
	LINEAR_DELETE,
	LINEAR_GET,
	LINEAR_TXN, /* compares versions of keys, and puts one value for all */
	LINEAR_RANGE, /* reads them all */
};

#define LINEAR_KEYS 4

/* Of a key that is absent both are 0. */
struct linear_cell {
	uint64_t value;
	uint64_t version;
};

struct linear_operation {
	enum linear_kind kind;
	uint64_t called;
	uint64_t answered; /* LINEAR_NEVER: it may have happened, or not */
	uint64_t value;    /* PUT: what was put, */
	uint64_t other;    /* or this, if a client signed both; 0: none */
	bool has_if_version;
	uint64_t if_version;
	/* The answer; of a GET the value and version read. */
	enum result_code code;
	uint64_t version;
	uint64_t previous_version;
	uint64_t read;
	/* Of those over several keys: where in the order it is said to be; the
	 * keys, a bit each; what a TXN compares, or a RANGE read. */
	uint64_t seq;
	uint32_t keys;
	struct linear_cell cells[LINEAR_KEYS];
};

enum linear_verdict {
	LINEAR_YES,
	LINEAR_NO,
	LINEAR_UNDECIDED, /* the search was given up */
};

/* At most LINEAR_OPERATIONS_MAX, in any order: all of one key, or each a TXN or
 * RANGE. */
enum linear_verdict linear_check(const struct linear_operation *operations,
    size_t count);

#endif
