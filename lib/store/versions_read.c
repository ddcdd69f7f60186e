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
	PRESENT, /* keys of a range, in order */
	GONE,    /* the same of those that are absent and were not */
	PRESENT_KEY,
	GONE_KEY,
	NODE, /* a version's place */
	OLD,  /* a version */
	CHANGES,
	STATEMENTS
};

#define ENTRY "key, version, created, modified, size, value"

/* Columns behind an entry's. */
#define COLUMN_HEAD 6
#define COLUMN_SEQ 6
#define COLUMN_ORD 7
#define COLUMN_DELETED 8

static const char *const sql[STATEMENTS] = {
	[BEGIN] = "BEGIN",
	[END] = "COMMIT",
	[BOUNDS] = "SELECT seq, coalesce((SELECT oldest FROM retention), seq) "
		   "FROM meta",
	[PRESENT] = "SELECT " ENTRY ", head FROM kv "
		    "WHERE key >= ?1 AND key < ?2 ORDER BY key",
	[GONE] = "SELECT key, head FROM gone WHERE key >= ?1 AND key < ?2 "
		 "ORDER BY key",
	[PRESENT_KEY] = "SELECT " ENTRY ", head FROM kv WHERE key = ?1",
	[GONE_KEY] = "SELECT key, head FROM gone WHERE key = ?1",
	[NODE] = "SELECT seq, ord, prev, jump FROM superseded WHERE id = ?1",
	[OLD] = "SELECT " ENTRY ", seq, ord, deleted FROM superseded "
		"WHERE id = ?1",
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

/* --- the chain of a key's versions, from its newest back --- */

struct link {
	uint64_t id; /* 0: there is none, or none any more */
	struct versions_end end;
	uint64_t prev, jump;
};

static enum ag_status
node_read(struct versions_reader *r, uint64_t id, struct link *node,
    struct ag_error *err)
{
	struct sqlite3_stmt *stmt = r->stmts[NODE];
	enum ag_status status;

	*node = (struct link){ 0 };
	if (id == 0)
		return AG_OK;
	db_bind_uint(stmt, 1, id);
	status = db_step(stmt, err);
	if (status != AG_OK)
		return status == AG_ENOENT ? AG_OK : status;
	*node = (struct link){ .id = id,
		.end = { db_column_uint(stmt, 0), db_column_uint(stmt, 1) },
		.prev = db_column_uint(stmt, 2),
		.jump = db_column_uint(stmt, 3) };
	db_reset(stmt);
	/* They only ever lead back: no damage makes a circle. */
	if (node->prev >= id || node->jump >= id)
		return ag_fail(err, AG_ECORRUPT,
		    "state: the history of a key is damaged");
	return AG_OK;
}

static bool
ended_after(const struct link *node, const struct versions_end *end)
{
	return node->id != 0 &&
	    (node->end.seq > end->seq ||
		(node->end.seq == end->seq && node->end.ord > end->ord));
}

/* The first version that ended after that; id 0: none did. */
static enum ag_status
chain_find(struct versions_reader *r, uint64_t head,
    const struct versions_end *end, struct link *found, struct ag_error *err)
{
	enum ag_status status = node_read(r, head, found, err);
	struct link next;

	if (status == AG_OK && !ended_after(found, end))
		*found = (struct link){ 0 };
	while (status == AG_OK && found->id != 0) {
		status = node_read(r, found->jump, &next, err);
		if (status == AG_OK && !ended_after(&next, end))
			status = node_read(r, found->prev, &next, err);
		if (status != AG_OK || !ended_after(&next, end))
			break;
		*found = next;
	}
	return status;
}

/* The row of a version that is there, which must be the key's. */
static enum ag_status
old_row(struct versions_reader *r, const struct link *node, struct bytes key,
    struct sqlite3_stmt **row, struct ag_error *err)
{
	enum ag_status status;

	*row = r->stmts[OLD];
	db_reset(*row);
	db_bind_uint(*row, 1, node->id);
	status = db_step(*row, err);
	if (status == AG_ENOENT ||
	    (status == AG_OK && !bytes_equal(db_column_bytes(*row, 0), key)))
		return ag_fail(err, AG_ECORRUPT,
		    "state: the history of a key is damaged");
	return status;
}

/* A key's row in kv, or NULL, and the newest of its versions that ended. */
static enum ag_status
key_find(struct versions_reader *r, struct bytes key,
    struct sqlite3_stmt **present, uint64_t *head, struct ag_error *err)
{
	struct sqlite3_stmt *row = r->stmts[PRESENT_KEY];
	enum ag_status status;

	*head = 0;
	*present = NULL;
	db_reset(row);
	db_bind_bytes(row, 1, key);
	status = db_step(row, err);
	if (status == AG_OK) {
		*present = row;
		*head = db_column_uint(row, COLUMN_HEAD);
		return AG_OK;
	}
	if (status != AG_ENOENT)
		return status;
	row = r->stmts[GONE_KEY];
	db_bind_bytes(row, 1, key);
	status = db_step(row, err);
	if (status == AG_OK)
		*head = db_column_uint(row, 1);
	db_reset(row);
	return status == AG_ENOENT ? AG_OK : status;
}

/* --- a range at a sequence --- */

/* Two walks side by side: of present keys, and of those that are gone. */
struct walk {
	struct versions_reader *r;
	uint64_t seq;
	bool keys_only;
	bool has_present, has_gone;
};

static enum ag_status
walk_step(struct walk *w, enum statement which, bool *has, struct ag_error *err)
{
	enum ag_status status = db_step(w->r->stmts[which], err);

	*has = status == AG_OK;
	return status == AG_ENOENT ? AG_OK : status;
}

static enum ag_status
walk_begin(struct walk *w, struct bytes first, struct bytes last,
    struct ag_error *err)
{
	enum ag_status status;
	enum statement which;

	if (last.len == 0)
		last = bytes_of(w->r->past_all, sizeof(w->r->past_all));
	for (which = PRESENT; which <= GONE; which++) {
		db_bind_bytes(w->r->stmts[which], 1, first);
		db_bind_bytes(w->r->stmts[which], 2, last);
	}
	status = walk_step(w, PRESENT, &w->has_present, err);
	return status == AG_OK ? walk_step(w, GONE, &w->has_gone, err) : status;
}

static bool
is_at_present(const struct walk *w)
{
	if (!w->has_gone || !w->has_present)
		return w->has_present;
	return bytes_compare(db_column_bytes(w->r->stmts[PRESENT], 0),
		   db_column_bytes(w->r->stmts[GONE], 0)) < 0;
}

static struct bytes
walk_key(const struct walk *w)
{
	return db_column_bytes(w->r->stmts[is_at_present(w) ? PRESENT : GONE],
	    0);
}

/* The row of the version in force then; NULL: the key was absent. */
static enum ag_status
walk_find(struct walk *w, struct sqlite3_stmt **row, struct ag_error *err)
{
	const bool is_present = is_at_present(w);
	const struct versions_end end = { w->seq, UINT64_MAX };
	enum ag_status status;
	struct link node;

	*row = w->r->stmts[is_present ? PRESENT : GONE];
	if (is_present && db_column_uint(*row, 3) <= w->seq)
		return AG_OK;
	status =
	    chain_find(w->r, db_column_uint(*row, is_present ? COLUMN_HEAD : 1),
		&end, &node, err);
	*row = NULL;
	if (status == AG_OK && node.id != 0)
		status = old_row(w->r, &node, walk_key(w), row, err);
	if (status == AG_OK && *row != NULL && db_column_uint(*row, 3) > w->seq)
		*row = NULL;
	return status;
}

static enum ag_status
walk_on(struct walk *w, struct ag_error *err)
{
	return is_at_present(w) ? walk_step(w, PRESENT, &w->has_present, err)
				: walk_step(w, GONE, &w->has_gone, err);
}

static void
walk_leave(const struct walk *w, struct versions_page *page)
{
	const struct bytes key = walk_key(w);

	page->next_len = key.len < sizeof(page->next) ? key.len : 0;
	memcpy(page->next, key.data, page->next_len);
	page->more = page->next_len > 0;
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

	while (status == AG_OK && (w->has_present || w->has_gone)) {
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
			status = walk_on(w, err);
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
	struct bytes key;
	size_t limit;
	bool (*visit)(void *arg, const struct versions_version *version);
	void *arg;
	uint64_t oldest;
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
		version.end.seq = db_column_uint(row, COLUMN_SEQ);
		version.end.ord = db_column_uint(row, COLUMN_ORD);
		version.is_deleted = db_column_uint(row, COLUMN_DELETED) != 0;
	}
	w->is_over = !w->visit(w->arg, &version);
	w->limit--;
	return AG_OK;
}

static enum ag_status
show_old(struct versions_walk *w, const struct link *node, struct ag_error *err)
{
	struct sqlite3_stmt *row;
	enum ag_status status = old_row(w->r, node, w->key, &row, err);

	return status == AG_OK ? version_show(w, row, true, err) : status;
}

static enum ag_status
show_forward(struct versions_walk *w, uint64_t head, struct versions_end after,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct link node = { .id = 1 };

	while (status == AG_OK && !w->is_over) {
		status = chain_find(w->r, head, &after, &node, err);
		if (status != AG_OK || node.id == 0)
			break;
		after = node.end;
		status = show_old(w, &node, err);
	}
	return status;
}

/* Those that ended before that, back to the oldest that can be read. */
static enum ag_status
show_backward(struct versions_walk *w, uint64_t head,
    const struct versions_end *before, struct ag_error *err)
{
	struct versions_end last = *before;
	struct link node, next;
	enum ag_status status;

	if (last.ord-- == 0)
		last = (struct versions_end){ before->seq - 1, UINT64_MAX };
	status = chain_find(w->r, head, &last, &next, err);
	if (status == AG_OK)
		status = node_read(w->r, next.id == 0 ? head : next.prev, &node,
		    err);
	while (status == AG_OK && !w->is_over && node.id != 0 &&
	    node.end.seq > w->oldest) {
		status = show_old(w, &node, err);
		if (status == AG_OK)
			status = node_read(w->r, node.prev, &node, err);
	}
	return status;
}

static enum ag_status
show_all(struct versions_walk *w, const struct versions_end *after,
    bool is_reverse, struct ag_error *err)
{
	struct versions_end from = *after;
	struct sqlite3_stmt *present;
	enum ag_status status;
	uint64_t head;

	if (!is_reverse && from.seq <= w->oldest)
		from = (struct versions_end){ w->oldest, UINT64_MAX };
	status = key_find(w->r, w->key, &present, &head, err);
	if (status == AG_OK && present != NULL && is_reverse &&
	    from.seq == UINT64_MAX)
		status = version_show(w, present, false, err);
	if (status == AG_OK && is_reverse && from.seq > 0)
		status = show_backward(w, head, &from, err);
	else if (status == AG_OK && !is_reverse)
		status = show_forward(w, head, from, err);
	if (status == AG_OK && present != NULL && !is_reverse &&
	    from.seq != UINT64_MAX && !w->is_over)
		status = version_show(w, present, false, err);
	return status;
}

enum ag_status
versions_read_key(struct store_reader *reader, struct bytes key,
    const struct versions_end *after, bool is_reverse, size_t limit,
    bool (*visit)(void *arg, const struct versions_version *version), void *arg,
    struct versions_page *page, struct ag_error *err)
{
	struct versions_walk walk = {
		.r = store_reader_past(reader),
		.key = key,
		.limit = limit,
		.visit = visit,
		.arg = arg,
	};
	enum ag_status status = view_begin(walk.r, page, err);

	walk.oldest = page->oldest;
	if (status == AG_OK)
		status = show_all(&walk, after, is_reverse, err);
	page->more = walk.is_over;
	return view_end(walk.r, status, err);
}

/* --- changes --- */

/* What the change put: the first version ended after it, or the present one. */
static enum ag_status
find_put(struct versions_reader *r, struct bytes key,
    const struct versions_end *change, struct sqlite3_stmt **row,
    struct ag_error *err)
{
	enum ag_status status;
	struct link node;
	uint64_t head;

	status = key_find(r, key, row, &head, err);
	if (status == AG_OK)
		status = chain_find(r, head, change, &node, err);
	if (status != AG_OK)
		return status;
	if (node.id != 0)
		return old_row(r, &node, key, row, err);
	return *row == NULL ? AG_ENOENT : AG_OK;
}

/* What a deletion ended: the version that ended right there. */
static enum ag_status
find_deleted(struct versions_reader *r, struct bytes key,
    const struct versions_end *change, struct sqlite3_stmt **row,
    struct ag_error *err)
{
	struct versions_end before = { change->seq, change->ord - 1 };
	enum ag_status status;
	struct link node;
	uint64_t head;

	if (change->ord == 0)
		before = (struct versions_end){ change->seq - 1, UINT64_MAX };
	status = key_find(r, key, row, &head, err);
	if (status == AG_OK)
		status = chain_find(r, head, &before, &node, err);
	if (status != AG_OK)
		return status;
	return node.id != 0 && node.end.seq == change->seq &&
		node.end.ord == change->ord
	    ? old_row(r, &node, key, row, err)
	    : AG_ENOENT;
}

static enum ag_status
show_change(struct versions_reader *r, uint64_t seq, uint64_t ord,
    const struct versions_note *note, const struct versions_feed *feed,
    size_t *bytes, struct ag_error *err)
{
	struct store_change change = { .seq = seq,
		.is_delete = note->is_delete };
	const struct versions_end at = { seq, ord };
	struct sqlite3_stmt *row = NULL;
	enum ag_status status;

	status = (note->is_delete ? find_deleted : find_put)(r, note->key, &at,
	    &row, err);
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
