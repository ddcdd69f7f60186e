/*
 * The replicated store: agreed batches executed, committed, digested.
 *
 * RULES    1. Applied batches gather in one transaction until a commit, so
 *             that many batches share its cost.
 *          2. Each operation of a batch gets an outcome, in order: executed
 *             now, remembered from before, or refused for a reason every
 *             replica finds too.
 *          3. The agreed time never falls.
 *          4. Of what changes with nearly every batch and is small, the key
 *             epochs, the entry is written by a commit alone: only then can
 *             anybody see it.
 *          5. Leases that have expired by a batch's time go before its first
 *             operation.
 *          6. After a failure the handle refuses all work: memory may be
 *             ahead of the database.  Opening again starts from the last
 *             commit.
 *
 * NOT HERE Operations (store/execute.c), tables (store/tables.c), superseded
 *          versions (store/versions.c), reading on other threads
 *          (store/store_read.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "codec/batch.h"
#include "db/db.h"
#include "store/execute.h"
#include "store/membership.h"
#include "store/reseal.h"
#include "store/store_parts.h"
#include "store/versions.h"
#include "trust/epoch.h"

struct store {
	struct tables *tables;
	struct versions *versions;
	bool has_failed;
	struct operation op; /* the one being executed; too big for a stack */
	const struct roster *roster; /* of the epoch; NULL: not said yet */
	struct roster successor;     /* scratch, too */
	bool is_last;
	struct key_epochs epochs;
	struct leases *leases;
	struct reseal *reseal; /* NULL: not asked for yet */
	uint64_t bytes_put;    /* by the batch that is executed */
	bool has_put;
	struct metric *operations_total, *commit_seconds, *keys, *bytes;
	struct metric *past_oldest, *past_versions, *past_bytes;
	char path[STORE_PATH_BYTES];
};

const char *
store_path(const struct store *store)
{
	return store->path;
}

struct tables *
store_tables(struct store *store)
{
	return store->tables;
}

/* Keep the first failure's meaning: nothing may follow it. */
static enum ag_status
failed(struct store *store, enum ag_status status)
{
	if (status != AG_OK)
		store->has_failed = true;
	return status;
}

static enum ag_status
refuse_failed(const struct store *store, struct ag_error *err)
{
	return ag_fail(err, AG_ESYS,
	    "state %s: stopped after a failure; restart the node", store->path);
}

static enum ag_status
make_dir(const char *dir, struct ag_error *err)
{
	enum ag_status status = fs_mkdir(dir, err);

	return status == AG_EEXIST ? AG_OK : status;
}

static void
metrics_init(struct store *store, struct metric_set *metrics)
{
	store->operations_total = metric_new(metrics, METRIC_COUNTER,
	    "aegis_store_operations_total", "Operations executed", NULL);
	store->commit_seconds =
	    metric_new(metrics, METRIC_HISTOGRAM, "aegis_store_commit_seconds",
		"Time to commit applied batches", NULL);
	store->keys = metric_new(metrics, METRIC_GAUGE, "aegis_store_keys",
	    "Keys held", NULL);
	store->bytes = metric_new(metrics, METRIC_GAUGE, "aegis_store_bytes",
	    "Bytes of keys and values held", NULL);
	store->past_oldest =
	    metric_new(metrics, METRIC_GAUGE, "aegis_store_history_oldest_seq",
		"Oldest sequence that can be read", NULL);
	store->past_versions = metric_new(metrics, METRIC_GAUGE,
	    "aegis_store_history_versions", "Superseded versions kept", NULL);
	store->past_bytes =
	    metric_new(metrics, METRIC_GAUGE, "aegis_store_history_bytes",
		"Bytes of superseded versions and of changes kept", NULL);
}

static void
metrics_show(struct store *store)
{
	const struct tables_meta *meta = tables_meta(store->tables);
	struct store_past past;

	metric_set_value(store->keys, (int64_t)tables_keys(store->tables));
	metric_set_value(store->bytes, (int64_t)meta->bytes);
	versions_look(store->versions, &past);
	metric_set_value(store->past_oldest, (int64_t)past.oldest);
	metric_set_value(store->past_versions, (int64_t)past.versions);
	metric_set_value(store->past_bytes, (int64_t)past.bytes);
}

