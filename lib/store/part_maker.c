/*
 * Parts of a pinned state, made when they are asked for.
 *
 * The pin has the tree's top as it was; below that, a bucket's row has its
 * leaves and their keys, and each entry is looked up by its key.  So any part
 * costs what it is long, whichever came before, and any number of servers can
 * share the work.
 *
 * RULES    1. A node is split when its entries are too many for one part, and
 *             not otherwise.  What must be too much by the state's size alone
 *             is not read first.
 *          2. A split does not cross the top's depth, so that it is of nodes
 *             kept in memory or of one bucket.
 *
 * FORMAT   See store/part.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "db/db.h"
#include "store/leaves.h"
#include "store/part.h"
#include "store/sealed_value.h"
#include "store/session.h"
#include "store/store_parts.h"

/* What a split aims at, and how it is made when the sizes do not tell. */
#define TARGET_BYTES (5U << 18)
#define SPLIT_BITS_BLIND 4

/* An entry beside its key and value, at least and at most. */
#define ENTRY_LEAST_BYTES 8
#define ENTRY_HEADS_BYTES 64

/* A key found under a node: where it lies in maker->keys. */
struct found_key {
	size_t at, len;
};

struct part_maker {
	struct store_pin *pin;
	struct sqlite3_stmt *buckets, *value;
	struct sealed_value *values;
	struct buf keys;
	struct found_key *found;
	size_t count, cap;
	struct merkle_leaf *leaves; /* under a node of one bucket */
	size_t leaf_cap;
	void *session_memory;
	struct session_table *sessions; /* once somebody asks */
	uint8_t *client;                /* one principal's numbers */
};

enum ag_status
part_maker_new(struct part_maker **out, struct store_pin *pin,
    struct ag_error *err)
{
	struct part_maker *m = calloc(1, sizeof(*m));
	enum ag_status status;

	*out = NULL;
	if (m == NULL)
		return ag_fail(err, AG_ENOMEM, "parts: out of memory");
	m->pin = pin;
	buf_init(&m->keys, (size_t)PART_BYTES_MAX);
	status = db_prepare(store_pin_db(pin), &m->buckets,
	    "SELECT id, leaves, keys FROM bucket WHERE id BETWEEN ?1 AND ?2 "
	    "ORDER BY id",
	    err);
	if (status == AG_OK)
		status = db_prepare(store_pin_db(pin), &m->value,
		    "SELECT value, version, created, modified, size FROM kv "
		    "WHERE key = ?1",
		    err);
	m->values = sealed_value_new(store_pin_keyring(pin));
	if (status == AG_OK && m->values == NULL)
		status = ag_fail(err, AG_ENOMEM, "parts: out of memory");
	if (status != AG_OK) {
		part_maker_free(m);
		return status;
	}
	*out = m;
	return AG_OK;
}

/* The pin must still be there: it holds the connection. */
void
part_maker_free(struct part_maker *m)
{
	if (m == NULL)
		return;
	if (m->buckets != NULL)
		db_finalize(m->buckets);
	if (m->value != NULL)
		db_finalize(m->value);
	sealed_value_free(m->values);
	buf_fini(&m->keys);
	free(m->found);
	free(m->leaves);
	pages_free(m->session_memory);
	free(m->client);
	free(m);
}

void
part_maker_offer(const struct part_maker *m, struct part_offer *offer)
{
	const struct tables_meta *meta = store_pin_meta(m->pin);

	offer->seq = meta->seq;
	offer->time_ms = meta->time_ms;
	offer->keys = meta->keys;
	offer->bytes = meta->bytes;
	store_pin_roots(m->pin, &offer->root, &offer->sessions);
}

static enum ag_status
out_put(struct buf *out, const void *data, size_t len, struct ag_error *err)
{
	enum ag_status status = buf_append(out, data, len);

	return status == AG_OK
	    ? AG_OK
	    : ag_fail(err, status, "part of a state: out of memory");
}

/* The buckets under a node, or the one it is in. */
static void
bucket_range(const struct part_name *name, uint32_t *first, uint32_t *last)
{
	*first = merkle_bucket(name->path);
	*last = *first;
	if (name->number < MERKLE_TOP_BITS)
		*last += (1U << (MERKLE_TOP_BITS - name->number)) - 1;
}

/* --- entries --- */

