/*
 * Write-ahead log: the one thing a replica must never lose.
 *
 * A directory of segments.  Records are numbered from 1 without gaps.
 *
 * Ownership  wal_open() hands out a handle, wal_close() takes it back.
 * Threads    one thread appends; wal_sync() may run on another thread while
 *            appends go on, and one sync at a time.  wal_read() by a
 *            wal_cursor of its own, from any thread.
 */
#ifndef AEGIS_STORE_WAL_H
#define AEGIS_STORE_WAL_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"

#define WAL_RECORD_BYTES_MAX (8U << 20)

struct keyring;
struct wal;
struct wal_cursor;

/*
 * Open the log in dir, creating it if absent, and cut off a torn tail.
 * cluster_id binds the log to its cluster.
 *
 * AG_ECORRUPT  a record before the tail is damaged: file, offset and what to
 *              do in err; nothing is changed
 * AG_ECONFLICT another cluster's log;  AG_EVERSION a newer format
 */
enum ag_status wal_open(struct wal **out, const char *dir,
    const uint8_t cluster_id[static 32], struct metric_set *metrics,
    struct ag_error *err) AG_MUST_USE;

/*
 * The same of a log whose records are sealed; keyring is borrowed, and NULL
 * as above.
 * AG_ECONFLICT also: not sealed, or with another keyring
 * AG_EDENIED   sealed, and there is no keyring
 */
enum ag_status wal_open_sealed(struct wal **out, const char *dir,
    const uint8_t cluster_id[static 32], struct keyring *keyring,
    struct metric_set *metrics, struct ag_error *err) AG_MUST_USE;
void wal_close(struct wal *wal);

/* Numbers of the oldest kept and the newest record; 0 when empty. */
uint64_t wal_first(const struct wal *wal);
uint64_t wal_last(const struct wal *wal);

/* Bytes of records on disk. */
uint64_t wal_bytes(struct wal *wal);

/*
 * The key epoch of the oldest record, which is the least of all: they only
 * rise.  0: there is no record, or they are not sealed.  From any thread.
 */
uint32_t wal_oldest_epoch(struct wal *wal);

/* Append in memory; *number is the record's.  Nothing is durable yet. */
enum ag_status wal_append(struct wal *wal, struct bytes record,
    uint64_t *number, struct ag_error *err) AG_MUST_USE;

/*
 * From now on a segment ends when its records would take more than so many
 * bytes, SEGMENT_BYTES_MAX at most, unless it is a single one: only whole
 * segments are removed, so how many says how closely a log can be cut.  Before
 * the first wal_sync().
 */
void wal_set_segment_bytes(struct wal *wal, uint64_t bytes);

/*
 * Write and sync everything appended before the call; *durable is the newest
 * record now safe.  After a failure the log refuses all further work.
 */
enum ag_status wal_sync(struct wal *wal, uint64_t *durable,
    struct ag_error *err) AG_MUST_USE;

/*
 * Remove the oldest whole segments whose records are all below number, while
 * more than retain_bytes of log would remain.  From the appending thread;
 * a sync may be running.
 */
enum ag_status wal_truncate(struct wal *wal, uint64_t number,
    uint64_t retain_bytes, struct ag_error *err) AG_MUST_USE;

/*
 * Read records of a log, live or a dead node's, from number on (0: the
 * oldest).  Opening by directory changes nothing on disk.
 */
enum ag_status wal_cursor_open(struct wal_cursor **out, const char *dir,
    uint64_t number, struct ag_error *err) AG_MUST_USE;

/* The same of a sealed log.  Whether keyring opens it, the first record says. */
enum ag_status wal_cursor_open_sealed(struct wal_cursor **out, const char *dir,
    uint64_t number, struct keyring *keyring, struct ag_error *err) AG_MUST_USE;

/*
 * The next record, borrowed until the next call; AG_ENOENT at the end.
 * AG_EDENIED, AG_ECONFLICT: as of wal_open_sealed().
 */
enum ag_status wal_cursor_next(struct wal_cursor *cursor, uint64_t *number,
    struct bytes *record, struct ag_error *err) AG_MUST_USE;
void wal_cursor_close(struct wal_cursor *cursor);

/* Where the last record is: the first number of its segment, and its offset
 * there. */
void wal_cursor_place(const struct wal_cursor *cursor, uint64_t *segment,
    uint64_t *offset);

/* The 32 bytes of the cluster the log says it belongs to, borrowed. */
const uint8_t *wal_cursor_cluster_id(const struct wal_cursor *cursor);

#endif
