/*
 * Memory: who may have forgotten what it voted for gives no votes.
 */
#include "consensus_fixture.h"

#include "consensus/pbft.h"

/* What a member said that binds it. */
static size_t
statements_of(const struct node *node)
{
	return node->sent[MESSAGE_VOTES] + node->sent[MESSAGE_PRE_PREPARE] +
	    node->sent[MESSAGE_VIEW_CHANGE] + node->sent[MESSAGE_NEW_VIEW] +
	    node->sent[MESSAGE_VOTE_PROOFS];
}

/* It crashes, and its log is gone when it is back. */
static void
lose_log(struct node *node)
{
	node_crash(node);
	items_cut(&node->records, 0);
	node->records_before = 0;
	memset(node->sent, 0, sizeof(node->sent));
}

static void
come_back(struct cluster *c, uint32_t at)
{
	node_start(&c->nodes[at]);
	cluster_settle(c);
}

static bool
is_rejoining(const struct cluster *c, uint32_t at)
{
	return status_of(c, at).is_rejoining;
}

/* Requests, until the member votes again. */
static void
agree_until_it_votes(struct cluster *c, uint32_t client, uint32_t at)
{
	unsigned i;

	for (i = 0; is_rejoining(c, at); i++) {
		assert_true(i < 100);
		assert_int_equal(statements_of(&c->nodes[at]), 0);
		agree(c, client, 1);
	}
}

static void
no_vote_goes_beyond_the_horizon(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *one = &c->nodes[1];
	unsigned i;

	(void)state;
	for (i = 0; i < 60; i++) {
		agree(c, 0, 1);
		assert_true(one->horizon.seq >= one->applied);
		assert_true(one->horizon.seq <= status_of(c, 1).stable + 16);
	}
	cluster_free(c);
}

static void
a_horizon_is_moved_in_long_steps_under_load_and_in_short_ones_else(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t moved;

	(void)state;
	agree(c, 0, 12);
	assert_int_equal(c->nodes[1].horizon.seq, 16 + 8);
	cluster_advance(c, 5000 * MS);
	moved = c->nodes[1].horizon.seq;
	while (c->nodes[1].horizon.seq == moved)
		agree(c, 0, 1);
	assert_int_equal(c->nodes[1].horizon.seq, c->nodes[1].applied + 7);
	cluster_free(c);
}

static void
who_lost_its_log_votes_when_its_horizon_is_stable(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t horizon;

	(void)state;
	agree(c, 0, 11);
	horizon = c->nodes[2].horizon.seq;
	lose_log(&c->nodes[2]);
	come_back(c, 2);
	assert_true(is_rejoining(c, 2));
	assert_int_equal(status_of(c, 2).rejoin_seq, horizon);
	assert_true(status_of(c, 0).member_rejoining[2]);
	agree_until_it_votes(c, 0, 2);
	assert_true(status_of(c, 2).stable >= horizon);
	/* It counts again. */
	node_crash(&c->nodes[3]);
	agree(c, 0, 5);
	cluster_advance(c, 200 * MS);
	assert_false(status_of(c, 0).member_rejoining[2]);
	assert_true(c->nodes[0].applied >= c->nodes[2].applied);
	assert_true(c->nodes[2].applied > horizon + 4);
	assert_healthy(c);
	cluster_free(c);
}

/* Nobody knows what it waits for. */
static bool
seconds_progress_is_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	(void)to;
	return from != 2 || message_type_of(body) != MESSAGE_PROGRESS;
}

static void
who_rejoins_executes_what_the_others_agree_on(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 11);
	lose_log(&c->nodes[2]);
	c->passes = seconds_progress_is_lost;
	come_back(c, 2);
	agree(c, 0, 1);
	cluster_advance(c, 200 * MS);
	assert_true(is_rejoining(c, 2));
	assert_int_equal(c->nodes[2].applied, c->nodes[0].applied);
	/* Also what its own clients ask for. */
	submit(c, 2);
	cluster_advance(c, 200 * MS);
	assert_int_equal(c->nodes[2].applied, c->nodes[0].applied);
	assert_int_equal(requests_up_to(c, c->nodes[0].applied), 13);
	cluster_free(c);
}

