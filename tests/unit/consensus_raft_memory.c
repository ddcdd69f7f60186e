/*
 * Members of Raft that may have forgotten what they voted for:
 * lib/consensus/memory.c.
 */
#include "consensus_raft_fixture.h"

static void
empty(struct node *node)
{
	node_crash(node);
	items_free(&node->records);
	node->applied = 0;
	memset(&node->state, 0, sizeof(node->state));
}

/* Nobody knows what one member waits for: it goes on rejoining. */
static bool
ones_progress_is_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)to;
	return from != c->knob || message_type_of(body) != MESSAGE_PROGRESS;
}

static void
keep_waiting(struct cluster *c, uint32_t member)
{
	c->knob = member;
	c->passes = ones_progress_is_lost;
}

static void
who_was_emptied_neither_votes_nor_stands(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3,
		 other = (leader + 2) % 3;
	uint64_t term = status_of(c, leader).view;
	struct node *node = &c->nodes[late];

	(void)state;
	agree(c, leader, 5);
	empty(node);
	c->knob = late;
	c->passes = passes_not_to_or_from_one;
	memset(node->sent, 0, sizeof(node->sent));
	node_start(node);
	assert_true(status_of(c, late).is_rejoining);
	assert_true(status_of(c, late).rejoin_seq >= 6);
	assert_int_equal(status_of(c, late).view, term);
	cluster_advance(c, 10000 * MS);
	say_request(c, other, late, term + 9, true, 999, term + 9);
	say_request(c, other, late, term + 9, false, 999, term + 9);
	say_two(c, leader, late, MESSAGE_CONFIRM, term, 1);
	cluster_settle(c);
	assert_int_equal(node->sent[MESSAGE_VOTE_REQUEST], 0);
	assert_int_equal(node->sent[MESSAGE_VOTE_ANSWER], 0);
	/* Nor does it follow who led before the term it may have voted in. */
	say_append(c, other, late, term - 1, 0, 0, 0, 1, term - 1, 7);
	assert_int_equal(status_of(c, late).proposed, 0);
	cluster_free(c);
}

static void
who_was_emptied_votes_again_past_what_it_may_have_acknowledged(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;
	struct node *node = &c->nodes[late];
	uint64_t until;

	(void)state;
	agree(c, leader, 5);
	empty(node);
	node_start(node);
	assert_true(status_of(c, late).is_rejoining);
	until = status_of(c, late).rejoin_seq;
	/* It asks for checkpoints: no writes are needed. */
	cluster_advance(c, 2000 * MS);
	assert_false(status_of(c, late).is_rejoining);
	assert_true(status_of(c, late).stable >= until);
	assert_int_equal(leader_of(c), leader);
	node_crash(&c->nodes[leader]);
	leader = elect(c);
	agree(c, leader, 3);
	assert_healthy(c);
	cluster_free(c);
}

/* As a log has it that was written before there were horizons. */
static void
what_the_log_has_is_within_the_horizon_from_the_start(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;
	struct node *node = &c->nodes[late];

	(void)state;
	agree(c, leader, 5);
	node_crash(node);
	memset(&node->horizon, 0, sizeof(node->horizon));
	node_start(node);
	assert_false(status_of(c, late).is_rejoining);
	assert_int_equal(node->horizon.view, status_of(c, late).view);
	assert_true(node->horizon.seq >= 6);
	cluster_free(c);
}

/* It counts for entries while it does not for elections. */
static void
who_is_rejoining_helps_to_commit(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;

	(void)state;
	agree(c, leader, 5);
	c->nodes[(leader + 2) % 3].is_down = true;
	empty(&c->nodes[late]);
	keep_waiting(c, late);
	node_start(&c->nodes[late]);
	cluster_advance(c, 700 * MS);
	assert_true(status_of(c, late).is_rejoining);
	agree(c, leader, 1);
	assert_applied(c, c->nodes[leader].applied);
	assert_int_equal(requests_up_to(c, c->nodes[leader].applied), 6);
	c->passes = NULL;
	cluster_advance(c, 2000 * MS);
	assert_false(status_of(c, late).is_rejoining);
	cluster_free(c);
}

static void
who_is_rejoining_is_nobodys_heir(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;

	(void)state;
	agree(c, leader, 5);
	empty(&c->nodes[late]);
	keep_waiting(c, late);
	node_start(&c->nodes[late]);
	cluster_advance(c, 300 * MS);
	assert_true(status_of(c, late).is_rejoining);
	node_step(&c->nodes[leader], (struct event){ .kind = EVENT_RESIGN });
	cluster_settle(c);
	assert_int_equal(leader_of(c), (leader + 2) % 3);
	cluster_free(c);
}

