/*
 * Members as a node has them, and a successor handed to it.
 *
 * RULES    1. apply is done when the node serves in the new epoch: agreed on is
 *             not yet in force.
 *          2. A node that the change removes stops.  Asked about itself it has
 *             then answered.
 */
#include "cmd/member_node.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "cmd/output.h"
#include "trust/chain.h"

/* How often a node is asked whether it serves again. */
#define LOOK_MS 100

/* How long that may take, unless --timeout says. */
#define SWITCH_MS 30000

static const struct output_column list_columns[] = {
	{ "name", NULL, OUTPUT_VALUE_COLUMN },
	{ "role", NULL, 0 },
	{ "state", NULL, 0 },
	{ "address", NULL, 0 },
	{ "executed", NULL, OUTPUT_RIGHT },
	{ "epoch", NULL, OUTPUT_RIGHT },
	{ "node_fingerprint", "NODE KEY", OUTPUT_WIDE_ONLY },
	{ "link_fingerprint", "LINK KEY", OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static const struct output_column applied_columns[] = {
	{ "epoch", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "n", NULL, OUTPUT_RIGHT },
	{ "f", NULL, OUTPUT_RIGHT },
	{ "quorum", NULL, OUTPUT_RIGHT },
	{ "health", NULL, 0 },
	{ "request", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static long long
number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* What the members make up; observers are in none of it. */
static void
print_head(const json_t *status)
{
	(void)printf("n %lld  f %lld  quorum %lld  observers %lld\n\n",
	    number_of(status, "n"), number_of(status, "f"),
	    number_of(status, "quorum"), number_of(status, "observers"));
}

static int
print_members(const struct applet_call *call, const json_t *status)
{
	const json_t *member;
	struct output *out;
	struct ag_error err;
	size_t i;

	if (output_new(&out, call, stdout, "members", list_columns, &err) !=
	    AG_OK)
		return exit_fail(call, &err);
	if (call->output == OUTPUT_TABLE || call->output == OUTPUT_WIDE)
		print_head(status);
	json_array_foreach(json_object_get(status, "members"), i, member)
	{
		output_text(out, text_of(member, "name"));
		output_text(out, text_of(member, "role"));
		output_text(out, text_of(member, "state"));
		output_text(out, text_of(member, "address"));
		output_u64(out, kv_ask_u64(member, "executed"));
		output_u64(out, kv_ask_u64(status, "epoch"));
		output_text(out, text_of(member, "node_fingerprint"));
		output_text(out, text_of(member, "link_fingerprint"));
		output_row(out);
	}
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

int
member_list_run(struct applet_call *call)
{
	struct kv_ask ask;
	int code = kv_ask_open(&ask, call);
	json_t *status = NULL;

	if (code == EXIT_YES &&
	    client_get(ask.client, "/v1/status", &ask.answer, &ask.err) !=
		AG_OK)
		code = kv_ask_fail(&ask, call);
	if (code == EXIT_YES) {
		status = kv_ask_json(&ask);
		code = status == NULL ? exit_fail(call, &ask.err)
				      : print_members(call, status);
	}
	json_decref(status);
	kv_ask_close(&ask);
	return code;
}

json_t *
member_node_status(const struct applet_call *call)
{
	json_t *status = NULL;
	struct kv_ask ask;

	if (kv_ask_open(&ask, call) == EXIT_YES &&
	    client_get(ask.client, "/v1/status", &ask.answer, &ask.err) ==
		AG_OK)
		status = kv_ask_json(&ask);
	kv_ask_close(&ask);
	return status;
}

int
member_node_chain(const struct applet_call *call, struct buf *chain)
{
	struct client_request request;
	struct target target;
	struct kv_ask ask;
	int code = kv_ask_open(&ask, call);

	if (code != EXIT_YES) {
		kv_ask_close(&ask);
		return code;
	}
	target_init(&target, "/v1/members");
	request = kv_ask_request(call, "GET", &target);
	request.accept = "application/cbor";
	if (client_call(ask.client, &request, &ask.answer, &ask.err) != AG_OK)
		code = kv_ask_fail(&ask, call);
	else if (buf_append(chain, ask.answer.body.data, ask.answer.body.len) !=
	    AG_OK) {
		(void)ag_fail(&ask.err, AG_ENOMEM, "out of memory");
		code = exit_fail(call, &ask.err);
	}
	kv_ask_close(&ask);
	return code;
}

int
member_export_run(struct applet_call *call)
{
	const char *out = options_text(&call->options, "out");
	enum ag_status status;
	struct ag_error err;
	struct buf chain;
	int code;

	if (out == NULL)
		return applet_usage(call, "-o FILE is needed");
	buf_init(&chain, CHAIN_BYTES_MAX);
	code = member_node_chain(call, &chain);
	if (code == EXIT_YES) {
		status = options_has(&call->options, "force")
		    ? fs_write_file(out, 0644, buf_bytes(&chain), &err)
		    : fs_create_file(out, 0644, buf_bytes(&chain), &err);
		if (status != AG_OK)
			code = exit_fail_local(call, &err);
	}
	buf_fini(&chain);
	return code;
}

/* Does this status show a node that serves in that epoch? */
static bool
serves(const json_t *status, uint64_t epoch)
{
	const char *health = text_of(status, "health");

	return kv_ask_u64(status, "epoch") >= epoch && health != NULL &&
	    (strcmp(health, "OK") == 0 || strcmp(health, "DEGRADED") == 0);
}

/* Ask until it serves; NULL when it does not in time, or not at all. */
static json_t *
wait_until_it_serves(const struct applet_call *call, struct kv_ask *ask,
    uint64_t epoch)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	uint64_t limit_ms = options_has(&call->options, "timeout")
	    ? call->timeout_ms
	    : SWITCH_MS;
	uint64_t tries = limit_ms / LOOK_MS + 1;
	json_t *status;

	while (tries-- > 0) {
		if (client_get(ask->client, "/v1/status", &ask->answer,
			&ask->err) == AG_OK) {
			status = kv_ask_json(ask);
			if (serves(status, epoch))
				return status;
			json_decref(status);
			(void)ag_fail(&ask->err, AG_ETIMEOUT,
			    "epoch %llu does not serve yet; aegis member list "
			    "shows who is missing",
			    (unsigned long long)epoch);
		}
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

static int
print_applied(const struct applet_call *call, const json_t *accepted,
    const json_t *status)
{
	struct output *out;
	struct ag_error err;

	if (call->is_quiet)
		return EXIT_YES;
	if (output_new(&out, call, stdout, NULL, applied_columns, &err) !=
	    AG_OK)
		return exit_fail(call, &err);
	output_u64(out, kv_ask_u64(accepted, "epoch"));
	output_u64(out, kv_ask_u64(accepted, "seq"));
	output_i64(out, json_integer_value(json_object_get(status, "n")));
	output_i64(out, json_integer_value(json_object_get(status, "f")));
	output_i64(out, json_integer_value(json_object_get(status, "quorum")));
	output_text(out, text_of(status, "health"));
	output_text(out, text_of(accepted, "request"));
	output_row(out);
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

/* It was agreed on; now it is to come into force. */
static int
wait_in_force(const struct applet_call *call, struct kv_ask *ask,
    const struct roster *next, const char *self, const json_t *accepted)
{
	json_t *status;
	int code;

	if (roster_find_name(next, self) == -1) {
		(void)fprintf(stderr,
		    "agreed on at sequence %s: %s is no member any more and "
		    "stops\n",
		    text_of(accepted, "seq"), self);
		return EXIT_YES;
	}
	status = wait_until_it_serves(call, ask, next->epoch);
	if (status == NULL) {
		ag_error_prefix(&ask->err, "agreed on, but not in force");
		return exit_fail_code(call, &ask->err, EXIT_PARTIAL);
	}
	code = print_applied(call, accepted, status);
	json_decref(status);
	return code;
}

/* The name of the node that is asked. */
static int
find_self(struct kv_ask *ask, const struct applet_call *call,
    char self[static ROSTER_NAME_BYTES])
{
	json_t *status;

	if (client_get(ask->client, "/v1/status", &ask->answer, &ask->err) !=
	    AG_OK)
		return kv_ask_fail(ask, call);
	status = kv_ask_json(ask);
	if (status == NULL)
		return exit_fail(call, &ask->err);
	(void)snprintf(self, ROSTER_NAME_BYTES, "%s",
	    text_of(status, "node") != NULL ? text_of(status, "node") : "");
	json_decref(status);
	return EXIT_YES;
}

int
member_node_apply(const struct applet_call *call, const struct roster *next,
    struct bytes text)
{
	char self[ROSTER_NAME_BYTES];
	struct client_request request;
	struct target target;
	json_t *accepted = NULL;
	struct kv_ask ask;
	int code = kv_ask_open(&ask, call);

	if (code == EXIT_YES)
		code = find_self(&ask, call, self);
	if (code == EXIT_YES) {
		target_init(&target, "/v1/members");
		request = kv_ask_request(call, "POST", &target);
		request.content_type = "text/plain";
		request.body = text;
		request.has_body = true;
		if (client_call(ask.client, &request, &ask.answer, &ask.err) !=
		    AG_OK)
			code = kv_ask_fail(&ask, call);
	}
	if (code == EXIT_YES) {
		accepted = kv_ask_json(&ask);
		code = accepted == NULL
		    ? exit_fail(call, &ask.err)
		    : wait_in_force(call, &ask, next, self, accepted);
	}
	json_decref(accepted);
	kv_ask_close(&ask);
	return code;
}
