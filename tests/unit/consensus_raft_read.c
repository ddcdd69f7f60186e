/*
 * Reads that take no place in Raft's log: lib/consensus/raft_read.c.
 */
#include "consensus_raft_fixture.h"

static void
ask(struct cluster *c, uint32_t at, uint64_t number)
{
	node_step(&c->nodes[at],
	    (struct event){ .kind = EVENT_READ, .token = number });
}

static void
a_read_sees_what_was_committed_and_takes_no_place_in_the_log(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), i;
	uint64_t now;

	(void)state;
	agree(c, leader, 3);
	now = c->now_us;
	for (i = 0; i < 3; i++)
		ask(c, i, 70 + i);
	cluster_settle(c);
	for (i = 0; i < 3; i++) {
		assert_int_equal(c->nodes[i].read, 70 + i);
		assert_int_equal(c->nodes[i].read_seq, 4);
	}
	assert_int_equal(c->now_us, now);
	assert_int_equal(status_of(c, leader).proposed, 4);
	cluster_free(c);
}

static void
reads_that_wait_share_a_round(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), i;
	size_t before = c->nodes[leader].sent[MESSAGE_CONFIRM];

	(void)state;
	for (i = 0; i < 100; i++)
		ask(c, leader, 70 + i);
	cluster_settle(c);
	assert_int_equal(c->nodes[leader].read, 169);
	assert_int_equal(c->nodes[leader].sent[MESSAGE_CONFIRM] - before, 1);
	cluster_free(c);
}

static void
a_leader_cut_off_answers_no_read(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t old = elect(c), leader;

	(void)state;
	agree(c, old, 1);
	c->knob = old;
	c->passes = passes_not_to_or_from_one;
	ask(c, old, 70);
	cluster_settle(c);
	assert_int_equal(c->nodes[old].read, 0);
	cluster_advance(c, 5000 * MS);
	leader = leader_of(c);
	assert_int_not_equal(leader, old);
	agree(c, leader, 1);
	assert_int_equal(c->nodes[old].read, 0);
	/* Back among the others it is answered, by who leads now. */
	c->passes = NULL;
	cluster_advance(c, 3000 * MS);
	assert_int_equal(c->nodes[old].read, 70);
	assert_true(c->nodes[old].read_seq >= 4);
	cluster_free(c);
}

static void
a_leader_answers_no_read_before_it_committed_something_of_its_term(void **state)
{
	struct cluster *c = alone_of(3);
	struct node *node = &c->nodes[0];
	uint64_t round;

	(void)state;
	say_append(c, 1, 0, 2, 0, 0, 0, 1, 2, 7);
	cluster_settle(c);
	lead(c, 3);
	ask(c, 0, 70);
	cluster_settle(c);
	for (round = 0; round < 4; round++)
		say_confirmed(c, 1, 0, 3, round);
	cluster_settle(c);
	assert_int_equal(node->read, 0);
	say_taken(c, 1, 0, 3, 2);
	cluster_settle(c);
	assert_int_equal(node->read, 0);
	say_confirmed(c, 1, 0, 3, 1);
	assert_int_equal(node->read, 70);
	assert_int_equal(node->read_seq, 2);
	cluster_free(c);
}

static void
only_the_round_that_began_after_it_answers_a_read(void **state)
{
	struct cluster *c = alone_of(3);
	struct node *node = &c->nodes[0];

	(void)state;
	lead(c, 1);
	say_taken(c, 1, 0, 1, 1);
	cluster_settle(c);
	ask(c, 0, 70);
	cluster_settle(c);
	ask(c, 0, 71);
	cluster_settle(c);
	say_confirmed(c, 1, 0, 1, 1);
	assert_int_equal(node->read, 0);
	say_confirmed(c, 1, 0, 1, 2);
	assert_int_equal(node->read, 71);
	cluster_free(c);
}

static bool
passes_no_first_question(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	uint64_t type = message_type_of(body);

	(void)from;
	(void)to;
	if (type != MESSAGE_READ_INDEX && type != MESSAGE_READ_ANSWER &&
	    type != MESSAGE_CONFIRM && type != MESSAGE_CONFIRMED)
		return true;
	if ((c->knob >> type & 1) != 0)
		return true;
	c->knob |= UINT64_C(1) << type;
	return false;
}

static void
a_question_that_is_lost_is_asked_again(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), follower = (leader + 1) % 3;

	(void)state;
	c->nodes[(leader + 2) % 3].is_down = true;
	c->passes = passes_no_first_question;
	ask(c, follower, 70);
	cluster_settle(c);
	assert_int_equal(c->nodes[follower].read, 0);
	cluster_advance(c, 1000 * MS);
	assert_int_equal(c->nodes[follower].read, 70);
	cluster_free(c);
}

static void
an_answer_to_another_question_is_none(void **state)
{
	struct cluster *c = alone_of(3);

	(void)state;
	say_append(c, 1, 0, 2, 0, 0, 0, 0, 0, 0);
	ask(c, 0, 70);
	cluster_settle(c);
	assert_int_equal(c->nodes[0].sent[MESSAGE_READ_INDEX], 1);
	say_read_answer(c, 1, 0, 69, 3);
	say_read_answer(c, 1, 0, 0, 3);
	assert_int_equal(c->nodes[0].read, 0);
	say_read_answer(c, 1, 0, 70, 3);
	assert_int_equal(c->nodes[0].read, 70);
	assert_int_equal(c->nodes[0].read_seq, 3);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_read_sees_what_was_committed_and_takes_no_place_in_the_log),
		cmocka_unit_test(reads_that_wait_share_a_round),
		cmocka_unit_test(a_leader_cut_off_answers_no_read),
		cmocka_unit_test(
		    a_leader_answers_no_read_before_it_committed_something_of_its_term),
		cmocka_unit_test(
		    only_the_round_that_began_after_it_answers_a_read),
		cmocka_unit_test(a_question_that_is_lost_is_asked_again),
		cmocka_unit_test(an_answer_to_another_question_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
