/*
 * Key epochs as a running node tells them.
 */
#include "cmd/keys_live.h"

#include <limits.h>
#include <string.h>

#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/keys_order.h"
#include "cmd/kv_ask.h"
#include "cmd/output.h"

static const struct output_column live_columns[] = {
	{ "node", NULL, OUTPUT_WIDE_ONLY },
	{ "agreed", NULL, OUTPUT_RIGHT },
	{ "active", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "oldest", NULL, OUTPUT_RIGHT },
	{ "since", NULL, 0 },
	{ "bytes", NULL, OUTPUT_RIGHT },
	{ "next", NULL, OUTPUT_RIGHT },
	{ "next_seq", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "due", NULL, 0 },
	{ "cause", NULL, OUTPUT_WIDE_ONLY },
	{ "reason", NULL, OUTPUT_WIDE_ONLY },
	{ "suspect", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "need", NULL, 0 },
	{ "left", NULL, OUTPUT_RIGHT },
	{ "log_epoch", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "executed", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "trouble", NULL, 0 },
	{ NULL, NULL, 0 },
};

static const char *
text_of(const json_t *keys, const char *name)
{
	return json_string_value(json_object_get(keys, name));
}

static void
row_text(struct output *out, const json_t *keys, const char *name)
{
	const char *text = text_of(keys, name);

	if (text == NULL)
		output_null(out);
	else
		output_text(out, text);
}

static void
row_number(struct output *out, const json_t *keys, const char *name)
{
	const json_t *value = json_object_get(keys, name);

	if (json_is_integer(value))
		output_i64(out, json_integer_value(value));
	else
		output_null(out);
}

/* The oldest epoch whose key is still there. */
static long long
oldest_of(const json_t *keys)
{
	const json_t *epoch;
	size_t i;

	json_array_foreach(json_object_get(keys, "epochs"), i, epoch)
	{
		const char *state = text_of(epoch, "state");

		if (state != NULL && strcmp(state, "destroyed") != 0)
			return json_integer_value(
			    json_object_get(epoch, "epoch"));
	}
	return 0;
}

/* Values that may have to be sealed again. */
static uint64_t
left_of(const json_t *keys)
{
	const char *need = text_of(keys, "need");
	const uint64_t all = kv_ask_u64(keys, "keys");
	const uint64_t passed = kv_ask_u64(keys, "passed");

	if (need == NULL || strcmp(need, "values") != 0 || passed > all)
		return 0;
	return all - passed;
}

static int
show(const struct applet_call *call, const json_t *keys)
{
	struct output *out;
	struct ag_error err;

	if (call->is_quiet)
		return EXIT_YES;
	if (output_new(&out, call, stdout, NULL, live_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	output_text(out, text_of(keys, "node"));
	row_number(out, keys, "epoch");
	row_number(out, keys, "active");
	output_i64(out, oldest_of(keys));
	row_text(out, keys, "since");
	output_u64(out, kv_ask_u64(keys, "bytes"));
	row_number(out, keys, "next");
	row_text(out, keys, "next_seq");
	row_text(out, keys, "due");
	output_text(out, text_of(keys, "cause"));
	output_text(out, text_of(keys, "reason"));
	row_number(out, keys, "suspect");
	row_text(out, keys, "need");
	output_u64(out, left_of(keys));
	row_number(out, keys, "log_epoch");
	output_u64(out, kv_ask_u64(keys, "executed"));
	row_text(out, keys, "trouble");
	output_row(out);
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}

bool
keys_live_status(const struct applet_call *call, int *code)
{
	char path[PATH_MAX];
	struct ag_error err;
	json_t *keys;

	if (call->socket_path == NULL &&
	    (applet_socket(call, path, sizeof(path), &err) != AG_OK ||
		!fs_exists(path)))
		return false;
	*code = keys_order_ask(call, call->socket_path == NULL, &keys);
	if (keys == NULL)
		return call->socket_path != NULL;
	*code = show(call, keys);
	json_decref(keys);
	return true;
}
