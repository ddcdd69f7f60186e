/*
 * Leaves by bucket.
 *
 * FORMAT   table bucket: id is the first MERKLE_TOP_BITS bits of the key
 *          hashes, leaves is struct merkle_leaf one after another by rising
 *          key hash, keys is their keys in the same order, each behind its
 *          length in two bytes, big-endian.
 *
 * RULES    1. Of several changes to one key the last counts.
 *          2. What is read is checked: in its bucket, rising.  Otherwise a
 *             damaged row would become a root nobody else has, and the node
 *             would not know why.
 *          3. Keys are for who has to find what a bucket holds
 *             (store/part_maker.c); the tree needs none.
 */
#include "store/leaves.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codec/operation.h"
#include "db/db.h"

/* Merged within a transaction when this many wait, to bound memory. */
#define CHANGES_MAX 65536

/* A key's length before it. */
#define KEY_HEAD_BYTES 2

struct leaf_change {
	struct merkle_leaf leaf;
	uint32_t order;
	bool is_delete;
	size_t key_at; /* in leaves->keys */
	size_t key_len;
};

static enum ag_status
refuse(uint64_t bucket, struct ag_error *err)
{
	return ag_fail(err, AG_ECORRUPT,
	    "state: leaves of bucket %" PRIu64 " are damaged", bucket);
}

enum ag_status
leaves_row_check(uint64_t bucket, struct bytes row, struct ag_error *err)
{
	const struct merkle_leaf *leaf = (const void *)row.data;
	size_t i, count = row.len / MERKLE_LEAF_BYTES;

	if (bucket >= MERKLE_BUCKETS || row.len % MERKLE_LEAF_BYTES != 0)
		return refuse(bucket, err);
	for (i = 0; i < count; i++)
		if (merkle_bucket(leaf[i].key_hash) != bucket ||
		    (i > 0 &&
			memcmp(leaf[i - 1].key_hash, leaf[i].key_hash,
			    DIGEST_BYTES) >= 0))
			return refuse(bucket, err);
	return AG_OK;
}

enum ag_status
leaves_next_key(struct bytes *keys, struct bytes *key, struct ag_error *err)
{
	size_t len = 0;

	if (keys->len >= KEY_HEAD_BYTES)
		len = (size_t)keys->data[0] << 8 | keys->data[1];
	if (len == 0 || keys->len - KEY_HEAD_BYTES < len)
		return ag_fail(err, AG_ECORRUPT,
		    "state: the keys of a bucket are damaged");
	*key = bytes_of(keys->data + KEY_HEAD_BYTES, len);
	*keys = bytes_of(key->data + len, keys->len - KEY_HEAD_BYTES - len);
	return AG_OK;
}

enum ag_status
leaves_put_key(struct buf *keys, struct bytes key, struct ag_error *err)
{
	const uint8_t head[KEY_HEAD_BYTES] = { (uint8_t)(key.len >> 8),
		(uint8_t)key.len };

	if (buf_append(keys, head, sizeof(head)) != AG_OK ||
	    buf_append(keys, key.data, key.len) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "state: out of memory");
	return AG_OK;
}

