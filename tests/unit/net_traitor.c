/*
 * What a member can do to another over a link that it has proved: it has
 * good keys and goes through the handshake, then breaks the rules of SSH and
 * ours.
 *
 * libssh's client keeps to the windows it is given.  The one here is made to
 * forget them: see open_window().  As in net_rogue.c an honest link carries
 * frames meanwhile, and memory stays under MEMORY_MAX more than before.
 */
#include "net_scene.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>

#include "codec/encoder.h"
#include "codec/message.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FLOOD_BYTES (32U << 20) /* the bound is judged without them */
#else
#define FLOOD_BYTES (256U << 20)
#endif
#define SHORT_LIVED_BYTES (4U << 20)

/* A link of n4's to the victim, spoken by hand. */
struct traitor {
	ssh_session session;
	ssh_channel channel;
	struct frame_parser parser;
};

static void
traitor_write(struct traitor *t, const void *data, size_t len)
{
	assert_int_equal(ssh_channel_write(t->channel, data, (uint32_t)len),
	    len);
	/* What was written may wait for libssh to look at the socket. */
	(void)ssh_blocking_flush(t->session, 5000);
}

static void
traitor_send(struct traitor *t, enum frame_class class, struct bytes body)
{
	uint8_t head[FRAME_HEAD_BYTES];

	frame_head(head, class, body.len);
	traitor_write(t, head, sizeof(head));
	traitor_write(t, body.data, body.len);
}

/* The next frame, borrowed until the next call. */
static void
traitor_receive(struct traitor *t, struct frame *frame)
{
	uint8_t piece[4096];
	struct ag_error err;
	int len;

	while (frame_parser_next(&t->parser, frame, &err) != AG_OK) {
		len = ssh_channel_read_timeout(t->channel, piece, sizeof(piece),
		    0, 5000);
		assert_true(len > 0);
		assert_int_equal(frame_parser_feed(&t->parser,
				     bytes_of(piece, (size_t)len), &err),
		    AG_OK);
	}
}

/* Go through the handshake, so that the victim takes frames. */
static void
traitor_prove(struct scene *s, struct traitor *t, enum link_kind kind)
{
	struct fixture_node *node = &s->f.nodes[ROGUE];
	uint8_t nonce[HANDSHAKE_NONCE_BYTES] = { 4 };
	const struct handshake_config config = {
		.roster = &node->roster,
		.signer = &node->signer,
		.kind = kind,
		.is_dialler = true,
		.self = ROGUE,
		.peer = VICTIM,
		.instance = 4,
		.nonce = nonce,
		.self_link_key = node->roster.members[ROGUE].link_key,
		.peer_link_key = node->roster.members[VICTIM].link_key,
	};
	struct handshake_output out;
	struct handshake h;
	struct ag_error err;
	struct frame frame;

	handshake_init(&h, &config);
	handshake_start(&h, &out);
	while (h.state != HANDSHAKE_DONE) {
		if (out.len > 0)
			traitor_send(t, FRAME_CONTROL,
			    bytes_of(out.data, out.len));
		traitor_receive(t, &frame);
		if (handshake_input(&h, frame.body, &out, &err) != AG_OK)
			fail_msg("%s", err.text);
	}
}

static void
traitor_open_rekeying(struct scene *s, struct traitor *t, uint64_t bytes)
{
	t->session =
	    rogue_session_rekeying(s, "peer", "aegis-peer", bytes, &t->channel);
	frame_parser_init(&t->parser, 1U << FRAME_CONTROL);
	traitor_prove(s, t, LINK_PEER);
	assert_true(fixture_wait_link(&s->f, VICTIM, ROGUE, true, 5000));
}

static void
traitor_open(struct scene *s, struct traitor *t)
{
	traitor_open_rekeying(s, t, 0);
}

static void
traitor_close(struct traitor *t)
{
	frame_parser_fini(&t->parser);
	rogue_leave(t->session);
}

/*
 * Make libssh's client believe that the other side's window is open wide:
 * find where the channel keeps the number that ssh_channel_window_size()
 * tells, which is the one place that moves it, and raise it.
 */
