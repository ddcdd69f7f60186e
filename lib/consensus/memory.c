/*
 * Memory: does a member know what it has voted for?  One that does not may
 * vote otherwise the second time, in good faith, and two quorums then share
 * no correct member.
 *
 * FORMAT   RECALL    [27, nonce]
 *          RECALLED  [28, nonce, view, has voted, certificate | null,
 *                    [phase, seq, digest, proof] | null]
 *          the view is the highest the sender knows of us or was in itself,
 *          the certificate that of its stable checkpoint, the vote the one of
 *          the highest sequence that it has of ours; with Raft in its place
 *          the last sequence of the sender's log
 *
 * STATES   whole    every vote given is in the log: vote
 *          lost     votes up to a known view and sequence may be missing:
 *                   rejoining, until a checkpoint at or above it is stable
 *          unknown  nobody knows up to where: rejoining, and asking
 *          Who is rejoining signs nothing: no votes, proposals, view changes
 *          or new views.  It follows what the others decide and executes it.
 *
 * RULES    1. The horizon bounds all votes from above.  It is written down
 *             apart from the log, before what it allows is durable there.
 *             So a log that is empty, or was set aside, has lost nothing
 *             above the horizon: exact, and nobody is asked.
 *             A view moves it as it comes; sequences in steps, short when
 *             they are rare, since a step is what is to be waited for later.
 *          2. A checkpoint at or above the lost sequences is stable, and
 *             durable here: then every vote for a sequence is the first for
 *             it.  A VIEW_CHANGE names nothing at or below its checkpoint, so
 *             what it says of prepared batches and pledges is all there is.
 *          3. A forgotten VIEW_CHANGE may yet begin its view, and promised to
 *             vote in no lower one.  So we go on in the view at hand only if
 *             it is a higher one, or is that one and has begun; else we ask
 *             for one of which we have never spoken.  Neither makes us begin
 *             a view that we began before.
 *          4. Without a horizon the others bound it.  We voted for s with a
 *             checkpoint at or above s - window that a quorum had signed: of
 *             its other members all but f are correct, and more others than
 *             those n - quorum + f answer, so a correct one of them does.
 *             It had executed that checkpoint, and answers only while its
 *             own stable one, which it proves, is less than a window below
 *             what it executed.  So no vote of ours is more than two windows
 *             above the highest certificate shown.  Views prove less: we
 *             take the highest told, but none that is farther from the view
 *             we have followed the others to than a lone member is followed.
 *             That leaves out who asked for a view after more than so many
 *             that failed one after another.
 *          5. When a member that has neither log nor horizon nor state asks,
 *             and all of those answer that they have not voted either, the
 *             cluster is new, and so are we.
 *          6. A directory that came back older as a whole looks well.  A vote
 *             of ours that we don't remember, in a certificate or an answer,
 *             gives it away, and our memory is unknown from then on.  Until
 *             one is seen we count among the f faulty: whoever has all our
 *             votes of that time may keep them back, and nothing we could
 *             wait for would tell.
 *          7. With all members rejoining nobody votes.  Nothing can tell them
 *             what was decided; a backup is restored, in a cluster of its
 *             own, where none of them has voted.
 *          8. With Raft a vote is one for the leader of a term, or a copy of
 *             an entry: the horizon's view is the highest term that we had,
 *             its sequence the highest entry.  Who is rejoining votes for
 *             nobody, does not stand, and follows no leader of a lower term
 *             than the lost one, in which its vote counts as spent.  It does
 *             append and acknowledge: a leader of that term or a later one
 *             has all that our forgotten copies committed, and so have we
 *             once a checkpoint at or above them is stable.  Checkpoints it
 *             signs too: what a state is nobody can forget.
 *          9. Without a horizon it follows nobody until all others have told
 *             their terms and the ends of their logs: whom we voted for, and
 *             whose entries we copied, is one of them.
 *         10. A member of Raft whose directory came back older as a whole is
 *             not found out: nothing that it signed would tell.
 *
 * NOT HERE Where the horizon is kept (trust/horizon.c), what becomes of a
 *          damaged log (node/journal.c).
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/pbft.h"
#include "consensus/raft.h"
#include "consensus/record.h"

/* Sequences the horizon is moved by when votes are rare. */
#define STEP_LEAST 8

