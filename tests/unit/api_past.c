/*
 * Reads of the past over HTTP: at a sequence, and a key's versions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/api_fixture.h"

static const struct bytes nothing;

static void
asked(struct api_fixture *f, struct buf *answer, const char *target,
    const char *head)
{
	api_fixture_ask(f, answer, "GET", target, head, nothing);
}

/* The answer to a question has that status and that text in it. */
static void
answers(struct api_fixture *f, int status, const char *target, const char *text)
{
	struct buf answer;

	asked(f, &answer, target, "");
	if (api_fixture_status(&answer) != status ||
	    strstr((const char *)answer.data, text) == NULL)
		fail_msg("%s: not %d and %s but %s", target, status, text,
		    (const char *)answer.data);
	buf_fini(&answer);
}

static void
put(struct api_fixture *f, const char *key, const char *value)
{
	fake_node_put(f->node, key, bytes_from_text(value));
}

/* Sequences 1 to 5. */
static void
fill(struct api_fixture *f)
{
	put(f, "a", "one");
	put(f, "b", "two");
	put(f, "a", "three");
	put(f, "c", "four");
	api_fixture_run(f, 1);
}

static void
a_read_at_a_sequence_says_what_was_and_that_one_node_said_so(void **state)
{
	struct api_fixture *f = *state;
	struct buf answer;

	fill(f);
	answers(f, 200, "/v1/kv?key=YQ&at=2",
	    "\"value\":\"one\",\"version\":\"1\",\"created\":\"1\","
	    "\"modified\":\"1\",\"seq\":\"2\",\"consistency\":\"local\"");
	answers(f, 200, "/v1/kv?key=YQ&at=3", "\"three\"");
	answers(f, 200, "/v1/kv?key=YQ&at=3&consistency=local", "\"three\"");
	answers(f, 404, "/v1/kv?key=Yg&at=1", "Aegis-Seq: 1\r\n");
	asked(f, &answer, "/v1/kv?key=YQ&at=1",
	    "Accept: application/octet-stream\r\n");
	assert_string_equal(api_fixture_body(&answer), "one");
	assert_non_null(
	    strstr((const char *)answer.data, "Aegis-Consistency: local\r\n"));
	assert_non_null(strstr((const char *)answer.data, "Aegis-Seq: 1\r\n"));
	buf_fini(&answer);
}

static void
pages_at_a_sequence_go_on_where_they_ended(void **state)
{
	struct api_fixture *f = *state;

	fill(f);
	answers(f, 200, "/v1/kv?prefix=&at=3&limit=1",
	    "\"modified\":\"3\"}],\"cursor\":\"Yg\",\"seq\":\"3\","
	    "\"consistency\":\"local\"}");
	answers(f, 200, "/v1/kv?prefix=&at=3&limit=1&cursor=Yg",
	    "\"modified\":\"2\"}],\"cursor\":null,\"seq\":\"3\"");
}

static void
a_sequence_that_cannot_be_read_is_a_problem_of_its_own(void **state)
{
	struct api_fixture *f = *state;

	fill(f);
	fake_node_compact(f->node);
	put(f, "a", "five");
	answers(f, 410, "/v1/kv?key=YQ&at=3",
	    "\"type\":\"urn:aegis:problem:compacted\"");
	answers(f, 410, "/v1/kv?prefix=&at=0",
	    "sequence 0 is before 4, the oldest that this node can answer "
	    "for\",\"code\":\"REFUSED\",\"exit\":11,\"oldest\":\"4\"}");
	answers(f, 503, "/v1/kv?key=YQ&at=6",
	    "sequence 6 is not executed here yet; this node is at 5");
	answers(f, 400, "/v1/kv?key=YQ&at=x", "bad-request");
	answers(f, 400, "/v1/kv?key=YQ&at=18446744073709551616", "bad-request");
	answers(f, 400, "/v1/kv?key=YQ&at=5&consistency=linearizable",
	    "consistency is local");
}

