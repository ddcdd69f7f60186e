/*
 * Preloaded into a program, it fails one of its calls that change files.
 *
 * FAIL_AT     which, counted from 1 over all its threads
 * FAIL_HOW    an errno's number; or "kill", to end the program there, as
 *             SIGKILL would, but without a word from the shell
 * FAIL_MARK   the file that is made when it happens
 *
 * Writes count on regular files only, and not on the standard streams: a
 * log on a terminal or an event between threads is no disk.  What is let
 * through goes to the kernel directly, so nothing here allocates or locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_ulong calls;

/* Is this the call?  Then errno says what it fails with. */
static bool
is_refused(void)
{
	const char *at = getenv("FAIL_AT"), *how = getenv("FAIL_HOW");
	const char *mark = getenv("FAIL_MARK");

	if (at == NULL || how == NULL || mark == NULL ||
	    atomic_fetch_add(&calls, 1) + 1 != strtoul(at, NULL, 10))
		return false;
	(void)syscall(SYS_close,
	    syscall(SYS_openat, AT_FDCWD, mark, O_WRONLY | O_CREAT, 0600));
	if (strcmp(how, "kill") == 0)
		(void)syscall(SYS_exit_group, 128 + SIGKILL);
	errno = (int)strtol(how, NULL, 10);
	return true;
}

static bool
is_file(int fd)
{
	struct stat st;

	return fd > STDERR_FILENO && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

ssize_t
write(int fd, const void *data, size_t len)
{
	if (is_file(fd) && is_refused())
		return -1;
	return syscall(SYS_write, fd, data, len);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (is_file(fd) && is_refused())
		return -1;
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	return pwrite(fd, data, len, offset);
}

int
fsync(int fd)
{
	return is_refused() ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return is_refused() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate(int fd, off_t len)
{
	return is_refused() ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int
ftruncate64(int fd, off64_t len)
{
	return ftruncate(fd, len);
}

int
rename(const char *from, const char *to)
{
	return is_refused() ? -1 : (int)syscall(SYS_rename, from, to);
}

int
unlink(const char *path)
{
	return is_refused() ? -1 : (int)syscall(SYS_unlink, path);
}

int
mkdir(const char *path, mode_t mode)
{
	return is_refused() ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

static int
open_file(int dir, const char *path, int flags, va_list ap)
{
	mode_t mode = 0;

	if ((flags & O_CREAT) != 0) {
		mode = va_arg(ap, mode_t);
		if (is_refused())
			return -1;
	}
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = open_file(AT_FDCWD, path, flags, ap);
	va_end(ap);
	return fd;
}

int
open64(const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = open_file(AT_FDCWD, path, flags, ap);
	va_end(ap);
	return fd;
}
