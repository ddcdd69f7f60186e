/*
 * Drawing a world.
 */
#include "sim/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/dice.h"
#include "trust/certificate.h"

#define MILLISECOND 1000U

/* View timeouts that a request may wait for when only a primary is at fault:
 * four until it counts as starved (view_change.c), and as many for the rest. */
#define ANSWER_TIMEOUTS 8

/* Streams of a seed's that nothing else is drawn from (world.c). */
#define EPOCHS_DICE 7
#define LIES_DICE 8

static bool
coin(struct dice *d)
{
	return dice_chance(d, 500);
}

static uint32_t
strength(struct dice *d, uint32_t low, uint32_t high)
{
	return coin(d) ? (uint32_t)dice_range(d, low, high) : 0;
}

static uint32_t
draw_member_count(struct dice *d)
{
	static const uint32_t counts[] = { 4, 4, 4, 4, 5, 5, 6, 7, 7, 7 };

	if (dice_chance(d, 5))
		return 10;
	return counts[dice_below(d, sizeof(counts) / sizeof(counts[0]))];
}

static void
draw_engine(struct profile *p, struct dice *d)
{
	static const uint32_t intervals[] = { 2, 3, 4, 8 };

	p->checkpoint_interval = intervals[dice_below(d, 4)];
	p->window = p->checkpoint_interval * (uint32_t)dice_range(d, 2, 3);
	if (p->window > PROFILE_WINDOW_MAX)
		p->window = PROFILE_WINDOW_MAX;
	p->pipeline_max = (uint32_t)dice_range(d, 1, p->window);
	p->view_timeout_us = dice_range(d, 60, 200) * MILLISECOND;
	p->progress_interval_us = dice_range(d, 40, 100) * MILLISECOND;
}

static void
draw_network(struct profile *p, struct dice *d)
{
	p->delay_floor_us = dice_range(d, 50, 2000);
	p->delay_mean_us = dice_range(d, 20, 3000);
	p->loss = strength(d, 5, coin(d) ? 50 : 300);
	p->duplicate = strength(d, 5, 150);
	p->replay = strength(d, 5, 50);
	p->is_ordered = coin(d);
	p->turn_us = dice_range(d, 0, 300);
	p->sync_mean_us = dice_range(d, 50, 3000);
	p->slow_sync = strength(d, 5, 100);
	p->drift = strength(d, 20, 200);
}

static void
draw_faults(struct profile *p, struct dice *d)
{
	p->has_clogs = coin(d);
	p->has_partitions = coin(d);
	p->has_silences = coin(d);
	p->has_crashes = coin(d);
	p->has_blackouts = dice_chance(d, 250);
	p->has_pauses = dice_chance(d, 300);
	p->has_wanted = dice_chance(d, 300);
	p->has_two_faced_requests = dice_chance(d, 200);
	p->fault_every_us = dice_range(d, 15, 150) * MILLISECOND;
	p->faults_left = p->is_focused ? (uint32_t)dice_range(d, 1, 4)
				       : (uint32_t)dice_range(d, 3, 20);
}

/* One to three strategies; a view's next primaries are likelier culprits. */
static void
draw_byzantine(struct profile *p, struct dice *d)
{
	uint32_t faults = trust_faults(FAULTS_BYZANTINE, p->member_count);
	uint32_t i, k;

	if (dice_chance(d, 250))
		return;
	for (i = 0; i < faults; i++) {
		uint32_t bound = coin(d) ? 2 : p->member_count;
		uint32_t member = (uint32_t)dice_below(d, bound);
		uint64_t kinds = dice_range(d, 1, 3);

		if (p->byzantine[member] != 0)
			continue;
		for (k = 0; k < kinds; k++)
			p->byzantine[member] |= 1U << dice_below(d, BYZ_KINDS);
		if (dice_chance(d, 850))
			p->byzantine[member] &= ~(uint32_t)BYZ_MUTE;
		if (p->byzantine[member] == 0)
			p->byzantine[member] = BYZ_TWIN;
	}
}

/*
 * One sleeps through more than a window, another leaves when it wakes.  Drawn
 * last, so that older seeds stay what they were.
 */
static void
draw_sleeper(struct profile *p, struct dice *d)
{
	uint32_t i, deserter;

	if (!dice_chance(d, 60))
		return;
	for (i = 0; i < p->member_count; i++)
		if (p->byzantine[i] != 0)
			return;
	p->sleeper = (uint32_t)dice_below(d, p->member_count);
	deserter = (uint32_t)dice_below(d, p->member_count - 1);
	if (deserter >= p->sleeper)
		deserter++;
	p->byzantine[deserter] = BYZ_DESERT;
	p->sleep_at = dice_range(d, 1, p->heal_at / 4);
	p->requests += 30;
	p->think_us = dice_range(d, 1, 5) * MILLISECOND;
}

/*
 * View changes race decisions: nobody's patience is much longer than the
 * wait for all PREPAREs.  In half of these worlds a member lies about its
 * pledges, one that is Byzantine already when there are enough.
 */
static void
draw_race(struct profile *p, struct dice *d)
{
	uint32_t liar, culprits = 0, known = 0, i;

	if (!dice_chance(d, 120) || p->sleep_at != 0)
		return;
	p->view_timeout_us = dice_range(d, 15, 50) * MILLISECOND;
	p->progress_interval_us = dice_range(d, 10, 40) * MILLISECOND;
	if (coin(d))
		return;
	for (i = 0; i < p->member_count; i++)
		if (p->byzantine[i] != 0) {
			culprits++;
			known |= 1U << i;
		}
	liar = culprits < trust_faults(FAULTS_BYZANTINE, p->member_count)
	    ? (uint32_t)dice_below(d, p->member_count)
	    : dice_member(d, known);
	p->byzantine[liar] |= BYZ_PLEDGES;
}

static uint32_t
culprits(const struct profile *p)
{
	uint32_t i, count = 0;

	for (i = 0; i < p->member_count; i++)
		if (p->byzantine[i] != 0)
			count++;
	return count;
}

/*
 * Disks lie: within the cluster's budget of faults, or so that only safety
 * is promised.  Who comes back older always counts against the budget.
 */
