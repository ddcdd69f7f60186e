/*
 * Checkpoints: the state's digest agreed on, and the log cut behind it
 * (Castro & Liskov 1999, section 4.3).
 *
 * FORMAT   CHECKPOINT  [25, certificate]
 *
 * RULES    1. A checkpoint is stable with a quorum's signatures on one
 *             digest, never fewer, and only when our own state has it.
 *          2. A certified digest that differs from ours means that our state
 *             is wrong: we stop.
 *          3. A certified checkpoint above what we have executed is kept as
 *             the target.  Out of the window's reach, or when the others'
 *             logs do not bring us there and its state must be fetched, our
 *             log begins behind it meanwhile: agreeing on what comes next
 *             takes no state, and the others may be too few without us.
 *             One that we passed without a digest, because a state beyond it
 *             was fetched, is taken: our window may be too low without it.
 *          4. Records are let go only when the checkpoint's own record is
 *             durable.
 *          5. A state that f + 1 members vouch for is right (with Raft, whose
 *             members do not lie, that one does), so it may be fetched
 *             (Castro & Liskov 2002, section 5.3); the log is cut behind a
 *             quorum's alone.  A state that is behind the others'
 *             window thus needs no checkpoint that it would have to sign.
 *          6. The last state of an epoch is a checkpoint wherever it stands.
 *          7. An epoch's state that is not there yet is fetched, at its
 *             beginning or above.  Until the epoch has a stable checkpoint of
 *             its own, who lacks a state votes for nothing and each batch is a
 *             checkpoint: so either all that have a state have the first,
 *             which is known to be right, or f + 1 correct members have the
 *             newest and vouch for it.  With Raft nobody waits for a state to
 *             vote; but those who have one may be too few to sign what fills
 *             the window, and terms begin behind it: so there, too, whoever
 *             executes has a state to give.
 *          8. Our own vote counts once its record is durable: a certificate
 *             is sent to whoever lacks it.
 *          9. A state is fetched when nothing else comes, or too slowly.
 *         10. Our own digests are written down.  A cluster that crashed
 *             with its window full could else never cut its log again.  With
 *             Raft they say besides that what our log had up to there was
 *             executed; so that of a state that was fetched, beyond what the
 *             log is known to have right, is not.
 *         11. A log of Raft is not cut behind what it is not known to have
 *             committed.  A quorum's votes are weighed again when it is: at
 *             an epoch's end, or a window's, no other checkpoint follows.
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/pbft.h"
#include "consensus/raft.h"
#include "consensus/record.h"

#define FETCH_REPEAT_US 5000000

/* Progress intervals that history has to make the gap smaller by a part, at
 * first; doubled whenever it did not, so often at most. */
#define CHASE_INTERVALS 8
#define CHASE_DOUBLINGS_MAX 6
#define CHASE_PART 8

static const char STATE_DIFFERS[] =
    "our state differs from the one the cluster certified; move state and log "
    "away, leave the rest, and restart to fetch it anew";

/* Has an epoch no checkpoint of its own yet, which some may wait for? */
static bool
is_beginning(const struct engine *e)
{
	return e->config.first_seq > 0 && e->stable == e->config.first_seq &&
	    (e->raft == NULL || !PLANT_RAFT_BEGINNING_SPARSE);
}

bool
checkpoint_is_due(const struct engine *e, uint64_t seq, bool is_flagged)
{
	/* Where the window ends nothing can follow that asks for one. */
	return is_flagged || is_beginning(e) ||
	    seq % e->config.checkpoint_interval == 0 ||
	    seq == e->stable + e->config.window;
}

static uint32_t
checkpoint_quorum(const struct engine *e)
{
	return PLANT_CHECKPOINT_SHORT ? e->faults + 1 : e->quorum;
}

const struct digest *
checkpoint_own(const struct engine *e, uint64_t seq)
{
	size_t i;

	for (i = 0; i < CHECKPOINT_DIGESTS_KEPT; i++)
		if (e->own_digests[i].seq == seq && seq != 0)
			return &e->own_digests[i].digest;
	return NULL;
}

