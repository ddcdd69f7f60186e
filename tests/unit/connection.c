/*
 * Specification of connections that don't wait (lib/client/connection.h),
 * against answers played into the other end of a socket pair.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/connection.h"

struct ends {
	struct connection c;
	int peer;
	struct ag_error err;
};

static struct ends both;

static int
setup(void **state)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		return -1;
	both = (struct ends){ .peer = fds[1] };
	connection_init(&both.c);
	both.c.fd = fds[0];
	*state = &both;
	return 0;
}

static int
teardown(void **state)
{
	struct ends *e = *state;

	connection_fini(&e->c);
	if (e->peer != -1)
		(void)close(e->peer);
	return 0;
}

static void
ask(struct ends *e, struct bytes body, struct sse_parser *events)
{
	struct client_request request = { .body = body,
		.has_body = body.data != NULL };
	struct target target;

	if (request.has_body)
		request.method = "PUT";
	target_init(&target, "/v1/kv");
	request.target = &target;
	assert_int_equal(connection_ask(&e->c, &request, events, &e->err),
	    AG_OK);
}

static void
play(const struct ends *e, const char *answer)
{
	assert_int_equal(send(e->peer, answer, strlen(answer), 0),
	    strlen(answer));
}

/* A question, an answer, and what comes of it. */
static enum ag_status
serve(struct ends *e, const char *answer)
{
	ask(e, bytes_of(NULL, 0), NULL);
	play(e, answer);
	return connection_serve(&e->c, &e->err);
}

static void
answer_that_comes_in_pieces_is_whole_at_its_last_byte(void **state)
{
	static const char answer[] =
	    "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nhello";
	struct ends *e = *state;
	char piece[2] = "";
	size_t i;

	ask(e, bytes_of(NULL, 0), NULL);
	assert_int_equal(connection_serve(&e->c, &e->err), AG_EAGAIN);
	for (i = 0; answer[i] != '\0'; i++) {
		piece[0] = answer[i];
		play(e, piece);
		assert_int_equal(connection_serve(&e->c, &e->err),
		    answer[i + 1] != '\0' ? AG_EAGAIN : AG_OK);
	}
	assert_int_equal(e->c.http, 404);
	assert_true(
	    bytes_equal(connection_body(&e->c), bytes_from_text("hello")));
}