static enum ag_status
key_note(struct part_maker *m, struct bytes key, struct ag_error *err)
{
	if (m->count == m->cap) {
		size_t cap = m->cap == 0 ? 256 : m->cap * 2;
		struct found_key *grown =
		    realloc(m->found, cap * sizeof(*grown));

		if (grown == NULL)
			return ag_fail(err, AG_ENOMEM, "parts: out of memory");
		m->found = grown;
		m->cap = cap;
	}
	m->found[m->count++] = (struct found_key){ m->keys.len, key.len };
	return out_put(&m->keys, key.data, key.len, err);
}

/* The keys of one bucket's row that lie under the node. */
static enum ag_status
row_keys(struct part_maker *m, const struct part_name *name,
    struct ag_error *err)
{
	struct bytes row = db_column_bytes(m->buckets, 1), key;
	struct bytes keys = db_column_bytes(m->buckets, 2);
	const struct merkle_leaf *leaf = (const void *)row.data;
	enum ag_status status;
	size_t i;

	status = leaves_row_check(db_column_uint(m->buckets, 0), row, err);
	for (i = 0; status == AG_OK && i < row.len / MERKLE_LEAF_BYTES; i++) {
		status = leaves_next_key(&keys, &key, err);
		if (status != AG_OK ||
		    !part_name_covers(name, leaf[i].key_hash))
			continue;
		if (m->keys.len + key.len + (m->count + 1) * ENTRY_LEAST_BYTES >
		    PART_BYTES_MAX)
			return AG_ELIMIT;
		status = key_note(m, key, err);
	}
	return status;
}

/* All keys under a node; AG_ELIMIT they are too many for a part. */
static enum ag_status
node_keys(struct part_maker *m, const struct part_name *name,
    struct ag_error *err)
{
	enum ag_status status;
	uint32_t first, last;

	m->count = 0;
	buf_clear(&m->keys);
	bucket_range(name, &first, &last);
	db_bind_uint(m->buckets, 1, first);
	db_bind_uint(m->buckets, 2, last);
	while ((status = db_step(m->buckets, err)) == AG_OK) {
		status = row_keys(m, name, err);
		if (status != AG_OK) {
			db_reset(m->buckets);
			return status;
		}
	}
	return status == AG_ENOENT ? AG_OK : status;
}

static struct bytes
key_of(const struct part_maker *m, const struct found_key *found)
{
	return bytes_of(m->keys.data + found->at, found->len);
}

static int
compare_keys(const void *a, const void *b, void *arg)
{
	return bytes_compare(key_of(arg, a), key_of(arg, b));
}

static enum ag_status
entry_put(struct part_maker *m, struct bytes key, struct buf *out,
    struct ag_error *err)
{
	struct store_entry entry = { .key = key };
	enum ag_status status;
	struct encoder e;
	struct bytes encoded;
	size_t most;

	db_bind_bytes(m->value, 1, key);
	status = db_step(m->value, err);
	if (status == AG_ENOENT)
		return ag_fail(err, AG_ECORRUPT,
		    "state: a bucket names a key that is not there");
	if (status != AG_OK)
		return status;
	entry.version = db_column_uint(m->value, 1);
	entry.created = db_column_uint(m->value, 2);
	entry.modified = db_column_uint(m->value, 3);
	status = sealed_value_open(m->values, key, entry.version,
	    db_column_uint(m->value, 4), db_column_bytes(m->value, 0),
	    &entry.value, err);
	if (status != AG_OK) {
		db_reset(m->value);
		return status;
	}
	most = key.len + entry.value.len + ENTRY_HEADS_BYTES;
	status = buf_reserve(out, most);
	if (status == AG_OK) {
		encoder_init(&e, out->data + out->len, most);
		tables_entry_encode(&e, &entry);
		AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
		out->len += encoded.len;
	} else if (status != AG_ELIMIT) {
		status = ag_fail(err, status, "parts: out of memory");
	}
	db_reset(m->value);
	return out->len > PART_BYTES_MAX ? AG_ELIMIT : status;
}

/* AG_ELIMIT: they do not fit. */
static enum ag_status
entries_make(struct part_maker *m, const struct part_name *name,
    struct buf *out, struct ag_error *err)
{
	const uint8_t shape = PART_ENTRIES;
	enum ag_status status;
	size_t i;

