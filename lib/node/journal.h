/*
 * The journal: the engine's records on their way to durable.
 *
 * Appending is cheap and happens on the loop's thread; a thread of the
 * journal's own writes and syncs whatever is waiting, all of it at once, and
 * reports back.  While one sync runs, everything appended joins the next.
 *
 * Ownership  journal_open() hands out a handle, journal_close() takes it
 *            back after a last sync.
 * Threads    all functions on the loop's thread; callbacks too.
 */
#ifndef AEGIS_NODE_JOURNAL_H
#define AEGIS_NODE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"
#include "node/recollect.h"

struct journal;
struct loop;

struct journal_callbacks {
	void *arg;
	/* Every token up to this one is durable. */
	void (*durable)(void *arg, uint64_t token);
	/* The log failed; nothing more will become durable. */
	void (*failed)(void *arg, const struct ag_error *err);
};

enum ag_status journal_open(struct journal **out,
    const struct recollect_config *config, struct loop *loop,
    const struct journal_callbacks *callbacks,
    struct ag_error *err) AG_MUST_USE;
void journal_close(struct journal *journal);

/* What is kept of how far our votes went. */
const struct horizon *journal_horizon(const struct journal *journal);

/* Write this down before whatever is appended from now on. */
void journal_put_horizon(struct journal *journal,
    const struct horizon *horizon);

/*
 * Hand every record to visit, oldest first; it returns the record's sequence
 * as in EFFECT_PERSIST.  Before the first append.
 */
enum ag_status journal_replay(struct journal *journal,
    uint64_t (*visit)(void *arg, struct bytes record), void *arg,
    struct ag_error *err) AG_MUST_USE;

/* Append the record of a token (rising); seq as in EFFECT_PERSIST. */
enum ag_status journal_append(struct journal *journal, uint64_t token,
    uint64_t seq, struct bytes record, struct ag_error *err) AG_MUST_USE;

/* The least key epoch that a record is sealed with; 0: there is none. */
uint32_t journal_oldest_epoch(const struct journal *journal);

/* The turn is over: what was appended should become durable now. */
void journal_kick(struct journal *journal);

/*
 * The same, here and now, and the callbacks with it: for who has nothing else
 * to do meanwhile.  False, and nothing is done, while the journal's thread is
 * at it, or where syncs take longer than handing one over would.
 */
bool journal_sync_here(struct journal *journal);

/*
 * Checkpoint seq is stable and its record was appended with this token:
 * drop what replay no longer needs, beyond retain_bytes.
 */
void journal_release(struct journal *journal, uint64_t seq, uint64_t token,
    uint64_t retain_bytes);

/*
 * The number of a record in the log before which there is none of seq or of
 * a sequence above it; 0 when the log no longer goes back that far.
 */
uint64_t journal_find(const struct journal *journal, uint64_t seq);

/* Bytes of the log on disk. */
uint64_t journal_bytes(const struct journal *journal);

/* The 99th percentile of recent syncs. */
uint64_t journal_sync_p99_us(const struct journal *journal);

#endif
