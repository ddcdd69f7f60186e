/*
 * Load on AEGIS: HTTP/1.1 over the nodes' Unix sockets, a connection for each
 * client, kept alive.
 *
 * RULES    1. A client with a connection to every node (there are fewer
 *             clients than nodes) has one request in flight all the same.
 *          2. Anything but 200 is a failure, and its answer the reason; the
 *             connection goes on if it can.
 */
#include "bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_BYTES 4096
#define REQUEST_BYTES (LOAD_VALUE_BYTES_MAX + 256)

struct connection {
	struct connection *next; /* of the same client: who asks after us */
	int fd;
	size_t len;
	struct load_request request;
	char answer[ANSWER_BYTES];
};

static struct connection *connections;
static size_t connection_count;

/* base64url without padding. */
static void
encode_key(char *out, const char *key)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				     "nopqrstuvwxyz0123456789-_";
	size_t len = strlen(key), i;
	uint32_t bits = 0;
	unsigned int have = 0;

	for (i = 0; i < len; i++) {
		bits = bits << 8 | (uint8_t)key[i];
		for (have += 8; have >= 6; have -= 6)
			*out++ = digits[bits >> (have - 6) & 63];
	}
	if (have > 0)
		*out++ = digits[bits << (6 - have) & 63];
	*out = '\0';
}

static size_t
make_request(const struct load *load, const char *name, char *out)
{
	char key[2 * LOAD_KEY_BYTES];

	if (load->is_get)
		return (size_t)snprintf(out, REQUEST_BYTES,
		    "GET /livez HTTP/1.1\r\nHost: aegis\r\n\r\n");
	encode_key(key, name);
	return (size_t)snprintf(out, REQUEST_BYTES,
	    "PUT /v1/kv?key=%s HTTP/1.1\r\nHost: aegis\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    key, load->value_bytes, load->value);
}

static void
ask(struct load *load, struct connection *c)
{
	char text[REQUEST_BYTES];
	size_t len;

	if (!load_begin(load, &c->request))
		return;
	c->len = 0;
	len = make_request(load, c->request.name, text);
	if (send(c->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		load_end(load, &c->request, "the node took no request");
}

static bool
open_connection(const struct load *load, struct connection *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		path) >= sizeof(address.sun_path)) {
		(void)fprintf(stderr, "load aegis: %s is too long\n", path);
		return false;
	}
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd != -1 &&
	    connect(c->fd, (const struct sockaddr *)&address,
		sizeof(address)) == 0 &&
	    load_watch(load, c->fd, EPOLLIN, c, true))
		return true;
	(void)fprintf(stderr, "load aegis: connect to %s: %s\n", path,
	    strerrordesc_np(errno));
	return false;
}

static bool
aegis_open(struct load *load)
{
	const bool rotates = load->clients < load->endpoint_count;
	const size_t each = rotates ? load->endpoint_count : 1;
	size_t i, client;

	connection_count = load->clients * each;
	connections = calloc(connection_count, sizeof(*connections));
	if (connections == NULL)
		return false;
	for (i = 0; i < connection_count; i++)
		connections[i].fd = -1;
	for (i = 0; i < connection_count; i++) {
		client = i / each;
		connections[i].next =
		    &connections[client * each + (i + 1) % each];
		if (!open_connection(load, &connections[i],
			load->endpoints[i % load->endpoint_count]))
			return false;
	}
	for (client = 0; client < load->clients; client++)
		ask(load, &connections[client * each]);
	return true;
}

/* Whether the whole answer is there. */
static bool
is_answered(struct connection *c)
{
	const char *end, *length;

	c->answer[c->len] = '\0';
	end = strstr(c->answer, "\r\n\r\n");
	if (end == NULL)
		return false;
	length = strstr(c->answer, "Content-Length: ");
	return length == NULL ||
	    c->len >= (size_t)(end + 4 - c->answer) +
		strtoul(length + strlen("Content-Length: "), NULL, 10);
}

static bool
aegis_serve(struct load *load, void *arg, uint32_t events)
{
	struct connection *c = arg;
	ssize_t len =
	    recv(c->fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len, 0);
	bool is_good;

	(void)events;
	if (len <= 0) {
		(void)fprintf(stderr, "load aegis: the node hung up\n");
		return false;
	}
	c->len += (size_t)len;
	if (!is_answered(c))
		return true;
	is_good = strncmp(c->answer, "HTTP/1.1 200", 12) == 0;
	load_end(load, &c->request, is_good ? NULL : c->answer);
	ask(load, c->next);
	return true;
}

static bool
aegis_end_turn(struct load *load)
{
	(void)load;
	return true;
}

static void
aegis_close(struct load *load)
{
	size_t i;

	(void)load;
	for (i = 0; i < connection_count; i++)
		if (connections[i].fd != -1)
			(void)close(connections[i].fd);
	free(connections);
}

const struct load_target load_aegis = {
	.name = "aegis",
	.open = aegis_open,
	.serve = aegis_serve,
	.end_turn = aegis_end_turn,
	.close = aegis_close,
};
