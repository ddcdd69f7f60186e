/*
 * View changes: a primary that does not serve is replaced, and what may have
 * been decided under it is kept.
 */
#include "consensus_fixture.h"

static void
a_dead_primary_is_replaced_and_its_requests_are_agreed(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	c->nodes[0].is_down = true;
	submit(c, 1);
	cluster_advance(c, 3000 * MS);
	assert_applied(c, 4);
	assert_int_equal(status_of(c, 1).view, 1);
	assert_int_equal(status_of(c, 1).primary, 1);
	assert_false(status_of(c, 2).is_changing_view);
	cluster_free(c);
}

static void
who_asks_for_a_view_says_why_and_who_enters_it_who_asked(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t since;
	uint32_t i, timers = 0;

	(void)state;
	agree(c, 0, 3);
	c->nodes[0].is_down = true;
	cluster_advance(c, 500 * MS);
	submit(c, 1);
	since = c->now_us;
	cluster_advance(c, 3000 * MS);
	for (i = 1; i < 4; i++) {
		const struct node *node = &c->nodes[i];

		assert_int_equal(status_of(c, i).view, 1);
		assert_int_equal(node->askers, 0xe);
		assert_non_null(node->why);
		timers += strcmp(node->why, "timer") == 0;
		if (strcmp(node->why, "timer") != 0)
			assert_string_equal(node->why, "joined");
	}
	assert_true(timers > 0);
	/* Its own request waits there since it came. */
	assert_true(c->nodes[1].waited_since_us >= since);
	assert_true(c->nodes[1].waited_since_us < since + 100 * MS);
	cluster_free(c);
}

static void
f_dead_primaries_in_a_row_are_passed_over(void **state)
{
	struct cluster *c = cluster_of(7);

	(void)state;
	agree(c, 0, 1);
	c->nodes[0].is_down = true;
	c->nodes[1].is_down = true;
	submit(c, 4);
	cluster_advance(c, 8000 * MS);
	assert_applied(c, 2);
	assert_int_equal(status_of(c, 4).primary, 2);
	cluster_free(c);
}

/* While the knob is set, no primary's word gets through. */
static bool
primaries_are_dumb(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	uint64_t type = message_type_of(body);

	(void)from;
	(void)to;
	return c->knob == 0 ||
	    (type != MESSAGE_NEW_VIEW && type != MESSAGE_PRE_PREPARE);
}

/* How long until the next view is asked for, in view timeouts. */
static uint64_t
timeouts_to_next_view(struct cluster *c, uint64_t most)
{
	const uint64_t view = status_of(c, 3).view, began = c->now_us;

	while (status_of(c, 3).view == view) {
		if (c->now_us - began > most * c->config.view_timeout_us)
			return UINT64_MAX;
		cluster_advance(c, c->config.progress_interval_us);
	}
	assert_int_equal(status_of(c, 3).view, view + 1);
	return (c->now_us - began) / c->config.view_timeout_us;
}

static void
patience_doubles_with_each_view_that_brings_nothing_and_is_reset_by_the_first_that_does(
    void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i, round;

	(void)state;
	c->passes = primaries_are_dumb;
	for (round = 0; round < 2; round++) {
		c->knob = 1;
		submit(c, 3);
		for (i = 0; i < 5; i++)
			assert_int_equal(timeouts_to_next_view(c,
					     UINT64_C(2) << i),
			    1U << i);
		/* The next primary is heard again. */
		c->knob = 0;
		cluster_advance(c, 100 * c->config.view_timeout_us);
		assert_applied(c, round + 1);
	}
	cluster_free(c);
}

static void
patience_has_a_most(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	c->passes = primaries_are_dumb;
	c->knob = 1;
	submit(c, 3);
	for (i = 0; i < 6; i++)
		(void)timeouts_to_next_view(c, 100);
	for (i = 0; i < 4; i++)
		assert_int_equal(timeouts_to_next_view(c, 100), 64);
	cluster_free(c);
}

static void
an_idle_cluster_stays_in_its_view(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	cluster_advance(c, 60000 * MS);
	assert_int_equal(status_of(c, 0).view, 0);
	assert_int_equal(status_of(c, 3).view_changes, 0);
	cluster_free(c);
}

static void
a_replica_without_a_quorum_in_hearing_blames_nobody(void **state)
{
	struct cluster *c = cluster_of(4);
	uint32_t i;

	(void)state;
	for (i = 1; i < 3; i++)
		c->nodes[i].is_down = true;
	submit(c, 3);
	cluster_advance(c, 30000 * MS);
	assert_int_equal(status_of(c, 3).view, 0);
	assert_false(status_of(c, 3).is_changing_view);
	cluster_free(c);
}

static bool
commits_are_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	uint64_t type = message_type_of(body);
	struct engine_round round;

	if (type != MESSAGE_VOTES && type != MESSAGE_VOTE_PROOFS)
		return true;
	/* Alone, the last member makes that nobody has all PREPAREs. */
	return from != 3 && to != 3 &&
	    (strategy_pbft.round(c->nodes[from].engine, c->knob, &round) !=
		    AG_OK ||
		round.phase < ROUND_PREPARED);
}

static void
what_was_prepared_survives_into_the_next_view(void **state)
{
	struct cluster *c = cluster_of(4);
	struct engine_round before, after;

	(void)state;
	agree(c, 0, 2);
	c->passes = commits_are_lost;
	c->knob = 3;
	agree(c, 0, 1);
	assert_applied(c, 2);
	assert_int_equal(strategy_pbft.round(c->nodes[2].engine, 3, &before),
	    AG_OK);
	assert_int_equal(before.phase, ROUND_PREPARED);
	c->passes = NULL;
	node_crash(&c->nodes[0]);
	submit(c, 1);
	cluster_advance(c, 4000 * MS);
	assert_int_equal(strategy_pbft.round(c->nodes[2].engine, 3, &after),
	    AG_OK);
	assert_true(digest_equal(&before.digest, &after.digest));
	assert_int_equal(after.view, 1);
	assert_applied(c, 4);
	cluster_free(c);
}

