/*
 * Recovery: the engine as its records left it.
 *
 * RULES    1. Every vote ever given is known again before the first message
 *             is sent: records were durable before their votes left.
 *          2. A log may begin anywhere, with history that was kept for
 *             inspection.  A record far above the watermark proves that a
 *             checkpoint was stable below it, so the window moves there;
 *             the checkpoint's own record must follow.
 *          3. Slots below the watermark stay until their place is needed:
 *             after a power loss the state may be older than the checkpoint,
 *             and is brought forward from them.
 *
 * NOT HERE Whether the log has all votes that were given (memory.c).
 */
#include <string.h>

#include "consensus/pbft.h"
#include "consensus/record.h"

/* The slot a record speaks of; NULL when it is below the watermark. */
static struct slot *
slot_for_record(struct engine *e, uint64_t seq)
{
	if (seq > e->stable + e->config.window) {
		REACHED(WINDOW_MOVED);
		e->stable = seq - e->config.window;
		e->stable_certificate->proof_count = 0;
		memset(&e->stable_digest, 0, sizeof(e->stable_digest));
	}
	return slot_open(e, seq);
}

static void
mark_logged(struct slot *slot, const struct digest *digest)
{
	struct payload *p = slot_payload(slot, digest);

	if (p != NULL)
		p->is_logged = true;
}

static void
replay_batch(struct engine *e, const struct record *r)
{
	struct slot *slot = slot_for_record(e, r->seq);
	struct digest digest;

	if (slot == NULL)
		return;
	digest_of(&digest, r->batch);
	if (slot_hold(e, slot, &digest, r->batch) != AG_OK)
		emit_fatal(e, "the log does not fit the engine's memory");
	mark_logged(slot, &digest);
}

static void
replay_proposal(struct engine *e, const struct record *r)
{
	struct slot *slot = slot_for_record(e, r->seq);

	if (slot == NULL)
		return;
	if (r->batch.len > 0 &&
	    slot_hold(e, slot, &r->digest, r->batch) != AG_OK)
		emit_fatal(e, "the log does not fit the engine's memory");
	slot->prepare =
	    (struct pledge){ !PLANT_PLEDGE_FORGOTTEN, r->view, r->digest };
	slot->has_proposal = true;
	slot->view = r->view;
	slot->digest = r->digest;
	mark_logged(slot, &r->digest);
	slot_describe(e, slot);
	if (r->seq > e->proposed)
		e->proposed = r->seq;
}

static void
replay_certificate(struct engine *e, const struct record *r)
{
	struct slot *slot = slot_for_record(e, r->seq);

	if (slot == NULL)
		return;
	if (r->kind == RECORD_COMMITTED) {
		*slot->committed = *e->spare;
		return;
	}
	if (!PLANT_PREPARED_FORGOTTEN)
		*slot->prepared = *e->spare;
	slot->commit = (struct pledge){ true, r->view, r->digest };
}

/* Where we stand in views, as the record says. */
static void
replay_view(struct engine *e, const struct record *r)
{
	if (r->is_changing && r->view == 0) {
		emit_fatal(e,
		    "the log says that view 0 was asked for, which nobody "
		    "does");
		return;
	}
	e->view = r->view;
	e->is_changing = r->is_changing;
	e->chosen_to = 0;
	view_keep_new_view(e, r->new_view);
	if (!r->is_changing && r->new_view.len > 0 && !PLANT_CHOSEN_FORGOTTEN) {
		REACHED(SELECTION_RESTORED);
		new_view_restore(e, r->new_view);
	}
}

static void
replay_checkpoint(struct engine *e, const struct record *r)
{
	if (r->seq < e->stable)
		return;
	e->stable = r->seq;
	*e->stable_certificate = *e->spare;
	e->stable_digest = e->spare->digest;
	/* The view's own record may be gone, what it selected still binds. */
	replay_view(e, r);
}

