/*
 * What kind of world a seed asks for.
 *
 * PROFILES  classic  the first of them; what older seeds are seeds of
 *           full     200 requests, four to ten members, all families
 *           focused  few members, a request or three, few faults and views,
 *                    and partitions round by round, in which twins stand on
 *                    different sides: there can be many of these
 *           deep     as few members, but several views that end half way, or
 *                    members that are more than a window behind, or lying
 *                    disks
 *           slow     no faults but f members, the first primaries, whose
 *                    proposals are late from half of the requests on
 *           unfair   no faults but the first primary, which passes one
 *                    client over while it executes several windows of others
 *           epochs   members come, go and take one another's place, with
 *                    faults of most kinds at the same time
 *           txn      transactions over several keys, and reads of them all
 *           swarm    whichever of these the seed says; the usual
 *           beyond   more culprits than the cluster tolerates (beyond.c);
 *                    never the swarm's
 *
 * CALM      Liveness is judged against c * T * 2^(f + 1): f bad primaries may
 *           follow one another once members are in one view, and the timeout
 *           T doubles for each.  c is for the views that members stand apart
 *           when the storm ends, for repair, and for requests that are made
 *           only then.  calm_us gives 150 of these and 5 s more for f = 1, no
 *           less than 37 for the largest worlds, and 500 more where T is too
 *           short for the links and has to grow after each decision.  Of 2000
 *           schedules the slowest took 36, with 240 requests to be made, and
 *           56 with such a T, which is 18 % of what they had.
 *
 * In all of them but slow and unfair about half of the fault families are on
 * in any one schedule, each as strong as drawn, so that no family drowns
 * another.
 *
 * NOT HERE  How each kind is drawn: draw.h and a file for each family of them.
 */
#ifndef AEGIS_SIM_PROFILE_H
#define AEGIS_SIM_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#define PROFILE_MEMBERS_MAX 10
#define PROFILE_WINDOW_MAX 16
#define PROFILE_LADDER_MAX 6

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
	BYZ_FUZZ = 1 << 14,    /* these see attack.c */
	BYZ_EQUIVOCATE = 1 << 15,
	BYZ_BOGUS = 1 << 16,
	BYZ_SPAM = 1 << 17,
	BYZ_FORGE = 1 << 18,
	BYZ_CENSOR = 1 << 19,
	BYZ_SLOW = 1 << 20,   /* proposals take 0.9 view timeouts */
	BYZ_LAST = 1 << 21,   /* see attack.c again */
	BYZ_FAULTY = 1 << 30, /* not to be judged, whatever it does */
};

/* The kinds of faults that the first seeds knew, and all there are. */
#define STRIKES_CLASSIC 7
#define STRIKES_ALL 10

enum profile_kind {
	PROFILE_SWARM,
	PROFILE_CLASSIC,
	PROFILE_FULL,
	PROFILE_FOCUSED,
	PROFILE_SLOW,
	PROFILE_UNFAIR,
	PROFILE_DEEP,
	PROFILE_EPOCHS,
	PROFILE_BEYOND,
	PROFILE_TXN,
	PROFILE_KINDS,
};

/* What is the matter, also after the storm, with a member not needed. */
enum broken {
	BROKEN_NOT,
	BROKEN_DOWN,
	BROKEN_DEAF,
	BROKEN_DUMB,
	BROKEN_LOSSY,
	BROKEN_REBOOTING,
	BROKEN_KINDS,
};

/* What a disk does to its replica: lie.c. */
enum lie_kind {
	LIE_EMPTIED,
	LIE_DAMAGED,
	LIE_SHORT,
	LIE_OLDER,
	LIE_FAILING,
	LIE_TAIL, /* the first of those that the first seeds did not know */
	LIE_FULL,
	LIE_KINDS,
};

#define PROFILE_LIES_MAX 4

struct lie {
	uint64_t at;
	uint32_t member;
	enum lie_kind kind;
};