static void
draw_lies(struct profile *p, struct dice *d, uint32_t faults)
{
	uint32_t budget, older = 0, counted = 0, i;

	if (!dice_chance(d, 200) || p->sleep_at != 0 ||
	    p->broken_how != BROKEN_NOT)
		return;
	budget = faults > culprits(p) ? faults - culprits(p) : 0;
	p->is_safety_only = coin(d);
	p->lie_count = (uint32_t)dice_range(d, 1, PROFILE_LIES_MAX);
	for (i = 0; i < p->lie_count; i++) {
		struct lie *lie = &p->lies[i];
		uint32_t bit;

		lie->at = dice_range(d, 1, p->heal_at);
		lie->member = (uint32_t)dice_below(d, p->member_count);
		lie->kind = (enum lie_kind)dice_below(d, LIE_TAIL);
		bit = 1U << lie->member;
		if (p->byzantine[lie->member] != 0 ||
		    lie->kind == LIE_FAILING) {
			lie->kind = LIE_FAILING;
			continue;
		}
		/* An image of a log must not be written over. */
		if (lie->kind == LIE_SHORT && (older & bit) != 0)
			lie->kind = LIE_DAMAGED;
		if (lie->kind == LIE_OLDER && (counted & ~older & bit) != 0)
			lie->kind = LIE_EMPTIED;
		if ((counted & bit) != 0 ||
		    (lie->kind != LIE_OLDER && p->is_safety_only))
			continue;
		if (budget == 0) {
			lie->kind = LIE_FAILING;
			continue;
		}
		budget--;
		counted |= bit;
		if (lie->kind == LIE_OLDER)
			older |= bit;
	}
}

/*
 * What is drawn first, whatever the members do.  Who they are is drawn
 * between whether it is a focused schedule and the rest of it.
 */
static void
draw_work(struct profile *p, struct dice *d)
{
	p->client_count = (uint32_t)dice_range(d, 1, p->is_focused ? 3 : 5);
	p->requests = p->is_focused ? (uint32_t)dice_range(d, 4, 12)
				    : (uint32_t)dice_range(d, 12, 40);
	p->think_us = dice_range(d, 1, 20) * MILLISECOND;
	p->heal_at = p->is_focused ? dice_range(d, 100, 800) * MILLISECOND
				   : dice_range(d, 200, 2000) * MILLISECOND;
	draw_engine(p, d);
	draw_network(p, d);
	draw_faults(p, d);
}

/* What was the same in every world before there were kinds of profiles. */
static void
set_classic(struct profile *p)
{
	p->calm_us = 120000 * MILLISECOND;
	p->retry_us = 150 * MILLISECOND;
	p->look_us = 20 * MILLISECOND;
	p->twins = 1;
	p->operations_max = 1;
	p->strikes = STRIKES_CLASSIC;
	p->fault_first_us = p->fault_every_us;
	p->down_us = 150 * MILLISECOND;
}

/* What every seed was before there were kinds of profiles. */
static void
draw_classic(struct profile *p, struct dice *d)
{
	p->is_focused = dice_chance(d, 700);
	p->member_count = p->is_focused ? 4 : draw_member_count(d);
	draw_work(p, d);
	draw_byzantine(p, d);
	p->has_real_signatures = dice_chance(d, 10);
	draw_sleeper(p, d);
	draw_race(p, d);
	set_classic(p);
	draw_lies(p, d, trust_faults(FAULTS_BYZANTINE, p->member_count));
}

/* --- of members that only crash --- */

/* One sleeps through more than a window, where nobody deserts. */
static void
draw_crash_sleeper(struct profile *p, struct dice *d)
{
	if (!dice_chance(d, 60))
		return;
	p->sleeper = (uint32_t)dice_below(d, p->member_count);
	p->sleep_at = dice_range(d, 1, p->heal_at / 4);
	p->requests += 20;
	p->think_us = dice_range(d, 1, 5) * MILLISECOND;
}

/* Leaders come and go before they have done much. */
static void
draw_elections(struct profile *p, struct dice *d)
{
	if (!dice_chance(d, 250))
		return;
	p->member_count = 5;
	p->view_timeout_us = dice_range(d, 8, 40) * MILLISECOND;
	p->has_crashes = true;
	p->has_partitions = true;
	p->fault_every_us = dice_range(d, 5, 30) * MILLISECOND;
	p->faults_left = (uint32_t)dice_range(d, 10, 40);
}

/*
 * Leaders are cut off and others elected while clients, who soon ask somebody
 * else, read at both.
 */
static void
draw_depositions(struct profile *p, struct dice *d)
{
	if (!dice_chance(d, 120) || p->sleep_at != 0)
		return;
	p->has_depositions = true;
	p->loss = 0;
	p->client_count = 6;
	p->requests = (uint32_t)dice_range(d, 40, 100);
	p->think_us = dice_range(d, 1, 3) * MILLISECOND;
	p->retry_us = dice_range(d, 10, 30) * MILLISECOND;
	p->delay_mean_us = dice_range(d, 20, 500);
	p->delay_floor_us = dice_range(d, 50, 500);
	p->fault_every_us = p->view_timeout_us * dice_range(d, 1, 3);
	p->faults_left = (uint32_t)dice_range(d, 4, 12);
}

/*
 * Leaders crash with entries on some disks and not on others, sent one by one
 * (Ongaro 2014, figure 3.7).
 */
static void
draw_short_reigns(struct profile *p, struct dice *d)
{
	if (!dice_chance(d, 100) || p->sleep_at != 0 || p->has_depositions)
		return;
	p->has_short_reigns = true;
	p->loss = 0;
	p->member_count = 5;
	p->pipeline_max = 1;
	p->view_timeout_us = dice_range(d, 8, 40) * MILLISECOND;
	p->down_us = dice_range(d, 1, 40) * MILLISECOND;
}

/* Those of the first seeds never came back older. */
static void
draw_crash_lies(struct profile *p, struct dice *d)
{
	uint32_t i;

	draw_lies(p, d, trust_faults(FAULTS_CRASH, p->member_count));
	for (i = 0; i < p->lie_count; i++)
		if (p->lies[i].kind == LIE_OLDER)
			p->lies[i].kind = LIE_FAILING;
}

