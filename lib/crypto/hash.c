/*
 * The registry of hashes: BLAKE2b-256 by libsodium, the SHAs by OpenSSL.
 *
 * OpenSSL 3.0 has BLAKE2b only at its full length, libsodium has no SHA-3
 * and a SHA-256 four times slower: each does what it is better at.
 */
#include "crypto/hash.h"

#include <stdlib.h>
#include <strings.h>

#include <openssl/evp.h>
#include <sodium.h>

static const char *const names[HASH_COUNT] = {
#define HASH_TEXT(name, text) [HASH_##name] = (text),
	HASH_TABLE(HASH_TEXT)
#undef HASH_TEXT
};

#define HASH_KNOWN(name, text) " " text
static const char known[] = HASH_TABLE(HASH_KNOWN);
#undef HASH_KNOWN

struct hash {
	EVP_MD_CTX *evp; /* NULL for BLAKE2b */
	crypto_generichash_state blake2b;
};

enum ag_status
hash_find(enum hash_algorithm *algorithm, const char *name,
    struct ag_error *err)
{
	int i;

	for (i = 0; i < HASH_COUNT; i++) {
		if (strcasecmp(names[i], name) == 0) {
			*algorithm = (enum hash_algorithm)i;
			return AG_OK;
		}
	}
	return ag_fail(err, AG_EINVAL, "unknown hash \"%s\"; known:%s", name,
	    known);
}

static enum ag_status
open_evp(struct hash *hash, const EVP_MD *md, struct ag_error *err)
{
	hash->evp = EVP_MD_CTX_new();
	if (hash->evp == NULL || EVP_DigestInit_ex(hash->evp, md, NULL) != 1)
		return ag_fail(err, AG_EINTERNAL, "hash: OpenSSL refused %s",
		    EVP_MD_get0_name(md));
	return AG_OK;
}

enum ag_status
hash_open(struct hash **out, enum hash_algorithm algorithm,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct hash *hash;

	*out = NULL;
	/* The state wants 64-byte alignment, and a size that is a multiple. */
	hash = aligned_alloc(64, (sizeof(*hash) + 63) / 64 * 64);
	if (hash == NULL)
		return ag_fail(err, AG_ENOMEM, "hash: out of memory");
	hash->evp = NULL;
	if (algorithm == HASH_SHA_256)
		status = open_evp(hash, EVP_sha256(), err);
	else if (algorithm == HASH_SHA3_256)
		status = open_evp(hash, EVP_sha3_256(), err);
	else
		(void)crypto_generichash_init(&hash->blake2b, NULL, 0,
		    HASH_BYTES);
	if (status != AG_OK) {
		hash_close(hash);
		return status;
	}
	*out = hash;
	return AG_OK;
}

void
hash_update(struct hash *hash, struct bytes data)
{
	if (hash->evp == NULL)
		(void)crypto_generichash_update(&hash->blake2b, data.data,
		    data.len);
	else
		AG_ASSERT(
		    EVP_DigestUpdate(hash->evp, data.data, data.len) == 1);
}

void
hash_finish(struct hash *hash, uint8_t digest[static HASH_BYTES])
{
	if (hash->evp == NULL)
		(void)crypto_generichash_final(&hash->blake2b, digest,
		    HASH_BYTES);
	else
		AG_ASSERT(EVP_DigestFinal_ex(hash->evp, digest, NULL) == 1);
}

void
hash_close(struct hash *hash)
{
	if (hash == NULL)
		return;
	EVP_MD_CTX_free(hash->evp);
	free(hash);
}