/* Nobody gets the proposal of one sequence. */
static bool
one_proposal_is_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	struct decoder d;

	(void)from;
	(void)to;
	if (message_type_of(body) != MESSAGE_PRE_PREPARE)
		return true;
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	(void)decoder_get_uint(&d);
	(void)decoder_get_uint(&d);
	return decoder_get_uint(&d) != c->knob;
}

static void
a_gap_is_filled_with_a_null_request(void **state)
{
	struct cluster *c = cluster_new(4);

	(void)state;
	c->config.batch_requests_max = 1;
	cluster_start(c);
	c->passes = one_proposal_is_lost;
	c->knob = 2;
	submit(c, 0);
	submit(c, 0);
	submit(c, 0);
	cluster_settle(c);
	assert_applied(c, 1);
	node_crash(&c->nodes[0]);
	c->passes = NULL;
	submit(c, 1);
	cluster_advance(c, 4000 * MS);
	/* 1, the gap, 3 as prepared, and the new one. */
	assert_applied(c, 4);
	assert_int_equal(c->requests[2], 0);
	assert_int_equal(c->requests[3], 1);
	cluster_free(c);
}

static void
the_old_primary_comes_back_as_a_backup(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 3);
	node_crash(&c->nodes[0]);
	submit(c, 1);
	cluster_advance(c, 3000 * MS);
	node_start(&c->nodes[0]);
	cluster_advance(c, 1000 * MS);
	assert_applied(c, 4);
	assert_int_equal(status_of(c, 0).view, 1);
	assert_false(status_of(c, 0).is_changing_view);
	agree(c, 0, 20);
	assert_applied(c, 24);
	cluster_free(c);
}

static void
a_request_only_a_backup_knows_makes_everybody_impatient(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	/* The primary is alive but never proposes: its disk is stuck. */
	c->nodes[0].is_disk_stuck = true;
	submit(c, 2);
	cluster_advance(c, 4000 * MS);
	assert_int_equal(c->nodes[1].applied, 1);
	assert_int_equal(status_of(c, 1).view, 1);
	cluster_free(c);
}

/* The proposals of the primary reach one backup only. */
static bool
proposals_reach_the_third_only(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	return from != 0 || to == 2 ||
	    message_type_of(body) != MESSAGE_PRE_PREPARE;
}

static void
a_request_proposed_to_one_backup_only_still_gets_its_view_change(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	c->passes = proposals_reach_the_third_only;
	submit(c, 2);
	cluster_advance(c, 4000 * MS);
	assert_true(c->nodes[1].applied >= 1);
	assert_true(status_of(c, 1).view >= 1);
	cluster_free(c);
}

/* The primary hears of no request but its own. */
static bool
requests_miss_the_primary(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)c;
	(void)from;
	return to != 0 || message_type_of(body) != MESSAGE_REQUEST;
}

static void
a_primary_that_serves_others_only_is_left_as_unfair(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	c->passes = requests_miss_the_primary;
	submit(c, 1);
	for (i = 0; i < 300 && status_of(c, 1).view == 0; i++) {
		submit(c, 0);
		cluster_advance(c, 50 * MS);
	}
	assert_true(c->nodes[1].applied > 4);
	assert_true(status_of(c, 1).view > 0);
	assert_string_equal(c->nodes[1].why, "unfair");
	cluster_free(c);
}

/* And 3 hears of nothing but where the others stand. */
static bool
three_hears_of_progress(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	return requests_miss_the_primary(c, from, to, body) &&
	    (to != 3 || message_type_of(body) == MESSAGE_PROGRESS);
}

static void
who_is_behind_tells_the_others_what_its_clients_wait_for(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	c->passes = three_hears_of_progress;
	agree(c, 0, 4);
	cluster_advance(c, 600 * MS);
	assert_int_equal(c->nodes[3].applied, 0);
	submit(c, 3);
	for (i = 0; i < 300 && c->nodes[1].served[3] == 0; i++) {
		submit(c, 0);
		cluster_advance(c, 50 * MS);
	}
	assert_int_equal(c->nodes[1].served[3], 1);
	assert_string_equal(c->nodes[1].why, "unfair");
	assert_int_equal(c->nodes[3].applied, 0);
	cluster_free(c);
}

/* What a member says it has voted PREPARE for. */
struct pledged {
	uint64_t seq; /* 0: nothing */
	uint64_t view;
	uint8_t fill; /* of the digest */
};

