/*
 * A thread of its own for calls that may never come back.
 *
 * What a token is asked, a driver, a reader and a card answer, and each of
 * them may hang.  Whoever asks waits for so long and no longer.  What a call
 * works on belongs to the call, so that one that is given up can still end.
 *
 * Ownership  token_worker_new() hands out a handle, token_worker_free() takes
 *            it back; a thread that hangs keeps it, and what it works on.  Of
 *            those there are TOKEN_WORKER_LEFT_MAX at most.
 * Threads    any; calls go one after another.
 */
#ifndef AEGIS_TOKEN_TOKEN_WORKER_H
#define AEGIS_TOKEN_TOKEN_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define TOKEN_WORKER_LEFT_MAX 4

struct token_worker;

/*
 * Runs on the worker's thread: in is a copy, out is zeroed, and both are
 * wiped behind it.
 */
typedef enum ag_status token_worker_fn(void *state, const void *in, void *out,
    struct ag_error *err);

/*
 * state_bytes of zeroed memory are the state; fini takes it apart.
 * AG_ELIMIT  too many threads have not come back
 */
enum ag_status token_worker_new(struct token_worker **out, size_t state_bytes,
    void (*fini)(void *state), struct ag_error *err) AG_MUST_USE;
void token_worker_free(struct token_worker *worker);

/*
 * Have fn run, and wait for its end; out may be NULL.
 * AG_ETIMEOUT  it has not ended in time, and may be running still
 * AG_EBUSY     it has not begun: one before it has not ended
 */
enum ag_status token_worker_run(struct token_worker *worker,
    token_worker_fn *fn, const void *in, size_t in_bytes, void *out,
    size_t out_bytes, uint32_t deadline_ms, struct ag_error *err) AG_MUST_USE;

#endif
