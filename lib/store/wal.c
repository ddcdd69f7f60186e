/*
 * Write-ahead log: appending, syncing, cutting.
 *
 * A replica promises something to its peers only after the promise is here
 * and synced.  Everything else on disk can be rebuilt from this log.
 *
 * FORMAT   See store/segment.h.
 *
 * RULES    1. Append copies to memory and is cheap; sync seals payloads,
 *             checksums and chain, writes all that waits at once and syncs
 *             once.
 *          2. A segment is zero-filled ahead of its records, a step at a
 *             time, so that most syncs change no file size and so no
 *             journal (79 us against 119 us where this was measured).
 *          3. A new segment is made beside, synced, then renamed: a file of
 *             the right name always has a whole head.
 *          4. After a failed write or sync nobody knows what is on disk:
 *             the log stops for good, and opening it again judges the bytes.
 *             Those of the last sync may be in the kernel's memory alone,
 *             which thinks that they are not, so they are written again.
 *          5. Names are synced before anything relies on them: the log's own
 *             and its newest segment's at each start, and each removal before
 *             the next, or an older segment could come back without the one
 *             behind it.
 *
 *          6. With a new key epoch a segment begins, so that what is sealed
 *             with an old key goes with its segments, and can be counted.
 *
 * NOT HERE What to log, when to cut (node/); judging bytes
 *          (segment_reader.c).
 */
#include "store/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "keyring/keyring.h"
#include "store/little_endian.h"
#include "store/segment.h"

#define PENDING_BYTES_MAX (64U << 20)
#define PENDING_BYTES_KEPT (1U << 20)
#define ALLOCATE_BYTES (1U << 20)

struct segment_size {
	uint64_t first;
	uint64_t bytes; /* up to the end of its records */
	uint32_t epoch; /* of its oldest record; 0: none, or in the open */
};

struct wal {
	char dir[SEGMENT_PATH_BYTES];
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	struct keyring *keyring; /* what records are sealed with, or NULL */
	int dir_fd;              /* holds the lock */
	atomic_bool has_failed;  /* set once, when it is known why: */
	struct ag_error failure;
	struct metric *sync_seconds, *bytes_total, *records_total;

	pthread_mutex_t mutex; /* guards this group */
	struct buf pending;    /* records appended, not sealed */
	uint64_t appended;
	struct segment_size *segments;
	size_t segment_count, segment_cap;

	/* The syncing thread's. */
	struct buf writing;
	int fd;
	char path[SEGMENT_PATH_BYTES];
	uint64_t offset, allocated;
	uint64_t segment_bytes; /* where one ends, as far as one can */
	uint32_t epoch; /* of the segment's newest record; 0: none, or open */
	uint64_t durable;
	struct digest chain;
	uint32_t salt;
};

static enum ag_status
segments_add(struct wal *wal, uint64_t first, uint64_t bytes,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;

	(void)pthread_mutex_lock(&wal->mutex);
	if (wal->segment_count == wal->segment_cap) {
		size_t cap = wal->segment_cap == 0 ? 16 : wal->segment_cap * 2;
		struct segment_size *grown =
		    realloc(wal->segments, cap * sizeof(*grown));

		if (grown == NULL) {
			status = AG_ENOMEM;
		} else {
			wal->segments = grown;
			wal->segment_cap = cap;
		}
	}
	if (status == AG_OK)
		wal->segments[wal->segment_count++] =
		    (struct segment_size){ .first = first, .bytes = bytes };
	(void)pthread_mutex_unlock(&wal->mutex);
	if (status != AG_OK)
		return ag_fail(err, status, "log %s: out of memory", wal->dir);
	return AG_OK;
}

