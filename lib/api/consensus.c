/*
 * /v1/consensus: rounds, votes, views, certificates, the state's digest and
 * evidence, for looking.
 */
#include "api/handlers.h"

#include <stdio.h>
#include <string.h>

#include "api/argument.h"
#include "api/server.h"
#include "codec/text.h"

#define ROUNDS_DEFAULT 50
#define CERTIFICATE_BYTES_MAX (1U << 20)

void
consensus_emit_voters(struct emitter *e, const char *name,
    const struct node_status *s, uint32_t votes)
{
	uint32_t i;

	emit_key(e, name);
	emit_array_begin(e);
	for (i = 0; i < s->member_count; i++)
		if ((votes >> i & 1U) != 0)
			emit_text(e, s->members[i].name);
	emit_array_end(e);
}

/* The members of a round's object, without its braces. */
static void
emit_round(struct emitter *e, const struct node_status *s,
    const struct node_round *r)
{
	emit_u64_member(e, "seq", r->seq);
	emit_u64_member(e, "view", r->view);
	emit_text_member(e, "phase", r->phase);
	emit_hex_member(e, "digest", bytes_of(r->digest, sizeof(r->digest)));
	consensus_emit_voters(e, "prepares", s, r->prepares);
	consensus_emit_voters(e, "commits", s, r->commits);
	emit_number_member(e, "requests", r->requests);
	emit_number_member(e, "bytes", r->bytes);
	emit_u64_member(e, "age_us", r->age_us);
	emit_u64_member(e, "took_us", r->took_us);
	emit_key(e, "state");
	if (r->has_state)
		emit_hex(e, bytes_of(r->state, sizeof(r->state)));
	else
		emit_null(e);
}

void
consensus_rounds(struct exchange *x)
{
	struct api *api = x->api;
	uint64_t from, limit = ROUNDS_DEFAULT;
	struct emitter *e;
	size_t i, count;

	node_status(api->node, &api->status);
	from = api->status.proposed > api->status.executed
	    ? api->status.proposed
	    : api->status.executed;
	if (!argument_u64(x, "from", 0, UINT64_MAX, &from) ||
	    !argument_u64(x, "limit", 1, API_ROUNDS_MAX, &limit))
		return;
	count = node_rounds(api->node, from, api->rounds, (size_t)limit);
	e = exchange_json_begin(x);
	emit_key(e, "rounds");
	emit_array_begin(e);
	for (i = 0; i < count; i++) {
		emit_object_begin(e);
		emit_round(e, &api->status, &api->rounds[i]);
		emit_object_end(e);
	}
	emit_array_end(e);
	exchange_json_end(x, MHD_HTTP_OK);
}

static void
emit_votes_of_members(struct emitter *e, const struct node_status *s,
    const struct node_round *r)
{
	uint32_t i;

	emit_key(e, "members");
	emit_array_begin(e);
	for (i = 0; i < s->member_count; i++) {
		emit_object_begin(e);
		emit_text_member(e, "name", s->members[i].name);
		emit_bool_member(e, "prepare", (r->prepares >> i & 1U) != 0);
		emit_bool_member(e, "commit", (r->commits >> i & 1U) != 0);
		emit_object_end(e);
	}
	emit_array_end(e);
}

/* False: answered, because seq is missing or wrong. */
static bool
take_seq(struct exchange *x, uint64_t *seq)
{
	if (!argument_is_given(x, "seq")) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "the argument seq is missing");
		return false;
	}
	return argument_u64(x, "seq", 0, UINT64_MAX, seq);
}

void
consensus_votes(struct exchange *x)
{
	struct api *api = x->api;
	const struct node_round *round = &api->rounds[0];
	struct emitter *e;
	uint64_t seq = 0;

	if (!take_seq(x, &seq))
		return;
	if (node_rounds(api->node, seq, api->rounds, 1) == 0 ||
	    round->seq != seq) {
		exchange_problem(x, PROBLEM_ABSENT,
		    "nothing is kept of this round");
		return;
	}
	node_status(api->node, &api->status);
	e = exchange_json_begin(x);
	emit_round(e, &api->status, round);
	emit_votes_of_members(e, &api->status, round);
	exchange_json_end(x, MHD_HTTP_OK);
}

/* The members of a view's object, without its braces. */
static void
emit_view(struct emitter *e, const struct node_status *s,
    const struct node_view *v)
{
	emit_u64_member(e, "view", v->view);
	emit_text_member(e, "primary",
	    v->primary < s->member_count ? s->members[v->primary].name : "");
	emit_text_member(e, "state", v->is_changing ? "CHANGING" : "ENTERED");
	consensus_emit_voters(e, "askers", s, v->askers);
	emit_text_or_null(e, "why", v->why);
	emit_text_or_null(e, "detail", v->detail[0] != '\0' ? v->detail : NULL);
	emit_time_or_null(e, "asked", v->asked_ms);
	emit_time_or_null(e, "began", v->began_ms);
	emit_u64_or_null(e, "stopped_us", v->stopped_us != 0, v->stopped_us);
}

