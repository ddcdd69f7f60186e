/*
 * Metric sets as Prometheus text.
 *
 * FORMAT   Per family one "# HELP name sentence" and one "# TYPE name kind",
 *          then a sample a line: name{labels} value.  A histogram is its
 *          cumulative name_bucket{le="seconds"} lines, name_sum in seconds
 *          and name_count.
 *
 * RULES    1. Cells of one name adjoin in their set, so a family is begun
 *             when the name changes and never twice.
 *          2. Buckets are read once and the count is their sum: a scrape
 *             between two updates is never inconsistent with itself.
 *          3. Durations are kept in microseconds and shown in seconds, as
 *             exact decimals; nothing goes through floating point.
 */
#include "monitor/exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_TEXT_BYTES 32

static const char *
type_name(enum metric_kind kind)
{
	switch (kind) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_HISTOGRAM:
		return "histogram";
	case METRIC_GAUGE:
	default:
		return "gauge";
	}
}

/* 1500000 is "1.5", 16 is "0.000016". */
static void
format_seconds(char text[static SECONDS_TEXT_BYTES], uint64_t us)
{
	size_t len;

	(void)snprintf(text, SECONDS_TEXT_BYTES, "%" PRIu64 ".%06" PRIu64,
	    us / 1000000, us % 1000000);
	len = strlen(text);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	text[len] = '\0';
}

enum ag_status
exposition_write_head(struct buf *out, const char *name, const char *type,
    const char *help)
{
	return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    type);
}

static enum ag_status
write_bucket(struct buf *out, const struct metric *m, const char *bound,
    uint64_t count)
{
	if (m->labels == NULL)
		return buf_printf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n",
		    m->name, bound, count);
	return buf_printf(out, "%s_bucket{%s,le=\"%s\"} %" PRIu64 "\n", m->name,
	    m->labels, bound, count);
}

static enum ag_status
write_sample(struct buf *out, const struct metric *m, const char *suffix,
    const char *value)
{
	if (m->labels == NULL)
		return buf_printf(out, "%s%s %s\n", m->name, suffix, value);
	return buf_printf(out, "%s%s{%s} %s\n", m->name, suffix, m->labels,
	    value);
}

static enum ag_status
write_histogram(struct buf *out, const struct metric *m)
{
	char text[SECONDS_TEXT_BYTES];
	enum ag_status status;
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < METRIC_BUCKETS; i++) {
		count +=
		    atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
		if (i + 1 < METRIC_BUCKETS)
			format_seconds(text, metric_bucket_us(i));
		else
			(void)snprintf(text, sizeof(text), "+Inf");
		status = write_bucket(out, m, text, count);
		if (status != AG_OK)
			return status;
	}
	format_seconds(text,
	    atomic_load_explicit(&m->sum_us, memory_order_relaxed));
	status = write_sample(out, m, "_sum", text);
	if (status != AG_OK)
		return status;
	(void)snprintf(text, sizeof(text), "%" PRIu64, count);
	return write_sample(out, m, "_count", text);
}

static enum ag_status
write_cell(struct buf *out, const struct metric *m)
{
	char text[SECONDS_TEXT_BYTES];

	if (m->kind == METRIC_HISTOGRAM)
		return write_histogram(out, m);
	(void)snprintf(text, sizeof(text), "%" PRId64, metric_value(m));
	return write_sample(out, m, "", text);
}

enum ag_status
exposition_write(struct buf *out, const struct metric_set *set)
{
	const struct metric *m;
	const char *family = "";
	enum ag_status status;

	for (m = metric_first(set); m != NULL;
	     m = __atomic_load_n(&m->next, __ATOMIC_ACQUIRE)) {
		if (strcmp(m->name, family) != 0) {
			status = exposition_write_head(out, m->name,
			    type_name(m->kind), m->help);
			if (status != AG_OK)
				return status;
			family = m->name;
		}
		status = write_cell(out, m);
		if (status != AG_OK)
			return status;
	}
	return AG_OK;
}
