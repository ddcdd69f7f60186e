/*
 * Recall: the others are asked what they know of our votes.
 *
 * FORMAT   RECALL    [27, nonce]
 *          RECALLED  [28, nonce, view, has voted, certificate | null,
 *                    [[phase, seq, digest, proof]...]]
 *          the view is the highest the sender knows of us or was in itself,
 *          the certificate that of its stable checkpoint, the votes the last
 *          of each phase that it has of ours, above that checkpoint; the
 *          last VIEW_CHANGE that it has of ours comes beside.  With Raft in
 *          their place [last, last known, its term, term, seq, voted]: where
 *          the sender's log ends or may have ended, where it ends, and the
 *          last term in which we voted for it or acknowledged its entries,
 *          up to which
 *
 * RULES    1. Who starts asks, whatever its log and its horizon say: they may
 *             have come back older together.  It votes when enough others
 *             have answered (memory.c, rule 4 says how many), and nobody
 *             showed a vote of ours that we don't know.
 *          2. Answers come from memory and from the log, so who is asking
 *             answers as well: when all start at once all have their answers
 *             in one round trip, and no timer is waited for.
 *          3. Who hears no quorum waits: its votes could decide nothing.  Once
 *             it hears one, all who are up have been heard and asked soon,
 *             and half of the patience with a primary is enough for them.
 *             Then it votes, whoever is missing: so that f that are down keep
 *             nobody out, and that nobody is left for want of our votes.
 *          4. A member is asked again as it is first heard: what was sent
 *             before had no link to take.
 *
 * NOT HERE What is made of the answers (memory.c).
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/pbft.h"
#include "consensus/raft.h"

/* Progress intervals in which all are asked for what we may not know. */
#define ASKED_INTERVALS 8

/* --- being asked --- */

/* A member's last votes: one of each phase at most, or seq 0. */
struct last_votes {
	struct vote votes[VOTE_CHECKPOINT];
	struct vote_proof proofs[VOTE_CHECKPOINT];
};

/* Later views come later, and in them higher sequences. */
static void
note_vote(struct last_votes *last, enum vote_phase phase, uint64_t seq,
    const struct digest *digest, const struct vote_proof *proof)
{
	const uint64_t view = last->proofs[phase - 1].view;
	struct vote *vote = &last->votes[phase - 1];

	if (vote->seq != 0 &&
	    (proof->view < view || (proof->view == view && seq <= vote->seq)))
		return;
	*vote = (struct vote){ phase, seq, *digest };
	last->proofs[phase - 1] = *proof;
}

/* After a restart these are all that is left of others' votes. */
static void
note_certificate(struct last_votes *last, const struct certificate *c,
    uint32_t member)
{
	uint32_t i;

	for (i = 0; i < c->proof_count; i++)
		if (c->proofs[i].member == member)
			note_vote(last, c->phase, c->seq, &c->digest,
			    &c->proofs[i]);
}

static void
note_cell(struct last_votes *last, enum vote_phase phase, uint64_t seq,
    const struct vote_cell *cell)
{
	if (cell->is_present)
		note_vote(last, phase, seq, &cell->digest, &cell->proof);
}

static void
find_last_votes(const struct engine *e, uint32_t member,
    struct last_votes *last)
{
	const struct checkpoint_vote *kept = e->peers[member].checkpoints;
	uint32_t i;

