/*
 * The witness: what this node can prove against other members, kept in its
 * data directory, counted and told.
 *
 * Ownership  witness_open() hands out a handle, witness_close() takes it
 *            back.  The roster must outlive it.
 * Threads    the loop's.
 */
#ifndef AEGIS_NODE_WITNESS_H
#define AEGIS_NODE_WITNESS_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"
#include "store/evidence_store.h"
#include "trust/roster.h"

struct witness;

/* Fails only for lack of memory: what can't be read is logged. */
enum ag_status witness_open(struct witness **out, const char *dir,
    const struct roster *roster, struct metric_set *metrics,
    struct ag_error *err) AG_MUST_USE;
void witness_close(struct witness *witness);

/* The engine found this against member. */
void witness_take(struct witness *witness, uint32_t member, struct bytes file);

/* Members against whom there is evidence, a bit each. */
uint32_t witness_convicted(const struct witness *witness);

const struct evidence_store *witness_store(const struct witness *witness);

#endif
