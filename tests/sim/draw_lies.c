/*
 * Which disks lie, and how: see lie.c.
 */
#include "sim/draw.h"

/*
 * Disks lie: within the cluster's budget of faults, or so that only safety
 * is promised.  Who comes back older always counts against the budget.
 */
void
draw_lies(struct profile *p, struct dice *d, uint32_t faults)
{
	uint32_t budget, older = 0, counted = 0, i;

	if (!dice_chance(d, 200) || p->sleep_at != 0 ||
	    p->broken_how != BROKEN_NOT)
		return;
	budget =
	    faults > profile_culprits(p) ? faults - profile_culprits(p) : 0;
	p->is_safety_only = dice_coin(d);
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
 * What came later stands in the place of what costs as much: the last sync
 * that is lost for a disk that is older, one that is full for one that fails.
 */
void
draw_later_lies(struct profile *p, uint64_t seed)
{
	struct dice d;
	uint32_t i;
	bool is_tail, is_full;

	dice_init(&d, seed, LIES_DICE);
	is_tail = dice_coin(&d);
	is_full = dice_coin(&d);
	for (i = 0; i < p->lie_count; i++) {
		if (p->lies[i].kind == LIE_OLDER && is_tail)
			p->lies[i].kind = LIE_TAIL;
		if (p->lies[i].kind == LIE_FAILING && is_full)
			p->lies[i].kind = LIE_FULL;
	}
}
