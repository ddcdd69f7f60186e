/*
 * The relay's connections: each two sockets and the bytes between them.
 *
 * STATES   held       somebody has dialled and the way is not open
 *          dialled    the other half is being connected
 *          connected  bytes pass, each when it is due
 *          dead       both sockets are closed; buried at the end of the turn
 *
 * NOT HERE What is due when: the rules are orders (relay.c).
 */
#include "chaos/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 << 10)
#define HELD_BYTES_MAX ((size_t)4 << 20)

/* TCP's own first wait for what was lost, and how often it doubles. */
#define LOST_US UINT64_C(200000)
#define LOST_AGAIN_MAX 4

struct piece {
	struct piece *next;
	uint64_t due_us;
	size_t len, at;
	uint8_t data[];
};

/* What came from one end of a connection and goes to the other. */
struct stream {
	struct piece *first, *last;
	size_t bytes;
	uint64_t due_us;  /* of the newest piece */
	uint64_t free_us; /* when the last byte has passed a slow link */
	bool has_ended;
	bool is_reset; /* it ended so */
	bool is_shut;  /* and the other end knows */
};

struct pipe {
	struct pipe *next;
	size_t member[2];
	struct handle ends[2]; /* [0] has dialled */
	struct stream streams[2];
	bool is_connected;
	bool is_dead;
};

/* SplitMix64. */
static uint64_t
dice(uint64_t below)
{
	uint64_t z = relay.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return below == 0 ? 0 : (z ^ z >> 31) % below;
}

static struct rule *
rule_of(const struct pipe *p, size_t side)
{
	return &relay.rules[p->member[side]][p->member[1 - side]];
}

static void
pipe_watch(struct pipe *p)
{
	size_t side;

	for (side = 0; side < 2; side++) {
		const struct stream *in = &p->streams[side];
		const struct stream *out = &p->streams[1 - side];
		uint32_t events = 0;

		if (!in->has_ended && in->bytes < HELD_BYTES_MAX)
			events |= EPOLLIN;
		if (side == 1 && !p->is_connected)
			events = EPOLLOUT;
		else if (out->first != NULL && !in->is_reset &&
		    out->first->due_us <= relay.now_us &&
		    !rule_of(p, 1 - side)->is_blocked)
			events |= EPOLLOUT;
		relay_watch(&p->ends[side], events);
	}
}

/* --- ends --- */

/* Both ends hear that the connection is broken, not that it was closed. */
static void
pipe_kill(struct pipe *p)
{
	const struct linger now = { .l_onoff = 1 };
	size_t side;

	for (side = 0; side < 2 && !p->is_dead; side++) {
		struct handle *h = &p->ends[side];

		relay_watch(h, 0);
		if (h->fd == -1)
			continue;
		(void)setsockopt(h->fd, SOL_SOCKET, SO_LINGER, &now,
		    sizeof(now));
		(void)close(h->fd);
		h->fd = -1;
	}
	p->is_dead = true;
}

static void
pipe_free(struct pipe *p)
{
	struct piece *piece, *next;
	size_t side;

	for (side = 0; side < 2; side++)
		for (piece = p->streams[side].first; piece != NULL;
		     piece = next) {
			next = piece->next;
			free(piece);
		}
	free(p);
}

void
pipe_bury(void)
{
	struct pipe **at = &relay.pipes, *p;

	while ((p = *at) != NULL) {
		if (!p->is_dead) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		pipe_free(p);
	}
}

/* --- connections --- */

static void
tune(int fd)
{
	const int yes = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

/* The other half of a connection, once its way is open in both directions. */
static void
pipe_dial(struct pipe *p)
{
	struct sockaddr_in source = relay.members[p->member[0]].address;
	const struct sockaddr_in *target = &relay.members[p->member[1]].target;
	const int yes = 1;
	int fd;

	if (p->is_dead || p->ends[1].fd != -1 || rule_of(p, 0)->is_blocked ||
	    rule_of(p, 1)->is_blocked)
		return;
	if (p->streams[0].has_ended) { /* it has not waited for us */
		pipe_kill(p);
		return;
	}
	source.sin_port = 0;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		relay_fail("make a socket");
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes,
	    sizeof(yes));
	if (bind(fd, (const struct sockaddr *)&source, sizeof(source)) != 0)
		relay_fail("take a member's address");
	p->ends[1].fd = fd;
	if (connect(fd, (const struct sockaddr *)target, sizeof(*target)) !=
		0 &&
	    errno != EINPROGRESS) {
		pipe_kill(p);
		return;
	}
	tune(fd);
}

/* The member with connections from there; count when it is nobody. */
static size_t
member_from(struct in_addr from)
{
	size_t i;

	for (i = 0; i < relay.count; i++)
		if (relay.members[i].from.s_addr == from.s_addr)
			break;
	return i;
}

void
pipe_take(size_t to)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	struct pipe *p;
	size_t from, side;
	int fd = accept4(relay.members[to].listener.fd,
	    (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1)
		return;
	from = member_from(peer.sin_addr);
	p = from == relay.count ? NULL : calloc(1, sizeof(*p));
	if (p == NULL) {
		(void)fprintf(stderr, "relay: refused one from %s\n",
		    inet_ntoa(peer.sin_addr));
		(void)close(fd);
		return;
	}
	tune(fd);
	p->member[0] = from;
	p->member[1] = to;
	for (side = 0; side < 2; side++)
		p->ends[side] =
		    (struct handle){ .pipe = p, .fd = -1, .side = side };
	p->ends[0].fd = fd;
	p->next = relay.pipes;
	relay.pipes = p;
	pipe_dial(p);
	if (!p->is_dead)
		pipe_watch(p);
}