/* Steps that follow sooner are doubled. */
#define STEP_DOUBLED_US 1000000

/* Progress intervals in which all are asked for what we may not know. */
#define ASKED_INTERVALS 8

/* --- how far votes go --- */

static void
tell_horizon(struct engine *e)
{
	emit(e, EFFECT_HORIZON)->horizon = &e->horizon;
}

/* What the horizon allows or says is in force once this record is. */
static void
tell_horizon_now(struct engine *e)
{
	struct encoder out;

	tell_horizon(e);
	if (e->raft != NULL) {
		raft_election_persist(e);
		return;
	}
	emit_begin(e, &out);
	record_encode_view(&out, e->view, e->is_changing,
	    bytes_of(e->new_view, e->new_view_len));
	(void)emit_persist(e, 0, emit_end(e, &out));
}

static uint64_t
step_to(struct engine *e, uint64_t seq)
{
	uint64_t most = e->stable + e->config.window, to;

	if (e->horizon_raised_us != 0 &&
	    e->now_us - e->horizon_raised_us < STEP_DOUBLED_US)
		e->horizon_step *= 2;
	else
		e->horizon_step = STEP_LEAST;
	if (e->horizon_step > e->config.window)
		e->horizon_step = e->config.window;
	e->horizon_raised_us = e->now_us;
	to = seq + e->horizon_step - 1;
	if (to > most)
		to = most;
	return to > seq ? to : seq;
}

/* Move the horizon; false when that is not needed. */
static bool
reach(struct engine *e, uint64_t view, uint64_t seq)
{
	struct horizon *h = &e->horizon;

	if ((view <= h->view && seq <= h->seq) || PLANT_NO_HORIZON)
		return false;
	if (view > h->view)
		h->view = view;
	if (seq > h->seq)
		h->seq = step_to(e, seq);
	return true;
}

void
memory_reach(struct engine *e, uint64_t view, uint64_t seq)
{
	if (reach(e, view, seq))
		tell_horizon(e);
}

void
memory_cover(struct engine *e)
{
	uint64_t highest = checkpoint_own_highest(e);
	uint32_t i;

	if (e->raft != NULL)
		highest = e->proposed;
	for (i = 0; i < e->config.window && e->raft == NULL; i++)
		if (e->slots[i].prepare.is_given && e->slots[i].seq > highest)
			highest = e->slots[i].seq;
	if (highest <= e->stable)
		highest = 0;
	if (reach(e, e->view, highest))
		tell_horizon_now(e);
}

/* --- losing it --- */

static void
tell_rejoining(struct engine *e)
{
	struct effect *effect;

	/* Settled before it was ever told: at a later start. */
	if (e->is_rejoining == e->has_told_rejoining && !e->is_rejoining)
		return;
	e->has_told_rejoining = e->is_rejoining;
	effect = emit(e, EFFECT_REJOINING);
	effect->is_rejoining = e->is_rejoining;
	if (e->is_rejoining && e->horizon.memory == HORIZON_LOST)
		effect->seq = e->horizon.lost_seq;
}

static bool
has_voted(const struct engine *e)
{
	const struct horizon *h = &e->horizon;

	return h->view > 0 || h->seq > 0 || h->lost_seq > 0;
}

/* What is missing is between the log's end and the horizon. */
static void
lose_up_to_horizon(struct engine *e)
{
	struct horizon *h = &e->horizon;

	h->memory = HORIZON_LOST;
	h->lost_view = h->view;
	h->lost_seq = h->seq;
	tell_horizon(e);
}

