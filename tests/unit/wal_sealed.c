/*
 * A log that is sealed: as whole and as torn as another, and closed to who
 * has not its keyring.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"
#include "store/segment.h"
#include "store/wal.h"

#define MARK "what a member promised"

static const uint8_t cluster[CLUSTER_ID_BYTES] = { 1 };

static char root[DIRECTORY_PATH_BYTES];
static char dir[DIRECTORY_PATH_BYTES + 16];
static struct keyring *keyring, *other;
static struct ag_error err;

static void
must(enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", err.text);
}

static int
setup(void **state)
{
	char path[DIRECTORY_PATH_BYTES + 16];

	(void)state;
	(void)directory_make(root);
	(void)snprintf(dir, sizeof(dir), "%s/log", root);
	(void)snprintf(path, sizeof(path), "%s/keyring", root);
	keyring = keyrings_make(path);
	(void)snprintf(path, sizeof(path), "%s/other", root);
	other = keyrings_make(path);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	keyring_close(keyring);
	keyring_close(other);
	return directory_remove(root);
}

static struct wal *
opened(struct keyring *with)
{
	struct wal *wal;

	must(wal_open_sealed(&wal, dir, cluster, with, NULL, &err));
	return wal;
}

static void
append(struct wal *wal, struct bytes record)
{
	uint64_t number;

	must(wal_append(wal, record, &number, &err));
	must(wal_sync(wal, &number, &err));
}

/* count records that begin with MARK and their number. */
static void
write_some(struct keyring *with, unsigned int count)
{
	struct wal *wal = opened(with);
	char text[64];

	while (count-- > 0) {
		(void)snprintf(text, sizeof(text), MARK " %llu",
		    (unsigned long long)wal_last(wal) + 1);
		append(wal, bytes_from_text(text));
	}
	wal_close(wal);
}

/* How many there are, each with what was written. */
static uint64_t
read_all(void)
{
	struct wal_cursor *cursor;
	enum ag_status status;
	struct bytes record;
	uint64_t number = 0;
	char text[64];

	must(wal_cursor_open_sealed(&cursor, dir, 0, keyring, &err));
	while ((status = wal_cursor_next(cursor, &number, &record, &err)) ==
	    AG_OK) {
		(void)snprintf(text, sizeof(text), MARK " %llu",
		    (unsigned long long)number);
		assert_true(bytes_equal(record, bytes_from_text(text)));
	}
	assert_int_equal(status, AG_ENOENT);
	wal_cursor_close(cursor);
	return number;
}

static void
segment_file(char path[static DIRECTORY_PATH_BYTES * 2])
{
	(void)snprintf(path, DIRECTORY_PATH_BYTES * 2,
	    "%s/wal-0000000000000001.log", dir);
}

static void
read_file(struct buf *all)
{
	char path[DIRECTORY_PATH_BYTES * 2];

	segment_file(path);
	buf_init(all, (size_t)64 << 20);
	must(fs_read_file(path, all, &err));
}

static void
write_file(const struct buf *all)
{
	char path[DIRECTORY_PATH_BYTES * 2];
	FILE *f;

	segment_file(path);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(all->data, 1, all->len, f), all->len);
	assert_int_equal(fclose(f), 0);
}

static void
records_come_back_and_are_not_in_the_file(void **state)
{
	struct buf all;

	(void)state;
	write_some(keyring, 5);
	assert_int_equal(read_all(), 5);
	write_some(keyring, 3);
	assert_int_equal(read_all(), 8);
	read_file(&all);
	assert_null(memmem(all.data, all.len, "promised", 8));
	buf_fini(&all);
}

static void
records_of_every_length_come_back(void **state)
{
	static uint8_t plain[WAL_RECORD_BYTES_MAX];
	struct wal *wal = opened(keyring);
	struct wal_cursor *cursor;
	struct bytes record;
	uint64_t number;
	size_t len;

	(void)state;
	memset(plain, 'x', sizeof(plain));
	for (len = 0; len < 100; len++)
		append(wal, bytes_of(plain, len));
	append(wal, bytes_of(plain, sizeof(plain)));
	wal_close(wal);
	must(wal_cursor_open_sealed(&cursor, dir, 0, keyring, &err));
	for (len = 0; len < 100; len++) {
		must(wal_cursor_next(cursor, &number, &record, &err));
		assert_true(bytes_equal(record, bytes_of(plain, len)));
	}
	must(wal_cursor_next(cursor, &number, &record, &err));
	assert_true(bytes_equal(record, bytes_of(plain, sizeof(plain))));
	wal_cursor_close(cursor);
}

