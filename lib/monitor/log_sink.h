/*
 * Where log lines go: a file or stderr, and a ring of the recent ones.
 *
 * Ownership  log_sink_open() hands out a handle and makes it the process's
 *            sink; log_sink_close() gives that back first.
 * Threads    lines come from any thread; open and close while only one runs.
 */
#ifndef AEGIS_MONITOR_LOG_SINK_H
#define AEGIS_MONITOR_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/status.h"

struct log_sink;

struct log_sink_config {
	const char *path; /* NULL: stderr */
	enum log_level level;
	bool is_json;
	uint32_t burst;             /* lines of one message a window; 0: 100 */
	uint32_t window_ms;         /* 0: 10 s */
	uint32_t ring_lines;        /* 0: 1000 */
	struct metric_set *metrics; /* may be NULL */
};

/* AG_ESYS when the file cannot be opened; err says which and why. */
enum ag_status log_sink_open(struct log_sink **out,
    const struct log_sink_config *config, struct ag_error *err) AG_MUST_USE;
void log_sink_close(struct log_sink *sink);

/*
 * Take path, level and format of config from here on.  The path is opened
 * anew in any case, as after a rotation.  On failure all stays as it was and
 * err says why.
 */
enum ag_status log_sink_change(struct log_sink *sink,
    const struct log_sink_config *config, struct ag_error *err) AG_MUST_USE;

/* Write what is due about suppressed lines: call it now and then. */
void log_sink_flush(struct log_sink *sink);

/*
 * Append the newest limit lines of at least level to out, oldest first, as
 * JSON objects with commas between them.  AG_ELIMIT, AG_ENOMEM from out.
 */
enum ag_status log_sink_recent(struct log_sink *sink, enum log_level level,
    size_t limit, struct buf *out) AG_MUST_USE;

#endif
