/*
 * What Raft promises, and how: lib/consensus/raft*.c.
 */
#include "consensus_raft_fixture.h"

/* --- agreement --- */

static void
clusters_of_every_size_agree_with_f_members_down(void **state)
{
	uint32_t n, i;

	(void)state;
	for (n = 1; n <= CLUSTER_MAX; n++) {
		struct cluster *c = raft_of(n);
		uint32_t leader = elect(c),
			 down = trust_faults(FAULTS_CRASH, n);

		for (i = 0; down > 0; i++) {
			if (i == leader)
				continue;
			c->nodes[i].is_down = true;
			down--;
		}
		agree(c, leader, 20);
		cluster_advance(c, 300 * MS);
		assert_applied(c, 21);
		assert_int_equal(requests_up_to(c, 21), 20);
		assert_int_equal(status_of(c, leader).stable, 16);
		assert_healthy(c);
		cluster_free(c);
	}
}

static void
without_a_majority_nothing_is_agreed_and_no_term_rises(void **state)
{
	struct cluster *c = raft_of(5);
	uint32_t leader = elect(c), i, down = 0;
	uint64_t applied, term;

	(void)state;
	for (i = 0; down < 3; i++)
		if (i != leader) {
			c->nodes[i].is_down = true;
			down++;
		}
	applied = c->nodes[leader].applied;
	term = status_of(c, leader).view;
	submit(c, leader);
	cluster_advance(c, 20000 * MS);
	assert_applied(c, applied);
	assert_true(status_of(c, leader).is_changing_view);
	assert_int_equal(status_of(c, leader).view, term);
	cluster_free(c);
}

static void
a_follower_hands_its_requests_to_the_leader(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), follower = (leader + 1) % 3;

	(void)state;
	submit(c, follower);
	cluster_settle(c);
	assert_int_equal(c->nodes[follower].sent[MESSAGE_REQUEST], 1);
	assert_applied(c, 2);
	assert_int_equal(status_of(c, follower).pending_requests, 0);
	cluster_free(c);
}

static void
a_slow_disk_of_the_leader_keeps_nobody_waiting(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c);

	(void)state;
	c->nodes[leader].is_disk_stuck = true;
	submit(c, leader);
	cluster_settle(c);
	assert_applied(c, 2);
	cluster_free(c);
}

static void
many_requests_share_an_entry(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), i;

	(void)state;
	for (i = 0; i < 10; i++)
		submit(c, leader);
	cluster_settle(c);
	assert_applied(c, 2);
	assert_int_equal(c->requests[2], 10);
	cluster_free(c);
}

/* --- terms --- */

static void
a_dead_leader_is_replaced(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t old = elect(c), leader;

	(void)state;
	agree(c, old, 3);
	node_crash(&c->nodes[old]);
	leader = elect(c);
	assert_int_not_equal(leader, old);
	agree(c, leader, 3);
	node_start(&c->nodes[old]);
	cluster_advance(c, 500 * MS);
	assert_int_equal(leader_of(c), leader);
	assert_applied(c, c->nodes[leader].applied);
	assert_int_equal(requests_up_to(c, c->nodes[leader].applied), 6);
	assert_healthy(c);
	cluster_free(c);
}

static void
who_was_cut_off_disturbs_nobody_when_it_returns(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c);
	uint64_t term = status_of(c, leader).view;

	(void)state;
	c->knob = (leader + 1) % 3;
	c->passes = passes_not_to_or_from_one;
	cluster_advance(c, 20000 * MS);
	assert_int_equal(status_of(c, (uint32_t)c->knob).view, term);
	agree(c, leader, 3);
	c->passes = NULL;
	cluster_advance(c, 3000 * MS);
	assert_int_equal(leader_of(c), leader);
	assert_int_equal(status_of(c, leader).view, term);
	assert_applied(c, 4);
	cluster_free(c);
}

static void
a_leader_without_a_majority_steps_down(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c);

	(void)state;
	c->knob = leader;
	c->passes = passes_not_to_or_from_one;
	cluster_advance(c, 3000 * MS);
	assert_true(status_of(c, leader).is_changing_view);
	assert_int_not_equal(leader_of(c), leader);
	cluster_free(c);
}