static void
draw_crash_classic(struct profile *p, struct dice *d)
{
	p->is_focused = dice_chance(d, 700);
	p->member_count = dice_chance(d, 700) ? 3 : 5;
	draw_work(p, d);
	p->has_real_signatures = dice_chance(d, 10);
	draw_elections(p, d);
	draw_crash_sleeper(p, d);
	set_classic(p);
	draw_depositions(p, d);
	draw_short_reigns(p, d);
	draw_crash_lies(p, d);
}

/* --- what came later --- */

/* One correct member that stays broken, when all can do without it. */
static void
draw_broken(struct profile *p, struct dice *d)
{
	uint32_t member = (uint32_t)dice_below(d, p->member_count);

	if (!dice_chance(d, 300) || p->byzantine[member] != 0 ||
	    p->sleep_at != 0 ||
	    culprits(p) >= trust_faults(FAULTS_BYZANTINE, p->member_count))
		return;
	p->broken = member;
	p->broken_how = (enum broken)dice_range(d, 1, BROKEN_KINDS - 1);
}

static void
draw_attacks(struct profile *p, struct dice *d)
{
	static const uint32_t attacks[] = { BYZ_FUZZ, BYZ_FUZZ, BYZ_FUZZ,
		BYZ_EQUIVOCATE, BYZ_EQUIVOCATE, BYZ_BOGUS, BYZ_SPAM, BYZ_FORGE,
		BYZ_CENSOR, BYZ_SLOW, BYZ_PLEDGES };
	uint32_t i;

	for (i = 0; i < PROFILE_MEMBERS_MAX; i++)
		if (p->byzantine[i] != 0 && coin(d))
			p->byzantine[i] |= attacks[dice_below(d,
			    sizeof(attacks) / sizeof(attacks[0]))];
}

static void
draw_more(struct profile *p, struct dice *d)
{
	p->capacity = strength(d, 50, 1000);
	p->has_shapes = coin(d);
	p->strikes = STRIKES_ALL;
	p->has_flapping = dice_chance(d, 300);
	p->has_clock_jumps = dice_chance(d, 300);
	p->has_client_tricks = dice_chance(d, 300);
	p->has_slow_disk = dice_chance(d, 200);
	p->slow_disk = (uint32_t)dice_below(d, p->member_count);
	p->operations_max = (uint32_t)dice_range(d, 1, 4);
	p->twins = (uint32_t)dice_range(d, 1, 2);
	draw_attacks(p, d);
	draw_broken(p, d);
	p->calm_us = 600 * p->view_timeout_us + 5000 * MILLISECOND;
}

static void
draw_full(struct profile *p, struct dice *d)
{
	draw_classic(p, d);
	p->is_focused = false;
	p->member_count = draw_member_count(d);
	memset(p->byzantine, 0, sizeof(p->byzantine));
	p->lie_count = 0;
	p->is_safety_only = false;
	p->sleep_at = 0;
	p->client_count = (uint32_t)dice_range(d, 3, 6);
	p->requests = 200;
	p->think_us = dice_range(d, 1, 10) * MILLISECOND;
	p->heal_at = dice_range(d, 300, 2000) * MILLISECOND;
	p->faults_left = (uint32_t)dice_range(d, 3, 30);
	draw_byzantine(p, d);
	draw_sleeper(p, d);
	p->requests = 200;
	draw_more(p, d);
	draw_lies(p, d, trust_faults(FAULTS_BYZANTINE, p->member_count));
	p->operations_max = 8;
}

/* Transactions over several keys: enough of them to get in each other's way. */
static void
draw_transactions(struct profile *p, struct dice *d)
{
	p->has_transactions = true;
	p->client_count = (uint32_t)dice_range(d, 3, 6);
	p->requests = (uint32_t)dice_range(d, 40, 120);
	p->operations_max = (uint32_t)dice_range(d, 1, 4);
	p->think_us = dice_range(d, 1, 5) * MILLISECOND;
}

/* Mostly one culprit, mostly one of the first primaries. */
static void
draw_small_culprit(struct profile *p, struct dice *d)
{
	uint32_t member =
	    (uint32_t)dice_below(d, coin(d) ? 2 : p->member_count);
	uint64_t lot = dice_below(d, 100);

	if (lot < 25)
		return;
	if (p->sleep_at != 0)
		member = (p->sleeper + 1 + member % (p->member_count - 1)) %
		    p->member_count;
	if (p->sleep_at != 0 && lot < 60)
		p->byzantine[member] = BYZ_DESERT;
	else if (lot < 60)
		p->byzantine[member] = BYZ_TWIN;
	else if (lot < 80)
		p->byzantine[member] = BYZ_FUZZ;
	else
		p->byzantine[member] = 1U << dice_below(d, BYZ_KINDS);
	if (dice_chance(d, 300))
		p->byzantine[member] |= BYZ_PLEDGES;
}

/* Views that end half way, one after another; most of it then is theirs. */
static void
draw_ladder(struct profile *p, struct dice *d, uint64_t views)
{
	static const uint32_t lies[] = { BYZ_PLEDGES, BYZ_PLEDGES, BYZ_PLEDGES,
		BYZ_PLEDGES, BYZ_DESERT, BYZ_EQUIVOCATE, BYZ_FORGE,
		BYZ_NEW_VIEW };
	uint32_t i;

	p->ladder_views = views;
	p->rounds_left = 0;
	/* With rounds, the faces of a twin talk with all. */
	if (dice_chance(d, 300))
		p->round_us = 0;
	p->faults_left = (uint32_t)dice_below(d, 3);
	p->delay_mean_us = 1;
	p->delay_floor_us = 1000;
	p->view_timeout_us = dice_range(d, 12, 20) * MILLISECOND;
	if (views > 2)
		p->progress_interval_us = dice_range(d, 8, 14) * MILLISECOND;
	/* Patience doubles from view to view. */
	p->heal_at = (p->view_timeout_us + 4 * MILLISECOND)
	    << dice_range(d, 1, p->ladder_views);
	if (p->sleep_at != 0)
		p->heal_at *= 2;
	for (i = 0; i < p->member_count; i++)
		if (p->byzantine[i] != 0 && dice_chance(d, 800))
			p->byzantine[i] |=
			    lies[dice_below(d, sizeof(lies) / sizeof(lies[0]))];
	/* Who lies must be heard: it is by saying what it likes. */
	for (i = 0; i < p->member_count && dice_chance(d, 800); i++)
		if ((p->byzantine[i] & BYZ_PLEDGES) != 0)
			p->byzantine[i] &= BYZ_PLEDGES | BYZ_TWIN;
}

