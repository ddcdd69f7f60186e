/*
 * GET /v1/proof: a key's entry, or that it is absent, proved under the next
 * checkpoint (trust/presence.h).
 *
 * RULES    1. The exchange waits from the question until a pool thread has
 *             made the proof; what the thread works on is not the exchange's.
 */
#include <stdlib.h>
#include <string.h>

#include "api/argument.h"
#include "api/handlers.h"
#include "api/late_http.h"
#include "api/server.h"

struct proving {
	struct exchange *x;
	struct node_snapshot *snapshot;
	uint8_t key[KEY_BYTES_MAX];
	size_t key_len;
	struct buf out;
	enum ag_status status;
	struct ag_error err;
};

static void
proving_free(struct proving *p)
{
	node_snapshot_close(p->snapshot);
	buf_fini(&p->out);
	free(p);
}

/* On a pool thread. */
static void
make_proof(void *arg)
{
	struct proving *p = arg;

	p->status = node_snapshot_prove(p->snapshot,
	    bytes_of(p->key, p->key_len), &p->out, &p->err);
}

static void
proof_made(void *arg)
{
	struct proving *p = arg;

	if (exchange_wake(p->x)) {
		if (p->status == AG_OK)
			exchange_reply(p->x, MHD_HTTP_OK, "application/cbor",
			    buf_bytes(&p->out));
		else
			exchange_fail(p->x, p->status, &p->err);
	}
	proving_free(p);
}

static void
snapshot_ready(void *arg, enum ag_status status, struct node_snapshot *snapshot)
{
	struct proving *p = arg;
	struct exchange *x = p->x;

	p->snapshot = snapshot;
	if (status == AG_OK && x->api != NULL)
		status = loop_work(x->api->loop, make_proof, proof_made, p);
	else if (status == AG_OK)
		status = AG_EUNREACH;
	if (status == AG_OK)
		return;
	/* It changes nothing: one not certified in time is only late. */
	if (exchange_wake(x))
		exchange_fail(x, status == AG_EUNKNOWN ? AG_ENOQUORUM : status,
		    NULL);
	proving_free(p);
}

void
proof_get(struct exchange *x)
{
	struct proving *p = calloc(1, sizeof(*p));
	struct ag_error err = { 0 };
	enum ag_status status;

	if (p == NULL) {
		exchange_fail(x, AG_ENOMEM, NULL);
		return;
	}
	p->x = x;
	buf_init(&p->out, NODE_PROOF_BYTES_MAX);
	if (!argument_bytes(x, "key", p->key, sizeof(p->key), &p->key_len)) {
		proving_free(p);
		return;
	}
	if (p->key_len == 0) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "key is empty; a key has 1 to 1024 bytes");
		proving_free(p);
		return;
	}
	exchange_wait(x);
	status = node_snapshot_open(x->api->node, x->timeout_ms, snapshot_ready,
	    p, &err);
	if (status == AG_OK)
		return;
	exchange_unwait(x);
	exchange_fail(x, status, &err);
	proving_free(p);
}
