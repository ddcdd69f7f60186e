/*
 * Exchanges: the life of a request.
 *
 * STATES   reading    headers came, the body is being gathered
 *          begun      the handler ran; it has answered, or it is waiting
 *          waiting    the connection is suspended until a completion
 *          answered   the response is queued; libmicrohttpd sends it
 *
 * RULES    1. libmicrohttpd calls three times: once with the headers, then
 *             with pieces of body, then without; a resumed connection is
 *             called again.  A response is queued only from such a call.
 *          2. The connection is suspended only after the handler has
 *             returned without an answer, so a completion that comes at
 *             once costs neither suspending nor resuming.
 *          3. A request refused by its headers is answered before its body
 *             is read.  A body that grows past its limit is swallowed up to
 *             a second limit and refused with 413; past that the connection
 *             is cut.
 *          4. An exchange whose connection ends while it is waiting becomes
 *             an orphan, and is freed by its completion.
 *
 * NOT HERE What is answered (the handlers), who may connect (listener).
 */
#include "api/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/argument.h"
#include "api/late_http.h"
#include "api/route.h"
#include "api/server.h"
#include "base/clock.h"
#include "codec/text.h"

#define SPARES_MAX 1024
#define SWALLOW_MAX (8U << 20)

static struct exchange *
exchange_new(struct api *api, struct MHD_Connection *connection)
{
	struct exchange *x = api->spare;

	if (x != NULL) {
		api->spare = x->next;
		api->spare_count--;
		memset(x, 0, sizeof(*x));
	} else {
		x = calloc(1, sizeof(*x));
		if (x == NULL)
			return NULL;
	}
	x->api = api;
	x->connection = connection;
	x->timeout_ms = api->config.timeout_ms;
	x->began_us = clock_mono_us();
	return x;
}

static void
exchange_free(struct exchange *x)
{
	struct api *api = x->api;

	if (x->response != NULL)
		MHD_destroy_response(x->response);
	buf_fini(&x->body);
	if (api == NULL || api->spare_count == SPARES_MAX) {
		free(x);
		return;
	}
	x->next = api->spare;
	api->spare = x;
	api->spare_count++;
}

void
exchange_wait(struct exchange *x)
{
	struct api *api = x->api;

	AG_ASSERT(!x->is_waiting);
	x->is_waiting = true;
	x->previous = NULL;
	x->next = api->waiting;
	if (x->next != NULL)
		x->next->previous = x;
	api->waiting = x;
}

void
exchange_unwait(struct exchange *x)
{
	AG_ASSERT(x->is_waiting);
	x->is_waiting = false;
	if (x->api == NULL)
		return;
	if (x->previous != NULL)
		x->previous->next = x->next;
	else
		x->api->waiting = x->next;
	if (x->next != NULL)
		x->next->previous = x->previous;
	x->next = x->previous = NULL;
}

bool
exchange_wake(struct exchange *x)
{
	exchange_unwait(x);
	if (!x->is_orphan)
		return true;
	exchange_free(x);
	return false;
}

static void
resume(struct exchange *x)
{
	if (!x->is_suspended)
		return;
	x->is_suspended = false;
	api_resume(x->api, x->connection);
}

void
exchange_reply_with(struct exchange *x, unsigned int http,
    struct MHD_Response *response)
{
	AG_ASSERT(x->response == NULL);
	x->response = response;
	x->http = http;
	resume(x);
}

void
exchange_reply(struct exchange *x, unsigned int http, const char *content_type,
    struct bytes body)
{
	static char nothing[1];
	struct MHD_Response *response;
	/* libmicrohttpd copies, but takes a pointer that is not const. */
	void *data = nothing;

