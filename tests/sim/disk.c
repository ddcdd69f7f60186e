/*
 * A replica's log.
 *
 * RULES    1. The log is prefix-durable: a crash keeps everything synced
 *             and any number of the records after it, in order.  That is
 *             what the product's log makes of sectors that survive in any
 *             order: tests/fault/log.c,
 *             power_loss_leaves_all_that_was_synced_and_no_hole.
 *          2. Only a prefix can be truncated, as with segments: a record
 *             that is needed keeps all younger ones.
 */
#include "sim/disk.h"

#include "sim/lie.h"

#define SLOW_SYNC_US 80000

void
disk_append(struct world *w, struct replica *r, uint64_t token, uint64_t seq,
    struct bytes body)
{
	struct disk *disk = &r->disk;

	if (disk->count == DISK_RECORDS_MAX) {
		world_violate(w, "replica %u writes without end", r->index);
		return;
	}
	disk->records[disk->count++] =
	    (struct disk_record){ token, seq, arena_copy(&w->arena, body) };
}

void
disk_sync(struct world *w, struct replica *r)
{
	struct disk *disk = &r->disk;
	uint64_t took;

	if (disk->syncing != 0 || disk->count == disk->synced)
		return;
	disk->syncing = disk->count;
	lie_horizon_sync(r);
	took = 20 + dice_waiting(&w->disk_dice, r->sync_mean_us);
	if (!w->is_healed && dice_chance(&w->disk_dice, w->profile.slow_sync)) {
		uint64_t extra_us = dice_waiting(&w->disk_dice, SLOW_SYNC_US);

		if (world_strikes(w, COUNT_SLOW_SYNCS))
			took += extra_us;
	}
	world_push(w,
	    (struct happening){
		.at = w->now + took,
		.kind = HAPPEN_SYNCED,
		.replica = r->index,
		.incarnation = r->incarnation,
	    });
}

uint64_t
disk_synced(struct replica *r)
{
	struct disk *disk = &r->disk;

	disk->before = disk->synced;
	disk->synced = disk->syncing;
	disk->syncing = 0;
	return disk->records[disk->synced - 1].token;
}

void
disk_crash(struct world *w, struct replica *r)
{
	struct disk *disk = &r->disk;
	uint64_t pending = disk->count - disk->synced;
	uint64_t kept = dice_chance(&w->disk_dice, 500)
	    ? 0
	    : dice_below(&w->disk_dice, pending + 1);

	w->counters[COUNT_RECORDS_LOST] += pending - kept;
	disk->synced += kept;
	disk->count = disk->synced;
	disk->syncing = 0;
	/* What is found is synced as the log is opened. */
	disk->before = disk->synced;
}

bool
disk_is_full(const struct world *w, const struct replica *r)
{
	return !w->is_healed && w->now < r->disk.full_until &&
	    r->disk.count > r->disk.synced;
}

void
disk_truncate(struct world *w, struct replica *r, uint64_t seq, uint64_t token)
{
	struct disk *disk = &r->disk;
	size_t end = disk->first;

	disk->relied = disk->synced;
	while (end < disk->synced && disk->records[end].token < token &&
	    disk->records[end].seq <= seq)
		end++;
	if (end > disk->first && dice_chance(&w->disk_dice, 500))
		end =
		    disk->first + dice_below(&w->disk_dice, end - disk->first);
	w->counters[COUNT_TRUNCATED] += end - disk->first;
	disk->first = end;
}

uint32_t
disk_kind(struct bytes record)
{
	/* Behind an array's head of one byte. */
	return record.len < 2 ? UINT32_MAX : record.data[1];
}

/* Is it in one of the records up to end? */
static bool
is_there(const struct disk *disk, size_t end, uint64_t seq, struct bytes needle)
{
	size_t i;

	for (i = disk->first; i < end; i++) {
		const struct disk_record *record = &disk->records[i];

		if (record->seq == seq &&
		    memmem(record->body.data, record->body.len, needle.data,
			needle.len) != NULL)
			return true;
	}
	return false;
}

bool
disk_holds(const struct replica *r, uint64_t seq, struct bytes needle)
{
	return is_there(&r->disk, r->disk.synced, seq, needle);
}

bool
disk_will_hold(const struct replica *r, uint64_t seq, struct bytes needle)
{
	return is_there(&r->disk, r->disk.count, seq, needle);
}