	memset(last, 0, sizeof(*last));
	for (i = 0; i < e->config.window; i++) {
		const struct slot *slot = &e->slots[i];

		/* What is below the checkpoint is voted on no more. */
		if (slot->seq <= e->stable)
			continue;
		note_cell(last, VOTE_PREPARE, slot->seq,
		    &slot->prepares[member]);
		note_cell(last, VOTE_COMMIT, slot->seq, &slot->commits[member]);
		note_certificate(last, slot->prepared, member);
		note_certificate(last, slot->committed, member);
	}
	for (i = 0; i < CHECKPOINT_VOTES_KEPT; i++)
		if (kept[i].is_present && kept[i].seq > e->stable)
			note_vote(last, VOTE_CHECKPOINT, kept[i].seq,
			    &kept[i].digest, &kept[i].proof);
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
recall_bind(struct engine *e, uint32_t member, uint64_t seq, bool has_voted)
{
	struct bond *bond = &e->peers[member].bond;

	if (bond->term != e->view)
		*bond = (struct bond){ .term = e->view };
	if (seq > bond->seq)
		bond->seq = seq;
	bond->has_voted = bond->has_voted || has_voted;
}

static void
encode_log(struct engine *e, struct encoder *out, const struct bond *bond)
{
	const struct bond none = { 0 };

	if (PLANT_RAFT_BOND_UNTOLD)
		bond = &none;
	encoder_put_array(out, 6);
	encoder_put_uint(out, log_end(e));
	encoder_put_uint(out, e->proposed);
	encoder_put_uint(out, raft_log_last_term(e));
	encoder_put_uint(out, bond->term);
	encoder_put_uint(out, bond->seq);
	encoder_put_bool(out, bond->has_voted);
}

static void
encode_votes(const struct engine *e, struct encoder *out, uint32_t member)
{
	struct last_votes last;
	size_t i, count = 0;

	find_last_votes(e, member, &last);
	for (i = 0; i < VOTE_CHECKPOINT; i++)
		count += last.votes[i].seq > 0;
	encoder_put_array(out, count);
	for (i = 0; i < VOTE_CHECKPOINT; i++)
		if (last.votes[i].seq > 0)
			vote_encode(out, &last.votes[i], &last.proofs[i]);
}

void
recall_receive(struct engine *e, uint32_t from, struct decoder *d)
{
	const uint64_t nonce = decoder_get_uint(d);
	const struct peer *peer = &e->peers[from];
	struct encoder out;

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
	    memory_has_votes(e) || e->delivered > e->config.first_seq);
	if (e->stable_certificate->proof_count > 0)
		certificate_encode(&out, e->stable_certificate);
	else
		encoder_put_null(&out);
	if (e->raft != NULL)
		encode_log(e, &out, &peer->bond);
	else
		encode_votes(e, &out, from);
	emit_send(e, 1U << from, emit_end(e, &out), 0);
	if (e->raft == NULL)
		view_change_show(e, from);
}

/* --- what they say --- */

struct answer {
	uint64_t nonce;
	uint64_t view;
	bool has_voted;
	bool has_certificate; /* in the spare */
	size_t vote_count;
	struct vote votes[VOTE_CHECKPOINT];
	struct vote_proof proofs[VOTE_CHECKPOINT];
	/* Raft: */
	uint64_t last;                /* of its log, perhaps */
	uint64_t last_seq, last_term; /* as it has it */
	struct bond bond;             /* of ours */
};

static void
read_log(struct decoder *d, struct answer *a)
{
	decoder_expect_array(d, 6);
	a->last = decoder_get_uint(d);
	a->last_seq = decoder_get_uint(d);
	a->last_term = decoder_get_uint(d);
	a->bond.term = decoder_get_uint(d);
	a->bond.seq = decoder_get_uint(d);
	a->bond.has_voted = decoder_get_bool(d);
}

static void
read_votes(struct decoder *d, struct answer *a)
{
	size_t i;

	a->vote_count = decoder_get_array_max(d, VOTE_CHECKPOINT);
	for (i = 0; i < a->vote_count && !decoder_failed(d); i++) {
		decoder_expect_array(d, 4);
		vote_decode(d, &a->votes[i]);
		vote_proof_decode(d, &a->proofs[i]);
	}
}

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
		read_log(d, a);
	else
		read_votes(d, a);
	return decoder_finish(d, NULL) == AG_OK;
}

