/*
 * Many callers that write without pause and believe nobody: crowd CLIENTS
 * SEED SOCKET...
 *
 * Each key has one writer, which never has two writes of it under way, and
 * many readers.  What such a key may answer is known at every moment, so
 * each answer is judged when it comes and nothing needs to be written down:
 * millions of operations are as easy as ten.
 *
 * It is told on stdin, a line each, and answers with "done" and four numbers:
 * writes acknowledged, failed and unknown, and reads answered.
 *
 *	counts	how far it is
 *	stop	begin nothing more, wait for what is under way, then read every
 *		key that was ever written: the end
 *
 * Its first word is "up".  It ends with 1 and a line on stderr when an answer
 * cannot be true, or a key cannot be read for LAST_US.
 *
 * RULES    1. A value is its version: a write says which version it makes,
 *             and the answer and all readers must agree.  So a write that
 *             took effect twice, or though it had failed, is seen at once.
 *          2. A read sees nothing older than what was acknowledged, or was
 *             read, before it began, and nothing that was not begun before
 *             it ended.  For one writer that is linearizability (Lamport's
 *             atomic register).
 *          3. A write of unknown outcome may take effect at any time, so it
 *             is the last of its key; the writer goes on with another.
 *          4. Sequence numbers answered follow real time, over all keys.
 *
 * NOT HERE Keys that many write, and several keys at once: load.py.
 */
#include <errno.h>
#include <stdarg.h>
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

#define CLIENTS_MAX 512
#define KEYS_OF_EACH 8
#define EVENTS 64
#define ANSWER_BYTES 4096
#define VALUE_BYTES 64
#define TIMEOUT_MS 5000
#define GIVE_UP_US UINT64_C(8000000)
#define AGAIN_US UINT64_C(20000)
#define LAST_US UINT64_C(60000000)

struct key {
	uint64_t begun; /* the version the newest write makes */
	uint64_t least; /* acknowledged or read */
	bool is_over;   /* its last write is of unknown outcome */
};

enum client_state { CLIENT_IDLE, CLIENT_ASKING, CLIENT_OVER };

struct client {
	enum client_state state;
	int fd;
	size_t node;
	size_t keys[KEYS_OF_EACH];
	size_t key; /* of the request */
	bool is_write;
	uint64_t version; /* it makes, or the least it may see */
	uint64_t floor;   /* sequence answered before it began */
	uint64_t began_us, again_us;
	size_t turn, len;
	char answer[ANSWER_BYTES];
};

static struct crowd {
	const char *const *sockets;
	size_t socket_count;
	size_t client_count;
	struct client clients[CLIENTS_MAX];
	struct key *keys;
	size_t key_count, key_room;
	size_t next_check; /* the key to read next at the end */
	bool is_stopping;
	uint64_t stopped_us, now_us, random, high;
	uint64_t acknowledged, failed, unknown, reads;
	int poll;
} crowd;

__attribute__((format(printf, 1, 2), noreturn)) static void
fail(const char *format, ...)
{
	va_list ap;

	(void)fputs("crowd: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

/* SplitMix64. */
static size_t
dice(size_t below)
{
	uint64_t z = crowd.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((z ^ z >> 31) % below);
}

static size_t
new_key(void)
{
	if (crowd.key_count == crowd.key_room) {
		crowd.key_room =
		    crowd.key_room == 0 ? 1024 : 2 * crowd.key_room;
		crowd.keys =
		    realloc(crowd.keys, crowd.key_room * sizeof(*crowd.keys));
		if (crowd.keys == NULL)
			fail("no memory for keys");
	}
	crowd.keys[crowd.key_count] = (struct key){ 0 };
	return crowd.key_count++;
}

/* --- one request --- */

/* base64url of "crowd/" and eight digits, which needs no padding cut. */
static void
encode_key(size_t key, char out[static 32])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				     "nopqrstuvwxyz0123456789-_";
	char name[24];
	size_t i;

	(void)snprintf(name, sizeof(name), "crowd/%09zu", key);
	for (i = 0; i < 15; i += 3) {
		const uint32_t three = (uint32_t)(uint8_t)name[i] << 16 |
		    (uint32_t)(uint8_t)name[i + 1] << 8 | (uint8_t)name[i + 2];

		*out++ = digits[three >> 18 & 63];
		*out++ = digits[three >> 12 & 63];
		*out++ = digits[three >> 6 & 63];
		*out++ = digits[three & 63];
	}
	*out = '\0';
}

static bool
client_connect(struct client *c)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct epoll_event event = { .events = EPOLLIN };

	if (c->fd != -1)
		return true;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	    crowd.sockets[c->node]);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	event.data.ptr = c;
	if (c->fd != -1 &&
	    connect(c->fd, (const struct sockaddr *)&address,
		sizeof(address)) == 0 &&
	    epoll_ctl(crowd.poll, EPOLL_CTL_ADD, c->fd, &event) == 0)
		return true;
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	return false;
}

/* Elsewhere, a little later: what was refused here may be done there. */
static void
client_move(struct client *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	c->node = dice(crowd.socket_count);
	c->state = CLIENT_IDLE;
	c->again_us = crowd.now_us + AGAIN_US;
}