static void
a_vote_is_durable_before_it_is_given(void **state)
{
	struct cluster *c = alone_of(3);
	struct node *node = &c->nodes[0];

	(void)state;
	node->is_disk_stuck = true;
	say_request(c, 1, 0, 1, false, 0, 0);
	cluster_settle(c);
	assert_int_equal(node->sent[MESSAGE_VOTE_ANSWER], 0);
	node->is_disk_stuck = false;
	cluster_settle(c);
	assert_int_equal(node->sent[MESSAGE_VOTE_ANSWER], 1);
	cluster_free(c);
}

/* Everything that is sent is looked at: how many votes are granted? */
static bool
counts_votes(struct cluster *c, uint32_t from, uint32_t to, struct bytes body)
{
	struct decoder d;

	(void)from;
	(void)to;
	if (message_type_of(body) != MESSAGE_VOTE_ANSWER)
		return true;
	decoder_init(&d, body);
	decoder_expect_array(&d, 4);
	(void)decoder_get_uint(&d);
	(void)decoder_get_uint(&d);
	(void)decoder_get_bool(&d);
	if (decoder_get_bool(&d))
		c->knob++;
	return true;
}

static struct cluster *
judge_of(uint32_t n)
{
	struct cluster *c = alone_of(n);
	uint32_t i;

	/* Not down, but their engines are never stepped. */
	for (i = 1; i < n; i++)
		node_start(&c->nodes[i]);
	c->knob = 0;
	c->passes = counts_votes;
	return c;
}

static void
one_vote_is_given_in_a_term_also_after_a_crash(void **state)
{
	struct cluster *c = judge_of(3);
	struct node *node = &c->nodes[0];

	(void)state;
	say_request(c, 1, 0, 4, false, 0, 0);
	(void)node_sync(node);
	assert_int_equal(c->knob, 1);
	say_request(c, 2, 0, 4, false, 9, 3);
	(void)node_sync(node);
	assert_int_equal(c->knob, 1);
	node_crash(node);
	node_start(node);
	assert_int_equal(status_of(c, 0).view, 4);
	say_request(c, 2, 0, 4, false, 9, 3);
	(void)node_sync(node);
	assert_int_equal(c->knob, 1);
	/* The same again is the same answer. */
	say_request(c, 1, 0, 4, false, 0, 0);
	assert_int_equal(c->knob, 2);
	say_request(c, 2, 0, 5, false, 9, 3);
	(void)node_sync(node);
	assert_int_equal(c->knob, 3);
	cluster_free(c);
}

static void
nobody_votes_for_who_lacks_what_it_has(void **state)
{
	struct cluster *c = judge_of(3);

	(void)state;
	say_append(c, 1, 0, 2, 0, 0, 0, 2, 2, 7);
	(void)node_sync(&c->nodes[0]);
	c->now_us += 2000 * MS;               /* the leader is heard no more */
	say_request(c, 2, 0, 3, false, 1, 2); /* shorter */
	say_request(c, 2, 0, 4, false, 9, 1); /* longer, of an older term */
	say_request(c, 2, 0, 5, true, 1, 2);
	(void)node_sync(&c->nodes[0]);
	assert_int_equal(c->knob, 0);
	say_request(c, 2, 0, 5, false, 2, 2);
	(void)node_sync(&c->nodes[0]);
	assert_int_equal(c->knob, 1);
	cluster_free(c);
}

static void
nobody_listens_to_a_candidate_while_the_leader_is_heard(void **state)
{
	struct cluster *c = judge_of(3);

	(void)state;
	say_append(c, 1, 0, 2, 0, 0, 0, 0, 0, 0);
	say_request(c, 2, 0, 9, false, 9, 8);
	say_request(c, 2, 0, 9, true, 9, 8);
	(void)node_sync(&c->nodes[0]);
	assert_int_equal(c->knob, 0);
	assert_int_equal(status_of(c, 0).view, 2);
	cluster_free(c);
}

static void
a_leader_that_resigns_is_followed_at_once(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t old = elect(c), leader;
	uint64_t now = c->now_us;

	(void)state;
	submit(c, old);
	node_step(&c->nodes[old], (struct event){ .kind = EVENT_RESIGN });
	cluster_settle(c);
	assert_int_equal(c->now_us, now);
	leader = leader_of(c);
	assert_int_not_equal(leader, NOBODY);
	assert_int_not_equal(leader, old);
	/* And what it was asked is not lost. */
	cluster_advance(c, 600 * MS);
	assert_int_equal(requests_up_to(c, c->nodes[leader].applied), 1);
	assert_applied(c, c->nodes[leader].applied);
	cluster_free(c);
}