/* Another cluster's state, with which this one begins: now it is ours. */
static enum ag_status
take_over(struct tables *tables, const uint8_t *cluster_id,
    const struct store_origin *origin, struct ag_error *err)
{
	struct tables_meta *meta = tables_meta(tables);
	enum ag_status status;
	struct digest digest;

	tables_digest(tables, &digest);
	if (meta->seq != origin->seq || !digest_equal(&digest, &origin->digest))
		return ag_fail(err, AG_ECONFLICT,
		    "it is another cluster's, and not the one at sequence "
		    "%llu that the roster begins with",
		    (unsigned long long)origin->seq);
	status = tables_begin(tables, err);
	memcpy(meta->cluster_id, cluster_id, CLUSTER_ID_BYTES);
	if (status == AG_OK)
		status = tables_commit(tables, err);
	return status == AG_OK ? db_sync(tables_db(tables), err) : status;
}

/* Does the state belong to this cluster, or may it from now on? */
static enum ag_status
claim(struct tables *tables, const uint8_t *cluster_id,
    const struct store_origin *origin, struct ag_error *err)
{
	const struct tables_meta *meta = tables_meta(tables);
	enum ag_status status;

	if (memcmp(meta->cluster_id, cluster_id, CLUSTER_ID_BYTES) == 0) {
		if (origin == NULL || meta->seq >= origin->seq)
			return tables_check_keyring(tables, err);
		return ag_fail(err, AG_ECONFLICT,
		    "it ends at sequence %llu, before %llu, where the roster "
		    "begins",
		    (unsigned long long)meta->seq,
		    (unsigned long long)origin->seq);
	}
	if (origin == NULL)
		return ag_fail(err, AG_ECONFLICT,
		    "it belongs to another cluster; check the data directory "
		    "and the roster");
	status = tables_check_keyring(tables, err);
	return status == AG_OK ? take_over(tables, cluster_id, origin, err)
			       : status;
}

static enum ag_status
epochs_load(struct store *store, struct ag_error *err)
{
	const struct bytes key = operation_epochs_key();
	struct tables_row row;
	enum ag_status status;
	struct buf value;

	key_epochs_init(&store->epochs);
	status = tables_find(store->tables, key, &row, err);
	if (status != AG_OK || !row.exists)
		return status;
	buf_init(&value, VALUE_BYTES_MAX);
	status = tables_value(store->tables, key, &value, err);
	if (status == AG_OK)
		status =
		    key_epochs_decode(&store->epochs, buf_bytes(&value), err);
	store->epochs.created = row.created;
	buf_fini(&value);
	return status;
}

static enum ag_status
epochs_save(struct store *store, struct ag_error *err)
{
	struct key_epochs *epochs = &store->epochs;
	uint8_t value[KEY_EPOCHS_BYTES_MAX];
	const struct store_entry entry = {
		.key = operation_epochs_key(),
		.value = key_epochs_encode(epochs, value),
		.version = epochs->serial + 1,
		.created = epochs->created,
		.modified = epochs->modified,
	};
	struct tables_row row;
	enum ag_status status;

	if (!epochs->is_changed)
		return AG_OK;
	epochs->is_changed = false;
	status = tables_find(store->tables, entry.key, &row, err);
	return status == AG_OK ? tables_put(store->tables, &row, &entry, err)
			       : status;
}

enum ag_status
store_open(struct store **out, const char *dir,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES],
    struct metric_set *metrics, struct ag_error *err)
{
	return store_open_from(out, dir, cluster_id, NULL, NULL, metrics, err);
}

enum ag_status
store_open_from(struct store **out, const char *dir,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES],
    const struct store_origin *origin, struct keyring *keyring,
    struct metric_set *metrics, struct ag_error *err)
{
	struct store *store = calloc(1, sizeof(*store));
	enum ag_status status;

