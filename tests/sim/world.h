/*
 * The simulated world: everything there is in one schedule.
 *
 * A seed makes a profile; the profile makes replicas (the product's engine,
 * unchanged), links, disks and clients; then what happens next is always the
 * earliest thing in the schedule.  No wall clock, no threads, no addresses
 * and no uninitialised byte may influence what happens: a seed is the whole
 * story.
 *
 * Ownership  a world is reused seed after seed; everything a schedule makes
 *            lives in its arena.
 */
#ifndef AEGIS_SIM_WORLD_H
#define AEGIS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "consensus/engine.h"
#include "sim/arena.h"
#include "sim/authority.h"
#include "sim/choice.h"
#include "sim/counters.h"
#include "sim/dice.h"
#include "sim/flight.h"
#include "sim/limit.h"
#include "sim/machine.h"
#include "sim/membership.h"
#include "sim/profile.h"
#include "sim/schedule.h"

#define WORLD_REPLICAS_MAX (PROFILE_MEMBERS_MAX + 3) /* and twins */
#define WORLD_SLOTS_MAX 4096
#define WORLD_TERMS_MAX 1024
#define WORLD_ENTRY_TERMS 6
#define WORLD_REQUESTS_MAX 512
#define WORLD_EVENTS_MAX 1500000
#define WORLD_SKEW_MS 60000 /* of a proposal, that is accepted */
#define WORLD_WALL_MS 1700000000000U
#define WORLD_VIOLATION_BYTES 512
#define WORLD_OLD_MESSAGES 256

struct disk_record {
	uint64_t token;
	uint64_t seq;
	struct bytes body;
};

#define DISK_RECORDS_MAX 8192

/* A log: records 0..synced-1 survive a crash. */
struct disk {
	struct disk_record *records; /* DISK_RECORDS_MAX of them */
	size_t first;                /* older ones were truncated */
	size_t count;
	size_t synced;
	size_t syncing; /* what the running sync will cover; 0: none runs */
	size_t before;  /* synced before the last sync that ended */
	size_t relied;  /* up to here, when the log was last truncated */
	uint64_t full_until;
};

/* Something that waits for a token. */
struct held {
	struct held *next;
	struct effect effect; /* bytes in the arena */
};

struct held_list {
	struct held *head;
	struct held **tail;
};

struct snapshot {
	struct machine machine;
	struct bytes proof; /* its certificate; empty: not yet */
};

#define REPLICA_SNAPSHOTS 6

/* How far views get, where that is drawn (ladder.c). */
struct ladder {
	uint64_t views; /* the first so many; 0: as far as they can */
	uint8_t rung[PROFILE_LADDER_MAX][WORLD_REPLICAS_MAX];
	uint64_t missed[PROFILE_LADDER_MAX][WORLD_REPLICAS_MAX]; /* or 0 */
	uint32_t unheard[PROFILE_LADDER_MAX]; /* members, a bit each */
	uint32_t late[PROFILE_LADDER_MAX];    /* replicas */
};

/* A request for state, until it is installed or a newer one replaces it. */
struct transfer {
	bool is_wanted;
	uint64_t seq; /* this or any above it */
};

/* The horizon's file, and what of it is on its way there. */
struct replica_memory {
	struct horizon horizon;
	size_t record; /* records that were safe when it was written */
	bool is_wanted, is_writing;
	struct horizon wanted, writing;
	size_t writing_record;
};

struct feed;
struct holding;

/* A copy of a disk, to come back to. */
struct replica_image {
	bool is_taken;
	uint64_t epoch;
	uint32_t self;
	struct machine machine;
	struct replica_memory memory;
	size_t first, synced;
	uint64_t stable_safe;
};

