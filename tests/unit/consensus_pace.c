/*
 * Pace: a primary that serves worse than the cluster knows is left, and one
 * that is no worse than others is not.
 */
#include "consensus_fixture.h"

#define ROUND (40 * MS)

/* What clients ask, and how long proposals take to arrive. */
struct load {
	uint32_t at;       /* bit per member that has clients, */
	unsigned clients;  /* so many, each with one request at a time */
	uint64_t floor_us; /* any proposal */
	uint32_t slow;     /* bit per member: those of these */
	uint64_t delay_us; /* take longer, */
	uint32_t towards;  /* on their way to those */
	uint32_t censored; /* the primary ignores those of these, by whomever */
};

struct late {
	uint64_t due_us;
	uint32_t from, to;
	uint8_t *data;
	size_t len;
};

#define LATE_MAX 4096

static struct {
	const struct load *load;
	struct late list[LATE_MAX];
	size_t count;
	unsigned asked[CLUSTER_MAX];
} links;

static uint32_t
request_owner(struct bytes body)
{
	struct envelope envelope;
	struct decoder d;

	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 2);
	(void)decoder_get_uint(&d);
	assert_int_equal(envelope_decode(&envelope, decoder_get_bytes(&d),
			     NULL),
	    AG_OK);
	return envelope.principal[0];
}

/* Everything but proposals and requests arrives at once. */
static bool
links_take_their_time(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	const struct load *load = links.load;
	uint64_t delay = load->floor_us;
	struct late *late = &links.list[links.count];

	if (message_type_of(body) == MESSAGE_REQUEST)
		return status_of(c, to).primary != to ||
		    (load->censored >> request_owner(body) & 1) == 0;
	if (message_type_of(body) != MESSAGE_PRE_PREPARE)
		return true;
	if ((load->slow >> from & 1) != 0 && (load->towards >> to & 1) != 0)
		delay += load->delay_us;
	assert_true(links.count++ < LATE_MAX);
	*late = (struct late){ c->now_us + delay, from, to, malloc(body.len),
		body.len };
	assert_non_null(late->data);
	memcpy(late->data, body.data, body.len);
	return false;
}

static void
hand_over(struct cluster *c)
{
	size_t i, kept = 0;

	for (i = 0; i < links.count; i++) {
		struct late *late = &links.list[i];

		if (late->due_us > c->now_us) {
			links.list[kept++] = *late;
			continue;
		}
		post(c, late->from, late->to, bytes_of(late->data, late->len));
		free(late->data);
	}
	links.count = kept;
	cluster_settle(c);
}

/* Every client has a request under way, made when its last was executed. */
static void
ask(struct cluster *c, const struct load *load)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		while ((load->at >> i & 1) != 0 &&
		    links.asked[i] < c->nodes[i].served[i] + load->clients) {
			links.asked[i]++;
			submit(c, i);
		}
}

/* Requests executed in so many milliseconds. */
static unsigned
work(struct cluster *c, const struct load *load, unsigned ms)
{
	const struct node *seen = &c->nodes[c->n - 1];
	uint64_t until = c->now_us + ms * MS, before = seen->applied;

	links.load = load;
	c->passes = links_take_their_time;
	while (c->now_us < until) {
		ask(c, load);
		cluster_advance(c, 5 * MS);
		hand_over(c);
	}
	assert_healthy(c);
	return requests_up_to(c, seen->applied) - requests_up_to(c, before);
}

static struct cluster *
busy_cluster_with(uint32_t n, uint32_t pending_bytes_max)
{
	struct cluster *c = cluster_new(n);

	memset(&links, 0, sizeof(links));
	c->config.pipeline_max = 2;
	c->config.pending_bytes_max = pending_bytes_max;
	c->config.checkpoint_interval = 64;
	c->config.window = 128;
	cluster_start(c);
	return c;
}

static struct cluster *
busy_cluster(uint32_t n)
{
	return busy_cluster_with(n, 1 << 20);
}

static void
busy_cluster_free(struct cluster *c)
{
	while (links.count > 0)
		free(links.list[--links.count].data);
	cluster_free(c);
}

/* --- slow --- */

static void
a_primary_that_becomes_slow_is_left_before_the_timer_would(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 0xe,
		.clients = 4,
		.floor_us = ROUND,
		.delay_us = 900 * MS,
		.towards = 0xf };
	unsigned fine, slow;

	(void)state;
	fine = work(c, &load, 5000);
	assert_int_equal(status_of(c, 1).view, 0);
	load.slow = 1U << 0;
	slow = work(c, &load, 5000);
	assert_int_equal(status_of(c, 1).view, 1);
	assert_true(2 * slow >= fine);
	assert_string_equal(c->nodes[3].why, "slow");
	assert_true(2 * c->nodes[3].measured < c->nodes[3].expected);
	busy_cluster_free(c);
}

