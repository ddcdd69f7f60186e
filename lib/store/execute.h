/*
 * What operations do to the state.
 *
 * For the store's own files.
 */
#ifndef AEGIS_STORE_EXECUTE_H
#define AEGIS_STORE_EXECUTE_H

#include <stdint.h>

#include "base/status.h"
#include "codec/operation.h"
#include "store/store.h"
#include "store/tables.h"

/*
 * Execute a decoded operation, but for a membership (store/membership.h), as
 * part of batch seq.  A failure is the world's (disk, memory), never the
 * operation's: that is in *result.
 */
enum ag_status execute_operation(struct tables *tables,
    const struct operation *op, uint64_t seq,
    const struct store_observer *observer, struct result *result,
    struct ag_error *err) AG_MUST_USE;

#endif
