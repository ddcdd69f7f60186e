/*
 * The end of an epoch, and the beginning of the next.
 */
#include "consensus_fixture.h"

static void
assert_stable(struct cluster *c, uint64_t seq)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (!c->nodes[i].is_down)
			assert_int_equal(c->nodes[i].stable, seq);
}

static void
the_last_state_is_certified_wherever_it_stands(void **state)
{
	uint64_t last;

	(void)state;
	for (last = 1; last <= 17; last++) {
		struct cluster *c = cluster_of(4);

		c->last = last;
		agree(c, (uint32_t)last % 4, (unsigned)last);
		assert_applied(c, last);
		assert_stable(c, last);
		assert_healthy(c);
		cluster_free(c);
	}
}

static void
after_it_nothing_is_proposed_and_nobody_is_impatient(void **state)
{
	struct cluster *c = cluster_of(4);
	uint32_t i;

	(void)state;
	c->last = 5;
	agree(c, 1, 5);
	for (i = 0; i < 4; i++)
		submit(c, i);
	cluster_settle(c);
	cluster_advance(c, 20000 * MS);
	assert_applied(c, 5);
	for (i = 0; i < 4; i++) {
		assert_int_equal(status_of(c, i).proposed, 5);
		assert_int_equal(status_of(c, i).pending_requests, 0);
		assert_int_equal(status_of(c, i).view, 0);
	}
	assert_healthy(c);
	cluster_free(c);
}

/* What was decided beyond it before anybody knew is not executed. */
static void
what_is_decided_beyond_it_does_not_keep_it_from_being_certified(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	agree(c, 0, 2);
	c->last = 3;
	for (i = 0; i < 6; i++)
		submit(c, i % 4);
	cluster_settle(c);
	cluster_advance(c, ALL_WAITED);
	assert_applied(c, 3);
	assert_stable(c, 3);
	assert_healthy(c);
	cluster_free(c);
}

static void
who_restarts_at_the_end_still_proves_it(void **state)
{
	struct cluster *c = cluster_of(4);
	uint32_t i;

	(void)state;
	c->last = 5;
	agree(c, 0, 5);
	assert_stable(c, 5);
	for (i = 0; i < 4; i++) {
		node_crash(&c->nodes[i]);
		c->nodes[i].stable = 0;
	}
	for (i = 0; i < 4; i++)
		node_start(&c->nodes[i]);
	assert_stable(c, 5);
	submit(c, 0);
	cluster_settle(c);
	cluster_advance(c, 5000 * MS);
	assert_applied(c, 5);
	assert_healthy(c);
	cluster_free(c);
}

/* Executed by all, and all lose power before anybody hears a vote. */
static void
an_end_that_nobody_has_certified_is_certified_after_a_restart(void **state)
{
	struct cluster *c = cluster_of(4);
	uint32_t i;

	(void)state;
	agree(c, 0, 4);
	c->last = 4;
	for (i = 0; i < 4; i++) {
		node_crash(&c->nodes[i]);
		node_start(&c->nodes[i]);
	}
	cluster_settle(c);
	cluster_advance(c, 1000 * MS);
	assert_stable(c, 4);
	assert_healthy(c);
	cluster_free(c);
}

static void
a_straggler_is_brought_to_the_end_and_no_further(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 2);
	node_crash(&c->nodes[3]);
	c->last = 6;
	agree(c, 0, 4);
	assert_stable(c, 6);
	node_start(&c->nodes[3]);
	cluster_settle(c);
	cluster_advance(c, 2000 * MS);
	assert_applied(c, 6);
	assert_stable(c, 6);
	assert_healthy(c);
	cluster_free(c);
}

/* The primary is gone: the last batch is decided by the next one. */
static void
a_view_change_does_not_move_the_end(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 1, 3);
	c->last = 4;
	node_crash(&c->nodes[0]);
	submit(c, 1);
	cluster_settle(c);
	cluster_advance(c, 8000 * MS);
	assert_applied(c, 4);
	assert_stable(c, 4);
	node_start(&c->nodes[0]);
	cluster_settle(c);
	cluster_advance(c, 2000 * MS);
	assert_applied(c, 4);
	assert_stable(c, 4);
	assert_healthy(c);
	cluster_free(c);
}

