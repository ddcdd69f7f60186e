/*
 * Files that appear when they are whole, and what writes them behind, on a
 * file system that fails: the calls below stand in front of libc's.
 *
 * Under tsan, too: the writer is a thread.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/whole_file.h"
#include "base/write_behind.h"
#include "fixture/directory.h"

#define FILE_BYTES ((size_t)3 << 20)
#define STEPS_MAX 200
#define DEAD 77

/* Races need not every call to fail; and forks are dear under tsan. */
#ifdef __SANITIZE_THREAD__
#define STRIDE 5
#else
#define STRIDE 1
#endif

static char dir[DIRECTORY_PATH_BYTES];
static char path[DIRECTORY_PATH_BYTES + 16];
static uint8_t data[FILE_BYTES];

/* What goes wrong, and when. */
static struct {
	atomic_uint calls;    /* so far */
	unsigned int at;      /* in which call; 0: in none */
	char kind;            /* of this kind alone; 0: of any */
	int error;            /* errno; 0: the process ends there */
	size_t most;          /* bytes that one write takes; 0: all */
	bool is_old;          /* no O_TMPFILE */
	char seen[STEPS_MAX]; /* each call's kind, but for repeated writes */
	size_t seen_len;
} fault;

static bool
is_refused(char kind)
{
	if (fault.seen_len == 0 || kind != 'w' ||
	    fault.seen[fault.seen_len - 1] != 'w')
		if (fault.seen_len < STEPS_MAX - 1)
			fault.seen[fault.seen_len++] = kind;
	if (fault.at == 0 || (fault.kind != 0 && fault.kind != kind) ||
	    atomic_fetch_add(&fault.calls, 1) + 1 != fault.at)
		return false;
	if (fault.error == 0)
		(void)syscall(SYS_exit_group, DEAD);
	errno = fault.error;
	return true;
}

ssize_t
write(int fd, const void *from, size_t len)
{
	if (fault.most > 0 && len > fault.most)
		len = fault.most;
	return is_refused('w') ? -1 : syscall(SYS_write, fd, from, len);
}

int
fsync(int fd)
{
	return is_refused('s') ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return is_refused('s') ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
rename(const char *from, const char *to)
{
	return is_refused('r') ? -1 : (int)syscall(SYS_rename, from, to);
}

int
link(const char *from, const char *to)
{
	return is_refused('l') ? -1 : (int)syscall(SYS_link, from, to);
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return is_refused('l')
	    ? -1
	    : (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

int
open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & (O_CREAT | O_TMPFILE)) != 0)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if ((flags & O_TMPFILE) == O_TMPFILE && fault.is_old) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode);
}

static void
fault_none(void)
{
	bool is_old = fault.is_old;

	memset(&fault, 0, sizeof(fault));
	fault.is_old = is_old;
}

static int
make_dir(void **state)
{
	fault.is_old = false;
	fault_none();
	fault.is_old = *state != NULL;
	(void)directory_make(dir);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	return fs_join(path, sizeof(path), dir, "file", NULL) != AG_OK;
}

static int
remove_dir(void **state)
{
	(void)state;
	fault_none();
	return directory_remove(dir);
}

/* Written in pieces that fit no buffer. */
static enum ag_status
write_file(bool replace, struct ag_error *err)
{
	const size_t piece = 100003;
	struct whole_file *f;
	enum ag_status status = whole_file_open(&f, path, 0640, replace, err);

	for (size_t at = 0; status == AG_OK && at < sizeof(data); at += piece) {
		size_t left = sizeof(data) - at;

		status = whole_file_put(f,
		    bytes_of(data + at, left < piece ? left : piece), err);
		if (status != AG_OK)
			whole_file_drop(f);
	}
	return status == AG_OK ? whole_file_finish(f, err) : status;
}

static bool
holds(struct bytes text)
{
	struct buf b;
	bool is_it;

	buf_init(&b, sizeof(data) + 1);
	is_it = fs_read_file(path, &b, NULL) == AG_OK &&
	    bytes_equal(buf_bytes(&b), text);
	buf_fini(&b);
	return is_it;
}

static size_t
count_names(void)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(list);
	while ((entry = readdir(list)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(list);
	return count;
}

static void
put_old(void)
{
	fault_none();
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("old"),
			     NULL),
	    AG_OK);
	fault_none();
}

