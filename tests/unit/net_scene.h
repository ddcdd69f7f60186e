/*
 * The scene of the rogues: two honest nodes that are linked, and the keys of
 * a third member, n4, in hostile hands.
 *
 * One specification is one program from one file, so this is all inline.
 */
#ifndef AEGIS_TESTS_NET_SCENE_H
#define AEGIS_TESTS_NET_SCENE_H

#include "net_fixture.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>

#include "net/transport.h"

/* A parser's bound is 5 MB, libssh's packet and window some 2 MB more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_MAX (512U << 20) /* sanitizers keep what was freed */
#define PROMPTLY_MS 10000       /* and take their time */
#else
#define MEMORY_MAX (48U << 20)
#define PROMPTLY_MS 2000
#endif

#define ROGUE 3U
#define VICTIM 0U
#define HONEST 1U

static inline size_t
resident_bytes(void)
{
	unsigned long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
	(void)fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

struct scene {
	struct fixture f;
	size_t resident_before;
	uint64_t sent;
};

/* n4 is said to live at 127.0.0.rogue_host. */
static inline int
open_scene_with(void **state, uint64_t rekey_bytes, uint8_t rogue_host)
{
	struct scene *s = calloc(1, sizeof(*s));
	char *address;
	size_t i;

	if (s == NULL)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN);
	fixture_open(&s->f);
	s->f.rekey_bytes = rekey_bytes;
	for (i = 0; i < FIXTURE_MEMBERS; i++) {
		address = s->f.nodes[i].roster.members[ROGUE].address;
		address[strlen("127.0.0.")] = (char)('0' + rogue_host);
	}
	/* Nobody runs as n4: its keys are the rogue's. */
	fixture_start(&s->f, VICTIM);
	fixture_start(&s->f, HONEST);
	if (!fixture_wait_link(&s->f, VICTIM, HONEST, true, 5000) ||
	    !fixture_wait_link(&s->f, HONEST, VICTIM, true, 5000))
		return -1;
	s->resident_before = resident_bytes();
	*state = s;
	return 0;
}

static inline int
open_scene(void **state)
{
	return open_scene_with(state, 0, 1);
}

static inline int
close_scene(void **state)
{
	struct scene *s = *state;

	fixture_close(&s->f);
	free(s);
	return 0;
}

/* The honest link still carries a frame there, promptly. */
static inline bool
honest_link_works(struct scene *s)
{
	uint8_t body[200] = { 0xff };
	uint64_t want = ++s->sent;

	memcpy(body, &want, sizeof(want));
	return fixture_send(s->f.nodes[HONEST].net, 1U << VICTIM,
		   FRAME_CONSENSUS, bytes_of(body, sizeof(body))) == AG_OK &&
	    fixture_wait_from(&s->f, VICTIM, HONEST, want, PROMPTLY_MS) &&
	    s->f.nodes[VICTIM].downs_of[HONEST] == 0;
}

static inline void
assert_honest_link_works(struct scene *s)
{
	assert_true(honest_link_works(s));
}

static inline void
assert_memory_is_bounded(const struct scene *s)
{
	size_t now = resident_bytes();

	if (now > s->resident_before)
		print_message("%zu KB more than before\n",
		    (now - s->resident_before) >> 10);
	assert_true(now < s->resident_before + MEMORY_MAX);
}

/* Connect to the victim, from 127.0.0.from. */
/* -1 when it can't be made. */
static inline int
rogue_try_from(const struct scene *s, uint8_t from)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	const char *address = s->f.nodes[VICTIM].roster.members[VICTIM].address;
	const struct timeval limit = { .tv_sec = 3 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
	bool is_bound;

	/* A port that the connection before this one has left behind would do
	 * for bind() and not for connect(). */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes,
	    sizeof(yes));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + from);
	is_bound = bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port =
	    htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
	if (!is_bound ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0) {
		(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

static inline int
rogue_connect(const struct scene *s)
{
	int fd = rogue_try_from(s, 1);

	assert_int_not_equal(fd, -1);
	return fd;
}

/* Read and forget until the other side closes; false after ms. */
static inline bool
is_hung_up(int fd, unsigned ms)
{
	uint64_t end_us = clock_mono_us() + (uint64_t)ms * 1000;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char sink[4096];

	while (clock_mono_us() < end_us) {
		if (poll(&p, 1, ms < 100 ? (int)ms : 100) <= 0)
			continue;
		if (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) <= 0)
			return true;
	}
	return false;
}

/*
 * An SSH session with n4's own link key: as much as a rogue member has.  Its
 * keys change after rekey_bytes, 0: as those of honest links do.
 */
static inline ssh_session
rogue_session_rekeying(const struct scene *s, const char *user,
    const char *subsystem, uint64_t rekey_bytes, ssh_channel *channel)
{
	struct ag_error err;
	ssh_session session;
	ssh_key key = NULL;
	int rc;

	assert_int_equal(transport_client_open(&session, rogue_connect(s), 5,
			     &(struct transport_rekey){ 0 }, &err),
	    AG_OK);
	assert_int_equal(transport_key_import(&key, s->f.nodes[ROGUE].link_key,
			     &err),
	    AG_OK);
	if (rekey_bytes > 0)
		assert_int_equal(ssh_options_set(session,
				     SSH_OPTIONS_REKEY_DATA, &rekey_bytes),
		    SSH_OK);
	assert_int_equal(transport_client_connect(session, &err), AG_OK);
	rc = ssh_userauth_publickey(session, user, key);
	ssh_key_free(key);
	*channel = NULL;
	if (rc != SSH_AUTH_SUCCESS || subsystem == NULL)
		return session;
	*channel = ssh_channel_new(session);
	assert_int_equal(ssh_channel_open_session(*channel), SSH_OK);
	assert_int_equal(ssh_channel_request_subsystem(*channel, subsystem),
	    SSH_OK);
	return session;
}

static inline ssh_session
rogue_session(const struct scene *s, const char *user, const char *subsystem,
    ssh_channel *channel)
{
	return rogue_session_rekeying(s, user, subsystem, 0, channel);
}

static inline void
rogue_leave(ssh_session session)
{
	ssh_disconnect(session);
	ssh_free(session);
}

/* Write until the session breaks or bytes have gone; what went. */
static inline size_t
pour(ssh_session session, ssh_channel channel, size_t bytes)
{
	static uint8_t water[32768];
	size_t done = 0;
	int rc;

	while (done < bytes && ssh_is_connected(session) != 0) {
		rc = ssh_channel_write(channel, water, sizeof(water));
		if (rc <= 0)
			break;
		done += (size_t)rc;
	}
	return done;
}

#endif
