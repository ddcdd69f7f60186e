/*
 * The replicated store of one node: agreed batches in, results and certified
 * state out.
 *
 * State lives in SQLite; a batch is a transaction that also advances the
 * applied sequence, so after a crash the state is exactly that of some
 * applied sequence, and the driver delivers the rest again from the log.
 *
 * Ownership  store_open() hands out a handle, store_close() takes it back.
 * Threads    store_apply*() and store_checkpoint*() belong to one thread
 *            (the applier); store_read*() may run on another at the same
 *            time, each on its own reader.
 */
#ifndef AEGIS_STORE_STORE_H
#define AEGIS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"
#include "codec/operation.h"
#include "store/key_epochs.h"
#include "trust/certificate.h"

struct epoch;
struct keyring;
struct roster;
struct store;
struct store_reader;
struct store_pin;

struct store_entry {
	struct bytes key;
	struct bytes value;
	uint64_t version;  /* 1 at creation, +1 by each put */
	uint64_t created;  /* sequence */
	uint64_t modified; /* sequence */
	uint64_t lease;    /* it is attached to, where that is known; or 0 */
};

/* One operation's outcome, in the order of the batch. */
struct store_outcome {
	const uint8_t *principal; /* 32 bytes */
	uint64_t number;
	struct result result;
};

/* One key changed by a batch, in order; what watches are fed from. */
struct store_change {
	uint64_t seq;
	bool is_delete;
	struct store_entry entry; /* value empty when deleted */
};

struct store_observer {
	void *arg;
	void (*outcome)(void *arg, const struct store_outcome *outcome);
	void (*change)(void *arg, const struct store_change *change);
};

/*
 * Open or create the state under dir, which must belong to this cluster.
 * AG_ECONFLICT another cluster's; AG_EVERSION a newer format; AG_ECORRUPT.
 */
enum ag_status store_open(struct store **out, const char *dir,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES],
    struct metric_set *metrics, struct ag_error *err) AG_MUST_USE;

/* The state a restored cluster begins with. */
struct store_origin {
	uint64_t seq;
	struct digest digest;
};

/*
 * The same with values sealed, when there is a keyring, which is borrowed: a
 * state that is not sealed is now.  And with an origin for a cluster that goes
 * on from another's state: exactly that state, under dir, becomes this
 * cluster's; it is refused as another's when anything differs.
 * AG_ECONFLICT also: it is sealed with another keyring;  AG_EDENIED: sealed,
 * and there is no keyring
 */
enum ag_status store_open_from(struct store **out, const char *dir,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES],
    const struct store_origin *origin, struct keyring *keyring,
    struct metric_set *metrics, struct ag_error *err) AG_MUST_USE;
void store_close(struct store *store);

/*
 * The members from now on, who judge a successor: nothing that changes the
 * membership is executed before.  roster is borrowed.
 */
