/*
 * A lease kept alive: by a thread and a client of its own, so that nothing
 * else that its owner does, or waits for, can make it late.
 *
 * Ownership  lease_keeper_start() hands out, lease_keeper_stop() takes back.
 * Threads    the caller's; the keeper has its own.
 */
#ifndef AEGIS_CMD_LEASE_KEEPER_H
#define AEGIS_CMD_LEASE_KEEPER_H

#include <stdint.h>

#include "base/status.h"

struct lease_keeper;

struct lease_keeper_config {
	const char *socket_path; /* the node's */
	uint64_t id;
	uint64_t ttl_ms;
	uint64_t alive_us; /* monotonic: it lives for the TTL from then on */
	uint64_t spare_ms; /* it is given up so long before it may expire */
};

enum ag_status lease_keeper_start(struct lease_keeper **out,
    const struct lease_keeper_config *config, struct ag_error *err) AG_MUST_USE;
void lease_keeper_stop(struct lease_keeper *keeper);

/* Can be read from when the lease is lost, or given up: poll it. */
int lease_keeper_fd(const struct lease_keeper *keeper);

/* Why, once the descriptor can be read from. */
void lease_keeper_why(struct lease_keeper *keeper, struct ag_error *err);

#endif
