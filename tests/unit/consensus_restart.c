/*
 * Restarts: what a replica has promised it still knows, and goes on.
 */
#include "consensus_fixture.h"

static void
crash_all(struct cluster *c)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		node_crash(&c->nodes[i]);
}

static void
start_all(struct cluster *c)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		node_start(&c->nodes[i]);
	cluster_settle(c);
}

static void
a_cluster_goes_on_after_all_members_crash(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 11);
	crash_all(c);
	start_all(c);
	agree(c, 1, 30);
	assert_applied(c, 41);
	assert_healthy(c);
	cluster_free(c);
}

/* For each length of history, with and without the log's old part. */
static void
a_cluster_goes_on_wherever_it_crashed(void **state)
{
	unsigned count, cut;
	uint32_t i;

	(void)state;
	for (count = 0; count <= 34; count++) {
		for (cut = 0; cut < 2; cut++) {
			struct cluster *c = cluster_of(4);

			agree(c, 0, count);
			crash_all(c);
			for (i = 0; i < c->n && cut == 1; i++)
				node_cut_log(&c->nodes[i]);
			start_all(c);
			agree(c, 0, 20);
			assert_healthy(c);
			assert_applied(c, count + 20);
			cluster_free(c);
		}
	}
}

static bool
checkpoint_votes_are_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	uint64_t type = message_type_of(body);

	(void)to;
	return c->nodes[from].applied < c->knob ||
	    (type != MESSAGE_VOTES && type != MESSAGE_VOTE_PROOFS);
}

static void
a_full_window_without_a_checkpoint_is_left_after_a_restart(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	/* No checkpoint vote of 8 arrives, nor one of 16. */
	agree(c, 0, 7);
	c->passes = checkpoint_votes_are_lost;
	c->knob = 8;
	agree(c, 0, 1);
	c->knob = 16;
	crash_all(c);
	start_all(c);
	agree(c, 0, 8);
	crash_all(c);
	c->passes = NULL;
	start_all(c);
	agree(c, 0, 20);
	cluster_advance(c, 500 * MS);
	assert_true(c->nodes[0].applied >= 36);
	assert_healthy(c);
	cluster_free(c);
}

static void
a_full_window_is_left_when_only_the_state_knows_its_digest(void **state)
{
	struct cluster *c = cluster_of(4);
	static struct certificate certificate;
	struct record record;
	uint32_t i;

	(void)state;
	agree(c, 0, 7);
	c->passes = checkpoint_votes_are_lost;
	c->knob = 8;
	agree(c, 0, 1);
	crash_all(c);
	/* The records of our digests were not durable yet. */
	for (i = 0; i < 4; i++) {
		struct items *records = &c->nodes[i].records;
		size_t last = records->count - 1;

		assert_int_equal(record_decode(&record, &certificate,
				     item_bytes(&records->list[last]), NULL),
		    AG_OK);
		assert_int_equal(record.kind, RECORD_STATE);
		items_cut(records, last);
	}
	c->passes = NULL;
	start_all(c);
	assert_int_equal(status_of(c, 0).stable, 8);
	cluster_free(c);
}

static void
a_lone_member_finishes_what_it_had_proposed(void **state)
{
	struct cluster *c = cluster_of(1);
	struct node *node = &c->nodes[0];

	(void)state;
	submit(c, 0);
	node_step(node, (struct event){ .kind = EVENT_FLUSH });
	node->durable = node->token;
	node_crash(node);
	node_start(node);
	cluster_settle(c);
	assert_int_equal(node->applied, 1);
	cluster_free(c);
}

/* The votes a node ever sent, by view, sequence and phase. */
struct ledger {
	struct {
		bool is_set;
		struct digest digest;
	} votes[3][64][3];
	bool conflicts;
};

static struct ledger *ledger;

static void
ledger_note(uint64_t view, uint64_t phase, uint64_t seq,
    const struct digest *digest)
{
	if (view >= 3 || seq >= 64 || phase >= VOTE_CHECKPOINT)
		return;
	if (ledger->votes[view][seq][phase].is_set &&
	    !digest_equal(&ledger->votes[view][seq][phase].digest, digest))
		ledger->conflicts = true;
	ledger->votes[view][seq][phase].is_set = true;
	ledger->votes[view][seq][phase].digest = *digest;
}

