/*
 * Specification of what loads consist of (lib/client/workload.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "client/workload.h"

#define DRAWS 100000

static void
mix_names_operations_and_their_parts(void **state)
{
	uint32_t weights[WORKLOAD_OPERATIONS];
	struct ag_error err;

	(void)state;
	assert_int_equal(workload_parse_mix("put=50,txn=10", weights, &err),
	    AG_OK);
	assert_int_equal(weights[WORKLOAD_PUT], 50);
	assert_int_equal(weights[WORKLOAD_GET], 0);
	assert_int_equal(weights[WORKLOAD_TXN], 10);
}

static void
mix_that_says_nothing_sensible_is_refused(void **state)
{
	static const char *const wrong[] = { "", "put", "put=", "put=x",
		"put=1,", "put=1,put=2", "delete=1", "put=-1", "=1",
		"put=1000001", "put=99999999999999999999", "put=0", "pu=1" };
	uint32_t weights[WORKLOAD_OPERATIONS];
	struct ag_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(workload_parse_mix(wrong[i], weights, &err),
		    AG_EINVAL);
		assert_non_null(strstr(err.text, "mix '"));
	}
}

static void
spread_is_uniform_or_zipf(void **state)
{
	enum workload_spread spread;
	struct ag_error err;

	(void)state;
	assert_int_equal(workload_parse_spread("zipf", &spread, &err), AG_OK);
	assert_int_equal(spread, WORKLOAD_ZIPF);
	assert_int_equal(workload_parse_spread("normal", &spread, &err),
	    AG_EINVAL);
}

static void
operations_come_in_their_proportion(void **state)
{
	const struct workload_config config = { .weights = { 70, 0, 30 },
		.keys = 1,
		.seed = 7 };
	size_t counts[WORKLOAD_OPERATIONS] = { 0 }, i;
	struct ag_error err;
	struct workload w;

	(void)state;
	assert_int_equal(workload_init(&w, &config, &err), AG_OK);
	for (i = 0; i < DRAWS; i++)
		counts[workload_next_operation(&w)]++;
	assert_in_range(counts[WORKLOAD_PUT], DRAWS * 69 / 100,
	    DRAWS * 71 / 100);
	assert_int_equal(counts[WORKLOAD_GET], 0);
	workload_fini(&w);
}

/* How often each of 10 keys comes. */
static void
draw(enum workload_spread spread, size_t counts[static 10])
{
	const struct workload_config config = { .weights = { 1 },
		.keys = 10,
		.spread = spread,
		.seed = 7 };
	struct ag_error err;
	struct workload w;
	uint64_t key;
	size_t i;

	memset(counts, 0, 10 * sizeof(counts[0]));
	assert_int_equal(workload_init(&w, &config, &err), AG_OK);
	for (i = 0; i < DRAWS; i++) {
		key = workload_next_key(&w);
		assert_in_range(key, 0, 9);
		counts[key]++;
	}
	workload_fini(&w);
}

static void
uniform_keys_come_equally_often(void **state)
{
	size_t counts[10], i;

	(void)state;
	draw(WORKLOAD_UNIFORM, counts);
	for (i = 0; i < 10; i++)
		assert_in_range(counts[i], DRAWS * 95 / 1000,
		    DRAWS * 105 / 1000);
}

/* 1/i of the first key's share, which is 1 in 2.929 for ten. */
static void
zipf_keys_come_in_proportion_to_their_rank(void **state)
{
	size_t counts[10], i, expected;

	(void)state;
	draw(WORKLOAD_ZIPF, counts);
	for (i = 0; i < 10; i++) {
		expected = DRAWS * 1000 / 2929 / (i + 1);
		assert_in_range(counts[i], expected * 95 / 100,
		    expected * 105 / 100);
	}
}

static void
same_seed_gives_the_same_load(void **state)
{
	const struct workload_config config = { .weights = { 1, 1, 1 },
		.keys = 1000000,
		.spread = WORKLOAD_ZIPF,
		.seed = 42 };
	struct workload one, two;
	struct ag_error err;
	size_t i;

	(void)state;
	assert_int_equal(workload_init(&one, &config, &err), AG_OK);
	assert_int_equal(workload_init(&two, &config, &err), AG_OK);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(workload_next_operation(&one),
		    workload_next_operation(&two));
		assert_int_equal(workload_next_key(&one),
		    workload_next_key(&two));
	}
	workload_fini(&one);
	workload_fini(&two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mix_names_operations_and_their_parts),
		cmocka_unit_test(mix_that_says_nothing_sensible_is_refused),
		cmocka_unit_test(spread_is_uniform_or_zipf),
		cmocka_unit_test(operations_come_in_their_proportion),
		cmocka_unit_test(uniform_keys_come_equally_often),
		cmocka_unit_test(zipf_keys_come_in_proportion_to_their_rank),
		cmocka_unit_test(same_seed_gives_the_same_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