/* Make the segment that begins with record first, and write there. */
static enum ag_status
segment_begin(struct wal *wal, uint64_t first, struct ag_error *err)
{
	struct segment_head head = {
		.first = first,
		.chain = wal->chain,
		.salt = randombytes_random(),
	};
	uint8_t bytes[SEGMENT_HEAD_BYTES];
	char beside[SEGMENT_PATH_BYTES];
	enum ag_status status;

	memcpy(head.cluster_id, wal->cluster_id, CLUSTER_ID_BYTES);
	segment_head_note(&head, wal->keyring);
	segment_head_encode(&head, bytes);
	if (wal->fd != -1)
		(void)close(wal->fd);
	wal->fd = -1;
	status = fs_join(beside, sizeof(beside), wal->dir, "wal.new", err);
	if (status == AG_OK)
		status = segment_path(wal->path, wal->dir, first, err);
	if (status == AG_OK)
		status = fs_open(&wal->fd, beside,
		    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, err);
	if (status == AG_OK)
		status = fs_write_at(wal->fd, beside,
		    bytes_of(bytes, sizeof(bytes)), 0, err);
	if (status == AG_OK)
		status = fs_sync(wal->fd, beside, err);
	if (status == AG_OK)
		status = fs_rename(beside, wal->path, err);
	if (status == AG_OK)
		status = fs_sync_dir(wal->dir, err);
	if (status != AG_OK)
		return status;
	wal->salt = head.salt;
	wal->offset = SEGMENT_HEAD_BYTES;
	wal->allocated = SEGMENT_HEAD_BYTES;
	wal->epoch = 0;
	return segments_add(wal, first, wal->offset, err);
}

/* Keep the records since the last sync that is known to have ended well. */
static enum ag_status
unsure_add(struct wal *wal, struct bytes record, struct ag_error *err)
{
	const size_t len = SEGMENT_RECORD_HEAD_BYTES + record.len;
	const size_t step = segment_record_bytes(record.len);
	const uint8_t *head = record.data - SEGMENT_RECORD_HEAD_BYTES;
	struct buf *unsure = &wal->writing;
	enum ag_status status;

	if (segment_record_is_first(head))
		buf_clear(unsure);
	status = buf_reserve(unsure, step);
	if (status != AG_OK)
		return ag_fail(err, status, "open log %s: out of memory",
		    wal->dir);
	memcpy(unsure->data + unsure->len, head, len);
	memset(unsure->data + unsure->len + len, 0, step - len);
	unsure->len += step;
	return AG_OK;
}

/* Is it of this log, and the one that comes next? */
static enum ag_status
segment_check_head(const struct wal *wal, const struct segment_head *head,
    bool is_oldest, struct ag_error *err)
{
	if (memcmp(head->cluster_id, wal->cluster_id, CLUSTER_ID_BYTES) != 0)
		return ag_fail(err, AG_ECONFLICT,
		    "open log %s: it belongs to another cluster; check the "
		    "data directory and the roster",
		    wal->dir);
	if (!is_oldest &&
	    (head->first != wal->appended + 1 ||
		!digest_equal(&head->chain, &wal->chain)))
		return ag_fail(err, AG_ECORRUPT,
		    "open log %s: segment of record %" PRIu64 " does not "
		    "follow record %" PRIu64 ": records are missing",
		    wal->dir, head->first, wal->appended);
	return segment_head_check(head, wal->keyring, wal->dir, err);
}

/* A record as it is stored, one after another of a segment. */
static void
epoch_note(struct wal *wal, struct bytes record, uint32_t *oldest)
{
	if (wal->keyring == NULL)
		return;
	wal->epoch = keyring_record_epoch(record);
	if (*oldest == 0)
		*oldest = wal->epoch;
}

/* Read one segment through; it must follow on from what is known so far. */
static enum ag_status
segment_check(struct wal *wal, uint64_t first, bool is_oldest, bool is_newest,
    struct ag_error *err)
{
	struct segment_reader *reader;
	struct segment_head head;
	struct bytes record;
	uint32_t oldest = 0;
	enum ag_status status;

	status = segment_reader_open(&reader, wal->dir, first, &head, err);
	if (status != AG_OK)
		return status;
	status = segment_check_head(wal, &head, is_oldest, err);
	wal->appended = first - 1;
	wal->epoch = 0;
	while (status == AG_OK) {
		status =
		    segment_reader_next(reader, &wal->appended, &record, err);
		if (status == AG_OK)
			epoch_note(wal, record, &oldest);
		if (status == AG_OK && is_newest)
			status = unsure_add(wal, record, err);
	}
	if (status == AG_ENOENT) {
		wal->offset = segment_reader_offset(reader);
		wal->chain = *segment_reader_chain(reader);
		wal->salt = head.salt;
		status = segments_add(wal, first, wal->offset, err);
	}
	if (status == AG_OK)
		wal->segments[wal->segment_count - 1].epoch = oldest;
	segment_reader_close(reader);
	return status;
}

