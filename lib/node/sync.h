/*
 * State transfer between members: SYNC_REQUEST, SYNC_RESPONSE, DATA_CHUNK,
 * DATA_ACK on the bulk session.
 *
 * Ownership  sync_new() hands out a handle, sync_free() takes it back, before
 *            the snapshots are freed, which it may still wait for.  What was
 *            fetched of a state stays where it is, for the next start.
 * Threads    the loop's; making, judging and storing runs on the pool.
 */
#ifndef AEGIS_NODE_SYNC_H
#define AEGIS_NODE_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"
#include "node/snapshots.h"
#include "trust/chain.h"
#include "trust/roster.h"

struct keyring;
struct loop;
struct sync;

struct sync_config {
	struct loop *loop;
	struct snapshots *snapshots;
	struct keyring *keyring; /* for a state that is fetched, or NULL */
	struct roster *roster;   /* borrowed, */
	const struct chain_start *start; /* as is what its epoch begins with */
	uint32_t self;
	const struct authority *authority; /* of ours, to sign what we serve */
	void *authority_ctx;
	const char *dir; /* where a state is fetched to; copied */
	struct metric_set *metrics;
	void *arg;
	/* One frame of the bulk class, its parts laid end to end. */
	enum ag_status (*send)(void *arg, uint32_t member,
	    const struct bytes *parts, size_t count);
	/* This member signed for a wrong part: evidence (trust/evidence.h). */
	void (*evidence)(void *arg, uint32_t member, struct bytes file);
	/* A verified state stands ready in dir; put it in place. */
	void (*ready)(void *arg, const char *dir, uint64_t seq,
	    const struct digest *digest, struct bytes certificate);
};

/* NULL without memory. */
struct sync *sync_new(const struct sync_config *config);
void sync_free(struct sync *sync);

/* We are behind checkpoint seq: fetch a state at or above it. */
void sync_fetch(struct sync *sync, uint64_t seq, uint32_t members);

/*
 * Not needed any more: what was missing came by the log.  Nor is what an
 * earlier start has left of a fetch.
 */
void sync_cancel(struct sync *sync);

bool sync_is_fetching(const struct sync *sync);

/* How far a fetch is; all 0 when there is none. */
struct sync_progress {
	uint64_t seq;     /* the state's; 0: none was offered yet */
	uint64_t bytes;   /* fetched and right */
	uint64_t total;   /* about */
	uint32_t members; /* who gives it: a bit for each */
};

void sync_progress(const struct sync *sync, struct sync_progress *progress);

/* A frame of the bulk class from member. */
void sync_frame(struct sync *sync, uint32_t member, struct bytes body);

#endif
