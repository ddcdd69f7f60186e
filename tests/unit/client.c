/*
 * What the client promises, against answers played from a script: every way
 * an answer can fail to come has its own status.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/client.h"

#define ANSWERS_MAX 4

/* A server that reads one request a connection and plays an answer. */
struct script {
	char dir[32];
	char path[48];
	int fd;
	pthread_t thread;
	bool is_running;
	const char *answers[ANSWERS_MAX]; /* NULL: hang up at once */
	size_t count;
	char requests[ANSWERS_MAX][4096];
	struct client *client;
};

static void
read_request(int fd, char *out, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = recv(fd, out + len, cap - 1 - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
		out[len] = '\0';
	} while (strstr(out, "\r\n\r\n") == NULL);
	out[len] = '\0';
}

static void *
play(void *arg)
{
	struct script *s = arg;
	size_t i;
	int fd;

	for (i = 0; i < s->count; i++) {
		fd = accept(s->fd, NULL, NULL);
		if (fd == -1)
			return NULL;
		read_request(fd, s->requests[i], sizeof(s->requests[i]));
		if (s->answers[i] != NULL)
			(void)send(fd, s->answers[i], strlen(s->answers[i]),
			    MSG_NOSIGNAL);
		(void)close(fd);
	}
	return NULL;
}

static int
setup(void **state)
{
	struct script *s = calloc(1, sizeof(*s));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/aegis-client-XXXXXX");
	if (mkdtemp(s->dir) == NULL)
		return -1;
	(void)snprintf(s->path, sizeof(s->path), "%s/s", s->dir);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	    s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(s->fd, (const struct sockaddr *)&address, sizeof(address)) !=
		0 ||
	    listen(s->fd, 8) != 0)
		return -1;
	*state = s;
	return client_new(&s->client, s->path, NULL) == AG_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	struct script *s = *state;

	if (s->is_running)
		(void)pthread_join(s->thread, NULL);
	client_free(s->client);
	(void)close(s->fd);
	(void)unlink(s->path);
	(void)rmdir(s->dir);
	free(s);
	return 0;
}

static void
start(struct script *s)
{
	s->is_running = true;
	assert_int_equal(pthread_create(&s->thread, NULL, play, s), 0);
}

static enum ag_status
call(struct script *s, const char *method, struct client_answer *answer,
    struct ag_error *err)
{
	struct client_request request = { .method = method,
		.timeout_ms = 1000 };
	struct target target;

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "key", bytes_of("a/?\xff", 4));
	request.target = &target;
	request.has_body = method != NULL;
	request.body = bytes_from_text("v");
	client_answer_init(answer);
	return client_call(s->client, &request, answer, err);
}

static void
missing_socket_is_unreachable_with_advice(void **state)
{
	struct client_answer answer;
	struct client *client;
	struct ag_error err;

	(void)state;
	assert_int_equal(client_new(&client, "/nowhere/s", &err), AG_OK);
	client_answer_init(&answer);
	assert_int_equal(client_get(client, "/livez", &answer, &err),
	    AG_EUNREACH);
	assert_string_equal(err.text,
	    "connect to /nowhere/s: no such socket; is the node running? "
	    "(aegis node run)");
	client_answer_fini(&answer);
	client_free(client);
}

static void
path_that_can_not_be_a_socket_is_refused(void **state)
{
	char path[200];
	struct client *client;
	struct ag_error err;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(client_new(&client, path, &err), AG_EINVAL);
	assert_null(client);
	assert_int_equal(client_new(&client, "", &err), AG_EINVAL);
}

static void
answer_is_taken_with_its_headers(void **state)
{
	struct script *s = *state;
	struct client_answer answer;
	struct ag_error err;

	s->answers[0] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
			"Content-Type: text/x\r\naegis-version: 7\r\n"
			"Aegis-Seq: 18446744073709551615\r\n\r\nhello";
	s->count = 1;
	start(s);
	assert_int_equal(call(s, NULL, &answer, &err), AG_OK);
	assert_int_equal(answer.http, 200);
	assert_int_equal(answer.version, 7);
	assert_true(answer.seq == UINT64_MAX);
	assert_string_equal(answer.content_type, "text/x");
	assert_true(
	    bytes_equal(buf_bytes(&answer.body), bytes_from_text("hello")));
	client_answer_fini(&answer);
	assert_memory_equal(s->requests[0], "GET /v1/kv?key=YS8__w HTTP/1.1",
	    30);
	assert_non_null(strstr(s->requests[0], "Aegis-Timeout-Ms: 1000\r\n"));
}

