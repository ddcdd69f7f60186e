/*
 * Leases: entries and index.
 *
 * FORMAT   entries    codec/lease.h
 *          lease      a row for each: id, principal, ttl_s, granted_ms,
 *                     expiry_ms
 *          lease_key  a row for each key that is attached: key, lease
 *
 * RULES    1. The entries are what is agreed, proved and handed on; the
 *             index follows from them, and is made again by every open: a
 *             state that came in parts or from a backup has none.
 *          2. A change is made to the index, and the entry written anew from
 *             it at the end of the batch, once, whatever that did to it: so
 *             both say the same, keys rise by themselves, and what an
 *             operation costs does not grow with the keys of its lease.
 *          3. Who has no key attached to anything looks none up.
 *
 * NOT HERE When leases come and go (store/execute.c).
 */
#include "store/leases.h"

#include <stdlib.h>
#include <string.h>

#include "codec/encoder.h"
#include "db/db.h"

#define LAST_VERSION 1
#define LAST_BYTES_MAX 16

/* Whose entries are to be written. */
#define CHANGED "CREATE TEMP TABLE lease_changed (id INTEGER PRIMARY KEY)"

struct leases {
	struct tables *tables;
	struct sqlite3_stmt *find, *put, *remove, *first, *next, *count_of;
	struct sqlite3_stmt *of_key, *attach, *detach, *detach_all;
	struct sqlite3_stmt *keys, *key_count;
	struct sqlite3_stmt *change, *changed, *unchange;
	bool has_changed;  /* one at least */
	bool has_given;    /* a number, in this batch */
	size_t gone;       /* keys, in this batch */
	uint64_t last;     /* number given out */
	uint64_t count;    /* of leases */
	uint64_t attached; /* keys, of all */
	uint64_t next_ms;
	struct lease scratch;
	uint8_t value[LEASE_BYTES_MAX];
};

#define LEASE_COLUMNS "id, principal, ttl_s, granted_ms, expiry_ms"

static enum ag_status
prepare_all(struct leases *l, struct ag_error *err)
{
	const struct {
		struct sqlite3_stmt **stmt;
		const char *sql;
	} list[] = {
		{ &l->find,
		    "SELECT " LEASE_COLUMNS " FROM lease WHERE id = ?1" },
		{ &l->put,
		    "REPLACE INTO lease (" LEASE_COLUMNS
		    ") VALUES (?1, ?2, ?3, ?4, ?5)" },
		{ &l->remove, "DELETE FROM lease WHERE id = ?1" },
		{ &l->first,
		    "SELECT " LEASE_COLUMNS
		    " FROM lease ORDER BY expiry_ms, id LIMIT 1" },
		{ &l->next, "SELECT min(expiry_ms) FROM lease" },
		{ &l->count_of,
		    "SELECT count(*) FROM lease WHERE principal = ?1" },
		{ &l->of_key, "SELECT lease FROM lease_key WHERE key = ?1" },
		{ &l->attach,
		    "REPLACE INTO lease_key (key, lease) VALUES (?1, ?2)" },
		{ &l->detach, "DELETE FROM lease_key WHERE key = ?1" },
		{ &l->detach_all, "DELETE FROM lease_key WHERE lease = ?1" },
		{ &l->keys,
		    "SELECT key FROM lease_key WHERE lease = ?1 ORDER BY key" },
		{ &l->key_count,
		    "SELECT count(*) FROM lease_key WHERE lease = ?1" },
		{ &l->change,
		    "INSERT OR IGNORE INTO lease_changed (id) VALUES (?1)" },
		{ &l->changed,
		    "SELECT " LEASE_COLUMNS
		    " FROM lease_changed JOIN lease USING (id) "
		    "WHERE id > ?1 ORDER BY id LIMIT 1" },
		{ &l->unchange, "DELETE FROM lease_changed" },
	};
	enum ag_status status = db_exec(tables_db(l->tables), CHANGED, err);
	size_t i;

	for (i = 0; status == AG_OK && i < sizeof(list) / sizeof(list[0]); i++)
		status = db_prepare(tables_db(l->tables), list[i].stmt,
		    list[i].sql, err);
	return status;
}

static void
finalize_all(struct leases *l)
{
	struct sqlite3_stmt *const list[] = { l->find, l->put, l->remove,
		l->first, l->next, l->count_of, l->of_key, l->attach, l->detach,
		l->detach_all, l->keys, l->key_count, l->change, l->changed,
		l->unchange };
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i] != NULL)
			db_finalize(list[i]);
}

/* --- the index --- */

