/*
 * From one epoch to the next, in a node that runs.
 *
 * STATES   going on    nothing has ended the epoch
 *          last        our state is the last of the epoch; its certificate is
 *                      awaited, nothing more is executed
 *          ending      the certificate is known; the state is made durable
 *          told        a member has shown what follows; what was decided here
 *                      is executed and made durable
 *          switching   DIR/chain names the next epoch: agreement and links are
 *                      closed and opened for it
 *
 * RULES    1. The chain is written when the last state is durable and
 *             certified, and before anything else of the next epoch: a crash
 *             at any moment leaves a node of the one or of the other.
 *          2. Whoever is behind needs no state to go on: the proof of the next
 *             epoch is enough, and a state is fetched there.  But whoever has
 *             executed the last batch is one of those few on whose word the
 *             epoch ended, and its log will be put aside: so what was decided
 *             here is in a durable state first.
 *          3. Callers keep waiting.  What the last epoch did not execute is
 *             signed anew and sent in the next, by the same numbers, which
 *             the client table executes once.
 *          4. A node that is no member of the next epoch stops: it has left
 *             the present one, and must not be asked what happened since.  But
 *             the others may need its signature of the last state, or what it
 *             alone has collected: it goes when more of them have gone over
 *             than may be lost, each by showing it what follows.  If it slept
 *             while most of those whom it knows left, too, fewer show it: then
 *             it waits for a minute.  Until it goes it serves what it has to
 *             those who lag, and takes no requests.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/decoder.h"
#include "event/loop.h"
#include "node/node_parts.h"
#include "trust/epoch.h"
#include "trust/succession.h"

#define TOLD_BY_FEW_US UINT64_C(60000000)

/* What proving or judging an epoch takes; too much for the stack. */
struct workspace {
	struct epoch epoch;
	struct roster next;
	struct buf text;
	uint8_t encoded[EPOCH_BYTES_MAX];
};

static struct workspace *
workspace_new(struct node *n)
{
	struct workspace *w = calloc(1, sizeof(*w));
	struct ag_error err;

	if (w == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "next epoch: out of memory");
		node_fatal(n, &err);
		return NULL;
	}
	buf_init(&w->text, ROSTER_FILE_BYTES_MAX);
	return w;
}

static void
workspace_free(struct workspace *w)
{
	buf_fini(&w->text);
	free(w);
}

/* The chain as it is when this epoch follows; not yet in use. */
static enum ag_status
extend_chain(struct node *n, struct bytes epoch, struct ag_error *err)
{
	enum ag_status status;

	status = chain_begin(&n->next_chain, buf_bytes(&n->chain), err);
	if (status == AG_OK)
		status = chain_append(&n->next_chain, epoch, err);
	if (status != AG_OK)
		buf_clear(&n->next_chain);
	return status;
}

/* Agreement and links have ended: take the next roster for ours. */
static enum ag_status
enter_epoch(struct node *n, struct ag_error *err)
{
	struct buf before = n->chain;
	enum ag_status status;

	n->chain = n->next_chain;
	buf_init(&n->next_chain, CHAIN_BYTES_MAX);
	buf_fini(&before);
	status = chain_parse(&n->roster, &n->epoch_start, buf_bytes(&n->chain),
	    CHAIN_NEWEST, "chain", err);
	if (status == AG_OK)
		status = node_identify(n, err);
	if (status == AG_OK)
		status = applier_begin_epoch(n->applier, &n->roster, err);
	if (status != AG_OK)
		return status;
	n->last_seq = 0;
	n->is_ending = false;
	n->is_told = false;
	n->told_by = 0;
	n->told_us = 0;
	n->links_up = 0;
	n->quorum_lost_us = 0;
	n->stable_certificate_seq = 0;
	memset(&n->views, 0, sizeof(n->views));
	memset(n->heard_us, 0, sizeof(n->heard_us));
	snapshots_begin_epoch(n->snapshots, &n->identity.scope,
	    &n->epoch_start);
	return node_open_epoch(n, err);
}

