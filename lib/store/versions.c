/*
 * Keeping superseded versions.
 *
 * FORMAT   superseded  versions that are no more, in the order they ended: by
 *                      the change (seq, ord), ord from 0 in each batch.  One
 *                      was in force from its modified on.  deleted: that
 *                      change was a deletion.  The value is as it was stored
 *                      (store/sealed_value.h).
 *                      prev is the key's version before, 0 none; jump one
 *                      farther back, by depths as in Myers, "An applicative
 *                      random-access stack": any is found in a number of steps
 *                      that is the logarithm of how many there are.
 *          kv.head     the key's newest in superseded; 0: none
 *          gone        the same of keys that are absent and were not
 *          changes     of each batch that changed keys: its agreed time, what
 *                      it weighs here, the last id of superseded then, and its
 *                      changes by ord, each
 *                      length u16 little-endian | 1 for a deletion | key
 *          retention   one row: the oldest sequence that can be read, how many
 *                      versions, bytes and gone keys there are, and the last
 *                      id that was given out
 *
 *          So the version of a key at a sequence is the first one ended after
 *          it, if that one was in force by then, or else the present one; and
 *          what a change put is the first version ended after that change.
 *          Keeping is appending: an overwrite touches no other page for it.
 *
 * RULES    1. A batch's versions are in its transaction: history and state
 *             never part.
 *          2. Versions are noted when they end: a key that was absent leaves
 *             none, and a deletion no other than the one it ends.
 *          3. Compaction goes by batches, the oldest first.  Before the first
 *             version of one is dropped, the oldest sequence that can be read
 *             is that batch's own.  So who looks for versions that ended later
 *             never comes to one that was dropped but as to an end; ids are
 *             not given out again.
 *          4. A step of it drops a few versions, and twice as many as were
 *             kept since the last one; while there are more bytes than may
 *             be, as many bytes, too.  So the bound on bytes holds, and what
 *             a batch waits for it is in proportion to what the batch kept.
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

#define STATEMENTS 11

/* A version's place among its key's; depth 0: it is not there. */
struct link {
	uint64_t id, depth, jump;
};

/* Places of the newest: keys that are overwritten often have theirs here. */
#define RECENT 8192

struct versions {
	union {
		struct {
			struct sqlite3_stmt *keep, *node;
			struct sqlite3_stmt *gone_get, *gone_put, *gone_drop;
			struct sqlite3_stmt *note, *save;
			struct sqlite3_stmt *first, *old, *drop, *drop_batch;
		};
		struct sqlite3_stmt *all[STATEMENTS];
	};
	struct store_retention retention;
	struct store_past past;
	uint64_t last_id, gone;
	bool has_row;    /* of retention */
	bool is_changed; /* since that was written */

	/* The batch at hand. */
	uint64_t seq, ord, bytes;
	struct buf notes;

	uint64_t kept;    /* versions and batches, since the last step */
	uint64_t stepped; /* bytes that the last step left */
	struct link recent[RECENT];
};

static enum ag_status
prepare_all(struct versions *v, struct sqlite3 *db, struct ag_error *err)
{
	const struct {
		struct sqlite3_stmt **stmt;
		const char *sql;
	} list[STATEMENTS] = {
		{ &v->keep,
		    "INSERT INTO superseded (id, key, seq, ord, deleted, prev, "
		    "jump, depth, version, created, modified, size, value) "
		    "SELECT ?2, key, ?3, ?4, ?5, ?6, ?7, ?8, version, created, "
		    "modified, size, value FROM kv WHERE key = ?1" },
		{ &v->node,
		    "SELECT depth, jump FROM superseded WHERE id = ?1" },
		{ &v->gone_get, "SELECT head FROM gone WHERE key = ?1" },
		{ &v->gone_put,
		    "REPLACE INTO gone (key, head) VALUES (?1, ?2)" },
		{ &v->gone_drop,
		    "DELETE FROM gone WHERE key = ?1 AND head = ?2" },
		{ &v->note,
		    "INSERT INTO changes (seq, time_ms, bytes, last_id, notes) "
		    "VALUES (?1, ?2, ?3, ?4, ?5)" },
		{ &v->save,
		    "REPLACE INTO retention (id, oldest, versions, bytes, "
		    "last_id, gone) VALUES (1, ?1, ?2, ?3, ?4, ?5)" },
		{ &v->first,
		    "SELECT seq, time_ms, bytes, last_id FROM changes "
		    "ORDER BY seq LIMIT 1" },
		{ &v->old,
		    "SELECT id, key, deleted FROM superseded WHERE id <= ?1 "
		    "ORDER BY id LIMIT 1" },
		{ &v->drop, "DELETE FROM superseded WHERE id = ?1" },
		{ &v->drop_batch, "DELETE FROM changes WHERE seq = ?1" },
	};
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; status == AG_OK && i < STATEMENTS; i++)
		status = db_prepare(db, list[i].stmt, list[i].sql, err);
	return status;
}

