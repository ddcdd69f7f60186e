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

static void
the_next_epoch_begins_behind_it_with_terms_of_its_own(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), i;

	(void)state;
	c->last = 6;
	agree(c, leader, 5);
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
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	assert_int_equal(status_of(c, 0).view, 0);
	leader = elect(c);
	agree(c, leader, 30);
	cluster_advance(c, 500 * MS);
	assert_applied(c, 37);
	for (i = 0; i < 3; i++)
		assert_false(status_of(c, i).is_rejoining);
	assert_healthy(c);
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
		    a_straggler_is_brought_to_the_end_and_no_further),
		cmocka_unit_test(the_end_stands_wherever_the_leader_crashes),
		cmocka_unit_test(
		    the_next_epoch_begins_behind_it_with_terms_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
