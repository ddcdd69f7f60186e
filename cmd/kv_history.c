/*
 * The versions of a key that a node keeps.
 *
 * RULES    1. They are fetched page by page and shown as one; what a page
 *             says was all that the node had when it was asked for.
 *          2. A key of which there is none prints nothing and exits 1.
 */
#include "cmd/kv_history.h"

#include <stdio.h>
#include <string.h>

#include "cmd/exit.h"
#include "cmd/kv_ask.h"

#define PAGE_VERSIONS 500
#define SCRATCH_BYTES_MAX (8U << 20)

const struct applet_option kv_history_options[] = {
	{ 'n', "limit", "N", "show at most N versions" },
	{ 'r', "reverse", NULL, "begin with the newest" },
	OPTIONS_END,
};

static const struct output_column version_columns[] = {
	{ "modified", NULL, OUTPUT_RIGHT },
	{ "version", NULL, OUTPUT_RIGHT },
	{ "value", NULL, OUTPUT_VALUE_COLUMN },
	{ "created", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "ended", NULL, OUTPUT_RIGHT },
	{ "deleted", NULL, 0 },
	{ NULL, NULL, 0 },
};

struct versions {
	struct applet_call *call;
	struct kv_ask *ask;
	struct output *out;
	uint64_t left, shown;
	char cursor[64]; /* "" on the first page */
};

static enum ag_status
print_version(struct output *out, const json_t *version, struct ag_error *err)
{
	enum ag_status status;
	struct buf scratch;
	struct bytes value;

	buf_init(&scratch, SCRATCH_BYTES_MAX);
	status = kv_ask_data(json_object_get(version, "value"), &scratch,
	    &value, err);
	if (status == AG_OK) {
		output_u64(out, kv_ask_u64(version, "modified"));
		output_u64(out, kv_ask_u64(version, "version"));
		output_bytes(out, value);
		output_u64(out, kv_ask_u64(version, "created"));
		if (json_is_null(json_object_get(version, "ended")))
			output_null(out);
		else
			output_u64(out, kv_ask_u64(version, "ended"));
		output_bool(out,
		    json_is_true(json_object_get(version, "deleted")));
		output_row(out);
	}
	buf_fini(&scratch);
	return status;
}

static enum ag_status
fetch_page(struct versions *v)
{
	struct client_request request;
	struct target target;

	target_init(&target, "/v1/kv/history");
	target_add_bytes(&target, "key", bytes_from_text(v->ask->key));
	target_add_number(&target, "limit",
	    v->left < PAGE_VERSIONS ? v->left : PAGE_VERSIONS);
	if (options_has(&v->call->options, "reverse"))
		target_add_number(&target, "reverse", 1);
	if (v->cursor[0] != '\0')
		target_add_text(&target, "cursor", v->cursor);
	request = kv_ask_request(v->call, NULL, &target);
	return client_call(v->ask->client, &request, &v->ask->answer,
	    &v->ask->err);
}

static enum ag_status
print_page(struct versions *v, const json_t *root)
{
	const json_t *list = json_object_get(root, "versions");
	const char *cursor = json_string_value(json_object_get(root, "cursor"));
	enum ag_status status = AG_OK;
	size_t i;

	if (json_array_size(list) > 0)
		status = kv_ask_rows(&v->out, v->call, "versions",
		    version_columns, &v->ask->err);
	for (i = 0; i < json_array_size(list) && status == AG_OK; i++)
		status = print_version(v->out, json_array_get(list, i),
		    &v->ask->err);
	(void)snprintf(v->cursor, sizeof(v->cursor), "%s",
	    cursor != NULL ? cursor : "");
	v->left -= i < v->left ? i : v->left;
	v->shown += i;
	return status;
}

static int
print_pages(struct versions *v)
{
	enum ag_status status;
	json_t *root;

	do {
		if (fetch_page(v) != AG_OK)
			return kv_ask_fail(v->ask, v->call);
		root = kv_ask_json(v->ask);
		if (root == NULL)
			return exit_fail(v->call, &v->ask->err);
		status = print_page(v, root);
		json_decref(root);
		if (status != AG_OK)
			return exit_fail(v->call, &v->ask->err);
	} while (v->cursor[0] != '\0' && v->left > 0);
	if (v->shown > 0)
		return EXIT_YES;
	(void)ag_fail(&v->ask->err, AG_ENOENT, "no version of it is kept here");
	return kv_ask_fail(v->ask, v->call);
}

int
kv_history_run(struct applet_call *call)
{
	struct versions v = { .call = call, .left = UINT64_MAX };
	struct ag_error err;
	struct kv_ask ask;
	int code;

	if (options_count_value(&call->options, "limit", 1, UINT64_MAX, &v.left,
		&err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	if (!kv_ask_check_key(call, call->operands[0]))
		return EXIT_USAGE;
	code = kv_ask_open(&ask, call);
	ask.key = call->operands[0];
	v.ask = &ask;
	if (code == EXIT_YES) {
		code = print_pages(&v);
		code = kv_ask_end_rows(v.out, call, code);
	}
	kv_ask_close(&ask);
	return code;
}