uint64_t
checkpoint_own_highest(const struct engine *e)
{
	uint64_t highest = 0;
	size_t i;

	for (i = 0; i < CHECKPOINT_DIGESTS_KEPT; i++)
		if (e->own_digests[i].seq > highest)
			highest = e->own_digests[i].seq;
	return highest;
}

/* Remember ours in the place of the oldest. */
static void
keep_own_digest(struct engine *e, uint64_t seq, const struct digest *digest)
{
	size_t i, oldest = 0;

	for (i = 1; i < CHECKPOINT_DIGESTS_KEPT; i++)
		if (e->own_digests[i].seq < e->own_digests[oldest].seq)
			oldest = i;
	e->own_digests[oldest].seq = seq;
	e->own_digests[oldest].digest = *digest;
}

static void
own_digest_persist(struct engine *e, uint64_t seq, const struct digest *digest)
{
	struct encoder out;

	emit_begin(e, &out);
	record_encode_state(&out, seq, digest);
	(void)emit_persist(e, seq, emit_end(e, &out));
}

void
checkpoint_remember(struct engine *e, uint64_t seq, const struct digest *digest)
{
	if (checkpoint_own(e, seq) == NULL)
		keep_own_digest(e, seq, digest);
}

void
checkpoint_renew(struct engine *e)
{
	size_t i;

	for (i = 0; i < CHECKPOINT_DIGESTS_KEPT; i++)
		if (e->own_digests[i].seq > e->stable &&
		    e->own_digests[i].seq <= e->applied)
			vote_give(e, VOTE_CHECKPOINT, e->own_digests[i].seq,
			    &e->own_digests[i].digest);
}

/* Write down that the log begins anew behind the stable checkpoint. */
void
checkpoint_persist(struct engine *e)
{
	struct encoder out;

	emit_begin(e, &out);
	if (e->raft != NULL)
		raft_log_encode_base(e, &out);
	else
		record_encode_checkpoint(&out, e->stable_certificate, e->view,
		    e->is_changing,
		    bytes_of(e->new_view,
			PLANT_CHECKPOINT_SHORN ? 0 : e->new_view_len));
	e->stable_token = emit_persist(e, 0, emit_end(e, &out));
}

static void
free_slots(struct engine *e, uint64_t seq)
{
	uint32_t i;

	/* Of Raft's, those stay that a follower may yet want to hear. */
	for (i = 0; i < e->slot_count && e->raft == NULL; i++)
		if (e->slots[i].seq != 0 && e->slots[i].seq <= seq)
			slot_free(e, &e->slots[i]);
}

static void
make_stable(struct engine *e, const struct certificate *c)
{
	uint64_t old = e->stable;
	uint32_t i, k;

	if (e->raft != NULL)
		raft_log_begin_behind(e, c->seq);
	*e->stable_certificate = *c;
	e->stable = c->seq;
	e->stable_digest = c->digest;
	if (e->proposed < e->stable)
		e->proposed = e->stable;
	/* Those above our state stay until their place is needed. */
	if (c->seq <= e->applied)
		free_slots(e, PLANT_WATERMARK ? c->seq + 1 : c->seq);
	else
		free_slots(e, e->applied);
	if (e->target->proof_count > 0 && e->target->seq <= c->seq)
		e->target->proof_count = 0;
	for (i = 0; i < e->config.member_count; i++)
		for (k = 0; k < CHECKPOINT_VOTES_KEPT; k++)
			if (e->peers[i].checkpoints[k].seq <= c->seq)
				e->peers[i].checkpoints[k].is_present = false;
	e->wants_checkpoint = false;
	checkpoint_persist(e);
	if (e->raft == NULL)
		new_view_extend(e, old);
}

void
checkpoint_adopt(struct engine *e, const struct certificate *c)
{
	const struct digest *ours = checkpoint_own(e, c->seq);

	if (ours != NULL && !digest_equal(ours, &c->digest)) {
		emit_fatal(e, STATE_DIFFERS);
		return;
	}
	make_stable(e, c);
	if (c->seq > e->delivered)
		*e->target = *e->stable_certificate;
}

/* A log of Raft begins behind nothing whose term it does not know. */
static bool
may_begin_behind(struct engine *e, uint64_t seq)
{
	return e->raft == NULL || raft_log_has_committed(e, seq);
}