/* A VIEW_CHANGE of a member with these certificates, by hand. */
static struct bytes
view_change_from(struct cluster *c, uint32_t member, uint64_t view,
    const struct certificate *stable, const struct certificate *prepared,
    size_t count, const struct pledged *pledges, size_t pledge_count,
    uint8_t *out, size_t cap)
{
	uint8_t signature[SIGNATURE_BYTES];
	struct digest digest;
	struct signing s;
	struct encoder e;
	struct bytes raw;
	size_t start, i;

	encoder_init(&e, out, cap);
	encoder_put_array(&e, 8);
	encoder_put_uint(&e, MESSAGE_VIEW_CHANGE);
	start = e.len;
	encoder_put_uint(&e, member);
	encoder_put_uint(&e, view);
	encoder_put_uint(&e, stable != NULL ? stable->seq : 0);
	if (stable != NULL)
		certificate_encode(&e, stable);
	else
		encoder_put_null(&e);
	encoder_put_array(&e, count);
	for (i = 0; i < count; i++)
		certificate_encode(&e, &prepared[i]);
	encoder_put_array(&e, pledge_count);
	for (i = 0; i < pledge_count; i++) {
		memset(digest.data, pledges[i].fill, DIGEST_BYTES);
		encoder_put_array(&e, 3);
		encoder_put_uint(&e, pledges[i].seq);
		encoder_put_uint(&e, pledges[i].view);
		encoder_put_bytes(&e, bytes_of(digest.data, DIGEST_BYTES));
	}
	digest_of(&digest, bytes_of(out + start, e.len - start));
	signing_begin(&s, PURPOSE_VIEW_CHANGE);
	signing_put(&s, c->scope.cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(&s, c->scope.epoch);
	signing_put_u64(&s, member);
	signing_put_u64(&s, view);
	signing_put(&s, digest.data, DIGEST_BYTES);
	fake_signature(member, signing_bytes(&s), signature);
	encoder_put_bytes(&e, bytes_of(signature, SIGNATURE_BYTES));
	assert_int_equal(encoder_finish(&e, &raw), AG_OK);
	return raw;
}

static struct bytes
view_change_of(struct cluster *c, uint32_t member, uint64_t view,
    const struct certificate *prepared, size_t count, const struct pledged *p,
    uint8_t *out, size_t cap)
{
	return view_change_from(c, member, view, NULL, prepared, count, p,
	    p != NULL, out, cap);
}

static struct bytes
view_change_with(struct cluster *c, uint32_t member, uint64_t view,
    const struct certificate *prepared, size_t count, uint8_t *out, size_t cap)
{
	return view_change_of(c, member, view, prepared, count, NULL, out, cap);
}

static struct bytes
view_change_make(struct cluster *c, uint32_t member, uint64_t view,
    uint8_t *out, size_t cap)
{
	return view_change_with(c, member, view, NULL, 0, out, cap);
}

static void
f_plus_one_view_changes_are_joined_at_the_lowest_view(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[512];

	(void)state;
	post(c, 2, 1, view_change_make(c, 2, 9, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).view, 0);
	post(c, 3, 1, view_change_make(c, 3, 5, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).view, 5);
	assert_true(status_of(c, 1).is_changing_view);
	cluster_free(c);
}

static void
one_member_cannot_drag_others_to_a_far_view(void **state)
{
	const uint64_t views[] = { UINT64_MAX, UINT64_MAX - 1, 1000000 };
	uint8_t raw[512];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct cluster *c = cluster_of(4);
		uint32_t k;

		for (k = 0; k < 3; k++)
			post(c, 3, k,
			    view_change_make(c, 3, views[i], raw, sizeof(raw)));
		c->nodes[3].is_down = true;
		cluster_advance(c, 120000 * MS);
		assert_true(status_of(c, 0).view < 100);
		agree(c, 0, 1);
		assert_applied(c, 1);
		assert_healthy(c);
		cluster_free(c);
	}
}

static void
a_member_that_left_alone_is_followed_in_the_end(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[512];
	uint32_t k;

	(void)state;
	for (k = 0; k < 3; k++)
		post(c, 3, k, view_change_make(c, 3, 1, raw, sizeof(raw)));
	cluster_advance(c, 12000 * MS);
	assert_int_equal(status_of(c, 0).view, 1);
	assert_true(strcmp(c->nodes[0].why, "lone") == 0 ||
	    strcmp(c->nodes[1].why, "lone") == 0);
	agree(c, 1, 1);
	assert_applied(c, 1);
	cluster_free(c);
}

static void
who_followed_a_liar_far_shows_the_others_whom(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t timeout_us = c->config.view_timeout_us;
	uint8_t raw[512];

	(void)state;
	post(c, 3, 0, view_change_make(c, 3, 21, raw, sizeof(raw)));
	c->nodes[3].is_down = true;
	cluster_advance(c, 9 * timeout_us);
	assert_int_equal(status_of(c, 0).view, 21);
	agree(c, 1, 1);
	cluster_advance(c, 4 * timeout_us);
	assert_int_equal(status_of(c, 1).view, 21);
	assert_int_equal(status_of(c, 2).view, 21);
	assert_applied(c, 1);
	cluster_free(c);
}

static void
a_view_change_signed_by_another_is_ignored(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[512];
	struct bytes body;
	unsigned i;

	(void)state;
	for (i = 2; i < 4; i++) {
		body = view_change_make(c, i, 5, raw, sizeof(raw));
		raw[body.len - 1] ^= 1;
		post(c, i, 1, body);
	}
	/* And one that another member passes on as its own. */
	body = view_change_make(c, 2, 5, raw, sizeof(raw));
	post(c, 2, 1, body);
	post(c, 3, 1, body);
	assert_int_equal(status_of(c, 1).view, 0);
	cluster_free(c);
}

/*
 * A NEW_VIEW by hand, of what is in changes, choosing one digest for so many
 * sequences.
 */