static void
a_file_has_no_name_until_it_is_whole(void **state)
{
	struct whole_file *f;
	struct stat st;

	(void)state;
	assert_int_equal(whole_file_open(&f, path, 0640, false, NULL), AG_OK);
	assert_int_equal(whole_file_put(f, bytes_of(data, sizeof(data)), NULL),
	    AG_OK);
	assert_false(fs_exists(path));
	assert_int_equal(whole_file_finish(f, NULL), AG_OK);
	assert_true(holds(bytes_of(data, sizeof(data))));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(count_names(), 1);
}

static void
a_file_that_is_dropped_leaves_nothing(void **state)
{
	struct whole_file *f;

	(void)state;
	assert_int_equal(whole_file_open(&f, path, 0640, false, NULL), AG_OK);
	assert_int_equal(whole_file_put(f, bytes_of(data, sizeof(data)), NULL),
	    AG_OK);
	whole_file_drop(f);
	assert_int_equal(count_names(), 0);
}

static void
writes_that_take_a_part_are_gone_on_with(void **state)
{
	(void)state;
	fault.most = 65521;
	assert_int_equal(write_file(false, NULL), AG_OK);
	assert_true(holds(bytes_of(data, sizeof(data))));
}

static void
a_call_that_is_interrupted_is_made_again(void **state)
{
	(void)state;
	fault.kind = 'w';
	fault.at = 3;
	fault.error = EINTR;
	assert_int_equal(write_file(false, NULL), AG_OK);
	assert_true(holds(bytes_of(data, sizeof(data))));
}

/* Whatever kind of call it is, wherever; the number that there were. */
static unsigned int
fail_each(char kind, int error, bool replace)
{
	unsigned int at = 0;
	enum ag_status status;
	struct ag_error err;

	do {
		if (replace)
			put_old();
		else
			(void)unlink(path);
		fault_none();
		fault.kind = kind;
		fault.error = error;
		fault.at = ++at;
		status = write_file(replace, &err);
		if (status == AG_OK)
			break;
		assert_non_null(strstr(err.text, path));
		assert_non_null(strstr(err.text, strerrordesc_np(error)));
		assert_int_equal(count_names(), replace);
		assert_true(!replace || holds(bytes_from_text("old")));
	} while (at < STEPS_MAX);
	assert_true(holds(bytes_of(data, sizeof(data))));
	return at - 1;
}

static void
a_disk_that_is_full_leaves_nothing_and_says_so(void **state)
{
	(void)state;
	assert_in_range(fail_each('w', ENOSPC, false), 12, STEPS_MAX - 2);
	assert_int_equal(fail_each('l', EIO, false), 1);
	/* What replaces nothing is as safe as cp(1) makes it. */
	assert_int_equal(fail_each('s', EIO, false), 0);
}

static void
what_fails_to_replace_leaves_the_old_file(void **state)
{
	(void)state;
	assert_in_range(fail_each('w', ENOSPC, true), 12, STEPS_MAX - 2);
	assert_int_equal(fail_each('s', EIO, true), 1);
	assert_int_equal(fail_each('r', EIO, true), 1);
}

static void
what_replaces_is_on_the_disk_before_it_has_the_name(void **state)
{
	(void)state;
	put_old();
	assert_int_equal(write_file(true, NULL), AG_OK);
	assert_true(holds(bytes_of(data, sizeof(data))));
	assert_string_equal(fault.seen, fault.is_old ? "wsr" : "wslr");
}

