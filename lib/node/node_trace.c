/*
 * Where a request was: what this node's parts remember of it, put together.
 *
 *   requests   received, sent, answered   of this node's own callers
 *   the state  result and sequence        of each principal's newest requests
 *   rounds     proposed … executed        of the last few thousand
 *   the log    sequence, view, batch      as long as it is kept
 */
#include <string.h>

#include "base/clock.h"
#include "node/node_parts.h"

/* What the wall's clock is ahead of the monotonic one, modulo 2^64: read once
 * for a trace, so that its times have the right distances. */
static uint64_t
wall_ahead_us(void)
{
	return clock_wall_ms() * 1000 - clock_mono_us();
}

static uint64_t
wall_us(uint64_t ahead_us, uint64_t mono_us)
{
	return mono_us == 0 ? 0 : mono_us + ahead_us;
}

static bool
take_request(struct node *n, const struct node_request_id *id, uint64_t ahead,
    struct node_trace *t)
{
	struct request_trace r;

	if (memcmp(id->principal, n->signer.principal, sizeof(id->principal)) !=
		0 ||
	    !requests_trace(n->requests, id->number, &r))
		return false;
	t->received_us = wall_us(ahead, r.received_us);
	t->sent_us = wall_us(ahead, r.sent_us);
	t->answered_us = wall_us(ahead, r.answered_us);
	t->phase = r.sent_us == 0 ? "WAITING" : "SENT";
	if (r.answered_us != 0)
		t->answer = ag_status_name(r.answer);
	return true;
}

static void
take_round(struct node *n, uint64_t seq, uint64_t ahead, struct node_trace *t)
{
	struct engine_round r;

	if (driver_round(n->driver, seq, &r) != AG_OK)
		return;
	t->has_round = true;
	node_round_fill(n, &r, &t->round);
	t->phase = t->round.phase;
	t->proposed_us = wall_us(ahead, r.proposed_us);
	t->prepared_us = wall_us(ahead, r.prepared_us);
	t->committed_us = wall_us(ahead, r.committed_us);
	t->executed_us = wall_us(ahead, r.executed_us);
}

enum ag_status
node_trace(struct node *n, const struct node_request_id *id,
    struct node_trace *t)
{
	const uint64_t ahead = wall_ahead_us();
	struct result result;

	*t = (struct node_trace){ .phase = "UNKNOWN" };
	/* What was answered with an error may be in the log all the same. */
	if (take_request(n, id, ahead, t) && strcmp(t->phase, "WAITING") == 0)
		return AG_OK;
	/* STALE: the state has forgotten it, the log may not have. */
	if (node_find_request(n, id, &result) != AG_OK ||
	    result.code == RESULT_STALE)
		return AG_ENOENT;
	t->code = result_code_name(result.code);
	take_round(n, result.seq, ahead, t);
	t->phase = "EXECUTED";
	t->round.seq = result.seq;
	return AG_OK;
}

static void
take_found(struct node *n, const struct log_found *found, uint64_t ahead,
    struct node_trace *t)
{
	take_round(n, found->seq, ahead, t);
	t->batch_ms = found->time_ms;
	/* A round that went on without it is another batch's. */
	if (t->has_round &&
	    memcmp(t->round.digest, found->digest.data, DIGEST_BYTES) == 0)
		return;
	*t = (struct node_trace){
		.received_us = t->received_us,
		.sent_us = t->sent_us,
		.answered_us = t->answered_us,
		.answer = t->answer,
		.batch_ms = found->time_ms,
		.has_round = true,
		.round = { .seq = found->seq,
		    .view = found->view,
		    .requests = found->requests,
		    .bytes = found->bytes },
	};
	memcpy(t->round.digest, found->digest.data, DIGEST_BYTES);
	t->phase = node_phase_name(!found->is_committed ? ROUND_PROPOSED
		: found->seq <= applier_seq(n->applier) ? ROUND_EXECUTED
							: ROUND_COMMITTED);
}

static void
on_found(void *arg, enum ag_status status, const struct log_found *found,
    const struct ag_error *err)
{
	struct node *n = arg;
	const uint64_t ahead = wall_ahead_us();
	node_trace_fn *fn = n->on_trace;
	struct node_trace t = { .phase = "UNKNOWN" };
	bool is_ours;

	n->on_trace = NULL;
	is_ours = take_request(n, &n->trace_id, ahead, &t);
	if (status == AG_OK)
		take_found(n, found, ahead, &t);
	else if (status == AG_ENOENT && is_ours)
		status = AG_OK;
	fn(n->trace_arg, status, &t, err);
}

enum ag_status
node_trace_log(struct node *n, const struct node_request_id *id,
    node_trace_fn *fn, void *arg, struct ag_error *err)
{
	enum ag_status status =
	    log_search_start(n->search, id, on_found, n, err);

	if (status != AG_OK)
		return status;
	n->trace_id = *id;
	n->on_trace = fn;
	n->trace_arg = arg;
	return AG_OK;
}
