/*
 * Parts, sealed.
 */
#include "store/gather_seal.h"

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "store/sealed_value.h"
#include "store/tables.h"

/* Heads and numbers of an entry. */
#define HEADS_BYTES 64

static bool
is_sealed(const struct gather *g, struct bytes contents)
{
	return g->keyring != NULL && contents.len > 0 &&
	    contents.data[0] == PART_ENTRIES;
}

static enum ag_status
no_memory(struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM, "gather a state: out of memory");
}

/* Made when it is first used; one is enough for both ways. */
static enum ag_status
sealer_open(struct gather *g, struct ag_error *err)
{
	if (g->values == NULL)
		g->values = sealed_value_new(g->keyring);
	return g->values == NULL ? no_memory(err) : AG_OK;
}

static enum ag_status
entry_put(struct buf *out, const struct store_entry *entry, struct bytes stored,
    struct ag_error *err)
{
	const size_t most = entry->key.len + stored.len + HEADS_BYTES;
	struct encoder e;
	struct bytes encoded;

	if (buf_reserve(out, most) != AG_OK)
		return no_memory(err);
	encoder_init(&e, out->data + out->len, most);
	encoder_put_array(&e, 6);
	encoder_put_bytes(&e, entry->key);
	encoder_put_uint(&e, entry->version);
	encoder_put_uint(&e, entry->created);
	encoder_put_uint(&e, entry->modified);
	encoder_put_uint(&e, entry->value.len);
	encoder_put_bytes(&e, stored);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	out->len += encoded.len;
	return AG_OK;
}

enum ag_status
gather_seal(struct gather *g, struct bytes contents, struct bytes *stored,
    struct ag_error *err)
{
	enum ag_status status;
	struct decoder d;

	*stored = contents;
	if (!is_sealed(g, contents))
		return AG_OK;
	buf_clear(&g->stored);
	status = sealer_open(g, err);
	if (status == AG_OK &&
	    buf_append(&g->stored, contents.data, 1) != AG_OK)
		status = no_memory(err);
	decoder_init(&d, bytes_of(contents.data + 1, contents.len - 1));
	while (status == AG_OK && d.at < d.end) {
		struct store_entry entry;
		struct bytes sealed;

		part_entry_take(&d, &entry);
		AG_ASSERT(!decoder_failed(&d));
		status = sealed_value_seal(g->values, entry.key, entry.version,
		    entry.value, &sealed, err);
		if (status == AG_OK)
			status = entry_put(&g->stored, &entry, sealed, err);
	}
	*stored = buf_bytes(&g->stored);
	return status;
}

void
gather_seal_take(struct decoder *d, struct store_entry *entry, uint64_t *len)
{
	decoder_expect_array(d, 6);
	entry->key = decoder_get_bytes_max(d, KEY_BYTES_MAX);
	entry->version = decoder_get_uint_max(d, INT64_MAX);
	entry->created = decoder_get_uint_max(d, INT64_MAX);
	entry->modified = decoder_get_uint_max(d, INT64_MAX);
	*len = decoder_get_uint_max(d, VALUE_BYTES_MAX);
	entry->value = decoder_get_bytes(d);
}

static enum ag_status
damaged(const struct gather *g, struct ag_error *err)
{
	return ag_fail(err, AG_ECORRUPT, "%s: a part in it is damaged",
	    g->path);
}

/* One entry as it was, behind what is in contents. */
static enum ag_status
entry_open(struct gather *g, struct decoder *d, struct ag_error *err)
{
	struct store_entry entry;
	enum ag_status status;
	struct bytes encoded;
	struct encoder e;
	uint64_t len;
	size_t most;

	gather_seal_take(d, &entry, &len);
	if (decoder_failed(d))
		return damaged(g, err);
	status = sealed_value_open(g->values, entry.key, entry.version, len,
	    entry.value, &entry.value, err);
	if (status != AG_OK)
		return status;
	most = entry.key.len + entry.value.len + HEADS_BYTES;
	if (buf_reserve(&g->contents, most) != AG_OK)
		return damaged(g, err);
	encoder_init(&e, g->contents.data + g->contents.len, most);
	tables_entry_encode(&e, &entry);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	g->contents.len += encoded.len;
	return AG_OK;
}

enum ag_status
gather_unseal(struct gather *g, struct ag_error *err)
{
	const struct bytes stored = buf_bytes(&g->stored);
	enum ag_status status = AG_OK;
	size_t whole = is_sealed(g, stored) ? 1 : stored.len;
	struct decoder d;

	buf_clear(&g->contents);
	if (whole > PART_BYTES_MAX)
		return damaged(g, err);
	if (buf_append(&g->contents, stored.data, whole) != AG_OK)
		return no_memory(err);
	if (whole == stored.len)
		return AG_OK;
	status = sealer_open(g, err);
	decoder_init(&d, bytes_of(stored.data + 1, stored.len - 1));
	while (status == AG_OK && d.at < d.end)
		status = entry_open(g, &d, err);
	return status;
}