static bool
first_ones_votes_are_noted_and_lost(struct cluster *c, uint32_t from,
    uint32_t to, struct bytes body)
{
	uint64_t type = message_type_of(body), view;
	struct digest digest;
	struct decoder d;
	size_t i, count;

	(void)to;
	if (from != c->knob)
		return true;
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	(void)decoder_get_uint(&d);
	view = decoder_get_uint(&d);
	if (type == MESSAGE_PRE_PREPARE) {
		uint64_t seq = decoder_get_uint(&d);

		decoder_get_fixed(&d, digest.data, DIGEST_BYTES);
		ledger_note(view, VOTE_PREPARE, seq, &digest);
		return false;
	}
	if (type != MESSAGE_VOTES)
		return true;
	count = decoder_get_array_max(&d, VOTE_BUNDLE_MAX);
	for (i = 0; i < count; i++) {
		uint64_t phase, seq;

		decoder_expect_array(&d, 3);
		phase = decoder_get_uint(&d);
		seq = decoder_get_uint(&d);
		decoder_get_fixed(&d, digest.data, DIGEST_BYTES);
		ledger_note(view, phase, seq, &digest);
	}
	return false;
}

static void
a_primary_never_proposes_twice_for_one_sequence(void **state)
{
	static struct ledger notes;
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	ledger = &notes;
	c->knob = 0;
	c->passes = first_ones_votes_are_noted_and_lost;
	for (i = 0; i < 5; i++) {
		submit(c, 0);
		cluster_settle(c);
		node_crash(&c->nodes[0]);
		node_start(&c->nodes[0]);
		cluster_settle(c);
	}
	assert_true(notes.votes[0][5][VOTE_PREPARE].is_set);
	assert_false(notes.conflicts);
	cluster_free(c);
}

static void
a_backup_votes_again_for_the_same_and_nothing_else(void **state)
{
	static struct ledger notes;
	struct cluster *c = cluster_of(4);
	struct node *two = &c->nodes[2];
	uint64_t wall = c->wall_ms;
	uint8_t raw[512];
	struct bytes other;

	(void)state;
	ledger = &notes;
	c->knob = 2;
	c->passes = first_ones_votes_are_noted_and_lost;
	c->nodes[3].is_down = true;
	submit(c, 0);
	cluster_settle(c);
	assert_true(notes.votes[0][1][VOTE_PREPARE].is_set);
	/* The primary loses its disk and proposes something else. */
	node_crash(&c->nodes[0]);
	items_cut(&c->nodes[0].records, 0);
	node_crash(two);
	node_start(two);
	node_start(&c->nodes[0]);
	c->wall_ms = wall + 5;
	other = request_make(c, 0, raw, sizeof(raw), 10);
	submit_bytes(c, 0, other);
	cluster_settle(c);
	assert_false(notes.conflicts);
	assert_applied(c, 0);
	cluster_free(c);
}

static void
what_was_not_durable_was_never_said(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *one = &c->nodes[1];

	(void)state;
	one->is_disk_stuck = true;
	submit(c, 0);
	cluster_settle(c);
	node_crash(one);
	one->is_disk_stuck = false;
	node_start(one);
	cluster_advance(c, 1000 * MS);
	assert_applied(c, 1);
	assert_int_equal(c->nodes[0].evidence, 0);
	cluster_free(c);
}

/* The disk may not have got to what nothing waited for. */
static void
lose_lazy_records(struct node *node)
{
	struct items *records = &node->records;
	size_t keep = records->count;

	while (keep > 0 && records->list[keep - 1].is_lazy)
		keep--;
	assert_true(keep < records->count);
	items_cut(records, keep);
}

static void
an_executed_batch_survives_that_all_lose_its_commit_certificate(void **state)
{
	struct cluster *c = cluster_of(4);
	uint32_t i;

	(void)state;
	agree(c, 0, 5);
	crash_all(c);
	for (i = 0; i < c->n; i++) {
		lose_lazy_records(&c->nodes[i]);
		node_roll_back(&c->nodes[i], 0);
	}
	start_all(c);
	cluster_advance(c, 3000 * MS);
	assert_applied(c, 5);
	assert_healthy(c);
	agree(c, 1, 5);
	assert_applied(c, 10);
	cluster_free(c);
}

