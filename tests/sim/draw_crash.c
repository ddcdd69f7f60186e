/*
 * Schedules of members that only crash, which are Raft's.
 */
#include "sim/draw.h"

#include "trust/certificate.h"

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

void
draw_crash_classic(struct profile *p, struct dice *d)
{
	p->is_focused = dice_chance(d, 700);
	p->member_count = dice_chance(d, 700) ? 3 : 5;
	draw_work(p, d);
	p->has_real_signatures = dice_chance(d, 10);
	draw_elections(p, d);
	draw_crash_sleeper(p, d);
	draw_classic_constants(p);
	draw_depositions(p, d);
	draw_short_reigns(p, d);
	draw_crash_lies(p, d);
}

/*
 * Disks of f members at most come back older, or without their last sync.  The
 * others answer whoever starts again before its patience is over, since what
 * they were told in vain is theirs alone to know (memory.c, rule 10).
 */
void
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
	for (i = 0; i < p->lie_count; i++) {
		struct lie *lie = &p->lies[i];

		lie->at = dice_range(&d, p->heal_at / 8, p->heal_at);
		lie->member = (first + (uint32_t)dice_below(&d, faults)) %
		    p->member_count;
		lie->kind =
		    kinds[dice_below(&d, sizeof(kinds) / sizeof(kinds[0]))];
	}
	/* Now and then all of them at once. */
	for (i = 1; dice_chance(&d, 300) && i < p->lie_count; i++)
		p->lies[i].at = p->lies[0].at;
}

/* One that stays broken, perhaps one of few that have an epoch's state. */
void
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
void
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
