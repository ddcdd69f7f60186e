/*
 * PBFT: agreement among n = 3f + 1 replicas of which f may lie.
 *
 * After Castro & Liskov, "Practical Byzantine Fault Tolerance" (OSDI 1999)
 * and "Practical Byzantine Fault Tolerance and Proactive Recovery" (TOCS
 * 2002), with signatures in the place of MACs, so that certificates convince
 * third parties, and with the new view recomputed by every backup.
 *
 * NORMAL CASE   A client's node hands its request to the primary.  The
 *    primary proposes a batch for the next sequence: PRE-PREPARE, which holds
 *    its own PREPARE vote.  Backups that find it sound vote PREPARE.  A
 *    quorum of PREPAREs is a prepare certificate: no other batch can get one
 *    for this view and sequence.  Replicas that hold it vote COMMIT.  A
 *    quorum of COMMITs is a commit certificate: a quorum holds the prepare
 *    certificate on disk, so every later view will find it.  The batch is
 *    executed in order.
 *
 * FAST CASE   The PREPAREs of all members are a commit certificate too, a
 *    round earlier: every correct member has its own on disk, and says so in
 *    its VIEW_CHANGE (Gueta et al., "SBFT", DSN 2019, has such a path).  A
 *    prepared slot waits a moment for them, unless one that is missing has
 *    been late before: see vote.c and new_view.c.
 *
 * SAFETY   Two quorums of n - f share f + 1 replicas, one of them correct,
 *    and a correct replica votes once for a (view, sequence, phase): see
 *    vote.c.  Across views: see new_view.c.
 *
 * LIVENESS   Timers that double and are reset, views that correct replicas
 *    enter together: see view_change.c.  Primaries that are slower than the
 *    cluster knows from others are left too: see pace.c.  What is lost is
 *    sent again: see progress.c.
 *
 * EPOCHS   Of the n - f that signed an epoch's last state one may leave.  Of
 *    n = 3f + 1 that leaves 2f when it is replaced, of whom f may lie or be
 *    lost for good: f have the state, and its certificate says that it is
 *    right, so one is enough.  With one more or one less there are no fewer
 *    (trust_outlives()).  Who has no state casts no vote (checkpoint.c), so
 *    nothing is decided that only they could not execute.
 *
 * FILES   pool slot pending   memory, log, waiting requests
 *         proposal vote       the normal case
 *         checkpoint          cutting the log
 *         view_change new_view
 *         pace                slow and unfair primaries
 *         progress            repair
 *         doubt               members that waste our verifications
 *         record recover      what survives a crash
 *         memory recall       and what to do when it did not
 *         emit                effects
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/pbft.h"

/* Room for effects in a step besides batches and view changes. */
#define SCRATCH_SMALL (256U << 10)

static size_t
align_up(size_t value)
{
	return (value + 63) & ~(size_t)63;
}

/* The largest VIEW_CHANGE of this configuration. */
static size_t
view_change_bytes(const struct engine_config *c)
{
	size_t certificate = 128 + (size_t)c->member_count * 320, pledge = 64;

	return 512 + (size_t)(c->window + 1) * (certificate + pledge);
}

static size_t
new_view_bytes(const struct engine_config *c)
{
	return 256 + c->member_count * view_change_bytes(c) +
	    (size_t)c->window * 48;
}

static size_t
pool_bytes(const struct engine_config *c)
{
	/* Buddy blocks waste up to half; a view change moves batches about
	 * while old ones are still held. */
	return 2 *
	    ((size_t)c->window * (c->batch_bytes_max + 512) +
		2 * (size_t)c->pending_bytes_max +
		c->member_count * view_change_bytes(c) + new_view_bytes(c));
}

static size_t
scratch_bytes(const struct engine_config *c)
{
	return 8 * (size_t)c->batch_bytes_max + 3 * new_view_bytes(c) +
	    2 * view_change_bytes(c) + SCRATCH_SMALL;
}