struct replica {
	uint32_t index;
	uint32_t member;  /* the node that it is of, */
	uint64_t epoch;   /* the epoch it is in */
	uint32_t self;    /* and where that node stands in it */
	bool is_out;      /* not started yet, or no member any more */
	uint64_t ended;   /* the stable checkpoint it has told of */
	bool is_leaving;  /* the next epoch is about to begin here, */
	bool is_told;     /* because another says so */
	uint32_t told_by; /* who has to go: by those that have gone over */
	bool is_honest;
	uint32_t faces;        /* nodes it talks with: all but for twins */
	uint32_t cut;          /* replicas that nothing it sends reaches */
	uint32_t shunned;      /* BYZ_SELECTIVE: members it does not send to */
	uint64_t sync_mean_us; /* its disk's */
	uint32_t fooled; /* BYZ_EQUIVOCATE: members that get something else */
	bool is_consistent; /* all get the same lie, */
	struct bytes truth; /* in the place of this */
	struct bytes lie;
	bool is_up;
	bool has_stopped;         /* by itself, for good */
	uint32_t accused;         /* positions against which it has evidence */
	struct holding *holdings; /* certificates of this life (beyond.c) */
	uint32_t incarnation;
	uint64_t paused_until;
	uint64_t crash_in_steps; /* 0: not planned */
	uint32_t crash_at;       /* so many after a record of this kind; or 0 */
	uint64_t crash_after;
	uint64_t down_us; /* planned crash: how long */

	const struct strategy *strategy;
	struct engine *engine;
	struct feed *feed; /* of those who observe; or NULL */
	struct disk disk;
	struct replica_memory memory;
	struct replica_image image;
	uint64_t durable; /* token */
	struct held_list sends;
	struct held_list delivers;
	bool is_applying;
	bool is_flush_due;
	bool is_replaying;
	uint64_t deadline_us; /* the engine's, in its own time */
	uint64_t timer_at;    /* when a timer will fire, in ours */

	uint64_t clock_rate; /* permille of true time */
	uint64_t clock_offset;
	int64_t wall_skew_ms;

	struct machine machine;
	struct machine safe; /* what a crash leaves */
	bool has_digest;   /* of the state as it is now, known to its engine */
	bool is_pin_asked; /* somebody waits for the next checkpoint's state */
	struct snapshot snapshots[REPLICA_SNAPSHOTS];
	uint64_t snapshot_count;
	struct transfer transfer;

	/* Clients whose reads wait here, a bit each, for the index of the last
	 * question or, once that is known, for the state to be as far. */
	uint32_t readers;
	uint32_t reads[MACHINE_CLIENTS]; /* their operations */
	uint64_t read_number;
	bool is_indexed;
	uint64_t read_seq;

	struct engine_status status;
	uint64_t before[3]; /* view, stable, delivered the step before */
	bool was_asking;
	uint64_t last_token;
	uint64_t token_base;   /* of the disk's tokens; engines count from 1 */
	uint64_t delivered;    /* next delivery is this + 1 */
	uint64_t view_told;    /* highest view anything was sent in */
	uint64_t begun;        /* the view that is safely on disk as begun, */
	uint64_t begun_to;     /* and the last sequence it chose for */
	size_t kept;           /* records looked at for these two */
	uint64_t stable_safe;  /* the newest stable checkpoint on disk */
	uint64_t forgotten;    /* how far the log went that came back older */
	uint64_t stable_seq;   /* the newest one announced, */
	uint64_t stable_token; /* and the record that makes it safe */
	struct digest stable_digest;
	struct bytes stable_certificate; /* of stable_seq */
	uint64_t vouched_seq;            /* f + 1 have its state of this */
	struct bytes vouched_certificate;
};

struct link {
	uint64_t clogged_until;
	uint64_t last_arrival;
	uint64_t busy_until; /* with what was sent before */
};

/* While it lasts, messages of a type between these members are lost. */
struct silence {
	uint64_t until;
	uint64_t type;
	uint32_t from;
	uint32_t to;
};

struct slot {
	bool is_agreed;
	struct digest digest;
	struct bytes body;
	const struct machine *machine; /* the reference after it, */
	bool is_digested;
	struct digest state; /* and its digest, once it was wanted */
	uint64_t view;       /* the lowest in which it is known to be decided */
	bool is_fast;        /* and that by the PREPAREs of all */
	bool is_opposed;     /* somebody correct voted for another batch, */
	uint64_t opposed_view; /* last in this view */
	struct digest opposed;
};

