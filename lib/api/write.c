/*
 * Writes: PUT and DELETE /v1/kv, POST /v1/kv/txn, and what became of them.
 *
 * RULES    1. What is answered is what was agreed: the result's code decides
 *             the HTTP status, and every answer names the request.
 *          2. A write whose outcome is not known is 504 with the request's
 *             id; asking /v1/requests with it, or sending the same
 *             comparison again, is the caller's way out.
 *          3. One scratch buffer holds the encoded operation; the node has
 *             copied it when node_submit() returns.
 */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/argument.h"
#include "api/entry.h"
#include "api/server.h"
#include "api/txn.h"

/* Heads, comparisons and numbers around an operation's keys and values. */
#define OPERATION_OVERHEAD_BYTES 64

static void
emit_result(struct exchange *x, const struct result *result)
{
	struct emitter *e = exchange_json_begin(x);
	char id[REQUEST_ID_TEXT_BYTES];

	exchange_request_id(&x->id, id);
	if (x->is_single) {
		emit_text_member(e, "code", result_code_name(result->code));
		emit_u64_member(e, "seq", result->seq);
		emit_u64_member(e, "version", result->version);
		emit_u64_member(e, "previous_version",
		    result->previous_version);
	} else {
		emit_bool_member(e, "succeeded", result->code == RESULT_DONE);
		emit_u64_member(e, "seq", result->seq);
	}
	emit_text_member(e, "request", id);
	exchange_json_end(x, MHD_HTTP_OK);
}

/* With the version that is there, for the next attempt. */
static void
reply_conflict(struct exchange *x, const struct result *result)
{
	char id[REQUEST_ID_TEXT_BYTES], detail[96];
	struct emitter *e;

	(void)snprintf(detail, sizeof(detail),
	    "the key %s %" PRIu64 ", not that of if_version: nothing changed",
	    result->version == 0 ? "is absent, version" : "has version",
	    result->version);
	exchange_request_id(&x->id, id);
	e = exchange_problem_begin(x, PROBLEM_CONFLICT, detail);
	emit_u64_member(e, "version", result->version);
	emit_text_member(e, "request", id);
	exchange_problem_end(x, PROBLEM_CONFLICT);
}

void
write_refuse(struct exchange *x, const struct result *result)
{
	switch (result->code) {
	case RESULT_CONFLICT:
		reply_conflict(x, result);
		return;
	case RESULT_NOT_FOUND:
		exchange_problem_of_request(x, PROBLEM_ABSENT,
		    "the key is absent: nothing changed");
		return;
	case RESULT_EXPIRED:
		exchange_problem_of_request(x, PROBLEM_NO_QUORUM,
		    "the request came to agreement past its expiry, or "
		    "this node's clock is behind: nothing changed");
		return;
	case RESULT_STALE:
		exchange_problem_of_request(x, PROBLEM_UNKNOWN_OUTCOME,
		    "the request is too old to know what became of it");
		return;
	case RESULT_NO_LEASE:
		exchange_problem_of_request(x, PROBLEM_GONE,
		    "there is no such lease, or no more: nothing changed");
		return;
	case RESULT_FULL:
		exchange_problem_of_request(x, PROBLEM_BUSY,
		    "there are as many leases, or keys of that lease, as may "
		    "be: nothing changed");
		return;
	case RESULT_DONE:
	case RESULT_ELSE:
	case RESULT_INVALID:
	case RESULT_CODE_COUNT:
	default:
		exchange_problem_of_request(x, PROBLEM_INTERNAL,
		    "the replicas refused the operation as invalid");
		return;
	}
}

void
write_fail(struct exchange *x, enum ag_status status)
{
	if (status == AG_EUNKNOWN)
		exchange_problem_of_request(x, PROBLEM_UNKNOWN_OUTCOME,
		    "no answer in time: the change may still happen");
	else if (status == AG_ENOQUORUM)
		exchange_problem_of_request(x, PROBLEM_NO_QUORUM,
		    "too few members answer: nothing happened");
	else
		exchange_problem_of_request(x, problem_of_status(status),
		    ag_status_text(status));
}

