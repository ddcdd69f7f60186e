/*
 * Frames: how messages follow one another on a peer link.
 *
 * FORMAT  u32 length, little-endian | u8 class | length bytes of body.
 *         The body is one canonical CBOR array whose first element is the
 *         message's number in codec/message.h.  length counts the body only.
 *
 * A parser holds at most one frame's bytes, grows as bytes arrive (never by
 * the claimed length) and refuses a length over its class's bound before
 * the body begins.
 *
 * Ownership  frame_parser owns its buffer; a frame handed out is borrowed
 *            until the next call.
 */
#ifndef AEGIS_CODEC_FRAME_H
#define AEGIS_CODEC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

#define FRAME_HEAD_BYTES 5

/* Lower is more urgent; each class has its own bound and queue. */
enum frame_class {
	FRAME_CONTROL,   /* handshake, heartbeat, view change, checkpoint */
	FRAME_CONSENSUS, /* proposals and votes */
	FRAME_CLIENT,    /* forwarded requests */
	FRAME_GOSSIP,    /* what needs no agreement */
	FRAME_BULK,      /* state transfer, on its own session */
	FRAME_CLASS_COUNT
};

#define FRAME_CONTROL_BYTES_MAX (4U << 20)
#define FRAME_CONSENSUS_BYTES_MAX (4U << 20)
#define FRAME_CLIENT_BYTES_MAX (4U << 20)
#define FRAME_GOSSIP_BYTES_MAX (64U << 10)
#define FRAME_BULK_BYTES_MAX ((256U << 10) + 1024)

/* Largest body of a class in bytes. */
size_t frame_bytes_max(enum frame_class class);

const char *frame_class_name(enum frame_class class);

struct frame {
	enum frame_class class;
	struct bytes body;
};

/* Write the five head bytes for a body of len bytes. */
void frame_head(uint8_t out[static FRAME_HEAD_BYTES], enum frame_class class,
    size_t len);

struct frame_parser {
	struct buf held;
	size_t taken;     /* bytes of held that the last frame covered */
	uint32_t classes; /* bit per class this parser accepts */
};

/* classes: 1 << enum frame_class, or'ed, that may arrive here. */
void frame_parser_init(struct frame_parser *p, uint32_t classes);
void frame_parser_fini(struct frame_parser *p);

/*
 * Feed bytes.  All of data is consumed on AG_OK.
 * AG_EPROTO  a head claims too much or a class not accepted here
 */
enum ag_status frame_parser_feed(struct frame_parser *p, struct bytes data,
    struct ag_error *err) AG_MUST_USE;

/* The next whole frame, or AG_EAGAIN when none is complete. */
enum ag_status frame_parser_next(struct frame_parser *p, struct frame *frame,
    struct ag_error *err) AG_MUST_USE;

#endif