static size_t
write_request(const struct client *c, char *out, size_t room)
{
	char key[32], value[VALUE_BYTES + 1];
	int len;

	encode_key(c->key, key);
	if (!c->is_write)
		return (size_t)snprintf(out, room,
		    "GET /v1/kv?key=%s HTTP/1.1\r\nHost: aegis\r\n"
		    "Aegis-Timeout-Ms: %d\r\n"
		    "Accept: application/octet-stream\r\n\r\n",
		    key, TIMEOUT_MS);
	len = snprintf(value, sizeof(value), "%llu ",
	    (unsigned long long)c->version);
	memset(value + len, '.', sizeof(value) - 1 - (size_t)len);
	value[VALUE_BYTES] = '\0';
	return (size_t)snprintf(out, room,
	    "PUT /v1/kv?key=%s HTTP/1.1\r\nHost: aegis\r\n"
	    "Aegis-Timeout-Ms: %d\r\nContent-Length: %d\r\n\r\n%s",
	    key, TIMEOUT_MS, VALUE_BYTES, value);
}

static void
begin_write(struct client *c)
{
	size_t *slot = &c->keys[c->turn++ % KEYS_OF_EACH];

	if (crowd.keys[*slot].is_over)
		*slot = new_key();
	c->key = *slot;
	c->is_write = true;
	c->version = crowd.keys[c->key].least + 1;
	crowd.keys[c->key].begun = c->version;
}

static void
begin_read(struct client *c, size_t key)
{
	c->key = key;
	c->is_write = false;
	c->version = crowd.keys[key].least;
}

/* What to ask next; false: nothing more. */
static bool
choose(struct client *c)
{
	if (!crowd.is_stopping && dice(8) != 0)
		begin_write(c);
	else if (!crowd.is_stopping)
		begin_read(c, dice(crowd.key_count));
	else if (crowd.next_check < crowd.key_count)
		begin_read(c, crowd.next_check++);
	else
		return false;
	return true;
}

/* Nothing has happened, nor will it: the next write makes this version. */
static void
refused(const struct client *c)
{
	struct key *key = &crowd.keys[c->key];

	if (key->least >= c->version)
		fail("key %zu: version %llu was read, and its write refused",
		    c->key, (unsigned long long)c->version);
	key->begun = c->version - 1;
	crowd.failed++;
}

static void
client_send(struct client *c)
{
	char request[512];
	const size_t len = write_request(c, request, sizeof(request));

	c->floor = crowd.high;
	c->began_us = crowd.now_us;
	c->len = 0;
	c->state = CLIENT_ASKING;
	/* A node that takes part of so little is not there any more. */
	if (send(c->fd, request, len, MSG_NOSIGNAL) == (ssize_t)len)
		return;
	if (c->is_write)
		refused(c);
	else if (crowd.is_stopping && crowd.next_check > c->key)
		crowd.next_check = c->key; /* and those behind it, once more */
	client_move(c);
}

static void
client_begin(struct client *c)
{
	if (!client_connect(c))
		client_move(c);
	else if (!choose(c))
		c->state = CLIENT_OVER;
	else
		client_send(c);
}

/* --- its answer --- */

static uint64_t
number_after(const char *answer, const char *name)
{
	const char *at = strstr(answer, name);

	if (at == NULL)
		fail("no %s in: %s", name, answer);
	return strtoull(at + strlen(name), NULL, 10);
}

static void
judge_seq(const struct client *c, uint64_t seq)
{
	if (seq < c->floor || (c->is_write && seq == c->floor))
		fail("key %zu: sequence %llu after %llu had been answered",
		    c->key, (unsigned long long)seq,
		    (unsigned long long)c->floor);
	if (seq > crowd.high)
		crowd.high = seq;
}

static void
judge_write(const struct client *c)
{
	struct key *key = &crowd.keys[c->key];
	const uint64_t version = number_after(c->answer, "\"version\":\"");

	judge_seq(c, number_after(c->answer, "\"seq\":\""));
	if (version != c->version)
		fail("key %zu: version %llu was written as version %llu",
		    c->key, (unsigned long long)c->version,
		    (unsigned long long)version);
	if (version > key->least)
		key->least = version;
	crowd.acknowledged++;
}

static void
judge_read(const struct client *c, bool is_there)
{
	struct key *key = &crowd.keys[c->key];
	const char *body = strstr(c->answer, "\r\n\r\n");
	uint64_t value = 0;

	judge_seq(c, number_after(c->answer, "Aegis-Seq: "));
	if (is_there) {
		value = strtoull(body + 4, NULL, 10);
		if (value != number_after(c->answer, "Aegis-Version: "))
			fail("key %zu has value and version differ: %s", c->key,
			    c->answer);
	}
	if (value < c->version || value > key->begun)
		fail("key %zu: read version %llu at %s, of %llu "
		     "acknowledged or read before, %llu begun",
		    c->key, (unsigned long long)value, crowd.sockets[c->node],
		    (unsigned long long)c->version,
		    (unsigned long long)key->begun);
	if (value > key->least)
		key->least = value;
	crowd.reads++;
}