void
recover_record(struct engine *e, struct bytes bytes)
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
	case RECORD_PROPOSAL:
		replay_proposal(e, &r);
		break;
	case RECORD_PREPARED:
	case RECORD_COMMITTED:
		replay_certificate(e, &r);
		break;
	case RECORD_VIEW:
		replay_view(e, &r);
		break;
	case RECORD_BATCH:
		replay_batch(e, &r);
		break;
	case RECORD_STATE:
		checkpoint_remember(e, r.seq, &r.digest);
		break;
	case RECORD_CHECKPOINT:
		replay_checkpoint(e, &r);
		break;
	case RECORD_ENTRY:
	case RECORD_TERM:
	case RECORD_BASE:
	default:
		emit_fatal(e, "the log was written by another strategy");
		break;
	}
}

/* Sign again, for ourselves and to be sent, what we voted in this view. */
static void
renew_votes(struct engine *e)
{
	uint64_t seq;

	for (seq = e->stable + 1; seq <= e->stable + e->config.window; seq++) {
		struct slot *slot = slot_find(e, seq);

		if (slot == NULL)
			continue;
		if (!vote_has_room(e)) {
			vote_put_off(e, seq);
			return;
		}
		if (slot->prepare.is_given && slot->prepare.view == e->view)
			vote_give(e, VOTE_PREPARE, seq, &slot->prepare.digest);
		else
			proposal_prepare(e, slot);
		if (slot->commit.is_given && slot->commit.view == e->view)
			vote_give(e, VOTE_COMMIT, seq, &slot->commit.digest);
	}
}

void
recover_renew(struct engine *e)
{
	memory_cover(e);
	if (!PLANT_CHECKPOINT_FORGOTTEN)
		checkpoint_renew(e);
	if (e->is_changing) {
		REACHED(CHANGE_RESUMED);
		e->resend_us = e->now_us;
	} else {
		renew_votes(e);
	}
	view_change_repeat(e);
}

/* What the state machine has, and how far this view has proposed. */
static void
settle_slots(struct engine *e)
{
	uint32_t i;

	e->proposed = engine_floor(e);
	if (!e->is_changing && e->proposed < e->chosen_to)
		e->proposed = e->chosen_to;
	for (i = 0; i < e->config.window; i++) {
		struct slot *slot = &e->slots[i];

		if (slot->seq == 0)
			continue;
		if (slot->seq <= e->stable && slot->seq <= e->applied) {
			slot_free(e, slot);
			continue;
		}
		slot->is_delivered = slot->seq <= e->delivered;
		if (slot->view != e->view)
			slot->has_proposal = false;
		if (slot->has_proposal && slot->seq > e->proposed)
			e->proposed = slot->seq;
	}
}

/*
 * The first record of a log.  Nothing is executed before it is durable, so
 * that a state beside an empty log always means a log that was lost.
 */
static void
write_birth(struct engine *e)
{
	struct encoder out;

	emit_begin(e, &out);
	record_encode_view(&out, e->view, false, bytes_of(NULL, 0));
	e->birth_token = emit_persist(e, 0, emit_end(e, &out));
}

void
recover_last(struct engine *e, uint64_t seq)
{
	REACHED(END_RESUMED);
	checkpoint_last(e, seq);
}

void
recover_start(struct engine *e, const struct event *event)
{
	struct effect *effect;

	if (e->has_failed || !memory_start(e, event))
		return;
	e->is_started = true;
	if (!e->has_replayed)
		write_birth(e);
	e->applied = event->seq;
	e->delivered = event->seq;
	settle_slots(e);
	/* A state behind its own checkpoint: to be executed or fetched. */
	if (e->stable > e->applied) {
		REACHED(STABLE_AHEAD);
		*e->target = *e->stable_certificate;
	}
	if (event->has_digest)
		checkpoint_remember(e, event->seq, &event->digest);
	if (event->is_last)
		recover_last(e, event->seq);
	e->view_since_us = e->now_us;
	e->last_progress_us = e->now_us;
	pace_begin(e, 0);
	effect = emit(e, EFFECT_VIEW);
	effect->view = e->view;
	effect->member = view_primary(e, e->view);
	effect->is_changing = e->is_changing;
	effect->since_us = UINT64_MAX;
	effect->members =
	    record_new_view_askers(bytes_of(e->new_view, e->new_view_len));
	/* What the log has is told of before we may vote again. */
	if (e->is_asking && !e->has_told_rejoining)
		memory_cover(e);
	if (e->is_rejoining)
		memory_settle(e);
	else
		recover_renew(e);
	deliver_ready(e);
	progress_send(e);
	recall_ask(e);
}
