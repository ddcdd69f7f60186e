/*
 * Byte ranges and bounded growable buffers.
 *
 * RULES    1. A buffer doubles, but never past its max: whoever makes one
 *             for a peer's bytes decides there how much that peer may cost.
 *          2. Appending nothing is allowed and touches nothing.
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_BYTES 256

bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int
bytes_compare(struct bytes a, struct bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool
bytes_has_prefix(struct bytes whole, struct bytes prefix)
{
	return whole.len >= prefix.len &&
	    (prefix.len == 0 ||
		memcmp(whole.data, prefix.data, prefix.len) == 0);
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_fini(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = 0;
	b->cap = 0;
}

enum ag_status
buf_reserve(struct buf *b, size_t len)
{
	size_t cap = b->cap == 0 ? BUF_FIRST_BYTES : b->cap;
	uint8_t *data;

	if (len > b->max || b->len > b->max - len)
		return AG_ELIMIT;
	if (b->cap - b->len >= len && b->data != NULL)
		return AG_OK;
	if (cap > b->max)
		cap = b->max;
	while (cap - b->len < len)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	data = realloc(b->data, cap);
	if (data == NULL)
		return AG_ENOMEM;
	b->data = data;
	b->cap = cap;
	return AG_OK;
}

enum ag_status
buf_append(struct buf *b, const void *data, size_t len)
{
	enum ag_status status;

	if (len == 0)
		return AG_OK;
	status = buf_reserve(b, len);
	if (status != AG_OK)
		return status;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return AG_OK;
}

enum ag_status
buf_printf(struct buf *b, const char *fmt, ...)
{
	enum ag_status status;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return AG_EINVAL;
	status = buf_reserve(b, (size_t)len + 1);
	if (status != AG_OK)
		return status;
	va_start(ap, fmt);
	(void)vsnprintf((char *)b->data + b->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
	return AG_OK;
}

void
buf_consume(struct buf *b, size_t len)
{
	AG_ASSERT(len <= b->len);
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}
