/*
 * What the API promises: every route, every way of saying no, streams that
 * lose nothing, and an end that leaves nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec/text.h"
#include "fixture/api_fixture.h"

static const struct bytes nothing;

static json_t *
json_of(const struct buf *answer)
{
	json_t *root =
	    json_loads(api_fixture_body(answer), JSON_ALLOW_NUL, NULL);

	if (root == NULL)
		fail_msg("no JSON: %s", (const char *)answer->data);
	return root;
}

static const char *
text_of(const json_t *root, const char *name)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text != NULL ? text : "(none)";
}

/* Ask, and check the status; the JSON is the caller's. */
static json_t *
ask(struct api_fixture *f, int status, const char *method, const char *target,
    struct bytes body)
{
	struct buf answer;
	json_t *root;

	api_fixture_ask(f, &answer, method, target, "", body);
	if (api_fixture_status(&answer) != status)
		fail_msg("%s %s: not %d but %s", method, target, status,
		    (const char *)answer.data);
	root = json_of(&answer);
	buf_fini(&answer);
	return root;
}

/* Ask, and check the status and one member. */
static void
expect(struct api_fixture *f, int status, const char *method,
    const char *target, const char *body, const char *name, const char *value)
{
	json_t *root = ask(f, status, method, target, bytes_from_text(body));

	assert_string_equal(text_of(root, name), value);
	json_decref(root);
}

/* A problem says the same three times: status, code and exit. */
static void
expect_problem(struct api_fixture *f, int status, const char *method,
    const char *target, const char *body, const char *code, int exit_code)
{
	json_t *root = ask(f, status, method, target, bytes_from_text(body));

	assert_string_equal(text_of(root, "code"), code);
	assert_int_equal(json_integer_value(json_object_get(root, "status")),
	    status);
	assert_int_equal(json_integer_value(json_object_get(root, "exit")),
	    exit_code);
	assert_memory_equal(text_of(root, "type"), "urn:aegis:problem:", 18);
	json_decref(root);
}

static void
wrong_requests_are_refused_before_they_reach_the_node(void **state)
{
	struct api_fixture *f = *state;

	expect_problem(f, 404, "GET", "/v1/nothing", "", "VERSION", 2);
	expect_problem(f, 404, "GET", "/v1/kv%2Ftxn", "", "VERSION", 2);
	expect_problem(f, 404, "GET", "/livez%00", "", "VERSION", 2);
	expect_problem(f, 405, "DELETE", "/livez", "", "VERSION", 2);
	expect_problem(f, 400, "PUT", "/v1/kv", "v", "INVALID", 2);
	expect_problem(f, 400, "PUT", "/v1/kv?key=aw&ifversion=1", "v",
	    "INVALID", 2);
	expect_problem(f, 400, "PUT", "/v1/kv?key=aw&key=YQ", "v", "INVALID",
	    2);
	expect_problem(f, 400, "PUT", "/v1/kv?key=a%2B", "v", "INVALID", 2);
	expect_problem(f, 400, "GET", "/v1/kv?key=aw&prefix=aw", "", "INVALID",
	    2);
	expect_problem(f, 400, "GET", "/v1/kv?keys_only=yes", "", "INVALID", 2);
	expect_problem(f, 400, "GET", "/readyz?verbose=2", "", "INVALID", 2);
	expect_problem(f, 400, "PUT", "/v1/kv?key=aw&if_version=-1", "v",
	    "INVALID", 2);
	expect_problem(f, 400, "PUT",
	    "/v1/kv?key=aw&if_version=18446744073709551616", "v", "INVALID", 2);
	expect_problem(f, 400, "GET", "/v1/kv?limit=0", "", "INVALID", 2);
	expect_problem(f, 400, "GET", "/v1/kv?limit=1001", "", "INVALID", 2);
	expect_problem(f, 400, "GET", "/v1/kv?key=aw&consistency=strong", "",
	    "INVALID", 2);
	expect_problem(f, 400, "GET", "/v1/requests?id=x", "", "INVALID", 2);
	expect_problem(f, 400, "GET", "/v1/consensus/cert", "", "INVALID", 2);
	expect_problem(f, 413, "GET", "/livez", "a body", "LIMIT", 2);
	assert_int_equal(fake_node_status(f->node)->executed, 0);
}

static void
refused_method_says_which_are_allowed(void **state)
{
	struct api_fixture *f = *state;
	struct buf answer;

	api_fixture_ask(f, &answer, "PATCH", "/v1/kv", "", nothing);
	assert_int_equal(api_fixture_status(&answer), 405);
	assert_non_null(strstr((const char *)answer.data,
	    "\r\nAllow: GET, PUT, DELETE\r\n"));
	buf_fini(&answer);
}

static void
written_key_is_read_back_with_its_versions(void **state)
{
	struct api_fixture *f = *state;
	json_t *root;

	expect(f, 200, "PUT", "/v1/kv?key=aw", "one", "version", "1");
	root = ask(f, 200, "PUT", "/v1/kv?key=aw&if_version=1",
	    bytes_from_text("two"));
	assert_string_equal(text_of(root, "code"), "DONE");
	assert_string_equal(text_of(root, "previous_version"), "1");
	assert_string_equal(text_of(root, "version"), "2");
	json_decref(root);
	root = ask(f, 200, "GET", "/v1/kv?key=aw", nothing);
	assert_string_equal(text_of(root, "key"), "k");
	assert_string_equal(text_of(root, "value"), "two");
	assert_string_equal(text_of(root, "created"), "1");
	assert_string_equal(text_of(root, "modified"), "2");
	assert_string_equal(text_of(root, "seq"), "2");
	json_decref(root);
	expect(f, 200, "DELETE", "/v1/kv?key=aw", "", "version", "0");
	expect_problem(f, 404, "GET", "/v1/kv?key=aw", "", "NOT_FOUND", 1);
	expect_problem(f, 404, "DELETE", "/v1/kv?key=aw", "", "NOT_FOUND", 1);
}

static void
failed_comparison_is_412_and_changes_nothing(void **state)
{
	struct api_fixture *f = *state;

	expect(f, 200, "PUT", "/v1/kv?key=aw&if_version=0", "one", "code",
	    "DONE");
	expect_problem(f, 412, "PUT", "/v1/kv?key=aw&if_version=0", "two",
	    "CONFLICT", 10);
	expect(f, 412, "PUT", "/v1/kv?key=aw&if_version=0", "two", "version",
	    "1");
	expect(f, 200, "GET", "/v1/kv?key=aw", "", "value", "one");
}

