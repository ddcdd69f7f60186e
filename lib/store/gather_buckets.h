/*
 * The tables of a state being gathered, and their buckets' rows.
 *
 * Ownership  what is made belongs to the gathering.
 * Threads    the gathering's.
 */
#ifndef AEGIS_STORE_GATHER_BUCKETS_H
#define AEGIS_STORE_GATHER_BUCKETS_H

#include "store/gather_parts.h"

/* Make the tables, if they are not there. */
enum ag_status gather_buckets_open(struct gather *gather,
    struct ag_error *err) AG_MUST_USE;

/* Put the leaves of the part judged last, if that may be done already. */
void gather_buckets_try(struct gather *gather, struct item *item);

/* The same, of parts that come by rising key hash; flush after the last. */
enum ag_status gather_buckets_add(struct gather *gather, struct item *item,
    struct ag_error *err) AG_MUST_USE;
enum ag_status gather_buckets_flush(struct gather *gather,
    struct ag_error *err) AG_MUST_USE;

/* Nothing is put any more. */
void gather_buckets_drop(struct gather *gather);
void gather_buckets_fini(struct gather *gather);

#endif