/* AGFlZ2lzL3Jvc3Rlcg is the roster's key, AGFlZ2lzLw the prefix of all. */
static void
the_clusters_own_keys_have_no_history_and_are_not_called_absent(void **state)
{
	struct api_fixture *f = *state;
	const char *none = "keys of the cluster itself have no history";

	fill(f);
	answers(f, 400, "/v1/kv?key=AGFlZ2lzL3Jvc3Rlcg&at=3", none);
	answers(f, 400, "/v1/kv?prefix=AGFlZ2lzLw&at=3", none);
	answers(f, 400, "/v1/kv/history?key=AGFlZ2lzL3Jvc3Rlcg", none);
	answers(f, 404, "/v1/kv?key=AGFlZ2lzL3Jvc3Rlcg", "absent");
	answers(f, 200, "/v1/kv?prefix=&at=3", "\"three\"");
}

static void
a_history_shows_versions_and_how_they_ended(void **state)
{
	struct api_fixture *f = *state;
	struct buf answer;

	fill(f);
	api_fixture_ask(f, &answer, "DELETE", "/v1/kv?key=YQ", "", nothing);
	buf_fini(&answer);
	put(f, "a", "six");
	answers(f, 200, "/v1/kv/history?key=YQ",
	    "\"key\":\"a\",\"versions\":["
	    "{\"value\":\"one\",\"version\":\"1\",\"created\":\"1\","
	    "\"modified\":\"1\",\"ended\":\"3\",\"deleted\":false},"
	    "{\"value\":\"three\",\"version\":\"2\",\"created\":\"1\","
	    "\"modified\":\"3\",\"ended\":\"5\",\"deleted\":true},"
	    "{\"value\":\"six\",\"version\":\"1\",\"created\":\"6\","
	    "\"modified\":\"6\",\"ended\":null,\"deleted\":false}],"
	    "\"cursor\":null,\"seq\":\"6\",\"oldest\":\"0\","
	    "\"consistency\":\"local\"}");
	answers(f, 200, "/v1/kv/history?key=eA", "\"versions\":[],");
}

static void
pages_of_a_history_go_on_in_both_directions(void **state)
{
	struct api_fixture *f = *state;

	fill(f);
	put(f, "a", "five");
	answers(f, 200, "/v1/kv/history?key=YQ&limit=1", "\"cursor\":\"3.0\"");
	answers(f, 200, "/v1/kv/history?key=YQ&limit=1&cursor=3.0",
	    "[{\"value\":\"three\"");
	answers(f, 200, "/v1/kv/history?key=YQ&limit=1&reverse=1",
	    "[{\"value\":\"five\"");
	answers(f, 200,
	    "/v1/kv/history?key=YQ&limit=1&reverse=1"
	    "&cursor=18446744073709551615.0",
	    "[{\"value\":\"three\"");
	answers(f, 200, "/v1/kv/history?key=YQ&reverse=1&cursor=5.0",
	    "[{\"value\":\"one\"");
}

static void
a_wrong_question_about_a_history_is_refused(void **state)
{
	static const char *const wrong[] = {
		"/v1/kv/history",
		"/v1/kv/history?key=",
		"/v1/kv/history?key=YQ&limit=0",
		"/v1/kv/history?key=YQ&limit=1001",
		"/v1/kv/history?key=YQ&cursor=",
		"/v1/kv/history?key=YQ&cursor=1",
		"/v1/kv/history?key=YQ&cursor=.",
		"/v1/kv/history?key=YQ&cursor=1.-1",
		"/v1/kv/history?key=YQ&cursor=1.99999999999999999999",
		"/v1/kv/history?key=YQ&reverse=perhaps",
		"/v1/kv/history?key=YQ&at=1",
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		answers(*state, 400, wrong[i], "bad-request");
}

int
main(void)
{
#define API_TEST(name)                                           \
	cmocka_unit_test_setup_teardown(name, api_fixture_setup, \
	    api_fixture_teardown)
	const struct CMUnitTest tests[] = {
		API_TEST(
		    a_read_at_a_sequence_says_what_was_and_that_one_node_said_so),
		API_TEST(pages_at_a_sequence_go_on_where_they_ended),
		API_TEST(
		    a_sequence_that_cannot_be_read_is_a_problem_of_its_own),
		API_TEST(
		    the_clusters_own_keys_have_no_history_and_are_not_called_absent),
		API_TEST(a_history_shows_versions_and_how_they_ended),
		API_TEST(pages_of_a_history_go_on_in_both_directions),
		API_TEST(a_wrong_question_about_a_history_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
