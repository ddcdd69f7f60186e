/*
 * Schnorr signatures.
 *
 * RULES    1. A signature has one encoding: scalars that are not canonical
 *             are refused, although they would compute the same.
 */
#include "crypto/schnorr.h"

#include "crypto/secret.h"
#include "crypto/transcript.h"

static void
begin(struct transcript *t, const struct point *public_key, const char *purpose,
    struct bytes message)
{
	transcript_begin(t, purpose);
	transcript_put_point(t, public_key);
	transcript_put(t, message);
}

void
schnorr_sign(uint8_t signature[static SCHNORR_BYTES], const struct scalar *key,
    const struct point *public_key, const char *purpose, struct bytes message,
    const uint8_t *entropy)
{
	struct scalar nonce, challenge, response;
	struct point base, commitment;
	struct transcript t;

	point_generator(&base);
	begin(&t, public_key, purpose, message);
	transcript_nonce(&t, key, entropy, &nonce);
	AG_ASSERT(point_multiply(&commitment, &nonce, &base));
	transcript_put_point(&t, &commitment);
	transcript_challenge(&t, &challenge);
	scalar_multiply(&response, &challenge, key);
	scalar_add(&response, &response, &nonce);
	memcpy(signature, challenge.data, RISTRETTO_BYTES);
	memcpy(signature + RISTRETTO_BYTES, response.data, RISTRETTO_BYTES);
	secret_wipe(&nonce, sizeof(nonce));
}

bool
schnorr_verify(const uint8_t signature[static SCHNORR_BYTES],
    const struct point *public_key, const char *purpose, struct bytes message)
{
	struct scalar challenge, response, again;
	struct point base, commitment, shift;
	struct transcript t;

	memcpy(challenge.data, signature, RISTRETTO_BYTES);
	memcpy(response.data, signature + RISTRETTO_BYTES, RISTRETTO_BYTES);
	point_generator(&base);
	if (!scalar_is_valid(&challenge) || !scalar_is_valid(&response) ||
	    !point_is_valid(public_key) ||
	    !point_multiply(&commitment, &response, &base) ||
	    !point_multiply(&shift, &challenge, public_key) ||
	    !point_subtract(&commitment, &commitment, &shift))
		return false;
	begin(&t, public_key, purpose, message);
	transcript_put_point(&t, &commitment);
	transcript_challenge(&t, &again);
	return memcmp(again.data, challenge.data, RISTRETTO_BYTES) == 0;
}
