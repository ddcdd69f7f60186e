/*
 * Execution of operations.
 *
 * RULES    1. The result and the effect depend on the operation, the state
 *             and the sequence alone.
 *          2. A key's version counts from 1 at each creation: a key deleted
 *             and put again starts over, and created tells the two apart.
 *          3. A transaction is all or nothing.  Its compares, and the
 *             if_version of each change in the chosen list, are judged
 *             against the state before it; one if_version that does not
 *             hold makes the whole transaction CONFLICT.  Then changes are
 *             made in order; deleting an absent key is no change.
 *          4. A conflict reports the version that is there.
 */
#include "store/execute.h"

static bool
version_holds(const struct change *change, const struct tables_row *row)
{
	return !change->has_if_version || change->if_version == row->version;
}

static void
tell(const struct store_observer *observer, uint64_t seq,
    const struct store_entry *entry, bool is_delete)
{
	const struct store_change change = {
		.seq = seq,
		.is_delete = is_delete,
		.entry = *entry,
	};

	if (observer != NULL && observer->change != NULL)
		observer->change(observer->arg, &change);
}

static enum ag_status
put(struct tables *tables, const struct change *change,
    const struct tables_row *row, uint64_t seq,
    const struct store_observer *observer, struct ag_error *err)
{
	const struct store_entry entry = {
		.key = change->key,
		.value = change->value,
		.version = row->version + 1,
		.created = row->exists ? row->created : seq,
		.modified = seq,
	};
	enum ag_status status = tables_put(tables, row, &entry, err);

	if (status == AG_OK)
		tell(observer, seq, &entry, false);
	return status;
}

static enum ag_status
delete(struct tables *tables, const struct change *change,
    const struct tables_row *row, uint64_t seq,
    const struct store_observer *observer, struct ag_error *err)
{
	const struct store_entry entry = {
		.key = change->key,
		.value = bytes_of(NULL, 0),
		.created = row->created,
		.modified = seq,
	};
	enum ag_status status = tables_delete(tables, row, change->key, err);

	if (status == AG_OK)
		tell(observer, seq, &entry, true);
	return status;
}

static enum ag_status
execute_change(struct tables *tables, const struct change *change, uint64_t seq,
    const struct store_observer *observer, struct result *result,
    struct ag_error *err)
{
	struct tables_row row;
	enum ag_status status = tables_find(tables, change->key, &row, err);

	if (status != AG_OK)
		return status;
	result->version = row.version;
	result->previous_version = row.version;
	if (!version_holds(change, &row)) {
		result->code = RESULT_CONFLICT;
		return AG_OK;
	}
	if (change->kind == OPERATION_PUT) {
		result->version = row.version + 1;
		return put(tables, change, &row, seq, observer, err);
	}
	if (!row.exists) {
		result->code = RESULT_NOT_FOUND;
		return AG_OK;
	}
	result->version = 0;
	return delete (tables, change, &row, seq, observer, err);
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

static enum ag_status
execute_txn(struct tables *tables, const struct operation *op, uint64_t seq,
    const struct store_observer *observer, struct result *result,
    struct ag_error *err)
{
	const struct change *changes;
	enum ag_status status;
	size_t list, i;
	bool hold;

	status = compares_hold(tables, op, &hold, err);
	if (status != AG_OK)
		return status;
	list = hold ? 0 : 1;
	changes = op->changes[list];
	status =
	    versions_hold(tables, changes, op->change_count[list], &hold, err);
	if (status != AG_OK)
		return status;
	if (!hold) {
		result->code = RESULT_CONFLICT;
		return AG_OK;
	}
	result->code = list == 0 ? RESULT_DONE : RESULT_ELSE;
	for (i = 0; status == AG_OK && i < op->change_count[list]; i++) {
		struct change change = changes[i];
		struct result ignored = { .code = RESULT_DONE };

		change.has_if_version = false;
		status = execute_change(tables, &change, seq, observer,
		    &ignored, err);
	}
	return status;
}

enum ag_status
execute_operation(struct tables *tables, const struct operation *op,
    uint64_t seq, const struct store_observer *observer, struct result *result,
    struct ag_error *err)
{
	*result = (struct result){ .code = RESULT_DONE, .seq = seq };
	switch (op->kind) {
	case OPERATION_PUT:
	case OPERATION_DELETE:
		return execute_change(tables, &op->change, seq, observer,
		    result, err);
	case OPERATION_TXN:
		return execute_txn(tables, op, seq, observer, result, err);
	case OPERATION_BARRIER:
	case OPERATION_MEMBERSHIP:
	case OPERATION_KEYS:
		break;
	}
	return AG_OK;
}
