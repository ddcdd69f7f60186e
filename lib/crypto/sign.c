/*
 * Ed25519 by libsodium.
 *
 * RULES    1. A secret key is libsodium's 64 bytes: seed, then public key.
 *             OpenSSH's private files hold the same 64.
 *          2. A key read from outside passes sign_key_is_sound() before it
 *             signs: signing with a foreign public half leaks the key.
 */
#include "crypto/sign.h"

#include <string.h>

#include <sodium.h>

enum ag_status
sign_keypair(struct secret **key, struct ag_error *err)
{
	uint8_t public_key[SIGN_PUBLIC_BYTES];

	*key = secret_new(SIGN_SECRET_BYTES);
	if (*key == NULL)
		return ag_fail(err, AG_ENOMEM, "make key: out of memory");
	(void)crypto_sign_keypair(public_key, secret_data(*key));
	return AG_OK;
}

enum ag_status
sign_key_from_seed(struct secret **key,
    const uint8_t seed[static SIGN_SEED_BYTES], struct ag_error *err)
{
	uint8_t public_key[SIGN_PUBLIC_BYTES];

	*key = secret_new(SIGN_SECRET_BYTES);
	if (*key == NULL)
		return ag_fail(err, AG_ENOMEM, "make key: out of memory");
	(void)crypto_sign_seed_keypair(public_key, secret_data(*key), seed);
	return AG_OK;
}

void
sign_public(uint8_t public_key[static SIGN_PUBLIC_BYTES],
    const struct secret *key)
{
	AG_ASSERT(secret_len(key) == SIGN_SECRET_BYTES);
	memcpy(public_key, secret_bytes(key).data + SIGN_SEED_BYTES,
	    SIGN_PUBLIC_BYTES);
}

bool
sign_key_is_sound(const struct secret *key)
{
	struct secret *made = NULL;
	bool is_sound;

	if (secret_len(key) != SIGN_SECRET_BYTES ||
	    sign_key_from_seed(&made, secret_bytes(key).data, NULL) != AG_OK)
		return false;
	is_sound = secret_equal(made, key);
	secret_free(made);
	return is_sound;
}

void
sign_message(uint8_t signature[static SIGN_SIGNATURE_BYTES],
    const struct secret *key, struct bytes message)
{
	AG_ASSERT(secret_len(key) == SIGN_SECRET_BYTES);
	(void)crypto_sign_detached(signature, NULL, message.data, message.len,
	    secret_bytes(key).data);
}

bool
sign_verify(const uint8_t public_key[static SIGN_PUBLIC_BYTES],
    struct bytes message, const uint8_t signature[static SIGN_SIGNATURE_BYTES])
{
	return crypto_sign_verify_detached(signature, message.data, message.len,
		   public_key) == 0;
}