/* Nothing but the ladder, and one who lies about what it voted for. */
static void
draw_liar(struct profile *p, struct dice *d)
{
	p->member_count = 4;
	p->requests = (uint32_t)dice_range(d, 1, 4);
	p->loss = 0;
	p->duplicate = 0;
	p->replay = 0;
	p->faults_left = 0;
	p->round_us = 0;
	p->is_ordered = true;
	p->drift = 0;
	p->sync_mean_us = dice_range(d, 20, 100);
	p->slow_sync = 0;
	p->retry_us = 4 * p->view_timeout_us;
	p->ladder_views = dice_range(d, 3, PROFILE_LADDER_MAX - 1);
	p->heal_at = (p->view_timeout_us + 4 * MILLISECOND)
	    << (p->ladder_views - 1);
	memset(p->byzantine, 0, sizeof(p->byzantine));
	p->byzantine[dice_below(d, p->member_count)] = BYZ_PLEDGES;
}

/*
 * One sleeps through more than a window, and wakes when it is needed.  There
 * is more to do, in less time, by few at a time.
 */
static void
draw_far(struct profile *p, struct dice *d)
{
	p->checkpoint_interval = (uint32_t)dice_range(d, 1, 2);
	p->window = p->checkpoint_interval * (uint32_t)dice_range(d, 2, 3);
	p->pipeline_max = (uint32_t)dice_range(d, 1, p->window);
	p->requests = (uint32_t)dice_range(d, 8, 24);
	p->think_us = dice_range(d, 100, 1000);
	p->heal_at = dice_range(d, 30, 100) * MILLISECOND;
	p->rounds_left = 0;
	p->round_us = 0;
	p->sleeper = (uint32_t)dice_below(d, p->member_count);
	p->sleep_at = dice_range(d, 1, 5) * MILLISECOND;
	if (coin(d))
		p->wake_at = dice_range(d, p->heal_at / 4, p->heal_at);
	p->faults_left = (uint32_t)dice_below(d, 3);
}

/*
 * A primary that does not serve is all there is, and clients ask one member
 * until it answers: then they must not wait for long.  Patience is longer than
 * one wait for everybody's PREPAREs (vote.c), or a member would leave alone.
 */
static void
draw_patient(struct profile *p, struct dice *d)
{
	*p = (struct profile){
		.is_focused = true,
		.member_count = (uint32_t)dice_range(d, 4, 7),
		.client_count = (uint32_t)dice_range(d, 1, 3),
		.requests = (uint32_t)dice_range(d, 1, 6),
		.operations_max = 1,
		.think_us = dice_range(d, 1, 5) * MILLISECOND,
		.checkpoint_interval = (uint32_t)dice_range(d, 1, 3),
		.delay_floor_us = 1000,
		.delay_mean_us = dice_range(d, 1, 500),
		.turn_us = dice_range(d, 0, 100),
		.sync_mean_us = dice_range(d, 20, 500),
		.view_timeout_us = dice_range(d, 60, 100) * MILLISECOND,
		.progress_interval_us = dice_range(d, 8, 20) * MILLISECOND,
		.heal_at = MILLISECOND,
		.look_us = 2 * MILLISECOND,
		.strikes = STRIKES_ALL,
	};
	p->window = 3 * p->checkpoint_interval;
	p->pipeline_max = p->window;
	p->byzantine[0] = coin(d) ? BYZ_CENSOR : BYZ_MUTE;
	p->answer_us = ANSWER_TIMEOUTS * p->view_timeout_us;
	p->has_loyal_clients = true;
	p->calm_us = 600 * p->view_timeout_us + 5000 * MILLISECOND;
	p->retry_us = p->calm_us;
}

static void
draw_small_faults(struct profile *p, struct dice *d)
{
	p->loss = dice_chance(d, 300) ? (uint32_t)dice_range(d, 5, 100) : 0;
	p->duplicate = dice_chance(d, 200) ? 50 : 0;
	p->replay = dice_chance(d, 200) ? 30 : 0;
	p->has_clogs = coin(d);
	p->has_silences = coin(d);
	p->has_crashes = coin(d);
	p->has_blackouts = dice_chance(d, 300);
	p->has_pauses = dice_chance(d, 200);
	p->has_wanted = dice_chance(d, 200);
	p->has_writing_crashes = coin(d);
	p->faults_left = (uint32_t)dice_range(d, 0, 4);
	p->fault_every_us = dice_range(d, 5, 30) * MILLISECOND;
	p->fault_first_us = dice_below(d, p->fault_every_us);
	p->round_us = dice_range(d, 2, 20) * MILLISECOND;
	p->rounds_left =
	    dice_chance(d, 800) ? (uint32_t)dice_range(d, 2, 12) : 0;
}

/* Messages take as long as one another, so that rounds are rounds. */
static void
draw_small_times(struct profile *p, struct dice *d)
{
	p->delay_floor_us = 1000;
	p->delay_mean_us = dice_chance(d, 700) ? 1 : 1000;
	p->is_ordered = coin(d);
	p->turn_us = dice_range(d, 0, 100);
	p->sync_mean_us = dice_range(d, 20, 500);
	if (dice_chance(d, 200))
		p->sync_mean_us = dice_range(d, 1, 10) * MILLISECOND;
	p->slow_sync = dice_chance(d, 200) ? 100 : 0;
	p->drift = dice_chance(d, 200) ? 200 : 0;
	p->view_timeout_us = dice_range(d, 12, 40) * MILLISECOND;
	p->progress_interval_us = dice_range(d, 8, 30) * MILLISECOND;
	/* In half of them a round is about a view. */
	if (coin(d))
		p->round_us = p->view_timeout_us * dice_range(d, 2, 6) / 4;
	/* Patience too short for such links has to grow. */
	if (dice_chance(d, 100))
		p->delay_floor_us = p->view_timeout_us * 3 / 4;
	p->heal_at =
	    p->rounds_left * p->round_us + dice_range(d, 10, 40) * MILLISECOND;
	p->calm_us = 600 * p->view_timeout_us + 5000 * MILLISECOND;
	p->retry_us = dice_range(d, 10, 30) * MILLISECOND;
	p->look_us = 2 * MILLISECOND;
	p->down_us = dice_range(d, 1, coin(d) ? 5 : 40) * MILLISECOND;
}

