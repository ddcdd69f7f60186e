/*
 * A world in which messages are held (flight.h), kept to come back to.
 *
 * Ownership  saved_new() hands out, saved_free() takes back.  What is kept
 *            is only of use in the world it was taken of, in the same run.
 */
#ifndef AEGIS_SIM_SAVED_H
#define AEGIS_SIM_SAVED_H

#include <stdint.h>

#include "sim/world.h"

#define SAVED_ALL UINT32_MAX

struct saved;

struct saved *saved_new(void);
void saved_free(struct saved *s);

/*
 * Keep the world as it is.  Of the replicas only those that have changed, a
 * bit each, are copied: the others are as below has them, which must be kept
 * as long as this is.  below may be NULL when all have changed.
 */
void saved_take(struct saved *s, struct world *w, const struct saved *below,
    uint32_t changed);

/* Make it so again, where no replicas but these have changed since. */
void saved_restore(const struct saved *s, struct world *w, uint32_t changed);

#endif
