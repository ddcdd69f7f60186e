/*
 * A dead node's data directory, read: what its log says of each sequence, of
 * views and checkpoints, and how far its state is.
 *
 * Ownership  inspect_log_open() hands out a handle, inspect_log_close() takes
 *            it back.
 * Threads    one at a time.
 */
#ifndef AEGIS_CMD_INSPECT_LOG_H
#define AEGIS_CMD_INSPECT_LOG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "cmd/inspect_show.h"
#include "store/store.h"
#include "trust/certificate.h"
#include "trust/roster.h"

struct applet_call;
struct keyring;
struct record;

/* Batches of one sequence that are told apart; views may propose others. */
#define INSPECT_BATCHES_KEPT 4

/* What the log says of one sequence; record numbers are 0 for none. */
struct inspect_entry {
	uint64_t seq;
	uint64_t view; /* it was committed in, or last proposed */
	uint64_t proposal_record, prepared_record, committed_record;
	uint64_t checkpoint_record, state_record;
	uint64_t proposal_view, prepared_view;
	struct digest proposed, prepared, committed;
	struct digest checkpoint; /* certified, of the state */
	struct digest state;      /* this node's own, of the same */
	uint32_t prepares;        /* signers, a bit per member */
	uint32_t commits;
	uint64_t requests, bytes; /* of the newest batch */
	uint32_t batch_count;     /* all that came; the newest are kept */
	struct digest batches[INSPECT_BATCHES_KEPT];
};

struct inspect_view_record {
	uint64_t view;
	bool is_changing;
	uint64_t record;
	uint32_t askers;     /* whose asking began it, a bit per member; of
				Raft those that the node voted for */
	uint64_t before_ms;  /* agreed time of the newest batch before; or 0 */
	uint64_t stopped_ms; /* from it to the first one after; 0 unknown */
};

struct inspect_log {
	char dir[PATH_MAX];      /* the data directory */
	struct keyring *keyring; /* what its log is sealed with, or NULL */
	struct roster *roster;   /* NULL: not given, nothing is verified */
	struct inspect_names names;
	int self; /* whose directory it is; -1 unknown */
	uint8_t cluster_id[CLUSTER_ID_BYTES];

	bool is_raft;                       /* its records are Raft's */
	uint64_t first_record, last_record; /* 0: the log is empty */
	struct inspect_entry *entries;      /* by rising sequence */
	size_t entry_count;
	struct inspect_view_record *views; /* as they came */
	size_t view_count;
	uint64_t view;
	bool is_changing;
	uint64_t entry_view; /* Raft: the highest term that has an entry */
	uint64_t time_ms;    /* agreed, of the newest batch; 0 none */
	uint64_t stable;     /* of the newest checkpoint; 0 none */
	struct digest stable_digest;
	uint64_t proposed;

	char state_dir[PATH_MAX]; /* DIR/state, or state.old in a swap */
	bool has_state;
	struct store_glance state;
	struct ag_error state_err;  /* why has_state is false */
	struct ag_error damage;     /* AG_OK, or where reading ended */
	struct inspect_entry *hash; /* while reading */
	size_t hash_cap;
	uint64_t salt;
};

/*
 * Called for each record before it is taken in; entry is what was known of
 * its sequence until then (seq 0: nothing).
 */
typedef void inspect_record_fn(void *arg, const struct inspect_log *log,
    uint64_t number, const struct record *record,
    const struct certificate *certificate, const struct inspect_entry *entry);

/*
 * Read the data directory dir, with its keyring opened as call's options say.
 * roster is borrowed; NULL: names are unknown.  fn may be NULL.  Damage in the log ends the reading, but is no failure:
 * see damage.
 * AG_EBUSY     a running node has the directory
 * AG_ECONFLICT it is of another cluster than the roster
 */
enum ag_status inspect_log_open(struct inspect_log **out,
    const struct applet_call *call, const char *dir, struct roster *roster,
    inspect_record_fn *fn, void *arg, struct ag_error *err) AG_MUST_USE;
void inspect_log_close(struct inspect_log *log);

/* AG_EBUSY when a running node has the directory. */
enum ag_status inspect_log_check_dead(const char *dir,
    struct ag_error *err) AG_MUST_USE;

/* AG_EBUSY when a node has been started on the directory meanwhile. */
enum ag_status inspect_log_still_dead(const struct inspect_log *log,
    struct ag_error *err) AG_MUST_USE;

/* What is known of a sequence; NULL nothing. */
const struct inspect_entry *inspect_log_find(const struct inspect_log *log,
    uint64_t seq);

/* The highest sequence certified without a gap above the stable one. */
uint64_t inspect_log_committed(const struct inspect_log *log);

/* "PROPOSED" … "EXECUTED", as the API says it; "" nothing of a round. */
const char *inspect_log_phase(const struct inspect_log *log,
    const struct inspect_entry *entry);

/* Read the certificate of one record again. */
enum ag_status inspect_log_certificate(const struct inspect_log *log,
    uint64_t record, struct certificate *out, struct ag_error *err) AG_MUST_USE;

#endif
