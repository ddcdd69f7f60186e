/*
 * /v1/keys: key epochs as they are agreed on and as this node is with them,
 * and an order put to agreement.  There is no key in any of it.
 */
#include "api/handlers.h"

#include "api/argument.h"
#include "api/server.h"

static void
emit_policy(struct emitter *e, const struct node_key_epochs *k)
{
	emit_key(e, "policy");
	emit_object_begin(e);
	emit_u64_or_null(e, "max_age_ms", k->max_age_ms != 0, k->max_age_ms);
	emit_u64_or_null(e, "max_bytes", k->max_bytes != 0, k->max_bytes);
	emit_bool_member(e, "on_member_change", k->on_member_change);
	emit_object_end(e);
}

/* When the policy ends the epoch by its age; 0: it does not. */
static uint64_t
due_ms(const struct node_key_epochs *k)
{
	return k->max_age_ms == 0 || k->since_ms == 0
	    ? 0
	    : k->since_ms + k->max_age_ms;
}

static void
emit_agreed(struct emitter *e, const struct node_key_epochs *k)
{
	emit_u64_member(e, "serial", k->serial);
	emit_number_member(e, "epoch", k->epoch);
	emit_u64_member(e, "since_seq", k->since_seq);
	emit_time_or_null(e, "since", k->since_ms);
	emit_u64_member(e, "bytes", k->bytes);
	emit_text_member(e, "cause", k->cause);
	emit_text_member(e, "reason", k->reason);
	emit_key(e, "next");
	if (k->next == 0)
		emit_null(e);
	else
		emit_number(e, k->next);
	emit_u64_or_null(e, "next_seq", k->next != 0, k->next_seq);
	emit_time_or_null(e, "due", due_ms(k));
	emit_number_member(e, "suspect", k->suspect);
	emit_policy(e, k);
}

static void
emit_list(struct emitter *e, const struct node_key_epochs *k)
{
	emit_key(e, "epochs");
	emit_array_begin(e);
	for (size_t i = 0; i < k->count; i++) {
		emit_object_begin(e);
		emit_number_member(e, "epoch", k->list[i].epoch);
		emit_text_member(e, "state", k->list[i].state);
		emit_bool_member(e, "suspect", k->list[i].epoch <= k->suspect);
		emit_time_member(e, "created", k->list[i].created_ms);
		emit_object_end(e);
	}
	emit_array_end(e);
}

static void
emit_node(struct emitter *e, const struct node_key_epochs *k)
{
	emit_number_member(e, "active", k->active);
	emit_text_or_null(e, "need", k->need);
	emit_time_or_null(e, "need_since", k->need_ms);
	emit_u64_member(e, "passed", k->passed);
	emit_u64_member(e, "resealed", k->resealed);
	emit_u64_member(e, "keys", k->keys);
	emit_number_member(e, "log_epoch", k->log_epoch);
	emit_text_or_null(e, "trouble",
	    k->trouble[0] != '\0' ? k->trouble : NULL);
	emit_list(e, k);
}

void
keys_status(struct exchange *x)
{
	struct node_status *s = &x->api->status;
	struct node_key_epochs keys;
	struct emitter *e;

	node_status(x->api->node, s);
	node_key_epochs(x->api->node, &keys);
	e = exchange_json_begin(x);
	emit_text_member(e, "cluster", s->cluster);
	emit_hex_member(e, "cluster_id",
	    bytes_of(s->cluster_id, sizeof(s->cluster_id)));
	emit_text_member(e, "node", s->members[s->self].name);
	emit_u64_member(e, "executed", s->executed);
	emit_agreed(e, &keys);
	emit_node(e, &keys);
	exchange_json_end(x, MHD_HTTP_OK);
}

static void
reply_done(struct exchange *x, const struct result *result)
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
order_done(void *arg, enum ag_status status, const struct result *result)
{
	struct exchange *x = arg;

	if (!exchange_wake(x))
		return;
	if (status == AG_OK && result->code == RESULT_DONE)
		reply_done(x, result);
	else if (status == AG_OK && result->code == RESULT_CONFLICT)
		exchange_problem_of_request(x, PROBLEM_CONFLICT,
		    "another decision on key epochs came first, or one is on "
		    "its way");
	else if (status == AG_OK)
		exchange_problem_of_request(x, PROBLEM_UNPROCESSABLE,
		    "the members refused the order");
	else if (status == AG_EUNKNOWN)
		exchange_problem_of_request(x, PROBLEM_UNKNOWN_OUTCOME,
		    "no answer in time: the order may still be obeyed");
	else if (status == AG_ENOQUORUM)
		exchange_problem_of_request(x, PROBLEM_NO_QUORUM,
		    "too few members answer: nothing happened");
	else
		exchange_problem_of_request(x, problem_of_status(status),
		    ag_status_text(status));
}

void
keys_order(struct exchange *x)
{
	struct ag_error err = { 0 };
	enum ag_status status;

	exchange_wait(x);
	status = node_order_keys(x->api->node, buf_bytes(&x->body),
	    x->timeout_ms, order_done, x, &x->id, &err);
	if (status == AG_OK)
		return;
	exchange_unwait(x);
	/* Signatures that lack are not a fault of anybody's. */
	if (status == AG_EFORGED)
		exchange_problem(x, PROBLEM_DENIED, err.text);
	else if (status == AG_EINVAL)
		exchange_problem(x, PROBLEM_UNPROCESSABLE, err.text);
	else
		exchange_fail(x, status, &err);
}
