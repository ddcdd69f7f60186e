/*
 * The write-ahead log: what was synced is there, what was torn is cut, and
 * what was damaged is refused.
 */
#include "store/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "store/crc32c.h"
#include "store/segment.h"

static const uint8_t cluster[32] = { 1 };
static const uint8_t other_cluster[32] = { 2 };

static char dir[64];

static int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/aegis-wal-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	char path[SEGMENT_PATH_BYTES];
	uint64_t *firsts;
	size_t count, i;

	(void)state;
	if (segment_list(dir, &firsts, &count, NULL) != AG_OK)
		return 0;
	for (i = 0; i < count; i++) {
		if (segment_path(path, dir, firsts[i], NULL) == AG_OK)
			(void)unlink(path);
	}
	free(firsts);
	(void)snprintf(path, sizeof(path), "%s/wal.new", dir);
	(void)unlink(path);
	return rmdir(dir);
}

static struct wal *
opened(void)
{
	struct ag_error err;
	struct wal *wal;

	err.text[0] = '\0';
	if (wal_open(&wal, dir, cluster, NULL, &err) != AG_OK)
		fail_msg("%s", err.text);
	return wal;
}

static void
append(struct wal *wal, const char *text, uint64_t expected)
{
	uint64_t number;

	assert_int_equal(wal_append(wal, bytes_from_text(text), &number, NULL),
	    AG_OK);
	assert_int_equal(number, expected);
}

static void
sync_to(struct wal *wal, uint64_t expected)
{
	uint64_t durable;

	assert_int_equal(wal_sync(wal, &durable, NULL), AG_OK);
	assert_int_equal(durable, expected);
}

/* One record a sync, so that each says the ones before were durable. */
static void
write_three(void)
{
	struct wal *wal = opened();

	append(wal, "one", 1);
	sync_to(wal, 1);
	append(wal, "two", 2);
	sync_to(wal, 2);
	append(wal, "three", 3);
	sync_to(wal, 3);
	wal_close(wal);
}

static void
assert_reads(uint64_t from, uint64_t first, uint64_t last)
{
	struct wal_cursor *cursor;
	struct bytes record;
	uint64_t number;

	assert_int_equal(wal_cursor_open(&cursor, dir, from, NULL), AG_OK);
	for (; first <= last; first++) {
		assert_int_equal(wal_cursor_next(cursor, &number, &record,
				     NULL),
		    AG_OK);
		assert_int_equal(number, first);
	}
	assert_int_equal(wal_cursor_next(cursor, &number, &record, NULL),
	    AG_ENOENT);
	wal_cursor_close(cursor);
}

/* Change the byte at offset of the first segment. */
static void
flip(off_t offset)
{
	char path[SEGMENT_PATH_BYTES];
	uint8_t byte;
	int fd;

	assert_int_equal(segment_path(path, dir, 1, NULL), AG_OK);
	fd = open(path, O_RDWR);
	assert_true(fd != -1);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	(void)close(fd);
}

static void
cut(off_t len)
{
	char path[SEGMENT_PATH_BYTES];

	assert_int_equal(segment_path(path, dir, 1, NULL), AG_OK);
	assert_int_equal(truncate(path, len), 0);
}

static void
crc32c_matches_its_published_check_value(void **state)
{
	struct bytes check = bytes_from_text("123456789");

	(void)state;
	assert_int_equal(crc32c_update(0, check), 0xe3069283);
	assert_int_equal(crc32c_update_portable(0, check), 0xe3069283);
}

static void
a_new_log_is_empty(void **state)
{
	struct wal *wal = opened();

	(void)state;
	assert_int_equal(wal_first(wal), 0);
	assert_int_equal(wal_last(wal), 0);
	sync_to(wal, 0);
	wal_close(wal);
	assert_reads(0, 1, 0);
}

static void
synced_records_are_there_after_opening_again(void **state)
{
	struct wal *wal;

	(void)state;
	write_three();
	wal = opened();
	assert_int_equal(wal_first(wal), 1);
	assert_int_equal(wal_last(wal), 3);
	append(wal, "four", 4);
	sync_to(wal, 4);
	wal_close(wal);
	assert_reads(0, 1, 4);
	assert_reads(3, 3, 4);
}

static void
a_cursor_reads_what_was_written(void **state)
{
	struct wal_cursor *cursor;
	struct bytes record;
	uint64_t number;

	(void)state;
	write_three();
	assert_int_equal(wal_cursor_open(&cursor, dir, 2, NULL), AG_OK);
	assert_int_equal(wal_cursor_next(cursor, &number, &record, NULL),
	    AG_OK);
	assert_true(bytes_equal(record, bytes_from_text("two")));
	wal_cursor_close(cursor);
}

