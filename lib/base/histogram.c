/*
 * A histogram of latencies with buckets that grow with the value.
 *
 * FORMAT   Values below 128 have a bucket each; above, each doubling has 128
 *          buckets of equal width.  A quantile names its bucket's upper end,
 *          so it is never flattering.
 */
#include "base/histogram.h"

#include <stddef.h>

#define SUB_BUCKETS (UINT64_C(1) << HISTOGRAM_SUB_BITS)

static size_t
bucket_of(uint64_t value)
{
	unsigned int shift = 0;
	size_t at;

	while (value >> shift >= 2 * SUB_BUCKETS)
		shift++;
	if (value < SUB_BUCKETS)
		return (size_t)value;
	at = ((size_t)shift << HISTOGRAM_SUB_BITS) + (size_t)(value >> shift);
	return at < HISTOGRAM_BUCKETS ? at : HISTOGRAM_BUCKETS - 1;
}

/* The largest value a bucket takes. */
static uint64_t
bucket_top(size_t at)
{
	uint64_t sub;
	size_t shift;

	if (at < SUB_BUCKETS)
		return at;
	shift = (at >> HISTOGRAM_SUB_BITS) - 1;
	sub = (at & (SUB_BUCKETS - 1)) + SUB_BUCKETS;
	return ((sub + 1) << shift) - 1;
}

void
histogram_add(struct histogram *h, uint64_t value)
{
	h->buckets[bucket_of(value)]++;
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
}

void
histogram_merge(struct histogram *h, const struct histogram *from)
{
	size_t i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->buckets[i] += from->buckets[i];
	h->count += from->count;
	h->sum += from->sum;
	if (from->max > h->max)
		h->max = from->max;
}

uint64_t
histogram_count_to(const struct histogram *h, uint64_t value)
{
	const size_t last = bucket_of(value);
	uint64_t count = 0;
	size_t i;

	for (i = 0; i <= last; i++)
		count += h->buckets[i];
	return count;
}

uint64_t
histogram_quantile(const struct histogram *h, double fraction)
{
	const double wanted = (double)h->count * fraction;
	uint64_t seen = 0, top;
	size_t i;

	if (h->count == 0)
		return 0;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen > 0 && (double)seen >= wanted)
			break;
	}
	if (i == HISTOGRAM_BUCKETS)
		return h->max;
	top = bucket_top(i);
	return top < h->max ? top : h->max;
}
