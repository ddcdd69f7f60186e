/*
 * What the API does with bytes that are no request: it says so or hangs up,
 * and serves the next client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <jansson.h>

#include "fixture/api_fixture.h"

#define WRONG(text) bytes_of(text, sizeof(text) - 1)

static void
still_serves(struct api_fixture *f)
{
	struct buf answer;

	api_fixture_ask(f, &answer, "GET", "/livez", "", bytes_of(NULL, 0));
	assert_int_equal(api_fixture_status(&answer), 200);
	buf_fini(&answer);
}

/* Send bytes and no more; what comes back is an error, or nothing. */
static void
refuses(struct api_fixture *f, struct bytes request)
{
	struct api_talk talk;
	int status;

	api_talk_open(&talk, f);
	talk.unsent = request;
	loop_fd_want(talk.watch, true, true);
	while (talk.unsent.len > 0 && !talk.has_ended)
		api_fixture_run(f, 1);
	(void)shutdown(talk.fd, SHUT_WR);
	if (!api_talk_wait(&talk, NULL))
		fail_msg("no end after: %.*s",
		    (int)(request.len < 200 ? request.len : 200),
		    (const char *)request.data);
	status = api_fixture_status(&talk.received);
	if (status != 0 && (status < 400 || status > 505))
		fail_msg("%.*s\nanswered: %s", (int)request.len,
		    (const char *)request.data,
		    (const char *)talk.received.data);
	api_talk_close(&talk);
}