static void
problem_becomes_its_status_exit_and_request(void **state)
{
	struct script *s = *state;
	struct client_answer answer;
	struct ag_error err;

	s->answers[0] =
	    "HTTP/1.1 504 X\r\nConnection: close\r\n\r\n"
	    "{\"detail\":\"late\",\"code\":\"OUTCOME_UNKNOWN\",\"exit\":7,"
	    "\"request\":\"ab.1\"}";
	s->answers[1] = "HTTP/1.1 412 X\r\nConnection: close\r\n\r\n"
			"{\"code\":\"FROM_THE_FUTURE\",\"exit\":10}";
	s->answers[2] = "HTTP/1.1 500 X\r\nConnection: close\r\n\r\n<html>";
	s->count = 3;
	start(s);
	assert_int_equal(call(s, "PUT", &answer, &err), AG_EUNKNOWN);
	assert_string_equal(err.text, "late");
	assert_int_equal(answer.exit, 7);
	assert_string_equal(answer.request, "ab.1");
	client_answer_fini(&answer);
	assert_int_equal(call(s, "PUT", &answer, &err), AG_ECONFLICT);
	client_answer_fini(&answer);
	assert_int_equal(call(s, "PUT", &answer, &err), AG_EPROTO);
	assert_int_equal(answer.exit, -1);
	client_answer_fini(&answer);
}

static void
change_without_an_answer_has_an_unknown_outcome(void **state)
{
	struct script *s = *state;
	struct client_answer answer;
	struct ag_error err;

	s->count = 2;
	s->answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
	start(s);
	assert_int_equal(call(s, "PUT", &answer, &err), AG_EUNKNOWN);
	assert_non_null(strstr(err.text, "may have happened"));
	client_answer_fini(&answer);
	assert_int_equal(call(s, "PUT", &answer, &err), AG_EUNKNOWN);
	client_answer_fini(&answer);
}

static void
read_without_an_answer_is_only_unreachable(void **state)
{
	struct script *s = *state;
	struct client_answer answer;
	struct ag_error err;

	s->count = 2;
	s->answers[1] = "SSH-2.0-OpenSSH_9.2\r\n\r\n";
	start(s);
	assert_int_equal(call(s, NULL, &answer, &err), AG_EUNREACH);
	client_answer_fini(&answer);
	assert_int_equal(call(s, NULL, &answer, &err), AG_EPROTO);
	client_answer_fini(&answer);
}

static void
interrupt_ends_a_call_that_waits(void **state)
{
	struct script *s = *state;
	struct client_answer answer;
	struct ag_error err;

	/* Nobody accepts: the request sits in the socket's queue. */
	client_interrupt(s->client);
	assert_int_equal(call(s, NULL, &answer, &err), AG_EAGAIN);
	client_answer_fini(&answer);
}

static void
overlong_target_is_refused_before_sending(void **state)
{
	struct script *s = *state;
	struct client_request request = { 0 };
	struct client_answer answer;
	struct ag_error err;
	struct target target;
	static const uint8_t key[8192];

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "key", bytes_of(key, sizeof(key)));
	request.target = &target;
	client_answer_init(&answer);
	assert_int_equal(client_call(s->client, &request, &answer, &err),
	    AG_ELIMIT);
	client_answer_fini(&answer);
}

struct seen {
	char text[256];
	size_t stop_after;
	size_t count;
	size_t downs;
};

static bool
on_event(void *arg, const struct sse_event *event)
{
	struct seen *seen = arg;
	const size_t len = strlen(seen->text);

	(void)snprintf(seen->text + len, sizeof(seen->text) - len,
	    "[%s %s %.*s]", event->id, event->name, (int)event->data.len,
	    (const char *)event->data.data);
	return ++seen->count < seen->stop_after;
}

static void
on_state(void *arg, const char *why)
{
	struct seen *seen = arg;

	if (why != NULL)
		seen->downs++;
}

static void
watch_resumes_after_the_last_event_it_saw(void **state)
{
	struct script *s = *state;
	struct seen seen = { .stop_after = 3 };
	struct client_watch watch = { .event = on_event,
		.state = on_state,
		.arg = &seen };
	struct ag_error err;
	struct target target;

	s->answers[0] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
			"id: 1\nevent: put\ndata: a\n\n"
			"id: 2.1\nevent: put\ndata: b\n\nid: 3\ndata: half";
	s->answers[1] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
			"id: 3\nevent: delete\ndata: c\n\n";
	s->count = 2;
	start(s);
	target_init(&target, "/v1/watch");
	watch.target = &target;
	assert_int_equal(client_watch(s->client, &watch, &err), AG_OK);
	assert_string_equal(seen.text, "[1 put a][2.1 put b][3 delete c]");
	assert_int_equal(seen.downs, 1);
	assert_null(strstr(s->requests[0], "Last-Event-ID"));
	assert_non_null(strstr(s->requests[1], "Last-Event-ID: 2.1\r\n"));
}

