/*
 * Full schedules, transactions, and the families of faults that came after the
 * classic ones.
 */
#include "sim/draw.h"

#include <string.h>

#include "trust/certificate.h"

/* One correct member that stays broken, when all can do without it. */
void
draw_broken(struct profile *p, struct dice *d)
{
	uint32_t member = (uint32_t)dice_below(d, p->member_count);

	if (!dice_chance(d, 300) || p->byzantine[member] != 0 ||
	    p->sleep_at != 0 ||
	    profile_culprits(p) >=
		trust_faults(FAULTS_BYZANTINE, p->member_count))
		return;
	p->broken = member;
	p->broken_how = (enum broken)dice_range(d, 1, BROKEN_KINDS - 1);
}

void
draw_attacks(struct profile *p, struct dice *d)
{
	static const uint32_t attacks[] = { BYZ_FUZZ, BYZ_FUZZ, BYZ_FUZZ,
		BYZ_EQUIVOCATE, BYZ_EQUIVOCATE, BYZ_BOGUS, BYZ_SPAM, BYZ_FORGE,
		BYZ_CENSOR, BYZ_SLOW, BYZ_PLEDGES };
	uint32_t i;

	for (i = 0; i < PROFILE_MEMBERS_MAX; i++)
		if (p->byzantine[i] != 0 && dice_coin(d))
			p->byzantine[i] |= attacks[dice_below(d,
			    sizeof(attacks) / sizeof(attacks[0]))];
}

void
draw_more(struct profile *p, struct dice *d)
{
	p->capacity = draw_strength(d, 50, 1000);
	p->has_shapes = dice_coin(d);
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

void
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
void
draw_transactions(struct profile *p, struct dice *d)
{
	p->has_transactions = true;
	p->client_count = (uint32_t)dice_range(d, 3, 6);
	p->requests = (uint32_t)dice_range(d, 40, 120);
	p->operations_max = (uint32_t)dice_range(d, 1, 4);
	p->think_us = dice_range(d, 1, 5) * MILLISECOND;
}