static void
writing_clear(struct wal *wal)
{
	buf_clear(&wal->writing);
	if (wal->writing.cap > PENDING_BYTES_KEPT)
		buf_fini(&wal->writing);
}

/* Continue writing in the newest segment, whose torn tail is cut. */
static enum ag_status
segment_continue(struct wal *wal, uint64_t first, struct ag_error *err)
{
	const struct bytes unsure =
	    bytes_of(wal->writing.data, wal->writing.len);
	enum ag_status status;

	status = segment_path(wal->path, wal->dir, first, err);
	if (status == AG_OK)
		status =
		    fs_open(&wal->fd, wal->path, O_RDWR | O_NOFOLLOW, 0, err);
	if (status == AG_OK)
		status = fs_write_at(wal->fd, wal->path, unsure,
		    wal->offset - unsure.len, err);
	if (status == AG_OK)
		status = fs_truncate(wal->fd, wal->path, wal->offset, err);
	if (status == AG_OK)
		status = fs_sync(wal->fd, wal->path, err);
	if (status == AG_OK)
		status = fs_sync_dir(wal->dir, err);
	writing_clear(wal);
	wal->allocated = wal->offset;
	wal->durable = wal->appended;
	return status;
}

static enum ag_status
wal_recover(struct wal *wal, struct ag_error *err)
{
	enum ag_status status;
	uint64_t *firsts;
	size_t count, i;

	status = segment_list(wal->dir, &firsts, &count, err);
	if (status != AG_OK)
		return status;
	for (i = 0; status == AG_OK && i < count; i++)
		status =
		    segment_check(wal, firsts[i], i == 0, i == count - 1, err);
	if (status == AG_OK)
		status = count == 0
		    ? segment_begin(wal, 1, err)
		    : segment_continue(wal, firsts[count - 1], err);
	free(firsts);
	return status;
}

static enum ag_status
wal_lock_dir(struct wal *wal, struct ag_error *err)
{
	enum ag_status status = fs_mkdir(wal->dir, err);

	if (status != AG_OK && status != AG_EEXIST)
		return status;
	status = fs_sync_parent(wal->dir, err);
	if (status != AG_OK)
		return status;
	status =
	    fs_open(&wal->dir_fd, wal->dir, O_RDONLY | O_DIRECTORY, 0, err);
	if (status != AG_OK)
		return status;
	if (flock(wal->dir_fd, LOCK_EX | LOCK_NB) == -1)
		return ag_fail(err, errno == EWOULDBLOCK ? AG_EBUSY : AG_ESYS,
		    "lock log %s: in use by another process", wal->dir);
	return AG_OK;
}

enum ag_status
wal_open(struct wal **out, const char *dir, const uint8_t cluster_id[static 32],
    struct metric_set *metrics, struct ag_error *err)
{
	return wal_open_sealed(out, dir, cluster_id, NULL, metrics, err);
}