/* What one number comes to, of a statement that is bound. */
static enum ag_status
ask_number(struct sqlite3_stmt *stmt, uint64_t *number, struct ag_error *err)
{
	enum ag_status status = db_step(stmt, err);

	*number = status == AG_OK ? db_column_uint(stmt, 0) : 0;
	if (status == AG_OK)
		db_reset(stmt);
	return status;
}

static enum ag_status
row_take(struct leases *l, struct sqlite3_stmt *stmt, struct lease *lease,
    struct ag_error *err)
{
	enum ag_status status = db_step(stmt, err);
	struct bytes principal;
	uint64_t count;

	lease->id = 0;
	lease->key_count = 0;
	if (status != AG_OK)
		return status;
	principal = db_column_bytes(stmt, 1);
	lease->id = db_column_uint(stmt, 0);
	lease->ttl_s = (uint32_t)db_column_uint(stmt, 2);
	lease->granted_ms = db_column_uint(stmt, 3);
	lease->expiry_ms = db_column_uint(stmt, 4);
	if (principal.len == PRINCIPAL_BYTES)
		memcpy(lease->principal, principal.data, PRINCIPAL_BYTES);
	else
		status = ag_fail(err, AG_ECORRUPT,
		    "state: the index of leases is damaged");
	db_reset(stmt);
	if (status != AG_OK)
		return status;
	db_bind_uint(l->key_count, 1, lease->id);
	status = ask_number(l->key_count, &count, err);
	lease->key_count = (size_t)count;
	return status;
}

static enum ag_status
row_put(struct leases *l, const struct lease *lease, struct ag_error *err)
{
	db_bind_uint(l->put, 1, lease->id);
	db_bind_bytes(l->put, 2, bytes_of(lease->principal, PRINCIPAL_BYTES));
	db_bind_uint(l->put, 3, lease->ttl_s);
	db_bind_uint(l->put, 4, lease->granted_ms);
	db_bind_uint(l->put, 5, lease->expiry_ms);
	return db_run(l->put, err);
}

static enum ag_status
key_put(struct leases *l, struct bytes key, uint64_t id, struct ag_error *err)
{
	db_bind_bytes(l->attach, 1, key);
	db_bind_uint(l->attach, 2, id);
	return db_run(l->attach, err);
}

static enum ag_status
note_change(struct leases *l, uint64_t id, struct ag_error *err)
{
	l->has_changed = true;
	db_bind_uint(l->change, 1, id);
	return db_run(l->change, err);
}

static enum ag_status
find_next(struct leases *l, struct ag_error *err)
{
	return ask_number(l->next, &l->next_ms, err);
}

/* --- entries --- */

static enum ag_status
entry_put(struct leases *l, struct bytes key, struct bytes value, uint64_t seq,
    struct ag_error *err)
{
	struct store_entry entry = { .key = key, .value = value };
	struct tables_row row;
	enum ag_status status = tables_find(l->tables, key, &row, err);

	entry.version = row.version + 1;
	entry.created = row.exists ? row.created : seq;
	entry.modified = seq;
	return status == AG_OK ? tables_put(l->tables, &row, &entry, err)
			       : status;
}

/* Of a lease whose keys are not at hand: they are borrowed from held. */
static enum ag_status
keys_take(struct leases *l, struct lease *lease, struct buf *held,
    struct ag_error *err)
{
	size_t ends[LEASE_KEYS_MAX], begin = 0, i;
	enum ag_status status;
	struct bytes key;

	lease->key_count = 0;
	db_bind_uint(l->keys, 1, lease->id);
	while ((status = db_step(l->keys, err)) == AG_OK) {
		AG_ASSERT(lease->key_count < LEASE_KEYS_MAX);
		key = db_column_bytes(l->keys, 0);
		if (buf_append(held, key.data, key.len) != AG_OK) {
			db_reset(l->keys);
			return ag_fail(err, AG_ENOMEM, "out of memory");
		}
		ends[lease->key_count++] = held->len;
	}
	for (i = 0; i < lease->key_count; i++) {
		lease->keys[i] = bytes_of(held->data + begin, ends[i] - begin);
		begin = ends[i];
	}
	return status == AG_ENOENT ? AG_OK : status;
}

/* Write an entry as the index has it, but for its keys. */
static enum ag_status
lease_write(struct leases *l, const struct lease *lease, uint64_t seq,
    struct ag_error *err)
{
	uint8_t key[LEASE_KEY_BYTES];
	enum ag_status status;
	struct buf held;

