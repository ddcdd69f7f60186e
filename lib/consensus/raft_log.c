/*
 * Raft's log: entries, how much of it is committed, and where it begins.
 *
 * RULES    1. Two logs that have an entry of one sequence and term are the
 *             same up to it: entries are appended only behind the one they
 *             were appended behind elsewhere (Log Matching, figure 3.2).
 *          2. An entry's record supersedes those of its sequence and above
 *             that stand before it, so that a replay drops what was dropped.
 *          3. Nothing is executed that is not committed, and nothing before
 *             our own record of it is durable: a state never has what its
 *             log has not, unless it was fetched.
 *          4. The log is cut behind certified states only (checkpoint.c).
 *             The base record has the term of the last entry cut, without
 *             which nobody could compare the log with another.
 *          5. What is committed stays in memory until its place is needed:
 *             a state that came back older is brought forward from it, and
 *             followers that are a little behind are sent it.
 *
 * NOT HERE Whose entries are right (raft_follower.c), and when they are
 *          committed (raft_leader.c).
 */
#include <string.h>

#include "consensus/raft.h"

/* An entry's record or message besides its batch. */
#define ENTRY_OVERHEAD 256

bool
raft_log_term(struct engine *e, uint64_t seq, uint64_t *term)
{
	const struct slot *slot;

	if (seq == e->stable || seq == e->config.first_seq) {
		/* Before the first entry there is none, of term 0. */
		*term = seq == e->stable ? e->raft->base_term : 0;
		return true;
	}
	slot = slot_find(e, seq);
	if (slot == NULL)
		return false;
	*term = slot->view;
	return true;
}

uint64_t
raft_log_last_term(struct engine *e)
{
	uint64_t term = 0;

	(void)raft_log_term(e, e->proposed, &term);
	return term;
}

bool
raft_log_has_committed(struct engine *e, uint64_t seq)
{
	return seq <= e->raft->commit && slot_find(e, seq) != NULL;
}

/* Keep an entry behind all others; its slot, or NULL. */
static struct slot *
put_entry(struct engine *e, uint64_t term, const struct digest *digest,
    struct bytes batch)
{
	struct slot *slot = slot_open(e, e->proposed + 1);

	if (slot == NULL)
		return NULL;
	if (slot_hold(e, slot, digest, batch) != AG_OK) {
		slot_free(e, slot);
		return NULL;
	}
	slot->has_proposal = true;
	slot->view = term;
	slot->digest = *digest;
	slot->proposed_us = e->now_us;
	slot_describe(e, slot);
	e->proposed++;
	return slot;
}

enum ag_status
raft_log_append(struct engine *e, uint64_t term, struct bytes batch)
{
	struct digest digest;
	struct encoder out;
	struct slot *slot;

	if (!emit_has_room(e, batch.len + ENTRY_OVERHEAD))
		return AG_ELIMIT;
	digest_of(&digest, batch);
	slot = put_entry(e, term, &digest, batch);
	if (slot == NULL)
		return AG_ELIMIT;
	memory_reach(e, e->view, slot->seq);
	emit_begin(e, &out);
	record_encode_entry(&out, term, slot->seq, &digest, batch);
	slot->token = emit_persist(e, slot->seq, emit_end(e, &out));
	return AG_OK;
}

void
raft_log_truncate(struct engine *e, uint64_t seq)
{
	for (; e->proposed >= seq; e->proposed--) {
		struct slot *slot = slot_find(e, e->proposed);

		if (slot != NULL)
			slot_free(e, slot);
	}
}

/* --- executing --- */

static struct slot *
next_to_deliver(struct engine *e)
{
	uint64_t limit =
	    PLANT_RAFT_BEYOND_COMMIT ? e->proposed : e->raft->commit;

	if (!e->is_started || e->delivered >= limit ||
	    !engine_goes_on(e, e->delivered + 1) ||
	    e->delivered - e->applied >= e->config.window)
		return NULL;
	return slot_find(e, e->delivered + 1);
}

bool
raft_log_is_behind(struct engine *e)
{
	return next_to_deliver(e) != NULL;
}

void
raft_log_deliver(struct engine *e)
{
	struct slot *slot;

	while (!e->has_failed && (slot = next_to_deliver(e)) != NULL &&
	    emit_has_room(e, 0)) {
		const struct payload *p = slot_payload(slot, &slot->digest);
		struct effect *effect = emit(e, EFFECT_DELIVER);

		effect->seq = slot->seq;
		effect->view = slot->view;
		effect->digest = slot->digest;
		effect->body = bytes_of(p->data, p->len);
		effect->after = slot->token;
		effect->is_checkpoint = slot->seq == e->stable ||
		    checkpoint_is_due(e, slot->seq, slot->is_flagged);
		slot->is_delivered = true;
		slot->committed_us = e->now_us;
		e->delivered = slot->seq;
		e->last_progress_us = e->now_us;
		pending_executed(e, effect->body, effect->seq);
	}
}

