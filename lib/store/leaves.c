/*
 * Leaves by bucket.
 *
 * FORMAT   table bucket: id is the first MERKLE_TOP_BITS bits of the key
 *          hashes, leaves is struct merkle_leaf one after another by rising
 *          key hash.
 *
 * RULES    1. Of several changes to one key the last counts.
 *          2. What is read is checked: in its bucket, rising.  Otherwise a
 *             damaged row would become a root nobody else has, and the node
 *             would not know why.
 */
#include "store/leaves.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/db.h"

/* Merged within a transaction when this many wait, to bound memory. */
#define CHANGES_MAX 65536

struct leaf_change {
	struct merkle_leaf leaf;
	uint32_t order;
	bool is_delete;
};

static enum ag_status
refuse(uint64_t bucket, struct ag_error *err)
{
	return ag_fail(err, AG_ECORRUPT,
	    "state: leaves of bucket %" PRIu64 " are damaged", bucket);
}

/* Copy a stored row, which must be what leaves_flush() wrote. */
static enum ag_status
row_take(struct leaves *leaves, uint64_t bucket, struct bytes row, size_t extra,
    size_t *count, struct ag_error *err)
{
	size_t i, need = row.len / MERKLE_LEAF_BYTES + extra;

	*count = row.len / MERKLE_LEAF_BYTES;
	if (bucket >= MERKLE_BUCKETS || row.len % MERKLE_LEAF_BYTES != 0)
		return refuse(bucket, err);
	if (need > leaves->merged_cap) {
		struct merkle_leaf *grown =
		    realloc(leaves->merged, need * 2 * sizeof(*grown));

		if (grown == NULL)
			return ag_fail(err, AG_ENOMEM, "state: out of memory");
		leaves->merged = grown;
		leaves->merged_cap = need * 2;
	}
	if (row.len > 0)
		memcpy(leaves->merged, row.data, row.len);
	for (i = 0; i < *count; i++)
		if (merkle_bucket(leaves->merged[i].key_hash) != bucket ||
		    (i > 0 &&
			memcmp(leaves->merged[i - 1].key_hash,
			    leaves->merged[i].key_hash, DIGEST_BYTES) >= 0))
			return refuse(bucket, err);
	return AG_OK;
}

static enum ag_status
leaves_load(struct leaves *leaves, struct sqlite3 *db, struct ag_error *err)
{
	struct sqlite3_stmt *all;
	enum ag_status status;
	uint64_t bucket;
	size_t count;

	status = db_prepare(db, &all,
	    "SELECT id, leaves FROM bucket ORDER BY id", err);
	while (status == AG_OK && (status = db_step(all, err)) == AG_OK) {
		bucket = db_column_uint(all, 0);
		status = row_take(leaves, bucket, db_column_bytes(all, 1), 0,
		    &count, err);
		if (status == AG_OK)
			merkle_set(leaves->tree, (uint32_t)bucket,
			    leaves->merged, count);
		else
			db_reset(all);
	}
	return status == AG_ENOENT ? AG_OK : status;
}

enum ag_status
leaves_init(struct leaves *leaves, struct sqlite3 *db, struct merkle *tree,
    struct ag_error *err)
{
	enum ag_status status;

	*leaves = (struct leaves){ .tree = tree };
	status = db_prepare(db, &leaves->get,
	    "SELECT leaves FROM bucket WHERE id = ?1", err);
	if (status == AG_OK)
		status = db_prepare(db, &leaves->put,
		    "REPLACE INTO bucket (id, leaves) VALUES (?1, ?2)", err);
	if (status == AG_OK)
		status = db_prepare(db, &leaves->remove,
		    "DELETE FROM bucket WHERE id = ?1", err);
	if (status == AG_OK)
		status = leaves_load(leaves, db, err);
	return status;
}

void
leaves_fini(struct leaves *leaves)
{
	free(leaves->changes);
	free(leaves->merged);
	leaves->changes = NULL;
	leaves->merged = NULL;
}

enum ag_status
leaves_change(struct leaves *leaves, struct bytes key, struct bytes encoded,
    struct ag_error *err)
{
	struct leaf_change *change;
	struct digest digest;

	if (leaves->count == leaves->cap) {
		size_t cap = leaves->cap == 0 ? 256 : leaves->cap * 2;
		struct leaf_change *grown =
		    realloc(leaves->changes, cap * sizeof(*grown));

		if (grown == NULL)
			return ag_fail(err, AG_ENOMEM, "state: out of memory");
		leaves->changes = grown;
		leaves->cap = cap;
	}
	change = &leaves->changes[leaves->count];
	change->order = (uint32_t)leaves->count++;
	change->is_delete = encoded.len == 0;
	digest_of(&digest, key);
	memcpy(change->leaf.key_hash, digest.data, DIGEST_BYTES);
	if (!change->is_delete) {
		digest_of(&digest, encoded);
		memcpy(change->leaf.value_hash, digest.data, DIGEST_BYTES);
	}
	return leaves->count < CHANGES_MAX ? AG_OK : leaves_flush(leaves, err);
}

