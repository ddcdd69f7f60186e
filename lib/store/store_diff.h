/*
 * Two states that no process has open, compared by their Merkle leaves.
 *
 * Nothing on the disk is changed.
 */
#ifndef AEGIS_STORE_STORE_DIFF_H
#define AEGIS_STORE_STORE_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "store/store.h"
#include "trust/certificate.h"

/* Keys that differ, at most; a state that differs in more is another one. */
#define STORE_DIFF_KEYS_MAX (1U << 20)

/* The digest of the state under dir, as a replica computes it, and its seq. */
enum ag_status store_diff_digest(const char *dir, uint64_t *seq,
    struct digest *digest, struct ag_error *err) AG_MUST_USE;

/*
 * One key that differs; NULL: the state has no such key.  Values are not
 * read.  False ends the comparison.
 */
typedef bool store_diff_fn(void *arg, const struct store_entry *left,
    const struct store_entry *right);

/*
 * Hand each key that differs to fn, those of left in order first, then those
 * only right has.  Leaves are compared bucket by bucket; keys are read only
 * when some differ.
 * AG_ECORRUPT leaves that are not what the store writes
 * AG_ELIMIT   more than STORE_DIFF_KEYS_MAX differ
 */
enum ag_status store_diff(const char *left, const char *right,
    store_diff_fn *fn, void *arg, struct ag_error *err) AG_MUST_USE;

#endif