static void
open_window(ssh_channel channel)
{
	const uint32_t open = 1U << 30;
	uint32_t window = ssh_channel_window_size(channel), word;
	size_t len = malloc_usable_size(channel), at;
	uint8_t *memory = (uint8_t *)channel;
	const uint32_t other = window + 1;

	for (at = 0; at + sizeof(word) <= len; at += sizeof(word)) {
		memcpy(&word, memory + at, sizeof(word));
		if (word != window)
			continue;
		memcpy(memory + at, &other, sizeof(other));
		if (ssh_channel_window_size(channel) == other) {
			memcpy(memory + at, &open, sizeof(open));
			return;
		}
		memcpy(memory + at, &window, sizeof(window));
	}
	fail_msg("this libssh keeps its window elsewhere");
}

static void
assert_cut(struct scene *s, struct traitor *t)
{
	assert_true(!ssh_is_connected(t->session) ||
	    is_hung_up(ssh_get_fd(t->session), 5000));
	assert_true(fixture_wait_link(&s->f, VICTIM, ROGUE, false, 5000));
	traitor_close(t);
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
}

/* Frames without end, past any window; all of them are read and judged. */
static void
window_ignored_costs_no_memory(void **state)
{
	static uint8_t frame[FRAME_HEAD_BYTES + 32000];
	struct scene *s = *state;
	struct traitor t;
	size_t sent;

	traitor_open(s, &t);
	frame_head(frame, FRAME_CONSENSUS, sizeof(frame) - FRAME_HEAD_BYTES);
	for (sent = 0; sent < FLOOD_BYTES; sent += sizeof(frame)) {
		open_window(t.channel);
		traitor_write(&t, frame, sizeof(frame));
		if (sent / sizeof(frame) % 1000 == 0) {
			assert_honest_link_works(s);
			assert_memory_is_bounded(s);
		}
	}
	assert_true(fixture_wait_from(&s->f, VICTIM, ROGUE,
	    sent / sizeof(frame), 20000));
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
	traitor_close(&t);
}

/* The same while the victim's reader is held: what comes stays outside. */
static void
window_ignored_before_a_slow_reader_fills_the_socket_only(void **state)
{
	static uint8_t frame[FRAME_HEAD_BYTES + 32000];
	struct scene *s = *state;
	struct fixture_node *victim = &s->f.nodes[VICTIM];
	struct traitor t;
	size_t sent = 0;

	traitor_open(s, &t);
	frame_head(frame, FRAME_CONSENSUS, sizeof(frame) - FRAME_HEAD_BYTES);
	ssh_set_blocking(t.session, 0);
	(void)pthread_mutex_lock(&victim->lock);
	/* Until neither libssh nor the kernel takes more. */
	while (sent < FLOOD_BYTES) {
		open_window(t.channel);
		if ((ssh_get_poll_flags(t.session) & SSH_WRITE_PENDING) != 0)
			break;
		if (ssh_channel_write(t.channel, frame, sizeof(frame)) <= 0)
			break;
		sent += sizeof(frame);
	}
	assert_true(sent < FLOOD_BYTES);
	assert_memory_is_bounded(s);
	(void)pthread_mutex_unlock(&victim->lock);
	ssh_set_blocking(t.session, 1);
	traitor_close(&t);
	assert_true(fixture_wait_link(&s->f, VICTIM, ROGUE, false, 5000));
	assert_honest_link_works(s);
}

/* Two gigabytes of window.  Asking for so much makes libssh offer it. */
static void
offer_wide_window(struct traitor *t)
{
	static uint8_t piece[64 << 10];

	assert_true(ssh_channel_read_timeout(t->channel, piece, INT32_MAX, 0,
			1) <= (int)sizeof(piece));
}

