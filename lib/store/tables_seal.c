/*
 * Sealing the values of tables that came in the open: those that a restored
 * backup has, which every member takes and seals with its own keyring.
 *
 * RULES    1. All are sealed in one transaction, in which the tables also say
 *             that they are: a crash leaves all or none.
 *          2. Superseded versions that stood in the open go.
 *          3. What stood in the open is overwritten in the file, and the
 *             write-ahead file is emptied: by whoever opens the tables
 *             next, when a crash came in between.
 */
#include "base/log.h"
#include "db/db.h"
#include "keyring/keyring.h"
#include "store/sealed_value.h"
#include "store/tables.h"

#define EMPTY_WAL "PRAGMA wal_checkpoint(TRUNCATE);"
#define DROP_VERSIONS                                                    \
	"DELETE FROM superseded; DELETE FROM gone; DELETE FROM changes;" \
	"UPDATE retention SET versions = 0, bytes = 0, gone = 0,"        \
	" oldest = (SELECT seq FROM meta)"

struct sealing {
	struct sqlite3_stmt *next, *put;
	struct sealed_value *values;
	struct buf key; /* sealed last */
};

static enum ag_status
sealing_open(struct sealing *s, struct tables *tables, struct keyring *keyring,
    struct ag_error *err)
{
	struct sqlite3 *db = tables_db(tables);
	enum ag_status status;

	buf_init(&s->key, KEY_BYTES_MAX);
	s->values = sealed_value_new(keyring);
	if (s->values == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	status = db_prepare(db, &s->next,
	    "SELECT key, version, value FROM kv WHERE key > ?1 "
	    "ORDER BY key LIMIT 1",
	    err);
	return status == AG_OK
	    ? db_prepare(db, &s->put, "UPDATE kv SET value = ?2 WHERE key = ?1",
		  err)
	    : status;
}

static void
sealing_close(struct sealing *s)
{
	if (s->next != NULL)
		db_finalize(s->next);
	if (s->put != NULL)
		db_finalize(s->put);
	sealed_value_free(s->values);
	buf_fini(&s->key);
}

/* The next key's.  AG_ENOENT there is none. */
static enum ag_status
seal_one(struct sealing *s, struct ag_error *err)
{
	enum ag_status status;
	struct bytes key, stored;

	db_bind_bytes(s->next, 1, buf_bytes(&s->key));
	status = db_step(s->next, err);
	if (status != AG_OK)
		return status;
	key = db_column_bytes(s->next, 0);
	status = sealed_value_seal(s->values, key, db_column_uint(s->next, 1),
	    db_column_bytes(s->next, 2), &stored, err);
	buf_clear(&s->key);
	if (status == AG_OK && buf_append(&s->key, key.data, key.len) != AG_OK)
		status = ag_fail(err, AG_ENOMEM, "out of memory");
	db_reset(s->next);
	if (status != AG_OK)
		return status;
	db_bind_bytes(s->put, 1, buf_bytes(&s->key));
	db_bind_bytes(s->put, 2, stored);
	return db_run(s->put, err);
}

static enum ag_status
seal_all(struct tables *tables, struct keyring *keyring, struct ag_error *err)
{
	struct sealing s = { .next = NULL };
	enum ag_status status = sealing_open(&s, tables, keyring, err);

	if (status == AG_OK)
		status = tables_begin(tables, err);
	if (status == AG_OK)
		status = db_exec(tables_db(tables), DROP_VERSIONS, err);
	while (status == AG_OK)
		status = seal_one(&s, err);
	if (status == AG_ENOENT)
		status = tables_take_keyring(tables, err);
	sealing_close(&s);
	return status == AG_OK ? tables_commit(tables, err) : status;
}

enum ag_status
tables_seal(struct tables *tables, struct ag_error *err)
{
	struct keyring *keyring = tables_waiting_keyring(tables);
	struct sqlite3 *db = tables_db(tables);
	enum ag_status status;

	if (tables_keyring(tables) != NULL)
		return db_exec(db, EMPTY_WAL, err);
	if (keyring == NULL)
		return AG_OK;
	log_info("store", "sealing the values of a state that came in the open",
	    LOG_U64("keys", tables_meta(tables)->keys));
	status = db_exec(db, "PRAGMA secure_delete = ON", err);
	if (status == AG_OK)
		status = seal_all(tables, keyring, err);
	if (status == AG_OK)
		status =
		    db_exec(db, EMPTY_WAL "PRAGMA secure_delete = OFF", err);
	return status == AG_OK ? db_sync(db, err) : status;
}