static void
a_cursor_follows_a_live_log(void **state)
{
	struct wal *wal = opened();
	struct wal_cursor *cursor;
	struct bytes record;
	uint64_t number;

	(void)state;
	assert_int_equal(wal_cursor_open(&cursor, dir, 0, NULL), AG_OK);
	assert_int_equal(wal_cursor_next(cursor, &number, &record, NULL),
	    AG_ENOENT);
	append(wal, "one", 1);
	sync_to(wal, 1);
	assert_int_equal(wal_cursor_next(cursor, &number, &record, NULL),
	    AG_OK);
	assert_int_equal(number, 1);
	wal_cursor_close(cursor);
	wal_close(wal);
}

static void
unsynced_records_are_not_promised(void **state)
{
	struct wal *wal = opened();

	(void)state;
	append(wal, "one", 1);
	wal_close(wal);
	wal = opened();
	assert_int_equal(wal_last(wal), 0);
	wal_close(wal);
}

static void
a_torn_tail_is_cut_and_written_over(void **state)
{
	struct wal *wal;

	(void)state;
	write_three();
	/* Two records of 64 bytes, half of the third's payload gone. */
	cut(SEGMENT_HEAD_BYTES + 128 + 34);
	wal = opened();
	assert_int_equal(wal_last(wal), 2);
	append(wal, "again", 3);
	sync_to(wal, 3);
	wal_close(wal);
	assert_reads(0, 1, 3);
}

static void
damage_before_the_tail_is_refused(void **state)
{
	struct ag_error err;
	struct wal *wal;

	(void)state;
	write_three();
	flip(SEGMENT_HEAD_BYTES + 64 + 33);
	assert_int_equal(wal_open(&wal, dir, cluster, NULL, &err), AG_ECORRUPT);
	assert_non_null(strstr(err.text, "record 2 at offset 160"));
	assert_non_null(strstr(err.text, "a vote given may be lost"));
	assert_null(wal);
}

static void
any_flipped_bit_of_a_record_is_noticed(void **state)
{
	struct ag_error err;
	struct wal *wal;
	off_t at;

	(void)state;
	write_three();
	for (at = 0; at < SEGMENT_HEAD_BYTES + 128 + 37; at++) {
		off_t in = at < SEGMENT_HEAD_BYTES
		    ? 0
		    : (at - SEGMENT_HEAD_BYTES) % 64;

		/* Beyond the payload is padding, which means nothing. */
		if (in >= 32 + 3 + (at >= SEGMENT_HEAD_BYTES + 128 ? 2 : 0))
			continue;
		flip(at);
		assert_int_not_equal(wal_open(&wal, dir, cluster, NULL, &err),
		    AG_OK);
		flip(at);
	}
	wal = opened();
	assert_int_equal(wal_last(wal), 3);
	wal_close(wal);
}

static void
another_clusters_log_is_refused(void **state)
{
	struct ag_error err;
	struct wal *wal;

	(void)state;
	write_three();
	assert_int_equal(wal_open(&wal, dir, other_cluster, NULL, &err),
	    AG_ECONFLICT);
	assert_non_null(strstr(err.text, "another cluster"));
}

/* A second segment that continues the chain of the first, but not its log. */
static void
continue_as(const uint8_t cluster_id[static CLUSTER_ID_BYTES])
{
	struct segment_head head;
	struct segment_reader *reader;
	uint8_t bytes[SEGMENT_HEAD_BYTES];
	char path[SEGMENT_PATH_BYTES];
	struct bytes record;
	uint64_t number;

	assert_int_equal(segment_reader_open(&reader, dir, 1, &head, NULL),
	    AG_OK);
	while (segment_reader_next(reader, &number, &record, NULL) == AG_OK)
		head.first = number + 1;
	head.chain = *segment_reader_chain(reader);
	segment_reader_close(reader);
	memcpy(head.cluster_id, cluster_id, CLUSTER_ID_BYTES);
	segment_head_encode(&head, bytes);
	assert_int_equal(segment_path(path, dir, head.first, NULL), AG_OK);
	assert_int_equal(fs_create_file(path, 0600,
			     bytes_of(bytes, sizeof(bytes)), NULL),
	    AG_OK);
}

