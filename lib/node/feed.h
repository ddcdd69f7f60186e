/*
 * Feeding observers: what a member sends to those who follow, and all that
 * it takes from them.
 *
 * Nothing an observer sends reaches the agreement engine but a request that
 * is rightly signed.
 *
 * Ownership  feed_new() hands out a handle, feed_free() takes it back, before
 *            the links are gone.
 * Threads    the loop's.
 */
#ifndef AEGIS_NODE_FEED_H
#define AEGIS_NODE_FEED_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "trust/certificate.h"
#include "trust/roster.h"

struct feed;

struct feed_config {
	const struct roster *roster; /* borrowed, with observers */
	const struct trust_scope *scope;
	const struct authority *authority;
	void *authority_ctx;
	uint64_t delivered; /* decided here so far */
	struct metric_set *metrics;
	void *arg;
	/* One message for the nodes in the set. */
	void (*send)(void *arg, uint32_t nodes, struct bytes message);
	/* What is in no memory: send it from the log, if that has it. */
	void (*history)(void *arg, uint32_t node, uint64_t seq);
	/* Have this request ordered, which its principal signed. */
	void (*submit)(void *arg, struct bytes envelope);
	/* Bytes of requests that wait to be ordered. */
	size_t (*waiting)(void *arg);
	/* Somebody waits for a certified checkpoint. */
	void (*want_checkpoint)(void *arg);
};

/* NULL without memory. */
struct feed *feed_new(const struct feed_config *config);
void feed_free(struct feed *feed);

/* A message from an observer. */
void feed_message(struct feed *feed, uint32_t node, struct bytes body,
    uint64_t now_us);

/* A batch was decided, and this certificate says so. */
void feed_decided(struct feed *feed, uint64_t seq, struct bytes certificate,
    struct bytes batch);

/* A checkpoint is stable. */
void feed_stable(struct feed *feed, uint64_t seq, struct bytes certificate);

/* Where an observer says it stands; all 0: it said nothing yet. */
struct feed_told {
	uint64_t applied;
	uint64_t stable;
	uint64_t lag; /* behind what was decided here when it told */
};

void feed_told(const struct feed *feed, uint32_t node, struct feed_told *told);

#endif
