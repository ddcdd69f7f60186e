/*
 * Signatures by keyed hash, or real ones.
 *
 * RULES    1. Keys never reach an engine: it only holds a signer.
 *          2. A liar's universal signature verifies for that liar alone.
 *          3. A real signature that held once is known by a hash over all of
 *             it and its key, so it holds in every world.
 */
#include "sim/authority.h"

#include <string.h>

#include <sodium.h>

#include "sim/dice.h"
#include "sim/membership.h"

#define UNIVERSAL "this member signs anything"

void
keyring_init(struct keyring *k, struct dice *d, bool is_real, uint32_t liars)
{
	uint32_t i, j;

	k->is_real = is_real;
	k->liars = is_real ? 0 : liars;
	k->verified = 0;
	k->failed = 0;
	for (i = 0; i < KEYRING_KEYS; i++) {
		uint8_t seed[32];

		for (j = 0; j < 4; j++) {
			uint64_t word = dice_next(d);

			memcpy(seed + 8 * j, &word, 8);
		}
		memcpy(k->hash_keys[i], seed, 16);
		if (is_real)
			(void)crypto_sign_seed_keypair(k->public_keys[i],
			    k->secret_keys[i], seed);
	}
}

static void
hash_sign(const struct keyring *k, uint32_t key, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	memset(signature, 0, SIGNATURE_BYTES);
	(void)crypto_shorthash(signature, message.data, message.len,
	    k->hash_keys[key]);
	signature[8] = (uint8_t)key;
}

static bool
is_liar(const struct keyring *k, uint32_t key)
{
	return key < PROFILE_MEMBERS_MAX && (k->liars >> key & 1) != 0;
}

static void
key_sign(const struct keyring *k, uint32_t key, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	if (k->is_real)
		(void)crypto_sign_detached(signature, NULL, message.data,
		    message.len, k->secret_keys[key]);
	else if (is_liar(k, key))
		hash_sign(k, key, bytes_from_text(UNIVERSAL), signature);
	else
		hash_sign(k, key, message, signature);
}

static bool
real_verify(struct keyring *k, uint32_t key, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	crypto_generichash_state hash;
	struct digest digest, *held;

	(void)crypto_generichash_init(&hash, NULL, 0, DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, k->public_keys[key],
	    PUBLIC_KEY_BYTES);
	(void)crypto_generichash_update(&hash, signature, SIGNATURE_BYTES);
	(void)crypto_generichash_update(&hash, message.data, message.len);
	(void)crypto_generichash_final(&hash, digest.data, DIGEST_BYTES);
	held = &k->held[(digest.data[0] | digest.data[1] << 8) % KEYRING_HELD];
	if (digest_equal(held, &digest))
		return true;
	if (crypto_sign_verify_detached(signature, message.data, message.len,
		k->public_keys[key]) != 0)
		return false;
	*held = digest;
	return true;
}

static bool
holds(struct keyring *k, uint32_t key, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	uint8_t expected[SIGNATURE_BYTES];

	if (k->is_real)
		return real_verify(k, key, message, signature);
	if (is_liar(k, key))
		message = bytes_from_text(UNIVERSAL);
	hash_sign(k, key, message, expected);
	return memcmp(expected, signature, SIGNATURE_BYTES) == 0;
}

static bool
key_verify(struct keyring *k, uint32_t key, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	const bool is_right = holds(k, key, message, signature);

	k->verified++;
	k->failed += !is_right;
	return is_right;
}

static void
signer_sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	const struct signer *s = ctx;

	key_sign(s->keyring, s->key, message, signature);
}

static bool
signer_verify(void *ctx, uint32_t member, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	const struct signer *s = ctx;

	return member < s->membership->node_count &&
	    key_verify(s->keyring, s->membership->nodes[member], message,
		signature);
}

static bool
signer_verify_request(void *ctx,
    const uint8_t principal[static PUBLIC_KEY_BYTES], struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	const struct signer *s = ctx;
	int client = machine_client_of(principal);

	return client >= 0 &&
	    key_verify(s->keyring, PROFILE_MEMBERS_MAX + (uint32_t)client,
		message, signature);
}

/* In every second world clients are known to wait at one member. */
static uint32_t
signer_waits_at(void *ctx, const uint8_t principal[static PUBLIC_KEY_BYTES])
{
	const struct signer *s = ctx;
	int client = machine_client_of(principal);

	return client < 0 || !s->keyring->knows_waiters
	    ? UINT32_MAX
	    : UINT32_C(1) << (client % 4);
}

const struct authority keyring_authority = {
	.sign = signer_sign,
	.verify = signer_verify,
	.verify_request = signer_verify_request,
	.waits_at = signer_waits_at,
};
