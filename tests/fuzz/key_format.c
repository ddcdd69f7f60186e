/*
 * Private keys in the formats other than OpenSSH's, public keys, and what
 * wraps them.
 *
 * Oracle: a key that is read is read again, the same, from PKCS#8.  What is
 * encrypted is opened with a passphrase, whose derivation is a cheap one here;
 * what its wrapper asks for is within bounds, or it is refused.
 */
#include "crypto/key_format.h"
#include "crypto/openssh_key.h"
#include "crypto/pbes2.h"
#include "fixture/cheap_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_key(const struct private_key *key)
{
	struct private_key *back;
	struct secret *written;
	struct ag_error err;

	AG_ASSERT(key_format_write(&written, key, KEY_FORMAT_PKCS8, NULL,
		      &err) == AG_OK);
	AG_ASSERT(key_format_parse(&back, secret_bytes(written), NULL, "f",
		      &err) == AG_OK);
	AG_ASSERT(key_public_equal(private_key_public(key),
	    private_key_public(back)));
	private_key_free(back);
	secret_free(written);
}

static void
check_public(const struct key_public *key)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct key_public back;
	struct buf text;

	buf_init(&text, PUBLIC_KEY_FILE_BYTES_MAX);
	AG_ASSERT(key_public_format(&text, key, "", NULL) == AG_OK);
	AG_ASSERT(
	    key_public_parse(&back, comment, buf_bytes(&text), NULL) == AG_OK);
	AG_ASSERT(key_public_equal(key, &back));
	buf_clear(&text);
	AG_ASSERT(key_public_format_pem(&text, key, NULL) == AG_OK);
	AG_ASSERT(
	    key_public_parse(&back, comment, buf_bytes(&text), NULL) == AG_OK);
	AG_ASSERT(key_public_equal(key, &back));
	buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = bytes_of(data, len);
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct key_public public;
	struct private_key *key;
	struct pbes2 wrapper;
	struct ag_error err;

	if (!openssh_key_is_file(text) &&
	    key_format_parse(&key, text, cheap_crypto_begin(), "f", &err) ==
		AG_OK) {
		check_key(key);
		private_key_free(key);
	}
	if (key_format_public(&public, comment, text, "f", &err) == AG_OK)
		check_public(&public);
	if (key_public_parse(&public, comment, text, &err) == AG_OK)
		check_public(&public);
	if (pbes2_read(&wrapper, text, &err) == AG_OK) {
		AG_ASSERT(wrapper.rounds <= PBES2_ROUNDS_MAX);
		AG_ASSERT(wrapper.rounds > 0 ||
		    128 * wrapper.scrypt_n * wrapper.scrypt_r <=
			PBES2_SCRYPT_BYTES_MAX);
	}
	return 0;
}
