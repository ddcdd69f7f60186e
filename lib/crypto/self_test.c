/*
 * Known answers: Ed25519 (RFC 8032, test 2), X25519 (RFC 7748, 5.2),
 * XChaCha20-Poly1305 (Wycheproof, test 4), ChaCha20-Poly1305 (RFC 8439,
 * 2.8.2), HKDF (RFC 5869, A.1), AES-256 (FIPS 197, C.3; in GCM, test 14 of its
 * authors), and the hashes of "abc".
 *
 * RULES    1. A verifier must refuse, too: one that takes everything would
 *             pass on right answers alone.
 *          2. All of it takes less than a millisecond.
 *
 * NOT HERE What is slow, or few use: crypto/known_answer.h.
 */
#include "crypto/self_test.h"

#include <string.h>

#include <sodium.h>

#include "crypto/hkdf.h"
#include "crypto/late_crypto.h"

static const uint8_t blake2b_256[] = { 0xbd, 0xdd, 0x81, 0x3c, 0x63, 0x42, 0x39,
	0x72, 0x31, 0x71, 0xef, 0x3f, 0xee, 0x98, 0x57, 0x9b, 0x94, 0x96, 0x4e,
	0x3b, 0xb1, 0xcb, 0x3e, 0x42, 0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23,
	0x19 };

static enum ag_status
wrong(const char *library, const char *algorithm, struct ag_error *err)
{
	return ag_fail(err, AG_EINTERNAL,
	    "%s computes %s wrong on this machine: nothing was done with any "
	    "key",
	    library, algorithm);
}

static bool
is_ed25519_right(void)
{
	static const uint8_t seed[] = { 0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff,
		0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f,
		0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c,
		0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb };
	static const uint8_t message[] = { 0x72 };
	static const uint8_t signature[] = { 0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4,
		0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40,
		0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76,
		0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08, 0x5a, 0xc1, 0xe4,
		0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1,
		0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee,
		0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00 };
	uint8_t public_key[32], secret_key[64], made[64];

	(void)crypto_sign_seed_keypair(public_key, secret_key, seed);
	(void)crypto_sign_detached(made, NULL, message, sizeof(message),
	    secret_key);
	if (memcmp(made, signature, sizeof(made)) != 0 ||
	    crypto_sign_verify_detached(made, message, sizeof(message),
		public_key) != 0)
		return false;
	made[0] ^= 1;
	return crypto_sign_verify_detached(made, message, sizeof(message),
		   public_key) != 0;
}

static bool
is_x25519_right(void)
{
	static const uint8_t scalar[] = { 0xa5, 0x46, 0xe3, 0x6b, 0xf0, 0x52,
		0x7c, 0x9d, 0x3b, 0x16, 0x15, 0x4b, 0x82, 0x46, 0x5e, 0xdd,
		0x62, 0x14, 0x4c, 0x0a, 0xc1, 0xfc, 0x5a, 0x18, 0x50, 0x6a,
		0x22, 0x44, 0xba, 0x44, 0x9a, 0xc4 };
	static const uint8_t point[] = { 0xe6, 0xdb, 0x68, 0x67, 0x58, 0x30,
		0x30, 0xdb, 0x35, 0x94, 0xc1, 0xa4, 0x24, 0xb1, 0x5f, 0x7c,
		0x72, 0x66, 0x24, 0xec, 0x26, 0xb3, 0x35, 0x3b, 0x10, 0xa9,
		0x03, 0xa6, 0xd0, 0xab, 0x1c, 0x4c };
	static const uint8_t shared[] = { 0xc3, 0xda, 0x55, 0x37, 0x9d, 0xe9,
		0xc6, 0x90, 0x8e, 0x94, 0xea, 0x4d, 0xf2, 0x8d, 0x08, 0x4f,
		0x32, 0xec, 0xcf, 0x03, 0x49, 0x1c, 0x71, 0xf7, 0x54, 0xb4,
		0x07, 0x55, 0x77, 0xa2, 0x85, 0x52 };
	uint8_t made[32];

	return crypto_scalarmult(made, scalar, point) == 0 &&
	    memcmp(made, shared, sizeof(made)) == 0;
}

