/*
 * From one epoch to the next.
 *
 * RULES    1. A replica whose state is the last of its epoch, and certified,
 *             makes it durable and goes over: the chain of rosters is then on
 *             its disk, and a crash never takes it back.
 *          2. Who is behind is told by any replica that has gone over, one
 *             epoch at a time, and needs no state: it fetches one where it is.
 *          3. The log and what was kept of votes are of one epoch.
 *          4. Who is no member of the next epoch stops when more of those who
 *             are have gone over than may be lost, and show it: until then its
 *             signature may be needed, or what it alone has collected.  Who is
 *             Byzantine stays where it was.
 *          5. A node that is new is given the chain by operators, once the
 *             epoch has begun somewhere, and so is one that stopped and is
 *             wanted again.
 *          6. Links are of one epoch.  What comes from an earlier one by a
 *             sender that is still a member is now and then taken in all the
 *             same, when its signatures are all that tells it apart: always
 *             where members lie, and of Raft's what is signed.
 */
#include "sim/succession.h"

#include <inttypes.h>
#include <string.h>

#include "codec/message.h"
#include "consensus/plant.h"
#include "sim/feeding.h"
#include "sim/network.h"
#include "sim/promise.h"
#include "sim/replica.h"

#define LEAVE_MEAN_US 500
#define TOLD_MEAN_US 1000
#define JOIN_MEAN_US 5000

static void
soon(struct world *w, const struct replica *r, enum happen_kind kind,
    uint64_t mean_us)
{
	world_push(w,
	    (struct happening){
		.at = w->now + w->profile.delay_floor_us +
		    dice_waiting(&w->network_dice, mean_us),
		.kind = kind,
		.replica = r->index,
		.incarnation = r->incarnation,
	    });
}

void
succession_consider(struct world *w, struct replica *r)
{
	if (!r->is_up || r->is_leaving || w->is_violated ||
	    !machine_is_last(&r->machine, r->epoch) ||
	    r->ended != r->machine.applied)
		return;
	r->is_leaving = true;
	soon(w, r, HAPPEN_LEAVE, LEAVE_MEAN_US);
}

/* --- beginning an epoch --- */

/* What an engine and its driver had to themselves. */
static void
forget_epoch(struct world *w, struct replica *r)
{
	r->disk.first = r->disk.count;
	r->disk.synced = r->disk.count;
	r->disk.syncing = 0;
	promise_recollect(r);
	memset(&r->memory, 0, sizeof(r->memory));
	r->view_told = 0;
	r->stable_safe = 0;
	r->stable_seq = 0;
	r->stable_certificate = bytes_of(NULL, 0);
	r->vouched_seq = 0;
	r->snapshot_count = 0;
	r->is_pin_asked = false;
	r->readers = 0;
	r->is_indexed = false;
	w->asked[r->member] = 0;
}

/* It stops for good, or until it is wanted again. */
static void
stop(struct world *w, struct replica *r)
{
	world_count(w, COUNT_REACHED_LEFT);
	if (world_is_raft(w) && replica_leads(r))
		world_count(w, COUNT_REACHED_LEADER_LEFT);
	world_trace(w, "replica %u is no member any more", r->index);
	feeding_stop(r);
	r->incarnation++;
	r->is_up = false;
	r->is_out = true;
	if (membership_position(membership_newest(w), r->member) !=
	    MEMBERSHIP_NOBODY)
		soon(w, r, HAPPEN_JOIN, JOIN_MEAN_US);
}

