/*
 * Reading the store from other threads, and pinning it for a snapshot: each
 * on a connection of its own, so that the applier is never waited for.
 *
 * RULES    1. A read transaction is never left open between calls, except by
 *             a pin: an open one keeps the write-ahead file from being
 *             emptied.
 *          2. What a page shows is one committed sequence.
 *          3. A peek is for a state that nobody has open, and leaves its
 *             files as they are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "db/db.h"
#include "store/sealed_value.h"
#include "store/store_parts.h"
#include "store/versions_read.h"

#define READER_CACHE_KIB 2048
#define PIN_CACHE_KIB 16384 /* inner pages of a large state, for look-ups */

struct store_reader {
	struct sqlite3 *db;
	struct sqlite3_stmt *begin, *end, *seq, *get;
	struct sqlite3_stmt *range[2]; /* with values, keys only */
	struct sealed_value *values;
	struct versions_reader *past;
	struct buf held; /* the last entry's key and value */
	uint8_t past_all[KEY_BYTES_MAX + 1]; /* above any key */
};

struct store_pin {
	struct sqlite3 *db;
	struct keyring *keyring;
	struct tables_meta meta;
	struct digest digest, root, sessions;
	struct merkle *tree;
};

static enum ag_status
reader_connect(struct sqlite3 **db, const char *path, uint32_t cache_kib,
    struct ag_error *err)
{
	const struct db_options options = {
		.path = path,
		.application_id = TABLES_APPLICATION_ID,
		.is_reader = true,
		.cache_kib = cache_kib,
	};

	return db_open(db, &options, err);
}

#define ENTRY_SQL(value)                                                      \
	"SELECT kv.key, version, created, modified, coalesce(lease, 0)" value \
	" FROM kv LEFT JOIN lease_key ON lease_key.key = kv.key "

#define RANGE_SQL(value) \
	ENTRY_SQL(value) "WHERE kv.key >= ?1 AND kv.key < ?2 ORDER BY kv.key"

static enum ag_status
reader_prepare(struct store_reader *r, struct ag_error *err)
{
	enum ag_status status = db_prepare(r->db, &r->begin, "BEGIN", err);

	if (status == AG_OK)
		status = db_prepare(r->db, &r->end, "COMMIT", err);
	if (status == AG_OK)
		status =
		    db_prepare(r->db, &r->seq, "SELECT seq FROM meta", err);
	if (status == AG_OK)
		status = db_prepare(r->db, &r->get,
		    ENTRY_SQL(", size, value") "WHERE kv.key = ?1", err);
	if (status == AG_OK)
		status = db_prepare(r->db, &r->range[0],
		    RANGE_SQL(", size, value"), err);
	if (status == AG_OK)
		status = db_prepare(r->db, &r->range[1], RANGE_SQL(""), err);
	return status;
}

enum ag_status
store_reader_open(struct store_reader **out, struct store *store,
    struct ag_error *err)
{
	struct store_reader *r = calloc(1, sizeof(*r));
	enum ag_status status;

	*out = NULL;
	if (r == NULL)
		return ag_fail(err, AG_ENOMEM, "read state: out of memory");
	buf_init(&r->held, KEY_BYTES_MAX + VALUE_BYTES_MAX);
	memset(r->past_all, 0xff, sizeof(r->past_all));
	status =
	    reader_connect(&r->db, store_path(store), READER_CACHE_KIB, err);
	if (status == AG_OK)
		status = reader_prepare(r, err);
	if (status == AG_OK) {
		r->values =
		    sealed_value_new(tables_keyring(store_tables(store)));
		if (r->values == NULL)
			status = ag_fail(err, AG_ENOMEM,
			    "read state: out of memory");
	}
	if (status == AG_OK)
		status = versions_read_open(&r->past, r->db, r->values, err);
	if (status != AG_OK) {
		store_reader_close(r);
		return status;
	}
	*out = r;
	return AG_OK;
}

void
store_reader_close(struct store_reader *reader)
{
	if (reader == NULL)
		return;
	versions_read_close(reader->past);
	db_close(reader->db);
	sealed_value_free(reader->values);
	buf_fini(&reader->held);
	free(reader);
}

struct versions_reader *
store_reader_past(struct store_reader *reader)
{
	return reader->past;
}

/* The row's entry, borrowed from the statement and the reader. */
static enum ag_status
row_entry(struct store_reader *r, struct sqlite3_stmt *stmt, bool keys_only,
    struct store_entry *entry, struct ag_error *err)
{
	*entry = (struct store_entry){
		.key = db_column_bytes(stmt, 0),
		.version = db_column_uint(stmt, 1),
		.created = db_column_uint(stmt, 2),
		.modified = db_column_uint(stmt, 3),
		.lease = db_column_uint(stmt, 4),
	};
	if (keys_only)
		return AG_OK;
	return sealed_value_open(r->values, entry->key, entry->version,
	    db_column_uint(stmt, 5), db_column_bytes(stmt, 6), &entry->value,
	    err);
}

/* A copy that stays until the next one; entry is borrowed from it. */
static enum ag_status
entry_hold(struct store_reader *r, struct store_entry *entry,
    struct ag_error *err)
{
	enum ag_status status;

	buf_clear(&r->held);
	status = buf_append(&r->held, entry->key.data, entry->key.len);
	if (status == AG_OK)
		status =
		    buf_append(&r->held, entry->value.data, entry->value.len);
	if (status != AG_OK)
		return ag_fail(err, status, "read state: out of memory");
	entry->key.data = r->held.data;
	entry->value.data = r->held.data + entry->key.len;
	return AG_OK;
}

enum ag_status
store_get(struct store_reader *reader, struct bytes key,
    struct store_entry *entry, struct ag_error *err)
{
	enum ag_status status;

