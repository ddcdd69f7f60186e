/* Large memory of which little is used. */
#include "base/pages.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
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

/* Writing there ends the process. */
static void
nobody_goes_beyond_the_end(void **state)
{
	const size_t lens[] = { 64, 4096, 10000 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		volatile uint8_t *memory = pages_new(lens[i]);
		int how = 0;
		pid_t child;

		assert_non_null(memory);
		memory[lens[i] - 1] = 1;
		child = fork();
		assert_int_not_equal(child, -1);
		if (child == 0) {
			/* cmocka would go on after it. */
			(void)signal(SIGSEGV, SIG_DFL);
			memory[lens[i] + 63] = 1;
			_exit(0);
		}
		assert_int_equal(waitpid(child, &how, 0), child);
		assert_true(WIFSIGNALED(how));
		assert_int_equal(WTERMSIG(how), SIGSEGV);
		pages_free((void *)(uintptr_t)memory);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_aligned_and_all_there),
		cmocka_unit_test(what_is_not_touched_costs_nothing),
		cmocka_unit_test(more_than_there_can_be_is_refused),
		cmocka_unit_test(nobody_goes_beyond_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
