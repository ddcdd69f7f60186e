/*
 * The columns of consensus-inspect.
 *
 * RULES    1. What is not known is null in JSON and empty in a table, never
 *             zero.
 *          2. Members are told by name; by "#number" where nobody said the
 *             names.
 */
#include "cmd/inspect_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/exit.h"

void
inspect_names_of_roster(struct inspect_names *names,
    const struct roster *roster)
{
	uint32_t i;

	(void)snprintf(names->cluster, sizeof(names->cluster), "%s",
	    roster->cluster_name);
	names->count = roster->member_count;
	names->quorum = roster_quorum(roster);
	for (i = 0; i < roster->member_count; i++)
		(void)snprintf(names->names[i], sizeof(names->names[i]), "%s",
		    roster->members[i].name);
}

const char *
inspect_names_get(const struct inspect_names *names, uint32_t member,
    char scratch[static 16])
{
	if (member < names->count)
		return names->names[member];
	(void)snprintf(scratch, 16, "#%" PRIu32, member);
	return scratch;
}

void
inspect_names_list(char out[static CERTIFICATE_NAMES_BYTES],
    const struct inspect_names *names, uint32_t members)
{
	char scratch[16];
	size_t len = 0;
	uint32_t i;

	out[0] = '\0';
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		if ((members >> i & 1U) == 0)
			continue;
		(void)snprintf(out + len, CERTIFICATE_NAMES_BYTES - len, "%s%s",
		    len > 0 ? "," : "", inspect_names_get(names, i, scratch));
		len = strlen(out);
	}
}

uint32_t
inspect_signers(const struct certificate *c)
{
	uint32_t i, members = 0;

	for (i = 0; i < c->proof_count; i++)
		members |= UINT32_C(1) << c->proofs[i].member;
	return members;
}

static void
put_text(struct output *out, const char *text)
{
	output_text(out, text != NULL && text[0] != '\0' ? text : NULL);
}

static void
put_u64(struct output *out, bool is_known, uint64_t value)
{
	if (is_known)
		output_u64(out, value);
	else
		output_null(out);
}

static const struct output_column status_columns[] = {
	{ "node", NULL, 0 },
	{ "version", NULL, 0 },
	{ "cluster", NULL, 0 },
	{ "cluster_id", NULL, 0 },
	{ "epoch", NULL, OUTPUT_RIGHT },
	{ "strategy", NULL, 0 },
	{ "n", "members", OUTPUT_RIGHT },
	{ "quorum", NULL, OUTPUT_RIGHT },
	{ "view", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "primary", NULL, 0 },
	{ "changing_view", NULL, 0 },
	{ "proposed", NULL, OUTPUT_RIGHT },
	{ "committed", NULL, OUTPUT_RIGHT },
	{ "executed", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "stable", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "stable_digest", NULL, 0 },
	{ "first_record", NULL, OUTPUT_RIGHT },
	{ "last_record", NULL, OUTPUT_RIGHT },
	{ NULL, NULL, 0 },
};

