/*
 * Watches: the changes of the store, in order, to whoever asked for them.
 *
 * The newest changes are kept in memory, up to a bound, so that a watch may
 * begin in the recent past and a reconnecting client misses nothing.  A watch
 * from before that is shown what the store's history has, first.
 *
 * Ownership  watches_new() hands out a handle, watches_free() takes it back.
 * Threads    the loop's.
 */
#ifndef AEGIS_NODE_WATCHES_H
#define AEGIS_NODE_WATCHES_H

#include "node/node.h"
#include "store/store.h"

struct applier;
struct loop;
struct watches;

/* seq: changes up to here are history that is not kept. */
struct watches *watches_new(size_t keep_bytes, uint64_t seq);
void watches_free(struct watches *watches);

/* Take older changes from this state; before any watch, once. */
enum ag_status watches_read_past(struct watches *watches,
    struct applier *applier, struct loop *loop) AG_MUST_USE;

/* Keep the changes of a group ending at seq and show them to watchers. */
void watches_publish(struct watches *watches,
    const struct store_change *changes, size_t count, uint64_t seq);

/* State jumped to seq without its changes: watches from before are cut. */
void watches_reset(struct watches *watches, uint64_t seq);

enum ag_status watches_add(struct node_watch **out, struct watches *watches,
    struct bytes first, struct bytes last, uint64_t from, node_watch_fn *fn,
    void *arg, struct ag_error *err) AG_MUST_USE;

/* See node_watch_hold(), node_watch_shown(), node_watch_known_from(). */
void watches_hold(struct node_watch *watch, bool is_held);
uint64_t watches_shown(const struct node_watch *watch);
uint64_t watches_known_from(const struct node_watch *watch);

/* Safe inside the watch's own callback. */
void watches_remove(struct node_watch *watch);

#endif