static void
on_switch(void *arg)
{
	struct node *n = arg;
	enum ag_status status;
	struct ag_error err;

	if (n->has_failed)
		return;
	node_close_epoch(n);
	status = enter_epoch(n, &err);
	if (status != AG_OK) {
		node_fatal(n, &err);
		return;
	}
	requests_renew(n->requests);
	reads_renew(n->reads);
	driver_start(n->driver);
	log_info("node", "epoch begins", LOG_U64("epoch", n->roster.epoch),
	    LOG_U64("members", n->roster.member_count),
	    LOG_U64("after", n->epoch_start.seq));
}

static bool
is_member(const struct node *n, const struct roster *roster)
{
	return roster_find_node_key(roster, n->node_signer.public_key) != -1;
}

/* A member has shown what goes on without us: have enough, or one long ago? */
static bool
may_go(struct node *n, uint32_t member, const struct roster *next)
{
	const uint64_t now_us = clock_mono_us();

	n->removed_at = next->epoch;
	if (n->told_us == 0)
		n->told_us = now_us;
	if (member < n->roster.member_count)
		n->told_by |= UINT32_C(1) << member;
	return (uint32_t)__builtin_popcount(n->told_by) > roster_faults(next) ||
	    now_us - n->told_us >= TOLD_BY_FEW_US;
}

/* The next chain is known: make it durable, and go over to it soon. */
static void
leave_epoch(struct node *n, bool stays)
{
	struct ag_error err;

	if (epochs_save(buf_bytes(&n->next_chain), n->data_dir, &err) != AG_OK)
		node_fatal(n, &err);
	else if (!stays) {
		(void)ag_fail(&err, AG_EDENIED,
		    "this node is no member of cluster %s any more: it was "
		    "removed at epoch %llu",
		    n->roster.cluster_name, (unsigned long long)n->removed_at);
		node_fatal(n, &err);
	} else if (loop_post(n->loop, on_switch, n) != AG_OK) {
		(void)ag_fail(&err, AG_ENOMEM, "next epoch: out of memory");
		node_fatal(n, &err);
	}
}

void
node_consider_end(struct node *n)
{
	struct ag_error err;

	if (n->last_seq == 0 || n->is_ending || n->has_failed ||
	    n->stable_certificate_seq != n->last_seq)
		return;
	n->is_ending = true;
	if (applier_sync(n->applier, n->last_seq) == AG_OK) {
		applier_execute(n->applier, false);
		return;
	}
	(void)ag_fail(&err, AG_ENOMEM, "next epoch: out of memory");
	node_fatal(n, &err);
}

/* The epoch that our state and its certificate prove. */
static enum ag_status
prove(struct node *n, struct workspace *w, struct bytes *encoded,
    struct ag_error *err)
{
	enum ag_status status;
	struct encoder e;
	struct decoder d;

	status = applier_prove_epoch(n->applier, &w->epoch, &w->text, err);
	if (status != AG_OK)
		return status;
	decoder_init(&d, buf_bytes(&n->stable_certificate));
	certificate_decode(&d, &w->epoch.certificate);
	status = decoder_finish(&d, err);
	if (status == AG_OK)
		status = epoch_verify(&w->epoch, &n->roster, &w->next, err);
	if (status != AG_OK)
		return status;
	encoder_init(&e, w->encoded, sizeof(w->encoded));
	epoch_encode(&e, &w->epoch);
	AG_ASSERT(encoder_finish(&e, encoded) == AG_OK);
	return AG_OK;
}

/* What this epoch has not executed by now it never will, nor any of ours. */
static void
be_removed(struct node *n)
{
	n->removed_at = n->roster.epoch + 1;
	log_info("node", "removed: stops when the others go on",
	    LOG_U64("epoch", n->removed_at));
	requests_abandon(n->requests);
}