int
inspect_show_status(const struct applet_call *call,
    const struct inspect_status *s)
{
	struct ag_error err;
	struct output *out;

	if (output_new(&out, call, stdout, NULL, status_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	put_text(out, s->node);
	put_text(out, s->version);
	put_text(out, s->cluster);
	put_text(out, s->cluster_id);
	put_u64(out, s->has_roster, s->epoch);
	put_text(out, s->strategy);
	put_u64(out, s->has_roster, s->n);
	put_u64(out, s->has_roster, s->quorum);
	output_u64(out, s->view);
	put_text(out, s->primary);
	output_bool(out, s->is_changing);
	output_u64(out, s->proposed);
	put_u64(out, s->has_committed, s->committed);
	put_u64(out, s->has_executed, s->executed);
	output_u64(out, s->stable);
	put_text(out, s->stable_digest);
	put_u64(out, s->has_log, s->first_record);
	put_u64(out, s->has_log, s->last_record);
	output_row(out);
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

const struct output_column inspect_round_columns[] = {
	{ "seq", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "view", NULL, OUTPUT_RIGHT },
	{ "phase", NULL, 0 },
	{ "requests", NULL, OUTPUT_RIGHT },
	{ "bytes", NULL, OUTPUT_RIGHT },
	{ "took_us", NULL, OUTPUT_RIGHT },
	{ "age_us", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "prepares", NULL, 0 },
	{ "commits", NULL, 0 },
	{ "digest", NULL, OUTPUT_WIDE_ONLY },
	{ "state", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

void
inspect_show_round(struct output *out, const struct inspect_round *round)
{
	output_u64(out, round->seq);
	output_u64(out, round->view);
	output_text(out, round->phase);
	output_u64(out, round->requests);
	output_u64(out, round->bytes);
	put_u64(out, round->has_times && round->took_us != 0, round->took_us);
	put_u64(out, round->has_times && round->age_us != 0, round->age_us);
	output_list(out, round->prepares);
	output_list(out, round->commits);
	put_text(out, round->digest);
	put_text(out, round->state);
	output_row(out);
}

static const struct output_column vote_columns[] = {
	{ "member", NULL, OUTPUT_VALUE_COLUMN },
	{ "prepare", NULL, 0 },
	{ "commit", NULL, 0 },
	{ "seq", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "view", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "digest", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

enum ag_status
inspect_show_votes(const struct applet_call *call,
    const struct inspect_round *round, const struct inspect_vote *votes,
    size_t count, struct ag_error *err)
{
	enum ag_status status;
	struct output *out;
	size_t i;

	status = output_new(&out, call, stdout, "votes", vote_columns, err);
	if (status != AG_OK)
		return status;
	if (call->output == OUTPUT_TABLE)
		(void)printf("sequence %" PRIu64 "  view %" PRIu64
			     "  %s\ndigest %s\n\n",
		    round->seq, round->view, round->phase, round->digest);
	for (i = 0; i < count; i++) {
		output_text(out, votes[i].member);
		output_bool(out, votes[i].has_prepared);
		output_bool(out, votes[i].has_committed);
		output_u64(out, round->seq);
		output_u64(out, round->view);
		put_text(out, round->digest);
		output_row(out);
	}
	return output_end(out, err);
}

const struct output_column inspect_view_columns[] = {
	{ "view", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "primary", NULL, 0 },
	{ "state", NULL, 0 },
	{ "askers", NULL, 0 },
	{ "why", NULL, 0 },
	{ "detail", NULL, OUTPUT_WIDE_ONLY },
	{ "asked", NULL, OUTPUT_WIDE_ONLY },
	{ "began", NULL, 0 },
	{ "stopped_us", NULL, OUTPUT_RIGHT },
	{ "record", NULL, OUTPUT_RIGHT },
	{ NULL, NULL, 0 },
};

void
inspect_show_view(struct output *out, const struct inspect_view *view)
{
	output_u64(out, view->view);
	put_text(out, view->primary);
	output_text(out, view->is_changing ? "CHANGING" : "ENTERED");
	output_list(out, view->askers);
	put_text(out, view->why);
	put_text(out, view->detail);
	put_text(out, view->asked);
	put_text(out, view->began);
	put_u64(out, view->stopped_us != 0, view->stopped_us);
	put_u64(out, view->record != 0, view->record);
	output_row(out);
}

const struct output_column inspect_file_columns[] = {
	{ "file", NULL, 0 },
	{ "kind", NULL, 0 },
	{ "cluster", NULL, 0 },
	{ "cluster_id", NULL, 0 },
	{ "epoch", NULL, OUTPUT_RIGHT },
	{ "view", NULL, OUTPUT_RIGHT },
	{ "seq", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "digest", NULL, OUTPUT_VALUE_COLUMN },
	{ "signers", NULL, 0 },
	{ "quorum", NULL, OUTPUT_RIGHT },
	{ "n", "members", OUTPUT_RIGHT },
	{ "verified", NULL, 0 },
	{ NULL, NULL, 0 },
};

const struct output_column *const inspect_certificate_columns =
    inspect_file_columns + 1;

void
inspect_show_certificate(struct output *out, const char *path,
    const struct certificate_file *file, const struct inspect_names *names,
    bool is_verified)
{
	const struct certificate *c = &file->certificate;
	char list[CERTIFICATE_NAMES_BYTES], hex[INSPECT_DIGEST_TEXT];

	if (path != NULL)
		output_text(out, path);
	output_text(out, certificate_file_kind(c));
	put_text(out, names->cluster);
	text_hex(hex, sizeof(hex),
	    bytes_of(file->scope.cluster_id, CLUSTER_ID_BYTES));
	output_text(out, hex);
	output_u64(out, file->scope.epoch);
	put_u64(out, c->phase != VOTE_CHECKPOINT, c->view);
	output_u64(out, c->seq);
	text_hex(hex, sizeof(hex), bytes_of(c->digest.data, DIGEST_BYTES));
	output_text(out, hex);
	inspect_names_list(list, names, inspect_signers(c));
	output_list(out, list);
	put_u64(out, names->count > 0, names->quorum);
	put_u64(out, names->count > 0, names->count);
	output_bool(out, is_verified);
	output_row(out);
}
