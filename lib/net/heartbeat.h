/*
 * HEARTBEAT and HEARTBEAT_ACK: a sign of life, and how long it took.
 *
 * Ownership  the caller's storage.
 * Threads    none of its own.
 */
#ifndef AEGIS_NET_HEARTBEAT_H
#define AEGIS_NET_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

#define HEARTBEAT_BYTES_MAX 16

struct heartbeat {
	bool is_answer;
	uint64_t stamp; /* the asking end's time; nobody else reads it */
};

/* Its message, in out. */
struct bytes heartbeat_encode(uint8_t out[static HEARTBEAT_BYTES_MAX],
    const struct heartbeat *beat);

/* AG_EPROTO when it is none, or one of another shape. */
enum ag_status heartbeat_decode(struct heartbeat *beat,
    struct bytes body) AG_MUST_USE;

/*
 * The time from our question to this answer.  False when the answer can not
 * be to a question of the last max_us: its stamp is ours, but it went through
 * the peer's hands.
 */
bool heartbeat_round_trip(const struct heartbeat *answer, uint64_t now_us,
    uint64_t max_us, uint64_t *took_us);

#endif