static struct bytes
new_view_of(struct cluster *c, uint64_t view, const struct bytes *changes,
    size_t count, uint64_t first, size_t chosen_count,
    const struct digest *chosen, uint8_t *out, size_t cap)
{
	uint32_t primary = (uint32_t)(view % c->n);
	uint8_t signature[SIGNATURE_BYTES];
	struct digest digest;
	struct signing s;
	struct encoder e;
	struct bytes raw;
	size_t start, i;

	encoder_init(&e, out, cap);
	encoder_put_array(&e, 5);
	encoder_put_uint(&e, MESSAGE_NEW_VIEW);
	start = e.len;
	encoder_put_uint(&e, view);
	encoder_put_array(&e, count);
	for (i = 0; i < count; i++)
		encoder_put_raw(&e, changes[i]);
	encoder_put_array(&e, chosen_count);
	for (i = 0; i < chosen_count; i++) {
		encoder_put_array(&e, 2);
		encoder_put_uint(&e, first + i);
		encoder_put_bytes(&e, bytes_of(chosen->data, DIGEST_BYTES));
	}
	digest_of(&digest, bytes_of(out + start, e.len - start));
	signing_begin(&s, PURPOSE_NEW_VIEW);
	signing_put(&s, c->scope.cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(&s, c->scope.epoch);
	signing_put_u64(&s, primary);
	signing_put_u64(&s, view);
	signing_put(&s, digest.data, DIGEST_BYTES);
	fake_signature(primary, signing_bytes(&s), signature);
	encoder_put_bytes(&e, bytes_of(signature, SIGNATURE_BYTES));
	assert_int_equal(encoder_finish(&e, &raw), AG_OK);
	return raw;
}

/* The same, choosing one digest or none. */
static struct bytes
new_view_with(struct cluster *c, uint64_t view, const struct bytes *changes,
    size_t count, const struct digest *chosen, uint8_t *out, size_t cap)
{
	return new_view_of(c, view, changes, count, 1, chosen != NULL, chosen,
	    out, cap);
}

/* The same from empty view changes of the first members. */
static struct bytes
new_view_make(struct cluster *c, uint64_t view, uint32_t count,
    const struct digest *chosen, uint8_t *out, size_t cap)
{
	static uint8_t raw[4][512];
	struct bytes changes[4];
	uint32_t i;

	for (i = 0; i < count; i++)
		changes[i] =
		    view_change_make(c, i, view, raw[i], sizeof(raw[i]));
	return new_view_with(c, view, changes, count, chosen, out, cap);
}

static void
a_new_view_begins_with_a_quorum_of_view_changes(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[4096];

	(void)state;
	post(c, 1, 3, new_view_make(c, 1, 3, NULL, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 3).view, 1);
	assert_false(status_of(c, 3).is_changing_view);
	cluster_free(c);
}

static void
a_primary_that_begins_its_view_twice_is_convicted_once(void **state)
{
	struct cluster *c = cluster_of(4);
	static uint8_t raw[4096], other[4096];
	struct bytes first, second;
	unsigned i;

	(void)state;
	first = new_view_make(c, 1, 3, NULL, raw, sizeof(raw));
	second = new_view_make(c, 1, 4, NULL, other, sizeof(other));
	post(c, 1, 3, first);
	/* The same again, whoever brings it, is no conflict. */
	post(c, 2, 3, first);
	assert_int_equal(c->nodes[3].evidence, 0);
	/* Nor is what the primary did not sign. */
	other[second.len - 1] ^= 1;
	post(c, 1, 3, second);
	assert_int_equal(c->nodes[3].evidence, 0);
	other[second.len - 1] ^= 1;
	for (i = 0; i < 3; i++)
		post(c, 2, 3, second);
	assert_int_equal(c->nodes[3].evidence, 1);
	assert_int_equal(c->nodes[3].culprit, 1);
	assert_int_equal(c->nodes[3].culpable, EVIDENCE_NEW_VIEW);
	assert_int_equal(status_of(c, 3).view, 1);
	cluster_free(c);
}

static void
a_new_view_with_too_few_view_changes_is_refused(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[4096];

	(void)state;
	post(c, 1, 3, new_view_make(c, 1, 2, NULL, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 3).view, 0);
	cluster_free(c);
}

static void
a_new_view_that_selects_what_nobody_proved_is_refused(void **state)
{
	struct cluster *c = cluster_of(4);
	struct digest invented;
	uint8_t raw[4096];

	(void)state;
	memset(&invented, 5, sizeof(invented));
	post(c, 1, 3, new_view_make(c, 1, 3, &invented, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 3).view, 0);
	cluster_free(c);
}

static void
a_new_view_counts_each_member_once_and_for_this_view_only(void **state)
{
	struct cluster *c = cluster_of(4);
	static uint8_t first[512], second[512], third[512];
	struct bytes changes[3];
	uint8_t raw[4096];

	(void)state;
	changes[0] = view_change_make(c, 0, 1, first, sizeof(first));
	changes[1] = view_change_make(c, 1, 1, second, sizeof(second));
	changes[2] = changes[1];
	post(c, 1, 3, new_view_with(c, 1, changes, 3, NULL, raw, sizeof(raw)));
	changes[2] = view_change_make(c, 2, 5, third, sizeof(third));
	post(c, 1, 3, new_view_with(c, 1, changes, 3, NULL, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 3).view, 0);
	cluster_free(c);
}

/* Two members prepared different batches for 1, in views 0 and 1. */
static void
of_two_prepared_batches_the_one_of_the_higher_view_goes_on(void **state)
{
	static struct certificate older, newer;
	static uint8_t changes_raw[3][8192], raw[32768];
	uint32_t order;

	(void)state;
	for (order = 0; order < 2; order++) {
		struct cluster *c = cluster_of(4);
		struct bytes changes[3];

		certificate_make(c, VOTE_PREPARE, 0, 1, 10, 3, &older);
		certificate_make(c, VOTE_PREPARE, 1, 1, 11, 3, &newer);
		changes[order] = view_change_with(c, order, 2, &older, 1,
		    changes_raw[order], sizeof(changes_raw[0]));
		changes[1 - order] = view_change_with(c, 1 - order, 2, &newer,
		    1, changes_raw[1 - order], sizeof(changes_raw[0]));
		changes[2] = view_change_with(c, 2, 2, NULL, 0, changes_raw[2],
		    sizeof(changes_raw[0]));
		post(c, 2, 3,
		    new_view_with(c, 2, changes, 3, &older.digest, raw,
			sizeof(raw)));
		post(c, 2, 3,
		    new_view_with(c, 2, changes, 3, NULL, raw, sizeof(raw)));
		assert_int_equal(status_of(c, 3).view, 0);
		post(c, 2, 3,
		    new_view_with(c, 2, changes, 3, &newer.digest, raw,
			sizeof(raw)));
		assert_int_equal(status_of(c, 3).view, 2);
		cluster_free(c);
	}
}

/* The null request, decided in a view by the first three. */
static struct bytes
committed_null(struct cluster *c, uint64_t view, uint8_t *out, size_t cap)
{
	static const uint8_t null[] = { 0x83, 0x00, 0x00, 0x80 };
	static struct certificate certificate;
	struct vote vote = { .phase = VOTE_COMMIT, .seq = 1 };
	struct bytes body;
	struct encoder e;
	uint32_t i;

	certificate_make(c, VOTE_COMMIT, view, 1, 0, 3, &certificate);
	digest_of(&vote.digest, bytes_of(null, sizeof(null)));
	certificate.digest = vote.digest;
	for (i = 0; i < 3; i++)
		vote_bundle_sign(&certificate.proofs[i], &vote, 1, &c->scope, i,
		    view, &fake_anybody, &i);
	encoder_init(&e, out, cap);
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, MESSAGE_COMMITTED);
	certificate_encode(&e, &certificate);
	encoder_put_bytes(&e, bytes_of(null, sizeof(null)));
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	return body;
}

