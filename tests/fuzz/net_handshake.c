/*
 * Hostile handshake messages, and hostile streams of frames around them.
 *
 * The first byte says which end listens; the rest is the stream a link would
 * feed its parser.  The oracle: without the other's node key, no stream may
 * end in DONE, a failed machine stays failed, and answers fit their bound.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "codec/frame.h"
#include "crypto/sign.h"
#include "crypto/signer.h"
#include "net/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct roster roster;
static struct secret *node_key;
static struct signer signer;

static void
set_up(void)
{
	static const uint8_t seed[SIGN_SEED_BYTES] = { 1 };
	static const uint8_t other_seed[SIGN_SEED_BYTES] = { 2 };
	struct secret *other = NULL;

	if (node_key != NULL)
		return;
	if (sodium_init() < 0 ||
	    sign_key_from_seed(&node_key, seed, NULL) != AG_OK ||
	    sign_key_from_seed(&other, other_seed, NULL) != AG_OK)
		abort();
	roster.member_count = 2;
	roster.epoch = 1;
	signer_of_key(&signer, node_key);
	sign_public(roster.members[0].node_key, node_key);
	sign_public(roster.members[1].node_key, other);
	memset(roster.members[0].name, 'a', 2);
	memset(roster.members[1].name, 'b', 2);
	/* Nobody keeps the key that could sign an AUTH. */
	secret_free(other);
}

static void
feed(struct handshake *h, struct frame_parser *parser)
{
	struct handshake_output out;
	bool has_failed;
	struct ag_error err;
	struct frame frame;

	while (frame_parser_next(parser, &frame, &err) == AG_OK) {
		has_failed = h->state == HANDSHAKE_FAILED;
		if (handshake_input(h, frame.body, &out, &err) == AG_OK &&
		    has_failed)
			abort();
		if (out.len > HANDSHAKE_BYTES_MAX ||
		    h->state == HANDSHAKE_DONE ||
		    h->state == HANDSHAKE_WAIT_READY ||
		    h->state == HANDSHAKE_WAIT_READY_ACK)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t nonce[HANDSHAKE_NONCE_BYTES];
	struct handshake_config config = {
		.roster = &roster,
		.peer = 1,
		.instance = 1,
		.nonce = nonce,
		.self_link_key = roster.members[0].link_key,
		.peer_link_key = roster.members[1].link_key,
	};
	struct handshake_output out;
	struct frame_parser parser;
	struct handshake h;
	struct ag_error err;
	size_t half;

	if (len == 0)
		return 0;
	set_up();
	config.signer = &signer;
	config.is_dialler = (data[0] & 1) != 0;
	config.kind = (data[0] & 2) != 0 ? LINK_BULK : LINK_PEER;
	handshake_init(&h, &config);
	if (config.is_dialler)
		handshake_start(&h, &out);
	frame_parser_init(&parser, 1U << FRAME_CONTROL);
	/* In two pieces: where a stream is cut must not matter. */
	half = 1 + (len - 1) / 2;
	if (frame_parser_feed(&parser, bytes_of(data + 1, half - 1), &err) ==
	    AG_OK) {
		feed(&h, &parser);
		if (frame_parser_feed(&parser,
			bytes_of(data + half, len - half), &err) == AG_OK)
			feed(&h, &parser);
	}
	frame_parser_fini(&parser);
	return 0;
}