static bool
is_xchacha20_right(void)
{
	static const uint8_t key[] = { 0x30, 0x3c, 0xcb, 0x2e, 0x15, 0x67, 0xc3,
		0xd9, 0xf6, 0x29, 0xa5, 0xc6, 0x32, 0xdb, 0xc6, 0x2a, 0x9a,
		0x82, 0xc5, 0x25, 0x67, 0x4f, 0x67, 0x98, 0x8b, 0x31, 0xbd,
		0x1d, 0xee, 0x99, 0x05, 0x38 };
	static const uint8_t nonce[] = { 0x05, 0x18, 0x87, 0x38, 0x84, 0x4a,
		0xb9, 0x0a, 0x8b, 0x11, 0xbe, 0xef, 0x38, 0xea, 0xec, 0x3e,
		0x10, 0x0d, 0x8f, 0x4f, 0x85, 0xae, 0x7a, 0x41 };
	static const uint8_t sealed[] = { 0x45, 0xd1, 0x57, 0x34, 0xf9, 0x84,
		0xd7, 0x49, 0xfa, 0x3f, 0x05, 0x50, 0xa7, 0x0c, 0x43, 0xdd,
		0xdf };
	uint8_t made[sizeof(sealed)], opened[1];

	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(made, NULL,
	    (const uint8_t *)"b", 1, NULL, 0, NULL, nonce, key);
	if (memcmp(made, sealed, sizeof(made)) != 0 ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(opened, NULL, NULL, made,
		sizeof(made), NULL, 0, nonce, key) != 0)
		return false;
	made[0] ^= 1;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(opened, NULL, NULL,
		   made, sizeof(made), NULL, 0, nonce, key) != 0;
}

/* RFC 8439's text, with its tag; the key counts up from 0x80. */
static const uint8_t sunscreen_nonce[] = { 0x07, 0, 0, 0, 0x40, 0x41, 0x42,
	0x43, 0x44, 0x45, 0x46, 0x47 };
static const uint8_t sunscreen_context[] = { 0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1,
	0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7 };
static const uint8_t sunscreen_sealed[] = { 0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e,
	0x60, 0xdb, 0x7b, 0x86, 0xaf, 0xbc, 0x53, 0xef, 0x7e, 0xc2, 0xa4, 0xad,
	0xed, 0x51, 0x29, 0x6e, 0x08, 0xfe, 0xa9, 0xe2, 0xb5, 0xa7, 0x36, 0xee,
	0x62, 0xd6, 0x3d, 0xbe, 0xa4, 0x5e, 0x8c, 0xa9, 0x67, 0x12, 0x82, 0xfa,
	0xfb, 0x69, 0xda, 0x92, 0x72, 0x8b, 0x1a, 0x71, 0xde, 0x0a, 0x9e, 0x06,
	0x0b, 0x29, 0x05, 0xd6, 0xa5, 0xb6, 0x7e, 0xcd, 0x3b, 0x36, 0x92, 0xdd,
	0xbd, 0x7f, 0x2d, 0x77, 0x8b, 0x8c, 0x98, 0x03, 0xae, 0xe3, 0x28, 0x09,
	0x1b, 0x58, 0xfa, 0xb3, 0x24, 0xe4, 0xfa, 0xd6, 0x75, 0x94, 0x55, 0x85,
	0x80, 0x8b, 0x48, 0x31, 0xd7, 0xbc, 0x3f, 0xf4, 0xde, 0xf0, 0x8e, 0x4b,
	0x7a, 0x9d, 0xe5, 0x76, 0xd2, 0x65, 0x86, 0xce, 0xc6, 0x4b, 0x61, 0x16,
	0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb,
	0xd0, 0x60, 0x06, 0x91 };
