/*
 * Requests and answers over a Unix socket, as HTTP/1.1 that is kept alive.
 *
 * FORMAT   An answer has a Content-Length; a node gives all of its answers one
 *          but streams.  A stream is asked for as HTTP/1.0, so that its body
 *          comes as it is and not in chunks.
 *
 * RULES    1. An answer is hostile until it is taken apart: its head and body
 *             are bounded, and bytes nobody asked for end the connection.
 *          2. After a failure nothing is known of what was asked, and the
 *             connection must be opened again.
 *
 * NOT HERE What an answer means (client_problem), waiting (the caller).
 */
#include "client/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define DIAL_SECONDS 2
#define HEAD_BYTES_MAX 16384
#define READ_BYTES 16384
#define REQUEST_BYTES_MAX (4U << 20)
#define STATUS_AT 9 /* behind "HTTP/1.1 " */

void
connection_init(struct connection *c)
{
	*c = (struct connection){ .fd = -1 };
	buf_init(&c->out, REQUEST_BYTES_MAX);
	buf_init(&c->in, CLIENT_ANSWER_MAX + HEAD_BYTES_MAX);
}

void
connection_fini(struct connection *c)
{
	connection_close(c);
	buf_fini(&c->out);
	buf_fini(&c->in);
}

void
connection_close(struct connection *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	buf_clear(&c->out);
	buf_clear(&c->in);
	c->sent = 0;
}

/* A full backlog makes connect() wait: as long as a send may. */
static int
dial(const struct sockaddr_un *address)
{
	const struct timeval patience = { .tv_sec = DIAL_SECONDS };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		sizeof(patience)) == 0 &&
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)) ==
		0 &&
	    fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

enum ag_status
connection_open(struct connection *c, const char *socket_path,
    struct ag_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	AG_ASSERT(c->fd == -1);
	if (strlen(socket_path) >= sizeof(address.sun_path))
		return ag_fail(err, AG_EINVAL,
		    "use socket \"%s\": a socket's path has 1 to %zu bytes",
		    socket_path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, socket_path, strlen(socket_path));
	c->fd = dial(&address);
	if (c->fd != -1)
		return AG_OK;
	if (errno == EMFILE || errno == ENFILE)
		return ag_fail_sys(err, "connect to %s", socket_path);
	return ag_fail(err,
	    errno == EACCES || errno == EPERM ? AG_EDENIED : AG_EUNREACH,
	    "connect to %s: %s", socket_path, strerrordesc_np(errno));
}

/* The request's bytes into out. */
static enum ag_status
write_request(struct buf *out, const struct client_request *request,
    bool is_stream)
{
	enum ag_status status;

	status = buf_printf(out,
	    "%s %s HTTP/1.%d\r\nHost: aegis\r\nAccept: %s\r\n"
	    "Aegis-Timeout-Ms: %u\r\n",
	    request->method != NULL ? request->method : "GET",
	    request->target->text, is_stream ? 0 : 1,
	    request->accept != NULL ? request->accept : "application/json",
	    request->timeout_ms > 0 ? request->timeout_ms : CLIENT_TIMEOUT_MS);
	if (status == AG_OK && request->has_body)
		status = buf_printf(out,
		    "Content-Type: %s\r\nContent-Length: %zu\r\n",
		    request->content_type != NULL ? request->content_type
						  : "application/octet-stream",
		    request->body.len);
	if (status == AG_OK)
		status = buf_append(out, "\r\n", 2);
	if (status == AG_OK && request->has_body && request->body.len > 0)
		status = buf_append(out, request->body.data, request->body.len);
	return status;
}

static enum ag_status
hung_up(struct ag_error *err)
{
	return ag_fail(err, AG_EUNREACH, "the node hung up");
}

static enum ag_status
flush(struct connection *c, struct ag_error *err)
{
	ssize_t len;

	while (connection_wants_write(c)) {
		len = send(c->fd, c->out.data + c->sent, c->out.len - c->sent,
		    MSG_NOSIGNAL);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? AG_OK : hung_up(err);
		c->sent += (size_t)len;
	}
	return AG_OK;
}

enum ag_status
connection_ask(struct connection *c, const struct client_request *request,
    struct sse_parser *events, struct ag_error *err)
{
	enum ag_status status;

