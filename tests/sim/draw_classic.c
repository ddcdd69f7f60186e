/*
 * Schedules as they were before there were kinds of profiles, and what the
 * later kinds have of them.
 */
#include "sim/draw.h"

#include "trust/certificate.h"

uint32_t
draw_strength(struct dice *d, uint32_t low, uint32_t high)
{
	return dice_coin(d) ? (uint32_t)dice_range(d, low, high) : 0;
}

uint32_t
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
	p->loss = draw_strength(d, 5, dice_coin(d) ? 50 : 300);
	p->duplicate = draw_strength(d, 5, 150);
	p->replay = draw_strength(d, 5, 50);
	p->is_ordered = dice_coin(d);
	p->turn_us = dice_range(d, 0, 300);
	p->sync_mean_us = dice_range(d, 50, 3000);
	p->slow_sync = draw_strength(d, 5, 100);
	p->drift = draw_strength(d, 20, 200);
}

static void
draw_faults(struct profile *p, struct dice *d)
{
	p->has_clogs = dice_coin(d);
	p->has_partitions = dice_coin(d);
	p->has_silences = dice_coin(d);
	p->has_crashes = dice_coin(d);
	p->has_blackouts = dice_chance(d, 250);
	p->has_pauses = dice_chance(d, 300);
	p->has_wanted = dice_chance(d, 300);
	p->has_two_faced_requests = dice_chance(d, 200);
	p->fault_every_us = dice_range(d, 15, 150) * MILLISECOND;
	p->faults_left = p->is_focused ? (uint32_t)dice_range(d, 1, 4)
				       : (uint32_t)dice_range(d, 3, 20);
}

/* One to three strategies; a view's next primaries are likelier culprits. */
void
draw_byzantine(struct profile *p, struct dice *d)
{
	uint32_t faults = trust_faults(FAULTS_BYZANTINE, p->member_count);
	uint32_t i, k;

	if (dice_chance(d, 250))
		return;
	for (i = 0; i < faults; i++) {
		uint32_t bound = dice_coin(d) ? 2 : p->member_count;
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
void
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
	if (dice_coin(d))
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

/*
 * What is drawn first, whatever the members do.  Who they are is drawn
 * between whether it is a focused schedule and the rest of it.
 */
void
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
void
draw_classic_constants(struct profile *p)
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
void
draw_classic(struct profile *p, struct dice *d)
{
	p->is_focused = dice_chance(d, 700);
	p->member_count = p->is_focused ? 4 : draw_member_count(d);
	draw_work(p, d);
	draw_byzantine(p, d);
	p->has_real_signatures = dice_chance(d, 10);
	draw_sleeper(p, d);
	draw_race(p, d);
	draw_classic_constants(p);
	draw_lies(p, d, trust_faults(FAULTS_BYZANTINE, p->member_count));
}
