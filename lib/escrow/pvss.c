/*
 * Publicly verifiable secret sharing.
 *
 * RULES    1. The challenge of every proof hashes the whole sharing: no part
 *             of one can be put into another.
 *          2. Coefficients and values of the polynomial live in locked memory
 *             or are wiped, and nothing branches on them.
 */
#include "escrow/pvss.h"

#include <sodium.h>

#include "crypto/transcript.h"

#define GENERATOR_LABEL "aegis/escrow/generator/v1"
#define DEAL_PURPOSE "aegis/escrow/deal/v1"
#define REFRESH_PURPOSE "aegis/escrow/refresh/v1"
#define CONTEXT_BYTES 64

static const char *
purpose_of(const struct pvss *s)
{
	return s->is_of_zero ? REFRESH_PURPOSE : DEAL_PURPOSE;
}

static bool
is_member(const struct pvss *s, uint32_t place)
{
	return (s->members >> place & 1) != 0;
}

/* The first coefficient that is there. */
static uint32_t
first_of(const struct pvss *s)
{
	return s->is_of_zero ? 1 : 0;
}

static void
put_u32(struct transcript *t, uint32_t value)
{
	const uint8_t data[4] = { (uint8_t)(value >> 24),
		(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value };

	transcript_put(t, bytes_of(data, sizeof(data)));
}

/* What every proof of the sharing is bound to. */
static void
statement_digest(uint8_t digest[static CONTEXT_BYTES], const struct pvss *s,
    struct bytes context)
{
	struct transcript t;

	transcript_begin(&t, purpose_of(s));
	transcript_put(&t, context);
	put_u32(&t, s->threshold);
	put_u32(&t, s->members);
	for (uint32_t j = first_of(s); j < s->threshold; j++)
		transcript_put_point(&t, &s->commitments[j]);
	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		if (is_member(s, i))
			transcript_put_point(&t, &s->shares[i]);
	(void)crypto_generichash_final(&t.hash, digest, CONTEXT_BYTES);
}

struct secret *
pvss_polynomial(uint32_t threshold, bool is_of_zero)
{
	struct secret *polynomial =
	    secret_new((size_t)threshold * RISTRETTO_BYTES);
	struct scalar coefficient;

	if (polynomial == NULL)
		return NULL;
	for (uint32_t j = is_of_zero ? 1 : 0; j < threshold; j++) {
		scalar_random(&coefficient);
		memcpy(secret_data(polynomial) + (size_t)j * RISTRETTO_BYTES,
		    coefficient.data, RISTRETTO_BYTES);
	}
	secret_wipe(&coefficient, sizeof(coefficient));
	return polynomial;
}

static void
coefficient_get(struct scalar *out, const struct secret *polynomial, uint32_t j)
{
	memcpy(out->data,
	    secret_bytes(polynomial).data + (size_t)j * RISTRETTO_BYTES,
	    RISTRETTO_BYTES);
}

/* p(number), by Horner's rule. */
static void
evaluate(struct scalar *out, const struct secret *polynomial,
    uint32_t threshold, uint32_t number)
{
	struct scalar coefficient, x;

	scalar_of_number(&x, number);
	*out = (struct scalar){ 0 };
	for (uint32_t j = threshold; j-- > 0;) {
		coefficient_get(&coefficient, polynomial, j);
		scalar_multiply(out, out, &x);
		scalar_add(out, out, &coefficient);
	}
	secret_wipe(&coefficient, sizeof(coefficient));
}

/* X_i: the same of the commitments, in front of everybody. */
static bool
evaluate_commitments(struct point *out, const struct pvss *s, uint32_t number)
{
	struct scalar x;

	scalar_of_number(&x, number);
	*out = s->commitments[s->threshold - 1];
	for (uint32_t j = s->threshold - 1; j-- > first_of(s);)
		if (!point_multiply(out, &x, out) ||
		    !point_add(out, out, &s->commitments[j]))
			return false;
	/* Of zero, the last step adds nothing. */
	return !s->is_of_zero || point_multiply(out, &x, out);
}

static enum ag_status
chance(struct ag_error *err)
{
	return ag_fail(err, AG_EINTERNAL, "share secret: a point is zero");
}

static bool
commit(struct pvss *s, const struct secret *polynomial)
{
	struct scalar coefficient;
	bool is_right = true;
	struct point base;

	point_of_label(&base, GENERATOR_LABEL);
	for (uint32_t j = first_of(s); is_right && j < s->threshold; j++) {
		coefficient_get(&coefficient, polynomial, j);
		is_right =
		    point_multiply(&s->commitments[j], &coefficient, &base);
	}
	secret_wipe(&coefficient, sizeof(coefficient));
	return is_right;
}

static bool
encrypt_shares(struct pvss *s, const struct secret *polynomial,
    const struct point *keys)
{
	struct scalar value;
	bool is_right = true;

	for (uint32_t i = 0; is_right && i < PVSS_CUSTODIANS_MAX; i++) {
		if (!is_member(s, i))
			continue;
		evaluate(&value, polynomial, s->threshold, i + 1);
		is_right = point_multiply(&s->shares[i], &value, &keys[i]);
	}
	secret_wipe(&value, sizeof(value));
	return is_right;
}

/* All but X_i, which its dealer has for one multiplication. */
static void
state(struct dleq *statement, const struct pvss *s, const struct point *keys,
    uint32_t place, struct bytes digest)
{
	*statement = (struct dleq){ .purpose = purpose_of(s),
		.context = digest,
		.g2 = keys[place],
		.h2 = s->shares[place] };
	point_of_label(&statement->g1, GENERATOR_LABEL);
}

static bool
prove_shares(struct pvss *s, const struct secret *polynomial,
    const struct point *keys, struct bytes context, const uint8_t *entropy)
{
	uint8_t digest[CONTEXT_BYTES];
	struct dleq statement;
	struct scalar value;
	bool is_right = true;

	statement_digest(digest, s, context);
	for (uint32_t i = 0; is_right && i < PVSS_CUSTODIANS_MAX; i++) {
		if (!is_member(s, i))
			continue;
		evaluate(&value, polynomial, s->threshold, i + 1);
		state(&statement, s, keys, i, bytes_of(digest, sizeof(digest)));
		is_right = point_multiply(&statement.h1, &value, &statement.g1);
		if (is_right)
			dleq_prove(s->proofs[i], &statement, &value, entropy);
	}
	secret_wipe(&value, sizeof(value));
	return is_right;
}

enum ag_status
pvss_deal(struct pvss *out, const struct secret *polynomial,
    const struct point *keys, struct bytes context, const uint8_t *entropy,
    struct ag_error *err)
{
	AG_ASSERT(out->threshold >= PVSS_THRESHOLD_MIN);
	AG_ASSERT(out->threshold <= PVSS_CUSTODIANS_MAX);
	AG_ASSERT(
	    secret_len(polynomial) == (size_t)out->threshold * RISTRETTO_BYTES);
	return commit(out, polynomial) &&
		encrypt_shares(out, polynomial, keys) &&
		prove_shares(out, polynomial, keys, context, entropy)
	    ? AG_OK
	    : chance(err);
}

enum ag_status
pvss_secret(struct point *out, const struct secret *polynomial,
    struct ag_error *err)
{
	struct scalar first;
	struct point base;
	bool is_right;

	point_generator(&base);
	coefficient_get(&first, polynomial, 0);
	is_right = point_multiply(out, &first, &base);
	secret_wipe(&first, sizeof(first));
	return is_right ? AG_OK : chance(err);
}

enum ag_status
pvss_verify(const struct pvss *sharing, const struct point *keys,
    struct bytes context, uint32_t *place, struct ag_error *err)
{
	uint8_t digest[CONTEXT_BYTES];
	struct dleq statement;

	*place = 0;
	for (uint32_t j = first_of(sharing); j < sharing->threshold; j++)
		if (!point_is_valid(&sharing->commitments[j]))
			return ag_fail(err, AG_EFORGED,
			    "commitment %u is no point", j);
	statement_digest(digest, sharing, context);
	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++) {
		*place = i;
		if (!is_member(sharing, i))
			continue;
		state(&statement, sharing, keys, i,
		    bytes_of(digest, sizeof(digest)));
		if (!evaluate_commitments(&statement.h1, sharing, i + 1) ||
		    !dleq_verify(sharing->proofs[i], &statement))
			return ag_fail(err, AG_EFORGED,
			    "share %u is not one of the secret", i + 1);
	}
	return AG_OK;
}