struct profile {
	bool is_focused;       /* classic: of its two sizes the small one */
	uint32_t member_count; /* of the first epoch */
	uint32_t node_count;   /* that are ever in a roster */
	uint32_t observers;    /* of the first epoch */
	bool has_observers;
	uint32_t changes; /* of the roster, at most */
	uint64_t change_us;
	uint32_t stale; /* what comes from an earlier epoch is taken in */
	uint32_t client_count;
	uint32_t requests; /* of all clients together */
	uint64_t think_us; /* mean between a client's requests */
	uint64_t heal_at;  /* global stabilisation: faults end */
	uint64_t calm_us;  /* after which everything is to be answered */
	uint64_t retry_us; /* about, until a client asks somebody else */
	uint64_t look_us;  /* how often it is seen whether all is answered */

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
	bool has_slow_disk; /* one member's */
	uint32_t slow_disk;
	uint32_t drift; /* permille either way */

	/* Mean time between faults of a family; 0: off. */
	uint64_t fault_every_us;
	uint64_t fault_first_us;
	bool has_clogs;
	bool has_partitions;
	bool has_silences;
	bool has_crashes;
	bool has_blackouts; /* all crash at once */
	bool has_pauses;
	bool has_wanted;
	bool has_two_faced_requests;
	bool has_short_reigns; /* leaders crash when they have begun to lead */
	bool has_depositions;  /* leaders cut off, and clients that read much */
	bool has_end_blackouts; /* all crash when an epoch has just ended */
	bool has_end_splits;    /* or one that alone hears of it is cut off */
	uint32_t faults_left;
	uint32_t strikes; /* kinds of faults drawn from */
	uint64_t down_us; /* mean time that a crash takes */

	uint32_t capacity; /* of a link, bytes in a millisecond; 0: any */
	bool has_shapes;   /* bridges and rings too */
	bool has_flapping;
	bool has_clock_jumps;
	bool has_writing_crashes;
	bool has_client_tricks;
	bool has_transactions;   /* and nothing else is asked for */
	uint32_t operations_max; /* in one envelope */
	uint64_t round_us;       /* each with a partition of its own; 0: none */
	uint32_t rounds_left;
	uint32_t twins; /* faces of a twin besides its first */

	/* Not healed with the others, and not needed. */
	enum broken broken_how;
	uint32_t broken;

	uint32_t slow_after; /* requests, until BYZ_SLOW is; 0: always */
	uint32_t byzantine[PROFILE_MEMBERS_MAX]; /* enum byzantine, or'ed */
	bool has_real_signatures;

	bool has_hush; /* no word of checkpoints gets through the storm, at the
			  end of which all crash */
	uint64_t ladder_views; /* how far the first views get is drawn */

	/* A client asks one member, who is correct, and no other; and waits,
	 * since nothing but a primary is at fault, no longer than this; 0: it
	 * may. */
	bool has_loyal_clients;
	uint64_t answer_us;

	/* A member that is down from sleep_at until wake_at, or the storm is
	 * over, and needed then, because another deserts; 0: none. */
	uint64_t sleep_at;
	uint64_t wake_at;
	uint32_t sleeper;

	struct lie lies[PROFILE_LIES_MAX];
	uint32_t lie_count;
	bool is_safety_only; /* too many rejoin for progress to be promised */

	bool is_beyond_faults; /* too many culprits for anything to be */
	uint32_t fooled; /* then the equivocators' victims are the same; or */
	bool is_split;   /* it is they who are parted from the others */
};

void profile_draw(struct profile *p, enum profile_kind kind, uint64_t seed);

/* Where members only crash they are 3 to 7, and none of them lies.  There are
 * epochs; deep, where disks come back older; and all the rest, which is
 * classic; swarm mixes the three. */
void profile_draw_crash(struct profile *p, enum profile_kind kind,
    uint64_t seed);

/* How many members are Byzantine. */
uint32_t profile_culprits(const struct profile *p);

/* "full", or NULL; and back, false for an unknown name. */
const char *profile_name(enum profile_kind kind);
bool profile_find(const char *name, enum profile_kind *kind);

/* Write one line of key=value words that says what was drawn. */
void profile_print(const struct profile *p);

#endif
