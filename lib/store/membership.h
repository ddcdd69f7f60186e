/*
 * The membership in the state: successors executed, found and proved.
 *
 * For the store's own files.
 */
#ifndef AEGIS_STORE_MEMBERSHIP_H
#define AEGIS_STORE_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "codec/operation.h"
#include "store/tables.h"
#include "trust/roster.h"

/*
 * Put a successor's text into the state as part of batch seq, if it may
 * follow the present roster.  *is_last says whether the state now holds one,
 * as it does when it held one before, and *has_left whether by this one a node
 * is removed or another comes in its place; next is scratch.
 */
enum ag_status membership_execute(struct tables *tables,
    const struct roster *present, struct bytes text, uint64_t seq,
    struct roster *next, bool *is_last, bool *has_left, struct result *result,
    struct ag_error *err) AG_MUST_USE;

/* Does the state hold a successor of present?  next is scratch. */
enum ag_status membership_find(struct tables *tables,
    const struct roster *present, struct roster *next, bool *is_last,
    struct ag_error *err) AG_MUST_USE;

#endif
