/*
 * Proofs that two points have the same logarithm (Chaum and Pedersen 1992):
 * h1 = x*g1 and h2 = x*g2 for one x that is not told.
 *
 * FORMAT   challenge (32) | response (32), both canonical scalars
 *          c = H(purpose, context, g1, h1, g2, h2, r*g1, r*g2), z = r + c*x
 *          (crypto/transcript.h); it holds when z*g1 - c*h1 and z*g2 - c*h2
 *          give c again
 *
 * The context is what the proof is a part of, as a digest or whole: without it
 * a proof could be moved to another statement of the same points.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_DLEQ_H
#define AEGIS_CRYPTO_DLEQ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/ristretto.h"

#define DLEQ_BYTES 64

struct dleq {
	const char *purpose;
	struct bytes context;
	struct point g1, h1, g2, h2;
};

/* entropy is 32 random bytes; without (NULL) the same is always proved. */
void dleq_prove(uint8_t proof[static DLEQ_BYTES], const struct dleq *statement,
    const struct scalar *secret, const uint8_t *entropy);

bool dleq_verify(const uint8_t proof[static DLEQ_BYTES],
    const struct dleq *statement);

#endif
