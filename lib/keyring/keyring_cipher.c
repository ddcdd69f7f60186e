/*
 * Records' cipher.
 *
 * XChaCha20-Poly1305 is ChaCha20-Poly1305 (RFC 8439) under the key that
 * HChaCha20 makes of the key and the nonce's first 16 bytes, with four zeros
 * and its other 8 for a nonce.
 *
 * RULES    1. Nothing waits here: what OpenSSL needs is one context, and who
 *             finds it taken, or no OpenSSL, uses libsodium.
 *          2. A plain text that did not verify is wiped.
 *          3. OpenSSL's memory is not locked.  What it keeps of a key is of
 *             one record's: the key itself never gets there.
 */
#include "keyring/keyring_cipher.h"

#include <string.h>

#include <sodium.h>

#include "crypto/late_crypto.h"
#include "crypto/secret.h"

#define LONG_BYTES 4096
#define SUBKEY_AT 16
#define SHORT_NONCE_BYTES 12

void
keyring_cipher_init(struct keyring_cipher *c)
{
	(void)pthread_mutex_init(&c->lock, NULL);
	c->evp = NULL;
	c->has_tried = false;
}

void
keyring_cipher_fini(struct keyring_cipher *c)
{
	if (c->evp != NULL)
		EVP_CIPHER_CTX_free(c->evp);
	(void)pthread_mutex_destroy(&c->lock);
}

/* OpenSSL's context, locked; NULL: go without. */
static EVP_CIPHER_CTX *
evp_take(struct keyring_cipher *c, size_t len)
{
	if (len < LONG_BYTES || pthread_mutex_trylock(&c->lock) != 0)
		return NULL;
	if (!c->has_tried && late_crypto_load(NULL) == AG_OK)
		c->evp = EVP_CIPHER_CTX_new();
	c->has_tried = true;
	if (c->evp == NULL)
		(void)pthread_mutex_unlock(&c->lock);
	return c->evp;
}

static void
evp_give(struct keyring_cipher *c)
{
	(void)pthread_mutex_unlock(&c->lock);
}

/* encrypt is 1 or 0, as OpenSSL has it. */
static bool
evp_begin(EVP_CIPHER_CTX *evp, int encrypt, const uint8_t *key,
    const uint8_t *nonce, struct bytes context)
{
	uint8_t subkey[SEAL_KEY_BYTES];
	uint8_t rest[SHORT_NONCE_BYTES] = { 0 };
	bool is_begun;
	int len = 0;

	(void)crypto_core_hchacha20(subkey, nonce, key, NULL);
	memcpy(rest + 4, nonce + SUBKEY_AT, SEAL_NONCE_BYTES - SUBKEY_AT);
	is_begun = EVP_CipherInit_ex(evp, EVP_chacha20_poly1305(), NULL, subkey,
		       rest, encrypt) == 1 &&
	    (context.len == 0 ||
		EVP_CipherUpdate(evp, NULL, &len, context.data,
		    (int)context.len) == 1);
	secret_wipe(subkey, sizeof(subkey));
	return is_begun;
}

/* Begun, it does not fail; before, nothing has happened. */
static void
evp_seal(EVP_CIPHER_CTX *evp, uint8_t *out, struct bytes plain)
{
	int len = 0, rest = 0;

	AG_ASSERT(
	    EVP_CipherUpdate(evp, out, &len, plain.data, (int)plain.len) == 1);
	AG_ASSERT(EVP_CipherFinal_ex(evp, out + len, &rest) == 1);
	AG_ASSERT(EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG,
		      SEAL_TAG_BYTES, out + plain.len) == 1);
}

void
keyring_cipher_seal(struct keyring_cipher *c, uint8_t *out,
    const uint8_t key[static SEAL_KEY_BYTES],
    const uint8_t nonce[static SEAL_NONCE_BYTES], struct bytes context,
    struct bytes plain)
{
	EVP_CIPHER_CTX *evp = evp_take(c, plain.len);
	const bool is_begun =
	    evp != NULL && evp_begin(evp, 1, key, nonce, context);

	if (is_begun)
		evp_seal(evp, out, plain);
	if (evp != NULL)
		evp_give(c);
	if (!is_begun)
		(void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL,
		    plain.data, plain.len, context.data, context.len, NULL,
		    nonce, key);
}

static bool
evp_open(EVP_CIPHER_CTX *evp, uint8_t *out, struct bytes sealed)
{
	const size_t plain_len = sealed.len - SEAL_TAG_BYTES;
	uint8_t tag[SEAL_TAG_BYTES];
	int len = 0, rest = 0;

	memcpy(tag, sealed.data + plain_len, sizeof(tag));
	if (EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES,
		tag) == 1 &&
	    EVP_CipherUpdate(evp, out, &len, sealed.data, (int)plain_len) ==
		1 &&
	    EVP_CipherFinal_ex(evp, out + len, &rest) == 1)
		return true;
	secret_wipe(out, plain_len);
	return false;
}

bool
keyring_cipher_open(struct keyring_cipher *c, uint8_t *out,
    const uint8_t key[static SEAL_KEY_BYTES],
    const uint8_t nonce[static SEAL_NONCE_BYTES], struct bytes context,
    struct bytes sealed)
{
	EVP_CIPHER_CTX *evp = evp_take(c, sealed.len);
	const bool is_begun =
	    evp != NULL && evp_begin(evp, 0, key, nonce, context);
	bool is_open = false;

	if (is_begun)
		is_open = evp_open(evp, out, sealed);
	if (evp != NULL)
		evp_give(c);
	if (is_begun)
		return is_open;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
		   sealed.data, sealed.len, context.data, context.len, nonce,
		   key) == 0;
}
