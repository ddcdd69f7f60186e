/*
 * Is a history of one key linearizable?  Asked of what clients saw alone:
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
};

enum linear_verdict {
	LINEAR_YES,
	LINEAR_NO,
	LINEAR_UNDECIDED, /* the search was given up */
};

/* At most LINEAR_OPERATIONS_MAX, in any order. */
enum linear_verdict linear_check(const struct linear_operation *operations,
    size_t count);

#endif
