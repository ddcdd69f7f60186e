/*
 * How far each of the first views gets, at each replica.
 *
 * RUNGS    begun      a NEW_VIEW arrives
 *          proposed   and proposals
 *          prepared   and PREPAREs
 *          decided    and COMMITs, or what they decided
 *
 * Whatever takes a replica above its rung in a view is lost, as often as it is
 * sent, until the storm is over.  So is the proposal of a sequence that it
 * misses.  The view changes of some nobody hears, and some new views come late.
 * So views end half way, otherwise at each, and what a quorum of view changes
 * says of them is all that the next has to go by.
 * Repair would mend within a progress interval what is lost but once.
 * The first views of each epoch are alike; who is new to it gets everything.
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

/* How the correct replicas of a view fare. */
enum fare {
	FARE_FREE, /* each as it comes */
	FARE_SOLE, /* one has what another proposed to it as prepared, the rest
		      has nothing */
	FARE_LONE, /* one has the proposals, the rest has nothing */
	FARES,
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

/*
 * Correct replicas that must get proposals besides the one that gets farthest,
 * for that to have a quorum's PREPAREs: the primary and liars give theirs.
 */
static uint32_t
count_others(const struct world *w, uint64_t view, uint32_t farthest)
{
	uint32_t n = w->profile.member_count;
	uint32_t primary = (uint32_t)(view % n), voters = 1, i;

	for (i = 0; i < n; i++)
		if (i != farthest &&
		    (i == primary || !w->replicas[i].is_honest))
			voters++;
	i = trust_quorum(FAULTS_BYZANTINE, n);
	return voters < i ? i - voters : 0;
}

/* Up to where one gets that is not the farthest, others being wanted still. */
static enum rung
rung_of_other(struct dice *d, enum fare fare, uint32_t *others)
{
	enum rung rung = draw_rung(d);

	if (fare == FARE_FREE)
		return rung;
	if (fare == FARE_SOLE && *others > 0) {
		(*others)--;
		return RUNG_PROPOSED;
	}
	return rung == RUNG_NONE ? RUNG_NONE : RUNG_BEGUN;
}

static enum rung
rung_of_farthest(struct dice *d, enum fare fare)
{
	return fare == FARE_FREE ? draw_rung(d)
	    : fare == FARE_SOLE  ? RUNG_PREPARED
				 : RUNG_PROPOSED;
}

static void
hold_up(struct world *w, uint64_t view, uint32_t i, enum rung rung)
{
	struct ladder *l = &w->ladder;
	struct dice *d = &w->fault_dice;
	bool is_late = dice_chance(d, 200);
	uint64_t missed = dice_chance(d, 150) ? dice_range(d, 1, 2) : 0;

	/* A liar misses nothing: it is to know what it lies about. */
	if (!w->replicas[i].is_honest)
		return;
	if (rung < RUNG_DECIDED && world_strikes(w, COUNT_HELD_UP))
		l->rung[view][i] = (uint8_t)rung;
	if (view > 0 && is_late && world_strikes(w, COUNT_BEGUN_LATE))
		l->late[view] |= 1U << i;
	if (missed > 0 && world_strikes(w, COUNT_MISSED))
		l->missed[view][i] = missed;
}

static void
draw_view(struct world *w, uint64_t view, uint32_t farthest)
{
	struct dice *d = &w->fault_dice;
	enum fare fare = (enum fare)dice_below(d, FARES);
	uint32_t n = w->profile.member_count, nth;
	uint32_t others = count_others(w, view, farthest);
	bool is_down = dice_chance(d, 500);

	memset(w->ladder.rung[view], RUNG_DECIDED,
	    sizeof(w->ladder.rung[view]));
	hold_up(w, view, farthest, rung_of_farthest(d, fare));
	for (nth = 1; nth < n; nth++) {
		uint32_t i = (farthest + (is_down ? n - nth : nth)) % n;
		bool counts = i != view % n && w->replicas[i].is_honest;
		uint32_t none = 0;

		hold_up(w, view, i,
		    rung_of_other(d, fare, counts ? &others : &none));
	}
}

/*
 * As many as a view can begin without: mostly who got farthest in the one
 * before, or its primary, who know what others do not.
 */
static void
draw_unheard(struct world *w, uint64_t view, uint32_t farthest)
{
	uint32_t n = w->profile.member_count, i;
	uint32_t first = (uint32_t)dice_below(&w->fault_dice, n);
	uint64_t lot = dice_below(&w->fault_dice, 100);

	if (lot < 45)
		first = farthest;
	else if (lot < 75)
		first = (uint32_t)((view - 1) % n);
	if (lot >= 85)
		return;
	for (i = 0; i < trust_faults(FAULTS_BYZANTINE, n); i++)
		if (world_strikes(w, COUNT_UNHEARD))
			w->ladder.unheard[view] |= 1U << (first + i) % n;
}

void
ladder_begin(struct world *w)
{
	uint32_t n = w->profile.member_count, farthest = 0, shy, stays;
	uint64_t view;

	memset(&w->ladder, 0, sizeof(w->ladder));
	w->ladder.views = w->profile.ladder_views;
	if (w->ladder.views == 0)
		return;
	/* In half of them it is mostly the same again. */
	shy = (uint32_t)dice_below(&w->fault_dice, n);
	stays = dice_chance(&w->fault_dice, 500) ? 900 : 0;
	for (view = 0; view < w->ladder.views; view++) {
		if (view > 0)
			draw_unheard(w, view, farthest);
		farthest = dice_chance(&w->fault_dice, stays)
		    ? shy
		    : (uint32_t)dice_below(&w->fault_dice, n);
		draw_view(w, view, farthest);
	}
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

static uint64_t
proposed_seq(struct bytes body)
{
	struct decoder d;

	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	(void)decoder_get_uint(&d);
	(void)decoder_get_uint(&d);
	return decoder_get_uint(&d);
}

bool
ladder_stops(const struct world *w, uint32_t to, struct bytes body)
{
	const struct ladder *l = &w->ladder;
	uint64_t view, first;
	enum rung rung;

	if (l->views == 0 || w->is_healed)
		return false;
	first = w->memberships[w->replicas[to].epoch].first_seq;
	if (message_type_of(body) == MESSAGE_VIEW_CHANGE)
		return is_unheard(l, body);
	rung = rung_of(body, &view);
	return view < l->views &&
	    (rung > l->rung[view][to] ||
		(l->missed[view][to] != 0 && rung == RUNG_PROPOSED &&
		    proposed_seq(body) == first + l->missed[view][to]));
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
