/*
 * Certified snapshots for whoever reads them: the API, and other members.
 *
 * Whoever opens one waits for the next checkpoint, which is asked for at
 * once; the state is pinned there and handed over when the checkpoint's
 * certificate is complete.
 *
 * Ownership  snapshots_new() hands out a handle, snapshots_free() takes it
 *            back; those who still wait are answered AG_EUNREACH.
 * Threads    the loop's; reading a ready snapshot, from any one thread.
 */
#ifndef AEGIS_NODE_SNAPSHOTS_H
#define AEGIS_NODE_SNAPSHOTS_H

#include "node/applier.h"
#include "node/node.h"
#include "trust/chain.h"

struct snapshots;

/* want is called when a checkpoint should be taken soon. */
struct snapshots *snapshots_new(struct loop *loop, struct applier *applier,
    const struct trust_scope *scope, void (*want)(void *arg), void *arg);
void snapshots_free(struct snapshots *snapshots);

/* An epoch begins, and with which state: what was proved in the last one
 * proves nothing now. */
void snapshots_begin_epoch(struct snapshots *snapshots,
    const struct trust_scope *scope, const struct chain_start *start);

/* What a snapshot must carry. */
enum snapshot_proof {
	SNAPSHOT_CERTIFIED, /* a quorum's certificate, of the next checkpoint */
	SNAPSHOT_VOUCHED,   /* f + 1 signatures do, when no quorum's comes soon,
			       and none for what the epoch begins with; the
			       state may be where it stands now */
};

enum ag_status snapshots_open(struct snapshots *snapshots,
    enum snapshot_proof proof, uint32_t timeout_ms, node_snapshot_fn *ready,
    void *arg, struct ag_error *err) AG_MUST_USE;

/* A snapshot's state, for who does not want it as one stream. */
struct store_pin *node_snapshot_pin(struct node_snapshot *snapshot);
struct bytes node_snapshot_certificate(const struct node_snapshot *snapshot);

/* From the applier: a pin we asked for. */
void snapshots_pinned(struct snapshots *snapshots, void *pin_arg,
    enum ag_status status, struct store_pin *pin);

/* From the engine: checkpoint seq is certified. */
void snapshots_stable(struct snapshots *snapshots, uint64_t seq,
    struct bytes certificate);

/* From the engine: f + 1 members have our state of seq. */
void snapshots_vouched(struct snapshots *snapshots, uint64_t seq,
    struct bytes certificate);

/* Someone waits for a checkpoint. */
bool snapshots_wanted(const struct snapshots *snapshots);

#endif