/* Two of each slot. */
static size_t
certificates_bytes(const struct engine_config *c)
{
	return align_up(2 * (size_t)c->window * sizeof(struct certificate));
}

static void
lay_out_certificates(struct engine *e, struct certificate *at)
{
	uint32_t i;

	for (i = 0; i < e->config.window; i++) {
		e->slots[i].prepared = at++;
		e->slots[i].prepared->proof_count = 0;
		e->slots[i].committed = at++;
		e->slots[i].committed->proof_count = 0;
	}
}

/*
 * The arena's parts, in order; with e NULL only their total is found.  From
 * the slots' certificates on nothing is read that was not written before.
 */
static size_t
lay_out(struct engine *e, const struct engine_config *c)
{
	const size_t cell =
	    align_up(sizeof(struct vote_cell) * c->member_count);
	uint8_t *base = (uint8_t *)e;
	size_t at = align_up(sizeof(struct engine));
	uint32_t i;

	if (e != NULL)
		e->slots = (struct slot *)(void *)(base + at);
	at += align_up(c->window * sizeof(struct slot));
	if (e != NULL)
		e->peers = (struct peer *)(void *)(base + at);
	at += align_up(c->member_count * sizeof(struct peer));
	if (e != NULL)
		e->selection.entries = (void *)(base + at);
	at += align_up(c->window * sizeof(*e->selection.entries));
	for (i = 0; i < c->window; i++) {
		if (e != NULL) {
			struct slot *slot = &e->slots[i];

			slot->prepares = (void *)(base + at);
			slot->commits = (void *)(base + at + cell);
		}
		at += 2 * cell;
	}
	if (e != NULL) {
		e->spare = (void *)(base + at);
		e->stable_certificate = e->spare + 1;
		e->target = e->spare + 2;
	}
	at += align_up(3 * sizeof(struct certificate));
	if (e != NULL)
		lay_out_certificates(e, (void *)(base + at));
	at += certificates_bytes(c);
	if (e != NULL) {
		e->scratch = base + at;
		e->scratch_cap = scratch_bytes(c);
	}
	at += align_up(scratch_bytes(c));
	if (e != NULL)
		pool_init(&e->pool, base + at, pool_bytes(c));
	return at + pool_size(pool_bytes(c));
}

static size_t
pbft_size(const struct engine_config *config)
{
	return lay_out(NULL, config);
}

/* What comes before the slots' certificates. */
static size_t
state_bytes(const struct engine_config *config)
{
	return pbft_size(config) - certificates_bytes(config) -
	    align_up(scratch_bytes(config)) - pool_size(pool_bytes(config));
}

static struct engine *
pbft_init(void *memory, size_t len, const struct engine_config *config)
{
	struct engine *e = memory;

	if (!engine_config_is_sound(config) ||
	    config->scope.faults != FAULTS_BYZANTINE || len < pbft_size(config))
		return NULL;
	memset(memory, 0, state_bytes(config));
	e->config = *config;
	doubt_init(e);
	if (PLANT_EPOCH_UNSIGNED)
		e->config.scope.epoch = 0;
	e->quorum = trust_quorum(FAULTS_BYZANTINE, config->member_count) -
	    (uint32_t)PLANT_QUORUM_SHORT;
	e->faults = trust_faults(FAULTS_BYZANTINE, config->member_count);
	e->slot_count = config->window;
	e->everybody = PLANT_FAST_SHORT ? e->quorum : config->member_count;
	e->all_due_us = UINT64_MAX;
	(void)lay_out(e, config);
	e->stable = config->first_seq;
	e->stable_digest = config->first_digest;
	e->proposed = e->stable;
	e->delivered = e->stable;
	e->applied = e->stable;
	return e;
}

static void
on_request(struct engine *e, uint32_t from, struct decoder *d)
{
	struct bytes raw = decoder_get_bytes_max(d, e->config.batch_bytes_max);

	if (decoder_finish(d, NULL) == AG_OK && raw.len > 0)
		pending_take(e, from, raw);
}

