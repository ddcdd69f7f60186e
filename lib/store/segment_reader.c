/*
 * Reading a segment: whole records, then a judgement about what follows.
 *
 * The reader keeps one window of the file in memory.  A live log may be
 * written to while it is read: bytes that do not make a record are read
 * again before they are judged, and bytes that change are simply not there
 * yet.
 *
 * NOT HERE Which segment follows (wal.c, wal_cursor.c).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/fs.h"
#include "keyring/keyring.h"
#include "store/crc32c.h"
#include "store/little_endian.h"
#include "store/segment.h"
#include "store/wal.h"

#define WINDOW_BYTES (256U << 10)
#define SECTOR_BYTES 512
#define PAYLOAD_BYTES_MAX (WAL_RECORD_BYTES_MAX + KEYRING_RECORD_BYTES)

struct segment_reader {
	int fd;
	uint64_t offset;
	uint64_t next; /* number of the record at offset */
	struct digest chain;
	uint32_t salt;
	uint8_t *window;
	size_t window_cap;
	size_t window_len;
	uint64_t window_at;
	char path[SEGMENT_PATH_BYTES];
};

/* len bytes at offset; *got is less only at the end of the file. */
static enum ag_status
window_get(struct segment_reader *r, uint64_t offset, size_t len,
    const uint8_t **out, size_t *got, struct ag_error *err)
{
	enum ag_status status;

	if (offset < r->window_at ||
	    offset + len > r->window_at + r->window_len) {
		size_t want = len > WINDOW_BYTES ? len : WINDOW_BYTES;

		if (want > r->window_cap) {
			uint8_t *grown = realloc(r->window, want);

			if (grown == NULL)
				return ag_fail(err, AG_ENOMEM, "read %s",
				    r->path);
			r->window = grown;
			r->window_cap = want;
		}
		r->window_at = offset;
		status = fs_read_at(r->fd, r->path, r->window, want, offset,
		    &r->window_len, err);
		if (status != AG_OK) {
			r->window_len = 0;
			return status;
		}
	}
	*out = r->window + (offset - r->window_at);
	*got = r->window_at + r->window_len - offset;
	if (*got > len)
		*got = len;
	return AG_OK;
}

static bool
is_record_head(const struct segment_reader *r, const uint8_t *head)
{
	return get_le32(head) <= PAYLOAD_BYTES_MAX && get_le64(head + 8) != 0 &&
	    get_le32(head + 28) == crc32c_update(r->salt, bytes_of(head, 28));
}

static bool
chain_matches(const struct segment_reader *r, const uint8_t *record,
    struct digest *chain)
{
	crypto_generichash_state hash;

	(void)crypto_generichash_init(&hash, NULL, 0, DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, r->chain.data, DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, record + 8, 8);
	(void)crypto_generichash_update(&hash,
	    record + SEGMENT_RECORD_HEAD_BYTES, get_le32(record));
	(void)crypto_generichash_final(&hash, chain->data, DIGEST_BYTES);
	return memcmp(record + 24, chain->data, 4) == 0;
}

/* AG_OK with a whole record, AG_ENOENT when the bytes are not one. */
static enum ag_status
record_try(struct segment_reader *r, struct bytes *record, struct ag_error *err)
{
	enum ag_status status;
	const uint8_t *at;
	struct digest chain;
	size_t got, len;

	status =
	    window_get(r, r->offset, SEGMENT_RECORD_HEAD_BYTES, &at, &got, err);
	if (status != AG_OK)
		return status;
	if (got < SEGMENT_RECORD_HEAD_BYTES || !is_record_head(r, at) ||
	    get_le64(at + 8) != r->next)
		return AG_ENOENT;
	len = get_le32(at);
	status = window_get(r, r->offset, SEGMENT_RECORD_HEAD_BYTES + len, &at,
	    &got, err);
	if (status != AG_OK)
		return status;
	if (got < SEGMENT_RECORD_HEAD_BYTES + len ||
	    get_le32(at + 4) !=
		crc32c_update(0,
		    bytes_of(at + SEGMENT_RECORD_HEAD_BYTES, len)) ||
	    !chain_matches(r, at, &chain))
		return AG_ENOENT;
	r->chain = chain;
	r->offset += segment_record_bytes(len);
	r->next++;
	*record = bytes_of(at + SEGMENT_RECORD_HEAD_BYTES, len);
	return AG_OK;
}

