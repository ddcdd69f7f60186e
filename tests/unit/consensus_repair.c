/*
 * Repair: what links lost and what sleepers missed is sent again.
 */
#include "consensus_fixture.h"

static void
a_member_that_slept_gets_the_decided_batches(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	c->nodes[3].is_down = true;
	agree(c, 0, 6);
	c->nodes[3].is_down = false;
	cluster_advance(c, 1000 * MS);
	assert_applied(c, 6);
	agree(c, 3, 10);
	assert_applied(c, 16);
	cluster_free(c);
}

static void
a_round_that_others_decided_has_the_votes_that_prove_it(void **state)
{
	struct cluster *c = cluster_of(4);
	struct engine_round round;

	(void)state;
	c->nodes[3].is_down = true;
	agree(c, 0, 6);
	c->nodes[3].is_down = false;
	cluster_advance(c, 1000 * MS);
	assert_int_equal(strategy_pbft.round(c->nodes[3].engine, 6, &round),
	    AG_OK);
	assert_int_equal(round.phase, ROUND_EXECUTED);
	assert_int_equal(round.commits & 7U, 7);
	cluster_free(c);
}

static void
a_member_far_behind_catches_up_faster_than_it_says_where_it_is(void **state)
{
	struct cluster *c = cluster_new(4);

	(void)state;
	c->config.checkpoint_interval = 256;
	c->config.window = 512;
	cluster_start(c);
	c->nodes[3].is_down = true;
	agree(c, 0, 250);
	c->nodes[3].is_down = false;
	cluster_advance(c, 500 * MS);
	assert_applied(c, 250);
	cluster_free(c);
}

static void
a_member_below_the_window_is_brought_up_from_the_others_logs(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *three = &c->nodes[3];

	(void)state;
	three->is_down = true;
	agree(c, 0, 100);
	three->is_down = false;
	cluster_advance(c, 2000 * MS);
	assert_applied(c, 100);
	assert_int_equal(three->fetches, 0);
	assert_int_equal(status_of(c, 3).stable, 96);
	agree(c, 3, 10);
	assert_applied(c, 110);
	assert_healthy(c);
	cluster_free(c);
}

static void
history_is_sent_by_one_member_unless_that_one_is_no_help(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned helpers, i;

	(void)state;
	c->nodes[3].is_down = true;
	agree(c, 0, 100);
	c->nodes[3].is_down = false;
	cluster_advance(c, 2000 * MS);
	for (helpers = 0, i = 0; i < 3; i++)
		helpers += c->nodes[i].histories > 0;
	assert_int_equal(helpers, 1);
	/* The one whose turn it was is gone. */
	c->nodes[3].is_down = true;
	agree(c, 0, 100);
	for (i = 0; i < 3; i++)
		if (c->nodes[i].histories > 0)
			c->nodes[i].is_down = true;
	c->nodes[3].is_down = false;
	cluster_advance(c, 5000 * MS);
	assert_true(c->nodes[3].applied >= 200);
	assert_healthy(c);
	cluster_free(c);
}

static void
history_comes_no_slower_to_a_member_with_a_slow_disk(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *three = &c->nodes[3];

	(void)state;
	three->is_down = true;
	agree(c, 0, 200);
	three->is_down = false;
	three->is_disk_stuck = true;
	cluster_advance(c, 500 * MS);
	assert_true(three->applied >= 192);
	assert_int_equal(three->fetches, 0);
	three->is_disk_stuck = false;
	cluster_advance(c, 1000 * MS);
	assert_applied(c, 200);
	assert_healthy(c);
	cluster_free(c);
}

static void
no_more_history_is_asked_for_than_may_wait_for_the_disk(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *three = &c->nodes[3];
	uint8_t raw[4096];
	unsigned i;

	(void)state;
	three->is_down = true;
	for (i = 0; i < 1300; i++) {
		submit_bytes(c, 0, request_make(c, 0, raw, sizeof(raw), 3500));
		cluster_settle(c);
		cluster_advance(c, ALL_WAITED);
	}
	three->is_down = false;
	three->is_disk_stuck = true;
	cluster_advance(c, 5000 * MS);
	assert_in_range(three->applied, 1000, 1280);
	three->is_disk_stuck = false;
	cluster_advance(c, 5000 * MS);
	assert_applied(c, 1300);
	assert_healthy(c);
	cluster_free(c);
}

static bool
no_history_arrives(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	(void)from;
	(void)to;
	return message_type_of(body) != MESSAGE_COMMITTED;
}

