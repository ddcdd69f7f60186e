/*
 * Rosters, and what may follow one.
 *
 * RULES    1. A successor differs by one node, as trust/succession.h has it:
 *             one more behind those of its role, one less, one in the place of
 *             another, or an observer that becomes the last member.
 *          2. No epoch has more members than it tolerates that are Byzantine,
 *             stay broken, or have a disk that lies.  Who has left may be any
 *             number of them.
 *          3. Of the quorum that signed the last state one is left, whichever
 *             f are not.
 *          4. The reference state machine ends an epoch, and nobody else: its
 *             state is what the next begins with.
 */
#include "sim/membership.h"

#include <string.h>

#include "consensus/plant.h"
#include "sim/hush.h"
#include "sim/world.h"

#define TRIES_MAX 24
#define BLACKOUT_MEAN_US 3000

uint32_t
membership_position(const struct membership *m, uint32_t node)
{
	uint32_t i;

	for (i = 0; i < m->node_count; i++)
		if (m->nodes[i] == node)
			return i;
	return MEMBERSHIP_NOBODY;
}

struct membership *
membership_of(struct world *w, const struct replica *r)
{
	return &w->memberships[r->epoch];
}

bool
membership_observes(struct world *w, const struct replica *r)
{
	return r->self >= membership_of(w, r)->member_count;
}

const struct membership *
membership_at(const struct world *w, uint64_t seq)
{
	uint32_t i = 0;

	while (i + 1 < w->epochs && seq > w->memberships[i].last_seq)
		i++;
	return &w->memberships[i];
}

const struct membership *
membership_newest(const struct world *w)
{
	uint32_t i = 0;

	while (i + 1 < w->epochs && w->memberships[i].is_proved)
		i++;
	return &w->memberships[i];
}

static void
sign_in(struct world *w, struct membership *m)
{
	uint32_t i;

	for (i = 0; i < KEYRING_KEYS; i++)
		m->signers[i] = (struct signer){ &w->keyring, i, m };
}

void
membership_begin(struct world *w)
{
	struct membership *m = &w->memberships[0];
	uint32_t i;

	*m = (struct membership){
		.scope.faults =
		    world_is_raft(w) ? FAULTS_CRASH : FAULTS_BYZANTINE,
		.member_count = w->profile.member_count,
		.node_count = w->profile.member_count + w->profile.observers,
	};
	memset(m->scope.cluster_id, 0x5c, sizeof(m->scope.cluster_id));
	for (i = 0; i < m->node_count; i++)
		m->nodes[i] = i;
	sign_in(w, m);
	w->epochs = 1;
}

/* --- what may follow --- */

enum change_kind {
	CHANGE_ADD,
	CHANGE_REMOVE,
	CHANGE_REPLACE,
	CHANGE_PROMOTE,
	CHANGE_ADD_OBSERVER,
	CHANGE_REMOVE_OBSERVER,
	CHANGES,
};

static void
put(struct machine_roster *r, uint64_t at, uint64_t node)
{
	memmove(&r->nodes[at + 1], &r->nodes[at],
	    (r->node_count - at) * sizeof(r->nodes[0]));
	r->nodes[at] = node;
	r->node_count++;
}

static uint64_t
take(struct machine_roster *r, uint64_t at)
{
	uint64_t node = r->nodes[at];

	r->node_count--;
	memmove(&r->nodes[at], &r->nodes[at + 1],
	    (r->node_count - at) * sizeof(r->nodes[0]));
	r->nodes[r->node_count] = 0;
	return node;
}

/* Not in the roster; there is one. */
static uint64_t
draw_outsider(struct world *w, const struct machine_roster *r)
{
	uint32_t outside = (1U << w->profile.node_count) - 1, i;

	for (i = 0; i < r->node_count; i++)
		outside &= ~(1U << r->nodes[i]);
	return dice_member(&w->fault_dice, outside);
}

/* Who goes, of the first so many: of Raft's often the leader. */
static uint64_t
draw_place(struct world *w, const struct machine_roster *r, uint64_t count)
{
	const struct replica *leader;
	uint64_t i;

	leader = world_is_raft(w) && dice_chance(&w->fault_dice, 400)
	    ? world_leader(w)
	    : NULL;
	for (i = 0; i < count && leader != NULL; i++)
		if (r->nodes[i] == leader->member)
			return i;
	return dice_below(&w->fault_dice, count);
}

static bool
is_possible(const struct world *w, const struct machine_roster *r,
    enum change_kind change)
{
	uint64_t observers = r->node_count - r->member_count;
	bool has_outsider = r->node_count < w->profile.node_count;

	switch (change) {
	case CHANGE_ADD:
		return has_outsider && r->member_count < MEMBERSHIP_MAX;
	case CHANGE_REMOVE:
		return r->member_count >
		    (world_is_raft(w) ? MEMBERSHIP_CRASH_MIN : MEMBERSHIP_MIN);
	case CHANGE_REPLACE:
		return has_outsider;
	case CHANGE_PROMOTE:
		return observers > 0 && r->member_count < MEMBERSHIP_MAX;
	case CHANGE_ADD_OBSERVER:
		return has_outsider && w->profile.has_observers &&
		    observers < MEMBERSHIP_OBSERVERS_MAX;
	case CHANGE_REMOVE_OBSERVER:
		return observers > 0;
	case CHANGES:
	default:
		return false;
	}
}

