/*
 * Parts of a state that is being gathered which another state has too.
 *
 * Ownership  gather_kin_new() hands out a handle, gather_kin_free() takes it
 *            back.
 * Threads    those of the gathering (store/gather.h).
 */
#ifndef AEGIS_STORE_GATHER_KIN_H
#define AEGIS_STORE_GATHER_KIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/status.h"
#include "store/gather.h"

struct gather_kin;

/*
 * The state with this root, which was certified, from its root's part.
 * AG_EFORGED  that is another's
 */
enum ag_status gather_kin_new(struct gather_kin **out,
    const struct digest *root, struct bytes contents,
    struct ag_error *err) AG_MUST_USE;
void gather_kin_free(struct gather_kin *kin);

/* A part to ask whoever has that state for.  False: none now. */
bool gather_kin_next(const struct gather_kin *kin, struct gather *gather,
    size_t *item, struct part_name *name);

#endif
