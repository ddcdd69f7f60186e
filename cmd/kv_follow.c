/*
 * Following changes.
 *
 * RULES    1. A change is one line: for people, or one JSON object.
 *          2. A connection that breaks is resumed without a gap; when the
 *             node says that changes are lost, the command ends and says so.
 */
#include "cmd/kv_follow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/display.h"
#include "cmd/exit.h"

#define SCRATCH_BYTES_MAX (8U << 20)

const struct applet_option kv_follow_options[] = {
	{ 0, "from", "SEQ", "begin with changes of this sequence" },
	OPTIONS_END,
};

/* Follows changes and prints each as it comes. */
struct follow {
	struct applet_call *call;
	struct bytes only; /* this key; data NULL: all that come */
	struct ag_error err;
	int code; /* why the watch was ended by us */
};

/* "5 put key value": for people, safe on terminals. */
static void
print_change_line(const char *name, const json_t *change, struct bytes key,
    struct bytes value)
{
	(void)printf("%" PRIu64 " %s ", kv_ask_u64(change, "seq"), name);
	display_print(stdout, key);
	if (strcmp(name, "put") == 0) {
		(void)fputc(' ', stdout);
		display_print(stdout, value);
	}
	(void)fputc('\n', stdout);
}

static void
print_change_json(const char *name, json_t *change)
{
	(void)json_object_set_new(change, "v", json_integer(1));
	(void)json_object_set_new(change, "event", json_string(name));
	(void)json_dumpf(change, stdout, JSON_COMPACT);
	(void)fputc('\n', stdout);
}

static enum ag_status
print_change(struct follow *f, const char *name, json_t *change)
{
	struct buf key_scratch, value_scratch;
	struct bytes key, value = bytes_of(NULL, 0);
	enum ag_status status;

	buf_init(&key_scratch, SCRATCH_BYTES_MAX);
	buf_init(&value_scratch, SCRATCH_BYTES_MAX);
	status = kv_ask_data(json_object_get(change, "key"), &key_scratch, &key,
	    &f->err);
	if (status == AG_OK && json_object_get(change, "value") != NULL)
		status = kv_ask_data(json_object_get(change, "value"),
		    &value_scratch, &value, &f->err);
	if (status == AG_OK &&
	    (f->only.data == NULL || bytes_equal(key, f->only))) {
		if (f->call->output == OUTPUT_JSON ||
		    f->call->output == OUTPUT_JSONL)
			print_change_json(name, change);
		else if (f->call->output == OUTPUT_VALUE)
			(void)printf("%.*s\n", (int)value.len,
			    (const char *)value.data);
		else
			print_change_line(name, change, key, value);
	}
	buf_fini(&key_scratch);
	buf_fini(&value_scratch);
	return status == AG_OK ? output_flush(stdout, &f->err) : status;
}

/* The node cut the stream: resuming helps unless changes are lost. */
static bool
take_cut(struct follow *f, const json_t *problem)
{
	const char *code = json_string_value(json_object_get(problem, "code"));
	const char *detail =
	    json_string_value(json_object_get(problem, "detail"));

	if (code == NULL || strcmp(code, ag_status_name(AG_ENOENT)) != 0)
		return true;
	(void)ag_fail(&f->err, AG_ENOENT, "%s",
	    detail != NULL ? detail : "changes were lost");
	f->code = exit_fail(f->call, &f->err);
	return false;
}

static bool
on_event(void *arg, const struct sse_event *event)
{
	struct follow *f = arg;
	bool goes_on = true;
	json_t *data;

	if (strcmp(event->name, "ping") == 0)
		return true;
	data = json_loadb((const char *)event->data.data, event->data.len,
	    JSON_ALLOW_NUL, NULL);
	if (strcmp(event->name, "cut") == 0) {
		goes_on = take_cut(f, data);
	} else if (print_change(f, event->name, data) != AG_OK) {
		f->code = exit_fail(f->call, &f->err);
		goes_on = false;
	}
	json_decref(data);
	return goes_on;
}

static void
on_state(void *arg, const char *why)
{
	const struct follow *f = arg;

	if (why != NULL && !f->call->is_quiet)
		(void)fprintf(stderr, "%s: %s; trying again\n", f->call->title,
		    why);
}

static int
follow(struct kv_ask *ask, struct applet_call *call,
    const struct target *target, struct bytes only)
{
	struct follow f = { .call = call, .only = only, .code = EXIT_YES };
	const struct client_watch watch = { .target = target,
		.event = on_event,
		.state = on_state,
		.arg = &f };

	if (client_watch(ask->client, &watch, &ask->err) != AG_OK)
		return kv_ask_fail(ask, call);
	return f.code;
}

bool
kv_follow_check(const struct applet_call *call)
{
	if (call->output != OUTPUT_CSV && call->output != OUTPUT_CBOR)
		return true;
	(void)applet_usage(call,
	    "changes are printed as table, json, jsonl or value");
	return false;
}

int
kv_follow_key(struct kv_ask *ask, struct applet_call *call, const char *key)
{
	struct target target;
	const uint64_t seen = ask->answer.seq;

	target_init(&target, "/v1/watch");
	target_add_bytes(&target, "prefix", bytes_from_text(key));
	if (seen > 0)
		target_add_number(&target, "from", seen + 1);
	return follow(ask, call, &target, bytes_from_text(key));
}

int
kv_follow_run(struct applet_call *call)
{
	struct ag_error err;
	struct target target;
	struct kv_ask ask;
	uint64_t from = 0;
	int code;

	if (options_count_value(&call->options, "from", 1, UINT64_MAX, &from,
		&err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	if ((call->operand_count > 0 &&
		!kv_ask_check_prefix(call, call->operands[0])) ||
	    !kv_follow_check(call))
		return EXIT_USAGE;
	target_init(&target, "/v1/watch");
	if (call->operand_count > 0)
		target_add_bytes(&target, "prefix",
		    bytes_from_text(call->operands[0]));
	if (from > 0)
		target_add_number(&target, "from", from);
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = follow(&ask, call, &target, bytes_of(NULL, 0));
	kv_ask_close(&ask);
	return code;
}
