/*
 * aegis kv lease.
 *
 * RULES    1. A lease's number is what scripts go on with: -o value prints it
 *             alone.
 *          2. Keeping alive goes on until it is stopped, and says when there
 *             is nothing to be kept any more.
 */
#include "cmd/kv_lease.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/clock.h"
#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "cmd/lease_call.h"
#include "cmd/lease_keeper.h"
#include "codec/lease.h"
#include "config/unit.h"

#define PAGE_LEASES 100
#define SCRATCH_BYTES_MAX (1U << 20)

const struct applet_option kv_lease_options[] = {
	{ '1', "once", NULL, "keep it alive once, for as long again" },
	OPTIONS_END,
};

static const struct output_column change_columns[] = {
	{ "lease", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "expires", NULL, 0 },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "request", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static const struct output_column list_columns[] = {
	{ "lease", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "ttl_s", "TTL", OUTPUT_RIGHT },
	{ "expires", NULL, 0 },
	{ "keys", NULL, OUTPUT_RIGHT },
	{ "granted", NULL, OUTPUT_WIDE_ONLY },
	{ "principal", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

/* Of one: its keys are named. */
static const struct output_column show_columns[] = {
	{ "lease", NULL, OUTPUT_VALUE_COLUMN },
	{ "ttl_s", "ttl", 0 },
	{ "expires", NULL, 0 },
	{ "keys", NULL, 0 },
	{ "granted", NULL, 0 },
	{ "principal", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

/* A lease that is changed, or looked at, and the call about it. */
struct lease_command {
	struct applet_call *call;
	struct kv_ask ask;
	uint64_t number; /* the operand: a lease, or seconds */
};

static const char *
member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static uint32_t
timeout_ms(const struct applet_call *call)
{
	return (uint32_t)call->timeout_ms;
}

/* --- changing --- */

/* Print what came of a change that was answered. */
static int
print_change(struct lease_command *c)
{
	struct output *out = NULL;
	json_t *root;

	if (c->call->is_quiet)
		return EXIT_YES;
	root = kv_ask_json(&c->ask);
	if (root == NULL ||
	    output_new(&out, c->call, stdout, NULL, change_columns,
		&c->ask.err) != AG_OK) {
		json_decref(root);
		return exit_fail(c->call, &c->ask.err);
	}
	output_u64(out, kv_ask_u64(root, "lease"));
	output_text(out, member(root, "expires"));
	output_u64(out, kv_ask_u64(root, "seq"));
	output_text(out, member(root, "request"));
	output_row(out);
	json_decref(root);
	return output_end(out, &c->ask.err) == AG_OK
	    ? EXIT_YES
	    : exit_fail(c->call, &c->ask.err);
}

static int
grant(struct lease_command *c)
{
	if (lease_call_grant(c->ask.client, c->number, timeout_ms(c->call),
		&c->ask.answer, &c->ask.err) != AG_OK)
		return kv_ask_fail(&c->ask, c->call);
	return print_change(c);
}

static int
revoke(struct lease_command *c)
{
	if (lease_call_revoke(c->ask.client, c->number, timeout_ms(c->call),
		&c->ask.answer, &c->ask.err) != AG_OK)
		return kv_ask_fail(&c->ask, c->call);
	return print_change(c);
}

static int
keep_alive_once(struct lease_command *c)
{
	if (lease_call_keep_alive(c->ask.client, c->number, timeout_ms(c->call),
		&c->ask.answer, &c->ask.err) != AG_OK)
		return kv_ask_fail(&c->ask, c->call);
	return print_change(c);
}

/* Ask for leases: this one, or a page behind a cursor. */
static enum ag_status
fetch(struct lease_command *c, uint64_t id, uint64_t cursor)
{
	struct client_request request;
	struct target target;

	target_init(&target, "/v1/leases");
	if (id != 0)
		target_add_number(&target, "lease", id);
	else
		target_add_number(&target, "limit", PAGE_LEASES);
	if (cursor != 0)
		target_add_number(&target, "cursor", cursor);
	request = kv_ask_request(c->call, NULL, &target);
	return client_call(c->ask.client, &request, &c->ask.answer,
	    &c->ask.err);
}

static int
keep_alive_until_lost(struct lease_command *c, uint64_t ttl_s,
    uint64_t alive_us)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const struct lease_keeper_config config = {
		.socket_path = path,
		.id = c->number,
		.ttl_ms = 1000 * ttl_s,
		.alive_us = alive_us,
	};
	struct lease_keeper *keeper;
	struct pollfd lost;

	if (applet_socket(c->call, path, sizeof(path), &c->ask.err) != AG_OK ||
	    lease_keeper_start(&keeper, &config, &c->ask.err) != AG_OK)
		return exit_fail(c->call, &c->ask.err);
	lost =
	    (struct pollfd){ .fd = lease_keeper_fd(keeper), .events = POLLIN };
	while (poll(&lost, 1, -1) < 1)
		;
	lease_keeper_why(keeper, &c->ask.err);
	lease_keeper_stop(keeper);
	ag_error_prefix(&c->ask.err, "lease %" PRIu64 " is lost", c->number);
	return exit_fail_code(c->call, &c->ask.err, EXIT_NO);
}

static int
keep_alive(struct lease_command *c)
{
	uint64_t alive_us, ttl_s;
	json_t *root;
	int code;

	if (options_has(&c->call->options, "once"))
		return keep_alive_once(c);
	if (fetch(c, c->number, 0) != AG_OK)
		return kv_ask_fail(&c->ask, c->call);
	root = kv_ask_json(&c->ask);
	if (root == NULL)
		return exit_fail(c->call, &c->ask.err);
	ttl_s = (uint64_t)json_integer_value(json_object_get(root, "ttl_s"));
	json_decref(root);
	alive_us = clock_mono_us();
	code = keep_alive_once(c);
	if (code != EXIT_YES)
		return code;
	if (output_flush(stdout, &c->ask.err) != AG_OK)
		return exit_fail(c->call, &c->ask.err);
	return keep_alive_until_lost(c, ttl_s, alive_us);
}

/* --- looking --- */

/* Its keys, for people: with commas between. */
static enum ag_status
print_keys(struct output *out, const json_t *keys, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct buf text, scratch;
	struct bytes key;
	size_t i;

	buf_init(&text, SCRATCH_BYTES_MAX);
	buf_init(&scratch, SCRATCH_BYTES_MAX);
	for (i = 0; status == AG_OK && i < json_array_size(keys); i++) {
		status =
		    kv_ask_data(json_array_get(keys, i), &scratch, &key, err);
		if (status == AG_OK && i > 0)
			status = buf_append(&text, ", ", 2);
		if (status == AG_OK)
			status = buf_append(&text, key.data, key.len);
	}
	if (status == AG_OK)
		output_bytes(out, buf_bytes(&text));
	else
		output_null(out);
	buf_fini(&text);
	buf_fini(&scratch);
	return status;
}

static enum ag_status
print_lease(struct output *out, const json_t *lease, bool names_keys,
    struct ag_error *err)
{
	const json_t *keys = json_object_get(lease, "keys");
	enum ag_status status = AG_OK;

	output_u64(out, kv_ask_u64(lease, "lease"));
	output_i64(out, json_integer_value(json_object_get(lease, "ttl_s")));
	output_text(out, member(lease, "expires"));
	if (names_keys)
		status = print_keys(out, keys, err);
	else
		output_i64(out, (int64_t)json_array_size(keys));
	output_text(out, member(lease, "granted"));
	output_text(out, member(lease, "principal"));
	output_row(out);
	return status;
}

static int
show_root(struct lease_command *c, const json_t *root)
{
	struct output *out;

	/* Keys may be anything, and JSON has its own way to say so. */
	if (c->call->output == OUTPUT_JSON || c->call->output == OUTPUT_JSONL) {
		(void)json_dumpf(root, stdout, JSON_COMPACT);
		(void)fputc('\n', stdout);
		return output_flush(stdout, &c->ask.err) == AG_OK
		    ? EXIT_YES
		    : exit_fail(c->call, &c->ask.err);
	}
	if (output_new(&out, c->call, stdout, NULL, show_columns,
		&c->ask.err) != AG_OK)
		return exit_fail(c->call, &c->ask.err);
	if (print_lease(out, root, true, &c->ask.err) != AG_OK) {
		(void)kv_ask_end_rows(out, c->call, EXIT_YES);
		return exit_fail(c->call, &c->ask.err);
	}
	return kv_ask_end_rows(out, c->call, EXIT_YES);
}

static int
show(struct lease_command *c)
{
	json_t *root;
	int code;

	if (fetch(c, c->number, 0) != AG_OK)
		return kv_ask_fail(&c->ask, c->call);
	root = kv_ask_json(&c->ask);
	if (root == NULL)
		return exit_fail(c->call, &c->ask.err);
	code = show_root(c, root);
	json_decref(root);
	return code;
}

/* One page; *cursor is where the next begins, or 0. */
static enum ag_status
list_page(struct lease_command *c, struct output **out, uint64_t *cursor)
{
	enum ag_status status = fetch(c, 0, *cursor);
	const json_t *leases;
	json_t *root;
	size_t i;

	if (status != AG_OK)
		return status;
	root = kv_ask_json(&c->ask);
	if (root == NULL)
		return c->ask.err.status;
	*cursor = kv_ask_u64(root, "cursor");
	leases = json_object_get(root, "leases");
	status = kv_ask_rows(out, c->call, "leases", list_columns, &c->ask.err);
	for (i = 0; status == AG_OK && i < json_array_size(leases); i++)
		status = print_lease(*out, json_array_get(leases, i), false,
		    &c->ask.err);
	json_decref(root);
	return status;
}

static int
list(struct lease_command *c)
{
	struct output *out = NULL;
	enum ag_status status;
	uint64_t cursor = 0;
	int code = EXIT_YES;

	do {
		status = list_page(c, &out, &cursor);
	} while (status == AG_OK && cursor != 0);
	if (status != AG_OK)
		code = kv_ask_fail(&c->ask, c->call);
	return kv_ask_end_rows(out, c->call, code);
}

/* --- the command --- */

enum operand { OPERAND_NONE, OPERAND_LEASE, OPERAND_DURATION };

static const struct action {
	const char *name;
	enum operand operand;
	int (*run)(struct lease_command *c);
} actions[] = {
	{ "grant", OPERAND_DURATION, grant },
	{ "keepalive", OPERAND_LEASE, keep_alive },
	{ "revoke", OPERAND_LEASE, revoke },
	{ "list", OPERAND_NONE, list },
	{ "show", OPERAND_LEASE, show },
};

static const struct action *
find_action(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

bool
kv_lease_parse_ttl(const char *text, uint64_t *ttl_s)
{
	uint64_t ms;

	if (unit_parse_duration(text, &ms) != AG_OK || ms % 1000 != 0)
		return false;
	*ttl_s = ms / 1000;
	return *ttl_s >= LEASE_TTL_S_MIN && *ttl_s <= LEASE_TTL_S_MAX;
}

bool
kv_lease_parse_id(const char *text, uint64_t *id)
{
	const size_t len = strlen(text);

	if (len == 0 || len > 19 || strspn(text, "0123456789") != len)
		return false;
	*id = strtoull(text, NULL, 10);
	return *id >= 1 && *id <= INT64_MAX;
}

/* EXIT_YES, or the complaint was made. */
static int
take_operands(struct lease_command *c, const struct action *action)
{
	const struct applet_call *call = c->call;
	const char *text = call->operand_count > 1 ? call->operands[1] : NULL;

	if (action == NULL)
		return applet_usage(call,
		    "'%s' is not one of grant, keepalive, revoke, list, show",
		    call->operands[0]);
	if (options_has(&call->options, "once") && action->run != keep_alive)
		return applet_usage(call, "--once is of keepalive");
	if (action->operand == OPERAND_NONE)
		return text == NULL
		    ? EXIT_YES
		    : applet_usage(call, "%s takes no operand", action->name);
	if (text == NULL)
		return applet_usage(call, "missing %s",
		    action->operand == OPERAND_LEASE ? "ID" : "DURATION");
	if (action->operand == OPERAND_LEASE
		? kv_lease_parse_id(text, &c->number)
		: kv_lease_parse_ttl(text, &c->number))
		return EXIT_YES;
	return action->operand == OPERAND_LEASE
	    ? applet_usage(call, "'%s' is not the number of a lease", text)
	    : applet_usage(call,
		  "'%s' is not a time of whole seconds from 1s to 366d", text);
}

int
kv_lease_run(struct applet_call *call)
{
	const struct action *action = find_action(call->operands[0]);
	struct lease_command c = { .call = call };
	int code = take_operands(&c, action);

	if (code != EXIT_YES)
		return code;
	code = kv_ask_open(&c.ask, call);
	if (code == EXIT_YES)
		code = action->run(&c);
	kv_ask_close(&c.ask);
	return code;
}
