/*
 * What waits to be sent to one member: frames by class, bounded.
 *
 * A frame is encoded once and shared by the queues of all its receivers.
 *
 * Ownership  a queue holds one reference on each of its frames; pop hands
 *            that reference to the caller.
 * Threads    references may be dropped from any thread; a queue belongs to
 *            whoever holds its lock.
 */
#ifndef AEGIS_NET_QUEUE_H
#define AEGIS_NET_QUEUE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/frame.h"

struct net_frame {
	atomic_uint references;
	enum frame_class class;
	size_t len;     /* head and body */
	uint8_t data[]; /* as it goes on the wire */
};

/* One reference; NULL when memory is refused. */
struct net_frame *net_frame_new(enum frame_class class,
    const struct bytes *parts, size_t count);
void net_frame_ref(struct net_frame *frame);
void net_frame_unref(struct net_frame *frame);

struct frame_ring {
	struct net_frame **slots;
	size_t cap;
	size_t first;
	size_t count;
	size_t bytes;
};

struct send_queue {
	struct frame_ring rings[FRAME_CLASS_COUNT];
	int64_t credit[FRAME_CLASS_COUNT];
	uint64_t dropped; /* frames given up for want of room */
};

void send_queue_init(struct send_queue *q);
void send_queue_fini(struct send_queue *q);

/* What one class may hold, in bytes. */
size_t send_queue_bytes_max(enum frame_class class);

/*
 * Add a reference to frame.  A full bulk queue refuses (AG_ELIMIT); a full
 * queue of another class gives up its oldest frames, which the newest have
 * most likely superseded.
 */
enum ag_status send_queue_push(struct send_queue *q,
    struct net_frame *frame) AG_MUST_USE;

/* The next frame for a session that carries these classes, or NULL. */
struct net_frame *send_queue_pop(struct send_queue *q, uint32_t classes);

size_t send_queue_bytes(const struct send_queue *q);

/* Give up everything; what is given up counts as dropped. */
void send_queue_clear(struct send_queue *q);

#endif
