/*
 * The small scope: the engine as its own model, checked by running it.
 *
 * From where a scene begins, or some arrivals in the order of sending later,
 * any message in flight may be the next to arrive, up to so many arrivals.
 * From each state found on this way the rest is lost, or comes late, when
 * patience has ended, or at last, where the arrivals end, in time: and then
 * the world goes on as any other does, up to its end.
 *
 * RULES    1. The search is depth first.  A state is left again by copying
 *             back what was kept of it (saved.c): engines are pure, so they
 *             know of nothing else.
 *          2. Of two ways to the same state (fingerprint.c) after as many
 *             arrivals the second is cut.
 *          3. Each 200th state is reached again from the scene's beginning,
 *             and must be the same: nothing was left out of what is kept.
 *          4. Every rule of the simulator is judged on each way, as on any
 *             schedule.  A path, with its scene, says all.
 */
#include "sim/exhaust.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/fingerprint.h"
#include "sim/saved.h"
#include "sim/scene.h"

#define JOBS_MAX 64
#define SKIPS 4
#define SKIP_EVERY 3
#define TABLE_SIZE (UINT32_C(1) << 22) /* a power of two */
#define STATES_MAX (TABLE_SIZE / 4 * 3)
#define TWICE_EVERY 200
#define NO_ENDING ENDINGS

/* What becomes of what has not arrived. */
enum ending {
	ENDING_LOST,
	ENDING_LATE,
	ENDING_IN_TIME,
	ENDINGS,
};

static const char *const endings[ENDINGS] = { "lost", "late", "in-time" };

/* Where a scene is left: arrivals in order, then those chosen. */
struct path {
	uint32_t scene, skip;
	uint32_t depth;
	uint32_t chosen[EXHAUST_DEPTH_MAX];
	uint32_t ending; /* or NO_ENDING */
};

/* Of one scene. */
struct total {
	uint64_t states;   /* that differ */
	uint64_t arrivals; /* that led to one */
	uint64_t cut;      /* to one known already */
	uint64_t ends;     /* worlds that went on up to their end */
	uint64_t violations;
};

/* What processes share. */
struct shared {
	uint32_t next; /* lot that nobody has begun */
	bool is_over;  /* a rule was broken: that is enough */
	struct total totals[SCENE_COUNT_MAX];
	struct path at_hand[JOBS_MAX];
	pid_t pid[JOBS_MAX];
};

struct search {
	struct world *world, *other;
	struct shared *shared;
	struct path *path;
	struct total total;
	uint32_t most;
	struct saved *kept[EXHAUST_DEPTH_MAX + 1];
	/* Fingerprints of the replicas, after so many arrivals. */
	uint64_t prints[EXHAUST_DEPTH_MAX + 1][WORLD_REPLICAS_MAX];
	uint64_t *table; /* of states; 0: free */
	uint32_t used;
	uint64_t counters[COUNT_COUNT];
};

/* --- states --- */

/* Has this one not been there yet? */
static bool
table_add(struct search *x, uint64_t state)
{
	uint32_t at = (uint32_t)state & (TABLE_SIZE - 1);

	state |= state == 0;
	while (x->table[at] != 0) {
		if (x->table[at] == state)
			return false;
		at = (at + 1) & (TABLE_SIZE - 1);
	}
	AG_ASSERT(x->used < STATES_MAX);
	x->used++;
	x->table[at] = state;
	return true;
}

/* Only the replicas that have changed, a bit each, are looked at. */
static bool
is_new(struct search *x, uint32_t depth, uint32_t changed)
{
	const struct world *w = x->world;
	uint64_t state = fingerprint_rest(w) + depth;
	uint64_t *prints = x->prints[depth];
	uint32_t i;

	for (i = 0; i < w->replica_count; i++) {
		prints[i] = (changed >> i & 1) != 0
		    ? fingerprint_replica(&w->replicas[i])
		    : x->prints[depth - 1][i];
		state = (state ^ prints[i]) * 0x9e3779b97f4a7c15U;
		state ^= state >> 31;
	}
	return table_add(x, state);
}

/* --- paths --- */

static void
path_print(const struct path *p)
{
	uint32_t i;

	printf("%" PRIu32 ",%" PRIu32, p->scene, p->skip);
	for (i = 0; i < p->depth; i++)
		printf(",%" PRIu32, p->chosen[i]);
	if (p->ending != NO_ENDING)
		printf(",%s", endings[p->ending]);
}

static bool
parse_ending(struct path *p, const char *word)
{
	uint32_t i;

	for (i = 0; i < ENDINGS; i++)
		if (strcmp(word, endings[i]) == 0)
			p->ending = i;
	return p->ending != NO_ENDING;
}

