/*
 * Two certificates that contradict each other: more members are faulty than
 * the cluster tolerates.  Who sees both stops, and can show who signed both.
 */
#include "consensus_fixture.h"
#include "fixture/forging.h"

#define STABLE 8 /* the first checkpoint */

static const uint8_t batches[2][4] = { { 0x83, 0x00, 0x00, 0x80 },
	{ 0x83, 0x00, 0x01, 0x80 } };

static struct certificate made;
static uint8_t raw[16384];

/* Of a batch for 1, by members 0 to 2. */
static void
make_commit(struct cluster *c, uint64_t view, unsigned which)
{
	struct vote vote = { .phase = VOTE_COMMIT, .seq = 1 };
	uint32_t i;

	certificate_make(c, VOTE_COMMIT, view, 1, 0, 3, &made);
	digest_of(&vote.digest, bytes_of(batches[which], 4));
	made.digest = vote.digest;
	for (i = 0; i < 3; i++)
		vote_bundle_sign(&made.proofs[i], &vote, 1, &c->scope, i, view,
		    &fake_anybody, &i);
}

/* The message that shows what was made, to the fourth. */
static void
show(struct cluster *c, const uint8_t *batch)
{
	struct bytes body;
	struct encoder e;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, batch == NULL ? 2 : 3);
	encoder_put_uint(&e,
	    batch == NULL ? MESSAGE_CHECKPOINT : MESSAGE_COMMITTED);
	certificate_encode(&e, &made);
	if (batch != NULL)
		encoder_put_bytes(&e, bytes_of(batch, 4));
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 1, 3, body);
}

static void
show_commit(struct cluster *c, uint64_t view, unsigned which)
{
	make_commit(c, view, which);
	show(c, batches[which]);
}

static void
show_state(struct cluster *c, uint64_t seq, uint8_t fill)
{
	certificate_make(c, VOTE_CHECKPOINT, 0, seq, fill, 3, &made);
	show(c, NULL);
}

static void
assert_stopped(const struct cluster *c, uint32_t convicted,
    enum evidence_kind kind)
{
	const struct node *node = &c->nodes[3];

	assert_non_null(node->fatal);
	assert_non_null(strstr(node->fatal, "contradict each other"));
	assert_int_equal(node->convicted, convicted);
	if (convicted != 0)
		assert_int_equal(node->culpable, kind);
}

static void
two_batches_decided_in_one_place_stop_us_and_convict_who_signed_both(
    void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	show_commit(c, 0, 0);
	assert_int_equal(c->nodes[3].applied, 1);
	show_commit(c, 0, 0);
	assert_healthy(c);
	show_commit(c, 0, 1);
	assert_stopped(c, 0x7, EVIDENCE_COMMIT);
	cluster_free(c);
}

static void
decided_in_two_views_they_stop_us_and_convict_nobody(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	show_commit(c, 0, 0);
	show_commit(c, 1, 1);
	assert_stopped(c, 0, EVIDENCE_COMMIT);
	cluster_free(c);
}

static void
what_contradicts_and_is_forged_is_only_a_waste(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned before;

	(void)state;
	show_commit(c, 0, 0);
	before = c->nodes[3].failures;
	make_commit(c, 0, 1);
	made.proofs[2].signature[0] ^= 1;
	show(c, batches[1]);
	assert_int_equal(c->nodes[3].failures, before + 1);
	assert_healthy(c);
	assert_int_equal(c->nodes[3].evidence, 0);
	cluster_free(c);
}

static void
two_states_certified_that_we_have_yet_to_reach_stop_us(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	show_state(c, STABLE, 1);
	show_state(c, STABLE, 1);
	assert_healthy(c);
	show_state(c, STABLE, 2);
	assert_stopped(c, 0x7, EVIDENCE_CHECKPOINT);
	cluster_free(c);
}

static void
another_state_certified_than_the_stable_one_stops_us(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, STABLE);
	assert_int_equal(status_of(c, 3).stable, STABLE);
	show_state(c, STABLE, 1);
	assert_stopped(c, c->nodes[3].convicted, EVIDENCE_CHECKPOINT);
	/* Of the quorum of ours two at least are of theirs. */
	assert_true(__builtin_popcount(c->nodes[3].convicted) >= 2);
	cluster_free(c);
}

static void
also_when_a_view_change_goes_on_from_it(void **state)
{
	struct cluster *c = cluster_of(4);
	uint32_t member = 2;
	struct forging f = { &c->scope, &fake_anybody, &member, 2 };

	(void)state;
	agree(c, 0, STABLE);
	certificate_make(c, VOTE_CHECKPOINT, 0, STABLE, 1, 3, &made);
	post(c, 1, 3,
	    forging_view_change(&f, 1, &made, NULL, 0, raw, sizeof(raw)));
	assert_stopped(c, c->nodes[3].convicted, EVIDENCE_CHECKPOINT);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    two_batches_decided_in_one_place_stop_us_and_convict_who_signed_both),
		cmocka_unit_test(
		    decided_in_two_views_they_stop_us_and_convict_nobody),
		cmocka_unit_test(
		    what_contradicts_and_is_forged_is_only_a_waste),
		cmocka_unit_test(
		    two_states_certified_that_we_have_yet_to_reach_stop_us),
		cmocka_unit_test(
		    another_state_certified_than_the_stable_one_stops_us),
		cmocka_unit_test(also_when_a_view_change_goes_on_from_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
