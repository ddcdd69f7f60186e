/*
 * Transcripts.
 */
#include "crypto/transcript.h"

#include <sodium.h>

#include "crypto/secret.h"

#define HASH_BYTES 64
#define NONCE_PURPOSE "aegis/nonce/v1"

void
transcript_begin(struct transcript *t, const char *label)
{
	(void)crypto_generichash_init(&t->hash, NULL, 0, HASH_BYTES);
	transcript_put(t, bytes_from_text(label));
}

void
transcript_put(struct transcript *t, struct bytes field)
{
	const uint8_t head[4] = { (uint8_t)(field.len >> 24),
		(uint8_t)(field.len >> 16), (uint8_t)(field.len >> 8),
		(uint8_t)field.len };

	AG_ASSERT(field.len <= UINT32_MAX);
	(void)crypto_generichash_update(&t->hash, head, sizeof(head));
	if (field.len > 0)
		(void)crypto_generichash_update(&t->hash, field.data,
		    field.len);
}

void
transcript_put_point(struct transcript *t, const struct point *point)
{
	transcript_put(t, bytes_of(point->data, sizeof(point->data)));
}

static void
hash_so_far(const struct transcript *t, uint8_t hash[static HASH_BYTES])
{
	struct transcript copy = *t;

	(void)crypto_generichash_final(&copy.hash, hash, HASH_BYTES);
	secret_wipe(&copy, sizeof(copy));
}

void
transcript_challenge(const struct transcript *t, struct scalar *out)
{
	uint8_t hash[HASH_BYTES];

	hash_so_far(t, hash);
	scalar_of_hash(out, hash);
}

void
transcript_nonce(const struct transcript *t, const struct scalar *secret,
    const uint8_t *entropy, struct scalar *out)
{
	struct transcript nonce;
	uint8_t hash[HASH_BYTES];

	hash_so_far(t, hash);
	transcript_begin(&nonce, NONCE_PURPOSE);
	transcript_put(&nonce, bytes_of(secret->data, sizeof(secret->data)));
	transcript_put(&nonce,
	    bytes_of(entropy, entropy != NULL ? TRANSCRIPT_ENTROPY_BYTES : 0));
	transcript_put(&nonce, bytes_of(hash, sizeof(hash)));
	hash_so_far(&nonce, hash);
	scalar_of_hash(out, hash);
	secret_wipe(hash, sizeof(hash));
	secret_wipe(&nonce, sizeof(nonce));
}
