/*
 * The scenes of the small scope.
 *
 * Four members of PBFT, or three of Raft, and a few requests.  Chance has no
 * say: every message takes as long, and clocks agree.  Raft's take so long
 * that a second candidate does not know of the first.
 */
#include "sim/scene.h"

#include "codec/message.h"

#define MILLISECOND 1000U

static const struct scene {
	const char *name;
	bool is_raft;
	uint32_t member, byzantine; /* the culprit, and what it does */
	uint32_t sleeper;           /* is down from then on, */
	uint64_t sleep_at;          /* until the storm is over; 0: nobody is */
	uint64_t seed;              /* of what the culprit draws */
	uint64_t from;              /* the moment: after this, */
	uint64_t type;              /* when messages of a type, */
	uint32_t count;             /* so many, are in flight */
} scenes[] = {
	{
	    .name = "the normal case",
	    .type = MESSAGE_PRE_PREPARE,
	    .count = 6,
	},
	{
	    .name = "a checkpoint",
	    .from = 3500,
	    .type = MESSAGE_VOTES,
	    .count = 6,
	},
	{
	    .name = "a view change, proposed before",
	    .sleep_at = 1500,
	    .type = MESSAGE_VIEW_CHANGE,
	    .count = 3,
	},
	{
	    .name = "a view change, decided before",
	    .sleep_at = 3500,
	    .type = MESSAGE_VIEW_CHANGE,
	    .count = 3,
	},
	{
	    .name = "a new view",
	    .sleep_at = 2500,
	    .type = MESSAGE_NEW_VIEW,
	    .count = 1,
	},
	{
	    .name = "an equivocating primary",
	    .byzantine = BYZ_EQUIVOCATE,
	    .seed = 1,
	    .type = MESSAGE_PRE_PREPARE,
	    .count = 3,
	},
	{
	    .name = "a view change after it",
	    .byzantine = BYZ_EQUIVOCATE,
	    .seed = 1,
	    .type = MESSAGE_VIEW_CHANGE,
	    .count = 3,
	},
	{
	    .name = "a primary that is two",
	    .byzantine = BYZ_TWIN,
	    .seed = 1,
	    .type = MESSAGE_PRE_PREPARE,
	    .count = 3,
	},
	{
	    .name = "a new primary that lies of its votes",
	    .member = 1,
	    .byzantine = BYZ_PLEDGES,
	    .sleep_at = 2500,
	    .type = MESSAGE_VIEW_CHANGE,
	    .count = 3,
	},
	{
	    .name = "an election",
	    .is_raft = true,
	    .type = MESSAGE_VOTE_REQUEST,
	    .count = 4,
	},
	{
	    .name = "a leader's entries",
	    .is_raft = true,
	    .from = 76000,
	    .type = MESSAGE_APPEND,
	    .count = 2,
	},
	{
	    .name = "an election after them",
	    .is_raft = true,
	    .sleeper = 2,
	    .sleep_at = 80000,
	    .from = 80000,
	    .type = MESSAGE_VOTE_REQUEST,
	    .count = 2,
	},
};

uint32_t
scene_count(void)
{
	return sizeof(scenes) / sizeof(scenes[0]);
}

const char *
scene_name(uint32_t scene)
{
	return scenes[scene].name;
}

static struct profile
profile_of(const struct scene *s)
{
	const uint64_t delay_us = s->is_raft ? 6000 : 1000;
	const uint64_t patience_us = s->is_raft ? 40000 : 12000;
	struct profile p = {
		.member_count = s->is_raft ? 3 : 4,
		.client_count = 2,
		.requests = 3,
		.operations_max = 1,
		.think_us = 500,
		.checkpoint_interval = 2,
		.window = 4,
		.pipeline_max = 2,
		.view_timeout_us = patience_us,
		.progress_interval_us = 10 * MILLISECOND,
		.delay_floor_us = delay_us,
		.is_ordered = true,
		.heal_at = 4 * patience_us,
		.calm_us = 5000 * MILLISECOND,
		.retry_us = patience_us + 3 * MILLISECOND,
		.look_us = MILLISECOND,
		.twins = 1,
		.strikes = STRIKES_ALL,
		.sleeper = s->sleeper,
		.sleep_at = s->sleep_at,
	};

	p.byzantine[s->member] = s->byzantine;
	return p;
}

/* Are so many messages of this type on their way? */
static bool
has_come(const struct world *w, const struct scene *s)
{
	const struct schedule *all = &w->schedule;
	uint32_t count = 0;
	size_t i;

	for (i = 0; i < all->count && w->now >= s->from; i++) {
		const struct happening *h = schedule_at(all, i);

		count += h->kind == HAPPEN_ARRIVE &&
		    message_type_of(h->body) == s->type;
	}
	return count >= s->count;
}

void
scene_begin(struct world *w, uint32_t scene, uint64_t *counters)
{
	const struct scene *s = &scenes[scene];
	const struct profile profile = profile_of(s);

	w->given = &profile;
	w->strategy = s->is_raft ? &strategy_raft : &strategy_pbft;
	world_begin(w, s->seed, counters);
	w->given = NULL;
	while (!has_come(w, s))
		AG_ASSERT(world_next(w));
	flight_hold(w);
}