static void
begin(struct world *w, struct replica *r, uint64_t epoch)
{
	const struct membership *m = &w->memberships[epoch];
	uint32_t self = membership_position(m, r->member);

	r->is_leaving = false;
	r->is_told = false;
	if (self == MEMBERSHIP_NOBODY) {
		if (r->is_honest)
			stop(w, r);
		return;
	}
	if (r->self != MEMBERSHIP_NOBODY && membership_observes(w, r) &&
	    self < m->member_count)
		world_count(w, COUNT_REACHED_PROMOTED);
	world_count(w, COUNT_REACHED_BEGUN);
	world_trace(w,
	    "replica %u begins epoch %" PRIu64 " as %" PRIu32 " of %" PRIu32
	    ", behind %" PRIu64 ", at %" PRIu64,
	    r->index, epoch, self, m->member_count, m->first_seq,
	    r->machine.applied);
	r->incarnation++;
	r->is_out = false;
	r->epoch = epoch;
	r->self = self;
	forget_epoch(w, r);
	replica_start(w, r);
}

/* An epoch has ended for the first time: operators start who is new. */
static void
invite(struct world *w, const struct membership *before)
{
	const struct membership *m = &w->memberships[before->scope.epoch + 1];
	uint32_t i;

	for (i = 0; i < w->replica_count; i++)
		if (membership_position(m, w->replicas[i].member) !=
			MEMBERSHIP_NOBODY &&
		    membership_position(before, w->replicas[i].member) ==
			MEMBERSHIP_NOBODY)
			soon(w, &w->replicas[i], HAPPEN_JOIN, JOIN_MEAN_US);
}

/*
 * The only one that has heard of the end goes over, and is alone with those
 * whom the others do not know; they go on.
 */
static void
part_from(struct world *w, const struct replica *first,
    const struct membership *before)
{
	const struct membership *m = &w->memberships[before->scope.epoch + 1];
	uint32_t i, side = 1U << first->member;

	if (w->is_healed || w->now >= w->ending_until)
		return;
	for (i = 0; i < m->member_count; i++)
		if (membership_position(before, m->nodes[i]) ==
		    MEMBERSHIP_NOBODY)
			side |= 1U << m->nodes[i];
	network_part(w, side);
}

/* Is it no member of the epoch that follows its own? */
static bool
has_to_go(struct world *w, const struct replica *r)
{
	return !PLANT_RAFT_GONE_EARLY && r->is_honest &&
	    r->epoch + 1 < w->epochs &&
	    membership_position(&w->memberships[r->epoch + 1], r->member) ==
	    MEMBERSHIP_NOBODY;
}

static void
on_leave(struct world *w, struct replica *r)
{
	struct membership *m = membership_of(w, r);

	if (has_to_go(w, r)) {
		r->is_leaving = false;
		return;
	}
	r->safe = r->machine;
	if (r->machine.applied != m->last_seq) {
		world_violate(w,
		    "replica %u ends epoch %" PRIu64 " with %" PRIu64, r->index,
		    r->epoch, r->machine.applied);
		return;
	}
	if (!m->is_proved) {
		m->is_proved = true;
		w->memberships[r->epoch + 1].first_proof =
		    r->stable_certificate;
		invite(w, m);
		part_from(w, r, m);
	}
	begin(w, r, r->epoch + 1);
}

/* What was decided here is executed and durable before its log goes. */
static bool
is_executing(const struct replica *r)
{
	return r->delivers.head != NULL &&
	    !machine_is_last(&r->machine, r->epoch);
}

static void
on_told(struct world *w, struct replica *r)
{
	if (is_executing(r)) {
		soon(w, r, HAPPEN_TOLD, TOLD_MEAN_US);
		return;
	}
	world_count(w, COUNT_REACHED_TOLD);
	r->safe = r->machine;
	begin(w, r, r->epoch + 1);
}

static void
on_join(struct world *w, struct replica *r)
{
	const struct membership *m = membership_newest(w);

	if (membership_position(m, r->member) == MEMBERSHIP_NOBODY ||
	    (!r->is_out && r->epoch >= m->scope.epoch) ||
	    (w->is_healed && world_is_broken(w, r->member)))
		return;
	/* It restarts soon, or executes what was decided. */
	if (!r->is_out && (!r->is_up || is_executing(r))) {
		soon(w, r, HAPPEN_JOIN, JOIN_MEAN_US);
		return;
	}
	world_count(w, COUNT_REACHED_JOINED);
	r->safe = r->machine;
	begin(w, r, m->scope.epoch);
}

