/*
 * Before and after a load.
 *
 * RULES    1. A cluster that holds anything but the load's own keys is in use,
 *             and whoever uses it would feel the load; keys below the prefix
 *             would be overwritten and removed.  Either needs --yes, or a y
 *             on a terminal.  An empty cluster needs nothing.
 *          2. Keys are there before a load that reads: a read of nothing is
 *             not what users wait for.
 *          3. What was written is removed however the load ended, short of
 *             being killed; then the next run asks.
 */
#include "cmd/bench_prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/bench_run.h"
#include "cmd/exit.h"
#include "cmd/kv_delete.h"

/* The first key behind those of the cluster itself. */
#define BEHIND_RESERVED "\0aegis0"

#define FILL_BYTES (512U << 10)
#define FILL_BODY_MAX (3U << 20)
#define ENTRY_BYTES 64 /* of JSON around a key and its value */

/* Whether there is a key from from to to; either may be empty. */
static enum ag_status
find_key(struct kv_ask *ask, const struct bench_plan *plan, struct bytes from,
    struct bytes to, bool *is_there)
{
	struct client_request request;
	enum ag_status status;
	struct target target;
	json_t *root;

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "from", from);
	target_add_bytes(&target, "to", to);
	target_add_number(&target, "limit", 1);
	target_add_number(&target, "keys_only", 1);
	request = kv_ask_request(plan->call, NULL, &target);
	status = client_call(ask->client, &request, &ask->answer, &ask->err);
	if (status != AG_OK)
		return status;
	root = kv_ask_json(ask);
	if (root == NULL)
		return AG_EPROTO;
	*is_there = json_array_size(json_object_get(root, "entries")) > 0;
	json_decref(root);
	return AG_OK;
}

/* *has_own: keys below the prefix; *has_other: any but those. */
static enum ag_status
look_around(struct kv_ask *ask, const struct bench_plan *plan, bool *has_own,
    bool *has_other)
{
	const struct bytes first = bytes_from_text(plan->prefix);
	const struct bytes start =
	    bytes_of(BEHIND_RESERVED, sizeof(BEHIND_RESERVED) - 1);
	char behind[KEY_BYTES_MAX + 1];
	enum ag_status status;
	bool is_there = false;

	/* A prefix is printable, so that its last byte can grow. */
	(void)snprintf(behind, sizeof(behind), "%s", plan->prefix);
	behind[first.len - 1]++;
	*has_other = false;
	status = find_key(ask, plan, first, bytes_from_text(behind), has_own);
	if (status == AG_OK)
		status = find_key(ask, plan, start, first, has_other);
	if (status == AG_OK)
		status = find_key(ask, plan, bytes_from_text(behind),
		    bytes_of(NULL, 0), &is_there);
	*has_other = *has_other || is_there;
	return status;
}

static bool
is_answered_yes(const char *question)
{
	char typed[8];

	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return false;
	(void)fprintf(stderr, "%s  Go on? [y/N] ", question);
	return fgets(typed, sizeof(typed), stdin) != NULL &&
	    (strcmp(typed, "y\n") == 0 || strcmp(typed, "yes\n") == 0);
}

int
bench_prepare_confirm(struct kv_ask *ask, const struct bench_plan *plan)
{
	char question[KEY_BYTES_MAX + 256];
	bool has_own = false, has_other = false;

	if (options_has(&plan->call->options, "yes"))
		return EXIT_YES;
	if (look_around(ask, plan, &has_own, &has_other) != AG_OK)
		return kv_ask_fail(ask, plan->call);
	if (!has_own && !has_other)
		return EXIT_YES;
	if (has_own)
		(void)snprintf(question, sizeof(question),
		    "Keys below %s are there and would be overwritten%s.",
		    plan->prefix,
		    options_has(&plan->call->options, "keep") ? ""
							      : " and removed");
	else
		(void)snprintf(question, sizeof(question),
		    "The cluster has other keys, and whoever uses them would "
		    "wait for this load.");
	if (is_answered_yes(question))
		return EXIT_YES;
	(void)ag_fail(&ask->err, AG_EREFUSED,
	    "nothing was changed: %s; say --yes to go on",
	    has_own ? "there are keys below the prefix"
		    : "the cluster has other keys");
	return exit_fail(plan->call, &ask->err);
}

/* A transaction that sets as many keys as go, from *next on. */
static enum ag_status
write_fill(const struct bench_plan *plan, const char *value, uint64_t *next,
    struct buf *body)
{
	const size_t each =
	    plan->value_bytes + strlen(plan->prefix) + ENTRY_BYTES;
	enum ag_status status = AG_OK;
	struct buf key;
	size_t i;

	buf_init(&key, KEY_BYTES_MAX);
	buf_clear(body);
	for (i = 0; i < TXN_OPERATIONS_MAX && *next < plan->load.keys &&
	     (i == 0 || body->len + each < FILL_BYTES) && status == AG_OK;
	     i++, ++*next) {
		status = bench_run_key(plan, *next, &key);
		if (status == AG_OK)
			status = buf_printf(body,
			    "%s{\"put\":\"%.*s\",\"value\":\"%s\"}",
			    i == 0 ? "{\"then\":[" : ",", (int)key.len,
			    (const char *)key.data, value);
	}
	buf_fini(&key);
	return status != AG_OK ? status : buf_append(body, "]}", 2);
}

static enum ag_status
fill_keys(struct kv_ask *ask, const struct bench_plan *plan, const char *value,
    struct buf *body)
{
	struct client_request request;
	enum ag_status status;
	struct target target;
	uint64_t next = 0;

	target_init(&target, "/v1/kv/txn");
	request = kv_ask_request(plan->call, "POST", &target);
	request.content_type = "application/json";
	request.has_body = true;
	while (next < plan->load.keys && !bench_run_is_interrupted()) {
		status = write_fill(plan, value, &next, body);
		if (status != AG_OK)
			return ag_fail(&ask->err, status, "fill: %s",
			    ag_status_text(status));
		request.body = buf_bytes(body);
		status =
		    client_call(ask->client, &request, &ask->answer, &ask->err);
		if (status != AG_OK)
			return status;
	}
	return AG_OK;
}

int
bench_prepare_fill(struct kv_ask *ask, const struct bench_plan *plan)
{
	enum ag_status status;
	struct buf body;
	char *value;

	if (plan->load.weights[WORKLOAD_GET] == 0 &&
	    plan->load.weights[WORKLOAD_TXN] == 0)
		return EXIT_YES;
	value = calloc(plan->value_bytes + 1, 1);
	if (value == NULL) {
		(void)ag_fail(&ask->err, AG_ENOMEM, "fill: out of memory");
		return exit_fail(plan->call, &ask->err);
	}
	bench_run_fill_value(value, plan->value_bytes, plan->load.seed + 1);
	buf_init(&body, FILL_BODY_MAX);
	status = fill_keys(ask, plan, value, &body);
	buf_fini(&body);
	free(value);
	return status == AG_OK ? EXIT_YES : kv_ask_fail(ask, plan->call);
}

int
bench_prepare_remove(struct kv_ask *ask, const struct bench_plan *plan)
{
	if (options_has(&plan->call->options, "keep"))
		return EXIT_YES;
	ask->key = NULL;
	ask->done = 0;
	if (kv_delete_prefix(ask, plan->call, plan->prefix) == AG_OK)
		return EXIT_YES;
	ag_error_prefix(&ask->err, "keys below %s are left", plan->prefix);
	return kv_ask_fail(ask, plan->call);
}
