/*
 * Keys derived from a key, one for each purpose.
 *
 * For keys of 32 uniform bytes; what is anything else goes through HKDF
 * (crypto/hkdf.h) or a password hash first.
 *
 * FORMAT   BLAKE2b-256 keyed with the key, salt = number (u64 little-endian),
 *          personal = the purpose's context, eight characters: libsodium's
 *          crypto_kdf.
 *
 * Threads  no shared state.
 */
#ifndef AEGIS_CRYPTO_KDF_H
#define AEGIS_CRYPTO_KDF_H

#include <stdint.h>

#define KDF_KEY_BYTES 32

/* A new one gets a context of its own in kdf.c. */
enum kdf_purpose {
	/* From a node's storage root. */
	KDF_KEYRING_COMMITMENT,
	KDF_KEYRING_MAC,
	KDF_KEYRING_WRAP,
	/* From what opens a slot of a keyring. */
	KDF_KEYRING_SLOT,
	/* From a data key. */
	KDF_VALUES,
	KDF_LOG,
	KDF_COUNT
};

/* Eight characters, no two alike. */
const char *kdf_context(enum kdf_purpose purpose);

void kdf_derive(uint8_t out[static KDF_KEY_BYTES],
    const uint8_t key[static KDF_KEY_BYTES], enum kdf_purpose purpose,
    uint64_t number);

#endif
