/*
 * The model state machine: a few keys, the client table and the newest roster,
 * plain memory.
 *
 * A copy of the struct is a snapshot.  Requests are envelopes of one or more
 * operations (codec/operation.h: put, delete, barrier, and transactions that
 * compare versions and put) on keys "a".."d", or of one that changes the
 * members.
 */
#ifndef AEGIS_SIM_MACHINE_H
#define AEGIS_SIM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/operation.h"
#include "sim/profile.h"
#include "trust/certificate.h"

#define MACHINE_KEYS 4
#define MACHINE_CLIENTS 6
#define MACHINE_WINDOW 8

struct cell {
	uint64_t value; /* 0: absent */
	uint64_t version;
	uint64_t modified;
};

struct answered {
	uint64_t number;
	uint64_t code;
	uint64_t seq;
	uint64_t version;
	uint64_t previous_version;
};

/* What a client's requests came to; numbers at or below floor are stale. */
struct sessions {
	uint64_t floor;
	uint64_t count;
	struct answered answered[MACHINE_WINDOW];
};

/* Who agrees from an epoch on: nodes by position, members first. */
struct machine_roster {
	uint64_t epoch; /* 0: of the first there is no entry */
	uint64_t since; /* the batch that ended the epoch before */
	uint64_t member_count;
	uint64_t node_count; /* observers too */
	uint64_t nodes[PROFILE_MEMBERS_MAX];
};

struct machine {
	uint64_t applied;
	uint64_t time_ms;
	struct cell cells[MACHINE_KEYS];
	struct sessions sessions[MACHINE_CLIENTS];
	struct machine_roster roster;
};

struct outcome {
	uint32_t client;
	uint64_t number;
	bool is_duplicate; /* executed before; the old result again */
	struct result result;
	struct cell cells[MACHINE_KEYS]; /* right after it, for reads */
};

typedef void outcome_fn(void *arg, const struct outcome *outcome);

/*
 * Execute batch seq, which is applied + 1.  Bytes that are not a batch
 * change nothing but the sequence.  fn may be NULL.
 */
void machine_apply(struct machine *m, uint64_t seq, struct bytes batch,
    outcome_fn *fn, void *arg);

/* Has it executed the last batch of this epoch? */
bool machine_is_last(const struct machine *m, uint64_t epoch);

/* May it answer a read that is to see everything up to index?  The last state
 * of an epoch may be one that others have gone on from. */
bool machine_answers(const struct machine *m, uint64_t epoch, uint64_t index);

/* What the replicas agree on at a checkpoint. */
void machine_digest(const struct machine *m, struct digest *digest);

/* The result of a request executed before, if it still is known. */
bool machine_find(const struct machine *m, uint32_t client, uint64_t number,
    struct result *result);

/* Principals are made from client indices; -1 for one that is not. */
int machine_client_of(const uint8_t principal[static PUBLIC_KEY_BYTES]);
void machine_principal(uint32_t client,
    uint8_t principal[static PUBLIC_KEY_BYTES]);

#endif
