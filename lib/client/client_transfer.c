/*
 * Transfers, on libcurl.
 *
 * STATES   A transfer is added to the client's multi handle, driven until it
 *          ends or the client is interrupted, and taken out; the connection
 *          stays for the next one.
 *
 * RULES    1. A change whose answer did not come is AG_EUNKNOWN, never a
 *             plain failure: it may have happened.
 *          2. The node is told the time limit and given a second more to
 *             answer, so that it is the node that says "outcome unknown",
 *             with the request's id.
 *          3. Everything kept of an answer is bounded.
 *          4. No proxy, no redirect, no other protocol, whatever the
 *             environment says: the socket is the only way.
 */
#include "client/client_transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/client_problem.h"

#define ANSWER_GRACE_MS 1000
#define CONNECT_TIMEOUT_MS 2000
#define POLL_MS 1000
#define PROBLEM_BYTES_MAX (64U << 10)

static void
answer_clear(struct client_answer *answer)
{
	struct buf body = answer->body;

	buf_clear(&body);
	*answer = (struct client_answer){ .exit = -1, .body = body };
}

/* The value of "Name: value" when line has that name, else NULL. */
static const char *
header_value(const char *line, const char *name)
{
	const size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

static void
take_header(struct client_answer *answer, const char *line)
{
	const char *value;

	if ((value = header_value(line, "Aegis-Version")) != NULL)
		answer->version = strtoull(value, NULL, 10);
	else if ((value = header_value(line, "Aegis-Modified")) != NULL)
		answer->modified = strtoull(value, NULL, 10);
	else if ((value = header_value(line, "Aegis-Seq")) != NULL)
		answer->seq = strtoull(value, NULL, 10);
	else if ((value = header_value(line, "Content-Type")) != NULL)
		(void)snprintf(answer->content_type,
		    sizeof(answer->content_type), "%.*s",
		    (int)strcspn(value, "\r\n"), value);
	else if ((value = header_value(line, "Aegis-Request")) != NULL)
		(void)snprintf(answer->request, sizeof(answer->request), "%.*s",
		    (int)strcspn(value, "\r\n"), value);
}

static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
	struct client_transfer *t = arg;
	char line[512];
	const size_t len = size * count;

	if (len < sizeof(line)) {
		memcpy(line, data, len);
		line[len] = '\0';
		take_header(t->answer, line);
	}
	return len;
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	const struct bytes piece = bytes_of(data, size * count);
	struct client_transfer *t = arg;
	struct buf *body = &t->answer->body;
	long http = 0;

	(void)curl_easy_getinfo(t->client->easy, CURLINFO_RESPONSE_CODE, &http);
	if (http / 100 == 2 && t->piece != NULL)
		t->piece_status = t->piece(t->arg, piece, t->err);
	else if (http / 100 != 2 && body->len + piece.len > PROBLEM_BYTES_MAX)
		t->piece_status = AG_ELIMIT;
	else
		t->piece_status = buf_append(body, piece.data, piece.len);
	return t->piece_status == AG_OK ? piece.len : 0;
}

/* False when memory is refused. */
static bool
add_header(struct client_transfer *t, const char *name, const char *value)
{
	struct curl_slist *more;
	char line[256];

	(void)snprintf(line, sizeof(line), "%s: %s", name, value);
	more = curl_slist_append(t->headers, line);
	if (more != NULL)
		t->headers = more;
	return more != NULL;
}

static bool
set_headers(struct client_transfer *t, const struct client_request *request,
    uint32_t timeout_ms, const char *last_id)
{
	char number[16];
	bool ok;

	(void)snprintf(number, sizeof(number), "%" PRIu32, timeout_ms);
	ok = add_header(t, "Aegis-Timeout-Ms", number) &&
	    add_header(t, "Accept",
		request->accept != NULL ? request->accept : "application/json");
	if (request->has_body)
		ok = ok &&
		    add_header(t, "Content-Type",
			request->content_type != NULL
			    ? request->content_type
			    : "application/octet-stream");
	if (last_id != NULL && last_id[0] != '\0')
		ok = ok && add_header(t, "Last-Event-ID", last_id);
	return ok;
}

static void
set_method(CURL *easy, const struct client_request *request)
{
	if (request->method != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
		    request->method);
	if (!request->has_body)
		return;
	(void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
	    request->body.len > 0 ? (const char *)request->body.data : "");
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)request->body.len);
}

/* A stream has no end to wait for: only silence ends it. */
static void
set_limits(CURL *easy, uint32_t timeout_ms, bool is_stream)
{
	const long limit = (long)timeout_ms + ANSWER_GRACE_MS;

	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)CONNECT_TIMEOUT_MS);
	if (!is_stream) {
		(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit);
		return;
	}
	(void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
	    (limit + 999) / 1000);
}

