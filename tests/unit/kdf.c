/*
 * Derived keys: one for each purpose, and none for two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/kdf.h"

static const uint8_t key[KDF_KEY_BYTES] = { 7, 1, 2 };

static void
every_purpose_has_a_context_of_its_own_of_eight_characters(void **state)
{
	(void)state;
	for (int i = 0; i < KDF_COUNT; i++) {
		const char *context = kdf_context((enum kdf_purpose)i);

		assert_non_null(context);
		assert_int_equal(strlen(context), crypto_kdf_CONTEXTBYTES);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(context,
			    kdf_context((enum kdf_purpose)k));
	}
}

static void
no_two_purposes_or_numbers_share_a_key(void **state)
{
	uint8_t one[KDF_KEY_BYTES], other[KDF_KEY_BYTES];

	(void)state;
	for (int i = 0; i < KDF_COUNT; i++) {
		kdf_derive(one, key, (enum kdf_purpose)i, 0);
		kdf_derive(other, key, (enum kdf_purpose)i, 1);
		assert_memory_not_equal(one, other, sizeof(one));
		for (int k = 0; k < i; k++) {
			kdf_derive(other, key, (enum kdf_purpose)k, 0);
			assert_memory_not_equal(one, other, sizeof(one));
		}
	}
}

static void
a_derived_key_is_blake2b_with_number_and_context_as_salt_and_personal(
    void **state)
{
	uint8_t salt[crypto_generichash_blake2b_SALTBYTES] = { 5 };
	uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = "aegval__";
	uint8_t want[KDF_KEY_BYTES], found[KDF_KEY_BYTES];

	(void)state;
	assert_int_equal(crypto_generichash_blake2b_salt_personal(want,
			     sizeof(want), NULL, 0, key, sizeof(key), salt,
			     personal),
	    0);
	kdf_derive(found, key, KDF_VALUES, 5);
	assert_memory_equal(want, found, sizeof(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_purpose_has_a_context_of_its_own_of_eight_characters),
		cmocka_unit_test(no_two_purposes_or_numbers_share_a_key),
		cmocka_unit_test(
		    a_derived_key_is_blake2b_with_number_and_context_as_salt_and_personal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
