/*
 * File-system calls with their errors made into sentences.
 *
 * RULES    1. EINTR and short transfers are finished here; callers see whole
 *             success or one failure.
 *          2. A failed sync is never retried: the kernel may have dropped
 *             the pages and report the next sync clean.
 *          3. A rename is durable only when its directory is synced, so
 *             fs_write_file() does both.
 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	fs_fault_fn *fn;
	void *arg;
} fs_fault;

void
fs_fault_set(fs_fault_fn *fault, void *arg)
{
	fs_fault.fn = fault;
	fs_fault.arg = arg;
}

int
fs_fault_check(enum fs_op op, const char *path)
{
	if (fs_fault.fn == NULL)
		return 0;
	return fs_fault.fn(fs_fault.arg, op, path);
}

/* True, with errno set, when the fault function refuses. */
static bool
fs_refused(enum fs_op op, const char *path)
{
	int fault = fs_fault_check(op, path);

	if (fault != 0)
		errno = fault;
	return fault != 0;
}

enum ag_status
fs_open(int *fd, const char *path, int flags, mode_t mode, struct ag_error *err)
{
	*fd = -1;
	if (!fs_refused(FS_OPEN, path)) {
		do
			*fd = open(path, flags | O_CLOEXEC, mode);
		while (*fd == -1 && errno == EINTR);
	}
	if (*fd == -1) {
		enum ag_status status = errno == ENOENT ? AG_ENOENT
		    : errno == EEXIST                   ? AG_EEXIST
							: AG_ESYS;

		(void)ag_fail_sys(err, "open %s", path);
		if (err != NULL)
			err->status = status;
		return status;
	}
	return AG_OK;
}

enum ag_status
fs_write_at(int fd, const char *path, struct bytes data, uint64_t offset,
    struct ag_error *err)
{
	size_t done = 0;

	if (fs_refused(FS_WRITE, path))
		return ag_fail_sys(err, "write %s", path);
	while (done < data.len) {
		ssize_t n = pwrite(fd, data.data + done, data.len - done,
		    (off_t)(offset + done));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return ag_fail_sys(err, "write %s", path);
		done += (size_t)n;
	}
	return AG_OK;
}

