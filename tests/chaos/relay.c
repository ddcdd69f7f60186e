/*
 * A bad network between the members of a trial: relay SEED MEMBER...
 *
 * MEMBER is FROM,HOST:PORT,HOST:PORT: the host its connections come from, the
 * address the roster gives it, and where it listens in truth.  Who connects
 * to the second is led on to the third, from the host of its own second, so
 * that a member is where its roster says for everybody.
 *
 * It is told on stdin, a line each, and answers each line with "done" (and,
 * to counts, numbers).  A and B are members, counted from 0; what is said of
 * A B is of the bytes from A to B, whoever has dialled.
 *
 *	pass A B DELAY JITTER LOSS RATE
 *		each piece is late by DELAY us and up to JITTER us more; one
 *		in a thousand, LOSS times, is late as if it had been lost and
 *		sent again; no more than RATE bytes a second (0: no limit)
 *	block A B	nothing passes any more
 *	open A B	it does again, with all that was held
 *	reset A B	every connection between the two is reset
 *	counts		pieces passed, late, lost, held; connections reset
 *
 * RULES    1. A stream keeps its order, as TCP does.  Streams overtake one
 *             another: that is all the reordering TCP lets a node see.
 *          2. What is held is bounded; then the sender is made to wait.
 *          3. A partition hides ends as well as bytes: a connection that
 *             ended on one side ends on the other when the way is open.
 *          4. Who dials into a partition hears nothing until it is over.
 */
#include "chaos/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define EVENTS 128
#define BACKLOG 128

struct relay relay;

void
relay_fail(const char *what)
{
	(void)fprintf(stderr, "relay: %s: %s\n", what, strerrordesc_np(errno));
	exit(1);
}

void
relay_watch(struct handle *h, uint32_t events)
{
	struct epoll_event event = { .events = events };

	if (h->fd == -1 || h->events == events)
		return;
	event.data.ptr = h;
	if (epoll_ctl(relay.poll,
		h->events == 0    ? EPOLL_CTL_ADD
		    : events == 0 ? EPOLL_CTL_DEL
				  : EPOLL_CTL_MOD,
		h->fd, &event) != 0)
		relay_fail("watch a connection");
	h->events = events;
}

/* --- orders --- */

static bool
obey(const char *line)
{
	unsigned long long n[4] = { 0 };
	char verb[16];
	size_t a = 0, b = 0;
	int got = sscanf(line, "%15s %zu %zu %llu %llu %llu %llu", verb, &a, &b,
	    &n[0], &n[1], &n[2], &n[3]);
	struct rule *rule;

	if (got < 1 || a >= relay.count || b >= relay.count)
		return false;
	rule = &relay.rules[a][b];
	if (got == 7 && strcmp(verb, "pass") == 0)
		*rule =
		    (struct rule){ n[0], n[1], n[2], n[3], rule->is_blocked };
	else if (got == 3 && strcmp(verb, "block") == 0)
		rule->is_blocked = true;
	else if (got == 3 && strcmp(verb, "open") == 0)
		rule->is_blocked = false;
	else if (got == 3 && strcmp(verb, "reset") == 0)
		pipe_reset_between(a, b);
	else if (got != 1 || strcmp(verb, "counts") != 0)
		return false;
	if (got == 1)
		(void)printf("done %llu %llu %llu %llu %llu\n",
		    (unsigned long long)relay.passed,
		    (unsigned long long)relay.late,
		    (unsigned long long)relay.lost,
		    (unsigned long long)relay.held,
		    (unsigned long long)relay.resets);
	else
		(void)puts("done");
	(void)fflush(stdout);
	return true;
}

/* False at the end of orders. */
static bool
take_orders(void)
{
	static char text[4096];
	static size_t len;
	ssize_t got = read(STDIN_FILENO, text + len, sizeof(text) - 1 - len);
	char *line = text, *end;

	if (got <= 0)
		return false;
	len += (size_t)got;
	text[len] = '\0';
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (!obey(line)) {
			(void)fprintf(stderr, "relay: not understood: %s\n",
			    line);
			exit(2);
		}
	}
	len -= (size_t)(line - text);
	memmove(text, line, len);
	pipe_pump_all();
	return true;
}

/* --- the whole --- */

static bool
parse_address(struct sockaddr_in *address, char *text)
{
	char *colon = strchr(text, ':');

	if (colon == NULL)
		return false;
	*colon = '\0';
	*address = (struct sockaddr_in){ .sin_family = AF_INET };
	address->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	return inet_aton(text, &address->sin_addr) == 1;
}

static void
open_member(size_t index, char *text)
{
	struct member *m = &relay.members[index];
	char *save = NULL, *from = strtok_r(text, ",", &save);
	char *address = strtok_r(NULL, ",", &save);
	char *target = strtok_r(NULL, ",", &save);
	const int yes = 1;
	int fd;

	errno = EINVAL;
	if (target == NULL || inet_aton(from, &m->from) != 1 ||
	    !parse_address(&m->address, address) ||
	    !parse_address(&m->target, target))
		relay_fail("FROM,HOST:PORT,HOST:PORT");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)&m->address,
		sizeof(m->address)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		relay_fail("listen for a member");
	m->listener = (struct handle){ .fd = fd, .side = index };
	relay_watch(&m->listener, EPOLLIN);
}

/* How long nothing becomes due, in microseconds. */
static bool
turn(void)
{
	struct epoll_event events[EVENTS];
	const uint64_t idle = pipe_idle_us();
	const struct timespec wait = { .tv_sec = (time_t)(idle / 1000000),
		.tv_nsec = (long)(idle % 1000000) * 1000 };
	int count = epoll_pwait2(relay.poll, events, EVENTS, &wait, NULL), i;

	relay.now_us = clock_mono_us();
	for (i = 0; i < count; i++) {
		struct handle *h = events[i].data.ptr;

		if (h == &relay.orders) {
			if (!take_orders())
				return false;
		} else if (h->pipe == NULL) {
			pipe_take(h->side);
		} else {
			pipe_serve(h, events[i].events);
		}
	}
	pipe_pump_all();
	pipe_bury();
	return true;
}

int
main(int argc, char **argv)
{
	int i;

	if (argc < 3 || argc - 2 > RELAY_MEMBERS_MAX) {
		(void)fprintf(stderr, "usage: relay SEED MEMBER...\n");
		return 2;
	}
	relay.random = strtoull(argv[1], NULL, 10);
	relay.count = (size_t)argc - 2;
	relay.poll = epoll_create1(EPOLL_CLOEXEC);
	relay.now_us = clock_mono_us();
	for (i = 2; i < argc; i++)
		open_member((size_t)i - 2, argv[i]);
	relay.orders = (struct handle){ .fd = STDIN_FILENO };
	relay_watch(&relay.orders, EPOLLIN);
	(void)puts("up");
	(void)fflush(stdout);
	while (turn())
		continue;
	return 0;
}
