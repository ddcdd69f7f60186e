/*
 * Votes: given once, bundled by turn, collected into certificates
 * (Castro & Liskov 1999, section 4.2).
 *
 * FORMAT   VOTES        [18, view, [[phase, seq, digest]…], signature]
 *          VOTE_PROOFS  [26, [[phase, seq, digest, proof]…]]
 *
 * RULES    1. Our own vote counts, like any other, only when what it rests
 *             on is durable.
 *          2. The first vote of a member for a (view, seq, phase) stands; a
 *             second one with another digest is evidence, never a vote.
 *          3. A vote of a view above ours is kept, one for each member and
 *             phase: its sender may have entered the view before us.
 *          4. Prepares are verified before our commit is given: a view
 *             change will have to prove them.
 *          5. A bundle is verified once, and only if one of its votes can
 *             still decide something: not when there are enough already.
 *          6. A vote that decides goes at once to the members at which
 *             somebody waits for the batch.  The others get it with the next
 *             votes that cannot wait, in one message under one signature, or
 *             a little later alone: they can do without it for so long.  A
 *             commit vote decides, and a PREPARE while all members' do.
 *          7. All members' PREPAREs decide without a COMMIT, and a prepared
 *             slot waits for them: but not when somebody has voted COMMIT,
 *             who could not decide alone, and not for a member that was
 *             late, until it has been in time as often as it owes.  Being
 *             late again costs it twice as much, and is forgiven slowly, so
 *             that nobody can make the others wait but rarely.
 *          8. Votes of a view above ours, or for states far above what is
 *             stable here, decide nothing yet, so not many of each member are
 *             verified (doubt.c).  What was meant well is asked for when it is
 *             needed.
 *          9. A step does as much as its effects have room for.  The rest is
 *             remembered in work_from, and the next step begins with it.
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/pbft.h"
#include "consensus/record.h"

/* What a member that was late owes at first, and at most. */
#define FINE_LEAST 8
#define FINE_MAX 1024

/*
 * Times in time, owing nothing, that take one off what the next fine is
 * reckoned from.  Who is late whenever it pays makes the others wait once in
 * 136 batches; a disk that stalls now and then is not held against anybody.
 */
#define FORGIVEN_AFTER 16

/* --- giving --- */

void
vote_give(struct engine *e, enum vote_phase phase, uint64_t seq,
    const struct digest *digest)
{
	struct slot *slot;
	struct pledge *pledge;

	AG_ASSERT(e->vote_count < VOTES_QUEUED_MAX);
	if (phase != VOTE_CHECKPOINT) {
		slot = slot_find(e, seq);
		AG_ASSERT(slot != NULL);
		pledge = phase == VOTE_PREPARE ? &slot->prepare : &slot->commit;
		/* The pledge is what makes equivocation impossible. */
		AG_ASSERT(!pledge->is_given || pledge->view < e->view ||
		    (pledge->view == e->view &&
			digest_equal(&pledge->digest, digest)));
		*pledge = (struct pledge){ true, e->view, *digest };
	}
	e->votes[e->vote_count++] = (struct vote){ phase, seq, *digest };
}

/* The message that proposes a vote's batch, if we are the primary. */
static void
send_proposal(struct engine *e, const struct vote *vote,
    const struct vote_proof *proof)
{
	struct slot *slot = slot_find(e, vote->seq);
	const struct payload *p =
	    slot == NULL ? NULL : slot_payload(slot, &vote->digest);
	struct encoder out;

	/* What finds no room is asked for (progress.c). */
	if (p == NULL || !emit_has_room(e, p->len + 1024))
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 6);
	encoder_put_uint(&out, MESSAGE_PRE_PREPARE);
	encoder_put_uint(&out, proof->view);
	encoder_put_uint(&out, vote->seq);
	encoder_put_bytes(&out, bytes_of(vote->digest.data, DIGEST_BYTES));
	encoder_put_bytes(&out, bytes_of(p->data, p->len));
	vote_proof_encode(&out, proof);
	emit_send(e, engine_others(e), emit_end(e, &out), e->last_token);
}

