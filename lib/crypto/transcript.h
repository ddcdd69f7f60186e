/*
 * Transcripts: what a proof is about, hashed to the challenge that it answers
 * (Fiat and Shamir).
 *
 * A proof whose challenge leaves out a part of its statement can be moved to
 * another one.  So everything goes in, in the order in which it became known,
 * and each field behind its length, so that no two lists of fields hash the
 * same.
 *
 * HASH     BLAKE2b-512 of fields, each u32 length, big-endian, and bytes; the
 *          first is the label, without a NUL
 *          challenge  that, reduced
 *          nonce      the fields "aegis/nonce/v1", secret, 32 random bytes or
 *                     none, and the hash so far, hashed the same and reduced
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_TRANSCRIPT_H
#define AEGIS_CRYPTO_TRANSCRIPT_H

#include <stdint.h>

#include <sodium/crypto_generichash.h>

#include "base/bytes.h"
#include "crypto/ristretto.h"

#define TRANSCRIPT_ENTROPY_BYTES 32

struct transcript {
	crypto_generichash_state hash;
};

void transcript_begin(struct transcript *t, const char *label);
void transcript_put(struct transcript *t, struct bytes field);
void transcript_put_point(struct transcript *t, const struct point *point);

/* Of what was put so far; more may be put after it. */
void transcript_challenge(const struct transcript *t, struct scalar *out);

/*
 * A proof's secret nonce.  Hedged: it takes the secret and all that is proved,
 * so that a random generator that repeats itself gives nothing away.  Without
 * entropy the same proof is made again.
 */
void transcript_nonce(const struct transcript *t, const struct scalar *secret,
    const uint8_t *entropy, struct scalar *out);

#endif
