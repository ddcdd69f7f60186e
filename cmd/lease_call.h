/*
 * Leases, asked of a node: granted, kept alive, revoked.
 */
#ifndef AEGIS_CMD_LEASE_CALL_H
#define AEGIS_CMD_LEASE_CALL_H

#include <stdint.h>

#include "base/status.h"
#include "client/client.h"

/* What is answered is JSON; failures are client_call()'s. */
enum ag_status lease_call_grant(struct client *client, uint64_t ttl_s,
    uint32_t timeout_ms, struct client_answer *answer,
    struct ag_error *err) AG_MUST_USE;

/* AG_ENOENT there is no such lease, or no more; so for the next one. */
enum ag_status lease_call_keep_alive(struct client *client, uint64_t id,
    uint32_t timeout_ms, struct client_answer *answer,
    struct ag_error *err) AG_MUST_USE;
enum ag_status lease_call_revoke(struct client *client, uint64_t id,
    uint32_t timeout_ms, struct client_answer *answer,
    struct ag_error *err) AG_MUST_USE;

#endif
