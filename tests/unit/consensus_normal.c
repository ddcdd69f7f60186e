/*
 * Agreement when all is well: proposals, votes, batches, checkpoints.
 */
#include "consensus_fixture.h"

static void
a_request_is_executed_by_everybody(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	submit(c, 0);
	cluster_settle(c);
	assert_applied(c, 1);
	assert_healthy(c);
	cluster_free(c);
}

static void
a_backup_hands_its_clients_request_to_the_primary(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	submit(c, 2);
	cluster_settle(c);
	assert_applied(c, 1);
	assert_int_equal(c->nodes[2].sent[MESSAGE_REQUEST], 1);
	assert_int_equal(status_of(c, 2).pending_requests, 0);
	assert_int_equal(status_of(c, 0).pending_requests, 0);
	cluster_free(c);
}

static void
clusters_of_every_size_agree_with_f_members_silent(void **state)
{
	uint32_t n, i;

	(void)state;
	for (n = 1; n <= CLUSTER_MAX; n++) {
		struct cluster *c = cluster_of(n);

		for (i = 0; i < trust_faults(FAULTS_BYZANTINE, n); i++)
			c->nodes[n - 1 - i].is_down = true;
		agree(c, 0, 20);
		assert_applied(c, 20);
		assert_int_equal(status_of(c, 0).stable, 16);
		assert_healthy(c);
		cluster_free(c);
	}
}

static void
one_silent_member_more_than_f_stops_everything(void **state)
{
	uint32_t n, i;

	(void)state;
	for (n = 1; n <= CLUSTER_MAX; n++) {
		struct cluster *c = cluster_of(n);

		for (i = 0; i < trust_faults(FAULTS_BYZANTINE, n) + 1; i++)
			c->nodes[n - 1 - i].is_down = true;
		submit(c, 0);
		cluster_advance(c, 10000 * MS);
		for (i = 0; i < n; i++)
			assert_int_equal(c->nodes[i].applied, 0);
		cluster_free(c);
	}
}

static void
requests_of_one_turn_share_a_batch(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	for (i = 0; i < 10; i++)
		submit(c, 0);
	cluster_settle(c);
	assert_applied(c, 1);
	assert_int_equal(c->requests[1], 10);
	cluster_free(c);
}

static void
a_batch_keeps_to_its_limits(void **state)
{
	struct cluster *c = cluster_new(4);
	unsigned i;

	(void)state;
	c->config.batch_requests_max = 4;
	cluster_start(c);
	for (i = 0; i < 10; i++)
		submit(c, 0);
	cluster_settle(c);
	assert_applied(c, 3);
	assert_int_equal(c->requests[1], 4);
	assert_int_equal(c->requests[2], 4);
	assert_int_equal(c->requests[3], 2);
	cluster_free(c);
}

static void
a_full_pipeline_makes_requests_wait_and_share_the_next_batch(void **state)
{
	struct cluster *c = cluster_new(4);
	unsigned i;

	(void)state;
	c->config.pipeline_max = 2;
	cluster_start(c);
	for (i = 0; i < 6; i++) {
		submit(c, 0);
		node_step(&c->nodes[0], (struct event){ .kind = EVENT_FLUSH });
	}
	assert_int_equal(status_of(c, 0).proposed, 2);
	cluster_settle(c);
	assert_applied(c, 3);
	assert_int_equal(c->requests[3], 4);
	cluster_free(c);
}

static void
nothing_leaves_before_it_is_durable(void **state)
{
	struct cluster *c = cluster_of(4);
	uint32_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		c->nodes[i].is_disk_stuck = true;
		memset(c->nodes[i].sent, 0, sizeof(c->nodes[i].sent));
	}
	submit(c, 0);
	cluster_settle(c);
	assert_int_equal(c->nodes[0].sent[MESSAGE_PRE_PREPARE], 0);
	c->nodes[0].is_disk_stuck = false;
	cluster_settle(c);
	assert_int_equal(c->nodes[0].sent[MESSAGE_PRE_PREPARE], 1);
	assert_int_equal(c->nodes[1].sent[MESSAGE_VOTES], 0);
	for (i = 0; i < 4; i++)
		c->nodes[i].is_disk_stuck = false;
	cluster_settle(c);
	assert_applied(c, 1);
	cluster_free(c);
}