/* Nobody knows: the key has no more writes, but its readers still judge. */
static void
lose(struct client *c)
{
	if (c->is_write) {
		crowd.keys[c->key].is_over = true;
		crowd.unknown++;
	} else if (crowd.is_stopping && crowd.next_check > c->key) {
		crowd.next_check = c->key;
	}
	client_move(c);
}

static void
client_judge(struct client *c)
{
	const unsigned long status = strtoul(c->answer + 9, NULL, 10);

	c->state = CLIENT_IDLE;
	c->again_us = 0;
	if (status == 200 && c->is_write) {
		judge_write(c);
	} else if (status == 200 || (status == 404 && !c->is_write)) {
		judge_read(c, status == 200);
	} else if (status == 504 ||
	    (!c->is_write && (status == 503 || status == 429))) {
		lose(c);
	} else if (status == 503 || status == 429) {
		refused(c);
		client_move(c);
	} else {
		fail("answered: %s", c->answer);
	}
}

static bool
is_answered(const struct client *c)
{
	const char *end = strstr(c->answer, "\r\n\r\n");
	const char *length = strstr(c->answer, "Content-Length: ");

	if (end == NULL)
		return false;
	return length == NULL ||
	    c->len >= (size_t)(end + 4 - c->answer) +
		strtoul(length + strlen("Content-Length: "), NULL, 10);
}

static void
client_read(struct client *c)
{
	const ssize_t len =
	    recv(c->fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len, 0);

	if (len == -1 && errno == EAGAIN)
		return;
	if (len <= 0) {
		if (c->state == CLIENT_ASKING)
			lose(c);
		else
			client_move(c);
		return;
	}
	c->len += (size_t)len;
	c->answer[c->len] = '\0';
	if (c->state == CLIENT_ASKING && is_answered(c))
		client_judge(c);
}

/* --- the whole --- */

static void
tell(void)
{
	(void)printf("done %llu %llu %llu %llu\n",
	    (unsigned long long)crowd.acknowledged,
	    (unsigned long long)crowd.failed, (unsigned long long)crowd.unknown,
	    (unsigned long long)crowd.reads);
	(void)fflush(stdout);
}

static void
take_order(void)
{
	char line[64];
	const ssize_t len = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (len <= 0) { /* who started it has gone */
		if (!crowd.is_stopping)
			exit(0);
		(void)epoll_ctl(crowd.poll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
		return;
	}
	line[len] = '\0';
	if (strcmp(line, "counts\n") == 0) {
		tell();
	} else if (strcmp(line, "stop\n") == 0) {
		crowd.is_stopping = true;
		crowd.stopped_us = crowd.now_us;
	} else {
		fail("not understood: %s", line);
	}
}

/* Begin what is due; false when all clients are done. */
static bool
begin_due(void)
{
	size_t i, over = 0;

	for (i = 0; i < crowd.client_count; i++) {
		struct client *c = &crowd.clients[i];

		if (c->state == CLIENT_ASKING &&
		    c->began_us + GIVE_UP_US < crowd.now_us)
			lose(c);
		if (c->state == CLIENT_IDLE && c->again_us <= crowd.now_us)
			client_begin(c);
		/* Another may have left a key to be read once more. */
		if (c->state == CLIENT_OVER &&
		    crowd.next_check < crowd.key_count)
			client_begin(c);
		over += c->state == CLIENT_OVER;
	}
	if (crowd.is_stopping && crowd.now_us > crowd.stopped_us + LAST_US)
		fail("keys are not read %llu s after the end",
		    (unsigned long long)(LAST_US / 1000000));
	return over < crowd.client_count;
}

static void
turn(void)
{
	struct epoll_event events[EVENTS];
	const int count = epoll_wait(crowd.poll, events, EVENTS, 10);
	int i;

	crowd.now_us = clock_mono_us();
	for (i = 0; i < count; i++) {
		struct client *c = events[i].data.ptr;

		if (c == NULL)
			take_order();
		else if (c->fd != -1)
			client_read(c);
	}
}

int
main(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLIN };
	size_t i, slot;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: crowd CLIENTS SEED SOCKET...\n");
		return 2;
	}
	crowd.client_count = strtoul(argv[1], NULL, 10);
	if (crowd.client_count == 0 || crowd.client_count > CLIENTS_MAX)
		fail("clients are 1 to %d", CLIENTS_MAX);
	crowd.random = strtoull(argv[2], NULL, 10);
	crowd.sockets = (const char *const *)argv + 3;
	crowd.socket_count = (size_t)argc - 3;
	crowd.poll = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < crowd.client_count; i++) {
		crowd.clients[i].fd = -1;
		crowd.clients[i].node = i % crowd.socket_count;
		for (slot = 0; slot < KEYS_OF_EACH; slot++)
			crowd.clients[i].keys[slot] = new_key();
	}
	if (crowd.poll == -1 ||
	    epoll_ctl(crowd.poll, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0)
		fail("watch stdin");
	(void)puts("up");
	(void)fflush(stdout);
	crowd.now_us = clock_mono_us();
	while (begin_due())
		turn();
	tell();
	return 0;
}
