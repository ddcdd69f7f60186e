/*
 * The other end of the API: a node asked over its Unix socket.
 *
 * Calls block; who must not wait has a thread and a client of its own.
 *
 * Ownership  client_new() hands out a handle, client_free() takes it back;
 *            answers are the caller's.
 * Threads    a client belongs to one thread, but any thread may call
 *            client_interrupt().
 */
#ifndef AEGIS_CLIENT_CLIENT_H
#define AEGIS_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "client/sse.h"
#include "client/target.h"

#define CLIENT_TIMEOUT_MS 5000
#define CLIENT_REQUEST_ID_BYTES 128

/* No answer but a download is longer. */
#define CLIENT_ANSWER_MAX (16U << 20)

struct client;

/* AG_EINVAL when socket_path cannot be one; nothing is dialled yet. */
enum ag_status client_new(struct client **out, const char *socket_path,
    struct ag_error *err) AG_MUST_USE;
void client_free(struct client *client);

/*
 * End the call that runs, or the next one if none does, with AG_EAGAIN.
 * From any thread; not from signal handlers.
 */
void client_interrupt(struct client *client);

struct client_request {
	const char *method; /* NULL: GET */
	const struct target *target;
	const char *accept;       /* NULL: JSON */
	const char *content_type; /* of body */
	struct bytes body;
	bool has_body;
	uint32_t timeout_ms; /* 0: CLIENT_TIMEOUT_MS */
};

struct client_answer {
	int http; /* 0: no answer came */
	int exit; /* what the node says to exit with; -1: it did not say */
	char request[CLIENT_REQUEST_ID_BYTES]; /* to ask with again, or "" */
	char content_type[64];
	uint64_t version, modified, seq; /* Aegis-* headers, or 0 */
	struct buf body;                 /* JSON, or as asked */
};

void client_answer_init(struct client_answer *answer);
void client_answer_fini(struct client_answer *answer);

/*
 * Ask.  AG_OK for a 2xx answer; otherwise what the node's problem says,
 * with its detail in err, or
 * AG_EUNREACH  nobody listens; nothing was sent
 * AG_ETIMEOUT  nothing happened: not sent in time, or only a read
 * AG_EUNKNOWN  a change was sent and no answer came
 * AG_EDENIED   the socket's mode or the node refuses this user
 * AG_EPROTO    what answered is not a node
 */
enum ag_status client_call(struct client *client,
    const struct client_request *request, struct client_answer *answer,
    struct ag_error *err) AG_MUST_USE;

/* GET a path that needs no query, "/v1/status". */
enum ag_status client_get(struct client *client, const char *path,
    struct client_answer *answer, struct ag_error *err) AG_MUST_USE;

/* Return AG_OK to go on; anything else ends the download with it. */
typedef enum ag_status client_piece_fn(void *arg, struct bytes piece,
    struct ag_error *err);

/*
 * As client_call(), but a 2xx body goes to fn piece by piece and has no
 * bound.  timeout_ms bounds each wait for the next piece.  A body cut short
 * is AG_EUNREACH.
 */
enum ag_status client_download(struct client *client,
    const struct client_request *request, struct client_answer *answer,
    client_piece_fn *fn, void *arg, struct ag_error *err) AG_MUST_USE;

/* why is NULL when the stream is up, else a sentence why it is not. */
typedef void client_watch_state_fn(void *arg, const char *why);

struct client_watch {
	const struct target *target;
	const char *last_id; /* resume after this event; NULL: do not */
	bool keep_trying;    /* also when the first attempt fails */
	sse_event_fn *event; /* false ends the watch with AG_OK */
	client_watch_state_fn *state; /* may be NULL */
	void *arg;
};

/*
 * Follow a stream of events.  When it breaks it is resumed after the last
 * event seen, with growing pauses; a problem that repeating cannot mend
 * (gone, denied, wrong) ends it.
 */
enum ag_status client_watch(struct client *client,
    const struct client_watch *watch, struct ag_error *err) AG_MUST_USE;

#endif