	buf_init(&held, LEASE_BYTES_MAX);
	l->scratch = *lease;
	status = keys_take(l, &l->scratch, &held, err);
	if (status == AG_OK)
		status = entry_put(l, lease_key(lease->id, key),
		    lease_encode(&l->scratch, l->value), seq, err);
	buf_fini(&held);
	return status;
}

static enum ag_status
last_put(struct leases *l, uint64_t seq, struct ag_error *err)
{
	uint8_t value[LAST_BYTES_MAX];
	struct encoder e;
	struct bytes encoded;

	encoder_init(&e, value, sizeof(value));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, LAST_VERSION);
	encoder_put_uint(&e, l->last);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	return entry_put(l,
	    bytes_of(KEY_LEASE_LAST, sizeof(KEY_LEASE_LAST) - 1), encoded, seq,
	    err);
}

/* --- opening --- */

static enum ag_status
load_last(struct leases *l, struct ag_error *err)
{
	enum ag_status status;
	struct buf value;
	struct decoder d;

	buf_init(&value, VALUE_BYTES_MAX);
	status = tables_value(l->tables,
	    bytes_of(KEY_LEASE_LAST, sizeof(KEY_LEASE_LAST) - 1), &value, err);
	if (status == AG_OK) {
		decoder_init(&d, buf_bytes(&value));
		decoder_expect_array(&d, 2);
		if (decoder_get_uint(&d) != LAST_VERSION)
			decoder_fail(&d, "of another format");
		l->last = lease_get_id(&d);
		if (decoder_finish(&d, NULL) != AG_OK)
			status = ag_fail(err, AG_ECORRUPT,
			    "the last lease's number is damaged");
	}
	buf_fini(&value);
	return status == AG_ENOENT ? AG_OK : status;
}

/* The index of one entry. */
static enum ag_status
load_one(struct leases *l, struct bytes key, struct buf *value,
    struct ag_error *err)
{
	struct lease *lease = &l->scratch;
	enum ag_status status;
	uint64_t id;
	size_t i;

	buf_clear(value);
	status = tables_value(l->tables, key, value, err);
	if (status == AG_OK)
		status = lease_decode(lease, buf_bytes(value), err);
	if (status != AG_OK)
		return status;
	if (lease_id_of_key(key, &id) != AG_OK || id > l->last)
		return ag_fail(err, AG_ECORRUPT, "a lease's number is damaged");
	lease->id = id;
	status = row_put(l, lease, err);
	for (i = 0; status == AG_OK && i < lease->key_count; i++)
		status = key_put(l, lease->keys[i], id, err);
	l->count++;
	l->attached += lease->key_count;
	return status;
}

static enum ag_status
load_all(struct leases *l, struct ag_error *err)
{
	struct sqlite3_stmt *stmt = NULL;
	enum ag_status status;
	struct buf value;

	buf_init(&value, VALUE_BYTES_MAX);
	status = db_prepare(tables_db(l->tables), &stmt,
	    "SELECT key FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key",
	    err);
	if (status == AG_OK) {
		db_bind_bytes(stmt, 1,
		    bytes_of(KEY_LEASES, sizeof(KEY_LEASES) - 1));
		db_bind_bytes(stmt, 2,
		    bytes_of(KEY_LEASES_END, sizeof(KEY_LEASES_END) - 1));
	}
	while (status == AG_OK && (status = db_step(stmt, err)) == AG_OK)
		status = load_one(l, db_column_bytes(stmt, 0), &value, err);
	if (stmt != NULL)
		db_finalize(stmt);
	buf_fini(&value);
	return status == AG_ENOENT ? AG_OK : status;
}

/* A state in which no lease was ever granted has nothing to be made. */
static enum ag_status
load(struct leases *l, struct ag_error *err)
{
	enum ag_status status = load_last(l, err);

	if (status != AG_OK || l->last == 0)
		return status;
	status = tables_begin(l->tables, err);
	if (status == AG_OK)
		status = db_exec(tables_db(l->tables),
		    "DELETE FROM lease; DELETE FROM lease_key", err);
	if (status == AG_OK)
		status = load_all(l, err);
	if (status == AG_OK)
		status = find_next(l, err);
	return status == AG_OK ? tables_commit(l->tables, err) : status;
}

