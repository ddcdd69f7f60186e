/*
 * The state's tables.
 *
 * FORMAT   kv            the entries
 *          bucket        Merkle leaves (store/leaves.c)
 *          session       a row for each place of the client table
 *          session_page  id = place * SESSION_PAGES + page
 *          meta          one row: cluster, the keyring that values are
 *                        sealed with (empty: they are not), sequence,
 *                        agreed time, sizes
 *          reseal        one row, or none (store/reseal.c)
 *          lease, lease_key  what follows of entries (store/leases.c)
 *          superseded, gone, changes, retention
 *                        store/versions.c; head of kv, too
 *          Values are as store/sealed_value.h says; size is of the plain
 *          one.  Keys, versions and leaves are in the open.
 *
 * RULES    1. A commit writes all tables, so that after a crash they all
 *             show the same sequence.
 *          2. After a failure memory and database may differ: the owner
 *             must stop using the handle.
 *
 * NOT HERE What operations mean (store/execute.c), sealing what came in the
 *          open (store/tables_seal.c).
 */
#include "store/tables.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/fs.h"
#include "base/pages.h"
#include "codec/encoder.h"
#include "db/db.h"
#include "store/leaves.h"
#include "store/sealed_value.h"
#include "store/versions.h"
#include "trust/state.h"

#define CACHE_KIB 8192
#define NEW_CACHE_KIB 65536

static const char *const schema[] = {
	"CREATE TABLE kv (key BLOB PRIMARY KEY, version INTEGER NOT NULL,"
	" created INTEGER NOT NULL, modified INTEGER NOT NULL,"
	" size INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE bucket (id INTEGER PRIMARY KEY,"
	" leaves BLOB NOT NULL, keys BLOB NOT NULL) STRICT;"
	"CREATE TABLE session (place INTEGER PRIMARY KEY,"
	" principal BLOB NOT NULL, floor INTEGER NOT NULL,"
	" last_seq INTEGER NOT NULL) STRICT;"
	"CREATE TABLE session_page (id INTEGER PRIMARY KEY,"
	" slots BLOB NOT NULL) STRICT;"
	"CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1),"
	" cluster_id BLOB NOT NULL, keyring BLOB NOT NULL,"
	" seq INTEGER NOT NULL, time_ms INTEGER NOT NULL,"
	" keys INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;",
	"CREATE TABLE reseal (id INTEGER PRIMARY KEY CHECK (id = 1),"
	" epoch INTEGER NOT NULL, last BLOB NOT NULL, passed INTEGER NOT NULL,"
	" resealed INTEGER NOT NULL, is_done INTEGER NOT NULL) STRICT;",
	"CREATE TABLE lease (id INTEGER PRIMARY KEY, principal BLOB NOT NULL,"
	" ttl_s INTEGER NOT NULL, granted_ms INTEGER NOT NULL,"
	" expiry_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX lease_expiry ON lease (expiry_ms, id);"
	"CREATE INDEX lease_principal ON lease (principal);"
	"CREATE TABLE lease_key (key BLOB PRIMARY KEY, lease INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX lease_keys ON lease_key (lease, key);",
	"ALTER TABLE kv ADD COLUMN head INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE gone (key BLOB PRIMARY KEY, head INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE superseded (id INTEGER PRIMARY KEY, key BLOB NOT NULL,"
	" seq INTEGER NOT NULL, ord INTEGER NOT NULL,"
	" deleted INTEGER NOT NULL, prev INTEGER NOT NULL,"
	" jump INTEGER NOT NULL, depth INTEGER NOT NULL,"
	" version INTEGER NOT NULL, created INTEGER NOT NULL,"
	" modified INTEGER NOT NULL, size INTEGER NOT NULL,"
	" value BLOB NOT NULL) STRICT;"
	"CREATE TABLE changes (seq INTEGER PRIMARY KEY,"
	" time_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" last_id INTEGER NOT NULL, notes BLOB NOT NULL) STRICT;"
	"CREATE TABLE retention (id INTEGER PRIMARY KEY CHECK (id = 1),"
	" oldest INTEGER NOT NULL, versions INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, last_id INTEGER NOT NULL,"
	" gone INTEGER NOT NULL) STRICT;"
	"ALTER TABLE reseal ADD COLUMN part INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE reseal ADD COLUMN last_id INTEGER NOT NULL DEFAULT 0;"
};

#define SCHEMA_VERSION (sizeof(schema) / sizeof(schema[0]))