static void
a_replica_that_was_changing_views_still_is(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 2);
	c->nodes[0].is_down = true;
	c->nodes[1].is_down = true;
	submit(c, 3);
	cluster_advance(c, 100 * MS);
	c->nodes[1].is_down = false;
	cluster_advance(c, 1000 * MS);
	crash_all(c);
	start_all(c);
	submit(c, 3);
	cluster_advance(c, 5000 * MS);
	assert_healthy(c);
	assert_true(c->nodes[2].applied >= 3);
	assert_applied(c, c->nodes[0].applied);
	cluster_free(c);
}

/* The batch of one sequence is lost wherever it is asked for. */
static bool
batches_are_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	uint64_t type = message_type_of(body);

	(void)from;
	return to != c->knob ||
	    (type != MESSAGE_BATCH && type != MESSAGE_COMMITTED &&
		type != MESSAGE_PRE_PREPARE);
}

static void
what_a_new_view_selected_binds_after_a_checkpoint_and_a_restart(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *three = &c->nodes[3];
	struct engine_round before, after;

	(void)state;
	agree(c, 0, 7);
	/* Nine is prepared by the others; we never see its batch. */
	c->knob = 3;
	agree(c, 0, 1);
	c->passes = batches_are_lost;
	agree(c, 0, 1);
	assert_int_equal(three->applied, 8);
	node_crash(&c->nodes[0]);
	submit(c, 1);
	cluster_advance(c, 1700 * MS);
	assert_int_equal(strategy_pbft.round(three->engine, 9, &before), AG_OK);
	assert_int_equal(before.view, 1);
	node_cut_log(three);
	node_crash(three);
	node_start(three);
	cluster_settle(c);
	assert_int_equal(strategy_pbft.round(three->engine, 9, &after), AG_OK);
	assert_int_equal(after.view, 1);
	assert_true(digest_equal(&before.digest, &after.digest));
	cluster_free(c);
}

static void
post_progress_of_view_zero(struct cluster *c, uint32_t from, uint32_t to)
{
	struct bytes progress;
	struct encoder e;
	uint8_t raw[64];

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 9);
	encoder_put_uint(&e, MESSAGE_PROGRESS);
	encoder_put_uint(&e, 0);
	encoder_put_bool(&e, false);
	encoder_put_uint(&e, 8);
	encoder_put_uint(&e, 8);
	encoder_put_uint(&e, 8);
	encoder_put_uint(&e, 0);
	encoder_put_bool(&e, true);
	encoder_put_bool(&e, false);
	assert_int_equal(encoder_finish(&e, &progress), AG_OK);
	post(c, from, to, progress);
}

static void
a_checkpoint_record_alone_brings_back_the_new_views_selection(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *three = &c->nodes[3];
	struct engine_round before, after;
	static struct certificate certificate;
	struct record record;
	static uint8_t encoded[65536];
	struct encoder e;
	struct bytes bytes, new_view = { NULL, 0 };
	size_t i, shown;

	(void)state;
	agree(c, 0, 8);
	c->knob = 3;
	c->passes = batches_are_lost;
	agree(c, 0, 1);
	node_crash(&c->nodes[0]);
	submit(c, 1);
	cluster_advance(c, 1700 * MS);
	assert_int_equal(strategy_pbft.round(three->engine, 9, &before), AG_OK);
	assert_int_equal(before.view, 1);
	/* What it would write at the checkpoint now, and nothing before. */
	for (i = 0; i < three->records.count; i++) {
		assert_int_equal(record_decode(&record, &certificate,
				     item_bytes(&three->records.list[i]), NULL),
		    AG_OK);
		if (record.kind == RECORD_VIEW && !record.is_changing)
			new_view = record.new_view;
	}
	assert_true(new_view.len > 0);
	for (i = 0; i < three->records.count; i++) {
		assert_int_equal(record_decode(&record, &certificate,
				     item_bytes(&three->records.list[i]), NULL),
		    AG_OK);
		if (record.kind == RECORD_CHECKPOINT)
			break;
	}
	assert_true(i < three->records.count);
	encoder_init(&e, encoded, sizeof(encoded));
	record_encode_checkpoint(&e, &certificate, 1, false, new_view);
	assert_int_equal(encoder_finish(&e, &bytes), AG_OK);
	node_crash(three);
	items_cut(&three->records, 0);
	items_add(&three->records, bytes);
	node_start(three);
	cluster_settle(c);
	assert_int_equal(strategy_pbft.round(three->engine, 9, &after), AG_OK);
	assert_int_equal(after.view, 1);
	assert_true(digest_equal(&before.digest, &after.digest));
	/* And the message itself, to show to who is behind. */
	shown = three->sent[MESSAGE_NEW_VIEW];
	cluster_advance(c, 200 * MS);
	post_progress_of_view_zero(c, 0, 3);
	cluster_settle(c);
	assert_true(three->sent[MESSAGE_NEW_VIEW] > shown);
	cluster_free(c);
}

