/*
 * The world: set up from a seed, run until nothing more can go wrong.
 *
 * STATES   storm   faults strike until heal_at
 *          calm    links work, everybody is up, Byzantine members stay; all
 *                  requests must be answered and all honest replicas level
 */
#include "sim/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "consensus/record.h"
#include "sim/beyond.h"
#include "sim/client.h"
#include "sim/disk.h"
#include "sim/feeding.h"
#include "sim/hush.h"
#include "sim/ladder.h"
#include "sim/lie.h"
#include "sim/network.h"
#include "sim/pace.h"
#include "sim/promise.h"
#include "sim/replica.h"
#include "sim/succession.h"

#define PAUSE_MEAN_US 100000
#define REBOOT_MEAN_US 40000
#define SLOW_DISK 20 /* times as long */
#define CLOCK_JUMP_MEAN_US 100000
#define SAFETY_ONLY_US 2000000

struct world *
world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	uint32_t i;

	AG_ASSERT(w != NULL);
	w->strategy = &strategy_pbft;
	w->until_us = UINT64_MAX;
	w->until_events = UINT64_MAX;
	for (i = 0; i < WORLD_REPLICAS_MAX; i++) {
		w->replicas[i].disk.records = calloc(DISK_RECORDS_MAX,
		    sizeof(*w->replicas[i].disk.records));
		AG_ASSERT(w->replicas[i].disk.records != NULL);
	}
	return w;
}

void
world_free(struct world *w)
{
	uint32_t i;

	for (i = 0; i < WORLD_REPLICAS_MAX; i++) {
		feeding_stop(&w->replicas[i]);
		free(w->replicas[i].disk.records);
		free(w->memory[i]);
	}
	arena_fini(&w->arena);
	free(w);
}

void
world_violate(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->is_violated)
		return;
	w->is_violated = true;
	w->rule = fmt;
	va_start(ap, fmt);
	(void)vsnprintf(w->violation, sizeof(w->violation), fmt, ap);
	va_end(ap);
}

