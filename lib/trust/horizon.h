/*
 * The vote horizon: how far a member may have voted, kept apart from the log
 * that has its votes.
 *
 * No vote was ever given in a view above `view` or for a sequence above
 * `seq`.  So a member whose log is gone knows where forgotten votes end.
 *
 * Ownership  horizon_open() hands out a handle, horizon_close() takes it
 *            back.
 * Threads    one at a time.
 */
#ifndef AEGIS_TRUST_HORIZON_H
#define AEGIS_TRUST_HORIZON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "trust/certificate.h"

enum horizon_memory {
	HORIZON_WHOLE,   /* every vote given is in the log */
	HORIZON_LOST,    /* but those up to lost_view and lost_seq */
	HORIZON_UNKNOWN, /* votes may be missing, who knows up to where */
};

struct horizon {
	enum horizon_memory memory;
	uint64_t view;
	uint64_t seq;
	uint64_t lost_view; /* with HORIZON_LOST */
	uint64_t lost_seq;
};

struct horizon_file;

/* Make the file of a key that has never voted; AG_EEXIST. */
enum ag_status horizon_create(const char *path,
    struct ag_error *err) AG_MUST_USE;

/*
 * Open the file for votes of this scope, and read it: *record is the newest
 * record that the log had when it was written.  What was kept of votes in
 * another scope says that none was given in this one.
 *
 * AG_ENOENT    there is none; it is made when it is first written
 * AG_ECORRUPT  it can't be read; it is made anew when it is next written
 * AG_EVERSION  a later program's; it is left alone
 * With the first two *out is open all the same, and *horizon is unknown.
 */
enum ag_status horizon_open(struct horizon_file **out, const char *path,
    const struct trust_scope *scope, struct horizon *horizon, uint64_t *record,
    struct ag_error *err) AG_MUST_USE;
void horizon_close(struct horizon_file *file);

/*
 * One of the two copies was damaged: as a crash while writing leaves it, or a
 * disk that has forgotten the newer one.
 */
bool horizon_is_doubtful(const struct horizon_file *file);

/* Write and sync; after a failure the file is not written to again. */
enum ag_status horizon_write(struct horizon_file *file,
    const struct horizon *horizon, uint64_t record,
    struct ag_error *err) AG_MUST_USE;

#endif
