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
	struct merkle_leaf *merged;
	size_t merged_cap;
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

#endif