void
consensus_views(struct exchange *x)
{
	struct api *api = x->api;
	struct emitter *e;
	size_t i, count;

	node_status(api->node, &api->status);
	count = node_views(api->node, api->views, API_VIEWS_MAX);
	e = exchange_json_begin(x);
	emit_key(e, "views");
	emit_array_begin(e);
	for (i = 0; i < count; i++) {
		emit_object_begin(e);
		emit_view(e, &api->status, &api->views[i]);
		emit_object_end(e);
	}
	emit_array_end(e);
	exchange_json_end(x, MHD_HTTP_OK);
}

/* False: answered. */
static bool
take_kind(struct exchange *x, bool *is_checkpoint)
{
	const struct bytes kind = argument_text(x, "kind");

	*is_checkpoint = bytes_equal(kind, bytes_from_text("checkpoint"));
	if (kind.data == NULL || *is_checkpoint ||
	    bytes_equal(kind, bytes_from_text("commit")))
		return true;
	exchange_problem(x, PROBLEM_BAD_REQUEST,
	    "kind takes commit or checkpoint");
	return false;
}

static void
reply_certificate(struct exchange *x, uint64_t seq, bool is_checkpoint,
    struct bytes certificate)
{
	struct emitter *e;

	if (exchange_accepts(x, "application/cbor")) {
		exchange_reply(x, MHD_HTTP_OK, "application/cbor", certificate);
		return;
	}
	e = exchange_json_begin(x);
	emit_u64_member(e, "seq", seq);
	emit_text_member(e, "kind", is_checkpoint ? "checkpoint" : "commit");
	emit_hex_member(e, "cbor", certificate);
	exchange_json_end(x, MHD_HTTP_OK);
}

void
consensus_certificate(struct exchange *x)
{
	bool is_checkpoint = false;
	enum ag_status status;
	struct ag_error err = { 0 };
	struct buf certificate;
	uint64_t seq = 0;

	if (!take_seq(x, &seq) || !take_kind(x, &is_checkpoint))
		return;
	buf_init(&certificate, CERTIFICATE_BYTES_MAX);
	status = node_certificate(x->api->node, seq, is_checkpoint,
	    &certificate, &err);
	if (status == AG_OK)
		reply_certificate(x, seq, is_checkpoint,
		    buf_bytes(&certificate));
	else
		exchange_fail(x, status, &err);
	buf_fini(&certificate);
}

void
consensus_state(struct exchange *x)
{
	struct ag_error err = { 0 };
	struct node_state state;
	enum ag_status status;
	struct emitter *e;

	status = node_state(x->api->node, &state, &err);
	if (status != AG_OK) {
		exchange_fail(x, status, &err);
		return;
	}
	e = exchange_json_begin(x);
	emit_u64_member(e, "seq", state.seq);
	emit_time_member(e, "time", state.time_ms);
	emit_hex_member(e, "digest",
	    bytes_of(state.digest, sizeof(state.digest)));
	exchange_json_end(x, MHD_HTTP_OK);
}

/* --- evidence --- */

/* The members of a record's object, without its braces. */
static void
emit_evidence(struct emitter *e, const struct node_status *s,
    const struct node_evidence *evidence)
{

	emit_text_member(e, "id", evidence->id);
	emit_text_member(e, "member",
	    evidence->member < s->member_count
		? s->members[evidence->member].name
		: "");
	emit_text_member(e, "kind", evidence->kind);
	emit_u64_or_null(e, "view", evidence->has_view, evidence->view);
	emit_u64_or_null(e, "seq", evidence->seq != 0, evidence->seq);
	emit_time_member(e, "found", evidence->found_ms);
	emit_text_member(e, "text", evidence->text);
}

static void
list_evidence(struct exchange *x)
{
	struct api *api = x->api;
	struct node_evidence evidence;
	struct emitter *e;
	size_t i;

	node_status(api->node, &api->status);
	e = exchange_json_begin(x);
	emit_key(e, "evidence");
	emit_array_begin(e);
	for (i = 0; node_evidence(api->node, i, &evidence); i++) {
		emit_object_begin(e);
		emit_evidence(e, &api->status, &evidence);
		emit_object_end(e);
	}
	emit_array_end(e);
	exchange_json_end(x, MHD_HTTP_OK);
}

void
consensus_evidence(struct exchange *x)
{
	struct node_evidence evidence;
	struct ag_error err = { 0 };
	enum ag_status status;
	struct emitter *e;

	if (!argument_is_given(x, "id")) {
		list_evidence(x);
		return;
	}
	status = node_evidence_find(x->api->node, argument_text(x, "id"),
	    &evidence, &err);
	if (status != AG_OK) {
		exchange_fail(x, status, &err);
		return;
	}
	if (exchange_accepts(x, "application/cbor")) {
		exchange_reply(x, MHD_HTTP_OK, "application/cbor",
		    evidence.file);
		return;
	}
	node_status(x->api->node, &x->api->status);
	e = exchange_json_begin(x);
	emit_evidence(e, &x->api->status, &evidence);
	emit_hex_member(e, "cbor", evidence.file);
	exchange_json_end(x, MHD_HTTP_OK);
}
