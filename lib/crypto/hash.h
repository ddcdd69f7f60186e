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

#define HASH_BYTES 32 /* of every hash in the table */

/* X(NAME, "name") */
#define HASH_TABLE(X)                 \
	X(BLAKE2B_256, "blake2b-256") \
	X(SHA_256, "sha-256")         \
	X(SHA3_256, "sha3-256")

enum hash_algorithm {
#define HASH_ENUM(name, text) HASH_##name,
	HASH_TABLE(HASH_ENUM)
#undef HASH_ENUM
	    HASH_COUNT
};

/* AG_EINVAL with the known names for an unknown one. */
enum ag_status hash_find(enum hash_algorithm *algorithm, const char *name,
    struct ag_error *err) AG_MUST_USE;

struct hash;

enum ag_status hash_open(struct hash **out, enum hash_algorithm algorithm,
    struct ag_error *err) AG_MUST_USE;
void hash_update(struct hash *hash, struct bytes data);

/* The digest; nothing can be added after it. */
void hash_finish(struct hash *hash, uint8_t digest[static HASH_BYTES]);
void hash_close(struct hash *hash);

#endif
