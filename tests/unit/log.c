/*
 * Log lines: one event, one line, whatever its values are.
 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

static char out[512];

static size_t
format(size_t (*fn)(const struct log_line *line, char *out, size_t cap),
    const struct log_field *fields, size_t count, size_t cap)
{
	const struct log_line line = {
		.wall_ms = 1000,
		.level = LOG_LEVEL_WARN,
		.component = "net",
		.message = "link is down",
		.fields = fields,
		.field_count = count,
	};
	size_t len = fn(&line, out, cap);

	assert_true(len < cap);
	assert_int_equal(out[len], '\0');
	assert_int_equal(out[len - 1], '\n');
	assert_null(memchr(out, '\n', len - 1));
	return len;
}

static void
logfmt_has_a_fixed_beginning(void **state)
{
	static const uint8_t id[] = { 0xab, 0x01 };
	const struct log_field fields[] = { LOG_TEXT("peer", "n2"),
		LOG_U64("rtt_us", 7), LOG_I64("skew", -3),
		LOG_HEX("id", id, 2) };

	(void)state;
	(void)format(log_format_logfmt, fields, 4, sizeof(out));
	assert_string_equal(out,
	    "ts=1970-01-01T00:00:01.000Z level=warn comp=net "
	    "msg=\"link is down\" peer=n2 rtt_us=7 skew=-3 id=ab01\n");
}

static void
a_hostile_value_stays_on_its_line(void **state)
{
	const struct log_field field =
	    LOG_TEXT("name", "a\nlevel=error \"x\" \x1b[2J\\");
	json_t *json;

	(void)state;
	(void)format(log_format_logfmt, &field, 1, sizeof(out));
	assert_null(strchr(out, '\x1b'));
	assert_non_null(strstr(out, "name=\"a\\u000alevel=error \\\"x\\\""));
	(void)format(log_format_json, &field, 1, sizeof(out));
	assert_null(strchr(out, '\x1b'));
	json = json_loads(out, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "name")),
	    "a\nlevel=error \"x\" \x1b[2J\\");
	json_decref(json);
}

static void
wide_integers_are_strings_in_json(void **state)
{
	const struct log_field field = LOG_U64("seq", UINT64_MAX);
	json_t *json;

	(void)state;
	(void)format(log_format_json, &field, 1, sizeof(out));
	json = json_loads(out, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "seq")),
	    "18446744073709551615");
	json_decref(json);
}

static void
a_line_too_long_is_cut_and_still_a_line(void **state)
{
	char value[400];
	const struct log_field field = LOG_TEXT("long", value);
	size_t cap;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (cap = 128; cap < 300; cap++) {
		(void)format(log_format_logfmt, &field, 1, cap);
		(void)format(log_format_json, &field, 1, cap);
	}
}

static size_t lines;

static void
count_line(void *arg, const struct log_line *line)
{
	lines++;
	assert_ptr_equal(arg, &lines);
	assert_int_equal(line->field_count, 1);
	assert_string_equal(line->fields[0].key, "n");
}

static void
the_sink_gets_every_line(void **state)
{
	(void)state;
	log_sink_set(count_line, &lines);
	log_info("test", "one", LOG_U64("n", 1));
	log_debug("test", "two", LOG_U64("n", 2));
	log_sink_set(NULL, NULL);
	assert_int_equal(lines, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logfmt_has_a_fixed_beginning),
		cmocka_unit_test(a_hostile_value_stays_on_its_line),
		cmocka_unit_test(wide_integers_are_strings_in_json),
		cmocka_unit_test(a_line_too_long_is_cut_and_still_a_line),
		cmocka_unit_test(the_sink_gets_every_line),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
