/*
 * Votes, bundles and certificates: what convinces and what does not.
 *
 * Signatures are a keyed hash here, one key per member, so that the specs
 * show the certificate's own rules and not those of a signature scheme.
 */
#include "trust/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "trust/request.h"
#include "trust/state.h"

#define MEMBERS 4

/* ctx is the member who signs. */
static void
fake_sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	const uint32_t *self = ctx;
	uint8_t key[32] = { (uint8_t)(*self + 1) };

	(void)crypto_generichash(signature, SIGNATURE_BYTES, message.data,
	    message.len, key, sizeof(key));
}

static bool
fake_verify(void *ctx, uint32_t member, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	uint8_t expected[SIGNATURE_BYTES];

	(void)ctx;
	fake_sign(&member, message, expected);
	return memcmp(expected, signature, SIGNATURE_BYTES) == 0;
}

/* A principal of which every byte is a member's number is that member. */
static bool
fake_verify_request(void *ctx, const uint8_t principal[static PUBLIC_KEY_BYTES],
    struct bytes message, const uint8_t signature[static SIGNATURE_BYTES])
{
	return fake_verify(ctx, principal[0], message, signature);
}

static const struct authority fake = { fake_sign, fake_verify,
	fake_verify_request, NULL };

static const struct trust_scope scope = { .cluster_id = { 7 }, .epoch = 3 };

static struct vote
vote_of(enum vote_phase phase, uint64_t seq, uint8_t fill)
{
	struct vote vote = { .phase = phase, .seq = seq };

	memset(vote.digest.data, fill, DIGEST_BYTES);
	return vote;
}

/* Signed by members first .. first + count - 1, each in a bundle of 5. */
static void
certificate_make(struct certificate *c, const struct vote *vote, uint64_t view,
    uint32_t first, uint32_t count)
{
	uint32_t i, k;

	*c = (struct certificate){
		.phase = vote->phase,
		.view = vote->phase == VOTE_CHECKPOINT ? 0 : view,
		.seq = vote->seq,
		.digest = vote->digest,
		.proof_count = count,
	};
	for (i = 0; i < count; i++) {
		struct vote_proof proofs[5];
		struct vote votes[5];
		uint32_t member = first + i;

		for (k = 0; k < 5; k++)
			votes[k] = vote_of(VOTE_COMMIT, 900 + k, 1);
		votes[i % 5] = *vote;
		vote_bundle_sign(proofs, votes, 5, &scope, member, view, &fake,
		    &member);
		c->proofs[i] = proofs[i % 5];
	}
}

static enum ag_status
verify(const struct certificate *c, struct ag_error *err)
{
	return certificate_verify(c, &scope, MEMBERS, &fake, NULL, err);
}

static void
a_certificate_short_of_a_quorum_is_refused(void **state)
{
	struct vote vote = vote_of(VOTE_COMMIT, 12, 9);
	static struct certificate c;
	struct ag_error err;

	(void)state;
	certificate_make(&c, &vote, 2, 0, 2);
	assert_int_equal(verify(&c, &err), AG_EFORGED);
	assert_non_null(strstr(err.text, "2 signatures"));
}

static void
f_plus_one_signatures_vouch_for_a_state_and_are_no_quorum(void **state)
{
	struct vote vote = vote_of(VOTE_CHECKPOINT, 12, 9);
	static struct certificate c;
	struct ag_error err;

	(void)state;
	certificate_make(&c, &vote, 0, 1, 2);
	assert_int_equal(certificate_verify_vouched(&c, &scope, MEMBERS, &fake,
			     NULL, &err),
	    AG_OK);
	assert_int_equal(verify(&c, &err), AG_EFORGED);
	c.proof_count = 1;
	assert_int_equal(certificate_verify_vouched(&c, &scope, MEMBERS, &fake,
			     NULL, &err),
	    AG_EFORGED);
	assert_non_null(strstr(err.text, "it takes 2"));
}

static void
a_member_counted_twice_is_refused_by_name(void **state)
{
	struct vote vote = vote_of(VOTE_COMMIT, 12, 9);
	static struct certificate c;
	struct ag_error err;

	(void)state;
	certificate_make(&c, &vote, 2, 0, 3);
	c.proofs[2] = c.proofs[1];
	assert_int_equal(verify(&c, &err), AG_EFORGED);
	assert_non_null(strstr(err.text, "member 1 is counted twice"));
}