static void
begin_asking(struct engine *e, uint64_t nonce)
{
	e->recall_nonce = nonce;
	if (nonce == 0 && e->is_rejoining)
		e->recall_nonce = e->event->wall_ms * 1000000 + e->now_us + 1;
	e->recall_until_us =
	    e->now_us + ASKED_INTERVALS * e->config.progress_interval_us;
}

bool
memory_start(struct engine *e, const struct event *event)
{
	const bool is_lost = !e->has_replayed;

	if (e->stable > e->config.first_seq &&
	    e->stable_certificate->proof_count == 0) {
		emit_fatal(e, "the log lacks its checkpoint record");
		return false;
	}
	if (event->horizon != NULL)
		e->horizon = *event->horizon;
	else if (is_lost && event->seq > e->config.first_seq)
		e->horizon.memory = HORIZON_UNKNOWN;
	if (is_lost && has_voted(e) && e->horizon.memory != HORIZON_UNKNOWN)
		lose_up_to_horizon(e);
	else if (e->horizon.memory == HORIZON_UNKNOWN)
		tell_horizon(e);
	/* Nobody but us could be told two things. */
	if (e->config.member_count == 1 &&
	    e->horizon.memory == HORIZON_UNKNOWN &&
	    event->seq == e->config.first_seq)
		e->horizon.memory = HORIZON_WHOLE;
	e->is_rejoining = e->horizon.memory != HORIZON_WHOLE;
	if (e->raft != NULL && e->horizon.memory == HORIZON_LOST)
		raft_election_spend(e, e->horizon.lost_view);
	if (e->is_rejoining && e->config.member_count == 1) {
		emit_fatal(e, "votes given may be missing from the log");
		return false;
	}
	begin_asking(e, event->token);
	if (e->is_rejoining &&
	    (e->horizon.memory == HORIZON_UNKNOWN ||
		e->stable < e->horizon.lost_seq))
		tell_rejoining(e);
	return true;
}

/* Is a vote of ours one that we know we have given? */
static bool
remembers(struct engine *e, const struct vote *vote, uint64_t view)
{
	const struct pledge *pledge;
	struct slot *slot;

	if (vote->seq <= e->stable)
		return true;
	/* Digests of old states are forgotten, but not those of newer ones. */
	if (vote->phase == VOTE_CHECKPOINT)
		return vote->seq <= e->applied ||
		    vote->seq <= checkpoint_own_highest(e);
	slot = slot_find(e, vote->seq);
	if (slot == NULL)
		return false;
	pledge = vote->phase == VOTE_PREPARE ? &slot->prepare : &slot->commit;
	return pledge->is_given &&
	    (pledge->view > view ||
		(pledge->view == view &&
		    digest_equal(&pledge->digest, &vote->digest)));
}

static void
forget(struct engine *e, uint64_t view, uint64_t seq)
{
	struct horizon *h = &e->horizon;
	const bool is_new = h->memory != HORIZON_UNKNOWN;

	h->memory = HORIZON_UNKNOWN;
	if (view > h->lost_view)
		h->lost_view = view;
	if (seq > h->lost_seq)
		h->lost_seq = seq;
	if (!is_new)
		return;
	e->is_rejoining = true;
	tell_rejoining(e);
	e->vote_count = 0;
	e->held_count = 0;
	tell_horizon_now(e);
	if (e->recall_nonce == 0)
		begin_asking(e, 0);
}

static void
check_vote(struct engine *e, const struct vote *vote, uint64_t view)
{
	const struct horizon *h = &e->horizon;

	if (remembers(e, vote, view) || !e->is_started)
		return;
	/* What is known to be lost is no news. */
	if (h->memory == HORIZON_LOST && view <= h->lost_view &&
	    vote->seq <= h->lost_seq)
		return;
	forget(e, view, vote->seq);
}