enum ag_status store_begin_epoch(struct store *store,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/*
 * The state holds a successor of that roster: it is the last of its epoch, and
 * nothing may be applied to it.
 */
bool store_is_last(const struct store *store);

/*
 * What proves the successor of a last state but for its certificate.  The
 * text goes to text and is borrowed from there.
 */
enum ag_status store_prove_epoch(struct store *store, struct epoch *epoch,
    struct buf *text, struct ag_error *err) AG_MUST_USE;

/* What a state says of itself. */
struct store_glance {
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	uint64_t seq;
	uint64_t time_ms;
	uint64_t keys;
	uint64_t bytes;
};

/*
 * Look at the state under dir, which no process may have open, and change
 * nothing on the disk.  AG_ENOENT there is none.
 */
enum ag_status store_peek(struct store_glance *glance, const char *dir,
    struct ag_error *err) AG_MUST_USE;

/* The key epochs after what was applied; borrowed. */
const struct key_epochs *store_key_epochs(const struct store *store);

/* The last applied sequence (durable or not). */
uint64_t store_applied(const struct store *store);

/* The agreed time of the last batch, ms. */
uint64_t store_time_ms(const struct store *store);

/* When a lease expires next, in agreed ms; 0: there is none. */
uint64_t store_next_expiry_ms(const struct store *store);

/*
 * Execute batch seq, which must be store_applied() + 1, to a state that is
 * not the last of its epoch.  Bytes that are not
 * a batch change nothing but the sequence: every replica sees the same.
 * The observer's callbacks run before this returns; what they see is
 * committed to the database when store_commit() returns.
 */
enum ag_status store_apply(struct store *store, uint64_t seq,
    struct bytes batch, const struct store_observer *observer,
    struct ag_error *err) AG_MUST_USE;

/* Commit what was applied since the last commit, as one transaction. */
enum ag_status store_commit(struct store *store,
    struct ag_error *err) AG_MUST_USE;

/* The digest of the state as it is now (commits first). */
enum ag_status store_digest(struct store *store, struct digest *digest,
    struct ag_error *err) AG_MUST_USE;

/*
 * Values sealed with the keys of earlier epochs than the keyring's present one,
 * sealed again with that (store/reseal.h).
 */
struct store_resealing {
	uint32_t epoch;    /* the present one, of the keyring */
	uint64_t passed;   /* keys looked at */
	uint64_t resealed; /* of those, such as were sealed with another */
	bool is_done;      /* no value needs another key, */
	bool is_settled;   /* nor does anybody who still reads an older state */
};

/*
 * Go on a little; what was done is committed with what is applied.  Once all
 * values are done, make that durable and find out who reads an older state.
 * *bytes were written.  A state that is not sealed is done.
 */
enum ag_status store_reseal(struct store *store,
    struct store_resealing *progress, size_t *bytes,
    struct ag_error *err) AG_MUST_USE;

/*
 * Superseded versions are kept so long, by agreed times, and while they weigh
 * no more, keys and plain values counted; none with bytes of 0.  A store that
 * was just opened keeps none.
 */
struct store_retention {
	uint64_t age_ms;
	uint64_t bytes;
};

/* What is kept: the state can be read as it was at oldest and since. */
struct store_past {
	uint64_t oldest;
	uint64_t versions;
	uint64_t bytes;
};

void store_retain(struct store *store, const struct store_retention *retention);
void store_look_past(const struct store *store, struct store_past *past);

/*
 * Drop a little of what need not be kept; it is committed with what is
 * applied.  *is_done: nothing else is to go.
 */
enum ag_status store_compact(struct store *store, bool *is_done,
    struct ag_error *err) AG_MUST_USE;

/* Make everything committed survive power loss; then logs may be cut. */
enum ag_status store_sync(struct store *store,
    struct ag_error *err) AG_MUST_USE;

/* Keys, but for the cluster's own, and bytes (keys + values) held. */
void store_size(const struct store *store, uint64_t *keys, uint64_t *bytes);

/* Was this request executed?  AG_ENOENT when the table does not know. */
enum ag_status store_find_request(struct store *store,
    const uint8_t principal[static 32], uint64_t number,
    struct result *result) AG_MUST_USE;

/* The least request number of principal that no state before this one used. */
uint64_t store_next_number(const struct store *store,
    const uint8_t principal[static 32]);

/* Reading, from any one thread per reader. */
enum ag_status store_reader_open(struct store_reader **out, struct store *store,
    struct ag_error *err) AG_MUST_USE;
void store_reader_close(struct store_reader *reader);

/* Look up key; entry borrows from the reader until its next call. */
enum ag_status store_get(struct store_reader *reader, struct bytes key,
    struct store_entry *entry, struct ag_error *err) AG_MUST_USE;

/*
 * Entries with first <= key < last (last empty: no end), in key order, at
 * most limit; *more says whether others follow.  Reserved keys are left out
 * where there is no first.  visit returning false
 * stops.  *seq (may be NULL) is the sequence the page was read at.
 */
enum ag_status store_range(struct store_reader *reader, struct bytes first,
    struct bytes last, size_t limit, bool keys_only,
    bool (*visit)(void *arg, const struct store_entry *entry), void *arg,
    bool *more, uint64_t *seq, struct ag_error *err) AG_MUST_USE;

/*
 * Hold the committed state as it is now for reading out as a snapshot while
 * the store moves on.  Called by the applier right after a checkpoint's
 * batch; read by another thread through store/snapshot.h.
 */
enum ag_status store_pin(struct store *store, struct store_pin **out,
    struct ag_error *err) AG_MUST_USE;
void store_unpin(struct store_pin *pin);
uint64_t store_pin_seq(const struct store_pin *pin);
void store_pin_digest(const struct store_pin *pin, struct digest *digest);

#endif
