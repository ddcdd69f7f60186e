/*
 * Reading superseded versions.
 *
 * RULES    1. A read transaction is never left open between calls.
 *          2. What compaction has begun to drop is not shown: versions that
 *             ended at the oldest sequence or before.
 *          3. Work is bounded by keys looked at, not by entries found: of a
 *             range that was empty then, all keys may have come since.
 *          4. Keys of the cluster itself have no history, and are not found.
 */
#include "store/versions_read.h"

#include <stdlib.h>
#include <string.h>

#include "db/db.h"
#include "store/sealed_value.h"
#include "store/store_parts.h"
#include "store/versions.h"

/* Keys looked at for a page, and batches for a feed. */
#define LOOKS_MAX 4000
#define BATCHES_MAX 4096

/* SQLite's integers are signed. */
#define SEQ_MAX ((uint64_t)INT64_MAX)

enum statement {
	BEGIN,
	END,
	BOUNDS,
	PRESENT,     /* keys of a range, in order */
	PRESENT_KEY, /* one key */
	OLD_KEY,     /* the first key with a superseded version */
	OLD_AT,      /* the first version of a key ended after a sequence */
	OLD_AFTER,   /* or after a change */
	OLD_FORWARD, /* versions of a key, by their ends */
	OLD_BACKWARD,
	CHANGES,
	STATEMENTS
};

#define ENTRY "key, version, created, modified, size, value"
#define OLD_ENTRY "SELECT " ENTRY ", seq, ord, deleted FROM superseded "

static const char *const sql[STATEMENTS] = {
	[BEGIN] = "BEGIN",
	[END] = "COMMIT",
	[BOUNDS] = "SELECT seq, coalesce((SELECT oldest FROM retention), seq) "
		   "FROM meta",
	[PRESENT] = "SELECT " ENTRY " FROM kv WHERE key >= ?1 AND key < ?2 "
		    "ORDER BY key",
	[PRESENT_KEY] = "SELECT " ENTRY " FROM kv WHERE key = ?1",
	[OLD_KEY] = "SELECT key FROM superseded WHERE key >= ?1 AND key < ?2 "
		    "ORDER BY key LIMIT 1",
	[OLD_AT] = OLD_ENTRY "WHERE key = ?1 AND seq > ?2 "
			     "ORDER BY seq, ord LIMIT 1",
	[OLD_AFTER] = OLD_ENTRY "WHERE key = ?1 AND (seq, ord) > (?2, ?3) "
				"ORDER BY seq, ord LIMIT 1",
	[OLD_FORWARD] = OLD_ENTRY "WHERE key = ?1 AND (seq, ord) > (?2, ?3) "
				  "ORDER BY seq, ord",
	[OLD_BACKWARD] = OLD_ENTRY "WHERE key = ?1 AND (seq, ord) < (?2, ?3) "
				   "AND seq > ?4 ORDER BY seq DESC, ord DESC",
	[CHANGES] = "SELECT seq, notes FROM changes WHERE seq >= ?1 "
		    "ORDER BY seq",
};

struct versions_reader {
	struct sqlite3_stmt *stmts[STATEMENTS];
	struct sealed_value *values;
	uint8_t past_all[KEY_BYTES_MAX + 1]; /* above any key */
};

enum ag_status
versions_read_open(struct versions_reader **out, struct sqlite3 *db,
    struct sealed_value *values, struct ag_error *err)
{
	struct versions_reader *r = calloc(1, sizeof(*r));
	enum ag_status status = AG_OK;
	size_t i;

	*out = NULL;
	if (r == NULL)
		return ag_fail(err, AG_ENOMEM, "read state: out of memory");
	r->values = values;
	memset(r->past_all, 0xff, sizeof(r->past_all));
	for (i = 0; status == AG_OK && i < STATEMENTS; i++)
		status = db_prepare(db, &r->stmts[i], sql[i], err);
	if (status != AG_OK) {
		versions_read_close(r);
		return status;
	}
	*out = r;
	return AG_OK;
}

void
versions_read_close(struct versions_reader *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < STATEMENTS; i++)
		if (r->stmts[i] != NULL)
			db_finalize(r->stmts[i]);
	free(r);
}

