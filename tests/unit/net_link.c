/*
 * Links between members: real SSH over 127.0.0.1, four nodes, one process.
 */
#include <dirent.h>

#include "net_fixture.h"

static int
open_cluster(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	if (f == NULL)
		return -1;
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
send_number(struct fixture *f, uint32_t from, uint32_t to,
    enum frame_class class, uint64_t number, size_t len)
{
	uint8_t *body = calloc(1, len);
	struct bytes bytes = bytes_of(body, len);

	assert_non_null(body);
	memcpy(body, &number, sizeof(number));
	/* Not an array of a handshake's numbers, whatever number is. */
	if (len > 8)
		body[8] = 0xff;
	while (fixture_send(f->nodes[from].net, 1U << to, class, bytes) ==
	    AG_ELIMIT)
		(void)usleep(1000);
	free(body);
}

static void
start_all(struct fixture *f)
{
	uint32_t i, j;

	for (i = 0; i < FIXTURE_MEMBERS; i++)
		fixture_start(f, i);
	for (i = 0; i < FIXTURE_MEMBERS; i++)
		for (j = 0; j < FIXTURE_MEMBERS; j++)
			if (i != j)
				assert_true(
				    fixture_wait_link(f, i, j, true, 5000));
}

static void
four_nodes_that_start_together_all_link_up(void **state)
{
	struct fixture *f = *state;
	struct net_link_stats stats;

	start_all(f);
	net_stats(f->nodes[0].net, 0, &stats);
	assert_int_equal(stats.state, NET_LINK_SELF);
	net_stats(f->nodes[0].net, 3, &stats);
	assert_int_equal(stats.state, NET_LINK_UP);
	assert_string_equal(stats.error, "");
}

/*
 * n1's first dial fails because n2 is not there yet; its second comes at
 * times when n2 dials.  Whichever link is kept, no end sees the other go.
 */
static void
nodes_that_dial_each_other_at_once_are_never_cut_off(void **state)
{
	struct fixture *f = *state;
	unsigned round;

	for (round = 0; round < 12; round++) {
		fixture_start(f, 0);
		fixture_start(f, 1);
		assert_true(fixture_wait_link(f, 0, 1, true, 5000));
		assert_true(fixture_wait_link(f, 1, 0, true, 5000));
		/* A second link would be proven within this. */
		assert_false(fixture_wait_link(f, 0, 1, false, 150));
		assert_int_equal(f->nodes[0].downs, 0);
		assert_int_equal(f->nodes[1].downs, 0);
		fixture_stop(f, 1);
		fixture_stop(f, 0);
		f->nodes[0].is_linked[1] = f->nodes[1].is_linked[0] = false;
		f->nodes[0].downs = f->nodes[1].downs = 0;
	}
}

static void
frames_of_a_class_arrive_whole_and_in_order(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	start_all(f);
	for (i = 1; i <= 2000; i++)
		send_number(f, 0, 1, FRAME_CONSENSUS, i, 9 + i % 5000);
	assert_true(fixture_wait_frames(f, 1, 2000, 10000));
	assert_false(f->nodes[1].is_out_of_order);
	assert_int_equal(f->nodes[1].last, 2000);
}

static void
frames_of_the_largest_size_arrive(void **state)
{
	struct fixture *f = *state;

	start_all(f);
	send_number(f, 2, 3, FRAME_CONSENSUS, 1, FRAME_CONSENSUS_BYTES_MAX);
	send_number(f, 2, 3, FRAME_CONTROL, 2, FRAME_CONTROL_BYTES_MAX);
	assert_true(fixture_wait_frames(f, 3, 2, 10000));
	assert_int_equal(f->nodes[3].bytes,
	    FRAME_CONSENSUS_BYTES_MAX + FRAME_CONTROL_BYTES_MAX);
}

/* Wait until n1's queue to n2 is short enough to take more. */
static void
wait_for_room(struct fixture *f)
{
	struct net_link_stats stats;

	for (;;) {
		net_stats(f->nodes[0].net, 1, &stats);
		if (stats.queued_bytes < 2U << 20)
			return;
		(void)usleep(200);
	}
}

static void
flood_of_small_frames_loses_neither_frame_nor_link(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	start_all(f);
	for (i = 1; i <= 200000; i++) {
		if (i % 100 == 0)
			wait_for_room(f);
		send_number(f, 0, 1, FRAME_CONSENSUS, i, 40);
	}
	assert_true(fixture_wait_frames(f, 1, 200000, 20000));
	assert_false(f->nodes[1].is_out_of_order);
	assert_int_equal(f->nodes[1].downs, 0);
}

static void
flood_of_large_frames_loses_neither_frame_nor_link(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	start_all(f);
	for (i = 1; i <= 40; i++) {
		wait_for_room(f);
		send_number(f, 0, 1, FRAME_CONSENSUS, i,
		    i % 2 == 0 ? FRAME_CONSENSUS_BYTES_MAX : 1000);
	}
	assert_true(fixture_wait_frames(f, 1, 40, 20000));
	assert_false(f->nodes[1].is_out_of_order);
	assert_int_equal(f->nodes[1].downs, 0);
}

static void
bulk_arrives_over_its_own_session(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	start_all(f);
	for (i = 1; i <= 64; i++)
		send_number(f, 0, 1, FRAME_BULK, i, 256U << 10);
	assert_true(fixture_wait_frames(f, 1, 64, 10000));
	assert_false(f->nodes[1].is_out_of_order);
	for (i = 65; i <= 80; i++)
		send_number(f, 1, 0, FRAME_BULK, i, 256U << 10);
	assert_true(fixture_wait_frames(f, 0, 16, 10000));
}

static void
a_node_that_comes_back_is_linked_within_a_second(void **state)
{
	struct fixture *f = *state;
	uint64_t began_us;
	uint32_t i;

	start_all(f);
	fixture_stop(f, 3);
	for (i = 0; i < 3; i++)
		assert_true(fixture_wait_link(f, i, 3, false, 2000));
	(void)usleep(1500000);
	memset(f->nodes[3].is_linked, 0, sizeof(f->nodes[3].is_linked));
	began_us = clock_mono_us();
	fixture_start(f, 3);
	for (i = 0; i < 3; i++) {
		assert_true(fixture_wait_link(f, i, 3, true, 2000));
		assert_true(fixture_wait_link(f, 3, i, true, 2000));
	}
	print_message("linked again after %u ms\n",
	    (unsigned)((clock_mono_us() - began_us) / 1000));
	assert_true(clock_mono_us() - began_us < 1500000);
}

static void
goodbye_says_why_a_link_went_down(void **state)
{
	struct fixture *f = *state;

	start_all(f);
	fixture_stop(f, 1);
	assert_true(fixture_wait_link(f, 0, 1, false, 1000));
	/* The reason gives way to that of the next dial: either is right. */
	assert_true(fixture_wait_error(f, 0, 1, "n2", 1000) ||
	    fixture_wait_error(f, 0, 1, "127.0.0.1", 1000));
}

static void
frames_to_a_link_that_is_down_are_counted_as_dropped(void **state)
{
	struct fixture *f = *state;
	struct net_link_stats stats;

	fixture_start(f, 0);
	send_number(f, 0, 1, FRAME_CONSENSUS, 1, 100);
	net_stats(f->nodes[0].net, 1, &stats);
	assert_int_equal(stats.dropped_frames, 1);
	assert_int_not_equal(stats.state, NET_LINK_UP);
}

static void
member_of_another_cluster_is_refused_by_name(void **state)
{
	struct fixture *f = *state;

	f->nodes[1].roster.cluster_id[0] ^= 1;
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_true(fixture_wait_error(f, 0, 1, "another cluster", 3000));
	assert_true(fixture_wait_error(f, 0, 1, "n", 100));
	assert_false(f->nodes[0].is_linked[1]);
}

static void
member_at_another_epoch_is_refused(void **state)
{
	struct fixture *f = *state;

	f->nodes[1].roster.epoch = 2;
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_true(fixture_wait_error(f, 0, 1, "epoch", 3000));
	assert_true(fixture_wait_error(f, 1, 0, "epoch", 3000));
}

/* Give node i another key than the rosters name. */
static void
replace_key(struct secret **key)
{
	secret_free(*key);
	assert_int_equal(sign_keypair(key, NULL), AG_OK);
}

static void
wrong_host_key_is_refused_with_the_address(void **state)
{
	struct fixture *f = *state;

	replace_key(&f->nodes[1].link_key);
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_true(fixture_wait_error(f, 0, 1, "host key at 127.0.0.1", 3000));
	assert_true(
	    fixture_wait_error(f, 1, 0, "does not accept our link key", 3000));
}

static unsigned
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

static void
dials_that_fail_leave_no_descriptor(void **state)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct net_link_stats stats = { .attempts = 0 };
	unsigned before = open_descriptors(), waited;
	struct fixture *f = *state;

	replace_key(&f->nodes[1].link_key);
	fixture_start(f, 0);
	fixture_start(f, 1);
	for (waited = 0; stats.attempts < 4 && waited < 10000; waited += 10) {
		(void)nanosleep(&pause, NULL);
		net_stats(f->nodes[0].net, 1, &stats);
	}
	assert_true(stats.attempts >= 4);
	fixture_stop(f, 0);
	fixture_stop(f, 1);
	assert_int_equal(open_descriptors(), before);
}