/* Go on behind the target, whose state we have yet to get. */
static void
adopt_target(struct engine *e)
{
	if (!may_begin_behind(e, e->target->seq))
		return;
	REACHED(TARGET_ADOPTED);
	*e->spare = *e->target;
	make_stable(e, e->spare);
	*e->target = *e->stable_certificate;
}

/* A certificate of ours for another state after this sequence; or NULL. */
static const struct certificate *
certified_otherwise(const struct engine *e, const struct certificate *c)
{
	const struct certificate *ours[] = { e->stable_certificate, e->target };
	size_t i;

	for (i = 0; i < 2; i++)
		if (ours[i]->proof_count > 0 && ours[i]->seq == c->seq &&
		    !digest_equal(&ours[i]->digest, &c->digest))
			return ours[i];
	return NULL;
}

void
checkpoint_certified(struct engine *e, const struct certificate *c)
{
	const struct certificate *other = certified_otherwise(e, c);
	const struct digest *ours;

	if (other != NULL) {
		conflict_certified(e, other, c);
		return;
	}
	if (c->seq <= e->stable)
		return;
	ours = checkpoint_own(e, c->seq);
	if (ours == NULL) {
		if (c->seq <= e->applied && may_begin_behind(e, c->seq))
			make_stable(e, c);
		if (c->seq <= e->applied ||
		    (e->target->proof_count > 0 && e->target->seq >= c->seq))
			return;
		REACHED(TARGET_KEPT);
		*e->target = *c;
		if (e->stable > e->applied ||
		    c->seq - e->stable > e->config.window)
			adopt_target(e);
		return;
	}
	if (!digest_equal(ours, &c->digest)) {
		REACHED(STATE_DIFFERS);
		emit_fatal(e, STATE_DIFFERS);
		return;
	}
	if (may_begin_behind(e, c->seq))
		make_stable(e, c);
}

/* A certificate for this vote; how many have given it. */
static uint32_t
collect(struct engine *e, const struct vote *vote, struct certificate *out)
{
	uint32_t i, k;

	out->phase = VOTE_CHECKPOINT;
	out->view = 0;
	out->seq = vote->seq;
	out->digest = vote->digest;
	out->proof_count = 0;
	for (i = 0; i < e->config.member_count; i++) {
		for (k = 0; k < CHECKPOINT_VOTES_KEPT; k++) {
			const struct checkpoint_vote *v =
			    &e->peers[i].checkpoints[k];

			if (v->is_present && v->seq == vote->seq &&
			    v->token <= e->durable_token &&
			    digest_equal(&v->digest, &vote->digest)) {
				out->proofs[out->proof_count++] = v->proof;
				break;
			}
		}
	}
	return out->proof_count;
}

void
checkpoint_vouch(struct engine *e)
{
	struct vote vote = { .phase = VOTE_CHECKPOINT };
	struct effect *effect;
	struct encoder out;
	size_t i;

	for (i = 0; i < CHECKPOINT_DIGESTS_KEPT; i++) {
		struct vote ours = {
			.phase = VOTE_CHECKPOINT,
			.seq = e->own_digests[i].seq,
			.digest = e->own_digests[i].digest,
		};

		if (ours.seq > e->stable && ours.seq <= e->applied &&
		    ours.seq > vote.seq &&
		    collect(e, &ours, e->spare) >=
			trust_vouchers(e->config.scope.faults,
			    e->config.member_count))
			vote = ours;
	}
	if (vote.seq == 0 || PLANT_NOT_VOUCHED ||
	    !emit_has_room(e, CERTIFICATE_BYTES_MAX))
		return;
	(void)collect(e, &vote, e->spare);
	emit_begin(e, &out);
	certificate_encode(&out, e->spare);
	effect = emit(e, EFFECT_VOUCHED);
	effect->seq = vote.seq;
	effect->digest = vote.digest;
	effect->body = emit_end(e, &out);
}

void
checkpoint_want(struct engine *e)
{
	if (e->is_started)
		checkpoint_vouch(e);
	if (e->wants_checkpoint)
		return;
	e->wants_checkpoint = true;
	e->wanted_since_us = e->now_us;
	if (e->is_started)
		progress_send(e);
}

