/*
 * The routes.
 *
 * RULES    1. Everything that can be asked is here and nowhere else; what is
 *             listed at /v1/openapi.json follows from it.
 *          2. Keys go in the query as base64url, never in the path: paths
 *             are decoded before anyone sees them.
 */
#include "api/route.h"

#include <stdio.h>
#include <string.h>

#include "api/handlers.h"

const struct route route_table[] = {
	{ "GET", "/livez", health_live, 0, { 0 }, "whether the process runs" },
	{ "GET", "/readyz", health_ready, 0, { "verbose" },
	    "whether the node can serve" },
	{ "GET", "/metrics", health_metrics, 0, { 0 },
	    "metrics as Prometheus text" },
	{ "GET", "/v1/kv", kv_get, 0,
	    { "key", "prefix", "from", "to", "limit", "cursor", "keys_only",
		"consistency", "at" },
	    "one key, or a page of keys" },
	{ "GET", "/v1/kv/history", kv_past_versions, 0,
	    { "key", "limit", "cursor", "reverse" },
	    "the versions of a key that are kept" },
	{ "PUT", "/v1/kv", write_put, VALUE_BYTES_MAX,
	    { "key", "if_version", "lease" }, "set a key to the body" },
	{ "DELETE", "/v1/kv", write_delete, 0, { "key", "if_version" },
	    "remove a key" },
	{ "GET", "/v1/proof", proof_get, 0, { "key" },
	    "a key's entry, or its absence, proved under a certificate" },
	{ "POST", "/v1/kv/txn", write_txn, ROUTE_BODY_MAX, { 0 },
	    "compare, then change several keys or others" },
	{ "GET", "/v1/leases", leases_get, 0,
	    { "lease", "limit", "cursor", "consistency" },
	    "one lease, or a page of them" },
	{ "POST", "/v1/leases", leases_grant, ROUTE_LEASE_BODY_MAX, { 0 },
	    "grant a lease" },
	{ "POST", "/v1/leases/keepalive", leases_keep_alive,
	    ROUTE_LEASE_BODY_MAX, { 0 },
	    "keep a lease alive for as long again" },
	{ "POST", "/v1/leases/revoke", leases_revoke, ROUTE_LEASE_BODY_MAX,
	    { 0 }, "revoke a lease, and remove the keys attached to it" },
	{ "GET", "/v1/requests", write_find, 0, { "id" },
	    "what became of a request" },
	{ "GET", "/v1/watch", watch_follow, 0, { "prefix", "from" },
	    "changes as server-sent events" },
	{ "GET", "/v1/status", cluster_status, 0, { 0 },
	    "the node and its cluster" },
	{ "GET", "/v1/alerts", cluster_alerts, 0, { 0 },
	    "conditions that need an operator" },
	{ "GET", "/v1/members", members_chain, 0, { 0 },
	    "the rosters up to the present one, each proved by those before" },
	{ "POST", "/v1/members", members_change, OPERATION_ROSTER_BYTES_MAX,
	    { 0 }, "let a successor take the place of the roster" },
	{ "GET", "/v1/keys", keys_status, 0, { 0 },
	    "key epochs, as agreed on and as this node is with them" },
	{ "POST", "/v1/keys", keys_order, OPERATION_KEY_ORDER_BYTES_MAX, { 0 },
	    "begin a key epoch, or change when one begins" },
	{ "GET", "/v1/consensus/rounds", consensus_rounds, 0,
	    { "from", "limit" }, "rounds of agreement, newest first" },
	{ "GET", "/v1/consensus/votes", consensus_votes, 0, { "seq" },
	    "who voted in one round" },
	{ "GET", "/v1/consensus/views", consensus_views, 0, { 0 },
	    "views, who asked for them and why, newest first" },
	{ "GET", "/v1/consensus/cert", consensus_certificate, 0,
	    { "seq", "kind" }, "a quorum certificate" },
	{ "GET", "/v1/consensus/state", consensus_state, 0, { 0 },
	    "the digest of what this node has executed" },
	{ "GET", "/v1/consensus/trace", trace_find, 0, { "id" },
	    "where a request was, phase by phase" },
	{ "GET", "/v1/consensus/evidence", consensus_evidence, 0, { "id" },
	    "proofs that members signed what no correct member signs" },
	{ "GET", "/v1/snapshot", snapshot_stream, 0, { 0 },
	    "a certified snapshot as a stream" },
	{ "GET", "/v1/logs", admin_logs, 0, { "limit", "level" },
	    "recent log lines" },
	{ "GET", "/v1/config", admin_config, 0, { 0 },
	    "the configuration in effect" },
	{ "POST", "/v1/reload", admin_reload, 0, { 0 },
	    "read the configuration anew" },
	{ "POST", "/v1/link-key", admin_link_key, 0, { 0 },
	    "replace the node's link key" },
	{ "GET", "/v1/openapi.json", admin_routes, 0, { 0 }, "this table" },
};

const size_t route_count = sizeof(route_table) / sizeof(route_table[0]);

const struct route *
route_find(const char *method, const char *path, bool *is_path)
{
	size_t i;

	*is_path = false;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (i = 0; i < route_count; i++) {
		if (strcmp(route_table[i].path, path) != 0)
			continue;
		*is_path = true;
		if (strcmp(route_table[i].method, method) == 0)
			return &route_table[i];
	}
	return NULL;
}

void
route_methods(const char *path, char *out, size_t cap)
{
	size_t i, len = 0;

	out[0] = '\0';
	for (i = 0; i < route_count && len < cap; i++) {
		if (strcmp(route_table[i].path, path) != 0)
			continue;
		(void)snprintf(out + len, cap - len, "%s%s",
		    len > 0 ? ", " : "", route_table[i].method);
		len = strlen(out);
	}
}
