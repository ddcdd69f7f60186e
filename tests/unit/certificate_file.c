/*
 * Exported certificates: each way in which one does not convince, in words.
 */
#include "trust/certificate_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "crypto/sign.h"
#include "trust/identity.h"

#define MEMBERS 4
#define SEQ 12

static struct roster roster, other;
static struct secret *keys[MEMBERS];
static struct certificate_file file, again;
static uint8_t encoded[CERTIFICATE_FILE_BYTES_MAX];
static struct ag_error err;

static int
make_rosters(void **state)
{
	uint32_t i;

	(void)state;
	(void)snprintf(roster.cluster_name, sizeof(roster.cluster_name),
	    "demo");
	(void)snprintf(roster.strategy, sizeof(roster.strategy), "pbft");
	roster.member_count = MEMBERS;
	for (i = 0; i < MEMBERS; i++) {
		if (sign_keypair(&keys[i], &err) != AG_OK)
			return -1;
		(void)snprintf(roster.members[i].name, ROSTER_NAME_BYTES, "n%u",
		    i + 1);
		sign_public(roster.members[i].node_key, keys[i]);
	}
	roster_seal(&roster);
	other = roster;
	(void)snprintf(other.cluster_name, sizeof(other.cluster_name), "else");
	roster_seal(&other);
	return 0;
}

static int
free_keys(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < MEMBERS; i++)
		secret_free(keys[i]);
	return 0;
}

/* Signed by the first count members, each in a bundle of two. */
static struct bytes
made(enum vote_phase phase, uint32_t count)
{
	uint8_t bare[CERTIFICATE_BYTES_MAX];
	struct certificate *c = &file.certificate;
	struct vote votes[2] = { { phase, SEQ, { { 5 } } },
		{ VOTE_COMMIT, 99, { { 6 } } } };
	struct vote_proof proofs[2];
	struct identity identity;
	struct encoder e;
	struct bytes out;
	uint32_t i;

	roster_scope(&roster, &file.scope);
	*c = (struct certificate){ .phase = phase,
		.view = phase == VOTE_CHECKPOINT ? 0 : 3,
		.seq = SEQ,
		.digest = votes[0].digest,
		.proof_count = count };
	for (i = 0; i < count; i++) {
		assert_int_equal(identity_init_key(&identity, &roster, keys[i],
				     &err),
		    AG_OK);
		vote_bundle_sign(proofs, votes, 2, &identity.scope, i, 3,
		    &identity_authority, &identity);
		c->proofs[i] = proofs[0];
	}
	encoder_init(&e, bare, sizeof(bare));
	certificate_encode(&e, c);
	assert_int_equal(encoder_finish(&e, &out), AG_OK);
	encoder_init(&e, encoded, sizeof(encoded));
	certificate_file_encode(&e, &file.scope, out);
	assert_int_equal(encoder_finish(&e, &out), AG_OK);
	return out;
}

static void
assert_refused(enum ag_status got, enum ag_status expected, const char *why)
{
	assert_int_equal(got, expected);
	if (strstr(err.text, why) == NULL)
		fail_msg("'%s' does not say '%s'", err.text, why);
}

static void
a_quorum_convinces_whoever_has_the_roster(void **state)
{
	(void)state;
	assert_int_equal(certificate_file_decode(&again, made(VOTE_COMMIT, 3),
			     &err),
	    AG_OK);
	assert_int_equal(again.certificate.seq, SEQ);
	assert_int_equal(certificate_file_verify(&again, &roster, &err), AG_OK);
	assert_string_equal(certificate_file_kind(&again.certificate),
	    "commit");
	assert_int_equal(certificate_file_decode(&again,
			     made(VOTE_CHECKPOINT, 4), &err),
	    AG_OK);
	assert_int_equal(certificate_file_verify(&again, &roster, &err), AG_OK);
	assert_string_equal(certificate_file_kind(&again.certificate),
	    "checkpoint");
}

static void
too_few_signers_are_counted(void **state)
{
	(void)state;
	assert_int_equal(certificate_file_decode(&again, made(VOTE_COMMIT, 2),
			     &err),
	    AG_OK);
	assert_refused(certificate_file_verify(&again, &roster, &err),
	    AG_EFORGED, "too few signers: 2, and a quorum of 4 members is 3");
}

