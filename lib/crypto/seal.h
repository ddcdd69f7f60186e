/*
 * Authenticated encryption of buffers: XChaCha20-Poly1305.
 *
 * Nonces are made here and nowhere else: 192 random bits, so that any
 * number of buffers can be sealed under one key.
 *
 * FORMAT  nonce (24) | ciphertext | tag (16)
 */
#ifndef AEGIS_CRYPTO_SEAL_H
#define AEGIS_CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

#define SEAL_KEY_BYTES 32
#define SEAL_NONCE_BYTES 24
#define SEAL_TAG_BYTES 16
#define SEAL_OVERHEAD (SEAL_NONCE_BYTES + SEAL_TAG_BYTES)

/*
 * Seal plain into out, which has plain.len + SEAL_OVERHEAD bytes.  context
 * is not stored, but must be the same when opening.
 */
void seal_buffer(uint8_t *out, const struct secret *key, struct bytes context,
    struct bytes plain);

/*
 * Open into out, which has sealed.len - SEAL_OVERHEAD bytes; they are zero
 * after a failure.  AG_EFORGED for any reason it does not open.
 */
enum ag_status seal_open(uint8_t *out, const struct secret *key,
    struct bytes context, struct bytes sealed) AG_MUST_USE;

#endif