/* Two states signed for one sequence: the proof for everybody, once. */
static void
report_conflict(struct engine *e, struct checkpoint_vote *kept,
    const struct vote *vote, const struct vote_proof *proof)
{
	const struct evidence_statement first = { kept->digest, kept->proof };
	const struct evidence_statement second = { vote->digest, *proof };

	if (proof->member != e->config.self && !kept->is_convicted &&
	    !digest_equal(&kept->digest, &vote->digest))
		kept->is_convicted = conflict_report(e, EVIDENCE_CHECKPOINT,
		    vote->seq, &first, &second);
}

static void
weigh(struct engine *e, const struct vote *vote)
{
	if (collect(e, vote, e->spare) >= checkpoint_quorum(e))
		checkpoint_certified(e, e->spare);
	else if (e->wants_checkpoint)
		checkpoint_vouch(e);
}

void
checkpoint_vote_take(struct engine *e, const struct vote *vote,
    const struct vote_proof *proof, uint64_t token)
{
	struct checkpoint_vote *kept = e->peers[proof->member].checkpoints;
	uint32_t k, at = 0;

	if (vote->seq <= e->stable)
		return;
	for (k = 0; k < CHECKPOINT_VOTES_KEPT; k++) {
		if (kept[k].is_present && kept[k].seq == vote->seq) {
			report_conflict(e, &kept[k], vote, proof);
			return;
		}
		if (!kept[k].is_present ||
		    (kept[at].is_present && kept[k].seq < kept[at].seq))
			at = k;
	}
	/* A member far ahead must not push out what others can match. */
	if (kept[at].is_present && kept[at].seq > vote->seq)
		return;
	kept[at] = (struct checkpoint_vote){
		.is_present = true,
		.seq = vote->seq,
		.token = token,
		.digest = vote->digest,
		.proof = *proof,
	};
	weigh(e, vote);
}

/*
 * That the last state is proved may have been told before a crash, and again
 * is never heard of otherwise.
 */
void
checkpoint_last(struct engine *e, uint64_t seq)
{
	REACHED(EPOCH_ENDED);
	e->last = PLANT_LAST_UNBOUNDED ? 0 : seq;
	pending_drop_all(e);
	if (e->stable == seq && e->stable_certificate->proof_count > 0 &&
	    e->told_stable != seq && e->stable_token == 0 && !PLANT_LAST_UNTOLD)
		checkpoint_tell(e);
}

/* Vote for our state after seq, once that is written down. */
static void
vote_for_ours(struct engine *e, uint64_t seq, const struct digest *digest)
{
	keep_own_digest(e, seq, digest);
	if (seq <= e->stable)
		return;
	if (!e->is_rejoining && e->raft == NULL)
		memory_reach(e, e->view, seq);
	if (may_begin_behind(e, seq))
		own_digest_persist(e, seq, digest);
	if ((!e->is_rejoining || e->raft != NULL) &&
	    e->vote_count + 2 < VOTES_QUEUED_MAX)
		vote_give(e, VOTE_CHECKPOINT, seq, digest);
}

/*
 * Our state has reached the target.  Of Raft's, whose members sign wherever
 * they start, we may have passed it without looking at our digest.
 */
static void
meet_target(struct engine *e, bool has_digest)
{
	const struct certificate *target = e->target;

	if (target->proof_count == 0 ||
	    (e->raft != NULL ? target->seq > e->applied
			     : target->seq != e->applied || !has_digest))
		return;
	*e->spare = *target;
	checkpoint_certified(e, e->spare);
}

void
checkpoint_applied(struct engine *e, uint64_t seq, bool has_digest,
    const struct digest *digest)
{
	uint64_t i;

	for (i = e->applied + 1; i <= seq; i++) {
		struct slot *slot = slot_find(e, i);

		if (slot != NULL)
			slot->executed_us = e->now_us;
	}
	e->applied = seq;
	progress_state_came_on(e);
	if (seq <= e->stable)
		free_slots(e, seq);
	if (has_digest && seq == e->stable &&
	    !digest_equal(digest, &e->stable_digest)) {
		emit_fatal(e, STATE_DIFFERS);
		return;
	}
	if (has_digest &&
	    (!PLANT_LAST_UNCERTIFIED || e->last != seq ||
		checkpoint_is_due(e, seq, false)))
		vote_for_ours(e, seq, digest);
	meet_target(e, has_digest);
}

