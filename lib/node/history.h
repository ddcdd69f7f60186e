/*
 * History for members that were away: committed batches from our log.
 *
 * What lies below the stable checkpoint is in no engine's memory.  The log
 * still has some of it, and a member sent the batches it lacks need not be
 * sent the whole state.
 *
 * Ownership  history_new() hands out a handle, history_free() takes it back,
 *            before the links are gone.
 * Threads    the loop's; reading happens on the loop's pool.
 */
#ifndef AEGIS_NODE_HISTORY_H
#define AEGIS_NODE_HISTORY_H

#include <stdint.h>

#include "base/bytes.h"

struct history;
struct keyring;
struct loop;

struct history_config {
	struct loop *loop;
	const char *log_dir;     /* borrowed */
	struct keyring *keyring; /* what it is sealed with, or NULL */
	void *arg;
	/* A record's number from which on all of seq and above are, or 0. */
	uint64_t (*find)(void *arg, uint64_t seq);
	/* One COMMITTED message for a member. */
	void (*send)(void *arg, uint32_t member, struct bytes message);
};

/* NULL without memory. */
struct history *history_new(const struct history_config *config);
void history_free(struct history *history);

/*
 * member has executed everything below seq: send it some of what follows,
 * unless that is on its way already.  Asked twice for the same it begins
 * anew.  What the log no longer has is not sent.
 */
void history_send(struct history *history, uint32_t member, uint64_t seq);

#endif
