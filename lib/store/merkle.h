/*
 * The compact sparse Merkle tree over the store's keys.
 *
 * DIGEST   leaf   BLAKE2b-256(0x00 | key hash | value hash)
 *          inner  BLAKE2b-256(0x01 | left | right), by the next bit of the
 *                 key hash, most significant first
 *          an empty subtree is 32 zero bytes, and a subtree that holds
 *          exactly one leaf is that leaf's hash
 *          key hash    BLAKE2b-256(key)
 *          value hash  BLAKE2b-256 of the entry as a snapshot writes it:
 *                      CBOR [key, value, version, created, modified]
 *
 * The same contents give the same root, whatever their history.
 *
 * The top MERKLE_TOP_BITS levels are kept in memory; below each of their
 * ends is a bucket of leaves, kept by the caller and handed over whole when
 * it changes.
 *
 * Ownership  merkle_new() hands out a handle, merkle_free() takes it back.
 * Threads    one at a time.
 */
#ifndef AEGIS_STORE_MERKLE_H
#define AEGIS_STORE_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/certificate.h"
#include "trust/proof.h"

#define MERKLE_BITS 256 /* of a key hash: the deepest a subtree can be */
#define MERKLE_TOP_BITS 16
#define MERKLE_BUCKETS (1U << MERKLE_TOP_BITS)
#define MERKLE_LEAF_BYTES 64

/* As stored: key hash, value hash. */
struct merkle_leaf {
	uint8_t key_hash[DIGEST_BYTES];
	uint8_t value_hash[DIGEST_BYTES];
};

/* What a subtree comes to.  Its hash alone does not tell one leaf from more:
 * one leaf is hashed the same at every level. */
enum merkle_kind {
	MERKLE_EMPTY,
	MERKLE_ONE,
	MERKLE_MANY,
};

struct merkle_subtree {
	enum merkle_kind kind;
	struct digest digest;
};

/* The subtree below depth bit of leaves that rise by key hash, each once,
 * and have the same bits before it. */
void merkle_subtree_of(struct merkle_subtree *out,
    const struct merkle_leaf *leaves, size_t count, unsigned int bit);
void merkle_combine(struct merkle_subtree *out,
    const struct merkle_subtree *left, const struct merkle_subtree *right);

/* The first of such leaves whose bit is set. */
size_t merkle_split(const struct merkle_leaf *leaves, size_t count,
    unsigned int bit);

struct merkle;

/* NULL when memory is refused.  Untouched parts cost no memory. */
struct merkle *merkle_new(void);
struct merkle *merkle_copy(const struct merkle *tree);
void merkle_free(struct merkle *tree);

/* The bucket a key hash belongs to. */
uint32_t merkle_bucket(const uint8_t key_hash[static DIGEST_BYTES]);

/* Replace a bucket's leaves, which rise by key hash and belong there. */
void merkle_set(struct merkle *tree, uint32_t bucket,
    const struct merkle_leaf *leaves, size_t count);

/* Only what changed since the last call is hashed. */
void merkle_root(struct merkle *tree, struct digest *root);

/* The index-th subtree at a depth of at most MERKLE_TOP_BITS. */
void merkle_node(struct merkle *tree, unsigned int depth, uint32_t index,
    struct merkle_subtree *out);

/*
 * Proving a key present or absent under merkle_root(), in two steps: which
 * bucket's leaves decide it (not always the key's own: a subtree may hold
 * nothing but another bucket's leaf), and the proof, given those leaves.
 */
uint32_t merkle_proof_bucket(struct merkle *tree,
    const uint8_t key_hash[static DIGEST_BYTES]);
void merkle_prove(struct merkle *tree,
    const uint8_t key_hash[static DIGEST_BYTES],
    const struct merkle_leaf *leaves, size_t count, struct proof *proof);

#endif
