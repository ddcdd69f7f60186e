/*
 * consensus-inspect of a running node.
 *
 * RULES    1. A node's answers are its word.  Only a certificate or evidence
 *             proves anything, and only against a roster the caller has.
 *          2. Pages are fetched until enough was shown or nothing follows.
 */
#include "cmd/inspect_live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/exit.h"
#include "cmd/inspect_ask.h"
#include "cmd/inspect_data.h"
#include "cmd/inspect_evidence.h"
#include "cmd/inspect_options.h"
#include "cmd/inspect_show.h"
#include "store/part_evidence.h"

/* Ask a path and do something with the answer. */
static int
with_answer(struct applet_call *call, const struct target *target,
    int (*show)(const struct applet_call *call, const json_t *root))
{
	struct kv_ask ask;
	json_t *root;
	int code = kv_ask_open(&ask, call);

	if (code == EXIT_YES) {
		root = inspect_ask_or_say(&ask, call, target, &code);
		if (root != NULL)
			code = show(call, root);
		json_decref(root);
	}
	kv_ask_close(&ask);
	return code;
}

static int
show_status(const struct applet_call *call, const json_t *s)
{
	struct inspect_status status = {
		.has_roster = true,
		.epoch = kv_ask_u64(s, "epoch"),
		.n = inspect_ask_number(s, "n"),
		.quorum = inspect_ask_number(s, "quorum"),
		.view = kv_ask_u64(s, "view"),
		.is_changing =
		    json_is_true(json_object_get(s, "changing_view")),
		.proposed = kv_ask_u64(s, "proposed"),
		.has_executed = true,
		.executed = kv_ask_u64(s, "executed"),
		.stable = kv_ask_u64(s, "stable"),
	};

	inspect_ask_copy(status.node, sizeof(status.node), s, "node");
	inspect_ask_copy(status.version, sizeof(status.version), s, "version");
	inspect_ask_copy(status.cluster, sizeof(status.cluster), s, "cluster");
	inspect_ask_copy(status.cluster_id, sizeof(status.cluster_id), s,
	    "cluster_id");
	inspect_ask_copy(status.strategy, sizeof(status.strategy), s,
	    "strategy");
	inspect_ask_copy(status.primary, sizeof(status.primary), s, "primary");
	if (status.stable != 0)
		inspect_ask_copy(status.stable_digest,
		    sizeof(status.stable_digest), s, "stable_digest");
	return inspect_show_status(call, &status);
}

int
inspect_live_status(struct applet_call *call)
{
	struct target target;

	target_init(&target, "/v1/status");
	return with_answer(call, &target, show_status);
}

/* Show a page of rounds; the lowest sequence shown, or 0 for none. */
static uint64_t
show_page(struct output *out, const json_t *root, uint64_t *limit)
{
	const json_t *rounds = json_object_get(root, "rounds");
	struct inspect_round round;
	uint64_t lowest = 0;
	size_t i;

	for (i = 0; i < json_array_size(rounds) && *limit > 0; i++) {
		inspect_ask_round(&round, json_array_get(rounds, i));
		inspect_show_round(out, &round);
		lowest = round.seq;
		*limit -= 1;
	}
	return lowest;
}

static int
show_pages(struct kv_ask *ask, struct applet_call *call, uint64_t from,
    uint64_t limit)
{
	struct output *out = NULL;
	enum ag_status status;
	json_t *root;
	int code = EXIT_YES;

	do {
		root = inspect_ask_rounds(ask, call, from, limit);
		if (root == NULL) {
			code = kv_ask_fail(ask, call);
			break;
		}
		status = kv_ask_rows(&out, call, "rounds",
		    inspect_round_columns, &ask->err);
		if (status == AG_OK)
			from = show_page(out, root, &limit);
		else
			code = exit_fail(call, &ask->err);
		json_decref(root);
	} while (code == EXIT_YES && from-- > 1 && limit > 0);
	return kv_ask_end_rows(out, call, code);
}

int
inspect_live_rounds(struct applet_call *call)
{
	uint64_t limit, from = 0;
	struct kv_ask ask;
	int code;

	if (!inspect_options_limit(call, &limit) ||
	    !inspect_options_from(call, &from))
		return EXIT_USAGE;
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = show_pages(&ask, call, from, limit);
	kv_ask_close(&ask);
	return code;
}