static void
f_slow_primaries_in_a_row_cost_less_than_half(void **state)
{
	struct cluster *c = busy_cluster(7);
	struct load load = { .at = 0x7c,
		.clients = 4,
		.floor_us = ROUND,
		.delay_us = 900 * MS,
		.towards = 0x7f };
	unsigned fine, slow;

	(void)state;
	fine = work(c, &load, 5000);
	load.slow = 1U << 0 | 1U << 1;
	slow = work(c, &load, 5000);
	assert_int_equal(status_of(c, 6).view, 2);
	assert_true(2 * slow >= fine);
	busy_cluster_free(c);
}

static void
who_was_slow_from_the_first_view_on_is_left_too(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 0xe,
		.clients = 4,
		.floor_us = ROUND,
		.slow = 1U << 0,
		.delay_us = 700 * MS,
		.towards = 0xf };

	(void)state;
	(void)work(c, &load, 4000);
	assert_int_equal(status_of(c, 1).view, 1);
	busy_cluster_free(c);
}

static void
a_primary_at_four_times_the_wait_of_others_is_slow(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 0xe,
		.clients = 4,
		.floor_us = ROUND,
		.delay_us = 3 * ROUND,
		.towards = 0xf };

	(void)state;
	(void)work(c, &load, 5000);
	load.slow = 1U << 0;
	(void)work(c, &load, 5000);
	assert_int_equal(status_of(c, 1).view, 1);
	busy_cluster_free(c);
}

/* At four tenths of what it was, which is enough at first. */
static void
a_primary_just_above_what_is_asked_is_left_after_all(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 0xe,
		.clients = 4,
		.floor_us = ROUND / 2,
		.delay_us = 4 * ROUND / 5,
		.towards = 0xf };
	uint64_t left_us;

	(void)state;
	(void)work(c, &load, 2000);
	load.slow = 1U << 0;
	(void)work(c, &load, 2000);
	assert_int_equal(status_of(c, 1).view, 0);
	for (left_us = c->now_us; status_of(c, 1).view == 0;) {
		assert_true(c->now_us - left_us < 20000 * MS);
		(void)work(c, &load, 100);
	}
	assert_string_equal(c->nodes[3].why, "slow");
	busy_cluster_free(c);
}

static void
clients_of_one_member_alone_get_a_slow_primary_left(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 1U << 2,
		.clients = 12,
		.floor_us = ROUND,
		.delay_us = 800 * MS,
		.towards = 0xf };

	(void)state;
	(void)work(c, &load, 5000);
	load.slow = 1U << 0;
	(void)work(c, &load, 5000);
	assert_int_equal(status_of(c, 2).view, 1);
	busy_cluster_free(c);
}

/* --- and not --- */

static void
a_cluster_that_becomes_slower_as_a_whole_comes_to_rest(void **state)
{
	static const uint64_t floors[] = { 200 * MS, 900 * MS };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct cluster *c = busy_cluster(4);
		struct load load = { .at = 0xf,
			.clients = 4,
			.floor_us = ROUND };
		uint64_t view;

		(void)work(c, &load, 5000);
		load.floor_us = floors[i];
		(void)work(c, &load, 30000);
		view = status_of(c, 0).view;
		assert_in_range(view, 1, 2 * 4);
		assert_true(work(c, &load, 30000) > 0);
		assert_in_range(status_of(c, 0).view, view, view + 1);
		busy_cluster_free(c);
	}
}

static void
fewer_clients_make_no_slow_primary(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 0xe, .clients = 20, .floor_us = ROUND };

	(void)state;
	(void)work(c, &load, 10000);
	load.clients = 1;
	(void)work(c, &load, 20000);
	assert_int_equal(status_of(c, 1).view, 0);
	assert_null(c->nodes[1].why);
	busy_cluster_free(c);
}

static void
overload_makes_no_slow_primary(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 0xe, .clients = 1, .floor_us = ROUND };

	(void)state;
	(void)work(c, &load, 5000);
	/* So many that each waits for a dozen batches. */
	load.clients = 60;
	(void)work(c, &load, 15000);
	assert_int_equal(status_of(c, 1).view, 0);
	busy_cluster_free(c);
}