/* --- a read transaction --- */

static enum ag_status
view_begin(struct versions_reader *r, struct versions_page *page,
    struct ag_error *err)
{
	enum ag_status status = db_run(r->stmts[BEGIN], err);

	page->more = false;
	page->next_len = 0;
	if (status == AG_OK)
		status = db_step(r->stmts[BOUNDS], err);
	if (status != AG_OK)
		return status;
	page->seq = db_column_uint(r->stmts[BOUNDS], 0);
	page->oldest = db_column_uint(r->stmts[BOUNDS], 1);
	db_reset(r->stmts[BOUNDS]);
	return AG_OK;
}

/* Also after a failure, which then is what is told of. */
static enum ag_status
view_end(struct versions_reader *r, enum ag_status status, struct ag_error *err)
{
	enum ag_status ended;
	size_t i;

	for (i = PRESENT; i < STATEMENTS; i++)
		db_reset(r->stmts[i]);
	ended = db_run(r->stmts[END], status == AG_OK ? err : NULL);
	return status == AG_OK ? ended : status;
}

static enum ag_status
refuse_seq(uint64_t seq, const struct versions_page *page, struct ag_error *err)
{
	if (seq > page->seq)
		return ag_fail(err, AG_EUNREACH,
		    "sequence %llu is not executed here yet; this node is at "
		    "%llu",
		    (unsigned long long)seq, (unsigned long long)page->seq);
	return ag_fail(err, AG_EREFUSED,
	    "sequence %llu is before %llu, the oldest that this node can "
	    "answer for",
	    (unsigned long long)seq, (unsigned long long)page->oldest);
}

/* The entry a row has; its value is opened only when it is wanted. */
static enum ag_status
row_entry(struct versions_reader *r, struct sqlite3_stmt *row, bool keys_only,
    struct store_entry *entry, struct ag_error *err)
{
	*entry = (struct store_entry){
		.key = db_column_bytes(row, 0),
		.version = db_column_uint(row, 1),
		.created = db_column_uint(row, 2),
		.modified = db_column_uint(row, 3),
	};
	return keys_only ? AG_OK
			 : sealed_value_open(r->values, entry->key,
			       entry->version, db_column_uint(row, 4),
			       db_column_bytes(row, 5), &entry->value, err);
}

/* --- a range at a sequence --- */

/* Two walks side by side: of present keys, and of those with old versions. */
struct walk {
	struct versions_reader *r;
	uint64_t seq;
	struct bytes last;
	bool keys_only;
	bool has_present, has_old;
	uint8_t old[KEY_BYTES_MAX];
	size_t old_len;
};

static enum ag_status
present_step(struct walk *w, struct ag_error *err)
{
	enum ag_status status = db_step(w->r->stmts[PRESENT], err);

	w->has_present = status == AG_OK;
	return status == AG_ENOENT ? AG_OK : status;
}

static enum ag_status
old_step(struct walk *w, struct bytes from, struct ag_error *err)
{
	struct sqlite3_stmt *stmt = w->r->stmts[OLD_KEY];
	enum ag_status status;
	struct bytes key;

	db_bind_bytes(stmt, 1, from);
	db_bind_bytes(stmt, 2, w->last);
	status = db_step(stmt, err);
	w->has_old = status == AG_OK;
	if (!w->has_old)
		return status == AG_ENOENT ? AG_OK : status;
	key = db_column_bytes(stmt, 0);
	if (key.len > KEY_BYTES_MAX)
		status = ag_fail(err, AG_ECORRUPT, "state: a key is too long");
	else
		memcpy(w->old, key.data, key.len);
	w->old_len = key.len;
	db_reset(stmt);
	return status;
}

static enum ag_status
walk_begin(struct walk *w, struct bytes first, struct bytes last,
    struct ag_error *err)
{
	enum ag_status status;

	w->last = last.len > 0
	    ? last
	    : bytes_of(w->r->past_all, sizeof(w->r->past_all));
	db_bind_bytes(w->r->stmts[PRESENT], 1, first);
	db_bind_bytes(w->r->stmts[PRESENT], 2, w->last);
	status = present_step(w, err);
	return status == AG_OK ? old_step(w, first, err) : status;
}

