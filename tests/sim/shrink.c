/*
 * Reducing a failing schedule: delta debugging (Zeller & Hildebrandt,
 * "Simplifying and Isolating Failure-Inducing Input", 2002) over the kinds of
 * choices, the choices, and how many requests, clients and members there are.
 *
 * RULES    1. A schedule counts as failing the same way when the same rule
 *             is broken, whatever its numbers, or when the process dies.
 *          2. Members and clients go first, then kinds, and as a whole: what
 *             is left out one by one shifts the numbers of what the world
 *             does in answer.
 *          3. Where that leaves more than CHOICES_GOAL, it is tried again from
 *             the whole schedule, with pieces drawn by lot left out first:
 *             what can be left out depends on what was before.
 *          4. The search ends after RUNS_MAX schedules, or EVENTS_MAX events in
 *             them, with the best it has.
 */
#include "sim/shrink.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/trial.h"

#define RUNS_MAX 8000
#define EVENTS_MAX 20000000
#define CHOICES_GOAL 20
#define AGAIN_MAX 12

/* Pieces drawn by lot, one after the other, that could not be left out. */
#define MISSES_MAX 60

/* What is left of the schedule. */
struct rest {
	uint32_t kept[CHOICES_MAX]; /* rising */
	uint32_t count;
	struct limit limit;
};

struct reduction {
	struct trials trials;
	struct choices *choices; /* the world's, */
	struct choices whole;    /* and as they were asked for */
	const char *rule;
	struct dice dice;
	struct rest rest, best;
	bool is_struck[COUNT_COUNT]; /* kinds of what is left */
};

/* Does it still fail, as the world's choices are filtered now? */
static bool
fails(struct reduction *x)
{
	const char *rule = trial_run(&x->trials, &x->rest.limit);

	return rule != NULL && (x->rule == NULL || rule == x->rule);
}

/* Does it with what is kept, but for these of them? */
static bool
fails_without(struct reduction *x, uint32_t first, uint32_t count)
{
	struct choices *c = x->choices;
	uint32_t i;

	choices_keep_none(c);
	for (i = 0; i < x->rest.count; i++)
		if (i < first || i - first >= count)
			choices_keep(c, x->rest.kept[i]);
	return fails(x);
}

/* Keep what struck in the schedule that failed last, and nothing else. */
static void
take_what_struck(struct reduction *x)
{
	const struct choices *c = &x->trials.trial->choices;
	uint32_t i;

	x->rest.count = 0;
	memset(x->is_struck, 0, sizeof(x->is_struck));
	for (i = 0; i < c->count; i++)
		if (choices_struck(c, i)) {
			x->rest.kept[x->rest.count++] = i;
			x->is_struck[c->what[i]] = true;
		}
}

static bool
may_go_on(const struct reduction *x)
{
	return x->trials.runs < RUNS_MAX && x->trials.events < EVENTS_MAX;
}

static void
drop_kinds(struct reduction *x)
{
	struct choices *c = x->choices;
	uint32_t kind;

	for (kind = 0; kind < COUNT_COUNT && may_go_on(x); kind++) {
		c->dropped[kind] = true;
		if (!x->is_struck[kind])
			continue;
		if (fails(x))
			take_what_struck(x);
		else
			c->dropped[kind] = false;
	}
	memset(c->dropped, 0, sizeof(c->dropped));
}

