/*
 * The rosters a node has been through, in its data directory.
 *
 * The first roster, or a chain, is where the operator put it; what the node
 * itself has seen to follow is DIR/chain.  The log is of one epoch, and that
 * of the epoch before is DIR/log.old until the new epoch can do without.
 *
 * Threads  one at a time.
 */
#ifndef AEGIS_NODE_EPOCHS_H
#define AEGIS_NODE_EPOCHS_H

#include "base/bytes.h"
#include "base/status.h"
#include "trust/chain.h"
#include "trust/roster.h"

/*
 * The newest roster of the operator's file and of DIR/chain, where its epoch
 * begins, and the chain that leads there.
 * AG_ECONFLICT  the two are of different clusters
 */
enum ag_status epochs_load(struct roster *roster, struct chain_start *start,
    struct buf *chain, const char *roster_path, const char *data_dir,
    struct ag_error *err) AG_MUST_USE;

/* Make a chain DIR/chain, durably. */
enum ag_status epochs_save(struct bytes chain, const char *data_dir,
    struct ag_error *err) AG_MUST_USE;

/* Put aside a log that is of an earlier epoch of the chain. */
enum ag_status epochs_settle_log(const struct roster *roster,
    struct bytes chain, const char *data_dir, struct ag_error *err) AG_MUST_USE;

/* The log that was put aside is not needed any more. */
enum ag_status epochs_forget_log(const char *data_dir,
    struct ag_error *err) AG_MUST_USE;

#endif
