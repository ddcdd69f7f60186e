/*
 * A connection to a node that never waits: for callers that keep very many
 * requests under way and drive them by poll or epoll.
 *
 *	connection_ask(c, &request, NULL, &err);
 *	…its descriptor is ready: status = connection_serve(c, &err);
 *
 * Ownership  the connection is the caller's; connection_fini() closes it and
 *            returns its memory.
 * Threads    one at a time.
 */
#ifndef AEGIS_CLIENT_CONNECTION_H
#define AEGIS_CLIENT_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "client/client.h"

struct connection {
	int fd; /* -1: not open */
	struct buf out;
	size_t sent; /* of out */
	struct buf in;
	struct sse_parser *events; /* where a stream goes; NULL: no stream */
	size_t head_len;           /* 0: the head is not whole */
	size_t body_len;
	int http; /* the newest answer's status */
};

void connection_init(struct connection *c);
void connection_fini(struct connection *c);

/*
 * Dial, for at most two seconds.  Statuses are those of client_call() for a
 * node that is not there.
 */
enum ag_status connection_open(struct connection *c, const char *socket_path,
    struct ag_error *err) AG_MUST_USE;

/* Hang up; what was asked is forgotten, and it can be opened again. */
void connection_close(struct connection *c);

/*
 * Send a request, or as much of it as goes at once; one may be under way at a
 * time.  With events, which the caller keeps, a 2xx answer is a stream that
 * goes there and does not end.
 */
enum ag_status connection_ask(struct connection *c,
    const struct client_request *request, struct sse_parser *events,
    struct ag_error *err) AG_MUST_USE;

/* Whether more of the request is to be sent when that is possible. */
static inline bool
connection_wants_write(const struct connection *c)
{
	return c->sent < c->out.len;
}

/*
 * Go on with what is under way.  AG_OK: answered; http and connection_body()
 * are good until the next question.
 * AG_EAGAIN    not yet
 * AG_EUNREACH  the node hung up; the request may have been executed
 * AG_EPROTO    what answers is not a node
 * AG_ELIMIT    the answer is longer than CLIENT_ANSWER_MAX
 */
enum ag_status connection_serve(struct connection *c,
    struct ag_error *err) AG_MUST_USE;

struct bytes connection_body(const struct connection *c);

#endif
