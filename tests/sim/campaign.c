/*
 * Campaigns: schedules of consecutive seeds, shared out among processes.
 *
 * RULES    1. Each 200th seed is run twice: nothing but the seed may decide
 *             what happens.
 *          2. Each 250th history is written down, when that is asked for, and
 *             each that was too hard to judge, which is told: for another
 *             judge (history.py).
 *          3. A long campaign in which an enabled fault was never injected,
 *             or a place never reached, has failed: its generator rotted.
 */
#include "sim/campaign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sim/account.h"
#include "sim/history.h"
#include "sim/reach.h"

#define WORKERS_MAX 64
#define TWICE_EVERY 200
#define VIOLATIONS_MAX 5
#define HISTORY_EVERY 250

/* Counts below this many schedules say nothing about rot. */
#define ROT_SCHEDULES 5000
#define ROT_SCHEDULES_RARE 1000000
#define ROT_SCHEDULES_BEYOND 1000

/* Shared by the workers. */
struct campaign {
	uint64_t done, violations, events;
	uint64_t seed[WORKERS_MAX]; /* at hand */
	pid_t pid[WORKERS_MAX];
	uint64_t counters[WORKERS_MAX][COUNT_COUNT];
	uint64_t reached[WORKERS_MAX][REACH_COUNT];
};

static void
tell(const struct world *w)
{
	printf("VIOLATION seed=%" PRIu64 " at=%" PRIu64 " us events=%" PRIu64
	       ": %s\n  ",
	    w->seed, w->now, w->events, w->violation);
	profile_print(&w->profile);
	printf("  replay: aegis-sim --strategy %s --profile %s --seed %" PRIu64
	       " --trace\n",
	    w->strategy->name, profile_name(w->kind), w->seed);
	(void)fflush(stdout);
}

bool
campaign_seed(struct world *w, uint64_t seed, uint64_t *counters, bool is_told)
{
	struct account account;
	uint64_t hash;
	bool is_well;

	account_begin(&account, counters);
	w->is_noted = w->is_noted || seed % TWICE_EVERY == 0;
	is_well = world_run(w, seed, counters);
	if (!is_well)
		tell(w);
	if (!is_well || is_told)
		account_print(&account, w, counters);
	if (!is_well)
		return false;
	if (seed % TWICE_EVERY != 0)
		return true;
	hash = w->hash;
	(void)world_run(w, seed, counters);
	if (w->hash == hash)
		return true;
	printf("VIOLATION seed=%" PRIu64 ": two runs differ\n", seed);
	return false;
}

/* One that can't be written is a violation of ours: nobody judges it. */
static bool
write_history(const struct campaign_options *o, const struct world *w)
{
	char path[4096];

	if (w->is_undecided)
		printf("undecided: seed=%" PRIu64 ", %s of %s\n", w->seed,
		    profile_name(o->kind), o->strategy->name);
	if (o->histories == NULL ||
	    (w->seed % HISTORY_EVERY != 0 && !w->is_undecided))
		return true;
	(void)snprintf(path, sizeof(path), "%s/%s-%" PRIu64 ".jsonl",
	    o->histories, o->strategy->name, w->seed);
	if (history_write(w, path))
		return true;
	perror(path);
	return false;
}

static void
work(struct campaign *c, const struct campaign_options *o, unsigned int self)
{
	uint64_t end = clock_mono_us() + o->seconds * 1000000;
	uint64_t i, most = o->is_first ? 1 : VIOLATIONS_MAX;
	struct world *w = world_new();

	w->kind = o->kind;
	w->strategy = o->strategy;
	for (i = self; o->count == 0 || i < o->count; i += o->jobs) {
		if ((o->seconds > 0 && clock_mono_us() >= end) ||
		    __atomic_load_n(&c->violations, __ATOMIC_RELAXED) >= most)
			break;
		w->is_noted = o->is_hashed;
		c->seed[self] = o->from + i;
		if (!campaign_seed(w, o->from + i, c->counters[self], false) ||
		    !write_history(o, w))
			__atomic_fetch_add(&c->violations, 1, __ATOMIC_RELAXED);
		if (o->is_hashed)
			printf("%" PRIu64 " %016" PRIx64 "\n", w->seed,
			    w->hash);
		__atomic_fetch_add(&c->done, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&c->events, w->events, __ATOMIC_RELAXED);
	}
	world_free(w);
	memcpy(c->reached[self], reach_counts, sizeof(reach_counts));
	(void)fflush(stdout);
}

static uint64_t
counter_sum(const struct campaign *c, enum counter counter)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < WORKERS_MAX; i++)
		sum += c->counters[i][counter];
	return sum;
}

/* How soon something must have happened in the swarm's schedules. */
enum due {
	DUE_NEVER,
	DUE_RARELY,
	DUE_USUALLY,
};

static const char *const due_words[] = { "never", "rarely", "usually" };

static enum due
place_due(const struct campaign_options *o, enum reach_often often)
{
	bool is_ours = o->kind == PROFILE_BEYOND ? often == REACH_BEYOND
	    : often == REACH_BEYOND              ? false
	    : o->strategy == &strategy_raft
	    ? often == REACH_RAFT || often == REACH_BOTH
	    : often != REACH_RAFT;

	return !is_ours           ? DUE_NEVER
	    : often == REACH_RARE ? DUE_RARELY
				  : DUE_USUALLY;
}