static void
a_cursor_says_whose_log_it_is_and_reads_no_other(void **state)
{
	struct wal_cursor *cursor;
	struct bytes record;
	struct ag_error err;
	uint64_t number;

	(void)state;
	write_three();
	continue_as(other_cluster);
	assert_int_equal(wal_cursor_open(&cursor, dir, 3, NULL), AG_OK);
	assert_memory_equal(wal_cursor_cluster_id(cursor), cluster,
	    CLUSTER_ID_BYTES);
	assert_int_equal(wal_cursor_next(cursor, &number, &record, NULL),
	    AG_OK);
	assert_int_equal(wal_cursor_next(cursor, &number, &record, &err),
	    AG_ECORRUPT);
	assert_non_null(strstr(err.text, "does not continue the one before"));
	wal_cursor_close(cursor);
}

static void
a_newer_format_is_refused(void **state)
{
	struct ag_error err;
	struct wal *wal;

	(void)state;
	write_three();
	flip(8);
	assert_int_equal(wal_open(&wal, dir, cluster, NULL, &err), AG_EVERSION);
	assert_non_null(strstr(err.text, "newer program"));
}

static void
a_log_in_use_is_refused(void **state)
{
	struct wal *wal = opened(), *second;
	struct ag_error err;

	(void)state;
	assert_int_equal(wal_open(&second, dir, cluster, NULL, &err), AG_EBUSY);
	wal_close(wal);
}

static void
refused_open_says_which_log_and_why(void **state)
{
	struct ag_error err;
	struct wal *wal;

	(void)state;
	assert_int_equal(wal_open(&wal, "/nowhere/log", cluster, NULL, &err),
	    AG_ESYS);
	assert_non_null(strstr(err.text, "/nowhere/log: No such file"));
}

static void
a_record_over_the_bound_is_refused(void **state)
{
	static uint8_t big[WAL_RECORD_BYTES_MAX + 1];
	struct wal *wal = opened();
	uint64_t number;

	(void)state;
	assert_int_equal(wal_append(wal, bytes_of(big, sizeof(big)), &number,
			     NULL),
	    AG_ELIMIT);
	wal_close(wal);
}

static void
old_segments_go_and_the_rest_still_reads(void **state)
{
	static uint8_t big[WAL_RECORD_BYTES_MAX];
	struct wal *wal = opened();
	uint64_t number, i;

	(void)state;
	for (i = 0; i < 18; i++) {
		assert_int_equal(wal_append(wal, bytes_of(big, sizeof(big)),
				     &number, NULL),
		    AG_OK);
		sync_to(wal, i + 1);
	}
	/* Seven fit a segment: 1-7, 8-14, 15-18. */
	assert_int_equal(wal_truncate(wal, 14, 0, NULL), AG_OK);
	assert_int_equal(wal_first(wal), 8);
	assert_int_equal(wal_truncate(wal, 18, UINT64_MAX, NULL), AG_OK);
	assert_int_equal(wal_first(wal), 8);
	assert_int_equal(wal_truncate(wal, 18, 0, NULL), AG_OK);
	assert_int_equal(wal_first(wal), 15);
	wal_close(wal);
	assert_reads(0, 15, 18);
	wal = opened();
	assert_int_equal(wal_first(wal), 15);
	assert_int_equal(wal_last(wal), 18);
	wal_close(wal);
}

static void
segments_end_where_told_and_a_long_record_has_its_own(void **state)
{
	static const uint64_t first[] = { 1, 1, 1, 4, 4, 4, 7, 8, 8, 8 };
	static uint8_t record[10000];
	struct wal *wal = opened();
	uint64_t number, i;

	(void)state;
	wal_set_segment_bytes(wal, 4096);
	for (i = 1; i <= 10; i++) {
		assert_int_equal(wal_append(wal,
				     bytes_of(record, i == 7 ? 10000 : 1000),
				     &number, NULL),
		    AG_OK);
		if (i % 2 == 0)
			sync_to(wal, i);
	}
	/* Three short ones fit: 1-3, 4-6, 7, 8-10. */
	for (i = 1; i <= 10; i++) {
		assert_int_equal(wal_truncate(wal, i, 0, NULL), AG_OK);
		assert_int_equal(wal_first(wal), first[i - 1]);
	}
	wal_close(wal);
	assert_reads(0, 8, 10);
}

static int
fail_unlink(void *arg, enum fs_op op, const char *path)
{
	(void)arg;
	(void)path;
	return op == FS_UNLINK ? EIO : 0;
}

