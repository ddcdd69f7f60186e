/*
 * A node's chain of rosters, and whose log it has.
 *
 * STATES   Beside DIR/chain, which names the present epoch:
 *          log of that epoch           normal
 *          log of an earlier one       a crash came between the two: it is put
 *                                      aside now
 *          no log                      the epoch begins, or a crash came after
 *          log.old                     not needed once the epoch has a stable
 *                                      checkpoint of its own
 *
 * RULES    1. The chain is durable before the log is touched, so a node never
 *             goes back to an epoch that it has left.
 *          2. A log of no roster in the chain is left alone, and refused by
 *             who opens it.
 */
#include "node/epochs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "node/state_dir.h"
#include "store/wal.h"

#define CHAIN_FILE "chain"

/* One of the two files. */
struct source {
	struct roster roster;
	struct chain_start start;
	struct buf chain;
};

static enum ag_status
source_read(struct source *s, const char *path, struct ag_error *err)
{
	enum ag_status status;
	struct buf file;

	buf_init(&file, CHAIN_BYTES_MAX);
	status = fs_read_file(path, &file, err);
	if (status == AG_OK)
		status = chain_parse(&s->roster, &s->start, buf_bytes(&file),
		    CHAIN_NEWEST, path, err);
	if (status == AG_OK)
		status = chain_begin(&s->chain, buf_bytes(&file), err);
	buf_fini(&file);
	return status;
}

/* What the node has seen itself, if it goes further. */
static enum ag_status
source_improve(struct source *s, struct source *own, const char *path,
    struct ag_error *err)
{
	enum ag_status status = source_read(own, path, err);

	if (status != AG_OK)
		return status;
	if (memcmp(own->roster.cluster_id, s->roster.cluster_id,
		CLUSTER_ID_BYTES) != 0)
		return ag_fail(err, AG_ECONFLICT,
		    "%s: it is another cluster's than the roster; check the "
		    "data directory and the roster",
		    path);
	if (own->roster.epoch > s->roster.epoch) {
		struct buf shorter = s->chain;

		s->roster = own->roster;
		s->start = own->start;
		s->chain = own->chain;
		own->chain = shorter;
	}
	return AG_OK;
}

enum ag_status
epochs_load(struct roster *roster, struct chain_start *start, struct buf *chain,
    const char *roster_path, const char *data_dir, struct ag_error *err)
{
	struct source *sources = calloc(2, sizeof(*sources));
	char path[PATH_MAX];
	enum ag_status status;
	size_t i;

	if (sources == NULL)
		return ag_fail(err, AG_ENOMEM, "read rosters: out of memory");
	for (i = 0; i < 2; i++)
		buf_init(&sources[i].chain, CHAIN_BYTES_MAX);
	status = fs_join(path, sizeof(path), data_dir, CHAIN_FILE, err);
	if (status == AG_OK)
		status = source_read(&sources[0], roster_path, err);
	if (status == AG_OK && fs_exists(path))
		status = source_improve(&sources[0], &sources[1], path, err);
	if (status == AG_OK) {
		*roster = sources[0].roster;
		*start = sources[0].start;
		*chain = sources[0].chain;
		buf_init(&sources[0].chain, 0);
	}
	for (i = 0; i < 2; i++)
		buf_fini(&sources[i].chain);
	free(sources);
	return status;
}

enum ag_status
epochs_save(struct bytes chain, const char *data_dir, struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status =
	    fs_join(path, sizeof(path), data_dir, CHAIN_FILE, err);

	return status == AG_OK ? fs_write_file(path, 0644, chain, err) : status;
}

/* The roster a log is of; AG_ENOENT there is no log. */
static enum ag_status
log_owner(const char *dir, struct digest *owner, struct ag_error *err)
{
	struct wal_cursor *cursor;
	enum ag_status status;

	if (!fs_exists(dir))
		return AG_ENOENT;
	status = wal_cursor_open(&cursor, dir, 0, err);
	if (status != AG_OK)
		return status;
	memcpy(owner->data, wal_cursor_cluster_id(cursor), DIGEST_BYTES);
	wal_cursor_close(cursor);
	return AG_OK;
}

/* Is it the digest of a roster before the newest? */
static bool
is_earlier(const struct digest *digest, const struct roster *newest,
    struct bytes chain)
{
	struct roster *earlier = malloc(sizeof(*earlier));
	struct ag_error err;
	uint64_t epoch;
	bool is = false;

	for (epoch = newest->epoch; !is && earlier != NULL && epoch-- > 0;) {
		if (chain_parse(earlier, NULL, chain, epoch, "chain", &err) !=
		    AG_OK)
			break;
		is = digest_equal(digest, &earlier->digest);
	}
	free(earlier);
	return is;
}

static enum ag_status
put_aside(const char *dir, const char *old, const char *data_dir,
    struct ag_error *err)
{
	enum ag_status status = state_dir_remove(old, err);

	if (status == AG_OK)
		status = fs_rename(dir, old, err);
	return status == AG_OK ? fs_sync_dir(data_dir, err) : status;
}

enum ag_status
epochs_settle_log(const struct roster *roster, struct bytes chain,
    const char *data_dir, struct ag_error *err)
{
	char dir[PATH_MAX], old[PATH_MAX];
	enum ag_status status;
	struct digest owner;

	if (!roster->is_successor)
		return AG_OK;
	status = fs_join(dir, sizeof(dir), data_dir, "log", err);
	if (status == AG_OK)
		status = fs_join(old, sizeof(old), data_dir, "log.old", err);
	if (status == AG_OK)
		status = log_owner(dir, &owner, err);
	if (status == AG_ENOENT)
		return AG_OK;
	if (status != AG_OK || digest_equal(&owner, &roster->digest) ||
	    !is_earlier(&owner, roster, chain))
		return status;
	return put_aside(dir, old, data_dir, err);
}

enum ag_status
epochs_forget_log(const char *data_dir, struct ag_error *err)
{
	char old[PATH_MAX];
	enum ag_status status =
	    fs_join(old, sizeof(old), data_dir, "log.old", err);

	return status == AG_OK ? state_dir_remove(old, err) : status;
}