static enum ag_status
load(struct versions *v, struct sqlite3 *db, struct ag_error *err)
{
	struct sqlite3_stmt *stmt = NULL;
	enum ag_status status;

	status = db_prepare(db, &stmt,
	    "SELECT oldest, versions, bytes, last_id, gone "
	    "FROM retention",
	    err);
	if (status == AG_OK)
		status = db_step(stmt, err);
	if (status == AG_OK) {
		v->has_row = true;
		v->past.oldest = db_column_uint(stmt, 0);
		v->past.versions = db_column_uint(stmt, 1);
		v->past.bytes = db_column_uint(stmt, 2);
		v->last_id = db_column_uint(stmt, 3);
		v->gone = db_column_uint(stmt, 4);
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
	v->stepped = v->past.bytes;
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
	size_t i;

	if (v == NULL)
		return;
	for (i = 0; i < STATEMENTS; i++)
		if (v->all[i] != NULL)
			db_finalize(v->all[i]);
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
note_change(struct versions *v, struct bytes key, bool is_delete,
    struct ag_error *err)
{
	const uint8_t head[NOTE_HEAD_BYTES] = { (uint8_t)key.len,
		(uint8_t)(key.len >> 8), is_delete ? NOTE_DELETE : 0 };
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
node_read(struct versions *v, uint64_t id, struct link *node,
    struct ag_error *err)
{
	enum ag_status status;

	*node = v->recent[id % RECENT];
	if (node->id == id)
		return AG_OK;
	*node = (struct link){ .id = id };
	db_bind_uint(v->node, 1, id);
	status = db_step(v->node, err);
	if (status != AG_OK)
		return status == AG_ENOENT ? AG_OK : status;
	node->depth = db_column_uint(v->node, 0);
	node->jump = db_column_uint(v->node, 1);
	db_reset(v->node);
	return AG_OK;
}

/* The place of one behind prev. */
static enum ag_status
node_behind(struct versions *v, uint64_t prev, struct link *node,
    struct ag_error *err)
{
	struct link p, j, jj = { 0 };
	enum ag_status status = node_read(v, prev, &p, err);

	if (status == AG_OK)
		status = node_read(v, p.jump, &j, err);
	if (status == AG_OK && j.depth > 0)
		status = node_read(v, j.jump, &jj, err);
	if (status != AG_OK)
		return status;
	node->depth = p.depth + 1;
	node->jump = p.depth - j.depth == j.depth - jj.depth ? j.jump : p.id;
	return AG_OK;
}

static enum ag_status
keep_old(struct versions *v, struct bytes key, const struct versions_old *old,
    bool is_delete, struct ag_error *err)
{
	struct link node = { 0 };
	enum ag_status status = node_behind(v, old->head, &node, err);

	if (status != AG_OK)
		return status;
	node.id = ++v->last_id;
	v->recent[node.id % RECENT] = node;
	db_bind_bytes(v->keep, 1, key);
	db_bind_uint(v->keep, 2, node.id);
	db_bind_uint(v->keep, 3, v->seq);
	db_bind_uint(v->keep, 4, v->ord);
	db_bind_uint(v->keep, 5, is_delete ? 1 : 0);
	db_bind_uint(v->keep, 6, old->head);
	db_bind_uint(v->keep, 7, node.jump);
	db_bind_uint(v->keep, 8, node.depth);
	v->bytes += VERSIONS_ROW_BYTES + key.len + old->value_len;
	v->past.versions++;
	v->kept++;
	return db_run(v->keep, err);
}

/* A key that comes back takes its versions from there. */
static enum ag_status
gone_take(struct versions *v, struct bytes key, uint64_t *head,
    struct ag_error *err)
{
	enum ag_status status;

	*head = 0;
	if (v->gone == 0)
		return AG_OK;
	db_bind_bytes(v->gone_get, 1, key);
	status = db_step(v->gone_get, err);
	if (status != AG_OK)
		return status == AG_ENOENT ? AG_OK : status;
	*head = db_column_uint(v->gone_get, 0);
	db_reset(v->gone_get);
	v->gone--;
	db_bind_bytes(v->gone_drop, 1, key);
	db_bind_uint(v->gone_drop, 2, *head);
	return db_run(v->gone_drop, err);
}

static enum ag_status
gone_put(struct versions *v, struct bytes key, uint64_t head,
    struct ag_error *err)
{
	v->gone++;
	db_bind_bytes(v->gone_put, 1, key);
	db_bind_uint(v->gone_put, 2, head);
	return db_run(v->gone_put, err);
}

enum ag_status
versions_change(struct versions *v, struct bytes key,
    const struct versions_old *old, bool is_delete, uint64_t *head,
    struct ag_error *err)
{
	enum ag_status status;

	*head = 0;
	if (operation_key_is_reserved(key))
		return AG_OK;
	if (v->retention.bytes == 0)
		return old->exists ? AG_OK : gone_take(v, key, head, err);
	status = note_change(v, key, is_delete, err);
	if (status == AG_OK && old->exists) {
		status = keep_old(v, key, old, is_delete, err);
		*head = v->last_id;
	} else if (status == AG_OK) {
		status = gone_take(v, key, head, err);
	}
	if (status == AG_OK && is_delete)
		status = gone_put(v, key, *head, err);
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
	db_bind_uint(v->note, 4, v->last_id);
	db_bind_bytes(v->note, 5, buf_bytes(&v->notes));
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
	db_bind_uint(v->save, 4, v->last_id);
	db_bind_uint(v->save, 5, v->gone);
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

/* A key that is gone, and of which nothing else is kept, is forgotten. */
static enum ag_status
forget_gone(struct versions *v, struct bytes key, uint64_t id,
    struct ag_error *err)
{
	enum ag_status status;

	db_bind_bytes(v->gone_get, 1, key);
	status = db_step(v->gone_get, err);
	if (status != AG_OK)
		return status == AG_ENOENT ? AG_OK : status;
	if (db_column_uint(v->gone_get, 0) == id) {
		v->gone -= v->gone > 0 ? 1 : 0;
		db_bind_bytes(v->gone_drop, 1, key);
		db_bind_uint(v->gone_drop, 2, id);
		status = db_run(v->gone_drop, err);
	}
	db_reset(v->gone_get);
	return status;
}

/* The oldest version up to that id.  AG_ENOENT: there is none. */
static enum ag_status
drop_one(struct versions *v, uint64_t last_id, struct ag_error *err)
{
	enum ag_status status;
	uint64_t id;

	db_bind_uint(v->old, 1, last_id);
	status = db_step(v->old, err);
	if (status != AG_OK)
		return status;
	id = db_column_uint(v->old, 0);
	if (db_column_uint(v->old, 2) != 0)
		status = forget_gone(v, db_column_bytes(v->old, 1), id, err);
	db_reset(v->old);
	if (status != AG_OK)
		return status;
	v->past.versions -= v->past.versions > 0 ? 1 : 0;
	db_bind_uint(v->drop, 1, id);
	return db_run(v->drop, err);
}

/* The oldest batch, or as much of it as is left.  AG_ENOENT: none is to go. */
static enum ag_status
compact_one(struct versions *v, uint64_t now_ms, uint64_t *left,
    struct ag_error *err)
{
	enum ag_status status = db_step(v->first, err);
	uint64_t seq, bytes, last_id;

	if (status != AG_OK)
		return status;
	if (!is_over(v, now_ms)) {
		db_reset(v->first);
		return AG_ENOENT;
	}
	seq = db_column_uint(v->first, 0);
	bytes = db_column_uint(v->first, 2);
	last_id = db_column_uint(v->first, 3);
	db_reset(v->first);
	v->past.oldest = seq > v->past.oldest ? seq : v->past.oldest;
	v->is_changed = true;
	for (; status == AG_OK && *left > 0; --*left)
		status = drop_one(v, last_id, err);
	if (status != AG_ENOENT)
		return status;
	v->past.bytes -= bytes < v->past.bytes ? bytes : v->past.bytes;
	db_bind_uint(v->drop_batch, 1, seq);
	return db_run(v->drop_batch, err);
}

/* Beyond what may be, and beyond what the last step left? */
static bool
has_grown(const struct versions *v)
{
	return v->past.bytes > v->retention.bytes && v->past.bytes > v->stepped;
}

enum ag_status
versions_compact(struct versions *v, uint64_t now_ms, bool *is_done,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	uint64_t left = STEP_VERSIONS + 2 * v->kept;

	v->kept = 0;
	while (status == AG_OK && (left > 0 || has_grown(v))) {
		left += left == 0 ? STEP_VERSIONS : 0;
		status = compact_one(v, now_ms, &left, err);
	}
	v->stepped = v->past.bytes;
	*is_done = status == AG_ENOENT;
	return *is_done ? AG_OK : status;
}
