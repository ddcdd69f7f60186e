/*
 * Reads: local ones at once, linearizable ones behind a barrier.
 *
 * A barrier is an operation that changes nothing.  When it is executed, the
 * local state holds every write that was answered before the barrier was
 * asked for; all reads that waited then share it.
 *
 * Ownership  reads_new() hands out a handle, reads_free() takes it back.
 * Threads    the loop's.
 */
#ifndef AEGIS_NODE_READS_H
#define AEGIS_NODE_READS_H

#include "node/applier.h"
#include "node/node.h"
#include "node/requests.h"

struct reads;

struct reads *reads_new(struct requests *requests, struct applier *applier);

/* Those that wait are answered AG_EUNREACH. */
void reads_free(struct reads *reads);

enum ag_status reads_add(struct reads *reads, enum node_consistency consistency,
    struct bytes first, struct bytes last, size_t limit, bool keys_only,
    uint32_t timeout_ms, node_read_fn *done, void *arg,
    struct ag_error *err) AG_MUST_USE;

#endif