	*out = NULL;
	if (store == NULL)
		return ag_fail(err, AG_ENOMEM, "open state %s", dir);
	metrics_init(store, metrics);
	status = make_dir(dir, err);
	if (status == AG_OK)
		status = fs_join(store->path, sizeof(store->path), dir,
		    TABLES_FILE, err);
	if (status == AG_OK)
		status = tables_open(&store->tables, store->path, cluster_id,
		    keyring, err);
	if (status == AG_OK)
		status = claim(store->tables, cluster_id, origin, err);
	if (status == AG_OK)
		status = tables_seal(store->tables, err);
	if (status == AG_OK)
		status = leases_open(&store->leases, store->tables, err);
	if (status == AG_OK)
		status = epochs_load(store, err);
	if (status == AG_OK)
		status = versions_open(&store->versions,
		    tables_db(store->tables), store_applied(store), err);
	if (status != AG_OK) {
		ag_error_prefix(err, "open state %s", dir);
		store_close(store);
		return status;
	}
	tables_keep_versions(store->tables, store->versions);
	metrics_show(store);
	*out = store;
	return AG_OK;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	if (store->reseal != NULL)
		reseal_close(store->reseal);
	leases_close(store->leases);
	versions_close(store->versions);
	tables_close(store->tables);
	free(store);
}

const struct key_epochs *
store_key_epochs(const struct store *store)
{
	return &store->epochs;
}

uint64_t
store_applied(const struct store *store)
{
	return tables_meta(store->tables)->seq;
}

uint64_t
store_time_ms(const struct store *store)
{
	return tables_meta(store->tables)->time_ms;
}

uint64_t
store_next_expiry_ms(const struct store *store)
{
	return leases_next_ms(store->leases);
}

void
store_size(const struct store *store, uint64_t *keys, uint64_t *bytes)
{
	const struct tables_meta *meta = tables_meta(store->tables);

	*keys = tables_keys(store->tables);
	*bytes = meta->bytes;
}

enum ag_status
store_find_request(struct store *store, const uint8_t principal[static 32],
    uint64_t number, struct result *result)
{
	switch (session_find(tables_sessions(store->tables), principal, number,
	    result)) {
	case SESSION_EXECUTED:
		return AG_OK;
	case SESSION_STALE:
		*result = (struct result){ .code = RESULT_STALE };
		return AG_OK;
	case SESSION_NEW:
		break;
	}
	return AG_ENOENT;
}

uint64_t
store_next_number(const struct store *store, const uint8_t principal[static 32])
{
	return session_next(tables_sessions(store->tables), principal);
}

enum ag_status
store_begin_epoch(struct store *store, const struct roster *roster,
    struct ag_error *err)
{
	store->roster = roster;
	return failed(store,
	    membership_find(store->tables, roster, &store->successor,
		&store->is_last, err));
}

bool
store_is_last(const struct store *store)
{
	return store->is_last;
}

enum ag_status
store_prove_epoch(struct store *store, struct epoch *epoch, struct buf *text,
    struct ag_error *err)
{
	const struct tables_meta *meta = tables_meta(store->tables);
	enum ag_status status = store_commit(store, err);

	buf_clear(text);
	if (status == AG_OK)
		status = tables_value(store->tables, operation_roster_key(),
		    text, err);
	if (status == AG_OK)
		status = tables_prove(store->tables, operation_roster_key(),
		    &epoch->proof, err);
	if (status != AG_OK)
		return status;
	epoch->roster = buf_bytes(text);
	epoch->seq = meta->seq;
	epoch->time_ms = meta->time_ms;
	tables_roots(store->tables, &epoch->root, &epoch->sessions);
	return AG_OK;
}

/* A successor: its members, and what their keys are to become. */
static enum ag_status
apply_members(struct store *store, uint64_t seq, struct result *result,
    struct ag_error *err)
{
	bool was_last = store->is_last, has_left;
	enum ag_status status;

	if (store->roster == NULL)
		return AG_OK;
	status = membership_execute(store->tables, store->roster,
	    store->op.roster, seq, &store->successor, &store->is_last,
	    &has_left, result, err);
	if (status == AG_OK && store->is_last && !was_last)
		key_epochs_change_members(&store->epochs, has_left, seq,
		    store_time_ms(store));
	return status;
}

/* Execute an operation that is neither remembered nor stale. */
static enum ag_status
apply_new(struct store *store, uint64_t seq, const struct envelope *envelope,
    struct bytes operation, const struct store_observer *observer,
    struct result *result, struct ag_error *err)
{
	const uint64_t now_ms = store_time_ms(store);
	const struct execution x = {
		.tables = store->tables,
		.leases = store->leases,
		.observer = observer,
		.principal = envelope->principal,
		.seq = seq,
		.now_ms = now_ms,
	};