	if (body.len > 0)
		memcpy(&data, &body.data, sizeof(data));
	response = MHD_create_response_from_buffer(body.len, data,
	    MHD_RESPMEM_MUST_COPY);
	/* Without a response libmicrohttpd closes the connection. */
	if (response != NULL)
		(void)MHD_add_response_header(response,
		    MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	exchange_reply_with(x, http, response);
}

void
exchange_header(struct exchange *x, const char *name, const char *value)
{
	if (x->response != NULL)
		(void)MHD_add_response_header(x->response, name, value);
}

void
exchange_header_u64(struct exchange *x, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	exchange_header(x, name, text);
}

static struct emitter *
scratch_emitter(struct exchange *x)
{
	buf_clear(&x->api->out);
	emit_init(&x->api->emitter, &x->api->out);
	return &x->api->emitter;
}

struct emitter *
exchange_json_begin(struct exchange *x)
{
	struct emitter *e = scratch_emitter(x);

	emit_object_begin(e);
	emit_number_member(e, "v", 1);
	return e;
}

static void
reply_scratch(struct exchange *x, unsigned int http, const char *content_type)
{
	struct api *api = x->api;

	if (api->emitter.status == AG_OK) {
		exchange_reply(x, http, content_type, buf_bytes(&api->out));
		api_trim(&api->out);
		return;
	}
	/* The problem is short: it fits where the answer did not. */
	buf_fini(&api->out);
	exchange_problem(x, PROBLEM_INTERNAL,
	    api->emitter.status == AG_ELIMIT
		? "the answer is longer than an answer may be"
		: "out of memory");
}

void
exchange_json_end(struct exchange *x, unsigned int http)
{
	emit_object_end(&x->api->emitter);
	reply_scratch(x, http, "application/json");
}

struct emitter *
exchange_problem_begin(struct exchange *x, enum problem_kind kind,
    const char *detail)
{
	struct emitter *e = scratch_emitter(x);

	problem_begin(e, kind, detail);
	return e;
}

void
exchange_problem_end(struct exchange *x, enum problem_kind kind)
{
	emit_object_end(&x->api->emitter);
	exchange_reply(x, problem_http(kind), PROBLEM_CONTENT_TYPE,
	    buf_bytes(&x->api->out));
	api_trim(&x->api->out);
	if (kind == PROBLEM_BUSY)
		exchange_header(x, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

void
exchange_problem(struct exchange *x, enum problem_kind kind, const char *detail)
{
	(void)exchange_problem_begin(x, kind, detail);
	exchange_problem_end(x, kind);
}

void
exchange_problem_of_request(struct exchange *x, enum problem_kind kind,
    const char *detail)
{
	char id[REQUEST_ID_TEXT_BYTES];

	exchange_request_id(&x->id, id);
	emit_text_member(exchange_problem_begin(x, kind, detail), "request",
	    id);
	exchange_problem_end(x, kind);
}

void
exchange_fail(struct exchange *x, enum ag_status status,
    const struct ag_error *err)
{
	const bool has_text = err != NULL && err->text[0] != '\0';

	exchange_problem(x, problem_of_status(status),
	    has_text ? err->text : ag_status_text(status));
}

void
exchange_request_id(const struct node_request_id *id,
    char text[static REQUEST_ID_TEXT_BYTES])
{
	text_hex(text, REQUEST_ID_TEXT_BYTES,
	    bytes_of(id->principal, sizeof(id->principal)));
	(void)snprintf(text + 64, REQUEST_ID_TEXT_BYTES - 64, ".%" PRIu64,
	    id->number);
}

bool
exchange_parse_request_id(struct bytes text, struct node_request_id *id)
{
	if (text.len < 66 || text.data[64] != '.')
		return false;
	return text_hex_decode(id->principal, sizeof(id->principal),
		   bytes_of(text.data, 64)) == AG_OK &&
	    argument_parse_u64(bytes_of(text.data + 65, text.len - 65),
		&id->number);
}

bool
exchange_accepts(const struct exchange *x, const char *type)
{
	const char *accept = MHD_lookup_connection_value(x->connection,
	    MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

	return accept != NULL && strncasecmp(accept, type, strlen(type)) == 0;
}

static enum MHD_Result
count_framing(void *cls, enum MHD_ValueKind kind, const char *key,
    const char *value)
{
	unsigned *count = cls;

	(void)kind;
	(void)value;
	if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ||
	    strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
		(*count)++;
	return MHD_YES;
}

/* Two readers of such a request need not see the same body (RFC 9112, 6). */
static bool
has_two_lengths(const struct exchange *x)
{
	unsigned count = 0;

	(void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND,
	    count_framing, &count);
	return count > 1;
}

/* True when the headers alone are reason to refuse; x is then answered. */
static bool
refuses_headers(struct exchange *x, const char *url, const char *method)
{
	const union MHD_ConnectionInfo *info;
	bool is_path = false;
	char methods[64];

	info = MHD_get_connection_info(x->connection,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	if (info == NULL || info->socket_context == NULL) {
		exchange_problem(x, PROBLEM_DENIED,
		    "this user may not use the node's socket");
		return true;
	}
	if (has_two_lengths(x)) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "the length of the body is given more than once");
		return true;
	}
	x->route = route_find(method, url, &is_path);
	if (x->route == NULL && is_path) {
		exchange_problem(x, PROBLEM_METHOD,
		    "the path exists, but not with this method");
		route_methods(url, methods, sizeof(methods));
		exchange_header(x, MHD_HTTP_HEADER_ALLOW, methods);
		return true;
	}
	if (x->route == NULL) {
		exchange_problem(x, PROBLEM_NO_ROUTE,
		    "no such path; GET /v1/openapi.json lists them");
		return true;
	}
	return !argument_take_all(x);
}

/* Make room for a body of known length; false when it is over the limit. */
static bool
prepare_body(struct exchange *x)
{
	const char *text = MHD_lookup_connection_value(x->connection,
	    MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t len = 0;

	buf_init(&x->body, x->route->body_max);
	if (text == NULL)
		return true;
	if (!argument_parse_u64(bytes_from_text(text), &len) ||
	    len > x->route->body_max)
		return false;
	return len == 0 || buf_reserve(&x->body, (size_t)len) == AG_OK;
}

static void
problem_too_large(struct exchange *x)
{
	char detail[96];

	(void)snprintf(detail, sizeof(detail),
	    "%s %s takes a body of at most %zu bytes", x->route->method,
	    x->route->path, x->route->body_max);
	exchange_problem(x, PROBLEM_TOO_LARGE, detail);
}

static void
count_answer(struct exchange *x)
{
	struct api *api = x->api;
	const size_t class = x->http / 100 < 6 ? x->http / 100 : 0;

	metric_add(api->answers[class], 1);
	if (x->route != NULL)
		metric_observe_us(api->route_seconds[x->route - route_table],
		    clock_mono_us() - x->began_us);
}

static enum MHD_Result
queue_answer(struct exchange *x)
{
	enum MHD_Result result;

	if (x->response == NULL)
		return MHD_NO;
	count_answer(x);
	result = MHD_queue_response(x->connection, x->http, x->response);
	/* The one answer of /livez belongs to the API. */
	if (x->response != x->api->live)
		MHD_destroy_response(x->response);
	x->response = NULL;
	return result;
}

static enum MHD_Result
begin(struct api *api, struct MHD_Connection *connection, const char *url,
    const char *method, void **context)
{
	struct exchange *x = exchange_new(api, connection);

	if (x == NULL)
		return MHD_NO;
	*context = x;
	if (refuses_headers(x, url, method)) {
		x->is_begun = true;
		return queue_answer(x);
	}
	if (!prepare_body(x)) {
		x->is_begun = true;
		problem_too_large(x);
		return queue_answer(x);
	}
	return MHD_YES;
}

static enum MHD_Result
take_body(struct exchange *x, const char *piece, size_t *len)
{
	x->received += *len;
	if (x->received > x->route->body_max + SWALLOW_MAX)
		return MHD_NO;
	if (x->received <= x->route->body_max &&
	    buf_append(&x->body, piece, *len) != AG_OK)
		return MHD_NO;
	*len = 0;
	return MHD_YES;
}

enum MHD_Result
exchange_handle(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **context)
{
	struct exchange *x = *context;
	struct api *api = cls;

	(void)version;
	if (api->is_stopping && (x == NULL || !x->is_begun))
		return MHD_NO;
	if (x == NULL)
		return begin(api, connection, url, method, context);
	if (*upload_len > 0)
		return take_body(x, upload, upload_len);
	if (!x->is_begun) {
		x->is_begun = true;
		if (x->received > x->route->body_max)
			problem_too_large(x);
		else
			x->route->handle(x);
	}
	if (!x->is_waiting)
		return queue_answer(x);
	if (api->is_stopping)
		return MHD_NO;
	if (!x->is_suspended) {
		x->is_suspended = true;
		MHD_suspend_connection(connection);
	}
	return MHD_YES;
}

void
exchange_completed(void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *context;

	(void)cls;
	(void)connection;
	(void)why;
	*context = NULL;
	if (x == NULL)
		return;
	x->connection = NULL;
	x->is_suspended = false;
	if (x->is_waiting)
		x->is_orphan = true;
	else
		exchange_free(x);
}

void
exchange_resume_all(struct api *api)
{
	struct exchange *x;

	for (x = api->waiting; x != NULL; x = x->next)
		resume(x);
}

void
exchange_orphan_all(struct api *api)
{
	struct exchange *x, *next;

	for (x = api->waiting; x != NULL; x = next) {
		next = x->next;
		AG_ASSERT(x->is_orphan);
		x->api = NULL;
		x->next = x->previous = NULL;
	}
	api->waiting = NULL;
}

void
exchange_free_spares(struct api *api)
{
	struct exchange *x;

	while ((x = api->spare) != NULL) {
		api->spare = x->next;
		free(x);
	}
	api->spare_count = 0;
}