/* Leave out pieces of this size, from the last to the first. */
static void
drop_pieces(struct reduction *x, uint32_t size)
{
	uint32_t end = x->rest.count;

	while (end > 0 && may_go_on(x)) {
		uint32_t first = end > size ? end - size : 0;

		if (fails_without(x, first, end - first))
			take_what_struck(x);
		end = first < x->rest.count ? first : x->rest.count;
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

	while (first < x->rest.count && may_go_on(x)) {
		uint32_t count =
		    x->rest.count - first < size ? x->rest.count - first : size;

		if (fails_without(x, first, count))
			take_what_struck(x);
		else
			first += count;
	}
}

static void
drop_choices(struct reduction *x)
{
	uint32_t size = x->rest.count;

	for (; size > 1; size /= 2) {
		drop_pieces(x, size);
		drop_pieces_forward(x, size);
	}
	drop_pieces(x, 1);
	drop_pieces_forward(x, 1);
}

/* Pieces drawn by lot, as long as some can be. */
static void
drop_by_lot(struct reduction *x)
{
	uint32_t misses = 0;

	while (misses < MISSES_MAX && x->rest.count > 1 && may_go_on(x)) {
		const uint64_t size =
		    dice_range(&x->dice, 1, x->rest.count / 4 + 1);
		const uint64_t first =
		    dice_below(&x->dice, x->rest.count - size + 1);

		if (fails_without(x, (uint32_t)first, (uint32_t)size)) {
			take_what_struck(x);
			misses = 0;
		} else {
			misses++;
		}
	}
}

/* Half as many of something, as long as that is enough; then one less. */
static void
drop_number(struct reduction *x, uint32_t *number)
{
	uint32_t by;

	for (by = *number / 2; by > 0 && may_go_on(x);) {
		*number -= by;
		if (fails_without(x, 0, 0)) {
			take_what_struck(x);
			if (by > *number / 2)
				by = *number / 2;
		} else {
			*number += by;
			by /= 2;
		}
	}
}

/* The fewest members, then clients, with which the whole schedule fails. */
static void
drop_inhabitants(struct reduction *x)
{
	struct limit *l = &x->rest.limit;
	const struct limit whole = *l;
	uint32_t n = limit_members_min(world_is_raft(x->trials.world));

	for (; n < whole.members && l->members == whole.members; n++) {
		l->members = n;
		if (fails(x))
			*l = x->trials.trial->limit;
		else
			*l = whole;
	}
	for (n = 1; n < whole.clients && l->clients == whole.clients; n++) {
		l->clients = n;
		if (!fails(x))
			l->clients = whole.clients;
	}
}

static void
print_list(const struct rest *r)
{
	uint32_t i, last;

	for (i = 0; i < r->count; i = last + 1) {
		last = i;
		while (last + 1 < r->count &&
		    r->kept[last + 1] == r->kept[last] + 1)
			last++;
		printf("%s%" PRIu32, i == 0 ? "" : ",", r->kept[i]);
		if (last > i)
			printf("-%" PRIu32, r->kept[last]);
	}
}

static void
print(struct reduction *x)
{
	const struct trial *t = x->trials.trial;
	const struct world *w = x->trials.world;
	const struct rest *r = &x->rest;
	uint32_t i;

	printf("shrunk to %" PRIu32 " choices, %" PRIu32 " requests of %" PRIu32
	       " clients, %" PRIu32 " members and %" PRIu64
	       " events in %" PRIu32 " runs: %s\n",
	    r->count, r->limit.requests, r->limit.clients, r->limit.members,
	    t->events, x->trials.runs, t->violation);
	for (i = 0; i < r->count; i++)
		printf("  %" PRIu32 " %s\n", r->kept[i],
		    counter_text((enum counter)t->choices.what[r->kept[i]]));
	printf("  replay: aegis-sim --strategy %s --profile %s --seed %" PRIu64
	       " --requests %" PRIu32 " --clients %" PRIu32
	       " --members %" PRIu32 " --keep '",
	    w->strategy->name, profile_name(w->kind), x->trials.seed,
	    r->limit.requests, r->limit.clients, r->limit.members);
	print_list(r);
	printf("'\n");
}

/* The whole schedule, as it was asked for; false when it does not fail. */
static bool
begin(struct reduction *x)
{
	const struct world *w = x->trials.world;

	x->rest.limit = w->limit;
	if (!fails(x))
		return false;
	x->rule = x->trials.trial->rule;
	x->rest.limit = x->trials.trial->limit;
	return true;
}

static void
reduce(struct reduction *x, bool is_by_lot)
{
	uint32_t before;

	if (is_by_lot)
		drop_by_lot(x);
	else
		drop_kinds(x);
	do {
		before = x->rest.count + x->rest.limit.requests;
		drop_choices(x);
		drop_number(x, &x->rest.limit.requests);
		drop_number(x, &x->rest.limit.clients);
	} while (
	    x->rest.count + x->rest.limit.requests < before && may_go_on(x));
}

static void
rest_copy(struct rest *to, const struct rest *from)
{
	memcpy(to->kept, from->kept, from->count * sizeof(to->kept[0]));
	to->count = from->count;
	to->limit = from->limit;
}

/* In one way, and by lot in others as long as too much is left. */
static void
reduce_well(struct reduction *x)
{
	struct limit limit;
	uint32_t again;

	x->whole = *x->choices;
	drop_inhabitants(x);
	limit = x->rest.limit;
	for (again = 0; again <= AGAIN_MAX; again++) {
		if (again > 0 &&
		    (x->best.count <= CHOICES_GOAL || !may_go_on(x)))
			break;
		*x->choices = x->whole;
		x->rest.limit = limit;
		AG_ASSERT(fails(x));
		take_what_struck(x);
		reduce(x, again > 0);
		if (again == 0 || x->rest.count < x->best.count)
			rest_copy(&x->best, &x->rest);
	}
	rest_copy(&x->rest, &x->best);
	if (fails_without(x, 0, 0))
		print(x);
	else
		printf("it does not fail alike when its choices are kept\n");
}

bool
shrink(struct world *w, uint64_t seed)
{
	static struct reduction x; /* too large for the stack */
	bool has_failed;

	trial_open(&x.trials, w, seed);
	x.choices = &w->choices;
	x.rule = NULL;
	dice_init(&x.dice, seed, 8);
	has_failed = begin(&x);
	if (has_failed)
		reduce_well(&x);
	trial_close(&x.trials);
	return has_failed;
}