/* A request or three and a view change or two: there can be many of these. */
static void
draw_tiny(struct profile *p, struct dice *d)
{
	p->member_count = 4;
	p->client_count = dice_chance(d, 700) ? 1 : 2;
	p->requests = (uint32_t)dice_range(d, 1, 3);
	p->think_us = MILLISECOND;
	p->faults_left = (uint32_t)dice_below(d, 3);
	p->rounds_left = (uint32_t)dice_range(d, 0, 3);
	p->view_timeout_us = dice_range(d, 12, 20) * MILLISECOND;
	p->progress_interval_us = dice_range(d, 20, 40) * MILLISECOND;
	p->retry_us = dice_range(d, 15, 30) * MILLISECOND;
	p->heal_at =
	    p->rounds_left * p->round_us + dice_range(d, 5, 20) * MILLISECOND;
}

/* What focused and deep schedules have in common. */
static void
draw_small(struct profile *p, struct dice *d)
{
	static const uint32_t counts[] = { 4, 4, 4, 4, 4, 4, 4, 4, 5, 7 };

	p->is_focused = true;
	p->member_count = counts[dice_below(d, 10)];
	p->client_count = (uint32_t)dice_range(d, 1, 2);
	p->requests = (uint32_t)dice_range(d, 1, 6);
	p->think_us = dice_range(d, 1, 5) * MILLISECOND;
	p->checkpoint_interval = (uint32_t)dice_range(d, 1, 3);
	p->window = p->checkpoint_interval * (uint32_t)dice_range(d, 2, 3);
	p->pipeline_max = (uint32_t)dice_range(d, 1, p->window);
	draw_small_faults(p, d);
	draw_small_times(p, d);
}

static void
draw_focused(struct profile *p, struct dice *d)
{
	if (dice_chance(d, 40)) {
		draw_patient(p, d);
		return;
	}
	draw_small(p, d);
	draw_tiny(p, d);
	draw_small_culprit(p, d);
	if (coin(d))
		draw_ladder(p, d, 2);
	draw_more(p, d);
	p->capacity = 0;
}

/*
 * No word of checkpoints: time enough to fill a window, and more to do than
 * fits into it.
 */
static void
draw_hush(struct profile *p, struct dice *d)
{
	if (!dice_chance(d, 40) || p->sleep_at != 0 || p->ladder_views != 0 ||
	    p->lie_count != 0)
		return;
	p->has_hush = true;
	p->requests = p->window + (uint32_t)dice_range(d, 4, 12);
	p->client_count = 2;
	p->rounds_left = 0;
	p->faults_left = (uint32_t)dice_below(d, 2);
	p->delay_mean_us = 500;
	p->delay_floor_us = 500;
	p->operations_max = 1;
	p->has_slow_disk = false;
	p->heal_at = p->requests * 15 * MILLISECOND;
}

static void
draw_deep(struct profile *p, struct dice *d)
{
	uint64_t lot = dice_below(d, 100);

	draw_small(p, d);
	if (lot < 20)
		draw_far(p, d);
	draw_small_culprit(p, d);
	if (lot >= 13 && lot < 70)
		draw_ladder(p, d, dice_range(d, 2, PROFILE_LADDER_MAX - 1));
	if (lot >= 20 && lot < 45)
		draw_liar(p, d);
	draw_more(p, d);
	p->capacity = 0;
	/* There is too much to do for a disk that takes twenty times as long. */
	p->has_slow_disk = p->has_slow_disk && p->sleep_at == 0;
	if (lot >= 70)
		draw_lies(p, d,
		    trust_faults(FAULTS_BYZANTINE, p->member_count));
	if (lot >= 70)
		draw_hush(p, d);
}

/* Nothing but the first primaries, and how long things take: see pace.c. */
static void
draw_slow(struct profile *p, struct dice *d)
{
	uint32_t i;

	p->member_count = coin(d) ? 4 : 7;
	p->client_count = (uint32_t)dice_range(d, 4, 6);
	p->requests = 240;
	p->think_us = MILLISECOND;
	p->heal_at = MILLISECOND;
	p->retry_us = 30 * MILLISECOND;
	p->look_us = 5 * MILLISECOND;
	p->calm_us = 20000 * MILLISECOND;
	p->checkpoint_interval = 8;
	p->window = 16;
	p->pipeline_max = (uint32_t)dice_range(d, 1, 8);
	p->view_timeout_us = dice_range(d, 40, 50) * MILLISECOND;
	p->progress_interval_us = p->view_timeout_us / 2;
	p->delay_floor_us = dice_range(d, 1500, 3000);
	p->delay_mean_us = 500;
	p->turn_us = 100;
	p->sync_mean_us = 300;
	p->is_ordered = true;
	p->operations_max = 1;
	p->twins = 1;
	p->slow_after = p->requests / 2;
	for (i = 0; i < trust_faults(FAULTS_BYZANTINE, p->member_count); i++)
		p->byzantine[i] = BYZ_SLOW;
}

/* Among the correct members some are fooled and some are not, if there are
 * two. */
static void
draw_fooled(struct profile *p, struct dice *d)
{
	uint32_t i, honest = 0, first, last;

	for (i = 0; i < p->member_count; i++)
		if (p->byzantine[i] == 0)
			honest |= 1U << i;
	first = (uint32_t)__builtin_ctz(honest);
	last = 31 - (uint32_t)__builtin_clz(honest);
	p->fooled = (uint32_t)dice_next(d) & honest & ~(1U << last);
	p->fooled |= 1U << first;
}

/*
 * Culprits of one mind: more than are tolerated, and never all.  Twins stand
 * on both sides of what parts the others; equivocators fool the same members.
 */