static bool
path_parse(struct path *p, const char *text)
{
	uint32_t *numbers[2 + EXHAUST_DEPTH_MAX] = { &p->scene, &p->skip };
	const char *at = text;
	uint32_t i;

	*p = (struct path){ .ending = NO_ENDING };
	for (i = 0; i < EXHAUST_DEPTH_MAX; i++)
		numbers[2 + i] = &p->chosen[i];
	for (i = 0; i < 2 + EXHAUST_DEPTH_MAX; i++) {
		char *end;

		*numbers[i] = (uint32_t)strtoul(at, &end, 10);
		if (end == at)
			return i >= 2 && parse_ending(p, at);
		p->depth = i < 2 ? 0 : i - 1;
		if (*end == '\0')
			return i > 0;
		if (*end != ',')
			return false;
		at = end + 1;
	}
	return parse_ending(p, at);
}

static void
tell(const struct path *p, const char *violation)
{
	printf("VIOLATION in %s: %s\n  replay: aegis-sim --path ",
	    scene_name(p->scene), violation);
	path_print(p);
	printf(" --trace\n");
	(void)fflush(stdout);
}

/* Live up to where a path leaves its scene; false when it leads nowhere. */
static bool
follow(struct world *w, const struct path *p, uint64_t *counters)
{
	uint32_t i;

	scene_begin(w, p->scene, counters);
	for (i = 0; i < p->skip && w->flight.count > 0; i++)
		flight_arrive(w, 0);
	for (i = 0; i < p->depth && !w->is_violated; i++) {
		if (p->chosen[i] >= w->flight.count)
			return false;
		flight_arrive(w, p->chosen[i]);
	}
	return true;
}

static void
end_as(struct world *w, uint32_t ending)
{
	const struct profile *p = &w->profile;

	flight_let_go(w,
	    ending == ENDING_LOST       ? FLIGHT_LOST
		: ending == ENDING_LATE ? p->view_timeout_us * 5 / 4
					: p->delay_floor_us);
	(void)world_live(w);
}

/* --- the search --- */

static bool
is_well(struct search *x)
{
	if (!x->world->is_violated)
		return true;
	__atomic_store_n(&x->shared->is_over, true, __ATOMIC_RELAXED);
	tell(x->path, x->world->violation);
	x->total.violations++;
	return false;
}

static bool
is_over(const struct search *x)
{
	return __atomic_load_n(&x->shared->is_over, __ATOMIC_RELAXED);
}

/* What is lost or late is so whatever is chosen next; what is in time is
 * chosen next itself, but for the last. */
static void
end_all(struct search *x, uint32_t depth)
{
	uint32_t i, count = depth < x->most ? ENDING_IN_TIME : ENDINGS;

	for (i = 0; i < count && !is_over(x); i++) {
		x->path->ending = i;
		end_as(x->world, i);
		x->total.ends++;
		(void)is_well(x);
		x->path->ending = NO_ENDING;
		saved_restore(x->kept[depth], x->world, SAVED_ALL);
	}
}

static bool
is_same(const struct happening *a, const struct happening *b)
{
	return a->replica == b->replica && a->from == b->from &&
	    bytes_equal(a->body, b->body);
}

/* Is an earlier one the same message? */
static bool
is_repeated(const struct flight *f, uint32_t which)
{
	uint32_t i;

	for (i = 0; i < which; i++)
		if (is_same(&f->list[i], &f->list[which]))
			return true;
	return false;
}

/* The same way once more, in a world that nothing was copied back to. */
static void
go_again(struct search *x, uint32_t depth)
{
	const struct world *w = x->other;
	uint32_t i;
	bool is_same = follow(x->other, x->path, x->counters) &&
	    fingerprint_rest(w) == fingerprint_rest(x->world);

	for (i = 0; i < w->replica_count; i++)
		is_same = is_same &&
		    fingerprint_replica(&w->replicas[i]) == x->prints[depth][i];
	if (!is_same)
		world_violate(x->world, "a state is another the second time");
	(void)is_well(x);
}

/* All that so many more arrivals lead to, which is no more than the depth. */
static void
explore(struct search *x, uint32_t depth, uint32_t changed)
{
	struct world *w = x->world;
	uint32_t i;

	if (!is_new(x, depth, changed)) {
		x->total.cut++;
		return;
	}
	if (x->total.states++ % TWICE_EVERY == 0)
		go_again(x, depth);
	saved_take(x->kept[depth], w, depth > 0 ? x->kept[depth - 1] : NULL,
	    changed);
	end_all(x, depth);
	if (depth == x->most)
		return;
	for (i = 0; i < w->flight.count && !is_over(x); i++) {
		const uint32_t to = 1U << w->flight.list[i].replica;

		if (is_repeated(&w->flight, i))
			continue;
		x->path->chosen[depth] = i;
		x->path->depth = depth + 1;
		flight_arrive(w, i);
		x->total.arrivals++;
		if (is_well(x))
			explore(x, depth + 1, to);
		x->path->depth = depth;
		saved_restore(x->kept[depth], w, to);
	}
}