	db_bind_bytes(reader->get, 1, key);
	status = db_step(reader->get, err);
	if (status != AG_OK)
		return status == AG_ENOENT
		    ? ag_fail(err, AG_ENOENT, "the key is absent")
		    : status;
	status = row_entry(reader, reader->get, false, entry, err);
	if (status == AG_OK)
		status = entry_hold(reader, entry, err);
	db_reset(reader->get);
	return status;
}

static enum ag_status
seq_read(struct store_reader *r, uint64_t *seq, struct ag_error *err)
{
	enum ag_status status = db_step(r->seq, err);

	if (status != AG_OK)
		return status;
	if (seq != NULL)
		*seq = db_column_uint(r->seq, 0);
	db_reset(r->seq);
	return AG_OK;
}

enum ag_status
store_range(struct store_reader *reader, struct bytes first, struct bytes last,
    size_t limit, bool keys_only,
    bool (*visit)(void *arg, const struct store_entry *entry), void *arg,
    bool *more, uint64_t *seq, struct ag_error *err)
{
	struct sqlite3_stmt *stmt = reader->range[keys_only ? 1 : 0];
	struct store_entry entry;
	enum ag_status status, ended;
	bool is_wanted = true;
	size_t count = 0;

	*more = false;
	status = db_run(reader->begin, err);
	if (status != AG_OK)
		return status;
	status = seq_read(reader, seq, err);
	db_bind_bytes(stmt, 1, first);
	db_bind_bytes(stmt, 2,
	    last.len == 0 ? bytes_of(reader->past_all, sizeof(reader->past_all))
			  : last);
	while (status == AG_OK && (status = db_step(stmt, err)) == AG_OK) {
		status = row_entry(reader, stmt, keys_only, &entry, err);
		if (status != AG_OK)
			break;
		/* In a list of everything, what the users put there. */
		if (first.len == 0 && operation_key_is_reserved(entry.key))
			continue;
		if (count == limit || !is_wanted) {
			*more = true;
			break;
		}
		is_wanted = visit(arg, &entry);
		count++;
	}
	db_reset(stmt);
	ended = db_run(reader->end, status == AG_ENOENT ? err : NULL);
	return status == AG_ENOENT || status == AG_OK ? ended : status;
}

enum ag_status
store_pin(struct store *store, struct store_pin **out, struct ag_error *err)
{
	struct store_pin *pin = calloc(1, sizeof(*pin));
	enum ag_status status;

	*out = NULL;
	if (pin == NULL)
		return ag_fail(err, AG_ENOMEM, "pin state: out of memory");
	status = store_digest(store, &pin->digest, err);
	if (status == AG_OK) {
		tables_roots(store_tables(store), &pin->root, &pin->sessions);
		pin->tree = tables_tree_copy(store_tables(store));
		if (pin->tree == NULL)
			status =
			    ag_fail(err, AG_ENOMEM, "pin state: out of memory");
	}
	if (status == AG_OK)
		status = reader_connect(&pin->db, store_path(store),
		    PIN_CACHE_KIB, err);
	if (status == AG_OK)
		status = db_exec(pin->db, "BEGIN", err);
	if (status == AG_OK)
		status = tables_meta_read(pin->db, &pin->meta, err);
	if (status != AG_OK) {
		store_unpin(pin);
		return status;
	}
	AG_ASSERT(pin->meta.seq == store_applied(store));
	pin->keyring = tables_keyring(store_tables(store));
	*out = pin;
	return AG_OK;
}

void
store_unpin(struct store_pin *pin)
{
	if (pin == NULL)
		return;
	db_close(pin->db);
	merkle_free(pin->tree);
	free(pin);
}

uint64_t
store_pin_seq(const struct store_pin *pin)
{
	return pin->meta.seq;
}

void
store_pin_digest(const struct store_pin *pin, struct digest *digest)
{
	*digest = pin->digest;
}

struct sqlite3 *
store_pin_db(struct store_pin *pin)
{
	return pin->db;
}

const struct tables_meta *
store_pin_meta(const struct store_pin *pin)
{
	return &pin->meta;
}

struct keyring *
store_pin_keyring(const struct store_pin *pin)
{
	return pin->keyring;
}

struct merkle *
store_pin_tree(const struct store_pin *pin)
{
	return pin->tree;
}

void
store_pin_roots(const struct store_pin *pin, struct digest *root,
    struct digest *sessions)
{
	*root = pin->root;
	*sessions = pin->sessions;
}

enum ag_status
store_peek(struct store_glance *glance, const char *dir, struct ag_error *err)
{
	char path[STORE_PATH_BYTES];
	const struct db_options options = {
		.path = path,
		.application_id = TABLES_APPLICATION_ID,
		.is_frozen = true,
		.cache_kib = READER_CACHE_KIB,
	};
	struct tables_meta meta;
	struct sqlite3 *db = NULL;
	enum ag_status status;

	status = fs_join(path, sizeof(path), dir, TABLES_FILE, err);
	if (status == AG_OK)
		status = db_open(&db, &options, err);
	if (status != AG_OK)
		return status;
	status = tables_meta_read(db, &meta, err);
	if (status == AG_ENOENT)
		status = ag_fail(err, AG_ECORRUPT,
		    "state %s: it does not say what it is", dir);
	db_close(db);
	if (status != AG_OK)
		return status;
	memcpy(glance->cluster_id, meta.cluster_id, CLUSTER_ID_BYTES);
	glance->seq = meta.seq;
	glance->time_ms = meta.time_ms;
	glance->keys = meta.keys;
	glance->bytes = meta.bytes;
	return AG_OK;
}