static void
a_leader_hands_over_under_load_and_nothing_is_asked_twice(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t old = elect(c), leader, i, k;
	uint64_t now = c->now_us, term = status_of(c, old).view;

	(void)state;
	for (k = 0; k < 20; k++) {
		for (i = 0; i < 3; i++)
			submit(c, i);
		if (k == 10)
			node_step(&c->nodes[old],
			    (struct event){ .kind = EVENT_RESIGN });
		for (i = 0; i < 3; i++)
			(void)node_turn(&c->nodes[i]);
	}
	cluster_settle(c);
	assert_int_equal(c->now_us, now);
	leader = leader_of(c);
	assert_int_not_equal(leader, NOBODY);
	assert_int_not_equal(leader, old);
	assert_int_equal(status_of(c, leader).view, term + 1);
	/* What a follower had sent the old one it sends again. */
	cluster_advance(c, 1200 * MS);
	assert_int_equal(leader_of(c), leader);
	assert_int_equal(requests_up_to(c, c->nodes[leader].applied), 60);
	assert_healthy(c);
	cluster_free(c);
}

/* --- the window --- */

static bool
passes_no_checkpoint(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	uint64_t type = message_type_of(body);

	(void)c;
	(void)from;
	(void)to;
	return type != MESSAGE_VOTES && type != MESSAGE_VOTE_PROOFS &&
	    type != MESSAGE_CHECKPOINT && type != MESSAGE_LOG_BASE;
}

/* No majority hears of a checkpoint, so the log can't be cut. */
static void
a_full_window_waits_and_its_leader_stays(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), i;

	(void)state;
	c->passes = passes_no_checkpoint;
	agree(c, leader, 30);
	cluster_advance(c, 10000 * MS);
	assert_int_equal(leader_of(c), leader);
	assert_int_equal(status_of(c, leader).proposed, 16);
	assert_applied(c, 16);
	/* Reads need no room. */
	node_step(&c->nodes[leader],
	    (struct event){ .kind = EVENT_READ, .token = 70 });
	cluster_settle(c);
	assert_int_equal(c->nodes[leader].read, 70);
	c->passes = NULL;
	cluster_advance(c, 1000 * MS);
	assert_int_equal(leader_of(c), leader);
	assert_int_equal(requests_up_to(c, c->nodes[leader].applied), 30);
	for (i = 0; i < 3; i++)
		assert_true(status_of(c, i).stable >= 16);
	assert_healthy(c);
	cluster_free(c);
}

/* Each term begins with an entry, for which the window is no limit. */
static void
leaders_come_and_go_while_the_window_is_full(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), i;

	(void)state;
	c->passes = passes_no_checkpoint;
	agree(c, leader, 30);
	for (i = 0; i < 10; i++) {
		node_crash(&c->nodes[leader]);
		(void)elect(c);
		node_start(&c->nodes[leader]);
		cluster_advance(c, 300 * MS);
		leader = leader_of(c);
		assert_applied(c, 17 + i);
	}
	c->passes = NULL;
	agree(c, leader, 30);
	cluster_advance(c, 3000 * MS);
	assert_int_equal(leader_of(c), leader);
	assert_true(status_of(c, leader).stable >= 26);
	assert_true(requests_up_to(c, c->nodes[leader].applied) >= 45);
	assert_healthy(c);
	cluster_free(c);
}

/* --- the log --- */

static void
an_entry_is_acknowledged_when_it_is_durable(void **state)
{
	struct cluster *c = alone_of(3);
	struct node *node = &c->nodes[0];

	(void)state;
	node->is_disk_stuck = true;
	say_append(c, 1, 0, 1, 0, 0, 0, 1, 1, 7);
	cluster_settle(c);
	assert_int_equal(node->sent[MESSAGE_APPEND_ANSWER], 0);
	node->is_disk_stuck = false;
	cluster_settle(c);
	assert_int_equal(node->sent[MESSAGE_APPEND_ANSWER], 1);
	cluster_free(c);
}

