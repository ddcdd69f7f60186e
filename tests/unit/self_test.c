/*
 * Known answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "crypto/late_crypto.h"
#include "crypto/self_test.h"

#define RUNS 100

static void
both_libraries_compute_what_is_known(void **state)
{
	struct ag_error err;

	(void)state;
	assert_int_equal(self_test_sodium(&err), AG_OK);
	assert_int_equal(late_crypto_load(&err), AG_OK);
	assert_int_equal(self_test_crypto(&err), AG_OK);
}

/* The best of many runs: the machine may do something else in one. */
static void
a_start_pays_less_than_five_milliseconds(void **state)
{
	uint64_t began, least = UINT64_MAX;

	(void)state;
	assert_int_equal(late_crypto_load(NULL), AG_OK);
	for (int i = 0; i < RUNS; i++) {
		uint64_t took;

		began = clock_mono_us();
		assert_int_equal(self_test_sodium(NULL), AG_OK);
		assert_int_equal(self_test_crypto(NULL), AG_OK);
		took = clock_mono_us() - began;
		least = took < least ? took : least;
	}
	print_message("%u us\n", (unsigned int)least);
	assert_true(least < 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_libraries_compute_what_is_known),
		cmocka_unit_test(a_start_pays_less_than_five_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
