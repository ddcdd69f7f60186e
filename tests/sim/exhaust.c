/*
 * The small scope: the engine as its own model, checked by running it.
 *
 * DECISIONS  first who misbehaves, and at which message the others begin to
 *            matter; then for each of so many messages of agreement, in the
 *            order in which they are sent, whether it is on time, late or
 *            lost.  Messages on time arrive in rounds, so that the order
 *            within a round is one of those that cannot matter.
 *
 * RULES      1. Every path is one schedule, lived through from its start;
 *               the next path differs in the last decision that has another
 *               way out (stateless search, as in Godefroid's VeriSoft).
 *            2. After the messages decided on everything arrives: requests
 *               must be answered on every path.
 */
#include "sim/exhaust.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec/message.h"
#include "sim/world.h"

#define MILLISECOND 1000U
#define STARTS 6
#define START_EVERY 7
#define JOBS_MAX 64

/* Who misbehaves, and how. */
static const struct {
	uint32_t member;
	uint32_t byzantine;
	uint64_t down_at; /* until the storm is over; 0: stays up */
} culprits[] = {
	{ 0, 0, 0 },
	{ 0, 0, 1500 }, /* the primary, when it has proposed */
	{ 0, 0, 3500 }, /* and when it has committed */
	{ 1, 0, 2500 }, /* the next primary */
	{ 0, BYZ_TWIN, 0 },
	{ 0, BYZ_EQUIVOCATE, 0 },
	{ 1, BYZ_PLEDGES, 0 },
};

static uint32_t
decide(struct exhaust *x, uint32_t radix)
{
	uint32_t at = x->depth;

	if (at == EXHAUST_DEPTH_MAX)
		return 0;
	x->depth++;
	x->radix[at] = (uint8_t)radix;
	if (at >= x->set)
		x->digits[at] = 0;
	return x->digits[at];
}

void
exhaust_begin(struct exhaust *x, struct profile *p)
{
	uint32_t culprit;

	x->depth = 0;
	x->seen = 0;
	culprit = decide(x, sizeof(culprits) / sizeof(culprits[0]));
	x->from = START_EVERY * decide(x, STARTS);
	*p = (struct profile){
		.member_count = 4,
		.client_count = 1,
		.requests = 2,
		.operations_max = 1,
		.think_us = 500,
		.checkpoint_interval = 2,
		.window = 4,
		.pipeline_max = 2,
		.view_timeout_us = 12 * MILLISECOND,
		.progress_interval_us = 10 * MILLISECOND,
		.delay_floor_us = MILLISECOND,
		.is_ordered = true,
		.heal_at = 60 * MILLISECOND,
		.calm_us = 5000 * MILLISECOND,
		.retry_us = 15 * MILLISECOND,
		.look_us = MILLISECOND,
		.twins = 1,
		.strikes = STRIKES_ALL,
		.sleeper = culprits[culprit].member,
		.sleep_at = culprits[culprit].down_at,
	};
	p->byzantine[culprits[culprit].member] = culprits[culprit].byzantine;
}

enum exhaust_fate
exhaust_fate(struct exhaust *x, uint64_t type)
{
	uint64_t at = x->seen;

	if (type != MESSAGE_PRE_PREPARE && type != MESSAGE_VOTES &&
	    type != MESSAGE_VIEW_CHANGE && type != MESSAGE_NEW_VIEW)
		return EXHAUST_ON_TIME;
	x->seen++;
	if (at < x->from || at >= x->from + x->most)
		return EXHAUST_ON_TIME;
	return (enum exhaust_fate)decide(x, EXHAUST_FATES);
}

/* The next path that has these first decisions; false after the last. */
static bool
next_path(struct exhaust *x, uint32_t fixed)
{
	uint32_t at = x->depth;

	while (at > fixed) {
		at--;
		if (x->digits[at] + 1 < x->radix[at]) {
			x->digits[at]++;
			x->set = at + 1;
			return true;
		}
	}
	return false;
}

static void
tell(const struct world *w)
{
	const struct exhaust *x = &w->exhaust;
	uint32_t i;

	printf("VIOLATION path=");
	for (i = 0; i < x->depth; i++)
		printf("%s%u", i == 0 ? "" : ",", x->digits[i]);
	printf(" at=%" PRIu64 " us: %s\n  replay: aegis-sim --exhaust %" PRIu32
	       " --path ",
	    w->now, w->violation, x->most);
	for (i = 0; i < x->depth; i++)
		printf("%s%u", i == 0 ? "" : ",", x->digits[i]);
	printf(" --trace\n");
	(void)fflush(stdout);
}

/* Shared by the processes. */
struct total {
	uint64_t paths, violations, events;
};

static void
search(struct total *t, uint32_t most, unsigned int jobs, unsigned int self)
{
	uint64_t counters[COUNT_COUNT] = { 0 };
	struct world *w = world_new();
	uint32_t culprit, start, lot = 0;

	for (culprit = 0; culprit < sizeof(culprits) / sizeof(culprits[0]);
	     culprit++) {
		for (start = 0; start < STARTS; start++) {
			if (lot++ % jobs != self)
				continue;
			memset(&w->exhaust, 0, sizeof(w->exhaust));
			w->exhaust.most = most;
			w->exhaust.digits[0] = (uint8_t)culprit;
			w->exhaust.digits[1] = (uint8_t)start;
			w->exhaust.set = 2;
			do {
				bool is_ok = world_run(w, 1, counters);

				__atomic_fetch_add(&t->paths, 1,
				    __ATOMIC_RELAXED);
				__atomic_fetch_add(&t->events, w->events,
				    __ATOMIC_RELAXED);
				if (is_ok)
					continue;
				tell(w);
				__atomic_fetch_add(&t->violations, 1,
				    __ATOMIC_RELAXED);
				break;
			} while (next_path(&w->exhaust, 2));
		}
	}
	world_free(w);
}

int
exhaust_run(uint32_t most, unsigned int jobs)
{
	struct total *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool is_sound = true;
	unsigned int i;

	AG_ASSERT(t != MAP_FAILED);
	jobs = jobs > 0 && jobs < JOBS_MAX ? jobs : 2;
	(void)fflush(stdout);
	for (i = 0; i < jobs; i++) {
		pid_t pid = fork();

		AG_ASSERT(pid != -1);
		if (pid == 0) {
			search(t, most, jobs, i);
			exit(0);
		}
	}
	for (i = 0; i < jobs; i++) {
		int how;

		AG_ASSERT(wait(&how) > 0);
		is_sound = is_sound && WIFEXITED(how) && WEXITSTATUS(how) == 0;
	}
	printf("%" PRIu64 " paths, all of %" PRIu32 " messages, %" PRIu64
	       " events, %" PRIu64 " violations\n",
	    t->paths, most, t->events, t->violations);
	return is_sound && t->violations == 0 ? 0 : 1;
}

bool
exhaust_one(uint32_t most, const char *path, bool is_traced)
{
	uint64_t counters[COUNT_COUNT] = { 0 };
	struct world *w = world_new();
	struct exhaust *x = &w->exhaust;
	const char *at = path;
	bool is_ok;

	x->most = most;
	w->is_traced = is_traced;
	while (*at != '\0' && x->set < EXHAUST_DEPTH_MAX) {
		char *end;

		x->digits[x->set++] = (uint8_t)strtoul(at, &end, 10);
		at = *end == ',' ? end + 1 : end;
		if (end == at && *end != '\0')
			break;
	}
	is_ok = world_run(w, 1, counters);
	if (!is_ok)
		tell(w);
	world_free(w);
	return is_ok;
}
