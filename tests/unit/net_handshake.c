/*
 * The handshake, without sockets: two machines in one function.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trust/epoch.h"
#include <sodium.h>

#include "base/version.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "crypto/signer.h"
#include "net/handshake.h"

struct pair {
	struct roster rosters[2]; /* what each of the two believes */
	struct secret *node_keys[2];
	struct signer signers[2];
	uint64_t features[2];
	struct handshake ends[2]; /* [0] dials [1] */
	struct handshake_output out;
	struct ag_error err;
};

static int
open_pair(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct roster *roster;
	uint32_t i;

	if (p == NULL || sodium_init() < 0)
		return -1;
	roster = &p->rosters[0];
	roster->epoch = 3;
	roster->member_count = 3;
	memset(roster->cluster_id, 7, sizeof(roster->cluster_id));
	(void)snprintf(roster->cluster_name, ROSTER_NAME_BYTES, "demo");
	for (i = 0; i < 3; i++) {
		(void)snprintf(roster->members[i].name, ROSTER_NAME_BYTES,
		    "n%u", i + 1);
		memset(roster->members[i].link_key, (int)i + 1,
		    PUBLIC_KEY_BYTES);
	}
	for (i = 0; i < 2; i++) {
		if (sign_keypair(&p->node_keys[i], NULL) != AG_OK)
			return -1;
		signer_of_key(&p->signers[i], p->node_keys[i]);
		sign_public(roster->members[i].node_key, p->node_keys[i]);
	}
	p->rosters[1] = p->rosters[0];
	*state = p;
	return 0;
}

static int
close_pair(void **state)
{
	struct pair *p = *state;

	secret_free(p->node_keys[0]);
	secret_free(p->node_keys[1]);
	free(p);
	return 0;
}

static void
begin(struct pair *p, enum link_kind dialled, enum link_kind accepted)
{
	static const uint8_t nonces[2][HANDSHAKE_NONCE_BYTES] = { { 1 },
		{ 2 } };
	struct handshake_config config;
	uint32_t i;

	for (i = 0; i < 2; i++) {
		config = (struct handshake_config){
			.roster = &p->rosters[i],
			.signer = &p->signers[i],
			.kind = i == 0 ? dialled : accepted,
			.is_dialler = i == 0,
			.self = i,
			.peer = 1 - i,
			.features = p->features[i],
			.instance = 40 + i,
			.nonce = nonces[i],
			.self_link_key = p->rosters[i].members[i].link_key,
			.peer_link_key = p->rosters[i].members[1 - i].link_key,
		};
		handshake_init(&p->ends[i], &config);
	}
	handshake_start(&p->ends[0], &p->out);
}

/* Hand what is in out to an end; its answer replaces it. */
static enum ag_status
give(struct pair *p, int to)
{
	struct handshake_output in = p->out;

	return handshake_input(&p->ends[to], bytes_of(in.data, in.len), &p->out,
	    &p->err);
}

static void
both_ends_are_done_after_six_messages(void **state)
{
	struct pair *p = *state;
	int i;

	begin(p, LINK_PEER, LINK_PEER);
	for (i = 0; i < 6; i++) {
		assert_true(p->out.len > 0);
		assert_int_equal(give(p, 1 - i % 2), AG_OK);
	}
	assert_int_equal(p->out.len, 0);
	assert_int_equal(p->ends[0].state, HANDSHAKE_DONE);
	assert_int_equal(p->ends[1].state, HANDSHAKE_DONE);
	assert_int_equal(p->ends[0].version, 1);
	assert_int_equal(p->ends[0].peer.instance, 41);
	assert_int_equal(p->ends[1].peer.instance, 40);
}

