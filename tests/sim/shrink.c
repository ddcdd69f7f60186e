/*
 * Reducing a failing schedule: delta debugging (Zeller & Hildebrandt,
 * "Simplifying and Isolating Failure-Inducing Input", 2002) over the choices
 * and the number of requests.
 *
 * RULES    1. A schedule counts as failing the same way when the same rule
 *             is broken, whatever its numbers.
 *          2. The search ends after RUNS_MAX schedules with what it has.
 */
#include "sim/shrink.h"

#include <inttypes.h>
#include <stdio.h>

#define RUNS_MAX 4000

struct reduction {
	struct world *world;
	uint64_t seed;
	const char *rule;
	uint32_t kept[CHOICES_MAX]; /* rising */
	uint32_t count;
	uint32_t requests;
	uint32_t runs;
	uint64_t ignored[COUNT_COUNT]; /* counters of no interest */
};

/* Does it still fail with what is kept, but for these of them? */
static bool
fails_without(struct reduction *x, uint32_t first, uint32_t count)
{
	struct world *w = x->world;
	uint32_t i;

	x->runs++;
	choices_keep_none(&w->choices);
	for (i = 0; i < x->count; i++)
		if (i < first || i - first >= count)
			choices_keep(&w->choices, x->kept[i]);
	w->requests_max = x->requests;
	return !world_run(w, x->seed, x->ignored) && w->rule == x->rule;
}

static void
drop(struct reduction *x, uint32_t first, uint32_t count)
{
	uint32_t i;

	for (i = first + count; i < x->count; i++)
		x->kept[i - count] = x->kept[i];
	x->count -= count;
}

/* Leave out pieces of this size, from the last to the first. */
static void
drop_pieces(struct reduction *x, uint32_t size)
{
	uint32_t end = x->count;

	while (end > 0 && x->runs < RUNS_MAX) {
		uint32_t first = end > size ? end - size : 0;

		if (fails_without(x, first, end - first))
			drop(x, first, end - first);
		end = first;
	}
}

/*
 * The same from the front.  What comes after a choice left out may have
 * other numbers, so the two ways do not end alike.
 */
static void
drop_pieces_forward(struct reduction *x, uint32_t size)
{
	uint32_t first = 0;

	while (first < x->count && x->runs < RUNS_MAX) {
		uint32_t count =
		    x->count - first < size ? x->count - first : size;

		if (fails_without(x, first, count))
			drop(x, first, count);
		else
			first += count;
	}
}

static void
drop_choices(struct reduction *x)
{
	uint32_t size = x->count;

	for (; size > 1; size /= 2) {
		drop_pieces(x, size);
		drop_pieces_forward(x, size);
	}
	drop_pieces(x, 1);
	drop_pieces_forward(x, 1);
}

/* Half as many requests, as long as that is enough; then one less. */
static void
drop_requests(struct reduction *x)
{
	uint32_t by;

	for (by = x->requests / 2; by > 0 && x->runs < RUNS_MAX;) {
		x->requests -= by;
		if (!fails_without(x, 0, 0)) {
			x->requests += by;
			by /= 2;
		} else if (by > x->requests / 2) {
			by = x->requests / 2;
		}
	}
}

static void
print_list(const struct reduction *x)
{
	uint32_t i, last;

	for (i = 0; i < x->count; i = last + 1) {
		last = i;
		while (last + 1 < x->count &&
		    x->kept[last + 1] == x->kept[last] + 1)
			last++;
		printf("%s%" PRIu32, i == 0 ? "" : ",", x->kept[i]);
		if (last > i)
			printf("-%" PRIu32, x->kept[last]);
	}
}

static void
print(const struct reduction *x)
{
	const struct world *w = x->world;
	uint32_t i;

	printf("shrunk to %" PRIu32 " choices, %" PRIu32
	       " requests and %" PRIu64 " events in %" PRIu32 " runs: %s\n",
	    x->count, x->requests, w->events, x->runs, w->violation);
	for (i = 0; i < x->count; i++)
		printf("  %" PRIu32 " %s\n", x->kept[i],
		    counter_text((enum counter)w->choices.what[x->kept[i]]));
	printf("  replay: aegis-sim --strategy %s --profile %s --seed %" PRIu64
	       " --requests %" PRIu32 " --keep '",
	    w->strategy->name, profile_name(w->kind), x->seed, x->requests);
	print_list(x);
	printf("'\n");
}

void
shrink(struct world *w)
{
	static struct reduction x; /* too large for the stack */
	uint32_t before, i;

	x.world = w;
	x.seed = w->seed;
	x.rule = w->rule;
	x.requests = w->profile.requests;
	x.runs = 0;
	x.count = 0;
	for (i = 0; i < w->choices.count; i++)
		if (choices_has(&w->choices, i))
			x.kept[x.count++] = i;
	do {
		before = x.count + x.requests;
		drop_choices(&x);
		drop_requests(&x);
	} while (x.count + x.requests < before && x.runs < RUNS_MAX);
	if (fails_without(&x, 0, 0))
		print(&x);
	else
		printf("it does not fail alike when its choices are kept\n");
}
