/*
 * The applier: executes agreed batches on a thread of its own, or a few on
 * the loop's (applier_execute).
 *
 * Ownership  applier_open() hands out a handle, applier_close() takes it
 *            back after the batches at hand are executed.
 * Threads    all functions on the loop's thread, unless said otherwise;
 *            callbacks too.
 */
#ifndef AEGIS_NODE_APPLIER_H
#define AEGIS_NODE_APPLIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"
#include "store/store.h"

struct applier;
struct epoch;
struct loop;
struct roster;

/* What one group of executed batches did, in order. */
struct applied {
	uint64_t seq;     /* the last batch of the group */
	uint64_t time_ms; /* its agreed time */
	bool has_digest;  /* seq is a checkpoint */
	bool is_last;     /* of the epoch: nothing is executed after it */
	struct digest digest;
	uint64_t operations;
	/* Outcomes of requests of our own principal. */
	const struct store_outcome *outcomes;
	size_t outcome_count;
	/* Every change, for watches; borrowed for the callback. */
	const struct store_change *changes;
	size_t change_count;
};

struct applier_callbacks {
	void *arg;
	void (*applied)(void *arg, const struct applied *applied);
	/* A pin asked for was taken at a checkpoint; it is now yours. */
	void (*pinned)(void *arg, void *pin_arg, enum ag_status status,
	    struct store_pin *pin);
	/* Checkpoint seq is durable in the store. */
	void (*synced)(void *arg, uint64_t seq);
	/* No value needs the key of another epoch; see applier_reseal(). */
	void (*resealed)(void *arg, uint32_t epoch);
	void (*failed)(void *arg, const struct ag_error *err);
};

/*
 * origin: what a restored cluster begins with, NULL for others; copied.
 * keyring: what the state's values are sealed with, or NULL; borrowed.
 */
enum ag_status applier_open(struct applier **out, const char *dir,
    const uint8_t cluster_id[static 32], const struct store_origin *origin,
    struct keyring *keyring, const uint8_t principal[static 32],
    struct loop *loop, const struct applier_callbacks *callbacks,
    struct metric_set *metrics, struct ag_error *err) AG_MUST_USE;
void applier_close(struct applier *applier);

/*
 * These members judge changes of the membership from now on: the next epoch,
 * or at the start the present one.  roster is borrowed.
 */
enum ag_status applier_begin_epoch(struct applier *applier,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/* The state is the last of that epoch: what is delivered is dropped. */
bool applier_is_last(struct applier *applier);

/* What proves the epoch after a last state; see store_prove_epoch(). */
enum ag_status applier_prove_epoch(struct applier *applier, struct epoch *epoch,
    struct buf *text, struct ag_error *err) AG_MUST_USE;

/* Queue the next batch; it is copied. */
enum ag_status applier_deliver(struct applier *applier, uint64_t seq,
    bool is_checkpoint, struct bytes batch) AG_MUST_USE;

/*
 * Have executed what was delivered: here, if it is little and the caller
 * would only wait meanwhile.  It is reported by the loop in any case.
 */
void applier_execute(struct applier *applier, bool may_wait);

/*
 * Queue: make everything up to checkpoint seq survive power loss, or with 0
 * whatever is there.  Not reported when the state is not there yet.
 */
enum ag_status applier_sync(struct applier *applier, uint64_t seq) AG_MUST_USE;

/*
 * At the next checkpoint, pin the state for pin_arg; with at_once, where it
 * stands when the engine knows that digest already.
 */
enum ag_status applier_pin(struct applier *applier, bool at_once,
    void *pin_arg) AG_MUST_USE;

/* The last sequence executed, as last reported on the loop. */
uint64_t applier_seq(const struct applier *applier);
uint64_t applier_time_ms(const struct applier *applier);

/* When a lease expires next, in agreed ms, as last reported; 0: never. */
uint64_t applier_next_expiry_ms(const struct applier *applier);

/* The key epochs then; borrowed until the loop's next turn. */
const struct key_epochs *applier_key_epochs(const struct applier *applier);

/*
 * Seal values of earlier key epochs again, in so many hundredths of the time
 * at the most, until it is reported that all are done; 0: no more.
 */
void applier_reseal(struct applier *applier, unsigned int percent);
void applier_resealing(struct applier *applier,
    struct store_resealing *progress);

/*
 * Keep superseded versions; what need not be kept any more is dropped in a
 * part of the time.  What was kept as of the last commit, on the loop.
 */
void applier_retain(struct applier *applier,
    const struct store_retention *retention);
void applier_look_past(const struct applier *applier, struct store_past *past);

/* The digest of the state as it was opened, at applier_seq() then. */
void applier_opened_digest(const struct applier *applier,
    struct digest *digest);
void applier_size(const struct applier *applier, uint64_t *keys,
    uint64_t *bytes);

/* The digest of the state now, and the sequence and time it is of. */
enum ag_status applier_digest(struct applier *applier, uint64_t *seq,
    uint64_t *time_ms, struct digest *digest, struct ag_error *err) AG_MUST_USE;

enum ag_status applier_find_request(struct applier *applier,
    const uint8_t principal[static 32], uint64_t number,
    struct result *result) AG_MUST_USE;

/* The least number of ours that the state does not know of. */
uint64_t applier_next_number(struct applier *applier);

/*
 * What readers see: everything up to a sequence, which may be behind
 * applier_seq().  applier_commit() queues a commit of what was executed; fn
 * is called after every one, until it is NULL.
 */
typedef void applier_committed_fn(void *arg);
uint64_t applier_committed(const struct applier *applier);
enum ag_status applier_commit(struct applier *applier) AG_MUST_USE;
void applier_on_committed(struct applier *applier, applier_committed_fn *fn,
    void *arg);

/*
 * Read the committed state.  The reader is valid until the next
 * applier_replace().
 */
struct store_reader *applier_reader(struct applier *applier);

/* Another reader of the state as it is now: the caller's, to close. */
enum ag_status applier_reader_open(struct applier *applier,
    struct store_reader **out, struct ag_error *err) AG_MUST_USE;

/*
 * Put the state database at new_dir, of sequence seq, in the place of ours,
 * after what was queued is executed.  AG_EEXIST when that has brought ours
 * as far: then nothing is replaced.  On another failure the applier is
 * unusable.
 */
enum ag_status applier_replace(struct applier *applier, const char *new_dir,
    uint64_t seq, struct ag_error *err) AG_MUST_USE;

#endif