static void
send_bundle(struct engine *e, uint32_t members, const struct vote *votes,
    size_t count, const struct vote_proof *proof)
{
	struct encoder out;
	size_t i;

	emit_begin(e, &out);
	encoder_put_array(&out, 4);
	encoder_put_uint(&out, MESSAGE_VOTES);
	encoder_put_uint(&out, proof->view);
	encoder_put_array(&out, count);
	for (i = 0; i < count; i++) {
		encoder_put_array(&out, 3);
		encoder_put_uint(&out, votes[i].phase);
		encoder_put_uint(&out, votes[i].seq);
		encoder_put_bytes(&out,
		    bytes_of(votes[i].digest.data, DIGEST_BYTES));
	}
	encoder_put_bytes(&out, bytes_of(proof->signature, SIGNATURE_BYTES));
	emit_send(e, members, emit_end(e, &out), e->last_token);
}

/* As the primary we propose; what NEW_VIEW proposed needs only a vote. */
static bool
is_proposal(struct engine *e, const struct vote *vote)
{
	const struct slot *slot = slot_find(e, vote->seq);

	return vote->phase == VOTE_PREPARE && view_is_primary(e) &&
	    slot != NULL && !slot->is_carried;
}

/* Sign up to a bundle's worth from the front of the queue and send it. */
static void
flush_bundle(struct engine *e, const struct vote *votes, size_t count)
{
	size_t i, proposals = 0;

	vote_bundle_sign(e->proofs, votes, count, &e->config.scope,
	    e->config.self, e->view, e->config.authority,
	    e->config.authority_ctx);
	for (i = 0; i < count; i++) {
		bool proposes = is_proposal(e, &votes[i]);

		vote_take(e, &votes[i], &e->proofs[i], e->last_token);
		if (proposes) {
			send_proposal(e, &votes[i], &e->proofs[i]);
			proposals++;
		}
	}
	if (proposals < count)
		send_bundle(e, engine_others(e), votes, count, &e->proofs[0]);
}

static bool
anybody_owes(const struct engine *e)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++)
		if (e->peers[i].owes > 0)
			return true;
	return false;
}

/* Can those do without the vote for a while at whom nobody waits? */
static bool
vote_can_be_held(const struct engine *e, const struct vote *vote)
{
	if (vote->phase == VOTE_PREPARE)
		return e->is_fast && !view_is_primary(e) && !anybody_owes(e);
	return vote->phase == VOTE_COMMIT;
}

/* Those among the others for whom a vote can't wait. */
static uint32_t
vote_is_urgent_for(struct engine *e, const struct vote *vote)
{
	const struct slot *slot = slot_find(e, vote->seq);

	if (slot == NULL || !vote_can_be_held(e, vote))
		return engine_others(e);
	return engine_others(e) & slot->waiters;
}

/*
 * Tell what is held and what is new to the members that wait for what is new:
 * they can't execute it before the rest.  Hold it all for the others.
 */
static void
vote_hold(struct engine *e, uint32_t members)
{
	size_t i;

	if (e->held_count == 0)
		e->held_since_us = e->now_us;
	vote_bundle_sign(e->proofs, e->votes, e->vote_count, &e->config.scope,
	    e->config.self, e->view, e->config.authority,
	    e->config.authority_ctx);
	for (i = e->held_count; i < e->vote_count; i++)
		vote_take(e, &e->votes[i], &e->proofs[i], e->last_token);
	e->held_count = e->vote_count;
	if (members != 0)
		send_bundle(e, members, e->votes, e->vote_count, &e->proofs[0]);
}

uint64_t
vote_held_until(const struct engine *e)
{
	return e->held_count == 0 ? UINT64_MAX
				  : e->held_since_us + VOTES_HELD_US;
}

/*
 * May what is queued wait for more?  Then new votes are for these members
 * only.
 */
static bool
votes_may_wait(struct engine *e, uint32_t *members)
{
	uint32_t i;

	*members = 0;
	if (e->vote_count > VOTE_BUNDLE_MAX || vote_held_until(e) <= e->now_us)
		return false;
	for (i = e->held_count; i < e->vote_count; i++)
		*members |= vote_is_urgent_for(e, &e->votes[i]);
	return *members != engine_others(e);
}

void
vote_flush(struct engine *e)
{
	uint32_t members;
	size_t at = 0;

	if (votes_may_wait(e, &members)) {
		if (e->vote_count > e->held_count && emit_has_room(e, 8192))
			vote_hold(e, members);
		return;
	}
	while (at < e->vote_count && emit_has_room(e, 8192)) {
		size_t count = e->vote_count - at;

		if (count > VOTE_BUNDLE_MAX)
			count = VOTE_BUNDLE_MAX;
		flush_bundle(e, e->votes + at, count);
		at += count;
	}
	e->held_count = e->held_count > at ? e->held_count - (uint32_t)at : 0;
	e->vote_count -= (uint32_t)at;
	memmove(e->votes, e->votes + at, e->vote_count * sizeof(*e->votes));
}