/* In a process of its own, which ends in the at-th call.  False: in none. */
static bool
is_killed(unsigned int at, bool replace)
{
	int status = 0;
	pid_t child = fork();

	assert_int_not_equal(child, -1);
	if (child == 0) {
		fault.at = at;
		_Exit(write_file(replace, NULL) == AG_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DEAD);
	return WEXITSTATUS(status) == DEAD;
}

static void
a_kill_at_any_call_leaves_the_old_or_the_new_file(void **state)
{
	unsigned int at = 1;

	(void)state;
	for (; at < STEPS_MAX; at += STRIDE) {
		put_old();
		if (!is_killed(at, true))
			break;
		assert_true(holds(bytes_from_text("old")));
		/* And what it left is in nobody's way. */
		assert_int_equal(write_file(true, NULL), AG_OK);
		assert_true(holds(bytes_of(data, sizeof(data))));
	}
	assert_in_range(at, 12, STEPS_MAX - 1);
	assert_true(holds(bytes_of(data, sizeof(data))));
}

static void
a_kill_at_any_call_leaves_no_part_of_a_new_file(void **state)
{
	unsigned int at = 1;

	(void)state;
	while (at < STEPS_MAX && is_killed(at, false)) {
		assert_false(fs_exists(path));
		assert_true(fault.is_old || count_names() == 0);
		at += STRIDE;
	}
	assert_in_range(at, 12, STEPS_MAX - 1);
	assert_true(holds(bytes_of(data, sizeof(data))));
}

static void
a_name_that_was_taken_meanwhile_is_left_alone(void **state)
{
	struct whole_file *f;
	struct ag_error err;

	(void)state;
	assert_int_equal(whole_file_open(&f, path, 0640, false, NULL), AG_OK);
	assert_int_equal(whole_file_put(f, bytes_of(data, 10), NULL), AG_OK);
	put_old();
	assert_int_equal(whole_file_finish(f, &err), AG_EEXIST);
	assert_non_null(strstr(err.text, "--force replaces it"));
	assert_true(holds(bytes_from_text("old")));
	assert_int_equal(count_names(), 1);
	assert_int_equal(whole_file_open(&f, path, 0640, false, &err),
	    AG_EEXIST);
	assert_null(f);
}

static void
after_a_write_that_failed_every_call_says_why(void **state)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct write_behind *w;
	struct ag_error err;
	struct stat st;

	(void)state;
	assert_int_equal(write_behind_open(&w, fd, path, NULL), AG_OK);
	fault.kind = 'w';
	fault.at = 2;
	fault.error = ENOSPC;
	(void)!write_behind_put(w, bytes_of(data, sizeof(data)), NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(write_behind_flush(w, &err), AG_ESYS);
		assert_non_null(strstr(err.text, "No space left"));
	}
	assert_int_equal(write_behind_put(w, bytes_of(data, sizeof(data)),
			     &err),
	    AG_ESYS);
	write_behind_close(w);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 256 << 10);
	(void)close(fd);
}

static void
what_was_flushed_is_in_the_file(void **state)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct write_behind *w;
	size_t len = 0;

	(void)state;
	assert_int_equal(write_behind_open(&w, fd, path, NULL), AG_OK);
	for (size_t piece = 1; len + piece <= sizeof(data); piece *= 3) {
		assert_int_equal(write_behind_put(w,
				     bytes_of(data + len, piece), NULL),
		    AG_OK);
		len += piece;
		assert_int_equal(write_behind_flush(w, NULL), AG_OK);
		assert_true(holds(bytes_of(data, len)));
	}
	write_behind_close(w);
	(void)close(fd);
}

static char old[] = "a file system without O_TMPFILE";

#define SPEC(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
#define SPEC_OLD(name)                                                       \
	cmocka_unit_test_prestate_setup_teardown(name, make_dir, remove_dir, \
	    old)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC(a_file_has_no_name_until_it_is_whole),
		SPEC_OLD(a_file_has_no_name_until_it_is_whole),
		SPEC(a_file_that_is_dropped_leaves_nothing),
		SPEC_OLD(a_file_that_is_dropped_leaves_nothing),
		SPEC(writes_that_take_a_part_are_gone_on_with),
		SPEC(a_call_that_is_interrupted_is_made_again),
		SPEC(a_disk_that_is_full_leaves_nothing_and_says_so),
		SPEC_OLD(a_disk_that_is_full_leaves_nothing_and_says_so),
		SPEC(what_fails_to_replace_leaves_the_old_file),
		SPEC_OLD(what_fails_to_replace_leaves_the_old_file),
		SPEC(what_replaces_is_on_the_disk_before_it_has_the_name),
		SPEC_OLD(what_replaces_is_on_the_disk_before_it_has_the_name),
		SPEC(a_kill_at_any_call_leaves_the_old_or_the_new_file),
		SPEC_OLD(a_kill_at_any_call_leaves_the_old_or_the_new_file),
		SPEC(a_kill_at_any_call_leaves_no_part_of_a_new_file),
		SPEC_OLD(a_kill_at_any_call_leaves_no_part_of_a_new_file),
		SPEC(a_name_that_was_taken_meanwhile_is_left_alone),
		SPEC_OLD(a_name_that_was_taken_meanwhile_is_left_alone),
		SPEC(after_a_write_that_failed_every_call_says_why),
		SPEC(what_was_flushed_is_in_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