static struct bytes
present_key(const struct walk *w)
{
	return db_column_bytes(w->r->stmts[PRESENT], 0);
}

/* Which comes first: < 0 the present key, > 0 the old one, 0 both are one. */
static int
walk_compare(const struct walk *w)
{
	if (!w->has_old)
		return -1;
	if (!w->has_present)
		return 1;
	return bytes_compare(present_key(w), bytes_of(w->old, w->old_len));
}

static struct bytes
walk_key(const struct walk *w)
{
	return walk_compare(w) > 0 ? bytes_of(w->old, w->old_len)
				   : present_key(w);
}

/* The row of the version in force then; NULL: the key was absent. */
static enum ag_status
walk_find(struct walk *w, struct sqlite3_stmt **row, struct ag_error *err)
{
	const int order = walk_compare(w);
	enum ag_status status = AG_ENOENT;

	*row = NULL;
	if (order >= 0) {
		*row = w->r->stmts[OLD_AT];
		db_reset(*row);
		db_bind_bytes(*row, 1, bytes_of(w->old, w->old_len));
		db_bind_uint(*row, 2, w->seq);
		status = db_step(*row, err);
	}
	if (status == AG_ENOENT)
		*row = order <= 0 ? w->r->stmts[PRESENT] : NULL;
	else if (status != AG_OK)
		return status;
	if (*row != NULL && db_column_uint(*row, 3) > w->seq)
		*row = NULL;
	return AG_OK;
}

static enum ag_status
walk_step(struct walk *w, struct ag_error *err)
{
	const int order = walk_compare(w);
	uint8_t from[KEY_BYTES_MAX + 1];
	enum ag_status status = AG_OK;

	if (order <= 0)
		status = present_step(w, err);
	if (status != AG_OK || order < 0)
		return status;
	memcpy(from, w->old, w->old_len);
	from[w->old_len] = 0;
	return old_step(w, bytes_of(from, w->old_len + 1), err);
}

static void
walk_leave(const struct walk *w, struct versions_page *page)
{
	const struct bytes key = walk_key(w);

	page->more = true;
	page->next_len = key.len;
	memcpy(page->next, key.data, key.len);
}

static enum ag_status
walk_all(struct walk *w, size_t limit,
    bool (*visit)(void *arg, const struct store_entry *entry), void *arg,
    struct versions_page *page, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct store_entry entry;
	struct sqlite3_stmt *row;
	size_t looks = 0;

	while (status == AG_OK && (w->has_present || w->has_old)) {
		if (limit == 0 || looks++ == LOOKS_MAX) {
			walk_leave(w, page);
			break;
		}
		status = walk_find(w, &row, err);
		if (status == AG_OK && row != NULL &&
		    !operation_key_is_reserved(walk_key(w))) {
			status =
			    row_entry(w->r, row, w->keys_only, &entry, err);
			if (status == AG_OK && !visit(arg, &entry)) {
				walk_leave(w, page);
				break;
			}
			limit--;
		}
		if (status == AG_OK)
			status = walk_step(w, err);
	}
	return status;
}

enum ag_status
versions_read_range(struct store_reader *reader, uint64_t seq,
    struct bytes first, struct bytes last, size_t limit, bool keys_only,
    bool (*visit)(void *arg, const struct store_entry *entry), void *arg,
    struct versions_page *page, struct ag_error *err)
{
	struct walk walk = {
		.r = store_reader_past(reader),
		.seq = seq,
		.keys_only = keys_only,
	};
	enum ag_status status = view_begin(walk.r, page, err);

	if (status == AG_OK && (seq > page->seq || seq < page->oldest))
		status = refuse_seq(seq, page, err);
	if (status == AG_OK)
		status = walk_begin(&walk, first, last, err);
	if (status == AG_OK)
		status = walk_all(&walk, limit, visit, arg, page, err);
	return view_end(walk.r, status, err);
}

/* --- the versions of a key --- */