static void
who_rejoins_while_nothing_happens_has_checkpoints_made(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	lose_log(&c->nodes[2]);
	come_back(c, 2);
	assert_true(is_rejoining(c, 2));
	assert_true(c->nodes[2].horizon.lost_seq > 3 + 4);
	cluster_advance(c, 1000 * MS);
	assert_false(is_rejoining(c, 2));
	assert_healthy(c);
	cluster_free(c);
}

/* Its state was fetched: nothing of it is missing any more. */
static void
who_rejoins_with_a_fetched_state_has_checkpoints_made(void **state)
{
	struct cluster *c = cluster_of(4);
	uint32_t i;

	(void)state;
	c->has_transfer = true;
	agree(c, 0, 30);
	lose_log(&c->nodes[2]);
	c->nodes[2].applied = 0;
	memset(&c->nodes[2].state, 0, sizeof(c->nodes[2].state));
	for (i = 0; i < 4; i++)
		if (i != 2)
			node_cut_log(&c->nodes[i]);
	come_back(c, 2);
	cluster_advance(c, 4000 * MS);
	assert_true(c->nodes[2].fetches > 0);
	assert_false(is_rejoining(c, 2));
	assert_healthy(c);
	cluster_free(c);
}

static void
a_primary_that_does_not_vote_is_left(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 1, 3);
	lose_log(&c->nodes[0]);
	come_back(c, 0);
	cluster_advance(c, 5000 * MS);
	assert_true(status_of(c, 1).view > 0);
	agree(c, 1, 1);
	agree_until_it_votes(c, 1, 0);
	assert_healthy(c);
	cluster_free(c);
}

static bool
third_is_heard_by_nobody(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	(void)to;
	(void)body;
	return from != 2;
}

static void
a_restart_while_rejoining_changes_nothing(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t until;

	(void)state;
	agree(c, 0, 11);
	lose_log(&c->nodes[2]);
	/* Nobody makes the checkpoint that it asks for. */
	c->passes = third_is_heard_by_nobody;
	come_back(c, 2);
	agree(c, 0, 1);
	until = status_of(c, 2).rejoin_seq;
	node_crash(&c->nodes[2]);
	come_back(c, 2);
	assert_true(is_rejoining(c, 2));
	assert_int_equal(status_of(c, 2).rejoin_seq, until);
	c->passes = NULL;
	agree_until_it_votes(c, 0, 2);
	/* And one afterwards has nothing left to wait for. */
	node_crash(&c->nodes[2]);
	come_back(c, 2);
	assert_false(is_rejoining(c, 2));
	assert_healthy(c);
	cluster_free(c);
}

static bool
seconds_view_changes_are_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	(void)to;
	return from != 2 || message_type_of(body) != MESSAGE_VIEW_CHANGE;
}

/* A view change that was forgotten may yet begin its view. */
static void
who_forgot_a_view_change_votes_in_no_lower_view(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	/* It leaves alone, and the others do not follow. */
	c->passes = seconds_view_changes_are_lost;
	node_step(&c->nodes[2],
	    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
	c->passes = third_is_heard_by_nobody;
	submit(c, 2);
	cluster_advance(c, 1500 * MS);
	assert_int_equal(c->nodes[2].horizon.view, 1);
	assert_int_equal(status_of(c, 0).view, 0);
	lose_log(&c->nodes[2]);
	c->passes = seconds_view_changes_are_lost;
	come_back(c, 2);
	agree_until_it_votes(c, 0, 2);
	assert_true(status_of(c, 2).is_changing_view);
	assert_int_equal(status_of(c, 2).view, 2);
	assert_int_equal(c->nodes[2].sent[MESSAGE_VOTES], 0);
	cluster_free(c);
}

/* --- without a horizon --- */

static void
forget_everything(struct node *node)
{
	lose_log(node);
	node->horizon = (struct horizon){ .memory = HORIZON_UNKNOWN };
}

static void
without_a_horizon_the_others_bound_it(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 19);
	forget_everything(&c->nodes[2]);
	come_back(c, 2);
	assert_true(is_rejoining(c, 2));
	/* Two windows above the highest certificate shown. */
	assert_int_equal(status_of(c, 2).rejoin_seq, 16 + 2 * 16);
	assert_int_equal(c->nodes[2].horizon.lost_seq, 48);
	agree_until_it_votes(c, 0, 2);
	assert_true(status_of(c, 2).stable >= 48);
	assert_healthy(c);
	cluster_free(c);
}

