/*
 * A token bucket: how often something may happen, with room for a burst.
 *
 * Time is handed in, so that a bucket can be tested without waiting.
 *
 * Ownership  the caller's storage.
 * Threads    none of its own; one thread at a time.
 */
#ifndef AEGIS_RESOURCE_BUCKET_H
#define AEGIS_RESOURCE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t rate;  /* tokens a second */
	uint64_t burst; /* most tokens at once, at least 1 */
	uint64_t level; /* in millionths of a token */
	uint64_t at_us; /* when level was true */
};

/* Starts full. */
void bucket_init(struct bucket *b, uint64_t rate, uint64_t burst,
    uint64_t now_us);

/* Take count tokens, or none and return false. */
bool bucket_take(struct bucket *b, uint64_t count, uint64_t now_us);

#endif
