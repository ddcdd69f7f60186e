/*
 * Hashes: BLAKE2b below its full length by libsodium, the rest by OpenSSL.
 *
 * OpenSSL 3.0 has BLAKE2b only at its full length, libsodium has no SHA-3
 * and a SHA-256 four times slower: each does what it is better at.
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
	crypto_generichash_state blake2b;
	EVP_MD_CTX *evp; /* NULL for BLAKE2b by libsodium */
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

/* OpenSSL's function, which needs it loaded; NULL: libsodium's is used. */
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

static enum ag_status
open_with(struct hash **out, enum hash_algorithm algorithm, size_t digest_bytes,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	const EVP_MD *md;
	struct hash *hash;

	*out = NULL;
	if (algorithm != HASH_BLAKE2B_256)
		status = late_crypto_load(err);
	if (status != AG_OK)
		return status;
	md = function_of(algorithm);
	/* The state wants 64-byte alignment, and a size that is a multiple. */
	hash = aligned_alloc(64, (sizeof(*hash) + 63) / 64 * 64);
	if (hash == NULL)
		return ag_fail(err, AG_ENOMEM, "hash: out of memory");
	hash->digest_bytes = digest_bytes;
	hash->evp = md == NULL ? NULL : EVP_MD_CTX_new();
	if (md != NULL && hash->evp == NULL) {
		free(hash);
		return ag_fail(err, AG_ENOMEM, "hash: out of memory");
	}
	if (md == NULL) {
		(void)crypto_generichash_init(&hash->blake2b, NULL, 0,
		    digest_bytes);
	} else if (EVP_DigestInit_ex(hash->evp, md, NULL) != 1) {
		hash_close(hash);
		return ag_fail(err, AG_EINTERNAL, "hash: OpenSSL refused %s",
		    EVP_MD_get0_name(md));
	}
	*out = hash;
	return AG_OK;
}

enum ag_status
hash_open(struct hash **out, enum hash_algorithm algorithm,
    struct ag_error *err)
{
	return open_with(out, algorithm, hash_bytes(algorithm), err);
}

enum ag_status
hash_open_blake2b(struct hash **out, size_t digest_bytes, struct ag_error *err)
{
	AG_ASSERT(digest_bytes > 0);
	AG_ASSERT(digest_bytes <= HASH_BYTES_MAX);
	return open_with(out,
	    digest_bytes == HASH_BYTES_MAX ? HASH_BLAKE2B_512
					   : HASH_BLAKE2B_256,
	    digest_bytes, err);
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
	if (hash->evp == NULL)
		(void)crypto_generichash_final(&hash->blake2b, digest,
		    hash->digest_bytes);
	else
		AG_ASSERT(EVP_DigestFinal_ex(hash->evp, digest, NULL) == 1);
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
