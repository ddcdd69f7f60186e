/*
 * The line of a schedule.
 *
 * FORMAT   SEED=N PROFILE=NAME COMMIT=ID events=N choices=N
 *          faults{N TEXT, ...} coverage{N TEXT, ...}
 *          Raft's has STRATEGY=raft behind the profile; what did not happen
 *          is left out.  COMMIT is that of the sources, as commit.sh says.
 */
#include "sim/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
account_begin(struct account *a, const uint64_t *counters)
{
	memcpy(a->counters, counters, sizeof(a->counters));
	memcpy(a->reached, reach_counts, sizeof(a->reached));
}

static bool
is_fault(enum counter counter)
{
	const enum counter_kind kind = counter_kind(counter);

	return kind == COUNTER_FAULT || kind == COUNTER_RAFT ||
	    kind == COUNTER_BOTH || kind == COUNTER_NOTE;
}

static void
print_item(const char **separator, uint64_t count, const char *text)
{
	if (count == 0)
		return;
	printf("%s%" PRIu64 " %s", *separator, count, text);
	*separator = ", ";
}

static void
print_counters(const struct account *a, const uint64_t *counters, bool faults,
    const char **separator)
{
	uint32_t i;

	for (i = 0; i < COUNT_COUNT; i++)
		if (is_fault((enum counter)i) == faults)
			print_item(separator, counters[i] - a->counters[i],
			    counter_text((enum counter)i));
}

void
account_print(const struct account *a, const struct world *w,
    const uint64_t *counters)
{
	const char *separator = "";
	uint32_t i;

	printf("SEED=%" PRIu64 " PROFILE=%s%s COMMIT=%s events=%" PRIu64
	       " choices=%" PRIu32 " faults{",
	    w->seed, profile_name(w->kind),
	    world_is_raft(w) ? " STRATEGY=raft" : "", COMMIT_ID, w->events,
	    w->choices.count);
	print_counters(a, counters, true, &separator);
	printf("} coverage{");
	separator = "";
	print_counters(a, counters, false, &separator);
	for (i = 0; i < REACH_COUNT; i++)
		print_item(&separator, reach_counts[i] - a->reached[i],
		    reach_text((enum reach)i));
	printf("}\n");
}