static void
link_key_without_its_node_key_is_not_enough(void **state)
{
	struct fixture *f = *state;

	replace_key(&f->nodes[1].node_key);
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_true(fixture_wait_error(f, 0, 1,
	    "n2 did not sign this session with its node key", 3000));
}

static void
address_in_use_is_named(void **state)
{
	struct fixture *f = *state;
	struct net_config config = {
		.roster = &f->nodes[0].roster,
		.signer = &f->nodes[0].signer,
		.link_key = f->nodes[0].link_key,
		.listen = f->nodes[1].roster.members[1].address,
		.heartbeat_ms = 100,
		.silent_ms = 1000,
	};
	struct net *net = NULL;
	struct ag_error err;

	fixture_start(f, 1);
	assert_int_equal(net_start(&net, &config, &err), AG_ESYS);
	assert_null(net);
	assert_non_null(strstr(err.text, config.listen));
	assert_non_null(strstr(err.text, "Address already in use"));
}

static void
heartbeats_measure_the_round_trip(void **state)
{
	struct fixture *f = *state;
	struct net_link_stats stats = { .rtt_us = 0 };
	unsigned i;

	start_all(f);
	for (i = 0; i < 200 && stats.rtt_us == 0; i++) {
		(void)usleep(10000);
		net_stats(f->nodes[0].net, 1, &stats);
	}
	assert_true(stats.rtt_us > 0 && stats.rtt_us < 1000000);
	assert_true(stats.tx_bytes > 0 && stats.rx_bytes > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_cluster, close_cluster)
		SPEC(four_nodes_that_start_together_all_link_up),
		SPEC(nodes_that_dial_each_other_at_once_are_never_cut_off),
		SPEC(frames_of_a_class_arrive_whole_and_in_order),
		SPEC(frames_of_the_largest_size_arrive),
		SPEC(flood_of_small_frames_loses_neither_frame_nor_link),
		SPEC(flood_of_large_frames_loses_neither_frame_nor_link),
		SPEC(bulk_arrives_over_its_own_session),
		SPEC(a_node_that_comes_back_is_linked_within_a_second),
		SPEC(goodbye_says_why_a_link_went_down),
		SPEC(frames_to_a_link_that_is_down_are_counted_as_dropped),
		SPEC(member_of_another_cluster_is_refused_by_name),
		SPEC(member_at_another_epoch_is_refused),
		SPEC(wrong_host_key_is_refused_with_the_address),
		SPEC(dials_that_fail_leave_no_descriptor),
		SPEC(link_key_without_its_node_key_is_not_enough),
		SPEC(address_in_use_is_named),
		SPEC(heartbeats_measure_the_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
