/*
 * The judge of linearizability in the simulator, tried on histories whose
 * verdict is known.
 */
#include "sim/linear.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "sim/linear.c"

static struct linear_operation
put(uint64_t called, uint64_t answered, uint64_t value, uint64_t version)
{
	return (struct linear_operation){
		.kind = LINEAR_PUT,
		.called = called,
		.answered = answered,
		.value = value,
		.code = RESULT_DONE,
		.version = version,
		.previous_version = version - 1,
	};
}

static struct linear_operation
get(uint64_t called, uint64_t answered, uint64_t value, uint64_t version)
{
	return (struct linear_operation){
		.kind = LINEAR_GET,
		.called = called,
		.answered = answered,
		.read = value,
		.version = version,
	};
}

static void
one_after_another_is_linearizable(void **state)
{
	const struct linear_operation h[] = { put(1, 2, 7, 1), get(3, 4, 7, 1),
		put(5, 6, 8, 2), get(7, 8, 8, 2) };

	(void)state;
	assert_int_equal(linear_check(h, 4), LINEAR_YES);
}

static void
a_read_of_what_was_overwritten_before_its_call_is_not(void **state)
{
	const struct linear_operation h[] = { put(1, 2, 7, 1), put(3, 4, 8, 2),
		get(5, 6, 7, 1) };

	(void)state;
	assert_int_equal(linear_check(h, 3), LINEAR_NO);
}

static void
a_read_may_see_either_side_of_a_put_at_the_same_time(void **state)
{
	const struct linear_operation h[] = { put(1, 2, 7, 1), put(3, 9, 8, 2),
		get(4, 5, 7, 1), get(6, 7, 8, 2) };
	const struct linear_operation back[] = { put(1, 2, 7, 1),
		put(3, 9, 8, 2), get(4, 5, 8, 2), get(6, 7, 7, 1) };

	(void)state;
	assert_int_equal(linear_check(h, 4), LINEAR_YES);
	assert_int_equal(linear_check(back, 4), LINEAR_NO);
}

static void
a_put_without_an_answer_may_have_happened_or_not(void **state)
{
	struct linear_operation h[] = { put(1, LINEAR_NEVER, 7, 1),
		get(2, 3, 0, 0), get(4, 5, 7, 1) };

	(void)state;
	assert_int_equal(linear_check(h, 2), LINEAR_YES);
	assert_int_equal(linear_check(h, 3), LINEAR_YES);
	h[1] = get(2, 3, 7, 1);
	h[2] = get(4, 5, 0, 0);
	assert_int_equal(linear_check(h, 3), LINEAR_NO);
}

static void
an_acknowledged_put_that_nobody_reads_is_lost(void **state)
{
	const struct linear_operation h[] = { put(1, 2, 7, 1),
		get(3, 4, 0, 0) };

	(void)state;
	assert_int_equal(linear_check(h, 2), LINEAR_NO);
}

static void
of_two_compare_and_sets_of_one_version_one_succeeds(void **state)
{
	struct linear_operation h[] = { put(1, 9, 7, 1), put(1, 9, 8, 1) };

	(void)state;
	h[0].has_if_version = true;
	h[1].has_if_version = true;
	assert_int_equal(linear_check(h, 2), LINEAR_NO);
	h[1].code = RESULT_CONFLICT;
	h[1].version = 1;
	h[1].previous_version = 1;
	assert_int_equal(linear_check(h, 2), LINEAR_YES);
}

static void
a_delete_makes_the_key_absent_and_its_version_begins_anew(void **state)
{
	const struct linear_operation h[] = {
		put(1, 2, 7, 1),
		{
		    .kind = LINEAR_DELETE,
		    .called = 3,
		    .answered = 4,
		    .code = RESULT_DONE,
		    .previous_version = 1,
		},
		get(5, 6, 0, 0),
		put(7, 8, 9, 1),
	};

	(void)state;
	assert_int_equal(linear_check(h, 4), LINEAR_YES);
}

static void
a_client_that_signed_two_bodies_put_one_of_them(void **state)
{
	struct linear_operation h[] = { put(1, 2, 7, 1), get(3, 4, 8, 1),
		get(5, 6, 8, 1) };

	(void)state;
	assert_int_equal(linear_check(h, 3), LINEAR_NO);
	h[0].other = 8;
	assert_int_equal(linear_check(h, 3), LINEAR_YES);
	h[2] = get(5, 6, 7, 1);
	assert_int_equal(linear_check(h, 3), LINEAR_NO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_another_is_linearizable),
		cmocka_unit_test(
		    a_read_of_what_was_overwritten_before_its_call_is_not),
		cmocka_unit_test(
		    a_read_may_see_either_side_of_a_put_at_the_same_time),
		cmocka_unit_test(
		    a_put_without_an_answer_may_have_happened_or_not),
		cmocka_unit_test(an_acknowledged_put_that_nobody_reads_is_lost),
		cmocka_unit_test(
		    of_two_compare_and_sets_of_one_version_one_succeeds),
		cmocka_unit_test(
		    a_delete_makes_the_key_absent_and_its_version_begins_anew),
		cmocka_unit_test(
		    a_client_that_signed_two_bodies_put_one_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