struct versions_walk {
	struct versions_reader *r;
	size_t limit;
	bool (*visit)(void *arg, const struct versions_version *version);
	void *arg;
	struct versions_page *page;
	bool is_over; /* it was not taken, or is one more than wanted */
};

static enum ag_status
version_show(struct versions_walk *w, struct sqlite3_stmt *row, bool is_old,
    struct ag_error *err)
{
	struct versions_version version = { .end = { UINT64_MAX, 0 } };
	enum ag_status status;

	if (w->limit == 0) {
		w->is_over = true;
		return AG_OK;
	}
	status = row_entry(w->r, row, false, &version.entry, err);
	if (status != AG_OK)
		return status;
	if (is_old) {
		version.end.seq = db_column_uint(row, 6);
		version.end.ord = db_column_uint(row, 7);
		version.is_deleted = db_column_uint(row, 8) != 0;
	}
	w->is_over = !w->visit(w->arg, &version);
	w->limit--;
	return AG_OK;
}

static enum ag_status
show_old(struct versions_walk *w, struct bytes key,
    const struct versions_end *after, bool is_reverse, struct ag_error *err)
{
	struct sqlite3_stmt *row =
	    w->r->stmts[is_reverse ? OLD_BACKWARD : OLD_FORWARD];
	enum ag_status status = AG_OK;

	db_bind_bytes(row, 1, key);
	db_bind_uint(row, 2, after->seq < SEQ_MAX ? after->seq : SEQ_MAX);
	db_bind_uint(row, 3, after->ord < SEQ_MAX ? after->ord : SEQ_MAX);
	if (is_reverse)
		db_bind_uint(row, 4, w->page->oldest);
	while (status == AG_OK && !w->is_over) {
		status = db_step(row, err);
		if (status == AG_OK)
			status = version_show(w, row, true, err);
	}
	return status == AG_ENOENT ? AG_OK : status;
}

static enum ag_status
show_present(struct versions_walk *w, struct bytes key, struct ag_error *err)
{
	struct sqlite3_stmt *row = w->r->stmts[PRESENT_KEY];
	enum ag_status status;

	if (w->is_over)
		return AG_OK;
	db_bind_bytes(row, 1, key);
	status = db_step(row, err);
	if (status == AG_ENOENT)
		return AG_OK;
	return status == AG_OK ? version_show(w, row, false, err) : status;
}

enum ag_status
versions_read_key(struct store_reader *reader, struct bytes key,
    const struct versions_end *after, bool is_reverse, size_t limit,
    bool (*visit)(void *arg, const struct versions_version *version), void *arg,
    struct versions_page *page, struct ag_error *err)
{
	struct versions_walk walk = {
		.r = store_reader_past(reader),
		.limit = limit,
		.visit = visit,
		.arg = arg,
		.page = page,
	};
	const bool is_first = after->seq == (is_reverse ? UINT64_MAX : 0);
	struct versions_end from = *after;
	enum ag_status status = view_begin(walk.r, page, err);

	if (!is_reverse && from.seq <= page->oldest)
		from = (struct versions_end){ page->oldest, UINT64_MAX };
	if (status == AG_OK && is_reverse && is_first)
		status = show_present(&walk, key, err);
	if (status == AG_OK)
		status = show_old(&walk, key, &from, is_reverse, err);
	if (status == AG_OK && !is_reverse && after->seq != UINT64_MAX)
		status = show_present(&walk, key, err);
	page->more = walk.is_over;
	return view_end(walk.r, status, err);
}

/* --- changes --- */

/* The first version of a key that ended after a change. */
static enum ag_status
find_after(struct versions_reader *r, struct bytes key, uint64_t seq,
    uint64_t ord, struct sqlite3_stmt **row, struct ag_error *err)
{
	*row = r->stmts[OLD_AFTER];
	db_reset(*row);
	db_bind_bytes(*row, 1, key);
	db_bind_uint(*row, 2, seq);
	db_bind_uint(*row, 3, ord);
	return db_step(*row, err);
}