struct tables {
	struct sqlite3 *db;
	struct sqlite3_stmt *begin, *commit;
	struct sqlite3_stmt *find, *value, *put, *remove;
	struct sqlite3_stmt *put_head, *put_page, *put_meta;
	struct tables_meta meta;
	uint64_t own; /* of the keys, the cluster's */
	struct merkle *tree;
	struct leaves leaves;
	void *session_memory;
	struct session_table *sessions;
	struct keyring *keyring;     /* what they are to be sealed with */
	struct sealed_value *values; /* as they are now */
	uint8_t *entry; /* TABLES_ENTRY_BYTES_MAX, one being hashed */
	struct versions *versions; /* NULL: none are kept */
	bool in_transaction;
};

static enum ag_status
prepare_all(struct tables *t, struct ag_error *err)
{
	const struct {
		struct sqlite3_stmt **stmt;
		const char *sql;
	} list[] = {
		{ &t->begin, "BEGIN IMMEDIATE" },
		{ &t->commit, "COMMIT" },
		{ &t->find,
		    "SELECT version, created, size, head FROM kv "
		    "WHERE key = ?1" },
		{ &t->value,
		    "SELECT version, size, value FROM kv WHERE key = ?1" },
		{ &t->put,
		    "REPLACE INTO kv (key, value, version, created, modified, "
		    "size, head) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)" },
		{ &t->remove, "DELETE FROM kv WHERE key = ?1" },
		{ &t->put_head,
		    "REPLACE INTO session (place, principal, floor, last_seq) "
		    "VALUES (?1, ?2, ?3, ?4)" },
		{ &t->put_page,
		    "REPLACE INTO session_page (id, slots) VALUES (?1, ?2)" },
		{ &t->put_meta,
		    "REPLACE INTO meta (id, cluster_id, seq, time_ms, keys, "
		    "bytes, keyring) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)" },
	};
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; status == AG_OK && i < sizeof(list) / sizeof(list[0]); i++)
		status = db_prepare(t->db, list[i].stmt, list[i].sql, err);
	return status;
}

static enum ag_status
meta_read_keyring(struct tables_meta *meta, struct bytes id,
    struct ag_error *err)
{
	meta->is_sealed = id.len > 0;
	if (id.len == 0)
		return AG_OK;
	if (id.len != KEYRING_ID_BYTES)
		return ag_fail(err, AG_ECORRUPT,
		    "state: its keyring's id is damaged");
	memcpy(meta->keyring_id, id.data, KEYRING_ID_BYTES);
	return AG_OK;
}

enum ag_status
tables_meta_read(struct sqlite3 *db, struct tables_meta *meta,
    struct ag_error *err)
{
	struct sqlite3_stmt *stmt = NULL;
	enum ag_status status;
	struct bytes id;

	status = db_prepare(db, &stmt,
	    "SELECT cluster_id, seq, time_ms, keys, bytes, keyring FROM meta",
	    err);
	if (status == AG_OK)
		status = db_step(stmt, err);
	if (status == AG_OK) {
		id = db_column_bytes(stmt, 0);
		if (id.len == CLUSTER_ID_BYTES)
			memcpy(meta->cluster_id, id.data, CLUSTER_ID_BYTES);
		else
			status = ag_fail(err, AG_ECORRUPT,
			    "state: its cluster id is damaged");
		meta->seq = db_column_uint(stmt, 1);
		meta->time_ms = db_column_uint(stmt, 2);
		meta->keys = db_column_uint(stmt, 3);
		meta->bytes = db_column_uint(stmt, 4);
	}
	if (status == AG_OK)
		status = meta_read_keyring(meta, db_column_bytes(stmt, 5), err);
	(void)sqlite3_finalize(stmt);
	return status;
}

static enum ag_status
heads_read(struct sqlite3 *db, struct session_table *sessions,
    struct ag_error *err)
{
	struct sqlite3_stmt *stmt = NULL;
	enum ag_status status;

	status = db_prepare(db, &stmt,
	    "SELECT place, principal, floor, last_seq FROM session", err);
	while (status == AG_OK && (status = db_step(stmt, err)) == AG_OK) {
		struct bytes principal = db_column_bytes(stmt, 1);
		struct session_head head = {
			.place = (uint32_t)db_column_uint(stmt, 0),
			.floor = db_column_uint(stmt, 2),
			.last_seq = db_column_uint(stmt, 3),
		};

		if (principal.len != PRINCIPAL_BYTES) {
			status = ag_fail(err, AG_ECORRUPT,
			    "session: place %u is damaged", head.place);
			break;
		}
		memcpy(head.principal, principal.data, PRINCIPAL_BYTES);
		status = session_head_load(sessions, &head, err);
	}
	(void)sqlite3_finalize(stmt);
	return status == AG_ENOENT ? AG_OK : status;
}