/* Ongaro 2014, figure 3.7. */
static void
copies_of_an_earlier_terms_entry_commit_nothing(void **state)
{
	struct cluster *c = alone_of(5);
	struct node *node = &c->nodes[0];

	(void)state;
	say_append(c, 1, 0, 2, 0, 0, 0, 1, 2, 7);
	cluster_settle(c);
	lead(c, 3);
	assert_int_equal(status_of(c, 0).proposed, 2);
	say_taken(c, 1, 0, 3, 1);
	say_taken(c, 2, 0, 3, 1);
	say_taken(c, 3, 0, 3, 1);
	cluster_settle(c);
	assert_int_equal(node->applied, 0);
	say_taken(c, 1, 0, 3, 2);
	assert_int_equal(node->applied, 0);
	say_taken(c, 2, 0, 3, 2);
	assert_int_equal(node->applied, 2);
	cluster_free(c);
}

static void
what_is_not_committed_is_not_executed(void **state)
{
	struct cluster *c = alone_of(3);

	(void)state;
	say_append(c, 1, 0, 1, 0, 0, 2, 3, 1, 7);
	cluster_settle(c);
	assert_int_equal(c->nodes[0].applied, 2);
	assert_int_equal(status_of(c, 0).proposed, 3);
	/* Nor is more committed than both logs are known to share. */
	say_append(c, 1, 0, 1, 2, 1, 3, 0, 1, 7);
	cluster_settle(c);
	assert_int_equal(c->nodes[0].applied, 2);
	cluster_free(c);
}

static void
what_conflicts_with_the_leader_stays_dropped_after_a_crash(void **state)
{
	struct cluster *c = alone_of(3);
	struct node *node = &c->nodes[0];
	struct engine_round round;

	(void)state;
	say_append(c, 1, 0, 1, 0, 0, 1, 5, 1, 7);
	cluster_settle(c);
	say_append(c, 2, 0, 3, 1, 1, 1, 1, 3, 8);
	cluster_settle(c);
	assert_int_equal(status_of(c, 0).proposed, 2);
	node_crash(node);
	node_start(node);
	assert_int_equal(status_of(c, 0).proposed, 2);
	assert_int_equal(strategy_raft.round(node->engine, 2, &round), AG_OK);
	assert_int_equal(round.view, 3);
	assert_int_equal(strategy_raft.round(node->engine, 3, &round),
	    AG_ENOENT);
	cluster_free(c);
}

static void
what_is_committed_is_dropped_for_nobody(void **state)
{
	struct cluster *c = alone_of(3);
	struct engine_round round;

	(void)state;
	say_append(c, 1, 0, 1, 0, 0, 2, 2, 1, 7);
	cluster_settle(c);
	say_append(c, 2, 0, 5, 0, 0, 2, 2, 5, 8);
	cluster_settle(c);
	assert_int_equal(strategy_raft.round(c->nodes[0].engine, 1, &round),
	    AG_OK);
	assert_int_equal(round.view, 1);
	assert_healthy(c);
	cluster_free(c);
}

/* A leader whose log has other terms finds where they part. */
static void
a_term_is_skipped_at_a_time(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader, i;
	size_t before;

	(void)state;
	/* Twelve entries of a term that nobody else ever saw. */
	for (i = 0; i < 12; i++)
		say_append(c, 1, 2, 2, i, i == 0 ? 0 : 2, 0, 1, 2, 7);
	(void)node_sync(&c->nodes[2]);
	node_crash(&c->nodes[2]);
	say_request(c, 2, 0, 5, false, 0, 0);
	say_request(c, 2, 1, 5, false, 0, 0);
	leader = elect(c);
	agree(c, leader, 12);
	before = c->nodes[leader].sent[MESSAGE_APPEND];
	node_start(&c->nodes[2]);
	cluster_settle(c);
	cluster_advance(c, 300 * MS);
	assert_applied(c, 13);
	/* Heartbeats to two, a probe for a hint, the entries. */
	assert_true(c->nodes[leader].sent[MESSAGE_APPEND] - before <= 12);
	cluster_free(c);
}

static void
who_lacks_what_nobody_keeps_fetches_the_state(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;

	(void)state;
	c->has_transfer = true;
	node_crash(&c->nodes[late]);
	agree(c, leader, 400);
	node_start(&c->nodes[late]);
	cluster_advance(c, 3000 * MS);
	assert_true(c->nodes[late].fetches > 0);
	assert_applied(c, c->nodes[leader].applied);
	agree(c, leader, 20);
	cluster_advance(c, 1000 * MS);
	assert_applied(c, c->nodes[leader].applied);
	assert_int_equal(status_of(c, late).stable,
	    status_of(c, leader).stable);
	assert_healthy(c);
	cluster_free(c);
}