/* The first so many messages of member 0 pass, and none after them. */
static bool
until_cut(struct cluster *c, uint32_t from, uint32_t to, struct bytes body)
{
	(void)to;
	(void)body;
	if (from != 0)
		return true;
	if (c->knob == 0)
		return false;
	c->knob--;
	return true;
}

/*
 * The primary of the last batch falls silent after each number of messages
 * there is, before, while and after the others decide on it and change views.
 */
static void
the_end_stands_wherever_the_primary_falls_silent(void **state)
{
	uint64_t messages;

	(void)state;
	for (messages = 0; messages < 40; messages++) {
		struct cluster *c = cluster_of(4);
		uint32_t i;

		agree(c, 1, 3);
		c->last = 4;
		c->knob = messages;
		c->passes = until_cut;
		for (i = 0; i < 3; i++)
			submit(c, 1);
		cluster_settle(c);
		cluster_advance(c, 10000 * MS);
		for (i = 1; i < 4; i++) {
			assert_int_equal(c->nodes[i].applied, 4);
			assert_int_equal(c->nodes[i].stable, 4);
		}
		c->passes = NULL;
		cluster_advance(c, 3000 * MS);
		assert_applied(c, 4);
		assert_stable(c, 4);
		assert_healthy(c);
		cluster_free(c);
	}
}

/* The same with each of the others crashing once, at each moment. */
static void
the_end_stands_wherever_a_member_crashes(void **state)
{
	unsigned turns;
	uint32_t victim, i;

	(void)state;
	for (victim = 0; victim < 4; victim++) {
		for (turns = 0; turns < 12; turns++) {
			struct cluster *c = cluster_of(4);
			unsigned turn;

			agree(c, 1, 3);
			c->last = 4;
			submit(c, 1);
			for (turn = 0; turn < turns; turn++)
				for (i = 0; i < 4; i++)
					(void)node_turn(&c->nodes[i]);
			node_crash(&c->nodes[victim]);
			node_start(&c->nodes[victim]);
			submit(c, victim == 1 ? 2 : 1);
			cluster_settle(c);
			cluster_advance(c, 10000 * MS);
			assert_applied(c, 4);
			assert_stable(c, 4);
			assert_healthy(c);
			cluster_free(c);
		}
	}
}