enum ag_status
tables_sessions_read(struct sqlite3 *db, struct session_table *sessions,
    struct ag_error *err)
{
	struct sqlite3_stmt *stmt = NULL;
	enum ag_status status;

	status = heads_read(db, sessions, err);
	if (status == AG_OK)
		status = db_prepare(db, &stmt,
		    "SELECT id, slots FROM session_page", err);
	while (status == AG_OK && (status = db_step(stmt, err)) == AG_OK) {
		uint64_t id = db_column_uint(stmt, 0);

		status =
		    session_page_load(sessions, (uint32_t)(id / SESSION_PAGES),
			(uint32_t)(id % SESSION_PAGES),
			db_column_bytes(stmt, 1), err);
	}
	(void)sqlite3_finalize(stmt);
	return status == AG_ENOENT ? AG_OK : status;
}

static enum ag_status
meta_write(struct tables *t, struct ag_error *err)
{
	db_bind_bytes(t->put_meta, 1,
	    bytes_of(t->meta.cluster_id, CLUSTER_ID_BYTES));
	db_bind_uint(t->put_meta, 2, t->meta.seq);
	db_bind_uint(t->put_meta, 3, t->meta.time_ms);
	db_bind_uint(t->put_meta, 4, t->meta.keys);
	db_bind_uint(t->put_meta, 5, t->meta.bytes);
	db_bind_bytes(t->put_meta, 6,
	    bytes_of(t->meta.keyring_id,
		t->meta.is_sealed ? KEYRING_ID_BYTES : 0));
	return db_run(t->put_meta, err);
}

static void
meta_note_keyring(struct tables *t)
{
	t->meta.is_sealed = t->keyring != NULL;
	if (t->meta.is_sealed)
		memcpy(t->meta.keyring_id, keyring_id(t->keyring),
		    KEYRING_ID_BYTES);
}

/* New tables take the cluster's id and the keyring's; others have them. */
static enum ag_status
meta_settle(struct tables *t, const uint8_t *cluster_id, struct ag_error *err)
{
	enum ag_status status = tables_meta_read(t->db, &t->meta, err);

	if (status != AG_ENOENT)
		return status;
	memcpy(t->meta.cluster_id, cluster_id, CLUSTER_ID_BYTES);
	meta_note_keyring(t);
	return meta_write(t, err);
}

