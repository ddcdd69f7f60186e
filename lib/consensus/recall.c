/*
 * Recall: the others are asked what they know of our votes.
 *
 * FORMAT   RECALL    [27, nonce]
 *          RECALLED  [28, nonce, view, has voted, certificate | null,
 *                    [phase, seq, digest, proof] | null]
 *          the view is the highest the sender knows of us or was in itself,
 *          the certificate that of its stable checkpoint, the vote the one of
 *          the highest sequence that it has of ours; with Raft in its place
 *          the last sequence of the sender's log
 *
 * NOT HERE What is made of the answers (memory.c).
 */
#include "codec/message.h"
#include "consensus/pbft.h"
#include "consensus/raft.h"

/* Progress intervals in which all are asked for what we may not know. */
#define ASKED_INTERVALS 8

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
recall_receive(struct engine *e, uint32_t from, struct decoder *d)
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
	    memory_has_votes(e) || e->delivered > e->config.first_seq);
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
	return !e->has_recalled_vote && !memory_has_votes(e) &&
	    e->applied == e->config.first_seq &&
	    e->stable == e->config.first_seq;
}

/* Have enough told what they know? */
static void
conclude(struct engine *e)
{
	if (e->horizon.memory != HORIZON_UNKNOWN ||
	    answers_count(e) < answers_needed(e))
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
	e->recall_nonce = nonce;
	if (nonce == 0 && e->is_rejoining)
		e->recall_nonce = e->event->wall_ms * 1000000 + e->now_us + 1;
	e->recall_until_us =
	    e->now_us + ASKED_INTERVALS * e->config.progress_interval_us;
}

void
recall_ask(struct engine *e)
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
	if (answer.has_vote)
		memory_check_vote(e, &answer.vote, answer.proof.view);
	if (answer.has_certificate) {
		memory_check(e, e->spare);
		checkpoint_certified(e, e->spare);
	}
	conclude(e);
}
