/*
 * Files that appear when they are whole.
 *
 * RULES    1. Where the file system can, the file has no name at all while it
 *             is written (O_TMPFILE), so a kill leaves nothing behind.  Where
 *             it can not, it has one beside its own.
 *          2. Bytes are given to a thread that writes, so whoever makes them
 *             need not wait for the kernel's copying.
 *          3. What replaces another file is synced first: after a crash one
 *             of the two is there.  A new file is not, as with cp(1).
 *
 * NOT HERE Files that promises are kept in (base/fs.h).
 */
#include "base/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/write_behind.h"

struct whole_file {
	int fd;
	bool replaces;
	char path[PATH_MAX];
	char beside[PATH_MAX]; /* "": it has no name */
	struct write_behind *behind;
};

static enum ag_status
open_beside(struct whole_file *f, mode_t mode, struct ag_error *err)
{
	if ((size_t)snprintf(f->beside, sizeof(f->beside), "%s.XXXXXX",
		f->path) >= sizeof(f->beside)) {
		f->beside[0] = '\0';
		return ag_fail(err, AG_ELIMIT, "write %s: path too long",
		    f->path);
	}
	f->fd = mkostemp(f->beside, O_CLOEXEC);
	if (f->fd != -1 && fchmod(f->fd, mode) == 0)
		return AG_OK;
	if (f->fd == -1)
		f->beside[0] = '\0';
	return ag_fail_sys(err, "write %s", f->path);
}

static enum ag_status
open_nameless(struct whole_file *f, mode_t mode, struct ag_error *err)
{
	char copy[PATH_MAX];

	(void)snprintf(copy, sizeof(copy), "%s", f->path);
	f->fd = open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	if (f->fd != -1)
		return AG_OK;
	/* Kernels that do not know the flag take it for a directory's. */
	if (errno == EOPNOTSUPP || errno == EISDIR)
		return open_beside(f, mode, err);
	return ag_fail_sys(err, "write %s", f->path);
}

enum ag_status
whole_file_open(struct whole_file **out, const char *path, mode_t mode,
    bool replace, struct ag_error *err)
{
	struct whole_file *f;
	enum ag_status status;

	*out = NULL;
	if (!replace && fs_exists(path))
		return ag_fail(err, AG_EEXIST,
		    "%s exists already; --force replaces it", path);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return ag_fail(err, AG_ENOMEM, "write %s: out of memory", path);
	f->fd = -1;
	f->replaces = replace;
	if ((size_t)snprintf(f->path, sizeof(f->path), "%s", path) >=
	    sizeof(f->path))
		status =
		    ag_fail(err, AG_ELIMIT, "write %s: path too long", path);
	else
		status = open_nameless(f, mode, err);
	if (status == AG_OK)
		status = write_behind_open(&f->behind, f->fd, f->path, err);
	if (status != AG_OK) {
		whole_file_drop(f);
		return status;
	}
	*out = f;
	return AG_OK;
}

enum ag_status
whole_file_put(struct whole_file *f, struct bytes data, struct ag_error *err)
{
	return write_behind_put(f->behind, data, err);
}

/* AG_EEXIST, and nothing is done, when name is there. */
static enum ag_status
give_name(const struct whole_file *f, const char *name, struct ag_error *err)
{
	char source[32];
	int made;

	(void)snprintf(source, sizeof(source), "/proc/self/fd/%d", f->fd);
	made = f->beside[0] != '\0'
	    ? link(f->beside, name)
	    : linkat(AT_FDCWD, source, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
	if (made == 0)
		return AG_OK;
	if (errno == EEXIST)
		return ag_fail(err, AG_EEXIST,
		    "%s exists already; --force replaces it", name);
	return ag_fail_sys(err, "write %s", name);
}

/* By a name of its own, which is then renamed. */
static enum ag_status
replace(struct whole_file *f, struct ag_error *err)
{
	enum ag_status status = fs_sync(f->fd, f->path, err);

	if (status == AG_OK && f->beside[0] == '\0') {
		if ((size_t)snprintf(f->beside, sizeof(f->beside), "%s.new",
			f->path) >= sizeof(f->beside)) {
			f->beside[0] = '\0';
			return ag_fail(err, AG_ELIMIT,
			    "write %s: path too long", f->path);
		}
		(void)unlink(f->beside);
		status = give_name(&(struct whole_file){ .fd = f->fd },
		    f->beside, err);
	}
	if (status == AG_OK)
		status = fs_rename(f->beside, f->path, err);
	if (status == AG_OK)
		f->beside[0] = '\0';
	return status;
}

enum ag_status
whole_file_finish(struct whole_file *f, struct ag_error *err)
{
	enum ag_status status = write_behind_flush(f->behind, err);

	if (status == AG_OK)
		status = f->replaces && fs_exists(f->path)
		    ? replace(f, err)
		    : give_name(f, f->path, err);
	whole_file_drop(f);
	return status;
}

void
whole_file_drop(struct whole_file *f)
{
	if (f == NULL)
		return;
	write_behind_close(f->behind);
	if (f->beside[0] != '\0')
		(void)unlink(f->beside);
	if (f->fd != -1)
		(void)close(f->fd);
	free(f);
}