/*
 * The fourth knows what was decided for 1 in a view, and hears of a view 2
 * that goes on with another batch, or with none.
 */
static struct cluster *
overtaken_cluster(uint64_t decided_view, bool goes_on_with_another)
{
	struct cluster *c = cluster_of(4);
	static uint8_t changes_raw[3][8192], raw[32768], decided[8192];
	static struct certificate prepared;
	struct bytes changes[3];
	uint32_t i;

	certificate_make(c, VOTE_PREPARE, 1, 1, 11, 3, &prepared);
	for (i = 0; i < 3; i++)
		changes[i] = view_change_with(c, i, 2, &prepared,
		    goes_on_with_another && i == 0, changes_raw[i],
		    sizeof(changes_raw[0]));
	post(c, 0, 3,
	    committed_null(c, decided_view, decided, sizeof(decided)));
	assert_int_equal(c->nodes[3].applied, 1);
	post(c, 2, 3,
	    new_view_with(c, 2, changes, 3,
		goes_on_with_another ? &prepared.digest : NULL, raw,
		sizeof(raw)));
	return c;
}

static void
a_new_view_that_contradicts_what_it_has_decided_is_not_entered(void **state)
{
	uint64_t view;

	(void)state;
	/* In this view, and in a later one. */
	for (view = 2; view < 4; view++) {
		struct cluster *c = overtaken_cluster(view, true);

		assert_int_equal(status_of(c, 3).view, 0);
		assert_healthy(c);
		cluster_free(c);
		c = overtaken_cluster(view, false);
		assert_int_equal(status_of(c, 3).view, 2);
		assert_healthy(c);
		cluster_free(c);
	}
}

static void
one_that_contradicts_an_earlier_views_decision_stops_us(void **state)
{
	struct cluster *c = overtaken_cluster(1, true);

	(void)state;
	assert_non_null(c->nodes[3].fatal);
	cluster_free(c);
}

/* Does the fourth follow a NEW_VIEW of view 3 that goes on with this? */
static bool
goes_on_with(const struct certificate *prepared, const struct pledged *pledges,
    size_t count, uint8_t fill)
{
	static uint8_t changes_raw[4][8192], raw[40960];
	struct cluster *c = cluster_of(4);
	struct bytes changes[4];
	struct digest chosen;
	bool follows;
	uint32_t i;

	memset(chosen.data, fill, DIGEST_BYTES);
	for (i = 0; i < count; i++)
		changes[i] = view_change_of(c, i, 5, prepared,
		    prepared != NULL && i == 0 ? 1 : 0,
		    pledges[i].seq != 0 ? &pledges[i] : NULL, changes_raw[i],
		    sizeof(changes_raw[i]));
	post(c, 1, 3,
	    new_view_with(c, 5, changes, count, fill == 0 ? NULL : &chosen, raw,
		sizeof(raw)));
	follows = status_of(c, 3).view == 5;
	cluster_free(c);
	return follows;
}

static void
what_all_but_f_have_pledged_goes_on(void **state)
{
	const struct pledged two[3] = { { 1, 0, 7 }, { 1, 2, 7 } };
	const struct pledged differ[3] = { { 1, 0, 7 }, { 1, 2, 8 } };
	const struct pledged split[4] = { { 1, 0, 7 }, { 1, 0, 7 }, { 1, 2, 8 },
		{ 1, 2, 8 } };

	(void)state;
	assert_true(goes_on_with(NULL, two, 3, 7));
	assert_false(goes_on_with(NULL, two, 3, 0));
	assert_true(goes_on_with(NULL, differ, 3, 0));
	assert_false(goes_on_with(NULL, differ, 3, 7));
	/* Of four view changes three must pledge it. */
	assert_true(goes_on_with(NULL, split, 4, 0));
	assert_false(goes_on_with(NULL, split, 4, 7));
	assert_false(goes_on_with(NULL, split, 4, 8));
}

static void
pledges_count_for_the_view_that_enough_of_them_reach(void **state)
{
	static struct certificate prepared;
	const struct pledged lower[3] = { { 1, 1, 7 }, { 1, 4, 7 } };
	const struct pledged same[3] = { { 1, 2, 7 }, { 1, 4, 7 } };
	const struct pledged higher[3] = { { 1, 3, 7 }, { 1, 4, 7 } };
	const struct pledged three[3] = { { 1, 0, 7 }, { 1, 4, 7 },
		{ 1, 3, 7 } };
	struct cluster *c = cluster_of(4);

	(void)state;
	certificate_make(c, VOTE_PREPARE, 2, 1, 10, 3, &prepared);
	assert_true(goes_on_with(&prepared, lower, 3, 10));
	assert_false(goes_on_with(&prepared, lower, 3, 7));
	assert_true(goes_on_with(&prepared, same, 3, 10));
	assert_false(goes_on_with(&prepared, same, 3, 7));
	assert_true(goes_on_with(&prepared, higher, 3, 7));
	assert_false(goes_on_with(&prepared, higher, 3, 10));
	/* One that lags takes nothing off what enough others reach. */
	assert_true(goes_on_with(&prepared, three, 3, 7));
	assert_false(goes_on_with(&prepared, three, 3, 10));
	cluster_free(c);
}