/* --- collecting --- */

/* Two votes of one member for one thing: the proof for everybody, once. */
static void
report_conflict(struct engine *e, struct slot *slot, const struct vote *vote,
    const struct vote_cell *cell, const struct vote_proof *proof)
{
	const struct evidence_statement first = { cell->digest, cell->proof };
	const struct evidence_statement second = { vote->digest, *proof };

	if ((slot->convicted >> proof->member & 1) == 0 &&
	    conflict_report(e, (enum evidence_kind)vote->phase, vote->seq,
		&first, &second))
		slot->convicted |= 1U << proof->member;
}

static struct vote_cell *
cell_of(struct slot *slot, enum vote_phase phase, uint32_t member)
{
	return phase == VOTE_PREPARE ? &slot->prepares[member]
				     : &slot->commits[member];
}

void
vote_take(struct engine *e, const struct vote *vote,
    const struct vote_proof *proof, uint64_t token)
{
	struct vote_cell *cell;
	struct slot *slot;

	if (vote->phase == VOTE_CHECKPOINT) {
		checkpoint_vote_take(e, vote, proof, token);
		return;
	}
	slot = slot_open(e, vote->seq);
	if (slot == NULL || proof->view < e->view)
		return;
	cell = cell_of(slot, vote->phase, proof->member);
	if (cell->is_present &&
	    (cell->proof.view == proof->view || PLANT_CONFLICT_ANY_VIEW) &&
	    !digest_equal(&cell->digest, &vote->digest) &&
	    proof->member != e->config.self) {
		REACHED(CONFLICT);
		report_conflict(e, slot, vote, cell, proof);
		return;
	}
	if (cell->is_present && cell->proof.view >= proof->view)
		return;
	if (proof->view > e->view)
		REACHED(VOTE_AHEAD);
	*cell = (struct vote_cell){
		.is_present = true,
		.token = token,
		.digest = vote->digest,
		.proof = *proof,
	};
}

static bool
checkpoint_vote_is_useful(const struct engine *e, const struct vote *vote,
    uint32_t member)
{
	const struct checkpoint_vote *kept = e->peers[member].checkpoints;
	uint32_t k;

	if (vote->seq <= e->stable)
		return false;
	/* The same again is not; another state is evidence, once. */
	for (k = 0; k < CHECKPOINT_VOTES_KEPT; k++)
		if (kept[k].is_present && kept[k].seq == vote->seq)
			return !kept[k].is_convicted &&
			    !digest_equal(&kept[k].digest, &vote->digest);
	/* Nor what would not be kept. */
	for (k = 0; k < CHECKPOINT_VOTES_KEPT; k++)
		if (!kept[k].is_present || kept[k].seq < vote->seq)
			return true;
	return false;
}

/* Has the proposal of our view all it can use of this phase already? */
static bool
phase_is_complete(const struct engine *e, const struct slot *slot,
    enum vote_phase phase)
{
	const struct vote_cell *cells =
	    phase == VOTE_PREPARE ? slot->prepares : slot->commits;
	uint32_t i, count = 0;

	if (!slot->has_proposal || slot->view != e->view)
		return false;
	for (i = 0; i < e->config.member_count; i++)
		if (cells[i].is_present && cells[i].proof.view == e->view &&
		    digest_equal(&cells[i].digest, &slot->digest))
			count++;
	return count >= (phase == VOTE_PREPARE ? e->everybody : e->quorum);
}

/* We have voted PREPARE in this view, and not yet COMMIT. */
static bool
may_commit(const struct engine *e, const struct slot *slot)
{
	return slot->prepare.is_given && slot->prepare.view == e->view &&
	    (!slot->commit.is_given || slot->commit.view < e->view);
}

/* Decided by everybody's PREPAREs, with no word to who lacks one of them. */
static bool
is_commit_owed(const struct engine *e, const struct slot *slot)
{
	return slot->committed->phase == VOTE_PREPARE &&
	    slot->committed->view == e->view && may_commit(e, slot);
}