static void
both_ends_have_one_transcript_and_the_features_in_common(void **state)
{
	struct pair *p = *state;
	struct signing transcripts[2];
	int i;

	p->features[0] = 3;
	p->features[1] = 2 | 64;
	begin(p, LINK_PEER, LINK_PEER);
	for (i = 0; i < 6; i++)
		assert_int_equal(give(p, 1 - i % 2), AG_OK);
	for (i = 0; i < 2; i++) {
		handshake_transcript(&p->ends[i], &transcripts[i]);
		assert_false(handshake_has(&p->ends[i], 1));
		assert_true(handshake_has(&p->ends[i], 2));
		assert_false(handshake_has(&p->ends[i], 64));
	}
	assert_true(bytes_equal(signing_bytes(&transcripts[0]),
	    signing_bytes(&transcripts[1])));
}

static void
features_changed_on_the_way_are_forged(void **state)
{
	struct pair *p = *state;

	p->features[0] = 3;
	begin(p, LINK_PEER, LINK_PEER);
	/* [1, min, max, features, ...]: one byte each. */
	assert_int_equal(p->out.data[4], 3);
	p->out.data[4] = 1;
	assert_int_equal(give(p, 1), AG_OK);
	assert_int_equal(give(p, 0), AG_OK);
	assert_int_equal(give(p, 1), AG_EFORGED);
}

static void
another_cluster_is_named_and_refused(void **state)
{
	struct pair *p = *state;

	p->rosters[0].cluster_id[5] ^= 1;
	begin(p, LINK_PEER, LINK_PEER);
	assert_int_equal(give(p, 1), AG_EDENIED);
	assert_string_equal(p->err.text,
	    "n1 belongs to another cluster than demo");
	assert_int_equal(p->ends[1].state, HANDSHAKE_FAILED);
}

static void
another_epoch_is_refused_with_both_numbers(void **state)
{
	struct pair *p = *state;

	p->rosters[0].epoch = 2;
	begin(p, LINK_PEER, LINK_PEER);
	assert_int_equal(give(p, 1), AG_EDENIED);
	assert_string_equal(p->err.text,
	    "n1 is at epoch 2 of the roster, we at 3");
	/* Who is behind may be shown what came next. */
	assert_true(p->ends[1].is_behind);
	assert_int_equal(p->ends[1].epoch, 2);
}

static void
a_former_member_learns_what_came_next_and_gets_no_further(void **state)
{
	struct pair *p = *state;

	p->rosters[0].epoch = 2;
	begin(p, LINK_PEER, LINK_PEER);
	p->ends[1].is_former = true;
	assert_int_equal(give(p, 1), AG_EDENIED);
	assert_string_equal(p->err.text,
	    "a former member is at epoch 2 of the roster, we at 3");
	assert_true(p->ends[1].is_behind);

	/* In the place of the member whose number it gives. */
	p->rosters[0].epoch = 3;
	begin(p, LINK_PEER, LINK_PEER);
	p->ends[1].is_former = true;
	assert_int_equal(give(p, 1), AG_EDENIED);
	assert_string_equal(p->err.text, "it is no member at epoch 3");
	assert_int_equal(p->ends[1].state, HANDSHAKE_FAILED);
}

static void
another_cluster_is_never_taken_for_one_that_is_behind(void **state)
{
	struct pair *p = *state;

	p->rosters[0].cluster_id[5] ^= 1;
	p->rosters[0].epoch = 2;
	begin(p, LINK_PEER, LINK_PEER);
	assert_int_equal(give(p, 1), AG_EDENIED);
	assert_false(p->ends[1].is_behind);
}

static void
an_epoch_travels_whole_and_bounded(void **state)
{
	struct handshake_output head;
	uint8_t message[128];
	struct bytes epoch;

	(void)state;
	handshake_epoch_head(&head, 5);
	memcpy(message, head.data, head.len);
	memcpy(message + head.len, "epoch", 5);
	assert_int_equal(handshake_epoch_open(bytes_of(message, head.len + 5),
			     &epoch),
	    AG_OK);
	assert_true(bytes_equal(epoch, bytes_from_text("epoch")));
	assert_int_equal(handshake_epoch_open(bytes_of(message, head.len + 4),
			     &epoch),
	    AG_EPROTO);
	handshake_epoch_head(&head, EPOCH_BYTES_MAX + 1);
	assert_int_equal(handshake_epoch_open(bytes_of(head.data, head.len),
			     &epoch),
	    AG_EPROTO);
}