/* Far more for the traitor than its queue takes; the rest is dropped. */
static void
assert_queues_bound_what_is_sent(struct scene *s)
{
	static uint8_t body[64 << 10];
	struct net_link_stats stats;
	unsigned i;

	body[8] = 0xff;
	for (i = 0; i < FLOOD_BYTES / sizeof(body); i++) {
		assert_int_equal(fixture_send(s->f.nodes[VICTIM].net,
				     1U << ROGUE, FRAME_CONSENSUS,
				     bytes_of(body, sizeof(body))),
		    AG_OK);
		if (i % 200 == 0)
			assert_honest_link_works(s);
	}
	net_stats(s->f.nodes[VICTIM].net, ROGUE, &stats);
	assert_true(stats.queued_bytes <= 9U << 20);
	assert_true(stats.dropped_frames > 0);
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
}

static void
wide_window_and_no_reader_costs_no_more_than_the_queues(void **state)
{
	struct scene *s = *state;
	struct traitor t;

	traitor_open(s, &t);
	offer_wide_window(&t);
	assert_queues_bound_what_is_sent(s);
	traitor_close(&t);
}

/*
 * While keys change libssh keeps what is written in a list of its own, for
 * which it knows no bound but the window.
 */
static void
key_exchange_left_open_costs_no_more_than_the_queues(void **state)
{
	static const uint8_t body[1024];
	struct scene *s = *state;
	struct traitor t;

	traitor_open_rekeying(s, &t, 2 * sizeof(body));
	offer_wide_window(&t);
	traitor_send(&t, FRAME_CONSENSUS, bytes_of(body, sizeof(body)));
	assert_true(fixture_wait_from(&s->f, VICTIM, ROGUE, 1, 5000));
	/* This begins an exchange, whose answer is never read. */
	assert_int_equal(ssh_channel_write(t.channel, body, sizeof(body)),
	    sizeof(body));
	assert_queues_bound_what_is_sent(s);
	traitor_close(&t);
}

/*
 * Read what comes as a stream of bytes that nobody decrypts, and send a
 * packet that is never whole: the link is alive, and libssh at its other end
 * never gets an answer.
 */
struct drain {
	struct scene *scene;
	int fd;
	bool has_told; /* the victim said why, before its next dial failed */
	atomic_uint_fast64_t bytes;
};

static void *
drain_main(void *arg)
{
	/* A packet of 30 KB, of which the length is in the open. */
	static const uint8_t head[] = { 0, 0, 0x75, 0x30 };
	static uint8_t sink[256 << 10];
	struct drain *d = arg;
	struct pollfd p = { .fd = d->fd, .events = POLLIN };
	uint64_t beat_us = 0;
	ssize_t len;

	assert_int_equal(send(d->fd, head, sizeof(head), MSG_NOSIGNAL),
	    sizeof(head));
	for (;;) {
		if (clock_mono_us() > beat_us) {
			(void)send(d->fd, head, 1, MSG_NOSIGNAL);
			beat_us = clock_mono_us() + 500000;
		}
		if (poll(&p, 1, 100) <= 0)
			continue;
		len = recv(d->fd, sink, sizeof(sink), MSG_DONTWAIT);
		if (len == 0 || (len == -1 && errno != EAGAIN)) {
			d->has_told = fixture_wait_error(&d->scene->f, VICTIM,
			    ROGUE, "no new SSH keys", 50);
			break;
		}
		if (len > 0)
			atomic_fetch_add(&d->bytes, (uint64_t)len);
	}
	return NULL;
}

static int
open_scene_with_short_lived_keys(void **state)
{
	return open_scene_with(state, SHORT_LIVED_BYTES, 1);
}

/*
 * After so many bytes the victim wants new keys.  Until the other side agrees
 * libssh takes what it is given and keeps it.
 */
