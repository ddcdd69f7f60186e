/*
 * aegis-sim: the agreement engine in a world that wishes it ill.
 *
 *	aegis-sim --seed N [--trace]     replay one schedule
 *	          --until TIME|EVENTS    up to then, and show how it stands: 80ms,
 *                                 2s or 150us, or so many events
 *	          --shrink               and reduce what fails to few choices
 *	          --keep LIST            with these choices only: 3,17,120-125
 *	          --requests N           and so many requests at most,
 *	          --clients N            clients
 *	          --members N            and members
 *	          --history FILE         write down what clients saw
 *	aegis-sim --count N [--from N]   so many schedules
 *	aegis-sim --seconds N            as many as fit
 *	          --first                end with the first violation
 *	          --json                 print what was counted
 *	          --hashes               print each schedule's hash
 *	          --histories DIR        write down what clients saw in some
 *	          --profile NAME         swarm, classic, full, focused, deep,
 *	                                 slow, unfair, epochs, txn or beyond
 *	          --jobs N               processes
 *	          --strategy raft        of Raft, whose members only crash
 *
 * A schedule is told of in a line, whose form account.c says.
 *
 * Exits 0 without a violation, 1 with one, 2 for usage.  A violation's seed
 * is all that is needed to see it again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/campaign.h"
#include "sim/exhaust.h"
#include "sim/history.h"
#include "sim/show.h"
#include "sim/shrink.h"

struct options {
	struct campaign_options campaign;
	bool has_seed, is_traced, is_shrunk;
	uint64_t seed, jobs, requests, clients, members, exhaust;
	const char *keep, *path, *history;
	uint64_t until_us, until_events;
};

static void
print_usage(FILE *to)
{
	fprintf(to,
	    "usage: aegis-sim --seed N [--trace] [--shrink] [--keep LIST]\n"
	    "                 [--requests N] [--clients N] [--members N] "
	    "[--history FILE]\n"
	    "                 [--until TIME|EVENTS]     such as 80ms, 2s, "
	    "150us, 4000\n"
	    "       aegis-sim --count N | --seconds N [--from N] [--jobs N]\n"
	    "                 [--first] [--json] [--hashes] [--histories DIR]\n"
	    "       each with [--profile swarm|classic|full|focused|deep|slow|"
	    "unfair|\n"
	    "                           epochs|txn|beyond]\n"
	    "                 [--strategy pbft|raft]\n"
	    "       aegis-sim --exhaust N [--jobs N]\n"
	    "       aegis-sim --path LIST [--trace]\n"
	    "       aegis-sim --help\n");
}

static int
usage(void)
{
	print_usage(stderr);
	return 2;
}

/* An option without a value. */
static bool
parse_flag(struct options *o, const char *name)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "--trace", &o->is_traced },
		{ "--shrink", &o->is_shrunk },
		{ "--first", &o->campaign.is_first },
		{ "--json", &o->campaign.is_json },
		{ "--hashes", &o->campaign.is_hashed },
	};
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(name, flags[i].name) == 0)
			return *flags[i].flag = true;
	return false;
}

static bool
parse_number(struct options *o, const char *name, const char *value)
{
	const struct {
		const char *name;
		uint64_t *number;
	} numbers[] = {
		{ "--seed", &o->seed },
		{ "--from", &o->campaign.from },
		{ "--count", &o->campaign.count },
		{ "--seconds", &o->campaign.seconds },
		{ "--jobs", &o->jobs },
		{ "--requests", &o->requests },
		{ "--clients", &o->clients },
		{ "--members", &o->members },
		{ "--exhaust", &o->exhaust },
	};
	char *end;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(name, numbers[i].name) != 0)
			continue;
		errno = 0;
		*numbers[i].number = strtoull(value, &end, 10);
		o->has_seed = o->has_seed || numbers[i].number == &o->seed;
		return end != value && *end == '\0' && errno == 0;
	}
	return false;
}

/* A time has a unit; events have none. */
static bool
parse_until(struct options *o, const char *value)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = { { "us", 1 }, { "ms", 1000 }, { "s", 1000000 } };
	uint64_t number;
	char *end;
	size_t i;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (end == value || errno != 0 || number > UINT64_MAX / 1000000)
		return false;
	if (*end == '\0')
		o->until_events = number;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].name) == 0) {
			o->until_us = number * units[i].us;
			return true;
		}
	return *end == '\0';
}

/* An option whose value is a word. */
static bool
parse_word(struct options *o, const char *name, const char *value)
{
	if (strcmp(name, "--keep") == 0)
		o->keep = value;
	else if (strcmp(name, "--path") == 0)
		o->path = value;
	else if (strcmp(name, "--history") == 0)
		o->history = value;
	else if (strcmp(name, "--histories") == 0)
		o->campaign.histories = value;
	else if (strcmp(name, "--until") == 0)
		return parse_until(o, value);
	else if (strcmp(name, "--profile") == 0)
		return profile_find(value, &o->campaign.kind);
	else if (strcmp(name, "--strategy") == 0)
		return (o->campaign.strategy = strategy_find(value)) != NULL;
	else
		return parse_number(o, name, value);
	return true;
}

static bool
parse(struct options *o, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		const char *name = argv[i];

		if (parse_flag(o, name))
			continue;
		if (++i == argc || !parse_word(o, name, argv[i]))
			return false;
	}
	o->campaign.jobs = o->jobs < 64 ? (unsigned int)o->jobs : 64;
	return o->has_seed || o->campaign.count > 0 ||
	    o->campaign.seconds > 0 ||
	    (o->exhaust > 0 && o->exhaust <= EXHAUST_DEPTH_MAX) ||
	    o->path != NULL;
}

static int
run_one(const struct options *o)
{
	uint64_t counters[COUNT_COUNT] = { 0 };
	struct world *w = world_new();
	bool is_ok;

	w->is_traced = o->is_traced;
	w->kind = o->campaign.kind;
	w->strategy = o->campaign.strategy;
	w->limit = (struct limit){
		.requests = (uint32_t)o->requests,
		.clients = (uint32_t)o->clients,
		.members = (uint32_t)o->members,
	};
	w->until_us = o->until_us;
	w->until_events = o->until_events;
	if (o->keep != NULL && !choices_parse(&w->choices, o->keep)) {
		world_free(w);
		return usage();
	}
	if (o->is_shrunk)
		is_ok = !shrink(w, o->seed);
	else
		is_ok = campaign_seed(w, o->seed, counters, true);
	if (o->history != NULL && !history_write(w, o->history)) {
		perror(o->history);
		is_ok = false;
	}
	if (o->until_us < UINT64_MAX || o->until_events < UINT64_MAX)
		show(w);
	world_free(w);
	return is_ok ? 0 : 1;
}

/* What a node would log of those that lie is no news here. */
static void
say_nothing(void *arg, const struct log_line *line)
{
	(void)arg;
	(void)line;
}

int
main(int argc, char **argv)
{
	struct options o = {
		.campaign.strategy = &strategy_pbft,
		.until_us = UINT64_MAX,
		.until_events = UINT64_MAX,
	};

	log_sink_set(say_nothing, NULL);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		print_usage(stdout);
		return 0;
	}
	if (!parse(&o, argc, argv))
		return usage();
	if (o.path != NULL) {
		const int status = exhaust_one(o.path, o.is_traced);

		return status == 2 ? usage() : status;
	}
	if (o.exhaust > 0)
		return exhaust_run((uint32_t)o.exhaust, o.campaign.jobs);
	return o.has_seed ? run_one(&o) : campaign_run(&o.campaign);
}
