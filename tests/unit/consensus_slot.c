/*
 * Slots: which batches a slot keeps when there are more than it has room for.
 */
#include "consensus/pbft.h"

#include "consensus_fixture.h"

/* A batch of one byte, as far as a slot cares. */
static struct digest
hold(struct engine *e, struct slot *slot, uint8_t byte)
{
	struct bytes batch = bytes_of(&byte, 1);
	struct digest digest;

	digest_of(&digest, batch);
	assert_int_equal(slot_hold(e, slot, &digest, batch), AG_OK);
	assert_non_null(slot_payload(slot, &digest));
	return digest;
}

static struct slot *
slot_of(struct cluster *c)
{
	struct slot *slot = slot_open(c->nodes[0].engine, 1);

	assert_non_null(slot);
	return slot;
}

static void
hold_many(struct cluster *c, struct slot *slot)
{
	uint8_t byte;

	for (byte = 100; byte < 110; byte++)
		(void)hold(c->nodes[0].engine, slot, byte);
}

static void
the_batch_of_a_pledge_is_kept_and_others_make_room(void **state)
{
	struct cluster *c = cluster_of(4);
	struct slot *slot = slot_of(c);
	struct digest pledged, other;

	(void)state;
	pledged = hold(c->nodes[0].engine, slot, 1);
	other = hold(c->nodes[0].engine, slot, 2);
	assert_false(slot_needs(slot, &pledged));
	slot->prepare = (struct pledge){ true, 0, pledged };
	assert_true(slot_needs(slot, &pledged));
	assert_false(slot_needs(slot, &other));
	hold_many(c, slot);
	assert_non_null(slot_payload(slot, &pledged));
	assert_null(slot_payload(slot, &other));
	cluster_free(c);
}

static void
the_batches_of_a_pledge_and_of_a_certificate_are_both_kept(void **state)
{
	struct cluster *c = cluster_of(4);
	struct slot *slot = slot_of(c);
	struct digest pledged, prepared;

	(void)state;
	pledged = hold(c->nodes[0].engine, slot, 1);
	prepared = hold(c->nodes[0].engine, slot, 2);
	slot->prepare = (struct pledge){ true, 1, pledged };
	slot->prepared->proof_count = 3;
	slot->prepared->digest = prepared;
	hold_many(c, slot);
	assert_non_null(slot_payload(slot, &pledged));
	assert_non_null(slot_payload(slot, &prepared));
	cluster_free(c);
}

static void
of_what_is_decided_no_other_batch_is_needed(void **state)
{
	struct cluster *c = cluster_of(4);
	struct slot *slot = slot_of(c);
	struct digest pledged, decided;

	(void)state;
	pledged = hold(c->nodes[0].engine, slot, 1);
	decided = hold(c->nodes[0].engine, slot, 2);
	slot->prepare = (struct pledge){ true, 0, pledged };
	slot->committed->proof_count = 3;
	slot->committed->digest = decided;
	assert_true(slot_needs(slot, &decided));
	assert_false(slot_needs(slot, &pledged));
	hold_many(c, slot);
	assert_non_null(slot_payload(slot, &decided));
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest specifications[] = {
		cmocka_unit_test(
		    the_batch_of_a_pledge_is_kept_and_others_make_room),
		cmocka_unit_test(
		    the_batches_of_a_pledge_and_of_a_certificate_are_both_kept),
		cmocka_unit_test(of_what_is_decided_no_other_batch_is_needed),
	};

	return cmocka_run_group_tests(specifications, NULL, NULL);
}