static const char sunscreen[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one "
    "tip for the future, sunscreen would be it.";

#define SUNSCREEN_BYTES (sizeof(sunscreen) - 1)
#define AEAD_TAG_BYTES 16

static void
count_up(uint8_t *out, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(first + i);
}

static bool
is_chacha20_right(void)
{
	uint8_t key[32], made[sizeof(sunscreen_sealed)], opened[128];

	count_up(key, sizeof(key), 0x80);
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(made, NULL,
	    (const uint8_t *)sunscreen, SUNSCREEN_BYTES, sunscreen_context,
	    sizeof(sunscreen_context), NULL, sunscreen_nonce, key);
	if (memcmp(made, sunscreen_sealed, sizeof(made)) != 0 ||
	    crypto_aead_chacha20poly1305_ietf_decrypt(opened, NULL, NULL, made,
		sizeof(made), sunscreen_context, sizeof(sunscreen_context),
		sunscreen_nonce, key) != 0)
		return false;
	made[0] ^= 1;
	return crypto_aead_chacha20poly1305_ietf_decrypt(opened, NULL, NULL,
		   made, sizeof(made), sunscreen_context,
		   sizeof(sunscreen_context), sunscreen_nonce, key) != 0;
}

static bool
is_hkdf_right(void)
{
	static const uint8_t answer[] = { 0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac,
		0xd5, 0x7a, 0x90, 0x43, 0x4f, 0x64, 0xd0, 0x36, 0x2f, 0x2a,
		0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a, 0x5a, 0x4c, 0x5d, 0xb0,
		0x2d, 0x56, 0xec, 0xc4, 0xc5, 0xbf };
	uint8_t key[22], salt[13];
	struct secret *made;
	bool is_right;

	memset(key, 0x0b, sizeof(key));
	count_up(salt, sizeof(salt), 0);
	made = hkdf_sha256(bytes_of(key, sizeof(key)),
	    bytes_of(salt, sizeof(salt)),
	    "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9");
	is_right = made != NULL &&
	    bytes_equal(secret_bytes(made), bytes_of(answer, sizeof(answer)));
	secret_free(made);
	return is_right;
}

enum ag_status
self_test_sodium(struct ag_error *err)
{
	static const struct {
		const char *name;
		bool (*is_right)(void);
	} tests[] = {
		{ "Ed25519", is_ed25519_right },
		{ "X25519", is_x25519_right },
		{ "XChaCha20-Poly1305", is_xchacha20_right },
		{ "ChaCha20-Poly1305", is_chacha20_right },
		{ "HKDF", is_hkdf_right },
	};
	uint8_t digest[32];

	if (sodium_init() == -1)
		return ag_fail(err, AG_EINTERNAL,
		    "libsodium could not be initialised");
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!tests[i].is_right())
			return wrong("libsodium", tests[i].name, err);
	(void)crypto_generichash(digest, sizeof(digest), (const uint8_t *)"abc",
	    3, NULL, 0);
	return memcmp(digest, blake2b_256, sizeof(digest)) == 0
	    ? AG_OK
	    : wrong("libsodium", "BLAKE2b", err);
}

/* The digest of "abc" begins with these bytes. */
static bool
is_hash_right(const EVP_MD *md, const uint8_t begins[static 8])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };
	bool is_right = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
	    EVP_DigestUpdate(ctx, "abc", 3) == 1 &&
	    EVP_DigestFinal_ex(ctx, digest, NULL) == 1 &&
	    memcmp(digest, begins, 8) == 0;

	EVP_MD_CTX_free(ctx);
	return is_right;
}

static bool
is_aes_right(void)
{
	static const uint8_t answer[] = { 0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67,
		0x45, 0xbf, 0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49, 0x60, 0x89 };
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t key[32], plain[16], vector[16] = { 0 }, made[32];
	bool is_right;
	int len = 0;

	count_up(key, sizeof(key), 0);
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(0x11 * i);
	is_right = ctx != NULL &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, vector, 1) ==
		1 &&
	    EVP_CipherUpdate(ctx, made, &len, plain, sizeof(plain)) == 1 &&
	    len == sizeof(answer) && memcmp(made, answer, sizeof(answer)) == 0;
	if (ctx != NULL)
		EVP_CIPHER_CTX_free(ctx);
	return is_right;
}