static void
granted_lease_is_kept_alive_and_revoked_with_its_keys(void **state)
{
	struct api_fixture *f = *state;
	json_t *root;

	expect(f, 200, "POST", "/v1/leases", "{\"ttl_s\":30}", "lease", "1");
	expect(f, 200, "POST", "/v1/leases", "{\"ttl_s\":\"60\"}", "lease",
	    "2");
	expect(f, 200, "PUT", "/v1/kv?key=aw&lease=1", "one", "code", "DONE");
	expect(f, 200, "GET", "/v1/kv?key=aw", "", "lease", "1");
	expect(f, 200, "POST", "/v1/leases/keepalive", "{\"lease\":\"1\"}",
	    "expires", "2023-11-14T22:13:50.000Z");
	root = ask(f, 200, "GET", "/v1/leases?lease=1", nothing);
	assert_string_equal(text_of(root, "lease"), "1");
	assert_int_equal(json_integer_value(json_object_get(root, "ttl_s")),
	    30);
	assert_string_equal(json_string_value(
				json_array_get(json_object_get(root, "keys"),
				    0)),
	    "k");
	json_decref(root);
	expect(f, 200, "POST", "/v1/leases/revoke", "{\"lease\":1}", "lease",
	    "1");
	expect_problem(f, 404, "GET", "/v1/kv?key=aw", "", "NOT_FOUND", 1);
	expect_problem(f, 404, "GET", "/v1/leases?lease=1", "", "NOT_FOUND", 1);
	expect_problem(f, 410, "POST", "/v1/leases/keepalive", "{\"lease\":1}",
	    "NOT_FOUND", 1);
	expect_problem(f, 410, "PUT", "/v1/kv?key=aw&lease=1", "one",
	    "NOT_FOUND", 1);
}

static void
leases_are_listed_page_by_page(void **state)
{
	struct api_fixture *f = *state;
	json_t *root;
	size_t i;

	for (i = 0; i < 3; i++)
		json_decref(ask(f, 200, "POST", "/v1/leases",
		    bytes_from_text("{\"ttl_s\":30}")));
	root = ask(f, 200, "GET", "/v1/leases?limit=2", nothing);
	assert_int_equal(json_array_size(json_object_get(root, "leases")), 2);
	assert_string_equal(text_of(root, "cursor"), "2");
	json_decref(root);
	root = ask(f, 200, "GET", "/v1/leases?limit=2&cursor=2", nothing);
	assert_int_equal(json_array_size(json_object_get(root, "leases")), 1);
	assert_true(json_is_null(json_object_get(root, "cursor")));
	json_decref(root);
}

static void
wrong_lease_is_refused_before_anything_is_agreed(void **state)
{
	static const char *const bodies[] = { "", "{}", "{\"ttl_s\":0}",
		"{\"ttl_s\":-1}", "{\"ttl_s\":\"1s\"}", "{\"ttl_s\":1e9}",
		"{\"ttl_s\":31622401}", "{\"ttl_s\":30,\"more\":1}",
		"{\"ttl_s\":30,\"ttl_s\":30}", "[30]", "30", "nonsense" };
	static const char *const changes[] = {
		"{\"then\":[{\"put\":\"k\",\"value\":\"v\",\"lease\":\"0\"}]}",
		"{\"then\":[{\"put\":\"k\",\"value\":\"v\",\"lease\":\"x\"}]}",
		"{\"then\":[{\"delete\":\"k\",\"lease\":\"1\"}]}",
	};
	struct api_fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		expect_problem(f, 400, "POST", "/v1/leases", bodies[i],
		    "INVALID", 2);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		expect_problem(f, 400, "POST", "/v1/kv/txn", changes[i],
		    "INVALID", 2);
	expect_problem(f, 400, "POST", "/v1/leases/revoke", "{\"lease\":0}",
	    "INVALID", 2);
	expect_problem(f, 400, "POST", "/v1/leases/keepalive",
	    "{\"lease\":\"9223372036854775808\"}", "INVALID", 2);
	expect_problem(f, 400, "PUT", "/v1/kv?key=aw&lease=0", "v", "INVALID",
	    2);
	expect_problem(f, 400, "DELETE", "/v1/kv?key=aw&lease=1", "", "INVALID",
	    2);
	expect_problem(f, 400, "GET", "/v1/leases?lease=1&cursor=1", "",
	    "INVALID", 2);
	expect_problem(f, 400, "GET", "/v1/leases?limit=0", "", "INVALID", 2);
	assert_int_equal(fake_node_status(f->node)->executed, 0);
}

static void
transaction_attaches_what_it_puts(void **state)
{
	struct api_fixture *f = *state;

	expect(f, 200, "POST", "/v1/leases", "{\"ttl_s\":30}", "lease", "1");
	json_decref(ask(f, 200, "POST", "/v1/kv/txn",
	    bytes_from_text("{\"then\":[{\"put\":\"k\",\"value\":\"v\","
			    "\"lease\":\"1\"}]}")));
	expect(f, 200, "GET", "/v1/kv?key=aw", "", "lease", "1");
}

static void
binary_value_is_base64_in_json_and_exact_when_asked_for_raw(void **state)
{
	struct api_fixture *f = *state;
	const struct bytes value = bytes_of("\x00\xff\n", 3);
	struct buf answer;
	json_t *root;

	json_decref(ask(f, 200, "PUT", "/v1/kv?key=aw", value));
	root = ask(f, 200, "GET", "/v1/kv?key=aw", nothing);
	assert_string_equal(text_of(json_object_get(root, "value"), "b64"),
	    "AP8K");
	json_decref(root);
	api_fixture_ask(f, &answer, "GET", "/v1/kv?key=aw",
	    "Accept: application/octet-stream\r\n", nothing);
	assert_non_null(
	    strstr((const char *)answer.data, "\r\nAegis-Version: 1\r\n"));
	assert_memory_equal(api_fixture_body(&answer), value.data, 3);
	buf_fini(&answer);
}

