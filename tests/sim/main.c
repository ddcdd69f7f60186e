/*
 * aegis-sim: the agreement engine in a world that wishes it ill.
 *
 *	aegis-sim --seed N [--trace]     replay one schedule
 *	aegis-sim --count N [--from N]   so many schedules
 *	aegis-sim --seconds N            as many as fit
 *	          --first                end with the first violation
 *
 * Exits 0 without a violation, 1 with one, 2 for usage.  A violation's seed
 * is all that is needed to see it again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sim/world.h"

#define WORKERS_MAX 64
#define TWICE_EVERY 200
#define VIOLATIONS_MAX 5

/* Counts below this many schedules say nothing about rot. */
#define ROT_SCHEDULES 5000

struct options {
	uint64_t seed, from, count, seconds;
	unsigned int jobs;
	bool has_seed, is_traced, is_json, is_first;
};

/* Shared by the workers. */
struct campaign {
	uint64_t done, violations;
	uint64_t counters[WORKERS_MAX][COUNT_COUNT];
};

static int
usage(void)
{
	fprintf(stderr,
	    "usage: aegis-sim --seed N [--trace] | --count N | --seconds N\n"
	    "                 [--from N] [--jobs N] [--first] [--json]\n");
	return 2;
}

static bool
parse(struct options *o, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		uint64_t *number = NULL, jobs = 0;
		char *end;

		if (strcmp(argv[i], "--trace") == 0) {
			o->is_traced = true;
			continue;
		}
		if (strcmp(argv[i], "--first") == 0) {
			o->is_first = true;
			continue;
		}
		if (strcmp(argv[i], "--json") == 0) {
			o->is_json = true;
			continue;
		}
		if (strcmp(argv[i], "--seed") == 0) {
			o->has_seed = true;
			number = &o->seed;
		} else if (strcmp(argv[i], "--from") == 0) {
			number = &o->from;
		} else if (strcmp(argv[i], "--count") == 0) {
			number = &o->count;
		} else if (strcmp(argv[i], "--seconds") == 0) {
			number = &o->seconds;
		} else if (strcmp(argv[i], "--jobs") == 0) {
			number = &jobs;
		}
		if (number == NULL || ++i == argc)
			return false;
		errno = 0;
		*number = strtoull(argv[i], &end, 10);
		if (*end != '\0' || errno != 0)
			return false;
		if (number == &jobs)
			o->jobs = jobs >= 1 && jobs <= WORKERS_MAX
			    ? (unsigned int)jobs
			    : 1;
	}
	return o->has_seed || o->count > 0 || o->seconds > 0;
}

static void
tell(const struct world *w)
{
	printf("VIOLATION seed=%" PRIu64 " at=%" PRIu64 " us events=%" PRIu64
	       ": %s\n  ",
	    w->seed, w->now, w->events, w->violation);
	profile_print(&w->profile);
	printf("  replay: aegis-sim --seed %" PRIu64 " --trace\n", w->seed);
	(void)fflush(stdout);
}

/* One schedule, sometimes twice: nothing may depend on anything else. */
static bool
run_seed(struct world *w, uint64_t seed, uint64_t *counters)
{
	uint64_t hash;

	if (!world_run(w, seed, counters)) {
		tell(w);
		return false;
	}
	if (seed % TWICE_EVERY != 0)
		return true;
	hash = w->hash;
	(void)world_run(w, seed, counters);
	if (w->hash == hash)
		return true;
	printf("VIOLATION seed=%" PRIu64 ": two runs differ\n", seed);
	return false;
}

static void
work(struct campaign *c, const struct options *o, unsigned int self)
{
	uint64_t end = clock_mono_us() + o->seconds * 1000000;
	struct world *w = world_new();
	uint64_t i, most = o->is_first ? 1 : VIOLATIONS_MAX;

	for (i = self; o->count == 0 || i < o->count; i += o->jobs) {
		if ((o->seconds > 0 && clock_mono_us() >= end) ||
		    __atomic_load_n(&c->violations, __ATOMIC_RELAXED) >= most)
			break;
		if (!run_seed(w, o->from + i, c->counters[self]))
			__atomic_fetch_add(&c->violations, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&c->done, 1, __ATOMIC_RELAXED);
	}
	world_free(w);
}

/* What was injected, and whether some kind of it never was. */
static bool
tell_counters(const struct campaign *c, const struct options *o)
{
	bool is_sound = true;
	unsigned int i, k;

	for (k = 0; k < COUNT_COUNT; k++) {
		uint64_t sum = 0;

		for (i = 0; i < WORKERS_MAX; i++)
			sum += c->counters[i][k];
		if (o->is_json)
			printf("{\"counter\":\"%s\",\"value\":\"%" PRIu64
			       "\"}\n",
			    counter_text((enum counter)k), sum);
		if (sum == 0 && c->done >= ROT_SCHEDULES &&
		    counter_kind((enum counter)k) != COUNTER_RARE) {
			printf("never happened: %s\n",
			    counter_text((enum counter)k));
			is_sound = false;
		}
	}
	return is_sound;
}

static int
campaign(const struct options *o)
{
	uint64_t began = clock_mono_us(), took;
	struct campaign *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool is_sound = true;
	unsigned int i;

	AG_ASSERT(c != MAP_FAILED);
	printf("schedules from seed %" PRIu64 "\n", o->from);
	(void)fflush(stdout);
	for (i = 0; i < o->jobs; i++) {
		pid_t pid = fork();

		AG_ASSERT(pid != -1);
		if (pid == 0) {
			work(c, o, i);
			_exit(0);
		}
	}
	for (i = 0; i < o->jobs; i++) {
		int how;

		AG_ASSERT(wait(&how) > 0);
		if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
			printf("a worker died (status %d)\n", how);
			is_sound = false;
		}
	}
	is_sound = tell_counters(c, o) && is_sound;
	took = clock_mono_us() - began;
	printf("%" PRIu64 " schedules, %" PRIu64 " violations, %" PRIu64
	       ".%" PRIu64 " schedules/s\n",
	    c->done, c->violations, c->done * 1000000 / took,
	    c->done * 10000000 / took % 10);
	return c->violations == 0 && is_sound ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct options o = { .jobs = 1 };
	uint64_t counters[COUNT_COUNT] = { 0 };
	struct world *w;
	bool is_ok;

	if (!parse(&o, argc, argv))
		return usage();
	if (!o.has_seed) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);

		if (o.jobs == 1 && cores > 1)
			o.jobs = cores < WORKERS_MAX ? (unsigned int)cores
						     : WORKERS_MAX;
		return campaign(&o);
	}
	w = world_new();
	w->is_traced = o.is_traced;
	is_ok = run_seed(w, o.seed, counters);
	if (is_ok)
		printf("seed %" PRIu64 ": %" PRIu64 " events, no violation\n",
		    o.seed, w->events);
	world_free(w);
	return is_ok ? 0 : 1;
}
