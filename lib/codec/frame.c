/*
 * Frame heads and the incremental parser of a link's byte stream.
 *
 * RULES    1. A head is judged as soon as its five bytes are there, before
 *             any of its body is kept.
 *          2. What is held is at most what arrived: the buffer doubles with
 *             arriving bytes and is bounded by the largest accepted class.
 */
#include "codec/frame.h"

static const struct {
	const char *name;
	size_t bytes_max;
} classes[FRAME_CLASS_COUNT] = {
	[FRAME_CONTROL] = { "control", FRAME_CONTROL_BYTES_MAX },
	[FRAME_CONSENSUS] = { "consensus", FRAME_CONSENSUS_BYTES_MAX },
	[FRAME_CLIENT] = { "client", FRAME_CLIENT_BYTES_MAX },
	[FRAME_GOSSIP] = { "gossip", FRAME_GOSSIP_BYTES_MAX },
	[FRAME_BULK] = { "bulk", FRAME_BULK_BYTES_MAX },
};

/* One read of a link may carry the end of one frame and more of others. */
#define FRAME_FEED_BYTES_MAX (1U << 20)

size_t frame_bytes_max(enum frame_class class)
{
	return (unsigned)class < FRAME_CLASS_COUNT ? classes[class].bytes_max
						   : 0;
}

const char *frame_class_name(enum frame_class class)
{
	return (unsigned)class < FRAME_CLASS_COUNT ? classes[class].name
						   : "unknown";
}

void
frame_head(uint8_t out[static FRAME_HEAD_BYTES], enum frame_class class,
    size_t len)
{
	AG_ASSERT(len <= frame_bytes_max(class));
	out[0] = (uint8_t)len;
	out[1] = (uint8_t)(len >> 8);
	out[2] = (uint8_t)(len >> 16);
	out[3] = (uint8_t)(len >> 24);
	out[4] = (uint8_t) class;
}

void
frame_parser_init(struct frame_parser *p, uint32_t accepted)
{
	size_t max = 0;
	unsigned i;

	for (i = 0; i < FRAME_CLASS_COUNT; i++)
		if ((accepted >> i & 1) != 0 && classes[i].bytes_max > max)
			max = classes[i].bytes_max;
	*p = (struct frame_parser){ .classes = accepted };
	buf_init(&p->held, max + FRAME_HEAD_BYTES + FRAME_FEED_BYTES_MAX);
}

void
frame_parser_fini(struct frame_parser *p)
{
	buf_fini(&p->held);
	p->taken = 0;
}

/* Judge the head at the front of what is held; *len is its body's length. */
static enum ag_status
frame_judge(const struct frame_parser *p, size_t at, size_t *len,
    struct ag_error *err)
{
	const uint8_t *h = p->held.data + at;
	size_t body = (size_t)h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16 |
	    (size_t)h[3] << 24;

	*len = body;
	if (h[4] >= FRAME_CLASS_COUNT || (p->classes >> h[4] & 1) == 0)
		return ag_fail(err, AG_EPROTO, "frame class %u not accepted",
		    h[4]);
	if (body == 0 || body > classes[h[4]].bytes_max)
		return ag_fail(err, AG_EPROTO,
		    "%s frame of %zu bytes, at most %zu allowed",
		    classes[h[4]].name, body, classes[h[4]].bytes_max);
	return AG_OK;
}

enum ag_status
frame_parser_feed(struct frame_parser *p, struct bytes data,
    struct ag_error *err)
{
	enum ag_status status;
	size_t len;

	if (p->taken > 0) {
		buf_consume(&p->held, p->taken);
		p->taken = 0;
	}
	status = buf_append(&p->held, data.data, data.len);
	if (status != AG_OK)
		return ag_fail(err, status, "hold %zu bytes of a frame",
		    p->held.len + data.len);
	if (p->held.len >= FRAME_HEAD_BYTES)
		return frame_judge(p, 0, &len, err);
	return AG_OK;
}

enum ag_status
frame_parser_next(struct frame_parser *p, struct frame *frame,
    struct ag_error *err)
{
	size_t left = p->held.len - p->taken, len;
	enum ag_status status;

	if (left < FRAME_HEAD_BYTES)
		return AG_EAGAIN;
	status = frame_judge(p, p->taken, &len, err);
	if (status != AG_OK)
		return status;
	if (left - FRAME_HEAD_BYTES < len)
		return AG_EAGAIN;
	frame->class = (enum frame_class)p->held.data[p->taken + 4];
	frame->body = bytes_of(p->held.data + p->taken + FRAME_HEAD_BYTES, len);
	p->taken += FRAME_HEAD_BYTES + len;
	return AG_OK;
}
