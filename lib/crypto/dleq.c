/*
 * Equality of logarithms.
 *
 * RULES    1. A proof has one encoding, and its points are all checked here:
 *             where one is the identity, anything could be proved.
 */
#include "crypto/dleq.h"

#include "crypto/secret.h"
#include "crypto/transcript.h"

static void
begin(struct transcript *t, const struct dleq *s)
{
	transcript_begin(t, s->purpose);
	transcript_put(t, s->context);
	transcript_put_point(t, &s->g1);
	transcript_put_point(t, &s->h1);
	transcript_put_point(t, &s->g2);
	transcript_put_point(t, &s->h2);
}

void
dleq_prove(uint8_t proof[static DLEQ_BYTES], const struct dleq *statement,
    const struct scalar *secret, const uint8_t *entropy)
{
	struct scalar nonce, challenge, response;
	struct point first, second;
	struct transcript t;

	begin(&t, statement);
	transcript_nonce(&t, secret, entropy, &nonce);
	AG_ASSERT(point_multiply(&first, &nonce, &statement->g1));
	AG_ASSERT(point_multiply(&second, &nonce, &statement->g2));
	transcript_put_point(&t, &first);
	transcript_put_point(&t, &second);
	transcript_challenge(&t, &challenge);
	scalar_multiply(&response, &challenge, secret);
	scalar_add(&response, &response, &nonce);
	memcpy(proof, challenge.data, RISTRETTO_BYTES);
	memcpy(proof + RISTRETTO_BYTES, response.data, RISTRETTO_BYTES);
	secret_wipe(&nonce, sizeof(nonce));
	secret_wipe(&t, sizeof(t));
}

/* z*g - c*h */
static bool
commitment_of(struct point *out, const struct scalar *challenge,
    const struct scalar *response, const struct point *g, const struct point *h)
{
	struct point shift;

	return point_is_valid(g) && point_is_valid(h) &&
	    point_multiply(out, response, g) &&
	    point_multiply(&shift, challenge, h) &&
	    point_subtract(out, out, &shift);
}

bool
dleq_verify(const uint8_t proof[static DLEQ_BYTES],
    const struct dleq *statement)
{
	struct scalar challenge, response, again;
	struct point first, second;
	struct transcript t;

	memcpy(challenge.data, proof, RISTRETTO_BYTES);
	memcpy(response.data, proof + RISTRETTO_BYTES, RISTRETTO_BYTES);
	if (!scalar_is_valid(&challenge) || !scalar_is_valid(&response) ||
	    !commitment_of(&first, &challenge, &response, &statement->g1,
		&statement->h1) ||
	    !commitment_of(&second, &challenge, &response, &statement->g2,
		&statement->h2))
		return false;
	begin(&t, statement);
	transcript_put_point(&t, &first);
	transcript_put_point(&t, &second);
	transcript_challenge(&t, &again);
	/* A point in it may be a share. */
	secret_wipe(&t, sizeof(t));
	return memcmp(again.data, challenge.data, RISTRETTO_BYTES) == 0;
}