static void
version_without_overlap_is_refused(void **state)
{
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_PEER);
	/* [1, min, max, …]: one byte each. */
	p->out.data[2] = p->out.data[3] = 2;
	assert_int_equal(give(p, 1), AG_EVERSION);
	assert_string_equal(p->err.text,
	    "n1 speaks protocol 2 to 2, we speak 1 to 1; upgrade n2");
	begin(p, LINK_PEER, LINK_PEER);
	p->out.data[2] = p->out.data[3] = 0;
	assert_int_equal(give(p, 1), AG_EVERSION);
	assert_string_equal(p->err.text,
	    "n1 speaks protocol 0 to 0, we speak 1 to 1; upgrade n1");
}

static void
versions_are_told_whatever_else_a_hello_of_theirs_holds(void **state)
{
	static const uint8_t later[] = { 0x84, 1, 3, 4, 0xf6 };
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_PEER);
	memcpy(p->out.data, later, sizeof(later));
	p->out.len = sizeof(later);
	assert_int_equal(give(p, 1), AG_EVERSION);
	assert_string_equal(p->err.text,
	    "n1 speaks protocol 3 to 4, we speak 1 to 1; upgrade n2");
}

static void
what_a_program_calls_itself_is_shown_and_no_more(void **state)
{
	struct pair *p = *state;
	int i;

	begin(p, LINK_PEER, LINK_PEER);
	for (i = 0; i < 4; i++)
		assert_int_equal(give(p, 1 - i % 2), AG_OK);
	/* [5, text]: READY of the dialler. */
	assert_int_equal(p->out.data[1], MESSAGE_READY);
	p->out.data[3] = '\n';
	assert_int_equal(give(p, 1), AG_OK);
	assert_int_equal(p->ends[1].program[0], '?');
	assert_string_equal(p->ends[1].program + 1, version_text() + 1);
	assert_int_equal(give(p, 0), AG_OK);
	assert_string_equal(p->ends[0].program, version_text());
}

static void
later_versions_settle_on_the_newest_in_common(void **state)
{
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_PEER);
	p->out.data[3] = 9;
	assert_int_equal(give(p, 1), AG_OK);
	assert_int_equal(p->ends[1].version, HANDSHAKE_VERSION_MAX);
}

static void
hello_for_the_other_subsystem_is_refused(void **state)
{
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_BULK);
	assert_int_equal(give(p, 1), AG_EPROTO);
}

static void
member_that_ssh_did_not_authenticate_is_refused(void **state)
{
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_PEER);
	p->ends[1].peer.member = 2;
	assert_int_equal(give(p, 1), AG_EDENIED);
	assert_non_null(strstr(p->err.text, "speaks as member 0"));
}

static void
wrong_node_key_of_the_dialler_is_forged(void **state)
{
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_PEER);
	p->ends[0].signer = &p->signers[1];
	assert_int_equal(give(p, 1), AG_OK);
	assert_int_equal(give(p, 0), AG_OK);
	assert_int_equal(give(p, 1), AG_EFORGED);
	assert_non_null(strstr(p->err.text, "n1 did not sign"));
}

static void
session_with_another_link_key_in_between_is_forged(void **state)
{
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_PEER);
	/* A relay: the acceptor saw the relay's key, not the dialler's. */
	p->ends[1].peer.link_key[0] ^= 1;
	assert_int_equal(give(p, 1), AG_OK);
	assert_int_equal(give(p, 0), AG_OK);
	assert_int_equal(give(p, 1), AG_EFORGED);
}