/* They are few, and their prefix ends in a slash. */
static enum ag_status
own_count(struct tables *t, struct ag_error *err)
{
	struct sqlite3_stmt *stmt = NULL;
	enum ag_status status;

	status = db_prepare(t->db, &stmt,
	    "SELECT count(*) FROM kv WHERE key >= ?1 AND key < ?2", err);
	if (status == AG_OK) {
		db_bind_bytes(stmt, 1,
		    bytes_of(KEY_RESERVED, sizeof(KEY_RESERVED) - 1));
		db_bind_bytes(stmt, 2,
		    bytes_of(KEY_RESERVED_END, sizeof(KEY_RESERVED_END) - 1));
		status = db_step(stmt, err);
	}
	if (status == AG_OK)
		t->own = db_column_uint(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return status;
}

static enum ag_status
values_open(struct tables *t, struct ag_error *err)
{
	sealed_value_free(t->values);
	t->values = sealed_value_new(t->meta.is_sealed ? t->keyring : NULL);
	return t->values == NULL ? ag_fail(err, AG_ENOMEM, "out of memory")
				 : AG_OK;
}

static enum ag_status
memory_new(struct tables *t, struct ag_error *err)
{
	const struct session_config config = { SESSION_PRINCIPALS,
		SESSION_WINDOW };
	size_t len = session_size(&config);

	t->tree = merkle_new();
	t->session_memory = pages_new(len);
	t->entry = malloc(TABLES_ENTRY_BYTES_MAX);
	if (t->tree == NULL || t->session_memory == NULL || t->entry == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	t->sessions = session_init(t->session_memory, len, &config);
	return AG_OK;
}

static enum ag_status
open_with(struct tables **out, const struct db_options *options,
    const uint8_t *cluster_id, struct keyring *keyring, struct ag_error *err)
{
	struct tables *t = calloc(1, sizeof(*t));
	enum ag_status status;

	*out = NULL;
	if (t == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	t->keyring = keyring;
	status = memory_new(t, err);
	if (status == AG_OK)
		status = db_open(&t->db, options, err);
	if (status == AG_OK)
		status = db_migrate(t->db, schema, SCHEMA_VERSION, err);
	if (status == AG_OK)
		status = prepare_all(t, err);
	if (status == AG_OK)
		status = meta_settle(t, cluster_id, err);
	if (status == AG_OK)
		status = own_count(t, err);
	if (status == AG_OK)
		status = values_open(t, err);
	if (status == AG_OK)
		status = tables_sessions_read(t->db, t->sessions, err);
	if (status == AG_OK)
		status = leaves_init(&t->leaves, t->db, t->tree, err);
	if (status != AG_OK) {
		tables_close(t);
		return status;
	}
	*out = t;
	return AG_OK;
}

enum ag_status
tables_open(struct tables **out, const char *path,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES], struct keyring *keyring,
    struct ag_error *err)
{
	const struct db_options options = { .path = path,
		.application_id = TABLES_APPLICATION_ID,
		.cache_kib = CACHE_KIB };

	return open_with(out, &options, cluster_id, keyring, err);
}

enum ag_status
tables_create(struct tables **out, const char *path,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES], struct keyring *keyring,
    struct ag_error *err)
{
	const struct db_options options = { .path = path,
		.application_id = TABLES_APPLICATION_ID,
		.is_new = true,
		.cache_kib = NEW_CACHE_KIB };

	return open_with(out, &options, cluster_id, keyring, err);
}

enum ag_status
tables_settle(struct tables *t, const char *path, const char *dir,
    struct ag_error *err)
{
	char final[PATH_MAX];
	enum ag_status status;
	int fd = -1;

	AG_ASSERT(!t->in_transaction);
	tables_close(t);
	status = fs_join(final, sizeof(final), dir, TABLES_FILE, err);
	if (status == AG_OK)
		status = fs_open(&fd, path, O_RDWR | O_NOFOLLOW, 0, err);
	if (status != AG_OK)
		return status;
	status = fs_sync(fd, path, err);
	(void)close(fd);
	if (status == AG_OK)
		status = fs_rename(path, final, err);
	return status == AG_OK ? fs_sync_dir(dir, err) : status;
}

void
tables_close(struct tables *t)
{
	if (t == NULL)
		return;
	leaves_fini(&t->leaves);
	db_close(t->db);
	merkle_free(t->tree);
	pages_free(t->session_memory);
	sealed_value_free(t->values);
	free(t->entry);
	free(t);
}

enum ag_status
tables_check_keyring(const struct tables *t, struct ag_error *err)
{
	if (!t->meta.is_sealed)
		return AG_OK;
	if (t->keyring == NULL)
		return ag_fail(err, AG_EDENIED,
		    "it is sealed, and can not be read without its keyring");
	if (memcmp(t->meta.keyring_id, keyring_id(t->keyring),
		KEYRING_ID_BYTES) != 0)
		return ag_fail(err, AG_ECONFLICT,
		    "it is sealed with another keyring than the node's");
	return AG_OK;
}

struct keyring *
tables_waiting_keyring(const struct tables *t)
{
	return t->meta.is_sealed ? NULL : t->keyring;
}

enum ag_status
tables_take_keyring(struct tables *t, struct ag_error *err)
{
	AG_ASSERT(t->in_transaction);
	meta_note_keyring(t);
	return values_open(t, err);
}

struct keyring *
tables_keyring(const struct tables *t)
{
	return t->meta.is_sealed ? t->keyring : NULL;
}

struct sqlite3 *
tables_db(struct tables *t)
{
	return t->db;
}

uint64_t
tables_keys(const struct tables *t)
{
	return t->meta.keys - t->own;
}

struct tables_meta *
tables_meta(struct tables *t)
{
	return &t->meta;
}

struct session_table *
tables_sessions(struct tables *t)
{
	return t->sessions;
}

enum ag_status
tables_begin(struct tables *t, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (!t->in_transaction)
		status = db_run(t->begin, err);
	if (status == AG_OK)
		t->in_transaction = true;
	return status;
}

static enum ag_status
sessions_write(struct tables *t, struct ag_error *err)
{
	uint8_t page[SESSION_WINDOW / SESSION_PAGES * 32];
	enum ag_status status = AG_OK;
	struct session_head head;
	uint64_t pages;
	uint32_t i;

	AG_ASSERT(session_page_bytes(t->sessions) <= sizeof(page));
	while (status == AG_OK &&
	    session_take_changed(t->sessions, &head, &pages)) {
		db_bind_uint(t->put_head, 1, head.place);
		db_bind_bytes(t->put_head, 2,
		    bytes_of(head.principal, PRINCIPAL_BYTES));
		db_bind_uint(t->put_head, 3, head.floor);
		db_bind_uint(t->put_head, 4, head.last_seq);
		status = db_run(t->put_head, err);
		for (i = 0; status == AG_OK && i < SESSION_PAGES; i++) {
			if ((pages >> i & 1) == 0)
				continue;
			session_page_encode(t->sessions, head.place, i, page);
			db_bind_uint(t->put_page, 1,
			    (uint64_t)head.place * SESSION_PAGES + i);
			db_bind_bytes(t->put_page, 2,
			    bytes_of(page, session_page_bytes(t->sessions)));
			status = db_run(t->put_page, err);
		}
	}
	return status;
}

enum ag_status
tables_commit(struct tables *t, struct ag_error *err)
{
	enum ag_status status;

	if (!t->in_transaction)
		return AG_OK;
	status = leaves_flush(&t->leaves, err);
	if (status == AG_OK)
		status = sessions_write(t, err);
	if (status == AG_OK)
		status = meta_write(t, err);
	if (status == AG_OK && t->versions != NULL)
		status = versions_save(t->versions, err);
	if (status == AG_OK)
		status = db_run(t->commit, err);
	if (status == AG_OK)
		t->in_transaction = false;
	return status;
}

enum ag_status
tables_find(struct tables *t, struct bytes key, struct tables_row *row,
    struct ag_error *err)
{
	enum ag_status status;

	*row = (struct tables_row){ .exists = false };
	db_bind_bytes(t->find, 1, key);
	status = db_step(t->find, err);
	if (status == AG_ENOENT)
		return AG_OK;
	if (status != AG_OK)
		return status;
	row->exists = true;
	row->version = db_column_uint(t->find, 0);
	row->created = db_column_uint(t->find, 1);
	row->value_len = db_column_uint(t->find, 2);
	row->head = db_column_uint(t->find, 3);
	db_reset(t->find);
	return AG_OK;
}

/* The value in the row that t->value is at. */
static enum ag_status
row_value(struct tables *t, struct bytes key, struct bytes *value,
    struct ag_error *err)
{
	return sealed_value_open(t->values, key, db_column_uint(t->value, 0),
	    db_column_uint(t->value, 1), db_column_bytes(t->value, 2), value,
	    err);
}

enum ag_status
tables_value_is(struct tables *t, struct bytes key, struct bytes value,
    bool *is, struct ag_error *err)
{
	enum ag_status status;
	struct bytes stored;

	*is = false;
	db_bind_bytes(t->value, 1, key);
	status = db_step(t->value, err);
	if (status == AG_ENOENT)
		return AG_OK;
	if (status != AG_OK)
		return status;
	status = row_value(t, key, &stored, err);
	*is = status == AG_OK && bytes_equal(stored, value);
	db_reset(t->value);
	return status;
}

enum ag_status
tables_value(struct tables *t, struct bytes key, struct buf *out,
    struct ag_error *err)
{
	enum ag_status status;
	struct bytes value;

	db_bind_bytes(t->value, 1, key);
	status = db_step(t->value, err);
	if (status != AG_OK)
		return status;
	status = row_value(t, key, &value, err);
	if (status == AG_OK && buf_append(out, value.data, value.len) != AG_OK)
		status = ag_fail(err, AG_ENOMEM, "state: out of memory");
	db_reset(t->value);
	return status;
}

void
tables_entry_encode(struct encoder *e, const struct store_entry *entry)
{
	encoder_put_array(e, 5);
	encoder_put_bytes(e, entry->key);
	encoder_put_bytes(e, entry->value);
	encoder_put_uint(e, entry->version);
	encoder_put_uint(e, entry->created);
	encoder_put_uint(e, entry->modified);
}

enum ag_status
tables_put_leaf(struct tables *t, const struct store_entry *entry,
    struct ag_error *err)
{
	struct encoder e;
	struct bytes encoded;

	encoder_init(&e, t->entry, TABLES_ENTRY_BYTES_MAX);
	tables_entry_encode(&e, entry);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	return leaves_change(&t->leaves, entry->key, encoded, err);
}

/* The entry's value is as it is stored, of one of len bytes. */
static enum ag_status
row_write(struct tables *t, const struct tables_row *row,
    const struct store_entry *entry, uint64_t len, uint64_t head,
    struct ag_error *err)
{
	enum ag_status status;

	db_bind_bytes(t->put, 1, entry->key);
	db_bind_bytes(t->put, 2, entry->value);
	db_bind_uint(t->put, 3, entry->version);
	db_bind_uint(t->put, 4, entry->created);
	db_bind_uint(t->put, 5, entry->modified);
	db_bind_uint(t->put, 6, len);
	db_bind_uint(t->put, 7, head);
	status = db_run(t->put, err);
	if (status != AG_OK)
		return status;
	if (row->exists)
		t->meta.bytes -= row->value_len;
	else
		t->meta.bytes += entry->key.len;
	t->meta.bytes += len;
	if (!row->exists) {
		t->meta.keys++;
		t->own += operation_key_is_reserved(entry->key) ? 1 : 0;
	}
	return AG_OK;
}

void
tables_keep_versions(struct tables *t, struct versions *versions)
{
	t->versions = versions;
}

/* *head: what the key's entry is to say of its versions from now on. */
static enum ag_status
version_keep(struct tables *t, const struct tables_row *row, struct bytes key,
    bool is_delete, uint64_t *head, struct ag_error *err)
{
	const struct versions_old old = { row->exists, row->value_len,
		row->head };

	*head = 0;
	return t->versions == NULL
	    ? AG_OK
	    : versions_change(t->versions, key, &old, is_delete, head, err);
}

enum ag_status
tables_put(struct tables *t, const struct tables_row *row,
    const struct store_entry *entry, struct ag_error *err)
{
	struct store_entry stored = *entry;
	uint64_t head;
	enum ag_status status =
	    version_keep(t, row, entry->key, false, &head, err);

	if (status == AG_OK)
		status = sealed_value_seal(t->values, entry->key,
		    entry->version, entry->value, &stored.value, err);
	if (status == AG_OK)
		status =
		    row_write(t, row, &stored, entry->value.len, head, err);
	return status == AG_OK ? tables_put_leaf(t, entry, err) : status;
}

enum ag_status
tables_put_entry(struct tables *t, const struct store_entry *entry,
    uint64_t len, struct ag_error *err)
{
	const struct tables_row absent = { .exists = false };

	return row_write(t, &absent, entry, len, 0, err);
}

enum ag_status
tables_put_bucket(struct tables *t, uint32_t bucket,
    const struct merkle_leaf *leaves, size_t count, struct bytes keys,
    struct ag_error *err)
{
	return leaves_bucket_put(&t->leaves, bucket, leaves, count, keys, err);
}

enum ag_status
tables_delete(struct tables *t, const struct tables_row *row, struct bytes key,
    struct ag_error *err)
{
	enum ag_status status;
	uint64_t head;

	AG_ASSERT(row->exists);
	status = version_keep(t, row, key, true, &head, err);
	if (status != AG_OK)
		return status;
	db_bind_bytes(t->remove, 1, key);
	status = db_run(t->remove, err);
	if (status != AG_OK)
		return status;
	t->meta.bytes -= key.len + row->value_len;
	t->meta.keys--;
	t->own -= operation_key_is_reserved(key) ? 1 : 0;
	return leaves_change(&t->leaves, key, bytes_of(NULL, 0), err);
}

void
tables_roots(struct tables *t, struct digest *entries, struct digest *sessions)
{
	AG_ASSERT(!t->in_transaction);
	merkle_root(t->tree, entries);
	session_digest(t->sessions, sessions);
}

enum ag_status
tables_prove(struct tables *t, struct bytes key, struct proof *proof,
    struct ag_error *err)
{
	AG_ASSERT(!t->in_transaction);
	return leaves_prove(&t->leaves, key, proof, err);
}

struct merkle *
tables_tree_copy(struct tables *t)
{
	return merkle_copy(t->tree);
}

void
tables_digest(struct tables *t, struct digest *digest)
{
	struct digest root, sessions;

	tables_roots(t, &root, &sessions);
	state_digest(digest, t->meta.seq, t->meta.time_ms, &root, &sessions);
}