/* One message; anything not understood changes nothing. */
static void
on_message(struct engine *e, uint32_t from, struct bytes body)
{
	struct decoder d;
	uint64_t type = message_type_of(body);

	if (!e->is_started || from >= e->config.member_count ||
	    from == e->config.self)
		return;
	e->peers[from].heard_us = e->now_us;
	if (!doubt_hears_message(e, from, type))
		return;
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	(void)decoder_get_uint(&d);
	switch (type) {
	case MESSAGE_REQUEST:
		on_request(e, from, &d);
		break;
	case MESSAGE_PRE_PREPARE:
		proposal_receive(e, from, &d);
		break;
	case MESSAGE_VOTES:
		vote_receive(e, from, &d);
		break;
	case MESSAGE_VOTE_PROOFS:
		vote_receive_proofs(e, from, &d);
		break;
	case MESSAGE_VIEW_CHANGE:
		view_change_receive(e, body);
		break;
	case MESSAGE_NEW_VIEW:
		conflict_new_view(e, body);
		new_view_receive(e, body);
		break;
	case MESSAGE_PROGRESS:
		progress_receive(e, from, &d);
		break;
	case MESSAGE_FETCH:
		progress_receive_fetch(e, from, &d);
		break;
	case MESSAGE_BATCH:
		progress_receive_batch(e, &d);
		break;
	case MESSAGE_COMMITTED:
		progress_receive_committed(e, &d);
		break;
	case MESSAGE_CHECKPOINT:
		checkpoint_receive(e, &d);
		break;
	case MESSAGE_RECALL:
		recall_receive(e, from, &d);
		break;
	case MESSAGE_RECALLED:
		recall_receive_answer(e, from, &d);
		break;
	default:
		break;
	}
}

/* Our own votes that have become durable may complete a quorum. */
static void
on_persisted(struct engine *e, uint64_t token)
{
	const uint64_t before = e->durable_token;

	if (token > e->durable_token)
		e->durable_token = token;
	vote_advance_from(e, e->delivered + 1);
	checkpoint_durable(e, before);
}

static void
on_flush(struct engine *e)
{
	bool had_votes;

	if (!e->is_started)
		return;
	recall_flush(e);
	proposal_make(e);
	had_votes = e->vote_count > e->held_count;
	vote_flush(e);
	/* Votes that wait for nothing: no PERSISTED will speak of them. */
	if (had_votes && e->last_token <= e->durable_token)
		vote_advance_from(e, e->delivered + 1);
	pending_forward(e);
}

/* Go on with what found no room in an earlier step. */
static void
on_work_left(struct engine *e)
{
	uint64_t from = e->work_from;

	if (from == 0 || !e->is_started)
		return;
	e->work_from = 0;
	vote_advance_from(e, from);
	deliver_ready(e);
}

static void
on_tick(struct engine *e)
{
	if (!e->is_started)
		return;
	if (vote_held_until(e) <= e->now_us)
		vote_flush(e);
	vote_stop_waiting(e);
	recall_tick(e);
	progress_tick(e);
	view_change_repeat(e);
	view_change_timers(e);
	pace_tick(e);
}

static void
dispatch(struct engine *e, const struct event *event)
{
	switch (event->kind) {
	case EVENT_REPLAY:
		recover_record(e, event->body);
		break;
	case EVENT_START:
		doubt_convict(e, event->members);
		recover_start(e, event);
		break;
	case EVENT_TICK:
		on_tick(e);
		break;
	case EVENT_MESSAGE:
		on_message(e, event->member, event->body);
		break;
	case EVENT_SUBMIT:
		pending_take(e, e->config.self, event->body);
		break;
	case EVENT_PERSISTED:
		on_persisted(e, event->token);
		break;
	case EVENT_APPLIED:
		if (event->is_last)
			checkpoint_last(e, event->seq);
		checkpoint_applied(e, event->seq, event->has_digest,
		    &event->digest);
		break;
	case EVENT_INSTALLED:
		checkpoint_installed(e, event);
		break;
	case EVENT_CHECKPOINT_WANTED:
		checkpoint_want(e);
		break;
	case EVENT_RESIGN:
		/* Who is missed is replaced. */
		break;
	case EVENT_READ:
		/* A read is ordered: one primary's word is not enough. */
		break;
	case EVENT_FLUSH:
	default:
		on_flush(e);
		break;
	}
}