static void
a_signer_outside_the_roster_is_refused(void **state)
{
	struct vote vote = vote_of(VOTE_COMMIT, 12, 9);
	static struct certificate c;
	struct ag_error err;

	(void)state;
	certificate_make(&c, &vote, 2, 2, 3);
	assert_int_equal(verify(&c, &err), AG_EFORGED);
	assert_non_null(strstr(err.text, "signer 4 is not one of 4"));
}

static void
votes_of_another_view_do_not_add_up_to_a_prepare(void **state)
{
	struct vote vote = vote_of(VOTE_PREPARE, 12, 9);
	static struct certificate c;
	static struct certificate other;
	struct ag_error err;

	(void)state;
	certificate_make(&c, &vote, 2, 0, 3);
	certificate_make(&other, &vote, 3, 0, 3);
	c.proofs[1] = other.proofs[1];
	assert_int_equal(verify(&c, &err), AG_EFORGED);
	assert_non_null(strstr(err.text, "another view"));

	/* Nor does saying it was this view: the view is signed. */
	c.proofs[1].view = 2;
	assert_int_equal(verify(&c, &err), AG_EFORGED);
	assert_non_null(strstr(err.text, "signature of member 1"));
}

static void
checkpoint_votes_of_different_views_add_up(void **state)
{
	struct vote vote = vote_of(VOTE_CHECKPOINT, 128, 9);
	static struct certificate c;
	static struct certificate later;
	struct ag_error err;

	(void)state;
	certificate_make(&c, &vote, 2, 0, 3);
	certificate_make(&later, &vote, 5, 0, 3);
	c.proofs[1] = later.proofs[1];
	assert_int_equal(verify(&c, &err), AG_OK);
}

static void
one_wrong_proof_spoils_more_than_a_quorum(void **state)
{
	struct vote vote = vote_of(VOTE_COMMIT, 12, 9);
	static struct certificate c;
	struct ag_error err;

	(void)state;
	certificate_make(&c, &vote, 2, 0, 4);
	assert_int_equal(verify(&c, &err), AG_OK);
	c.proofs[3].signature[0] ^= 1;
	assert_int_equal(verify(&c, &err), AG_EFORGED);
	assert_non_null(strstr(err.text, "signature of member 3"));
}

static void
nothing_verifies_in_another_cluster_or_epoch(void **state)
{
	struct vote vote = vote_of(VOTE_COMMIT, 12, 9);
	static struct certificate c;
	struct trust_scope other = scope;
	struct ag_error err;

	(void)state;
	certificate_make(&c, &vote, 2, 0, 3);
	other.epoch++;
	assert_int_equal(certificate_verify(&c, &other, MEMBERS, &fake, NULL,
			     &err),
	    AG_EFORGED);
	other = scope;
	other.cluster_id[31] ^= 1;
	assert_int_equal(certificate_verify(&c, &other, MEMBERS, &fake, NULL,
			     &err),
	    AG_EFORGED);
}

static void
every_field_of_the_vote_is_signed(void **state)
{
	struct vote vote = vote_of(VOTE_PREPARE, 12, 9);
	static struct certificate good;
	static struct certificate c;
	struct ag_error err;

	(void)state;
	certificate_make(&good, &vote, 2, 0, 3);
	c = good;
	assert_int_equal(verify(&c, &err), AG_OK);
	c.phase = VOTE_COMMIT;
	assert_int_equal(verify(&c, &err), AG_EFORGED);
	c = good;
	c.seq++;
	assert_int_equal(verify(&c, &err), AG_EFORGED);
	c = good;
	c.digest.data[0] ^= 1;
	assert_int_equal(verify(&c, &err), AG_EFORGED);
}