enum ag_status
wal_open_sealed(struct wal **out, const char *dir,
    const uint8_t cluster_id[static 32], struct keyring *keyring,
    struct metric_set *metrics, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct wal *wal;

	*out = NULL;
	wal = calloc(1, sizeof(*wal));
	if (wal == NULL)
		return ag_fail(err, AG_ENOMEM, "open log %s", dir);
	wal->fd = -1;
	wal->dir_fd = -1;
	wal->segment_bytes = SEGMENT_BYTES_MAX;
	wal->keyring = keyring;
	(void)pthread_mutex_init(&wal->mutex, NULL);
	buf_init(&wal->pending, PENDING_BYTES_MAX);
	buf_init(&wal->writing, PENDING_BYTES_MAX);
	memcpy(wal->cluster_id, cluster_id, CLUSTER_ID_BYTES);
	wal->sync_seconds = metric_new(metrics, METRIC_HISTOGRAM,
	    "aegis_wal_sync_seconds", "Time to write and sync the log", NULL);
	wal->bytes_total = metric_new(metrics, METRIC_COUNTER,
	    "aegis_wal_bytes_total", "Bytes written to the log", NULL);
	wal->records_total = metric_new(metrics, METRIC_COUNTER,
	    "aegis_wal_records_total", "Records written to the log", NULL);
	if ((size_t)snprintf(wal->dir, sizeof(wal->dir), "%s", dir) >=
	    sizeof(wal->dir))
		status =
		    ag_fail(err, AG_ELIMIT, "open log %s: path too long", dir);
	if (status == AG_OK)
		status = wal_lock_dir(wal, err);
	if (status == AG_OK)
		status = wal_recover(wal, err);
	if (status != AG_OK) {
		wal_close(wal);
		return status;
	}
	*out = wal;
	return AG_OK;
}

void
wal_close(struct wal *wal)
{
	if (wal == NULL)
		return;
	if (wal->fd != -1)
		(void)close(wal->fd);
	if (wal->dir_fd != -1)
		(void)close(wal->dir_fd);
	buf_fini(&wal->pending);
	buf_fini(&wal->writing);
	free(wal->segments);
	(void)pthread_mutex_destroy(&wal->mutex);
	free(wal);
}

/* The mutex is taken although wal is const: its contents do not change. */
static pthread_mutex_t *
wal_mutex(const struct wal *wal)
{
	return (pthread_mutex_t *)(uintptr_t)&wal->mutex;
}

uint64_t
wal_first(const struct wal *wal)
{
	uint64_t first = 0;

	(void)pthread_mutex_lock(wal_mutex(wal));
	if (wal->segment_count > 0 && wal->appended >= wal->segments[0].first)
		first = wal->segments[0].first;
	(void)pthread_mutex_unlock(wal_mutex(wal));
	return first;
}

uint64_t
wal_last(const struct wal *wal)
{
	uint64_t last;

	(void)pthread_mutex_lock(wal_mutex(wal));
	last = wal->appended;
	(void)pthread_mutex_unlock(wal_mutex(wal));
	return last;
}

static enum ag_status
refuse_failed(const struct wal *wal, struct ag_error *err)
{
	return ag_fail(err, AG_ESYS,
	    "log %s: stopped after a failed write (%s); restart the node",
	    wal->dir, wal->failure.text);
}

/* Bytes of a payload in the file. */
static size_t
stored_len(const struct wal *wal, size_t len)
{
	return wal->keyring == NULL ? len : len + KEYRING_RECORD_BYTES;
}

/* Where in a record what was appended lies until it is sealed. */
static size_t
plain_at(const struct wal *wal)
{
	return SEGMENT_RECORD_HEAD_BYTES +
	    (wal->keyring == NULL ? 0 : KEYRING_HEAD_BYTES);
}

/* Seal a payload where it lies. */
static void
payload_seal(const struct wal *wal, uint8_t *record, size_t len,
    uint64_t number)
{
	uint8_t context[SEGMENT_CONTEXT_BYTES];

	if (wal->keyring == NULL)
		return;
	keyring_seal(wal->keyring, KEYRING_LOG,
	    segment_context(context, wal->cluster_id, number),
	    bytes_of(record + plain_at(wal), len - KEYRING_RECORD_BYTES),
	    record + SEGMENT_RECORD_HEAD_BYTES);
}

enum ag_status
wal_append(struct wal *wal, struct bytes record, uint64_t *number,
    struct ag_error *err)
{
	const size_t stored = stored_len(wal, record.len);
	const size_t len = segment_record_bytes(stored);
	enum ag_status status;
	uint8_t *at;

