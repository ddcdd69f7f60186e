/*
 * What a group of batches did, collected on the applier's thread and read
 * on the loop's.
 *
 * Ownership  applied_group_new() hands out, applied_group_free() takes back.
 * Threads    one at a time; it is handed over whole.
 */
#ifndef AEGIS_NODE_APPLIED_H
#define AEGIS_NODE_APPLIED_H

#include "node/applier.h"

struct applied_group;

/* principal: whose outcomes to keep.  NULL when memory is refused. */
struct applied_group *applied_group_new(const uint8_t principal[static 32]);
void applied_group_free(struct applied_group *group);

/* The observer to give store_apply(). */
const struct store_observer *applied_group_observer(
    struct applied_group *group);
void applied_group_end_batch(struct applied_group *group, uint64_t seq,
    uint64_t time_ms);
/* The last batch of the group was the last of its epoch. */
void applied_group_set_last(struct applied_group *group);
void applied_group_set_digest(struct applied_group *group,
    const struct digest *digest);

/* Memory ran out while collecting: the group is not whole. */
bool applied_group_is_short(const struct applied_group *group);

/* Borrowed from the group. */
void applied_group_view(struct applied_group *group, struct applied *view);

#endif