/* A cluster whose epoch begins at 6, where member 3 has only the state of 2. */
static struct cluster *
next_epoch(void)
{
	struct cluster *c = cluster_of(4);
	uint32_t i;

	agree(c, 0, 2);
	node_crash(&c->nodes[3]);
	c->last = 6;
	agree(c, 0, 4);
	for (i = 0; i < 4; i++) {
		if (!c->nodes[i].is_down)
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
the_next_epoch_begins_behind_it(void **state)
{
	struct cluster *c = next_epoch();
	uint32_t i;

	(void)state;
	c->asks_nobody = true;
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	agree(c, 1, 12);
	assert_applied(c, 18);
	assert_healthy(c);
	cluster_free(c);
}

static void
who_lacks_the_state_of_its_beginning_fetches_one(void **state)
{
	struct cluster *c = next_epoch();
	static struct certificate certificate;
	struct node *late = &c->nodes[3];
	uint8_t encoded[CERTIFICATE_BYTES_MAX];
	struct bytes body;
	struct encoder e;
	uint32_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		node_start(&c->nodes[i]);
	cluster_settle(c);
	agree(c, 0, 1);
	cluster_advance(c, 500 * MS);
	assert_int_equal(late->fetch_seq, 7);
	assert_int_equal(late->applied, 2);
	/* What it is given is the state of 7, which two members sign. */
	certificate_make(c, VOTE_CHECKPOINT, 0, 7, 0, 2, &certificate);
	for (i = 0; i < 2; i++) {
		const struct vote vote = { VOTE_CHECKPOINT, 7, c->states[7] };

		certificate.digest = vote.digest;
		vote_bundle_sign(&certificate.proofs[i], &vote, 1, &c->scope, i,
		    0, &fake_anybody, &i);
	}
	encoder_init(&e, encoded, sizeof(encoded));
	certificate_encode(&e, &certificate);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	late->applied = 7;
	late->state = c->states[7];
	node_step(late,
	    (struct event){ .kind = EVENT_INSTALLED,
		.seq = 7,
		.digest = late->state,
		.body = body });
	agree(c, 3, 10);
	assert_applied(c, 17);
	assert_healthy(c);
	cluster_free(c);
}

static void
the_first_batch_of_an_epoch_is_a_checkpoint(void **state)
{
	struct cluster *c = next_epoch();
	uint32_t i;

	(void)state;
	c->asks_nobody = true;
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	agree(c, 1, 1);
	assert_int_not_equal(7 % c->config.checkpoint_interval, 0);
	assert_stable(c, 7);
	agree(c, 1, 2);
	assert_applied(c, 9);
	assert_stable(c, 8);
	assert_healthy(c);
	cluster_free(c);
}

static void
who_lacks_the_state_of_its_beginning_votes_for_nothing(void **state)
{
	struct cluster *c = next_epoch();
	uint32_t i;

	(void)state;
	/* With it they would be a quorum. */
	for (i = 1; i < 4; i++) {
		node_start(&c->nodes[i]);
		c->nodes[i].sent[MESSAGE_VOTES] = 0;
	}
	submit(c, 1);
	cluster_settle(c);
	cluster_advance(c, 3000 * MS);
	for (i = 1; i < 3; i++)
		assert_int_equal(c->nodes[i].applied, 6);
	assert_int_equal(c->nodes[3].sent[MESSAGE_VOTES], 0);
	assert_int_equal(c->nodes[3].fetch_seq, 6);
	assert_healthy(c);
	cluster_free(c);
}

/* What the epoch begins with takes no signature of its members. */
static void
install_beginning(struct cluster *c, struct node *node)
{
	static struct certificate beginning;
	uint8_t encoded[128];
	struct bytes body;
	struct encoder e;

	beginning.phase = VOTE_CHECKPOINT;
	beginning.seq = 6;
	beginning.digest = c->states[6];
	encoder_init(&e, encoded, sizeof(encoded));
	certificate_encode(&e, &beginning);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	node->applied = 6;
	node->state = c->states[6];
	node_step(node,
	    (struct event){ .kind = EVENT_INSTALLED,
		.seq = 6,
		.digest = node->state,
		.body = body });
}

/* The fourth says nothing, and two get the state of the only one that has it:
 * nobody else could sign it. */
static void
a_member_alone_with_the_state_of_its_beginning_is_enough(void **state)
{
	struct cluster *c = next_epoch();
	uint32_t i;

	(void)state;
	c->nodes[2].applied = 2;
	c->nodes[2].state = c->states[2];
	for (i = 1; i < 4; i++)
		node_start(&c->nodes[i]);
	for (i = 0; i < 3; i++)
		submit(c, 1);
	cluster_settle(c);
	cluster_advance(c, 3000 * MS);
	assert_int_equal(c->nodes[1].applied, 6);
	for (i = 2; i < 4; i++) {
		assert_int_equal(c->nodes[i].fetch_seq, 6);
		install_beginning(c, &c->nodes[i]);
	}
	cluster_settle(c);
	cluster_advance(c, 3000 * MS);
	agree(c, 1, 4);
	for (i = 1; i < 4; i++)
		assert_true(c->nodes[i].applied >= 11);
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
		    after_it_nothing_is_proposed_and_nobody_is_impatient),
		cmocka_unit_test(
		    what_is_decided_beyond_it_does_not_keep_it_from_being_certified),
		cmocka_unit_test(who_restarts_at_the_end_still_proves_it),
		cmocka_unit_test(
		    an_end_that_nobody_has_certified_is_certified_after_a_restart),
		cmocka_unit_test(
		    a_straggler_is_brought_to_the_end_and_no_further),
		cmocka_unit_test(a_view_change_does_not_move_the_end),
		cmocka_unit_test(
		    the_end_stands_wherever_the_primary_falls_silent),
		cmocka_unit_test(the_end_stands_wherever_a_member_crashes),
		cmocka_unit_test(the_next_epoch_begins_behind_it),
		cmocka_unit_test(
		    who_lacks_the_state_of_its_beginning_fetches_one),
		cmocka_unit_test(the_first_batch_of_an_epoch_is_a_checkpoint),
		cmocka_unit_test(
		    who_lacks_the_state_of_its_beginning_votes_for_nothing),
		cmocka_unit_test(
		    a_member_alone_with_the_state_of_its_beginning_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
