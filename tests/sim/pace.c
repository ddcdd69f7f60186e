/*
 * How much is done under slow primaries.
 *
 * In schedules of the kind slow the first f primaries are as fast as others
 * until half of the requests were made, and then keep each proposal back for
 * 0.9 of a view timeout.  With requests waiting all the time, the second half
 * may take twice as long as the first and, since each of them is left at some
 * point between two looks at it, a view timeout; and no longer.
 */
#include "sim/pace.h"

#include <inttypes.h>

static uint64_t
last_answer(const struct world *w)
{
	uint64_t last = 0;
	uint32_t i;

	for (i = 0; i < w->history_count; i++)
		if (w->history[i].answered_at > last)
			last = w->history[i].answered_at;
	return last;
}

void
pace_judge(struct world *w)
{
	uint32_t half = w->profile.slow_after;
	uint64_t first, second;

	if (half == 0 || w->history_count < 2 * half)
		return;
	first = w->history[half].called_at - w->history[0].called_at;
	second = last_answer(w) - w->history[half].called_at;
	if (second > 2 * first + w->profile.view_timeout_us)
		world_violate(w,
		    "slow primaries cost more than half: %" PRIu64
		    " us, then %" PRIu64 " us for as much",
		    first, second);
}
