/*
 * Disks that lie.
 *
 * KINDS    emptied   the log is gone, perhaps the state too; the horizon is
 *                    kept with the keys
 *          damaged   a record in the middle: the log is set aside
 *          short     records that were durable are missing at the end, and
 *                    the horizon says so
 *          older     everything is as it was some time before, and in the
 *                    epoch of that time
 *          failing   a write or sync fails: the process stops and starts again
 *          tail      what was synced last is missing, and nothing says so
 *          full      writes fail for a while: it stops again and again
 *          What the product's log makes of sectors that are lost or wrong is
 *          in tests/fault/log.c: damage is noticed, all but that of the last
 *          sync.
 *
 * ATLAS    All but `older` and `tail` cost no safety, however many and whoever
 *          else is Byzantine; who rejoins counts as faulty only for progress.
 *          Who came back older counts among the f faulty altogether, until it
 *          is past what it forgot (consensus/memory.c, rule 6).
 *          Raft's f may be older at once, but then no other may be lost, and
 *          all others are to be heard, until those have back what they had
 *          (rule 10).
 */
#include "sim/lie.h"

#include "sim/network.h"
#include "sim/promise.h"
#include "sim/replica.h"

#define DOWN_MEAN_US 60000
#define FULL_MEAN_US 200000

void
lie_begin(struct world *w)
{
	const struct profile *p = &w->profile;
	uint32_t i;

	for (i = 0; i < p->lie_count; i++) {
		const struct lie *lie = &p->lies[i];

		world_push(w,
		    (struct happening){
			.at = lie->at,
			.kind = HAPPEN_LIE,
			.replica = lie->member,
			.value = i,
		    });
		if (lie->kind == LIE_OLDER)
			world_push(w,
			    (struct happening){
				.at = dice_below(&w->lie_dice, lie->at),
				.kind = HAPPEN_LIE,
				.replica = lie->member,
				.value = p->lie_count,
			    });
	}
}

/* --- the horizon's file --- */

void
lie_horizon(struct replica *r, const struct horizon *horizon)
{
	r->memory.wanted = *horizon;
	r->memory.is_wanted = true;
}

void
lie_horizon_sync(struct replica *r)
{
	if (!r->memory.is_wanted)
		return;
	r->memory.is_wanted = false;
	r->memory.is_writing = true;
	r->memory.writing = r->memory.wanted;
	r->memory.writing_record = r->disk.synced;
}

void
lie_horizon_synced(struct replica *r)
{
	if (!r->memory.is_writing)
		return;
	r->memory.is_writing = false;
	r->memory.horizon = r->memory.writing;
	r->memory.record = r->memory.writing_record;
}

void
lie_horizon_crash(struct world *w, struct replica *r)
{
	/* It is written before the log is. */
	if (r->memory.is_writing && dice_chance(&w->lie_dice, 500))
		lie_horizon_synced(r);
	r->memory.is_writing = false;
	r->memory.is_wanted = false;
}

/* --- lies --- */

static void
log_gone(struct replica *r)
{
	r->disk.first = r->disk.count;
	r->disk.synced = r->disk.count;
	r->stable_safe = 0;
}

void
lie_recollect(struct replica *r)
{
	if (r->disk.count >= r->memory.record)
		return;
	log_gone(r);
	promise_recollect(r);
}

static void
state_gone(struct replica *r)
{
	memset(&r->safe, 0, sizeof(r->safe));
	r->machine = r->safe;
}

/* A sector of the last sync, behind before, went nowhere; with it goes what
 * came after. */
static void
tail_gone(struct world *w, struct replica *r, size_t before)
{
	struct disk *disk = &r->disk;

	if (before < disk->relied) {
		/* Its checkpoint is missing: it stops, and an operator sets
		 * the log aside. */
		log_gone(r);
	} else {
		disk->synced = before;
		disk->count = before;
		disk->before = before;
		r->stable_safe = 0;
		/* An image must not be written over. */
		if (r->image.synced > before)
			r->image.is_taken = false;
	}
	r->view_told = 0;
	w->forgetful |= 1U << r->member;
	w->unsettled |= 1U << r->member;
}

static void
log_cut(struct world *w, struct replica *r)
{
	struct disk *disk = &r->disk;

	if (r->memory.record <= disk->first) {
		log_gone(r);
		return;
	}
	disk->count = disk->first +
	    dice_below(&w->lie_dice, r->memory.record - disk->first);
	disk->synced = disk->count;
}

/*
 * Where it said that it stood goes with the log, but for Raft's terms: of
 * views only votes are promises, and the horizon ends those.
 */
static void
view_gone(const struct world *w, struct replica *r)
{
	const struct horizon *h = &r->memory.horizon;

	if (!world_is_raft(w) && h->memory != HORIZON_UNKNOWN &&
	    r->view_told > h->view)
		r->view_told = h->view;
}

