/*
 * The fingerprint of an engine, of either strategy.
 *
 * RULES    1. All of its memory is in it but what follows from the rest, what
 *             a step begins anew, and where in the memory things are.  A
 *             field that struct engine comes to have is in it.
 *          2. Votes that are durable are alike whatever their tokens, and
 *             proofs whatever else was signed with them: they were verified
 *             when they were taken.
 */
#include "sim/insight.h"

#include "consensus/pbft.h"
#include "consensus/raft.h"
#include "sim/mix.h"

/* All that is durable is as good as what never had to be. */
static uint64_t
mix_token(uint64_t hash, const struct engine *e, uint64_t token)
{
	return mix(hash, token <= e->durable_token ? 0 : token);
}

static uint64_t
mix_certificate(uint64_t hash, const struct certificate *c)
{
	uint64_t members = 0;
	uint32_t i;

	if (c->proof_count == 0)
		return mix(hash, 0);
	for (i = 0; i < c->proof_count; i++)
		members |= UINT64_C(1) << c->proofs[i].member;
	hash = mix(mix(hash, members), c->phase);
	hash = mix(mix(hash, c->view), c->seq);
	return mix_bytes(hash, c->digest.data, DIGEST_BYTES);
}

static uint64_t
mix_cells(uint64_t hash, const struct engine *e, const struct vote_cell *cells)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++) {
		const struct vote_cell *cell = &cells[i];

		hash = mix(hash, cell->is_present);
		if (!cell->is_present)
			continue;
		hash = mix_token(hash, e, cell->token);
		hash = mix(hash, cell->proof.view);
		hash = mix_bytes(hash, cell->digest.data, DIGEST_BYTES);
	}
	return hash;
}

static uint64_t
mix_slot(uint64_t hash, const struct engine *e, const struct slot *slot)
{
	uint32_t i;

	hash = mix(hash, slot->seq);
	if (slot->seq == 0)
		return hash;
	hash = mix(mix(hash, slot->has_proposal), slot->view);
	hash = mix_bytes(hash, slot->digest.data, DIGEST_BYTES);
	for (i = 0; i < SLOT_PAYLOADS; i++)
		if (slot->payloads[i].data != NULL)
			hash = MIX_FIELDS_TO_END(hash, &slot->payloads[i], len);
	hash = MIX_FIELDS(hash, slot, time_ms, prepares);
	if (e->raft == NULL) {
		hash = mix_cells(hash, e, slot->prepares);
		hash = mix_cells(hash, e, slot->commits);
		hash = mix_certificate(hash, slot->prepared);
		hash = mix_certificate(hash, slot->committed);
	}
	hash = mix_token(mix(hash, slot->is_delivered), e, slot->token);
	return MIX_FIELDS_TO_END(hash, slot, proposed_us);
}

static uint64_t
mix_peer(uint64_t hash, const struct engine *e, const struct peer *peer)
{
	const struct view_change *change = &peer->view_change;
	uint32_t i;

	hash = MIX_FIELDS(hash, peer, view, view_change);
	hash = MIX_FIELDS(hash, change, view, raw);
	if (change->raw != NULL)
		hash = mix_bytes(hash, change->raw, change->len);
	for (i = 0; i < CHECKPOINT_VOTES_KEPT; i++) {
		const struct checkpoint_vote *vote = &peer->checkpoints[i];

		hash = mix(hash, vote->is_present);
		if (!vote->is_present)
			continue;
		hash = mix(mix(hash, vote->seq), vote->is_convicted);
		hash = mix_token(hash, e, vote->token);
		hash = mix_bytes(hash, vote->digest.data, DIGEST_BYTES);
	}
	return mix(hash, peer->pending_bytes);
}

static uint64_t
mix_pending(uint64_t hash, const struct engine *e)
{
	const struct pending *p;

	for (p = e->oldest; p != NULL; p = p->next) {
		hash = mix_bytes(hash, p->digest.data, DIGEST_BYTES);
		hash = mix(hash, p->source);
		hash = mix(hash, p == e->unproposed);
		hash = mix(hash, p == e->unforwarded);
		hash = MIX_FIELDS(hash, p, since_us, raw);
	}
	return hash;
}

static uint64_t
mix_executed(uint64_t hash, const struct engine *e)
{
	uint32_t i;

	for (i = 0; i < PENDING_EXECUTED; i++)
		if (e->executed[i].seq != 0)
			hash = mix_bytes(mix(hash, i), &e->executed[i],
			    sizeof(e->executed[i]));
	return hash;
}

static uint64_t
mix_votes(uint64_t hash, const struct engine *e)
{
	uint32_t i;

	for (i = 0; i < e->vote_count; i++) {
		hash = mix(mix(hash, e->votes[i].phase), e->votes[i].seq);
		hash = mix_bytes(hash, e->votes[i].digest.data, DIGEST_BYTES);
	}
	return hash;
}

/* Its own fields, between those that say where things are. */
static uint64_t
mix_engine(uint64_t hash, const struct engine *e)
{
	hash = MIX_FIELDS(hash, e, now_us, new_view);
	if (e->new_view != NULL)
		hash = mix_bytes(hash, e->new_view, e->new_view_len);
	hash = MIX_FIELDS(hash, e, chosen_to, stable_certificate);
	hash = mix_certificate(hash, e->stable_certificate);
	hash = mix_token(hash, e, e->stable_token);
	hash = mix(hash, e->told_stable);
	hash = mix_certificate(hash, e->target);
	hash = MIX_FIELDS(hash, e, proposed, oldest);
	hash = mix_pending(hash, e);
	hash = mix_executed(hash, e);
	hash = MIX_FIELDS(hash, e, pending_count, votes);
	hash = mix_votes(hash, e);
	hash = MIX_FIELDS(hash, e, vote_count, proofs);
	hash = MIX_FIELDS(hash, e, last_progress_us, view_token);
	hash = mix_token(hash, e, e->view_token);
	return MIX_FIELDS_TO_END(hash, e, caught_up);
}

uint64_t
insight_fingerprint(const struct engine *e)
{
	uint64_t hash = mix_engine(0, e);
	uint32_t i;

	for (i = 0; i < e->slot_count; i++)
		hash = mix_slot(hash, e, &e->slots[i]);
	for (i = 0; i < e->config.member_count; i++)
		hash = mix_peer(hash, e, &e->peers[i]);
	return e->raft == NULL ? hash
			       : mix_bytes(hash, e->raft, sizeof(*e->raft));
}

struct bytes
insight_scratch(const struct engine *e)
{
	return bytes_of(e->scratch, e->scratch_cap);
}