static void
trouble_of_the_cluster_has_its_own_answers(void **state)
{
	struct api_fixture *f = *state;
	struct buf answer;
	json_t *root;

	fake_node_set_outcome(f->node, AG_ENOQUORUM);
	expect_problem(f, 503, "PUT", "/v1/kv?key=aw", "v", "NO_QUORUM", 6);
	expect_problem(f, 503, "GET", "/v1/kv?key=aw", "", "NO_QUORUM", 6);
	expect_problem(f, 404, "GET", "/v1/kv?key=aw&consistency=local", "",
	    "NOT_FOUND", 1);
	fake_node_set_outcome(f->node, AG_EUNKNOWN);
	root = ask(f, 504, "PUT", "/v1/kv?key=aw", bytes_from_text("v"));
	assert_string_equal(text_of(root, "code"), "OUTCOME_UNKNOWN");
	assert_int_equal(strlen(text_of(root, "request")), 66);
	json_decref(root);
	fake_node_set_outcome(f->node, AG_EBUSY);
	api_fixture_ask(f, &answer, "PUT", "/v1/kv?key=aw", "",
	    bytes_from_text("v"));
	assert_int_equal(api_fixture_status(&answer), 429);
	assert_non_null(
	    strstr((const char *)answer.data, "\r\nRetry-After: 1\r\n"));
	buf_fini(&answer);
}

static void
a_trace_tells_phases_as_microseconds_after_the_first(void **state)
{
	struct api_fixture *f = *state;
	char target[160];
	json_t *root;

	root = ask(f, 200, "PUT", "/v1/kv?key=aw", bytes_from_text("v"));
	(void)snprintf(target, sizeof(target), "/v1/consensus/trace?id=%s",
	    text_of(root, "request"));
	json_decref(root);
	root = ask(f, 200, "GET", target, bytes_of(NULL, 0));
	assert_string_equal(text_of(root, "phase"), "EXECUTED");
	assert_string_equal(text_of(root, "code"), "DONE");
	assert_string_equal(text_of(root, "began"), "2023-11-14T22:13:20.000Z");
	assert_string_equal(text_of(root, "received_us"), "0");
	assert_string_equal(text_of(root, "executed_us"), "1234");
	assert_true(json_is_null(json_object_get(root, "proposed_us")));
	assert_int_equal(json_array_size(json_object_get(root, "prepares")), 3);
	json_decref(root);
	/* Not in memory and not in the log. */
	target[strlen(target) - 1] = '9';
	expect_problem(f, 404, "GET", target, "", "NOT_FOUND", 1);
	expect_problem(f, 400, "GET", "/v1/consensus/trace?id=x", "", "INVALID",
	    2);
	expect_problem(f, 400, "GET", "/v1/consensus/trace", "", "INVALID", 2);
}

static void
body_over_the_limit_is_413_however_it_is_sent(void **state)
{
	struct api_fixture *f = *state;
	static uint8_t big[(1U << 20) + 2];
	struct buf answer;
	struct api_talk talk;
	struct buf request;

	memset(big, 'x', sizeof(big));
	json_decref(
	    ask(f, 200, "PUT", "/v1/kv?key=aw", bytes_of(big, 1U << 20)));
	api_fixture_ask(f, &answer, "PUT", "/v1/kv?key=aw", "",
	    bytes_of(big, (1U << 20) + 1));
	assert_int_equal(api_fixture_status(&answer), 413);
	buf_fini(&answer);

	buf_init(&request, 2U << 20);
	assert_int_equal(buf_printf(&request,
			     "PUT /v1/kv?key=aw HTTP/1.1\r\nHost: a\r\n"
			     "Connection: close\r\n"
			     "Transfer-Encoding: chunked\r\n\r\n100001\r\n"),
	    AG_OK);
	assert_int_equal(buf_append(&request, big, (1U << 20) + 1), AG_OK);
	assert_int_equal(buf_append(&request, "\r\n0\r\n\r\n", 7), AG_OK);
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk, buf_bytes(&request), NULL));
	assert_int_equal(api_fixture_status(&talk.received), 413);
	api_talk_close(&talk);
	buf_fini(&request);
}

static void
pages_show_every_key_once_and_in_order(void **state)
{
	struct api_fixture *f = *state;
	char key[16], last[16] = "", target[4096];
	json_t *root, *entries;
	size_t i, seen = 0;

	for (i = 0; i < 250; i++) {
		(void)snprintf(key, sizeof(key), "p\xff%03zu", i);
		fake_node_put(f->node, key, bytes_from_text("v"));
	}
	fake_node_put(f->node, "q", bytes_from_text("other"));
	(void)snprintf(target, sizeof(target), "/v1/kv?prefix=cP8&limit=99");
	for (;;) {
		root = ask(f, 200, "GET", target, nothing);
		entries = json_object_get(root, "entries");
		for (i = 0; i < json_array_size(entries); i++, seen++) {
			const char *b64 =
			    text_of(json_object_get(json_array_get(entries, i),
					"key"),
				"b64");

			assert_true(strcmp(last, b64) < 0);
			(void)snprintf(last, sizeof(last), "%s", b64);
		}
		if (json_is_null(json_object_get(root, "cursor")))
			break;
		(void)snprintf(target, sizeof(target),
		    "/v1/kv?prefix=cP8&limit=99&cursor=%s",
		    text_of(root, "cursor"));
		json_decref(root);
	}
	json_decref(root);
	assert_int_equal(seen, 250);
	expect_problem(f, 400, "GET", "/v1/kv?prefix=cQ&cursor=cA", "",
	    "INVALID", 2);
}

/* The keys of a page with this query, each of one letter. */
static void
expect_keys(struct api_fixture *f, const char *query, const char *letters)
{
	json_t *root, *entries;
	char target[128];
	size_t i;

	(void)snprintf(target, sizeof(target), "/v1/kv?%s", query);
	root = ask(f, 200, "GET", target, nothing);
	entries = json_object_get(root, "entries");
	assert_int_equal(json_array_size(entries), strlen(letters));
	for (i = 0; i < json_array_size(entries); i++)
		assert_int_equal(text_of(json_array_get(entries, i), "key")[0],
		    letters[i]);
	json_decref(root);
}

