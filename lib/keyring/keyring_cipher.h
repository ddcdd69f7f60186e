/*
 * XChaCha20-Poly1305 of records: short ones by libsodium, long ones by
 * OpenSSL, which has a longer way to begin and is three times as fast then.
 * Both make the same bytes.
 *
 * Ownership  keyring_cipher_init() and _fini() on caller's storage.
 * Threads    any; where one has what OpenSSL needs, the others do without.
 */
#ifndef AEGIS_KEYRING_KEYRING_CIPHER_H
#define AEGIS_KEYRING_KEYRING_CIPHER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "crypto/seal.h"

struct evp_cipher_ctx_st;

struct keyring_cipher {
	pthread_mutex_t lock; /* guards what follows */
	struct evp_cipher_ctx_st *evp;
	bool has_tried; /* to get it */
};

void keyring_cipher_init(struct keyring_cipher *cipher);
void keyring_cipher_fini(struct keyring_cipher *cipher);

/* plain, and behind it its tag, into out, where plain may lie. */
void keyring_cipher_seal(struct keyring_cipher *cipher, uint8_t *out,
    const uint8_t key[static SEAL_KEY_BYTES],
    const uint8_t nonce[static SEAL_NONCE_BYTES], struct bytes context,
    struct bytes plain);

/* sealed with its tag; out may be where it lies.  False: it does not open. */
bool keyring_cipher_open(struct keyring_cipher *cipher, uint8_t *out,
    const uint8_t key[static SEAL_KEY_BYTES],
    const uint8_t nonce[static SEAL_NONCE_BYTES], struct bytes context,
    struct bytes sealed) AG_MUST_USE;

#endif
