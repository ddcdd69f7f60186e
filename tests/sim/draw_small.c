/*
 * Schedules of few members and requests: what focused and deep ones, those of
 * epochs and those beyond f have in common, and the focused ones.
 */
#include "sim/draw.h"

static void
draw_small_faults(struct profile *p, struct dice *d)
{
	p->loss = dice_chance(d, 300) ? (uint32_t)dice_range(d, 5, 100) : 0;
	p->duplicate = dice_chance(d, 200) ? 50 : 0;
	p->replay = dice_chance(d, 200) ? 30 : 0;
	p->has_clogs = dice_coin(d);
	p->has_silences = dice_coin(d);
	p->has_crashes = dice_coin(d);
	p->has_blackouts = dice_chance(d, 300);
	p->has_pauses = dice_chance(d, 200);
	p->has_wanted = dice_chance(d, 200);
	p->has_writing_crashes = dice_coin(d);
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
	p->is_ordered = dice_coin(d);
	p->turn_us = dice_range(d, 0, 100);
	p->sync_mean_us = dice_range(d, 20, 500);
	if (dice_chance(d, 200))
		p->sync_mean_us = dice_range(d, 1, 10) * MILLISECOND;
	p->slow_sync = dice_chance(d, 200) ? 100 : 0;
	p->drift = dice_chance(d, 200) ? 200 : 0;
	p->view_timeout_us = dice_range(d, 12, 40) * MILLISECOND;
	p->progress_interval_us = dice_range(d, 8, 30) * MILLISECOND;
	/* In half of them a round is about a view. */
	if (dice_coin(d))
		p->round_us = p->view_timeout_us * dice_range(d, 2, 6) / 4;
	/* Patience too short for such links has to grow. */
	if (dice_chance(d, 100))
		p->delay_floor_us = p->view_timeout_us * 3 / 4;
	p->heal_at =
	    p->rounds_left * p->round_us + dice_range(d, 10, 40) * MILLISECOND;
	p->calm_us = 600 * p->view_timeout_us + 5000 * MILLISECOND;
	p->retry_us = dice_range(d, 10, 30) * MILLISECOND;
	p->look_us = 2 * MILLISECOND;
	p->down_us = dice_range(d, 1, dice_coin(d) ? 5 : 40) * MILLISECOND;
}

/* What focused and deep schedules have in common. */
void
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

/* A request or three and a view change or two: there can be many of these. */
void
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

/* Mostly one culprit, mostly one of the first primaries. */
void
draw_small_culprit(struct profile *p, struct dice *d)
{
	uint32_t member =
	    (uint32_t)dice_below(d, dice_coin(d) ? 2 : p->member_count);
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
void
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

void
draw_focused(struct profile *p, struct dice *d)
{
	if (dice_chance(d, 40)) {
		draw_patient(p, d);
		return;
	}
	draw_small(p, d);
	draw_tiny(p, d);
	draw_small_culprit(p, d);
	if (dice_coin(d))
		draw_ladder(p, d, 2);
	draw_more(p, d);
	p->capacity = 0;
}
