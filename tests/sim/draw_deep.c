/*
 * Deep schedules: several views that end half way, members more than a window
 * behind, no word of checkpoints, or lying disks.
 */
#include "sim/draw.h"

#include <string.h>

#include "trust/certificate.h"

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
	if (dice_coin(d))
		p->wake_at = dice_range(d, p->heal_at / 4, p->heal_at);
	p->faults_left = (uint32_t)dice_below(d, 3);
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

void
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
	/* Too much is to be done for a disk that takes twenty times as long. */
	p->has_slow_disk = p->has_slow_disk && p->sleep_at == 0;
	if (lot >= 70)
		draw_lies(p, d,
		    trust_faults(FAULTS_BYZANTINE, p->member_count));
	if (lot >= 70)
		draw_hush(p, d);
}
