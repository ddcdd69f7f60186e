/*
 * The world: set up from a seed, run until nothing more can go wrong.
 *
 * STATES   storm   faults strike until heal_at
 *          calm    links work, everybody is up, Byzantine members stay; all
 *                  requests must be answered and all honest replicas level
 *
 * NOT HERE What strikes in the storm, and how it ends (storm.c), and when the
 *          calm may (calm.c).
 */
#include "sim/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "sim/beyond.h"
#include "sim/calm.h"
#include "sim/client.h"
#include "sim/disk.h"
#include "sim/feeding.h"
#include "sim/hush.h"
#include "sim/ladder.h"
#include "sim/lie.h"
#include "sim/pace.h"
#include "sim/replica.h"
#include "sim/storm.h"

#define SLOW_DISK 20 /* times as long */

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

static void
world_dispatch(struct world *w, const struct happening *h)
{
	switch (h->kind) {
	case HAPPEN_FAULT:
	case HAPPEN_HEAL:
	case HAPPEN_ROUND:
	case HAPPEN_FLAP:
	case HAPPEN_REBOOT:
	case HAPPEN_SLEEP:
	case HAPPEN_BLACKOUT:
		storm_happen(w, h);
		break;
	case HAPPEN_THINK:
	case HAPPEN_RETRY:
	case HAPPEN_REPLY:
		client_happen(w, h);
		break;
	case HAPPEN_LIE:
		lie_happen(w, h);
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
	storm_begin(w);
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
		calm_look(w);
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
