/*
 * A directory of evidence: what a node found is kept in files of its own.
 *
 * Ownership  evidence_store_open() hands out a handle, evidence_store_close()
 *            takes it back; items belong to the store.
 * Threads    one at a time.
 */
#ifndef AEGIS_STORE_EVIDENCE_STORE_H
#define AEGIS_STORE_EVIDENCE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/evidence.h"

/* One member can not push out what is known of another. */
#define EVIDENCE_MEMBER_ITEMS_MAX 64

/* Longest name of a record, with its NUL. */
#define EVIDENCE_ID_BYTES 128

struct evidence_store;

struct evidence_item {
	char id[EVIDENCE_ID_BYTES]; /* "n4-commit-v0-s17", of what it says */
	struct evidence evidence;
	size_t len;
	uint8_t file[];
};

/* A file, or the directory, that can not be used, and why. */
typedef void evidence_bad_fn(void *arg, const struct ag_error *err);

/*
 * Read dir.  What is damaged, or does not verify by roster (NULL: nothing is
 * verified), is told to bad, stays where it is and is not listed.  A
 * directory that can't be read is told so too, and is empty then.
 * Fails only for lack of memory.
 */
enum ag_status evidence_store_open(struct evidence_store **out, const char *dir,
    const struct roster *roster, evidence_bad_fn *bad, void *arg,
    struct ag_error *err) AG_MUST_USE;
void evidence_store_close(struct evidence_store *store);

/*
 * Keep a record durably.  *out is the item, also when its file can't be
 * written (then it is kept in memory, and the status says why).
 * AG_EEXIST   the same is known: member, kind, view, sequence; or of a
 *             message, member and kind
 * AG_ELIMIT   there is enough against this member; the oldest stay
 * AG_ECORRUPT, AG_EFORGED  it is no evidence
 */
enum ag_status evidence_store_add(struct evidence_store *store,
    const struct roster *roster, struct bytes file,
    const struct evidence_item **out, struct ag_error *err) AG_MUST_USE;

size_t evidence_store_count(const struct evidence_store *store);

/* By rising time of finding; index < count. */
const struct evidence_item *
evidence_store_item(const struct evidence_store *store, size_t index);

/* NULL: there is none. */
const struct evidence_item *
evidence_store_find(const struct evidence_store *store, struct bytes id);

/* How many records accuse a member. */
size_t evidence_store_count_of(const struct evidence_store *store,
    uint32_t member);

#endif
