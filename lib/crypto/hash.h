/*
 * Hash functions by name, fed piece by piece.
 *
 * Ownership  hash_open() hands out, hash_close() takes back.
 * Threads    a hash belongs to one thread at a time.
 */
#ifndef AEGIS_CRYPTO_HASH_H
#define AEGIS_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/algorithm.h"

#define HASH_BYTES 32 /* of the 256-bit ones */
#define HASH_BYTES_MAX 64

enum hash_algorithm {
	HASH_BLAKE2B_256,
	HASH_BLAKE2B_512,
	HASH_SHA_256,
	HASH_SHA_512,
	HASH_SHA3_256,
	HASH_COUNT
};

/*
 * By the registry's name: AG_EINVAL for an unknown one, with the nearest or
 * all that are known, and AG_EREFUSED for one that nobody should use.
 */
enum ag_status hash_find(enum hash_algorithm *algorithm, const char *name,
    struct ag_error *err) AG_MUST_USE;

/* How long its digest is. */
size_t hash_bytes(enum hash_algorithm algorithm);

struct hash;

enum ag_status hash_open(struct hash **out, enum hash_algorithm algorithm,
    struct ag_error *err) AG_MUST_USE;

/* The same by a provider that is asked for.  AG_EINVAL when it has none. */
enum ag_status hash_open_by(struct hash **out, enum hash_algorithm algorithm,
    enum algorithm_provider provider, struct ag_error *err) AG_MUST_USE;

/* BLAKE2b with a digest of 1 to 64 bytes: the length is part of the hash. */
enum ag_status hash_open_blake2b(struct hash **out, size_t digest_bytes,
    enum algorithm_provider provider, struct ag_error *err) AG_MUST_USE;

void hash_update(struct hash *hash, struct bytes data);

/* Feed a descriptor to its end; name is what errors call it. */
enum ag_status hash_read(struct hash *hash, int fd, const char *name,
    uint64_t *len, struct ag_error *err) AG_MUST_USE;

/*
 * The digest, whose length was settled by how the hash was opened; nothing
 * can be added after it.
 */
void hash_finish(struct hash *hash, uint8_t *digest);

void hash_close(struct hash *hash);

#endif
