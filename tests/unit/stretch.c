/*
 * Passphrases made into keys, and how much work that may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/stretch.h"

static struct secret *words;
static struct ag_error err;

static struct secret *
stretched(const struct stretch *stretch)
{
	struct secret *key = NULL;

	assert_int_equal(stretch_passphrase(&key, stretch, words, &err), AG_OK);
	return key;
}

static void
a_key_is_what_argon2id_makes_of_passphrase_salt_and_factors(void **state)
{
	struct stretch stretch = { 1, 64, { 7 } };
	uint8_t expected[STRETCH_KEY_BYTES];
	struct secret *key = stretched(&stretch);

	(void)state;
	assert_int_equal(crypto_pwhash(expected, sizeof(expected), "sesame", 6,
			     stretch.salt, 1, (size_t)64 << 20,
			     crypto_pwhash_ALG_ARGON2ID13),
	    0);
	assert_memory_equal(secret_bytes(key).data, expected, sizeof(expected));
	secret_free(key);
}

static void
more_work_has_larger_factors_and_each_salt_is_new(void **state)
{
	struct stretch low, usual, high, again;

	(void)state;
	stretch_init(&low, WORK_LOW);
	stretch_init(&usual, WORK_USUAL);
	stretch_init(&high, WORK_HIGH);
	stretch_init(&again, WORK_LOW);
	assert_true(low.mebibytes < usual.mebibytes);
	assert_true(usual.mebibytes < high.mebibytes);
	assert_int_equal(stretch_check(&low, &err), AG_OK);
	assert_int_equal(stretch_check(&high, &err), AG_OK);
	assert_memory_not_equal(low.salt, again.salt, sizeof(low.salt));
}

static void
factors_out_of_bounds_are_refused_before_memory_is_taken(void **state)
{
	static const uint32_t factors[][2] = { { 0, 64 }, { 11, 64 },
		{ UINT32_MAX, 64 }, { 1, 0 }, { 1, 63 }, { 1, 2049 },
		{ 1, UINT32_MAX } };
	struct rusage before, after;

	(void)state;
	(void)getrusage(RUSAGE_SELF, &before);
	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
		const struct stretch stretch = { factors[i][0], factors[i][1],
			{ 0 } };
		struct secret *key = words;

		assert_int_equal(stretch_passphrase(&key, &stretch, words,
				     &err),
		    AG_EINVAL);
		assert_null(key);
		assert_non_null(strstr(err.text, "out of bounds"));
	}
	(void)getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 16 << 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    factors_out_of_bounds_are_refused_before_memory_is_taken),
		cmocka_unit_test(
		    a_key_is_what_argon2id_makes_of_passphrase_salt_and_factors),
		cmocka_unit_test(
		    more_work_has_larger_factors_and_each_salt_is_new),
	};
	int failed;

	if (sodium_init() < 0)
		return 1;
	words = secret_copy(bytes_from_text("sesame"));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	secret_free(words);
	return failed;
}
