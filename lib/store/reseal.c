/*
 * Sealing values again.
 *
 * FORMAT   of the row in table reseal: the epoch that the pass seals with, which
 *          part it is in (0 the keys, 1 superseded versions), the last key it
 *          has passed there, or the version's id, how many keys it has
 *          passed and sealed, and whether it is at its end.
 *
 * RULES    1. A pass is for one epoch.  When another has become active it
 *             begins anew: nothing says where the new one's values are.
 *          2. A step is bounded in rows and in bytes, but for one row.
 */
#include "store/reseal.h"

#include <stdlib.h>

#include "db/db.h"
#include "store/sealed_value.h"

#define STEP_ROWS 64
#define PARTS 2
#define STEP_BYTES ((size_t)256 << 10)

struct reseal {
	struct tables *tables;
	struct keyring *keyring;
	struct sealed_value *values;
	struct sqlite3_stmt *load, *save;
	struct sqlite3_stmt *next[PARTS], *put[PARTS];
	struct store_resealing at;
	unsigned int part;
	struct buf last; /* the key passed last */
	uint64_t id;     /* or the version */
};

static enum ag_status
prepare_all(struct reseal *r, struct ag_error *err)
{
	struct sqlite3 *db = tables_db(r->tables);
	enum ag_status status;

	status = db_prepare(db, &r->load,
	    "SELECT epoch, last, passed, resealed, is_done, part, "
	    "last_id FROM reseal",
	    err);
	if (status == AG_OK)
		status = db_prepare(db, &r->save,
		    "REPLACE INTO reseal (id, epoch, last, passed, resealed, "
		    "is_done, part, last_id) "
		    "VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		    err);
	if (status == AG_OK)
		status = db_prepare(db, &r->next[0],
		    "SELECT key, version, size, value, 0 FROM kv "
		    "WHERE key > ?1 ORDER BY key LIMIT 1",
		    err);
	if (status == AG_OK)
		status = db_prepare(db, &r->put[0],
		    "UPDATE kv SET value = ?2 WHERE key = ?1", err);
	if (status == AG_OK)
		status = db_prepare(db, &r->next[1],
		    "SELECT key, version, size, value, id FROM superseded "
		    "WHERE id > ?1 ORDER BY id LIMIT 1",
		    err);
	if (status == AG_OK)
		status = db_prepare(db, &r->put[1],
		    "UPDATE superseded SET value = ?2 WHERE id = ?1", err);
	return status;
}

static enum ag_status
take_last(struct reseal *r, struct bytes key, struct ag_error *err)
{
	buf_clear(&r->last);
	return buf_append(&r->last, key.data, key.len) == AG_OK
	    ? AG_OK
	    : ag_fail(err, AG_ENOMEM, "state: out of memory");
}

static enum ag_status
load(struct reseal *r, struct ag_error *err)
{
	enum ag_status status = db_step(r->load, err);

	if (status == AG_ENOENT)
		return AG_OK;
	if (status != AG_OK)
		return status;
	r->at.epoch = (uint32_t)db_column_uint(r->load, 0);
	r->at.passed = db_column_uint(r->load, 2);
	r->at.resealed = db_column_uint(r->load, 3);
	r->at.is_done = db_column_uint(r->load, 4) != 0;
	r->part = db_column_uint(r->load, 5) == 0 ? 0 : 1;
	r->id = db_column_uint(r->load, 6);
	status = take_last(r, db_column_bytes(r->load, 1), err);
	db_reset(r->load);
	return status;
}

enum ag_status
reseal_open(struct reseal **out, struct tables *tables, struct ag_error *err)
{
	struct reseal *r = calloc(1, sizeof(*r));
	enum ag_status status = AG_OK;

	*out = NULL;
	if (r == NULL)
		return ag_fail(err, AG_ENOMEM, "state: out of memory");
	r->tables = tables;
	r->keyring = tables_keyring(tables);
	AG_ASSERT(r->keyring != NULL);
	buf_init(&r->last, KEY_BYTES_MAX);
	r->values = sealed_value_new(r->keyring);
	if (r->values == NULL)
		status = ag_fail(err, AG_ENOMEM, "state: out of memory");
	if (status == AG_OK)
		status = prepare_all(r, err);
	if (status == AG_OK)
		status = load(r, err);
	if (status != AG_OK) {
		reseal_close(r);
		return status;
	}
	*out = r;
	return AG_OK;
}

void
reseal_close(struct reseal *r)
{
	struct sqlite3_stmt **all[] = { &r->load, &r->save, &r->next[0],
		&r->next[1], &r->put[0], &r->put[1] };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (*all[i] != NULL)
			db_finalize(*all[i]);
	sealed_value_free(r->values);
	buf_fini(&r->last);
	free(r);
}

static enum ag_status
save(struct reseal *r, struct ag_error *err)
{
	db_bind_uint(r->save, 1, r->at.epoch);
	db_bind_bytes(r->save, 2, buf_bytes(&r->last));
	db_bind_uint(r->save, 3, r->at.passed);
	db_bind_uint(r->save, 4, r->at.resealed);
	db_bind_uint(r->save, 5, r->at.is_done);
	db_bind_uint(r->save, 6, r->part);
	db_bind_uint(r->save, 7, r->id);
	return db_run(r->save, err);
}

/* The row that next is at, whose key is in last. */
static enum ag_status
renew(struct reseal *r, size_t *bytes, struct ag_error *err)
{
	struct sqlite3_stmt *next = r->next[r->part], *put = r->put[r->part];
	const struct bytes key = buf_bytes(&r->last);
	const struct bytes stored = db_column_bytes(next, 3);
	enum ag_status status;
	struct bytes renewed;

	if (keyring_record_epoch(stored) == r->at.epoch)
		return AG_OK;
	status = sealed_value_renew(r->values, key, db_column_uint(next, 1),
	    db_column_uint(next, 2), stored, &renewed, err);
	if (status != AG_OK)
		return status;
	if (r->part == 0)
		db_bind_bytes(put, 1, key);
	else
		db_bind_uint(put, 1, r->id);
	db_bind_bytes(put, 2, renewed);
	r->at.resealed += r->part == 0 ? 1 : 0;
	*bytes += renewed.len;
	return AG_OK;
}

/* AG_ENOENT: there is no other in this part. */
static enum ag_status
pass_one(struct reseal *r, size_t *bytes, struct ag_error *err)
{
	struct sqlite3_stmt *next = r->next[r->part];
	const size_t before = *bytes;
	enum ag_status status;

	if (r->part == 0)
		db_bind_bytes(next, 1, buf_bytes(&r->last));
	else
		db_bind_uint(next, 1, r->id);
	status = db_step(next, err);
	if (status != AG_OK)
		return status;
	r->at.passed += r->part == 0 ? 1 : 0;
	r->id = db_column_uint(next, 4);
	status = take_last(r, db_column_bytes(next, 0), err);
	if (status == AG_OK)
		status = renew(r, bytes, err);
	db_reset(next);
	return status == AG_OK && *bytes > before ? db_run(r->put[r->part], err)
						  : status;
}

static void
begin_part(struct reseal *r, unsigned int part)
{
	r->part = part;
	r->id = 0;
	buf_clear(&r->last);
}

enum ag_status
reseal_step(struct reseal *r, struct store_resealing *progress, size_t *bytes,
    struct ag_error *err)
{
	const uint32_t epoch = keyring_epoch(r->keyring);
	enum ag_status status = AG_OK;

	*bytes = 0;
	if (r->at.epoch != epoch) {
		r->at = (struct store_resealing){ .epoch = epoch };
		begin_part(r, 0);
	}
	if (!r->at.is_done) {
		status = tables_begin(r->tables, err);
		for (size_t rows = 0;
		     status == AG_OK && rows < STEP_ROWS && *bytes < STEP_BYTES;
		     rows++)
			status = pass_one(r, bytes, err);
		r->at.is_done = status == AG_ENOENT && r->part == PARTS - 1;
		if (status == AG_ENOENT && !r->at.is_done)
			begin_part(r, r->part + 1);
		if (status == AG_OK || status == AG_ENOENT)
			status = save(r, err);
	}
	*progress = r->at;
	return status;
}
