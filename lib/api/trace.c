/*
 * GET /v1/consensus/trace: where a request was on this node.
 *
 * FORMAT   phase, and for each phase the microseconds after `began`, which is
 *          the first moment known here.  What is not known is null.
 */
#include "api/handlers.h"

#include "api/argument.h"
#include "api/server.h"

static uint64_t
earliest(const struct node_trace *t)
{
	const uint64_t times[] = { t->received_us, t->sent_us, t->proposed_us,
		t->prepared_us, t->committed_us, t->executed_us,
		t->answered_us };
	uint64_t first = 0;
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] != 0 && (first == 0 || times[i] < first))
			first = times[i];
	return first;
}

static void
emit_times(struct emitter *e, const struct node_trace *t)
{
	const uint64_t began = earliest(t);
	const struct {
		const char *name;
		uint64_t at_us;
	} times[] = {
		{ "received_us", t->received_us },
		{ "sent_us", t->sent_us },
		{ "proposed_us", t->proposed_us },
		{ "prepared_us", t->prepared_us },
		{ "committed_us", t->committed_us },
		{ "executed_us", t->executed_us },
		{ "answered_us", t->answered_us },
	};
	size_t i;

	emit_time_or_null(e, "began", began / 1000);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		emit_u64_or_null(e, times[i].name, times[i].at_us != 0,
		    times[i].at_us - began);
}

static void
reply_trace(struct exchange *x, const struct node_trace *t)
{
	struct api *api = x->api;
	const struct node_round *r = &t->round;
	char id[REQUEST_ID_TEXT_BYTES];
	struct emitter *e;

	node_status(api->node, &api->status);
	exchange_request_id(&x->id, id);
	e = exchange_json_begin(x);
	emit_text_member(e, "node", api->status.members[api->status.self].name);
	emit_text_member(e, "request", id);
	emit_text_member(e, "phase", t->phase);
	emit_times(e, t);
	emit_text_or_null(e, "answer", t->answer);
	emit_text_or_null(e, "code", t->code);
	emit_u64_or_null(e, "seq", r->seq != 0, r->seq);
	emit_u64_or_null(e, "view", t->has_round, r->view);
	emit_key(e, "digest");
	if (t->has_round)
		emit_hex(e, bytes_of(r->digest, sizeof(r->digest)));
	else
		emit_null(e);
	emit_time_or_null(e, "batch_time", t->batch_ms);
	consensus_emit_voters(e, "prepares", &api->status, r->prepares);
	consensus_emit_voters(e, "commits", &api->status, r->commits);
	exchange_json_end(x, MHD_HTTP_OK);
}

static void
trace_done(void *arg, enum ag_status status, const struct node_trace *trace,
    const struct ag_error *err)
{
	struct exchange *x = arg;

	if (!exchange_wake(x))
		return;
	if (status == AG_OK)
		reply_trace(x, trace);
	else if (status == AG_ENOENT)
		exchange_problem_of_request(x, PROBLEM_ABSENT,
		    "nothing is known of this request here: it never came, or "
		    "its log was cut");
	else
		exchange_fail(x, status, err);
}

void
trace_find(struct exchange *x)
{
	struct ag_error err = { 0 };
	struct node_trace trace;
	enum ag_status status;

	if (!exchange_parse_request_id(argument_text(x, "id"), &x->id)) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "id takes the \"request\" of an earlier answer");
		return;
	}
	if (node_trace(x->api->node, &x->id, &trace) == AG_OK) {
		reply_trace(x, &trace);
		return;
	}
	exchange_wait(x);
	status = node_trace_log(x->api->node, &x->id, trace_done, x, &err);
	if (status == AG_OK)
		return;
	exchange_unwait(x);
	exchange_fail(x, status, &err);
}
