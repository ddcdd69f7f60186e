/*
 * HKDF-SHA256 over libsodium's HMAC, which pads a short key with zeros: so an
 * empty salt is the 32 zeros that RFC 5869 has for none.
 */
#include "crypto/hkdf.h"

#include <sodium.h>

static void
hmac(uint8_t out[static HKDF_BYTES], struct bytes key, struct bytes message,
    uint8_t ends_with)
{
	crypto_auth_hmacsha256_state state;

	(void)crypto_auth_hmacsha256_init(&state, key.data, key.len);
	(void)crypto_auth_hmacsha256_update(&state, message.data, message.len);
	if (ends_with != 0)
		(void)crypto_auth_hmacsha256_update(&state, &ends_with, 1);
	(void)crypto_auth_hmacsha256_final(&state, out);
	secret_wipe(&state, sizeof(state));
}

struct secret *
hkdf_sha256(struct bytes key, struct bytes salt, const char *info)
{
	struct secret *out = secret_new(HKDF_BYTES);
	uint8_t extracted[HKDF_BYTES];

	if (out == NULL)
		return NULL;
	hmac(extracted, salt, key, 0);
	hmac(secret_data(out), bytes_of(extracted, sizeof(extracted)),
	    bytes_from_text(info), 1);
	secret_wipe(extracted, sizeof(extracted));
	return out;
}
