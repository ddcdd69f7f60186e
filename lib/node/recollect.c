/*
 * Recollecting what we voted for.
 *
 * RULES    1. A log that is damaged before its tail is kept, out of the way:
 *             it may be all that tells an operator what happened.  The node
 *             goes on without it only where others can bring it back.
 *          2. A log that ends before the record that the horizon speaks of
 *             has lost what was durable: its disk forgot, or it was put back
 *             from a copy.
 *          3. A log that is there and whole needs no horizon: votes were
 *             written down before they were given.  One that is lost needs
 *             a horizon without doubt, or nothing is known.
 *          4. The horizon is read first: opening the log may cut its tail, and
 *             what a later program wrote is not to be touched.
 *
 * NOT HERE What it means for voting (consensus/memory.c).
 */
#include "node/recollect.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "store/wal.h"

/* Damaged logs kept at most; more than that is no accident. */
#define SET_ASIDE_MAX 100

/* Put the log at dir out of the way; why is what is wrong with it. */
static enum ag_status
set_aside(const char *dir, const struct ag_error *why, struct ag_error *err)
{
	char aside[PATH_MAX];
	enum ag_status status;
	unsigned i;

	for (i = 1; i <= SET_ASIDE_MAX; i++) {
		if ((size_t)snprintf(aside, sizeof(aside), "%s.damaged-%u", dir,
			i) >= sizeof(aside))
			return ag_fail(err, AG_ELIMIT,
			    "set aside %s: path too long", dir);
		if (!fs_exists(aside))
			break;
	}
	if (i > SET_ASIDE_MAX)
		return ag_fail(err, AG_ECORRUPT,
		    "%s; %d damaged logs have been set aside before it: the "
		    "disk is not to be trusted",
		    why->text, SET_ASIDE_MAX);
	status = fs_rename(dir, aside, err);
	if (status == AG_OK)
		status = fs_sync_parent(dir, err);
	if (status == AG_OK)
		log_error("node", "the log is damaged and was set aside",
		    LOG_TEXT("reason", why->text), LOG_TEXT("kept", aside));
	return status;
}

static enum ag_status
open_wal(struct recollection *out, const struct recollect_config *config,
    struct ag_error *err)
{
	enum ag_status status;

	status = wal_open_sealed(&out->wal, config->log_dir, config->log_id,
	    config->keyring, config->metrics, err);
	if (status == AG_OK && config->segment_bytes > 0)
		wal_set_segment_bytes(out->wal, config->segment_bytes);
	return status;
}

/* Go on with an empty log; why is what is wrong with the one there is. */
static enum ag_status
begin_anew(struct recollection *out, const struct recollect_config *config,
    struct ag_error *err)
{
	const struct ag_error why = *err;
	enum ag_status status;

	wal_close(out->wal);
	out->wal = NULL;
	if (!config->can_rejoin)
		return why.status;
	status = set_aside(config->log_dir, &why, err);
	return status == AG_OK ? open_wal(out, config, err) : status;
}

static void
open_doubtful(struct recollection *out, const char *why)
{
	out->horizon = (struct horizon){ 0 };
	if (wal_last(out->wal) == 0)
		out->horizon.memory = HORIZON_UNKNOWN;
	log_warn("node", "how far this member voted is not kept",
	    LOG_TEXT("reason", why));
}

/* The log, known to be whole, against what the horizon says of it. */
static enum ag_status
compare(struct recollection *out, const struct recollect_config *config,
    uint64_t record, struct ag_error *err)
{
	const uint64_t last = wal_last(out->wal);
	enum ag_status status = AG_OK;

	if (last > 0 && last < record) {
		status = ag_fail(err, AG_ECORRUPT,
		    "open log %s: it ends with record %" PRIu64 ", but %" PRIu64
		    " was durable: the disk has forgotten "
		    "records, or an older copy was put in its place",
		    config->log_dir, last, record);
		status = begin_anew(out, config, err);
	}
	if (status == AG_OK && horizon_is_doubtful(out->file) &&
	    wal_last(out->wal) == 0)
		open_doubtful(out, "one of its copies is damaged");
	return status;
}

/* The log, behind what is known of the horizon: why is what is wrong with it,
 * if anything is. */
static enum ag_status
open_log(struct recollection *out, const struct recollect_config *config,
    uint64_t record, const struct ag_error *why, struct ag_error *err)
{
	enum ag_status status = open_wal(out, config, err);

	if (status == AG_ECORRUPT)
		status = begin_anew(out, config, err);
	if (status != AG_OK)
		return status;
	if (why == NULL)
		return compare(out, config, record, err);
	open_doubtful(out, why->text);
	return AG_OK;
}

enum ag_status
recollect_open(struct recollection *out, const struct recollect_config *config,
    struct ag_error *err)
{
	enum ag_status status;
	struct ag_error why;
	uint64_t record;

	memset(out, 0, sizeof(*out));
	status = horizon_open(&out->file, config->horizon_path, config->scope,
	    &out->horizon, &record, &why);
	if (status != AG_OK && status != AG_ENOENT && status != AG_ECORRUPT) {
		*err = why;
		return status;
	}
	status =
	    open_log(out, config, record, status == AG_OK ? NULL : &why, err);
	if (status == AG_OK)
		return AG_OK;
	wal_close(out->wal);
	horizon_close(out->file);
	memset(out, 0, sizeof(*out));
	return status;
}