void
succession_happen(struct world *w, struct replica *r, const struct happening *h)
{
	if (h->kind == HAPPEN_JOIN)
		on_join(w, r);
	else if (!r->is_up)
		return;
	else if (h->kind == HAPPEN_TOLD)
		on_told(w, r);
	else if (h->kind == HAPPEN_LEAVE)
		on_leave(w, r);
}

/* --- between epochs --- */

/* Who has to go has heard enough of them, or of a later epoch. */
static bool
may_go(struct world *w, struct replica *r, const struct replica *by)
{
	const struct membership *next = &w->memberships[r->epoch + 1];

	r->told_by |= 1U << by->member;
	return by->epoch > r->epoch + 1 ||
	    (uint32_t)__builtin_popcount(r->told_by) >
	    trust_faults(next->scope.faults, next->member_count);
}

/* A way leads from who has gone over to who has not. */
static void
tell(struct world *w, struct replica *behind, const struct replica *by)
{
	if (!behind->is_up || behind->is_told || behind->epoch >= by->epoch ||
	    (by->cut >> behind->index & 1) != 0)
		return;
	if (has_to_go(w, behind) && !may_go(w, behind, by))
		return;
	behind->is_told = true;
	soon(w, behind, HAPPEN_TOLD, TOLD_MEAN_US);
}

static void
tell_each_other(struct world *w, struct replica *r, uint32_t node)
{
	uint32_t i;

	for (i = 0; i < w->replica_count; i++) {
		struct replica *other = &w->replicas[i];

		if (other->member != node || !other->is_up)
			continue;
		tell(w, other, r);
		/* It dials those that it knows. */
		if (membership_position(membership_of(w, r), node) !=
		    MEMBERSHIP_NOBODY)
			tell(w, r, other);
	}
}

/* May something of another epoch get past where links end? */
static bool
is_unlinked(const struct world *w, struct bytes body)
{
	switch (world_is_raft(w) ? message_type_of(body) : MESSAGE_VOTES) {
	case MESSAGE_VOTES:
	case MESSAGE_VOTE_PROOFS:
	case MESSAGE_CHECKPOINT:
	case MESSAGE_REQUEST:
		return true;
	default:
		return false;
	}
}

bool
succession_admits(struct world *w, struct replica *r, const struct happening *h,
    uint32_t *from)
{
	*from = membership_position(membership_of(w, r), h->from);
	if (h->value == r->epoch)
		return *from != MEMBERSHIP_NOBODY;
	tell_each_other(w, r, h->from);
	return h->value < r->epoch && *from != MEMBERSHIP_NOBODY &&
	    !w->is_healed && is_unlinked(w, h->body) &&
	    dice_chance(&w->network_dice, w->profile.stale) &&
	    world_strikes(w, COUNT_STALE);
}

/* Is nobody that it knows ahead of it? */
static bool
is_cut_off(struct world *w, const struct replica *r)
{
	uint32_t i;

	for (i = 0; i < w->replica_count; i++) {
		const struct replica *other = &w->replicas[i];

		if (other->epoch > r->epoch && other->is_up &&
		    !world_is_broken(w, other->member) &&
		    membership_position(membership_of(w, r), other->member) !=
			MEMBERSHIP_NOBODY)
			return false;
	}
	return true;
}

void
succession_rescue(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->replica_count; i++) {
		struct replica *r = &w->replicas[i];

		if (!r->is_out &&
		    r->epoch < membership_newest(w)->scope.epoch &&
		    is_cut_off(w, r))
			soon(w, r, HAPPEN_JOIN, JOIN_MEAN_US);
	}
}