/* What the change put is that, or the present one. */
static enum ag_status
find_put(struct versions_reader *r, struct bytes key, uint64_t seq,
    uint64_t ord, struct sqlite3_stmt **row, struct ag_error *err)
{
	enum ag_status status = find_after(r, key, seq, ord, row, err);

	if (status != AG_ENOENT)
		return status;
	*row = r->stmts[PRESENT_KEY];
	db_reset(*row);
	db_bind_bytes(*row, 1, key);
	return db_step(*row, err);
}

/* What a deletion ended: the version that ended right there. */
static enum ag_status
find_deleted(struct versions_reader *r, struct bytes key, uint64_t seq,
    uint64_t ord, struct sqlite3_stmt **row, struct ag_error *err)
{
	enum ag_status status = ord > 0
	    ? find_after(r, key, seq, ord - 1, row, err)
	    : find_after(r, key, seq - 1, SEQ_MAX, row, err);

	return status == AG_OK &&
		(db_column_uint(*row, 6) != seq ||
		    db_column_uint(*row, 7) != ord)
	    ? AG_ENOENT
	    : status;
}

static enum ag_status
show_change(struct versions_reader *r, uint64_t seq, uint64_t ord,
    const struct versions_note *note, const struct versions_feed *feed,
    size_t *bytes, struct ag_error *err)
{
	struct store_change change = { .seq = seq,
		.is_delete = note->is_delete };
	struct sqlite3_stmt *row = NULL;
	enum ag_status status;

	status = (note->is_delete ? find_deleted : find_put)(r, note->key, seq,
	    ord, &row, err);
	if (status == AG_OK)
		status = row_entry(r, row, note->is_delete, &change.entry, err);
	if (status == AG_OK && !note->is_delete && change.entry.modified != seq)
		status = AG_ENOENT;
	if (status == AG_ENOENT)
		return ag_fail(err, AG_ECORRUPT,
		    "state: the history of sequence %llu lacks a version",
		    (unsigned long long)seq);
	if (status != AG_OK)
		return status;
	if (note->is_delete) {
		change.entry.version = 0;
		change.entry.modified = seq;
	}
	*bytes += note->key.len + change.entry.value.len;
	return feed->change(feed->arg, &change)
	    ? AG_OK
	    : ag_fail(err, AG_ENOMEM, "read changes: out of memory");
}

static enum ag_status
show_batch(struct versions_reader *r, const struct versions_feed *feed,
    size_t *bytes, struct ag_error *err)
{
	struct sqlite3_stmt *batch = r->stmts[CHANGES];
	const uint64_t seq = db_column_uint(batch, 0);
	const struct bytes notes = db_column_bytes(batch, 1);
	enum ag_status status = AG_OK;
	struct versions_note note;
	uint64_t ord = 0;
	size_t at = 0;

	while (status == AG_OK && versions_next_note(notes, &at, &note)) {
		if (feed->wants(feed->arg, note.key))
			status =
			    show_change(r, seq, ord, &note, feed, bytes, err);
		ord++;
	}
	if (status == AG_OK && at != notes.len)
		status = ag_fail(err, AG_ECORRUPT,
		    "state: the history of sequence %llu is damaged",
		    (unsigned long long)seq);
	return status;
}

enum ag_status
versions_read_changes(struct store_reader *reader, uint64_t from,
    const struct versions_feed *feed, uint64_t *next,
    struct versions_page *page, struct ag_error *err)
{
	struct versions_reader *r = store_reader_past(reader);
	enum ag_status status = view_begin(r, page, err);
	size_t bytes = 0, batches = 0;

	*next = from;
	if (status == AG_OK && from <= page->oldest)
		status = refuse_seq(from - 1, page, err);
	if (status == AG_OK)
		db_bind_uint(r->stmts[CHANGES], 1,
		    from < SEQ_MAX ? from : SEQ_MAX);
	while (status == AG_OK && bytes < feed->most_bytes &&
	    batches++ < BATCHES_MAX) {
		status = db_step(r->stmts[CHANGES], err);
		if (status != AG_OK)
			break;
		*next = db_column_uint(r->stmts[CHANGES], 0) + 1;
		status = show_batch(r, feed, &bytes, err);
	}
	if (status == AG_ENOENT) {
		*next = page->seq >= from ? page->seq + 1 : from;
		status = AG_OK;
	}
	return view_end(r, status, err);
}
