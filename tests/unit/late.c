/* Libraries that are loaded when they are first used. */
#include "base/late.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 8

#define GOOD(X) X(cbrt) X(hypot)

struct functions {
	GOOD(LATE_SLOT)
};

static struct late_library
library_of(struct functions *call, const char *soname, const char *names)
{
	return (struct late_library){ .soname = soname,
		.package = "libc6",
		.names = names,
		.slots = call,
		.slots_size = sizeof(*call) };
}

static void
loaded_functions_are_the_librarys(void **state)
{
	struct functions call = { NULL, NULL };
	struct late_library math =
	    library_of(&call, "libm.so.6", GOOD(LATE_NAME));
	struct ag_error err;

	(void)state;
	assert_int_equal(late_load(&math, &err), AG_OK);
	assert_true((*call.cbrt)(27) > 2.9);
	assert_true((*call.hypot)(3, 4) > 4.9);
	call.cbrt = NULL;
	assert_int_equal(late_load(&math, &err), AG_OK);
	assert_null(call.cbrt); /* a second load does nothing */
}

static void
absent_library_is_told_with_its_package(void **state)
{
	struct functions call = { NULL, NULL };
	struct late_library absent =
	    library_of(&call, "libnowhere.so.1", GOOD(LATE_NAME));
	struct ag_error err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(late_load(&absent, &err), AG_ESYS);
		assert_non_null(strstr(err.text, "load libnowhere.so.1: "));
		assert_non_null(
		    strstr(err.text, "; install the package libc6"));
	}
}

static void
library_without_a_function_is_not_loaded(void **state)
{
	struct functions call = { NULL, NULL };
	struct late_library other =
	    library_of(&call, "libm.so.6", "cbrt\0no_such_function\0");
	struct ag_error err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(late_load(&other, &err), AG_ESYS);
		assert_non_null(strstr(err.text, "no_such_function"));
	}
}

static struct functions shared;
static struct late_library shared_math;

static void *
load_and_call(void *arg)
{
	struct ag_error err;

	(void)arg;
	if (late_load(&shared_math, &err) != AG_OK)
		return NULL;
	return (*shared.cbrt)(27) > 2.9 && (*shared.hypot)(3, 4) > 4.9 ? &shared
								       : NULL;
}

static void
threads_that_load_at_once_all_find_it_loaded(void **state)
{
	pthread_t threads[THREADS];
	void *result;

	(void)state;
	shared_math = library_of(&shared, "libm.so.6", GOOD(LATE_NAME));
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
				     load_and_call, NULL),
		    0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_ptr_equal(result, &shared);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loaded_functions_are_the_librarys),
		cmocka_unit_test(absent_library_is_told_with_its_package),
		cmocka_unit_test(library_without_a_function_is_not_loaded),
		cmocka_unit_test(threads_that_load_at_once_all_find_it_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