static void
a_pledge_that_cannot_be_makes_its_view_change_void(void **state)
{
	const struct pledged sound[3] = { { 1, 0, 7 }, { 1, 0, 7 } };
	const struct pledged of_this_view[3] = { { 1, 5, 7 }, { 1, 0, 7 } };
	const struct pledged too_far[3] = { { 1, 0, 7 }, { 17, 0, 7 } };

	(void)state;
	assert_true(goes_on_with(NULL, sound, 3, 7));
	assert_false(goes_on_with(NULL, of_this_view, 3, 7));
	assert_false(goes_on_with(NULL, of_this_view, 3, 0));
	assert_false(goes_on_with(NULL, too_far, 3, 0));
}

/* Do view changes of two members with these pledges make a third leave? */
static bool
are_pledges_taken(const struct pledged *pledges, size_t count)
{
	struct cluster *c = cluster_of(4);
	static uint8_t raw[16384];
	bool are_taken;
	uint32_t i;

	for (i = 2; i < 4; i++)
		post(c, i, 1,
		    view_change_from(c, i, 5, NULL, NULL, 0, pledges, count,
			raw, sizeof(raw)));
	are_taken = status_of(c, 1).view == 5;
	assert_healthy(c);
	cluster_free(c);
	return are_taken;
}

static void
pledges_rise_and_stay_within_the_window(void **state)
{
	const struct pledged falling[] = { { 2, 0, 7 }, { 1, 0, 7 } };
	const struct pledged repeated[] = { { 1, 0, 7 }, { 1, 0, 8 } };
	const struct pledged below[] = { { 0, 0, 7 } };
	const struct pledged far[] = { { UINT64_MAX, 0, 7 } };
	const struct pledged late[] = { { 1, UINT64_MAX, 7 } };
	static struct pledged many[200];
	size_t i;

	(void)state;
	for (i = 0; i < 200; i++)
		many[i] = (struct pledged){ i + 1, 4, 7 };
	assert_true(are_pledges_taken(many, 0));
	assert_true(are_pledges_taken(many, 16));
	assert_false(are_pledges_taken(many, 17));
	assert_false(are_pledges_taken(many, 200));
	assert_false(are_pledges_taken(falling, 2));
	assert_false(are_pledges_taken(repeated, 2));
	assert_false(are_pledges_taken(below, 1));
	assert_false(are_pledges_taken(far, 1));
	assert_false(are_pledges_taken(late, 1));
}

/* Only the second sees all PREPAREs, and nobody hears what it decided. */
static bool
one_alone_sees_all_prepares(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	uint64_t type = message_type_of(body);

	(void)c;
	if (type == MESSAGE_COMMITTED || type == MESSAGE_VOTE_PROOFS)
		return false;
	return type != MESSAGE_VOTES || to == 1 || (from != 3 && from != 1);
}

static void
what_one_member_alone_saw_decided_survives_into_the_next_view(void **state)
{
	struct cluster *c = cluster_of(4);
	struct digest decided;

	(void)state;
	c->passes = one_alone_sees_all_prepares;
	submit(c, 0);
	cluster_settle(c);
	assert_int_equal(c->nodes[1].applied, 1);
	assert_int_equal(c->nodes[2].applied, 0);
	decided = c->decided[1];
	/* It and the primary go; the others must find the batch again. */
	node_crash(&c->nodes[1]);
	c->passes = NULL;
	node_crash(&c->nodes[0]);
	node_start(&c->nodes[0]);
	submit(c, 2);
	cluster_advance(c, 8000 * MS);
	assert_true(c->nodes[2].applied >= 2);
	assert_true(digest_equal(&decided, &c->decided[1]));
	cluster_free(c);
}

/*
 * The fourth, which has executed nothing, enters view 1 behind a checkpoint
 * of 8, with or without 9 and on prepared.
 */
static void
enter_behind_a_checkpoint(struct cluster *c, uint64_t chosen)
{
	static struct certificate stable, prepared[16];
	static uint8_t raw[3][65536], new_view[65536];
	struct bytes changes[3], body;
	size_t i;

	certificate_make(c, VOTE_CHECKPOINT, 0, 8, 9, 3, &stable);
	for (i = 0; i < chosen; i++)
		certificate_make(c, VOTE_PREPARE, 0, 9 + i, 10, 3,
		    &prepared[i]);
	changes[0] = view_change_from(c, 0, 1, &stable, prepared, chosen, NULL,
	    0, raw[0], sizeof(raw[0]));
	for (i = 1; i < 3; i++)
		changes[i] =
		    view_change_make(c, (uint32_t)i, 1, raw[i], sizeof(raw[i]));
	body = new_view_of(c, 1, changes, 3, 9, chosen, &prepared[0].digest,
	    new_view, sizeof(new_view));
	post(c, 1, 3, body);
	assert_int_equal(status_of(c, 3).view, 1);
	assert_false(status_of(c, 3).is_changing_view);
}

/* The primary of view 1 proposes an empty batch for seq to the fourth. */
static void
propose_by_hand(struct cluster *c, uint64_t seq)
{
	static const uint8_t batch[] = { 0x83, 0x00, 0x00, 0x80 };
	struct vote vote = { .phase = VOTE_PREPARE, .seq = seq };
	struct vote_proof proof;
	uint32_t primary = 1;
	uint8_t raw[1024];
	struct encoder e;
	struct bytes body;

	digest_of(&vote.digest, bytes_of(batch, sizeof(batch)));
	vote_bundle_sign(&proof, &vote, 1, &c->scope, primary, 1, &fake_anybody,
	    &primary);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_PRE_PREPARE);
	encoder_put_uint(&e, 1);
	encoder_put_uint(&e, seq);
	encoder_put_bytes(&e, bytes_of(vote.digest.data, DIGEST_BYTES));
	encoder_put_bytes(&e, bytes_of(batch, sizeof(batch)));
	vote_proof_encode(&e, &proof);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, primary, 3, body);
}

