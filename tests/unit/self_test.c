/*
 * Known answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "crypto/known_answer.h"
#include "crypto/late_crypto.h"
#include "crypto/self_test.h"

#define RUNS 100

/* A sanitizer's time is no start's. */
#ifdef __SANITIZE_ADDRESS__
#define LIMIT_US 20000
#else
#define LIMIT_US 5000
#endif

static void
both_libraries_compute_what_is_known(void **state)
{
	struct ag_error err;

	(void)state;
	assert_int_equal(self_test_sodium(&err), AG_OK);
	assert_int_equal(late_crypto_load(&err), AG_OK);
	assert_int_equal(self_test_crypto(&err), AG_OK);
	for (int i = 0; i < KNOWN_ANSWER_COUNT; i++)
		assert_int_equal(known_answer_compute((enum known_answer)i,
				     &err),
		    AG_OK);
}

/* Of the processor's time, in microseconds. */
static uint64_t
worked_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
start(int unused)
{
	(void)unused;
	assert_int_equal(self_test_sodium(NULL), AG_OK);
	assert_int_equal(self_test_crypto(NULL), AG_OK);
}

static void
ask(int what)
{
	assert_int_equal(known_answer_compute((enum known_answer)what, NULL),
	    AG_OK);
}

/* The best of many runs: the machine may do something else in one. */
static uint64_t
least_us(void (*run)(int what), int what)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < RUNS; i++) {
		uint64_t began = worked_us(), took;

		run(what);
		took = worked_us() - began;
		least = took < least ? took : least;
	}
	return least;
}

/* A process starts, opens a key with a passphrase, and uses it. */
static void
a_process_pays_less_than_five_milliseconds(void **state)
{
	uint64_t most[2] = { 0, 0 }, begins;

	(void)state;
	assert_int_equal(late_crypto_load(NULL), AG_OK);
	begins = least_us(start, 0);
	for (int i = 0; i < KNOWN_ANSWER_COUNT; i++) {
		bool is_of_key = i < KNOWN_ANSWER_ARGON2ID;
		uint64_t took = least_us(ask, i);

		if (took > most[is_of_key])
			most[is_of_key] = took;
	}
	print_message("%u us to start, %u of a key, %u of a passphrase\n",
	    (unsigned int)begins, (unsigned int)most[1], (unsigned int)most[0]);
	assert_true(begins + most[0] + most[1] < LIMIT_US);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_libraries_compute_what_is_known),
		cmocka_unit_test(a_process_pays_less_than_five_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
