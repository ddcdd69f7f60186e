/*
 * The tables of a state being gathered, and their buckets' rows.
 *
 * A part that was judged has its leaves in memory, sorted: the rows of its
 * buckets are made of them then, while others are on their way, and nothing
 * of it need be hashed a second time at the end.
 *
 * STATES   A part's leaves are put or not (item->is_put).  What is not when
 *          all parts are there is judged once more and put then.
 *
 * RULES    1. A bucket's row is written once.  So parts below a bucket, which
 *             come in any order, are put at the end, in theirs.
 *          2. The tables have a name of their own until they are whole, and
 *             nothing of them outlives the handle: after a failure, such as a
 *             full disk, they are removed, which also makes room, and all is
 *             put again.
 *
 * NOT HERE Entries (store/gather_build.c).
 */
#include "store/gather_buckets.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "store/leaves.h"
#include "store/tables.h"

enum ag_status
gather_buckets_open(struct gather *g, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (g->tables != NULL)
		return AG_OK;
	if (fs_exists(g->partial))
		status = fs_unlink(g->partial, err);
	if (status == AG_OK)
		status = tables_create(&g->tables, g->partial, g->cluster_id,
		    g->keyring, err);
	return status == AG_OK ? tables_begin(g->tables, err) : status;
}

void
gather_buckets_drop(struct gather *g)
{
	size_t i;

	for (i = 0; i < g->count; i++)
		g->items[i].is_put = false;
	g->bucket.count = 0;
	buf_clear(&g->bucket.keys);
	tables_close(g->tables);
	g->tables = NULL;
	(void)unlink(g->partial);
}

void
gather_buckets_fini(struct gather *g)
{
	gather_buckets_drop(g);
	free(g->bucket.leaves);
	buf_fini(&g->bucket.keys);
}

static enum ag_status
bucket_add(struct gather_bucket *bucket, const struct part_leaf *leaf,
    struct ag_error *err)
{
	if (bucket->count == bucket->cap) {
		size_t cap = bucket->cap == 0 ? 64 : bucket->cap * 2;
		struct merkle_leaf *grown =
		    realloc(bucket->leaves, cap * sizeof(*grown));

		if (grown == NULL)
			return ag_fail(err, AG_ENOMEM,
			    "gather a state: out of memory");
		bucket->leaves = grown;
		bucket->cap = cap;
	}
	bucket->leaves[bucket->count++] = leaf->leaf;
	return leaves_put_key(&bucket->keys, leaf->key, err);
}

enum ag_status
gather_buckets_flush(struct gather *g, struct ag_error *err)
{
	struct gather_bucket *bucket = &g->bucket;
	enum ag_status status = AG_OK;

	if (bucket->count > 0)
		status =
		    tables_put_bucket(g->tables, bucket->id, bucket->leaves,
			bucket->count, buf_bytes(&bucket->keys), err);
	bucket->count = 0;
	buf_clear(&bucket->keys);
	return status;
}

/* Leaves come by rising hash, and so bucket after bucket. */
static enum ag_status
leaves_add(struct gather *g, struct ag_error *err)
{
	const struct part_found *found = &g->found;
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; status == AG_OK && i < found->count; i++) {
		uint32_t id = merkle_bucket(found->leaves[i].leaf.key_hash);

		if (id != g->bucket.id)
			status = gather_buckets_flush(g, err);
		g->bucket.id = id;
		if (status == AG_OK)
			status = bucket_add(&g->bucket, &found->leaves[i], err);
	}
	return status;
}

enum ag_status
gather_buckets_add(struct gather *g, struct item *item, struct ag_error *err)
{
	enum ag_status status = gather_buckets_open(g, err);

	if (status == AG_OK)
		status = leaves_add(g, err);
	item->is_put = status == AG_OK;
	return status;
}

void
gather_buckets_try(struct gather *g, struct item *item)
{
	struct ag_error err;

	if (g->found.shape != PART_ENTRIES ||
	    item->want.name.number > MERKLE_TOP_BITS)
		return;
	if (gather_buckets_add(g, item, &err) != AG_OK ||
	    gather_buckets_flush(g, &err) != AG_OK)
		gather_buckets_drop(g);
}