static bool
member_has_voted_for(struct cluster *c, uint32_t member, uint64_t seq)
{
	static struct certificate certificate;
	struct record record;

	return node_find_record(&c->nodes[member], RECORD_PROPOSAL, seq,
	    &record, &certificate);
}

static bool
has_voted_for(struct cluster *c, uint64_t seq)
{
	return member_has_voted_for(c, 3, seq);
}

static void
who_is_behind_a_new_views_base_votes_for_nothing_below_it(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	enter_behind_a_checkpoint(c, 0);
	propose_by_hand(c, 1);
	propose_by_hand(c, 8);
	assert_false(has_voted_for(c, 1));
	assert_false(has_voted_for(c, 8));
	propose_by_hand(c, 9);
	assert_true(has_voted_for(c, 9));
	cluster_free(c);
}

static void
a_restart_forgets_nothing_of_what_a_new_view_is_bound_to(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	c->asks_nobody = true;
	enter_behind_a_checkpoint(c, 0);
	node_sync(&c->nodes[3]);
	node_crash(&c->nodes[3]);
	node_start(&c->nodes[3]);
	assert_int_equal(status_of(c, 3).view, 1);
	propose_by_hand(c, 8);
	assert_false(has_voted_for(c, 8));
	propose_by_hand(c, 9);
	assert_true(has_voted_for(c, 9));
	cluster_free(c);
}

static void
a_primary_behind_its_own_new_view_proposes_above_its_base(void **state)
{
	static struct certificate stable;
	struct cluster *c = cluster_new(4);
	static uint8_t raw[8192];
	struct node *primary = &c->nodes[1];

	(void)state;
	c->asks_nobody = true;
	c->config.pipeline_max = 16;
	cluster_start(c);
	certificate_make(c, VOTE_CHECKPOINT, 0, 8, 9, 3, &stable);
	post(c, 0, 1, view_change_make(c, 0, 1, raw, sizeof(raw)));
	post(c, 2, 1,
	    view_change_from(c, 2, 1, &stable, NULL, 0, NULL, 0, raw,
		sizeof(raw)));
	assert_int_equal(status_of(c, 1).view, 1);
	assert_false(status_of(c, 1).is_changing_view);
	/* Also when it comes back from a crash there. */
	node_sync(primary);
	node_crash(primary);
	node_start(primary);
	submit(c, 1);
	node_step(primary, (struct event){ .kind = EVENT_FLUSH });
	assert_false(member_has_voted_for(c, 1, 1));
	assert_true(member_has_voted_for(c, 1, 9));
	cluster_free(c);
}

static void
what_was_chosen_beyond_our_window_waits_until_it_moves(void **state)
{
	static struct certificate stable;
	static uint8_t raw[16384];
	struct cluster *c = cluster_of(4);
	struct engine_round round;
	struct encoder e;
	struct bytes body;

	(void)state;
	/* 9 to 18 are chosen, and our window ends at 16. */
	enter_behind_a_checkpoint(c, 10);
	propose_by_hand(c, 16);
	assert_false(has_voted_for(c, 16));
	assert_int_equal(strategy_pbft.round(c->nodes[3].engine, 18, &round),
	    AG_ENOENT);
	/* A checkpoint out of the window's reach takes the log with it. */
	certificate_make(c, VOTE_CHECKPOINT, 0, 17, 9, 3, &stable);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_CHECKPOINT);
	certificate_encode(&e, &stable);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 1, 3, body);
	assert_int_equal(status_of(c, 3).stable, 17);
	assert_int_equal(strategy_pbft.round(c->nodes[3].engine, 18, &round),
	    AG_OK);
	assert_int_equal(round.phase, ROUND_PROPOSED);
	propose_by_hand(c, 18);
	assert_false(has_voted_for(c, 18));
	propose_by_hand(c, 19);
	assert_true(has_voted_for(c, 19));
	cluster_free(c);
}

static void
a_view_change_that_claims_what_cannot_be_is_ignored(void **state)
{
	static struct certificate certificates[2];
	static uint8_t raw[16384];
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	for (i = 0; i < 6; i++) {
		size_t count = 1;

		certificate_make(c, VOTE_PREPARE, 0, 1, 10, 3, certificates);
		if (i == 0) /* too few signers */
			certificate_make(c, VOTE_PREPARE, 0, 1, 10, 2,
			    certificates);
		else if (i == 1) /* prepared in the view it asks for */
			certificate_make(c, VOTE_PREPARE, 5, 1, 10, 3,
			    certificates);
		else if (i == 2) /* above the window */
			certificate_make(c, VOTE_PREPARE, 0, 17, 10, 3,
			    certificates);
		else if (i == 3) /* commits are no prepares */
			certificate_make(c, VOTE_COMMIT, 0, 1, 10, 3,
			    certificates);
		else if (i == 4) /* one sequence twice */
			certificates[count++] = certificates[0];
		else /* a forged signature */
			certificates[0].proofs[1].signature[3] ^= 1;
		post(c, 2, 1,
		    view_change_with(c, 2, 5, certificates, count, raw,
			sizeof(raw)));
		post(c, 3, 1,
		    view_change_with(c, 3, 5, certificates, count, raw,
			sizeof(raw)));
		assert_int_equal(status_of(c, 1).view, 0);
	}
	/* The same without a flaw is not, once they are heard again. */
	cluster_advance(c, 10000 * MS);
	certificate_make(c, VOTE_PREPARE, 4, 16, 10, 3, certificates);
	post(c, 2, 1,
	    view_change_with(c, 2, 5, certificates, 1, raw, sizeof(raw)));
	post(c, 3, 1,
	    view_change_with(c, 3, 5, certificates, 1, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).view, 5);
	cluster_free(c);
}