static void
new_keys_refused_cost_no_more_than_the_queues(void **state)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	static uint8_t body[64 << 10];
	struct scene *s = *state;
	struct traitor t;
	pthread_t thread;
	struct drain d;
	unsigned i;

	traitor_open(s, &t);
	offer_wide_window(&t);
	d = (struct drain){ .scene = s, .fd = ssh_get_fd(t.session) };
	assert_int_equal(pthread_create(&thread, NULL, drain_main, &d), 0);
	/* At a pace at which libssh could take it all. */
	body[8] = 0xff;
	for (i = 0; i < 1500; i++) {
		assert_int_equal(fixture_send(s->f.nodes[VICTIM].net,
				     1U << ROGUE, FRAME_CONSENSUS,
				     bytes_of(body, sizeof(body))),
		    AG_OK);
		(void)nanosleep(&pause, NULL);
	}
	assert_memory_is_bounded(s);
	assert_queues_bound_what_is_sent(s);
	/* It is given five seconds, however much it seems to be alive. */
	assert_true(fixture_wait_link(&s->f, VICTIM, ROGUE, false, 10000));
	assert_true(atomic_load(&d.bytes) < 2 * SHORT_LIVED_BYTES);
	(void)pthread_join(thread, NULL);
	assert_true(d.has_told);
	traitor_close(&t);
	assert_honest_link_works(s);
}

static void
channels_in_a_loop_end_a_proved_link(void **state)
{
	struct scene *s = *state;
	struct traitor t;
	ssh_channel more;
	unsigned i;

	traitor_open(s, &t);
	for (i = 0; i < 1000 && ssh_is_connected(t.session) != 0; i++) {
		more = ssh_channel_new(t.session);
		assert_int_not_equal(ssh_channel_open_session(more), SSH_OK);
		ssh_channel_free(more);
	}
	assert_true(i < 20);
	assert_cut(s, &t);
}

static void
lengths_above_the_class_are_cut(void **state)
{
	static const uint8_t heads[][FRAME_HEAD_BYTES] = {
		{ 0xff, 0xff, 0xff, 0xff, FRAME_CONTROL },
		{ 0x01, 0x00, 0x40, 0x00, FRAME_CONSENSUS }, /* 4 MiB + 1 */
		{ 0x01, 0x00, 0x01, 0x00, FRAME_GOSSIP },
		{ 0x00, 0x01, 0x00, 0x00, FRAME_BULK }, /* not on this one */
		{ 0x00, 0x00, 0x00, 0x00, FRAME_CONTROL },
		{ 0x01, 0x00, 0x00, 0x00, FRAME_CLASS_COUNT },
	};
	struct scene *s = *state;
	struct traitor t;
	size_t i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		traitor_open(s, &t);
		traitor_write(&t, heads[i], sizeof(heads[i]));
		assert_cut(s, &t);
	}
}

/* The largest frame is begun and never ended: it is held once. */
static void
frame_without_end_is_held_within_the_parser(void **state)
{
	static uint8_t part[1 << 20];
	uint8_t head[FRAME_HEAD_BYTES];
	struct scene *s = *state;
	struct traitor t;
	unsigned i;

	traitor_open(s, &t);
	frame_head(head, FRAME_CONSENSUS, FRAME_CONSENSUS_BYTES_MAX);
	traitor_write(&t, head, sizeof(head));
	for (i = 0; i < 3; i++)
		traitor_write(&t, part, sizeof(part));
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
	traitor_close(&t);
}

/* Read for a second; false when the link is gone. */
static bool
traitor_reads_on(struct traitor *t)
{
	uint64_t end_us = clock_mono_us() + 1000000, now_us;
	uint8_t piece[4096];
	int len;

	while ((now_us = clock_mono_us()) < end_us) {
		len = ssh_channel_read_timeout(t->channel, piece, sizeof(piece),
		    0, (int)((end_us - now_us) / 1000 + 1));
		if (len < 0 || ssh_channel_is_eof(t->channel) != 0)
			return false;
	}
	return true;
}

/*
 * A frame at one byte a second: nothing waits for it, neither the honest
 * link nor the end of this one.
 */
static void
one_byte_a_second_holds_up_nobody(void **state)
{
	struct scene *s = *state;
	uint8_t head[FRAME_HEAD_BYTES];
	struct traitor t;
	unsigned i;

	traitor_open(s, &t);
	frame_head(head, FRAME_CONSENSUS, 1000);
	for (i = 0; i < 3; i++) {
		traitor_write(&t, head + i, 1);
		assert_true(traitor_reads_on(&t));
		assert_honest_link_works(s);
	}
	assert_int_equal(s->f.nodes[VICTIM].from[ROGUE], 0);
	assert_memory_is_bounded(s);
	traitor_close(&t);
}