static bool
answer_holds(struct engine *e, const struct answer *a)
{
	size_t i;

	if (a->has_certificate &&
	    (e->spare->phase != VOTE_CHECKPOINT ||
		certificate_verify(e->spare, &e->config.scope,
		    e->config.member_count, e->config.authority,
		    e->config.authority_ctx, NULL) != AG_OK))
		return false;
	for (i = 0; i < a->vote_count; i++)
		if (a->proofs[i].member != e->config.self ||
		    !vote_verify(&a->votes[i], &a->proofs[i], &e->config.scope,
			e->config.authority, e->config.authority_ctx))
			return false;
	return true;
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
	return !e->has_recalled_vote && !memory_has_votes(e) &&
	    e->applied == e->config.first_seq &&
	    e->stable == e->config.first_seq;
}

/* Have enough told what they know? */
static void
conclude(struct engine *e)
{
	const bool are_enough = answers_count(e) >= answers_needed(e);

	if (e->is_asking && (are_enough || e->now_us >= e->asking_until_us)) {
		e->is_asking = false;
		memory_trust(e);
	}
	if (e->horizon.memory != HORIZON_UNKNOWN || !are_enough)
		return;
	if (is_newborn(e)) {
		memory_be_born(e);
		return;
	}
	/* They will show us the view that they are in. */
	if (e->raft == NULL &&
	    e->view + LONE_VIEWS_MAX - 2 < view_of_one_correct(e))
		return;
	memory_bound(e);
}

/* --- asking --- */

void
recall_begin(struct engine *e, uint64_t nonce)
{
	e->is_asking =
	    nonce != 0 && e->config.member_count > 1 && !PLANT_VOTES_UNASKED;
	e->asking_until_us = UINT64_MAX;
	e->recall_nonce = nonce;
	if (nonce == 0 && e->is_rejoining)
		e->recall_nonce = e->event->wall_ms * 1000000 + e->now_us + 1;
	e->recall_until_us =
	    e->now_us + ASKED_INTERVALS * e->config.progress_interval_us;
}

static void
ask(struct engine *e, uint32_t members)
{
	struct encoder out;

	members &= ~e->recalled;
	if (e->recall_nonce == 0 || members == 0)
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 2);
	encoder_put_uint(&out, MESSAGE_RECALL);
	encoder_put_uint(&out, e->recall_nonce);
	emit_send(e, members, emit_end(e, &out), 0);
}

void
recall_ask(struct engine *e)
{
	/* Some may have told before we knew that it mattered. */
	conclude(e);
	if (e->is_asking || e->horizon.memory == HORIZON_UNKNOWN ||
	    e->now_us < e->recall_until_us)
		ask(e, engine_others(e));
}

void
recall_flush(struct engine *e)
{
	uint32_t i, heard = 0;

	if (!e->is_asking)
		return;
	for (i = 0; i < e->config.member_count; i++)
		if (e->peers[i].heard_us != 0)
			heard |= 1U << i;
	ask(e, heard & ~e->asked_heard);
	e->asked_heard |= heard;
	if (e->asking_until_us == UINT64_MAX && progress_hears_quorum(e))
		e->asking_until_us = e->now_us + e->config.view_timeout_us / 2;
}

void
recall_tick(struct engine *e)
{
	if (e->is_asking && e->now_us >= e->asking_until_us)
		conclude(e);
}

uint64_t
recall_deadline(const struct engine *e)
{
	return e->is_asking ? e->asking_until_us : UINT64_MAX;
}

/* What it says of our votes. */
static void
heed(struct engine *e, uint32_t from, const struct answer *a)
{
	size_t i;

	for (i = 0; i < a->vote_count; i++)
		memory_check_vote(e, &a->votes[i], a->proofs[i].view);
	if (e->raft == NULL)
		return;
	memory_check_bond(e, from, &a->bond);
	if (e->is_asking)
		raft_election_told(e, from, a->last_seq, a->last_term);
}

void
recall_receive_answer(struct engine *e, uint32_t from, struct decoder *d)
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
	heed(e, from, &answer);
	if (answer.has_certificate) {
		memory_check(e, e->spare);
		checkpoint_certified(e, e->spare);
	}
	conclude(e);
}
