/*
 * bcrypt_pbkdf, as OpenBSD has it: PBKDF2's shape, with bcrypt over SHA-512
 * for its function, and the bytes of its blocks interleaved.
 *
 * No library of ours offers it.  Blowfish's key schedule looks secrets up in
 * tables; whoever measures caches on this machine at that moment may learn of
 * the passphrase.  That is the format's, and sealed keys do not have it.
 *
 * FORMAT   block n   XOR of rounds hashes: the first with the salt
 *                    SHA-512(salt | u32 n), each other with SHA-512 of the
 *                    hash before it
 *          key       byte i of block n is byte i * blocks + n - 1
 *
 * RULES    1. State and hashes are secret, and live in locked memory.
 */
#include "crypto/bcrypt.h"

#include <sodium.h>

#include "crypto/bcrypt_pi.h"

#define SUBKEYS 18
#define BOX 256
#define WORDS 8
#define BLOCK_BYTES (4 * WORDS)
#define DIGEST_BYTES crypto_hash_sha512_BYTES
#define EXPANSIONS 64
#define SALT_BYTES_MAX 64

struct bcrypt {
	uint32_t subkeys[SUBKEYS];
	uint32_t boxes[4][BOX];
	uint8_t passphrase[DIGEST_BYTES]; /* hashed */
	uint8_t salt[DIGEST_BYTES];       /* hashed */
	uint8_t hash[BLOCK_BYTES];
	uint8_t block[BLOCK_BYTES];
};

static uint32_t
mix(const struct bcrypt *b, uint32_t x)
{
	return ((b->boxes[0][x >> 24] + b->boxes[1][x >> 16 & 0xff]) ^
		   b->boxes[2][x >> 8 & 0xff]) +
	    b->boxes[3][x & 0xff];
}

static void
encipher(const struct bcrypt *b, uint32_t pair[static 2])
{
	uint32_t left = pair[0] ^ b->subkeys[0], right = pair[1];

	for (size_t i = 1; i < SUBKEYS - 1; i += 2) {
		right ^= mix(b, left) ^ b->subkeys[i];
		left ^= mix(b, right) ^ b->subkeys[i + 1];
	}
	pair[0] = right ^ b->subkeys[SUBKEYS - 1];
	pair[1] = left;
}

/* The next word of text, which begins again when it ends. */
static uint32_t
next_word(const uint8_t text[static DIGEST_BYTES], size_t *at)
{
	const uint8_t *word = text + *at;

	*at = (*at + 4) % DIGEST_BYTES;
	return (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16 |
	    (uint32_t)word[2] << 8 | word[3];
}

/* Put key into the state, and salt, which may be NULL. */
static void
expand(struct bcrypt *b, const uint8_t *salt, const uint8_t *key)
{
	uint32_t pair[2] = { 0, 0 };
	size_t at = 0;

	for (size_t i = 0; i < SUBKEYS; i++)
		b->subkeys[i] ^= next_word(key, &at);
	at = 0;
	for (size_t i = 0; i < SUBKEYS + 4 * BOX; i += 2) {
		uint32_t *out = i < SUBKEYS
		    ? &b->subkeys[i]
		    : &b->boxes[(i - SUBKEYS) / BOX][(i - SUBKEYS) % BOX];

		if (salt != NULL) {
			pair[0] ^= next_word(salt, &at);
			pair[1] ^= next_word(salt, &at);
		}
		encipher(b, pair);
		out[0] = pair[0];
		out[1] = pair[1];
	}
}

/* bcrypt of the hashed passphrase and salt, into b->hash. */
static void
hash(struct bcrypt *b)
{
	static const char magic[] = "OxychromaticBlowfishSwatDynamite";
	uint32_t words[WORDS];

	memcpy(b->subkeys, bcrypt_pi_words, sizeof(b->subkeys));
	memcpy(b->boxes, bcrypt_pi_words + SUBKEYS, sizeof(b->boxes));
	expand(b, b->salt, b->passphrase);
	for (size_t i = 0; i < EXPANSIONS; i++) {
		expand(b, NULL, b->salt);
		expand(b, NULL, b->passphrase);
	}
	for (size_t i = 0; i < WORDS; i++)
		words[i] = (uint32_t)magic[4 * i] << 24 |
		    (uint32_t)magic[4 * i + 1] << 16 |
		    (uint32_t)magic[4 * i + 2] << 8 |
		    (uint32_t)magic[4 * i + 3];
	for (size_t i = 0; i < EXPANSIONS; i++)
		for (size_t k = 0; k < WORDS; k += 2)
			encipher(b, words + k);
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		b->hash[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
	secret_wipe(words, sizeof(words));
}

static void
make_block(struct bcrypt *b, struct bytes salt, size_t number,
    unsigned int rounds)
{
	uint8_t text[SALT_BYTES_MAX + 4];

	memcpy(text, salt.data, salt.len);
	for (size_t i = 0; i < 4; i++)
		text[salt.len + i] = (uint8_t)(number >> (24 - 8 * i));
	(void)crypto_hash_sha512(b->salt, text, salt.len + 4);
	hash(b);
	memcpy(b->block, b->hash, sizeof(b->block));
	for (unsigned int round = 1; round < rounds; round++) {
		(void)crypto_hash_sha512(b->salt, b->hash, sizeof(b->hash));
		hash(b);
		for (size_t i = 0; i < sizeof(b->block); i++)
			b->block[i] ^= b->hash[i];
	}
}

struct secret *
bcrypt_pbkdf(struct bytes passphrase, struct bytes salt, unsigned int rounds,
    size_t len)
{
	size_t blocks = (len + BLOCK_BYTES - 1) / BLOCK_BYTES;
	struct secret *state = secret_new(sizeof(struct bcrypt));
	struct secret *key = secret_new(len);
	struct bcrypt *b;

	AG_ASSERT(rounds > 0 && salt.len <= SALT_BYTES_MAX);
	AG_ASSERT(len <= BCRYPT_KEY_BYTES_MAX);
	if (state == NULL || key == NULL) {
		secret_free(state);
		secret_free(key);
		return NULL;
	}
	b = (struct bcrypt *)(void *)secret_data(state);
	(void)crypto_hash_sha512(b->passphrase, passphrase.data,
	    passphrase.len);
	for (size_t n = 0; n < blocks; n++) {
		make_block(b, salt, n + 1, rounds);
		for (size_t i = 0; i * blocks + n < len; i++)
			secret_data(key)[i * blocks + n] = b->block[i];
	}
	secret_free(state);
	return key;
}