	if (atomic_load(&wal->has_failed))
		return refuse_failed(wal, err);
	if (record.len > WAL_RECORD_BYTES_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "log %s: record of %zu bytes, at most %u are allowed",
		    wal->dir, record.len, WAL_RECORD_BYTES_MAX);
	(void)pthread_mutex_lock(&wal->mutex);
	status = buf_reserve(&wal->pending, len);
	if (status == AG_OK) {
		at = wal->pending.data + wal->pending.len;
		memset(at, 0, len);
		put_le32(at, (uint32_t)stored);
		if (record.len > 0)
			memcpy(at + plain_at(wal), record.data, record.len);
		wal->pending.len += len;
		*number = ++wal->appended;
	}
	(void)pthread_mutex_unlock(&wal->mutex);
	if (status != AG_OK)
		return ag_fail(err, status == AG_ELIMIT ? AG_EBUSY : AG_ENOMEM,
		    "log %s: too much waits to be written", wal->dir);
	return AG_OK;
}

void
wal_set_segment_bytes(struct wal *wal, uint64_t bytes)
{
	wal->segment_bytes =
	    bytes < SEGMENT_BYTES_MAX ? bytes : SEGMENT_BYTES_MAX;
}

/* Zeros ahead, so that the file already has the size records will need. */
static enum ag_status
allocate(struct wal *wal, uint64_t need, struct ag_error *err)
{
	static const uint8_t zeros[64U << 10];
	uint64_t end = (need / ALLOCATE_BYTES + 1) * ALLOCATE_BYTES;
	enum ag_status status = AG_OK;

	if (need <= wal->allocated)
		return AG_OK;
	if (end > SEGMENT_BYTES_MAX)
		end = SEGMENT_BYTES_MAX;
	while (status == AG_OK && wal->allocated < end) {
		uint64_t step = end - wal->allocated;

		if (step > sizeof(zeros))
			step = sizeof(zeros);
		status = fs_write_at(wal->fd, wal->path,
		    bytes_of(zeros, (size_t)step), wal->allocated, err);
		wal->allocated += step;
	}
	return status;
}

/* The segment's first record is sealed: it will be in the file soon. */
static void
epoch_show(struct wal *wal)
{
	struct segment_size *newest;

	(void)pthread_mutex_lock(&wal->mutex);
	newest = &wal->segments[wal->segment_count - 1];
	if (newest->epoch == 0)
		newest->epoch = wal->epoch;
	(void)pthread_mutex_unlock(&wal->mutex);
}

/* One record has room in any segment that has no other. */
static bool
has_room(const struct wal *wal, uint64_t offset, size_t bytes)
{
	return offset + bytes <= wal->segment_bytes ||
	    (offset == SEGMENT_HEAD_BYTES &&
		offset + bytes <= SEGMENT_BYTES_MAX);
}

/* Seal records from at on, as many as fit this segment; *len: their bytes. */
static uint64_t
seal_what_fits(struct wal *wal, uint8_t *at, size_t cap, uint64_t number,
    size_t *len)
{
	*len = 0;
	while (*len < cap) {
		size_t payload = segment_record_len(at + *len);
		size_t step = segment_record_bytes(payload);

		if (!has_room(wal, wal->offset + *len, step))
			break;
		payload_seal(wal, at + *len, payload, number);
		if (wal->keyring != NULL)
			wal->epoch = keyring_record_epoch(
			    bytes_of(at + *len + SEGMENT_RECORD_HEAD_BYTES,
				payload));
		segment_record_seal(at + *len, payload, number, wal->durable,
		    wal->salt, &wal->chain);
		*len += step;
		number++;
	}
	return number;
}

static enum ag_status
write_all(struct wal *wal, struct ag_error *err)
{
	uint64_t number = wal->durable + 1, next;
	enum ag_status status = AG_OK;
	size_t done = 0, len;

	if (wal->epoch != 0 && wal->epoch != keyring_epoch(wal->keyring))
		status = segment_begin(wal, number, err);
	while (status == AG_OK && done < wal->writing.len) {
		next = seal_what_fits(wal, wal->writing.data + done,
		    wal->writing.len - done, number, &len);
		if (len == 0) {
			status = segment_begin(wal, number, err);
			continue;
		}
		epoch_show(wal);
		status = allocate(wal, wal->offset + len, err);
		if (status == AG_OK)
			status = fs_write_at(wal->fd, wal->path,
			    bytes_of(wal->writing.data + done, len),
			    wal->offset, err);
		if (status == AG_OK)
			status = fs_sync(wal->fd, wal->path, err);
		if (status != AG_OK)
			break;
		wal->offset += len;
		done += len;
		metric_add(wal->bytes_total, (int64_t)len);
		metric_add(wal->records_total, (int64_t)(next - number));
		number = next;
		wal->durable = number - 1;
		(void)pthread_mutex_lock(&wal->mutex);
		wal->segments[wal->segment_count - 1].bytes = wal->offset;
		(void)pthread_mutex_unlock(&wal->mutex);
	}
	return status;
}