/* --- bytes --- */

/* When a piece that came now is due on the other side. */
static uint64_t
due_us(struct stream *s, const struct rule *rule, size_t len)
{
	uint64_t due = relay.now_us + rule->delay_us + dice(rule->jitter_us);
	unsigned again;

	for (again = 0; again < LOST_AGAIN_MAX && dice(1000) < rule->loss;
	     again++) {
		due += LOST_US << again;
		relay.lost += again == 0;
	}
	if (rule->rate > 0) {
		if (s->free_us < relay.now_us)
			s->free_us = relay.now_us;
		s->free_us += len * 1000000 / rule->rate;
		if (due < s->free_us)
			due = s->free_us;
	}
	if (due < s->due_us)
		due = s->due_us;
	relay.late += due > relay.now_us;
	relay.held += rule->is_blocked;
	s->due_us = due;
	return due;
}

static void
hold(struct stream *s, const uint8_t *data, size_t len, uint64_t due)
{
	struct piece *piece = malloc(sizeof(*piece) + len);

	if (piece == NULL)
		relay_fail("hold a piece");
	*piece = (struct piece){ .due_us = due, .len = len };
	memcpy(piece->data, data, len);
	if (s->first == NULL)
		s->first = piece;
	else
		s->last->next = piece;
	s->last = piece;
	s->bytes += len;
}

/* The other end has gone without waiting for its rest. */
static void
end_by_reset(struct pipe *p, size_t side)
{
	relay_watch(&p->ends[side], 0);
	p->streams[side].has_ended = true;
	p->streams[side].is_reset = true;
}

/* False when it takes no more now. */
static bool
pass_piece(struct pipe *p, size_t side)
{
	struct stream *s = &p->streams[side];
	struct piece *piece = s->first;
	ssize_t len = send(p->ends[1 - side].fd, piece->data + piece->at,
	    piece->len - piece->at, MSG_NOSIGNAL);

	if (len == -1) {
		if (errno != EAGAIN)
			end_by_reset(p, 1 - side);
		return false;
	}
	piece->at += (size_t)len;
	s->bytes -= (size_t)len;
	if (piece->at < piece->len)
		return false;
	relay.passed++;
	s->first = piece->next;
	free(piece);
	return true;
}

/* Pass on what is due, and the end behind it. */
static void
pump(struct pipe *p, size_t side)
{
	struct stream *s = &p->streams[side];

	if (p->is_dead || rule_of(p, side)->is_blocked ||
	    p->ends[1 - side].fd == -1 || !p->is_connected)
		return;
	while (s->first != NULL && s->first->due_us <= relay.now_us &&
	    !p->streams[1 - side].is_reset && pass_piece(p, side))
		continue;
	if (s->is_reset)
		pipe_kill(p);
	if (!s->has_ended || s->first != NULL || s->is_shut || p->is_dead)
		return;
	s->is_shut = true;
	(void)shutdown(p->ends[1 - side].fd, SHUT_WR);
	if (p->streams[1 - side].is_shut)
		pipe_kill(p);
}

static void
take_bytes(struct pipe *p, size_t side)
{
	static uint8_t data[PIECE_BYTES];
	struct stream *s = &p->streams[side];
	ssize_t len = recv(p->ends[side].fd, data, sizeof(data), 0);

	if (len > 0)
		hold(s, data, (size_t)len,
		    due_us(s, rule_of(p, side), (size_t)len));
	else if (len == 0)
		s->has_ended = true;
	else if (errno != EAGAIN)
		end_by_reset(p, side);
}

void
pipe_serve(struct handle *h, uint32_t events)
{
	struct pipe *p = h->pipe;

	if (p->is_dead || h->events == 0)
		return;
	if (h->side == 1 && !p->is_connected) {
		p->is_connected = (events & (EPOLLERR | EPOLLHUP)) == 0;
		if (!p->is_connected)
			pipe_kill(p);
	} else if ((events & EPOLLIN) != 0) {
		take_bytes(p, h->side);
	} else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		end_by_reset(p, h->side);
	}
	pump(p, 0);
	pump(p, 1);
	if (!p->is_dead)
		pipe_watch(p);
}

/* --- all of them --- */

void
pipe_pump_all(void)
{
	struct pipe *p;

	for (p = relay.pipes; p != NULL; p = p->next) {
		pipe_dial(p);
		pump(p, 0);
		pump(p, 1);
		if (!p->is_dead)
			pipe_watch(p);
	}
}

void
pipe_reset_between(size_t a, size_t b)
{
	struct pipe *p;

	for (p = relay.pipes; p != NULL; p = p->next)
		if ((p->member[0] == a && p->member[1] == b) ||
		    (p->member[0] == b && p->member[1] == a)) {
			relay.resets += !p->is_dead;
			pipe_kill(p);
		}
}

uint64_t
pipe_idle_us(void)
{
	uint64_t least = UINT64_C(1000000);
	const struct pipe *p;
	size_t side;

	for (p = relay.pipes; p != NULL; p = p->next)
		for (side = 0; side < 2; side++) {
			const struct piece *piece = p->streams[side].first;

			if (piece == NULL || piece->due_us <= relay.now_us ||
			    rule_of(p, side)->is_blocked)
				continue;
			if (piece->due_us - relay.now_us < least)
				least = piece->due_us - relay.now_us;
		}
	return least;
}