static void
history_is_taken_no_further_than_a_window_ahead_of_the_state(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *three = &c->nodes[3];
	struct effect effect = { .member = 3 };

	(void)state;
	three->is_down = true;
	agree(c, 0, 100);
	three->is_down = false;
	c->passes = no_history_arrives;
	cluster_advance(c, 1000 * MS);
	assert_int_equal(status_of(c, 3).stable, 96);
	assert_int_equal(status_of(c, 3).delivered, 0);
	c->passes = NULL;
	/* What arrives is executed, but the engine is not told yet. */
	for (effect.seq = 1; effect.seq <= 49; effect.seq += 16) {
		node_send_history(&c->nodes[0], &effect);
		(void)node_receive(three);
	}
	assert_int_equal(status_of(c, 3).delivered, 16);
	cluster_advance(c, 1000 * MS);
	assert_applied(c, 100);
	assert_healthy(c);
	cluster_free(c);
}

/* Of history so much passes as the knob says. */
static bool
little_history_arrives(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)from;
	if (to != 3 || message_type_of(body) != MESSAGE_COMMITTED)
		return true;
	if (c->knob == 0)
		return false;
	c->knob--;
	return true;
}

/* For a while others decide so much, and history is sent, in an interval. */
static void
be_chased(struct cluster *c, unsigned intervals, unsigned decided,
    uint64_t history)
{
	while (intervals-- > 0) {
		c->knob = history;
		agree(c, 0, decided);
		cluster_advance(c, c->config.progress_interval_us);
	}
}

static void
a_member_that_history_brings_no_nearer_fetches_the_state(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *three = &c->nodes[3];

	(void)state;
	c->passes = little_history_arrives;
	three->is_down = true;
	agree(c, 0, 100);
	three->is_down = false;
	/* It comes nearer, if slowly. */
	be_chased(c, 12, 1, 4);
	assert_int_equal(three->fetches, 0);
	assert_in_range(three->applied, 40, 64);
	/* It comes on, and the others faster. */
	be_chased(c, 5, 8, 4);
	assert_int_equal(three->fetches, 0);
	be_chased(c, 5, 8, 4);
	assert_int_equal(three->fetches, 1);
	/* Again, but not as soon. */
	be_chased(c, 12, 8, 4);
	assert_int_equal(three->fetches, 1);
	be_chased(c, 12, 8, 4);
	assert_int_equal(three->fetches, 2);
	c->passes = NULL;
	cluster_advance(c, 2000 * MS);
	assert_int_equal(three->applied, c->nodes[0].applied);
	assert_healthy(c);
	cluster_free(c);
}

static void
a_member_below_the_logs_is_told_to_fetch_the_state(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *three = &c->nodes[3];
	unsigned i;

	(void)state;
	three->is_down = true;
	agree(c, 0, 20);
	for (i = 0; i < 3; i++)
		node_cut_log(&c->nodes[i]);
	three->is_down = false;
	cluster_advance(c, 2000 * MS);
	assert_int_equal(three->applied, 0);
	assert_true(three->fetches >= 1);
	assert_int_equal(three->fetch_seq, 16);
	/* The transfer puts the state in place. */
	node_install(three);
	cluster_advance(c, 1000 * MS);
	assert_applied(c, 20);
	assert_int_equal(status_of(c, 3).stable, 16);
	agree(c, 0, 10);
	assert_applied(c, 30);
	assert_int_equal(status_of(c, 3).stable, 24);
	assert_healthy(c);
	cluster_free(c);
}

/*
 * n4 slept while the others cut their logs, and then n3 goes: n4 is needed
 * for every quorum, and has no state to show for it.
 */
static struct cluster *
cluster_with_a_needed_laggard(void)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	c->nodes[3].is_down = true;
	agree(c, 0, 20);
	for (i = 0; i < 3; i++)
		node_cut_log(&c->nodes[i]);
	c->nodes[3].is_down = false;
	c->nodes[2].is_down = true;
	cluster_advance(c, 2000 * MS);
	return c;
}

static void
a_state_is_fetched_only_when_the_log_has_begun(void **state)
{
	struct cluster *c = cluster_new(4);
	struct node *three = &c->nodes[3];
	unsigned i;

	(void)state;
	c->asks_nobody = true;
	for (i = 0; i < 3; i++)
		node_start(&c->nodes[i]);
	cluster_settle(c);
	agree(c, 0, 20);
	for (i = 0; i < 3; i++)
		node_cut_log(&c->nodes[i]);
	three->is_disk_stuck = true;
	node_start(three);
	/* It hears of checkpoints, and can't say where it stands itself. */
	agree(c, 0, 20);
	cluster_advance(c, 2000 * MS);
	assert_int_equal(three->fetches, 0);
	three->is_disk_stuck = false;
	cluster_advance(c, 2000 * MS);
	assert_true(three->fetches >= 1);
	cluster_free(c);
}