static void
each_vote_of_a_bundle_of_any_size_is_proved_alone(void **state)
{
	struct vote votes[VOTE_BUNDLE_MAX];
	static struct vote_proof proofs[VOTE_BUNDLE_MAX];
	static struct vote_proof opened[VOTE_BUNDLE_MAX];
	uint32_t self = 2;
	size_t count, i;

	(void)state;
	for (i = 0; i < VOTE_BUNDLE_MAX; i++)
		votes[i] = vote_of(VOTE_COMMIT, i, (uint8_t)i);
	for (count = 1; count <= VOTE_BUNDLE_MAX; count++) {
		vote_bundle_sign(proofs, votes, count, &scope, self, 4, &fake,
		    &self);
		for (i = 0; i < count; i++) {
			assert_true(vote_verify(&votes[i], &proofs[i], &scope,
			    &fake, NULL));
			assert_false(
			    vote_verify(&votes[(i + 1) % VOTE_BUNDLE_MAX],
				&proofs[i], &scope, &fake, NULL));
		}
		assert_true(vote_bundle_open(opened, votes, count, &scope, self,
		    4, proofs[0].signature, &fake, NULL));
		assert_memory_equal(opened, proofs, count * sizeof(*proofs));
	}
}

static void
a_bundle_of_one_has_an_empty_path(void **state)
{
	struct vote vote = vote_of(VOTE_PREPARE, 1, 1);
	struct vote_proof proof;
	uint32_t self = 0;

	(void)state;
	vote_bundle_sign(&proof, &vote, 1, &scope, self, 0, &fake, &self);
	assert_int_equal(proof.path_len, 0);
}

static void
a_path_longer_or_shorter_than_its_position_is_refused(void **state)
{
	struct vote votes[3];
	struct vote_proof proofs[3];
	uint32_t self = 1;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		votes[i] = vote_of(VOTE_COMMIT, i, 1);
	vote_bundle_sign(proofs, votes, 3, &scope, self, 0, &fake, &self);
	assert_int_equal(proofs[2].path_len, 1);
	proofs[2].path_len = 2;
	assert_false(vote_verify(&votes[2], &proofs[2], &scope, &fake, NULL));
	proofs[0].path_len = 1;
	assert_false(vote_verify(&votes[0], &proofs[0], &scope, &fake, NULL));
	proofs[1].position = 3;
	assert_false(vote_verify(&votes[1], &proofs[1], &scope, &fake, NULL));
	proofs[1].position = 1;
	proofs[1].bundle_size = VOTE_BUNDLE_MAX + 1;
	assert_false(vote_verify(&votes[1], &proofs[1], &scope, &fake, NULL));
}

static void
an_encoding_decodes_to_the_same_certificate(void **state)
{
	static uint8_t out[CERTIFICATE_BYTES_MAX], again[CERTIFICATE_BYTES_MAX];
	struct vote vote = vote_of(VOTE_COMMIT, UINT64_MAX, 9);
	static struct certificate c;
	static struct certificate back;
	struct encoder e;
	struct decoder d;
	struct bytes first, second;
	struct ag_error err;

	(void)state;
	certificate_make(&c, &vote, UINT64_MAX, 0, 4);
	encoder_init(&e, out, sizeof(out));
	certificate_encode(&e, &c);
	assert_int_equal(encoder_finish(&e, &first), AG_OK);
	decoder_init(&d, first);
	certificate_decode(&d, &back);
	assert_int_equal(decoder_finish(&d, &err), AG_OK);
	assert_int_equal(verify(&back, &err), AG_OK);
	encoder_init(&e, again, sizeof(again));
	certificate_encode(&e, &back);
	assert_int_equal(encoder_finish(&e, &second), AG_OK);
	assert_true(bytes_equal(first, second));
}

static void
the_largest_certificate_fits_its_stated_bound(void **state)
{
	static uint8_t out[CERTIFICATE_BYTES_MAX];
	static struct certificate c;
	struct encoder e;
	struct bytes all;
	uint32_t i;

	(void)state;
	c = (struct certificate){ .phase = VOTE_COMMIT,
		.view = UINT64_MAX,
		.seq = UINT64_MAX,
		.proof_count = TRUST_MEMBERS_MAX };
	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		c.proofs[i] = (struct vote_proof){ .member = i,
			.view = UINT64_MAX,
			.position = 63,
			.bundle_size = 64,
			.path_len = 6 };
	encoder_init(&e, out, sizeof(out));
	certificate_encode(&e, &c);
	assert_int_equal(encoder_finish(&e, &all), AG_OK);
}