static void
make(struct world *w, struct machine_roster *r, enum change_kind change)
{
	struct dice *d = &w->fault_dice;
	uint64_t node;

	switch (change) {
	case CHANGE_ADD:
		put(r, r->member_count++, draw_outsider(w, r));
		break;
	case CHANGE_REMOVE:
		(void)take(r, draw_place(w, r, r->member_count));
		r->member_count--;
		break;
	case CHANGE_REPLACE:
		node = draw_outsider(w, r);
		r->nodes[draw_place(w, r, r->node_count)] = node;
		break;
	case CHANGE_PROMOTE:
		node =
		    take(r, dice_range(d, r->member_count, r->node_count - 1));
		put(r, r->member_count++, node);
		break;
	case CHANGE_ADD_OBSERVER:
		put(r, r->node_count, draw_outsider(w, r));
		break;
	case CHANGE_REMOVE_OBSERVER:
		(void)take(r,
		    dice_range(d, r->member_count, r->node_count - 1));
		break;
	case CHANGES:
	default:
		break;
	}
}

/* Has it a disk that counts against what is tolerated (lie.c)? */
static bool
is_lied_to(const struct world *w, uint64_t node)
{
	const struct profile *p = &w->profile;
	uint32_t i;

	for (i = 0; i < p->lie_count; i++)
		if (p->lies[i].member == node &&
		    (p->lies[i].kind == LIE_OLDER ||
			(p->lies[i].kind != LIE_FAILING && !p->is_safety_only)))
			return true;
	return false;
}

static bool
is_tolerable(const struct world *w, const struct machine_roster *r)
{
	uint32_t i, culprits = 0;

	for (i = 0; i < r->member_count; i++)
		if (w->profile.byzantine[r->nodes[i]] != 0 ||
		    world_is_broken(w, (uint32_t)r->nodes[i]) ||
		    is_lied_to(w, r->nodes[i]))
			culprits++;
	return culprits <= trust_faults(w->memberships[0].scope.faults,
			       (uint32_t)r->member_count);
}

static bool
has_member(const struct machine_roster *r, uint32_t node)
{
	uint64_t i;

	for (i = 0; i < r->member_count; i++)
		if (r->nodes[i] == node)
			return true;
	return false;
}

static bool
is_outlived(const struct world *w, const struct machine_roster *next)
{
	const struct membership *m = &w->memberships[w->epochs - 1];
	uint32_t i, gone = 0;

	for (i = 0; i < m->member_count; i++)
		if (!has_member(next, m->nodes[i]))
			gone++;
	return PLANT_RAFT_REPLACED ||
	    trust_outlives(m->scope.faults, m->member_count, gone,
		(uint32_t)next->member_count);
}

static void
as_stored(const struct membership *m, struct machine_roster *r)
{
	uint32_t i;

	*r = (struct machine_roster){
		.epoch = m->scope.epoch,
		.member_count = m->member_count,
		.node_count = m->node_count,
	};
	for (i = 0; i < m->node_count; i++)
		r->nodes[i] = m->nodes[i];
}

bool
membership_draw(struct world *w, struct machine_roster *next)
{
	struct machine_roster last;
	uint32_t tries;

	as_stored(&w->memberships[w->epochs - 1], &last);
	for (tries = 0; tries < TRIES_MAX; tries++) {
		enum change_kind change =
		    (enum change_kind)dice_below(&w->fault_dice, CHANGES);

		*next = last;
		next->epoch++;
		if (!is_possible(w, next, change))
			continue;
		make(w, next, change);
		if (is_tolerable(w, next) && is_outlived(w, next))
			return true;
	}
	return false;
}

/* --- what follows --- */

/* Votes of the old epoch for what comes after it bind nobody. */
static void
forget_votes_beyond(struct world *w, uint64_t last)
{
	uint64_t seq;

	for (seq = last + 1; seq <= w->slots_used; seq++)
		w->slots[seq].is_opposed = false;
}

void
membership_refer(struct world *w)
{
	const struct machine_roster *roster = &w->reference.roster;
	struct membership *next = &w->memberships[w->epochs];
	uint32_t i;

	if (roster->epoch < w->epochs)
		return;
	w->memberships[w->epochs - 1].last_seq = roster->since;
	*next = (struct membership){
		.scope = w->memberships[0].scope,
		.member_count = (uint32_t)roster->member_count,
		.node_count = (uint32_t)roster->node_count,
		.first_seq = roster->since,
	};
	next->scope.epoch = roster->epoch;
	for (i = 0; i < next->node_count; i++)
		next->nodes[i] = (uint32_t)roster->nodes[i];
	machine_digest(&w->reference, &next->first_digest);
	sign_in(w, next);
	w->epochs++;
	forget_votes_beyond(w, roster->since);
	world_count(w, COUNT_REACHED_EPOCH);
	if (w->ladder.views != 0 && !w->is_healed)
		world_count(w, COUNT_REACHED_LADDER_EPOCH);
	if (w->profile.broken_how != BROKEN_NOT &&
	    membership_position(next, w->profile.broken) < next->member_count)
		world_count(w, COUNT_REACHED_BROKEN_EPOCH);
	if (w->profile.has_end_splits)
		hush_end(w);
	if (w->profile.has_end_blackouts)
		world_push(w,
		    (struct happening){
			.at = w->now +
			    dice_waiting(&w->fault_dice, BLACKOUT_MEAN_US),
			.kind = HAPPEN_BLACKOUT,
		    });
	world_trace(w, "epoch %u ends with %u", w->epochs - 2,
	    (unsigned)roster->since);
}
