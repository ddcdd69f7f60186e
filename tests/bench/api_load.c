/*
 * Closed-loop load on the API's Unix socket.
 *
 *	api_load SOCKET get|put CONNECTIONS SECONDS
 *
 * Each connection sends the next request when its answer has come; prints
 * "connections N requests R rate R/s p50_us P p99_us Q".  An answer other
 * than 200 ends the run with 1.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"

#define EVENTS 256
#define ANSWER_BYTES 4096
#define SLOTS 100000 /* of 1 us; the last holds all that took longer */

struct connection {
	int fd;
	uint64_t sent_us;
	char answer[ANSWER_BYTES];
	size_t len;
};

static char request[2048];
static size_t request_len;
static uint32_t slots[SLOTS];

static void
make_request(bool is_put)
{
	const char *body = "0123456789abcdef0123456789abcdef"
			   "0123456789abcdef0123456789abcdef";

	if (is_put)
		request_len = (size_t)snprintf(request, sizeof(request),
		    "PUT /v1/kv?key=YmVuY2g HTTP/1.1\r\nHost: aegis\r\n"
		    "Content-Length: %zu\r\n\r\n%s",
		    strlen(body), body);
	else
		request_len = (size_t)snprintf(request, sizeof(request),
		    "GET /livez HTTP/1.1\r\nHost: aegis\r\n\r\n");
}

static bool
send_request(struct connection *c)
{
	c->sent_us = clock_mono_us();
	c->len = 0;
	return send(c->fd, request, request_len, MSG_NOSIGNAL) ==
	    (ssize_t)request_len;
}

static bool
open_connection(struct connection *c, const char *path, int poll)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct epoll_event event = { .events = EPOLLIN };

	event.data.ptr = c;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return c->fd != -1 &&
	    connect(c->fd, (const struct sockaddr *)&address,
		sizeof(address)) == 0 &&
	    epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

/* 1: a whole 200 answer; 0: not yet; -1: something else. */
static int
judge_answer(struct connection *c)
{
	const char *end, *length;

	c->answer[c->len] = '\0';
	end = strstr(c->answer, "\r\n\r\n");
	if (end == NULL)
		return 0;
	length = strstr(c->answer, "Content-Length: ");
	if (strncmp(c->answer, "HTTP/1.1 200", 12) != 0 || length == NULL)
		return -1;
	return c->len >= (size_t)(end + 4 - c->answer) +
	    strtoul(length + strlen("Content-Length: "), NULL, 10);
}

static void
count_answer(const struct connection *c)
{
	const uint64_t took = clock_mono_us() - c->sent_us;

	slots[took < SLOTS ? took : SLOTS - 1]++;
}

/* False when the run is over. */
static bool
serve(struct connection *c)
{
	ssize_t len =
	    recv(c->fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len, 0);
	int judged;

	if (len <= 0)
		return false;
	c->len += (size_t)len;
	judged = judge_answer(c);
	if (judged <= 0)
		return judged == 0;
	count_answer(c);
	return send_request(c);
}

static uint64_t
quantile(uint64_t total, unsigned int percent)
{
	uint64_t seen = 0;
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		seen += slots[i];
		if (seen * 100 >= total * percent)
			return i;
	}
	return SLOTS;
}

static bool
run(struct connection *connections, size_t count, int poll, uint64_t seconds)
{
	const uint64_t end_us = clock_mono_us() + seconds * 1000000;
	struct epoll_event events[EVENTS];
	size_t i;
	int n, j;

	for (i = 0; i < count; i++)
		if (!send_request(&connections[i]))
			return false;
	while (clock_mono_us() < end_us) {
		n = epoll_wait(poll, events, EVENTS, 1000);
		for (j = 0; j < n; j++)
			if (!serve(events[j].data.ptr))
				return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct connection *connections;
	uint64_t seconds, total = 0;
	size_t count, i;
	int poll;

	if (argc != 5)
		return 2;
	make_request(strcmp(argv[2], "put") == 0);
	count = strtoul(argv[3], NULL, 10);
	seconds = strtoull(argv[4], NULL, 10);
	connections = calloc(count, sizeof(*connections));
	poll = epoll_create1(EPOLL_CLOEXEC);
	if (connections == NULL || poll == -1)
		return 1;
	for (i = 0; i < count; i++)
		if (!open_connection(&connections[i], argv[1], poll)) {
			perror("connect");
			return 1;
		}
	if (!run(connections, count, poll, seconds)) {
		(void)fprintf(stderr, "an answer was not 200\n");
		return 1;
	}
	for (i = 0; i < SLOTS; i++)
		total += slots[i];
	(void)printf("%s connections %zu requests %llu rate %llu/s p50_us "
		     "%llu p99_us %llu\n",
	    argv[2], count, (unsigned long long)total,
	    (unsigned long long)(total / seconds),
	    (unsigned long long)quantile(total, 50),
	    (unsigned long long)quantile(total, 99));
	return 0;
}
