/*
 * Reducing a failing schedule: delta debugging (Zeller & Hildebrandt,
 * "Simplifying and Isolating Failure-Inducing Input", 2002) over the kinds of
 * choices, the choices and the number of requests.
 *
 * RULES    1. A schedule counts as failing the same way when the same rule
 *             is broken, whatever its numbers, or when the process dies.
 *          2. They are lived through by another process; when it dies of
 *             one, the next has a new one.
 *          3. Kinds go first, and as a whole: what is left out one by one
 *             shifts the numbers of what the world does in answer.
 *          4. The search ends after RUNS_MAX schedules, or EVENTS_MAX events in
 *             them, with what it has.
 */
#include "sim/shrink.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS_MAX 4000
#define EVENTS_MAX 10000000

static const char died[] = "the process died";

/* What is asked of the process that lives through schedules, and its answer. */
struct trial {
	struct choices choices; /* those kept; then what struck */
	uint32_t requests;
	const char *rule; /* NULL: none was broken */
	uint64_t events;
	char violation[WORLD_VIOLATION_BYTES];
};

struct reduction {
	struct world *world;
	struct trial *trial; /* shared with that process */
	pid_t pid;           /* 0: there is none */
	int link;            /* a byte asks, and a byte answers */
	uint64_t seed;
	const char *rule;
	uint32_t kept[CHOICES_MAX]; /* rising */
	uint32_t count;
	bool is_struck[COUNT_COUNT]; /* kinds of those */
	uint32_t requests;
	uint32_t runs;
	uint64_t events;
};

/* For the handler of the signal that ends the process. */
static const struct reduction *at_hand;

static void
leave(const struct world *w, struct trial *t, const char *rule,
    const char *violation)
{
	t->rule = rule;
	t->events = w->events;
	t->requests = w->profile.requests;
	t->choices = w->choices;
	memcpy(t->violation, violation, strlen(violation) + 1);
}

static void
on_death(int number)
{
	(void)number;
	leave(at_hand->world, at_hand->trial, died, died);
	_exit(0);
}

static void
live(struct reduction *x)
{
	static uint64_t ignored[COUNT_COUNT];
	struct world *w = x->world;

	w->choices = x->trial->choices;
	w->requests_max = x->trial->requests;
	if (world_run(w, x->seed, ignored))
		leave(w, x->trial, NULL, "");
	else
		leave(w, x->trial, w->rule, w->violation);
}

/* Live through one schedule after another, as long as one is asked for. */
static _Noreturn void
serve(struct reduction *x, int link)
{
	const struct sigaction action = { .sa_handler = on_death };
	char ask;

	at_hand = x;
	(void)sigaction(SIGABRT, &action, NULL);
	(void)sigaction(SIGSEGV, &action, NULL);
	while (read(link, &ask, 1) == 1) {
		live(x);
		if (write(link, &ask, 1) != 1)
			break;
	}
	_exit(0);
}

static void
server_start(struct reduction *x)
{
	int link[2];

	AG_ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, link) == 0);
	(void)fflush(stdout);
	x->pid = fork();
	AG_ASSERT(x->pid != -1);
	if (x->pid == 0) {
		(void)close(link[0]);
		serve(x, link[1]);
	}
	(void)close(link[1]);
	x->link = link[0];
}

static void
server_end(struct reduction *x)
{
	(void)close(x->link);
	AG_ASSERT(waitpid(x->pid, NULL, 0) == x->pid);
	x->pid = 0;
}

/* Does it still fail, as the world's choices are filtered now? */
static bool
fails(struct reduction *x)
{
	struct trial *t = x->trial;
	char answer = 0;

	x->runs++;
	t->choices = x->world->choices;
	t->requests = x->requests;
	t->rule = NULL;
	t->events = 0;
	if (x->pid == 0)
		server_start(x);
	AG_ASSERT(write(x->link, &answer, 1) == 1);
	if (read(x->link, &answer, 1) != 1)
		server_end(x);
	x->events += t->events;
	return t->rule != NULL && (x->rule == NULL || t->rule == x->rule);
}

/* Does it with what is kept, but for these of them? */
static bool
fails_without(struct reduction *x, uint32_t first, uint32_t count)
{
	struct choices *c = &x->world->choices;
	uint32_t i;

	choices_keep_none(c);
	for (i = 0; i < x->count; i++)
		if (i < first || i - first >= count)
			choices_keep(c, x->kept[i]);
	return fails(x);
}

/* Keep what struck in the schedule that failed last, and nothing else. */
static void
take_what_struck(struct reduction *x)
{
	const struct choices *c = &x->trial->choices;
	uint32_t i;

	x->count = 0;
	memset(x->is_struck, 0, sizeof(x->is_struck));
	for (i = 0; i < c->count; i++)
		if (choices_struck(c, i)) {
			x->kept[x->count++] = i;
			x->is_struck[c->what[i]] = true;
		}
}

static bool
may_go_on(const struct reduction *x)
{
	return x->runs < RUNS_MAX && x->events < EVENTS_MAX;
}

static void
drop_kinds(struct reduction *x)
{
	struct choices *c = &x->world->choices;
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
	uint32_t end = x->count;

	while (end > 0 && may_go_on(x)) {
		uint32_t first = end > size ? end - size : 0;

		if (fails_without(x, first, end - first))
			take_what_struck(x);
		end = first < x->count ? first : x->count;
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

	while (first < x->count && may_go_on(x)) {
		uint32_t count =
		    x->count - first < size ? x->count - first : size;

		if (fails_without(x, first, count))
			take_what_struck(x);
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

	for (by = x->requests / 2; by > 0 && may_go_on(x);) {
		x->requests -= by;
		if (fails_without(x, 0, 0)) {
			take_what_struck(x);
			if (by > x->requests / 2)
				by = x->requests / 2;
		} else {
			x->requests += by;
			by /= 2;
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
	const struct trial *t = x->trial;
	const struct world *w = x->world;
	uint32_t i;

	printf("shrunk to %" PRIu32 " choices, %" PRIu32
	       " requests and %" PRIu64 " events in %" PRIu32 " runs: %s\n",
	    x->count, x->requests, t->events, x->runs, t->violation);
	for (i = 0; i < x->count; i++)
		printf("  %" PRIu32 " %s\n", x->kept[i],
		    counter_text((enum counter)t->choices.what[x->kept[i]]));
	printf("  replay: aegis-sim --strategy %s --profile %s --seed %" PRIu64
	       " --requests %" PRIu32 " --keep '",
	    w->strategy->name, profile_name(w->kind), x->seed, x->requests);
	print_list(x);
	printf("'\n");
}

/* The whole schedule, as it was asked for. */
static bool
begin(struct reduction *x, struct world *w, uint64_t seed)
{
	x->world = w;
	x->seed = seed;
	x->rule = NULL;
	x->runs = 0;
	x->events = 0;
	x->requests = w->requests_max;
	if (!fails(x))
		return false;
	x->rule = x->trial->rule;
	x->requests = x->trial->requests;
	take_what_struck(x);
	return true;
}

static void
reduce(struct reduction *x)
{
	uint32_t before;

	drop_kinds(x);
	do {
		before = x->count + x->requests;
		drop_choices(x);
		drop_requests(x);
	} while (x->count + x->requests < before && may_go_on(x));
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

	x.trial = mmap(NULL, sizeof(*x.trial), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	AG_ASSERT(x.trial != MAP_FAILED);
	has_failed = begin(&x, w, seed);
	if (has_failed)
		reduce(&x);
	if (x.pid != 0)
		server_end(&x);
	(void)munmap(x.trial, sizeof(*x.trial));
	return has_failed;
}