static enum ag_status
leaves_load(struct leaves *leaves, struct sqlite3 *db, struct ag_error *err)
{
	struct sqlite3_stmt *all;
	enum ag_status status;
	struct bytes row;
	uint64_t bucket;

	status = db_prepare(db, &all,
	    "SELECT id, leaves FROM bucket ORDER BY id", err);
	while (status == AG_OK && (status = db_step(all, err)) == AG_OK) {
		bucket = db_column_uint(all, 0);
		row = db_column_bytes(all, 1);
		status = leaves_row_check(bucket, row, err);
		if (status == AG_OK)
			merkle_set(leaves->tree, (uint32_t)bucket,
			    (const void *)row.data,
			    row.len / MERKLE_LEAF_BYTES);
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
	buf_init(&leaves->keys, (size_t)CHANGES_MAX * KEY_BYTES_MAX);
	buf_init(&leaves->merged_keys, SIZE_MAX);
	status = db_prepare(db, &leaves->get,
	    "SELECT leaves, keys FROM bucket WHERE id = ?1", err);
	if (status == AG_OK)
		status = db_prepare(db, &leaves->put,
		    "REPLACE INTO bucket (id, leaves, keys) "
		    "VALUES (?1, ?2, ?3)",
		    err);
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
	buf_fini(&leaves->keys);
	buf_fini(&leaves->merged_keys);
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
	change->key_at = leaves->keys.len;
	change->key_len = key.len;
	if (buf_append(&leaves->keys, key.data, key.len) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "state: out of memory");
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

static enum ag_status
merged_reserve(struct leaves *leaves, size_t need, struct ag_error *err)
{
	struct merkle_leaf *grown;

	if (need <= leaves->merged_cap)
		return AG_OK;
	grown = realloc(leaves->merged, need * 2 * sizeof(*grown));
	if (grown == NULL)
		return ag_fail(err, AG_ENOMEM, "state: out of memory");
	leaves->merged = grown;
	leaves->merged_cap = need * 2;
	return AG_OK;
}

enum ag_status
leaves_bucket_put(struct leaves *leaves, uint32_t bucket,
    const struct merkle_leaf *leaf, size_t count, struct bytes keys,
    struct ag_error *err)
{
	merkle_set(leaves->tree, bucket, leaf, count);
	if (count == 0) {
		db_bind_uint(leaves->remove, 1, bucket);
		return db_run(leaves->remove, err);
	}
	db_bind_uint(leaves->put, 1, bucket);
	db_bind_bytes(leaves->put, 2,
	    bytes_of(leaf, count * MERKLE_LEAF_BYTES));
	db_bind_bytes(leaves->put, 3, keys);
	return db_run(leaves->put, err);
}

/* A bucket's row being read from its front. */
struct row {
	const struct merkle_leaf *leaf;
	size_t count;
	struct bytes keys;
};

/* Append to merged the row's leaves below key_hash; NULL: all the rest.
 * One that equals it is dropped: the change stands for it. */
static enum ag_status
merge_row(struct leaves *leaves, struct row *row, const uint8_t *key_hash,
    size_t *count, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct bytes key;
	int order = -1;

	for (; status == AG_OK && row->count > 0 && order != 0; row->count--) {
		if (key_hash != NULL)
			order =
			    memcmp(row->leaf->key_hash, key_hash, DIGEST_BYTES);
		if (order > 0)
			break;
		status = leaves_next_key(&row->keys, &key, err);
		if (status == AG_OK && order < 0) {
			leaves->merged[(*count)++] = *row->leaf;
			status = leaves_put_key(&leaves->merged_keys, key, err);
		}
		row->leaf++;
	}
	return status;
}

static enum ag_status
merge_changes(struct leaves *leaves, struct row *row,
    const struct leaf_change *changes, size_t change_count, size_t *count,
    struct ag_error *err)
{
	enum ag_status status;
	size_t i;

	status = merged_reserve(leaves, row->count + change_count, err);
	*count = 0;
	buf_clear(&leaves->merged_keys);
	for (i = 0; status == AG_OK && i < change_count; i++) {
		status = merge_row(leaves, row, changes[i].leaf.key_hash, count,
		    err);
		if (status != AG_OK || changes[i].is_delete)
			continue;
		leaves->merged[(*count)++] = changes[i].leaf;
		status = leaves_put_key(&leaves->merged_keys,
		    bytes_of(leaves->keys.data + changes[i].key_at,
			changes[i].key_len),
		    err);
	}
	return status == AG_OK ? merge_row(leaves, row, NULL, count, err)
			       : status;
}

/* Begin a bucket's row; `get` is to be reset when it is no longer read. */
static enum ag_status
row_begin(struct leaves *leaves, uint32_t bucket, struct row *row,
    struct ag_error *err)
{
	enum ag_status status;
	struct bytes stored;

	*row = (struct row){ .count = 0 };
	db_bind_uint(leaves->get, 1, bucket);
	status = db_step(leaves->get, err);
	if (status != AG_OK)
		return status == AG_ENOENT ? AG_OK : status;
	stored = db_column_bytes(leaves->get, 0);
	row->leaf = (const void *)stored.data;
	row->count = stored.len / MERKLE_LEAF_BYTES;
	row->keys = db_column_bytes(leaves->get, 1);
	return leaves_row_check(bucket, stored, err);
}

/* Merge changes, all of one bucket, into it. */
static enum ag_status
bucket_merge(struct leaves *leaves, uint32_t bucket,
    const struct leaf_change *changes, size_t change_count,
    struct ag_error *err)
{
	enum ag_status status;
	size_t count = 0;
	struct row row;

	status = row_begin(leaves, bucket, &row, err);
	if (status == AG_OK)
		status = merge_changes(leaves, &row, changes, change_count,
		    &count, err);
	db_reset(leaves->get);
	if (status != AG_OK)
		return status;
	return leaves_bucket_put(leaves, bucket, leaves->merged, count,
	    buf_bytes(&leaves->merged_keys), err);
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
	buf_clear(&leaves->keys);
	return status;
}

enum ag_status
leaves_prove(struct leaves *leaves, struct bytes key, struct proof *proof,
    struct ag_error *err)
{
	enum ag_status status;
	struct digest hash;
	struct row row;

	AG_ASSERT(leaves->count == 0);
	digest_of(&hash, key);
	status = row_begin(leaves, merkle_proof_bucket(leaves->tree, hash.data),
	    &row, err);
	if (status == AG_OK)
		merkle_prove(leaves->tree, hash.data, row.leaf, row.count,
		    proof);
	db_reset(leaves->get);
	return status;
}
