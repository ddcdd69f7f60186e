/*
 * Who agrees, epoch after epoch.
 *
 * A node keeps its keys, its disk and its place in the network; where it
 * stands in a roster is another number in each epoch.  Engines know positions,
 * the world knows nodes.
 */
#ifndef AEGIS_SIM_MEMBERSHIP_H
#define AEGIS_SIM_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/authority.h"
#include "sim/machine.h"
#include "sim/profile.h"
#include "trust/certificate.h"

#define MEMBERSHIP_EPOCHS_MAX 8
#define MEMBERSHIP_MIN 4
#define MEMBERSHIP_CRASH_MIN 3 /* where members only crash */
#define MEMBERSHIP_MAX 7
#define MEMBERSHIP_OBSERVERS_MAX 2
#define MEMBERSHIP_NOBODY UINT32_MAX

/* Batches that an epoch may decide behind its last. */
#define MEMBERSHIP_BEYOND (2 * PROFILE_WINDOW_MAX)

struct term;

struct membership {
	struct trust_scope scope;
	uint32_t member_count;
	uint32_t node_count; /* observers too, behind the members */
	uint32_t nodes[PROFILE_MEMBERS_MAX]; /* by position */
	uint64_t first_seq;                  /* its sequences are above this */
	struct digest first_digest;
	struct bytes first_proof; /* by a quorum of the epoch before */
	uint64_t last_seq;        /* 0: it goes on */
	bool is_proved; /* somebody has shown that this state is the last */
	struct signer signers[KEYRING_KEYS];
	struct {
		bool is_decided;
		struct digest digest;
	} beyond[MEMBERSHIP_BEYOND];
	struct term *terms; /* Raft's, see terms.c; NULL: none yet */
};

struct world;
struct replica;

/* The first roster: nodes 0 to n - 1, then those who observe. */
void membership_begin(struct world *w);

/* Where a node stands; or MEMBERSHIP_NOBODY. */
uint32_t membership_position(const struct membership *m, uint32_t node);

/* The epoch that a replica is in. */
struct membership *membership_of(struct world *w, const struct replica *r);

/* Does it follow without a vote? */
bool membership_observes(struct world *w, const struct replica *r);

/* The epoch in which a sequence is executed. */
const struct membership *membership_at(const struct world *w, uint64_t seq);

/* The newest that anybody may have begun. */
const struct membership *membership_newest(const struct world *w);

/* Draw a successor of the last roster, one change away; false: there is none
 * to be had. */
bool membership_draw(struct world *w, struct machine_roster *next);

/* The reference has executed a batch: did it end the epoch? */
void membership_refer(struct world *w);

#endif
