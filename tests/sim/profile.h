/*
 * What kind of world a seed asks for.
 *
 * Swarm: about half of the fault families are on in any one schedule, each
 * as strong as drawn, so that no family drowns another.  Half the seeds are
 * focused: four replicas, few rounds, few faults.
 */
#ifndef AEGIS_SIM_PROFILE_H
#define AEGIS_SIM_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#define PROFILE_MEMBERS_MAX 10

enum byzantine {
	BYZ_MUTE = 1 << 0,
	BYZ_SELECTIVE = 1 << 1,
	BYZ_TWIN = 1 << 2,
	BYZ_GARBAGE = 1 << 3,
	BYZ_REPLAY = 1 << 4,
	BYZ_DELAY = 1 << 5,
	BYZ_MUTATE = 1 << 6,
	BYZ_NEW_VIEW = 1 << 7,
	BYZ_FORGE_DIGEST = 1 << 8,
	BYZ_HASTY = 1 << 9,
	BYZ_LIAR = 1 << 10,
	BYZ_TIME = 1 << 11,
	BYZ_KINDS = 12,        /* the above are drawn alike */
	BYZ_DESERT = 1 << 12,  /* correct in the storm, mute in the calm */
	BYZ_PLEDGES = 1 << 13, /* lies about what it prepared and pledged */
	BYZ_FAULTY = 1 << 30,  /* not to be judged, whatever it does */
};

struct profile {
	bool is_focused;
	uint32_t member_count;
	uint32_t client_count;
	uint32_t requests; /* of all clients together */
	uint64_t think_us; /* mean between a client's requests */
	uint64_t heal_at;  /* global stabilisation: faults end */

	uint32_t checkpoint_interval;
	uint32_t window;
	uint32_t pipeline_max;
	uint64_t view_timeout_us;
	uint64_t progress_interval_us;

	uint64_t delay_floor_us;
	uint64_t delay_mean_us;
	uint32_t loss; /* all chances in permille */
	uint32_t duplicate;
	uint32_t replay;
	bool is_ordered; /* links keep order */
	uint64_t turn_us;
	uint64_t sync_mean_us;
	uint32_t slow_sync;
	uint32_t drift; /* permille either way */

	/* Mean time between faults of a family; 0: off. */
	uint64_t fault_every_us;
	bool has_clogs;
	bool has_partitions;
	bool has_silences;
	bool has_crashes;
	bool has_blackouts; /* all crash at once */
	bool has_pauses;
	bool has_wanted;
	bool has_two_faced_requests;
	uint32_t faults_left;

	uint32_t byzantine[PROFILE_MEMBERS_MAX]; /* enum byzantine, or'ed */
	bool has_real_signatures;

	/* A member that is down from sleep_at until the storm is over, and
	 * needed then, because another deserts; 0: none. */
	uint64_t sleep_at;
	uint32_t sleeper;
};

struct dice;

void profile_draw(struct profile *p, struct dice *d);

/* Write one line of key=value words that says what was drawn. */
void profile_print(const struct profile *p);

#endif