/* Of one of Raft's terms; nodes counted from 1. */
struct term {
	uint32_t leader;
	uint32_t votes[PROFILE_MEMBERS_MAX];
};

/* What Raft's logs had at a sequence, by epoch and term. */
struct entry_facts {
	uint64_t committed_by; /* in this term, or an earlier one */
	uint32_t count;
	struct {
		uint64_t epoch, term;
		struct digest digest;
	} known[WORLD_ENTRY_TERMS];
};

/* What a correct member has in calm: fair.c. */
struct held_request {
	uint64_t until; /* faulty primaries should be left then; 0: none has */
	uint64_t seq;   /* executed when it came there, */
	uint64_t overdue_seq; /* and when that time was over; 0: it is not */
	uint32_t epochs;      /* that there were */
};

/* One operation of one client, from its call to its answer. */
struct operation_history {
	uint32_t client;
	uint64_t number;
	enum operation_kind kind;
	uint32_t key;
	uint64_t value;
	bool has_if_version;
	uint64_t if_version;
	uint64_t called_at;
	uint64_t answered_at; /* UINT64_MAX: not yet */
	bool is_executed;
	bool is_other_body;     /* the client signed two bodies */
	struct outcome outcome; /* by the reference */
	uint64_t position;      /* in the agreed order */
	struct result result;   /* as answered */
	struct cell read;       /* a barrier's answer: the key as it is then */
	uint32_t keys; /* of a transaction, or a range read: a bit each */
	uint64_t versions[MACHINE_KEYS]; /* that a transaction compares */
	struct cell range[MACHINE_KEYS]; /* what a range read saw, */
	uint64_t range_seq;              /* and of which state */
	uint32_t first;                  /* of those in the same envelope, */
	uint32_t count;                  /* and how many they are */
	const struct machine_roster *roster; /* of a change of members */
	uint64_t epoch;                      /* that envelopes are signed for */
	struct bytes envelope;
	struct bytes other;
	uint64_t other_value;
	struct held_request held; /* of the first in an envelope */
};

/* Something a correct member signed. */
struct ledger_entry {
	uint64_t world; /* its generation */
	uint64_t epoch;
	uint32_t member;
	uint32_t kind;
	uint64_t view;
	uint64_t seq;
	struct digest digest;
};

#define WORLD_LEDGER_MAX 16384

struct client {
	uint64_t next_number;
	int current;    /* first of its envelope in history, -1: thinking */
	uint32_t asked; /* replicas asked, a bit each */
	uint64_t retries;
	uint64_t known[MACHINE_KEYS]; /* versions it last heard of */
};

struct world {
	uint64_t seed;
	bool is_traced;
	const struct strategy *strategy; /* before a run */
	enum profile_kind kind;
	struct limit limit;          /* of what the profile says */
	uint64_t until_us;           /* it stops before what comes later, */
	uint64_t until_events;       /* or when so much has happened */
	struct choices choices;      /* the caller may keep some of them only */
	const struct profile *given; /* in the place of one that is drawn */
	struct profile profile;
	struct schedule schedule;
	struct flight flight;
	struct arena arena;
	uint64_t *counters;
	struct dice network_dice;
	struct dice disk_dice;
	struct dice fault_dice;
	struct dice work_dice;
	struct dice byzantine_dice;
	struct dice lie_dice;
	uint64_t now;
	uint64_t events;
	bool is_noted;           /* bytes too go into the */
	uint64_t hash;           /* of everything that happened */
	uint64_t wall_latest_ms; /* that any honest clock has shown */
	bool is_healed;
	uint64_t look_at; /* whether it may end, from then on */
	bool is_over;     /* it has come to its end */
	bool is_violated;
	bool is_undecided; /* of a key's history there is no verdict */
	char violation[WORLD_VIOLATION_BYTES];
	const char *rule; /* the violation's sentence before its numbers */

