/*
 * Forgeries under a member's own signature: they convict it, and nothing
 * else does.
 */
#include "consensus_fixture.h"
#include "fixture/forging.h"

#define VIEW 5 /* whose primary is member 1 */

static struct certificate right, wrong;
static uint8_t raw[4][8192];

static struct forging
as(struct cluster *c, uint32_t *member)
{
	return (struct forging){ &c->scope, &fake_anybody, member, *member };
}

static struct bytes
change_by(struct cluster *c, uint32_t member, uint64_t view,
    const struct certificate *stable, const struct certificate *prepared,
    uint8_t *out)
{
	struct forging f = as(c, &member);

	return forging_view_change(&f, view, stable, prepared, prepared != NULL,
	    out, sizeof(raw[0]));
}

static struct bytes
beginning_by(struct cluster *c, uint32_t member, uint64_t view,
    const struct bytes *changes, size_t count)
{
	static uint8_t out[sizeof(raw)];
	struct forging f = as(c, &member);

	return forging_new_view(&f, view, changes, count, out, sizeof(out));
}

/* In the ways that are wrong for everybody; false: there are no more. */
static bool
forge(struct cluster *c, unsigned way, enum vote_phase phase)
{
	const uint64_t seq = phase == VOTE_CHECKPOINT ? 8 : 1;

	certificate_make(c, phase, 0, seq, 4, 3, &wrong);
	switch (way) {
	case 0: /* by nobody */
		wrong.proofs[2].signature[0] ^= 1;
		return true;
	case 1: /* by too few */
		wrong.proof_count = 2;
		return true;
	case 2: /* by one of them twice */
		wrong.proofs[2] = wrong.proofs[1];
		return true;
	case 3: /* of another state or batch */
		wrong.digest.data[7] ^= 1;
		return true;
	case 4: /* by none of the members */
		wrong.proofs[2].member = 4;
		return true;
	case 5: /* of another epoch */
		c->scope.epoch++;
		certificate_make(c, phase, 0, seq, 4, 3, &wrong);
		c->scope.epoch--;
		return true;
	default:
		return false;
	}
}

static void
assert_convicted(const struct cluster *c, unsigned count, uint32_t culprit,
    enum evidence_kind kind)
{
	assert_int_equal(c->nodes[0].evidence, count);
	assert_int_equal(c->nodes[0].culprit, culprit);
	assert_int_equal(c->nodes[0].culpable, kind);
	assert_int_equal(status_of(c, 0).view, 0);
}

static void
who_signs_a_view_change_with_a_forged_certificate_is_convicted(void **state)
{
	unsigned way, stands;

	(void)state;
	for (stands = 0; stands < 2; stands++)
		for (way = 0;; way++) {
			struct cluster *c = cluster_of(4);
			bool is_one = forge(c, way,
			    stands == 0 ? VOTE_PREPARE : VOTE_CHECKPOINT);

			if (is_one) {
				post(c, 3, 0,
				    change_by(c, 3, VIEW,
					stands == 0 ? NULL : &wrong,
					stands == 0 ? &wrong : NULL, raw[0]));
				assert_convicted(c, 1, 3,
				    EVIDENCE_FORGED_CHANGE);
			}
			cluster_free(c);
			if (!is_one)
				break;
		}
}

static void
it_is_convicted_once_and_not_who_passes_it_on(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned before;
	uint64_t view;

	(void)state;
	assert_true(forge(c, 0, VOTE_PREPARE));
	for (view = VIEW; view < VIEW + 4; view++)
		post(c, 2, 0, change_by(c, 3, view, NULL, &wrong, raw[0]));
	assert_convicted(c, 1, 3, EVIDENCE_FORGED_CHANGE);
	/* Nor is it judged more than once after that. */
	before = c->nodes[0].verifications;
	post(c, 3, 0, change_by(c, 3, VIEW, NULL, &wrong, raw[0]));
	assert_in_range(c->nodes[0].verifications - before, 1, 4);
	cluster_free(c);
}