static void
who_alone_finds_the_primary_slow_changes_and_loses_nothing(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 0xe,
		.clients = 4,
		.floor_us = ROUND,
		.delay_us = 300 * MS,
		.towards = 1U << 3 };
	unsigned before, after;

	(void)state;
	before = work(c, &load, 5000);
	load.slow = 1U << 0;
	after = work(c, &load, 10000);
	assert_int_equal(status_of(c, 1).view, 0);
	assert_false(status_of(c, 3).is_changing_view);
	assert_true(after > before);
	busy_cluster_free(c);
}

/* A PROGRESS of a member that blames the primary of view 0. */
static void
blame_from(struct cluster *c, uint32_t member, uint32_t to)
{
	struct bytes progress;
	struct encoder e;
	uint8_t raw[64];

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 9);
	encoder_put_uint(&e, MESSAGE_PROGRESS);
	encoder_put_uint(&e, 0);
	encoder_put_bool(&e, false);
	encoder_put_uint(&e, c->nodes[to].applied);
	encoder_put_uint(&e, c->nodes[to].applied);
	encoder_put_uint(&e, status_of(c, to).stable);
	encoder_put_uint(&e, 0);
	encoder_put_bool(&e, true);
	encoder_put_bool(&e, true);
	assert_int_equal(encoder_finish(&e, &progress), AG_OK);
	post(c, member, to, progress);
}

static void
members_that_blame_a_good_primary_change_nothing(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 0xe, .clients = 4, .floor_us = ROUND };
	unsigned i;
	uint32_t to;

	(void)state;
	for (i = 0; i < 50; i++) {
		(void)work(c, &load, 100);
		for (to = 0; to < 3; to++)
			blame_from(c, 3, to);
	}
	assert_int_equal(status_of(c, 1).view, 0);
	assert_null(c->nodes[1].why);
	busy_cluster_free(c);
}

/* --- unfair --- */

static void
a_primary_that_keeps_one_members_requests_back_is_left_as_unfair(void **state)
{
	struct cluster *c = busy_cluster(4);
	struct load load = { .at = 0xe, .clients = 4, .floor_us = ROUND };
	uint64_t since_us;
	uint32_t i;

	(void)state;
	(void)work(c, &load, 5000);
	load.censored = 1U << 2;
	for (since_us = c->now_us; status_of(c, 1).view == 0;) {
		assert_true(c->now_us - since_us < 2000 * MS);
		(void)work(c, &load, 50);
	}
	/* Those first to say so are followed by the rest. */
	for (i = 1; i < 4 && strcmp(c->nodes[i].why, "unfair") != 0;)
		i++;
	assert_in_range(i, 1, 3);
	assert_true(c->nodes[i].blamed_len > 0);
	assert_true(c->nodes[i].measured >= 8 * c->nodes[i].expected);
	busy_cluster_free(c);
}

/* Nobody can serve what it has no room for: some will wait for long. */
static void
a_crowd_that_finds_no_room_does_not_turn_views_over_for_ever(void **state)
{
	struct cluster *c = busy_cluster_with(4, 16384);
	struct load load = { .at = 0xe, .clients = 1, .floor_us = ROUND };
	uint64_t view;

	(void)state;
	(void)work(c, &load, 5000);
	load.clients = 60;
	(void)work(c, &load, 15000);
	view = status_of(c, 1).view;
	(void)work(c, &load, 15000);
	assert_in_range(status_of(c, 1).view, 0, view + 1);
	busy_cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest specifications[] = {
		cmocka_unit_test(
		    a_primary_that_becomes_slow_is_left_before_the_timer_would),
		cmocka_unit_test(f_slow_primaries_in_a_row_cost_less_than_half),
		cmocka_unit_test(
		    who_was_slow_from_the_first_view_on_is_left_too),
		cmocka_unit_test(
		    a_primary_at_four_times_the_wait_of_others_is_slow),
		cmocka_unit_test(
		    a_primary_just_above_what_is_asked_is_left_after_all),
		cmocka_unit_test(
		    clients_of_one_member_alone_get_a_slow_primary_left),
		cmocka_unit_test(
		    a_cluster_that_becomes_slower_as_a_whole_comes_to_rest),
		cmocka_unit_test(fewer_clients_make_no_slow_primary),
		cmocka_unit_test(overload_makes_no_slow_primary),
		cmocka_unit_test(
		    who_alone_finds_the_primary_slow_changes_and_loses_nothing),
		cmocka_unit_test(
		    members_that_blame_a_good_primary_change_nothing),
		cmocka_unit_test(
		    a_primary_that_keeps_one_members_requests_back_is_left_as_unfair),
		cmocka_unit_test(
		    a_crowd_that_finds_no_room_does_not_turn_views_over_for_ever),
	};

	return cmocka_run_group_tests(specifications, NULL, NULL);
}
