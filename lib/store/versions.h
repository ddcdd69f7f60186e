/*
 * Superseded versions of keys, kept for a while, and the changes in their
 * order: what reads at an earlier sequence, histories of keys and watches
 * from the past are answered from.
 *
 * They are this node's own: in no digest, snapshot or transfer.  A state that
 * came from elsewhere begins anew with them.
 *
 * Ownership  versions_open() hands out a handle, versions_close() takes it
 *            back.
 * Threads    that of the tables.
 */
#ifndef AEGIS_STORE_VERSIONS_H
#define AEGIS_STORE_VERSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "store/store.h"

struct sqlite3;
struct versions;

/* A version's weight besides its key and value, and a batch's. */
#define VERSIONS_ROW_BYTES 48
#define VERSIONS_BATCH_BYTES 32

/*
 * seq: of the state, which is the oldest that can be read when nothing was
 * kept yet.  Nothing is until versions_retain().
 */
enum ag_status versions_open(struct versions **out, struct sqlite3 *db,
    uint64_t seq, struct ag_error *err) AG_MUST_USE;
void versions_close(struct versions *versions);

void versions_retain(struct versions *versions,
    const struct store_retention *retention);
void versions_look(const struct versions *versions, struct store_past *past);

/* --- in the transaction of a batch, in this order --- */

void versions_begin_batch(struct versions *versions, uint64_t seq);

/* What an entry is before it changes; head is what its row says. */
struct versions_old {
	bool exists;
	uint64_t value_len;
	uint64_t head;
};

/*
 * Before key is put or deleted.  *head: for its row to say, if it is put.
 */
enum ag_status versions_change(struct versions *versions, struct bytes key,
    const struct versions_old *old, bool is_delete, uint64_t *head,
    struct ag_error *err) AG_MUST_USE;

/* time_ms: the agreed one. */
enum ag_status versions_end_batch(struct versions *versions, uint64_t time_ms,
    struct ag_error *err) AG_MUST_USE;

/* Before the commit. */
enum ag_status versions_save(struct versions *versions,
    struct ag_error *err) AG_MUST_USE;

/* Is there something to drop? */
enum ag_status versions_is_due(struct versions *versions, uint64_t now_ms,
    bool *is_due, struct ag_error *err) AG_MUST_USE;

/*
 * Drop a little of what is older or more than is to be kept, in the open
 * transaction.  *is_done: nothing else is.
 */
enum ag_status versions_compact(struct versions *versions, uint64_t now_ms,
    bool *is_done, struct ag_error *err) AG_MUST_USE;

/* --- the bytes of a batch's changes --- */

struct versions_note {
	struct bytes key;
	bool is_delete;
};

/* The change at *at of notes, which moves on.  False: damaged, or the end. */
bool versions_next_note(struct bytes notes, size_t *at,
    struct versions_note *note);

#endif