	status = node_keys(m, name, err);
	if (status == AG_OK)
		status = out_put(out, &shape, 1, err);
	if (m->count > 0)
		qsort_r(m->found, m->count, sizeof(*m->found), compare_keys, m);
	for (i = 0; status == AG_OK && i < m->count; i++)
		status = entry_put(m, key_of(m, &m->found[i]), out, err);
	return status;
}

/* --- splits --- */

/* The leaves of one bucket that lie under the node. */
static enum ag_status
row_leaves(struct part_maker *m, const struct part_name *name, size_t *count,
    struct ag_error *err)
{
	struct bytes row = db_column_bytes(m->buckets, 1);
	const struct merkle_leaf *leaf = (const void *)row.data;
	size_t i, all = row.len / MERKLE_LEAF_BYTES;
	enum ag_status status;

	status = leaves_row_check(db_column_uint(m->buckets, 0), row, err);
	if (status != AG_OK)
		return status;
	if (all > m->leaf_cap) {
		struct merkle_leaf *grown =
		    realloc(m->leaves, all * sizeof(*grown));

		if (grown == NULL)
			return ag_fail(err, AG_ENOMEM, "parts: out of memory");
		m->leaves = grown;
		m->leaf_cap = all;
	}
	for (i = 0; i < all; i++)
		if (part_name_covers(name, leaf[i].key_hash))
			m->leaves[(*count)++] = leaf[i];
	return AG_OK;
}

/* The leaves under a node, from the first bucket under it that has any. */
static enum ag_status
node_leaves(struct part_maker *m, const struct part_name *name, size_t *count,
    struct ag_error *err)
{
	enum ag_status status;
	uint32_t first, last;

	*count = 0;
	bucket_range(name, &first, &last);
	db_bind_uint(m->buckets, 1, first);
	db_bind_uint(m->buckets, 2, last);
	status = db_step(m->buckets, err);
	if (status == AG_ENOENT)
		return AG_OK;
	if (status == AG_OK)
		status = row_leaves(m, name, count, err);
	db_reset(m->buckets);
	return status;
}

static enum ag_status
node_put(const struct merkle_subtree *node, const struct merkle_leaf *leaf,
    struct buf *out, struct ag_error *err)
{
	const uint8_t kind = (uint8_t)node->kind;
	enum ag_status status = out_put(out, &kind, 1, err);

	if (status == AG_OK && node->kind == MERKLE_ONE)
		status = out_put(out, leaf, sizeof(*leaf), err);
	if (status == AG_OK && node->kind == MERKLE_MANY)
		status = out_put(out, node->digest.data, DIGEST_BYTES, err);
	return status;
}

/* Nodes of the top; where one is a leaf, that is read. */
static enum ag_status
split_top(struct part_maker *m, const struct part_name *name, unsigned int bits,
    struct buf *out, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	uint32_t i;

	for (i = 0; status == AG_OK && i < 1U << bits; i++) {
		struct merkle_subtree node;
		struct part_name child;
		size_t count = 0;

		part_child(name, bits, i, &child);
		merkle_node(store_pin_tree(m->pin), child.number,
		    merkle_bucket(child.path) >>
			(MERKLE_TOP_BITS - child.number),
		    &node);
		if (node.kind == MERKLE_ONE)
			status = node_leaves(m, &child, &count, err);
		if (status == AG_OK && node.kind == MERKLE_ONE && count != 1)
			status = ag_fail(err, AG_ECORRUPT,
			    "state: a bucket is not what its tree is");
		if (status == AG_OK)
			status = node_put(&node, m->leaves, out, err);
	}
	return status;
}

/* Nodes below one bucket. */
static enum ag_status
split_bucket(struct part_maker *m, const struct part_name *name,
    unsigned int bits, struct buf *out, struct ag_error *err)
{
	struct merkle_subtree node;
	struct part_name child;
	enum ag_status status;
	size_t count, first = 0, end;
	uint32_t i;

	status = node_leaves(m, name, &count, err);
	for (i = 0; status == AG_OK && i < 1U << bits; i++, first = end) {
		part_child(name, bits, i, &child);
		for (end = first; end < count &&
		     part_name_covers(&child, m->leaves[end].key_hash);
		     end++)
			;
		merkle_subtree_of(&node, m->leaves + first, end - first,
		    child.number);
		status = node_put(&node, m->leaves + first, out, err);
	}
	return status;
}

