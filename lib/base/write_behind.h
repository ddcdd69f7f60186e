/*
 * A descriptor that is written to by a thread of its own, so that whoever
 * makes bytes makes the next ones meanwhile.
 *
 * Ownership  _open() hands out, _close() takes back; the descriptor and its
 *            name stay the caller's, and must outlive it.
 * Threads    one at a time, beside its own.
 */
#ifndef AEGIS_BASE_WRITE_BEHIND_H
#define AEGIS_BASE_WRITE_BEHIND_H

#include "base/bytes.h"
#include "base/status.h"

struct write_behind;

enum ag_status write_behind_open(struct write_behind **out, int fd,
    const char *name, struct ag_error *err) AG_MUST_USE;

/* Copies.  What an earlier write failed with may be told here. */
enum ag_status write_behind_put(struct write_behind *w, struct bytes data,
    struct ag_error *err) AG_MUST_USE;

/* Wait until all of it is written. */
enum ag_status write_behind_flush(struct write_behind *w,
    struct ag_error *err) AG_MUST_USE;

/* Waits for the write under way; the rest is dropped.  Buffers are wiped. */
void write_behind_close(struct write_behind *w);

#endif
