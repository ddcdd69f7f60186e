/*
 * JSON as the API writes it: whatever goes in, what comes out is JSON, and
 * stored bytes come back exactly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/emit.h"
#include "api/problem.h"
#include "codec/text.h"

static void
refused_append_is_remembered_to_the_end(void **state)
{
	struct emitter e;
	struct buf out;

	(void)state;
	buf_init(&out, 8);
	emit_init(&e, &out);
	emit_object_begin(&e);
	emit_text_member(&e, "name", "longer than eight bytes");
	emit_object_end(&e);
	assert_int_equal(e.status, AG_ELIMIT);
	buf_fini(&out);
}

static void
nesting_and_commas_follow_the_calls(void **state)
{
	static const char want[] = "{\"a\":[1,\"2\",{},[],null],\"b\":true,"
				   "\"c\":[{\"d\":\"00ff\"},-3]}";
	struct emitter e;
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	emit_init(&e, &out);
	emit_object_begin(&e);
	emit_key(&e, "a");
	emit_array_begin(&e);
	emit_number(&e, 1);
	emit_u64(&e, 2);
	emit_object_begin(&e);
	emit_object_end(&e);
	emit_array_begin(&e);
	emit_array_end(&e);
	emit_null(&e);
	emit_array_end(&e);
	emit_bool_member(&e, "b", true);
	emit_key(&e, "c");
	emit_array_begin(&e);
	emit_object_begin(&e);
	emit_hex_member(&e, "d", bytes_of("\x00\xff", 2));
	emit_object_end(&e);
	emit_raw(&e, bytes_from_text("-3"));
	emit_array_end(&e);
	emit_object_end(&e);
	assert_int_equal(e.status, AG_OK);
	assert_int_equal(out.len, strlen(want));
	assert_memory_equal(out.data, want, out.len);
	buf_fini(&out);
}

/* Emit data and read it back as a client does. */
static void
assert_round_trip(struct bytes data, bool is_text)
{
	uint8_t decoded[64];
	const char *text;
	struct emitter e;
	struct buf out;
	json_t *root;
	size_t len;

	buf_init(&out, 1024);
	emit_init(&e, &out);
	emit_data(&e, data);
	root = json_loadb((const char *)out.data, out.len,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_non_null(root);
	assert_int_equal(json_is_string(root), is_text);
	if (is_text) {
		assert_true(bytes_equal(data,
		    bytes_of(json_string_value(root),
			json_string_length(root))));
	} else {
		text = json_string_value(json_object_get(root, "b64"));
		assert_int_equal(text_base64_decode(decoded, sizeof(decoded),
				     &len, bytes_from_text(text),
				     BASE64_STANDARD),
		    AG_OK);
		assert_true(bytes_equal(data, bytes_of(decoded, len)));
	}
	json_decref(root);
	buf_fini(&out);
}

static void
plain_text_goes_as_text_and_all_else_as_base64(void **state)
{
	uint8_t pair[2];
	unsigned int byte;

	(void)state;
	assert_round_trip(bytes_from_text(""), true);
	assert_round_trip(bytes_from_text("say \"\\\" / \xc3\xa9 \xe2\x82\xac"),
	    true);
	assert_round_trip(bytes_from_text("\xf0\x9f\x98\x80"), true);
	assert_round_trip(bytes_from_text("line\n"), false);
	assert_round_trip(bytes_from_text("\x7f"), false);
	assert_round_trip(bytes_from_text("\xc2\x9b[2J"), false);
	assert_round_trip(bytes_from_text("\xc2\xa0"), true);
	assert_round_trip(bytes_from_text("\xed\xa0\x80"), false);
	assert_round_trip(bytes_from_text("\xc0\xaf"), false);
	for (byte = 0; byte < 256; byte++) {
		pair[0] = (uint8_t)byte;
		pair[1] = 'x';
		assert_round_trip(bytes_of(pair, 2),
		    byte >= 0x20 && byte < 0x7f);
	}
}

static void
texts_from_elsewhere_always_leave_valid_json(void **state)
{
	struct emitter e;
	struct buf out;
	json_t *root;

	(void)state;
	buf_init(&out, 1024);
	emit_init(&e, &out);
	emit_array_begin(&e);
	emit_text(&e, "bad \xff byte \"\n\x1b");
	emit_text(&e, "");
	emit_array_end(&e);
	root = json_loadb((const char *)out.data, out.len, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_array_get(root, 0)),
	    "bad \xef\xbf\xbd byte \"\n\x1b");
	json_decref(root);
	buf_fini(&out);
}

static void
every_status_has_a_problem_that_names_it(void **state)
{
	struct emitter e;
	struct buf out;
	json_t *root;
	int status;

	(void)state;
	buf_init(&out, 1024);
	for (status = AG_OK + 1; status < AG_STATUS_COUNT; status++) {
		const enum problem_kind kind =
		    problem_of_status((enum ag_status)status);

		buf_clear(&out);
		emit_init(&e, &out);
		problem_begin(&e, kind, "detail");
		emit_object_end(&e);
		root = json_loadb((const char *)out.data, out.len, 0, NULL);
		assert_non_null(root);
		assert_in_range(problem_http(kind), 400, 504);
		assert_int_equal(json_integer_value(
				     json_object_get(root, "status")),
		    problem_http(kind));
		json_decref(root);
	}
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_append_is_remembered_to_the_end),
		cmocka_unit_test(nesting_and_commas_follow_the_calls),
		cmocka_unit_test(
		    plain_text_goes_as_text_and_all_else_as_base64),
		cmocka_unit_test(texts_from_elsewhere_always_leave_valid_json),
		cmocka_unit_test(every_status_has_a_problem_that_names_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
