/*
 * What a rogue can do to a node: raw TCP clients, SSH clients that never
 * prove themselves, and a member's own keys in hostile hands.
 *
 * In each case an honest link carries frames meanwhile, and the process
 * (three honest nodes and the rogue together) stays under MEMORY_MAX more
 * than before.
 */
#include "net_scene.h"

#include <sched.h>
#include <stdatomic.h>

/* Of 127.0.0.x: where the honest live, and n4, whose keys were stolen. */
#define HONEST_HOST 1
#define ROGUE_HOST 9

#define CROWD 300

static void
half_open_connections_are_cut_after_five_seconds(void **state)
{
	struct scene *s = *state;
	int fds[100];
	unsigned i;

	for (i = 0; i < 100; i++)
		fds[i] = rogue_connect(s);
	assert_honest_link_works(s);
	for (i = 0; i < 100; i++)
		assert_true(is_hung_up(fds[i], 8000));
	for (i = 0; i < 100; i++)
		(void)close(fds[i]);
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
}

/* Take all that the victim gives one host, and take it again. */
struct crowd {
	const struct scene *s;
	atomic_bool is_over;
	atomic_uint refused;
};

static void *
crowd_main(void *arg)
{
	static int fds[CROWD];
	struct crowd *crowd = arg;
	unsigned i;

	memset(fds, 0xff, sizeof(fds));
	for (i = 0; !atomic_load(&crowd->is_over); i = (i + 1) % CROWD) {
		/* One that still waits is left to wait. */
		if (fds[i] != -1 && !is_hung_up(fds[i], 1))
			continue;
		if (fds[i] != -1) {
			(void)close(fds[i]);
			atomic_fetch_add(&crowd->refused, 1);
		}
		/* Not on the specification's thread, nothing is claimed. */
		fds[i] = rogue_try_from(crowd->s, ROGUE_HOST);
	}
	for (i = 0; i < CROWD; i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
	return NULL;
}

/* Come, be greeted, and leave; the place is free when the other has left. */
static bool
is_greeted(const struct scene *s, uint8_t from)
{
	int fd = rogue_try_from(s, from);
	char banner[4];
	bool is;

	if (fd == -1)
		return false;
	is = recv(fd, banner, sizeof(banner), MSG_WAITALL) == sizeof(banner) &&
	    memcmp(banner, "SSH-", sizeof(banner)) == 0 &&
	    shutdown(fd, SHUT_WR) == 0 && is_hung_up(fd, 3000);
	(void)close(fd);
	return is;
}

static int
open_scene_with_a_host_for_the_rogue(void **state)
{
	return open_scene_with(state, 0, ROGUE_HOST);
}

/* A member's host that takes its whole share takes nothing of the others'. */
static void
crowd_from_one_members_host_leaves_room_for_others(void **state)
{
	struct scene *s = *state;
	struct crowd crowd = { .s = s };
	bool is_served = true;
	pthread_t thread;
	unsigned i;

	assert_int_equal(pthread_create(&thread, NULL, crowd_main, &crowd), 0);
	for (i = 0; i < 20 && is_served; i++) {
		while (atomic_load(&crowd.refused) < CROWD + i)
			(void)sched_yield();
		is_served = is_greeted(s, HONEST_HOST);
	}
	is_served = is_served && honest_link_works(s);
	/* Nothing may be claimed while the crowd uses the scene. */
	atomic_store(&crowd.is_over, true);
	(void)pthread_join(thread, NULL);
	assert_true(is_served);
}

static void
banner_at_one_byte_a_second_is_cut_after_ten(void **state)
{
	static const char banner[] = "SSH-2.0-slow and steady does not win";
	struct scene *s = *state;
	uint64_t began_us = clock_mono_us();
	int fd = rogue_connect(s);
	size_t i;

	for (i = 0; i < sizeof(banner) - 1 && i < 14; i++) {
		if (send(fd, banner + i, 1, MSG_NOSIGNAL) != 1 ||
		    is_hung_up(fd, 1000))
			break;
	}
	assert_true(is_hung_up(fd, 100));
	assert_true(clock_mono_us() - began_us < 13000000);
	(void)close(fd);
	assert_honest_link_works(s);
}

static void
noise_instead_of_ssh_is_cut_at_once(void **state)
{
	struct scene *s = *state;
	static uint8_t noise[65536];
	int fd = rogue_connect(s);
	unsigned i;

	randombytes_buf(noise, sizeof(noise));
	for (i = 0; i < 64; i++)
		if (send(fd, noise, sizeof(noise), MSG_NOSIGNAL) <= 0)
			break;
	assert_true(is_hung_up(fd, 3000));
	(void)close(fd);
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
}

static void
other_users_and_other_keys_are_denied(void **state)
{
	struct scene *s = *state;
	ssh_channel channel;
	ssh_session session = rogue_session(s, "root", NULL, &channel);

	channel = ssh_channel_new(session);
	assert_int_not_equal(ssh_channel_open_session(channel), SSH_OK);
	rogue_leave(session);
	assert_honest_link_works(s);
}

static void
shell_exec_pty_and_forwarding_are_refused(void **state)
{
	struct scene *s = *state;
	ssh_channel channel;
	ssh_session session = rogue_session(s, "peer", NULL, &channel);

	channel = ssh_channel_new(session);
	assert_int_equal(ssh_channel_open_session(channel), SSH_OK);
	assert_int_not_equal(ssh_channel_request_exec(channel, "id"), SSH_OK);
	assert_int_not_equal(ssh_channel_request_pty(channel), SSH_OK);
	assert_int_not_equal(ssh_channel_request_shell(channel), SSH_OK);
	assert_int_not_equal(ssh_channel_request_env(channel, "A", "b"),
	    SSH_OK);
	assert_int_not_equal(ssh_channel_listen_forward(session, "127.0.0.1", 0,
				 NULL),
	    SSH_OK);
	rogue_leave(session);
	assert_honest_link_works(s);
}

static void
channels_in_a_loop_end_the_session(void **state)
{
	struct scene *s = *state;
	ssh_session session;
	ssh_channel channel;
	unsigned opened = 0, i;

	session = rogue_session(s, "peer", "aegis-peer", &channel);
	for (i = 0; i < 1000 && ssh_is_connected(session) != 0; i++) {
		channel = ssh_channel_new(session);
		if (ssh_channel_open_session(channel) == SSH_OK)
			opened++;
		ssh_channel_free(channel);
	}
	assert_int_equal(opened, 0);
	assert_true(i < 20);
	rogue_leave(session);
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
}

static void
claimed_lengths_are_judged_before_anything_is_kept(void **state)
{
	static const uint8_t head[] = { 0xff, 0xff, 0xff, 0x7f, 0 };
	struct scene *s = *state;
	ssh_session session;
	ssh_channel channel;

	session = rogue_session(s, "peer", "aegis-peer", &channel);
	assert_int_equal(ssh_channel_write(channel, head, sizeof(head)),
	    sizeof(head));
	assert_true(is_hung_up(ssh_get_fd(session), 3000));
	rogue_leave(session);
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
}

static void
flood_before_the_handshake_is_cut_early(void **state)
{
	/* A head of 1 MB of control: within its class, not within a HELLO. */
	static const uint8_t head[] = { 0, 0, 16, 0, 0 };
	struct scene *s = *state;
	ssh_session session;
	ssh_channel channel;

	session = rogue_session(s, "peer", "aegis-peer", &channel);
	assert_int_equal(ssh_channel_write(channel, head, sizeof(head)),
	    sizeof(head));
	/* What the kernel's buffers took is no concern of the node's. */
	assert_true(pour(session, channel, 64U << 20) < 64U << 20);
	rogue_leave(session);
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
}

static void
silence_after_the_subsystem_is_cut(void **state)
{
	struct scene *s = *state;
	ssh_session session;
	ssh_channel channel;

	session = rogue_session(s, "peer", "aegis-bulk", &channel);
	assert_true(is_hung_up(ssh_get_fd(session), 12000));
	rogue_leave(session);
	assert_honest_link_works(s);
}

static void
ignored_messages_in_a_flood_end_the_session(void **state)
{
	struct scene *s = *state;
	ssh_session session;
	ssh_channel channel;
	char text[1024];
	unsigned i;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	session = rogue_session(s, "peer", "aegis-peer", &channel);
	for (i = 0; i < 20000 && ssh_is_connected(session) != 0; i++)
		if (ssh_send_ignore(session, text) != SSH_OK)
			break;
	assert_true(i < 20000);
	rogue_leave(session);
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
}

static void
handshakes_in_a_loop_do_not_stop_an_honest_link(void **state)
{
	struct scene *s = *state;
	ssh_session session;
	ssh_channel channel;
	unsigned i;

	for (i = 0; i < 40; i++) {
		session = rogue_session(s, "peer", "aegis-peer", &channel);
		ssh_silent_disconnect(session);
		ssh_free(session);
		assert_honest_link_works(s);
	}
	assert_memory_is_bounded(s);
}

/*
 * A whole member with good keys that never reads: its process is stopped by
 * giving it a net whose callback blocks, so that its window closes.
 */
struct stuck {
	pthread_mutex_t lock;
};

static void
stuck_on_frame(void *arg, uint32_t member AG_UNUSED,
    const struct frame *frame AG_UNUSED)
{
	struct stuck *stuck = arg;

	(void)pthread_mutex_lock(&stuck->lock);
	(void)pthread_mutex_unlock(&stuck->lock);
}

static void
member_that_never_reads_costs_no_more_than_its_queues(void **state)
{
	struct stuck stuck = { PTHREAD_MUTEX_INITIALIZER };
	static uint8_t body[64 << 10];
	struct net_link_stats stats;
	struct scene *s = *state;
	struct fixture_node *node = &s->f.nodes[ROGUE];
	const struct net_config config = {
		.roster = &node->roster,
		.self = ROGUE,
		.signer = &node->signer,
		.link_key = node->link_key,
		.listen = node->roster.members[ROGUE].address,
		.heartbeat_ms = 200,
		.silent_ms = 60000,
		.callbacks = { .arg = &stuck, .frame = stuck_on_frame },
	};
	struct ag_error err;
	unsigned i;

	assert_int_equal(net_start(&node->net, &config, &err), AG_OK);
	assert_true(fixture_wait_link(&s->f, VICTIM, ROGUE, true, 5000));
	(void)pthread_mutex_lock(&stuck.lock);
	body[8] = 0xff;
	for (i = 0; i < 2000; i++) {
		assert_int_equal(fixture_send(s->f.nodes[VICTIM].net,
				     1U << ROGUE, FRAME_CONSENSUS,
				     bytes_of(body, sizeof(body))),
		    AG_OK);
		if (i % 400 == 0)
			assert_honest_link_works(s);
	}
	net_stats(s->f.nodes[VICTIM].net, ROGUE, &stats);
	(void)pthread_mutex_unlock(&stuck.lock);
	assert_true(stats.queued_bytes <= 9U << 20);
	assert_true(stats.dropped_frames > 0);
	assert_memory_is_bounded(s);
	net_stop(node->net);
	node->net = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
		SPEC(half_open_connections_are_cut_after_five_seconds),
		cmocka_unit_test_setup_teardown(
		    crowd_from_one_members_host_leaves_room_for_others,
		    open_scene_with_a_host_for_the_rogue, close_scene),
		SPEC(banner_at_one_byte_a_second_is_cut_after_ten),
		SPEC(noise_instead_of_ssh_is_cut_at_once),
		SPEC(other_users_and_other_keys_are_denied),
		SPEC(shell_exec_pty_and_forwarding_are_refused),
		SPEC(channels_in_a_loop_end_the_session),
		SPEC(claimed_lengths_are_judged_before_anything_is_kept),
		SPEC(flood_before_the_handshake_is_cut_early),
		SPEC(silence_after_the_subsystem_is_cut),
		SPEC(ignored_messages_in_a_flood_end_the_session),
		SPEC(handshakes_in_a_loop_do_not_stop_an_honest_link),
		SPEC(member_that_never_reads_costs_no_more_than_its_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