static void
bytes_that_are_no_request_are_refused(void **state)
{
	struct api_fixture *f = *state;
	const struct bytes wrong[] = {
		WRONG("\0"),
		WRONG("\r\n\r\n\r\n"),
		WRONG("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
		WRONG("GET\r\n\r\n"),
		WRONG("GET / HTTP/9.9\r\n\r\n"),
		WRONG("GET /livez HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
		WRONG("GET /livez HTTP/1.1\r\n: empty\r\n\r\n"),
		WRONG("GET \xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /livez%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /v1/kv?key=%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /v1/kv?key=\xc3\x28 HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /v1/kv?key=a=b HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /v1/kv?key=YQ== HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /v1/kv?key=YR HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /v1/kv?=&&== HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("GET /v1/kv?%s%n%x HTTP/1.1\r\nHost: a\r\n\r\n"),
		WRONG("PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
		      "Content-Length: -1\r\n\r\nx"),
		WRONG("PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
		      "Content-Length: 99999999999999999999\r\n\r\nx"),
		WRONG("PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
		      "Content-Length: 1x\r\n\r\nx"),
		WRONG("PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
		      "Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
		WRONG("PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n"
		      "ffffffffffffffff1\r\n"),
		WRONG("PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
		      "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"),
		WRONG("PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
		      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
		      "\r\n0\r\n\r\n"),
		WRONG("GET /livez HTTP/1.1\r\nHost: a\r\n"
		      "Aegis-Timeout-Ms: 0\r\n\r\n"),
		WRONG("GET /livez HTTP/1.1\r\nHost: a\r\n"
		      "Aegis-Timeout-Ms: never\r\n\r\n"),
		WRONG("GET /v1/watch HTTP/1.1\r\nHost: a\r\n"
		      "Last-Event-ID: 1.18446744073709551615\r\n\r\n"),
		WRONG("GET /v1/watch HTTP/1.1\r\nHost: a\r\n"
		      "Last-Event-ID: .\r\n\r\n"),
		WRONG("GET /v1/watch HTTP/1.1\r\nHost: a\r\n"
		      "Last-Event-ID: 1.alles\r\n\r\n"),
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuses(f, wrong[i]);
	still_serves(f);
	assert_int_equal(fake_node_status(f->node)->executed, 0);
}

static void
headers_without_end_are_refused(void **state)
{
	struct api_fixture *f = *state;
	struct buf request;
	int i;

	buf_init(&request, 4U << 20);
	assert_int_equal(buf_printf(&request, "GET /livez HTTP/1.1\r\n"),
	    AG_OK);
	for (i = 0; i < 20000; i++)
		assert_int_equal(buf_printf(&request, "X-%d: y\r\n", i), AG_OK);
	refuses(f, buf_bytes(&request));
	buf_clear(&request);
	assert_int_equal(buf_printf(&request, "GET /"), AG_OK);
	for (i = 0; i < 40000; i++)
		assert_int_equal(buf_append(&request, "a", 1), AG_OK);
	refuses(f, buf_bytes(&request));
	buf_clear(&request);
	assert_int_equal(buf_printf(&request, "GET /livez?"), AG_OK);
	for (i = 0; i < 1500; i++)
		assert_int_equal(buf_append(&request, "a&", 2), AG_OK);
	assert_int_equal(buf_printf(&request, " HTTP/1.1\r\nHost: a\r\n\r\n"),
	    AG_OK);
	refuses(f, buf_bytes(&request));
	buf_fini(&request);
	still_serves(f);
}

static void
body_without_end_is_cut_off(void **state)
{
	struct api_fixture *f = *state;
	static uint8_t chunk[65536 + 2];
	struct api_talk talk;
	int i;

	memset(chunk, 'x', sizeof(chunk));
	memcpy(chunk + 65536, "\r\n", 2);
	api_talk_open(&talk, f);
	talk.unsent = WRONG("PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n");
	for (i = 0; i < 400 && !talk.has_ended; i++) {
		loop_fd_want(talk.watch, true, true);
		while (talk.unsent.len > 0 && !talk.has_ended)
			api_fixture_run(f, 1);
		talk.unsent = i % 2 == 0 ? WRONG("10000\r\n")
					 : bytes_of(chunk, sizeof(chunk));
	}
	assert_true(talk.has_ended);
	assert_true(i < 320); /* 9 MiB and some */
	api_talk_close(&talk);
	still_serves(f);
}

static void
half_a_request_costs_nothing_but_its_connection(void **state)
{
	struct api_fixture *f = *state;
	const char *whole = "PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
			    "Content-Length: 5\r\n\r\nhello";
	struct api_talk talk;
	size_t len;

	for (len = 1; len < strlen(whole); len++) {
		api_talk_open(&talk, f);
		talk.unsent = bytes_of(whole, len);
		loop_fd_want(talk.watch, true, true);
		api_fixture_run(f, 1);
		api_talk_close(&talk);
	}
	still_serves(f);
	assert_int_equal(fake_node_status(f->node)->executed, 0);
}

static void
requests_in_one_packet_are_answered_in_order(void **state)
{
	struct api_fixture *f = *state;
	const char *first, *second, *third;
	struct api_talk talk;

	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk,
	    bytes_from_text(
		"PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
		"Content-Length: 5\r\n\r\nhello"
		"GET /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
	    NULL));
	first = strstr((const char *)talk.received.data, "\"code\":\"DONE\"");
	assert_non_null(first);
	second = strstr(first, "\"value\":\"hello\"");
	assert_non_null(second);
	third = strstr(second, "\"live\":true");
	assert_non_null(third);
	api_talk_close(&talk);
}

static void
request_byte_by_byte_is_the_same_request(void **state)
{
	struct api_fixture *f = *state;
	const char *whole = "PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
			    "Content-Length: 5\r\n\r\nhello";
	struct api_talk talk;
	size_t i;

	api_talk_open(&talk, f);
	for (i = 0; i < strlen(whole); i++) {
		talk.unsent = bytes_of(whole + i, 1);
		loop_fd_want(talk.watch, true, true);
		while (talk.unsent.len > 0)
			api_fixture_run(f, 1);
	}
	assert_true(api_talk_wait(&talk, "\"code\":\"DONE\""));
	api_talk_close(&talk);
}

static void
peers_texts_can_not_break_the_json(void **state)
{
	struct api_fixture *f = *state;
	struct node_status *s = fake_node_status(f->node);
	struct buf answer;
	json_t *root;

	(void)snprintf(s->members[2].error, sizeof(s->members[2].error),
	    "\"}],\x1b[2J\xff\r\n");
	api_fixture_ask(f, &answer, "GET", "/v1/status", "", bytes_of(NULL, 0));
	root = json_loads(api_fixture_body(&answer), 0, NULL);
	assert_non_null(root);
	assert_null(strchr((const char *)answer.data, '\x1b'));
	json_decref(root);
	buf_fini(&answer);
}

#define HOSTILE_TEST(fn)                                       \
	cmocka_unit_test_setup_teardown(fn, api_fixture_setup, \
	    api_fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTILE_TEST(bytes_that_are_no_request_are_refused),
		HOSTILE_TEST(headers_without_end_are_refused),
		HOSTILE_TEST(body_without_end_is_cut_off),
		HOSTILE_TEST(half_a_request_costs_nothing_but_its_connection),
		HOSTILE_TEST(requests_in_one_packet_are_answered_in_order),
		HOSTILE_TEST(request_byte_by_byte_is_the_same_request),
		HOSTILE_TEST(peers_texts_can_not_break_the_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