	*result = (struct result){ .code = RESULT_EXPIRED, .seq = seq };
	if (envelope->expiry_ms != 0 && envelope->expiry_ms < now_ms)
		return AG_OK;
	result->code = RESULT_INVALID;
	if (operation_decode(&store->op, operation, NULL) != AG_OK)
		return AG_OK;
	metric_add(store->operations_total, 1);
	if (store->op.kind == OPERATION_MEMBERSHIP)
		return apply_members(store, seq, result, err);
	if (store->op.kind == OPERATION_KEYS) {
		if (store->roster != NULL)
			key_epochs_execute(&store->epochs, store->roster,
			    store->op.order, seq, now_ms, result);
		return AG_OK;
	}
	return execute_operation(&x, &store->op, result, err);
}

static enum ag_status
apply_operation(struct store *store, uint64_t seq,
    const struct envelope *envelope, uint64_t number, struct bytes operation,
    const struct store_observer *observer, struct ag_error *err)
{
	struct session_table *sessions = tables_sessions(store->tables);
	struct store_outcome outcome = { .principal = envelope->principal,
		.number = number };
	enum ag_status status = AG_OK;

	switch (session_find(sessions, envelope->principal, number,
	    &outcome.result)) {
	case SESSION_EXECUTED:
		break;
	case SESSION_STALE:
		outcome.result =
		    (struct result){ .code = RESULT_STALE, .seq = seq };
		break;
	case SESSION_NEW:
		status = apply_new(store, seq, envelope, operation, observer,
		    &outcome.result, err);
		if (status == AG_OK)
			session_record(sessions, envelope->principal, number,
			    &outcome.result);
		break;
	}
	if (status == AG_OK && observer != NULL && observer->outcome != NULL)
		observer->outcome(observer->arg, &outcome);
	return status;
}

static enum ag_status
apply_envelope(struct store *store, uint64_t seq,
    const struct envelope *envelope, const struct store_observer *observer,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct decoder d;
	size_t i;

	decoder_init(&d, envelope->operations);
	for (i = 0; status == AG_OK && i < envelope->operation_count; i++)
		status = apply_operation(store, seq, envelope,
		    envelope->first + i, decoder_get_bytes(&d), observer, err);
	return status;
}

/* What an observer sees is counted as it passes. */
struct passing {
	struct store *store;
	const struct store_observer *observer; /* or NULL */
};

static void
pass_change(void *arg, const struct store_change *change)
{
	const struct passing *passing = arg;
	const struct store_observer *observer = passing->observer;

	if (!change->is_delete) {
		passing->store->bytes_put += change->entry.value.len;
		passing->store->has_put = true;
	}
	if (observer != NULL && observer->change != NULL)
		observer->change(observer->arg, change);
}

static void
pass_outcome(void *arg, const struct store_outcome *outcome)
{
	const struct store_observer *observer =
	    ((const struct passing *)arg)->observer;

	if (observer != NULL && observer->outcome != NULL)
		observer->outcome(observer->arg, outcome);
}

static enum ag_status
apply_envelopes(struct store *store, uint64_t seq, const struct batch *batch,
    const struct store_observer *observer, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct envelope envelope;
	struct decoder d;
	size_t i;

	decoder_init(&d, batch->envelopes);
	for (i = 0; status == AG_OK && i < batch->envelope_count; i++) {
		envelope_decode_from(&d, &envelope);
		status = apply_envelope(store, seq, &envelope, observer, err);
	}
	return status;
}

static enum ag_status
apply_expiry(struct store *store, uint64_t seq,
    const struct store_observer *observer, struct ag_error *err)
{
	const struct execution x = {
		.tables = store->tables,
		.leases = store->leases,
		.observer = observer,
		.seq = seq,
		.now_ms = store_time_ms(store),
	};

	return execute_expiry(&x, err);
}

