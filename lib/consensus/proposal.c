/*
 * Proposals: the primary's pre-prepares, and a backup's judgement of them
 * (Castro & Liskov 1999, section 4.2).
 *
 * FORMAT   PRE_PREPARE  [17, view, seq, digest, batch, proof]
 *          The proof is the primary's PREPARE vote for it.
 *
 * RULES    1. A replica prepares one digest for a (view, seq) and never
 *             another, also not after a crash: the proposal's record is
 *             durable before its vote leaves.
 *          2. A digest is never prepared without its batch: what cannot be
 *             executed must not be agreed on.
 *          3. A batch is sound when every request in it is authentic and its
 *             time neither falls nor is far from ours.  Batches carried
 *             over by a view change were judged by a quorum before.
 *          4. The primary proposes as soon as the pipeline has room;
 *             whatever waits then goes into one batch.  No timer is ever
 *             waited for.
 *          5. Who may vote again once a checkpoint at some sequence is
 *             stable is brought there at once, by batches of nothing if
 *             nothing waits.  What it asks for is not believed: it moves the
 *             log so far at most, and so often.
 */
#include <string.h>

#include "codec/batch.h"
#include "codec/message.h"
#include "consensus/pbft.h"
#include "consensus/record.h"
#include "trust/request.h"

/* A pre-prepare's fields besides its batch. */
#define PROPOSAL_OVERHEAD 1024

/* Windows that the log is moved for a peer's sake: as far above the stable
 * checkpoint as any correct member may have to wait for.  And view timeouts
 * until it is again. */
#define ADVANCE_WINDOWS 2
#define ADVANCE_TIMEOUTS 8

static bool
envelope_is_authentic(struct engine *e, const struct envelope *envelope)
{
	/* What waits here was verified when it came. */
	return PLANT_REQUEST_TRUSTED || pending_is_known(e, envelope->raw) ||
	    request_verify(envelope, &e->config.scope, e->config.authority,
		e->config.authority_ctx);
}

/* One of two clocks is wrong, and an operator should know. */
static void
clock_refuse(struct engine *e, uint64_t time_ms, uint64_t ours_ms)
{
	REACHED(CLOCK_REFUSED);
	e->clock_refusals++;
	e->clock_refused_us = e->now_us;
	e->clock_member = view_primary(e, e->view);
	e->clock_ahead_ms = time_ms >= ours_ms ? (int64_t)(time_ms - ours_ms)
					       : -(int64_t)(ours_ms - time_ms);
}

static bool
time_is_sound(struct engine *e, const struct batch *batch, uint64_t least_ms)
{
	uint64_t ours = e->event->wall_ms, skew = e->config.clock_skew_max_ms;

	if (batch->time_ms < least_ms)
		return false;
	/* A cluster whose agreed time is ahead of ours goes on from there. */
	if (batch->time_ms == least_ms || PLANT_TIME_TRUSTED)
		return true;
	if (batch->time_ms <= ours + skew && batch->time_ms + skew >= ours)
		return true;
	clock_refuse(e, batch->time_ms, ours);
	return false;
}

bool
proposal_is_sound(struct engine *e, struct bytes encoded, uint64_t least_ms)
{
	struct batch batch;
	struct decoder d;
	size_t i;

	if (encoded.len > e->config.batch_bytes_max ||
	    batch_decode(&batch, encoded, NULL) != AG_OK ||
	    batch.envelope_count > e->config.batch_requests_max ||
	    !time_is_sound(e, &batch, least_ms))
		return false;
	decoder_init(&d, batch.envelopes);
	for (i = 0; i < batch.envelope_count; i++) {
		struct envelope envelope;

		envelope_decode_from(&d, &envelope);
		if (decoder_failed(&d) || !envelope_is_authentic(e, &envelope))
			return false;
	}
	return true;
}

void
proposal_accept(struct engine *e, struct slot *slot,
    const struct digest *digest)
{
	slot->has_proposal = true;
	slot->is_carried = false;
	slot->view = e->view;
	slot->digest = *digest;
	slot->proposed_us = e->now_us;
	slot->prepared_us = 0;
	slot->committed_us = 0;
	if (slot->seq > e->proposed)
		e->proposed = slot->seq;
}

/* Write the accepted proposal down; its batch only if it is not there yet. */
static void
proposal_persist(struct engine *e, const struct slot *slot,
    const struct payload *p, bool with_batch)
{
	struct encoder out;

	emit_begin(e, &out);
	record_encode_proposal(&out, slot->view, slot->seq, &slot->digest,
	    with_batch ? bytes_of(p->data, p->len) : bytes_of(NULL, 0));
	(void)emit_persist(e, slot->seq, emit_end(e, &out));
}

