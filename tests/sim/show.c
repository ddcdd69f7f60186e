/*
 * How a world stands: every replica, what its engine has in its log, and what
 * is on its way.
 */
#include "sim/show.h"

#include <inttypes.h>
#include <stdio.h>

static void
show_round(const struct engine_round *round)
{
	static const char *const phases[] = { "empty", "proposed", "prepared",
		"committed", "executed" };

	printf("    %" PRIu64 ": %s in view %" PRIu64
	       ", digest %02x%02x%02x%02x, %" PRIu32
	       " requests, prepares 0x%" PRIx32 ", commits 0x%" PRIx32 "\n",
	    round->seq, phases[round->phase], round->view,
	    round->digest.data[0], round->digest.data[1], round->digest.data[2],
	    round->digest.data[3], round->requests, round->prepares,
	    round->commits);
}

static void
show_log(const struct world *w, const struct replica *r)
{
	struct engine_round round;
	uint64_t i;

	for (i = 1; i <= w->profile.window; i++)
		if (r->strategy->round(r->engine, r->status.stable + i,
			&round) == AG_OK &&
		    round.phase != ROUND_EMPTY)
			show_round(&round);
}

static const char *
condition(const struct replica *r)
{
	return r->is_out   ? "is not there"
	    : !r->is_up    ? "is down"
	    : r->is_honest ? "is up"
			   : "is up, and lies";
}

static void
show_replica(const struct world *w, const struct replica *r)
{
	const struct engine_status *s = &r->status;

	printf("  replica %u of node %u %s", r->index, r->member, condition(r));
	if (r->is_out || !r->is_up) {
		printf("\n");
		return;
	}
	printf(": epoch %" PRIu64 ", view %" PRIu64 "%s%s, delivered %" PRIu64
	       ", applied %" PRIu64 ", stable %" PRIu64 ", %zu requests wait, "
	       "%zu records, of which %zu are safe\n",
	    r->epoch, s->view, s->is_changing_view ? " (changing)" : "",
	    s->is_rejoining ? " (votes for nothing)" : "", s->delivered,
	    r->machine.applied, s->stable, s->pending_requests,
	    r->disk.count - r->disk.first, r->disk.synced - r->disk.first);
	show_log(w, r);
}

static void
show_schedule(const struct world *w)
{
	uint32_t counts[HAPPEN_COUNT] = { 0 }, kind;
	size_t i;

	for (i = 0; i < w->schedule.count; i++)
		counts[schedule_at(&w->schedule, i)->kind]++;
	printf("  to come:");
	for (kind = 0; kind < HAPPEN_COUNT; kind++)
		if (counts[kind] > 0)
			printf(" %" PRIu32 " %s", counts[kind],
			    happen_name((enum happen_kind)kind));
	printf("\n");
}

void
show(const struct world *w)
{
	uint32_t i, answered = 0;

	for (i = 0; i < w->history_count; i++)
		answered += w->history[i].answered_at != UINT64_MAX;
	printf("at %" PRIu64 " us, after %" PRIu64
	       " events, in the %s: %" PRIu32 " of %" PRIu32
	       " requests are answered, %" PRIu32 " were made\n",
	    w->now, w->events, w->is_healed ? "calm" : "storm", answered,
	    w->profile.requests, w->history_count);
	for (i = 0; i < w->replica_count; i++)
		show_replica(w, &w->replicas[i]);
	show_schedule(w);
}