static bool
is_zero(const uint8_t *data, size_t len)
{
	return len == 0 ||
	    (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

/* Does any sector's part of [offset, offset + len) hold only zeros? */
static enum ag_status
has_unwritten_sector(struct segment_reader *r, uint64_t offset, size_t len,
    bool *has, struct ag_error *err)
{
	const uint8_t *at;
	size_t got, i, step;
	enum ag_status status = window_get(r, offset, len, &at, &got, err);

	if (status != AG_OK)
		return status;
	*has = got < len;
	for (i = 0; i < got && !*has; i += step) {
		step = SECTOR_BYTES - (size_t)((offset + i) % SECTOR_BYTES);
		if (step > got - i)
			step = got - i;
		*has = is_zero(at + i, step);
	}
	return AG_OK;
}

/*
 * Look through the rest of the file: is anything there, and does a later
 * record say that the one at r->offset was durable?
 */
static enum ag_status
rest_judge(struct segment_reader *r, bool *is_empty, bool *was_durable,
    struct ag_error *err)
{
	uint64_t offset = r->offset;
	enum ag_status status;
	const uint8_t *at;
	size_t got, i;

	*is_empty = true;
	*was_durable = false;
	for (;; offset += WINDOW_BYTES) {
		status = window_get(r, offset, WINDOW_BYTES, &at, &got, err);
		if (status != AG_OK || got == 0)
			return status;
		if (is_zero(at, got))
			continue;
		*is_empty = false;
		for (i = 0; i + SEGMENT_RECORD_HEAD_BYTES <= got;
		     i += SEGMENT_RECORD_HEAD_BYTES)
			if (is_record_head(r, at + i) &&
			    get_le64(at + i + 8) > r->next &&
			    get_le64(at + i + 16) >= r->next)
				*was_durable = true;
	}
}

static enum ag_status
refuse(const struct segment_reader *r, struct ag_error *err)
{
	return ag_fail(err, AG_ECORRUPT,
	    "read %s: record %" PRIu64 " at offset %" PRIu64 " is damaged, and "
	    "a vote given may be lost",
	    r->path, r->next, r->offset);
}

/* Bytes that are no record: AG_ENOENT for a torn tail, or AG_ECORRUPT. */
static enum ag_status
tail_judge(struct segment_reader *r, struct ag_error *err)
{
	bool is_empty, was_durable, has_unwritten;
	enum ag_status status;
	const uint8_t *at;
	size_t got, len = SEGMENT_RECORD_HEAD_BYTES;

	status = rest_judge(r, &is_empty, &was_durable, err);
	if (status != AG_OK)
		return status;
	if (was_durable)
		return refuse(r, err);
	if (is_empty)
		return AG_ENOENT;
	status = window_get(r, r->offset, len, &at, &got, err);
	if (status != AG_OK)
		return status;
	if (got == len && is_record_head(r, at))
		len += get_le32(at);
	status = has_unwritten_sector(r, r->offset, len, &has_unwritten, err);
	if (status != AG_OK)
		return status;
	return has_unwritten ? AG_ENOENT : refuse(r, err);
}

/* A checksum over what is judged, to see whether it is being written. */
static enum ag_status
tail_sum(struct segment_reader *r, uint32_t *sum, struct ag_error *err)
{
	const uint8_t *at;
	size_t got;
	enum ag_status status;

	r->window_len = 0;
	status = window_get(r, r->offset, WINDOW_BYTES, &at, &got, err);
	if (status == AG_OK)
		*sum = crc32c_update(0, bytes_of(at, got));
	return status;
}

enum ag_status
segment_reader_next(struct segment_reader *r, uint64_t *number,
    struct bytes *record, struct ag_error *err)
{
	uint32_t before = 0, after = 0;
	enum ag_status status = record_try(r, record, err);

	if (status == AG_ENOENT) {
		status = tail_sum(r, &before, err);
		if (status == AG_OK)
			status = record_try(r, record, err);
	}
	if (status == AG_ENOENT) {
		status = tail_judge(r, err);
		if (status == AG_ECORRUPT &&
		    tail_sum(r, &after, NULL) == AG_OK && before != after)
			status = AG_ENOENT;
		r->window_len = 0;
	}
	if (status == AG_OK)
		*number = r->next - 1;
	return status;
}

static enum ag_status
head_read(struct segment_reader *r, struct segment_head *head,
    struct ag_error *err)
{
	const uint8_t *at;
	size_t got;
	enum ag_status status;

	status = window_get(r, 0, SEGMENT_HEAD_BYTES, &at, &got, err);
	if (status != AG_OK)
		return status;
	if (got < SEGMENT_HEAD_BYTES || memcmp(at, "AEGISWL1", 8) != 0)
		return ag_fail(err, AG_ECORRUPT,
		    "read %s: at offset 0: not a log segment, or its head is "
		    "damaged",
		    r->path);
	if (get_le32(at + 8) > SEGMENT_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "read %s: format %u, this program reads up to %u; use the "
		    "newer program",
		    r->path, get_le32(at + 8), SEGMENT_VERSION);
	if (get_le32(at + 92) != crc32c_update(0, bytes_of(at, 92)))
		return ag_fail(err, AG_ECORRUPT,
		    "read %s: at offset 0: its head is damaged", r->path);
	memcpy(head->cluster_id, at + 16, CLUSTER_ID_BYTES);
	head->first = get_le64(at + 48);
	memcpy(head->chain.data, at + 56, DIGEST_BYTES);
	head->salt = get_le32(at + 88);
	head->is_sealed = get_le32(at + 8) > 1;
	head->keyring = get_le32(at + 12);
	return AG_OK;
}

enum ag_status
segment_reader_open(struct segment_reader **out, const char *dir,
    uint64_t first, struct segment_head *head, struct ag_error *err)
{
	enum ag_status status;
	struct segment_reader *r;

	*out = NULL;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return ag_fail(err, AG_ENOMEM, "open log %s", dir);
	r->fd = -1;
	status = segment_path(r->path, dir, first, err);
	if (status == AG_OK)
		status =
		    fs_open(&r->fd, r->path, O_RDONLY | O_NOFOLLOW, 0, err);
	if (status == AG_OK)
		status = head_read(r, head, err);
	if (status == AG_OK && head->first != first)
		status = ag_fail(err, AG_ECORRUPT,
		    "read %s: begins with record %" PRIu64 ", not as its name "
		    "says",
		    r->path, head->first);
	if (status != AG_OK) {
		segment_reader_close(r);
		return status;
	}
	r->offset = SEGMENT_HEAD_BYTES;
	r->next = first;
	r->chain = head->chain;
	r->salt = head->salt;
	*out = r;
	return AG_OK;
}

void
segment_reader_close(struct segment_reader *r)
{
	if (r == NULL)
		return;
	if (r->fd != -1)
		(void)close(r->fd);
	free(r->window);
	free(r);
}

uint64_t
segment_reader_offset(const struct segment_reader *r)
{
	return r->offset;
}

const struct digest *
segment_reader_chain(const struct segment_reader *r)
{
	return &r->chain;
}