/* Its horizon was lost with its log. */
static void
who_knows_no_term_follows_nobody_until_all_others_told_theirs(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3,
		 other = (leader + 2) % 3;
	struct node *node = &c->nodes[late];

	(void)state;
	agree(c, leader, 5);
	node_crash(&c->nodes[other]);
	node_crash(node);
	items_free(&node->records);
	node->has_no_horizon = true;
	memset(node->sent, 0, sizeof(node->sent));
	node_start(node);
	cluster_advance(c, 900 * MS);
	assert_true(status_of(c, late).is_rejoining);
	assert_int_equal(status_of(c, late).rejoin_seq, 0);
	assert_int_equal(node->sent[MESSAGE_APPEND_ANSWER], 0);
	assert_int_equal(node->sent[MESSAGE_VOTE_ANSWER], 0);
	keep_waiting(c, late);
	node_start(&c->nodes[other]);
	elect(c);
	cluster_advance(c, 500 * MS);
	assert_true(node->sent[MESSAGE_APPEND_ANSWER] > 0);
	assert_int_equal(node->sent[MESSAGE_VOTE_REQUEST], 0);
	assert_true(status_of(c, late).rejoin_seq >= 6);
	c->passes = NULL;
	cluster_advance(c, 2000 * MS);
	assert_false(status_of(c, late).is_rejoining);
	assert_applied(c, c->nodes[leader_of(c)].applied);
	cluster_free(c);
}

/* --- everything came back older --- */

static void
assert_rejoins(struct cluster *c, uint32_t at)
{
	struct node *node = &c->nodes[at];

	assert_true(status_of(c, at).is_rejoining);
	assert_int_equal(node->sent[MESSAGE_VOTE_ANSWER], 0);
	assert_int_equal(node->sent[MESSAGE_VOTE_REQUEST], 0);
	assert_int_equal(node->sent[MESSAGE_APPEND_ANSWER], 0);
	cluster_advance(c, 2000 * MS);
	assert_false(status_of(c, at).is_rejoining);
	assert_applied(c, c->nodes[leader_of(c)].applied);
	assert_healthy(c);
}

/* Its question is answered, and nothing else has happened yet. */
static void
hear_answers(struct cluster *c, uint32_t at)
{
	uint32_t i;

	node_start(&c->nodes[at]);
	for (i = 0; i < c->n; i++)
		if (i != at)
			(void)node_receive(&c->nodes[i]);
	(void)node_receive(&c->nodes[at]);
}

static void
who_came_back_older_is_told_what_it_acknowledged(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;
	struct image image;

	(void)state;
	agree(c, leader, 2);
	image = image_take(&c->nodes[late]);
	agree(c, leader, 3);
	image_put_back(&c->nodes[late], &image);
	hear_answers(c, late);
	assert_int_equal(c->nodes[late].horizon.memory, HORIZON_LOST);
	assert_rejoins(c, late);
	cluster_free(c);
}

static void
who_came_back_older_is_told_that_it_voted(void **state)
{
	struct cluster *c = raft_of(3);
	struct image images[3];
	uint32_t leader, late, i;

	(void)state;
	for (i = 0; i < 3; i++)
		images[i] = image_take(&c->nodes[i]);
	leader = elect(c);
	late = (leader + 1) % 3;
	image_put_back(&c->nodes[late], &images[late]);
	hear_answers(c, late);
	assert_int_equal(status_of(c, late).view, status_of(c, leader).view);
	assert_rejoins(c, late);
	cluster_free(c);
}

/*
 * All start at once, and nobody remembers what it had acknowledged: but who
 * has more, which is the leader, tells where its log ends.
 */
static void
start_with_one_older(struct cluster *c, uint32_t leader)
{
	const uint32_t late = (leader + 1) % 3, other = (leader + 2) % 3;
	struct image image;
	uint32_t i;

	agree(c, leader, 2);
	cluster_advance(c, 200 * MS);
	image = image_take(&c->nodes[late]);
	node_crash(&c->nodes[other]);
	agree(c, leader, 3);
	image_put_back(&c->nodes[late], &image);
	node_crash(&c->nodes[leader]);
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[(other + i) % 3]);
}

static void
who_came_back_older_votes_for_no_shorter_log_than_was_told(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c);
	uint64_t applied;

	(void)state;
	start_with_one_older(c, leader);
	applied = c->nodes[leader].applied;
	assert_int_equal(elect(c), leader);
	assert_applied(c, c->nodes[leader].applied);
	assert_true(c->nodes[leader].applied > applied);
	cluster_free(c);
}

static void
nor_while_whose_log_that_is_can_be_heard_and_its_disk_is_slow(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c);

	(void)state;
	start_with_one_older(c, leader);
	c->nodes[leader].is_disk_stuck = true;
	cluster_advance(c, 8 * c->config.view_timeout_us);
	assert_int_equal(leader_of(c), NOBODY);
	c->nodes[leader].is_disk_stuck = false;
	assert_int_equal(elect(c), leader);
	assert_applied(c, c->nodes[leader].applied);
	cluster_free(c);
}

