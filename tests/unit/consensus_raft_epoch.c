/*
 * The end of an epoch of Raft, and the beginning of the next.
 */
#include "consensus_raft_fixture.h"

static void
assert_ended(struct cluster *c, uint64_t seq)
{
	uint32_t i;

	assert_applied(c, seq);
	for (i = 0; i < c->n; i++)
		if (!c->nodes[i].is_down)
			assert_int_equal(c->nodes[i].stable, seq);
	assert_healthy(c);
}

static void
the_last_state_is_certified_wherever_it_stands(void **state)
{
	uint64_t last;

	(void)state;
	for (last = 2; last <= 18; last++) {
		struct cluster *c = raft_of(3);

		(void)elect(c);
		c->last = last;
		agree(c, (uint32_t)last % 3, (unsigned)last);
		cluster_advance(c, 500 * MS);
		assert_ended(c, last);
		cluster_free(c);
	}
}

static void
after_it_nothing_is_proposed_and_nothing_waits(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), i;
	uint64_t term = status_of(c, leader).view;

	(void)state;
	c->last = 5;
	agree(c, leader, 4);
	for (i = 0; i < 3; i++)
		submit(c, i);
	cluster_settle(c);
	cluster_advance(c, 20000 * MS);
	assert_ended(c, 5);
	for (i = 0; i < 3; i++) {
		assert_int_equal(status_of(c, i).proposed, 5);
		assert_int_equal(status_of(c, i).pending_requests, 0);
		assert_int_equal(status_of(c, i).view, term);
	}
	cluster_free(c);
}

/* What was committed beyond it before anybody knew is not executed. */
static void
what_is_committed_beyond_it_does_not_keep_it_from_being_certified(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c);
	unsigned i;

	(void)state;
	c->last = 3;
	for (i = 0; i < 6; i++) {
		submit(c, leader);
		node_step(&c->nodes[leader],
		    (struct event){ .kind = EVENT_FLUSH });
	}
	cluster_settle(c);
	cluster_advance(c, 500 * MS);
	assert_true(status_of(c, leader).proposed > 3);
	assert_ended(c, 3);
	cluster_free(c);
}

static void
who_restarts_at_the_end_still_proves_it(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), i;

	(void)state;
	c->last = 5;
	agree(c, leader, 4);
	cluster_advance(c, 500 * MS);
	assert_ended(c, 5);
	for (i = 0; i < 3; i++) {
		node_crash(&c->nodes[i]);
		c->nodes[i].stable = 0;
	}
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	assert_ended(c, 5);
	submit(c, 0);
	cluster_settle(c);
	cluster_advance(c, 5000 * MS);
	assert_ended(c, 5);
	cluster_free(c);
}

static void
who_comes_to_the_end_again_after_a_crash_still_proves_it(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t i;

	(void)state;
	c->last = 5;
	agree(c, elect(c), 4);
	cluster_advance(c, 500 * MS);
	assert_ended(c, 5);
	for (i = 0; i < 3; i++) {
		node_crash(&c->nodes[i]);
		node_roll_back(&c->nodes[i], 3);
		c->nodes[i].stable = 0;
	}
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	cluster_advance(c, 500 * MS);
	assert_ended(c, 5);
	cluster_free(c);
}

static void
a_straggler_is_brought_to_the_end_and_no_further(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;

	(void)state;
	agree(c, leader, 2);
	node_crash(&c->nodes[late]);
	c->last = 6;
	agree(c, leader, 4);
	node_start(&c->nodes[late]);
	cluster_advance(c, 2000 * MS);
	assert_ended(c, 6);
	cluster_free(c);
}

/* The leader crashes with each number of turns taken since the last batch. */
static void
the_end_stands_wherever_the_leader_crashes(void **state)
{
	unsigned turns, turn;
	uint32_t i;

	(void)state;
	for (turns = 0; turns < 12; turns++) {
		struct cluster *c = raft_of(3);
		uint32_t leader = elect(c), other = (leader + 1) % 3;

		agree(c, leader, 3);
		c->last = 5;
		submit(c, leader);
		for (turn = 0; turn < turns; turn++)
			for (i = 0; i < 3; i++)
				(void)node_turn(&c->nodes[i]);
		node_crash(&c->nodes[leader]);
		(void)elect(c);
		submit(c, other);
		cluster_advance(c, 5000 * MS);
		assert_ended(c, 5);
		node_start(&c->nodes[leader]);
		cluster_advance(c, 5000 * MS);
		assert_ended(c, 5);
		cluster_free(c);
	}
}

static bool
passes_no_word_of_checkpoints(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	const uint64_t type = message_type_of(body);

	(void)c;
	(void)from;
	(void)to;
	return type != MESSAGE_VOTES && type != MESSAGE_VOTE_PROOFS &&
	    type != MESSAGE_CHECKPOINT;
}

/* All have executed the last batch, and none knows that others have. */
static struct cluster *
ended_without_proof(void)
{
	struct cluster *c = raft_of(3);

	c->passes = passes_no_word_of_checkpoints;
	c->last = 5;
	agree(c, elect(c), 4);
	cluster_advance(c, 500 * MS);
	assert_applied(c, 5);
	return c;
}

/* It may be one of those few on whose word the epoch ended. */
static void
what_was_executed_is_executed_again_by_who_is_alone_after_a_crash(void **state)
{
	struct cluster *c = ended_without_proof();
	uint32_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		node_crash(&c->nodes[i]);
	node_roll_back(&c->nodes[1], 3);
	node_start(&c->nodes[1]);
	cluster_settle(c);
	assert_int_equal(c->nodes[1].applied, 5);
	assert_null(c->nodes[1].fatal);
	cluster_free(c);
}