void
checkpoint_receive(struct engine *e, struct decoder *d)
{
	certificate_decode(d, e->spare);
	if (decoder_finish(d, NULL) != AG_OK ||
	    e->spare->phase != VOTE_CHECKPOINT ||
	    ((e->spare->seq <= e->stable ||
		 (e->target->proof_count > 0 &&
		     e->spare->seq <= e->target->seq)) &&
		certified_otherwise(e, e->spare) == NULL))
		return;
	if (PLANT_CHECKPOINT_TRUSTED ||
	    certificate_verify(e->spare, &e->config.scope,
		e->config.member_count, e->config.authority,
		e->config.authority_ctx, NULL) != AG_OK) {
		doubt_waste(e);
		return;
	}
	memory_check(e, e->spare);
	checkpoint_certified(e, e->spare);
}

void
checkpoint_tell(struct engine *e)
{
	struct effect *effect;
	struct encoder out;

	emit_begin(e, &out);
	certificate_encode(&out, e->stable_certificate);
	effect = emit(e, EFFECT_STABLE);
	effect->token = e->stable_token;
	effect->seq = e->stable;
	effect->digest = e->stable_digest;
	effect->body = emit_end(e, &out);
	e->stable_token = 0;
	e->told_stable = e->stable;
	memory_settle(e);
}

/* Our own votes that have become durable since may complete a quorum. */
static void
weigh_ours(struct engine *e, uint64_t before)
{
	const struct checkpoint_vote *kept =
	    e->peers[e->config.self].checkpoints;
	uint32_t k;

	for (k = 0; k < CHECKPOINT_VOTES_KEPT; k++) {
		const struct vote vote = { VOTE_CHECKPOINT, kept[k].seq,
			kept[k].digest };

		if (kept[k].is_present && kept[k].seq > e->stable &&
		    kept[k].token > before && kept[k].token <= e->durable_token)
			weigh(e, &vote);
	}
}

void
checkpoint_committed(struct engine *e)
{
	const struct checkpoint_vote *kept =
	    e->peers[e->config.self].checkpoints;
	const uint64_t stable = e->stable;
	uint32_t k;

	for (k = 0; k < CHECKPOINT_VOTES_KEPT; k++) {
		const struct vote vote = { VOTE_CHECKPOINT, kept[k].seq,
			kept[k].digest };

		if (kept[k].is_present && kept[k].seq > e->stable &&
		    !PLANT_RAFT_UNWEIGHED)
			weigh(e, &vote);
	}
	if (e->stable > stable)
		REACHED(COMMITTED_WEIGHED);
}

void
checkpoint_durable(struct engine *e, uint64_t before)
{
	weigh_ours(e, before);
	if (e->stable_token != 0 && e->stable_token <= e->durable_token)
		checkpoint_tell(e);
}

/* Members that say they have a stable checkpoint at least at seq. */
static uint32_t
members_at(const struct engine *e, uint64_t seq)
{
	uint32_t i, members = 0;

	for (i = 0; i < e->config.member_count; i++)
		if (i != e->config.self && e->peers[i].stable >= seq)
			members |= 1U << i;
	return members;
}

/* A fetch was asked for, and nobody else can give the state since. */
static bool
is_being_fetched(const struct engine *e, uint64_t seq)
{
	return e->fetch_seq == seq &&
	    e->now_us - e->fetch_asked_us < FETCH_REPEAT_US &&
	    (members_at(e, seq) & ~e->fetch_members) == 0;
}

/* Our state is older than the epoch: any of it will do. */
static void
chase_beginning(struct engine *e)
{
	struct effect *effect;

	if (e->fetch_seq != 0 &&
	    e->now_us - e->fetch_asked_us < FETCH_REPEAT_US)
		return;
	REACHED(FIRST_ASKED);
	e->fetch_seq = e->config.first_seq;
	e->fetch_asked_us = e->now_us;
	effect = emit(e, EFFECT_FETCH_STATE);
	effect->seq = e->config.first_seq;
	effect->digest = e->config.first_digest;
	effect->members = engine_others(e);
}

