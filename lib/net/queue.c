/*
 * Outgoing frames, by class and bounded in bytes.
 *
 * RULES    1. Control goes first, always: view changes and heartbeats must
 *             get through a link that is full of everything else.
 *          2. The other classes share by weight (deficit round robin), so
 *             that votes come before client traffic but nothing starves.
 *          3. Within a class, first in is first out.
 *          4. A queue never grows past its bound, except that an empty one
 *             takes any single frame its class allows.
 */
#include "net/queue.h"

#include <stdlib.h>
#include <string.h>

#define RING_FIRST 64
#define RING_MAX 65536

static const struct {
	size_t bytes_max;
	int64_t quantum; /* bytes of one round */
} class_rules[FRAME_CLASS_COUNT] = {
	[FRAME_CONTROL] = { 8U << 20, 0 },
	[FRAME_CONSENSUS] = { 8U << 20, 128 << 10 },
	[FRAME_CLIENT] = { 4U << 20, 48 << 10 },
	[FRAME_GOSSIP] = { 256U << 10, 8 << 10 },
	[FRAME_BULK] = { 4U << 20, 32 << 10 },
};

struct net_frame *
net_frame_new(enum frame_class class, const struct bytes *parts, size_t count)
{
	struct net_frame *frame;
	size_t len = 0, at = FRAME_HEAD_BYTES, i;

	for (i = 0; i < count; i++)
		len += parts[i].len;
	frame = malloc(sizeof(*frame) + FRAME_HEAD_BYTES + len);
	if (frame == NULL)
		return NULL;
	atomic_init(&frame->references, 1);
	frame->class = class;
	frame->len = FRAME_HEAD_BYTES + len;
	frame_head(frame->data, class, len);
	for (i = 0; i < count; i++) {
		if (parts[i].len > 0)
			memcpy(frame->data + at, parts[i].data, parts[i].len);
		at += parts[i].len;
	}
	return frame;
}

void
net_frame_ref(struct net_frame *frame)
{
	atomic_fetch_add_explicit(&frame->references, 1, memory_order_relaxed);
}

void
net_frame_unref(struct net_frame *frame)
{
	if (frame != NULL &&
	    atomic_fetch_sub_explicit(&frame->references, 1,
		memory_order_acq_rel) == 1)
		free(frame);
}

void
send_queue_init(struct send_queue *q)
{
	*q = (struct send_queue){ .dropped = 0 };
}

static struct net_frame *
ring_take(struct frame_ring *ring)
{
	struct net_frame *frame;

	if (ring->count == 0)
		return NULL;
	frame = ring->slots[ring->first];
	ring->first = (ring->first + 1) % ring->cap;
	ring->count--;
	ring->bytes -= frame->len;
	return frame;
}

static enum ag_status
ring_grow(struct frame_ring *ring)
{
	size_t cap = ring->cap == 0 ? RING_FIRST : ring->cap * 2, i;
	struct net_frame **slots;

	if (cap > RING_MAX)
		return AG_ELIMIT;
	slots = calloc(cap, sizeof(struct net_frame *));
	if (slots == NULL)
		return AG_ENOMEM;
	for (i = 0; i < ring->count; i++)
		slots[i] = ring->slots[(ring->first + i) % ring->cap];
	free(ring->slots);
	ring->slots = slots;
	ring->cap = cap;
	ring->first = 0;
	return AG_OK;
}

void
send_queue_clear(struct send_queue *q)
{
	struct net_frame *frame;
	size_t i;

	for (i = 0; i < FRAME_CLASS_COUNT; i++) {
		while ((frame = ring_take(&q->rings[i])) != NULL) {
			net_frame_unref(frame);
			q->dropped++;
		}
		q->credit[i] = 0;
	}
}

void
send_queue_fini(struct send_queue *q)
{
	size_t i;

	send_queue_clear(q);
	for (i = 0; i < FRAME_CLASS_COUNT; i++)
		free(q->rings[i].slots);
	*q = (struct send_queue){ .dropped = q->dropped };
}

size_t send_queue_bytes_max(enum frame_class class)
{
	return class_rules[class].bytes_max;
}

/* Make room in one ring by giving up its oldest frames. */
static void
ring_make_room(struct send_queue *q, struct frame_ring *ring, size_t len,
    size_t bytes_max)
{
	while (ring->count > 0 &&
	    (ring->bytes + len > bytes_max || ring->count == RING_MAX)) {
		net_frame_unref(ring_take(ring));
		q->dropped++;
	}
}

enum ag_status
send_queue_push(struct send_queue *q, struct net_frame *frame)
{
	struct frame_ring *ring = &q->rings[frame->class];
	size_t bytes_max = class_rules[frame->class].bytes_max;

	if (frame->class == FRAME_BULK && ring->count > 0 &&
	    ring->bytes + frame->len > bytes_max)
		return AG_ELIMIT;
	ring_make_room(q, ring, frame->len, bytes_max);
	if (ring->count == ring->cap && ring_grow(ring) != AG_OK) {
		q->dropped++;
		return AG_ENOMEM;
	}
	net_frame_ref(frame);
	ring->slots[(ring->first + ring->count) % ring->cap] = frame;
	ring->count++;
	ring->bytes += frame->len;
	return AG_OK;
}

/* The most urgent class that has frames and credit; else refill and retry. */
static enum frame_class
queue_choose(struct send_queue *q, uint32_t classes)
{
	bool has_frames;
	unsigned i;

	if ((classes >> FRAME_CONTROL & 1) != 0 &&
	    q->rings[FRAME_CONTROL].count > 0)
		return FRAME_CONTROL;
	do {
		has_frames = false;
		for (i = FRAME_CONSENSUS; i < FRAME_CLASS_COUNT; i++) {
			if ((classes >> i & 1) == 0 || q->rings[i].count == 0)
				continue;
			has_frames = true;
			if (q->credit[i] > 0)
				return (enum frame_class)i;
		}
		for (i = FRAME_CONSENSUS; i < FRAME_CLASS_COUNT; i++)
			if ((classes >> i & 1) != 0 && q->rings[i].count > 0)
				q->credit[i] += class_rules[i].quantum;
	} while (has_frames);
	return FRAME_CLASS_COUNT;
}

struct net_frame *
send_queue_pop(struct send_queue *q, uint32_t classes)
{
	enum frame_class class = queue_choose(q, classes);
	struct net_frame *frame;

	if (class == FRAME_CLASS_COUNT)
		return NULL;
	frame = ring_take(&q->rings[class]);
	if (class != FRAME_CONTROL) {
		q->credit[class] -= (int64_t)frame->len;
		/* Credit is for those who wait, not to be saved up. */
		if (q->rings[class].count == 0)
			q->credit[class] = 0;
	}
	return frame;
}

size_t
send_queue_bytes(const struct send_queue *q)
{
	size_t bytes = 0, i;

	for (i = 0; i < FRAME_CLASS_COUNT; i++)
		bytes += q->rings[i].bytes;
	return bytes;
}