/* A crash came between the state and the record that it was executed. */
static void
lose_word_of_states(struct node *node)
{
	static struct certificate spare;
	struct items *records = &node->records;
	struct record record;
	size_t i, kept = 0;

	for (i = records->first; i < records->count; i++) {
		assert_int_equal(record_decode(&record, &spare,
				     item_bytes(&records->list[i]), NULL),
		    AG_OK);
		if (record.kind == RECORD_STATE)
			free(records->list[i].data);
		else
			records->list[kept++] = records->list[i];
	}
	records->first = 0;
	records->count = kept;
}

static void
signatures_that_came_before_the_entry_was_committed_count_then(void **state)
{
	struct cluster *c = ended_without_proof();
	uint32_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		node_crash(&c->nodes[i]);
		lose_word_of_states(&c->nodes[i]);
	}
	c->passes = NULL;
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	cluster_advance(c, 5000 * MS);
	assert_ended(c, 5);
	cluster_free(c);
}

static bool
passes_word_of_checkpoints_to_one(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	return to == c->knob ||
	    (passes_no_word_of_checkpoints(c, from, to, body) &&
		message_type_of(body) != MESSAGE_LOG_BASE);
}

/*
 * A majority signed the last state, and that is known to the member alone
 * whom the next epoch does not have.  One of the others is lost: if it stopped
 * at once, the third could never show that the epoch has ended.
 */
static void
who_is_removed_alone_may_have_what_proves_the_end(void **state)
{
	struct cluster *c = raft_of(3);
	const uint32_t removed = elect(c), left = (removed + 1) % 3;

	(void)state;
	c->last = 5;
	c->knob = removed;
	c->passes = passes_word_of_checkpoints_to_one;
	agree(c, removed, 4);
	cluster_advance(c, 500 * MS);
	assert_int_equal(c->nodes[removed].stable, 5);
	assert_int_equal(c->nodes[left].stable, 0);
	node_crash(&c->nodes[(removed + 2) % 3]);
	node_crash(&c->nodes[removed]);
	c->passes = NULL;
	cluster_advance(c, 20000 * MS);
	assert_int_equal(c->nodes[left].stable, 0);
	node_start(&c->nodes[removed]);
	cluster_advance(c, 5000 * MS);
	assert_int_equal(c->nodes[left].stable, 5);
	assert_healthy(c);
	cluster_free(c);
}

/* The epoch that follows one which ended with 6. */
static struct cluster *
next_epoch(void)
{
	struct cluster *c = raft_of(3);
	uint32_t i;

	c->last = 6;
	agree(c, elect(c), 5);
	cluster_advance(c, 500 * MS);
	assert_ended(c, 6);
	for (i = 0; i < 3; i++) {
		node_crash(&c->nodes[i]);
		items_free(&c->nodes[i].records);
		/* What was kept of votes in another scope says none. */
		memset(&c->nodes[i].horizon, 0, sizeof(struct horizon));
	}
	c->last = 0;
	c->scope.epoch++;
	c->config.scope = c->scope;
	c->config.first_seq = 6;
	c->config.first_digest = c->states[6];
	return c;
}

static void
the_next_epoch_begins_behind_it_with_terms_of_its_own(void **state)
{
	struct cluster *c = next_epoch();
	uint32_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	assert_int_equal(status_of(c, 0).view, 0);
	agree(c, elect(c), 30);
	cluster_advance(c, 500 * MS);
	assert_applied(c, 37);
	for (i = 0; i < 3; i++)
		assert_false(status_of(c, i).is_rejoining);
	assert_healthy(c);
	cluster_free(c);
}

static size_t
count_states(const struct node *node)
{
	static struct certificate spare;
	struct record record;
	size_t i, count = 0;

	for (i = node->records.first; i < node->records.count; i++)
		if (record_decode(&record, &spare,
			item_bytes(&node->records.list[i]), NULL) == AG_OK &&
		    record.kind == RECORD_STATE)
			count++;
	return count;
}

/* They are a majority in no case, and others can sign nothing without. */
static void
those_who_have_the_first_state_have_one_to_give_after_each_batch(void **state)
{
	struct cluster *c = next_epoch();
	uint32_t i;

	(void)state;
	c->passes = passes_no_word_of_checkpoints;
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	agree(c, elect(c), 4);
	assert_applied(c, 11);
	for (i = 0; i < 3; i++)
		assert_int_equal(count_states(&c->nodes[i]), 5);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_last_state_is_certified_wherever_it_stands),
		cmocka_unit_test(
		    after_it_nothing_is_proposed_and_nothing_waits),
		cmocka_unit_test(
		    what_is_committed_beyond_it_does_not_keep_it_from_being_certified),
		cmocka_unit_test(who_restarts_at_the_end_still_proves_it),
		cmocka_unit_test(
		    who_comes_to_the_end_again_after_a_crash_still_proves_it),
		cmocka_unit_test(
		    a_straggler_is_brought_to_the_end_and_no_further),
		cmocka_unit_test(the_end_stands_wherever_the_leader_crashes),
		cmocka_unit_test(
		    what_was_executed_is_executed_again_by_who_is_alone_after_a_crash),
		cmocka_unit_test(
		    signatures_that_came_before_the_entry_was_committed_count_then),
		cmocka_unit_test(
		    who_is_removed_alone_may_have_what_proves_the_end),
		cmocka_unit_test(
		    the_next_epoch_begins_behind_it_with_terms_of_its_own),
		cmocka_unit_test(
		    those_who_have_the_first_state_have_one_to_give_after_each_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