/*
 * The same of five, of whom two have more.  One of them goes, and the disk of
 * the other is slow.
 */
static void
wait_for_the_other_of_two(bool is_leader_gone)
{
	struct cluster *c = raft_of(5);
	uint32_t leader = elect(c), late = (leader + 1) % 5, gone, slow, i;
	struct image image = image_take(&c->nodes[late]);

	node_crash(&c->nodes[(leader + 2) % 5]);
	node_crash(&c->nodes[(leader + 3) % 5]);
	agree(c, leader, 3);
	image_put_back(&c->nodes[late], &image);
	gone = is_leader_gone ? leader : (leader + 4) % 5;
	slow = is_leader_gone ? (leader + 4) % 5 : leader;
	node_crash(&c->nodes[leader]);
	node_crash(&c->nodes[(leader + 4) % 5]);
	for (i = 0; i < 5; i++)
		node_start(&c->nodes[(late + i) % 5]);
	cluster_settle(c);
	node_crash(&c->nodes[gone]);
	c->nodes[slow].is_disk_stuck = true;
	cluster_advance(c, 8 * c->config.view_timeout_us);
	assert_int_equal(leader_of(c), NOBODY);
	c->nodes[slow].is_disk_stuck = false;
	assert_int_equal(elect(c), slow);
	cluster_free(c);
}

static void
nor_while_any_of_those_whose_logs_are_can_be_heard(void **state)
{
	(void)state;
	wait_for_the_other_of_two(true);
	wait_for_the_other_of_two(false);
}

/* All start at once, and the leader's log has an entry that it alone knew. */
static void
start_with_one_longer(struct cluster *c, uint32_t leader)
{
	uint32_t i;

	agree(c, leader, 2);
	c->knob = leader;
	c->passes = passes_not_to_or_from_one;
	submit(c, leader);
	node_step(&c->nodes[leader], (struct event){ .kind = EVENT_FLUSH });
	(void)node_sync(&c->nodes[leader]);
	c->passes = NULL;
	for (i = 0; i < 3; i++)
		node_crash(&c->nodes[i]);
	cluster_start(c);
	assert_false(status_of(c, (leader + 1) % 3).is_asking);
}

static void
but_a_disk_that_hangs_keeps_nobody_from_being_elected_for_ever(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c);

	(void)state;
	start_with_one_longer(c, leader);
	c->nodes[leader].is_disk_stuck = true;
	cluster_advance(c, 40 * c->config.view_timeout_us);
	assert_int_not_equal(leader_of(c), NOBODY);
	assert_int_not_equal(leader_of(c), leader);
	cluster_free(c);
}

/* It was told where a log ends, and that member never comes back. */
static void
a_log_that_is_gone_keeps_nobody_from_being_elected(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c);

	(void)state;
	start_with_one_longer(c, leader);
	node_crash(&c->nodes[leader]);
	cluster_advance(c, 6000 * MS);
	assert_int_not_equal(leader_of(c), NOBODY);
	cluster_free(c);
}

static void
who_remembers_its_terms_is_told_nothing_new(void **state)
{
	struct cluster *c = raft_of(3);
	unsigned i;

	(void)state;
	for (i = 0; i < 20; i++) {
		uint32_t leader = elect(c), at = i % 3;

		agree(c, leader, 1);
		node_crash(&c->nodes[at]);
		node_start(&c->nodes[at]);
		cluster_settle(c);
		assert_false(status_of(c, at).is_asking);
		cluster_advance(c, 150 * MS);
		assert_false(status_of(c, at).is_rejoining);
	}
	assert_healthy(c);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_was_emptied_neither_votes_nor_stands),
		cmocka_unit_test(
		    who_was_emptied_votes_again_past_what_it_may_have_acknowledged),
		cmocka_unit_test(
		    what_the_log_has_is_within_the_horizon_from_the_start),
		cmocka_unit_test(who_is_rejoining_helps_to_commit),
		cmocka_unit_test(who_is_rejoining_is_nobodys_heir),
		cmocka_unit_test(
		    who_knows_no_term_follows_nobody_until_all_others_told_theirs),
		cmocka_unit_test(
		    who_came_back_older_is_told_what_it_acknowledged),
		cmocka_unit_test(who_came_back_older_is_told_that_it_voted),
		cmocka_unit_test(
		    who_came_back_older_votes_for_no_shorter_log_than_was_told),
		cmocka_unit_test(
		    nor_while_whose_log_that_is_can_be_heard_and_its_disk_is_slow),
		cmocka_unit_test(
		    nor_while_any_of_those_whose_logs_are_can_be_heard),
		cmocka_unit_test(
		    but_a_disk_that_hangs_keeps_nobody_from_being_elected_for_ever),
		cmocka_unit_test(
		    a_log_that_is_gone_keeps_nobody_from_being_elected),
		cmocka_unit_test(who_remembers_its_terms_is_told_nothing_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