static void
page_is_bounded_by_from_and_to_within_its_prefix(void **state)
{
	struct api_fixture *f = *state;
	static const char *const keys[] = { "a", "b", "c", "d" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		fake_node_put(f->node, keys[i], bytes_from_text("v"));
	expect_keys(f, "from=Yg", "bcd");
	expect_keys(f, "from=YgA", "cd"); /* b and a zero byte */
	expect_keys(f, "to=Yw", "ab");
	expect_keys(f, "from=Yg&to=ZA", "bc");
	expect_keys(f, "from=ZA&to=Yg", "");
	expect_keys(f, "prefix=Yg&from=YQ&to=ZA", "b");
	expect_keys(f, "prefix=Yg&from=Yw", "");
	expect_keys(f, "from=Yg&to=ZA&cursor=Yw", "c");
	expect_problem(f, 400, "GET", "/v1/kv?from=%2B", "", "INVALID", 2);
	expect_problem(f, 400, "GET", "/v1/kv?key=aw&to=aw", "", "INVALID", 2);
}

static void
page_of_large_values_ends_early_and_goes_on(void **state)
{
	struct api_fixture *f = *state;
	static uint8_t big[1U << 20];
	json_t *root;
	char key[8];
	size_t i;

	memset(big, 'x', sizeof(big));
	for (i = 0; i < 8; i++) {
		(void)snprintf(key, sizeof(key), "k%zu", i);
		fake_node_put(f->node, key, bytes_of(big, sizeof(big)));
	}
	root = ask(f, 200, "GET", "/v1/kv?prefix=", nothing);
	assert_in_range(json_array_size(json_object_get(root, "entries")), 1,
	    7);
	assert_true(json_is_string(json_object_get(root, "cursor")));
	json_decref(root);
}

static void
transaction_applies_then_or_else(void **state)
{
	struct api_fixture *f = *state;
	json_t *root;

	root = ask(f, 200, "POST", "/v1/kv/txn",
	    bytes_from_text("{\"compare\":[{\"key\":\"a\",\"exists\":false}],"
			    "\"then\":[{\"put\":\"a\",\"value\":\"1\"},"
			    "{\"put\":{\"b64\":\"AP8=\"},\"value\":\"2\"}]}"));
	assert_true(json_is_true(json_object_get(root, "succeeded")));
	json_decref(root);
	root = ask(f, 200, "POST", "/v1/kv/txn",
	    bytes_from_text("{\"compare\":[{\"key\":\"a\",\"version\":\"7\"}],"
			    "\"else\":[{\"delete\":\"a\"}]}"));
	assert_true(json_is_false(json_object_get(root, "succeeded")));
	json_decref(root);
	expect_problem(f, 404, "GET", "/v1/kv?key=YQ", "", "NOT_FOUND", 1);
	expect(f, 200, "GET", "/v1/kv?key=AP8", "", "value", "2");
}

static void
wrong_transactions_are_refused_with_the_place(void **state)
{
	struct api_fixture *f = *state;
	static const char *const wrong[] = {
		"",
		"[]",
		"{\"then\":[",
		"{\"then\":{}}",
		"{\"than\":[]}",
		"{\"then\":[],\"then\":[]}",
		"{\"then\":[{\"put\":\"k\"}]}",
		"{\"then\":[{\"put\":\"k\",\"value\":1}]}",
		"{\"then\":[{\"put\":\"\",\"value\":\"v\"}]}",
		"{\"then\":[{\"put\":\"k\",\"valeu\":\"v\"}]}",
		"{\"then\":[{\"put\":\"k\",\"value\":{\"b64\":\"!\"}}]}",
		"{\"then\":[{\"put\":\"k\",\"value\":{\"b64\":\"YQ\"}}]}",
		"{\"then\":[{\"delete\":\"k\",\"value\":\"v\"}]}",
		"{\"compare\":[{\"key\":\"k\"}]}",
		"{\"compare\":[{\"key\":\"k\",\"version\":\"-1\"}]}",
		"{\"compare\":[{\"key\":\"k\",\"exists\":\"yes\"}]}",
		"{\"then\":[{\"put\":\"\xff\",\"value\":\"v\"}]}",
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_problem(f, 400, "POST", "/v1/kv/txn", wrong[i],
		    "INVALID", 2);
	assert_int_equal(fake_node_status(f->node)->executed, 0);
}

static void
transaction_of_endless_brackets_is_refused_unparsed(void **state)
{
	struct api_fixture *f = *state;
	static char body[1U << 20];

	memset(body, '[', sizeof(body) - 1);
	expect_problem(f, 413, "POST", "/v1/kv/txn", body, "LIMIT", 2);
}

static void
request_can_be_asked_for_by_its_id(void **state)
{
	struct api_fixture *f = *state;
	char target[160];
	json_t *root;

	root = ask(f, 200, "PUT", "/v1/kv?key=aw", bytes_from_text("v"));
	(void)snprintf(target, sizeof(target), "/v1/requests?id=%s",
	    text_of(root, "request"));
	json_decref(root);
	expect(f, 200, "GET", target, "", "code", "DONE");
	target[strlen(target) - 1] = '9';
	expect_problem(f, 404, "GET", target, "", "NOT_FOUND", 1);
}

static void
status_alerts_and_readiness_follow_the_cluster(void **state)
{
	struct api_fixture *f = *state;
	struct node_status *s = fake_node_status(f->node);
	const json_t *member;
	json_t *root;

	fake_node_put(f->node, "k", bytes_from_text("v"));
	s->members[3].state = NODE_MEMBER_SILENT;
	s->members[3].last_heard_ms = 9000;
	s->missing = 1;
	s->margin = 0;
	s->health = NODE_DEGRADED;
	root = ask(f, 200, "GET", "/v1/status", nothing);
	assert_string_equal(text_of(root, "health"), "DEGRADED");
	member = json_array_get(json_object_get(root, "members"), 3);
	assert_string_equal(text_of(member, "state"), "SILENT");
	assert_string_equal(text_of(member, "lag"), "1");
	assert_null(json_object_get(root, "transfer"));
	json_decref(root);
	root = ask(f, 200, "GET", "/v1/alerts", nothing);
	assert_int_equal(json_array_size(json_object_get(root, "alerts")), 2);
	json_decref(root);
	root = ask(f, 200, "GET", "/readyz", nothing);
	assert_null(json_object_get(root, "checks"));
	json_decref(root);
	s->margin = -1;
	s->health = NODE_NO_QUORUM;
	root = ask(f, 503, "GET", "/readyz", nothing);
	assert_int_equal(json_array_size(json_object_get(root, "checks")), 2);
	json_decref(root);
	json_decref(ask(f, 200, "GET", "/livez", nothing));
}

static void
a_node_that_fetches_a_state_says_how_far_it_is(void **state)
{
	struct api_fixture *f = *state;
	struct node_status *s = fake_node_status(f->node);
	json_t *root, *transfer;

	s->transfer_seq = 24;
	s->transfer_bytes = 1000;
	s->transfer_total = 4000;
	s->transfer_members = 1U << 1 | 1U << 3;
	root = ask(f, 200, "GET", "/v1/status", nothing);
	transfer = json_object_get(root, "transfer");
	assert_string_equal(text_of(transfer, "seq"), "24");
	assert_string_equal(text_of(transfer, "bytes"), "1000");
	assert_string_equal(text_of(transfer, "total"), "4000");
	assert_int_equal(json_array_size(json_object_get(transfer, "from")), 2);
	json_decref(root);
}

static void
every_route_of_the_list_answers(void **state)
{
	struct api_fixture *f = *state;
	json_t *root, *operations, *value;
	const char *path;
	struct buf answer;

	root = ask(f, 200, "GET", "/v1/openapi.json", nothing);
	assert_true(json_object_size(json_object_get(root, "paths")) >= 15);
	json_object_foreach(json_object_get(root, "paths"), path, operations)
	{
		value = json_object_get(operations, "get");
		if (value == NULL || strcmp(path, "/v1/watch") == 0)
			continue;
		api_fixture_ask(f, &answer, "GET", path, "", nothing);
		assert_in_range(api_fixture_status(&answer), 200, 404);
		assert_int_not_equal(api_fixture_status(&answer), 405);
		buf_fini(&answer);
	}
	json_decref(root);
}

static void
certificate_is_raw_cbor_when_asked_for(void **state)
{
	struct api_fixture *f = *state;
	struct buf answer;

	fake_node_put(f->node, "k", bytes_from_text("v"));
	expect(f, 200, "GET", "/v1/consensus/cert?seq=1", "", "cbor", "8101");
	api_fixture_ask(f, &answer, "GET", "/v1/consensus/cert?seq=1",
	    "Accept: application/cbor\r\n", nothing);
	assert_memory_equal(api_fixture_body(&answer), "\x81\x01", 2);
	buf_fini(&answer);
	expect_problem(f, 404, "GET", "/v1/consensus/cert?seq=9", "",
	    "NOT_FOUND", 1);
}

static void
evidence_is_listed_and_given_whole(void **state)
{
	static const char one[] = "/v1/consensus/evidence?id=n4-commit-v0-s17";
	struct api_fixture *f = *state;
	const json_t *item;
	struct buf answer;
	json_t *root;

	root = ask(f, 200, "GET", "/v1/consensus/evidence", nothing);
	assert_int_equal(json_array_size(json_object_get(root, "evidence")), 0);
	json_decref(root);
	expect_problem(f, 404, "GET", one, "", "NOT_FOUND", 1);
	fake_node_accuse(f->node, 3);
	root = ask(f, 200, "GET", "/v1/consensus/evidence", nothing);
	item = json_array_get(json_object_get(root, "evidence"), 0);
	assert_string_equal(text_of(item, "member"), "n4");
	assert_string_equal(text_of(item, "kind"), "commit");
	assert_string_equal(text_of(item, "seq"), "17");
	assert_string_equal(text_of(item, "view"), "0");
	assert_non_null(strstr(text_of(item, "text"), "two different commit"));
	json_decref(root);
	expect(f, 200, "GET", one, "", "cbor", "8102");
	api_fixture_ask(f, &answer, "GET", one, "Accept: application/cbor\r\n",
	    nothing);
	assert_memory_equal(api_fixture_body(&answer), "\x81\x02", 2);
	buf_fini(&answer);
	expect_problem(f, 404, "GET", "/v1/consensus/evidence?id=../lock", "",
	    "NOT_FOUND", 1);
}

static void
evidence_is_an_alert_and_in_the_status(void **state)
{
	struct api_fixture *f = *state;
	const json_t *alert;
	json_t *root;

	fake_node_accuse(f->node, 3);
	root = ask(f, 200, "GET", "/v1/alerts", nothing);
	alert = json_array_get(json_object_get(root, "alerts"), 0);
	assert_string_equal(text_of(alert, "name"), "evidence");
	assert_string_equal(text_of(alert, "severity"), "CRIT");
	assert_string_equal(text_of(alert, "node"), "n4");
	assert_string_equal(text_of(alert, "since"),
	    "1970-01-01T00:00:01.000Z");
	json_decref(root);
	root = ask(f, 200, "GET", "/v1/status", nothing);
	assert_string_equal(text_of(json_array_get(json_object_get(root,
						       "members"),
					3),
				"evidence"),
	    "1");
	json_decref(root);
}

static void
state_is_told_with_its_sequence(void **state)
{
	struct api_fixture *f = *state;

	fake_node_put(f->node, "k", bytes_from_text("v"));
	fake_node_put(f->node, "k", bytes_from_text("w"));
	expect(f, 200, "GET", "/v1/consensus/state", "", "seq", "2");
	expect(f, 200, "GET", "/v1/consensus/state", "", "digest",
	    "abababababababababababababababababababababababababababababababab");
}

static void
failed_state_is_no_digest(void **state)
{
	struct api_fixture *f = *state;

	fake_node_set_outcome(f->node, AG_ENOQUORUM);
	expect_problem(f, 500, "GET", "/v1/consensus/state", "", "INTERNAL",
	    12);
}

#define WATCH(query, head) \
	"GET /v1/watch" query " HTTP/1.1\r\nHost: a\r\n" head "\r\n"

static void
watch_streams_changes_of_its_prefix_only(void **state)
{
	struct api_fixture *f = *state;
	struct api_talk talk;

	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk,
	    bytes_from_text(WATCH("?prefix=YQ", "")), "event: ping"));
	fake_node_put(f->node, "b", bytes_from_text("not this"));
	fake_node_put(f->node, "a1", bytes_from_text("this"));
	assert_true(api_talk_wait(&talk, "this\""));
	assert_non_null(strstr((const char *)talk.received.data,
	    "id: 2\nevent: put\ndata: {\"key\":\"a1\",\"value\":\"this\""));
	assert_null(strstr((const char *)talk.received.data, "not this"));
	json_decref(ask(f, 200, "DELETE", "/v1/kv?key=YTE", nothing));
	assert_true(api_talk_wait(&talk, "id: 3\nevent: delete\n"));
	api_talk_close(&talk);
}

