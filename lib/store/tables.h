/*
 * The state's tables in SQLite, and what is derived from them in memory:
 * the client table and the Merkle tree's top.
 *
 * For the store's own files; others use store/store.h and snapshot.h.
 *
 * Ownership  tables_open() hands out a handle, tables_close() takes it back.
 * Threads    one at a time.
 */
#ifndef AEGIS_STORE_TABLES_H
#define AEGIS_STORE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/operation.h"
#include "keyring/keyring.h"
#include "store/merkle.h"
#include "store/session.h"
#include "store/store.h"
#include "trust/certificate.h"
#include "trust/proof.h"

#define TABLES_FILE "state.db"
#define TABLES_APPLICATION_ID 0x41454753U /* "AEGS" */

/* Largest encoding of an entry: the key, the value, and heads. */
#define TABLES_ENTRY_BYTES_MAX (VALUE_BYTES_MAX + KEY_BYTES_MAX + 64)

struct sqlite3;
struct tables;
struct versions;

/* What is said once about the whole state. */
struct tables_meta {
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	bool is_sealed; /* the values are, with the keyring of this id */
	uint8_t keyring_id[KEYRING_ID_BYTES];
	uint64_t seq;
	uint64_t time_ms;
	uint64_t keys;
	uint64_t bytes; /* of keys and values */
};

/* What is known of a key before it changes. */
struct tables_row {
	bool exists;
	uint64_t version;
	uint64_t created;
	uint64_t value_len;
	uint64_t head; /* of its superseded versions, or 0 */
};

/*
 * Open the tables at path ("": temporary), or create them for this cluster,
 * with values sealed if there is a keyring, which is borrowed.  Whose those
 * are that were there already, tables_meta() says; then tables_check_keyring()
 * comes before anything is read of their values, which are as they were until
 * tables_seal().
 * AG_EVERSION, AG_ECORRUPT.
 */
enum ag_status tables_open(struct tables **out, const char *path,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES], struct keyring *keyring,
    struct ag_error *err) AG_MUST_USE;
void tables_close(struct tables *tables);

/*
 * Make tables at path, which must not exist, that are worth nothing until
 * tables_settle() has made them survive power loss and given them their name
 * in dir.  That closes them in any case.
 */
enum ag_status tables_create(struct tables **out, const char *path,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES], struct keyring *keyring,
    struct ag_error *err) AG_MUST_USE;
enum ag_status tables_settle(struct tables *tables, const char *path,
    const char *dir, struct ag_error *err) AG_MUST_USE;

/*
 * AG_EDENIED    sealed, and there is no keyring
 * AG_ECONFLICT  sealed with another one
 */
enum ag_status tables_check_keyring(const struct tables *tables,
    struct ag_error *err) AG_MUST_USE;

/*
 * Seal the values of tables that came without a keyring, as from a backup:
 * all or none, and nothing of them is left as it was.
 */
enum ag_status tables_seal(struct tables *tables,
    struct ag_error *err) AG_MUST_USE;

/* What the values are to be sealed with, and are not yet; or NULL. */
struct keyring *tables_waiting_keyring(const struct tables *tables);

/* From now on they are: in the transaction that seals those there are. */
enum ag_status tables_take_keyring(struct tables *tables,
    struct ag_error *err) AG_MUST_USE;

/* What the values are sealed with; NULL: they are not. */
struct keyring *tables_keyring(const struct tables *tables);

struct sqlite3 *tables_db(struct tables *tables);
struct tables_meta *tables_meta(struct tables *tables);
struct session_table *tables_sessions(struct tables *tables);

/* Keys but for the cluster's own. */
uint64_t tables_keys(const struct tables *tables);

/* Begin a transaction unless one is open. */
enum ag_status tables_begin(struct tables *tables,
    struct ag_error *err) AG_MUST_USE;

/* Write leaves, sessions and meta, and commit, if a transaction is open. */
enum ag_status tables_commit(struct tables *tables,
    struct ag_error *err) AG_MUST_USE;

enum ag_status tables_find(struct tables *tables, struct bytes key,
    struct tables_row *row, struct ag_error *err) AG_MUST_USE;

/* Is key's value exactly this?  False when the key is absent. */
enum ag_status tables_value_is(struct tables *tables, struct bytes key,
    struct bytes value, bool *is, struct ag_error *err) AG_MUST_USE;

/* Append key's value to out.  AG_ENOENT the key is absent. */
enum ag_status tables_value(struct tables *tables, struct bytes key,
    struct buf *out, struct ag_error *err) AG_MUST_USE;

/* From now on what is superseded goes there; borrowed. */
void tables_keep_versions(struct tables *tables, struct versions *versions);

/* row is what tables_find() said of the key. */
enum ag_status tables_put(struct tables *tables, const struct tables_row *row,
    const struct store_entry *entry, struct ag_error *err) AG_MUST_USE;
enum ag_status tables_delete(struct tables *tables,
    const struct tables_row *row, struct bytes key,
    struct ag_error *err) AG_MUST_USE;

/*
 * Put an absent entry without its leaf, which comes with its whole bucket.  Its
 * value is as it is to be stored, of one of len bytes.
 */
enum ag_status tables_put_entry(struct tables *tables,
    const struct store_entry *entry, uint64_t len,
    struct ag_error *err) AG_MUST_USE;
enum ag_status tables_put_bucket(struct tables *tables, uint32_t bucket,
    const struct merkle_leaf *leaves, size_t count, struct bytes keys,
    struct ag_error *err) AG_MUST_USE;

/* Note an entry's leaf without storing the entry (verifying a snapshot). */
enum ag_status tables_put_leaf(struct tables *tables,
    const struct store_entry *entry, struct ag_error *err) AG_MUST_USE;

/* The two parts of the state's digest that are digests, as committed. */
void tables_roots(struct tables *tables, struct digest *entries,
    struct digest *sessions);

/* Prove a key as committed. */
enum ag_status tables_prove(struct tables *tables, struct bytes key,
    struct proof *proof, struct ag_error *err) AG_MUST_USE;

/* The state's digest as committed. */
void tables_digest(struct tables *tables, struct digest *digest);

/* A copy of the tree's top, as committed; NULL: no memory. */
struct merkle *tables_tree_copy(struct tables *tables);

/* An entry as snapshots and value hashes have it. */
void tables_entry_encode(struct encoder *e, const struct store_entry *entry);

/* For readers of a database on their own connection. */
enum ag_status tables_meta_read(struct sqlite3 *db, struct tables_meta *meta,
    struct ag_error *err) AG_MUST_USE;
enum ag_status tables_sessions_read(struct sqlite3 *db,
    struct session_table *sessions, struct ag_error *err) AG_MUST_USE;

#endif