static int
show_votes(const struct applet_call *call, const json_t *root)
{
	const json_t *members = json_object_get(root, "members");
	struct inspect_vote votes[TRUST_MEMBERS_MAX];
	struct inspect_round round;
	struct ag_error err;
	size_t i;

	inspect_ask_round(&round, root);
	for (i = 0; i < json_array_size(members) && i < TRUST_MEMBERS_MAX;
	     i++) {
		const json_t *m = json_array_get(members, i);

		votes[i].member = inspect_ask_text(m, "name");
		votes[i].has_prepared =
		    json_is_true(json_object_get(m, "prepare"));
		votes[i].has_committed =
		    json_is_true(json_object_get(m, "commit"));
	}
	if (inspect_show_votes(call, &round, votes, i, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

int
inspect_live_votes(struct applet_call *call)
{
	struct target target;
	uint64_t seq;

	if (!inspect_options_seq(call, &seq))
		return EXIT_USAGE;
	target_init(&target, "/v1/consensus/votes");
	target_add_number(&target, "seq", seq);
	return with_answer(call, &target, show_votes);
}

/* Rows of views at or below from, at most limit. */
static int
show_views(const struct applet_call *call, const json_t *root)
{
	const json_t *views = json_object_get(root, "views");
	uint64_t limit = INSPECT_LIMIT, from = UINT64_MAX;
	struct ag_error err;
	struct output *out;
	size_t i;

	/* Both were checked before the node was asked. */
	if (options_count_value(&call->options, "limit", 1, UINT64_MAX, &limit,
		&err) != AG_OK ||
	    options_count_value(&call->options, "from", 1, UINT64_MAX, &from,
		&err) != AG_OK ||
	    output_new(&out, call, stdout, "views", inspect_view_columns,
		&err) != AG_OK)
		return exit_fail(call, &err);
	for (i = 0; i < json_array_size(views) && limit > 0; i++) {
		const json_t *v = json_array_get(views, i);
		struct inspect_view view = {
			.view = kv_ask_u64(v, "view"),
			.primary = inspect_ask_text(v, "primary"),
			.is_changing = strcmp(inspect_ask_text(v, "state"),
					   "CHANGING") == 0,
			.why = inspect_ask_text(v, "why"),
			.detail = inspect_ask_text(v, "detail"),
			.asked = inspect_ask_text(v, "asked"),
			.began = inspect_ask_text(v, "began"),
			.stopped_us = kv_ask_u64(v, "stopped_us"),
		};

		if (view.view > from)
			continue;
		inspect_ask_names(view.askers, json_object_get(v, "askers"));
		inspect_show_view(out, &view);
		limit--;
	}
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

int
inspect_live_views(struct applet_call *call)
{
	uint64_t unused = 0;
	struct target target;

	if (!inspect_options_limit(call, &unused) ||
	    !inspect_options_from(call, &unused))
		return EXIT_USAGE;
	target_init(&target, "/v1/consensus/views");
	return with_answer(call, &target, show_views);
}

/* --- certificates --- */

/* Who the members are: the roster's word, else the node's. */
static int
take_names(struct inspect_names *names, struct kv_ask *ask,
    const struct applet_call *call, const struct roster *roster)
{
	const json_t *members;
	struct target target;
	json_t *root;
	size_t i;
	int code;

	if (roster != NULL) {
		inspect_names_of_roster(names, roster);
		return EXIT_YES;
	}
	target_init(&target, "/v1/status");
	root = inspect_ask_or_say(ask, call, &target, &code);
	if (root == NULL)
		return code;
	inspect_ask_copy(names->cluster, sizeof(names->cluster), root,
	    "cluster");
	members = json_object_get(root, "members");
	for (i = 0; i < json_array_size(members) && i < TRUST_MEMBERS_MAX; i++)
		(void)snprintf(names->names[i], sizeof(names->names[i]), "%s",
		    inspect_ask_text(json_array_get(members, i), "name"));
	names->count = (uint32_t)i;
	json_decref(root);
	return EXIT_YES;
}

static int
fetch_certificate(struct kv_ask *ask, const struct applet_call *call,
    uint64_t seq, const struct roster *roster, struct certificate_file *file)
{
	struct client_request request;
	struct target target;

	target_init(&target, "/v1/consensus/cert");
	target_add_number(&target, "seq", seq);
	if (options_has(&call->options, "checkpoint"))
		target_add_text(&target, "kind", "checkpoint");
	request = kv_ask_request(call, NULL, &target);
	request.accept = "application/cbor";
	if (client_call(ask->client, &request, &ask->answer, &ask->err) !=
	    AG_OK)
		return kv_ask_fail(ask, call);
	if (certificate_file_decode(file, buf_bytes(&ask->answer.body),
		&ask->err) != AG_OK ||
	    (roster != NULL &&
		certificate_file_verify(file, roster, &ask->err) != AG_OK)) {
		ag_error_prefix(&ask->err,
		    "certificate of sequence %" PRIu64 " from the node", seq);
		return exit_fail(call, &ask->err);
	}
	return EXIT_YES;
}

static int
show_certificate(struct kv_ask *ask, const struct applet_call *call,
    uint64_t seq, const struct roster *roster)
{
	static struct certificate_file file;
	static struct inspect_names names;
	struct output *out;
	int code;

	code = fetch_certificate(ask, call, seq, roster, &file);
	if (code == EXIT_YES && call->output == OUTPUT_CBOR)
		return kv_ask_write_value(call, buf_bytes(&ask->answer.body));
	if (code == EXIT_YES)
		code = take_names(&names, ask, call, roster);
	if (code != EXIT_YES)
		return code;
	if (output_new(&out, call, stdout, NULL, inspect_certificate_columns,
		&ask->err) != AG_OK)
		return exit_fail(call, &ask->err);
	inspect_show_certificate(out, NULL, &file, &names, roster != NULL);
	if (output_end(out, &ask->err) != AG_OK)
		return exit_fail(call, &ask->err);
	return EXIT_YES;
}

int
inspect_live_certificate(struct applet_call *call)
{
	struct roster *roster;
	struct ag_error err;
	struct kv_ask ask;
	uint64_t seq;
	int code;

	if (!inspect_options_seq(call, &seq))
		return EXIT_USAGE;
	if (inspect_data_roster(&roster, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = show_certificate(&ask, call, seq, roster);
	kv_ask_close(&ask);
	free(roster);
	return code;
}

/* --- evidence --- */

static bool
is_known(const json_t *object, const char *key)
{
	return json_is_string(json_object_get(object, key));
}

static int
show_evidence(const struct applet_call *call, const json_t *root)
{
	const json_t *item, *list = json_object_get(root, "evidence");
	struct ag_error err;
	struct output *out;
	size_t i;

	if (output_new(&out, call, stdout, "evidence", inspect_evidence_columns,
		&err) != AG_OK)
		return exit_fail(call, &err);
	json_array_foreach(list, i, item)
	{
		const struct inspect_evidence_row row = {
			.id = inspect_ask_text(item, "id"),
			.member = inspect_ask_text(item, "member"),
			.kind = inspect_ask_text(item, "kind"),
			.has_view = is_known(item, "view"),
			.has_seq = is_known(item, "seq"),
			.view = kv_ask_u64(item, "view"),
			.seq = kv_ask_u64(item, "seq"),
			.found = inspect_ask_text(item, "found"),
			.text = inspect_ask_text(item, "text"),
		};

		inspect_evidence_row(out, &row);
	}
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

static int
fetch_evidence(struct kv_ask *ask, const struct applet_call *call,
    const struct roster *roster, struct evidence *evidence, struct buf *file)
{
	const char *id = call->operands[0];
	struct client_request request;
	enum ag_status status;
	struct target target;

	target_init(&target, "/v1/consensus/evidence");
	target_add_text(&target, "id", id);
	request = kv_ask_request(call, NULL, &target);
	request.accept = "application/cbor";
	if (client_call(ask->client, &request, &ask->answer, &ask->err) !=
	    AG_OK)
		return kv_ask_fail(ask, call);
	/* The answer's place is needed for the next question. */
	status = buf_append(file, ask->answer.body.data, ask->answer.body.len);
	if (status != AG_OK) {
		(void)ag_fail(&ask->err, status, "evidence %s: %s", id,
		    status == AG_ELIMIT ? "longer than any" : "out of memory");
		return exit_fail(call, &ask->err);
	}
	if (evidence_decode(evidence, buf_bytes(file), &ask->err) != AG_OK ||
	    (roster != NULL &&
		part_evidence_verify(evidence, roster, &ask->err) != AG_OK)) {
		ag_error_prefix(&ask->err, "evidence %s from the node", id);
		return exit_fail(call, &ask->err);
	}
	return EXIT_YES;
}

static int
show_one(struct kv_ask *ask, const struct applet_call *call,
    const struct roster *roster)
{
	static struct inspect_names names;
	struct evidence evidence;
	struct buf file;
	int code;

	buf_init(&file, EVIDENCE_BYTES_MAX);
	code = fetch_evidence(ask, call, roster, &evidence, &file);
	if (code == EXIT_YES)
		code = take_names(&names, ask, call, roster);
	if (code == EXIT_YES)
		code = inspect_evidence_show(call, call->operands[0], &evidence,
		    buf_bytes(&file), &names, roster != NULL);
	buf_fini(&file);
	return code;
}

int
inspect_live_evidence(struct applet_call *call)
{
	struct roster *roster;
	struct target target;
	struct ag_error err;
	struct kv_ask ask;
	int code;

	if (call->operand_count == 0) {
		target_init(&target, "/v1/consensus/evidence");
		return with_answer(call, &target, show_evidence);
	}
	if (inspect_data_roster(&roster, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = show_one(&ask, call, roster);
	kv_ask_close(&ask);
	free(roster);
	return code;
}