static void
a_member_without_the_state_votes_for_what_comes_next(void **state)
{
	struct cluster *c = cluster_with_a_needed_laggard();

	(void)state;
	assert_int_equal(c->nodes[3].applied, 0);
	agree(c, 0, 3);
	assert_int_equal(c->nodes[0].applied, 23);
	assert_int_equal(c->nodes[1].applied, 23);
	assert_int_equal(c->nodes[3].applied, 0);
	assert_healthy(c);
	cluster_free(c);
}

static bool
only_the_last_two_talk(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	(void)body;
	return from >= 2 && to >= 2;
}

static void
who_cannot_execute_a_decision_shows_it_to_others(void **state)
{
	struct cluster *c = cluster_with_a_needed_laggard();

	(void)state;
	agree(c, 0, 3);
	assert_int_equal(c->nodes[3].applied, 0);
	assert_int_equal(c->nodes[2].applied, 20);
	c->nodes[2].is_down = false;
	c->passes = only_the_last_two_talk;
	cluster_advance(c, 500 * MS);
	assert_int_equal(c->nodes[2].applied, 23);
	cluster_free(c);
}

/* Who comes back while a state is being fetched has it too. */
static void
a_member_that_reaches_the_target_later_is_asked_too(void **state)
{
	struct cluster *c = cluster_with_a_needed_laggard();
	struct node *three = &c->nodes[3];

	(void)state;
	assert_int_equal(three->fetch_members, 0x3);
	c->nodes[2].is_down = false;
	cluster_advance(c, 1000 * MS);
	assert_int_equal(three->fetch_seq, 16);
	assert_int_equal(three->fetch_members, 0x7);
	assert_int_equal(three->fetches, 2);
	cluster_free(c);
}

/* It may have been put in place, or be of before a restart. */
static void
a_certified_state_that_ours_is_beyond_moves_the_window(void **state)
{
	struct cluster *c = cluster_of(4);
	static struct certificate certificate;
	uint8_t raw[4096];
	struct encoder e;
	struct bytes body;

	(void)state;
	agree(c, 0, 3);
	certificate_make(c, VOTE_CHECKPOINT, 0, 2, 7, 3, &certificate);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_CHECKPOINT);
	certificate_encode(&e, &certificate);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 2, 1, body);
	assert_int_equal(status_of(c, 1).stable, 2);
	assert_int_equal(status_of(c, 1).applied, 3);
	assert_healthy(c);
	cluster_free(c);
}

/* What f + 1 vouch for on one node, put in place on another. */
static void
install_vouched(struct node *to, const struct node *from)
{
	node_keep_certificate(to,
	    bytes_of(from->certificate, from->certificate_len));
	to->fetch_seq = from->vouched;
	node_install(to);
}