static void
without_a_horizon_too_a_cluster_at_rest_makes_the_checkpoint(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 19);
	forget_everything(&c->nodes[2]);
	come_back(c, 2);
	cluster_advance(c, 2000 * MS);
	assert_false(is_rejoining(c, 2));
	assert_true(status_of(c, 2).stable >= 48);
	assert_healthy(c);
	cluster_free(c);
}

/* One of three others is silent: it may be the only one that knows. */
static void
without_a_horizon_all_but_f_minus_one_must_answer(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 19);
	forget_everything(&c->nodes[2]);
	node_crash(&c->nodes[3]);
	come_back(c, 2);
	cluster_advance(c, 2000 * MS);
	assert_true(is_rejoining(c, 2));
	assert_int_equal(status_of(c, 2).rejoin_seq, 0);
	come_back(c, 3);
	cluster_advance(c, 500 * MS);
	assert_true(status_of(c, 2).rejoin_seq > 0 || !is_rejoining(c, 2));
	cluster_free(c);
}

static bool
answers_of_three_are_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	(void)to;
	return from != 3 || message_type_of(body) != MESSAGE_RECALLED;
}

static struct bytes
answer_make(uint8_t *raw, size_t cap, uint64_t nonce, uint64_t view)
{
	struct encoder e;
	struct bytes body;

	encoder_init(&e, raw, cap);
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_RECALLED);
	encoder_put_uint(&e, nonce);
	encoder_put_uint(&e, view);
	encoder_put_bool(&e, true);
	encoder_put_null(&e);
	encoder_put_array(&e, 0);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	return body;
}

static void
a_view_that_nobody_proves_keeps_nobody_out(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[64];

	(void)state;
	agree(c, 0, 19);
	forget_everything(&c->nodes[2]);
	c->passes = answers_of_three_are_lost;
	come_back(c, 2);
	/* An answer to another question is none. */
	post(c, 3, 2, answer_make(raw, sizeof(raw), c->nodes[2].starts + 1, 0));
	assert_int_equal(status_of(c, 2).rejoin_seq, 0);
	post(c, 3, 2,
	    answer_make(raw, sizeof(raw), c->nodes[2].starts, UINT64_MAX / 4));
	assert_int_equal(status_of(c, 2).rejoin_seq, 48);
	assert_true(c->nodes[2].horizon.lost_view <= LONE_VIEWS_MAX);
	agree_until_it_votes(c, 0, 2);
	cluster_free(c);
}

static void
in_a_new_cluster_nobody_has_a_horizon_and_all_vote(void **state)
{
	struct cluster *c = cluster_new(4);
	uint32_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		c->nodes[i].horizon.memory = HORIZON_UNKNOWN;
	cluster_start(c);
	cluster_advance(c, 200 * MS);
	agree(c, 0, 3);
	assert_applied(c, 3);
	assert_int_equal(c->nodes[2].horizon.memory, HORIZON_WHOLE);
	cluster_free(c);
}

static void
a_member_that_never_voted_votes_beside_a_state_it_fetched(void **state)
{
	struct cluster *c = cluster_new(4);

	(void)state;
	c->nodes[2].applied = 5;
	node_start(&c->nodes[2]);
	assert_false(is_rejoining(c, 2));
	assert_healthy(c);
	cluster_free(c);
}

static void
without_others_a_lost_log_is_refused(void **state)
{
	struct cluster *c = cluster_of(1);

	(void)state;
	agree(c, 0, 3);
	lose_log(&c->nodes[0]);
	node_start(&c->nodes[0]);
	assert_non_null(c->nodes[0].fatal);
	assert_non_null(strstr(c->nodes[0].fatal, "may be missing"));
	cluster_free(c);
}

