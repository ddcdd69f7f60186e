/*
 * Hashes: BLAKE2b below its full length by libsodium, the rest by OpenSSL.
 *
 * OpenSSL 3.0 has BLAKE2b only at its full length, libsodium has no SHA-3
 * and a SHA-256 four times slower: each does what it is better at, and either
 * does what both have when it is asked for by name.
 *
 * NOT HERE Their names (crypto/algorithm.c).
 */
#include "crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "crypto/algorithm.h"
#include "crypto/late_crypto.h"

/* Small beside a second-level cache: what was read is still there. */
#define READ_BYTES ((size_t)32 << 10)

struct hash {
	union {
		crypto_generichash_state blake2b;
		crypto_hash_sha256_state sha256;
		crypto_hash_sha512_state sha512;
	} state;
	EVP_MD_CTX *evp; /* NULL: by libsodium */
	enum hash_algorithm algorithm;
	size_t digest_bytes;
};

enum ag_status
hash_find(enum hash_algorithm *algorithm, const char *name,
    struct ag_error *err)
{
	const struct algorithm *row;
	enum ag_status status = algorithm_find(&row, ALGORITHM_HASH, name, err);

	if (status == AG_OK)
		*algorithm = (enum hash_algorithm)row->id;
	return status;
}

size_t
hash_bytes(enum hash_algorithm algorithm)
{
	return algorithm == HASH_SHA_512 || algorithm == HASH_BLAKE2B_512
	    ? HASH_BYTES_MAX
	    : HASH_BYTES;
}

/* OpenSSL's function, which needs it loaded; NULL: it has none. */
static const EVP_MD *
function_of(enum hash_algorithm algorithm)
{
	switch (algorithm) {
	case HASH_SHA_256:
		return EVP_sha256();
	case HASH_SHA_512:
		return EVP_sha512();
	case HASH_SHA3_256:
		return EVP_sha3_256();
	case HASH_BLAKE2B_512:
		return EVP_blake2b512();
	case HASH_BLAKE2B_256:
	case HASH_COUNT:
	default:
		return NULL;
	}
}

/* Begin by libsodium, which can not fail. */
static void
start_sodium(struct hash *hash)
{
	if (hash->algorithm == HASH_SHA_256)
		(void)crypto_hash_sha256_init(&hash->state.sha256);
	else if (hash->algorithm == HASH_SHA_512)
		(void)crypto_hash_sha512_init(&hash->state.sha512);
	else
		(void)crypto_generichash_init(&hash->state.blake2b, NULL, 0,
		    hash->digest_bytes);
}

static enum ag_status
start_evp(struct hash *hash, struct ag_error *err)
{
	const EVP_MD *md = function_of(hash->algorithm);

	AG_ASSERT(md != NULL);
	hash->evp = EVP_MD_CTX_new();
	if (hash->evp == NULL)
		return ag_fail(err, AG_ENOMEM, "hash: out of memory");
	if (EVP_DigestInit_ex(hash->evp, md, NULL) != 1)
		return ag_fail(err, AG_EINTERNAL, "hash: OpenSSL refused %s",
		    EVP_MD_get0_name(md));
	return AG_OK;
}

static enum ag_status
open_with(struct hash **out, enum hash_algorithm algorithm, size_t digest_bytes,
    enum algorithm_provider provider, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct hash *hash;

	*out = NULL;
	if (provider == ALGORITHM_BY_LIBCRYPTO)
		status = late_crypto_load(err);
	if (status != AG_OK)
		return status;
	/* The state wants 64-byte alignment, and a size that is a multiple. */
	hash = aligned_alloc(64, (sizeof(*hash) + 63) / 64 * 64);
	if (hash == NULL)
		return ag_fail(err, AG_ENOMEM, "hash: out of memory");
	hash->evp = NULL;
	hash->algorithm = algorithm;
	hash->digest_bytes = digest_bytes;
	if (provider == ALGORITHM_BY_LIBCRYPTO)
		status = start_evp(hash, err);
	else
		start_sodium(hash);
	if (status != AG_OK) {
		hash_close(hash);
		return status;
	}
	*out = hash;
	return AG_OK;
}

