/*
 * What is sealed with the keys of datagrams, as messages of a link.
 *
 * FORMAT   KEY_STEP      [12, step, public half]
 *          KEY_STEP_ACK  [13, step, public half]
 *          SEALED        [14, datagram (net/datagram_key.c)]
 *
 * Heartbeats of a link go sealed.  Inside SSH that hides nothing more; it has
 * both ends prove, all the time, that they have the same keys.
 */
#include "net/sealed.h"

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/message.h"

struct bytes
sealed_step_encode(uint8_t out[static SEALED_BYTES_MAX],
    const struct key_step *step)
{
	struct bytes body;
	struct encoder e;

	encoder_init(&e, out, SEALED_BYTES_MAX);
	encoder_put_array(&e, 3);
	encoder_put_uint(&e,
	    step->is_answer ? MESSAGE_KEY_STEP_ACK : MESSAGE_KEY_STEP);
	encoder_put_uint(&e, step->step);
	encoder_put_bytes(&e,
	    bytes_of(step->public_half, sizeof(step->public_half)));
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	return body;
}

enum ag_status
sealed_step_decode(struct key_step *step, struct bytes body)
{
	struct decoder d;
	uint64_t type;

	decoder_init(&d, body);
	decoder_expect_array(&d, 3);
	type = decoder_get_uint(&d);
	if (type != MESSAGE_KEY_STEP && type != MESSAGE_KEY_STEP_ACK)
		decoder_fail(&d, "not a step of keys");
	step->is_answer = type == MESSAGE_KEY_STEP_ACK;
	step->step = decoder_get_uint(&d);
	decoder_get_fixed(&d, step->public_half, sizeof(step->public_half));
	return decoder_finish(&d, NULL) == AG_OK ? AG_OK : AG_EPROTO;
}

enum ag_status
sealed_encode(uint8_t out[static SEALED_BYTES_MAX], struct bytes *body,
    struct datagram_keys *keys, struct bytes plain, uint64_t now_us)
{
	struct encoder e;
	uint8_t *place;

	AG_ASSERT(plain.len <= SEALED_PLAIN_MAX);
	encoder_init(&e, out, SEALED_BYTES_MAX);
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_SEALED);
	place = encoder_put_bytes_inplace(&e, plain.len + DATAGRAM_OVERHEAD);
	AG_ASSERT(place != NULL && encoder_finish(&e, body) == AG_OK);
	return datagram_seal(keys, place, plain, now_us);
}

enum ag_status
sealed_decode(uint8_t plain[static SEALED_BYTES_MAX], size_t *len,
    struct datagram_keys *keys, struct bytes body, uint64_t now_us)
{
	struct bytes datagram;
	struct decoder d;

	*len = 0;
	decoder_init(&d, body);
	decoder_expect_array(&d, 2);
	if (decoder_get_uint(&d) != MESSAGE_SEALED)
		decoder_fail(&d, "not a sealed message");
	datagram =
	    decoder_get_bytes_max(&d, SEALED_PLAIN_MAX + DATAGRAM_OVERHEAD);
	if (decoder_finish(&d, NULL) != AG_OK)
		return AG_EPROTO;
	return datagram_open(keys, plain, len, datagram, now_us);
}
