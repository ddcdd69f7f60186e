/*
 * /v1/members: the chain of rosters, and a successor put to agreement.
 *
 * Who the members are and how they do is in /v1/status.
 */
#include "api/handlers.h"

#include "api/argument.h"
#include "api/server.h"

void
members_chain(struct exchange *x)
{
	exchange_reply(x, MHD_HTTP_OK, "application/cbor",
	    node_chain(x->api->node));
}

static void
reply_accepted(struct exchange *x, const struct result *result)
{
	struct emitter *e = exchange_json_begin(x);
	char id[REQUEST_ID_TEXT_BYTES];

	exchange_request_id(&x->id, id);
	emit_u64_member(e, "epoch", result->version);
	emit_u64_member(e, "seq", result->seq);
	emit_text_member(e, "request", id);
	exchange_json_end(x, MHD_HTTP_OK);
}

static void
members_done(void *arg, enum ag_status status, const struct result *result)
{
	struct exchange *x = arg;

	if (!exchange_wake(x))
		return;
	if (status == AG_OK && result->code == RESULT_DONE)
		reply_accepted(x, result);
	else if (status == AG_OK && result->code == RESULT_CONFLICT)
		exchange_problem_of_request(x, PROBLEM_CONFLICT,
		    "another change of the members came first");
	else if (status == AG_OK)
		exchange_problem_of_request(x, PROBLEM_UNPROCESSABLE,
		    "the members refused the successor");
	else if (status == AG_EUNKNOWN)
		exchange_problem_of_request(x, PROBLEM_UNKNOWN_OUTCOME,
		    "no answer in time: the change may still happen");
	else if (status == AG_ENOQUORUM)
		exchange_problem_of_request(x, PROBLEM_NO_QUORUM,
		    "too few members answer: nothing happened");
	else
		exchange_problem_of_request(x, problem_of_status(status),
		    ag_status_text(status));
}

void
members_change(struct exchange *x)
{
	struct ag_error err = { 0 };
	enum ag_status status;

	exchange_wait(x);
	status = node_change_members(x->api->node, buf_bytes(&x->body),
	    x->timeout_ms, members_done, x, &x->id, &err);
	if (status == AG_OK)
		return;
	exchange_unwait(x);
	/* Signatures that lack are not a fault of anybody's. */
	if (status == AG_EFORGED)
		exchange_problem(x, PROBLEM_DENIED, err.text);
	else if (status == AG_EINVAL || status == AG_EVERSION)
		exchange_problem(x, PROBLEM_UNPROCESSABLE, err.text);
	else
		exchange_fail(x, status, &err);
}