enum ag_status
leases_open(struct leases **out, struct tables *tables, struct ag_error *err)
{
	struct leases *l = calloc(1, sizeof(*l));
	enum ag_status status;

	*out = NULL;
	if (l == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	l->tables = tables;
	status = prepare_all(l, err);
	if (status == AG_OK)
		status = load(l, err);
	if (status != AG_OK) {
		leases_close(l);
		return status;
	}
	*out = l;
	return AG_OK;
}

void
leases_close(struct leases *l)
{
	if (l == NULL)
		return;
	finalize_all(l);
	free(l);
}

/* --- for execution --- */

uint64_t
leases_next_ms(const struct leases *l)
{
	return l->next_ms;
}

enum ag_status
leases_find(struct leases *l, uint64_t id, struct lease *lease,
    struct ag_error *err)
{
	db_bind_uint(l->find, 1, id);
	return row_take(l, l->find, lease, err);
}

enum ag_status
leases_has_room(struct leases *l,
    const uint8_t principal[static PRINCIPAL_BYTES], bool *has_room,
    struct ag_error *err)
{
	enum ag_status status;
	uint64_t count;

	db_bind_bytes(l->count_of, 1, bytes_of(principal, PRINCIPAL_BYTES));
	status = ask_number(l->count_of, &count, err);
	*has_room = l->count < LEASES_MAX && count < LEASES_OF_ONE_MAX;
	return status;
}

enum ag_status
leases_add(struct leases *l, struct lease *lease, struct ag_error *err)
{
	lease->id = ++l->last;
	l->has_given = true;
	l->count++;
	return leases_put(l, lease, err);
}

enum ag_status
leases_put(struct leases *l, const struct lease *lease, struct ag_error *err)
{
	enum ag_status status = row_put(l, lease, err);

	if (status == AG_OK)
		status = note_change(l, lease->id, err);
	return status == AG_OK ? find_next(l, err) : status;
}

bool
leases_may_take(const struct leases *l, const struct lease *lease)
{
	return l->gone + lease->key_count <= LEASES_SWEEP_KEYS_MAX;
}

enum ag_status
leases_take(struct leases *l, struct lease *lease, struct buf *held,
    struct ag_error *err)
{
	uint8_t out[LEASE_KEY_BYTES];
	const struct bytes key = lease_key(lease->id, out);
	struct tables_row row;
	enum ag_status status = keys_take(l, lease, held, err);

	db_bind_uint(l->detach_all, 1, lease->id);
	if (status == AG_OK)
		status = db_run(l->detach_all, err);
	db_bind_uint(l->remove, 1, lease->id);
	if (status == AG_OK)
		status = db_run(l->remove, err);
	if (status == AG_OK)
		status = tables_find(l->tables, key, &row, err);
	/* What this batch granted has no entry yet. */
	if (status == AG_OK && row.exists)
		status = tables_delete(l->tables, &row, key, err);
	l->count--;
	l->attached -= lease->key_count;
	l->gone += lease->key_count;
	return status == AG_OK ? find_next(l, err) : status;
}

enum ag_status
leases_first(struct leases *l, struct lease *lease, struct ag_error *err)
{
	return row_take(l, l->first, lease, err);
}

enum ag_status
leases_of_key(struct leases *l, struct bytes key, uint64_t *id,
    struct ag_error *err)
{
	enum ag_status status;

	*id = 0;
	if (l->attached == 0)
		return AG_OK;
	db_bind_bytes(l->of_key, 1, key);
	status = ask_number(l->of_key, id, err);
	return status == AG_ENOENT ? AG_OK : status;
}

enum ag_status
leases_attach(struct leases *l, struct bytes key, uint64_t id,
    struct ag_error *err)
{
	enum ag_status status;
	uint64_t before;

	status = leases_of_key(l, key, &before, err);
	if (status != AG_OK || before == id)
		return status;
	if (id != 0) {
		status = key_put(l, key, id, err);
	} else {
		db_bind_bytes(l->detach, 1, key);
		status = db_run(l->detach, err);
	}
	l->attached += id != 0 ? 1 : 0;
	l->attached -= before != 0 ? 1 : 0;
	if (status == AG_OK && before != 0)
		status = note_change(l, before, err);
	if (status == AG_OK && id != 0)
		status = note_change(l, id, err);
	return status;
}

enum ag_status
leases_settle(struct leases *l, uint64_t seq, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct lease lease = { .id = 0 };

	if (l->has_given)
		status = last_put(l, seq, err);
	l->has_given = false;
	l->gone = 0;
	if (status != AG_OK || !l->has_changed)
		return status;
	l->has_changed = false;
	do {
		db_bind_uint(l->changed, 1, lease.id);
		status = row_take(l, l->changed, &lease, err);
		if (status == AG_OK)
			status = lease_write(l, &lease, seq, err);
	} while (status == AG_OK);
	return status == AG_ENOENT ? db_run(l->unchange, err) : status;
}