static void
watch_resumes_in_the_midst_of_a_sequence(void **state)
{
	struct api_fixture *f = *state;
	const char *seen;
	struct api_talk talk;

	json_decref(ask(f, 200, "POST", "/v1/kv/txn",
	    bytes_from_text("{\"then\":[{\"put\":\"a\",\"value\":\"v1\"},"
			    "{\"put\":\"b\",\"value\":\"v2\"},"
			    "{\"put\":\"c\",\"value\":\"v3\"}]}")));
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk, bytes_from_text(WATCH("?from=1", "")),
	    "\"v3\""));
	seen = (const char *)talk.received.data;
	assert_non_null(strstr(seen, "id: 1\n"));
	assert_non_null(strstr(seen, "id: 1.1\n"));
	assert_non_null(strstr(seen, "id: 1.2\n"));
	api_talk_close(&talk);
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk,
	    bytes_from_text(WATCH("", "Last-Event-ID: 1.1\r\n")), "\"v3\""));
	seen = (const char *)talk.received.data;
	assert_null(strstr(seen, "\"v1\""));
	assert_null(strstr(seen, "\"v2\""));
	api_talk_close(&talk);
}

static void
watch_resumes_from_a_ping_without_a_gap(void **state)
{
	struct api_fixture *f = *state;
	const char *seen;
	struct api_talk talk;

	fake_node_put(f->node, "a", bytes_from_text("v1"));
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk, bytes_from_text(WATCH("", "")),
	    "id: 1.all\nevent: ping\n"));
	api_talk_close(&talk);
	fake_node_put(f->node, "b", bytes_from_text("v2"));
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk,
	    bytes_from_text(WATCH("", "Last-Event-ID: 1.all\r\n")),
	    "id: 2.all\nevent: ping\n"));
	seen = (const char *)talk.received.data;
	assert_non_null(strstr(seen, "id: 2\nevent: put\n"));
	assert_null(strstr(seen, "\"v1\""));
	api_talk_close(&talk);
	/* What was not asked for is not sent on resuming either. */
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk, bytes_from_text(WATCH("?from=9", "")),
	    "id: 8.all\nevent: ping\n"));
	api_talk_close(&talk);
}

