/*
 * Reading a log's records in order, while it is written or long after.
 *
 * RULES    1. A cursor changes nothing on disk and takes no lock.
 *          2. What is sealed is opened once its place in the chain is known.
 *          3. At the end of a segment the next one is looked for by the
 *             number that must follow; when it exists, it must continue the
 *             chain.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyring/keyring.h"
#include "store/segment.h"
#include "store/wal.h"

struct wal_cursor {
	char dir[SEGMENT_PATH_BYTES];
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	struct segment_reader *reader;
	uint64_t from; /* records below are passed over */
	uint64_t next;
	uint64_t segment; /* the one being read */
	size_t len;       /* of the last record, as it is stored */
	struct segment_head head;
	struct keyring *keyring;
	struct buf plain; /* the last record, opened */
};

/* The newest segment that begins at or below number, or else the oldest. */
static enum ag_status
segment_of(const char *dir, uint64_t number, uint64_t *first,
    struct ag_error *err)
{
	enum ag_status status;
	uint64_t *firsts;
	size_t count, i;

	status = segment_list(dir, &firsts, &count, err);
	if (status != AG_OK)
		return status;
	if (count == 0) {
		status = ag_fail(err, AG_ENOENT, "open log %s: no log is there",
		    dir);
	} else {
		*first = firsts[0];
		for (i = 1; i < count && firsts[i] <= number; i++)
			*first = firsts[i];
	}
	free(firsts);
	return status;
}

enum ag_status
wal_cursor_open(struct wal_cursor **out, const char *dir, uint64_t number,
    struct ag_error *err)
{
	return wal_cursor_open_sealed(out, dir, number, NULL, err);
}

enum ag_status
wal_cursor_open_sealed(struct wal_cursor **out, const char *dir,
    uint64_t number, struct keyring *keyring, struct ag_error *err)
{
	struct wal_cursor *cursor;
	enum ag_status status = AG_OK;
	uint64_t first = 0;

	*out = NULL;
	cursor = calloc(1, sizeof(*cursor));
	if (cursor == NULL)
		return ag_fail(err, AG_ENOMEM, "open log %s", dir);
	cursor->keyring = keyring;
	buf_init(&cursor->plain, WAL_RECORD_BYTES_MAX);
	if ((size_t)snprintf(cursor->dir, sizeof(cursor->dir), "%s", dir) >=
	    sizeof(cursor->dir))
		status =
		    ag_fail(err, AG_ELIMIT, "open log %s: path too long", dir);
	if (status == AG_OK)
		status = segment_of(dir, number, &first, err);
	if (status == AG_OK)
		status = segment_reader_open(&cursor->reader, dir, first,
		    &cursor->head, err);
	if (status != AG_OK) {
		wal_cursor_close(cursor);
		return status;
	}
	memcpy(cursor->cluster_id, cursor->head.cluster_id, CLUSTER_ID_BYTES);
	cursor->from = number;
	cursor->next = first;
	cursor->segment = first;
	*out = cursor;
	return AG_OK;
}

/* Does a segment begin at or above the next record? */
static enum ag_status
newer_segment(const struct wal_cursor *cursor, struct ag_error *err)
{
	uint64_t first = 0;
	enum ag_status status =
	    segment_of(cursor->dir, UINT64_MAX, &first, err);

	if (status == AG_OK && first < cursor->next)
		return AG_ENOENT;
	return status;
}

