/*
 * What the writing kv commands share.
 */
#include "cmd/kv_write.h"

#include "cmd/exit.h"

static const struct output_column result_columns[] = {
	{ "key", NULL, 0 },
	{ "code", NULL, 0 },
	{ "seq", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "version", NULL, OUTPUT_RIGHT },
	{ "previous_version", "PREVIOUS", OUTPUT_RIGHT },
	{ "request", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

bool
kv_write_target(const struct applet_call *call, const char *key,
    struct target *target)
{
	struct ag_error err;
	uint64_t version = 0;

	if (!kv_ask_check_key(call, key))
		return false;
	if (options_count_value(&call->options, "if-version", 0, UINT64_MAX,
		&version, &err) != AG_OK) {
		(void)applet_usage(call, "%s", err.text);
		return false;
	}
	target_init(target, "/v1/kv");
	target_add_bytes(target, "key", bytes_from_text(key));
	if (options_has(&call->options, "if-version"))
		target_add_number(target, "if_version", version);
	return true;
}

void
kv_write_print(struct output *out, const char *key, const json_t *root)
{
	if (key != NULL)
		output_text(out, key);
	output_text(out, json_string_value(json_object_get(root, "code")));
	output_u64(out, kv_ask_u64(root, "seq"));
	output_u64(out, kv_ask_u64(root, "version"));
	output_u64(out, kv_ask_u64(root, "previous_version"));
	output_text(out, json_string_value(json_object_get(root, "request")));
	output_row(out);
}

int
kv_write_send(struct kv_ask *ask, const struct applet_call *call,
    const struct client_request *request, const char *key, struct output **out)
{
	enum ag_status status = AG_OK;
	json_t *root;

	ask->key = key;
	if (client_call(ask->client, request, &ask->answer, &ask->err) != AG_OK)
		return kv_ask_fail(ask, call);
	root = kv_ask_json(ask);
	if (root == NULL)
		return exit_fail(call, &ask->err);
	if (!call->is_quiet)
		status = kv_ask_rows(out, call, "results", result_columns,
		    &ask->err);
	if (*out != NULL)
		kv_write_print(*out, key, root);
	json_decref(root);
	return status == AG_OK ? EXIT_YES : exit_fail(call, &ask->err);
}
