/*
 * What a member does about leases that expire while nothing else is agreed
 * on: it has a batch agreed on, whose time they are past by.
 *
 * Ownership  expiry_new() hands out, expiry_free() takes back.
 * Threads    the loop's.
 */
#ifndef AEGIS_NODE_EXPIRY_H
#define AEGIS_NODE_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metric.h"

/* So much later than the one before is the next member, for one that is away. */
#define EXPIRY_RANK_MS 500

struct expiry;
struct loop;

struct expiry_config {
	struct loop *loop;
	struct metric_set *metrics;
	void *arg;
	/* Where this member stands among all, from 0; theirs is how many. */
	uint32_t (*place)(void *arg, uint32_t *members);
	/* Have a batch agreed on; then expiry_submitted(). */
	void (*submit)(void *arg);
};

/* NULL: no memory. */
struct expiry *expiry_new(const struct expiry_config *config);
void expiry_free(struct expiry *expiry);

/* When a lease expires next, 0 never, as of a batch of this agreed time. */
void expiry_agreed(struct expiry *expiry, uint64_t next_ms, uint64_t time_ms);

/* The batch is agreed on, and told of by expiry_agreed(), or is not. */
void expiry_submitted(struct expiry *expiry, bool is_agreed);

#endif
