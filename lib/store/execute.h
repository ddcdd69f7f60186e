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
#include "store/leases.h"
#include "store/store.h"
#include "store/tables.h"

/* What an operation is executed on, and as part of what. */
struct execution {
	struct tables *tables;
	struct leases *leases;
	const struct store_observer *observer; /* or NULL */
	const uint8_t *principal;              /* whose operation it is */
	uint64_t seq;
	uint64_t now_ms; /* agreed */
};

/*
 * Execute a decoded operation, but for a membership (store/membership.h) and
 * an order about keys (store/key_epochs.h).  A failure is the world's (disk,
 * memory), never the operation's: that is in *result.
 */
enum ag_status execute_operation(const struct execution *x,
    const struct operation *op, struct result *result,
    struct ag_error *err) AG_MUST_USE;

/* The leases that have expired by now go, with their keys. */
enum ag_status execute_expiry(const struct execution *x,
    struct ag_error *err) AG_MUST_USE;

#endif