static void
who_was_emptied_is_given_all_by_the_leader_that_knew_it(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;

	(void)state;
	agree(c, leader, 5);
	cluster_advance(c, 300 * MS);
	node_crash(&c->nodes[late]);
	items_free(&c->nodes[late].records);
	c->nodes[late].applied = 0;
	memset(&c->nodes[late].state, 0, sizeof(c->nodes[late].state));
	node_start(&c->nodes[late]);
	cluster_advance(c, 500 * MS);
	assert_int_equal(leader_of(c), leader);
	assert_applied(c, c->nodes[leader].applied);
	assert_int_equal(requests_up_to(c, 6), 5);
	assert_healthy(c);
	cluster_free(c);
}

/* Members sign where they start, at sequences at which others look at none. */
static void
a_checkpoint_is_taken_by_who_has_passed_it_without_looking(void **state)
{
	static struct certificate certificate;
	struct cluster *c = alone_of(3);
	uint8_t raw[2048];
	struct bytes body;
	struct encoder e;

	(void)state;
	say_append(c, 1, 0, 1, 0, 0, 0, 6, 1, 7);
	certificate_make(c, VOTE_CHECKPOINT, 0, 4, 9, 2, &certificate);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_CHECKPOINT);
	certificate_encode(&e, &certificate);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 1, 0, body);
	cluster_settle(c);
	assert_int_equal(status_of(c, 0).stable, 0);
	say_append(c, 1, 0, 1, 6, 1, 6, 0, 1, 7);
	cluster_settle(c);
	assert_int_equal(c->nodes[0].applied, 6);
	assert_int_equal(status_of(c, 0).stable, 4);
	assert_healthy(c);
	cluster_free(c);
}

/* Counts the entries of the longest APPEND. */
static bool
passes_and_counts_entries(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	struct decoder d;
	size_t i, count;

	(void)from;
	(void)to;
	if (message_type_of(body) != MESSAGE_APPEND)
		return true;
	decoder_init(&d, body);
	decoder_expect_array(&d, 6);
	for (i = 0; i < 5; i++)
		(void)decoder_get_uint(&d);
	count = decoder_get_array_max(&d, 64);
	if (count > c->knob)
		c->knob = count;
	return true;
}

static void
a_follower_is_sent_no_more_than_its_pipeline_has_room_for(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;

	(void)state;
	node_crash(&c->nodes[late]);
	agree(c, leader, 30);
	node_start(&c->nodes[late]);
	c->knob = 0;
	c->passes = passes_and_counts_entries;
	cluster_advance(c, 1000 * MS);
	assert_applied(c, c->nodes[leader].applied);
	assert_int_equal(c->knob, c->config.pipeline_max);
	cluster_free(c);
}

static void
who_was_away_for_a_while_needs_no_state(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), late = (leader + 1) % 3;

	(void)state;
	node_crash(&c->nodes[late]);
	agree(c, leader, 30);
	node_start(&c->nodes[late]);
	cluster_advance(c, 1000 * MS);
	assert_int_equal(c->nodes[late].fetches, 0);
	assert_applied(c, c->nodes[leader].applied);
	cluster_free(c);
}

static void
all_crash_and_nothing_acknowledged_is_lost(void **state)
{
	struct cluster *c = raft_of(3);
	uint32_t leader = elect(c), i;

	(void)state;
	agree(c, leader, 21);
	for (i = 0; i < 3; i++) {
		node_crash(&c->nodes[i]);
		node_roll_back(&c->nodes[i], 17);
		node_cut_log(&c->nodes[i]);
	}
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	leader = elect(c);
	assert_true(c->nodes[leader].applied >= 22);
	assert_int_equal(requests_up_to(c, c->nodes[leader].applied), 21);
	assert_applied(c, c->nodes[leader].applied);
	assert_healthy(c);
	cluster_free(c);
}