void
memory_check(struct engine *e, const struct certificate *c)
{
	const struct vote vote = { c->phase, c->seq, c->digest };
	uint32_t i;

	/* Of Raft only checkpoints are signed, and any of them may be. */
	for (i = 0; i < c->proof_count && e->raft == NULL; i++)
		if (c->proofs[i].member == e->config.self)
			check_vote(e, &vote, c->proofs[i].view);
}

/* --- being asked --- */

/* The vote of the highest sequence that we have of a member; false: none. */
static bool
highest_vote(struct engine *e, uint32_t member, struct vote *vote,
    struct vote_proof *proof)
{
	const struct checkpoint_vote *kept = e->peers[member].checkpoints;
	uint32_t i, k;

	vote->seq = 0;
	for (i = 0; i < e->config.window; i++) {
		const struct slot *slot = &e->slots[i];
		const struct vote_cell *cells[] = { &slot->prepares[member],
			&slot->commits[member] };

		for (k = 0; k < 2; k++) {
			if (slot->seq <= vote->seq || !cells[k]->is_present)
				continue;
			*vote =
			    (struct vote){ k == 0 ? VOTE_PREPARE : VOTE_COMMIT,
				    slot->seq, cells[k]->digest };
			*proof = cells[k]->proof;
		}
	}
	for (k = 0; k < CHECKPOINT_VOTES_KEPT; k++) {
		if (!kept[k].is_present || kept[k].seq <= vote->seq)
			continue;
		*vote = (struct vote){ VOTE_CHECKPOINT, kept[k].seq,
			kept[k].digest };
		*proof = kept[k].proof;
	}
	return vote->seq > 0;
}

/* The highest view that we know this member may have spoken in. */
static uint64_t
view_known_of(const struct engine *e, const struct peer *peer)
{
	uint64_t view = e->view;

	if (e->raft != NULL && e->horizon.view > view)
		view = e->horizon.view;
	if (peer->view_change.view > view)
		view = peer->view_change.view;
	return view;
}

/* Raft: of what our log has or may have had. */
static uint64_t
log_end(const struct engine *e)
{
	return e->horizon.seq > e->proposed ? e->horizon.seq : e->proposed;
}

void
memory_receive_recall(struct engine *e, uint32_t from, struct decoder *d)
{
	const uint64_t nonce = decoder_get_uint(d);
	const struct peer *peer = &e->peers[from];
	struct vote_proof proof;
	struct encoder out;
	struct vote vote;

	if (decoder_finish(d, NULL) != AG_OK || !progress_may_ask(e, from) ||
	    (e->applied > e->stable + e->config.window && e->raft == NULL) ||
	    !emit_has_room(e, 2 * CERTIFICATE_BYTES_MAX))
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 6);
	encoder_put_uint(&out, MESSAGE_RECALLED);
	encoder_put_uint(&out, nonce);
	encoder_put_uint(&out, view_known_of(e, peer));
	encoder_put_bool(&out,
	    has_voted(e) || e->delivered > e->config.first_seq);
	if (e->stable_certificate->proof_count > 0)
		certificate_encode(&out, e->stable_certificate);
	else
		encoder_put_null(&out);
	if (e->raft != NULL)
		encoder_put_uint(&out, log_end(e));
	else if (highest_vote(e, from, &vote, &proof))
		vote_encode(&out, &vote, &proof);
	else
		encoder_put_null(&out);
	emit_send(e, 1U << from, emit_end(e, &out), 0);
}

/* --- what they say --- */

struct answer {
	uint64_t nonce;
	uint64_t view;
	bool has_voted;
	bool has_certificate; /* in the spare */
	bool has_vote;
	uint64_t last; /* Raft: of its log */
	struct vote vote;
	struct vote_proof proof;
};