void
node_end_epoch(struct node *n)
{
	struct workspace *w;
	struct bytes encoded;
	enum ag_status status;
	struct ag_error err;
	bool stays;

	if (n->next_chain.len > 0 || n->has_failed)
		return;
	w = workspace_new(n);
	if (w == NULL)
		return;
	status = prove(n, w, &encoded, &err);
	stays = status == AG_OK && is_member(n, &w->next);
	if (stays)
		status = extend_chain(n, encoded, &err);
	workspace_free(w);
	if (status != AG_OK)
		node_fatal(n, &err);
	else if (stays)
		leave_epoch(n, true);
	else
		be_removed(n);
}

/* Behind what waits to be executed. */
static void
settle_state(struct node *n)
{
	struct ag_error err;

	n->is_told = true;
	if (applier_sync(n->applier, 0) == AG_OK) {
		applier_execute(n->applier, false);
		return;
	}
	(void)ag_fail(&err, AG_ENOMEM, "next epoch: out of memory");
	node_fatal(n, &err);
}

void
node_leave_epoch(struct node *n)
{
	if (!n->has_failed)
		leave_epoch(n, true);
}

void
node_take_epoch(struct node *n, uint32_t member, struct bytes encoded)
{
	struct workspace *w;
	enum ag_status status;
	struct ag_error err;
	bool stays, goes;

	if (n->next_chain.len > 0 || n->has_failed)
		return;
	w = workspace_new(n);
	if (w == NULL)
		return;
	status = epoch_decode(&w->epoch, encoded, &err);
	if (status == AG_OK)
		status = epoch_verify(&w->epoch, &n->roster, &w->next, &err);
	stays = status == AG_OK && is_member(n, &w->next);
	goes = status == AG_OK && !stays && may_go(n, member, &w->next);
	if (stays || goes)
		status = extend_chain(n, encoded, &err);
	workspace_free(w);
	if (status == AG_OK && stays)
		settle_state(n);
	else if (status == AG_OK && goes)
		leave_epoch(n, false);
	if (status == AG_OK)
		return;
	log_warn("node", "what a member says follows our epoch does not",
	    LOG_TEXT("member", n->roster.members[member].name),
	    LOG_TEXT("error", err.text));
}

struct bytes
node_chain(const struct node *n)
{
	return buf_bytes(&n->chain);
}

static enum ag_status
judge_successor(const struct node *n, struct bytes text, struct ag_error *err)
{
	struct roster *next = malloc(sizeof(*next));
	enum ag_status status;

	if (next == NULL)
		return ag_fail(err, AG_ENOMEM, "successor: out of memory");
	status = roster_parse(next, text, "successor", err);
	if (status == AG_OK)
		status = succession_verify(next, &n->roster, err);
	free(next);
	return status;
}

enum ag_status
node_change_members(struct node *n, struct bytes successor, uint32_t timeout_ms,
    node_done_fn *done, void *arg, struct node_request_id *id,
    struct ag_error *err)
{
	size_t cap = successor.len + 16;
	enum ag_status status = judge_successor(n, successor, err);
	struct operation *op;
	struct bytes encoded;
	struct encoder e;
	uint8_t *memory;

	if (status != AG_OK)
		return status;
	op = calloc(1, sizeof(*op));
	memory = malloc(cap);
	if (op == NULL || memory == NULL) {
		status = ag_fail(err, AG_ENOMEM, "submit: out of memory");
	} else {
		op->kind = OPERATION_MEMBERSHIP;
		op->roster = successor;
		encoder_init(&e, memory, cap);
		operation_encode(&e, op);
		AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
		status =
		    node_submit(n, encoded, timeout_ms, done, arg, id, err);
	}
	free(op);
	free(memory);
	return status;
}

void
node_forget_epoch(struct node *n, uint64_t stable)
{
	struct ag_error err;

	if (!n->roster.is_successor || stable <= n->epoch_start.seq)
		return;
	if (epochs_forget_log(n->data_dir, &err) != AG_OK)
		log_warn("node", "the last epoch's log is left behind",
		    LOG_TEXT("error", err.text));
}
