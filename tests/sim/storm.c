/*
 * The storm: whom a fault strikes and when, until the profile's heal_at.
 *
 * RULES    1. What is drawn for a fault is drawn whether it strikes or not
 *             (choice.c), so that one fault less leaves the others as they are.
 *          2. No fault strikes, and no round parts anybody, while somebody
 *             has to be told what it has forgotten (lie_is_delicate()).
 *
 * NOT HERE Views that end half way (ladder.c), checkpoints that nobody hears
 *          of (hush.c), and what disks do (lie.c).
 */
#include "sim/storm.h"

#include <inttypes.h>

#include "consensus/record.h"
#include "sim/lie.h"
#include "sim/network.h"
#include "sim/promise.h"
#include "sim/replica.h"
#include "sim/succession.h"

#define PAUSE_MEAN_US 100000
#define REBOOT_MEAN_US 40000
#define CLOCK_JUMP_MEAN_US 100000

static struct replica *
draw_replica(struct world *w)
{
	return &w->replicas[dice_below(&w->fault_dice, w->replica_count)];
}

/* Where there are leaders, they are struck more often than others. */
static struct replica *
draw_victim(struct world *w)
{
	struct replica *r = draw_replica(w), *leader;

	if (!world_is_raft(w) || dice_chance(&w->fault_dice, 300))
		return r;
	leader = world_leader(w);
	return leader != NULL ? leader : r;
}

static void
crash_one(struct world *w)
{
	struct replica *r = draw_victim(w);
	struct dice *d = &w->fault_dice;

	uint64_t steps = 0, down_us;

	if (!r->is_up)
		return;
	/* Half of them in the middle of something. */
	if (dice_chance(d, 500))
		steps = dice_range(d, 1, 30);
	down_us = dice_waiting(d, w->profile.down_us);
	if (!world_strikes(w, COUNT_CRASHED))
		return;
	r->crash_in_steps = steps;
	r->down_us = down_us;
	if (steps == 0)
		replica_crash(w, r, down_us);
}

/* In the middle of what it writes, which may be on disk in part. */
static void
crash_writing(struct world *w)
{
	static const enum record_kind kinds[] = { RECORD_VIEW, RECORD_VIEW,
		RECORD_CHECKPOINT, RECORD_CHECKPOINT, RECORD_PROPOSAL,
		RECORD_PREPARED, RECORD_COMMITTED, RECORD_BATCH, RECORD_STATE };
	static const enum record_kind raft_kinds[] = { RECORD_ENTRY,
		RECORD_ENTRY, RECORD_TERM, RECORD_BASE, RECORD_STATE };
	const enum record_kind *of = world_is_raft(w) ? raft_kinds : kinds;
	size_t count = world_is_raft(w)
	    ? sizeof(raft_kinds) / sizeof(raft_kinds[0])
	    : sizeof(kinds) / sizeof(kinds[0]);
	struct dice *d = &w->fault_dice;
	struct replica *r = draw_replica(w);
	uint64_t kind = dice_below(d, count);
	uint64_t after = dice_range(d, 1, 3);
	uint64_t down_us = dice_waiting(d, w->profile.down_us);

	if (!world_strikes(w, COUNT_CRASHED_WRITING))
		return;
	r->crash_at = of[kind];
	r->crash_after = after;
	r->down_us = down_us;
}

static void
crash_all(struct world *w)
{
	uint32_t i;

	bool strikes = world_strikes(w, COUNT_CRASHED_ALL);

	for (i = 0; i < w->replica_count; i++) {
		uint64_t down_us;

		if (!w->replicas[i].is_up)
			continue;
		down_us = dice_waiting(&w->fault_dice, w->profile.down_us / 2);
		if (strikes)
			replica_crash(w, &w->replicas[i], down_us);
	}
}

/* All at once, when an epoch has just ended. */
static void
on_blackout(struct world *w)
{
	if (!w->is_healed && !lie_is_delicate(w) &&
	    world_strikes(w, COUNT_CRASHED_ENDING))
		crash_all(w);
}

static void
pause_one(struct world *w)
{
	struct replica *r = draw_replica(w);

	uint64_t until = w->now + dice_waiting(&w->fault_dice, PAUSE_MEAN_US);

	if (world_strikes(w, COUNT_PAUSED))
		r->paused_until = until;
}

/* Its clocks, the one that never falls and the one that may. */
static void
jump_clock(struct world *w)
{
	struct replica *r = draw_replica(w);
	struct dice *d = &w->fault_dice;
	uint64_t jump_us = dice_waiting(d, CLOCK_JUMP_MEAN_US);
	uint64_t far = dice_below(d, 3600000), kind = dice_below(d, 3);

	if (!world_strikes(w, COUNT_CLOCK_JUMPED))
		return;
	r->clock_offset += jump_us;
	if ((w->profile.byzantine[r->member] & BYZ_TIME) == 0)
		r->wall_skew_ms = kind == 0 ? 0
		    : kind == 1             ? (int64_t)far
					    : -(int64_t)far;
}

