/*
 * The calm: when a schedule may end, and when it must have.
 *
 * NOT HERE What must hold at every step (invariant.c), of answers (client.c)
 *          and of their times (pace.c, fair.c).
 */
#include "sim/calm.h"

#include <inttypes.h>
#include <stdio.h>

#include "sim/client.h"

#define SAFETY_ONLY_US 2000000

/* With nobody to trouble them, all come to be in one view. */
static bool
must_meet(const struct world *w)
{
	return w->honest == (1U << w->profile.member_count) - 1 &&
	    w->profile.broken_how == BROKEN_NOT && w->profile.lie_count == 0 &&
	    w->profile.changes == 0 && !world_is_raft(w);
}

static bool
is_apart(const struct world *w, const struct replica *r)
{
	return r->status.is_changing_view ||
	    r->status.view != w->replicas[0].status.view;
}

/* The last checkpoint at or below the last answer, that must come to be
 * stable; what an epoch begins with is. */
static uint64_t
checkpoint_due(const struct world *w, const struct membership *newest)
{
	uint64_t last =
	    w->answered_seq - w->answered_seq % w->profile.checkpoint_interval;

	return last > newest->first_seq ? last : newest->first_seq;
}

/* A Byzantine replica may have old requests ordered without end: level is who
 * has everything up to the last answer, in the newest epoch, and the
 * checkpoint of it. */
static bool
is_level(const struct world *w)
{
	const struct membership *newest = &w->memberships[w->epochs - 1];
	const uint64_t stable = checkpoint_due(w, newest);
	const bool meets = must_meet(w);
	uint32_t i;

	for (i = 0; i < w->replica_count; i++) {
		const struct replica *r = &w->replicas[i];

		if (membership_position(newest, r->member) == MEMBERSHIP_NOBODY)
			continue;
		if (r->is_honest && !world_is_broken(w, r->member) &&
		    (!r->is_up || r->epoch != newest->scope.epoch ||
			r->machine.applied < w->answered_seq ||
			r->status.stable < stable || r->status.is_rejoining ||
			(meets && is_apart(w, r))))
			return false;
	}
	return true;
}

/* Every request is answered, and every honest replica has what they did. */
static bool
is_at_rest(struct world *w)
{
	if (!client_all_answered(w))
		return false;
	if (w->answered_seq == 0)
		w->answered_seq = w->reference.applied;
	return is_level(w);
}

static void
tell_where_stuck(struct world *w)
{
	char text[400];
	size_t len = 0;
	uint32_t i;

	for (i = 0; i < w->replica_count && len < sizeof(text) - 80; i++) {
		const struct replica *r = &w->replicas[i];

		if (r->is_out)
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    " %u%s:e%" PRIu64 " v%" PRIu64 "%s%s a%" PRIu64 " s%" PRIu64
		    " p%zu",
		    r->index, r->is_honest ? "" : "!", r->epoch, r->status.view,
		    r->status.is_changing_view ? "~" : "",
		    r->status.is_rejoining ? "?" : "", r->machine.applied,
		    r->status.stable, r->status.pending_requests);
	}
	world_violate(w, "no progress in calm; %s:%s",
	    client_all_answered(w) ? "not level" : "unanswered requests", text);
}

void
calm_look(struct world *w)
{
	const bool is_late = w->now > w->profile.heal_at + w->profile.calm_us;

	w->look_at = w->now + w->profile.look_us;
	w->is_over = is_at_rest(w) ||
	    (w->profile.is_safety_only &&
		w->now > w->profile.heal_at + SAFETY_ONLY_US) ||
	    (w->profile.is_beyond_faults && is_late);
	if (!w->is_over && (is_late || w->events > WORLD_EVENTS_MAX))
		tell_where_stuck(w);
}