void
proposal_prepare(struct engine *e, struct slot *slot)
{
	struct payload *p = slot_payload(slot, &slot->digest);

	if (!slot->has_proposal || slot->view != e->view || e->is_changing ||
	    p == NULL)
		return;
	if (!engine_goes_on(e, slot->seq)) {
		REACHED(BEYOND_REFUSED);
		return;
	}
	if (!engine_votes(e) && !e->is_rejoining)
		REACHED(VOTE_WITHHELD);
	if (!engine_votes(e) ||
	    (slot->prepare.is_given && slot->prepare.view >= e->view))
		return;
	if (!vote_has_room(e)) {
		vote_put_off(e, slot->seq);
		return;
	}
	slot_describe(e, slot);
	memory_reach(e, e->view, slot->seq);
	/* What a replay is sure to hold need not be written again. */
	if (!PLANT_PROPOSAL_UNWRITTEN)
		proposal_persist(e, slot, p,
		    !p->is_logged || !slot_needs(slot, &slot->digest));
	p->is_logged = true;
	vote_give(e, VOTE_PREPARE, slot->seq, &slot->digest);
	pending_mark_proposed(e, bytes_of(p->data, p->len), slot->seq);
}

/* --- the primary --- */

/* The oldest request that is not proposed in this view. */
static struct pending *
proposal_first(struct engine *e)
{
	while (e->unproposed != NULL &&
	    e->unproposed->proposed_view == e->view + 1)
		e->unproposed = e->unproposed->next;
	return e->unproposed;
}

struct bytes
proposal_fill(struct engine *e, bool flagged, struct encoder *out)
{
	size_t count = 0, bytes = 32;
	uint64_t time_ms = e->event->wall_ms;
	uint64_t least_ms = slot_least_ms(e, e->proposed + 1);
	const struct pending *p;

	for (p = proposal_first(e); p != NULL; p = p->next) {
		if (p->proposed_view == e->view + 1)
			continue;
		if (count == e->config.batch_requests_max ||
		    bytes + p->len > e->config.batch_bytes_max)
			break;
		bytes += p->len;
		count++;
	}
	if (count == 0 && !flagged && e->proposed >= e->advance_to)
		return bytes_of(NULL, 0);
	if (time_ms < least_ms)
		time_ms = least_ms;
	emit_begin(e, out);
	batch_encode_head(out, time_ms, flagged ? BATCH_FLAG_CHECKPOINT : 0,
	    count);
	for (p = e->unproposed; p != NULL && count > 0; p = p->next) {
		if (p->proposed_view == e->view + 1)
			continue;
		encoder_put_raw(out, bytes_of(p->raw, p->len));
		count--;
	}
	return emit_end(e, out);
}

static bool
proposal_has_room(const struct engine *e)
{
	return e->proposed < e->stable + e->config.window &&
	    e->proposed - engine_floor(e) < e->config.pipeline_max &&
	    e->vote_count + 2 < VOTES_QUEUED_MAX &&
	    /* Each proposal queued will be a message of this step too. */
	    e->effects->count + e->vote_count + EFFECTS_RESERVED <
	    ENGINE_EFFECTS_MAX &&
	    emit_has_room(e,
		3 * (size_t)e->config.batch_bytes_max + PROPOSAL_OVERHEAD);
}

/* The highest sequence at which a peer wants a checkpoint; 0: none does. */
static uint64_t
wanted_by_peers(const struct engine *e)
{
	uint64_t wanted = 0;
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++)
		if (e->peers[i].wanted > wanted)
			wanted = e->peers[i].wanted;
	return wanted;
}

/* From here on batches are proposed up to what a peer waits for: rule 5. */
static void
advance_begin(struct engine *e, uint64_t wanted)
{
	const uint64_t most =
	    e->stable + ADVANCE_WINDOWS * (uint64_t)e->config.window;

	if (wanted > most)
		wanted = most;
	if (wanted <= e->proposed + 1 ||
	    (e->advanced_us != 0 &&
		e->now_us - e->advanced_us <
		    ADVANCE_TIMEOUTS * e->config.view_timeout_us))
		return;
	REACHED(ADVANCED);
	e->advance_to = wanted;
	e->advanced_us = e->now_us;
}

/* A member that always wants one gets no more than one each view timeout. */
static bool
peer_is_due(const struct engine *e)
{
	return wanted_by_peers(e) > 0 &&
	    (e->flagged_us == 0 ||
		e->now_us - e->flagged_us >= e->config.view_timeout_us);
}

bool
proposal_flag_is_due(struct engine *e)
{
	const struct slot *last =
	    slot_find(e, e->raft != NULL ? engine_floor(e) : e->delivered);

	if (e->proposed < e->advance_to)
		return e->proposed + 1 == e->advance_to;
	if (e->proposed > engine_floor(e) ||
	    (last != NULL && last->seq > e->stable &&
		checkpoint_is_due(e, last->seq, last->is_flagged)))
		return false;
	if (e->wants_checkpoint)
		return true;
	if (!peer_is_due(e))
		return false;
	advance_begin(e, wanted_by_peers(e));
	return e->proposed >= e->advance_to;
}

