/*
 * A log of known records with damage written into it: it opens to the first
 * n of them, whole and in order, or is refused; and a log that opened takes
 * more and opens again.
 *
 * INPUT  the damage: u16 offset | u8 length | bytes, again and again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "fixture/directory.h"
#include "store/segment.h"
#include "store/wal.h"

#define RECORDS 8
#define FILE_BYTES 4096 /* what may be damaged: all records and zeros */

static const uint8_t cluster[32] = { 1 };
static char dir[DIRECTORY_PATH_BYTES];
static uint8_t good[FILE_BYTES];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct bytes
record_of(uint64_t number)
{
	static uint8_t record[512];

	memset(record, (int)number, sizeof(record));
	return bytes_of(record, (size_t)number * 31);
}

static void
remove_dir(void)
{
	(void)directory_remove(dir);
}

static void
make_good(void)
{
	char path[SEGMENT_PATH_BYTES];
	uint64_t number;
	struct wal *wal;
	size_t len;
	int fd;

	AG_ASSERT(directory_make(dir) == 0);
	(void)atexit(remove_dir);
	AG_ASSERT(wal_open(&wal, dir, cluster, NULL, NULL) == AG_OK);
	do {
		AG_ASSERT(wal_append(wal, record_of(wal_last(wal) + 1), &number,
			      NULL) == AG_OK);
		AG_ASSERT(wal_sync(wal, &number, NULL) == AG_OK);
	} while (number < RECORDS);
	wal_close(wal);
	AG_ASSERT(segment_path(path, dir, 1, NULL) == AG_OK);
	AG_ASSERT(fs_open(&fd, path, 0, 0, NULL) == AG_OK);
	AG_ASSERT(
	    fs_read_at(fd, path, good, sizeof(good), 0, &len, NULL) == AG_OK);
	(void)close(fd);
}

static void
write_damaged(const uint8_t *data, size_t len)
{
	uint8_t bytes[FILE_BYTES];
	char path[SEGMENT_PATH_BYTES];
	size_t at = 0;

	memcpy(bytes, good, sizeof(bytes));
	while (len - at > 3) {
		size_t offset = (size_t)(data[at] | data[at + 1] << 8);
		size_t step = data[at + 2];

		at += 3;
		offset %= sizeof(bytes);
		if (step > len - at)
			step = len - at;
		if (step > sizeof(bytes) - offset)
			step = sizeof(bytes) - offset;
		memcpy(bytes + offset, data + at, step);
		at += step;
	}
	AG_ASSERT(segment_path(path, dir, 1, NULL) == AG_OK);
	AG_ASSERT(fs_write_file(path, 0600, bytes_of(bytes, sizeof(bytes)),
		      NULL) == AG_OK);
}

/* Every record up to last is as it was written. */
static void
check_records(uint64_t last)
{
	struct wal_cursor *cursor;
	struct bytes record;
	uint64_t number, i;

	AG_ASSERT(wal_cursor_open(&cursor, dir, 0, NULL) == AG_OK);
	for (i = 1; i <= last; i++) {
		AG_ASSERT(
		    wal_cursor_next(cursor, &number, &record, NULL) == AG_OK);
		AG_ASSERT(number == i && bytes_equal(record, record_of(i)));
	}
	AG_ASSERT(wal_cursor_next(cursor, &number, &record, NULL) == AG_ENOENT);
	wal_cursor_close(cursor);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ag_error err = { .text = "" };
	uint64_t number, last;
	struct wal *wal;

	if (dir[0] == '\0')
		make_good();
	write_damaged(data, len);
	if (wal_open(&wal, dir, cluster, NULL, &err) != AG_OK) {
		AG_ASSERT(err.text[0] != '\0');
		return 0;
	}
	last = wal_last(wal);
	AG_ASSERT(last <= RECORDS);
	AG_ASSERT(wal_append(wal, record_of(last + 1), &number, NULL) == AG_OK);
	AG_ASSERT(wal_sync(wal, &number, NULL) == AG_OK);
	wal_close(wal);
	check_records(last + 1);
	return 0;
}
