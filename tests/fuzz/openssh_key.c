/*
 * OpenSSH private key files of any type, from anywhere.
 *
 * Oracle: a key that is read has the public half that stands in front, and is
 * read again from what is written.  Encrypted ones are opened with a
 * passphrase, whose derivation is a cheap one here.
 */
#include "crypto/openssh_key.h"
#include "crypto/key_format.h"
#include "fixture/cheap_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_key(struct bytes text, const struct private_key *key)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct key_public shown;
	struct private_key *back;
	struct secret *written;
	struct ag_error err;

	AG_ASSERT(key_format_public(&shown, comment, text, "f", &err) == AG_OK);
	AG_ASSERT(key_public_equal(&shown, private_key_public(key)));
	/* That of an encrypted one is inside, and is told by the key alone. */
	if (public_key_check_comment(private_key_comment(key), &err) != AG_OK)
		return;
	AG_ASSERT(key_format_write(&written, key, KEY_FORMAT_OPENSSH, NULL,
		      &err) == AG_OK);
	AG_ASSERT(key_format_parse(&back, secret_bytes(written), NULL, "f",
		      &err) == AG_OK);
	AG_ASSERT(key_public_equal(&shown, private_key_public(back)));
	AG_ASSERT(
	    strcmp(private_key_comment(key), private_key_comment(back)) == 0);
	AG_ASSERT(key_format_is_encrypted(text) ||
	    strcmp(comment, private_key_comment(key)) == 0);
	private_key_free(back);
	secret_free(written);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = bytes_of(data, len);
	struct private_key *key;
	struct ag_error err;

	if (openssh_key_is_file(text) &&
	    key_format_parse(&key, text, cheap_crypto_begin(), "f", &err) ==
		AG_OK) {
		check_key(text, key);
		private_key_free(key);
	}
	return 0;
}
