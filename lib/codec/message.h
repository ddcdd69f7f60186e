/*
 * The table of wire messages: every number a peer may send, once.
 *
 * aegis-wire(7) describes the fields.  Numbers are never reused.
 */
#ifndef AEGIS_CODEC_MESSAGE_H
#define AEGIS_CODEC_MESSAGE_H

#include <stdint.h>

#include "base/bytes.h"
#include "codec/frame.h"

/* X(NAME, number, class) */
#define MESSAGE_TABLE(X)                      \
	X(HELLO, 1, FRAME_CONTROL)            \
	X(HELLO_ACK, 2, FRAME_CONTROL)        \
	X(AUTH, 3, FRAME_CONTROL)             \
	X(AUTH_ACK, 4, FRAME_CONTROL)         \
	X(READY, 5, FRAME_CONTROL)            \
	X(READY_ACK, 6, FRAME_CONTROL)        \
	X(HEARTBEAT, 7, FRAME_CONTROL)        \
	X(HEARTBEAT_ACK, 8, FRAME_CONTROL)    \
	X(GOODBYE, 9, FRAME_CONTROL)          \
	X(EPOCH, 10, FRAME_CONTROL)           \
	X(LINK_KEY, 11, FRAME_CONTROL)        \
	X(KEY_STEP, 12, FRAME_CONTROL)        \
	X(KEY_STEP_ACK, 13, FRAME_CONTROL)    \
	X(SEALED, 14, FRAME_CONTROL)          \
	X(REQUEST, 16, FRAME_CLIENT)          \
	X(PRE_PREPARE, 17, FRAME_CONSENSUS)   \
	X(VOTES, 18, FRAME_CONSENSUS)         \
	X(VIEW_CHANGE, 19, FRAME_CONTROL)     \
	X(NEW_VIEW, 20, FRAME_CONTROL)        \
	X(PROGRESS, 21, FRAME_CONTROL)        \
	X(FETCH, 22, FRAME_CONTROL)           \
	X(BATCH, 23, FRAME_CONSENSUS)         \
	X(COMMITTED, 24, FRAME_CONSENSUS)     \
	X(CHECKPOINT, 25, FRAME_CONTROL)      \
	X(VOTE_PROOFS, 26, FRAME_CONSENSUS)   \
	X(RECALL, 27, FRAME_CONTROL)          \
	X(RECALLED, 28, FRAME_CONTROL)        \
	X(APPEND, 29, FRAME_CONSENSUS)        \
	X(APPEND_ANSWER, 30, FRAME_CONSENSUS) \
	X(TIMEOUT_NOW, 31, FRAME_CONTROL)     \
	X(NODE_STATUS, 32, FRAME_GOSSIP)      \
	X(LOG_BASE, 33, FRAME_CONTROL)        \
	X(VOTE_REQUEST, 34, FRAME_CONTROL)    \
	X(VOTE_ANSWER, 35, FRAME_CONTROL)     \
	X(READ_INDEX, 36, FRAME_CONTROL)      \
	X(READ_ANSWER, 37, FRAME_CONTROL)     \
	X(CONFIRM, 38, FRAME_CONTROL)         \
	X(CONFIRMED, 39, FRAME_CONTROL)       \
	X(FOLLOW, 40, FRAME_CONTROL)          \
	X(SYNC_REQUEST, 48, FRAME_BULK)       \
	X(SYNC_RESPONSE, 49, FRAME_BULK)      \
	X(DATA_CHUNK, 50, FRAME_BULK)         \
	X(DATA_ACK, 51, FRAME_BULK)

enum message_type {
#define MESSAGE_ENUM(name, number, class) MESSAGE_##name = (number),
	MESSAGE_TABLE(MESSAGE_ENUM)
#undef MESSAGE_ENUM
};

/* "PRE_PREPARE", or NULL for a number not in the table. */
const char *message_name(uint64_t type);

/* The class a message travels in; FRAME_CLASS_COUNT when not in the table. */
enum frame_class message_class(uint64_t type);

/* The message number of a frame's body, 0 when it has none. */
uint64_t message_type_of(struct bytes body);

#endif