static void
our_own_vote_counts_only_when_it_is_durable(void **state)
{
	struct cluster *c = cluster_of(4);
	struct engine_round round;

	(void)state;
	/* The fourth is silent, so the second's own vote is needed. */
	c->nodes[3].is_down = true;
	c->nodes[1].is_disk_stuck = true;
	submit(c, 0);
	cluster_settle(c);
	assert_int_equal(c->nodes[1].applied, 0);
	assert_int_equal(strategy_pbft.round(c->nodes[1].engine, 1, &round),
	    AG_OK);
	assert_int_equal(round.phase, ROUND_PROPOSED);
	assert_int_equal(round.prepares, 1U << 0 | 1U << 2);
	c->nodes[1].is_disk_stuck = false;
	cluster_settle(c);
	cluster_advance(c, ALL_WAITED);
	assert_applied(c, 1);
	cluster_free(c);
}

/* Votes of the phase in a record of what was decided. */
static uint32_t
signers_of(struct cluster *c, uint32_t at, uint64_t seq, enum vote_phase phase)
{
	static struct certificate certificate;
	struct record record;

	if (!node_find_record(&c->nodes[at], RECORD_COMMITTED, seq, &record,
		&certificate) ||
	    certificate.phase != phase)
		return 0;
	return certificate.proof_count;
}

static void
everybodys_prepares_decide_without_a_second_round(void **state)
{
	struct cluster *c = cluster_of(4);
	struct engine_round round;
	uint32_t i;

	(void)state;
	agree(c, 1, 1);
	assert_applied(c, 1);
	for (i = 0; i < 4; i++) {
		assert_int_equal(signers_of(c, i, 1, VOTE_PREPARE), 4);
		assert_int_equal(strategy_pbft.round(c->nodes[i].engine, 1,
				     &round),
		    AG_OK);
		assert_int_equal(round.commits, 0);
	}
	cluster_free(c);
}

static void
who_was_late_is_not_waited_for_until_it_has_made_up_for_it(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i, fast = 0;

	(void)state;
	c->nodes[3].is_down = true;
	agree(c, 1, 1);
	assert_int_equal(signers_of(c, 1, 1, VOTE_COMMIT), 3);
	/* The second time nobody waits. */
	for (i = 0; i < 3; i++) {
		submit(c, 1);
		cluster_settle(c);
	}
	assert_int_equal(c->nodes[1].applied, 4);
	node_crash(&c->nodes[3]);
	node_start(&c->nodes[3]);
	cluster_advance(c, 500 * MS);
	agree(c, 1, 20);
	assert_applied(c, 24);
	for (i = 5; i <= 24; i++)
		fast += signers_of(c, 1, i, VOTE_PREPARE) == 4 ? 1 : 0;
	assert_true(fast >= 10);
	cluster_free(c);
}

/* Somebody waits where the request was made. */
static uint32_t
waits_at_principal(void *ctx, const uint8_t principal[static PUBLIC_KEY_BYTES])
{
	(void)ctx;
	return 1U << principal[0];
}

/* All members' PREPAREs have decided, and it is known who waits for what. */
static struct cluster *
cluster_in_haste(void)
{
	static struct authority authority;
	struct cluster *c = cluster_new(4);

	authority = fake_authority;
	authority.waits_at = waits_at_principal;
	c->config.authority = &authority;
	cluster_start(c);
	agree(c, 2, 1);
	cluster_advance(c, 10 * MS);
	assert_applied(c, 1);
	return c;
}