	AG_ASSERT(c->fd != -1);
	buf_clear(&c->out);
	buf_clear(&c->in);
	c->sent = 0;
	c->events = events;
	c->head_len = 0;
	if (request->target->is_overlong)
		return ag_fail(err, AG_ELIMIT,
		    "ask the node: the request is longer than %d bytes",
		    TARGET_BYTES);
	status = write_request(&c->out, request, events != NULL);
	if (status != AG_OK)
		return ag_fail(err, status, "ask the node: %s",
		    ag_status_text(status));
	return flush(c, err);
}

static enum ag_status
not_a_node(struct ag_error *err)
{
	return ag_fail(err, AG_EPROTO, "what answers is not an aegis node");
}

/* The number of a "Content-Length: N" line; false when it is none. */
static bool
take_length(struct bytes line, size_t *length)
{
	static const char name[] = "Content-Length:";
	size_t i = sizeof(name) - 1, digit;

	if (line.len < i || strncasecmp((const char *)line.data, name, i) != 0)
		return true;
	while (i < line.len && line.data[i] == ' ')
		i++;
	if (i == line.len)
		return false;
	for (*length = 0; i < line.len; i++) {
		digit = (size_t)line.data[i] - '0';
		if (line.data[i] < '0' || digit > 9 ||
		    *length > CLIENT_ANSWER_MAX)
			return false;
		*length = *length * 10 + digit;
	}
	return true;
}

/* The lines of a head that is whole. */
static enum ag_status
take_head(struct connection *c, struct ag_error *err)
{
	struct bytes head = bytes_of(c->in.data, c->head_len), line;
	size_t length = SIZE_MAX;
	const uint8_t *end;
	int i;

	if (head.len <= STATUS_AT + 3 || memcmp(head.data, "HTTP/1.", 7) != 0)
		return not_a_node(err);
	for (c->http = 0, i = STATUS_AT; i < STATUS_AT + 3; i++) {
		if (head.data[i] < '0' || head.data[i] > '9')
			return not_a_node(err);
		c->http = c->http * 10 + (head.data[i] - '0');
	}
	while (head.len > 0) {
		end = memchr(head.data, '\r', head.len);
		if (end == NULL)
			break;
		line = bytes_of(head.data, (size_t)(end - head.data));
		if (!take_length(line, &length))
			return not_a_node(err);
		head = bytes_of(end + 1, head.len - line.len - 1);
		if (head.len > 0 && head.data[0] == '\n')
			head = bytes_of(head.data + 1, head.len - 1);
	}
	if (c->http / 100 != 2)
		c->events = NULL;
	if (c->events == NULL && length == SIZE_MAX)
		return not_a_node(err);
	if (c->events == NULL && length > CLIENT_ANSWER_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "read answer: longer than %u bytes", CLIENT_ANSWER_MAX);
	c->body_len = length;
	return AG_OK;
}

/* What came so far.  AG_EAGAIN: more is to come. */
static enum ag_status
take_answer(struct connection *c, struct ag_error *err)
{
	enum ag_status status;
	const uint8_t *end;

	if (c->head_len == 0) {
		end = memmem(c->in.data, c->in.len, "\r\n\r\n", 4);
		if (end == NULL)
			return c->in.len > HEAD_BYTES_MAX ? not_a_node(err)
							  : AG_EAGAIN;
		c->head_len = (size_t)(end - c->in.data) + 4;
		status = take_head(c, err);
		if (status != AG_OK)
			return status;
	}
	if (c->events != NULL) {
		status = sse_feed(c->events, connection_body(c));
		c->in.len = c->head_len;
		return status != AG_OK ? not_a_node(err) : AG_EAGAIN;
	}
	if (c->in.len - c->head_len > c->body_len)
		return not_a_node(err);
	return c->in.len - c->head_len == c->body_len ? AG_OK : AG_EAGAIN;
}

enum ag_status
connection_serve(struct connection *c, struct ag_error *err)
{
	enum ag_status status = flush(c, err);
	ssize_t len;

	while (status == AG_OK) {
		if (buf_reserve(&c->in, READ_BYTES) != AG_OK)
			return ag_fail(err, AG_ENOMEM, "out of memory");
		len = recv(c->fd, c->in.data + c->in.len, READ_BYTES, 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return AG_EAGAIN;
		if (len <= 0)
			return hung_up(err);
		c->in.len += (size_t)len;
		status = take_answer(c, err);
		if (status != AG_EAGAIN)
			return status;
		status = AG_OK;
	}
	return status;
}

struct bytes
connection_body(const struct connection *c)
{
	return bytes_of(c->in.data + c->head_len, c->in.len - c->head_len);
}
