/*
 * Proofs from a pinned state: the pin has the tree's top, and the rows it is
 * pinned at have the leaves below and the entry.
 */
#include "store/store_proof.h"

#include "db/db.h"
#include "store/leaves.h"
#include "store/sealed_value.h"
#include "store/store_parts.h"

/* A row as entries are hashed: with the value that was put. */
static enum ag_status
take_entry(struct sqlite3_stmt *get, struct sealed_value *values,
    struct bytes key, struct buf *out, struct ag_error *err)
{
	struct store_entry entry = { .key = key,
		.version = db_column_uint(get, 1),
		.created = db_column_uint(get, 2),
		.modified = db_column_uint(get, 3) };
	enum ag_status status = sealed_value_open(values, key, entry.version,
	    db_column_uint(get, 4), db_column_bytes(get, 0), &entry.value, err);
	struct bytes encoded;
	struct encoder e;

	if (status != AG_OK)
		return status;
	if (buf_reserve(out, TABLES_ENTRY_BYTES_MAX) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "prove key: out of memory");
	encoder_init(&e, out->data, out->cap);
	tables_entry_encode(&e, &entry);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	out->len = encoded.len;
	return AG_OK;
}

static enum ag_status
read_entry(struct store_pin *pin, struct bytes key, struct buf *out,
    struct ag_error *err)
{
	struct sealed_value *values;
	struct sqlite3_stmt *get;
	enum ag_status status;

	status = db_prepare(store_pin_db(pin), &get,
	    "SELECT value, version, created, modified, size FROM kv "
	    "WHERE key = ?1",
	    err);
	if (status != AG_OK)
		return status;
	values = sealed_value_new(store_pin_keyring(pin));
	if (values == NULL)
		status = ag_fail(err, AG_ENOMEM, "prove key: out of memory");
	if (status == AG_OK) {
		db_bind_bytes(get, 1, key);
		status = db_step(get, err);
	}
	if (status == AG_OK)
		status = take_entry(get, values, key, out, err);
	sealed_value_free(values);
	db_finalize(get);
	return status == AG_ENOENT ? AG_OK : status;
}

static enum ag_status
prove(struct proof *proof, struct store_pin *pin, struct bytes key,
    struct ag_error *err)
{
	struct merkle *tree = store_pin_tree(pin);
	struct bytes row = bytes_of(NULL, 0);
	struct sqlite3_stmt *get;
	enum ag_status status;
	struct digest hash;
	uint32_t bucket;

	digest_of(&hash, key);
	bucket = merkle_proof_bucket(tree, hash.data);
	status = db_prepare(store_pin_db(pin), &get,
	    "SELECT leaves FROM bucket WHERE id = ?1", err);
	if (status != AG_OK)
		return status;
	db_bind_uint(get, 1, bucket);
	status = db_step(get, err);
	if (status == AG_OK) {
		row = db_column_bytes(get, 0);
		status = leaves_row_check(bucket, row, err);
	}
	if (status == AG_OK || status == AG_ENOENT) {
		merkle_prove(tree, hash.data, (const void *)row.data,
		    row.len / MERKLE_LEAF_BYTES, proof);
		status = AG_OK;
	}
	db_finalize(get);
	return status;
}

enum ag_status
store_proof_make(struct presence *presence, struct store_pin *pin,
    struct bytes key, struct buf *entry, struct ag_error *err)
{
	const struct tables_meta *meta = store_pin_meta(pin);
	enum ag_status status;

	buf_clear(entry);
	presence->seq = meta->seq;
	presence->time_ms = meta->time_ms;
	store_pin_roots(pin, &presence->root, &presence->sessions);
	status = read_entry(pin, key, entry, err);
	if (status == AG_OK)
		status = prove(&presence->proof, pin, key, err);
	presence->entry = buf_bytes(entry);
	return status;
}
