/*
 * Metric cells: counted without locks, listed by family.
 */
#include "base/metric.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
cells_of_one_name_adjoin(void **state)
{
	struct metric_set *set = metric_set_new();
	const struct metric *m;

	(void)state;
	(void)metric_new(set, METRIC_COUNTER, "a", "help", "peer=\"1\"");
	(void)metric_new(set, METRIC_GAUGE, "b", "help", NULL);
	(void)metric_new(set, METRIC_COUNTER, "a", "help", "peer=\"2\"");
	m = metric_first(set);
	assert_string_equal(m->labels, "peer=\"1\"");
	assert_string_equal(m->next->labels, "peer=\"2\"");
	assert_string_equal(m->next->next->name, "b");
	assert_null(m->next->next->next);
	metric_set_free(set);
}

static void
without_a_set_a_cell_still_counts(void **state)
{
	struct metric *m = metric_new(NULL, METRIC_COUNTER, "a", "help", NULL);

	(void)state;
	assert_non_null(m);
	metric_add(m, 1);
}

static void
an_observation_falls_in_the_bucket_that_bounds_it(void **state)
{
	struct metric_set *set = metric_set_new();
	struct metric *m = metric_new(set, METRIC_HISTOGRAM, "h", "help", NULL);

	(void)state;
	assert_int_equal(metric_quantile_us(m, 0.5), 0);
	metric_observe_us(m, 16);
	metric_observe_us(m, 17);
	metric_observe_us(m, UINT64_MAX / 2);
	assert_int_equal(m->buckets[0], 1);
	assert_int_equal(m->buckets[1], 1);
	assert_int_equal(m->buckets[METRIC_BUCKETS - 1], 1);
	assert_int_equal(metric_quantile_us(m, 0.5), 32);
	assert_int_equal(metric_bucket_us(METRIC_BUCKETS - 2), 8388608);
	assert_true(metric_bucket_us(METRIC_BUCKETS - 1) == UINT64_MAX);
	metric_set_free(set);
}

static void
a_cell_registered_again_is_the_same(void **state)
{
	struct metric_set *set = metric_set_new();
	struct metric *m =
	    metric_new(set, METRIC_GAUGE, "g", "help", "a=\"1\"");

	(void)state;
	assert_ptr_equal(metric_new(set, METRIC_GAUGE, "g", "help", "a=\"1\""),
	    m);
	assert_ptr_not_equal(metric_new(set, METRIC_GAUGE, "g", "help", NULL),
	    m);
	metric_set_free(set);
}

static void *
add_many(void *arg)
{
	int i;

	for (i = 0; i < 10000; i++)
		metric_add(arg, 1);
	return NULL;
}

static void
no_addition_is_lost_between_threads(void **state)
{
	struct metric_set *set = metric_set_new();
	struct metric *m = metric_new(set, METRIC_COUNTER, "c", "help", NULL);
	pthread_t threads[4];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, m),
		    0);
	for (i = 0; i < 4; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(metric_value(m), 40000);
	metric_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_of_one_name_adjoin),
		cmocka_unit_test(without_a_set_a_cell_still_counts),
		cmocka_unit_test(
		    an_observation_falls_in_the_bucket_that_bounds_it),
		cmocka_unit_test(a_cell_registered_again_is_the_same),
		cmocka_unit_test(no_addition_is_lost_between_threads),
	};

	return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
