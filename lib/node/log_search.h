/*
 * Looking for one request in the log: slow, off the loop, and one at a time.
 *
 * Ownership  log_search_new() hands out a handle, log_search_free() takes it
 *            back; who still waits is told AG_EUNREACH.
 * Threads    the loop's; reading happens on the loop's pool.
 */
#ifndef AEGIS_NODE_LOG_SEARCH_H
#define AEGIS_NODE_LOG_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "node/node.h"
#include "trust/certificate.h"

struct keyring;
struct log_search;
struct loop;

/* The batch that holds the request. */
struct log_found {
	uint64_t seq;
	uint64_t view; /* it was committed in, or last proposed */
	bool is_committed;
	struct digest digest;
	uint64_t time_ms; /* agreed */
	uint32_t requests, bytes;
};

/* AG_ENOENT: the log has nothing of it; err says what else went wrong. */
typedef void log_search_fn(void *arg, enum ag_status status,
    const struct log_found *found, const struct ag_error *err);

/* NULL without memory. */
/* keyring: what it is sealed with, or NULL. */
struct log_search *log_search_new(struct loop *loop, const char *log_dir,
    struct keyring *keyring);
void log_search_free(struct log_search *search);

/* AG_EBUSY while another is looked for. */
enum ag_status log_search_start(struct log_search *search,
    const struct node_request_id *id, log_search_fn *done, void *arg,
    struct ag_error *err) AG_MUST_USE;

#endif