static void
a_log_of_another_strategy_is_refused(void **state)
{
	struct cluster *raft = alone_of(3), *pbft = cluster_of(4);
	struct items swap;

	(void)state;
	node_crash(&raft->nodes[0]);
	node_crash(&pbft->nodes[0]);
	swap = raft->nodes[0].records;
	raft->nodes[0].records = pbft->nodes[0].records;
	pbft->nodes[0].records = swap;
	node_start(&raft->nodes[0]);
	node_start(&pbft->nodes[0]);
	assert_non_null(
	    strstr(raft->nodes[0].fatal, "written by another strategy"));
	assert_non_null(
	    strstr(pbft->nodes[0].fatal, "written by another strategy"));
	cluster_free(raft);
	cluster_free(pbft);
}

/* The log may have had other entries there, which are dropped then. */
static void
a_state_that_was_fetched_says_nothing_of_the_entries_in_the_log(void **state)
{
	static struct certificate certificate;
	static uint8_t encoded[CERTIFICATE_BYTES_MAX];
	struct cluster *c = alone_of(3);
	struct node *node = &c->nodes[0];
	struct engine_round round;
	struct bytes body;
	struct encoder e;

	(void)state;
	say_append(c, 1, 0, 1, 0, 0, 0, 2, 1, 0);
	cluster_settle(c);
	certificate_make(c, VOTE_CHECKPOINT, 0, 2, 7, 1, &certificate);
	encoder_init(&e, encoded, sizeof(encoded));
	certificate_encode(&e, &certificate);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	node->applied = 2;
	node->state = certificate.digest;
	node_step(node,
	    (struct event){ .kind = EVENT_INSTALLED,
		.seq = 2,
		.digest = node->state,
		.body = body });
	cluster_settle(c);
	node_crash(node);
	node_start(node);
	say_append(c, 2, 0, 2, 0, 0, 2, 2, 2, 5);
	cluster_settle(c);
	assert_int_equal(c->strategy->round(node->engine, 2, &round), AG_OK);
	assert_int_equal(round.view, 2);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    clusters_of_every_size_agree_with_f_members_down),
		cmocka_unit_test(
		    without_a_majority_nothing_is_agreed_and_no_term_rises),
		cmocka_unit_test(a_follower_hands_its_requests_to_the_leader),
		cmocka_unit_test(
		    a_slow_disk_of_the_leader_keeps_nobody_waiting),
		cmocka_unit_test(many_requests_share_an_entry),
		cmocka_unit_test(a_dead_leader_is_replaced),
		cmocka_unit_test(
		    who_was_cut_off_disturbs_nobody_when_it_returns),
		cmocka_unit_test(a_leader_without_a_majority_steps_down),
		cmocka_unit_test(a_vote_is_durable_before_it_is_given),
		cmocka_unit_test(
		    one_vote_is_given_in_a_term_also_after_a_crash),
		cmocka_unit_test(nobody_votes_for_who_lacks_what_it_has),
		cmocka_unit_test(
		    nobody_listens_to_a_candidate_while_the_leader_is_heard),
		cmocka_unit_test(a_leader_that_resigns_is_followed_at_once),
		cmocka_unit_test(
		    a_leader_hands_over_under_load_and_nothing_is_asked_twice),
		cmocka_unit_test(a_full_window_waits_and_its_leader_stays),
		cmocka_unit_test(leaders_come_and_go_while_the_window_is_full),
		cmocka_unit_test(an_entry_is_acknowledged_when_it_is_durable),
		cmocka_unit_test(
		    copies_of_an_earlier_terms_entry_commit_nothing),
		cmocka_unit_test(what_is_not_committed_is_not_executed),
		cmocka_unit_test(
		    what_conflicts_with_the_leader_stays_dropped_after_a_crash),
		cmocka_unit_test(what_is_committed_is_dropped_for_nobody),
		cmocka_unit_test(a_term_is_skipped_at_a_time),
		cmocka_unit_test(who_lacks_what_nobody_keeps_fetches_the_state),
		cmocka_unit_test(
		    who_was_emptied_is_given_all_by_the_leader_that_knew_it),
		cmocka_unit_test(
		    a_checkpoint_is_taken_by_who_has_passed_it_without_looking),
		cmocka_unit_test(
		    a_follower_is_sent_no_more_than_its_pipeline_has_room_for),
		cmocka_unit_test(who_was_away_for_a_while_needs_no_state),
		cmocka_unit_test(all_crash_and_nothing_acknowledged_is_lost),
		cmocka_unit_test(a_log_of_another_strategy_is_refused),
		cmocka_unit_test(
		    a_state_that_was_fetched_says_nothing_of_the_entries_in_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