static bool
read_answer(struct engine *e, struct decoder *d, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	a->nonce = decoder_get_uint(d);
	a->view = decoder_get_uint(d);
	a->has_voted = decoder_get_bool(d);
	a->has_certificate = !decoder_get_null(d);
	if (a->has_certificate)
		certificate_decode(d, e->spare);
	if (e->raft != NULL)
		a->last = decoder_get_uint(d);
	else
		a->has_vote = !decoder_get_null(d);
	if (a->has_vote) {
		decoder_expect_array(d, 4);
		vote_decode(d, &a->vote);
		vote_proof_decode(d, &a->proof);
	}
	return decoder_finish(d, NULL) == AG_OK;
}

static bool
answer_holds(struct engine *e, const struct answer *a)
{
	if (a->has_certificate &&
	    (e->spare->phase != VOTE_CHECKPOINT ||
		certificate_verify(e->spare, &e->config.scope,
		    e->config.member_count, e->config.authority,
		    e->config.authority_ctx, NULL) != AG_OK))
		return false;
	return !a->has_vote ||
	    (a->proof.member == e->config.self &&
		vote_verify(&a->vote, &a->proof, &e->config.scope,
		    e->config.authority, e->config.authority_ctx));
}

/* Others that must have answered: rule 4. */
static uint32_t
answers_needed(const struct engine *e)
{
	uint32_t others = e->config.member_count - 1;
	uint32_t needed = e->config.member_count - e->quorum + e->faults + 1;

	return needed < others ? needed : others;
}

static uint32_t
answers_count(const struct engine *e)
{
	uint32_t i, count = 0;

	for (i = 0; i < e->config.member_count; i++)
		count += e->recalled >> i & 1;
	return count;
}

/* The view that f + 1 of those who answered have reached at least. */
static uint64_t
view_of_one_correct(const struct engine *e)
{
	uint64_t best = 0;
	uint32_t i, k;

	for (i = 0; i < e->config.member_count; i++) {
		uint64_t view = e->peers[i].recalled_view;
		uint32_t count = 0;

		if ((e->recalled >> i & 1) == 0)
			continue;
		for (k = 0; k < e->config.member_count; k++)
			if ((e->recalled >> k & 1) != 0 &&
			    e->peers[k].recalled_view >= view)
				count++;
		if (count > e->faults && view > best)
			best = view;
	}
	return best;
}

static bool
is_newborn(const struct engine *e)
{
	return !e->has_recalled_vote && !has_voted(e) &&
	    e->applied == e->config.first_seq &&
	    e->stable == e->config.first_seq;
}

/* Of Raft's members none lies, and all others have answered: rule 9. */
static void
bound_by_logs(struct engine *e)
{
	struct horizon *h = &e->horizon;
	uint32_t i;

	if (e->view > h->view)
		h->view = e->view;
	for (i = 0; i < e->config.member_count; i++) {
		const struct peer *peer = &e->peers[i];

		if ((e->recalled >> i & 1) == 0)
			continue;
		if (peer->recalled_view > h->view)
			h->view = peer->recalled_view;
		if (peer->recalled_seq > h->seq)
			h->seq = peer->recalled_seq;
	}
	raft_election_spend(e, h->view);
	h->lost_view = h->view;
	h->lost_seq = h->seq;
	h->memory = HORIZON_LOST;
}

static void
bound_by_votes(struct engine *e)
{
	/* So that the view after it is one we can be followed to. */
	const uint64_t view_most = e->view + LONE_VIEWS_MAX - 2;
	struct horizon *h = &e->horizon;
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++) {
		const struct peer *peer = &e->peers[i];
		uint64_t view = peer->recalled_view;
		uint64_t seq = peer->recalled_seq + 2 * e->config.window;

		if ((e->recalled >> i & 1) == 0)
			continue;
		if (view > view_most)
			view = view_most;
		if (view > h->lost_view)
			h->lost_view = view;
		if (seq > h->lost_seq)
			h->lost_seq = seq;
	}
	if (h->lost_view > h->view)
		h->view = h->lost_view;
	h->lost_view = h->view;
	if (h->lost_seq > h->seq)
		h->seq = h->lost_seq;
	h->lost_seq = h->seq;
	h->memory = HORIZON_LOST;
}

