/*
 * Keeping superseded versions.
 *
 * FORMAT   superseded  a version that is no more, by its key and by the change
 *                      that ended it: (seq, ord), ord from 0 in each batch.
 *                      It was in force from its modified on.  deleted: that
 *                      change was a deletion.  The value is as it was stored
 *                      (store/sealed_value.h).
 *          changes     of each batch that changed keys: its agreed time, what
 *                      it weighs here, and its changes by ord, each
 *                      length u16 little-endian | flags | key
 *                      flags: 1 a deletion, 2 a version was superseded
 *          retention   one row: the oldest sequence that can be read, how many
 *                      versions and bytes there are, and how far into the
 *                      oldest batch's changes compaction is
 *
 *          So the version of a key at a sequence is the first one ended after
 *          it, if that one was in force by then, or else the present one; and
 *          what a change put is the first version ended after that change.
 *
 * RULES    1. A batch's versions are in its transaction: history and state
 *             never part.
 *          2. Versions are noted when they end: a key that was absent leaves
 *             none, and a deletion no other than the one it ends.
 *          3. Compaction goes by whole batches, the oldest first.  Before the
 *             first version of one is dropped, the oldest sequence that can
 *             be read is that batch's own.
 *          4. A step of it drops a few versions, and twice as many as were
 *             kept since the last one: so the bound on bytes holds, and no
 *             batch waits for it.
 *          5. Reserved keys have no history: the cluster's own entries change
 *             with nearly every batch.
 *
 * NOT HERE Reading (store/versions_read.c), sealing again (store/reseal.c).
 */
#include "store/versions.h"

#include <stdlib.h>

#include "codec/operation.h"
#include "db/db.h"

#define STEP_VERSIONS 64

/* Of one batch's changes: more than any batch can name. */
#define NOTES_BYTES_MAX ((size_t)512 << 20)
#define NOTE_HEAD_BYTES 3
#define NOTE_DELETE 1
#define NOTE_OLD 2

struct versions {
	struct sqlite3_stmt *keep, *note, *save;
	struct sqlite3_stmt *first, *drop, *drop_batch;
	struct store_retention retention;
	struct store_past past;
	bool has_row;    /* of retention */
	bool is_changed; /* since that was written */

	/* The batch at hand. */
	uint64_t seq, ord, bytes;
	struct buf notes;

	/* Compaction: in the oldest batch, and what was kept since. */
	size_t dropped_to;
	uint64_t kept; /* versions and batches */
};

static enum ag_status
prepare_all(struct versions *v, struct sqlite3 *db, struct ag_error *err)
{
	const struct {
		struct sqlite3_stmt **stmt;
		const char *sql;
	} list[] = {
		{ &v->keep,
		    "INSERT INTO superseded (key, seq, ord, deleted, version, "
		    "created, modified, size, value) SELECT key, ?2, ?3, ?4, "
		    "version, created, modified, size, value FROM kv "
		    "WHERE key = ?1" },
		{ &v->note,
		    "INSERT INTO changes (seq, time_ms, bytes, notes) "
		    "VALUES (?1, ?2, ?3, ?4)" },
		{ &v->save,
		    "REPLACE INTO retention (id, oldest, versions, bytes, "
		    "dropped) VALUES (1, ?1, ?2, ?3, ?4)" },
		{ &v->first,
		    "SELECT seq, time_ms, bytes, notes FROM changes "
		    "ORDER BY seq LIMIT 1" },
		{ &v->drop,
		    "DELETE FROM superseded WHERE key = ?1 AND seq = ?2 "
		    "AND ord = ?3" },
		{ &v->drop_batch, "DELETE FROM changes WHERE seq = ?1" },
	};
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; status == AG_OK && i < sizeof(list) / sizeof(list[0]); i++)
		status = db_prepare(db, list[i].stmt, list[i].sql, err);
	return status;
}

static enum ag_status
load(struct versions *v, struct sqlite3 *db, struct ag_error *err)
{
	struct sqlite3_stmt *stmt = NULL;
	enum ag_status status;

	status = db_prepare(db, &stmt,
	    "SELECT oldest, versions, bytes, dropped FROM retention", err);
	if (status == AG_OK)
		status = db_step(stmt, err);
	if (status == AG_OK) {
		v->has_row = true;
		v->past.oldest = db_column_uint(stmt, 0);
		v->past.versions = db_column_uint(stmt, 1);
		v->past.bytes = db_column_uint(stmt, 2);
		v->dropped_to = (size_t)db_column_uint(stmt, 3);
	}
	if (stmt != NULL)
		db_finalize(stmt);
	return status == AG_ENOENT ? AG_OK : status;
}

