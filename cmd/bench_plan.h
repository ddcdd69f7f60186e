/*
 * What a run of aegis bench is to do, and what came of it.
 */
#ifndef AEGIS_CMD_BENCH_PLAN_H
#define AEGIS_CMD_BENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "client/workload.h"
#include "cmd/applet.h"

#define BENCH_SOCKETS_MAX 32

/* The operations of the load, and the changes that watchers see. */
#define BENCH_WATCH WORKLOAD_OPERATIONS
#define BENCH_KINDS (WORKLOAD_OPERATIONS + 1)

/* A value begins with the moment its write was due, when it has room. */
#define BENCH_STAMP_BYTES 16

struct bench_plan {
	struct applet_call *call;
	const char *sockets[BENCH_SOCKETS_MAX];
	size_t socket_count;
	char socket[108]; /* the one of the configuration */
	const char *prefix;
	struct workload_config load;
	uint64_t clients;
	uint64_t rate; /* requests a second; 0: as answers come */
	uint64_t seconds;
	uint64_t requests; /* 0: until the time is over */
	uint64_t warmup_ms;
	uint64_t value_bytes;
	uint64_t watchers;
};

struct bench_tally {
	struct histogram latency; /* of what was done, in microseconds */
	uint64_t failed[AG_STATUS_COUNT];
};

struct bench_result {
	struct bench_tally kinds[BENCH_KINDS];
	uint64_t elapsed_us; /* that was measured */
	uint64_t unsent;     /* were due and never begun */
	bool is_interrupted;
	struct ag_error first; /* failure, AG_OK: none */
};

#endif