static void
a_prepare_hurries_to_whom_somebody_waits_and_the_others_get_it_later(
    void **state)
{
	struct cluster *c = cluster_in_haste();

	(void)state;
	c->nodes[1].sent[MESSAGE_VOTES] = 0;
	submit(c, 2);
	cluster_settle(c);
	assert_int_equal(c->nodes[2].applied, 2);
	assert_int_equal(c->nodes[0].applied, 1);
	assert_int_equal(c->nodes[3].applied, 1);
	assert_int_equal(c->nodes[1].sent[MESSAGE_VOTES], 1);
	cluster_advance(c, 5 * MS);
	assert_applied(c, 2);
	assert_int_equal(signers_of(c, 3, 2, VOTE_PREPARE), 4);
	cluster_free(c);
}

static void
who_waits_next_gets_what_was_held_for_it(void **state)
{
	struct cluster *c = cluster_in_haste();

	(void)state;
	submit(c, 2);
	cluster_settle(c);
	submit(c, 2);
	cluster_settle(c);
	assert_int_equal(c->nodes[3].applied, 1);
	submit(c, 3);
	cluster_settle(c);
	assert_int_equal(c->nodes[3].applied, 4);
	cluster_free(c);
}

static void
prepares_hurry_to_everybody_while_a_member_is_away(void **state)
{
	struct cluster *c = cluster_in_haste();
	unsigned i;

	(void)state;
	node_crash(&c->nodes[3]);
	agree(c, 2, 1);
	cluster_advance(c, 10 * MS);
	for (i = 0; i < 5; i++) {
		submit(c, 2);
		cluster_settle(c);
		assert_int_equal(c->nodes[2].applied, 3 + i);
		cluster_advance(c, 10 * MS);
	}
	cluster_free(c);
}

/* The last member's votes are lost while the knob says so. */
static bool
the_last_is_late(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)to;
	return c->knob == 0 || from != 3 ||
	    message_type_of(body) != MESSAGE_VOTES;
}

static void
who_is_late_again_as_soon_as_it_is_waited_for_is_seldom_waited_for(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t began = c->now_us;
	unsigned i;

	(void)state;
	c->passes = the_last_is_late;
	for (i = 0; i < 340; i++) {
		c->knob = i % 17 == 0;
		agree(c, 1, 1);
	}
	assert_int_equal(c->nodes[1].applied, 340);
	assert_true(c->now_us - began <= 6 * ALL_WAITED);
	assert_healthy(c);
	cluster_free(c);
}

/* The last member's votes do not reach those in the knob. */
static bool
the_last_is_not_heard_by(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	return from != 3 || (c->knob >> to & 1) == 0 ||
	    message_type_of(body) != MESSAGE_VOTES;
}

static void
who_has_decided_by_all_prepares_votes_commit_for_who_lacks_one(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	c->passes = the_last_is_not_heard_by;
	c->knob = 1U << 0 | 1U << 2;
	submit(c, 1);
	cluster_settle(c);
	assert_int_equal(c->nodes[1].applied, 1);
	assert_int_equal(c->nodes[2].applied, 0);
	c->knob = 0;
	cluster_advance(c, ALL_WAITED);
	assert_applied(c, 1);
	assert_int_equal(signers_of(c, 2, 1, VOTE_COMMIT), 3);
	cluster_free(c);
}

static void
nobody_waits_when_another_has_given_up_waiting(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	c->passes = the_last_is_not_heard_by;
	c->knob = 1U << 0;
	agree(c, 1, 1);
	cluster_advance(c, ALL_WAITED);
	assert_applied(c, 1);
	/* Only the first knows how late the last can be. */
	c->knob = 1U << 0 | 1U << 1 | 1U << 2;
	submit(c, 1);
	cluster_settle(c);
	assert_int_equal(c->nodes[1].applied, 2);
	assert_int_equal(c->nodes[2].applied, 2);
	cluster_free(c);
}