static uint64_t
next_deadline(const struct engine *e)
{
	uint64_t deadline = e->next_progress_us, other;

	if (!e->is_started || e->has_failed)
		return UINT64_MAX;
	if (e->work_from != 0)
		return e->now_us;
	other = view_change_deadline(e);
	if (other < deadline)
		deadline = other;
	if (e->is_changing && !e->is_rejoining && e->resend_us < deadline)
		deadline = e->resend_us;
	other = vote_held_until(e);
	if (other < deadline)
		deadline = other;
	other = recall_deadline(e);
	if (other < deadline)
		deadline = other;
	if (e->all_due_us < deadline)
		deadline = e->all_due_us;
	other = pace_deadline(e);
	if (other < deadline)
		deadline = other;
	other = pending_share_due(e);
	return other < deadline ? other : deadline;
}

static void
pbft_step(struct engine *e, const struct event *event, struct effects *effects)
{
	effects->count = 0;
	effects->deadline_us = UINT64_MAX;
	if (e->has_failed)
		return;
	e->event = event;
	e->effects = effects;
	e->scratch_used = 0;
	AG_ASSERT(event->now_us >= e->now_us);
	e->now_us = event->now_us;
	on_work_left(e);
	dispatch(e, event);
	effects->deadline_us = next_deadline(e);
}

static uint32_t
cells_mask(const struct engine *e, const struct slot *slot,
    const struct vote_cell *cells)
{
	uint32_t i, mask = 0;

	for (i = 0; i < e->config.member_count; i++)
		if (cell_counts(e, &cells[i], slot->view, &slot->digest))
			mask |= 1U << i;
	return mask;
}

/* Who voted so: heard by ourselves, or named by what proves the decision. */
static uint32_t
voters(const struct engine *e, const struct slot *slot, enum vote_phase phase)
{
	const struct certificate *proof = slot->committed;
	uint32_t i,
	    mask = cells_mask(e, slot,
		phase == VOTE_PREPARE ? slot->prepares : slot->commits);

	if (proof->phase != phase || proof->view != slot->view)
		return mask;
	for (i = 0; i < proof->proof_count; i++)
		mask |= 1U << proof->proofs[i].member;
	return mask;
}

static enum round_phase
slot_phase(const struct engine *e, const struct slot *slot)
{
	if (slot->seq <= e->applied)
		return ROUND_EXECUTED;
	if (slot->committed->proof_count > 0)
		return ROUND_COMMITTED;
	if (slot->commit.is_given && slot->commit.view == slot->view)
		return ROUND_PREPARED;
	return slot->has_proposal ? ROUND_PROPOSED : ROUND_EMPTY;
}

static enum ag_status
pbft_round(const struct engine *e, uint64_t seq, struct engine_round *round)
{
	const struct slot *slot = &e->slots[seq % e->slot_count];

	if (seq == 0 || slot->seq != seq)
		return AG_ENOENT;
	*round = (struct engine_round){
		.seq = seq,
		.view = slot->view,
		.phase = slot_phase(e, slot),
		.digest = slot->digest,
		.prepares = voters(e, slot, VOTE_PREPARE),
		.commits = voters(e, slot, VOTE_COMMIT),
		.requests = slot->requests,
		.proposed_us = slot->proposed_us,
		.prepared_us = slot->prepared_us,
		.committed_us = slot->committed_us,
		.executed_us = slot->executed_us,
	};
	round->bytes = slot_bytes(slot);
	return AG_OK;
}

const struct strategy strategy_pbft = {
	.name = "pbft",
	.size = pbft_size,
	.init = pbft_init,
	.step = pbft_step,
	.status = engine_describe,
	.round = pbft_round,
};
