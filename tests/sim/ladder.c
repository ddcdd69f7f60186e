/*
 * How far each of the first views gets, at each replica.
 *
 * RUNGS    begun      a NEW_VIEW arrives
 *          proposed   and proposals
 *          prepared   and PREPAREs
 *          decided    and COMMITs, or what they decided
 *
 * Whatever takes a replica above its rung in a view is lost, as often as it is
 * sent, until the storm is over.  The view changes of some nobody hears, and
 * some new views come late.  So views end half way, otherwise at each, and what
 * a quorum of view changes says of them is all that the next has to go by.
 * Repair would mend within a progress interval what is lost but once.
 *
 * Reference: Winter et al., "Randomized Testing of Byzantine Fault Tolerant
 * Algorithms" (OOPSLA 2023): faults by the protocol's rounds, not by time.
 */
#include "sim/ladder.h"

#include "codec/message.h"

enum rung {
	RUNG_NONE, /* what every replica may have */
	RUNG_BEGUN,
	RUNG_PROPOSED,
	RUNG_PREPARED,
	RUNG_DECIDED,
};

/* Nothing at all, or up to where; in permille, the rest is decided. */
static enum rung
draw_rung(struct dice *d)
{
	uint64_t lot = dice_below(d, 1000);

	return lot < 120 ? RUNG_NONE
	    : lot < 220  ? RUNG_BEGUN
	    : lot < 520  ? RUNG_PROPOSED
	    : lot < 780  ? RUNG_PREPARED
			 : RUNG_DECIDED;
}

static void
draw_view(struct world *w, uint64_t view, uint32_t shy)
{
	struct ladder *l = &w->ladder;
	struct dice *d = &w->fault_dice;
	uint32_t i;

	for (i = 0; i < w->replica_count; i++) {
		enum rung rung = draw_rung(d);
		bool is_late = dice_chance(d, 100);

		l->rung[view][i] = RUNG_DECIDED;
		if (rung < RUNG_DECIDED && world_strikes(w, COUNT_HELD_UP))
			l->rung[view][i] = (uint8_t)rung;
		if (view > 0 && is_late && world_strikes(w, COUNT_BEGUN_LATE))
			l->late[view] |= 1U << i;
	}
	for (i = 0; i < w->profile.member_count && view > 0; i++) {
		bool is_unheard = dice_chance(d, 150) || i == shy;

		if (is_unheard && world_strikes(w, COUNT_UNHEARD))
			l->unheard[view] |= 1U << i;
	}
}

void
ladder_begin(struct world *w)
{
	uint32_t shy;
	uint64_t view;

	memset(&w->ladder, 0, sizeof(w->ladder));
	w->ladder.views = w->profile.ladder_views;
	if (w->ladder.views == 0)
		return;
	/* In half of them one member is heard in no view. */
	shy = (uint32_t)dice_below(&w->fault_dice,
	    2 * (uint64_t)w->profile.member_count);
	for (view = 0; view < w->ladder.views; view++)
		draw_view(w, view, shy);
}

static enum rung
rung_of_vote(uint64_t phase)
{
	return phase == VOTE_PREPARE ? RUNG_PREPARED
	    : phase == VOTE_COMMIT   ? RUNG_DECIDED
				     : RUNG_NONE;
}

static enum rung
rung_of_votes(struct decoder *d, uint64_t *view)
{
	enum rung rung, highest = RUNG_NONE;
	size_t i, count;

	*view = decoder_get_uint(d);
	count = decoder_get_array_max(d, VOTE_BUNDLE_MAX);
	for (i = 0; i < count && !decoder_failed(d); i++) {
		decoder_expect_array(d, 3);
		rung = rung_of_vote(decoder_get_uint(d));
		(void)decoder_get_uint(d);
		(void)decoder_get_raw(d);
		if (rung > highest)
			highest = rung;
	}
	return highest;
}

/* Sent again they may be of several views: that of the highest rung. */
static enum rung
rung_of_proofs(struct decoder *d, uint64_t *view)
{
	enum rung rung, highest = RUNG_NONE;
	size_t i, count = decoder_get_array_max(d, VOTE_BUNDLE_MAX);

	for (i = 0; i < count && !decoder_failed(d); i++) {
		struct vote_proof proof;

		decoder_expect_array(d, 4);
		rung = rung_of_vote(decoder_get_uint(d));
		(void)decoder_get_uint(d);
		(void)decoder_get_raw(d);
		vote_proof_decode(d, &proof);
		if (rung <= highest)
			continue;
		highest = rung;
		*view = proof.view;
	}
	return highest;
}

/* The rung that a message takes its receiver to, in which view. */
static enum rung
rung_of(struct bytes body, uint64_t *view)
{
	struct decoder d;

	*view = 0;
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	switch (decoder_get_uint(&d)) {
	case MESSAGE_PRE_PREPARE:
		*view = decoder_get_uint(&d);
		return RUNG_PROPOSED;
	case MESSAGE_VOTES:
		return rung_of_votes(&d, view);
	case MESSAGE_VOTE_PROOFS:
		return rung_of_proofs(&d, view);
	case MESSAGE_NEW_VIEW:
		*view = decoder_get_uint(&d);
		return RUNG_BEGUN;
	case MESSAGE_COMMITTED:
		decoder_expect_array(&d, 5);
		(void)decoder_get_uint(&d);
		*view = decoder_get_uint(&d);
		return RUNG_DECIDED;
	default:
		return RUNG_NONE;
	}
}

/* A view change that nobody hears, also when it is sent on. */
static bool
is_unheard(const struct ladder *l, struct bytes body)
{
	uint64_t member, view;
	struct decoder d;

	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	(void)decoder_get_uint(&d);
	member = decoder_get_uint_max(&d, PROFILE_MEMBERS_MAX - 1);
	view = decoder_get_uint(&d);
	return !decoder_failed(&d) && view < l->views &&
	    (l->unheard[view] >> member & 1) != 0;
}

bool
ladder_stops(const struct world *w, uint32_t to, struct bytes body)
{
	const struct ladder *l = &w->ladder;
	uint64_t view;
	enum rung rung;

	if (l->views == 0 || w->is_healed)
		return false;
	if (message_type_of(body) == MESSAGE_VIEW_CHANGE)
		return is_unheard(l, body);
	rung = rung_of(body, &view);
	return view < l->views && rung > l->rung[view][to];
}

uint64_t
ladder_late_us(const struct world *w, uint32_t to, struct bytes body)
{
	const struct ladder *l = &w->ladder;
	uint64_t view;

	if (l->views == 0 || w->is_healed ||
	    rung_of(body, &view) != RUNG_BEGUN || view >= l->views ||
	    (l->late[view] >> to & 1) == 0)
		return 0;
	return w->profile.view_timeout_us * 3 / 2;
}