	struct keyring keyring;
	struct membership memberships[MEMBERSHIP_EPOCHS_MAX];
	uint32_t epochs;    /* of these, as far as the reference has come */
	uint32_t changes;   /* of rosters, asked for */
	uint32_t honest;    /* node mask */
	uint32_t forgetful; /* honest, but their disks came back older; */
	uint32_t unsettled; /* those that have not rejoined since */
	uint64_t generation;
	struct ledger_entry ledger[WORLD_LEDGER_MAX];
	uint16_t ledger_places[WORLD_LEDGER_MAX]; /* of this world's */
	uint32_t ledger_count;
	uint64_t asked[PROFILE_MEMBERS_MAX]; /* highest VIEW_CHANGE told */
	uint32_t replica_count;
	struct replica replicas[WORLD_REPLICAS_MAX];
	void *memory[WORLD_REPLICAS_MAX];
	size_t memory_len[WORLD_REPLICAS_MAX];
	struct effects effects;
	struct certificate certificate; /* to decode into */

	struct link links[PROFILE_MEMBERS_MAX][PROFILE_MEMBERS_MAX];
	struct silence silence;
	struct ladder ladder;
	bool is_hushed;        /* hush.c */
	uint64_t ending_until; /* so long only one node hears of an end */
	uint32_t ending_spares;
	struct bytes judged; /* the newest NEW_VIEW that was found right */
	struct bytes old[WORLD_OLD_MESSAGES];
	uint32_t old_from[WORLD_OLD_MESSAGES];
	uint32_t old_to[WORLD_OLD_MESSAGES];
	uint64_t old_epoch[WORLD_OLD_MESSAGES];
	uint64_t old_count;

	struct machine reference;
	struct slot slots[WORLD_SLOTS_MAX];
	uint64_t slots_used; /* the highest touched */
	struct entry_facts entries[WORLD_SLOTS_MAX];
	struct client clients[MACHINE_CLIENTS];
	struct operation_history history[WORLD_REQUESTS_MAX];
	uint32_t history_count;
	uint64_t executed_count; /* by the reference */
	uint64_t read_numbers;   /* no two reads have the same */
	uint64_t answered_seq;   /* when every request was answered; or 0 */
};

struct world *world_new(void);
void world_free(struct world *w);

/*
 * Live through one seed.  False when a rule was broken: violation says
 * which.  counters has COUNT_COUNT cells and is added to.
 */
bool world_run(struct world *w, uint64_t seed, uint64_t *counters);

/*
 * The same in parts: begin it; let the next thing happen, false when nothing
 * does any more; live on to the end, and judge.
 */
void world_begin(struct world *w, uint64_t seed, uint64_t *counters);
bool world_next(struct world *w);
bool world_is_stopped(const struct world *w);
bool world_live(struct world *w);

static inline bool
world_is_raft(const struct world *w)
{
	return w->strategy == &strategy_raft;
}

/* A replica that leads, in the newest epoch that has one; or NULL. */
struct replica *world_leader(struct world *w);

/* A rule is broken: the first sentence said is the one kept. */
void world_violate(struct world *w, const char *fmt, ...) AG_PRINTF(2, 3);

/* One line of the story, when it is told: otherwise nothing is evaluated. */
#define world_trace(w, ...)                          \
	do {                                         \
		if ((w)->is_traced)                  \
			world_say((w), __VA_ARGS__); \
	} while (0)
void world_say(const struct world *w, const char *fmt, ...) AG_PRINTF(2, 3);

void world_push(struct world *w, struct happening h);

/* Mix a fact, or bytes, into the hash of all that happened. */
void world_note(struct world *w, uint64_t fact);
void world_note_bytes(struct world *w, struct bytes bytes);

static inline void
world_count(struct world *w, enum counter counter)
{
	w->counters[counter]++;
}

/* A fault was drawn: does it strike?  Then it is counted. */
bool world_strikes(struct world *w, enum counter fault);

/* Is it to stay broken, as it was in the storm? */
static inline bool
world_is_broken(const struct world *w, uint32_t member)
{
	return w->profile.broken_how != BROKEN_NOT &&
	    w->profile.broken == member;
}

#endif
