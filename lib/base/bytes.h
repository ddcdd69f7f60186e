/*
 * Borrowed byte ranges, and a buffer that grows to a stated bound.
 *
 * Ownership  struct bytes never owns; struct buf owns its memory, which
 *            buf_fini() returns.
 * Threads    none of its own.
 */
#ifndef AEGIS_BASE_BYTES_H
#define AEGIS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"

struct bytes {
	const uint8_t *data;
	size_t len;
};

static inline struct bytes
bytes_of(const void *data, size_t len)
{
	return (struct bytes){ .data = data, .len = len };
}

static inline struct bytes
bytes_from_text(const char *text)
{
	return bytes_of(text, strlen(text));
}

/* Equal in length and content.  Not for secrets: see crypto/secret.h. */
bool bytes_equal(struct bytes a, struct bytes b);

/* memcmp order, a shorter prefix first: <0, 0, >0. */
int bytes_compare(struct bytes a, struct bytes b);

bool bytes_has_prefix(struct bytes whole, struct bytes prefix);

/*
 * A growable buffer.  It never grows past max; zeroed memory with max set is
 * a valid empty buffer.
 */
struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max;
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);

/* Make room for len more bytes.  AG_ELIMIT past max, AG_ENOMEM. */
enum ag_status buf_reserve(struct buf *b, size_t len) AG_MUST_USE;
enum ag_status buf_append(struct buf *b, const void *data,
    size_t len) AG_MUST_USE;
enum ag_status buf_printf(struct buf *b, const char *fmt, ...)
    AG_PRINTF(2, 3) AG_MUST_USE;

/* Drop the first len bytes, moving the rest down. */
void buf_consume(struct buf *b, size_t len);

static inline void
buf_clear(struct buf *b)
{
	b->len = 0;
}

static inline struct bytes
buf_bytes(const struct buf *b)
{
	return bytes_of(b->data, b->len);
}

#endif
