/*
 * Leases and the keys attached to them: the entries in the state, and an
 * index of them, by key and by when they expire.
 *
 * For the store's own files; what leases do is in store/execute.c.
 *
 * Ownership  leases_open() hands out, leases_close() takes back; the tables
 *            are borrowed.
 * Threads    the tables'.
 */
#ifndef AEGIS_STORE_LEASES_H
#define AEGIS_STORE_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "codec/lease.h"
#include "store/tables.h"

/* So many expire in a batch at the most; others follow in the next. */
#define LEASES_SWEEP_MAX 64

/* So many keys go in a batch with leases, however those end. */
#define LEASES_SWEEP_KEYS_MAX 1024

struct leases;

/* Read the entries, and make the index of them. */
enum ag_status leases_open(struct leases **out, struct tables *tables,
    struct ag_error *err) AG_MUST_USE;
void leases_close(struct leases *leases);

/* When the first expires; 0: there is none. */
uint64_t leases_next_ms(const struct leases *leases);

/* A lease without its keys, which are only counted.  AG_ENOENT */
enum ag_status leases_find(struct leases *leases, uint64_t id,
    struct lease *lease, struct ag_error *err) AG_MUST_USE;

/* Is there room for one more of this principal's? */
enum ag_status leases_has_room(struct leases *leases,
    const uint8_t principal[static PRINCIPAL_BYTES], bool *has_room,
    struct ag_error *err) AG_MUST_USE;

/* Add one; its number is given out here. */
enum ag_status leases_add(struct leases *leases, struct lease *lease,
    struct ag_error *err) AG_MUST_USE;

/* Write a lease that was found and has changed. */
enum ag_status leases_put(struct leases *leases, const struct lease *lease,
    struct ag_error *err) AG_MUST_USE;

/* Is there room for its keys among those that go in this batch? */
bool leases_may_take(const struct leases *leases, const struct lease *lease);

/*
 * Remove one that was found, from the state.  Its keys, which then are attached
 * to nothing, are listed in it and borrowed from held, which is empty.
 */
enum ag_status leases_take(struct leases *leases, struct lease *lease,
    struct buf *held, struct ag_error *err) AG_MUST_USE;

/* The one that expires first, by its number among equals.  AG_ENOENT */
enum ag_status leases_first(struct leases *leases, struct lease *lease,
    struct ag_error *err) AG_MUST_USE;

/* The lease that a key is attached to; 0: none. */
enum ag_status leases_of_key(struct leases *leases, struct bytes key,
    uint64_t *id, struct ag_error *err) AG_MUST_USE;

/* Attach a key to a lease that has room, and to no other; 0: to none. */
enum ag_status leases_attach(struct leases *leases, struct bytes key,
    uint64_t id, struct ag_error *err) AG_MUST_USE;

/* At the end of a batch: write the entries of what it changed. */
enum ag_status leases_settle(struct leases *leases, uint64_t seq,
    struct ag_error *err) AG_MUST_USE;

#endif
