/*
 * Reads: local ones at once, linearizable ones behind a barrier, or where
 * agreement can say so behind an index.
 *
 * A barrier is an operation that changes nothing.  When it is executed, the
 * local state holds every write that was answered before the barrier was
 * asked for; all reads that waited then share it.  An index is a sequence of
 * which the same holds once it is executed (consensus/raft_read.c).
 *
 * Ownership  reads_new() hands out a handle, reads_free() takes it back.
 * Threads    the loop's.
 */
#ifndef AEGIS_NODE_READS_H
#define AEGIS_NODE_READS_H

#include "node/applier.h"
#include "node/node.h"
#include "node/read_page.h"
#include "node/requests.h"

struct loop;
struct reads;

struct reads *reads_new(struct requests *requests, struct applier *applier,
    struct loop *loop, bool by_index);

/* Those that wait are answered AG_EUNREACH. */
void reads_free(struct reads *reads);

/* Is an index wanted, and none asked for?  Then one is from now on. */
bool reads_ask(struct reads *reads);

/* The answer: what waits for it is to see a state as far as seq.  last: of the
 * epoch, when our state has come to it; or 0. */
void reads_indexed(struct reads *reads, uint64_t seq, uint64_t last);

/* The state has come on. */
void reads_applied(struct reads *reads, uint64_t last);

/* An epoch has ended: its indexes are asked for anew in the next. */
void reads_renew(struct reads *reads);

/* Call done once no read waits any more. */
void reads_on_idle(struct reads *reads, void (*done)(void *arg), void *arg);

enum ag_status reads_add(struct reads *reads, enum node_consistency consistency,
    const struct read_query *query, uint32_t timeout_ms, node_read_fn *done,
    void *arg, struct ag_error *err) AG_MUST_USE;

#endif