static void
connection_is_used_again_after_an_answer(void **state)
{
	struct ends *e = *state;

	assert_int_equal(serve(e,
			     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"),
	    AG_OK);
	assert_int_equal(serve(e,
			     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
	    AG_OK);
	assert_int_equal(connection_body(&e->c).len, 0);
}

/* More than a socket holds, so that it goes in several turns. */
static void
large_request_is_sent_as_there_is_room(void **state)
{
	static uint8_t value[1U << 20], got[(1U << 20) + 4096];
	struct ends *e = *state;
	size_t len = 0;
	ssize_t n;

	memset(value, 'v', sizeof(value));
	ask(e, bytes_of(value, sizeof(value)), NULL);
	assert_true(connection_wants_write(&e->c));
	while (connection_wants_write(&e->c)) {
		while ((n = recv(e->peer, got + len, sizeof(got) - len, 0)) > 0)
			len += (size_t)n;
		assert_int_equal(connection_serve(&e->c, &e->err), AG_EAGAIN);
	}
	while ((n = recv(e->peer, got + len, sizeof(got) - len, 0)) > 0)
		len += (size_t)n;
	assert_memory_equal(got, "PUT /v1/kv HTTP/1.1\r\n", 21);
	assert_memory_equal(got + len - sizeof(value), value, sizeof(value));
}

static void
answers_that_are_no_nodes_are_refused(void **state)
{
	static const char *const answers[] = {
		"SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
		"HTTP/1.1 200 A\r\nContent-Length: 18446744073709551616\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
		"\r\n\r\n",
	};
	struct ends *e = *state;
	size_t i;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		assert_int_equal(serve(e, answers[i]), AG_EPROTO);
		assert_string_equal(e->err.text,
		    "what answers is not an aegis node");
	}
}

static void
answer_beyond_the_limit_is_refused_before_it_comes(void **state)
{
	assert_int_equal(serve(*state,
			     "HTTP/1.1 200 OK\r\n"
			     "Content-Length: 16777217\r\n\r\n"),
	    AG_ELIMIT);
}

static void
head_without_end_is_refused(void **state)
{
	struct ends *e = *state;
	enum ag_status status;
	size_t i;

	status = serve(e, "HTTP/1.1 200 OK\r\n");
	for (i = 0; i < 1000 && status == AG_EAGAIN; i++) {
		play(e, "X-More: and more of it, without an end\r\n");
		status = connection_serve(&e->c, &e->err);
	}
	assert_int_equal(status, AG_EPROTO);
}

static void
node_that_hangs_up_is_told_apart_from_an_answer(void **state)
{
	struct ends *e = *state;

	ask(e, bytes_of(NULL, 0), NULL);
	play(e, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal");
	(void)close(e->peer);
	e->peer = -1;
	assert_int_equal(connection_serve(&e->c, &e->err), AG_EUNREACH);
	assert_string_equal(e->err.text, "the node hung up");
}

static void
nobody_who_listens_is_told_with_the_socket(void **state)
{
	struct ends *e = *state;

	connection_close(&e->c);
	assert_int_equal(connection_open(&e->c, "/nowhere/s", &e->err),
	    AG_EUNREACH);
	assert_string_equal(e->err.text,
	    "connect to /nowhere/s: No such file or directory");
}

static bool
count_event(void *arg, const struct sse_event *event)
{
	size_t *count = arg;

	assert_string_equal(event->name, "put");
	*count += 1;
	return true;
}

static void
stream_goes_to_its_events_and_does_not_end(void **state)
{
	struct ends *e = *state;
	struct sse_parser events;
	size_t count = 0;
	char asked[64];

	sse_init(&events, 4096, count_event, &count);
	ask(e, bytes_of(NULL, 0), &events);
	assert_true(recv(e->peer, asked, sizeof(asked), 0) > 0);
	assert_memory_equal(asked, "GET /v1/kv HTTP/1.0\r\n", 21);
	play(e, "HTTP/1.0 200 OK\r\n\r\nevent: put\ndata: 1\n\nevent: p");
	assert_int_equal(connection_serve(&e->c, &e->err), AG_EAGAIN);
	assert_int_equal(count, 1);
	play(e, "ut\ndata: 2\n\n");
	assert_int_equal(connection_serve(&e->c, &e->err), AG_EAGAIN);
	assert_int_equal(count, 2);
	sse_fini(&events);
}

static void
refused_stream_is_an_answer(void **state)
{
	struct ends *e = *state;
	struct sse_parser events;
	size_t count = 0;

	sse_init(&events, 4096, count_event, &count);
	ask(e, bytes_of(NULL, 0), &events);
	play(e, "HTTP/1.0 410 Gone\r\nContent-Length: 4\r\n\r\ngone");
	assert_int_equal(connection_serve(&e->c, &e->err), AG_OK);
	assert_int_equal(e->c.http, 410);
	sse_fini(&events);
}

#define CONNECTION_TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTION_TEST(
		    answer_that_comes_in_pieces_is_whole_at_its_last_byte),
		CONNECTION_TEST(connection_is_used_again_after_an_answer),
		CONNECTION_TEST(large_request_is_sent_as_there_is_room),
		CONNECTION_TEST(answers_that_are_no_nodes_are_refused),
		CONNECTION_TEST(
		    answer_beyond_the_limit_is_refused_before_it_comes),
		CONNECTION_TEST(head_without_end_is_refused),
		CONNECTION_TEST(
		    node_that_hangs_up_is_told_apart_from_an_answer),
		CONNECTION_TEST(nobody_who_listens_is_told_with_the_socket),
		CONNECTION_TEST(stream_goes_to_its_events_and_does_not_end),
		CONNECTION_TEST(refused_stream_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
