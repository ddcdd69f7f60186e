/*
 * The beginning of a cluster's history.
 *
 * Most clusters begin with nothing.  One whose roster has an incarnation
 * goes on from the state of another, which was backed up: its members signed
 * that state's sequence and digest, and each is given a copy of it.
 *
 * RULES    1. Without that copy the node does not start: an empty state is
 *             not where the roster says that history begins, and nobody can
 *             prove the right one before the first checkpoint.
 *          2. The copy becomes this cluster's only beside a log that is
 *             empty or this cluster's: a member of the old cluster that is
 *             handed the new roster keeps its state as it is.
 *
 * NOT HERE Whether it is that very state (store/store.c).
 */
#include "node/genesis.h"

#include <limits.h>
#include <string.h>

#include "base/fs.h"
#include "node/state_dir.h"
#include "store/tables.h"
#include "store/wal.h"

static enum ag_status
check_state(const struct roster *roster, const char *data_dir,
    struct ag_error *err)
{
	char dir[PATH_MAX], file[PATH_MAX];
	enum ag_status status =
	    fs_join(dir, sizeof(dir), data_dir, "state", err);

	/* It may be in the middle of a swap. */
	if (status == AG_OK)
		status = state_dir_recover(dir, err);
	if (status == AG_OK)
		status = fs_join(file, sizeof(file), dir, TABLES_FILE, err);
	if (status != AG_OK || fs_exists(file))
		return status;
	return ag_fail(err, AG_EINVAL,
	    "open state %s: there is none, but the roster begins with the "
	    "state of a backup at sequence %llu; copy the directory state of "
	    "the restored backup to %s (aegis-backup(1))",
	    dir, (unsigned long long)roster->first_seq, data_dir);
}

static enum ag_status
check_log(const struct roster *roster, const char *data_dir,
    struct ag_error *err)
{
	struct wal_cursor *cursor;
	char dir[PATH_MAX];
	enum ag_status status = fs_join(dir, sizeof(dir), data_dir, "log", err);

	if (status != AG_OK || !fs_exists(dir))
		return status;
	status = wal_cursor_open(&cursor, dir, 0, err);
	if (status == AG_ENOENT)
		return AG_OK;
	if (status != AG_OK)
		return status;
	if (memcmp(wal_cursor_cluster_id(cursor), roster->cluster_id,
		CLUSTER_ID_BYTES) != 0)
		status = ag_fail(err, AG_ECONFLICT,
		    "open log %s: it belongs to another cluster; check the "
		    "data directory and the roster",
		    dir);
	wal_cursor_close(cursor);
	return status;
}

enum ag_status
genesis_check(const struct roster *roster, const char *data_dir,
    struct ag_error *err)
{
	enum ag_status status;

	/* A successor's state is fetched. */
	if (roster->incarnation == 0 || roster->is_successor)
		return AG_OK;
	status = check_state(roster, data_dir, err);
	return status == AG_OK ? check_log(roster, data_dir, err) : status;
}
