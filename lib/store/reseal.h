/*
 * Values sealed with the keys of earlier epochs, sealed again with the present
 * one's, a few at a time.
 *
 * A pass goes over all keys in order, and then over the superseded versions that
 * are kept.  What is put while it goes on is sealed with the present key anyway,
 * and what is superseded after all keys were passed was, too; so at its end
 * nothing else is left, whatever changed meanwhile.  How far it is stands in the tables and is committed with
 * what it did: a crash costs nothing.  None of it is in the state's digest.
 *
 * Ownership  reseal_open() hands out a handle, reseal_close() takes it back.
 * Threads    that of the tables.
 */
#ifndef AEGIS_STORE_RESEAL_H
#define AEGIS_STORE_RESEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "store/store.h"
#include "store/tables.h"

struct reseal;

/* Tables whose values are sealed; they are borrowed. */
enum ag_status reseal_open(struct reseal **out, struct tables *tables,
    struct ag_error *err) AG_MUST_USE;
void reseal_close(struct reseal *reseal);

/*
 * Go on a little, in the transaction that is open, or in a new one that is then
 * the caller's to commit.  *progress is how far the pass is.  *bytes is what
 * was written.
 * AG_ECORRUPT  a value is damaged
 */
enum ag_status reseal_step(struct reseal *reseal,
    struct store_resealing *progress, size_t *bytes,
    struct ag_error *err) AG_MUST_USE;

#endif