static void
set_transport(struct client *client, struct client_transfer *t, const char *url)
{
	CURL *easy = client->easy;

	curl_easy_reset(easy);
	(void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH,
	    client->socket_path);
	(void)curl_easy_setopt(easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
}

/* True when the transfer has ended and its result is known. */
static bool
take_result(struct client_transfer *t)
{
	const CURLMsg *message;
	int left;

	while (
	    (message = curl_multi_info_read(t->client->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		t->result = message->data.result;
		return true;
	}
	return false;
}

/* Drive the transfer to its end.  AG_EAGAIN when interrupted. */
static enum ag_status
run_transfer(struct client_transfer *t)
{
	struct client *client = t->client;
	enum ag_status status = AG_OK;
	int running;

	if (curl_multi_add_handle(client->multi, client->easy) != CURLM_OK)
		return AG_ENOMEM;
	for (;;) {
		if (atomic_exchange(&client->is_interrupted, false)) {
			status = AG_EAGAIN;
			break;
		}
		if (curl_multi_perform(client->multi, &running) != CURLM_OK) {
			status = AG_EINTERNAL;
			break;
		}
		if (take_result(t))
			break;
		(void)curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
	}
	(void)curl_multi_remove_handle(client->multi, client->easy);
	return status;
}

static enum ag_status
judge_connect(struct client *client, struct ag_error *err)
{
	const char *path = client->socket_path;
	long sys = 0;

	(void)curl_easy_getinfo(client->easy, CURLINFO_OS_ERRNO, &sys);
	if (sys == EACCES || sys == EPERM)
		return ag_fail(err, AG_EDENIED,
		    "connect to %s: Permission denied (the socket is for its "
		    "node's user and group)",
		    path);
	if (sys == ENOENT)
		return ag_fail(err, AG_EUNREACH,
		    "connect to %s: no such socket; is the node running? "
		    "(aegis node run)",
		    path);
	return ag_fail(err, AG_EUNREACH,
	    "connect to %s: nobody answers; is the node running? "
	    "(aegis node run)",
	    path);
}

static bool
was_connected(struct client *client)
{
	curl_off_t us = 0;

	(void)curl_easy_getinfo(client->easy, CURLINFO_PRETRANSFER_TIME_T, &us);
	return us > 0;
}

static enum ag_status
judge_failure(struct client_transfer *t, struct ag_error *err)
{
	struct client *client = t->client;
	const char *why = curl_easy_strerror(t->result);

	if (t->piece_status == AG_ELIMIT)
		return ag_fail(err, AG_ELIMIT,
		    "read answer: longer than %u bytes", CLIENT_ANSWER_MAX);
	if (t->piece_status != AG_OK)
		return t->piece_status;
	if (!was_connected(client))
		return t->result == CURLE_OPERATION_TIMEDOUT
		    ? ag_fail(err, AG_ETIMEOUT,
			  "connect to %s: timed out, nothing was sent",
			  client->socket_path)
		    : judge_connect(client, err);
	if (t->is_change)
		return ag_fail(err, AG_EUNKNOWN,
		    "wait for an answer: %s; the change may have happened",
		    why);
	if (t->result == CURLE_OPERATION_TIMEDOUT)
		return ag_fail(err, AG_ETIMEOUT,
		    "wait for an answer from %s: timed out",
		    client->socket_path);
	if (t->result == CURLE_OUT_OF_MEMORY)
		return ag_fail(err, AG_ENOMEM, "ask the node: out of memory");
	if (t->result == CURLE_WEIRD_SERVER_REPLY ||
	    t->result == CURLE_UNSUPPORTED_PROTOCOL)
		return ag_fail(err, AG_EPROTO,
		    "ask %s: what answers is not an aegis node",
		    client->socket_path);
	return ag_fail(err, AG_EUNREACH, "read the answer from %s: %s",
	    client->socket_path, why);
}

static enum ag_status
judge(struct client_transfer *t, struct ag_error *err)
{
	long http = 0;

	(void)curl_easy_getinfo(t->client->easy, CURLINFO_RESPONSE_CODE, &http);
	t->answer->http = (int)http;
	if (t->result != CURLE_OK)
		return judge_failure(t, err);
	if (http / 100 == 2)
		return AG_OK;
	return client_problem_read(buf_bytes(&t->answer->body), t->answer, err);
}

enum ag_status
client_transfer_run(struct client_transfer *t,
    const struct client_request *request, bool is_stream, const char *last_id,
    struct ag_error *err)
{
	const uint32_t timeout_ms =
	    request->timeout_ms > 0 ? request->timeout_ms : CLIENT_TIMEOUT_MS;
	char url[TARGET_BYTES + 16];
	enum ag_status status;

	if (request->target->is_overlong)
		return ag_fail(err, AG_ELIMIT,
		    "ask the node: the request is longer than %d bytes",
		    TARGET_BYTES);
	answer_clear(t->answer);
	t->is_change =
	    request->method != NULL && strcmp(request->method, "GET") != 0;
	t->err = err;
	(void)snprintf(url, sizeof(url), "http://aegis%s",
	    request->target->text);
	if (!set_headers(t, request, timeout_ms, last_id)) {
		curl_slist_free_all(t->headers);
		return ag_fail(err, AG_ENOMEM, "ask the node: out of memory");
	}
	set_transport(t->client, t, url);
	set_method(t->client->easy, request);
	set_limits(t->client->easy, timeout_ms, is_stream);
	status = run_transfer(t);
	if (status == AG_OK)
		status = judge(t, err);
	else
		(void)ag_fail(err, status, "ask the node: %s",
		    status == AG_EAGAIN ? "interrupted"
					: ag_status_text(status));
	curl_slist_free_all(t->headers);
	return status;
}