bool
vote_is_useful(struct engine *e, const struct vote *vote, uint32_t member,
    uint64_t view)
{
	const struct vote_cell *cell;
	struct slot *slot;

	if (vote->phase == VOTE_CHECKPOINT)
		return checkpoint_vote_is_useful(e, vote, member);
	if (e->raft != NULL || view < e->view || vote->seq <= e->stable ||
	    vote->seq > e->stable + e->config.window)
		return false;
	slot = slot_find(e, vote->seq);
	if (slot == NULL)
		return true;
	cell = cell_of(slot, vote->phase, member);
	/* The same again is not; another digest is evidence, once. */
	if (cell->is_present && cell->proof.view == view)
		return !digest_equal(&cell->digest, &vote->digest) &&
		    (slot->convicted >> member & 1) == 0;
	if (cell->is_present && cell->proof.view > view)
		return false;
	if (view > e->view)
		return true;
	if (slot->committed->proof_count > 0)
		return vote->phase == VOTE_COMMIT && is_commit_owed(e, slot);
	return !phase_is_complete(e, slot, vote->phase);
}

static void
vote_take_and_advance(struct engine *e, const struct vote *vote,
    const struct vote_proof *proof)
{
	struct slot *slot;

	vote_take(e, vote, proof, 0);
	slot = slot_find(e, vote->seq);
	if (slot != NULL && vote->phase != VOTE_CHECKPOINT)
		vote_advance(e, slot);
}

void
vote_encode(struct encoder *out, const struct vote *vote,
    const struct vote_proof *proof)
{
	encoder_put_array(out, 4);
	encoder_put_uint(out, vote->phase);
	encoder_put_uint(out, vote->seq);
	encoder_put_bytes(out, bytes_of(vote->digest.data, DIGEST_BYTES));
	vote_proof_encode(out, proof);
}

void
vote_decode(struct decoder *d, struct vote *vote)
{
	uint64_t phase = decoder_get_uint_max(d, VOTE_CHECKPOINT);

	if (phase < VOTE_PREPARE)
		decoder_fail(d, "unknown vote phase");
	vote->phase = (enum vote_phase)phase;
	vote->seq = decoder_get_uint(d);
	decoder_get_fixed(d, vote->digest.data, DIGEST_BYTES);
}

/* Of a view to come, or for a state that ours is far below. */
static bool
is_early(const struct engine *e, const struct vote *vote, uint64_t view)
{
	return view > e->view || vote->seq > e->stable + e->config.window;
}

void
vote_receive(struct engine *e, uint32_t from, struct decoder *d)
{
	struct vote votes[VOTE_BUNDLE_MAX];
	uint8_t signature[SIGNATURE_BYTES];
	bool is_useful = false, is_timely = false;
	uint64_t view;
	size_t i, count;

	view = decoder_get_uint(d);
	count = decoder_get_array_max(d, VOTE_BUNDLE_MAX);
	for (i = 0; i < count; i++) {
		decoder_expect_array(d, 3);
		vote_decode(d, &votes[i]);
		if (decoder_failed(d) ||
		    !vote_is_useful(e, &votes[i], from, view))
			continue;
		is_useful = true;
		is_timely = is_timely || !is_early(e, &votes[i], view);
	}
	decoder_get_fixed(d, signature, sizeof(signature));
	if (decoder_finish(d, NULL) != AG_OK || count == 0 || !is_useful ||
	    (!is_timely && !doubt_hears_early(e, from)) ||
	    !vote_bundle_open(e->proofs, votes, count, &e->config.scope, from,
		view, signature, e->config.authority, e->config.authority_ctx))
		return;
	if (!is_timely)
		doubt_early(e, from, 1);
	for (i = 0; i < count; i++)
		if (vote_is_useful(e, &votes[i], from, view))
			vote_take_and_advance(e, &votes[i], &e->proofs[i]);
}

/* One of a VOTE_PROOFS: could it change anything, and does it hold? */
static bool
proof_holds(struct engine *e, const struct vote *vote,
    const struct vote_proof *proof)
{
	bool can_wait;

	if (proof->member >= e->config.member_count ||
	    proof->member == e->config.self ||
	    !vote_is_useful(e, vote, proof->member, proof->view))
		return false;
	can_wait = is_early(e, vote, proof->view);
	if ((can_wait && !doubt_hears_early(e, proof->member)) ||
	    !vote_verify(vote, proof, &e->config.scope, e->config.authority,
		e->config.authority_ctx))
		return false;
	if (can_wait)
		doubt_early(e, proof->member, 1);
	return true;
}