static void
watch_that_is_behind_does_not_say_that_it_has_all(void **state)
{
	struct api_fixture *f = *state;
	struct api_talk talk;

	fake_node_put(f->node, "a", bytes_from_text("v"));
	fake_node_put(f->node, "a", bytes_from_text("v"));
	fake_node_put(f->node, "a", bytes_from_text("v"));
	fake_node_set_shown(f->node, 1);
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk, bytes_from_text(WATCH("", "")),
	    "id: 1.all\nevent: ping\n"));
	fake_node_set_shown(f->node, UINT64_MAX);
	api_talk_close(&talk);
}

static void
watch_of_forgotten_changes_is_gone(void **state)
{
	struct api_fixture *f = *state;
	struct api_talk talk;

	fake_node_put(f->node, "a", bytes_from_text("v"));
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk, bytes_from_text(WATCH("?from=1", "")),
	    "\"v\""));
	fake_node_compact(f->node);
	assert_true(api_talk_wait(&talk, "event: cut"));
	assert_true(api_talk_wait(&talk, "changes before 2 are not known"));
	assert_true(api_talk_wait(&talk, "0\r\n\r\n"));
	api_talk_close(&talk);
	expect_problem(f, 410, "GET", "/v1/watch?from=1", "", "NOT_FOUND", 1);
}

static void
watcher_that_does_not_read_is_cut_with_a_reason(void **state)
{
	struct api_fixture *f = *state;
	static uint8_t big[1U << 20];
	struct api_talk talk;
	int i;

	memset(big, 'x', sizeof(big));
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk, bytes_from_text(WATCH("", "")),
	    "event: ping"));
	talk.is_reading = false;
	loop_fd_want(talk.watch, false, false);
	for (i = 0; i < 20; i++) {
		fake_node_put(f->node, "k", bytes_of(big, sizeof(big)));
		api_fixture_run(f, 1);
	}
	talk.is_reading = true;
	assert_true(api_talk_wait(&talk, "event: cut"));
	assert_true(api_talk_wait(&talk, "\"code\":\"BUSY\""));
	api_talk_close(&talk);
}

static void
snapshot_is_streamed_whole(void **state)
{
	struct api_fixture *f = *state;
	struct api_talk talk;

	fake_node_set_snapshot_bytes(f->node, 3000000);
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk,
	    bytes_from_text("GET /v1/snapshot HTTP/1.1\r\nHost: a\r\n"
			    "Connection: close\r\n\r\n"),
	    NULL));
	assert_int_equal(api_fixture_status(&talk.received), 200);
	assert_true(talk.received.len > 3000000);
	assert_memory_equal(talk.received.data + talk.received.len - 5,
	    "0\r\n\r\n", 5);
	api_talk_close(&talk);
}

static void
broken_snapshot_never_looks_whole(void **state)
{
	struct api_fixture *f = *state;
	struct api_talk talk;

	fake_node_set_snapshot_bytes(f->node, 3000000);
	fake_node_break_snapshot_at(f->node, 1000000);
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk,
	    bytes_from_text("GET /v1/snapshot HTTP/1.1\r\nHost: a\r\n"
			    "Connection: close\r\n\r\n"),
	    NULL));
	assert_true(talk.received.len > 1000000);
	assert_memory_not_equal(talk.received.data + talk.received.len - 5,
	    "0\r\n\r\n", 5);
	api_talk_close(&talk);
}

static void
request_for_what_is_in_escrow_alerts_while_it_is_open(void **state)
{
	const char *key = "/v1/kv?key=ZXNjcm93L3JlcXVlc3RzL2E"; /* …/a */
	struct api_fixture *f = *state;
	json_t *root, *list;

	json_decref(ask(f, 200, "PUT", key, bytes_from_text("x")));
	/* One look begins with the first question, and is told in the next. */
	json_decref(ask(f, 200, "GET", "/v1/alerts", nothing));
	root = ask(f, 200, "GET", "/v1/alerts", nothing);
	list = json_object_get(root, "alerts");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text_of(json_array_get(list, 0), "name"),
	    "escrow_request");
	json_decref(root);
	json_decref(ask(f, 200, "DELETE", key, nothing));
	json_decref(ask(f, 200, "GET", "/v1/alerts", nothing));
	root = ask(f, 200, "GET", "/v1/alerts", nothing);
	assert_int_equal(json_array_size(json_object_get(root, "alerts")), 0);
	json_decref(root);
}