static void
what_it_did_not_sign_convicts_nobody(void **state)
{
	struct cluster *c = cluster_of(4);
	struct bytes body;

	(void)state;
	assert_true(forge(c, 0, VOTE_PREPARE));
	body = change_by(c, 3, VIEW, NULL, &wrong, raw[0]);
	raw[0][body.len - 1] ^= 1;
	post(c, 2, 0, body);
	/* Signed for another epoch or cluster, by its rules it may be right. */
	c->scope.epoch++;
	post(c, 2, 0, change_by(c, 3, VIEW, NULL, &wrong, raw[0]));
	c->scope.epoch--;
	c->scope.cluster_id[3] ^= 1;
	post(c, 2, 0, change_by(c, 3, VIEW, NULL, &wrong, raw[0]));
	c->scope.cluster_id[3] ^= 1;
	assert_int_equal(c->nodes[0].evidence, 0);
	cluster_free(c);
}

/* What depends on where one stands, or how one is configured, is no proof. */
static void
what_is_refused_for_another_reason_convicts_nobody(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	/* Of its own view, beyond its window, or in another's place. */
	certificate_make(c, VOTE_PREPARE, VIEW, 1, 4, 3, &right);
	post(c, 3, 0, change_by(c, 3, VIEW, NULL, &right, raw[0]));
	certificate_make(c, VOTE_PREPARE, 0, 4000, 4, 3, &right);
	post(c, 3, 0, change_by(c, 3, VIEW, NULL, &right, raw[0]));
	certificate_make(c, VOTE_COMMIT, 0, 1, 4, 3, &right);
	post(c, 3, 0, change_by(c, 3, VIEW, NULL, &right, raw[0]));
	post(c, 3, 0, change_by(c, 3, VIEW, &right, NULL, raw[0]));
	assert_int_equal(c->nodes[0].evidence, 0);
	/* And it was refused, and is heard again after a while. */
	cluster_advance(c, 1000 * MS);
	post(c, 2, 0, change_by(c, 2, VIEW, NULL, NULL, raw[0]));
	assert_int_equal(status_of(c, 0).view, 0);
	certificate_make(c, VOTE_PREPARE, 0, 1, 4, 3, &right);
	post(c, 3, 0, change_by(c, 3, VIEW, NULL, &right, raw[0]));
	assert_int_equal(status_of(c, 0).view, VIEW);
	assert_int_equal(c->nodes[0].evidence, 0);
	cluster_free(c);
}

/* Begin the view with changes of which the first is given. */
static void
begin_with(struct cluster *c, uint32_t by, struct bytes first, size_t count)
{
	struct bytes changes[4] = { first };
	size_t i;

	for (i = 1; i < count; i++)
		changes[i] =
		    change_by(c, (uint32_t)i, VIEW, NULL, NULL, raw[i]);
	post(c, 2, 0, beginning_by(c, by, VIEW, changes, count));
}

static void
who_begins_a_view_with_a_forged_view_change_is_convicted(void **state)
{
	unsigned way;

	(void)state;
	for (way = 0; way < 4; way++) {
		struct cluster *c = cluster_of(4);
		struct bytes first;

		first = change_by(c, way == 1 ? 1 : 3,
		    way == 2 ? VIEW + 4 : VIEW, NULL, NULL, raw[0]);
		if (way == 0) /* signed by nobody */
			raw[0][first.len - 1] ^= 1;
		/* of a member twice, of another view, and too few */
		begin_with(c, 1, first, way == 3 ? 2 : 3);
		assert_convicted(c, 1, 1, EVIDENCE_FORGED_NEW_VIEW);
		begin_with(c, 1, first, way == 3 ? 2 : 3);
		assert_convicted(c, 1, 1, EVIDENCE_FORGED_NEW_VIEW);
		cluster_free(c);
	}
}

