/*
 * Schedules in which nothing is the matter but primaries: one that serves
 * nobody, one that passes a client over, and some that are slow.
 */
#include "sim/draw.h"

#include "trust/certificate.h"

/* View timeouts that a request may wait for when only a primary is at fault:
 * four until it counts as starved (view_change.c), and as many for the rest. */
#define ANSWER_TIMEOUTS 8

/*
 * A primary that does not serve is all there is, and clients ask one member
 * until it answers: then they must not wait for long.  Patience is longer than
 * one wait for everybody's PREPAREs (vote.c), or a member would leave alone.
 */
void
draw_patient(struct profile *p, struct dice *d)
{
	*p = (struct profile){
		.is_focused = true,
		.operations_max = 1,
		.delay_floor_us = 1000,
		.heal_at = MILLISECOND,
		.look_us = 2 * MILLISECOND,
		.strikes = STRIKES_ALL,
	};
	p->member_count = (uint32_t)dice_range(d, 4, 7);
	p->client_count = (uint32_t)dice_range(d, 1, 3);
	p->requests = (uint32_t)dice_range(d, 1, 6);
	p->think_us = dice_range(d, 1, 5) * MILLISECOND;
	p->checkpoint_interval = (uint32_t)dice_range(d, 1, 3);
	p->view_timeout_us = dice_range(d, 60, 100) * MILLISECOND;
	p->progress_interval_us = dice_range(d, 8, 20) * MILLISECOND;
	p->delay_mean_us = dice_range(d, 1, 500);
	p->turn_us = dice_range(d, 0, 100);
	p->sync_mean_us = dice_range(d, 20, 500);
	p->window = 3 * p->checkpoint_interval;
	p->pipeline_max = p->window;
	p->byzantine[0] = dice_coin(d) ? BYZ_CENSOR : BYZ_MUTE;
	p->answer_us = ANSWER_TIMEOUTS * p->view_timeout_us;
	p->has_loyal_clients = true;
	p->calm_us = 600 * p->view_timeout_us + 5000 * MILLISECOND;
	p->retry_us = p->calm_us;
}

/* Nothing but the first primaries, and how long things take: see pace.c. */
void
draw_slow(struct profile *p, struct dice *d)
{
	uint32_t i;

	p->member_count = dice_coin(d) ? 4 : 7;
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

/*
 * Nothing but a primary that does not serve one client, and the others ask for
 * so much that several windows pass while it is left: see fair.c.
 */
void
draw_unfair(struct profile *p, struct dice *d)
{
	p->member_count = dice_coin(d) ? 4 : 7;
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
	p->byzantine[0] = dice_coin(d) ? BYZ_CENSOR : BYZ_LAST;
}
