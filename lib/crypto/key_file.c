/*
 * Writing key pairs.
 *
 * RULES    1. A private file is private from its first moment: created
 *             exclusively with mode 0600.
 *          2. A failed try leaves neither half, so that it can be repeated;
 *             only overwriting an old pair can leave the two halves apart,
 *             and then the private one is the new one.
 */
#include "crypto/key_file.h"

#include <limits.h>
#include <stdio.h>

#include "base/fs.h"

static enum ag_status
create_pair(struct bytes private_text, struct bytes public_text,
    const char *path, const char *public_path, struct ag_error *err)
{
	enum ag_status status;

	if (fs_exists(public_path))
		return ag_fail(err, AG_EEXIST, "create %s: exists already",
		    public_path);
	status = fs_create_file(path, 0600, private_text, err);
	if (status != AG_OK)
		return status;
	status = fs_create_file(public_path, 0644, public_text, err);
	/* A key without its public half would be in the next try's way. */
	if (status != AG_OK && fs_unlink(path, NULL) != AG_OK)
		ag_error_prefix(err, "key %s is left without its public half",
		    path);
	return status;
}

enum ag_status
key_file_save(struct bytes private_text, struct bytes public_text,
    const char *path, bool overwrite, struct ag_error *err)
{
	char public_path[PATH_MAX];
	enum ag_status status;

	if ((size_t)snprintf(public_path, sizeof(public_path), "%s.pub",
		path) >= sizeof(public_path))
		return ag_fail(err, AG_ELIMIT, "write %s: path too long", path);
	if (!overwrite)
		return create_pair(private_text, public_text, path, public_path,
		    err);
	status = fs_write_file(path, 0600, private_text, err);
	if (status != AG_OK)
		return status;
	return fs_write_file(public_path, 0644, public_text, err);
}
