/*
 * Memory: does a member know what it has voted for?  One that does not may
 * vote otherwise the second time, in good faith, and two quorums then share
 * no correct member.
 *
 * STATES   whole    every vote given is in the log: vote
 *          lost     votes up to a known view and sequence may be missing:
 *                   rejoining, until a checkpoint at or above it is stable
 *          unknown  nobody knows up to where: rejoining, and asking
 *          Who is rejoining signs nothing: no votes, proposals, view changes
 *          or new views.  It follows what the others decide and executes it.
 *          Whoever starts is asking first, in whatever state it thinks it is,
 *          and signs nothing either until it was told (recall.c).
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
 *             or VIEW_CHANGE of ours that we don't remember, in a certificate
 *             or an answer, or a NEW_VIEW of ours, gives it away, and our
 *             memory is unknown from then on.  So the others are asked before
 *             we vote.  A vote that counts stands in a certificate: of its
 *             other members, of whom f may lie, one that is correct is among
 *             those who answer, as in rule 4, and has it in memory or in its
 *             log.
 *             Not found out is who was answered by fewer than that before
 *             the time was up (recall.c, rule 3), and whose forgotten votes
 *             only those have who were silent or keep them back.  It counts
 *             among the f faulty, until a vote of that time comes to light:
 *             safe beside f - 1 others, as anybody is who lies.  With more
 *             than f members that came back older nothing is promised: the
 *             votes of a decision may be remembered by nobody.
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
 *         10. A member of Raft that starts asks as well, and follows nobody
 *             meanwhile.  Who led in a term knows which members voted for it
 *             and what they acknowledged, and tells them: a directory that
 *             came back older is found out, and rule 9 goes on.  Who led and
 *             has started again has forgotten that.  So whoever starts votes
 *             in no term that it was told of, and while whose that is can be
 *             heard for nobody whose log is shorter than the longest it was
 *             told of (raft_election.c, rule 5): what it acknowledged and
 *             forgot a majority has, and one of them told.
 *             Not found out, and not made up for, is what only those know who
 *             did not answer, or a log that is back later than that while.
 *
 * NOT HERE What the others are asked and say (recall.c), where the horizon
 *          is kept (trust/horizon.c), what becomes of a damaged log
 *          (node/journal.c).
 */
#include "consensus/pbft.h"
#include "consensus/raft.h"
#include "consensus/record.h"

/* Sequences the horizon is moved by when votes are rare. */
#define STEP_LEAST 8

/* Steps that follow sooner are doubled. */
#define STEP_DOUBLED_US 1000000

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
	e->view_token = emit_persist(e, 0, emit_end(e, &out));
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

bool
memory_has_votes(const struct engine *e)
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
	if (is_lost && memory_has_votes(e) &&
	    e->horizon.memory != HORIZON_UNKNOWN)
		lose_up_to_horizon(e);
	else if (e->horizon.memory == HORIZON_UNKNOWN)
		tell_horizon(e);
	/* Nobody but us could be told two things. */
	if (e->config.member_count == 1 &&
	    e->horizon.memory == HORIZON_UNKNOWN &&
	    event->seq == e->config.first_seq)
		e->horizon.memory = HORIZON_WHOLE;
	e->is_rejoining = e->horizon.memory != HORIZON_WHOLE;
	recall_begin(e, event->token);
	e->is_rejoining = e->is_rejoining || e->is_asking;
	if (e->raft != NULL && e->horizon.memory == HORIZON_LOST)
		raft_election_spend(e, e->horizon.lost_view);
	if (e->is_rejoining && e->config.member_count == 1) {
		emit_fatal(e, "votes given may be missing from the log");
		return false;
	}
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
	/* Who may have voted for another leads nobody. */
	if (e->raft != NULL)
		raft_follow(e, e->view, RAFT_NOBODY);
	tell_horizon_now(e);
	if (e->recall_nonce == 0)
		recall_begin(e, 0);
}

void
memory_check_vote(struct engine *e, const struct vote *vote, uint64_t view)
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
memory_check_view(struct engine *e, uint64_t view)
{
	const struct horizon *h = &e->horizon;

	if (view > h->view)
		forget(e, view, 0);
}

void
memory_check_begun(struct engine *e, uint64_t view)
{
	const struct horizon *h = &e->horizon;

	if (e->is_started && (h->memory != HORIZON_LOST || view > h->lost_view))
		forget(e, view, 0);
}

void
memory_check_bond(struct engine *e, uint32_t to, const struct bond *bond)
{
	const struct horizon *h = &e->horizon;

	/* Entries of an older term may have been dropped since. */
	if (bond->term < e->view ||
	    (bond->term == e->view && bond->seq <= e->proposed &&
		(!bond->has_voted || e->raft->vote == to)))
		return;
	if (h->memory == HORIZON_LOST && bond->term <= h->lost_view &&
	    bond->seq <= h->lost_seq)
		return;
	forget(e, bond->term, bond->seq);
}

void
memory_check(struct engine *e, const struct certificate *c)
{
	const struct vote vote = { c->phase, c->seq, c->digest };
	uint32_t i;

	/* Of Raft only checkpoints are signed, and any of them may be. */
	for (i = 0; i < c->proof_count && e->raft == NULL; i++)
		if (c->proofs[i].member == e->config.self)
			memory_check_vote(e, &vote, c->proofs[i].view);
}

/* --- what the others' answers say of it --- */

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

void
memory_bound(struct engine *e)
{
	if (e->raft != NULL)
		bound_by_logs(e);
	else
		bound_by_votes(e);
	tell_horizon_now(e);
	tell_rejoining(e);
	memory_settle(e);
}

void
memory_be_born(struct engine *e)
{
	e->horizon.memory = HORIZON_WHOLE;
	e->is_rejoining = false;
	tell_rejoining(e);
	tell_horizon_now(e);
	if (e->raft == NULL)
		recover_renew(e);
}

/* --- going on --- */

/* In no term that we were told of is there a vote left to give: rule 10. */
static void
spend_told_terms(struct engine *e)
{
	uint64_t term = e->view;
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++)
		if ((e->recalled >> i & 1) != 0 &&
		    e->peers[i].recalled_view > term)
			term = e->peers[i].recalled_view;
	if (term == e->view && e->raft->vote != RAFT_NOBODY)
		return;
	raft_election_spend(e, term);
	raft_election_persist(e);
	raft_announce(e);
}

void
memory_trust(struct engine *e)
{
	if (e->raft != NULL && e->horizon.memory != HORIZON_UNKNOWN)
		spend_told_terms(e);
	if (e->horizon.memory != HORIZON_WHOLE) {
		memory_settle(e);
		return;
	}
	e->is_rejoining = false;
	if (e->raft != NULL)
		return;
	recover_renew(e);
	vote_put_off(e, e->stable + 1);
	view_change_consider(e);
}

void
memory_settle(struct engine *e)
{
	const struct horizon *h = &e->horizon;
	bool goes_on = e->view > h->lost_view ||
	    (e->view == h->lost_view && !e->is_changing);

	if (!e->is_rejoining || e->is_asking || h->memory != HORIZON_LOST ||
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
