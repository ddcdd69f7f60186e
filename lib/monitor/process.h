/*
 * What this process costs its machine, from /proc/self.
 *
 * Threads    any.
 */
#ifndef AEGIS_MONITOR_PROCESS_H
#define AEGIS_MONITOR_PROCESS_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct process_usage {
	uint64_t cpu_us; /* user and system, all threads */
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	uint64_t open_fds;
	uint64_t max_fds;
	uint64_t threads;
	uint64_t start_ms; /* wall */
};

/* AG_ESYS when /proc is not there; err says which file. */
enum ag_status process_usage_get(struct process_usage *usage,
    struct ag_error *err) AG_MUST_USE;

/*
 * Append the standard process_* families and aegis_build_info as
 * Prometheus text.  What /proc does not tell is left out.
 */
enum ag_status process_write_metrics(struct buf *out) AG_MUST_USE;

#endif