static enum due
counter_due(const struct campaign_options *o, enum counter_kind kind)
{
	bool is_both = kind == COUNTER_BOTH || kind == COUNTER_BOTH_REACH;
	bool is_raft = kind == COUNTER_RAFT || kind == COUNTER_RAFT_REACH;

	if ((kind == COUNTER_BEYOND) != (o->kind == PROFILE_BEYOND))
		return DUE_NEVER;
	return !is_both && is_raft != (o->strategy == &strategy_raft)
	    ? DUE_NEVER
	    : kind == COUNTER_RARE ? DUE_RARELY
				   : DUE_USUALLY;
}

/* Only where all kinds of schedules are made must all of it happen, and what
 * no other kind has. */
static bool
must_happen(const struct campaign *c, const struct campaign_options *o,
    enum due due)
{
	const uint64_t least = o->kind == PROFILE_BEYOND ? ROT_SCHEDULES_BEYOND
	    : due == DUE_RARELY                          ? ROT_SCHEDULES_RARE
							 : ROT_SCHEDULES;

	return due != DUE_NEVER && c->done >= least && !o->is_first &&
	    (o->kind == PROFILE_SWARM || o->kind == PROFILE_BEYOND);
}

/* One line of what was counted; false when it should have been. */
static bool
tell_count(const struct campaign *c, const struct campaign_options *o,
    const char *text, uint64_t sum, enum due due)
{
	if (o->is_json)
		printf("{\"counter\":\"%s\",\"value\":\"%" PRIu64
		       "\",\"due\":\"%s\"}\n",
		    text, sum, due_words[due]);
	if (sum > 0 || !must_happen(c, o, due))
		return true;
	printf("never happened: %s\n", text);
	return false;
}

/* Places that the engine was at, and whether it never was at one. */
static bool
tell_reached(const struct campaign *c, const struct campaign_options *o)
{
	bool is_sound = true;
	unsigned int i, k;

	for (k = 0; k < REACH_COUNT; k++) {
		uint64_t sum = 0;

		for (i = 0; i < WORKERS_MAX; i++)
			sum += c->reached[i][k];
		is_sound = tell_count(c, o, reach_text((enum reach)k), sum,
			       place_due(o, reach_often((enum reach)k))) &&
		    is_sound;
	}
	return is_sound;
}

/* What was injected, and whether some kind of it never was. */
static bool
tell_counters(const struct campaign *c, const struct campaign_options *o,
    uint64_t *faults)
{
	bool is_sound = true;
	unsigned int k;

	*faults = 0;
	for (k = 0; k < COUNT_COUNT; k++) {
		enum counter counter = (enum counter)k;
		const enum counter_kind kind = counter_kind(counter);
		uint64_t sum = counter_sum(c, counter);

		if (kind == COUNTER_FAULT || kind == COUNTER_RAFT ||
		    kind == COUNTER_BOTH)
			*faults += sum;
		is_sound = tell_count(c, o, counter_text(counter), sum,
			       counter_due(o, kind)) &&
		    is_sound;
	}
	return is_sound;
}

static bool
tell_all(const struct campaign *c, const struct campaign_options *o,
    uint64_t took)
{
	uint64_t faults;
	bool is_sound = tell_counters(c, o, &faults);

	is_sound = tell_reached(c, o) && is_sound;

	if (o->is_hashed)
		return is_sound && c->violations == 0;
	printf("%" PRIu64 " schedules, %" PRIu64 " events, %" PRIu64
	       " faults, %" PRIu64 " violations in %" PRIu64 " s, %" PRIu64
	       ".%" PRIu64 " schedules/s\n",
	    c->done, c->events, faults, c->violations, took / 1000000,
	    c->done * 1000000 / took, c->done * 10000000 / took % 10);
	return is_sound && c->violations == 0;
}

/* A process that has died has met an assertion, in this seed. */
static void
tell_death(const struct campaign *c, pid_t pid, int how)
{
	unsigned int i;

	for (i = 0; i < WORKERS_MAX; i++)
		if (c->pid[i] == pid)
			printf("VIOLATION seed=%" PRIu64
			       ": the process died (status %d)\n",
			    c->seed[i], how);
}

static bool
wait_for(const struct campaign *c, unsigned int jobs)
{
	bool is_sound = true;
	unsigned int i;

	for (i = 0; i < jobs; i++) {
		int how;
		pid_t pid = wait(&how);

		AG_ASSERT(pid > 0);
		if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
			continue;
		tell_death(c, pid, how);
		is_sound = false;
	}
	return is_sound;
}

static unsigned int
jobs_of(const struct campaign_options *o)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->is_hashed)
		return 1;
	if (o->jobs > 0)
		return o->jobs < WORKERS_MAX ? o->jobs : WORKERS_MAX;
	return cores < 1          ? 1
	    : cores < WORKERS_MAX ? (unsigned int)cores
				  : WORKERS_MAX;
}

int
campaign_run(const struct campaign_options *o)
{
	struct campaign_options copy = *o;
	uint64_t began = clock_mono_us();
	struct campaign *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool is_sound;
	unsigned int i;

	AG_ASSERT(c != MAP_FAILED);
	copy.jobs = jobs_of(o);
	printf("%s schedules from seed %" PRIu64 "\n",
	    o->strategy == &strategy_pbft ? profile_name(o->kind)
					  : o->strategy->name,
	    o->from);
	(void)fflush(stdout);
	for (i = 0; i < copy.jobs; i++) {
		pid_t pid = fork();

		AG_ASSERT(pid != -1);
		if (pid == 0) {
			work(c, &copy, i);
			exit(0);
		}
		c->pid[i] = pid;
	}
	is_sound = wait_for(c, copy.jobs);
	is_sound = tell_all(c, o, clock_mono_us() - began) && is_sound;
	(void)munmap(c, sizeof(*c));
	return is_sound ? 0 : 1;
}
