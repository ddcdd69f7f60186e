/*
 * Execution of operations.
 *
 * RULES    1. The result and the effect depend on the operation, the state,
 *             the sequence and the agreed time alone.
 *          2. A key's version counts from 1 at each creation: a key deleted
 *             and put again starts over, and created tells the two apart.
 *          3. A transaction is all or nothing.  Its compares, and the
 *             if_version of each change in the chosen list, are judged
 *             against the state before it; one if_version that does not
 *             hold makes the whole transaction CONFLICT.  Then changes are
 *             made in order; deleting an absent key is no change.
 *          4. A conflict reports the version that is there.
 *          5. A lease that has expired is none, for any operation, also
 *             while its entry waits to go: a batch begins with those that
 *             expired by its time, the first ones first, and by their
 *             numbers those of one moment, up to LEASES_SWEEP_MAX.  No more
 *             than LEASES_SWEEP_KEYS_MAX keys go with leases in a batch: one
 *             revoked beyond that has expired, and goes in a later batch.
 *          6. Whether leases have room for the keys of a transaction is
 *             judged before it, too, as if none of its own changes made any.
 */
#include "store/execute.h"

#include <string.h>

static bool
version_holds(const struct change *change, const struct tables_row *row)
{
	return !change->has_if_version || change->if_version == row->version;
}

static void
tell(const struct execution *x, const struct store_entry *entry, bool is_delete)
{
	const struct store_observer *observer = x->observer;
	const struct store_change change = {
		.seq = x->seq,
		.is_delete = is_delete,
		.entry = *entry,
	};

	if (observer != NULL && observer->change != NULL)
		observer->change(observer->arg, &change);
}

static enum ag_status
put(const struct execution *x, const struct change *change,
    const struct tables_row *row, struct ag_error *err)
{
	const struct store_entry entry = {
		.key = change->key,
		.value = change->value,
		.version = row->version + 1,
		.created = row->exists ? row->created : x->seq,
		.modified = x->seq,
		.lease = change->lease,
	};
	enum ag_status status = tables_put(x->tables, row, &entry, err);

	if (status == AG_OK)
		status = leases_attach(x->leases, entry.key, entry.lease, err);
	if (status == AG_OK)
		tell(x, &entry, false);
	return status;
}

static enum ag_status
delete(const struct execution *x, struct bytes key,
    const struct tables_row *row, struct ag_error *err)
{
	const struct store_entry entry = {
		.key = key,
		.value = bytes_of(NULL, 0),
		.created = row->created,
		.modified = x->seq,
	};
	enum ag_status status = tables_delete(x->tables, row, key, err);

	if (status == AG_OK)
		status = leases_attach(x->leases, key, 0, err);
	if (status == AG_OK)
		tell(x, &entry, true);
	return status;
}

/* --- leases --- */

/* False also of one that has expired. */
static enum ag_status
lease_is_live(const struct execution *x, uint64_t id, struct lease *lease,
    bool *is_live, struct ag_error *err)
{
	enum ag_status status = leases_find(x->leases, id, lease, err);

	*is_live = status == AG_OK && lease->expiry_ms >= x->now_ms;
	return status == AG_ENOENT ? AG_OK : status;
}

/* How many of the changes up to the last attach another key to its lease. */
static size_t
count_fresh(const struct change *changes, const bool *is_fresh, size_t last)
{
	size_t count = 0, i;

	for (i = 0; i <= last; i++)
		count += is_fresh[i] && changes[i].lease == changes[last].lease;
	return count;
}