void
world_say(const struct world *w, const char *fmt, ...)
{
	va_list ap;

	printf("%10" PRIu64 " ", w->now);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void
world_push(struct world *w, struct happening h)
{
	if (w->flight.is_held && flight_takes(w, &h))
		return;
	if (!schedule_push(&w->schedule, h))
		world_violate(w, "the schedule runs away");
}

bool
world_strikes(struct world *w, enum counter fault)
{
	bool strikes = choices_next(&w->choices, fault);

	if (!strikes)
		return false;
	world_count(w, fault);
	world_trace(w, "choice %" PRIu32 ": %s", w->choices.count - 1,
	    counter_text(fault));
	return true;
}

/* FNV-1a over everything that happens: two runs of a seed must agree. */
void
world_note(struct world *w, uint64_t fact)
{
	w->hash = (w->hash ^ fact) * 1099511628211U;
}

void
world_note_bytes(struct world *w, struct bytes bytes)
{
	static const uint8_t key[crypto_shorthash_KEYBYTES] = { 0 };
	uint64_t hash;

	if (!w->is_noted)
		return;
	(void)crypto_shorthash((uint8_t *)&hash, bytes.data, bytes.len, key);
	world_note(w, hash);
}

/* --- setting up --- */

static void
replica_reset(struct world *w, uint32_t index, uint32_t member)
{
	struct disk_record *records = w->replicas[index].disk.records;
	struct replica *r = &w->replicas[index];
	uint32_t kinds = w->profile.byzantine[member];
	struct dice *d = &w->fault_dice;

	memset(r, 0, sizeof(*r));
	r->disk.records = records;
	r->index = index;
	r->member = member;
	r->self = membership_position(&w->memberships[0], member);
	r->is_out = r->self == MEMBERSHIP_NOBODY;
	r->is_honest = kinds == 0;
	r->faces = UINT32_MAX;
	r->shunned = (kinds & BYZ_SELECTIVE) != 0 ? (uint32_t)dice_next(d) : 0;
	r->sync_mean_us = w->profile.sync_mean_us;
	if (w->profile.has_slow_disk && member == w->profile.slow_disk)
		r->sync_mean_us *= SLOW_DISK;
	r->clock_rate = 1000;
	r->clock_offset = dice_below(d, 1000000);
	if (w->profile.drift > 0) {
		uint64_t rate = 1000 - w->profile.drift +
		    dice_below(d, 2 * (uint64_t)w->profile.drift + 1);

		if (world_strikes(w, COUNT_DRIFTED))
			r->clock_rate = rate;
	}
	if ((kinds & BYZ_TIME) != 0) {
		world_count(w, COUNT_BYZ_TIME);
		r->wall_skew_ms = dice_chance(d, 500) ? 3600000 : -3600000;
	}
	if ((kinds & BYZ_HASTY) != 0)
		world_count(w, COUNT_BYZ_HASTY);
	if ((kinds & BYZ_EQUIVOCATE) != 0)
		r->fooled = (uint32_t)dice_next(d);
	if (w->profile.is_beyond_faults)
		r->fooled = w->profile.fooled;
	if ((kinds & (BYZ_FUZZ | BYZ_BOGUS)) != 0)
		r->is_consistent = dice_chance(d, 500);
}

/*
 * A Byzantine member is a choice, and so is each of its behaviours that is
 * not one by every act of it.
 */
static void
choose_culprits(struct world *w)
{
	static const struct {
		uint32_t kind;
		enum counter counter;
	} lasting[] = {
		{ BYZ_MUTE, COUNT_BYZ_MUTE },
		{ BYZ_TWIN, COUNT_BYZ_TWIN },
		{ BYZ_HASTY, COUNT_BYZ_HASTY },
		{ BYZ_TIME, COUNT_BYZ_TIME },
		{ BYZ_DESERT, COUNT_BYZ_DESERT },
		{ BYZ_SLOW, COUNT_BYZ_SLOW },
		{ BYZ_LAST, COUNT_BYZ_LAST },
	};
	uint32_t i;
	size_t k;

	for (i = 0; i < w->profile.node_count; i++) {
		uint32_t *kinds = &w->profile.byzantine[i];

		if (*kinds == 0)
			continue;
		if (!world_strikes(w, COUNT_BYZANTINE)) {
			*kinds = 0;
			continue;
		}
		*kinds |= BYZ_FAULTY;
		for (k = 0; k < sizeof(lasting) / sizeof(lasting[0]); k++)
			if ((*kinds & lasting[k].kind) != 0 &&
			    !world_strikes(w, lasting[k].counter))
				*kinds &= ~lasting[k].kind;
	}
}

/*
 * The faces of a twin split the members it talks with between them; where
 * there are rounds, those do.
 */
static void
make_twins(struct world *w, uint32_t member)
{
	struct replica *first = &w->replicas[member];
	bool has_rounds = w->profile.round_us != 0;
	uint32_t i;

	for (i = 0; i < w->profile.twins; i++) {
		struct replica *twin = &w->replicas[w->replica_count];

		if (w->replica_count == WORLD_REPLICAS_MAX)
			return;
		replica_reset(w, w->replica_count++, member);
		if (has_rounds)
			continue;
		twin->faces = (uint32_t)dice_next(&w->fault_dice);
		first->faces =
		    ~twin->faces | (uint32_t)dice_next(&w->fault_dice);
	}
}

static void
make_replicas(struct world *w)
{
	uint32_t n = w->profile.node_count, i;

	w->honest = 0;
	for (i = 0; i < n; i++) {
		replica_reset(w, i, i);
		if (w->replicas[i].is_honest)
			w->honest |= 1U << i;
	}
	w->replica_count = n;
	for (i = 0; i < n; i++)
		if ((w->profile.byzantine[i] & BYZ_TWIN) != 0)
			make_twins(w, i);
}

static void
make_signers(struct world *w)
{
	uint32_t i, liars = 0;

	for (i = 0; i < w->profile.node_count; i++)
		if (w->profile.byzantine[i] != 0)
			liars |= 1U << i;
	keyring_init(&w->keyring, &w->byzantine_dice,
	    w->profile.has_real_signatures, liars);
	w->keyring.knows_waiters = w->seed % 2 == 1;
	membership_begin(w);
	if (w->profile.has_real_signatures)
		world_count(w, COUNT_REAL_SIGNATURES);
}

static void
world_set_up(struct world *w, uint64_t seed)
{
	uint32_t i;

	dice_init(&w->network_dice, seed, 1);
	dice_init(&w->disk_dice, seed, 2);
	dice_init(&w->fault_dice, seed, 3);
	dice_init(&w->work_dice, seed, 4);
	dice_init(&w->byzantine_dice, seed, 5);
	dice_init(&w->lie_dice, seed, 6);
	for (i = 0; i < WORLD_REPLICAS_MAX; i++)
		feeding_stop(&w->replicas[i]);
	arena_reset(&w->arena);
	schedule_reset(&w->schedule);
	w->seed = seed;
	w->now = 0;
	w->events = 0;
	w->hash = 14695981039346656037U;
	w->wall_latest_ms = 0;
	w->is_healed = false;
	choices_begin(&w->choices);
	w->answered_seq = 0;
	w->look_at = 0;
	w->is_over = false;
	w->is_violated = false;
	w->is_undecided = false;
	w->old_count = 0;
	w->history_count = 0;
	w->executed_count = 0;
	w->read_numbers = 0;
	memset(&w->reference, 0, sizeof(w->reference));
	memset(w->slots, 0, (w->slots_used + 1) * sizeof(w->slots[0]));
	w->slots_used = 0;
	if (world_is_raft(w))
		memset(w->entries, 0, sizeof(w->entries));
	memset(w->clients, 0, sizeof(w->clients));
	memset(w->links, 0, sizeof(w->links));
	memset(&w->silence, 0, sizeof(w->silence));
	w->judged = bytes_of(NULL, 0);
	w->ledger_count = 0;
	w->flight.is_held = false;
	w->flight.count = 0;
	memset(w->asked, 0, sizeof(w->asked));
	w->forgetful = 0;
	w->ending_until = 0;
	w->unsettled = 0;
	w->generation++;
	if (w->given != NULL)
		w->profile = *w->given;
	else if (world_is_raft(w))
		profile_draw_crash(&w->profile, w->kind, seed);
	else
		profile_draw(&w->profile, w->kind, seed);
	if (w->profile.node_count == 0)
		w->profile.node_count = w->profile.member_count;
	limit_apply(&w->profile, &w->limit, world_is_raft(w));
	choose_culprits(w);
	if (w->profile.broken_how != BROKEN_NOT &&
	    !world_strikes(w, COUNT_BROKEN))
		w->profile.broken_how = BROKEN_NOT;
	make_signers(w);
	make_replicas(w);
	ladder_begin(w);
	hush_begin(w);
	beyond_begin(w);
}

/* --- faults --- */

static struct replica *
draw_replica(struct world *w)
{
	return &w->replicas[dice_below(&w->fault_dice, w->replica_count)];
}

struct replica *
world_leader(struct world *w)
{
	struct replica *leader = NULL;
	uint32_t i;

	for (i = 0; i < w->replica_count; i++) {
		struct replica *r = &w->replicas[i];

		if (replica_leads(r) &&
		    (leader == NULL || r->epoch >= leader->epoch))
			leader = r;
	}
	return leader;
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

/* --- the end --- */

/* With nobody to trouble them, all come to be in one view. */
static bool
must_meet(const struct world *w)
{
	return w->honest == (1U << w->profile.member_count) - 1 &&
	    w->profile.broken_how == BROKEN_NOT && w->profile.lie_count == 0 &&
	    w->profile.changes == 0 && !world_is_raft(w);
}

static bool
is_apart(const struct world *w, const struct replica *r)
{
	return r->status.is_changing_view ||
	    r->status.view != w->replicas[0].status.view;
}

/* The last checkpoint at or below the last answer, that must come to be
 * stable; what an epoch begins with is. */
static uint64_t
checkpoint_due(const struct world *w, const struct membership *newest)
{
	uint64_t last =
	    w->answered_seq - w->answered_seq % w->profile.checkpoint_interval;

	return last > newest->first_seq ? last : newest->first_seq;
}

/* A Byzantine replica may have old requests ordered without end: level is who
 * has everything up to the last answer, in the newest epoch, and the
 * checkpoint of it. */
static bool
is_level(const struct world *w)
{
	const struct membership *newest = &w->memberships[w->epochs - 1];
	const uint64_t stable = checkpoint_due(w, newest);
	const bool meets = must_meet(w);
	uint32_t i;

	for (i = 0; i < w->replica_count; i++) {
		const struct replica *r = &w->replicas[i];

		if (membership_position(newest, r->member) == MEMBERSHIP_NOBODY)
			continue;
		if (r->is_honest && !world_is_broken(w, r->member) &&
		    (!r->is_up || r->epoch != newest->scope.epoch ||
			r->machine.applied < w->answered_seq ||
			r->status.stable < stable || r->status.is_rejoining ||
			(meets && is_apart(w, r))))
			return false;
	}
	return true;
}

/* Every request is answered, and every honest replica has what they did. */
static bool
is_at_rest(struct world *w)
{
	if (!client_all_answered(w))
		return false;
	if (w->answered_seq == 0)
		w->answered_seq = w->reference.applied;
	return is_level(w);
}

static void
tell_where_stuck(struct world *w)
{
	char text[400];
	size_t len = 0;
	uint32_t i;

	for (i = 0; i < w->replica_count && len < sizeof(text) - 80; i++) {
		const struct replica *r = &w->replicas[i];

		if (r->is_out)
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    " %u%s:e%" PRIu64 " v%" PRIu64 "%s%s a%" PRIu64 " s%" PRIu64
		    " p%zu",
		    r->index, r->is_honest ? "" : "!", r->epoch, r->status.view,
		    r->status.is_changing_view ? "~" : "",
		    r->status.is_rejoining ? "?" : "", r->machine.applied,
		    r->status.stable, r->status.pending_requests);
	}
	world_violate(w, "no progress in calm; %s:%s",
	    client_all_answered(w) ? "not level" : "unanswered requests", text);
}

static void
world_dispatch(struct world *w, const struct happening *h)
{
	switch (h->kind) {
	case HAPPEN_FAULT:
		on_fault(w);
		break;
	case HAPPEN_HEAL:
		on_heal(w);
		break;
	case HAPPEN_ROUND:
		on_round(w);
		break;
	case HAPPEN_FLAP:
		network_flap_again(w, h);
		break;
	case HAPPEN_REBOOT:
		on_reboot(w);
		break;
	case HAPPEN_THINK:
	case HAPPEN_RETRY:
	case HAPPEN_REPLY:
		client_happen(w, h);
		break;
	case HAPPEN_SLEEP:
		on_sleep(w);
		break;
	case HAPPEN_LIE:
		lie_happen(w, h);
		break;
	case HAPPEN_BLACKOUT:
		on_blackout(w);
		break;
	case HAPPEN_COUNT:
		break;
	case HAPPEN_ARRIVE:
	case HAPPEN_SUBMIT:
	case HAPPEN_FLUSH:
	case HAPPEN_TIMER:
	case HAPPEN_SYNCED:
	case HAPPEN_APPLY:
	case HAPPEN_TRANSFER:
	case HAPPEN_RESTART:
	case HAPPEN_LEAVE:
	case HAPPEN_TOLD:
	case HAPPEN_JOIN: {
		struct replica *r = &w->replicas[h->replica];

		if (happen_is_bound(h->kind) &&
		    h->incarnation != r->incarnation)
			break;
		replica_happen(w, r, h);
		break;
	}
	}
}

void
world_begin(struct world *w, uint64_t seed, uint64_t *counters)
{
	uint32_t i;

	w->counters = counters;
	world_set_up(w, seed);
	for (i = 0; i < w->replica_count; i++)
		if (!w->replicas[i].is_out)
			replica_start(w, &w->replicas[i]);
	client_begin(w);
	push_plain(w, HAPPEN_FAULT, w->profile.fault_first_us);
	push_plain(w, HAPPEN_HEAL, w->profile.heal_at);
	if (w->profile.round_us != 0)
		push_plain(w, HAPPEN_ROUND, 0);
	lie_begin(w);
	if (w->profile.sleep_at != 0)
		push_plain(w, HAPPEN_SLEEP, w->profile.sleep_at);
}

/* In the calm: may it end, or must it have? */
static void
look(struct world *w)
{
	const bool is_late = w->now > w->profile.heal_at + w->profile.calm_us;

	w->look_at = w->now + w->profile.look_us;
	w->is_over = is_at_rest(w) ||
	    (w->profile.is_safety_only &&
		w->now > w->profile.heal_at + SAFETY_ONLY_US) ||
	    (w->profile.is_beyond_faults && is_late);
	if (!w->is_over && (is_late || w->events > WORLD_EVENTS_MAX))
		tell_where_stuck(w);
}

bool
world_is_stopped(const struct world *w)
{
	return w->events >= w->until_events ||
	    schedule_next_at(&w->schedule) > w->until_us;
}

bool
world_next(struct world *w)
{
	struct happening h;

	if (w->is_violated || w->is_over || world_is_stopped(w) ||
	    !schedule_pop(&w->schedule, &h))
		return false;
	w->now = h.at;
	w->events++;
	world_note(w, h.at ^ (uint64_t)h.kind << 56 ^ h.replica);
	world_dispatch(w, &h);
	if (w->is_healed && w->now >= w->look_at)
		look(w);
	return true;
}

bool
world_live(struct world *w)
{
	while (world_next(w))
		continue;
	if (w->profile.is_beyond_faults) {
		beyond_judge(w);
		return !w->is_violated;
	}
	if (!w->is_violated && !world_is_stopped(w))
		client_judge(w);
	if (!w->is_violated && !world_is_stopped(w))
		pace_judge(w);
	return !w->is_violated;
}

bool
world_run(struct world *w, uint64_t seed, uint64_t *counters)
{
	world_begin(w, seed, counters);
	return world_live(w);
}