static void
a_state_that_f_plus_one_have_is_vouched_for_when_it_is_wanted(void **state)
{
	struct cluster *c = cluster_with_a_needed_laggard();

	(void)state;
	agree(c, 0, 4);
	cluster_settle(c);
	assert_int_equal(c->nodes[0].vouched, 0);
	node_step(&c->nodes[0],
	    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
	cluster_settle(c);
	assert_int_equal(c->nodes[0].vouched, 24);
	assert_int_equal(status_of(c, 0).stable, 16);
	cluster_free(c);
}

static void
a_vouched_state_is_executed_from_but_cuts_no_log_by_itself(void **state)
{
	struct cluster *c = cluster_with_a_needed_laggard();

	(void)state;
	agree(c, 0, 4);
	node_step(&c->nodes[0],
	    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
	cluster_settle(c);
	install_vouched(&c->nodes[3], &c->nodes[0]);
	assert_int_equal(status_of(c, 3).applied, 24);
	assert_int_equal(status_of(c, 3).stable, 16);
	/* Its own vote is what a quorum lacked. */
	cluster_settle(c);
	assert_int_equal(status_of(c, 3).stable, 24);
	assert_int_equal(status_of(c, 0).stable, 24);
	agree(c, 3, 30);
	assert_applied(c, 54);
	assert_healthy(c);
	cluster_free(c);
}

static void
a_full_window_ends_in_a_checkpoint(void **state)
{
	struct cluster *c = cluster_with_a_needed_laggard();

	(void)state;
	/* A checkpoint out of turn puts the window's end between two. */
	c->nodes[2].is_down = false;
	cluster_advance(c, 1000 * MS);
	node_step(&c->nodes[0],
	    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
	cluster_settle(c);
	cluster_advance(c, 1000 * MS);
	assert_int_equal(status_of(c, 0).stable, 21);
	c->nodes[2].is_down = true;
	agree(c, 0, 30);
	assert_int_equal(c->nodes[0].applied, 37);
	node_step(&c->nodes[0],
	    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
	assert_int_equal(c->nodes[0].vouched, 37);
	install_vouched(&c->nodes[3], &c->nodes[0]);
	cluster_settle(c);
	assert_int_equal(status_of(c, 0).stable, 37);
	assert_healthy(c);
	cluster_free(c);
}

/* Every third message is lost. */
static bool
every_third_is_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)from;
	(void)to;
	(void)body;
	return ++c->knob % 3 != 0;
}

static void
agreement_goes_on_when_every_third_message_is_lost(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	c->has_transfer = true;
	c->passes = every_third_is_lost;
	for (i = 0; i < 40; i++) {
		submit(c, i % 4);
		cluster_advance(c, 50 * MS);
	}
	cluster_advance(c, 20000 * MS);
	c->passes = NULL;
	cluster_advance(c, 5000 * MS);
	assert_healthy(c);
	assert_true(requests_up_to(c, c->nodes[0].applied) >= 40);
	assert_applied(c, c->nodes[0].applied);
	cluster_free(c);
}

static void
a_state_that_differs_from_the_certified_one_is_fatal(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	c->nodes[2].state.data[0] ^= 1;
	agree(c, 0, 5);
	cluster_settle(c);
	assert_non_null(c->nodes[2].fatal);
	assert_non_null(strstr(c->nodes[2].fatal, "state differs"));
	assert_null(c->nodes[1].fatal);
	cluster_free(c);
}

static void
a_busy_cluster_does_not_resend_what_is_on_its_way(void **state)
{
	struct cluster *c = cluster_of(4);
	size_t before;

	(void)state;
	agree(c, 0, 2);
	cluster_advance(c, 1060 * MS);
	before = c->nodes[0].sent[MESSAGE_PRE_PREPARE];
	/* In flight while PROGRESS arrives from everybody. */
	submit(c, 0);
	node_step(&c->nodes[0], (struct event){ .kind = EVENT_FLUSH });
	(void)node_sync(&c->nodes[0]);
	c->now_us += 39 * MS;
	cluster_advance(c, 1 * MS);
	cluster_settle(c);
	assert_int_equal(c->nodes[0].sent[MESSAGE_PRE_PREPARE] - before, 1);
	cluster_free(c);
}

static void
questions_are_answered_only_so_often(void **state)
{
	struct cluster *c = cluster_of(4);
	struct engine_round round;
	uint8_t raw[64];
	struct encoder e;
	struct bytes fetch;
	unsigned i;

	(void)state;
	agree(c, 0, 1);
	assert_int_equal(strategy_pbft.round(c->nodes[0].engine, 1, &round),
	    AG_OK);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, MESSAGE_FETCH);
	encoder_put_uint(&e, 1);
	encoder_put_bytes(&e, bytes_of(round.digest.data, DIGEST_BYTES));
	assert_int_equal(encoder_finish(&e, &fetch), AG_OK);
	for (i = 0; i < 1000; i++)
		node_step(&c->nodes[0],
		    (struct event){ .kind = EVENT_MESSAGE,
			.member = 3,
			.body = fetch });
	assert_true(c->nodes[0].sent[MESSAGE_BATCH] >= 1);
	assert_true(c->nodes[0].sent[MESSAGE_BATCH] <= 32);
	cluster_free(c);
}

/* A member says that it waits for a checkpoint at or above a sequence. */
static void
say_wanted(struct cluster *c, uint32_t from, uint64_t wanted)
{
	uint8_t raw[64];
	struct encoder e;
	struct bytes progress;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 9);
	encoder_put_uint(&e, MESSAGE_PROGRESS);
	encoder_put_uint(&e, 0);
	encoder_put_bool(&e, false);
	encoder_put_uint(&e, 0);
	encoder_put_uint(&e, 0);
	encoder_put_uint(&e, 0);
	encoder_put_uint(&e, wanted);
	encoder_put_bool(&e, true);
	encoder_put_bool(&e, false);
	assert_int_equal(encoder_finish(&e, &progress), AG_OK);
	node_step(&c->nodes[0],
	    (struct event){ .kind = EVENT_MESSAGE,
		.member = from,
		.body = progress });
	cluster_settle(c);
}

