/*
 * What a link says for itself once it is up: HEARTBEAT, HEARTBEAT_ACK, GOODBYE
 * and LINK_KEY, KEY_STEP and SEALED; and the name by which a dialler shows a certificate.
 *
 * INPUT   u8: how far our clock is, in a shift | the message's body
 *
 * Oracle: a heartbeat that is taken encodes to the same bytes; a round trip
 * is never longer than is borne, and adds up; a goodbye's text is printable,
 * ends where it should, and says the same when it is told again; a link key
 * and a name that are taken are written the same, and nobody signed them.
 */
#include <stdint.h>
#include <string.h>

#include "codec/message.h"
#include "net/handshake.h"
#include "net/heartbeat.h"
#include "net/sealed.h"
#include "net/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SILENT_US 10000000
#define TEXT_BYTES 128

static void
take_heartbeat(struct bytes body, uint64_t now_us)
{
	uint8_t out[HEARTBEAT_BYTES_MAX];
	struct heartbeat beat;
	struct bytes again;
	uint64_t took;

	if (heartbeat_decode(&beat, body) != AG_OK)
		return;
	again = heartbeat_encode(out, &beat);
	AG_ASSERT(bytes_compare(body, again) == 0);
	if (!heartbeat_round_trip(&beat, now_us, SILENT_US, &took))
		return;
	AG_ASSERT(took <= SILENT_US);
	AG_ASSERT(beat.stamp + took == now_us);
}

static void
take_goodbye(struct bytes body, size_t cap)
{
	char text[TEXT_BYTES], again[TEXT_BYTES];
	struct handshake_output out;
	size_t i;

	memset(text, 0xff, sizeof(text));
	if (handshake_goodbye_text(text, cap, body) != AG_OK)
		return;
	AG_ASSERT(memchr(text, 0, cap) != NULL);
	AG_ASSERT(cap == sizeof(text) || (uint8_t)text[cap] == 0xff);
	for (i = 0; text[i] != '\0'; i++)
		AG_ASSERT(text[i] >= 0x20 && text[i] < 0x7f);
	handshake_goodbye(&out, text);
	AG_ASSERT(out.len > 0 && out.len <= HANDSHAKE_BYTES_MAX);
	AG_ASSERT(handshake_goodbye_text(again, sizeof(again),
		      bytes_of(out.data, out.len)) == AG_OK);
	AG_ASSERT(strcmp(text, again) == 0);
}

static void
take_link_key(struct bytes body)
{
	static const uint8_t nobody[PUBLIC_KEY_BYTES], cluster[32];
	const struct link_holder holder = { cluster, nobody, nobody };
	struct link_certificate certificate;
	struct handshake_output out;

	if (handshake_link_key_open(&certificate, body) != AG_OK)
		return;
	handshake_link_key(&out, &certificate);
	AG_ASSERT(bytes_compare(body, bytes_of(out.data, out.len)) == 0);
	AG_ASSERT(!link_certificate_is_valid(&certificate, &holder));
}

static void
take_step(struct bytes body)
{
	uint8_t out[SEALED_BYTES_MAX];
	struct key_step step;

	if (sealed_step_decode(&step, body) == AG_OK)
		AG_ASSERT(
		    bytes_compare(body, sealed_step_encode(out, &step)) == 0);
}

/* Nobody but the other end, which is not there, seals what opens. */
static void
take_sealed(struct bytes body)
{
	static struct datagram_keys *keys;
	uint8_t half[DATAGRAM_PUBLIC_BYTES], plain[SEALED_BYTES_MAX];
	struct datagram_start start = { .their_public = half };
	struct secret *own = NULL;
	size_t len;

	if (keys == NULL) {
		own = datagram_ephemeral(half);
		start.ephemeral = own;
		AG_ASSERT(
		    own != NULL && datagram_keys_new(&keys, &start) == AG_OK);
		secret_free(own);
	}
	AG_ASSERT(sealed_decode(plain, &len, keys, body, 0) != AG_OK);
	AG_ASSERT(len == 0);
}

static void
take_user(struct bytes body)
{
	char user[2 * TRANSPORT_USER_BYTES], again[TRANSPORT_USER_BYTES];
	struct link_certificate certificate;
	uint8_t node_key[PUBLIC_KEY_BYTES];

	if (body.len >= sizeof(user))
		return;
	memcpy(user, body.data, body.len);
	user[body.len] = '\0';
	if (!transport_user_parse(user, node_key, &certificate) ||
	    (certificate.serial == 0 && strcmp(user, TRANSPORT_USER) != 0))
		return;
	transport_user(again, node_key, &certificate);
	AG_ASSERT(strcmp(user, again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes body;
	uint64_t type;

	if (len == 0)
		return 0;
	body = bytes_of(data + 1, len - 1);
	type = message_type_of(body);
	AG_ASSERT(message_name(type) == NULL ||
	    message_class(type) < FRAME_CLASS_COUNT);
	take_heartbeat(body, UINT64_MAX >> (data[0] & 63));
	take_goodbye(body, TEXT_BYTES);
	take_goodbye(body, 1 + data[0] % TEXT_BYTES);
	take_link_key(body);
	take_step(body);
	take_sealed(body);
	take_user(body);
	return 0;
}
