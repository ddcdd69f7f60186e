/*
 * Metric cells and the set that holds them.
 *
 * RULES    1. A cell is appended once, under the set's lock, and published
 *             by a release store of the link that reaches it; readers walk
 *             with acquire loads and never lock.
 *          2. Cells of one name stay together in the list, as exposition
 *             formats want one HELP and TYPE per family.
 */
#include "base/metric.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define METRIC_FIRST_US 16

struct metric_set {
	pthread_mutex_t lock;
	struct metric *first;
};

static struct metric metric_unlisted;

struct metric_set *
metric_set_new(void)
{
	struct metric_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	if (pthread_mutex_init(&set->lock, NULL) != 0) {
		free(set);
		return NULL;
	}
	return set;
}

void
metric_set_free(struct metric_set *set)
{
	struct metric *m, *next;

	if (set == NULL)
		return;
	for (m = set->first; m != NULL; m = next) {
		next = m->next;
		free(m->labels);
		free(m);
	}
	(void)pthread_mutex_destroy(&set->lock);
	free(set);
}

static struct metric *
metric_find(const struct metric_set *set, const struct metric *like)
{
	struct metric *m;

	for (m = set->first; m != NULL; m = m->next)
		if (strcmp(m->name, like->name) == 0 &&
		    (m->labels == NULL || like->labels == NULL
			    ? m->labels == like->labels
			    : strcmp(m->labels, like->labels) == 0))
			return m;
	return NULL;
}

static void
metric_link(struct metric_set *set, struct metric *m)
{
	struct metric **at = &set->first, *p;
	struct metric **after_family = NULL;

	for (p = set->first; p != NULL; p = p->next) {
		at = &p->next;
		if (strcmp(p->name, m->name) == 0)
			after_family = &p->next;
	}
	if (after_family != NULL)
		at = after_family;
	m->next = *at;
	__atomic_store_n(at, m, __ATOMIC_RELEASE);
}

struct metric *
metric_new(struct metric_set *set, enum metric_kind kind, const char *name,
    const char *help, const char *labels)
{
	struct metric *m, *known;

	if (set == NULL)
		return &metric_unlisted;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return &metric_unlisted;
	m->name = name;
	m->help = help;
	m->kind = kind;
	if (labels != NULL) {
		m->labels = strdup(labels);
		if (m->labels == NULL) {
			free(m);
			return &metric_unlisted;
		}
	}
	(void)pthread_mutex_lock(&set->lock);
	known = metric_find(set, m);
	if (known == NULL)
		metric_link(set, m);
	(void)pthread_mutex_unlock(&set->lock);
	if (known == NULL)
		return m;
	free(m->labels);
	free(m);
	return known;
}

const struct metric *
metric_first(const struct metric_set *set)
{
	return __atomic_load_n(&set->first, __ATOMIC_ACQUIRE);
}

uint64_t
metric_bucket_us(size_t i)
{
	if (i >= METRIC_BUCKETS - 1)
		return UINT64_MAX;
	return (uint64_t)METRIC_FIRST_US << i;
}

void
metric_observe_us(struct metric *m, uint64_t us)
{
	size_t i = 0;

	while (us > metric_bucket_us(i))
		i++;
	atomic_fetch_add_explicit(&m->buckets[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->sum_us, us, memory_order_relaxed);
}

uint64_t
metric_quantile_us(const struct metric *m, double q)
{
	uint64_t counts[METRIC_BUCKETS], total = 0, seen = 0;
	double want;
	size_t i;

	for (i = 0; i < METRIC_BUCKETS; i++) {
		counts[i] =
		    atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
		total += counts[i];
	}
	if (total == 0)
		return 0;
	want = q * (double)total;
	for (i = 0; i < METRIC_BUCKETS - 1; i++) {
		seen += counts[i];
		if ((double)seen >= want)
			return metric_bucket_us(i);
	}
	return metric_bucket_us(METRIC_BUCKETS - 2);
}