static unsigned int
split_bits(const struct part_name *name, uint64_t estimate)
{
	unsigned int bits = SPLIT_BITS_BLIND;
	unsigned int most = part_split_bits_max(name);

	if (name->number < MERKLE_TOP_BITS &&
	    most > MERKLE_TOP_BITS - name->number)
		most = MERKLE_TOP_BITS - name->number;
	while (bits < most && estimate >> bits > TARGET_BYTES)
		bits++;
	return bits < most ? bits : most;
}

static enum ag_status
node_make(struct part_maker *m, const struct part_name *name, struct buf *out,
    struct ag_error *err)
{
	const struct tables_meta *meta = store_pin_meta(m->pin);
	uint64_t whole = meta->bytes + meta->keys * ENTRY_LEAST_BYTES;
	uint64_t estimate = name->number < 64 ? whole >> name->number : 0;
	enum ag_status status = AG_ELIMIT;
	uint8_t head[2];

	if (estimate <= PART_BYTES_MAX)
		status = entries_make(m, name, out, err);
	if (status != AG_ELIMIT)
		return status;
	if (name->number == MERKLE_BITS)
		return ag_fail(err, AG_ECORRUPT,
		    "state: an entry larger than any may be");
	head[0] = PART_SPLIT;
	head[1] = (uint8_t)split_bits(name, estimate);
	buf_clear(out);
	status = out_put(out, head, sizeof(head), err);
	if (status != AG_OK)
		return status;
	return name->number < MERKLE_TOP_BITS
	    ? split_top(m, name, head[1], out, err)
	    : split_bucket(m, name, head[1], out, err);
}

/* --- the client table --- */

static enum ag_status
sessions_load(struct part_maker *m, struct ag_error *err)
{
	const struct session_config config = { SESSION_PRINCIPALS,
		SESSION_WINDOW };
	size_t len = session_size(&config);

	if (m->sessions != NULL)
		return AG_OK;
	m->session_memory = pages_new(len);
	if (m->session_memory == NULL)
		return ag_fail(err, AG_ENOMEM, "parts: out of memory");
	m->sessions = session_init(m->session_memory, len, &config);
	m->client = malloc(session_bytes_max(m->sessions));
	if (m->client == NULL)
		return ag_fail(err, AG_ENOMEM, "parts: out of memory");
	return tables_sessions_read(store_pin_db(m->pin), m->sessions, err);
}

static enum ag_status
list_make(struct part_maker *m, struct buf *out, struct ag_error *err)
{
	const uint8_t shape = PART_IS_LIST;
	enum ag_status status = out_put(out, &shape, 1, err);
	struct digest digest;
	size_t i;

	for (i = 0; status == AG_OK && i < session_count(m->sessions); i++) {
		session_item_digest(m->sessions, i, &digest);
		status = out_put(out, session_principal(m->sessions, i),
		    PRINCIPAL_BYTES, err);
		if (status == AG_OK)
			status = out_put(out, digest.data, DIGEST_BYTES, err);
	}
	return status;
}

static enum ag_status
clients_make(struct part_maker *m, size_t first, struct buf *out,
    struct ag_error *err)
{
	const uint8_t shape = PART_IS_CLIENTS;
	size_t i, len, count = session_count(m->sessions);
	enum ag_status status = out_put(out, &shape, 1, err);

	if (first >= count)
		return ag_fail(err, AG_EINVAL, "parts: no such clients");
	for (i = first;
	     status == AG_OK && i < count && i < first + PART_CLIENTS; i++) {
		struct bytes encoded;
		struct encoder e;
		uint8_t head[16];

		len = session_encode(m->sessions, i, m->client,
		    session_bytes_max(m->sessions));
		encoder_init(&e, head, sizeof(head));
		encoder_put_bytes_head(&e, len);
		AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
		status = out_put(out, encoded.data, encoded.len, err);
		if (status == AG_OK)
			status = out_put(out, m->client, len, err);
	}
	return status;
}

enum ag_status
part_maker_make(struct part_maker *m, const struct part_name *name,
    struct buf *out, struct ag_error *err)
{
	enum ag_status status;

	buf_clear(out);
	if (name->kind == PART_NODE)
		return node_make(m, name, out, err);
	status = sessions_load(m, err);
	if (status != AG_OK)
		return status;
	if (name->kind == PART_LIST)
		return list_make(m, out, err);
	return clients_make(m, name->number, out, err);
}
