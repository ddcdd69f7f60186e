/*
 * Metric cells: what the parts of AEGIS count, and the set that lists them.
 *
 * A part registers its cells once, at start, and then only adds to them:
 * an update is one relaxed atomic, no lock and no look-up.  How a set is
 * shown (Prometheus text) is monitor's business.
 *
 * Ownership  cells belong to their set and live until metric_set_free().
 * Threads    registering takes a lock; updating and reading are lock-free.
 */
#ifndef AEGIS_BASE_METRIC_H
#define AEGIS_BASE_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Upper bounds in microseconds, 16 us to 8.4 s by doubling, then +Inf. */
#define METRIC_BUCKETS 21

enum metric_kind {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM, /* of durations, shown in seconds */
};

struct metric {
	const char *name; /* aegis_<part>_<what>_<unit>[_total] */
	const char *help; /* one sentence, no stop */
	enum metric_kind kind;
	char *labels; /* `peer="n2"` or NULL */
	atomic_int_least64_t value;
	atomic_uint_least64_t buckets[METRIC_BUCKETS];
	atomic_uint_least64_t sum_us;
	struct metric *next;
};

struct metric_set;

/* NULL when memory is refused. */
struct metric_set *metric_set_new(void);
void metric_set_free(struct metric_set *set);

/*
 * Register a cell.  name and help must outlive the set; labels is copied
 * and may be NULL; with a name and labels that are known the known cell is
 * returned.  Never NULL: when memory is refused, or set is NULL, a
 * shared cell that is never shown is returned, so that a metric can not be
 * the reason a node fails to start.
 */
struct metric *metric_new(struct metric_set *set, enum metric_kind kind,
    const char *name, const char *help, const char *labels);

/* The first registered cell; follow ->next.  Same-named cells adjoin. */
const struct metric *metric_first(const struct metric_set *set);

static inline void
metric_add(struct metric *m, int64_t delta)
{
	atomic_fetch_add_explicit(&m->value, delta, memory_order_relaxed);
}

static inline void
metric_set_value(struct metric *m, int64_t value)
{
	atomic_store_explicit(&m->value, value, memory_order_relaxed);
}

static inline int64_t
metric_value(const struct metric *m)
{
	return atomic_load_explicit(&m->value, memory_order_relaxed);
}

void metric_observe_us(struct metric *m, uint64_t us);

/* The upper bound of bucket i in microseconds; UINT64_MAX for the last. */
uint64_t metric_bucket_us(size_t i);

/* The q-quantile (0..1) by bucket bound, 0 when nothing was observed. */
uint64_t metric_quantile_us(const struct metric *m, double q);

#endif