void
vote_receive_proofs(struct engine *e, uint32_t from, struct decoder *d)
{
	size_t i, count = decoder_get_array_max(d, VOTE_BUNDLE_MAX);

	for (i = 0; i < count && doubt_hears(e, from); i++) {
		struct vote_proof proof;
		struct vote vote;

		decoder_expect_array(d, 4);
		vote_decode(d, &vote);
		vote_proof_decode(d, &proof);
		if (decoder_failed(d))
			return;
		if (proof_holds(e, &vote, &proof))
			vote_take_and_advance(e, &vote, &proof);
	}
}

/* --- deciding --- */

static void
vote_prepared(struct engine *e, struct slot *slot)
{
	struct encoder out;

	slot_certify(e, slot, VOTE_PREPARE, e->quorum, slot->prepared);
	if (slot->prepared_us == 0)
		slot->prepared_us = e->now_us;
	emit_begin(e, &out);
	record_encode_certificate(&out, RECORD_PREPARED, slot->prepared);
	if (!PLANT_PREPARED_UNWRITTEN)
		(void)emit_persist(e, slot->seq, emit_end(e, &out));
	vote_give(e, VOTE_COMMIT, slot->seq, &slot->digest);
}

void
vote_commit(struct engine *e, struct slot *slot,
    const struct certificate *certificate)
{
	struct encoder out;

	*slot->committed = *certificate;
	slot->committed_us = e->now_us;
	emit_begin(e, &out);
	record_encode_certificate(&out, RECORD_COMMITTED, slot->committed);
	/* A quorum holds the prepare certificate on disk, or everybody a
	 * pledge, which is what a later view goes by.  This one only saves
	 * asking after a restart. */
	emit_persist_lazily(e, slot->seq, emit_end(e, &out));
	deliver_ready(e);
}

bool
vote_has_room(const struct engine *e)
{
	return e->vote_count + 2 < VOTES_QUEUED_MAX &&
	    emit_has_room(e,
		(size_t)e->config.batch_bytes_max + 4 * CERTIFICATE_BYTES_MAX);
}

void
vote_put_off(struct engine *e, uint64_t seq)
{
	if (e->work_from == 0 || seq < e->work_from)
		e->work_from = seq;
}

void
vote_advance_from(struct engine *e, uint64_t seq)
{
	if (seq <= e->stable)
		seq = e->stable + 1;
	for (; seq <= e->proposed; seq++) {
		struct slot *slot = slot_find(e, seq);

		if (slot == NULL)
			continue;
		if (!vote_has_room(e)) {
			vote_put_off(e, seq);
			return;
		}
		proposal_prepare(e, slot);
		vote_advance(e, slot);
	}
}

/* --- waiting for everybody --- */

static bool
is_missing(const struct engine *e, const struct slot *slot, uint32_t member)
{
	return !cell_counts(e, &slot->prepares[member], e->view, &slot->digest);
}

/* Is one of those that are missing not worth waiting for? */
static bool
lacks_a_late_member(const struct engine *e, const struct slot *slot)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++)
		if (e->peers[i].owes > 0 && is_missing(e, slot, i))
			return true;
	return false;
}

static bool
has_any_commit(const struct engine *e, const struct slot *slot)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++)
		if (slot->commits[i].is_present &&
		    slot->commits[i].proof.view == e->view)
			return true;
	return false;
}

static void
fine_the_late(struct engine *e, const struct slot *slot)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++) {
		struct peer *peer = &e->peers[i];

		if (peer->owes > 0 || !is_missing(e, slot, i))
			continue;
		peer->fine = 2 * peer->fine + FINE_LEAST;
		if (peer->fine > FINE_MAX)
			peer->fine = FINE_MAX;
		peer->owes = peer->fine;
		peer->in_time = 0;
	}
}

static void
credit_everybody(struct engine *e)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++) {
		struct peer *peer = &e->peers[i];

		if (peer->owes > 0) {
			peer->owes--;
		} else if (peer->fine > 0 &&
		    ++peer->in_time == FORGIVEN_AFTER) {
			peer->in_time = 0;
			peer->fine--;
		}
	}
}