static void
a_sealed_log_opens_with_its_own_keyring_alone(void **state)
{
	struct wal_cursor *cursor;
	struct bytes record;
	uint64_t number;
	struct wal *wal;

	(void)state;
	write_some(keyring, 2);
	assert_int_equal(wal_open(&wal, dir, cluster, NULL, &err), AG_EDENIED);
	assert_non_null(strstr(err.text, "without its keyring"));
	assert_int_equal(wal_open_sealed(&wal, dir, cluster, other, NULL, &err),
	    AG_ECONFLICT);
	assert_non_null(strstr(err.text, "sealed with another keyring"));
	must(wal_cursor_open(&cursor, dir, 0, &err));
	assert_int_equal(wal_cursor_next(cursor, &number, &record, &err),
	    AG_EDENIED);
	wal_cursor_close(cursor);
	must(wal_cursor_open_sealed(&cursor, dir, 0, other, &err));
	assert_int_equal(wal_cursor_next(cursor, &number, &record, &err),
	    AG_ECONFLICT);
	wal_cursor_close(cursor);
	assert_int_equal(read_all(), 2);
}

static void
a_log_in_the_open_does_not_pass_for_a_sealed_one(void **state)
{
	struct wal *wal;

	(void)state;
	write_some(NULL, 2);
	assert_int_equal(wal_open_sealed(&wal, dir, cluster, keyring, NULL,
			     &err),
	    AG_ECONFLICT);
	assert_non_null(strstr(err.text, "not sealed"));
	assert_non_null(strstr(err.text, "begin anew"));
}

static void
a_torn_tail_is_cut_off_and_damage_before_it_refused(void **state)
{
	static const uint8_t plain[2000] = { 1 };
	struct wal *wal;
	struct buf all;

	(void)state;
	write_some(keyring, 2);
	wal = opened(keyring);
	append(wal, bytes_of(plain, sizeof(plain)));
	wal_close(wal);
	/* One of the last record's sectors was never written. */
	read_file(&all);
	memset(all.data + 1024, 0, 512);
	write_file(&all);
	wal = opened(keyring);
	assert_int_equal(wal_last(wal), 2);
	wal_close(wal);
	write_some(keyring, 1);
	assert_int_equal(read_all(), 3);

	/* The first record's payload is another. */
	all.data[SEGMENT_HEAD_BYTES + SEGMENT_RECORD_HEAD_BYTES + 30] ^= 1;
	write_file(&all);
	assert_int_equal(wal_open_sealed(&wal, dir, cluster, keyring, NULL,
			     &err),
	    AG_ECORRUPT);
	buf_fini(&all);
}

static void
a_forged_record_with_the_right_checksums_does_not_open(void **state)
{
	struct digest chain = { .data = { 0 } };
	struct wal_cursor *cursor;
	struct bytes record;
	uint64_t number;
	struct wal *wal;
	struct buf all;
	uint32_t salt;
	uint8_t *at;

	(void)state;
	write_some(keyring, 1);
	read_file(&all);
	memcpy(chain.data, all.data + 56, DIGEST_BYTES);
	memcpy(&salt, all.data + 88, sizeof(salt));
	at = all.data + SEGMENT_HEAD_BYTES;
	at[SEGMENT_RECORD_HEAD_BYTES + KEYRING_HEAD_BYTES] ^= 1;
	segment_record_seal(at, segment_record_len(at), 1, 0, salt, &chain);
	write_file(&all);
	buf_fini(&all);
	wal = opened(keyring); /* it is whole, but nobody's of here */
	assert_int_equal(wal_last(wal), 1);
	wal_close(wal);
	must(wal_cursor_open_sealed(&cursor, dir, 0, keyring, &err));
	assert_int_equal(wal_cursor_next(cursor, &number, &record, &err),
	    AG_ECORRUPT);
	assert_non_null(strstr(err.text,
	    "record 1: a sealed record does not "
	    "open"));
	wal_cursor_close(cursor);
}

