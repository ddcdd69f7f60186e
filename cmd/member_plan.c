/*
 * Telling what a change of the members means.
 *
 * RULES    1. The figures go to standard output, for people and programs; what
 *             to beware of is told in sentences on standard error.
 */
#include "cmd/member_plan.h"

#include <stdio.h>
#include <string.h>

#include "cmd/output.h"

static const struct output_column columns[] = {
	{ "change", NULL, 0 },
	{ "member", NULL, OUTPUT_VALUE_COLUMN },
	{ "role", NULL, 0 },
	{ "with", NULL, 0 },
	{ "epoch", NULL, OUTPUT_RIGHT },
	{ "n_before", NULL, OUTPUT_RIGHT },
	{ "n", NULL, OUTPUT_RIGHT },
	{ "f_before", NULL, OUTPUT_RIGHT },
	{ "f", NULL, OUTPUT_RIGHT },
	{ "quorum_before", NULL, OUTPUT_RIGHT },
	{ "quorum", NULL, OUTPUT_RIGHT },
	{ "approved", NULL, OUTPUT_RIGHT },
	{ "needed", NULL, OUTPUT_RIGHT },
	{ "approvers", NULL, 0 },
	{ "must_sign", NULL, 0 },
	{ "complete", NULL, 0 },
	{ NULL, NULL, 0 },
};

static const char *
kind_name(enum succession_kind kind)
{
	switch (kind) {
	case SUCCESSION_ADD:
		return "add";
	case SUCCESSION_REMOVE:
		return "rm";
	case SUCCESSION_PROMOTE:
		return "promote";
	case SUCCESSION_REPLACE:
	default:
		return "replace";
	}
}

/* Who must sign and has not. */
static void
missing_names(char *out, size_t cap, const struct roster *next,
    const struct succession_tally *tally)
{
	uint32_t i, missing = tally->must_sign & ~tally->signed_by;
	size_t len = 0;

	out[0] = '\0';
	for (i = 0; i < roster_node_count(next) && len < cap; i++) {
		if ((missing >> i & 1U) == 0)
			continue;
		(void)snprintf(out + len, cap - len, "%s%s", len > 0 ? "," : "",
		    next->members[i].name);
		len = strlen(out);
	}
}

static enum ag_status
print_figures(const struct applet_call *call, const struct roster *next,
    const struct roster *roster, const struct succession_change *change,
    struct ag_error *err)
{
	uint32_t before = roster->member_count, after = next->member_count;
	char names[TRUST_MEMBERS_MAX * ROSTER_NAME_BYTES];
	struct succession_tally tally;
	enum ag_status status;
	struct output *out;

	succession_count(&tally, next, roster);
	missing_names(names, sizeof(names), next, &tally);
	status = output_new(&out, call, stdout, NULL, columns, err);
	if (status != AG_OK)
		return status;
	output_text(out, kind_name(change->kind));
	output_text(out,
	    change->kind == SUCCESSION_ADD
		? next->members[change->comes].name
		: roster->members[change->gone].name);
	output_text(out, change->is_observer ? "observer" : "member");
	if (change->kind == SUCCESSION_REPLACE)
		output_text(out, next->members[change->comes].name);
	else
		output_null(out);
	output_u64(out, next->epoch);
	output_u64(out, before);
	output_u64(out, after);
	output_u64(out, roster_faults(roster));
	output_u64(out, roster_faults(next));
	output_u64(out, roster_quorum(roster));
	output_u64(out, roster_quorum(next));
	output_u64(out, tally.approved);
	output_u64(out, tally.needed);
	output_text(out, tally.by_operators ? "operators" : "members");
	output_list(out, names);
	output_bool(out, succession_is_complete(&tally));
	output_row(out);
	return output_end(out, err);
}

/* Members of the present roster that take no part now. */
static uint32_t
count_down(const json_t *status, const char *except)
{
	const json_t *list = json_object_get(status, "members"), *member;
	uint32_t count = 0;
	size_t i;

	json_array_foreach(list, i, member)
	{
		const char *name =
		    json_string_value(json_object_get(member, "name"));
		const char *state =
		    json_string_value(json_object_get(member, "state"));
		const char *role =
		    json_string_value(json_object_get(member, "role"));

		if (name == NULL || state == NULL ||
		    (role != NULL && strcmp(role, "OBSERVER") == 0) ||
		    (except != NULL && strcmp(name, except) == 0) ||
		    strcmp(state, "SELF") == 0 || strcmp(state, "OK") == 0)
			continue;
		(void)fprintf(stderr, "%s is %s now and takes no part\n", name,
		    state);
		count++;
	}
	return count;
}

/* What a change of the observers leaves alone. */
static void
say_no_vote(const struct roster *next, const struct succession_change *change)
{
	(void)fprintf(stderr,
	    "an observer has no vote: %u members tolerate %u, and a quorum is "
	    "%u, as before\n",
	    next->member_count, roster_faults(next), roster_quorum(next));
	if (change->kind != SUCCESSION_REMOVE)
		(void)fprintf(stderr,
		    "%s fetches the state, which it can read then\n",
		    next->members[change->comes].name);
}

static void
warn(const struct roster *next, const struct roster *roster,
    const struct succession_change *change, const json_t *status)
{
	uint32_t f = roster_faults(next);
	bool comes = change->kind != SUCCESSION_REMOVE;
	const char *gone = change->kind == SUCCESSION_ADD
	    ? NULL
	    : roster->members[change->gone].name;
	uint32_t down = status == NULL ? 0 : count_down(status, gone);

	if ((change->kind == SUCCESSION_ADD ||
		change->kind == SUCCESSION_PROMOTE) &&
	    f == roster_faults(roster))
		(void)fprintf(stderr,
		    "%u members tolerate no more than %u did: %u tolerate %u\n",
		    next->member_count, roster->member_count,
		    roster_fault_model(next) == FAULTS_CRASH ? 2 * (f + 1) + 1
							     : 3 * (f + 1) + 1,
		    f + 1);
	if (f < roster_faults(roster))
		(void)fprintf(stderr,
		    "%u members tolerate %u fault%s, one less than before\n",
		    next->member_count, f, f == 1 ? "" : "s");
	if (change->kind == SUCCESSION_PROMOTE)
		(void)fprintf(stderr,
		    "%s votes from then on; until it has what the others "
		    "have, it counts as down\n",
		    next->members[change->comes].name);
	else if (comes)
		(void)fprintf(stderr,
		    "until %s has fetched the state it counts as down\n",
		    next->members[change->comes].name);
	down += comes ? 1 : 0;
	if (down > f)
		(void)fprintf(stderr,
		    "WARNING: %u members would be down and %u may be: the "
		    "cluster could not agree on anything\n",
		    down, f);
	else
		(void)fprintf(stderr,
		    "during the change %u more may fail, after it %u\n",
		    f - down, f - (down - (comes ? 1 : 0)));
}

enum ag_status
member_plan_show(const struct applet_call *call, const struct roster *next,
    const struct roster *roster, const json_t *status, struct ag_error *err)
{
	struct succession_change change;
	enum ag_status result = succession_check(next, roster, &change, err);

	if (result != AG_OK || call->is_quiet)
		return result;
	result = print_figures(call, next, roster, &change, err);
	if (result == AG_OK && change.is_observer)
		say_no_vote(next, &change);
	else if (result == AG_OK)
		warn(next, roster, &change, status);
	return result;
}
