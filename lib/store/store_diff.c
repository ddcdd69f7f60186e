/*
 * Comparing two states.
 *
 * The tree's leaves stand in the state a row a bucket, rising by key hash, so
 * two states are compared like two sorted files: equal rows are passed over
 * whole, and what differs is a set of key hashes.  Keys are not indexed by
 * hash; both states' are walked once, and those of the set are told.
 *
 * RULES    1. What is read is checked: a row's length, and that hashes rise.
 *          2. What differs is what the trees say.  A value that was changed
 *             behind its leaf's back is not seen here.
 */
#include "store/store_diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/pages.h"
#include "db/db.h"
#include "store/leaves.h"
#include "store/store_parts.h"
#include "trust/state.h"

#define CACHE_KIB 2048
#define HASHES_FIRST 256

/* One of the two. */
struct side {
	struct sqlite3 *db;
	struct sqlite3_stmt *buckets, *keys, *find;
	uint64_t bucket; /* at hand; UINT64_MAX: no more */
	struct bytes leaves;
};

struct diff {
	struct side sides[2];
	struct digest *hashes; /* of keys that differ, rising */
	size_t count, cap;
};

static enum ag_status
open_frozen(struct sqlite3 **db, const char *dir, struct ag_error *err)
{
	char path[STORE_PATH_BYTES];
	const struct db_options options = {
		.path = path,
		.application_id = TABLES_APPLICATION_ID,
		.is_frozen = true,
		.cache_kib = CACHE_KIB,
	};
	enum ag_status status =
	    fs_join(path, sizeof(path), dir, TABLES_FILE, err);

	return status == AG_OK ? db_open(db, &options, err) : status;
}

/* --- a digest --- */

static enum ag_status
sessions_digest(struct sqlite3 *db, struct digest *out, struct ag_error *err)
{
	const struct session_config config = { SESSION_PRINCIPALS,
		SESSION_WINDOW };
	size_t len = session_size(&config);
	struct session_table *sessions;
	enum ag_status status;
	void *memory = pages_new(len);

	if (memory == NULL)
		return ag_fail(err, AG_ENOMEM, "read state: out of memory");
	sessions = session_init(memory, len, &config);
	status = tables_sessions_read(db, sessions, err);
	if (status == AG_OK)
		session_digest(sessions, out);
	pages_free(memory);
	return status;
}

static enum ag_status
leaves_root(struct sqlite3 *db, struct digest *out, struct ag_error *err)
{
	struct merkle *tree = merkle_new();
	struct leaves leaves;
	enum ag_status status;

	if (tree == NULL)
		return ag_fail(err, AG_ENOMEM, "read state: out of memory");
	status = leaves_init(&leaves, db, tree, err);
	if (status == AG_OK)
		merkle_root(tree, out);
	leaves_fini(&leaves);
	merkle_free(tree);
	return status;
}

enum ag_status
store_diff_digest(const char *dir, uint64_t *seq, struct digest *digest,
    struct ag_error *err)
{
	struct digest root, sessions;
	struct sqlite3 *db = NULL;
	struct tables_meta meta;
	enum ag_status status = open_frozen(&db, dir, err);

	if (status != AG_OK)
		return status;
	status = tables_meta_read(db, &meta, err);
	if (status == AG_ENOENT)
		status = ag_fail(err, AG_ECORRUPT,
		    "state %s: it does not say what it is", dir);
	if (status == AG_OK)
		status = leaves_root(db, &root, err);
	if (status == AG_OK)
		status = sessions_digest(db, &sessions, err);
	db_close(db);
	if (status != AG_OK)
		return status;
	*seq = meta.seq;
	state_digest(digest, meta.seq, meta.time_ms, &root, &sessions);
	return AG_OK;
}

/* --- leaves that differ --- */

static enum ag_status
side_open(struct side *s, const char *dir, struct ag_error *err)
{
	enum ag_status status = open_frozen(&s->db, dir, err);

	if (status == AG_OK)
		status = db_prepare(s->db, &s->buckets,
		    "SELECT id, leaves FROM bucket ORDER BY id", err);
	if (status == AG_OK)
		status = db_prepare(s->db, &s->keys,
		    "SELECT key, version, created, modified FROM kv "
		    "ORDER BY key",
		    err);
	if (status == AG_OK)
		status = db_prepare(s->db, &s->find,
		    "SELECT key, version, created, modified FROM kv "
		    "WHERE key = ?1",
		    err);
	return status;
}

/* The next row of leaves, which must be what the store writes. */
static enum ag_status
side_next(struct side *s, struct ag_error *err)
{
	enum ag_status status = db_step(s->buckets, err);
	const struct merkle_leaf *leaf;
	size_t i;

	if (status == AG_ENOENT) {
		s->bucket = UINT64_MAX;
		s->leaves = bytes_of(NULL, 0);
		return AG_OK;
	}
	if (status != AG_OK)
		return status;
	s->bucket = db_column_uint(s->buckets, 0);
	s->leaves = db_column_bytes(s->buckets, 1);
	leaf = (const void *)s->leaves.data;
	if (s->bucket >= MERKLE_BUCKETS ||
	    s->leaves.len % MERKLE_LEAF_BYTES != 0)
		status = AG_ECORRUPT;
	for (i = 0; status == AG_OK && i < s->leaves.len / MERKLE_LEAF_BYTES;
	     i++)
		if (merkle_bucket(leaf[i].key_hash) != s->bucket ||
		    (i > 0 &&
			memcmp(leaf[i - 1].key_hash, leaf[i].key_hash,
			    DIGEST_BYTES) >= 0))
			status = AG_ECORRUPT;
	if (status != AG_OK)
		return ag_fail(err, status,
		    "state: leaves of bucket %llu are damaged",
		    (unsigned long long)s->bucket);
	return AG_OK;
}