static void
votes_of_a_turn_share_one_signature(void **state)
{
	struct cluster *c = cluster_new(4);
	unsigned i;

	(void)state;
	c->config.batch_requests_max = 1;
	cluster_start(c);
	for (i = 0; i < 4; i++)
		c->nodes[i].signatures = 0;
	for (i = 0; i < 8; i++)
		submit(c, 0);
	for (i = 0; i < 4; i++)
		c->nodes[i].signatures = 0; /* the requests' own */
	cluster_settle(c);
	assert_applied(c, 8);
	/* Prepares, commits, and the checkpoint at 8. */
	assert_true(c->nodes[1].signatures <= 4);
	cluster_free(c);
}

static void
votes_that_decide_nothing_are_not_verified(void **state)
{
	struct cluster *c = cluster_of(10);
	unsigned i, total = 0;

	(void)state;
	agree(c, 0, 1);
	for (i = 0; i < 10; i++)
		total -= c->nodes[i].verifications;
	agree(c, 0, 1);
	for (i = 0; i < 10; i++)
		total += c->nodes[i].verifications;
	/* Naively nine prepares and nine commits at each of ten. */
	assert_true(total <= 130);
	cluster_free(c);
}

static void
a_request_that_waits_is_not_taken_twice(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[512];
	struct bytes request;
	unsigned i;

	(void)state;
	request = request_make(c, 0, raw, sizeof(raw), 50);
	for (i = 0; i < 5; i++)
		submit_bytes(c, 0, request);
	submit_bytes(c, 1, request);
	assert_int_equal(status_of(c, 0).pending_requests, 1);
	cluster_settle(c);
	assert_int_equal(requests_up_to(c, 1), 1);
	cluster_free(c);
}

static void
a_forwarded_request_without_its_principals_signature_is_dropped(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[512], body[1024];
	struct bytes request, message;
	struct encoder e;

	(void)state;
	request = request_make(c, 1, raw, sizeof(raw), 50);
	raw[request.len - 1] ^= 1;
	encoder_init(&e, body, sizeof(body));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_REQUEST);
	encoder_put_bytes(&e, request);
	assert_int_equal(encoder_finish(&e, &message), AG_OK);
	post(c, 1, 0, message);
	cluster_settle(c);
	assert_int_equal(status_of(c, 0).pending_requests, 0);
	assert_applied(c, 0);
	cluster_free(c);
}

static void
requests_beyond_the_room_are_refused_and_the_rest_agreed(void **state)
{
	struct cluster *c = cluster_new(4);
	unsigned i;

	(void)state;
	c->config.pending_bytes_max = 4096;
	cluster_start(c);
	for (i = 0; i < 100; i++)
		submit(c, 0);
	assert_true(c->nodes[0].refused > 0);
	cluster_settle(c);
	assert_int_equal(requests_up_to(c, c->nodes[0].applied),
	    100 - c->nodes[0].refused);
	assert_int_equal(status_of(c, 0).pending_bytes, 0);
	cluster_free(c);
}

static void
what_was_executed_is_not_ordered_again_for_who_sends_it_late(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[512], message[600];
	struct bytes request = request_make(c, 2, raw, sizeof(raw), 100);
	struct encoder e;
	struct bytes body;

	(void)state;
	submit_bytes(c, 2, request);
	cluster_settle(c);
	assert_applied(c, 1);
	encoder_init(&e, message, sizeof(message));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_REQUEST);
	encoder_put_bytes(&e, request);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 2, 0, body);
	post(c, 2, 1, body);
	assert_int_equal(status_of(c, 0).pending_requests, 0);
	assert_int_equal(status_of(c, 1).pending_requests, 0);
	cluster_settle(c);
	assert_applied(c, 1);
	/* Who got there by a state may have to ask. */
	cluster_advance(c, 200 * MS);
	post(c, 2, 0, body);
	assert_int_equal(status_of(c, 0).pending_requests, 1);
	cluster_free(c);
}