static void
every_truncation_of_a_certificate_fails_to_decode(void **state)
{
	static uint8_t out[CERTIFICATE_BYTES_MAX];
	struct vote vote = vote_of(VOTE_COMMIT, 70000, 9);
	static struct certificate c;
	static struct certificate back;
	struct encoder e;
	struct bytes all;
	size_t len;

	(void)state;
	certificate_make(&c, &vote, 2, 0, 3);
	encoder_init(&e, out, sizeof(out));
	certificate_encode(&e, &c);
	assert_int_equal(encoder_finish(&e, &all), AG_OK);
	for (len = 0; len < all.len; len++) {
		struct decoder d;

		decoder_init(&d, bytes_of(all.data, len));
		certificate_decode(&d, &back);
		assert_true(decoder_failed(&d));
		assert_int_equal(back.proof_count, 0);
	}
}

static void
quorums_intersect_in_a_correct_member(void **state)
{
	uint32_t n;

	(void)state;
	assert_int_equal(trust_quorum(FAULTS_BYZANTINE, 1), 1);
	assert_int_equal(trust_quorum(FAULTS_BYZANTINE, 4), 3);
	assert_int_equal(trust_quorum(FAULTS_BYZANTINE, 5), 4);
	assert_int_equal(trust_quorum(FAULTS_BYZANTINE, 6), 5);
	assert_int_equal(trust_quorum(FAULTS_BYZANTINE, 7), 5);
	for (n = 1; n <= TRUST_MEMBERS_MAX; n++) {
		uint32_t f = trust_faults(FAULTS_BYZANTINE, n),
			 q = trust_quorum(FAULTS_BYZANTINE, n);

		assert_true(2 * q >= n + f + 1);
		assert_true(q <= n - f);
	}
}

static void
where_members_only_crash_a_majority_is_a_quorum(void **state)
{
	uint32_t n;

	(void)state;
	assert_int_equal(trust_quorum(FAULTS_CRASH, 1), 1);
	assert_int_equal(trust_quorum(FAULTS_CRASH, 3), 2);
	assert_int_equal(trust_quorum(FAULTS_CRASH, 4), 3);
	assert_int_equal(trust_quorum(FAULTS_CRASH, 5), 3);
	for (n = 1; n <= TRUST_MEMBERS_MAX; n++) {
		uint32_t f = trust_faults(FAULTS_CRASH, n);
		uint32_t q = trust_quorum(FAULTS_CRASH, n);

		assert_true(2 * q > n);
		assert_true(q + f == n);
	}
}

/* Whichever f of the next members are gone, too, or lie. */
static void
what_a_quorum_signed_outlives_one_member_more_or_less(void **state)
{
	static const enum fault_model models[] = { FAULTS_BYZANTINE,
		FAULTS_CRASH };
	uint32_t n, i;

	(void)state;
	for (i = 0; i < 2; i++)
		for (n = 1; n < TRUST_MEMBERS_MAX; n++) {
			assert_true(trust_outlives(models[i], n, 0, n + 1));
			assert_true(trust_outlives(models[i], n + 1, 1, n));
		}
}

static void
what_a_quorum_signed_outlives_another_in_the_place_of_one(void **state)
{
	uint32_t n;

	(void)state;
	for (n = 2; n <= TRUST_MEMBERS_MAX; n++) {
		assert_true(trust_outlives(FAULTS_BYZANTINE, n, 1, n));
		/* Of 2f + 1, f + 1 sign, one goes and f are lost. */
		assert_int_equal(trust_outlives(FAULTS_CRASH, n, 1, n),
		    n % 2 == 0);
	}
	assert_false(trust_outlives(FAULTS_BYZANTINE, 1, 1, 1));
}

static void
the_fault_model_decides_how_many_signatures_certify(void **state)
{
	struct vote vote = vote_of(VOTE_CHECKPOINT, 12, 9);
	struct trust_scope crash = scope;
	static struct certificate c;
	struct ag_error err;

	(void)state;
	crash.faults = FAULTS_CRASH;
	certificate_make(&c, &vote, 0, 0, 3);
	assert_int_equal(certificate_verify(&c, &crash, 5, &fake, NULL, &err),
	    AG_OK);
	assert_int_equal(certificate_verify(&c, &scope, 5, &fake, NULL, &err),
	    AG_EFORGED);
	c.proof_count = 2;
	assert_int_equal(certificate_verify(&c, &crash, 5, &fake, NULL, &err),
	    AG_EFORGED);
	c.proof_count = 1;
	assert_int_equal(certificate_verify_vouched(&c, &crash, 5, &fake, NULL,
			     &err),
	    AG_OK);
	assert_int_equal(certificate_verify_vouched(&c, &scope, 5, &fake, NULL,
			     &err),
	    AG_EFORGED);
}