static void
a_forged_signature_is_told_by_its_members_name(void **state)
{
	(void)state;
	(void)made(VOTE_COMMIT, 3);
	file.certificate.proofs[1].signature[9] ^= 1;
	assert_refused(certificate_file_verify(&file, &roster, &err),
	    AG_EFORGED, "forged signature of n2");
	file.certificate.proofs[2].path[0].data[0] ^= 1;
	assert_refused(certificate_file_verify(&file, &roster, &err),
	    AG_EFORGED, "forged signatures of n2, n3");
}

static void
a_changed_statement_is_nobodys(void **state)
{
	(void)state;
	(void)made(VOTE_COMMIT, 3);
	file.certificate.digest.data[0] ^= 1;
	assert_refused(certificate_file_verify(&file, &roster, &err),
	    AG_EFORGED, "no signature is by a member");
}

static void
another_cluster_and_another_epoch_are_named(void **state)
{
	(void)state;
	(void)made(VOTE_COMMIT, 3);
	assert_refused(certificate_file_verify(&file, &other, &err), AG_EFORGED,
	    "another cluster");
	file.scope.epoch = 8;
	assert_refused(certificate_file_verify(&file, &roster, &err),
	    AG_EFORGED, "another epoch: 8, and the roster's is 0");
	/* Relabelled, it still does not convince. */
	memcpy(file.scope.cluster_id, other.cluster_id, CLUSTER_ID_BYTES);
	file.scope.epoch = 0;
	assert_refused(certificate_file_verify(&file, &other, &err), AG_EFORGED,
	    "no signature is by a member");
}

static void
cut_short_anywhere_it_says_where(void **state)
{
	struct bytes whole = made(VOTE_COMMIT, 3);
	char where[40];
	size_t len;

	(void)state;
	for (len = 0; len < whole.len; len++) {
		(void)snprintf(where, sizeof(where), "ends at byte %zu", len);
		assert_refused(certificate_file_decode(&again,
				   bytes_of(whole.data, len), &err),
		    AG_ECORRUPT, where);
	}
}

static void
no_byte_can_be_changed_unseen(void **state)
{
	struct bytes whole = made(VOTE_COMMIT, 3);
	enum ag_status status;
	unsigned int bit;
	size_t i;

	(void)state;
	for (i = 0; i < whole.len; i++)
		for (bit = 0; bit < 8; bit++) {
			encoded[i] ^= (uint8_t)(1U << bit);
			status = certificate_file_decode(&again, whole, &err);
			if (status == AG_OK)
				status = certificate_file_verify(&again,
				    &roster, &err);
			assert_true(status == AG_ECORRUPT ||
			    status == AG_EVERSION || status == AG_EFORGED);
			assert_true(err.text[0] != '\0');
			encoded[i] ^= (uint8_t)(1U << bit);
		}
	assert_int_equal(certificate_file_decode(&again, whole, &err), AG_OK);
	assert_int_equal(certificate_file_verify(&again, &roster, &err), AG_OK);
}

static void
other_files_are_not_taken_for_one(void **state)
{
	(void)state;
	assert_refused(certificate_file_decode(&again,
			   bytes_from_text("aegis-roster 1\n"), &err),
	    AG_ECORRUPT, "not an exported certificate");
	(void)made(VOTE_COMMIT, 3);
	assert_refused(certificate_file_decode(&again,
			   bytes_of(encoded, sizeof(encoded)), &err),
	    AG_ECORRUPT, "bytes too many");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quorum_convinces_whoever_has_the_roster),
		cmocka_unit_test(too_few_signers_are_counted),
		cmocka_unit_test(
		    a_forged_signature_is_told_by_its_members_name),
		cmocka_unit_test(a_changed_statement_is_nobodys),
		cmocka_unit_test(another_cluster_and_another_epoch_are_named),
		cmocka_unit_test(cut_short_anywhere_it_says_where),
		cmocka_unit_test(no_byte_can_be_changed_unseen),
		cmocka_unit_test(other_files_are_not_taken_for_one),
	};

	return cmocka_run_group_tests_name("certificate_file", tests,
	    make_rosters, free_keys);
}