/* More would be dropped there, the oldest perhaps, and have to wait long. */
static void
a_member_forwards_what_has_room_at_the_primary_and_then_the_rest(void **state)
{
	struct cluster *c = cluster_new(4);
	unsigned i;

	(void)state;
	c->config.pending_bytes_max = 16384;
	cluster_start(c);
	for (i = 0; i < 60; i++)
		submit(c, 1);
	assert_int_equal(c->nodes[1].refused, 0);
	node_step(&c->nodes[1], (struct event){ .kind = EVENT_FLUSH });
	assert_in_range(c->nodes[1].sent[MESSAGE_REQUEST], 1,
	    16384 / 2 / 3 / 200);
	cluster_settle(c);
	assert_int_equal(c->nodes[1].sent[MESSAGE_REQUEST], 60);
	assert_int_equal(requests_up_to(c, c->nodes[1].applied), 60);
	cluster_free(c);
}

static void
a_thousand_forwarded_requests_fit_the_effects_of_their_turns(void **state)
{
	struct cluster *c = cluster_new(4);
	unsigned i;

	(void)state;
	c->config.pending_bytes_max = 4U << 20;
	cluster_start(c);
	for (i = 0; i < 2000; i++)
		submit(c, 1);
	for (i = 0; i < 60; i++)
		cluster_advance(c, 100 * MS);
	assert_int_equal(requests_up_to(c, c->nodes[0].applied), 2000);
	assert_healthy(c);
	cluster_free(c);
}

static void
a_batch_whose_time_is_far_from_ours_is_not_prepared(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t wall = c->wall_ms;
	struct engine_status status;

	(void)state;
	c->wall_ms = wall + 6000;
	submit(c, 0);
	node_step(&c->nodes[0], (struct event){ .kind = EVENT_FLUSH });
	(void)node_sync(&c->nodes[0]);
	c->wall_ms = wall;
	(void)node_receive(&c->nodes[1]);
	status = status_of(c, 1);
	assert_int_equal(status.proposed, 0);
	assert_int_equal(status.clock_refusals, 1);
	assert_int_equal(status.clock_member, 0);
	assert_int_equal(status.clock_ahead_ms, 6000);
	cluster_free(c);
}

static void
agreed_time_never_falls_when_the_primarys_clock_does(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 1);
	c->wall_ms -= 3000;
	agree(c, 0, 3);
	assert_applied(c, 4);
	cluster_free(c);
}

/* What was proposed in vain binds nobody, nor who proposed it. */
static void
a_primary_whose_clock_was_wrong_is_followed_once_it_is_right(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t wall = c->wall_ms, view;

	(void)state;
	c->wall_ms = wall + 3600000;
	submit(c, 0);
	node_step(&c->nodes[0], (struct event){ .kind = EVENT_FLUSH });
	(void)node_sync(&c->nodes[0]);
	c->wall_ms = wall;
	cluster_advance(c, 5000 * MS);
	/* Until it is the primary again. */
	for (view = 1; view < 4; view++) {
		assert_int_equal(status_of(c, 0).view, view);
		c->nodes[view].is_down = true;
		submit(c, 0);
		cluster_advance(c, 5000 * MS);
		c->nodes[view].is_down = false;
		cluster_advance(c, 5000 * MS);
	}
	assert_int_equal(status_of(c, 0).view, 4);
	agree(c, 2, 3);
	assert_int_equal(status_of(c, 0).view, 4);
	assert_healthy(c);
	cluster_free(c);
}

static void
checkpoints_become_stable_and_free_the_log(void **state)
{
	struct cluster *c = cluster_of(4);
	struct engine_round round;
	uint32_t i;

	(void)state;
	agree(c, 0, 20);
	for (i = 0; i < 4; i++) {
		assert_int_equal(status_of(c, i).stable, 16);
		assert_int_equal(c->nodes[i].stable, 16);
	}
	assert_int_equal(strategy_pbft.round(c->nodes[1].engine, 16, &round),
	    AG_ENOENT);
	assert_int_equal(strategy_pbft.round(c->nodes[1].engine, 17, &round),
	    AG_OK);
	assert_int_equal(round.phase, ROUND_EXECUTED);
	assert_int_equal(round.requests, 1);
	cluster_free(c);
}

