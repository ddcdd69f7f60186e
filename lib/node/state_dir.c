/*
 * Swapping the state's directory so that a crash leaves the old or the new.
 *
 * STATES   dir                  normal
 *          dir, new             a snapshot is being written or is ready
 *          old, new             between the renames: put old back
 *          dir, old             swapped; old only waits for removal
 */
#include "node/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

static enum ag_status
old_name(const char *dir, char out[static PATH_MAX], struct ag_error *err)
{
	if ((size_t)snprintf(out, PATH_MAX, "%s.old", dir) >= PATH_MAX)
		return ag_fail(err, AG_ELIMIT, "replace %s: path too long",
		    dir);
	return AG_OK;
}

static enum ag_status
sync_parent(const char *dir, struct ag_error *err)
{
	char parent[PATH_MAX];
	char *slash;

	(void)snprintf(parent, sizeof(parent), "%s", dir);
	slash = strrchr(parent, '/');
	if (slash == NULL)
		return fs_sync_dir(".", err);
	*slash = '\0';
	return fs_sync_dir(parent[0] == '\0' ? "/" : parent, err);
}

enum ag_status
state_dir_remove(const char *dir, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct dirent *entry;
	DIR *d = opendir(dir);

	if (d == NULL && errno == ENOENT)
		return AG_OK;
	if (d == NULL)
		return ag_fail_sys(err, "open directory %s", dir);
	while (status == AG_OK && (entry = readdir(d)) != NULL) {
		char path[PATH_MAX];

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		status = fs_join(path, sizeof(path), dir, entry->d_name, err);
		if (status == AG_OK)
			status = fs_unlink(path, err);
	}
	(void)closedir(d);
	if (status == AG_OK && rmdir(dir) == -1)
		status = ag_fail_sys(err, "remove directory %s", dir);
	return status;
}

enum ag_status
state_dir_swap(const char *dir, const char *new_dir, struct ag_error *err)
{
	char old[PATH_MAX];
	enum ag_status status;

	status = old_name(dir, old, err);
	if (status == AG_OK)
		status = state_dir_remove(old, err);
	if (status == AG_OK)
		status = fs_rename(dir, old, err);
	if (status == AG_OK)
		status = fs_rename(new_dir, dir, err);
	if (status == AG_OK)
		status = sync_parent(dir, err);
	if (status == AG_OK)
		status = state_dir_remove(old, err);
	return status;
}

enum ag_status
state_dir_recover(const char *dir, struct ag_error *err)
{
	char old[PATH_MAX];
	enum ag_status status;

	status = old_name(dir, old, err);
	if (status != AG_OK || !fs_exists(old))
		return status;
	if (fs_exists(dir))
		return state_dir_remove(old, err);
	status = fs_rename(old, dir, err);
	if (status == AG_OK)
		status = sync_parent(dir, err);
	return status;
}
