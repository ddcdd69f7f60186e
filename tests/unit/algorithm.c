/*
 * The registry, and that providers agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/algorithm.h"
#include "crypto/hash.h"
#include "crypto/ssh_key.h"

static void
no_two_rows_of_a_family_have_a_name_in_common(void **state)
{
	const struct algorithm *found;

	(void)state;
	for (size_t i = 0; i < algorithm_count; i++) {
		const struct algorithm *row = &algorithm_table[i];
		char words[128], *word, *rest = words;

		(void)snprintf(words, sizeof(words), "%s %s", row->name,
		    row->aliases);
		while ((word = strsep(&rest, " ")) != NULL) {
			if (word[0] == '\0')
				continue;
			if (row->standing == ALGORITHM_REFUSED) {
				assert_int_equal(algorithm_find(&found,
						     row->family, word, NULL),
				    AG_EREFUSED);
				continue;
			}
			assert_int_equal(algorithm_find(&found, row->family,
					     word, NULL),
			    AG_OK);
			assert_ptr_equal(found, row);
		}
		if (row->standing != ALGORITHM_REFUSED &&
		    row->family != ALGORITHM_KEY)
			assert_ptr_equal(algorithm_get(row->family, row->id),
			    row);
	}
}

static void
names_are_taken_in_any_case_and_slips_are_answered(void **state)
{
	const struct algorithm *row;
	struct ag_error err;

	(void)state;
	assert_int_equal(algorithm_find(&row, ALGORITHM_KEY, "ECDSA-P256",
			     &err),
	    AG_OK);
	assert_int_equal(row->id, SSH_KEY_ECDSA_P256);
	assert_int_equal(algorithm_find(&row, ALGORITHM_KEY, "ed2519", &err),
	    AG_EINVAL);
	assert_string_equal(err.text,
	    "unknown key 'ed2519'; did you mean ed25519?");
	assert_int_equal(algorithm_find(&row, ALGORITHM_CIPHER, "salsa", &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "known: xchacha20-poly1305"));
	assert_null(row);
	assert_int_equal(algorithm_find(&row, ALGORITHM_CIPHER, "RC4", &err),
	    AG_EREFUSED);
	assert_string_equal(err.text, "cipher 'RC4' is refused: it is broken");
}

static void
an_rsa_key_stands_as_the_next_shorter_one_that_is_listed(void **state)
{
	(void)state;
	assert_null(algorithm_get_key(SSH_KEY_RSA, 2047));
	assert_int_equal(algorithm_get_key(SSH_KEY_RSA, 2048)->standing,
	    ALGORITHM_VERIFY_ONLY);
	assert_int_equal(algorithm_get_key(SSH_KEY_RSA, 3071)->standing,
	    ALGORITHM_VERIFY_ONLY);
	assert_string_equal(algorithm_get_key(SSH_KEY_RSA, 3072)->name,
	    "rsa-3072");
	assert_string_equal(algorithm_get_key(SSH_KEY_RSA, 8192)->name,
	    "rsa-4096");
	assert_string_equal(algorithm_get_key(ALGORITHM_KEY_X25519, 256)->name,
	    "x25519");
}

static size_t
digest_by(uint8_t *digest, const struct algorithm *row,
    enum algorithm_provider provider, struct bytes data)
{
	enum hash_algorithm algorithm = (enum hash_algorithm)row->id;
	struct hash *hash;

	assert_int_equal(hash_open_by(&hash, algorithm, provider, NULL), AG_OK);
	hash_update(hash, bytes_of(data.data, data.len / 3));
	hash_update(hash,
	    bytes_of(data.data + data.len / 3, data.len - data.len / 3));
	hash_finish(hash, digest);
	hash_close(hash);
	return hash_bytes(algorithm);
}

static void
every_provider_of_a_hash_computes_the_same(void **state)
{
	uint8_t first[HASH_BYTES_MAX], second[HASH_BYTES_MAX], data[700];
	size_t compared = 0;

	(void)state;
	randombytes_buf(data, sizeof(data));
	for (size_t i = 0; i < algorithm_count; i++) {
		const struct algorithm *row = &algorithm_table[i];

		if (row->family != ALGORITHM_HASH ||
		    row->providers[1] == ALGORITHM_BY_ANY)
			continue;
		for (size_t len = 0; len <= sizeof(data); len++) {
			struct bytes input = bytes_of(data, len);
			size_t bytes =
			    digest_by(first, row, row->providers[0], input);

			(void)digest_by(second, row, row->providers[1], input);
			assert_memory_equal(first, second, bytes);
		}
		compared++;
	}
	assert_int_equal(compared, 3);
}

static void
a_provider_that_has_no_such_hash_says_so(void **state)
{
	struct ag_error err;
	struct hash *hash;

	(void)state;
	assert_int_equal(hash_open_by(&hash, HASH_SHA3_256,
			     ALGORITHM_BY_LIBSODIUM, &err),
	    AG_EINVAL);
	assert_string_equal(err.text, "libsodium has no sha3-256");
	assert_null(hash);
	assert_int_equal(hash_open_blake2b(&hash, 20, ALGORITHM_BY_LIBCRYPTO,
			     &err),
	    AG_EINVAL);
	assert_null(hash);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_rows_of_a_family_have_a_name_in_common),
		cmocka_unit_test(
		    names_are_taken_in_any_case_and_slips_are_answered),
		cmocka_unit_test(
		    an_rsa_key_stands_as_the_next_shorter_one_that_is_listed),
		cmocka_unit_test(every_provider_of_a_hash_computes_the_same),
		cmocka_unit_test(a_provider_that_has_no_such_hash_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