static bool
new_views_are_lost(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)from;
	return to != c->knob || message_type_of(body) != MESSAGE_NEW_VIEW;
}

static void
a_lost_new_view_is_shown_again(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	agree(c, 0, 2);
	c->nodes[0].is_down = true;
	c->passes = new_views_are_lost;
	c->knob = 3;
	submit(c, 1);
	cluster_advance(c, 1600 * MS);
	assert_int_equal(status_of(c, 1).view, 1);
	c->passes = NULL;
	cluster_advance(c, 2000 * MS);
	assert_int_equal(status_of(c, 3).view, 1);
	assert_applied(c, 3);
	cluster_free(c);
}

static void
views_change_again_and_again_without_loss(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	c->has_transfer = true;
	for (i = 0; i < 8; i++) {
		uint32_t primary = status_of(c, (i + 1) % 4).primary;

		agree(c, (primary + 1) % 4, 5);
		node_crash(&c->nodes[primary]);
		submit(c, (primary + 1) % 4);
		cluster_advance(c, 6000 * MS);
		node_start(&c->nodes[primary]);
		cluster_advance(c, 3000 * MS);
		assert_healthy(c);
	}
	assert_true(requests_up_to(c, c->nodes[0].applied) >= 48);
	assert_applied(c, c->nodes[0].applied);
	cluster_free(c);
}

static void
a_lone_cluster_of_one_changes_views_alone(void **state)
{
	struct cluster *c = cluster_of(1);

	(void)state;
	c->nodes[0].is_disk_stuck = true;
	submit(c, 0);
	cluster_advance(c, 1500 * MS);
	node_crash(&c->nodes[0]);
	c->nodes[0].is_disk_stuck = false;
	node_start(&c->nodes[0]);
	agree(c, 0, 1);
	cluster_advance(c, 1000 * MS);
	assert_true(c->nodes[0].applied >= 1);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_dead_primary_is_replaced_and_its_requests_are_agreed),
		cmocka_unit_test(
		    who_asks_for_a_view_says_why_and_who_enters_it_who_asked),
		cmocka_unit_test(f_dead_primaries_in_a_row_are_passed_over),
		cmocka_unit_test(
		    patience_doubles_with_each_view_that_brings_nothing_and_is_reset_by_the_first_that_does),
		cmocka_unit_test(patience_has_a_most),
		cmocka_unit_test(an_idle_cluster_stays_in_its_view),
		cmocka_unit_test(
		    a_replica_without_a_quorum_in_hearing_blames_nobody),
		cmocka_unit_test(what_was_prepared_survives_into_the_next_view),
		cmocka_unit_test(a_gap_is_filled_with_a_null_request),
		cmocka_unit_test(the_old_primary_comes_back_as_a_backup),
		cmocka_unit_test(
		    a_request_only_a_backup_knows_makes_everybody_impatient),
		cmocka_unit_test(
		    a_request_proposed_to_one_backup_only_still_gets_its_view_change),
		cmocka_unit_test(
		    a_primary_that_serves_others_only_is_left_as_unfair),
		cmocka_unit_test(
		    who_is_behind_tells_the_others_what_its_clients_wait_for),
		cmocka_unit_test(
		    f_plus_one_view_changes_are_joined_at_the_lowest_view),
		cmocka_unit_test(one_member_cannot_drag_others_to_a_far_view),
		cmocka_unit_test(
		    a_member_that_left_alone_is_followed_in_the_end),
		cmocka_unit_test(who_followed_a_liar_far_shows_the_others_whom),
		cmocka_unit_test(a_view_change_signed_by_another_is_ignored),
		cmocka_unit_test(
		    a_new_view_begins_with_a_quorum_of_view_changes),
		cmocka_unit_test(
		    a_primary_that_begins_its_view_twice_is_convicted_once),
		cmocka_unit_test(
		    a_new_view_with_too_few_view_changes_is_refused),
		cmocka_unit_test(
		    a_new_view_that_selects_what_nobody_proved_is_refused),
		cmocka_unit_test(
		    a_new_view_counts_each_member_once_and_for_this_view_only),
		cmocka_unit_test(
		    of_two_prepared_batches_the_one_of_the_higher_view_goes_on),
		cmocka_unit_test(
		    a_view_change_that_claims_what_cannot_be_is_ignored),
		cmocka_unit_test(
		    a_new_view_that_contradicts_what_it_has_decided_is_not_entered),
		cmocka_unit_test(
		    one_that_contradicts_an_earlier_views_decision_stops_us),
		cmocka_unit_test(what_all_but_f_have_pledged_goes_on),
		cmocka_unit_test(
		    pledges_count_for_the_view_that_enough_of_them_reach),
		cmocka_unit_test(
		    a_pledge_that_cannot_be_makes_its_view_change_void),
		cmocka_unit_test(pledges_rise_and_stay_within_the_window),
		cmocka_unit_test(
		    what_one_member_alone_saw_decided_survives_into_the_next_view),
		cmocka_unit_test(
		    who_is_behind_a_new_views_base_votes_for_nothing_below_it),
		cmocka_unit_test(
		    a_restart_forgets_nothing_of_what_a_new_view_is_bound_to),
		cmocka_unit_test(
		    a_primary_behind_its_own_new_view_proposes_above_its_base),
		cmocka_unit_test(
		    what_was_chosen_beyond_our_window_waits_until_it_moves),
		cmocka_unit_test(a_lost_new_view_is_shown_again),
		cmocka_unit_test(views_change_again_and_again_without_loss),
		cmocka_unit_test(a_lone_cluster_of_one_changes_views_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
