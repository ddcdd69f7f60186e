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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "client/connection.h"

struct caller {
	struct caller *next; /* of the same client: who asks after us */
	struct connection connection;
	struct load_request request;
	char reason[LOAD_REASON_BYTES];
};

static struct caller *callers;
static size_t caller_count;

static void
ask(struct load *load, struct caller *c)
{
	struct client_request request = { .method = "PUT",
		.body = bytes_of(load->value, load->value_bytes),
		.has_body = true };
	struct target target;

	if (!load_begin(load, &c->request))
		return;
	target_init(&target, load->is_get ? "/livez" : "/v1/kv");
	request.target = &target;
	if (load->is_get)
		request = (struct client_request){ .target = &target };
	else
		target_add_bytes(&target, "key",
		    bytes_from_text(c->request.name));
	/* What load_watch() waits for is answers alone. */
	if (connection_ask(&c->connection, &request, NULL, NULL) != AG_OK ||
	    connection_wants_write(&c->connection))
		load_end(load, &c->request, "the node took no request");
}

static bool
open_caller(const struct load *load, struct caller *c, const char *path)
{
	struct ag_error err;

	if (connection_open(&c->connection, path, &err) == AG_OK)
		return load_watch(load, c->connection.fd, EPOLLIN, c, true);
	(void)fprintf(stderr, "load aegis: %s\n", err.text);
	return false;
}

static bool
aegis_open(struct load *load)
{
	const bool rotates = load->clients < load->endpoint_count;
	const size_t each = rotates ? load->endpoint_count : 1;
	size_t i, client;

	caller_count = load->clients * each;
	callers = calloc(caller_count, sizeof(*callers));
	if (callers == NULL)
		return false;
	for (i = 0; i < caller_count; i++)
		connection_init(&callers[i].connection);
	for (i = 0; i < caller_count; i++) {
		client = i / each;
		callers[i].next = &callers[client * each + (i + 1) % each];
		if (!open_caller(load, &callers[i],
			load->endpoints[i % load->endpoint_count]))
			return false;
	}
	for (client = 0; client < load->clients; client++)
		ask(load, &callers[client * each]);
	return true;
}

/* What a failure is told with. */
static const char *
reason_of(struct caller *c)
{
	const struct bytes body = connection_body(&c->connection);

	(void)snprintf(c->reason, sizeof(c->reason), "%d %.*s",
	    c->connection.http, (int)(body.len > 200 ? 200 : body.len),
	    (const char *)body.data);
	return c->reason;
}

static bool
aegis_serve(struct load *load, void *arg, uint32_t events)
{
	struct caller *c = arg;
	struct ag_error err;
	enum ag_status status = connection_serve(&c->connection, &err);

	(void)events;
	if (status == AG_EAGAIN)
		return true;
	if (status != AG_OK) {
		(void)fprintf(stderr, "load aegis: %s\n", err.text);
		return false;
	}
	load_end(load, &c->request,
	    c->connection.http == 200 ? NULL : reason_of(c));
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
	for (i = 0; i < caller_count; i++)
		connection_fini(&callers[i].connection);
	free(callers);
}

const struct load_target load_aegis = {
	.name = "aegis",
	.open = aegis_open,
	.serve = aegis_serve,
	.end_turn = aegis_end_turn,
	.close = aegis_close,
};
