/* Large memory of which little is used. */
#include "base/pages.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define LEN ((size_t)1 << 30)

static size_t
resident_pages(void)
{
	unsigned long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
	(void)fclose(file);
	return resident;
}

static void
memory_is_zeroed_aligned_and_all_there(void **state)
{
	uint8_t *memory = pages_new(LEN);

	(void)state;
	assert_non_null(memory);
	assert_int_equal((uintptr_t)memory % 64, 0);
	assert_int_equal(memory[0], 0);
	assert_int_equal(memory[LEN - 1], 0);
	memory[LEN - 1] = 1;
	pages_free(memory);
}

static void
what_is_not_touched_costs_nothing(void **state)
{
	size_t before = resident_pages();
	uint8_t *memory = pages_new(LEN);
	size_t i;

	(void)state;
	assert_non_null(memory);
	for (i = 0; i < 10; i++)
		memory[i * (LEN / 10)] = 1;
	assert_in_range(resident_pages(), 0, before + 1000);
	pages_free(memory);
}

static void
more_than_there_can_be_is_refused(void **state)
{
	(void)state;
	assert_null(pages_new(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	assert_null(pages_new(SIZE_MAX / 2));
	assert_int_equal(errno, ENOMEM);
	pages_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_aligned_and_all_there),
		cmocka_unit_test(what_is_not_touched_costs_nothing),
		cmocka_unit_test(more_than_there_can_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
