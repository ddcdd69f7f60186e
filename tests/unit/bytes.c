/*
 * Byte ranges and bounded buffers.
 */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int
order(const char *a, const char *b)
{
	return bytes_compare(bytes_from_text(a), bytes_from_text(b));
}

static void
a_shorter_prefix_comes_first(void **state)
{
	(void)state;
	assert_true(order("a", "ab") < 0);
	assert_true(order("b", "ab") > 0);
	assert_int_equal(order("ab", "ab"), 0);
	assert_true(order("", "a") < 0);
	assert_true(order("\x7f", "\x80") < 0);
}

static void
nothing_equals_nothing(void **state)
{
	(void)state;
	assert_true(bytes_equal(bytes_of(NULL, 0), bytes_of("x", 0)));
	assert_false(bytes_equal(bytes_of("x", 1), bytes_of(NULL, 0)));
	assert_true(bytes_has_prefix(bytes_from_text("ab"), bytes_of(NULL, 0)));
	assert_false(
	    bytes_has_prefix(bytes_from_text("a"), bytes_from_text("ab")));
}

static void
a_buffer_never_grows_past_its_bound(void **state)
{
	uint8_t chunk[100] = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 250);
	assert_int_equal(buf_append(&b, chunk, 100), AG_OK);
	assert_int_equal(buf_append(&b, chunk, 100), AG_OK);
	assert_int_equal(buf_append(&b, chunk, 100), AG_ELIMIT);
	assert_int_equal(b.len, 200);
	assert_int_equal(buf_append(&b, chunk, 50), AG_OK);
	assert_true(b.cap <= 250);
	buf_fini(&b);
	assert_int_equal(b.len, 0);
}

static void
zeroed_memory_with_a_bound_is_an_empty_buffer(void **state)
{
	struct buf b = { .max = 10 };

	(void)state;
	assert_int_equal(buf_append(&b, "abc", 3), AG_OK);
	assert_true(bytes_equal(buf_bytes(&b), bytes_from_text("abc")));
	buf_fini(&b);
}

static void
consuming_moves_the_rest_down(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	assert_int_equal(buf_printf(&b, "%s-%d", "abc", 7), AG_OK);
	buf_consume(&b, 3);
	assert_true(bytes_equal(buf_bytes(&b), bytes_from_text("-7")));
	buf_consume(&b, 2);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_printf(&b, "%0100d", 1), AG_ELIMIT);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shorter_prefix_comes_first),
		cmocka_unit_test(nothing_equals_nothing),
		cmocka_unit_test(a_buffer_never_grows_past_its_bound),
		cmocka_unit_test(zeroed_memory_with_a_bound_is_an_empty_buffer),
		cmocka_unit_test(consuming_moves_the_rest_down),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