/* A cipher with a tag, as it seals and as it opens. */
struct aead {
	const EVP_CIPHER *cipher;
	const uint8_t *key, *nonce;
	struct bytes context, plain, sealed;
};

/* Whether it goes through; out has the text, and a tag when it seals. */
static bool
run_aead(const struct aead *a, struct bytes input, uint8_t *tag, bool seals,
    uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;
	bool is_done = ctx != NULL &&
	    EVP_CipherInit_ex(ctx, a->cipher, NULL, a->key, a->nonce, seals) ==
		1 &&
	    (seals ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES,
		    tag) == 1) &&
	    (a->context.len == 0 ||
		EVP_CipherUpdate(ctx, NULL, &len, a->context.data,
		    (int)a->context.len) == 1) &&
	    EVP_CipherUpdate(ctx, out, &len, input.data, (int)input.len) == 1 &&
	    EVP_CipherFinal_ex(ctx, out + len, &len) == 1 &&
	    (!seals ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES,
		    tag) == 1);

	if (ctx != NULL)
		EVP_CIPHER_CTX_free(ctx);
	return is_done;
}

static bool
is_aead_right(const struct aead *a)
{
	uint8_t made[160], opened[160], *tag = made + a->plain.len;

	if (!run_aead(a, a->plain, tag, true, made) ||
	    !bytes_equal(bytes_of(made, a->sealed.len), a->sealed) ||
	    !run_aead(a, bytes_of(made, a->plain.len), tag, false, opened) ||
	    !bytes_equal(bytes_of(opened, a->plain.len), a->plain))
		return false;
	made[0] ^= 1;
	return !run_aead(a, bytes_of(made, a->plain.len), tag, false, opened);
}

static bool
is_late_chacha20_right(void)
{
	uint8_t key[32];

	count_up(key, sizeof(key), 0x80);
	return is_aead_right(
	    &(struct aead){ EVP_chacha20_poly1305(), key, sunscreen_nonce,
		bytes_of(sunscreen_context, sizeof(sunscreen_context)),
		bytes_of(sunscreen, SUNSCREEN_BYTES),
		bytes_of(sunscreen_sealed, sizeof(sunscreen_sealed)) });
}

/* Of nothing but zeros. */
static bool
is_gcm_right(void)
{
	static const uint8_t zeros[32],
	    sealed[] = { 0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07,
		    0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0, 0xd1, 0xc8,
		    0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4,
		    0x8a, 0xb9, 0x19 };

	return is_aead_right(
	    &(struct aead){ EVP_aes_256_gcm(), zeros, zeros, bytes_of(NULL, 0),
		bytes_of(zeros, 16), bytes_of(sealed, sizeof(sealed)) });
}

enum ag_status
self_test_crypto(struct ag_error *err)
{
	const struct {
		const char *name;
		const EVP_MD *md;
		uint8_t begins[8];
	} hashes[] = {
		{ "SHA-256", EVP_sha256(),
		    { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea } },
		{ "SHA-512", EVP_sha512(),
		    { 0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba } },
		{ "SHA3-256", EVP_sha3_256(),
		    { 0x3a, 0x98, 0x5d, 0xa7, 0x4f, 0xe2, 0x25, 0xb2 } },
		{ "BLAKE2b", EVP_blake2b512(),
		    { 0xba, 0x80, 0xa5, 0x3f, 0x98, 0x1c, 0x4d, 0x0d } },
	};

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (!is_hash_right(hashes[i].md, hashes[i].begins))
			return wrong("libcrypto", hashes[i].name, err);
	if (!is_aes_right())
		return wrong("libcrypto", "AES-256", err);
	if (!is_gcm_right())
		return wrong("libcrypto", "AES-256-GCM", err);
	return is_late_chacha20_right()
	    ? AG_OK
	    : wrong("libcrypto", "ChaCha20-Poly1305", err);
}
