/*
 * A pinned state as a stream, made while it is read.
 *
 * One item is encoded at a time, so memory does not grow with the state.
 * FORMAT  See store/snapshot.h.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/pages.h"
#include "codec/encoder.h"
#include "db/db.h"
#include "store/sealed_value.h"
#include "store/snapshot.h"
#include "store/snapshot_parts.h"
#include "store/store_parts.h"

enum writer_stage {
	WRITE_HEAD,
	WRITE_ENTRIES,
	WRITE_SESSIONS,
	WRITE_END,
	WRITE_DONE,
};

struct snapshot_writer {
	enum writer_stage stage;
	struct store_pin *pin;
	struct trust_scope scope;
	struct bytes certificate; /* ours */
	struct sqlite3_stmt *entries;
	struct sealed_value *values;
	void *session_memory;
	struct session_table *sessions;
	size_t session;    /* the next one */
	uint8_t *item;     /* SNAPSHOT_ITEM_BYTES_MAX */
	uint8_t *encoded;  /* one principal's numbers */
	size_t len, taken; /* of item */
	crypto_generichash_state hash;
};

static enum ag_status
writer_load(struct snapshot_writer *w, struct bytes certificate,
    struct ag_error *err)
{
	const struct session_config config = { SESSION_PRINCIPALS,
		SESSION_WINDOW };
	size_t len = session_size(&config);
	uint8_t *copy = malloc(certificate.len + 1);

	if (copy == NULL)
		return ag_fail(err, AG_ENOMEM, "snapshot: out of memory");
	if (certificate.len > 0)
		memcpy(copy, certificate.data, certificate.len);
	w->certificate = bytes_of(copy, certificate.len);
	w->item = malloc(SNAPSHOT_ITEM_BYTES_MAX);
	w->session_memory = pages_new(len);
	if (w->item == NULL || w->session_memory == NULL)
		return ag_fail(err, AG_ENOMEM, "snapshot: out of memory");
	w->sessions = session_init(w->session_memory, len, &config);
	w->encoded = malloc(session_bytes_max(w->sessions));
	if (w->encoded == NULL)
		return ag_fail(err, AG_ENOMEM, "snapshot: out of memory");
	return tables_sessions_read(store_pin_db(w->pin), w->sessions, err);
}

enum ag_status
snapshot_writer_new(struct snapshot_writer **out, struct store_pin *pin,
    const struct trust_scope *scope, struct bytes certificate,
    struct ag_error *err)
{
	struct snapshot_writer *w = NULL;
	enum ag_status status;

	*out = NULL;
	if (certificate.len > CERTIFICATE_BYTES_MAX)
		return ag_fail(err, AG_EINVAL,
		    "snapshot: certificate of %zu bytes", certificate.len);
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "snapshot: out of memory");
	w->pin = pin;
	w->scope = *scope;
	(void)crypto_generichash_init(&w->hash, NULL, 0, DIGEST_BYTES);
	w->values = sealed_value_new(store_pin_keyring(pin));
	status = w->values == NULL
	    ? ag_fail(err, AG_ENOMEM, "snapshot: out of memory")
	    : writer_load(w, certificate, err);
	if (status == AG_OK)
		status = db_prepare(store_pin_db(pin), &w->entries,
		    "SELECT key, value, version, created, modified, size "
		    "FROM kv ORDER BY key",
		    err);
	if (status != AG_OK) {
		snapshot_writer_free(w);
		return status;
	}
	*out = w;
	return AG_OK;
}

/* The pin must still be there: it holds the connection. */
void
snapshot_writer_free(struct snapshot_writer *w)
{
	if (w == NULL)
		return;
	if (w->entries != NULL)
		db_finalize(w->entries);
	sealed_value_free(w->values);
	free((void *)(uintptr_t)w->certificate.data);
	pages_free(w->session_memory);
	free(w->encoded);
	free(w->item);
	free(w);
}