static void
a_long_run_goes_on_past_many_windows(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 3, 300);
	assert_applied(c, 300);
	assert_int_equal(status_of(c, 0).stable, 296);
	assert_int_equal(status_of(c, 0).view_changes, 0);
	cluster_free(c);
}

static void
an_idle_cluster_makes_a_checkpoint_when_one_is_wanted(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	node_step(&c->nodes[2],
	    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
	cluster_advance(c, 1000 * MS);
	assert_applied(c, 4);
	assert_int_equal(c->nodes[2].stable, 4);
	/* And only one. */
	cluster_advance(c, 5000 * MS);
	assert_applied(c, 4);
	cluster_free(c);
}

static void
the_primary_makes_a_checkpoint_it_wants_itself(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	node_step(&c->nodes[0],
	    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
	cluster_settle(c);
	assert_applied(c, 4);
	assert_int_equal(c->nodes[0].stable, 4);
	cluster_free(c);
}

/* Votes of the last two that executed 8 already: their checkpoint votes. */
static bool
last_twos_checkpoints_are_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	uint64_t type = message_type_of(body);

	(void)to;
	return from < 2 || c->nodes[from].applied < 8 ||
	    (type != MESSAGE_VOTES && type != MESSAGE_VOTE_PROOFS &&
		type != MESSAGE_CHECKPOINT && type != MESSAGE_RECALLED);
}

static void
a_checkpoint_with_f_plus_one_votes_is_not_stable(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 7);
	c->passes = last_twos_checkpoints_are_lost;
	agree(c, 0, 1);
	cluster_advance(c, 300 * MS);
	assert_applied(c, 8);
	assert_int_equal(status_of(c, 0).stable, 0);
	c->passes = NULL;
	cluster_advance(c, 300 * MS);
	assert_int_equal(status_of(c, 0).stable, 8);
	cluster_free(c);
}

static void
a_configuration_that_cannot_work_is_refused(void **state)
{
	struct cluster *c = cluster_new(4);
	struct engine_config config = c->config;
	static uint64_t memory[8];

	(void)state;
	config.window = config.checkpoint_interval;
	assert_null(strategy_pbft.init(memory, sizeof(memory), &config));
	config = c->config;
	config.self = 4;
	assert_null(strategy_pbft.init(memory, sizeof(memory), &config));
	config = c->config;
	assert_null(strategy_pbft.init(memory, sizeof(memory), &config));
	cluster_free(c);
}

static void
an_engine_does_not_care_what_its_memory_held(void **state)
{
	struct cluster *c = cluster_new(4);
	size_t len = (strategy_pbft.size(&c->config) + 63) & ~(size_t)63;
	static struct effects effects[2];
	const struct event start = { .kind = EVENT_START, .now_us = 1 };
	uint32_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		uint8_t *memory = aligned_alloc(64, len);
		struct engine *e;

		assert_non_null(memory);
		memset(memory, i == 0 ? 0 : 0xa5, len);
		e = strategy_pbft.init(memory, len, &c->config);
		assert_non_null(e);
		strategy_pbft.step(e, &start, &effects[i]);
		free(memory);
	}
	assert_int_equal(effects[0].count, effects[1].count);
	assert_int_equal(effects[0].deadline_us, effects[1].deadline_us);
	cluster_free(c);
}

static void
the_largest_batches_the_configuration_allows_have_a_size(void **state)
{
	struct cluster *c = cluster_new(32 > CLUSTER_MAX ? CLUSTER_MAX : 32);
	struct engine_config config = c->config;

	(void)state;
	config.batch_bytes_max = 8U << 20;
	config.checkpoint_interval = 128;
	config.window = 256;
	config.pending_bytes_max = 16U << 20;
	assert_true(strategy_pbft.size(&config) >
	    (size_t)config.window * config.batch_bytes_max);
	cluster_free(c);
}

