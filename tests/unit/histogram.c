/*
 * Specification of the histogram (lib/base/histogram.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/histogram.h"

static struct histogram one, two;

static int
empty(void **state)
{
	(void)state;
	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	return 0;
}

static void
empty_histogram_has_quantiles_of_nothing(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&one, 0.5), 0);
	assert_int_equal(histogram_quantile(&one, 1.0), 0);
	assert_int_equal(histogram_count_to(&one, UINT64_MAX), 0);
}

static void
small_values_are_exact(void **state)
{
	uint64_t value;

	(void)state;
	for (value = 0; value < 256; value++)
		histogram_add(&one, value);
	assert_int_equal(histogram_quantile(&one, 0.5), 127);
	assert_int_equal(histogram_quantile(&one, 0.25), 63);
	assert_int_equal(histogram_quantile(&one, 1.0), 255);
	assert_int_equal(histogram_count_to(&one, 9), 10);
	assert_int_equal(one.sum, 255 * 256 / 2);
}

/* A lone value is told as itself, because none is above the largest. */
static void
quantile_is_never_below_the_value_and_within_a_percent(void **state)
{
	uint64_t value, told;

	(void)state;
	for (value = 1; value < UINT64_C(3600000000); value += value / 7 + 1) {
		memset(&one, 0, sizeof(one));
		histogram_add(&one, value);
		histogram_add(&one, UINT64_C(7200000000));
		told = histogram_quantile(&one, 0.5);
		assert_true(told >= value);
		assert_true(told - value <= value / 100);
		assert_int_equal(histogram_count_to(&one, value), 1);
	}
}

static void
value_of_any_size_is_counted_and_the_maximum_exact(void **state)
{
	(void)state;
	histogram_add(&one, 3);
	histogram_add(&one, UINT64_MAX);
	assert_int_equal(one.count, 2);
	assert_true(one.max == UINT64_MAX);
	assert_true(histogram_quantile(&one, 1.0) > UINT64_C(3600000000));
	assert_int_equal(histogram_count_to(&one, UINT64_MAX), 2);
}

static void
merged_histograms_tell_what_one_of_all_would(void **state)
{
	static struct histogram all;
	uint64_t i;

	(void)state;
	for (i = 1; i <= 10000; i++) {
		histogram_add(i % 3 == 0 ? &one : &two, i * i);
		histogram_add(&all, i * i);
	}
	histogram_merge(&one, &two);
	assert_memory_equal(&one, &all, sizeof(all));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_histogram_has_quantiles_of_nothing,
		    empty),
		cmocka_unit_test_setup(small_values_are_exact, empty),
		cmocka_unit_test_setup(
		    quantile_is_never_below_the_value_and_within_a_percent,
		    empty),
		cmocka_unit_test_setup(
		    value_of_any_size_is_counted_and_the_maximum_exact, empty),
		cmocka_unit_test_setup(
		    merged_histograms_tell_what_one_of_all_would, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
