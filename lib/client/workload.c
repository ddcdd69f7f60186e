/*
 * What a load consists of.
 *
 * RULES    1. Zipf's distribution has the exponent 1, so that its sums are
 *             exact enough without a library of mathematics; a key is found
 *             in them by halving.
 *          2. Whatever is drawn comes from one seed, so that a run can be
 *             had again.
 */
#include "client/workload.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[WORKLOAD_OPERATIONS] = { "put", "get", "txn" };

const char *
workload_name(enum workload_operation operation)
{
	AG_ASSERT(operation < WORKLOAD_OPERATIONS);
	return names[operation];
}

uint64_t
workload_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* One "name=weight" of len bytes; false when it is none. */
static bool
take_part(const char *text, size_t len, uint32_t *weights)
{
	const char *equals = memchr(text, '=', len);
	const char *end = text + len;
	uint32_t weight = 0;
	size_t i;

	if (equals == NULL || equals + 1 == end)
		return false;
	for (i = 0; i < WORKLOAD_OPERATIONS; i++)
		if (strlen(names[i]) == (size_t)(equals - text) &&
		    memcmp(names[i], text, (size_t)(equals - text)) == 0)
			break;
	if (i == WORKLOAD_OPERATIONS || weights[i] != 0)
		return false;
	for (text = equals + 1; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		weight = weight * 10 + (uint32_t)(*text - '0');
		if (weight > WORKLOAD_WEIGHT_MAX)
			return false;
	}
	weights[i] = weight;
	return true;
}

enum ag_status
workload_parse_mix(const char *text,
    uint32_t weights[static WORKLOAD_OPERATIONS], struct ag_error *err)
{
	const char *at = text;
	size_t len, i;
	uint32_t sum = 0;

	memset(weights, 0, WORKLOAD_OPERATIONS * sizeof(weights[0]));
	for (;;) {
		len = strcspn(at, ",");
		if (!take_part(at, len, weights))
			return ag_fail(err, AG_EINVAL,
			    "mix '%s' is not like put=50,get=40,txn=10", text);
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	for (i = 0; i < WORKLOAD_OPERATIONS; i++)
		sum += weights[i];
	if (sum == 0)
		return ag_fail(err, AG_EINVAL, "mix '%s' has nothing to do",
		    text);
	return AG_OK;
}

enum ag_status
workload_parse_spread(const char *text, enum workload_spread *spread,
    struct ag_error *err)
{
	if (strcmp(text, "uniform") == 0)
		*spread = WORKLOAD_UNIFORM;
	else if (strcmp(text, "zipf") == 0)
		*spread = WORKLOAD_ZIPF;
	else
		return ag_fail(err, AG_EINVAL,
		    "spread '%s' is not one of uniform, zipf", text);
	return AG_OK;
}

enum ag_status
workload_init(struct workload *w, const struct workload_config *config,
    struct ag_error *err)
{
	double sum = 0;
	uint64_t i;

	AG_ASSERT(config->keys > 0);
	AG_ASSERT(config->keys <= WORKLOAD_KEYS_MAX);
	*w = (struct workload){ .config = *config, .state = config->seed };
	if (config->spread == WORKLOAD_UNIFORM)
		return AG_OK;
	w->sums = calloc(config->keys, sizeof(*w->sums));
	if (w->sums == NULL)
		return ag_fail(err, AG_ENOMEM,
		    "spread %llu keys: out of memory",
		    (unsigned long long)config->keys);
	for (i = 0; i < config->keys; i++) {
		sum += 1.0 / (double)(i + 1);
		w->sums[i] = sum;
	}
	return AG_OK;
}

void
workload_fini(struct workload *w)
{
	free(w->sums);
	w->sums = NULL;
}

enum workload_operation
workload_next_operation(struct workload *w)
{
	uint64_t sum = 0, at;
	size_t i;

	for (i = 0; i < WORKLOAD_OPERATIONS; i++)
		sum += w->config.weights[i];
	AG_ASSERT(sum > 0);
	at = workload_random(&w->state) % sum;
	for (i = 0; at >= w->config.weights[i]; i++)
		at -= w->config.weights[i];
	return (enum workload_operation)i;
}

/* A number from 0 to below 1, of 53 bits. */
static double
next_fraction(struct workload *w)
{
	return (double)(workload_random(&w->state) >> 11) / 9007199254740992.0;
}

uint64_t
workload_next_key(struct workload *w)
{
	uint64_t low = 0, high = w->config.keys - 1, middle;
	double wanted;

	if (w->sums == NULL)
		return workload_random(&w->state) % w->config.keys;
	wanted = next_fraction(w) * w->sums[high];
	while (low < high) {
		middle = low + (high - low) / 2;
		if (w->sums[middle] > wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
