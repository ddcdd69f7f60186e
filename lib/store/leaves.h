/*
 * The Merkle tree's leaves, a row for each bucket that has any.
 *
 * Changes are gathered in memory and merged bucket by bucket at a commit:
 * one read and one write for each bucket touched, in the table's order.
 *
 * Ownership  leaves_init() and leaves_fini() on caller's storage; the
 *            connection and tree are borrowed.
 */
#ifndef AEGIS_STORE_LEAVES_H
#define AEGIS_STORE_LEAVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "store/merkle.h"

struct sqlite3;
struct sqlite3_stmt;
struct leaf_change;

struct leaves {
	struct merkle *tree;
	struct sqlite3_stmt *get, *put, *remove;
	struct leaf_change *changes;
	size_t count, cap;
	struct buf keys; /* of the changes */
	struct merkle_leaf *merged;
	size_t merged_cap;
	struct buf merged_keys; /* as a row has them */
};

/* Prepare, and build the tree from what is stored. */
enum ag_status leaves_init(struct leaves *leaves, struct sqlite3 *db,
    struct merkle *tree, struct ag_error *err) AG_MUST_USE;
void leaves_fini(struct leaves *leaves);

/* encoded: the entry a snapshot would write; empty when key is deleted. */
enum ag_status leaves_change(struct leaves *leaves, struct bytes key,
    struct bytes encoded, struct ag_error *err) AG_MUST_USE;

/* Store what changed, and tell the tree. */
enum ag_status leaves_flush(struct leaves *leaves,
    struct ag_error *err) AG_MUST_USE;

/* Prove a key under merkle_root(); nothing may wait to be flushed. */
enum ag_status leaves_prove(struct leaves *leaves, struct bytes key,
    struct proof *proof, struct ag_error *err) AG_MUST_USE;

/* Write a bucket whole, and tell the tree.  keys: as a row has them. */
enum ag_status leaves_bucket_put(struct leaves *leaves, uint32_t bucket,
    const struct merkle_leaf *leaf, size_t count, struct bytes keys,
    struct ag_error *err) AG_MUST_USE;

/* A bucket's row as stored: are its leaves what they should be? */
enum ag_status leaves_row_check(uint64_t bucket, struct bytes row,
    struct ag_error *err) AG_MUST_USE;

/* Take the first key off a row's keys, or add one behind them. */
enum ag_status leaves_next_key(struct bytes *keys, struct bytes *key,
    struct ag_error *err) AG_MUST_USE;
enum ag_status leaves_put_key(struct buf *keys, struct bytes key,
    struct ag_error *err) AG_MUST_USE;

#endif
