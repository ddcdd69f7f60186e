/*
 * Where a node is.
 */
#include "cmd/inspect_place.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cmd/inspect_log.h"

static bool
is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static enum ag_status
find_in_directory(struct inspect_place *place, const char *dir,
    struct ag_error *err)
{
	enum ag_status status = inspect_log_check_dead(dir, err);
	char path[PATH_MAX];

	if (status == AG_OK) {
		place->is_dead = true;
		return AG_OK;
	}
	if (status != AG_EBUSY ||
	    fs_join(path, sizeof(path), dir, "aegis.sock", NULL) != AG_OK ||
	    !is_socket(path))
		return status;
	place->is_dead = false;
	(void)snprintf(place->path, sizeof(place->path), "%s", path);
	return AG_OK;
}

enum ag_status
inspect_place_find(struct inspect_place *place, const char *text,
    struct ag_error *err)
{
	struct stat st;

	*place = (struct inspect_place){ 0 };
	if ((size_t)snprintf(place->path, sizeof(place->path), "%s", text) >=
	    sizeof(place->path))
		return ag_fail(err, AG_ELIMIT, "find node: path too long");
	if (stat(text, &st) != 0)
		return ag_fail_sys(err, "find node %s", text);
	if (S_ISSOCK(st.st_mode))
		return AG_OK;
	if (S_ISDIR(st.st_mode))
		return find_in_directory(place, text, err);
	return ag_fail(err, AG_EINVAL,
	    "find node %s: it is neither a node's socket nor its data "
	    "directory",
	    text);
}

enum ag_status
inspect_place_default(struct inspect_place *place,
    const struct applet_call *call, struct ag_error *err)
{
	const char *dir = options_text(&call->options, "data");

	*place = (struct inspect_place){ .is_dead = dir != NULL };
	if (dir == NULL)
		return applet_socket(call, place->path, sizeof(place->path),
		    err);
	if ((size_t)snprintf(place->path, sizeof(place->path), "%s", dir) >=
	    sizeof(place->path))
		return ag_fail(err, AG_ELIMIT, "find node: path too long");
	return inspect_log_check_dead(dir, err);
}
