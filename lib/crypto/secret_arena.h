/*
 * Memory that secrets lie in.
 *
 * It is locked against being swapped out, between pages of no access, left
 * out of core dumps, empty in a forked child, and wiped when it is given
 * back.
 *
 * Ownership  secret_arena_new() hands out, secret_arena_free() wipes and
 *            takes back.
 * Threads    any.
 *
 * NOT HERE   What is done with it: crypto/secret.h.  Nobody else uses this.
 */
#ifndef AEGIS_CRYPTO_SECRET_ARENA_H
#define AEGIS_CRYPTO_SECRET_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* What lies in pages of its own: so many pieces, and so much of all. */
#define SECRET_ARENA_LARGE_MAX 64
#define SECRET_ARENA_LARGE_BYTES_MAX ((size_t)16 << 20)

/*
 * len zero bytes, aligned for anything; len > 0.  NULL when memory is
 * refused, or at a bound.
 */
void *secret_arena_new(size_t len);

/* The same len.  It is our mistake, and the end, if its edges were written. */
void secret_arena_free(void *data, size_t len);

/* False once the system has refused to lock a part: that may be swapped. */
bool secret_arena_is_locked(void);

/* Was it wiped?  Then secrets that were read before may have been zeros. */
bool secret_arena_is_wiped(void);

/*
 * Wipe everything that is out, for a process that is about to end.
 * Async-signal-safe.
 */
void secret_arena_wipe(void);

#endif