static enum ag_status
add_hash(struct diff *d, const uint8_t *key_hash, struct ag_error *err)
{
	if (d->count == STORE_DIFF_KEYS_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "compare states: more than %u keys differ",
		    STORE_DIFF_KEYS_MAX);
	if (d->count == d->cap) {
		size_t cap = d->cap == 0 ? HASHES_FIRST : d->cap * 2;
		struct digest *grown = realloc(d->hashes, cap * sizeof(*grown));

		if (grown == NULL)
			return ag_fail(err, AG_ENOMEM,
			    "compare states: out of memory");
		d->hashes = grown;
		d->cap = cap;
	}
	memcpy(d->hashes[d->count++].data, key_hash, DIGEST_BYTES);
	return AG_OK;
}

/* Two buckets' leaves, one or both of which may be none. */
static enum ag_status
compare_leaves(struct diff *d, struct bytes left, struct bytes right,
    struct ag_error *err)
{
	const struct merkle_leaf *l = (const void *)left.data;
	const struct merkle_leaf *r = (const void *)right.data;
	const size_t l_count = left.len / MERKLE_LEAF_BYTES;
	const size_t r_count = right.len / MERKLE_LEAF_BYTES;
	enum ag_status status = AG_OK;
	size_t i = 0, k = 0;

	while (status == AG_OK && (i < l_count || k < r_count)) {
		int order = i == l_count ? 1
		    : k == r_count
		    ? -1
		    : memcmp(l[i].key_hash, r[k].key_hash, DIGEST_BYTES);

		if (order != 0 ||
		    memcmp(l[i].value_hash, r[k].value_hash, DIGEST_BYTES) != 0)
			status = add_hash(d,
			    order <= 0 ? l[i].key_hash : r[k].key_hash, err);
		i += order <= 0;
		k += order >= 0;
	}
	return status;
}

static enum ag_status
compare_buckets(struct diff *d, struct ag_error *err)
{
	struct side *left = &d->sides[0], *right = &d->sides[1];
	const struct bytes none = bytes_of(NULL, 0);
	enum ag_status status = side_next(left, err);

	if (status == AG_OK)
		status = side_next(right, err);
	while (status == AG_OK &&
	    (left->bucket != UINT64_MAX || right->bucket != UINT64_MAX)) {
		const bool has_left = left->bucket <= right->bucket;
		const bool has_right = right->bucket <= left->bucket;

		if (!has_left || !has_right ||
		    !bytes_equal(left->leaves, right->leaves))
			status =
			    compare_leaves(d, has_left ? left->leaves : none,
				has_right ? right->leaves : none, err);
		if (status == AG_OK && has_left)
			status = side_next(left, err);
		if (status == AG_OK && has_right)
			status = side_next(right, err);
	}
	return status;
}

/* --- their keys --- */

static int
compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_BYTES);
}

static bool
is_wanted(const struct diff *d, struct bytes key)
{
	struct digest hash;

	digest_of(&hash, key);
	return bsearch(&hash, d->hashes, d->count, sizeof(*d->hashes),
		   compare_hashes) != NULL;
}

static struct store_entry
entry_of(struct sqlite3_stmt *stmt)
{
	return (struct store_entry){
		.key = db_column_bytes(stmt, 0),
		.version = db_column_uint(stmt, 1),
		.created = db_column_uint(stmt, 2),
		.modified = db_column_uint(stmt, 3),
	};
}

/* Tell a key of side `of`, with what the other has under it. */
static enum ag_status
tell_key(struct diff *d, size_t of, store_diff_fn *fn, void *arg, bool *goes_on,
    struct ag_error *err)
{
	const struct store_entry mine = entry_of(d->sides[of].keys);
	struct side *other = &d->sides[1 - of];
	struct store_entry theirs;
	enum ag_status status;

	db_bind_bytes(other->find, 1, mine.key);
	status = db_step(other->find, err);
	if (status != AG_OK && status != AG_ENOENT)
		return status;
	if (status == AG_ENOENT) {
		*goes_on =
		    of == 0 ? fn(arg, &mine, NULL) : fn(arg, NULL, &mine);
		return AG_OK;
	}
	/* What both have is told when the left one's are. */
	theirs = entry_of(other->find);
	if (of == 0)
		*goes_on = fn(arg, &mine, &theirs);
	db_reset(other->find);
	return AG_OK;
}

static enum ag_status
tell_keys(struct diff *d, size_t of, store_diff_fn *fn, void *arg,
    bool *goes_on, struct ag_error *err)
{
	struct side *s = &d->sides[of];
	enum ag_status status = AG_OK;

	while (*goes_on && (status = db_step(s->keys, err)) == AG_OK) {
		if (is_wanted(d, db_column_bytes(s->keys, 0)))
			status = tell_key(d, of, fn, arg, goes_on, err);
		if (status != AG_OK)
			return status;
	}
	return status == AG_ENOENT ? AG_OK : status;
}

enum ag_status
store_diff(const char *left, const char *right, store_diff_fn *fn, void *arg,
    struct ag_error *err)
{
	struct diff d = { 0 };
	bool goes_on = true;
	enum ag_status status = side_open(&d.sides[0], left, err);

	if (status == AG_OK)
		status = side_open(&d.sides[1], right, err);
	if (status == AG_OK)
		status = compare_buckets(&d, err);
	if (status == AG_OK && d.count > 0)
		status = tell_keys(&d, 0, fn, arg, &goes_on, err);
	if (status == AG_OK && d.count > 0)
		status = tell_keys(&d, 1, fn, arg, &goes_on, err);
	db_close(d.sides[0].db);
	db_close(d.sides[1].db);
	free(d.hashes);
	return status;
}