/* --- everything came back older --- */

/* It rejoins, and nobody has seen it vote meanwhile. */
static void
assert_rejoins(struct cluster *c, uint32_t at)
{
	uint32_t i;

	assert_true(is_rejoining(c, at));
	assert_int_equal(statements_of(&c->nodes[at]), 0);
	agree_until_it_votes(c, 0, at);
	cluster_advance(c, 500 * MS);
	for (i = 0; i < c->n; i++) {
		assert_int_equal(c->nodes[i].applied, c->nodes[0].applied);
		assert_int_equal(c->nodes[i].evidence, 0);
	}
	assert_healthy(c);
}

static void
who_came_back_older_learns_it_before_it_votes(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *two = &c->nodes[2];
	struct image image;

	(void)state;
	agree(c, 0, 3);
	image = image_take(two);
	agree(c, 0, 3);
	image_put_back(two, &image);
	node_start(two);
	assert_int_equal(statements_of(two), 0);
	cluster_settle(c);
	assert_int_equal(two->horizon.memory, HORIZON_LOST);
	assert_rejoins(c, 2);
	cluster_free(c);
}

/* Of its votes only those are left that certificates in logs are made of. */
static void
who_came_back_older_learns_it_also_when_all_start_at_once(void **state)
{
	struct cluster *c = cluster_of(4);
	struct image image;
	uint32_t i;

	(void)state;
	agree(c, 0, 3);
	image = image_take(&c->nodes[2]);
	agree(c, 0, 3);
	image_put_back(&c->nodes[2], &image);
	for (i = 0; i < 4; i++)
		if (i != 2)
			node_crash(&c->nodes[i]);
	cluster_start(c);
	assert_rejoins(c, 2);
	cluster_free(c);
}

static void
who_came_back_older_is_shown_the_view_it_asked_for(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *two = &c->nodes[2];
	struct image image;

	(void)state;
	agree(c, 0, 3);
	image = image_take(two);
	node_step(two, (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
	c->passes = third_is_heard_by_nobody;
	submit(c, 2);
	cluster_advance(c, 1100 * MS);
	assert_true(status_of(c, 2).is_changing_view);
	/* Others have it, and do not follow. */
	c->passes = NULL;
	cluster_advance(c, 110 * MS);
	assert_int_equal(status_of(c, 0).view, 0);
	image_put_back(two, &image);
	come_back(c, 2);
	assert_true(is_rejoining(c, 2));
	assert_int_equal(two->horizon.lost_view, 1);
	agree_until_it_votes(c, 0, 2);
	assert_true(status_of(c, 2).view > 1);
	cluster_free(c);
}

/* --- who starts --- */

static bool
second_is_answered_nothing(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	(void)from;
	return to != 2 || message_type_of(body) != MESSAGE_RECALLED;
}

static void
who_starts_asks_before_it_votes(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *two = &c->nodes[2];

	(void)state;
	agree(c, 0, 3);
	node_crash(two);
	memset(two->sent, 0, sizeof(two->sent));
	c->passes = second_is_answered_nothing;
	come_back(c, 2);
	submit(c, 0);
	cluster_advance(c, 300 * MS);
	/* It follows, and is not said to rejoin. */
	assert_int_equal(two->applied, 4);
	assert_true(status_of(c, 2).is_asking);
	assert_false(is_rejoining(c, 2));
	assert_false(status_of(c, 0).member_rejoining[2]);
	assert_int_equal(statements_of(two), 0);
	c->passes = NULL;
	cluster_advance(c, 100 * MS);
	assert_false(status_of(c, 2).is_asking);
	agree(c, 0, 1);
	assert_true(statements_of(two) > 0);
	cluster_free(c);
}

/* A record may be there that was never durable, without its horizon. */
static void
what_the_log_has_is_within_the_horizon_before_others_answer(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *two = &c->nodes[2];

	(void)state;
	c->passes = third_is_heard_by_nobody;
	submit(c, 2);
	cluster_advance(c, 1100 * MS);
	assert_true(status_of(c, 2).is_changing_view);
	node_crash(two);
	two->horizon = (struct horizon){ 0 };
	memset(two->sent, 0, sizeof(two->sent));
	node_start(two);
	assert_true(status_of(c, 2).is_asking);
	assert_int_equal(two->horizon.view, 1);
	/* Nor does it speak of its view before that is written down. */
	assert_int_equal(two->sent[MESSAGE_PROGRESS], 0);
	cluster_free(c);
}

/* An answer in which a member shows a vote, how often, and signed by whom. */
static void
answer_with(struct cluster *c, uint32_t signer, unsigned count)
{
	const struct vote vote = { VOTE_PREPARE, 9, { { 3 } } };
	struct vote_proof proof;
	uint8_t raw[4096];
	struct encoder e;
	struct bytes body;
	unsigned i;

	vote_bundle_sign(&proof, &vote, 1, &c->scope, signer, 0, &fake_anybody,
	    &signer);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_RECALLED);
	encoder_put_uint(&e, c->nodes[2].starts);
	encoder_put_uint(&e, 0);
	encoder_put_bool(&e, true);
	encoder_put_null(&e);
	encoder_put_array(&e, count);
	for (i = 0; i < count; i++)
		vote_encode(&e, &vote, &proof);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 3, 2, body);
}

