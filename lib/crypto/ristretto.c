/*
 * ristretto255, by libsodium.
 */
#include "crypto/ristretto.h"

#include <sodium.h>

#include "crypto/secret.h"

static bool
is_zero(const uint8_t data[static RISTRETTO_BYTES])
{
	return sodium_is_zero(data, RISTRETTO_BYTES) == 1;
}

bool
point_is_valid(const struct point *point)
{
	/* The identity's encoding is all zeros, and only that. */
	return !is_zero(point->data) &&
	    crypto_core_ristretto255_is_valid_point(point->data) == 1;
}

bool
scalar_is_valid(const struct scalar *scalar)
{
	uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES] = { 0 };
	struct scalar reduced;
	bool is_canonical;

	memcpy(wide, scalar->data, RISTRETTO_BYTES);
	crypto_core_ristretto255_scalar_reduce(reduced.data, wide);
	is_canonical =
	    sodium_memcmp(reduced.data, scalar->data, RISTRETTO_BYTES) == 0;
	secret_wipe(wide, sizeof(wide));
	secret_wipe(&reduced, sizeof(reduced));
	return is_canonical && !is_zero(scalar->data);
}

bool
point_equal(const struct point *a, const struct point *b)
{
	return sodium_memcmp(a->data, b->data, RISTRETTO_BYTES) == 0;
}

void
point_generator(struct point *out)
{
	static const struct scalar one = { { 1 } };

	AG_ASSERT(
	    crypto_scalarmult_ristretto255_base(out->data, one.data) == 0);
}

void
point_of_label(struct point *out, const char *label)
{
	uint8_t hash[crypto_core_ristretto255_HASHBYTES];

	(void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)label,
	    strlen(label) + 1, NULL, 0);
	AG_ASSERT(crypto_core_ristretto255_from_hash(out->data, hash) == 0);
}

bool
point_multiply(struct point *out, const struct scalar *scalar,
    const struct point *point)
{
	return crypto_scalarmult_ristretto255(out->data, scalar->data,
		   point->data) == 0;
}

bool
point_add(struct point *out, const struct point *a, const struct point *b)
{
	return crypto_core_ristretto255_add(out->data, a->data, b->data) == 0 &&
	    !is_zero(out->data);
}

bool
point_subtract(struct point *out, const struct point *a, const struct point *b)
{
	return crypto_core_ristretto255_sub(out->data, a->data, b->data) == 0 &&
	    !is_zero(out->data);
}

void
scalar_add(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
	crypto_core_ristretto255_scalar_add(out->data, a->data, b->data);
}

void
scalar_subtract(struct scalar *out, const struct scalar *a,
    const struct scalar *b)
{
	crypto_core_ristretto255_scalar_sub(out->data, a->data, b->data);
}

void
scalar_multiply(struct scalar *out, const struct scalar *a,
    const struct scalar *b)
{
	crypto_core_ristretto255_scalar_mul(out->data, a->data, b->data);
}

void
scalar_invert(struct scalar *out, const struct scalar *scalar)
{
	AG_ASSERT(crypto_core_ristretto255_scalar_invert(out->data,
		      scalar->data) == 0);
}

void
scalar_of_number(struct scalar *out, uint32_t number)
{
	*out = (struct scalar){ 0 };
	for (int i = 0; i < 4; i++)
		out->data[i] = (uint8_t)(number >> 8 * i);
}

void
scalar_of_hash(struct scalar *out, const uint8_t hash[static 64])
{
	crypto_core_ristretto255_scalar_reduce(out->data, hash);
}

void
scalar_random(struct scalar *out)
{
	crypto_core_ristretto255_scalar_random(out->data);
}