enum ag_status
versions_open(struct versions **out, struct sqlite3 *db, uint64_t seq,
    struct ag_error *err)
{
	struct versions *v = calloc(1, sizeof(*v));
	enum ag_status status;

	*out = NULL;
	if (v == NULL)
		return ag_fail(err, AG_ENOMEM, "state: out of memory");
	v->past.oldest = seq;
	buf_init(&v->notes, NOTES_BYTES_MAX);
	status = prepare_all(v, db, err);
	if (status == AG_OK)
		status = load(v, db, err);
	if (status != AG_OK) {
		versions_close(v);
		return status;
	}
	*out = v;
	return AG_OK;
}

void
versions_close(struct versions *v)
{
	struct sqlite3_stmt *all[6];
	size_t i;

	if (v == NULL)
		return;
	all[0] = v->keep;
	all[1] = v->note;
	all[2] = v->save;
	all[3] = v->first;
	all[4] = v->drop;
	all[5] = v->drop_batch;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] != NULL)
			db_finalize(all[i]);
	buf_fini(&v->notes);
	free(v);
}

void
versions_retain(struct versions *v, const struct store_retention *retention)
{
	v->retention = *retention;
}

void
versions_look(const struct versions *v, struct store_past *past)
{
	*past = v->past;
}

/* --- a batch --- */

void
versions_begin_batch(struct versions *v, uint64_t seq)
{
	v->seq = seq;
	v->ord = 0;
	v->bytes = VERSIONS_BATCH_BYTES;
	buf_clear(&v->notes);
}

static enum ag_status
note_change(struct versions *v, struct bytes key, bool is_delete, bool has_old,
    struct ag_error *err)
{
	const uint8_t head[NOTE_HEAD_BYTES] = { (uint8_t)key.len,
		(uint8_t)(key.len >> 8),
		(uint8_t)((is_delete ? NOTE_DELETE : 0) |
		    (has_old ? NOTE_OLD : 0)) };
	enum ag_status status = buf_append(&v->notes, head, sizeof(head));

	if (status == AG_OK)
		status = buf_append(&v->notes, key.data, key.len);
	v->bytes += sizeof(head) + key.len;
	return status == AG_OK
	    ? AG_OK
	    : ag_fail(err, status, "state: the changes of a batch: %s",
		  ag_status_text(status));
}

static enum ag_status
keep_old(struct versions *v, struct bytes key, uint64_t value_len,
    bool is_delete, struct ag_error *err)
{
	db_bind_bytes(v->keep, 1, key);
	db_bind_uint(v->keep, 2, v->seq);
	db_bind_uint(v->keep, 3, v->ord);
	db_bind_uint(v->keep, 4, is_delete ? 1 : 0);
	v->bytes += VERSIONS_ROW_BYTES + key.len + value_len;
	v->past.versions++;
	v->kept++;
	return db_run(v->keep, err);
}

enum ag_status
versions_change(struct versions *v, struct bytes key,
    const struct versions_old *old, bool is_delete, struct ag_error *err)
{
	enum ag_status status;

	if (v->retention.bytes == 0 || operation_key_is_reserved(key))
		return AG_OK;
	status = note_change(v, key, is_delete, old->exists, err);
	if (status == AG_OK && old->exists)
		status = keep_old(v, key, old->value_len, is_delete, err);
	v->ord++;
	return status;
}

enum ag_status
versions_end_batch(struct versions *v, uint64_t time_ms, struct ag_error *err)
{
	if (v->retention.bytes == 0) {
		v->past.oldest = v->seq;
		v->is_changed = v->has_row;
		return AG_OK;
	}
	if (v->ord == 0)
		return AG_OK;
	db_bind_uint(v->note, 1, v->seq);
	db_bind_uint(v->note, 2, time_ms);
	db_bind_uint(v->note, 3, v->bytes);
	db_bind_bytes(v->note, 4, buf_bytes(&v->notes));
	v->past.bytes += v->bytes;
	v->kept++;
	v->is_changed = true;
	return db_run(v->note, err);
}