static void
take_image(struct replica *r)
{
	r->image.is_taken = !r->is_out;
	r->image.epoch = r->epoch;
	r->image.self = r->self;
	r->image.machine = r->safe;
	r->image.memory = r->memory;
	r->image.memory.is_writing = false;
	r->image.memory.is_wanted = false;
	r->image.first = r->disk.first;
	r->image.synced = r->disk.synced;
	r->image.stable_safe = r->stable_safe;
}

static void
roll_back(struct world *w, struct replica *r)
{
	/* The log is only ever appended to: its beginning is still there. */
	r->disk.first = r->image.first;
	r->disk.synced = r->image.synced;
	r->disk.count = r->image.synced;
	r->disk.before = r->image.synced;
	r->disk.relied = r->image.synced;
	r->memory = r->image.memory;
	r->stable_safe = r->image.stable_safe;
	r->safe = r->image.machine;
	r->machine = r->safe;
	r->view_told = 0;
	if (r->epoch != r->image.epoch) {
		world_count(w, COUNT_REACHED_OLDER_EPOCH);
		r->epoch = r->image.epoch;
		r->self = r->image.self;
		r->stable_seq = 0;
		r->stable_certificate = bytes_of(NULL, 0);
		w->asked[r->member] = 0;
	}
	w->forgetful |= 1U << r->member;
	w->unsettled |= 1U << r->member;
}

static void
tell_lie(struct world *w, struct replica *r, enum lie_kind kind, size_t before)
{
	world_trace(w, "the disk of %u lies: %d", r->index, (int)kind);
	/* It may forget more before it has all back. */
	if ((w->unsettled >> r->member & 1) == 0 ||
	    r->status.proposed > r->forgotten)
		r->forgotten = r->status.proposed;
	switch (kind) {
	case LIE_EMPTIED:
		log_gone(r);
		if (dice_chance(&w->lie_dice, 500))
			state_gone(r);
		view_gone(w, r);
		break;
	case LIE_DAMAGED:
		log_gone(r);
		view_gone(w, r);
		break;
	case LIE_SHORT:
		log_cut(w, r);
		view_gone(w, r);
		break;
	case LIE_OLDER:
		roll_back(w, r);
		break;
	case LIE_TAIL:
		tail_gone(w, r, before);
		break;
	case LIE_FULL:
		r->disk.full_until =
		    w->now + dice_waiting(&w->lie_dice, FULL_MEAN_US);
		break;
	case LIE_FAILING:
	case LIE_KINDS:
	default:
		break;
	}
}

bool
lie_is_delicate(const struct world *w)
{
	return world_is_raft(w) && w->unsettled != 0 && !w->is_healed;
}

void
lie_settle(struct world *w, struct replica *r)
{
	if (!world_is_raft(w) || (w->unsettled >> r->member & 1) == 0 ||
	    r->status.is_asking || r->status.is_rejoining ||
	    r->status.proposed < r->forgotten || r->disk.synced < r->disk.count)
		return;
	world_trace(w, "replica %u has back what it forgot", r->index);
	world_count(w, COUNT_REACHED_SETTLED);
	w->unsettled &= ~(1U << r->member);
}

static bool
forgets(enum lie_kind kind)
{
	return kind == LIE_OLDER || kind == LIE_TAIL;
}

/* Are all there that may have to tell it? */
static bool
may_forget(struct world *w, const struct replica *r)
{
	uint32_t i;

	for (i = 0; world_is_raft(w) && i < w->replica_count; i++) {
		const struct replica *other = &w->replicas[i];

		if (other != r && !other->is_out && !other->is_up &&
		    (w->unsettled >> other->member & 1) == 0)
			return false;
	}
	return true;
}

/* Those who know are heard from now on. */
static void
spare_others(struct world *w)
{
	uint32_t i;

	network_mend(w);
	for (i = 0; i < w->replica_count; i++) {
		w->replicas[i].crash_in_steps = 0;
		w->replicas[i].crash_at = 0;
	}
}

void
lie_happen(struct world *w, const struct happening *h)
{
	struct replica *r = &w->replicas[h->replica];
	enum lie_kind kind;
	size_t before;

	if (w->is_healed)
		return;
	if (h->value == w->profile.lie_count) {
		take_image(r);
		return;
	}
	kind = w->profile.lies[h->value].kind;
	if (!r->is_up || (forgets(kind) && !may_forget(w, r))) {
		struct happening later = *h;

		later.at = w->now + DOWN_MEAN_US / 4;
		world_push(w, later);
		return;
	}
	if ((kind == LIE_OLDER && !r->image.is_taken) ||
	    !world_strikes(w, (enum counter)(COUNT_LIE_EMPTIED + kind)))
		return;
	before = r->disk.before;
	replica_crash(w, r, dice_waiting(&w->lie_dice, DOWN_MEAN_US));
	tell_lie(w, r, kind, before);
	if (lie_is_delicate(w))
		spare_others(w);
	promise_recollect(r);
}