static void
want_checkpoint(struct world *w)
{
	world_count(w, COUNT_WANTED);
	replica_step(w, draw_replica(w),
	    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
}

static void
resign_one(struct world *w)
{
	struct replica *r = draw_replica(w);

	if (world_strikes(w, COUNT_RESIGNED))
		replica_step(w, r, (struct event){ .kind = EVENT_RESIGN });
}

/* The kinds of faults, in the order in which seeds know them. */
static bool
strike(struct world *w, uint64_t kind)
{
	const struct profile *p = &w->profile;
	const struct {
		bool is_on;
		void (*strike)(struct world *w);
	} kinds[] = {
		{ p->has_clogs, network_clog },
		{ p->has_partitions, network_partition },
		{ p->has_silences, network_silence },
		{ p->has_crashes, crash_one },
		{ p->has_blackouts, crash_all },
		{ p->has_pauses, pause_one },
		{ p->has_wanted, want_checkpoint },
		{ p->has_flapping, network_flap },
		{ p->has_clock_jumps, jump_clock },
		{ p->has_writing_crashes, crash_writing },
	};

	if (kinds[kind].is_on)
		kinds[kind].strike(w);
	return kinds[kind].is_on;
}

/* One of those that are on; of older seeds perhaps none. */
static void
strike_any(struct world *w)
{
	bool is_classic = w->profile.strikes == STRIKES_CLASSIC;
	uint32_t tries = is_classic ? 1 : 16;

	if (world_is_raft(w) && dice_below(&w->fault_dice, 8) == 7) {
		resign_one(w);
		return;
	}
	if (w->profile.has_depositions && dice_chance(&w->fault_dice, 700)) {
		if (world_leader(w) != NULL)
			network_depose(w, world_leader(w)->member);
		return;
	}
	while (tries-- > 0 &&
	    !strike(w, dice_below(&w->fault_dice, w->profile.strikes)))
		continue;
}

static void
push_plain(struct world *w, enum happen_kind kind, uint64_t after)
{
	world_push(w, (struct happening){ .at = w->now + after, .kind = kind });
}

static void
on_fault(struct world *w)
{
	if (w->is_healed || w->profile.faults_left == 0)
		return;
	w->profile.faults_left--;
	if (!lie_is_delicate(w))
		strike_any(w);
	if (dice_chance(&w->fault_dice, 300))
		network_mend(w);
	push_plain(w, HAPPEN_FAULT,
	    dice_waiting(&w->fault_dice, w->profile.fault_every_us));
}

static void
on_sleep(struct world *w)
{
	struct replica *r = &w->replicas[w->profile.sleeper];

	uint64_t until =
	    w->profile.wake_at != 0 ? w->profile.wake_at : w->profile.heal_at;

	if (r->is_up && world_strikes(w, COUNT_SLEPT))
		replica_crash(w, r, until - w->now);
}

static void
on_round(struct world *w)
{
	if (w->is_healed || w->profile.rounds_left == 0)
		return;
	w->profile.rounds_left--;
	if (!lie_is_delicate(w))
		network_round(w);
	push_plain(w, HAPPEN_ROUND, w->profile.round_us);
}

/* Up for a while, down for a while, for good. */
static void
on_reboot(struct world *w)
{
	struct replica *r = &w->replicas[w->profile.broken];
	uint64_t down_us = dice_waiting(&w->fault_dice, REBOOT_MEAN_US);

	if (r->is_up)
		replica_crash(w, r, down_us);
	push_plain(w, HAPPEN_REBOOT,
	    down_us + dice_waiting(&w->fault_dice, REBOOT_MEAN_US));
}

/* The storm ends for a quorum and whoever else is not broken. */
static void
stay_broken(struct world *w)
{
	struct replica *r = &w->replicas[w->profile.broken];

	world_trace(w, "but not for %" PRIu32, r->index);
	network_break(w);
	if (w->profile.broken_how == BROKEN_REBOOTING)
		on_reboot(w);
	if (w->profile.broken_how == BROKEN_DOWN) {
		r->is_up = false;
		r->incarnation++;
	}
}

static void
on_heal(struct world *w)
{
	uint32_t i, k;

	world_trace(w, "the storm is over");
	if (w->is_hushed)
		crash_all(w);
	w->is_healed = true;
	network_mend(w);
	for (i = 0; i < PROFILE_MEMBERS_MAX; i++)
		for (k = 0; k < PROFILE_MEMBERS_MAX; k++)
			w->links[i][k].clogged_until = 0;
	for (i = 0; i < w->replica_count; i++) {
		w->replicas[i].paused_until = 0;
		if ((w->profile.byzantine[w->replicas[i].member] & BYZ_TIME) ==
		    0)
			w->replicas[i].wall_skew_ms = 0;
	}
	if (w->profile.broken_how != BROKEN_NOT)
		stay_broken(w);
	succession_rescue(w);
	for (i = 0; i < w->replica_count && !w->is_violated; i++)
		promise_batches(w, &w->replicas[i]);
}

void
storm_begin(struct world *w)
{
	push_plain(w, HAPPEN_FAULT, w->profile.fault_first_us);
	push_plain(w, HAPPEN_HEAL, w->profile.heal_at);
	if (w->profile.round_us != 0)
		push_plain(w, HAPPEN_ROUND, 0);
	lie_begin(w);
	if (w->profile.sleep_at != 0)
		push_plain(w, HAPPEN_SLEEP, w->profile.sleep_at);
}

void
storm_happen(struct world *w, const struct happening *h)
{
	if (h->kind == HAPPEN_FAULT)
		on_fault(w);
	else if (h->kind == HAPPEN_HEAL)
		on_heal(w);
	else if (h->kind == HAPPEN_ROUND)
		on_round(w);
	else if (h->kind == HAPPEN_FLAP)
		network_flap_again(w, h);
	else if (h->kind == HAPPEN_REBOOT)
		on_reboot(w);
	else if (h->kind == HAPPEN_SLEEP)
		on_sleep(w);
	else
		on_blackout(w);
}
