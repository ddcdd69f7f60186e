/*
 * Heartbeats as messages.
 *
 * FORMAT   HEARTBEAT      [7, stamp]
 *          HEARTBEAT_ACK  [8, stamp], the stamp as it was sent
 *
 * RULES    1. A stamp that comes back is a claim: it counts only when it
 *             lies in the time in which an answer would still be waited for.
 *
 * NOT HERE When to ask, and when silence ends a link (io.c).
 */
#include "net/heartbeat.h"

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/message.h"

struct bytes
heartbeat_encode(uint8_t out[static HEARTBEAT_BYTES_MAX],
    const struct heartbeat *beat)
{
	struct bytes body;
	struct encoder e;

	encoder_init(&e, out, HEARTBEAT_BYTES_MAX);
	encoder_put_array(&e, 2);
	encoder_put_uint(&e,
	    beat->is_answer ? MESSAGE_HEARTBEAT_ACK : MESSAGE_HEARTBEAT);
	encoder_put_uint(&e, beat->stamp);
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	return body;
}

enum ag_status
heartbeat_decode(struct heartbeat *beat, struct bytes body)
{
	struct decoder d;
	uint64_t type;

	decoder_init(&d, body);
	decoder_expect_array(&d, 2);
	type = decoder_get_uint(&d);
	if (type != MESSAGE_HEARTBEAT && type != MESSAGE_HEARTBEAT_ACK)
		decoder_fail(&d, "not a heartbeat");
	beat->is_answer = type == MESSAGE_HEARTBEAT_ACK;
	beat->stamp = decoder_get_uint(&d);
	return decoder_finish(&d, NULL) == AG_OK ? AG_OK : AG_EPROTO;
}

bool
heartbeat_round_trip(const struct heartbeat *answer, uint64_t now_us,
    uint64_t max_us, uint64_t *took_us)
{
	*took_us = 0;
	if (answer->stamp > now_us || now_us - answer->stamp > max_us)
		return false;
	*took_us = now_us - answer->stamp;
	return true;
}