static void
draw_conspiracy(struct profile *p, struct dice *d)
{
	static const uint32_t ways[] = { BYZ_TWIN, BYZ_TWIN, BYZ_TWIN,
		BYZ_EQUIVOCATE, BYZ_EQUIVOCATE, BYZ_FORGE, BYZ_FORGE_DIGEST };
	static const uint32_t more[] = { BYZ_TWIN, BYZ_EQUIVOCATE, BYZ_FORGE,
		BYZ_FORGE_DIGEST, BYZ_PLEDGES, BYZ_NEW_VIEW, BYZ_REPLAY,
		BYZ_LIAR };
	uint32_t faults = trust_faults(FAULTS_BYZANTINE, p->member_count);
	uint32_t count =
	    (uint32_t)dice_range(d, faults + 1, p->member_count - 1);
	uint32_t way = ways[dice_below(d, sizeof(ways) / sizeof(ways[0]))];
	uint32_t first = coin(d) ? 0 : (uint32_t)dice_below(d, p->member_count);
	uint32_t i;

	memset(p->byzantine, 0, sizeof(p->byzantine));
	for (i = 0; i < count; i++) {
		uint32_t *kinds = &p->byzantine[(first + i) % p->member_count];

		*kinds = way;
		if (dice_chance(d, 300))
			*kinds |=
			    more[dice_below(d, sizeof(more) / sizeof(more[0]))];
	}
	draw_fooled(p, d);
	p->is_split = (way & BYZ_TWIN) != 0 && dice_chance(d, 700);
}

/* Nothing is promised, so there is no use in a long calm. */
static void
draw_beyond(struct profile *p, struct dice *d)
{
	draw_small(p, d);
	if (coin(d))
		draw_tiny(p, d);
	p->requests = (uint32_t)dice_range(d, 2, 12);
	draw_conspiracy(p, d);
	if (dice_chance(d, 300))
		draw_ladder(p, d, 2);
	draw_more(p, d);
	p->capacity = 0;
	p->has_slow_disk = false;
	if (p->is_split) {
		p->rounds_left = 0;
		p->faults_left = (uint32_t)dice_below(d, 2);
		p->heal_at += dice_range(d, 0, 4) * p->view_timeout_us;
	}
	p->is_beyond_faults = true;
	p->calm_us = 8 * p->view_timeout_us;
}

/*
 * Nothing but a primary that does not serve one client, and the others ask for
 * so much that several windows pass while it is left: see fair.c.
 */
static void
draw_unfair(struct profile *p, struct dice *d)
{
	p->member_count = coin(d) ? 4 : 7;
	p->client_count = (uint32_t)dice_range(d, 4, 5);
	p->requests = 500;
	p->has_loyal_clients = true;
	p->think_us = 200;
	p->heal_at = MILLISECOND;
	p->retry_us = 30 * MILLISECOND;
	p->look_us = 5 * MILLISECOND;
	p->calm_us = 20000 * MILLISECOND;
	p->checkpoint_interval = (uint32_t)dice_range(d, 2, 3);
	p->window = 2 * p->checkpoint_interval;
	p->pipeline_max = (uint32_t)dice_range(d, 2, p->window);
	p->view_timeout_us = dice_range(d, 12, 16) * MILLISECOND;
	p->progress_interval_us = p->view_timeout_us / 2;
	p->delay_floor_us = dice_range(d, 300, 500);
	p->delay_mean_us = 100;
	p->turn_us = 50;
	p->sync_mean_us = 100;
	p->is_ordered = true;
	p->operations_max = 1;
	p->twins = 1;
	p->byzantine[0] = coin(d) ? BYZ_CENSOR : BYZ_LAST;
}

/* Who lies: as many as each roster tolerates, and perhaps some who come later
 * or never. */
static void
draw_epochs_culprits(struct profile *p, struct dice *d)
{
	uint32_t faults = trust_faults(FAULTS_BYZANTINE, p->member_count), i;

	for (i = 0; i < faults; i++)
		if (dice_chance(d, 700))
			p->byzantine[dice_below(d, p->member_count)] = 1U
			    << dice_below(d, BYZ_KINDS);
	for (i = p->member_count; i < p->node_count; i++)
		if (dice_chance(d, 150))
			p->byzantine[i] = 1U << dice_below(d, BYZ_KINDS);
	for (i = 0; i < p->node_count; i++) {
		if (p->byzantine[i] == 0)
			continue;
		if (dice_chance(d, 400))
			p->byzantine[i] |= BYZ_REPLAY;
		if (dice_chance(d, 150))
			p->byzantine[i] |= BYZ_PLEDGES;
		if (dice_chance(d, 150))
			p->byzantine[i] |= BYZ_DESERT;
	}
	draw_attacks(p, d);
}

/* One sleeps until the storm is over, or a part of it. */
static void
draw_epochs_sleeper(struct profile *p, struct dice *d)
{
	if (!dice_chance(d, 300))
		return;
	p->sleeper = (uint32_t)dice_below(d, p->member_count);
	p->sleep_at = dice_range(d, 1, p->heal_at / 2);
	if (coin(d))
		p->wake_at = dice_range(d, p->sleep_at + 1, p->heal_at);
}

/* What there is to do, who asks for it, and what goes wrong meanwhile. */
static void
draw_changes(struct profile *p, struct dice *d)
{
	p->client_count = (uint32_t)dice_range(d, 1, 3);
	p->requests = (uint32_t)dice_range(d, 6, 30);
	p->operations_max = (uint32_t)dice_range(d, 1, 3);
	p->changes = (uint32_t)dice_range(d, 1, 5);
	p->change_us = dice_range(d, 5, 40) * MILLISECOND;
	p->stale = coin(d) ? (uint32_t)dice_range(d, 50, 500) : 0;
	p->think_us = dice_range(d, 1, 10) * MILLISECOND;
	p->faults_left = (uint32_t)dice_range(d, 0, 8);
	p->rounds_left = coin(d) ? (uint32_t)dice_range(d, 2, 12) : 0;
	p->heal_at = dice_range(d, 50, 400) * MILLISECOND;
	p->strikes = STRIKES_ALL;
	p->has_partitions = coin(d);
	p->has_flapping = dice_chance(d, 300);
	p->has_clock_jumps = dice_chance(d, 300);
	p->has_client_tricks = dice_chance(d, 300);
	p->has_two_faced_requests = dice_chance(d, 200);
	p->twins = 1;
	p->has_real_signatures = dice_chance(d, 10);
}

