/*
 * Which kind of schedule a seed is, and the words for it.
 */
#include "sim/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/draw.h"

void
profile_draw(struct profile *p, enum profile_kind kind, uint64_t seed)
{
	struct dice d;

	memset(p, 0, sizeof(*p));
	if (kind == PROFILE_SWARM)
		kind = seed % 64 == 0 ? PROFILE_FULL
		    : seed % 64 == 32 ? PROFILE_SLOW
		    : seed % 64 == 48 ? PROFILE_UNFAIR
		    : seed % 64 == 16 ? PROFILE_TXN
		    : seed % 16 == 1  ? PROFILE_CLASSIC
		    : seed % 8 == 5   ? PROFILE_EPOCHS
		    : seed % 2 == 0   ? PROFILE_DEEP
				      : PROFILE_FOCUSED;
	dice_init(&d, seed, 0);
	if (kind == PROFILE_CLASSIC)
		draw_classic(p, &d);
	else if (kind == PROFILE_FULL)
		draw_full(p, &d);
	else if (kind == PROFILE_TXN) {
		draw_full(p, &d);
		draw_transactions(p, &d);
	} else if (kind == PROFILE_SLOW)
		draw_slow(p, &d);
	else if (kind == PROFILE_UNFAIR)
		draw_unfair(p, &d);
	else if (kind == PROFILE_DEEP)
		draw_deep(p, &d);
	else if (kind == PROFILE_EPOCHS) {
		draw_epochs(p, &d);
		draw_epochs_more(p, seed);
	} else if (kind == PROFILE_BEYOND)
		draw_beyond(p, &d);
	else
		draw_focused(p, &d);
	if (kind != PROFILE_CLASSIC)
		draw_later_lies(p, seed);
	/* Patience too short for these grows anew after each decision. */
	if (p->has_slow_disk ||
	    (p->delay_floor_us * 2 > p->view_timeout_us &&
		!p->is_beyond_faults))
		p->calm_us += 2000 * p->view_timeout_us;
}

void
profile_draw_crash(struct profile *p, enum profile_kind kind, uint64_t seed)
{
	struct dice d;

	memset(p, 0, sizeof(*p));
	dice_init(&d, seed, 0);
	if (kind == PROFILE_EPOCHS ||
	    (kind == PROFILE_SWARM && seed % 4 == 3)) {
		draw_crash_epochs(p, &d);
		draw_crash_broken(p, seed);
		return;
	}
	draw_crash_classic(p, &d);
	if (kind == PROFILE_DEEP || (kind == PROFILE_SWARM && seed % 8 == 1))
		draw_crash_older(p, seed);
	else if (kind != PROFILE_CLASSIC)
		draw_later_lies(p, seed);
	if (kind == PROFILE_TXN || (kind == PROFILE_SWARM && seed % 64 == 14))
		draw_transactions(p, &d);
}

uint32_t
profile_culprits(const struct profile *p)
{
	uint32_t i, count = 0;

	for (i = 0; i < p->member_count; i++)
		if (p->byzantine[i] != 0)
			count++;
	return count;
}

static const char *const names[PROFILE_KINDS] = {
	[PROFILE_SWARM] = "swarm",
	[PROFILE_CLASSIC] = "classic",
	[PROFILE_FULL] = "full",
	[PROFILE_FOCUSED] = "focused",
	[PROFILE_SLOW] = "slow",
	[PROFILE_UNFAIR] = "unfair",
	[PROFILE_DEEP] = "deep",
	[PROFILE_EPOCHS] = "epochs",
	[PROFILE_BEYOND] = "beyond",
	[PROFILE_TXN] = "txn",
};

const char *
profile_name(enum profile_kind kind)
{
	return names[kind];
}

bool
profile_find(const char *name, enum profile_kind *kind)
{
	uint32_t i;

	for (i = 0; i < PROFILE_KINDS; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*kind = (enum profile_kind)i;
		return true;
	}
	return false;
}

static const char *const broken_names[BROKEN_KINDS] = {
	[BROKEN_NOT] = "not",
	[BROKEN_DOWN] = "down",
	[BROKEN_DEAF] = "deaf",
	[BROKEN_DUMB] = "dumb",
	[BROKEN_LOSSY] = "lossy",
	[BROKEN_REBOOTING] = "rebooting",
};

void
profile_print(const struct profile *p)
{
	uint32_t i;

	printf("n=%" PRIu32 " clients=%" PRIu32 " requests=%" PRIu32
	       " K=%" PRIu32 " L=%" PRIu32 " pipeline=%" PRIu32
	       " view_timeout_us=%" PRIu64 " loss=%" PRIu32
	       " duplicate=%" PRIu32 " replay=%" PRIu32 " heal_at=%" PRIu64
	       " faults=%s%s%s%s%s%s",
	    p->member_count, p->client_count, p->requests,
	    p->checkpoint_interval, p->window, p->pipeline_max,
	    p->view_timeout_us, p->loss, p->duplicate, p->replay, p->heal_at,
	    p->has_clogs ? "clog," : "", p->has_partitions ? "partition," : "",
	    p->has_silences ? "silence," : "", p->has_crashes ? "crash," : "",
	    p->has_blackouts ? "blackout," : "", p->has_pauses ? "pause" : "");
	for (i = 0; i < PROFILE_MEMBERS_MAX; i++)
		if (p->byzantine[i] != 0)
			printf(" byzantine[%" PRIu32 "]=0x%" PRIx32, i,
			    p->byzantine[i]);
	for (i = 0; i < p->lie_count; i++)
		printf(" lie[%" PRIu32 "]=%d", p->lies[i].member,
		    (int)p->lies[i].kind);
	if (p->sleep_at != 0)
		printf(" sleeper=%" PRIu32, p->sleeper);
	if (p->ladder_views != 0)
		printf(" ladder=%" PRIu64, p->ladder_views);
	if (p->round_us != 0)
		printf(" rounds=%" PRIu32 "x%" PRIu64, p->rounds_left,
		    p->round_us);
	if (p->changes != 0)
		printf(" nodes=%" PRIu32 " observers=%" PRIu32
		       " changes=%" PRIu32,
		    p->node_count, p->observers, p->changes);
	if (p->broken_how != BROKEN_NOT)
		printf(" broken=%" PRIu32 ":%s", p->broken,
		    broken_names[p->broken_how]);
	printf("\n");
}