static void
a_member_that_always_wants_a_checkpoint_gets_few(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++)
		say_wanted(c, 3, 1);
	assert_true(c->nodes[0].applied <= 2);
	cluster_free(c);
}

static void
a_checkpoint_wanted_further_on_is_made_at_once(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	say_wanted(c, 3, 29);
	assert_int_equal(status_of(c, 0).stable, 29);
	assert_int_equal(requests_up_to(c, 29), 3);
	assert_healthy(c);
	cluster_free(c);
}

static void
a_member_that_wants_the_end_of_time_moves_the_log_two_windows(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++)
		say_wanted(c, 3, UINT64_MAX);
	assert_int_equal(status_of(c, 0).stable, 32);
	assert_true(c->nodes[0].applied <= 33);
	cluster_free(c);
}

/* What others do between two reports is not lateness, silence is. */
static void
who_keeps_up_is_not_behind_and_who_is_silent_is(void **state)
{
	struct cluster *c = cluster_of(4);
	struct engine_status status;

	(void)state;
	agree(c, 0, 10);
	cluster_advance(c, 600 * MS);
	agree(c, 0, 20);
	status = status_of(c, 0);
	assert_int_equal(status.applied, 30);
	assert_int_equal(status.member_applied[1], 10);
	assert_int_equal(status.member_lag[1], 0);
	node_crash(&c->nodes[3]);
	cluster_advance(c, 600 * MS);
	agree(c, 0, 5);
	cluster_advance(c, 5000 * MS);
	status = status_of(c, 0);
	assert_int_equal(status.member_lag[1], 0);
	assert_int_equal(status.member_lag[3], 35 - status.member_applied[3]);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    who_keeps_up_is_not_behind_and_who_is_silent_is),
		cmocka_unit_test(a_member_that_slept_gets_the_decided_batches),
		cmocka_unit_test(
		    a_round_that_others_decided_has_the_votes_that_prove_it),
		cmocka_unit_test(
		    a_member_far_behind_catches_up_faster_than_it_says_where_it_is),
		cmocka_unit_test(
		    a_member_below_the_window_is_brought_up_from_the_others_logs),
		cmocka_unit_test(
		    history_is_sent_by_one_member_unless_that_one_is_no_help),
		cmocka_unit_test(
		    history_comes_no_slower_to_a_member_with_a_slow_disk),
		cmocka_unit_test(
		    no_more_history_is_asked_for_than_may_wait_for_the_disk),
		cmocka_unit_test(
		    history_is_taken_no_further_than_a_window_ahead_of_the_state),
		cmocka_unit_test(
		    a_member_that_history_brings_no_nearer_fetches_the_state),
		cmocka_unit_test(
		    a_member_below_the_logs_is_told_to_fetch_the_state),
		cmocka_unit_test(
		    a_state_is_fetched_only_when_the_log_has_begun),
		cmocka_unit_test(
		    a_member_without_the_state_votes_for_what_comes_next),
		cmocka_unit_test(
		    who_cannot_execute_a_decision_shows_it_to_others),
		cmocka_unit_test(
		    a_member_that_reaches_the_target_later_is_asked_too),
		cmocka_unit_test(
		    a_certified_state_that_ours_is_beyond_moves_the_window),
		cmocka_unit_test(
		    a_state_that_f_plus_one_have_is_vouched_for_when_it_is_wanted),
		cmocka_unit_test(
		    a_vouched_state_is_executed_from_but_cuts_no_log_by_itself),
		cmocka_unit_test(a_full_window_ends_in_a_checkpoint),
		cmocka_unit_test(
		    agreement_goes_on_when_every_third_message_is_lost),
		cmocka_unit_test(
		    a_state_that_differs_from_the_certified_one_is_fatal),
		cmocka_unit_test(
		    a_busy_cluster_does_not_resend_what_is_on_its_way),
		cmocka_unit_test(questions_are_answered_only_so_often),
		cmocka_unit_test(
		    a_member_that_always_wants_a_checkpoint_gets_few),
		cmocka_unit_test(
		    a_checkpoint_wanted_further_on_is_made_at_once),
		cmocka_unit_test(
		    a_member_that_wants_the_end_of_time_moves_the_log_two_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
