/*
 * Schedules in which members come and go.
 */
#include "sim/draw.h"

#include "trust/certificate.h"

/* What there is to do, who asks for it, and what goes wrong meanwhile. */
void
draw_changes(struct profile *p, struct dice *d)
{
	p->client_count = (uint32_t)dice_range(d, 1, 3);
	p->requests = (uint32_t)dice_range(d, 6, 30);
	p->operations_max = (uint32_t)dice_range(d, 1, 3);
	p->changes = (uint32_t)dice_range(d, 1, 5);
	p->change_us = dice_range(d, 5, 40) * MILLISECOND;
	p->stale = dice_coin(d) ? (uint32_t)dice_range(d, 50, 500) : 0;
	p->think_us = dice_range(d, 1, 10) * MILLISECOND;
	p->faults_left = (uint32_t)dice_range(d, 0, 8);
	p->rounds_left = dice_coin(d) ? (uint32_t)dice_range(d, 2, 12) : 0;
	p->heal_at = dice_range(d, 50, 400) * MILLISECOND;
	p->strikes = STRIKES_ALL;
	p->has_partitions = dice_coin(d);
	p->has_flapping = dice_chance(d, 300);
	p->has_clock_jumps = dice_chance(d, 300);
	p->has_client_tricks = dice_chance(d, 300);
	p->has_two_faced_requests = dice_chance(d, 200);
	p->twins = 1;
	p->has_real_signatures = dice_chance(d, 10);
}

/* Who lies: as many as each roster tolerates, and perhaps some who come later
 * or never. */
static void
draw_epochs_culprits(struct profile *p, struct dice *d)
{
	uint32_t faults = trust_faults(FAULTS_BYZANTINE, p->member_count), i;

	for (i = 0; i < faults; i++)
		if (dice_chance(d, 700)) {
			const uint32_t kind = 1U << dice_below(d, BYZ_KINDS);

			p->byzantine[dice_below(d, p->member_count)] = kind;
		}
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
void
draw_epochs_sleeper(struct profile *p, struct dice *d)
{
	if (!dice_chance(d, 300))
		return;
	p->sleeper = (uint32_t)dice_below(d, p->member_count);
	p->sleep_at = dice_range(d, 1, p->heal_at / 2);
	if (dice_coin(d))
		p->wake_at = dice_range(d, p->sleep_at + 1, p->heal_at);
}

void
draw_epochs(struct profile *p, struct dice *d)
{
	static const uint32_t counts[] = { 4, 4, 4, 4, 4, 5, 5, 6, 7 };

	draw_small(p, d);
	p->member_count = counts[dice_below(d, 9)];
	p->has_observers = dice_coin(d);
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
	if (!dice_chance(d, 400) || profile_culprits(p) != 0 ||
	    p->sleep_at != 0 || p->broken_how != BROKEN_NOT)
		return;
	p->lie_count = 1;
	p->lies[0].at = dice_range(d, p->heal_at / 2, p->heal_at);
	p->lies[0].member = (uint32_t)dice_below(d, p->member_count);
	p->lies[0].kind = LIE_OLDER;
}

/*
 * What came after the first seeds of epochs, from dice of its own: in most of
 * them nothing.  Patience doubles from view to view, and a storm that is one
 * of views has room for more than one change of members.
 */
void
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