static void
who_shows_votes_that_are_not_ours_has_not_answered(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	node_crash(&c->nodes[2]);
	c->passes = answers_of_three_are_lost;
	come_back(c, 2);
	answer_with(c, 3, 1);
	answer_with(c, 2, 4);
	assert_true(status_of(c, 2).is_asking);
	assert_false(is_rejoining(c, 2));
	answer_with(c, 2, 1);
	assert_false(status_of(c, 2).is_asking);
	assert_true(is_rejoining(c, 2));
	cluster_free(c);
}

static void
who_starts_among_others_votes_after_a_round_trip(void **state)
{
	struct cluster *c = cluster_of(4);
	const uint64_t now = c->now_us;

	(void)state;
	agree(c, 0, 3);
	node_crash(&c->nodes[2]);
	come_back(c, 2);
	assert_int_equal(c->now_us, now);
	assert_false(status_of(c, 2).is_asking);
	cluster_free(c);
}

static void
when_all_start_at_once_nobody_waits_for_a_timer(void **state)
{
	struct cluster *c = cluster_of(4);
	const uint64_t now = c->now_us;
	uint32_t i;

	(void)state;
	agree(c, 0, 3);
	for (i = 0; i < 4; i++)
		node_crash(&c->nodes[i]);
	cluster_start(c);
	agree(c, 0, 1);
	assert_applied(c, 4);
	assert_int_equal(c->now_us, now);
	cluster_free(c);
}

static void
who_misses_an_answer_votes_after_half_a_view_timeout(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	node_crash(&c->nodes[3]);
	node_crash(&c->nodes[2]);
	come_back(c, 2);
	cluster_advance(c, 499 * MS);
	assert_true(status_of(c, 2).is_asking);
	cluster_advance(c, 1 * MS);
	assert_false(status_of(c, 2).is_asking);
	agree(c, 0, 1);
	assert_applied(c, 4);
	cluster_free(c);
}

static void
who_hears_no_quorum_waits_until_it_does(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *two = &c->nodes[2];
	uint32_t i;

	(void)state;
	agree(c, 0, 3);
	for (i = 1; i < 4; i++)
		node_crash(&c->nodes[i]);
	memset(two->sent, 0, sizeof(two->sent));
	come_back(c, 2);
	cluster_advance(c, 20000 * MS);
	assert_true(status_of(c, 2).is_asking);
	assert_int_equal(statements_of(two), 0);
	come_back(c, 1);
	cluster_advance(c, 500 * MS);
	assert_false(status_of(c, 2).is_asking);
	agree(c, 0, 1);
	assert_applied(c, 4);
	cluster_free(c);
}

