/*
 * Transactions as JSON, made into operations.
 */
#ifndef AEGIS_API_TXN_H
#define AEGIS_API_TXN_H

#include "base/bytes.h"
#include "base/status.h"
#include "codec/operation.h"

/*
 * Parse body into op.  Keys and values lie in arena, which is initialised
 * here whatever the outcome and is the caller's to fini after op's use.
 * AG_EINVAL  with a sentence that says where and what is wrong
 * AG_ELIMIT  more comparisons, changes or structure than allowed
 */
enum ag_status txn_parse(struct operation *op, struct buf *arena,
    struct bytes body, struct ag_error *err) AG_MUST_USE;

#endif
