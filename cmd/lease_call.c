/*
 * Leases, asked of a node.
 */
#include "cmd/lease_call.h"

#include <inttypes.h>
#include <stdio.h>

/* {"NAME":"NUMBER"} to path. */
static enum ag_status
post(struct client *client, const char *path, const char *name, uint64_t number,
    uint32_t timeout_ms, struct client_answer *answer, struct ag_error *err)
{
	struct client_request request = {
		.method = "POST",
		.content_type = "application/json",
		.has_body = true,
		.timeout_ms = timeout_ms,
	};
	struct target target;
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"%s\":\"%" PRIu64 "\"}", name,
	    number);
	target_init(&target, path);
	request.target = &target;
	request.body = bytes_from_text(body);
	return client_call(client, &request, answer, err);
}

enum ag_status
lease_call_grant(struct client *client, uint64_t ttl_s, uint32_t timeout_ms,
    struct client_answer *answer, struct ag_error *err)
{
	return post(client, "/v1/leases", "ttl_s", ttl_s, timeout_ms, answer,
	    err);
}

enum ag_status
lease_call_keep_alive(struct client *client, uint64_t id, uint32_t timeout_ms,
    struct client_answer *answer, struct ag_error *err)
{
	return post(client, "/v1/leases/keepalive", "lease", id, timeout_ms,
	    answer, err);
}

enum ag_status
lease_call_revoke(struct client *client, uint64_t id, uint32_t timeout_ms,
    struct client_answer *answer, struct ag_error *err)
{
	return post(client, "/v1/leases/revoke", "lease", id, timeout_ms,
	    answer, err);
}
