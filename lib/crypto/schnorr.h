/*
 * Schnorr signatures over ristretto255: proofs that somebody has the scalar x
 * of a point Y = x*G, bound to a purpose and a message.
 *
 * FORMAT   challenge (32) | response (32), both canonical scalars
 *          R = r*G, c = H(purpose, Y, message, R), z = r + c*x
 *          (crypto/transcript.h); it holds when R = z*G - c*Y gives c again
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_SCHNORR_H
#define AEGIS_CRYPTO_SCHNORR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/ristretto.h"

#define SCHNORR_BYTES 64

/* entropy is 32 random bytes; without (NULL) the same is always signed. */
void schnorr_sign(uint8_t signature[static SCHNORR_BYTES],
    const struct scalar *key, const struct point *public_key,
    const char *purpose, struct bytes message, const uint8_t *entropy);

bool schnorr_verify(const uint8_t signature[static SCHNORR_BYTES],
    const struct point *public_key, const char *purpose, struct bytes message);

#endif
