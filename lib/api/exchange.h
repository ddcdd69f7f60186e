/*
 * One request and its answer, from the first header to the last byte.
 *
 * A handler runs when the whole request is there.  It answers at once, or
 * calls exchange_wait() and answers from a completion, on the loop's thread.
 *
 * Ownership  libmicrohttpd's connection holds the exchange; while a
 *            completion is awaited it outlives the connection.
 * Threads    the loop's.
 */
#ifndef AEGIS_API_EXCHANGE_H
#define AEGIS_API_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

#include "api/emit.h"
#include "api/problem.h"
#include "base/bytes.h"
#include "base/status.h"
#include "codec/operation.h"
#include "node/node.h"

#define ROUTE_ARGUMENTS_MAX 10
#define REQUEST_ID_TEXT_BYTES (64 + 1 + 20 + 1)

struct api;
struct route;

/* A half-open range of keys; no end when last is empty. */
struct key_range {
	uint8_t first[KEY_BYTES_MAX + 1];
	size_t first_len;
	uint8_t last[KEY_BYTES_MAX + 1];
	size_t last_len;
};

struct exchange {
	struct api *api; /* NULL once the API has stopped */
	struct MHD_Connection *connection;
	const struct route *route;
	struct bytes arguments[ROUTE_ARGUMENTS_MAX]; /* data NULL: absent */
	struct buf body;
	size_t received;
	uint32_t timeout_ms;
	uint64_t began_us;

	bool is_begun;     /* the handler ran */
	bool is_waiting;   /* a completion will come */
	bool is_suspended; /* the connection sleeps until it does */
	bool is_orphan;    /* the connection is gone, the completion is not */
	struct MHD_Response *response;
	unsigned int http;

	/* What handlers keep until their completion. */
	struct key_range range;
	struct node_request_id id;
	size_t limit;
	bool wants_raw;
	bool keys_only;
	bool is_single;
	bool is_at; /* a read at this sequence: */
	uint64_t at;

	struct exchange *next, *previous; /* among those waiting, or free */
};

/* A completion of the node or the work pool will come for x. */
void exchange_wait(struct exchange *x);

/* It did not start after all. */
void exchange_unwait(struct exchange *x);

/*
 * The completion came.  False when nobody is left to answer: x is gone.
 */
bool exchange_wake(struct exchange *x) AG_MUST_USE;

/* Begin a JSON answer {"v":1, in the API's scratch buffer. */
struct emitter *exchange_json_begin(struct exchange *x);

/* End the object and answer with it. */
void exchange_json_end(struct exchange *x, unsigned int http);

/* Answer with a copy of body. */
void exchange_reply(struct exchange *x, unsigned int http,
    const char *content_type, struct bytes body);

/* Answer with a response of libmicrohttpd's, which is taken over. */
void exchange_reply_with(struct exchange *x, unsigned int http,
    struct MHD_Response *response);

/* After a reply, from the same call. */
void exchange_header(struct exchange *x, const char *name, const char *value);
void exchange_header_u64(struct exchange *x, const char *name, uint64_t value);

/* Answer with a problem; detail may be err's text. */
void exchange_problem(struct exchange *x, enum problem_kind kind,
    const char *detail);
void exchange_fail(struct exchange *x, enum ag_status status,
    const struct ag_error *err);

/* The same in two steps, for members of the caller's between them. */
struct emitter *exchange_problem_begin(struct exchange *x,
    enum problem_kind kind, const char *detail);
void exchange_problem_end(struct exchange *x, enum problem_kind kind);

/* A problem with "request", to ask again with. */
void exchange_problem_of_request(struct exchange *x, enum problem_kind kind,
    const char *detail);

/* "hex.number"; parsed back by request_id_parse(). */
void exchange_request_id(const struct node_request_id *id,
    char text[static REQUEST_ID_TEXT_BYTES]);
bool exchange_parse_request_id(struct bytes text, struct node_request_id *id);

/* True when the request's Accept header begins with type. */
bool exchange_accepts(const struct exchange *x, const char *type);

/* libmicrohttpd's callbacks; cls is the struct api. */
enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_len, void **context);
void exchange_completed(void *cls, struct MHD_Connection *connection,
    void **context, enum MHD_RequestTerminationCode why);

/* Cut all waiting exchanges loose: the API is about to go. */
void exchange_resume_all(struct api *api);
void exchange_orphan_all(struct api *api);
void exchange_free_spares(struct api *api);

#endif