static void
watch_that_is_gone_ends_with_the_reason(void **state)
{
	struct script *s = *state;
	struct seen seen = { .stop_after = 9 };
	struct client_watch watch = { .event = on_event,
		.arg = &seen,
		.keep_trying = true };
	struct ag_error err;
	struct target target;

	s->answers[0] = "HTTP/1.1 410 Gone\r\nConnection: close\r\n\r\n"
			"{\"code\":\"NOT_FOUND\",\"detail\":\"list again\"}";
	s->count = 1;
	start(s);
	target_init(&target, "/v1/watch");
	watch.target = &target;
	assert_int_equal(client_watch(s->client, &watch, &err), AG_ENOENT);
	assert_string_equal(err.text, "list again");
}

static enum ag_status
count_piece(void *arg, struct bytes piece, struct ag_error *err)
{
	size_t *total = arg;

	(void)err;
	*total += piece.len;
	return AG_OK;
}

static void
download_cut_short_is_not_whole(void **state)
{
	struct script *s = *state;
	struct client_request request = { 0 };
	struct client_answer answer;
	struct ag_error err;
	struct target target;
	size_t total = 0;

	s->answers[0] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			"5\r\nhello\r\n";
	s->answers[1] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			"5\r\nhello\r\n0\r\n\r\n";
	s->count = 2;
	start(s);
	target_init(&target, "/v1/snapshot");
	request.target = &target;
	client_answer_init(&answer);
	assert_int_equal(client_download(s->client, &request, &answer,
			     count_piece, &total, &err),
	    AG_EUNREACH);
	total = 0;
	assert_int_equal(client_download(s->client, &request, &answer,
			     count_piece, &total, &err),
	    AG_OK);
	assert_int_equal(total, 5);
	assert_int_equal(answer.body.len, 0);
	client_answer_fini(&answer);
}

static void
events_are_the_same_however_the_stream_is_cut(void **state)
{
	const char *stream = ": comment\r\nid: 1\r\ndata: a\r\ndata:b\r\n\r\n"
			     "event: put\rdata\r\rid: 2\n\nbogus: z\n\n";
	const size_t len = strlen(stream);
	struct seen whole = { .stop_after = 99 }, cut;
	struct sse_parser p;
	size_t at, i;

	(void)state;
	sse_init(&p, 1024, on_event, &whole);
	assert_int_equal(sse_feed(&p, bytes_of(stream, len)), AG_OK);
	assert_string_equal(whole.text, "[1 message a\nb][1 put ]");
	assert_string_equal(p.id, "2");
	sse_fini(&p);
	for (at = 1; at < len; at++) {
		cut = (struct seen){ .stop_after = 99 };
		sse_init(&p, 1024, on_event, &cut);
		for (i = 0; i < len; i += at)
			assert_int_equal(sse_feed(&p,
					     bytes_of(stream + i,
						 len - i < at ? len - i : at)),
			    AG_OK);
		assert_string_equal(cut.text, whole.text);
		sse_fini(&p);
	}
}

static void
endless_event_is_refused(void **state)
{
	struct seen seen = { .stop_after = 9 };
	struct sse_parser p;
	int i;

	(void)state;
	sse_init(&p, 64, on_event, &seen);
	for (i = 0; i < 12; i++)
		assert_int_equal(sse_feed(&p, bytes_from_text("data: x")),
		    i < 9 ? AG_OK : AG_ELIMIT);
	sse_fini(&p);
}

static void
targets_keep_what_they_are_given_apart(void **state)
{
	struct target t;

	(void)state;
	target_init(&t, "/v1/x");
	target_add_text(&t, "a", "b&c=d/\xc3\xa9 ");
	target_add_number(&t, "n", UINT64_MAX);
	target_add_bytes(&t, "k", bytes_of("", 0));
	assert_string_equal(t.text,
	    "/v1/x?a=b%26c%3Dd%2F%C3%A9%20&n=18446744073709551615&k=");
	assert_false(t.is_overlong);
}

#define CLIENT_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_socket_is_unreachable_with_advice),
		cmocka_unit_test(path_that_can_not_be_a_socket_is_refused),
		CLIENT_TEST(answer_is_taken_with_its_headers),
		CLIENT_TEST(problem_becomes_its_status_exit_and_request),
		CLIENT_TEST(change_without_an_answer_has_an_unknown_outcome),
		CLIENT_TEST(read_without_an_answer_is_only_unreachable),
		CLIENT_TEST(interrupt_ends_a_call_that_waits),
		CLIENT_TEST(overlong_target_is_refused_before_sending),
		CLIENT_TEST(watch_resumes_after_the_last_event_it_saw),
		CLIENT_TEST(watch_that_is_gone_ends_with_the_reason),
		CLIENT_TEST(download_cut_short_is_not_whole),
		cmocka_unit_test(events_are_the_same_however_the_stream_is_cut),
		cmocka_unit_test(endless_event_is_refused),
		cmocka_unit_test(targets_keep_what_they_are_given_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