static int
compare_changes(const void *a, const void *b)
{
	const struct leaf_change *x = a, *y = b;
	int order = memcmp(x->leaf.key_hash, y->leaf.key_hash, DIGEST_BYTES);

	if (order != 0)
		return order;
	return (x->order > y->order) - (x->order < y->order);
}

/* Keep the last of the changes to each key; they are sorted. */
static size_t
drop_overtaken(struct leaf_change *changes, size_t count)
{
	size_t i, kept = 0;

	for (i = 0; i < count; i++)
		if (i + 1 == count ||
		    memcmp(changes[i].leaf.key_hash,
			changes[i + 1].leaf.key_hash, DIGEST_BYTES) != 0)
			changes[kept++] = changes[i];
	return kept;
}

/* Put one change in its place among count merged leaves. */
static size_t
merge_one(struct merkle_leaf *merged, size_t count,
    const struct leaf_change *change)
{
	size_t at = 0;
	int order = 1;

	while (at < count) {
		order = memcmp(merged[at].key_hash, change->leaf.key_hash,
		    DIGEST_BYTES);
		if (order >= 0)
			break;
		at++;
	}
	if (at < count && order == 0) {
		if (!change->is_delete) {
			merged[at] = change->leaf;
			return count;
		}
		memmove(&merged[at], &merged[at + 1],
		    (count - at - 1) * sizeof(*merged));
		return count - 1;
	}
	if (change->is_delete)
		return count;
	memmove(&merged[at + 1], &merged[at], (count - at) * sizeof(*merged));
	merged[at] = change->leaf;
	return count + 1;
}

static enum ag_status
bucket_write(struct leaves *leaves, uint32_t bucket, size_t count,
    struct ag_error *err)
{
	if (count == 0) {
		db_bind_uint(leaves->remove, 1, bucket);
		return db_run(leaves->remove, err);
	}
	db_bind_uint(leaves->put, 1, bucket);
	db_bind_bytes(leaves->put, 2,
	    bytes_of(leaves->merged, count * MERKLE_LEAF_BYTES));
	return db_run(leaves->put, err);
}

/* A bucket's leaves into `merged`, with room for some more. */
static enum ag_status
bucket_read(struct leaves *leaves, uint32_t bucket, size_t extra, size_t *count,
    struct ag_error *err)
{
	enum ag_status status;

	db_bind_uint(leaves->get, 1, bucket);
	status = db_step(leaves->get, err);
	if (status == AG_ENOENT)
		return row_take(leaves, bucket, bytes_of(NULL, 0), extra, count,
		    err);
	if (status != AG_OK)
		return status;
	status = row_take(leaves, bucket, db_column_bytes(leaves->get, 0),
	    extra, count, err);
	db_reset(leaves->get);
	return status;
}

/* Merge changes, all of one bucket, into it. */
static enum ag_status
bucket_merge(struct leaves *leaves, uint32_t bucket,
    const struct leaf_change *changes, size_t change_count,
    struct ag_error *err)
{
	size_t count = 0, i;
	enum ag_status status =
	    bucket_read(leaves, bucket, change_count, &count, err);

	if (status != AG_OK)
		return status;
	for (i = 0; i < change_count; i++)
		count = merge_one(leaves->merged, count, &changes[i]);
	merkle_set(leaves->tree, bucket, leaves->merged, count);
	return bucket_write(leaves, bucket, count, err);
}

enum ag_status
leaves_flush(struct leaves *leaves, struct ag_error *err)
{
	struct leaf_change *changes = leaves->changes;
	enum ag_status status = AG_OK;
	size_t i, end;

	if (leaves->count > 1) {
		qsort(changes, leaves->count, sizeof(*changes),
		    compare_changes);
		leaves->count = drop_overtaken(changes, leaves->count);
	}
	for (i = 0; status == AG_OK && i < leaves->count; i = end) {
		uint32_t bucket = merkle_bucket(changes[i].leaf.key_hash);

		for (end = i + 1; end < leaves->count; end++)
			if (merkle_bucket(changes[end].leaf.key_hash) != bucket)
				break;
		status =
		    bucket_merge(leaves, bucket, &changes[i], end - i, err);
	}
	leaves->count = 0;
	return status;
}

enum ag_status
leaves_prove(struct leaves *leaves, struct bytes key, struct proof *proof,
    struct ag_error *err)
{
	enum ag_status status;
	struct digest hash;
	size_t count = 0;

	AG_ASSERT(leaves->count == 0);
	digest_of(&hash, key);
	status = bucket_read(leaves,
	    merkle_proof_bucket(leaves->tree, hash.data), 0, &count, err);
	if (status == AG_OK)
		merkle_prove(leaves->tree, hash.data, leaves->merged, count,
		    proof);
	return status;
}