/* The same inside the handshake, whose time is over after five seconds. */
static void
handshake_at_one_byte_a_second_is_cut(void **state)
{
	static const uint8_t head[] = { 200, 0, 0, 0, FRAME_CONTROL };
	struct scene *s = *state;
	uint64_t began_us;
	struct traitor t;
	unsigned i;

	t.session = rogue_session(s, "peer", "aegis-peer", &t.channel);
	began_us = clock_mono_us();
	for (i = 0; i < 12; i++) {
		if (ssh_channel_write(t.channel, i < 5 ? head + i : head, 1) !=
		    1)
			break;
		if (is_hung_up(ssh_get_fd(t.session), 1000))
			break;
	}
	assert_true(i < 12);
	assert_true(clock_mono_us() - began_us < 11000000);
	rogue_leave(t.session);
	assert_honest_link_works(s);
	assert_memory_is_bounded(s);
}

/* A frame of 4 MB, which all that follows is taken for. */
static const uint8_t frame_start[FRAME_HEAD_BYTES] = { 0, 0, 0x40, 0,
	FRAME_CONSENSUS };

/* New keys for every few packets: work for the victim, and no frames. */
static void
keys_renewed_without_end_are_cut(void **state)
{
	static const uint8_t body[2048];
	struct scene *s = *state;
	uint8_t piece[4096];
	struct traitor t;
	unsigned i;

	traitor_open_rekeying(s, &t, sizeof(body));
	for (i = 0; i < 2000 && ssh_is_connected(t.session) != 0; i++) {
		if (ssh_channel_write(t.channel, i == 0 ? frame_start : body,
			i == 0 ? sizeof(frame_start) : sizeof(body)) <= 0)
			break;
		/* To take part in the exchange is to read. */
		if (ssh_channel_read_timeout(t.channel, piece, sizeof(piece), 0,
			5) < 0)
			break;
	}
	assert_true(i < 2000);
	assert_cut(s, &t);
}

static void
requests_in_a_flood_end_the_link(void **state)
{
	struct scene *s = *state;
	struct traitor t;
	unsigned i;

	traitor_open(s, &t);
	for (i = 0; i < 20000 && ssh_is_connected(t.session) != 0; i++)
		if (ssh_send_keepalive(t.session) != SSH_OK)
			break;
	assert_true(i < 20000);
	assert_cut(s, &t);
}

/* It may come back each time, and each time it is one link. */
static void
links_in_a_loop_are_one_link(void **state)
{
	struct scene *s = *state;
	struct traitor t;
	unsigned i;

	for (i = 0; i < 30; i++) {
		traitor_open(s, &t);
		frame_parser_fini(&t.parser);
		ssh_silent_disconnect(t.session);
		ssh_free(t.session);
		assert_true(
		    fixture_wait_link(&s->f, VICTIM, ROGUE, false, 5000));
		assert_honest_link_works(s);
	}
	assert_memory_is_bounded(s);
}

int
main(void)
{
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		SPEC(window_ignored_costs_no_memory),
		SPEC(window_ignored_before_a_slow_reader_fills_the_socket_only),
		SPEC(wide_window_and_no_reader_costs_no_more_than_the_queues),
		SPEC(key_exchange_left_open_costs_no_more_than_the_queues),
		cmocka_unit_test_setup_teardown(
		    new_keys_refused_cost_no_more_than_the_queues,
		    open_scene_with_short_lived_keys, close_scene),
		SPEC(channels_in_a_loop_end_a_proved_link),
		SPEC(lengths_above_the_class_are_cut),
		SPEC(frame_without_end_is_held_within_the_parser),
		SPEC(one_byte_a_second_holds_up_nobody),
		SPEC(handshake_at_one_byte_a_second_is_cut),
		SPEC(keys_renewed_without_end_are_cut),
		SPEC(requests_in_a_flood_end_the_link),
		SPEC(links_in_a_loop_are_one_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