enum ag_status
hash_open_by(struct hash **out, enum hash_algorithm algorithm,
    enum algorithm_provider provider, struct ag_error *err)
{
	const struct algorithm *row =
	    algorithm_get(ALGORITHM_HASH, (int)algorithm);

	*out = NULL;
	if (!algorithm_has_provider(row, provider))
		return ag_fail(err, AG_EINVAL, "%s has no %s",
		    algorithm_provider_name(provider), row->name);
	if (provider == ALGORITHM_BY_ANY)
		provider = row->providers[0];
	return open_with(out, algorithm, hash_bytes(algorithm), provider, err);
}

enum ag_status
hash_open(struct hash **out, enum hash_algorithm algorithm,
    struct ag_error *err)
{
	return hash_open_by(out, algorithm, ALGORITHM_BY_ANY, err);
}

enum ag_status
hash_open_blake2b(struct hash **out, size_t digest_bytes,
    enum algorithm_provider provider, struct ag_error *err)
{
	AG_ASSERT(digest_bytes > 0);
	AG_ASSERT(digest_bytes <= HASH_BYTES_MAX);
	if (digest_bytes == HASH_BYTES_MAX)
		return hash_open_by(out, HASH_BLAKE2B_512, provider, err);
	*out = NULL;
	if (provider == ALGORITHM_BY_LIBCRYPTO)
		return ag_fail(err, AG_EINVAL,
		    "libcrypto has BLAKE2b of 512 bits only");
	return open_with(out, HASH_BLAKE2B_256, digest_bytes,
	    ALGORITHM_BY_LIBSODIUM, err);
}

void
hash_update(struct hash *hash, struct bytes data)
{
	if (hash->evp != NULL)
		AG_ASSERT(
		    EVP_DigestUpdate(hash->evp, data.data, data.len) == 1);
	else if (hash->algorithm == HASH_SHA_256)
		(void)crypto_hash_sha256_update(&hash->state.sha256, data.data,
		    data.len);
	else if (hash->algorithm == HASH_SHA_512)
		(void)crypto_hash_sha512_update(&hash->state.sha512, data.data,
		    data.len);
	else
		(void)crypto_generichash_update(&hash->state.blake2b, data.data,
		    data.len);
}

enum ag_status
hash_read(struct hash *hash, int fd, const char *name, uint64_t *len,
    struct ag_error *err)
{
	uint8_t *buffer = malloc(READ_BYTES);
	enum ag_status status = AG_OK;
	ssize_t n = 1;

	*len = 0;
	if (buffer == NULL)
		return ag_fail(err, AG_ENOMEM, "read %s: out of memory", name);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while (n != 0) {
		n = read(fd, buffer, READ_BYTES);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			status = ag_fail_sys(err, "read %s", name);
			break;
		}
		hash_update(hash, bytes_of(buffer, (size_t)n));
		*len += (uint64_t)n;
	}
	free(buffer);
	return status;
}

void
hash_finish(struct hash *hash, uint8_t *digest)
{
	if (hash->evp != NULL)
		AG_ASSERT(EVP_DigestFinal_ex(hash->evp, digest, NULL) == 1);
	else if (hash->algorithm == HASH_SHA_256)
		(void)crypto_hash_sha256_final(&hash->state.sha256, digest);
	else if (hash->algorithm == HASH_SHA_512)
		(void)crypto_hash_sha512_final(&hash->state.sha512, digest);
	else
		(void)crypto_generichash_final(&hash->state.blake2b, digest,
		    hash->digest_bytes);
}

void
hash_close(struct hash *hash)
{
	if (hash == NULL)
		return;
	if (hash->evp != NULL)
		EVP_MD_CTX_free(hash->evp);
	free(hash);
}