static void
draw_epochs(struct profile *p, struct dice *d)
{
	static const uint32_t counts[] = { 4, 4, 4, 4, 4, 5, 5, 6, 7 };

	draw_small(p, d);
	p->member_count = counts[dice_below(d, 9)];
	p->has_observers = coin(d);
	p->observers = p->has_observers ? (uint32_t)dice_below(d, 3) : 0;
	p->node_count =
	    p->member_count + p->observers + (uint32_t)dice_range(d, 1, 3);
	if (p->node_count > PROFILE_MEMBERS_MAX)
		p->node_count = PROFILE_MEMBERS_MAX;
	draw_changes(p, d);
	draw_epochs_culprits(p, d);
	draw_epochs_sleeper(p, d);
}

/* Nothing is the matter but a disk that comes back as it was, perhaps in an
 * epoch that is over. */
static void
draw_older(struct profile *p, struct dice *d)
{
	if (!dice_chance(d, 400) || culprits(p) != 0 || p->sleep_at != 0 ||
	    p->broken_how != BROKEN_NOT)
		return;
	p->lie_count = 1;
	p->lies[0] = (struct lie){
		.at = dice_range(d, p->heal_at / 2, p->heal_at),
		.member = (uint32_t)dice_below(d, p->member_count),
		.kind = LIE_OLDER,
	};
}

/*
 * What came after the first seeds of epochs, from dice of its own: in most of
 * them nothing.  Patience doubles from view to view, and a storm that is one
 * of views has room for more than one change of members.
 */
static void
draw_epochs_more(struct profile *p, uint64_t seed)
{
	uint32_t faults = trust_faults(FAULTS_BYZANTINE, p->member_count);
	struct dice d;

	dice_init(&d, seed, EPOCHS_DICE);
	p->has_end_blackouts = dice_chance(&d, 60);
	p->has_end_splits = dice_chance(&d, 60);
	draw_broken(p, &d);
	draw_lies(p, &d, faults);
	draw_older(p, &d);
	if (!dice_chance(&d, 150))
		return;
	draw_ladder(p, &d, dice_range(&d, 2, PROFILE_LADDER_MAX - 1));
	p->change_us = dice_range(&d, 2, 10) * MILLISECOND;
	p->think_us = dice_range(&d, 1, 3) * MILLISECOND;
	if (p->sleep_at > p->heal_at / 2)
		p->sleep_at = p->heal_at / 2;
	if (p->wake_at > p->heal_at)
		p->wake_at = p->heal_at;
}

/*
 * What came later stands in the place of what costs as much: the last sync
 * that is lost for a disk that is older, one that is full for one that fails.
 */
static void
draw_later_lies(struct profile *p, uint64_t seed)
{
	struct dice d;
	uint32_t i;
	bool is_tail, is_full;

	dice_init(&d, seed, LIES_DICE);
	is_tail = coin(&d);
	is_full = coin(&d);
	for (i = 0; i < p->lie_count; i++) {
		if (p->lies[i].kind == LIE_OLDER && is_tail)
			p->lies[i].kind = LIE_TAIL;
		if (p->lies[i].kind == LIE_FAILING && is_full)
			p->lies[i].kind = LIE_FULL;
	}
}

/*
 * Disks of f members at most come back older, or without their last sync.  The
 * others answer whoever starts again before its patience is over, since what
 * they were told in vain is theirs alone to know (memory.c, rule 10).
 */
static void
draw_crash_older(struct profile *p, uint64_t seed)
{
	const enum lie_kind kinds[] = { LIE_OLDER, LIE_OLDER, LIE_OLDER,
		LIE_TAIL, LIE_TAIL, LIE_FAILING, LIE_FULL };
	uint32_t faults = trust_faults(FAULTS_CRASH, p->member_count), i;
	uint32_t first;
	struct dice d;

	dice_init(&d, seed, LIES_DICE);
	first = (uint32_t)dice_below(&d, p->member_count);
	p->sleep_at = 0;
	p->loss = 0;
	p->has_clogs = false;
	p->has_silences = false;
	p->has_pauses = false;
	p->is_safety_only = false;
	if (p->delay_mean_us > 500)
		p->delay_mean_us = 500;
	if (p->view_timeout_us < 8 * p->delay_floor_us + 16 * MILLISECOND)
		p->view_timeout_us = 8 * p->delay_floor_us + 16 * MILLISECOND;
	p->requests += (uint32_t)dice_below(&d, 40);
	p->lie_count = (uint32_t)dice_range(&d, 1, PROFILE_LIES_MAX);
	for (i = 0; i < p->lie_count; i++)
		p->lies[i] = (struct lie){
			.at = dice_range(&d, p->heal_at / 8, p->heal_at),
			.member = (first + (uint32_t)dice_below(&d, faults)) %
			    p->member_count,
			.kind = kinds[dice_below(&d,
			    sizeof(kinds) / sizeof(kinds[0]))],
		};
	/* Now and then all of them at once. */
	for (i = 1; dice_chance(&d, 300) && i < p->lie_count; i++)
		p->lies[i].at = p->lies[0].at;
}

/* One that stays broken, perhaps one of few that have an epoch's state. */
static void
draw_crash_broken(struct profile *p, uint64_t seed)
{
	struct dice d;

	dice_init(&d, seed, EPOCHS_DICE);
	if (!dice_chance(&d, 300) || p->sleep_at != 0)
		return;
	p->broken = (uint32_t)dice_below(&d, p->member_count);
	p->broken_how = (enum broken)dice_range(&d, 1, BROKEN_KINDS - 1);
}

/* Of members that only crash none observes. */
static void
draw_crash_epochs(struct profile *p, struct dice *d)
{
	static const uint32_t counts[] = { 3, 3, 3, 3, 4, 5, 5 };

	draw_small(p, d);
	p->member_count = counts[dice_below(d, 7)];
	p->node_count = p->member_count + (uint32_t)dice_range(d, 1, 3);
	draw_changes(p, d);
	/* Nobody's patience grows: it is longer than links and disks take. */
	p->delay_floor_us = MILLISECOND;
	if (p->view_timeout_us < 8 * p->sync_mean_us)
		p->view_timeout_us = 8 * p->sync_mean_us;
	p->has_short_reigns = dice_chance(d, 200);
	p->has_end_blackouts = dice_chance(d, 300);
	p->has_end_splits = dice_chance(d, 300);
	if (dice_chance(d, 300)) {
		p->has_depositions = true;
		p->requests = (uint32_t)dice_range(d, 30, 80);
		p->think_us = dice_range(d, 1, 3) * MILLISECOND;
	}
	draw_epochs_sleeper(p, d);
}