/* May these be attached to the leases they name?  RESULT_DONE: they may. */
static enum ag_status
judge_leases(const struct execution *x, const struct change *changes,
    size_t count, enum result_code *code, struct ag_error *err)
{
	bool is_fresh[TXN_OPERATIONS_MAX] = { false }, is_live;
	enum ag_status status = AG_OK;
	struct lease lease;
	uint64_t held_by;
	size_t i;

	*code = RESULT_DONE;
	for (i = 0; status == AG_OK && i < count; i++) {
		if (changes[i].lease == 0)
			continue;
		status =
		    lease_is_live(x, changes[i].lease, &lease, &is_live, err);
		if (status == AG_OK)
			status = leases_of_key(x->leases, changes[i].key,
			    &held_by, err);
		if (status != AG_OK)
			return status;
		is_fresh[i] = held_by != changes[i].lease;
		if (!is_live)
			*code = RESULT_NO_LEASE;
		else if (is_fresh[i] &&
		    lease.key_count + count_fresh(changes, is_fresh, i) >
			LEASE_KEYS_MAX)
			*code = RESULT_FULL;
		if (*code != RESULT_DONE)
			return AG_OK;
	}
	return status;
}

/* A lease goes, and its keys. */
static enum ag_status
lease_end(const struct execution *x, struct lease *lease, struct ag_error *err)
{
	enum ag_status status;
	struct tables_row row;
	struct buf held;
	size_t i;

	buf_init(&held, LEASE_BYTES_MAX);
	status = leases_take(x->leases, lease, &held, err);
	for (i = 0; status == AG_OK && i < lease->key_count; i++) {
		status = tables_find(x->tables, lease->keys[i], &row, err);
		if (status == AG_OK)
			status = delete (x, lease->keys[i], &row, err);
	}
	buf_fini(&held);
	return status;
}

static enum ag_status
execute_grant(const struct execution *x, uint32_t ttl_s, struct result *result,
    struct ag_error *err)
{
	struct lease lease = {
		.ttl_s = ttl_s,
		.granted_ms = x->now_ms,
		.expiry_ms = x->now_ms + ttl_s * UINT64_C(1000),
	};
	enum ag_status status;
	bool has_room;

	status = leases_has_room(x->leases, x->principal, &has_room, err);
	if (status != AG_OK)
		return status;
	if (!has_room) {
		result->code = RESULT_FULL;
		return AG_OK;
	}
	memcpy(lease.principal, x->principal, PRINCIPAL_BYTES);
	status = leases_add(x->leases, &lease, err);
	result->version = lease.id;
	result->previous_version = lease.expiry_ms;
	return status;
}

/* A keep alive, or a revoke. */
static enum ag_status
execute_lease(const struct execution *x, const struct operation *op,
    struct result *result, struct ag_error *err)
{
	enum ag_status status;
	struct lease lease;
	bool is_live;

	status = lease_is_live(x, op->lease, &lease, &is_live, err);
	if (status != AG_OK)
		return status;
	if (!is_live) {
		result->code = RESULT_NO_LEASE;
		return AG_OK;
	}
	result->version = lease.id;
	if (op->kind == OPERATION_KEEP_ALIVE) {
		lease.expiry_ms = x->now_ms + lease.ttl_s * UINT64_C(1000);
		status = leases_put(x->leases, &lease, err);
	} else if (leases_may_take(x->leases, &lease)) {
		status = lease_end(x, &lease, err);
	} else {
		lease.expiry_ms = x->now_ms > 1 ? x->now_ms - 1 : 1;
		status = leases_put(x->leases, &lease, err);
	}
	result->previous_version = lease.expiry_ms;
	return status;
}

enum ag_status
execute_expiry(const struct execution *x, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct lease lease;
	size_t i;

	for (i = 0; status == AG_OK && i < LEASES_SWEEP_MAX; i++) {
		const uint64_t next_ms = leases_next_ms(x->leases);

		if (next_ms == 0 || next_ms >= x->now_ms)
			break;
		status = leases_first(x->leases, &lease, err);
		if (status == AG_OK && !leases_may_take(x->leases, &lease))
			break;
		if (status == AG_OK)
			status = lease_end(x, &lease, err);
	}
	return status;
}

/* --- changes --- */

static enum ag_status
execute_change(const struct execution *x, const struct change *change,
    struct result *result, struct ag_error *err)
{
	struct tables_row row;
	enum ag_status status = tables_find(x->tables, change->key, &row, err);