static void
a_record_we_do_not_understand_is_refused(void **state)
{
	struct cluster *c = cluster_of(1);

	(void)state;
	node_crash(&c->nodes[0]);
	items_add(&c->nodes[0].records, bytes_of("\x82\x09\x00", 3));
	node_start(&c->nodes[0]);
	assert_non_null(c->nodes[0].fatal);
	cluster_free(c);
}

static void
state_behind_its_log_is_executed_again(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *one = &c->nodes[1];

	(void)state;
	agree(c, 0, 3);
	/* The state's disk was slower than the log's. */
	node_crash(one);
	node_roll_back(one, 0);
	node_start(one);
	cluster_settle(c);
	assert_applied(c, 3);
	agree(c, 0, 10);
	assert_applied(c, 13);
	assert_healthy(c);
	cluster_free(c);
}

static void
states_behind_their_checkpoint_are_executed_again(void **state)
{
	unsigned count;
	uint32_t i;

	(void)state;
	/* All lost power just after a checkpoint: nobody could help. */
	for (count = 8; count <= 22; count++) {
		struct cluster *c = cluster_of(4);

		agree(c, 0, count);
		crash_all(c);
		for (i = 0; i < 4; i++)
			node_roll_back(&c->nodes[i], count - 8 + i);
		start_all(c);
		agree(c, 0, 20);
		cluster_advance(c, 1000 * MS);
		assert_applied(c, count + 20);
		assert_healthy(c);
		cluster_free(c);
	}
}

static void
a_state_executed_again_must_match_its_checkpoint(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *one = &c->nodes[1];

	(void)state;
	agree(c, 0, 9);
	node_crash(one);
	node_roll_back(one, 5);
	one->state.data[0] ^= 1;
	node_start(one);
	cluster_settle(c);
	assert_non_null(one->fatal);
	assert_non_null(strstr(one->fatal, "state differs"));
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cluster_goes_on_after_all_members_crash),
		cmocka_unit_test(a_cluster_goes_on_wherever_it_crashed),
		cmocka_unit_test(
		    a_full_window_without_a_checkpoint_is_left_after_a_restart),
		cmocka_unit_test(
		    a_full_window_is_left_when_only_the_state_knows_its_digest),
		cmocka_unit_test(a_lone_member_finishes_what_it_had_proposed),
		cmocka_unit_test(
		    a_primary_never_proposes_twice_for_one_sequence),
		cmocka_unit_test(
		    a_backup_votes_again_for_the_same_and_nothing_else),
		cmocka_unit_test(what_was_not_durable_was_never_said),
		cmocka_unit_test(
		    an_executed_batch_survives_that_all_lose_its_commit_certificate),
		cmocka_unit_test(a_replica_that_was_changing_views_still_is),
		cmocka_unit_test(
		    what_a_new_view_selected_binds_after_a_checkpoint_and_a_restart),
		cmocka_unit_test(
		    a_checkpoint_record_alone_brings_back_the_new_views_selection),
		cmocka_unit_test(a_record_we_do_not_understand_is_refused),
		cmocka_unit_test(state_behind_its_log_is_executed_again),
		cmocka_unit_test(
		    states_behind_their_checkpoint_are_executed_again),
		cmocka_unit_test(
		    a_state_executed_again_must_match_its_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
