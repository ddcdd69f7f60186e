/*
 * Fewer requests, clients and members than were drawn.
 *
 * RULES    1. Members that go are the last, with what was to be the matter with
 *             them.  Of those that stay no more may be at fault than so few
 *             can bear: else a rule would be broken that promises nothing.
 *          2. Where rosters change, or somebody observes, all stay.
 */
#include "sim/limit.h"

#include "trust/certificate.h"

uint32_t
limit_members_min(bool is_raft)
{
	return is_raft ? 3 : 4;
}

/* Those of the first so many at fault also when the storm is over. */
static uint32_t
count_faulty(const struct profile *p, uint32_t members)
{
	uint32_t i, mask = 0;

	for (i = 0; i < members; i++)
		if (p->byzantine[i] != 0)
			mask |= 1U << i;
	for (i = 0; i < p->lie_count; i++)
		mask |= 1U << p->lies[i].member;
	if (p->broken_how != BROKEN_NOT)
		mask |= 1U << p->broken;
	return (uint32_t)__builtin_popcount(mask & ((1U << members) - 1));
}

static void
drop_lies(struct profile *p, uint32_t members)
{
	uint32_t i, count = 0;

	for (i = 0; i < p->lie_count; i++)
		if (p->lies[i].member < members)
			p->lies[count++] = p->lies[i];
	p->lie_count = count;
}

static void
limit_members(struct profile *p, uint32_t members, bool is_raft)
{
	uint32_t i;

	if (members >= p->member_count ||
	    members < limit_members_min(is_raft) || p->changes > 0 ||
	    (p->node_count != 0 && p->node_count != p->member_count) ||
	    count_faulty(p, members) >
		trust_faults(is_raft ? FAULTS_CRASH : FAULTS_BYZANTINE,
		    members))
		return;
	for (i = members; i < PROFILE_MEMBERS_MAX; i++)
		p->byzantine[i] = 0;
	drop_lies(p, members);
	if (p->broken_how != BROKEN_NOT && p->broken >= members)
		p->broken_how = BROKEN_NOT;
	if (p->sleeper >= members) {
		p->sleeper = 0;
		p->sleep_at = 0;
	}
	if (p->slow_disk >= members)
		p->has_slow_disk = false;
	p->member_count = members;
	p->node_count = members;
}

void
limit_apply(struct profile *p, const struct limit *l, bool is_raft)
{
	if (l->requests != 0 && p->requests > l->requests)
		p->requests = l->requests;
	if (l->clients != 0 && p->client_count > l->clients)
		p->client_count = l->clients;
	if (l->members != 0)
		limit_members(p, l->members, is_raft);
}