enum ag_status
versions_save(struct versions *v, struct ag_error *err)
{
	/* Where it began is said with the first commit. */
	if (!v->is_changed && (v->has_row || v->retention.bytes == 0))
		return AG_OK;
	v->is_changed = false;
	v->has_row = true;
	db_bind_uint(v->save, 1, v->past.oldest);
	db_bind_uint(v->save, 2, v->past.versions);
	db_bind_uint(v->save, 3, v->past.bytes);
	db_bind_uint(v->save, 4, v->dropped_to);
	return db_run(v->save, err);
}

bool
versions_next_note(struct bytes notes, size_t *at, struct versions_note *note)
{
	const uint8_t *head = notes.data + *at;
	size_t len;

	if (notes.len - *at < NOTE_HEAD_BYTES)
		return false;
	len = (size_t)head[0] | (size_t)head[1] << 8;
	if (len == 0 || len > KEY_BYTES_MAX ||
	    notes.len - *at - NOTE_HEAD_BYTES < len)
		return false;
	note->key = bytes_of(head + NOTE_HEAD_BYTES, len);
	note->is_delete = (head[2] & NOTE_DELETE) != 0;
	note->has_old = (head[2] & NOTE_OLD) != 0;
	*at += NOTE_HEAD_BYTES + len;
	return true;
}

/* --- compaction --- */

/* Is the batch that `first` is at to go? */
static bool
is_over(const struct versions *v, uint64_t now_ms)
{
	return db_column_uint(v->first, 0) <= v->past.oldest ||
	    v->past.bytes > v->retention.bytes ||
	    (now_ms > v->retention.age_ms &&
		db_column_uint(v->first, 1) < now_ms - v->retention.age_ms);
}

enum ag_status
versions_is_due(struct versions *v, uint64_t now_ms, bool *is_due,
    struct ag_error *err)
{
	enum ag_status status = db_step(v->first, err);

	*is_due = status == AG_OK && is_over(v, now_ms);
	db_reset(v->first);
	return status == AG_ENOENT ? AG_OK : status;
}

/* Drop versions of it, from where the last step ended, at most so many. */
static enum ag_status
drop_some(struct versions *v, uint64_t seq, struct bytes notes, uint64_t *left,
    bool *is_whole, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct versions_note note;
	uint64_t ord = 0;
	size_t at = 0;

	v->past.oldest = seq > v->past.oldest ? seq : v->past.oldest;
	v->is_changed = true;
	while (status == AG_OK && *left > 0 &&
	    versions_next_note(notes, &at, &note)) {
		if (at > v->dropped_to && note.has_old) {
			db_bind_bytes(v->drop, 1, note.key);
			db_bind_uint(v->drop, 2, seq);
			db_bind_uint(v->drop, 3, ord);
			status = db_run(v->drop, err);
			v->past.versions -= v->past.versions > 0 ? 1 : 0;
			--*left;
		}
		ord++;
	}
	*is_whole = at == notes.len || *left > 0;
	v->dropped_to = *is_whole ? 0 : at;
	return status;
}

/* AG_ENOENT: nothing is to go. */
static enum ag_status
compact_one(struct versions *v, uint64_t now_ms, uint64_t *left,
    struct ag_error *err)
{
	enum ag_status status = db_step(v->first, err);
	uint64_t seq, bytes;
	bool is_whole = false;

	if (status != AG_OK)
		return status;
	if (!is_over(v, now_ms)) {
		db_reset(v->first);
		return AG_ENOENT;
	}
	seq = db_column_uint(v->first, 0);
	bytes = db_column_uint(v->first, 2);
	status = drop_some(v, seq, db_column_bytes(v->first, 3), left,
	    &is_whole, err);
	db_reset(v->first);
	if (status != AG_OK || !is_whole)
		return status;
	*left -= *left > 0 ? 1 : 0;
	v->past.bytes -= bytes < v->past.bytes ? bytes : v->past.bytes;
	db_bind_uint(v->drop_batch, 1, seq);
	return db_run(v->drop_batch, err);
}

enum ag_status
versions_compact(struct versions *v, uint64_t now_ms, bool *is_done,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	uint64_t left = STEP_VERSIONS + 2 * v->kept;

	v->kept = 0;
	while (status == AG_OK && left > 0)
		status = compact_one(v, now_ms, &left, err);
	*is_done = status == AG_ENOENT;
	return *is_done ? AG_OK : status;
}