static void
key_epochs_are_told_and_ordered(void **state)
{
	struct api_fixture *f = *state;
	struct node_key_epochs *keys = fake_node_key_epochs(f->node);
	json_t *root, *list;

	keys->next = 2;
	keys->next_seq = 99;
	keys->suspect = 1;
	keys->need = "log";
	root = ask(f, 200, "GET", "/v1/keys", nothing);
	assert_int_equal(json_integer_value(json_object_get(root, "next")), 2);
	assert_string_equal(text_of(root, "next_seq"), "99");
	assert_string_equal(text_of(root, "need"), "log");
	assert_true(json_is_null(json_object_get(root, "trouble")));
	list = json_object_get(root, "epochs");
	assert_true(
	    json_is_true(json_object_get(json_array_get(list, 0), "suspect")));
	json_decref(root);
	root = ask(f, 200, "POST", "/v1/keys", bytes_from_text("order"));
	assert_non_null(text_of(root, "request"));
	json_decref(root);
	json_decref(
	    ask(f, 403, "POST", "/v1/keys", bytes_from_text("another")));
}

static void
a_link_key_is_replaced_or_it_is_said_why_not(void **state)
{
	struct api_fixture *f = *state;
	json_t *root;

	root = ask(f, 200, "POST", "/v1/link-key", nothing);
	assert_string_equal(text_of(root, "serial"), "1");
	assert_non_null(text_of(root, "fingerprint"));
	json_decref(root);
	root = ask(f, 200, "POST", "/v1/link-key", nothing);
	assert_string_equal(text_of(root, "serial"), "2");
	json_decref(root);
	/* A passphrase, and a token that is away. */
	fake_node_set_outcome(f->node, AG_EDENIED);
	root = ask(f, 422, "POST", "/v1/link-key", nothing);
	assert_string_equal(text_of(root, "detail"), "the key stays");
	json_decref(root);
	fake_node_set_outcome(f->node, AG_EUNREACH);
	json_decref(ask(f, 503, "POST", "/v1/link-key", nothing));
	json_decref(ask(f, 405, "GET", "/v1/link-key", nothing));
}

static void
trouble_with_a_key_epoch_alerts(void **state)
{
	struct api_fixture *f = *state;
	json_t *root, *list;

	(void)snprintf(fake_node_key_epochs(f->node)->trouble,
	    NODE_KEY_TROUBLE_BYTES, "the keyring is read-only");
	root = ask(f, 200, "GET", "/v1/alerts", nothing);
	list = json_object_get(root, "alerts");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text_of(json_array_get(list, 0), "name"),
	    "key_rotation");
	json_decref(root);
}

static void
proof_of_a_key_is_an_answer_of_its_own(void **state)
{
	struct api_fixture *f = *state;
	struct buf out;

	buf_init(&out, 4096);
	/* The fake node proves a key by its name. */
	api_fixture_ask(f, &out, "GET", "/v1/proof?key=aGVsbG8", "", nothing);
	assert_int_equal(api_fixture_status(&out), 200);
	assert_string_equal(api_fixture_body(&out), "hello");
	assert_non_null(
	    strstr((const char *)out.data, "Content-Type: application/cbor"));
	buf_fini(&out);
	json_decref(ask(f, 400, "GET", "/v1/proof", nothing));
	json_decref(ask(f, 400, "GET", "/v1/proof?key=!", nothing));
	fake_node_break_snapshot_at(f->node, 0);
	json_decref(ask(f, 500, "GET", "/v1/proof?key=aGVsbG8", nothing));
}

static void
proof_may_be_abandoned_while_it_is_made(void **state)
{
	struct api_fixture *f = *state;
	struct api_talk talk;

	for (int i = 0; i < 20; i++) {
		api_talk_open(&talk, f);
		(void)api_talk_send(&talk,
		    bytes_from_text("GET /v1/proof?key=aGVsbG8 HTTP/1.1\r\n"
				    "Host: a\r\n\r\n"),
		    "H");
		api_talk_close(&talk);
	}
	api_fixture_run(f, 50);
	json_decref(ask(f, 200, "GET", "/livez", nothing));
}

static void
snapshot_may_be_abandoned_while_it_is_read(void **state)
{
	struct api_fixture *f = *state;
	struct api_talk talk;

	fake_node_set_snapshot_bytes(f->node, 100000000);
	api_talk_open(&talk, f);
	assert_true(api_talk_send(&talk,
	    bytes_from_text("GET /v1/snapshot HTTP/1.1\r\nHost: a\r\n\r\n"),
	    "200 OK"));
	api_talk_close(&talk);
	api_fixture_run(f, 50);
	json_decref(ask(f, 200, "GET", "/livez", nothing));
}

static void
node_may_answer_inside_the_call(void **state)
{
	struct api_fixture *f = *state;

	fake_node_complete_inside(f->node, true);
	expect(f, 200, "PUT", "/v1/kv?key=aw", "v", "code", "DONE");
	expect(f, 200, "GET", "/v1/kv?key=aw", "", "value", "v");
}

static void
answer_for_a_client_that_left_goes_nowhere(void **state)
{
	struct api_fixture *f = *state;
	struct api_talk talk;

	fake_node_hold(f->node);
	api_talk_open(&talk, f);
	talk.unsent = bytes_from_text("PUT /v1/kv?key=aw HTTP/1.1\r\n"
				      "Host: a\r\nContent-Length: 1\r\n\r\n"
				      "v");
	loop_fd_want(talk.watch, true, true);
	api_fixture_run(f, 20);
	api_talk_close(&talk);
	api_fixture_run(f, 20);
	fake_node_release(f->node);
	expect(f, 200, "GET", "/v1/kv?key=aw", "", "value", "v");
}