enum ag_status
wal_sync(struct wal *wal, uint64_t *durable, struct ag_error *err)
{
	uint64_t began = clock_mono_us();
	enum ag_status status;
	struct buf swap;

	if (atomic_load(&wal->has_failed))
		return refuse_failed(wal, err);
	(void)pthread_mutex_lock(&wal->mutex);
	swap = wal->pending;
	wal->pending = wal->writing;
	wal->writing = swap;
	(void)pthread_mutex_unlock(&wal->mutex);
	if (wal->writing.len == 0) {
		*durable = wal->durable;
		return AG_OK;
	}
	status = write_all(wal, &wal->failure);
	if (status != AG_OK) {
		if (err != NULL)
			*err = wal->failure;
		atomic_store(&wal->has_failed, true);
		log_error("store", "the log stopped: a write failed",
		    LOG_TEXT("error", wal->failure.text));
		return status;
	}
	writing_clear(wal);
	*durable = wal->durable;
	metric_observe_us(wal->sync_seconds, clock_mono_us() - began);
	return AG_OK;
}

uint64_t
wal_bytes(struct wal *wal)
{
	uint64_t bytes = 0;
	size_t i;

	(void)pthread_mutex_lock(&wal->mutex);
	for (i = 0; i < wal->segment_count; i++)
		bytes += wal->segments[i].bytes;
	(void)pthread_mutex_unlock(&wal->mutex);
	return bytes;
}

uint32_t
wal_oldest_epoch(struct wal *wal)
{
	uint32_t epoch = 0;
	size_t i;

	(void)pthread_mutex_lock(&wal->mutex);
	for (i = 0; epoch == 0 && i < wal->segment_count; i++)
		epoch = wal->segments[i].epoch;
	(void)pthread_mutex_unlock(&wal->mutex);
	return epoch;
}

/* The first segment's number when it can go, else 0. */
static uint64_t
segment_to_remove(const struct wal *wal, uint64_t number, uint64_t retain_bytes)
{
	uint64_t left = 0;
	size_t i;

	if (wal->segment_count < 2 || wal->segments[1].first > number)
		return 0;
	for (i = 1; i < wal->segment_count; i++)
		left += wal->segments[i].bytes;
	return left > retain_bytes ? wal->segments[0].first : 0;
}

static void
segments_drop_first(struct wal *wal)
{
	(void)pthread_mutex_lock(&wal->mutex);
	memmove(&wal->segments[0], &wal->segments[1],
	    --wal->segment_count * sizeof(wal->segments[0]));
	(void)pthread_mutex_unlock(&wal->mutex);
}

enum ag_status
wal_truncate(struct wal *wal, uint64_t number, uint64_t retain_bytes,
    struct ag_error *err)
{
	char path[SEGMENT_PATH_BYTES];
	enum ag_status status = AG_OK;

	while (status == AG_OK) {
		uint64_t first;

		(void)pthread_mutex_lock(&wal->mutex);
		first = segment_to_remove(wal, number, retain_bytes);
		(void)pthread_mutex_unlock(&wal->mutex);
		if (first == 0)
			break;
		status = segment_path(path, wal->dir, first, err);
		if (status == AG_OK)
			status = fs_unlink(path, err);
		if (status == AG_OK)
			status = fs_sync_dir(wal->dir, err);
		/* Not before: its key may go with it. */
		if (status == AG_OK)
			segments_drop_first(wal);
	}
	return status;
}