static void
strategies_are_found_by_their_whole_name(void **state)
{
	(void)state;
	assert_ptr_equal(strategy_find("pbft"), &strategy_pbft);
	assert_ptr_equal(strategy_find("raft"), &strategy_raft);
	assert_null(strategy_find("pbf"));
	assert_null(strategy_find("pbft2"));
	assert_null(strategy_find(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_executed_by_everybody),
		cmocka_unit_test(an_engine_does_not_care_what_its_memory_held),
		cmocka_unit_test(
		    a_backup_hands_its_clients_request_to_the_primary),
		cmocka_unit_test(
		    clusters_of_every_size_agree_with_f_members_silent),
		cmocka_unit_test(
		    one_silent_member_more_than_f_stops_everything),
		cmocka_unit_test(requests_of_one_turn_share_a_batch),
		cmocka_unit_test(a_batch_keeps_to_its_limits),
		cmocka_unit_test(
		    a_full_pipeline_makes_requests_wait_and_share_the_next_batch),
		cmocka_unit_test(nothing_leaves_before_it_is_durable),
		cmocka_unit_test(our_own_vote_counts_only_when_it_is_durable),
		cmocka_unit_test(
		    everybodys_prepares_decide_without_a_second_round),
		cmocka_unit_test(
		    who_was_late_is_not_waited_for_until_it_has_made_up_for_it),
		cmocka_unit_test(
		    a_prepare_hurries_to_whom_somebody_waits_and_the_others_get_it_later),
		cmocka_unit_test(who_waits_next_gets_what_was_held_for_it),
		cmocka_unit_test(
		    prepares_hurry_to_everybody_while_a_member_is_away),
		cmocka_unit_test(
		    who_is_late_again_as_soon_as_it_is_waited_for_is_seldom_waited_for),
		cmocka_unit_test(
		    who_has_decided_by_all_prepares_votes_commit_for_who_lacks_one),
		cmocka_unit_test(
		    nobody_waits_when_another_has_given_up_waiting),
		cmocka_unit_test(votes_of_a_turn_share_one_signature),
		cmocka_unit_test(votes_that_decide_nothing_are_not_verified),
		cmocka_unit_test(a_request_that_waits_is_not_taken_twice),
		cmocka_unit_test(
		    a_forwarded_request_without_its_principals_signature_is_dropped),
		cmocka_unit_test(
		    requests_beyond_the_room_are_refused_and_the_rest_agreed),
		cmocka_unit_test(
		    what_was_executed_is_not_ordered_again_for_who_sends_it_late),
		cmocka_unit_test(
		    a_member_forwards_what_has_room_at_the_primary_and_then_the_rest),
		cmocka_unit_test(
		    a_thousand_forwarded_requests_fit_the_effects_of_their_turns),
		cmocka_unit_test(
		    a_batch_whose_time_is_far_from_ours_is_not_prepared),
		cmocka_unit_test(
		    agreed_time_never_falls_when_the_primarys_clock_does),
		cmocka_unit_test(
		    a_primary_whose_clock_was_wrong_is_followed_once_it_is_right),
		cmocka_unit_test(checkpoints_become_stable_and_free_the_log),
		cmocka_unit_test(a_long_run_goes_on_past_many_windows),
		cmocka_unit_test(
		    an_idle_cluster_makes_a_checkpoint_when_one_is_wanted),
		cmocka_unit_test(
		    the_primary_makes_a_checkpoint_it_wants_itself),
		cmocka_unit_test(
		    a_checkpoint_with_f_plus_one_votes_is_not_stable),
		cmocka_unit_test(a_configuration_that_cannot_work_is_refused),
		cmocka_unit_test(
		    the_largest_batches_the_configuration_allows_have_a_size),
		cmocka_unit_test(strategies_are_found_by_their_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
