/*
 * Sealed buffers by libsodium, which is the faster one for small ones.
 *
 * RULES    1. A buffer too short to hold a tag fails like a wrong tag does;
 *             what is wrong with a sealed buffer is never told apart.
 */
#include "crypto/seal.h"

#include <sodium.h>

void
seal_buffer(uint8_t *out, const struct secret *key, struct bytes context,
    struct bytes plain)
{
	AG_ASSERT(secret_len(key) == SEAL_KEY_BYTES);
	randombytes_buf(out, SEAL_NONCE_BYTES);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEAL_NONCE_BYTES,
	    NULL, plain.data, plain.len, context.data, context.len, NULL, out,
	    secret_bytes(key).data);
}

enum ag_status
seal_open(uint8_t *out, const struct secret *key, struct bytes context,
    struct bytes sealed)
{
	AG_ASSERT(secret_len(key) == SEAL_KEY_BYTES);
	if (sealed.len < SEAL_OVERHEAD)
		return AG_EFORGED;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
		sealed.data + SEAL_NONCE_BYTES, sealed.len - SEAL_NONCE_BYTES,
		context.data, context.len, sealed.data,
		secret_bytes(key).data) == 0)
		return AG_OK;
	sodium_memzero(out, sealed.len - SEAL_OVERHEAD);
	return AG_EFORGED;
}