	if (status != AG_OK)
		return status;
	result->version = row.version;
	result->previous_version = row.version;
	if (!version_holds(change, &row)) {
		result->code = RESULT_CONFLICT;
		return AG_OK;
	}
	if (change->kind == OPERATION_PUT) {
		status = judge_leases(x, change, 1, &result->code, err);
		if (status != AG_OK || result->code != RESULT_DONE)
			return status;
		result->version = row.version + 1;
		return put(x, change, &row, err);
	}
	if (!row.exists) {
		result->code = RESULT_NOT_FOUND;
		return AG_OK;
	}
	result->version = 0;
	return delete (x, change->key, &row, err);
}

static enum ag_status
compare_holds(struct tables *tables, const struct compare *compare, bool *holds,
    struct ag_error *err)
{
	struct tables_row row;
	enum ag_status status;

	if (compare->kind == COMPARE_VALUE)
		return tables_value_is(tables, compare->key, compare->value,
		    holds, err);
	status = tables_find(tables, compare->key, &row, err);
	if (status != AG_OK)
		return status;
	*holds = compare->kind == COMPARE_VERSION
	    ? row.version == compare->number
	    : row.exists == (compare->number == 1);
	return AG_OK;
}

static enum ag_status
compares_hold(struct tables *tables, const struct operation *op, bool *hold,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t i;

	*hold = true;
	for (i = 0; status == AG_OK && *hold && i < op->compare_count; i++)
		status = compare_holds(tables, &op->compares[i], hold, err);
	return status;
}

static enum ag_status
versions_hold(struct tables *tables, const struct change *changes, size_t count,
    bool *hold, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct tables_row row;
	size_t i;

	*hold = true;
	for (i = 0; status == AG_OK && *hold && i < count; i++) {
		if (!changes[i].has_if_version)
			continue;
		status = tables_find(tables, changes[i].key, &row, err);
		*hold = version_holds(&changes[i], &row);
	}
	return status;
}

/* Make the changes of a list that were judged. */
static enum ag_status
execute_changes(const struct execution *x, const struct change *changes,
    size_t count, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct tables_row row;
	size_t i;

	for (i = 0; status == AG_OK && i < count; i++) {
		status = tables_find(x->tables, changes[i].key, &row, err);
		if (status != AG_OK)
			break;
		if (changes[i].kind == OPERATION_PUT)
			status = put(x, &changes[i], &row, err);
		else if (row.exists)
			status = delete (x, changes[i].key, &row, err);
	}
	return status;
}

static enum ag_status
execute_txn(const struct execution *x, const struct operation *op,
    struct result *result, struct ag_error *err)
{
	const struct change *changes;
	enum ag_status status;
	size_t list, count;
	bool hold;

	status = compares_hold(x->tables, op, &hold, err);
	if (status != AG_OK)
		return status;
	list = hold ? 0 : 1;
	changes = op->changes[list];
	count = op->change_count[list];
	status = versions_hold(x->tables, changes, count, &hold, err);
	if (status != AG_OK)
		return status;
	if (!hold) {
		result->code = RESULT_CONFLICT;
		return AG_OK;
	}
	status = judge_leases(x, changes, count, &result->code, err);
	if (status != AG_OK || result->code != RESULT_DONE)
		return status;
	result->code = list == 0 ? RESULT_DONE : RESULT_ELSE;
	return execute_changes(x, changes, count, err);
}

enum ag_status
execute_operation(const struct execution *x, const struct operation *op,
    struct result *result, struct ag_error *err)
{
	*result = (struct result){ .code = RESULT_DONE, .seq = x->seq };
	switch (op->kind) {
	case OPERATION_PUT:
	case OPERATION_DELETE:
		return execute_change(x, &op->change, result, err);
	case OPERATION_TXN:
		return execute_txn(x, op, result, err);
	case OPERATION_GRANT:
		return execute_grant(x, op->ttl_s, result, err);
	case OPERATION_KEEP_ALIVE:
	case OPERATION_REVOKE:
		return execute_lease(x, op, result, err);
	case OPERATION_BARRIER:
	case OPERATION_MEMBERSHIP:
	case OPERATION_KEYS:
		break;
	}
	return AG_OK;
}
