/*
 * A histogram of latencies: 128 buckets an octave, so that a quantile is
 * within one percent, from a microsecond to an hour.
 * Ownership  the caller's storage; zeroed is empty.
 */
#ifndef AEGIS_BASE_HISTOGRAM_H
#define AEGIS_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 7
#define HISTOGRAM_OCTAVES 26
#define HISTOGRAM_BUCKETS ((HISTOGRAM_OCTAVES + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* Add all that is in from. */
void histogram_merge(struct histogram *h, const struct histogram *from);

/* How many values are at most value, to the end of its bucket. */
uint64_t histogram_count_to(const struct histogram *h, uint64_t value);

/* The least value that as much as fraction of all are not above; 0: none. */
uint64_t histogram_quantile(const struct histogram *h, double fraction);

#endif
