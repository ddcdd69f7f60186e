/*
 * The file system's calls: whole success, or one failure that says why.
 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture/directory.h"

static char dir[DIRECTORY_PATH_BYTES];
static char path[DIRECTORY_PATH_BYTES + 16];

static int
make_dir(void **state)
{
	(void)state;
	(void)directory_make(dir);
	return fs_join(path, sizeof(path), dir, "file", NULL) != AG_OK;
}

static int
remove_dir(void **state)
{
	(void)state;
	fs_fault_set(NULL, NULL);
	return directory_remove(dir);
}

static void
assert_holds(const char *text)
{
	struct buf b;

	buf_init(&b, 100);
	assert_int_equal(fs_read_file(path, &b, NULL), AG_OK);
	assert_true(bytes_equal(buf_bytes(&b), bytes_from_text(text)));
	buf_fini(&b);
}

static void
a_whole_file_is_replaced(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("old"),
			     NULL),
	    AG_OK);
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("newer"),
			     NULL),
	    AG_OK);
	assert_holds("newer");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* arg: the operation to fail. */
static int
fail_op(void *arg, enum fs_op op, const char *at)
{
	(void)at;
	return op == *(enum fs_op *)arg ? ENOSPC : 0;
}

static void
a_replacement_that_fails_leaves_the_old_file(void **state)
{
	enum fs_op ops[] = { FS_OPEN, FS_WRITE, FS_SYNC, FS_RENAME };
	char beside[DIRECTORY_PATH_BYTES + 24];
	struct ag_error err;
	size_t i;

	(void)state;
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("old"),
			     NULL),
	    AG_OK);
	(void)snprintf(beside, sizeof(beside), "%s.new", path);
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		fs_fault_set(fail_op, &ops[i]);
		assert_int_equal(fs_write_file(path, 0600,
				     bytes_from_text("new"), &err),
		    AG_ESYS);
		fs_fault_set(NULL, NULL);
		assert_non_null(strstr(err.text, "No space left on device"));
		assert_holds("old");
		assert_false(fs_exists(beside));
	}
}

static void
a_file_is_created_once(void **state)
{
	struct ag_error err;

	(void)state;
	assert_int_equal(fs_create_file(path, 0600, bytes_from_text("one"),
			     &err),
	    AG_OK);
	assert_int_equal(fs_create_file(path, 0600, bytes_from_text("two"),
			     &err),
	    AG_EEXIST);
	assert_non_null(strstr(err.text, "exists already"));
	assert_holds("one");
}

static void
reading_has_a_bound_and_wants_a_regular_file(void **state)
{
	struct ag_error err;
	struct buf b;

	(void)state;
	buf_init(&b, 3);
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("abcdef"),
			     NULL),
	    AG_OK);
	assert_int_equal(fs_read_file(path, &b, &err), AG_ELIMIT);
	assert_non_null(strstr(err.text, "file too large"));
	assert_int_equal(fs_read_file(dir, &b, &err), AG_EINVAL);
	assert_int_equal(fs_read_file("/nowhere/x", &b, &err), AG_ENOENT);
	assert_non_null(
	    strstr(err.text, "open /nowhere/x: No such file or directory"));
	buf_fini(&b);
}

static void
a_symbolic_link_is_not_written_through(void **state)
{
	char target[DIRECTORY_PATH_BYTES + 16], link[DIRECTORY_PATH_BYTES + 16];

	(void)state;
	(void)snprintf(target, sizeof(target), "%s/target", dir);
	(void)snprintf(link, sizeof(link), "%s/file.new", dir);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("x"), NULL),
	    AG_OK);
	assert_holds("x");
	assert_false(fs_exists(target));
}

static void
what_lay_beside_a_file_lends_it_neither_mode_nor_readers(void **state)
{
	char beside[DIRECTORY_PATH_BYTES + 16], out[8];
	struct stat st;
	size_t len;
	int reader;

	(void)state;
	(void)snprintf(beside, sizeof(beside), "%s/file.new", dir);
	reader = open(beside, O_RDWR | O_CREAT, 0644);
	assert_int_not_equal(reader, -1);
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("x"), NULL),
	    AG_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fs_read_at(reader, beside, out, sizeof(out), 0, &len,
			     NULL),
	    AG_OK);
	assert_int_equal(len, 0);
	(void)close(reader);
}

static void
reads_are_short_only_at_the_end(void **state)
{
	uint8_t out[10];
	size_t len;
	int fd;

	(void)state;
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("abcdef"),
			     NULL),
	    AG_OK);
	assert_int_equal(fs_open(&fd, path, O_RDONLY, 0, NULL), AG_OK);
	assert_int_equal(fs_read_at(fd, path, out, 4, 1, &len, NULL), AG_OK);
	assert_int_equal(len, 4);
	assert_int_equal(fs_read_at(fd, path, out, 10, 4, &len, NULL), AG_OK);
	assert_int_equal(len, 2);
	(void)close(fd);
}

static void
a_path_too_long_is_refused(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(fs_join(out, sizeof(out), "/abc", "def", NULL),
	    AG_ELIMIT);
	assert_int_equal(fs_join(out, sizeof(out), "/a", "b", NULL), AG_OK);
	assert_string_equal(out, "/a/b");
}

int
main(void)
{
#define FS_TEST(name) \
	cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		FS_TEST(a_whole_file_is_replaced),
		FS_TEST(a_replacement_that_fails_leaves_the_old_file),
		FS_TEST(a_file_is_created_once),
		FS_TEST(reading_has_a_bound_and_wants_a_regular_file),
		FS_TEST(a_symbolic_link_is_not_written_through),
		FS_TEST(
		    what_lay_beside_a_file_lends_it_neither_mode_nor_readers),
		FS_TEST(reads_are_short_only_at_the_end),
		FS_TEST(a_path_too_long_is_refused),
	};

	return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