/* --- where it begins --- */

void
raft_log_begin_behind(struct engine *e, uint64_t seq)
{
	struct raft *raft = e->raft;
	const struct slot *slot = slot_find(e, seq);
	uint64_t term = slot == NULL ? 0 : slot->view;

	if (raft->offer_seq == seq)
		term = raft->offer_term;
	/* Only what continues that very entry is of the same log. */
	if (seq > raft->commit && (slot == NULL || slot->view != term) &&
	    !PLANT_RAFT_KEEP_SUFFIX)
		raft_log_truncate(e, raft->commit + 1);
	raft->base_term = term;
	if (raft->commit < seq)
		raft->commit = seq;
}

void
raft_log_encode_base(struct engine *e, struct encoder *out)
{
	record_encode_base(out, e->stable_certificate, e->raft->base_term,
	    e->view, e->raft->vote);
}

/* --- replay --- */

/*
 * A log may begin anywhere, with history that was kept for inspection.  It
 * begins behind something then that its base record must yet name.
 */
static void
begin_anew(struct engine *e, uint64_t seq)
{
	uint32_t i;

	for (i = 0; i < e->slot_count; i++)
		if (e->slots[i].seq != 0)
			slot_free(e, &e->slots[i]);
	e->stable = seq;
	e->proposed = seq;
	e->raft->commit = seq;
	e->stable_certificate->proof_count = 0;
}

static void
replay_entry(struct engine *e, const struct record *r)
{
	if (r->seq <= e->stable)
		return;
	if (r->seq > e->proposed + 1 || r->seq > e->stable + e->slot_count)
		begin_anew(e, r->seq - 1);
	raft_log_truncate(e, r->seq);
	if (put_entry(e, r->view, &r->digest, r->batch) == NULL)
		emit_fatal(e, "the log does not fit the engine's memory");
}

static void
replay_base(struct engine *e, const struct record *r)
{
	e->view = r->view;
	e->raft->vote = r->vote;
	if (r->seq < e->stable)
		return;
	e->raft->offer_seq = r->seq;
	e->raft->offer_term = r->base_term;
	raft_log_begin_behind(e, r->seq);
	e->stable = r->seq;
	*e->stable_certificate = *e->spare;
	e->stable_digest = r->digest;
	if (e->proposed < e->stable)
		e->proposed = e->stable;
}

/*
 * Of what our log had executed (checkpoint.c) all is committed: it is executed
 * again where the state came back older, whoever leads by then.
 */
static void
replay_state(struct engine *e, const struct record *r)
{
	checkpoint_remember(e, r->seq, &r->digest);
	if (r->seq <= e->raft->commit || r->seq > e->proposed ||
	    PLANT_RAFT_EXECUTED_FORGOTTEN)
		return;
	REACHED(EXECUTED_KNOWN);
	e->raft->commit = r->seq;
}

void
raft_log_replay(struct engine *e, struct bytes bytes)
{
	struct record r;

	if (e->has_failed)
		return;
	e->has_replayed = true;
	if (record_decode(&r, e->spare, bytes, NULL) != AG_OK) {
		emit_fatal(e,
		    "the log holds a record this version does not understand");
		return;
	}
	switch (r.kind) {
	case RECORD_ENTRY:
		replay_entry(e, &r);
		break;
	case RECORD_TERM:
		e->view = r.view;
		e->raft->vote = r.vote;
		break;
	case RECORD_BASE:
		replay_base(e, &r);
		break;
	case RECORD_STATE:
		replay_state(e, &r);
		break;
	case RECORD_PROPOSAL:
	case RECORD_PREPARED:
	case RECORD_COMMITTED:
	case RECORD_VIEW:
	case RECORD_CHECKPOINT:
	case RECORD_BATCH:
	default:
		emit_fatal(e, "the log was written by another strategy");
		break;
	}
}

void
raft_log_start(struct engine *e, const struct event *event)
{
	if (e->has_failed || !memory_start(e, event))
		return;
	e->is_started = true;
	/* Nothing is executed before the log has its first record, so that a
	 * state beside an empty log always means a log that was lost. */
	if (!e->has_replayed) {
		raft_election_persist(e);
		e->birth_token = e->last_token;
	}
	e->applied = event->seq;
	e->delivered = event->seq;
	/* A state behind its own checkpoint: to be executed or fetched. */
	if (e->stable > e->applied)
		*e->target = *e->stable_certificate;
	if (event->has_digest)
		checkpoint_remember(e, event->seq, &event->digest);
	if (event->is_last)
		recover_last(e, event->seq);
	e->last_progress_us = e->now_us;
	raft_announce(e);
	raft_election_arm(e);
	/* There is nobody to wait for. */
	if (e->config.member_count == 1)
		e->raft->election_due_us = e->now_us;
	checkpoint_renew(e);
	memory_cover(e);
	if (e->is_rejoining)
		memory_settle(e);
	progress_send(e);
	recall_ask(e);
}