static enum ag_status
apply_batch(struct store *store, uint64_t seq, const struct batch *batch,
    const struct store_observer *observer, struct ag_error *err)
{
	struct passing passing = { store, observer };
	const struct store_observer counting = { &passing, pass_outcome,
		pass_change };
	struct tables_meta *meta = tables_meta(store->tables);
	enum ag_status status;

	if (batch->time_ms > meta->time_ms)
		meta->time_ms = batch->time_ms;
	store->bytes_put = 0;
	store->has_put = false;
	key_epochs_begin_batch(&store->epochs, seq, meta->time_ms);
	status = apply_expiry(store, seq, &counting, err);
	if (status == AG_OK)
		status = apply_envelopes(store, seq, batch, &counting, err);
	if (status == AG_OK)
		status = leases_settle(store->leases, seq, err);
	if (store->has_put)
		key_epochs_count(&store->epochs, seq, meta->time_ms,
		    store->bytes_put);
	key_epochs_end_batch(&store->epochs, seq, meta->time_ms);
	return status;
}

enum ag_status
store_apply(struct store *store, uint64_t seq, struct bytes batch,
    const struct store_observer *observer, struct ag_error *err)
{
	enum ag_status status;
	struct batch decoded;

	if (store->has_failed)
		return refuse_failed(store, err);
	AG_ASSERT(seq == store_applied(store) + 1);
	AG_ASSERT(!store->is_last);
	status = tables_begin(store->tables, err);
	versions_begin_batch(store->versions, seq);
	if (status == AG_OK && batch_decode(&decoded, batch, NULL) == AG_OK)
		status = apply_batch(store, seq, &decoded, observer, err);
	if (status == AG_OK)
		status = versions_end_batch(store->versions,
		    store_time_ms(store), err);
	if (status == AG_OK)
		tables_meta(store->tables)->seq = seq;
	return failed(store, status);
}

enum ag_status
store_commit(struct store *store, struct ag_error *err)
{
	uint64_t began = clock_mono_us();
	enum ag_status status;

	if (store->has_failed)
		return refuse_failed(store, err);
	status = epochs_save(store, err);
	if (status == AG_OK)
		status = tables_commit(store->tables, err);
	metric_observe_us(store->commit_seconds, clock_mono_us() - began);
	metrics_show(store);
	return failed(store, status);
}

enum ag_status
store_digest(struct store *store, struct digest *digest, struct ag_error *err)
{
	enum ag_status status = store_commit(store, err);

	if (status == AG_OK)
		tables_digest(store->tables, digest);
	return status;
}

enum ag_status
store_sync(struct store *store, struct ag_error *err)
{
	enum ag_status status = store_commit(store, err);

	if (status != AG_OK)
		return status;
	return failed(store, db_sync(tables_db(store->tables), err));
}

static enum ag_status
reseal_settle(struct store *store, struct store_resealing *progress,
    struct ag_error *err)
{
	enum ag_status status = store_commit(store, err);

	return status == AG_OK
	    ? db_sync_all(tables_db(store->tables), &progress->is_settled, err)
	    : status;
}

enum ag_status
store_reseal(struct store *store, struct store_resealing *progress,
    size_t *bytes, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (store->has_failed)
		return refuse_failed(store, err);
	*bytes = 0;
	*progress =
	    (struct store_resealing){ .is_done = true, .is_settled = true };
	if (tables_keyring(store->tables) == NULL)
		return AG_OK;
	if (store->reseal == NULL)
		status = reseal_open(&store->reseal, store->tables, err);
	if (status == AG_OK)
		status = reseal_step(store->reseal, progress, bytes, err);
	progress->is_settled = false;
	if (status == AG_OK && progress->is_done)
		status = reseal_settle(store, progress, err);
	return failed(store, status);
}

void
store_retain(struct store *store, const struct store_retention *retention)
{
	versions_retain(store->versions, retention);
}

void
store_look_past(const struct store *store, struct store_past *past)
{
	versions_look(store->versions, past);
}

enum ag_status
store_compact(struct store *store, bool *is_done, struct ag_error *err)
{
	enum ag_status status;
	bool is_due = false;

	if (store->has_failed)
		return refuse_failed(store, err);
	status = versions_is_due(store->versions, store_time_ms(store), &is_due,
	    err);
	*is_done = !is_due;
	if (status != AG_OK || !is_due)
		return failed(store, status);
	status = tables_begin(store->tables, err);
	if (status == AG_OK)
		status = versions_compact(store->versions, store_time_ms(store),
		    is_done, err);
	return failed(store, status);
}