static void
a_segment_that_does_not_go_keeps_those_behind_it(void **state)
{
	static uint8_t big[WAL_RECORD_BYTES_MAX];
	struct wal *wal = opened();
	uint64_t number, i;

	(void)state;
	for (i = 0; i < 18; i++) {
		assert_int_equal(wal_append(wal, bytes_of(big, sizeof(big)),
				     &number, NULL),
		    AG_OK);
		sync_to(wal, i + 1);
	}
	fs_fault_set(fail_unlink, NULL);
	assert_int_equal(wal_truncate(wal, 14, 0, NULL), AG_ESYS);
	fs_fault_set(NULL, NULL);
	assert_int_equal(wal_first(wal), 1);
	assert_int_equal(wal_truncate(wal, 18, 0, NULL), AG_OK);
	wal_close(wal);
	wal = opened();
	assert_int_equal(wal_first(wal), 15);
	wal_close(wal);
}

static int
fail_sync(void *arg, enum fs_op op, const char *path)
{
	(void)arg;
	(void)path;
	return op == FS_SYNC ? 5 : 0;
}

static void
after_a_failed_sync_the_log_does_nothing_more(void **state)
{
	struct wal *wal = opened();
	struct ag_error err;
	uint64_t number;

	(void)state;
	append(wal, "one", 1);
	fs_fault_set(fail_sync, NULL);
	assert_int_equal(wal_sync(wal, &number, &err), AG_ESYS);
	fs_fault_set(NULL, NULL);
	assert_int_equal(wal_sync(wal, &number, &err), AG_ESYS);
	assert_int_equal(wal_append(wal, bytes_from_text("x"), &number, &err),
	    AG_ESYS);
	assert_non_null(strstr(err.text, "Input/output error"));
	assert_non_null(strstr(err.text, "restart the node"));
	wal_close(wal);
}

#define THREAD_RECORDS 20000

static void *
sync_until_all(void *arg)
{
	struct wal *wal = arg;
	uint64_t durable = 0;

	while (durable < THREAD_RECORDS)
		if (wal_sync(wal, &durable, NULL) != AG_OK)
			return NULL;
	return arg;
}

static void *
read_until_all(void *arg)
{
	struct wal_cursor *cursor;
	struct bytes record;
	uint64_t number = 0, next = 1;
	enum ag_status status = wal_cursor_open(&cursor, dir, 0, NULL);

	while (next <= THREAD_RECORDS &&
	    (status == AG_OK || status == AG_ENOENT)) {
		status = wal_cursor_next(cursor, &number, &record, NULL);
		if (status == AG_OK && number != next++)
			status = AG_EINTERNAL;
	}
	wal_cursor_close(cursor);
	return next > THREAD_RECORDS ? arg : NULL;
}

static void
appending_syncing_and_reading_go_on_together(void **state)
{
	pthread_t syncer, reader;
	struct wal *wal = opened();
	uint64_t number, i;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&syncer, NULL, sync_until_all, wal), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_until_all, wal), 0);
	for (i = 0; i < THREAD_RECORDS; i++) {
		assert_int_equal(wal_append(wal, bytes_of(cluster, i % 32),
				     &number, NULL),
		    AG_OK);
		if (i % 1000 == 0)
			assert_int_equal(wal_truncate(wal, i, 0, NULL), AG_OK);
	}
	(void)pthread_join(syncer, &result);
	assert_ptr_equal(result, wal);
	(void)pthread_join(reader, &result);
	assert_ptr_equal(result, wal);
	wal_close(wal);
}

int
main(void)
{
#define WAL_TEST(name) \
	cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		WAL_TEST(crc32c_matches_its_published_check_value),
		WAL_TEST(a_new_log_is_empty),
		WAL_TEST(synced_records_are_there_after_opening_again),
		WAL_TEST(a_cursor_reads_what_was_written),
		WAL_TEST(a_cursor_follows_a_live_log),
		WAL_TEST(unsynced_records_are_not_promised),
		WAL_TEST(a_torn_tail_is_cut_and_written_over),
		WAL_TEST(damage_before_the_tail_is_refused),
		WAL_TEST(any_flipped_bit_of_a_record_is_noticed),
		WAL_TEST(another_clusters_log_is_refused),
		WAL_TEST(a_cursor_says_whose_log_it_is_and_reads_no_other),
		WAL_TEST(a_newer_format_is_refused),
		WAL_TEST(a_log_in_use_is_refused),
		WAL_TEST(refused_open_says_which_log_and_why),
		WAL_TEST(a_record_over_the_bound_is_refused),
		WAL_TEST(old_segments_go_and_the_rest_still_reads),
		WAL_TEST(segments_end_where_told_and_a_long_record_has_its_own),
		WAL_TEST(a_segment_that_does_not_go_keeps_those_behind_it),
		WAL_TEST(after_a_failed_sync_the_log_does_nothing_more),
		WAL_TEST(appending_syncing_and_reading_go_on_together),
	};

	return cmocka_run_group_tests_name("wal", tests, NULL, NULL);
}
