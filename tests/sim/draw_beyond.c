/*
 * Schedules with more culprits than the cluster tolerates: see beyond.c.
 */
#include "sim/draw.h"

#include <string.h>

#include "trust/certificate.h"

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
	uint32_t first =
	    dice_coin(d) ? 0 : (uint32_t)dice_below(d, p->member_count);
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
void
draw_beyond(struct profile *p, struct dice *d)
{
	draw_small(p, d);
	if (dice_coin(d))
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
