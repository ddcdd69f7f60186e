/*
 * A state being gathered: its parts, from whoever gives them, until they are
 * a state database.
 *
 * What came is kept in a file, and is found there again after a restart, or
 * when another state is wanted instead: whatever of it is right for that one
 * need not be asked for again.
 *
 * Ownership  gather_open() hands out a handle, gather_close() takes it back
 *            and leaves the file.
 * Threads    gather_check(), gather_check_kept() and gather_build_state() may
 *            run on another thread, one of them at a time, and
 *            gather_accept(), gather_accuse() and gather_begin() not meanwhile.
 */
#ifndef AEGIS_STORE_GATHER_H
#define AEGIS_STORE_GATHER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "store/part.h"

struct gather;
struct keyring;

/* In dir, which is made when it is not there; of this cluster. */
enum ag_status gather_open(struct gather **out, const char *dir,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES], struct keyring *keyring,
    struct ag_error *err) AG_MUST_USE;
void gather_close(struct gather *gather);

/* The digest of the state whose parts an earlier run kept; false: none. */
bool gather_kept(const struct gather *gather, struct digest *digest);

/* Gather this state from now on; its certificate was verified. */
enum ag_status gather_begin(struct gather *gather,
    const struct part_offer *offer, struct ag_error *err) AG_MUST_USE;

/* A part to ask somebody for.  False: none now. */
bool gather_next(struct gather *gather, size_t *item, struct part_name *name);

/* It did not come. */
void gather_put_back(struct gather *gather, size_t item);

void gather_name(const struct gather *gather, size_t item,
    struct part_name *name);

/* Nobody need bring it any more. */
bool gather_has(const struct gather *gather, size_t item);

/* A part that may be among what was kept.  False: none. */
bool gather_next_kept(struct gather *gather, size_t *item);

/*
 * Judge a part, and keep it when it is right.
 * AG_EFORGED  it is wrong
 * AG_ELIMIT   it splits into more than is kept track of
 */
enum ag_status gather_check(struct gather *gather, size_t item,
    struct bytes contents, struct ag_error *err) AG_MUST_USE;
enum ag_status gather_check_kept(struct gather *gather, size_t item,
    struct ag_error *err) AG_MUST_USE;

/*
 * The check of item found these contents forged: put into out what shows that
 * to others, with the signature for them; store/part_evidence.h.
 */
enum ag_status gather_accuse(struct gather *gather, size_t item,
    struct bytes contents, const uint8_t signature[static SIGNATURE_BYTES],
    struct buf *out, struct ag_error *err) AG_MUST_USE;

/* What was kept is not right: somebody else has to bring it. */
void gather_refuse_kept(struct gather *gather, size_t item);

/* The check of item succeeded: go on from there. */
enum ag_status gather_accept(struct gather *gather, size_t item,
    struct ag_error *err) AG_MUST_USE;

/* The part accepted last was but split. */
bool gather_was_split(const struct gather *gather);

bool gather_is_whole(const struct gather *gather);

/*
 * All parts are there: make the state database in the directory, synced, and
 * remove the parts.  A stop that is set meanwhile ends it (AG_EAGAIN).
 */
enum ag_status gather_build_state(struct gather *gather,
    const atomic_bool *stop, struct ag_error *err) AG_MUST_USE;

struct gather_progress {
	uint64_t bytes; /* of parts that are right */
	uint64_t total; /* about: what the state's server says */
	uint64_t parts; /* the same, counted */
	uint64_t kept;  /* of those, found in the file */
};

void gather_progress(const struct gather *gather,
    struct gather_progress *progress);

#endif