/* Nothing is agreed on since, whose votes would tell. */
static void
who_came_back_older_learns_it_from_the_view_it_began(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *one = &c->nodes[1];
	struct horizon horizon;
	uint64_t view;
	size_t records;

	(void)state;
	agree(c, 0, 3);
	cluster_advance(c, 500 * MS);
	horizon = one->horizon;
	records = one->records.count;
	node_crash(&c->nodes[0]);
	submit(c, 2);
	cluster_advance(c, 5000 * MS);
	view = status_of(c, 2).view;
	assert_int_equal(view % 4, 1);
	come_back(c, 0);
	cluster_advance(c, 500 * MS);
	node_crash(one);
	items_cut(&one->records, records);
	one->horizon = horizon;
	memset(one->sent, 0, sizeof(one->sent));
	come_back(c, 1);
	cluster_advance(c, 500 * MS);
	assert_int_equal(one->sent[MESSAGE_NEW_VIEW], 0);
	assert_int_equal(status_of(c, 1).view, status_of(c, 2).view);
	agree(c, 2, 60);
	assert_false(is_rejoining(c, 1));
	assert_healthy(c);
	cluster_free(c);
}

static void
who_remembers_its_votes_is_told_nothing_new(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	for (i = 0; i < 40; i++) {
		agree(c, 0, 1);
		node_crash(&c->nodes[i % 4]);
		come_back(c, i % 4);
		cluster_advance(c, 150 * MS);
		assert_false(is_rejoining(c, i % 4));
	}
	assert_healthy(c);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_vote_goes_beyond_the_horizon),
		cmocka_unit_test(
		    a_horizon_is_moved_in_long_steps_under_load_and_in_short_ones_else),
		cmocka_unit_test(
		    who_lost_its_log_votes_when_its_horizon_is_stable),
		cmocka_unit_test(who_rejoins_executes_what_the_others_agree_on),
		cmocka_unit_test(
		    who_rejoins_while_nothing_happens_has_checkpoints_made),
		cmocka_unit_test(
		    who_rejoins_with_a_fetched_state_has_checkpoints_made),
		cmocka_unit_test(a_primary_that_does_not_vote_is_left),
		cmocka_unit_test(a_restart_while_rejoining_changes_nothing),
		cmocka_unit_test(
		    who_forgot_a_view_change_votes_in_no_lower_view),
		cmocka_unit_test(without_a_horizon_the_others_bound_it),
		cmocka_unit_test(
		    without_a_horizon_too_a_cluster_at_rest_makes_the_checkpoint),
		cmocka_unit_test(
		    without_a_horizon_all_but_f_minus_one_must_answer),
		cmocka_unit_test(a_view_that_nobody_proves_keeps_nobody_out),
		cmocka_unit_test(
		    in_a_new_cluster_nobody_has_a_horizon_and_all_vote),
		cmocka_unit_test(
		    a_member_that_never_voted_votes_beside_a_state_it_fetched),
		cmocka_unit_test(without_others_a_lost_log_is_refused),
		cmocka_unit_test(who_came_back_older_learns_it_before_it_votes),
		cmocka_unit_test(
		    who_came_back_older_learns_it_also_when_all_start_at_once),
		cmocka_unit_test(
		    who_came_back_older_is_shown_the_view_it_asked_for),
		cmocka_unit_test(
		    who_came_back_older_learns_it_from_the_view_it_began),
		cmocka_unit_test(who_starts_asks_before_it_votes),
		cmocka_unit_test(
		    what_the_log_has_is_within_the_horizon_before_others_answer),
		cmocka_unit_test(
		    who_shows_votes_that_are_not_ours_has_not_answered),
		cmocka_unit_test(
		    who_starts_among_others_votes_after_a_round_trip),
		cmocka_unit_test(
		    when_all_start_at_once_nobody_waits_for_a_timer),
		cmocka_unit_test(
		    who_misses_an_answer_votes_after_half_a_view_timeout),
		cmocka_unit_test(who_hears_no_quorum_waits_until_it_does),
		cmocka_unit_test(who_remembers_its_votes_is_told_nothing_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