static void
a_forged_certificate_in_it_convicts_its_signer_and_who_shows_it(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	assert_true(forge(c, 0, VOTE_PREPARE));
	begin_with(c, 1, change_by(c, 3, VIEW, NULL, &wrong, raw[0]), 3);
	assert_convicted(c, 2, 1, EVIDENCE_FORGED_NEW_VIEW);
	post(c, 3, 0, change_by(c, 3, VIEW, NULL, &wrong, raw[0]));
	assert_convicted(c, 2, 1, EVIDENCE_FORGED_NEW_VIEW);
	cluster_free(c);
}

static void
a_beginning_that_only_chooses_wrongly_convicts_nobody(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	/* By whom it does not fall to; what was prepared is left out; right. */
	begin_with(c, 2, change_by(c, 3, VIEW, NULL, NULL, raw[0]), 3);
	certificate_make(c, VOTE_PREPARE, 0, 1, 4, 3, &right);
	begin_with(c, 1, change_by(c, 3, VIEW, NULL, &right, raw[0]), 3);
	assert_int_equal(status_of(c, 0).view, 0);
	begin_with(c, 1, change_by(c, 3, VIEW, NULL, NULL, raw[0]), 3);
	assert_int_equal(status_of(c, 0).view, VIEW);
	assert_int_equal(c->nodes[0].evidence, 0);
	cluster_free(c);
}

/* What member 3 says last of its view change; the rest of it is lost. */
static struct {
	uint8_t data[8192];
	size_t len;
} said;

static bool
the_last_is_cut_off(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	if (from == 3 && message_type_of(body) == MESSAGE_VIEW_CHANGE) {
		assert_true(body.len <= sizeof(said.data));
		memcpy(said.data, body.data, body.len);
		said.len = body.len;
	}
	return from != 3 && to != 3;
}

/* The reason why two view changes of a member for one view prove nothing. */
static void
who_starts_again_may_ask_for_the_same_view_otherwise(void **state)
{
	static uint8_t first[sizeof(said.data)];
	struct cluster *c = cluster_of(4);
	struct encoder e;
	struct bytes body;
	uint32_t i;
	size_t len;

	(void)state;
	c->passes = the_last_is_cut_off;
	for (i = 0; i < 2; i++)
		post(c, i, 3, change_by(c, i, VIEW, NULL, NULL, raw[i]));
	assert_true(status_of(c, 3).is_changing_view);
	cluster_settle(c);
	len = said.len;
	assert_true(len > 0);
	memcpy(first, said.data, len);
	certificate_make(c, VOTE_CHECKPOINT, 0, 800, 4, 3, &right);
	encoder_init(&e, raw[0], sizeof(raw[0]));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_CHECKPOINT);
	certificate_encode(&e, &right);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 2, 3, body);
	cluster_settle(c);
	said.len = 0;
	node_crash(&c->nodes[3]);
	c->asks_nobody = true;
	node_start(&c->nodes[3]);
	cluster_advance(c, 2000 * MS);
	assert_true(said.len > 0);
	assert_true(said.len != len || memcmp(said.data, first, len) != 0);
	c->passes = NULL;
	post(c, 3, 0, bytes_of(first, len));
	post(c, 3, 0, bytes_of(said.data, said.len));
	assert_int_equal(c->nodes[0].evidence, 0);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    who_signs_a_view_change_with_a_forged_certificate_is_convicted),
		cmocka_unit_test(it_is_convicted_once_and_not_who_passes_it_on),
		cmocka_unit_test(what_it_did_not_sign_convicts_nobody),
		cmocka_unit_test(
		    what_is_refused_for_another_reason_convicts_nobody),
		cmocka_unit_test(
		    who_begins_a_view_with_a_forged_view_change_is_convicted),
		cmocka_unit_test(
		    a_forged_certificate_in_it_convicts_its_signer_and_who_shows_it),
		cmocka_unit_test(
		    a_beginning_that_only_chooses_wrongly_convicts_nobody),
		cmocka_unit_test(
		    who_starts_again_may_ask_for_the_same_view_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
