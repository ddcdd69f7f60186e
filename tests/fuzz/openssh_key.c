/*
 * OpenSSH private key files, and backup keys, from anywhere.
 *
 * Oracle: a key that is read is sound, has the public half that is shown
 * without opening it, and is read again from what is written.
 * Encrypted ones are not opened: a key derivation takes too long here.
 */
#include "crypto/openssh_key.h"
#include "crypto/recipient.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_key(struct bytes text, const struct secret *key, const char *comment)
{
	uint8_t shown[SIGN_PUBLIC_BYTES], own[SIGN_PUBLIC_BYTES];
	struct secret *written, *back;
	struct ag_error err;

	AG_ASSERT(sign_key_is_sound(key));
	AG_ASSERT(openssh_key_public(shown, NULL, text, "f", &err) == AG_OK);
	sign_public(own, key);
	AG_ASSERT(memcmp(shown, own, sizeof(own)) == 0);
	if (public_key_check_comment(comment, &err) != AG_OK)
		return;
	AG_ASSERT(
	    openssh_key_format(&written, key, comment, NULL, &err) == AG_OK);
	AG_ASSERT(openssh_key_parse(&back, NULL, secret_bytes(written), NULL,
		      "f", &err) == AG_OK);
	AG_ASSERT(secret_equal(key, back));
	secret_free(back);
	secret_free(written);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = bytes_of(data, len);
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct secret *key;
	struct ag_error err;

	if (openssh_key_parse(&key, comment, text, NULL, "f", &err) == AG_OK) {
		check_key(text, key, comment);
		secret_free(key);
	}
	if (recipient_parse_key(&key, text, NULL, "f", &err) == AG_OK)
		secret_free(key);
	return 0;
}