static void
a_request_is_good_for_its_principal_cluster_and_epoch_only(void **state)
{
	uint8_t out[512];
	struct bytes operation = bytes_of("\x81\x04", 2);
	uint32_t self = 1;
	struct request_signer signer = { { 1 }, &scope, &fake, &self };
	struct envelope envelope = { .principal = { 1 } };
	struct trust_scope other = scope;
	struct encoder e;
	struct bytes raw;

	(void)state;
	encoder_init(&e, out, sizeof(out));
	request_encode(&e, &signer, 41, 0, &operation, 1);
	assert_int_equal(encoder_finish(&e, &raw), AG_OK);
	assert_int_equal(out[0], 0x85);
	memcpy(envelope.signature, raw.data + raw.len - SIGNATURE_BYTES,
	    SIGNATURE_BYTES);
	envelope.statement =
	    bytes_of(out + 1, raw.len - 1 - 2 - SIGNATURE_BYTES);
	assert_true(request_verify(&envelope, &scope, &fake, NULL));

	other.epoch = 4;
	assert_false(request_verify(&envelope, &other, &fake, NULL));
	envelope.principal[0] = 2;
	assert_false(request_verify(&envelope, &scope, &fake, NULL));
	envelope.principal[0] = 1;
	out[35] ^= 1;
	assert_false(request_verify(&envelope, &scope, &fake, NULL));
}

static void
the_state_digest_covers_each_of_its_parts(void **state)
{
	struct digest a = { { 1 } }, b = { { 2 } }, base, other;

	(void)state;
	state_digest(&base, 5, 6, &a, &b);
	state_digest(&other, 5, 6, &a, &b);
	assert_true(digest_equal(&base, &other));
	state_digest(&other, 6, 6, &a, &b);
	assert_false(digest_equal(&base, &other));
	state_digest(&other, 5, 7, &a, &b);
	assert_false(digest_equal(&base, &other));
	state_digest(&other, 5, 6, &b, &a);
	assert_false(digest_equal(&base, &other));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_short_of_a_quorum_is_refused),
		cmocka_unit_test(
		    f_plus_one_signatures_vouch_for_a_state_and_are_no_quorum),
		cmocka_unit_test(a_member_counted_twice_is_refused_by_name),
		cmocka_unit_test(a_signer_outside_the_roster_is_refused),
		cmocka_unit_test(
		    votes_of_another_view_do_not_add_up_to_a_prepare),
		cmocka_unit_test(checkpoint_votes_of_different_views_add_up),
		cmocka_unit_test(one_wrong_proof_spoils_more_than_a_quorum),
		cmocka_unit_test(nothing_verifies_in_another_cluster_or_epoch),
		cmocka_unit_test(every_field_of_the_vote_is_signed),
		cmocka_unit_test(
		    each_vote_of_a_bundle_of_any_size_is_proved_alone),
		cmocka_unit_test(a_bundle_of_one_has_an_empty_path),
		cmocka_unit_test(
		    a_path_longer_or_shorter_than_its_position_is_refused),
		cmocka_unit_test(an_encoding_decodes_to_the_same_certificate),
		cmocka_unit_test(the_largest_certificate_fits_its_stated_bound),
		cmocka_unit_test(
		    every_truncation_of_a_certificate_fails_to_decode),
		cmocka_unit_test(quorums_intersect_in_a_correct_member),
		cmocka_unit_test(
		    where_members_only_crash_a_majority_is_a_quorum),
		cmocka_unit_test(
		    what_a_quorum_signed_outlives_one_member_more_or_less),
		cmocka_unit_test(
		    what_a_quorum_signed_outlives_another_in_the_place_of_one),
		cmocka_unit_test(
		    the_fault_model_decides_how_many_signatures_certify),
		cmocka_unit_test(
		    a_request_is_good_for_its_principal_cluster_and_epoch_only),
		cmocka_unit_test(the_state_digest_covers_each_of_its_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
