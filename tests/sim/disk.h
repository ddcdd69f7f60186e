/*
 * A replica's log: appended, synced after a while, cut short by a crash.
 */
#ifndef AEGIS_SIM_DISK_H
#define AEGIS_SIM_DISK_H

#include "sim/world.h"

/* Append a record; it is safe only when a later sync has ended. */
void disk_append(struct world *w, struct replica *r, uint64_t token,
    uint64_t seq, struct bytes body);

/* Start a sync over everything appended, unless one is running. */
void disk_sync(struct world *w, struct replica *r);

/* The running sync has ended: the newest token that is safe now. */
uint64_t disk_synced(struct replica *r);

/* Power is lost: a random prefix of what was not synced survives. */
void disk_crash(struct world *w, struct replica *r);

/* Is there no room for what waits to be written? */
bool disk_is_full(const struct world *w, const struct replica *r);

/* Drop whole records below a stable checkpoint's, oldest first. */
void disk_truncate(struct world *w, struct replica *r, uint64_t seq,
    uint64_t token);

/* Does a synced record of this sequence hold these bytes? */
bool disk_holds(const struct replica *r, uint64_t seq, struct bytes needle);

/* The same, also when it is not durable yet. */
bool disk_will_hold(const struct replica *r, uint64_t seq, struct bytes needle);

/* The kind of a record, undecoded (consensus/record.h). */
uint32_t disk_kind(struct bytes record);

#endif