void
profile_draw_crash(struct profile *p, enum profile_kind kind, uint64_t seed)
{
	struct dice d;

	memset(p, 0, sizeof(*p));
	dice_init(&d, seed, 0);
	if (kind == PROFILE_EPOCHS ||
	    (kind == PROFILE_SWARM && seed % 4 == 3)) {
		draw_crash_epochs(p, &d);
		draw_crash_broken(p, seed);
		return;
	}
	draw_crash_classic(p, &d);
	if (kind == PROFILE_DEEP || (kind == PROFILE_SWARM && seed % 8 == 1))
		draw_crash_older(p, seed);
	else if (kind != PROFILE_CLASSIC)
		draw_later_lies(p, seed);
	if (kind == PROFILE_TXN || (kind == PROFILE_SWARM && seed % 64 == 14))
		draw_transactions(p, &d);
}

void
profile_draw(struct profile *p, enum profile_kind kind, uint64_t seed)
{
	struct dice d;

	memset(p, 0, sizeof(*p));
	if (kind == PROFILE_SWARM)
		kind = seed % 64 == 0 ? PROFILE_FULL
		    : seed % 64 == 32 ? PROFILE_SLOW
		    : seed % 64 == 48 ? PROFILE_UNFAIR
		    : seed % 64 == 16 ? PROFILE_TXN
		    : seed % 16 == 1  ? PROFILE_CLASSIC
		    : seed % 8 == 5   ? PROFILE_EPOCHS
		    : seed % 2 == 0   ? PROFILE_DEEP
				      : PROFILE_FOCUSED;
	dice_init(&d, seed, 0);
	if (kind == PROFILE_CLASSIC)
		draw_classic(p, &d);
	else if (kind == PROFILE_FULL)
		draw_full(p, &d);
	else if (kind == PROFILE_TXN) {
		draw_full(p, &d);
		draw_transactions(p, &d);
	} else if (kind == PROFILE_SLOW)
		draw_slow(p, &d);
	else if (kind == PROFILE_UNFAIR)
		draw_unfair(p, &d);
	else if (kind == PROFILE_DEEP)
		draw_deep(p, &d);
	else if (kind == PROFILE_EPOCHS) {
		draw_epochs(p, &d);
		draw_epochs_more(p, seed);
	} else if (kind == PROFILE_BEYOND)
		draw_beyond(p, &d);
	else
		draw_focused(p, &d);
	if (kind != PROFILE_CLASSIC)
		draw_later_lies(p, seed);
	/* Patience too short for these grows anew after each decision. */
	if (p->has_slow_disk ||
	    (p->delay_floor_us * 2 > p->view_timeout_us &&
		!p->is_beyond_faults))
		p->calm_us += 2000 * p->view_timeout_us;
}

/* --- words --- */

static const char *const names[PROFILE_KINDS] = {
	[PROFILE_SWARM] = "swarm",
	[PROFILE_CLASSIC] = "classic",
	[PROFILE_FULL] = "full",
	[PROFILE_FOCUSED] = "focused",
	[PROFILE_SLOW] = "slow",
	[PROFILE_UNFAIR] = "unfair",
	[PROFILE_DEEP] = "deep",
	[PROFILE_EPOCHS] = "epochs",
	[PROFILE_BEYOND] = "beyond",
	[PROFILE_TXN] = "txn",
};

const char *
profile_name(enum profile_kind kind)
{
	return names[kind];
}

bool
profile_find(const char *name, enum profile_kind *kind)
{
	uint32_t i;

	for (i = 0; i < PROFILE_KINDS; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*kind = (enum profile_kind)i;
		return true;
	}
	return false;
}

static const char *const broken_names[BROKEN_KINDS] = {
	[BROKEN_NOT] = "not",
	[BROKEN_DOWN] = "down",
	[BROKEN_DEAF] = "deaf",
	[BROKEN_DUMB] = "dumb",
	[BROKEN_LOSSY] = "lossy",
	[BROKEN_REBOOTING] = "rebooting",
};

void
profile_print(const struct profile *p)
{
	uint32_t i;

	printf("n=%" PRIu32 " clients=%" PRIu32 " requests=%" PRIu32
	       " K=%" PRIu32 " L=%" PRIu32 " pipeline=%" PRIu32
	       " view_timeout_us=%" PRIu64 " loss=%" PRIu32
	       " duplicate=%" PRIu32 " replay=%" PRIu32 " heal_at=%" PRIu64
	       " faults=%s%s%s%s%s%s",
	    p->member_count, p->client_count, p->requests,
	    p->checkpoint_interval, p->window, p->pipeline_max,
	    p->view_timeout_us, p->loss, p->duplicate, p->replay, p->heal_at,
	    p->has_clogs ? "clog," : "", p->has_partitions ? "partition," : "",
	    p->has_silences ? "silence," : "", p->has_crashes ? "crash," : "",
	    p->has_blackouts ? "blackout," : "", p->has_pauses ? "pause" : "");
	for (i = 0; i < PROFILE_MEMBERS_MAX; i++)
		if (p->byzantine[i] != 0)
			printf(" byzantine[%" PRIu32 "]=0x%" PRIx32, i,
			    p->byzantine[i]);
	for (i = 0; i < p->lie_count; i++)
		printf(" lie[%" PRIu32 "]=%d", p->lies[i].member,
		    (int)p->lies[i].kind);
	if (p->sleep_at != 0)
		printf(" sleeper=%" PRIu32, p->sleeper);
	if (p->ladder_views != 0)
		printf(" ladder=%" PRIu64, p->ladder_views);
	if (p->round_us != 0)
		printf(" rounds=%" PRIu32 "x%" PRIu64, p->rounds_left,
		    p->round_us);
	if (p->changes != 0)
		printf(" nodes=%" PRIu32 " observers=%" PRIu32
		       " changes=%" PRIu32,
		    p->node_count, p->observers, p->changes);
	if (p->broken_how != BROKEN_NOT)
		printf(" broken=%" PRIu32 ":%s", p->broken,
		    broken_names[p->broken_how]);
	printf("\n");
}
