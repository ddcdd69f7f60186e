/*
 * Changes of the membership, as part of the replicated state.
 *
 * FORMAT   The newest successor's text is the value of KEY_ROSTER.  Its
 *          version is the epoch, and it was created and modified by the
 *          batch that ends the epoch before.
 *
 * RULES    1. Every replica of an epoch has its roster, so all judge a
 *             successor alike: by that roster and the text alone.
 *          2. The first that is accepted ends the epoch.  Another in the
 *             same batch finds it there and conflicts.
 *          3. What a state of another cluster brought along, from which this
 *             one was restored, is no successor here and is replaced.
 */
#include "store/membership.h"

#include <string.h>

#include "trust/succession.h"

/* Parse and judge; a failure of the world is told apart from a bad text. */
static enum result_code
judge(struct roster *next, const struct roster *present, struct bytes text,
    struct succession_change *change, enum ag_status *status,
    struct ag_error *err)
{
	*status = roster_parse(next, text, "successor", err);
	if (*status == AG_OK)
		*status = succession_verify(next, present, err);
	if (*status == AG_OK)
		*status = succession_check(next, present, change, err);
	if (*status == AG_ENOMEM)
		return RESULT_INVALID;
	if (*status == AG_OK)
		return RESULT_DONE;
	return *status == AG_ECONFLICT ? RESULT_CONFLICT : RESULT_INVALID;
}

/* A node with another address or link key is who it was. */
static bool
somebody_has_left(const struct succession_change *change,
    const struct roster *next, const struct roster *present)
{
	return change->kind == SUCCESSION_REMOVE ||
	    (change->kind == SUCCESSION_REPLACE &&
		memcmp(next->members[change->comes].node_key,
		    present->members[change->gone].node_key,
		    PUBLIC_KEY_BYTES) != 0);
}

enum ag_status
membership_execute(struct tables *tables, const struct roster *present,
    struct bytes text, uint64_t seq, struct roster *next, bool *is_last,
    bool *has_left, struct result *result, struct ag_error *err)
{
	struct succession_change change;
	struct store_entry entry = {
		.key = operation_roster_key(),
		.value = text,
		.created = seq,
		.modified = seq,
	};
	struct tables_row row;
	enum ag_status status;

	*has_left = false;
	if (*is_last) {
		result->code = RESULT_CONFLICT;
		return AG_OK;
	}
	result->code = judge(next, present, text, &change, &status, err);
	if (status == AG_ENOMEM || result->code != RESULT_DONE)
		return status == AG_ENOMEM ? status : AG_OK;
	status = tables_find(tables, entry.key, &row, err);
	if (status != AG_OK)
		return status;
	entry.version = next->epoch;
	result->version = next->epoch;
	result->previous_version = present->epoch;
	*is_last = true;
	*has_left = somebody_has_left(&change, next, present);
	return tables_put(tables, &row, &entry, err);
}

enum ag_status
membership_find(struct tables *tables, const struct roster *present,
    struct roster *next, bool *is_last, struct ag_error *err)
{
	enum ag_status status;
	struct ag_error why;
	struct buf text;

	*is_last = false;
	buf_init(&text, VALUE_BYTES_MAX);
	status = tables_value(tables, operation_roster_key(), &text, err);
	if (status == AG_OK &&
	    roster_parse(next, buf_bytes(&text), "state", &why) == AG_OK)
		*is_last = succession_verify(next, present, &why) == AG_OK;
	buf_fini(&text);
	return status == AG_ENOENT ? AG_OK : status;
}