/* Move on to the segment of the next record. */
static enum ag_status
cursor_advance(struct wal_cursor *cursor, struct ag_error *err)
{
	struct segment_reader *reader;
	struct segment_head head;
	enum ag_status status;

	status =
	    segment_reader_open(&reader, cursor->dir, cursor->next, &head, err);
	if (status == AG_ENOENT)
		return ag_fail(err, AG_ECORRUPT,
		    "read log %s: record %" PRIu64 " is missing before a "
		    "newer segment",
		    cursor->dir, cursor->next);
	if (status != AG_OK)
		return status;
	if (!digest_equal(&head.chain, segment_reader_chain(cursor->reader)) ||
	    memcmp(head.cluster_id, cursor->cluster_id, CLUSTER_ID_BYTES) !=
		0) {
		segment_reader_close(reader);
		return ag_fail(err, AG_ECORRUPT,
		    "read log %s: segment of record %" PRIu64 " does not "
		    "continue the one before",
		    cursor->dir, cursor->next);
	}
	segment_reader_close(cursor->reader);
	cursor->reader = reader;
	cursor->head = head;
	cursor->segment = head.first;
	return AG_OK;
}

/*
 * The segment seems to have ended.  Once a newer one exists it gets no more
 * records, so only what is then still not there is in the next.
 */
static enum ag_status
cursor_next_segment(struct wal_cursor *cursor, uint64_t *number,
    struct bytes *record, struct ag_error *err)
{
	enum ag_status status = newer_segment(cursor, err);

	if (status != AG_OK)
		return status;
	status = segment_reader_next(cursor->reader, number, record, err);
	if (status != AG_ENOENT)
		return status;
	status = cursor_advance(cursor, err);
	if (status != AG_OK)
		return status;
	return segment_reader_next(cursor->reader, number, record, err);
}

/* What was appended, from what is stored. */
static enum ag_status
record_open(struct wal_cursor *cursor, uint64_t number, struct bytes *record,
    struct ag_error *err)
{
	const struct bytes stored = *record;
	uint8_t context[SEGMENT_CONTEXT_BYTES];
	enum ag_status status;

	status = segment_head_check(&cursor->head, cursor->keyring, cursor->dir,
	    err);
	if (status != AG_OK || cursor->keyring == NULL)
		return status;
	buf_clear(&cursor->plain);
	if (stored.len > KEYRING_RECORD_BYTES &&
	    buf_reserve(&cursor->plain, stored.len - KEYRING_RECORD_BYTES) !=
		AG_OK)
		return ag_fail(err, AG_ENOMEM, "read log %s: out of memory",
		    cursor->dir);
	if (keyring_unseal(cursor->keyring, KEYRING_LOG,
		segment_context(context, cursor->cluster_id, number), stored,
		cursor->plain.data, err) == AG_OK) {
		*record = bytes_of(cursor->plain.data,
		    stored.len - KEYRING_RECORD_BYTES);
		return AG_OK;
	}
	ag_error_prefix(err, "read log %s: record %" PRIu64, cursor->dir,
	    number);
	if (err != NULL)
		err->status = AG_ECORRUPT;
	return AG_ECORRUPT;
}

enum ag_status
wal_cursor_next(struct wal_cursor *cursor, uint64_t *number,
    struct bytes *record, struct ag_error *err)
{
	enum ag_status status;

	do {
		status =
		    segment_reader_next(cursor->reader, number, record, err);
		if (status == AG_ENOENT)
			status =
			    cursor_next_segment(cursor, number, record, err);
		if (status == AG_OK) {
			cursor->next = *number + 1;
			cursor->len = record->len;
		}
	} while (status == AG_OK && *number < cursor->from);
	return status == AG_OK ? record_open(cursor, *number, record, err)
			       : status;
}

void
wal_cursor_place(const struct wal_cursor *cursor, uint64_t *segment,
    uint64_t *offset)
{
	*segment = cursor->segment;
	*offset = segment_reader_offset(cursor->reader) -
	    segment_record_bytes(cursor->len);
}

const uint8_t *
wal_cursor_cluster_id(const struct wal_cursor *cursor)
{
	return cursor->cluster_id;
}

void
wal_cursor_close(struct wal_cursor *cursor)
{
	if (cursor == NULL)
		return;
	segment_reader_close(cursor->reader);
	buf_fini(&cursor->plain);
	free(cursor);
}