static void
records_of_every_epoch_are_read(void **state)
{
	(void)state;
	write_some(keyring, 2);
	must(keyring_epoch_prepare(keyring, 2, 0, &err));
	must(keyring_epoch_activate(keyring, 2, &err));
	write_some(keyring, 2);
	assert_int_equal(read_all(), 4);
}

static void
begin_epoch(uint32_t epoch)
{
	must(keyring_epoch_prepare(keyring, epoch, 0, &err));
	must(keyring_epoch_activate(keyring, epoch, &err));
}

static void
the_oldest_epoch_goes_with_its_segments(void **state)
{
	struct wal *wal = opened(keyring);

	(void)state;
	assert_int_equal(wal_oldest_epoch(wal), 0);
	append(wal, bytes_from_text(MARK " 1"));
	append(wal, bytes_from_text(MARK " 2"));
	begin_epoch(2);
	append(wal, bytes_from_text(MARK " 3"));
	begin_epoch(5);
	append(wal, bytes_from_text(MARK " 4"));
	assert_int_equal(wal_oldest_epoch(wal), 1);
	must(wal_truncate(wal, 3, 0, &err));
	assert_int_equal(wal_oldest_epoch(wal), 2);
	wal_close(wal);
	/* Read again, as after a crash. */
	wal = opened(keyring);
	assert_int_equal(wal_oldest_epoch(wal), 2);
	append(wal, bytes_from_text(MARK " 5"));
	must(wal_truncate(wal, 4, 0, &err));
	assert_int_equal(wal_oldest_epoch(wal), 5);
	assert_int_equal(wal_first(wal), 4);
	/* Then nothing needs the old keys. */
	must(keyring_epoch_destroy(keyring, 1, &err));
	must(keyring_epoch_destroy(keyring, 2, &err));
	wal_close(wal);
	assert_int_equal(read_all(), 5);
}

static int
refuse_sync_of_the_folder(void *arg, enum fs_op op, const char *path)
{
	(void)arg;
	return op == FS_SYNC && strcmp(path, dir) == 0 ? EIO : 0;
}

static void
a_segment_that_may_come_back_needs_its_epoch_still(void **state)
{
	struct wal *wal = opened(keyring);

	(void)state;
	append(wal, bytes_from_text(MARK " 1"));
	begin_epoch(2);
	append(wal, bytes_from_text(MARK " 2"));
	fs_fault_set(refuse_sync_of_the_folder, NULL);
	assert_int_equal(wal_truncate(wal, 2, 0, &err), AG_ESYS);
	fs_fault_set(NULL, NULL);
	assert_int_equal(wal_oldest_epoch(wal), 1);
	wal_close(wal);
}

static void
a_log_goes_on_in_a_new_segment_when_a_new_epoch_began_meanwhile(void **state)
{
	struct wal *wal;

	(void)state;
	write_some(keyring, 2);
	begin_epoch(2);
	wal = opened(keyring);
	append(wal, bytes_from_text(MARK " 3"));
	must(wal_truncate(wal, 3, 0, &err));
	assert_int_equal(wal_oldest_epoch(wal), 2);
	wal_close(wal);
}

#define IN_A_DIRECTORY(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(records_come_back_and_are_not_in_the_file),
		IN_A_DIRECTORY(records_of_every_length_come_back),
		IN_A_DIRECTORY(a_sealed_log_opens_with_its_own_keyring_alone),
		IN_A_DIRECTORY(
		    a_log_in_the_open_does_not_pass_for_a_sealed_one),
		IN_A_DIRECTORY(
		    a_torn_tail_is_cut_off_and_damage_before_it_refused),
		IN_A_DIRECTORY(
		    a_forged_record_with_the_right_checksums_does_not_open),
		IN_A_DIRECTORY(records_of_every_epoch_are_read),
		IN_A_DIRECTORY(the_oldest_epoch_goes_with_its_segments),
		IN_A_DIRECTORY(
		    a_segment_that_may_come_back_needs_its_epoch_still),
		IN_A_DIRECTORY(
		    a_log_goes_on_in_a_new_segment_when_a_new_epoch_began_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
