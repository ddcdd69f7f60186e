/*
 * Load on etcd: gRPC over HTTP/2, as its own clients speak.
 *
 * FORMAT   A request's body is a byte 0, a u32 length, big-endian, and
 *          etcdserverpb.PutRequest: field 1 the key, field 2 the value.  Its
 *          answer ends with the trailer grpc-status, 0 when the put is done.
 *
 * RULES    1. At most CONNECTIONS_MAX connections share the clients, each
 *             client a stream of its own: Go's client multiplexes too, and
 *             a connection for each of a thousand would cost etcd more.
 *             nghttp2 holds back what SETTINGS_MAX_CONCURRENT_STREAMS does
 *             not allow.
 *          2. What a turn begins on a connection leaves in one write.
 *
 * NOT HERE HTTP/2 itself, which is libnghttp2's.
 */
#include "bench/load.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>

#define CONNECTIONS_MAX 16
#define READ_BYTES (64 << 10)
#define OUT_BYTES_MAX ((size_t)8 << 20)
#define BODY_BYTES (LOAD_VALUE_BYTES_MAX + 64)
#define STATUS_BYTES 16

struct stream;

struct connection {
	struct load *load;
	nghttp2_session *session;
	const char *endpoint;
	int fd;
	bool is_writing; /* epoll waits for room */
	struct buf out;
	size_t out_done;
};

/* One client, on one connection at a time. */
struct stream {
	size_t connection;
	struct load_request request;
	char http_status[STATUS_BYTES];
	char grpc_status[STATUS_BYTES];
	char message[LOAD_REASON_BYTES];
	uint8_t body[BODY_BYTES];
	size_t body_len, body_done;
};

static struct connection connections[CONNECTIONS_MAX];
static size_t connection_count;
static struct stream *streams;
static bool rotates;

static size_t
put_varint(uint8_t *out, size_t value)
{
	size_t len = 0;

	for (; value >= 0x80; value >>= 7)
		out[len++] = (uint8_t)(value | 0x80);
	out[len++] = (uint8_t)value;
	return len;
}

static size_t
put_field(uint8_t *out, unsigned int field, const char *data, size_t len)
{
	size_t at = 0;

	out[at++] = (uint8_t)(field << 3 | 2);
	at += put_varint(out + at, len);
	memcpy(out + at, data, len);
	return at + len;
}

static void
make_body(const struct load *load, struct stream *s)
{
	size_t len = 5;

	len += put_field(s->body + len, 1, s->request.name,
	    strlen(s->request.name));
	len += put_field(s->body + len, 2, load->value, load->value_bytes);
	s->body[0] = 0;
	s->body[1] = 0;
	s->body[2] = (uint8_t)((len - 5) >> 16);
	s->body[3] = (uint8_t)((len - 5) >> 8);
	s->body[4] = (uint8_t)(len - 5);
	s->body_len = len;
	s->body_done = 0;
}

static ssize_t
give_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t cap,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct stream *s = source->ptr;
	size_t len = s->body_len - s->body_done;

	(void)session;
	(void)id;
	(void)arg;
	if (len > cap)
		len = cap;
	memcpy(out, s->body + s->body_done, len);
	s->body_done += len;
	if (s->body_done == s->body_len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

/* nghttp2 copies names and values; it only forgot to say const. */
static nghttp2_nv
header(const char *name, const char *value)
{
	return (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value,
		.namelen = strlen(name),
		.valuelen = strlen(value),
		.flags = NGHTTP2_NV_FLAG_NONE,
	};
}

static void
ask(struct load *load, struct stream *s)
{
	struct connection *c;
	nghttp2_data_provider body = { .read_callback = give_body };

	if (!load_begin(load, &s->request))
		return;
	if (rotates)
		s->connection = (s->connection + 1) % connection_count;
	c = &connections[s->connection];
	{
		const nghttp2_nv headers[] = {
			header(":method", "POST"),
			header(":scheme", "http"),
			header(":path", "/etcdserverpb.KV/Put"),
			header(":authority", c->endpoint),
			header("content-type", "application/grpc"),
			header("te", "trailers"),
		};

		make_body(load, s);
		s->http_status[0] = s->grpc_status[0] = s->message[0] = '\0';
		body.source.ptr = s;
		if (nghttp2_submit_request(c->session, NULL, headers,
			sizeof(headers) / sizeof(headers[0]), &body, s) < 0)
			load_end(load, &s->request, "nghttp2 took no request");
	}
}

static void
copy_text(char *out, size_t cap, const uint8_t *text, size_t len)
{
	(void)snprintf(out, cap, "%.*s", (int)len, (const char *)text);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len, uint8_t flags, void *arg)
{
	struct stream *s =
	    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	(void)flags;
	(void)arg;
	if (s == NULL)
		return 0;
	if (name_len == 7 && memcmp(name, ":status", 7) == 0)
		copy_text(s->http_status, sizeof(s->http_status), value,
		    value_len);
	else if (name_len == 11 && memcmp(name, "grpc-status", 11) == 0)
		copy_text(s->grpc_status, sizeof(s->grpc_status), value,
		    value_len);
	else if (name_len == 12 && memcmp(name, "grpc-message", 12) == 0)
		copy_text(s->message, sizeof(s->message), value, value_len);
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);
	const struct connection *c = arg;
	char reason[LOAD_REASON_BYTES + 64];

	if (s == NULL)
		return 0;
	if (code == NGHTTP2_NO_ERROR && strcmp(s->http_status, "200") == 0 &&
	    strcmp(s->grpc_status, "0") == 0) {
		load_end(c->load, &s->request, NULL);
	} else {
		(void)snprintf(reason, sizeof(reason),
		    "http %s, grpc-status %s, %s", s->http_status,
		    s->grpc_status, s->message);
		load_end(c->load, &s->request, reason);
	}
	ask(c->load, s);
	return 0;
}

