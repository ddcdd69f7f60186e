/*
 * ristretto255 (RFC 9496) as protocols need it: a group of prime order, of
 * which only canonical encodings are taken and never the identity.
 *
 * libsodium takes scalars that are not reduced and points that are the
 * identity.  Either would let one value be written in two ways, or a proof say
 * nothing, so whatever comes from outside passes the two checks below first.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_RISTRETTO_H
#define AEGIS_CRYPTO_RISTRETTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define RISTRETTO_BYTES 32 /* of a point, and of a scalar */

struct point {
	uint8_t data[RISTRETTO_BYTES];
};

struct scalar {
	uint8_t data[RISTRETTO_BYTES];
};

/* The canonical encoding of a point that is not the identity. */
bool point_is_valid(const struct point *point);

/* Below the group's order, and not zero. */
bool scalar_is_valid(const struct scalar *scalar);

bool point_equal(const struct point *a, const struct point *b);

/* The group's generator, and the point that a label is hashed to: nobody
 * knows the logarithm of one to the base of the other. */
void point_generator(struct point *out);
void point_of_label(struct point *out, const char *label);

/* False when the result is the identity; inputs are valid.  Constant time. */
bool point_multiply(struct point *out, const struct scalar *scalar,
    const struct point *point);
bool point_add(struct point *out, const struct point *a, const struct point *b);
bool point_subtract(struct point *out, const struct point *a,
    const struct point *b);

/* Modulo the group's order, in constant time. */
void scalar_add(struct scalar *out, const struct scalar *a,
    const struct scalar *b);
void scalar_subtract(struct scalar *out, const struct scalar *a,
    const struct scalar *b);
void scalar_multiply(struct scalar *out, const struct scalar *a,
    const struct scalar *b);

/* scalar is valid. */
void scalar_invert(struct scalar *out, const struct scalar *scalar);
void scalar_of_number(struct scalar *out, uint32_t number);

/* Of 64 bytes that are as good as random. */
void scalar_of_hash(struct scalar *out, const uint8_t hash[static 64]);

/* Never zero. */
void scalar_random(struct scalar *out);

#endif