/* May the prepared slot wait for the PREPAREs it lacks? */
static bool
waits_for_all(struct engine *e, struct slot *slot)
{
	uint64_t due;

	if (slot->prepared_us == 0)
		slot->prepared_us = e->now_us;
	if (has_any_commit(e, slot) || lacks_a_late_member(e, slot))
		return false;
	/* Decided, and nobody has asked for our vote. */
	if (slot->committed->proof_count > 0)
		return true;
	due = slot->prepared_us + ALL_WAIT_US;
	if (due > e->now_us) {
		REACHED(ALL_WAITED_FOR);
		if (due < e->all_due_us)
			e->all_due_us = due;
		return true;
	}
	REACHED(LATE_FINED);
	fine_the_late(e, slot);
	return false;
}

void
vote_stop_waiting(struct engine *e)
{
	if (e->all_due_us > e->now_us)
		return;
	e->all_due_us = UINT64_MAX;
	vote_advance_from(e, e->delivered + 1);
}

void
vote_advance(struct engine *e, struct slot *slot)
{
	uint32_t prepares;

	if (!vote_has_room(e)) {
		vote_put_off(e, slot->seq);
		return;
	}
	if (!slot->has_proposal || slot->view != e->view || e->is_changing)
		return;
	if (slot_payload(slot, &slot->digest) == NULL)
		return;
	prepares = slot_count(e, slot->prepares, e->view, &slot->digest);
	if (slot->committed->proof_count == 0 && prepares >= e->everybody) {
		credit_everybody(e);
		slot_certify(e, slot, VOTE_PREPARE, e->everybody, e->spare);
		vote_commit(e, slot, e->spare);
	}
	if (engine_votes(e) && prepares >= e->quorum - PLANT_PREPARE_SHORT &&
	    may_commit(e, slot) && !waits_for_all(e, slot))
		vote_prepared(e, slot);
	if (slot->committed->proof_count == 0 &&
	    slot_count(e, slot->commits, e->view, &slot->digest) >=
		e->quorum - PLANT_COMMIT_SHORT) {
		slot_certify(e, slot, VOTE_COMMIT, e->quorum, e->spare);
		vote_commit(e, slot, e->spare);
	}
}

/*
 * A batch that came with its certificate was never proposed to us: write it
 * down too, or the log could not say what was executed.
 */
static void
log_batch(struct engine *e, const struct slot *slot, struct payload *p)
{
	struct encoder out;

	if (p->is_logged || PLANT_BATCH_UNLOGGED)
		return;
	emit_begin(e, &out);
	record_encode_batch(&out, slot->seq, bytes_of(p->data, p->len));
	(void)emit_persist(e, slot->seq, emit_end(e, &out));
	p->is_logged = true;
}

void
deliver(struct engine *e, const struct certificate *certificate,
    struct bytes batch, bool is_checkpoint)
{
	struct effect *effect;
	struct encoder out;

	emit_begin(e, &out);
	certificate_encode(&out, certificate);
	effect = emit(e, EFFECT_DELIVER);
	effect->seq = certificate->seq;
	effect->view = certificate->view;
	effect->digest = certificate->digest;
	effect->body = batch;
	effect->certificate = emit_end(e, &out);
	effect->after = e->birth_token;
	effect->is_checkpoint = is_checkpoint;
	e->delivered = certificate->seq;
	e->is_fast =
	    certificate->phase == VOTE_PREPARE && certificate->view == e->view;
	if (e->delivered > e->proposed)
		e->proposed = e->delivered;
	e->last_progress_us = e->now_us;
	if (!PLANT_PATIENCE_KEPT)
		e->attempts = 0;
	pending_executed(e, batch, certificate->seq);
}

/* Hand out for execution what is committed, in order. */
void
deliver_ready(struct engine *e)
{
	struct slot *slot;

	while ((slot = slot_find(e, e->delivered + 1)) != NULL &&
	    slot->committed->proof_count > 0 && e->is_started &&
	    engine_goes_on(e, slot->seq)) {
		struct payload *p =
		    slot_payload(slot, &slot->committed->digest);

		if (p == NULL)
			return;
		if (!emit_has_room(e, CERTIFICATE_BYTES_MAX + p->len + 64)) {
			vote_put_off(e, slot->seq);
			return;
		}
		log_batch(e, slot, p);
		slot->digest = slot->committed->digest;
		slot_describe(e, slot);
		slot->is_delivered = true;
		deliver(e, slot->committed, bytes_of(p->data, p->len),
		    checkpoint_is_due(e, slot->seq, slot->is_flagged));
	}
}