static void
signature_sent_back_is_forged(void **state)
{
	struct handshake_output auth;
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_PEER);
	assert_int_equal(give(p, 1), AG_OK);
	assert_int_equal(give(p, 0), AG_OK);
	auth = p->out;
	auth.data[1] = MESSAGE_AUTH_ACK;
	p->out = auth;
	assert_int_equal(give(p, 0), AG_EFORGED);
}

static void
replayed_auth_of_an_older_session_is_forged(void **state)
{
	struct handshake_output auth;
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_PEER);
	assert_int_equal(give(p, 1), AG_OK);
	assert_int_equal(give(p, 0), AG_OK);
	auth = p->out;
	begin(p, LINK_PEER, LINK_PEER);
	p->ends[1].self.nonce[0] ^= 0x80;
	assert_int_equal(give(p, 1), AG_OK);
	p->out = auth;
	assert_int_equal(give(p, 1), AG_EFORGED);
}

static void
message_out_of_turn_ends_it_for_good(void **state)
{
	struct handshake_output hello;
	struct pair *p = *state;

	begin(p, LINK_PEER, LINK_PEER);
	hello = p->out;
	assert_int_equal(give(p, 1), AG_OK);
	p->out = hello;
	assert_int_equal(give(p, 1), AG_EPROTO);
	p->out = hello;
	assert_int_equal(give(p, 1), AG_EPROTO);
	assert_int_equal(p->ends[1].state, HANDSHAKE_FAILED);
}

static void
message_cut_anywhere_is_refused(void **state)
{
	struct handshake_output hello;
	struct pair *p = *state;
	size_t len;

	begin(p, LINK_PEER, LINK_PEER);
	hello = p->out;
	for (len = 0; len < hello.len; len++) {
		begin(p, LINK_PEER, LINK_PEER);
		p->out.len = len;
		assert_int_not_equal(give(p, 1), AG_OK);
	}
}

static void
goodbye_tells_the_reason_in_printable_text(void **state)
{
	struct pair *p = *state;
	char text[64];

	handshake_goodbye(&p->out, "wrong \033[31m epoch");
	assert_int_equal(handshake_goodbye_text(text, sizeof(text),
			     bytes_of(p->out.data, p->out.len)),
	    AG_OK);
	assert_string_equal(text, "wrong ?[31m epoch");
	begin(p, LINK_PEER, LINK_PEER);
	handshake_goodbye(&p->out, "full");
	assert_int_equal(give(p, 0), AG_EDENIED);
	assert_string_equal(p->err.text, "n2 refused: full");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
		SPEC(both_ends_are_done_after_six_messages),
		SPEC(both_ends_have_one_transcript_and_the_features_in_common),
		SPEC(features_changed_on_the_way_are_forged),
		SPEC(another_cluster_is_named_and_refused),
		SPEC(another_epoch_is_refused_with_both_numbers),
		SPEC(a_former_member_learns_what_came_next_and_gets_no_further),
		SPEC(another_cluster_is_never_taken_for_one_that_is_behind),
		SPEC(an_epoch_travels_whole_and_bounded),
		SPEC(version_without_overlap_is_refused),
		SPEC(versions_are_told_whatever_else_a_hello_of_theirs_holds),
		SPEC(what_a_program_calls_itself_is_shown_and_no_more),
		SPEC(later_versions_settle_on_the_newest_in_common),
		SPEC(hello_for_the_other_subsystem_is_refused),
		SPEC(member_that_ssh_did_not_authenticate_is_refused),
		SPEC(wrong_node_key_of_the_dialler_is_forged),
		SPEC(session_with_another_link_key_in_between_is_forged),
		SPEC(signature_sent_back_is_forged),
		SPEC(replayed_auth_of_an_older_session_is_forged),
		SPEC(message_out_of_turn_ends_it_for_good),
		SPEC(message_cut_anywhere_is_refused),
		SPEC(goodbye_tells_the_reason_in_printable_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