static void
stop_cuts_everything_and_late_answers_are_harmless(void **state)
{
	struct api_fixture *f = *state;
	struct api_talk writer, watcher;
	struct ag_error err;

	api_talk_open(&watcher, f);
	assert_true(api_talk_send(&watcher, bytes_from_text(WATCH("", "")),
	    "event: ping"));
	fake_node_hold(f->node);
	api_talk_open(&writer, f);
	writer.unsent = bytes_from_text("PUT /v1/kv?key=aw HTTP/1.1\r\n"
					"Host: a\r\nContent-Length: 1\r\n\r\n"
					"v");
	loop_fd_want(writer.watch, true, true);
	api_fixture_run(f, 20);
	api_stop(f->api);
	f->api = NULL;
	assert_int_equal(access(f->path, F_OK), -1);
	assert_true(api_talk_wait(&watcher, NULL));
	assert_non_null(strstr((const char *)watcher.received.data,
	    "the node is stopping"));
	assert_non_null(strstr((const char *)watcher.received.data,
	    "id: 1.all\nevent: cut\n"));
	assert_non_null(
	    strstr((const char *)watcher.received.data, "\r\n0\r\n\r\n"));
	assert_true(api_talk_wait(&writer, NULL));
	fake_node_release(f->node);
	api_talk_close(&writer);
	api_talk_close(&watcher);
	assert_int_equal(api_start(&f->api, f->loop, f->node, &f->config, &err),
	    AG_OK);
}

static void
stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
	struct api_fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct api_config config = { 0 };
	struct api *other;
	struct ag_error err;
	struct stat st;
	char path[64];
	int fd;

	assert_int_equal(api_start(&other, f->loop, f->node, &f->config, &err),
	    AG_EBUSY);
	assert_null(other);
	assert_non_null(strstr(err.text, "another process listens there"));
	json_decref(ask(f, 200, "GET", "/livez", nothing));

	(void)snprintf(path, sizeof(path), "%s/stale", f->dir);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			     sizeof(address)),
	    0);
	(void)close(fd);
	config.socket_path = path;
	config.socket_mode = 0600;
	assert_int_equal(api_start(&other, f->loop, f->node, &config, &err),
	    AG_OK);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	api_stop(other);
	assert_int_equal(access(path, F_OK), -1);
}

static void
file_at_the_sockets_path_is_left_alone(void **state)
{
	struct api_fixture *f = *state;
	struct api_config config = { 0 };
	struct api *other;
	struct ag_error err;
	char path[64];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/file", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fclose(file);
	config.socket_path = path;
	assert_int_equal(api_start(&other, f->loop, f->node, &config, &err),
	    AG_EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	(void)unlink(path);
	config.socket_path = "/nowhere/s";
	assert_int_equal(api_start(&other, f->loop, f->node, &config, &err),
	    AG_ESYS);
	assert_non_null(strstr(err.text, "/nowhere/s: No such file"));
}

static void
thousand_connections_stay_open_and_are_served(void **state)
{
	struct api_fixture *f = *state;
	struct rlimit limit;
	struct api_talk *talks;
	const size_t count = 1000;
	size_t i;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	talks = calloc(count, sizeof(*talks));
	for (i = 0; i < count; i++) {
		api_talk_open(&talks[i], f);
		assert_true(api_talk_send(&talks[i],
		    bytes_from_text("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"),
		    "\"live\":true"));
	}
	for (i = 0; i < count; i++) {
		buf_clear(&talks[i].received);
		assert_true(api_talk_send(&talks[i],
		    bytes_from_text("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"),
		    "\"live\":true"));
	}
	for (i = 0; i < count; i++)
		api_talk_close(&talks[i]);
	free(talks);
}

#define API_TEST(fn)                                           \
	cmocka_unit_test_setup_teardown(fn, api_fixture_setup, \
	    api_fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(wrong_requests_are_refused_before_they_reach_the_node),
		API_TEST(refused_method_says_which_are_allowed),
		API_TEST(written_key_is_read_back_with_its_versions),
		API_TEST(failed_comparison_is_412_and_changes_nothing),
		API_TEST(granted_lease_is_kept_alive_and_revoked_with_its_keys),
		API_TEST(leases_are_listed_page_by_page),
		API_TEST(wrong_lease_is_refused_before_anything_is_agreed),
		API_TEST(transaction_attaches_what_it_puts),
		API_TEST(
		    binary_value_is_base64_in_json_and_exact_when_asked_for_raw),
		API_TEST(trouble_of_the_cluster_has_its_own_answers),
		API_TEST(a_trace_tells_phases_as_microseconds_after_the_first),
		API_TEST(body_over_the_limit_is_413_however_it_is_sent),
		API_TEST(pages_show_every_key_once_and_in_order),
		API_TEST(page_is_bounded_by_from_and_to_within_its_prefix),
		API_TEST(page_of_large_values_ends_early_and_goes_on),
		API_TEST(transaction_applies_then_or_else),
		API_TEST(wrong_transactions_are_refused_with_the_place),
		API_TEST(transaction_of_endless_brackets_is_refused_unparsed),
		API_TEST(request_can_be_asked_for_by_its_id),
		API_TEST(status_alerts_and_readiness_follow_the_cluster),
		API_TEST(a_node_that_fetches_a_state_says_how_far_it_is),
		API_TEST(every_route_of_the_list_answers),
		API_TEST(certificate_is_raw_cbor_when_asked_for),
		API_TEST(evidence_is_listed_and_given_whole),
		API_TEST(evidence_is_an_alert_and_in_the_status),
		API_TEST(state_is_told_with_its_sequence),
		API_TEST(failed_state_is_no_digest),
		API_TEST(watch_streams_changes_of_its_prefix_only),
		API_TEST(watch_resumes_in_the_midst_of_a_sequence),
		API_TEST(watch_resumes_from_a_ping_without_a_gap),
		API_TEST(watch_that_is_behind_does_not_say_that_it_has_all),
		API_TEST(watch_of_forgotten_changes_is_gone),
		API_TEST(watcher_that_does_not_read_is_cut_with_a_reason),
		API_TEST(snapshot_is_streamed_whole),
		API_TEST(broken_snapshot_never_looks_whole),
		API_TEST(request_for_what_is_in_escrow_alerts_while_it_is_open),
		API_TEST(key_epochs_are_told_and_ordered),
		API_TEST(a_link_key_is_replaced_or_it_is_said_why_not),
		API_TEST(trouble_with_a_key_epoch_alerts),
		API_TEST(proof_of_a_key_is_an_answer_of_its_own),
		API_TEST(proof_may_be_abandoned_while_it_is_made),
		API_TEST(snapshot_may_be_abandoned_while_it_is_read),
		API_TEST(node_may_answer_inside_the_call),
		API_TEST(answer_for_a_client_that_left_goes_nowhere),
		API_TEST(stop_cuts_everything_and_late_answers_are_harmless),
		API_TEST(stale_socket_is_replaced_and_a_live_one_is_not),
		API_TEST(file_at_the_sockets_path_is_left_alone),
		API_TEST(thousand_connections_stay_open_and_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
