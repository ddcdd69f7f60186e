/*
 * The keys of datagrams on links that are up: they begin with the handshake,
 * move on, and seal heartbeats.
 */
#include "net_fixture.h"

#include <signal.h>

#include "codec/encoder.h"
#include "codec/message.h"
#include "net/sealed.h"

#define SOON_MS 5000

static int
open_cluster(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN);
	fixture_open(f);
	*state = f;
	return 0;
}

static int
close_cluster(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

static void
start_two(struct fixture *f)
{
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_true(fixture_wait_link(f, 0, 1, true, SOON_MS));
	assert_true(fixture_wait_link(f, 1, 0, true, SOON_MS));
}

/* Wait until i's keys with j have taken so many steps. */
static bool
wait_steps(struct fixture *f, uint32_t i, uint32_t j, uint64_t steps)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct net_link_stats stats;
	unsigned waited;

	for (waited = 0; waited < SOON_MS; waited += 5) {
		net_stats(f->nodes[i].net, j, &stats);
		if (stats.has_datagram_keys && stats.key_steps >= steps)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

static void
keys_move_on_at_both_ends_while_the_link_stays_up(void **state)
{
	struct fixture *f = *state;
	struct net_link_stats stats;

	f->nodes[0].step_us = f->nodes[1].step_us = 1500000;
	start_two(f);
	assert_true(wait_steps(f, 0, 1, 2));
	assert_true(wait_steps(f, 1, 0, 2));
	assert_int_equal(f->nodes[0].downs + f->nodes[1].downs, 0);
	/* Heartbeats, which are sealed, went through it all. */
	net_stats(f->nodes[0].net, 1, &stats);
	assert_true(stats.rtt_us > 0);
}

/* A node that nobody can dial dials, and that end begins steps. */
static void
hide(struct fixture *f, uint32_t i)
{
	uint32_t j;

	for (j = 0; j < FIXTURE_MEMBERS; j++)
		if (j != i)
			(void)snprintf(f->nodes[j].roster.members[i].address,
			    ROSTER_ADDRESS_BYTES, "127.0.0.1:1");
}

static void
a_peer_that_takes_no_step_has_its_link_ended(void **state)
{
	struct fixture *f = *state;

	hide(f, 0);
	f->nodes[1].step_us = 1000000;
	start_two(f);
	assert_true(fixture_wait_downs(f, 1, 0, 1, SOON_MS));
	fixture_assert_down(f, 1, "no new keys for datagrams in time");
	/* The next link has new ones. */
	assert_true(fixture_wait_link(f, 1, 0, true, SOON_MS));
}

static void
send_control(struct fixture *f, struct bytes body)
{
	assert_int_equal(fixture_send(f->nodes[1].net, 1, FRAME_CONTROL, body),
	    AG_OK);
}

static void
what_the_other_end_did_not_seal_ends_the_link(void **state)
{
	struct fixture *f = *state;
	uint8_t message[64], datagram[DATAGRAM_OVERHEAD + 4] = { 0 };
	struct bytes body;
	struct encoder e;

	start_two(f);
	encoder_init(&e, message, sizeof(message));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_SEALED);
	encoder_put_bytes(&e, bytes_of(datagram, sizeof(datagram)));
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	send_control(f, body);
	assert_true(fixture_wait_downs(f, 0, 1, 1, SOON_MS));
}

static void
a_step_that_does_not_come_now_ends_the_link(void **state)
{
	struct fixture *f = *state;
	const struct key_step steps[] = {
		{ .is_answer = true, .step = 1, .public_half = { 9 } },
		{ .is_answer = false, .step = 7, .public_half = { 9 } },
	};
	uint8_t out[SEALED_BYTES_MAX];
	unsigned i;

	start_two(f);
	for (i = 0; i < 2; i++) {
		send_control(f, sealed_step_encode(out, &steps[i]));
		assert_true(fixture_wait_downs(f, 0, 1, i + 1, SOON_MS));
		assert_true(fixture_wait_link(f, 0, 1, true, SOON_MS));
		assert_true(fixture_wait_link(f, 1, 0, true, SOON_MS));
	}
}

static void
a_flood_of_steps_ends_the_link_at_the_first(void **state)
{
	struct fixture *f = *state;
	struct key_step step = { .public_half = { 9 } };
	uint8_t out[SEALED_BYTES_MAX];

	hide(f, 1);
	start_two(f);
	for (step.step = 1; step.step <= 100; step.step++)
		send_control(f, sealed_step_encode(out, &step));
	assert_true(fixture_wait_downs(f, 0, 1, 1, SOON_MS));
	fixture_assert_down(f, 0, "a step of keys");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_cluster, close_cluster)
		SPEC(keys_move_on_at_both_ends_while_the_link_stays_up),
		SPEC(a_peer_that_takes_no_step_has_its_link_ended),
		SPEC(what_the_other_end_did_not_seal_ends_the_link),
		SPEC(a_step_that_does_not_come_now_ends_the_link),
		SPEC(a_flood_of_steps_ends_the_link_at_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