static void
head_encode(struct snapshot_writer *w, struct encoder *e)
{
	const struct tables_meta *meta = store_pin_meta(w->pin);

	encoder_put_raw(e, bytes_from_text(SNAPSHOT_MAGIC));
	encoder_put_array(e, 8);
	encoder_put_uint(e, SNAPSHOT_VERSION);
	encoder_put_bytes(e, bytes_of(w->scope.cluster_id, CLUSTER_ID_BYTES));
	encoder_put_uint(e, w->scope.epoch);
	encoder_put_uint(e, meta->seq);
	encoder_put_uint(e, meta->time_ms);
	encoder_put_uint(e, meta->keys);
	encoder_put_uint(e, session_count(w->sessions));
	if (w->certificate.len > 0)
		encoder_put_raw(e, w->certificate);
	else
		encoder_put_null(e);
}

static enum ag_status
entry_encode(struct snapshot_writer *w, struct encoder *e, struct ag_error *err)
{
	enum ag_status status = db_step(w->entries, err);
	struct store_entry entry;

	if (status != AG_OK)
		return status;
	entry.key = db_column_bytes(w->entries, 0);
	entry.version = db_column_uint(w->entries, 2);
	entry.created = db_column_uint(w->entries, 3);
	entry.modified = db_column_uint(w->entries, 4);
	status = sealed_value_open(w->values, entry.key, entry.version,
	    db_column_uint(w->entries, 5), db_column_bytes(w->entries, 1),
	    &entry.value, err);
	if (status != AG_OK)
		return status;
	tables_entry_encode(e, &entry);
	return AG_OK;
}

static void
session_item_encode(struct snapshot_writer *w, struct encoder *e)
{
	size_t i = w->session++;
	size_t len = session_encode(w->sessions, i, w->encoded,
	    session_bytes_max(w->sessions));

	encoder_put_array(e, 2);
	encoder_put_bytes(e,
	    bytes_of(session_principal(w->sessions, i), PRINCIPAL_BYTES));
	encoder_put_bytes(e, bytes_of(w->encoded, len));
}

/* Encode what comes next, or move to the next stage and encode nothing. */
static enum ag_status
item_encode(struct snapshot_writer *w, struct encoder *e, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	switch (w->stage) {
	case WRITE_HEAD:
		head_encode(w, e);
		w->stage = WRITE_ENTRIES;
		break;
	case WRITE_ENTRIES:
		status = entry_encode(w, e, err);
		if (status == AG_ENOENT) {
			w->stage = WRITE_SESSIONS;
			status = AG_OK;
		}
		break;
	case WRITE_SESSIONS:
		if (w->session < session_count(w->sessions))
			session_item_encode(w, e);
		else
			w->stage = WRITE_END;
		break;
	case WRITE_END:
		encoder_put_null(e);
		w->stage = WRITE_DONE;
		break;
	case WRITE_DONE:
		break;
	}
	return status;
}

/* Put the next item in w->item; w->len stays 0 only at the end. */
static enum ag_status
item_next(struct snapshot_writer *w, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct bytes item;
	struct encoder e;

	w->len = 0;
	w->taken = 0;
	while (status == AG_OK && w->len == 0 && w->stage != WRITE_DONE) {
		encoder_init(&e, w->item, SNAPSHOT_ITEM_BYTES_MAX);
		status = item_encode(w, &e, err);
		if (status != AG_OK)
			break;
		AG_ASSERT(encoder_finish(&e, &item) == AG_OK);
		(void)crypto_generichash_update(&w->hash, item.data, item.len);
		w->len = item.len;
		if (w->stage == WRITE_DONE) {
			(void)crypto_generichash_final(&w->hash,
			    w->item + w->len, DIGEST_BYTES);
			w->len += DIGEST_BYTES;
		}
	}
	return status;
}

enum ag_status
snapshot_writer_read(struct snapshot_writer *w, uint8_t *out, size_t cap,
    size_t *len, struct ag_error *err)
{
	enum ag_status status;

	*len = 0;
	while (*len < cap) {
		size_t step;

		if (w->taken == w->len) {
			status = item_next(w, err);
			if (status != AG_OK)
				return status;
			if (w->len == 0)
				break;
		}
		step = w->len - w->taken;
		if (step > cap - *len)
			step = cap - *len;
		memcpy(out + *len, w->item + w->taken, step);
		w->taken += step;
		*len += step;
	}
	return AG_OK;
}