static void
write_done(void *arg, enum ag_status status, const struct result *result)
{
	struct exchange *x = arg;

	if (!exchange_wake(x))
		return;
	if (status != AG_OK)
		write_fail(x, status);
	else if (result->code == RESULT_DONE || result->code == RESULT_ELSE)
		emit_result(x, result);
	else
		write_refuse(x, result);
}

/* How many bytes op's encoding takes at most. */
static size_t
encoded_max(const struct operation *op, size_t body_len)
{
	return op->change.key.len + body_len + OPERATION_OVERHEAD_BYTES +
	    (op->kind == OPERATION_TXN ? OPERATION_OVERHEAD_BYTES *
			(op->compare_count + op->change_count[0] +
			    op->change_count[1])
				       : 0);
}

void
write_submit(struct exchange *x, const struct operation *op, node_done_fn *done)
{
	struct api *api = x->api;
	struct encoder encoder;
	struct bytes encoded;
	struct ag_error err = { 0 };
	enum ag_status status;

	buf_clear(&api->encoded);
	status = buf_reserve(&api->encoded, encoded_max(op, x->body.len));
	if (status == AG_OK) {
		encoder_init(&encoder, api->encoded.data, api->encoded.cap);
		operation_encode(&encoder, op);
		status = encoder_finish(&encoder, &encoded);
	}
	if (status != AG_OK) {
		exchange_fail(x, status, NULL);
		return;
	}
	exchange_wait(x);
	status = node_submit(api->node, encoded, x->timeout_ms, done, x, &x->id,
	    &err);
	api_trim(&api->encoded);
	if (status == AG_OK)
		return;
	exchange_unwait(x);
	exchange_fail(x, status, &err);
}

/* Fill a change of one key.  False: answered. */
static bool
take_change(struct exchange *x, struct change *change)
{
	if (!argument_bytes(x, "key", x->range.first, KEY_BYTES_MAX,
		&x->range.first_len))
		return false;
	if (x->range.first_len == 0) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "key is missing or empty; a key has 1 to 1024 bytes");
		return false;
	}
	change->key = bytes_of(x->range.first, x->range.first_len);
	change->value = bytes_of(NULL, 0);
	change->if_version = 0;
	change->lease = 0;
	change->has_if_version = argument_is_given(x, "if_version");
	x->is_single = true;
	return argument_u64(x, "if_version", 0, UINT64_MAX,
	    &change->if_version);
}

void
write_put(struct exchange *x)
{
	struct operation *op = &x->api->operation;

	if (!take_change(x, &op->change))
		return;
	if (!argument_u64(x, "lease", 1, INT64_MAX, &op->change.lease))
		return;
	op->kind = op->change.kind = OPERATION_PUT;
	op->change.value = buf_bytes(&x->body);
	write_submit(x, op, write_done);
}

void
write_delete(struct exchange *x)
{
	struct operation *op = &x->api->operation;

	if (!take_change(x, &op->change))
		return;
	op->kind = op->change.kind = OPERATION_DELETE;
	write_submit(x, op, write_done);
}

void
write_txn(struct exchange *x)
{
	struct operation *op = &x->api->operation;
	struct ag_error err = { 0 };
	enum ag_status status;
	struct buf arena;

	status = txn_parse(op, &arena, buf_bytes(&x->body), &err);
	if (status == AG_OK)
		write_submit(x, op, write_done);
	else
		exchange_fail(x, status, &err);
	buf_fini(&arena);
}

void
write_find(struct exchange *x)
{
	const struct bytes id = argument_text(x, "id");
	struct result result = { 0 };
	struct emitter *e;
	char text[REQUEST_ID_TEXT_BYTES];

	if (!exchange_parse_request_id(id, &x->id)) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "id takes the \"request\" of an earlier answer");
		return;
	}
	if (node_find_request(x->api->node, &x->id, &result) != AG_OK) {
		exchange_problem_of_request(x, PROBLEM_ABSENT,
		    "nothing is known of this request: it has not been "
		    "executed, or too long ago");
		return;
	}
	e = exchange_json_begin(x);
	exchange_request_id(&x->id, text);
	emit_text_member(e, "code", result_code_name(result.code));
	emit_u64_member(e, "seq", result.seq);
	emit_u64_member(e, "version", result.version);
	emit_u64_member(e, "previous_version", result.previous_version);
	emit_text_member(e, "request", text);
	exchange_json_end(x, MHD_HTTP_OK);
}