static bool
open_session(struct connection *c)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20 },
	};
	nghttp2_session_callbacks *callbacks;
	int code;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return false;
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
	    on_stream_close);
	code = nghttp2_session_client_new(&c->session, callbacks, c);
	nghttp2_session_callbacks_del(callbacks);
	return code == 0 &&
	    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings,
		2) == 0 &&
	    nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE,
		0, 4 << 20) == 0;
}

/* Connect to HOST:PORT, then without blocking. */
static int
connect_to(const char *endpoint)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *address = NULL;
	const char *colon = strrchr(endpoint, ':');
	char host[256];
	int fd = -1, one = 1;

	if (colon == NULL)
		return -1;
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - endpoint),
	    endpoint);
	if (getaddrinfo(host, colon + 1, &hints, &address) != 0)
		return -1;
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 &&
	    connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
		(void)close(fd);
		fd = -1;
	}
	freeaddrinfo(address);
	if (fd != -1)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	return fd;
}

/* Gather what the session has to say, and write what the socket takes. */
static bool
flush(struct connection *c)
{
	const uint8_t *data;
	ssize_t len;

	while ((len = nghttp2_session_mem_send(c->session, &data)) > 0)
		if (buf_append(&c->out, data, (size_t)len) != AG_OK)
			return false;
	while (len == 0 && c->out_done < c->out.len) {
		len = send(c->fd, c->out.data + c->out_done,
		    c->out.len - c->out_done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (len < 0 && errno != EAGAIN)
			return false;
		if (len < 0)
			break;
		c->out_done += (size_t)len;
		len = 0;
	}
	if (c->out_done == c->out.len) {
		buf_clear(&c->out);
		c->out_done = 0;
	}
	if (c->is_writing == (c->out.len > 0))
		return true;
	c->is_writing = c->out.len > 0;
	return load_watch(c->load, c->fd,
	    EPOLLIN | (c->is_writing ? EPOLLOUT : 0), c, false);
}

static bool
etcd_end_turn(struct load *load)
{
	size_t i;

	(void)load;
	for (i = 0; i < connection_count; i++)
		if (!flush(&connections[i])) {
			(void)fprintf(stderr, "load etcd: %s: cannot write\n",
			    connections[i].endpoint);
			return false;
		}
	return true;
}

static size_t
count_connections(const struct load *load)
{
	size_t count = CONNECTIONS_MAX;

	if (load->clients < count)
		count = load->clients;
	return count < load->endpoint_count ? load->endpoint_count : count;
}

static bool
open_connection(struct load *load, size_t i)
{
	struct connection *c = &connections[i];

	c->load = load;
	c->endpoint = load->endpoints[i % load->endpoint_count];
	buf_init(&c->out, OUT_BYTES_MAX);
	c->fd = connect_to(c->endpoint);
	if (c->fd == -1) {
		(void)fprintf(stderr, "load etcd: cannot connect to %s\n",
		    c->endpoint);
		return false;
	}
	return load_watch(load, c->fd, EPOLLIN, c, true) && open_session(c);
}

static bool
etcd_open(struct load *load)
{
	size_t i;

	if (load->endpoint_count > CONNECTIONS_MAX || load->is_get) {
		(void)fprintf(stderr,
		    "load etcd: puts, and at most %d "
		    "endpoints\n",
		    CONNECTIONS_MAX);
		return false;
	}
	rotates = load->clients < load->endpoint_count;
	connection_count = count_connections(load);
	streams = calloc(load->clients, sizeof(*streams));
	if (streams == NULL)
		return false;
	for (i = 0; i < connection_count; i++)
		if (!open_connection(load, i))
			return false;
	for (i = 0; i < load->clients; i++) {
		streams[i].connection = i % connection_count;
		ask(load, &streams[i]);
	}
	return etcd_end_turn(load);
}

static bool
etcd_serve(struct load *load, void *arg, uint32_t events)
{
	static uint8_t bytes[READ_BYTES];
	struct connection *c = arg;
	ssize_t len;

	(void)load;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return true;
	len = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (len < 0 && errno == EAGAIN)
		return true;
	if (len > 0 &&
	    nghttp2_session_mem_recv(c->session, bytes, (size_t)len) == len)
		return true;
	(void)fprintf(stderr, "load etcd: %s hung up, or speaks no HTTP/2\n",
	    c->endpoint);
	return false;
}

static void
etcd_close(struct load *load)
{
	size_t i;

	(void)load;
	for (i = 0; i < connection_count; i++) {
		struct connection *c = &connections[i];

		/* No stream is anybody's now: deleting closes them. */
		nghttp2_session_del(c->session);
		if (c->fd > 0)
			(void)close(c->fd);
		buf_fini(&c->out);
	}
	free(streams);
}

const struct load_target load_etcd = {
	.name = "etcd",
	.open = etcd_open,
	.serve = etcd_serve,
	.end_turn = etcd_end_turn,
	.close = etcd_close,
};