static void
search_one(struct search *x, uint32_t scene, uint32_t skip)
{
	memset(&x->total, 0, sizeof(x->total));
	memset(x->table, 0, TABLE_SIZE * sizeof(x->table[0]));
	x->used = 0;
	*x->path = (struct path){ scene, skip, .ending = NO_ENDING };
	(void)follow(x->world, x->path, x->counters);
	if (is_well(x))
		explore(x, 0, SAVED_ALL);
}

static void
add(struct total *sum, const struct total *t)
{
	__atomic_fetch_add(&sum->states, t->states, __ATOMIC_RELAXED);
	__atomic_fetch_add(&sum->arrivals, t->arrivals, __ATOMIC_RELAXED);
	__atomic_fetch_add(&sum->cut, t->cut, __ATOMIC_RELAXED);
	__atomic_fetch_add(&sum->ends, t->ends, __ATOMIC_RELAXED);
	__atomic_fetch_add(&sum->violations, t->violations, __ATOMIC_RELAXED);
}

/* One lot after another, a scene from a later moment each. */
static void
search_lots(struct shared *s, uint32_t most, unsigned int self)
{
	static struct search x; /* too large for the stack */
	uint32_t lot, i;

	x.world = world_new();
	x.other = world_new();
	x.shared = s;
	x.path = &s->at_hand[self];
	x.most = most;
	x.table = malloc(TABLE_SIZE * sizeof(x.table[0]));
	AG_ASSERT(x.table != NULL);
	for (i = 0; i <= most; i++)
		x.kept[i] = saved_new();
	while (!is_over(&x) &&
	    (lot = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED)) <
		scene_count() * SKIPS) {
		search_one(&x, lot / SKIPS, lot % SKIPS * SKIP_EVERY);
		add(&s->totals[lot / SKIPS], &x.total);
	}
	for (i = 0; i <= most; i++)
		saved_free(x.kept[i]);
	free(x.table);
	world_free(x.world);
	world_free(x.other);
}

static bool
wait_for(const struct shared *s, unsigned int jobs)
{
	bool is_sound = true;
	unsigned int i;

	for (i = 0; i < jobs; i++) {
		int how;

		AG_ASSERT(waitpid(s->pid[i], &how, 0) == s->pid[i]);
		if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
			continue;
		tell(&s->at_hand[i], "the process died");
		is_sound = false;
	}
	return is_sound;
}

static void
print_total(const char *name, const struct total *t)
{
	printf("%s: %" PRIu64 " states by %" PRIu64 " arrivals, %" PRIu64
	       " cut; %" PRIu64 " ends, %" PRIu64 " violations\n",
	    name, t->states, t->arrivals, t->cut, t->ends, t->violations);
}

static bool
tell_totals(const struct shared *s, uint32_t most)
{
	struct total all = { 0 };
	uint32_t i;

	for (i = 0; i < scene_count(); i++) {
		print_total(scene_name(i), &s->totals[i]);
		add(&all, &s->totals[i]);
	}
	printf("all orders of %" PRIu32 " arrivals: ", most);
	print_total("together", &all);
	return all.violations == 0;
}

int
exhaust_run(uint32_t most, unsigned int jobs)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool is_sound;
	unsigned int i;

	AG_ASSERT(s != MAP_FAILED && scene_count() <= SCENE_COUNT_MAX);
	jobs = jobs > 0 && jobs < JOBS_MAX ? jobs : 2;
	(void)fflush(stdout);
	for (i = 0; i < jobs; i++) {
		const pid_t pid = fork();

		AG_ASSERT(pid != -1);
		if (pid == 0) {
			search_lots(s, most, i);
			exit(0);
		}
		s->pid[i] = pid;
	}
	is_sound = wait_for(s, jobs);
	is_sound = tell_totals(s, most) && is_sound;
	(void)munmap(s, sizeof(*s));
	return is_sound ? 0 : 1;
}

/* --- one path --- */

int
exhaust_one(const char *text, bool is_traced)
{
	uint64_t counters[COUNT_COUNT] = { 0 };
	struct world *w = world_new();
	struct path p;
	int status = 2;

	w->is_traced = is_traced;
	if (path_parse(&p, text) && p.scene < scene_count() &&
	    follow(w, &p, counters)) {
		if (p.ending != NO_ENDING)
			end_as(w, p.ending);
		status = w->is_violated ? 1 : 0;
	}
	if (status == 1)
		tell(&p, w->violation);
	else if (status == 0)
		printf("%s: no violation\n", scene_name(p.scene));
	world_free(w);
	return status;
}