bool
pvss_open(struct point *out, const struct scalar *key,
    const struct point *share)
{
	struct scalar inverse;
	bool is_right;

	scalar_invert(&inverse, key);
	is_right = point_multiply(out, &inverse, share);
	secret_wipe(&inverse, sizeof(inverse));
	return is_right;
}

/* The factor of numbers[which] at a number; all of it is public. */
static void
factor_of(struct scalar *out, uint32_t at, const uint32_t *numbers,
    size_t count, size_t which)
{
	struct scalar own, other, x, difference, below;

	scalar_of_number(&own, numbers[which]);
	scalar_of_number(&x, at);
	scalar_of_number(out, 1);
	below = *out;
	for (size_t i = 0; i < count; i++) {
		if (i == which)
			continue;
		scalar_of_number(&other, numbers[i]);
		scalar_subtract(&difference, &x, &other);
		scalar_multiply(out, out, &difference);
		scalar_subtract(&difference, &own, &other);
		scalar_multiply(&below, &below, &difference);
	}
	scalar_invert(&below, &below);
	scalar_multiply(out, out, &below);
}

static bool
are_different(uint32_t at, const uint32_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] == at)
			return false;
		for (size_t j = 0; j < i; j++)
			if (numbers[i] == numbers[j])
				return false;
	}
	return count > 0;
}

bool
pvss_interpolate(struct point *out, uint32_t at, const uint32_t *numbers,
    const struct point *points, size_t count)
{
	bool is_right = are_different(at, numbers, count);
	struct point sum = { 0 }, term = { 0 };
	struct scalar factor;

	for (size_t i = 0; is_right && i < count; i++) {
		factor_of(&factor, at, numbers, count, i);
		is_right = point_multiply(&term, &factor, &points[i]);
		if (is_right && i == 0)
			sum = term;
		else if (is_right)
			is_right = point_add(&sum, &sum, &term);
	}
	*out = sum;
	secret_wipe(&sum, sizeof(sum));
	secret_wipe(&term, sizeof(term));
	return is_right;
}