/* A flagged batch answers all peers; ours waits until it is stable. */
void
proposal_clear_wants(struct engine *e)
{
	uint32_t i;

	e->flagged_us = e->now_us;
	for (i = 0; i < e->config.member_count; i++)
		e->peers[i].wanted = 0;
}

void
proposal_make(struct engine *e)
{
	while (e->last == 0 && engine_votes(e) && view_is_primary(e) &&
	    proposal_has_room(e)) {
		bool flagged = proposal_flag_is_due(e);
		struct digest digest;
		struct encoder out;
		struct bytes batch = proposal_fill(e, flagged, &out);
		struct slot *slot;

		if (batch.len == 0)
			return;
		slot = slot_open(e, e->proposed + 1);
		if (slot == NULL)
			return;
		digest_of(&digest, batch);
		if (slot_hold(e, slot, &digest, batch) != AG_OK)
			return;
		if (flagged) {
			REACHED(FLAGGED);
			proposal_clear_wants(e);
		}
		proposal_accept(e, slot, &digest);
		proposal_prepare(e, slot);
	}
}

/* --- a backup --- */

/* Does the slot still want a proposal of this view? */
static bool
proposal_is_new(const struct engine *e, const struct slot *slot)
{
	return !slot->has_proposal || slot->view != e->view;
}

static void
proposal_take(struct engine *e, struct slot *slot, const struct vote *vote,
    const struct vote_proof *proof, struct bytes batch)
{
	struct digest digest;

	digest_of(&digest, batch);
	if (!PLANT_ANY_BATCH && !digest_equal(&digest, &vote->digest))
		return;
	/* One signature before a batch's many: anybody may have sent this. */
	if (!vote_verify(vote, proof, &e->config.scope, e->config.authority,
		e->config.authority_ctx))
		return;
	if (!proposal_is_sound(e, batch, slot_least_ms(e, slot->seq)))
		return;
	if (slot_hold(e, slot, &vote->digest, batch) != AG_OK)
		return;
	proposal_accept(e, slot, &vote->digest);
	vote_take(e, vote, proof, 0);
	proposal_prepare(e, slot);
	vote_advance(e, slot);
}

/*
 * The slot has its proposal.  This may bring the batch of what a new view
 * chose, the primary's vote for it, or proof that the primary proposes two.
 */
static void
proposal_complete(struct engine *e, struct slot *slot, const struct vote *vote,
    const struct vote_proof *proof, struct bytes batch)
{
	struct digest digest;

	if (slot_payload(slot, &slot->digest) == NULL) {
		digest_of(&digest, batch);
		if (digest_equal(&digest, &slot->digest) &&
		    slot_hold(e, slot, &digest, batch) != AG_OK)
			return;
	}
	if (vote_is_useful(e, vote, proof->member, proof->view) &&
	    (PLANT_AGAIN_UNVERIFIED ||
		vote_verify(vote, proof, &e->config.scope, e->config.authority,
		    e->config.authority_ctx)))
		vote_take(e, vote, proof, 0);
	proposal_prepare(e, slot);
	vote_advance(e, slot);
}

void
proposal_receive(struct engine *e, uint32_t from, struct decoder *d)
{
	struct vote vote = { .phase = VOTE_PREPARE };
	struct vote_proof proof;
	struct bytes batch;
	struct slot *slot;
	uint64_t view;

	view = decoder_get_uint(d);
	vote.seq = decoder_get_uint(d);
	decoder_get_fixed(d, vote.digest.data, DIGEST_BYTES);
	batch = decoder_get_bytes_max(d, e->config.batch_bytes_max);
	vote_proof_decode(d, &proof);
	/* A proposal may be sent on by anybody: its signature is the
	 * primary's. */
	(void)from;
	if (decoder_finish(d, NULL) != AG_OK || e->is_changing ||
	    view != e->view || proof.view != view ||
	    proof.member != view_primary(e, view) ||
	    proof.member == e->config.self)
		return;
	slot = slot_open(e, vote.seq);
	if (slot == NULL || slot->is_delivered)
		return;
	if (!proposal_is_new(e, slot)) {
		REACHED(PROPOSAL_AGAIN);
		proposal_complete(e, slot, &vote, &proof, batch);
		return;
	}
	/* It is certified already, or NEW_VIEW chose for it. */
	if (vote.seq <= e->chosen_to) {
		REACHED(CHOSEN_REFUSED);
		return;
	}
	proposal_take(e, slot, &vote, &proof, batch);
}
