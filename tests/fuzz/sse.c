/*
 * Event streams: however they are cut into pieces, the same events come out.
 * The first byte says how long the pieces are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "client/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define EVENT_MAX 4096

/* Everything the callback was given, one after another. */
static bool
record(void *arg, const struct sse_event *event)
{
	struct buf *out = arg;

	if (buf_append(out, event->name, strlen(event->name) + 1) != AG_OK ||
	    buf_append(out, event->id, strlen(event->id) + 1) != AG_OK ||
	    buf_append(out, event->data.data, event->data.len) != AG_OK ||
	    buf_append(out, "\n", 1) != AG_OK)
		abort();
	return true;
}

static enum ag_status
feed(struct buf *out, const uint8_t *data, size_t len, size_t piece)
{
	enum ag_status status = AG_OK;
	struct sse_parser p;
	size_t at;

	sse_init(&p, EVENT_MAX, record, out);
	for (at = 0; at < len && status == AG_OK; at += piece)
		status = sse_feed(&p,
		    bytes_of(data + at, len - at < piece ? len - at : piece));
	sse_fini(&p);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf whole, cut;
	enum ag_status status;

	if (len < 2)
		return 0;
	buf_init(&whole, SIZE_MAX / 2);
	buf_init(&cut, SIZE_MAX / 2);
	status = feed(&whole, data + 1, len - 1, len);
	if (feed(&cut, data + 1, len - 1, (size_t)data[0] + 1) != status)
		abort();
	if (!bytes_equal(buf_bytes(&whole), buf_bytes(&cut)))
		abort();
	buf_fini(&whole);
	buf_fini(&cut);
	return 0;
}
