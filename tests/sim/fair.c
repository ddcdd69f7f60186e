/*
 * Is anybody's request passed over?
 *
 * FAIRNESS  Of a request that a correct member has in calm, no more than two
 *           windows of others are executed ahead, once the time is over in
 *           which those who keep it back are left.
 *
 *           Why two: what is proposed when it comes to a correct primary, which
 *           is a window at most, and as much again for its way there.
 *
 *           Why not at once: that a primary keeps something back shows by
 *           nothing but the time that it takes.  Four view timeouts after who
 *           was asked first sent it, it leaves (view_change.c); others have
 *           heard of it half a timeout later, and count so much themselves; a
 *           clock that is a fifth slow makes six of these.  There may be as
 *           many such primaries, one after another, as there are culprits.  As
 *           much again is for what a storm leaves behind: patience that has
 *           grown until something is decided, members behind, requests that
 *           fill the primary's room.
 *
 * NOT HERE  Nothing is executed at all: the calm's own end (calm.c), and
 *           that of those who only wait (invariant.c).
 */
#include "sim/fair.h"

#include <inttypes.h>

/* View timeouts in which one primary that passes it over is left. */
#define LEFT_TIMEOUTS 6
#define WINDOWS 2

/* Nodes that may each have to be left. */
static uint32_t
culprits(const struct world *w)
{
	uint32_t i, count = 0;

	for (i = 0; i < w->profile.node_count; i++)
		if ((w->honest >> i & 1) == 0 || world_is_broken(w, i))
			count++;
	return count;
}

/* Will it do for a request what a correct member does? */
static bool
serves(struct world *w, const struct replica *r)
{
	return r->is_honest && !r->status.is_rejoining &&
	    !world_is_broken(w, r->member) && !membership_observes(w, r);
}

void
fair_asked(struct world *w, const struct replica *r,
    struct operation_history *first)
{
	if (!w->is_healed || w->profile.is_safety_only ||
	    first->held.until != 0 || !serves(w, r))
		return;
	first->held = (struct held_request){
		.until = w->now +
		    (culprits(w) + 1) * LEFT_TIMEOUTS *
			w->profile.view_timeout_us,
		.seq = w->reference.applied,
		.epochs = w->epochs,
	};
}

static void
judge_request(struct world *w, struct operation_history *first)
{
	struct held_request *held = &first->held;
	const uint64_t most = WINDOWS * (uint64_t)w->profile.window;

	if (held->until == 0 || first->is_executed)
		return;
	/* Epochs take nothing of what waits along: it is asked for again. */
	if (held->epochs != w->epochs) {
		held->until = 0;
		return;
	}
	if (w->reference.applied == held->seq + most + 1)
		world_count(w, COUNT_REACHED_PASSED);
	if (w->now < held->until)
		return;
	if (held->overdue_seq == 0)
		held->overdue_seq = w->reference.applied;
	if (w->reference.applied > held->overdue_seq + most)
		world_violate(w,
		    "client %u request %" PRIu64 " is passed over: %" PRIu64
		    " sequences were executed since a correct member had it",
		    first->client, first->number,
		    w->reference.applied - held->seq);
}

void
fair_judge(struct world *w)
{
	uint32_t i;

	for (i = 0; i < MACHINE_CLIENTS; i++)
		if (w->clients[i].current >= 0)
			judge_request(w, &w->history[w->clients[i].current]);
}