/*
 * What others send of history comes, but the cluster is faster: with a slow
 * disk, say, for what a sync takes.  Then the state is fetched.
 */
static bool
loses_ground(struct engine *e)
{
	const uint64_t patience_us = e->config.progress_interval_us
	    << e->chase.doublings;
	const uint64_t gap = e->target->seq - e->delivered;
	const uint64_t passed_us = e->now_us - e->chase.since_us;

	if (gap <= e->config.window) {
		if (passed_us >= 2 * CHASE_INTERVALS * patience_us)
			e->chase.doublings = 0;
		e->chase.gap = 0;
		return false;
	}
	if (e->chase.gap == 0 ||
	    gap <= e->chase.gap - e->chase.gap / CHASE_PART) {
		e->chase.gap = gap;
		e->chase.since_us = e->now_us;
		return false;
	}
	if (passed_us < CHASE_INTERVALS * patience_us)
		return false;
	e->chase.gap = 0;
	e->chase.since_us = e->now_us;
	if (e->chase.doublings < CHASE_DOUBLINGS_MAX)
		e->chase.doublings++;
	return true;
}

void
checkpoint_chase(struct engine *e)
{
	struct effect *effect;
	struct encoder out;

	/* A state beside an empty log would mean a log that was lost. */
	if (e->birth_token > e->durable_token)
		return;
	if (e->delivered < e->config.first_seq && e->target->proof_count == 0) {
		chase_beginning(e);
		return;
	}
	if (e->target->proof_count == 0 || e->target->seq <= e->delivered ||
	    (!loses_ground(e) &&
		e->now_us - e->last_progress_us <
		    2 * e->config.progress_interval_us) ||
	    is_being_fetched(e, e->target->seq))
		return;
	e->fetch_seq = e->target->seq;
	e->fetch_asked_us = e->now_us;
	REACHED(STATE_ASKED);
	if (e->target->seq > e->stable)
		adopt_target(e);
	/* The leader will tell us the term. */
	if (e->target->seq > e->stable)
		return;
	emit_begin(e, &out);
	certificate_encode(&out, e->target);
	effect = emit(e, EFFECT_FETCH_STATE);
	effect->seq = e->target->seq;
	effect->digest = e->target->digest;
	effect->members = members_at(e, e->target->seq);
	if (effect->members == 0)
		effect->members = engine_others(e);
	e->fetch_members = effect->members;
	effect->body = emit_end(e, &out);
}

void
checkpoint_installed(struct engine *e, const struct event *event)
{
	struct decoder d;
	bool could_vote;

	decoder_init(&d, event->body);
	certificate_decode(&d, e->spare);
	if (decoder_finish(&d, NULL) != AG_OK || e->spare->seq != event->seq ||
	    !digest_equal(&e->spare->digest, &event->digest)) {
		emit_fatal(e,
		    "an installed state came without its certificate");
		return;
	}
	if (event->seq <= e->applied)
		return;
	if (event->is_last)
		checkpoint_last(e, event->seq);
	could_vote = engine_votes(e);
	if (event->seq == e->config.first_seq)
		REACHED(FIRST_TAKEN);
	e->applied = event->seq;
	if (e->delivered < event->seq)
		e->delivered = event->seq;
	/* A log of Raft ends where it ends. */
	if (e->proposed < event->seq && e->raft == NULL)
		e->proposed = event->seq;
	e->fetch_seq = 0;
	e->last_progress_us = e->now_us;
	free_slots(e, e->stable < e->applied ? e->stable : e->applied);
	if (event->seq > e->stable && e->spare->proof_count >= e->quorum &&
	    may_begin_behind(e, event->seq)) {
		keep_own_digest(e, event->seq, &event->digest);
		make_stable(e, e->spare);
	} else {
		REACHED(STATE_VOUCHED);
		vote_for_ours(e, event->seq, &event->digest);
	}
	if (e->raft != NULL)
		return;
	deliver_ready(e);
	if (!could_vote && engine_votes(e))
		vote_put_off(e, e->stable + 1);
}