enum ag_status
fs_write(int fd, const char *path, struct bytes data, struct ag_error *err)
{
	size_t done = 0;

	if (fs_refused(FS_WRITE, path))
		return ag_fail_sys(err, "write %s", path);
	while (done < data.len) {
		ssize_t n = write(fd, data.data + done, data.len - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return ag_fail_sys(err, "write %s", path);
		done += (size_t)n;
	}
	return AG_OK;
}

enum ag_status
fs_read_at(int fd, const char *path, void *out, size_t cap, uint64_t offset,
    size_t *len, struct ag_error *err)
{
	size_t done = 0;

	*len = 0;
	if (fs_refused(FS_READ, path))
		return ag_fail_sys(err, "read %s", path);
	while (done < cap) {
		ssize_t n = pread(fd, (uint8_t *)out + done, cap - done,
		    (off_t)(offset + done));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return ag_fail_sys(err, "read %s", path);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*len = done;
	return AG_OK;
}

enum ag_status
fs_sync(int fd, const char *path, struct ag_error *err)
{
	if (fs_refused(FS_SYNC, path) || fdatasync(fd) == -1)
		return ag_fail_sys(err, "sync %s", path);
	return AG_OK;
}

enum ag_status
fs_sync_dir(const char *path, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	int fd;

	if (fs_refused(FS_SYNC, path))
		return ag_fail_sys(err, "sync %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return ag_fail_sys(err, "open %s", path);
	if (fsync(fd) == -1)
		status = ag_fail_sys(err, "sync %s", path);
	(void)close(fd);
	return status;
}

/* The directory part of path, "." when there is none. */
static void
fs_parent(const char *path, char out[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (slash == NULL)
		(void)snprintf(out, PATH_MAX, ".");
	else if (len == 0)
		(void)snprintf(out, PATH_MAX, "/");
	else
		(void)snprintf(out, PATH_MAX, "%.*s",
		    (int)(len < PATH_MAX ? len : PATH_MAX - 1), path);
}

enum ag_status
fs_sync_parent(const char *path, struct ag_error *err)
{
	char parent[PATH_MAX];

	fs_parent(path, parent);
	return fs_sync_dir(parent, err);
}

enum ag_status
fs_rename(const char *from, const char *to, struct ag_error *err)
{
	if (fs_refused(FS_RENAME, to) || rename(from, to) == -1)
		return ag_fail_sys(err, "rename %s to %s", from, to);
	return AG_OK;
}

enum ag_status
fs_unlink(const char *path, struct ag_error *err)
{
	if (fs_refused(FS_UNLINK, path) || unlink(path) == -1)
		return ag_fail_sys(err, "remove %s", path);
	return AG_OK;
}

enum ag_status
fs_truncate(int fd, const char *path, uint64_t len, struct ag_error *err)
{
	if (fs_refused(FS_TRUNCATE, path) || ftruncate(fd, (off_t)len) == -1)
		return ag_fail_sys(err, "truncate %s", path);
	return AG_OK;
}

enum ag_status
fs_mkdir(const char *path, struct ag_error *err)
{
	if (fs_refused(FS_MKDIR, path) || mkdir(path, 0700) == -1) {
		enum ag_status status = errno == EEXIST ? AG_EEXIST : AG_ESYS;

		(void)ag_fail_sys(err, "make directory %s", path);
		if (err != NULL)
			err->status = status;
		return status;
	}
	return AG_OK;
}

/* A file that is nobody's yet: what has the name may be open, or readable. */
static enum ag_status
fs_write_synced(const char *path, mode_t mode, struct bytes data,
    struct ag_error *err)
{
	enum ag_status status;
	int fd;

	status = fs_open(&fd, path, O_WRONLY | O_CREAT | O_EXCL, mode, err);
	if (status != AG_OK)
		return status;
	status = fs_write(fd, path, data, err);
	if (status == AG_OK)
		status = fs_sync(fd, path, err);
	if (close(fd) == -1 && status == AG_OK)
		status = ag_fail_sys(err, "close %s", path);
	if (status != AG_OK)
		(void)unlink(path);
	return status;
}

enum ag_status
fs_write_file(const char *path, mode_t mode, struct bytes data,
    struct ag_error *err)
{
	char beside[PATH_MAX];
	enum ag_status status;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >=
	    sizeof(beside))
		return ag_fail(err, AG_ELIMIT, "write %s: path too long", path);
	/* A crash leaves one.  If it can not go, it is in the way below. */
	(void)unlink(beside);
	status = fs_write_synced(beside, mode, data, err);
	if (status != AG_OK)
		return status;
	status = fs_rename(beside, path, err);
	if (status != AG_OK) {
		(void)unlink(beside);
		return status;
	}
	return fs_sync_parent(path, err);
}

enum ag_status
fs_create_file(const char *path, mode_t mode, struct bytes data,
    struct ag_error *err)
{
	enum ag_status status;

	if (fs_exists(path))
		return ag_fail(err, AG_EEXIST, "create %s: exists already",
		    path);
	status = fs_write_synced(path, mode, data, err);
	if (status != AG_OK)
		return status;
	return fs_sync_parent(path, err);
}

enum ag_status
fs_read_file(const char *path, struct buf *out, struct ag_error *err)
{
	enum ag_status status;
	struct stat st;
	size_t len;
	int fd;

	status = fs_open(&fd, path, O_RDONLY | O_NONBLOCK, 0, err);
	if (status != AG_OK)
		return status;
	if (fstat(fd, &st) == -1) {
		status = ag_fail_sys(err, "read %s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		status = ag_fail(err, AG_EINVAL, "read %s: not a regular file",
		    path);
		goto out;
	}
	status = buf_reserve(out, (size_t)st.st_size + 1);
	if (status != AG_OK) {
		status = ag_fail(err, status, "read %s: %s", path,
		    status == AG_ELIMIT ? "file too large" : "out of memory");
		goto out;
	}
	status = fs_read_at(fd, path, out->data + out->len, (size_t)st.st_size,
	    0, &len, err);
	if (status == AG_OK)
		out->len += len;
out:
	(void)close(fd);
	return status;
}

bool
fs_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

enum ag_status
fs_join(char *out, size_t cap, const char *dir, const char *name,
    struct ag_error *err)
{
	int len = snprintf(out, cap, "%s/%s", dir, name);

	if (len < 0 || (size_t)len >= cap)
		return ag_fail(err, AG_ELIMIT, "path %s/%s: too long", dir,
		    name);
	return AG_OK;
}