static void
bound_by_answers(struct engine *e)
{
	if (e->raft != NULL)
		bound_by_logs(e);
	else
		bound_by_votes(e);
	tell_horizon_now(e);
	tell_rejoining(e);
	memory_settle(e);
}

/* Have enough told what they know? */
static void
conclude(struct engine *e)
{
	if (e->horizon.memory != HORIZON_UNKNOWN ||
	    answers_count(e) < answers_needed(e))
		return;
	if (is_newborn(e)) {
		e->horizon.memory = HORIZON_WHOLE;
		e->is_rejoining = false;
		tell_rejoining(e);
		tell_horizon_now(e);
		if (e->raft == NULL)
			recover_renew(e);
		return;
	}
	/* They will show us the view that they are in. */
	if (e->raft == NULL &&
	    e->view + LONE_VIEWS_MAX - 2 < view_of_one_correct(e))
		return;
	bound_by_answers(e);
}

/* --- asking --- */

void
memory_ask(struct engine *e)
{
	const uint32_t members = engine_others(e) & ~e->recalled;
	struct encoder out;

	/* Some may have told before we knew that it mattered. */
	conclude(e);
	/* Nobody could show us a vote of ours in a log of Raft. */
	if (e->raft != NULL && e->horizon.memory != HORIZON_UNKNOWN)
		return;
	if (e->recall_nonce == 0 || members == 0 ||
	    (e->horizon.memory != HORIZON_UNKNOWN &&
		e->now_us >= e->recall_until_us))
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 2);
	encoder_put_uint(&out, MESSAGE_RECALL);
	encoder_put_uint(&out, e->recall_nonce);
	emit_send(e, members, emit_end(e, &out), 0);
}

void
memory_receive_recalled(struct engine *e, uint32_t from, struct decoder *d)
{
	struct peer *peer = &e->peers[from];
	struct answer answer;

	if (e->recall_nonce == 0 || !read_answer(e, d, &answer) ||
	    answer.nonce != e->recall_nonce)
		return;
	if (!answer_holds(e, &answer)) {
		doubt_waste(e);
		return;
	}
	e->recalled |= 1U << from;
	peer->recalled_view = answer.view;
	peer->recalled_seq =
	    answer.has_certificate ? e->spare->seq : e->config.first_seq;
	if (answer.last > peer->recalled_seq)
		peer->recalled_seq = answer.last;
	e->has_recalled_vote = e->has_recalled_vote || answer.has_voted ||
	    answer.has_certificate || answer.view > 0;
	if (answer.has_vote)
		check_vote(e, &answer.vote, answer.proof.view);
	if (answer.has_certificate) {
		memory_check(e, e->spare);
		checkpoint_certified(e, e->spare);
	}
	conclude(e);
}

/* --- going on --- */

void
memory_settle(struct engine *e)
{
	const struct horizon *h = &e->horizon;
	bool goes_on = e->view > h->lost_view ||
	    (e->view == h->lost_view && !e->is_changing);

	if (!e->is_rejoining || h->memory != HORIZON_LOST ||
	    (e->stable < h->lost_seq && !PLANT_REJOIN_EARLY &&
		!PLANT_RAFT_REJOIN_EARLY) ||
	    e->stable_token != 0)
		return;
	e->is_rejoining = false;
	tell_rejoining(e);
	/* The lost term's vote is spent. */
	if (e->raft != NULL)
		return;
	if (goes_on || PLANT_REJOIN_ANY_VIEW) {
		recover_renew(e);
		vote_put_off(e, e->stable + 1);
		return;
	}
	memory_cover(e);
	checkpoint_renew(e);
	(void)view_change_start(e,
	    (e->view > h->lost_view ? e->view : h->lost_view) + 1, "rejoined");
}
