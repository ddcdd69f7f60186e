/*
 * Deleting keys.
 *
 * RULES    1. Deleting everything needs to be said twice: an empty prefix is
 *             refused without --yes.
 *          2. A prefix is deleted page by page, each page one transaction:
 *             interrupted, it has deleted whole pages and can be run again.
 */
#include "cmd/kv_delete.h"

#include <stdlib.h>

#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "cmd/kv_write.h"

const struct applet_option kv_delete_options[] = {
	{ 0, "if-version", "N", "only if the key's version is N" },
	{ 'p', "prefix", NULL, "all keys that begin with KEY" },
	{ 'y', "yes", NULL, "even if that is every key" },
	OPTIONS_END,
};

static const struct output_column deleted_columns[] = {
	{ "deleted", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ NULL, NULL, 0 },
};

static int
delete_keys(struct kv_ask *ask, struct applet_call *call)
{
	struct client_request request;
	struct target target;
	struct output *out = NULL;
	int code = EXIT_YES, one;
	size_t i;

	for (i = 0; i < call->operand_count; i++)
		if (!kv_write_target(call, call->operands[i], &target))
			return EXIT_USAGE;
	for (i = 0; i < call->operand_count; i++) {
		if (!kv_write_target(call, call->operands[i], &target))
			return EXIT_USAGE;
		request = kv_ask_request(call, "DELETE", &target);
		one =
		    kv_write_send(ask, call, &request, call->operands[i], &out);
		if (one != EXIT_YES)
			code = one;
		if (one != EXIT_YES && one != EXIT_NO)
			break;
		ask->done += one == EXIT_YES;
	}
	return kv_ask_end_rows(out, call, code);
}

/* {"then":[{"delete":K},…]} of a page's keys; NULL when one is missing. */
static char *
deletes_of_page(const json_t *entries)
{
	json_t *list = json_array(), *root;
	char *text = NULL;
	int failed = 0;
	size_t i;

	for (i = 0; i < json_array_size(entries); i++)
		failed |= json_array_append_new(list,
		    json_pack("{s:O}", "delete",
			json_object_get(json_array_get(entries, i), "key")));
	root = json_pack("{s:o}", "then", list);
	if (failed == 0 && root != NULL)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

/* Delete one page of what begins with prefix; *count is how many. */
static enum ag_status
delete_page(struct kv_ask *ask, const struct applet_call *call,
    const char *prefix, size_t *count)
{
	struct client_request request;
	enum ag_status status;
	struct target target;
	json_t *root;
	char *body;

	*count = 0;
	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "prefix", bytes_from_text(prefix));
	target_add_number(&target, "limit", TXN_OPERATIONS_MAX);
	target_add_number(&target, "keys_only", 1);
	request = kv_ask_request(call, NULL, &target);
	status = client_call(ask->client, &request, &ask->answer, &ask->err);
	if (status != AG_OK)
		return status;
	root = kv_ask_json(ask);
	*count = json_array_size(json_object_get(root, "entries"));
	if (root == NULL || *count == 0) {
		status = root == NULL ? AG_EPROTO : AG_OK;
		json_decref(root);
		return status;
	}
	body = deletes_of_page(json_object_get(root, "entries"));
	json_decref(root);
	if (body == NULL)
		return ag_fail(&ask->err, AG_EPROTO,
		    "read answer: a page without its keys");
	target_init(&target, "/v1/kv/txn");
	request = kv_ask_request(call, "POST", &target);
	request.content_type = "application/json";
	request.body = bytes_from_text(body);
	request.has_body = true;
	status = client_call(ask->client, &request, &ask->answer, &ask->err);
	free(body);
	return status;
}

enum ag_status
kv_delete_prefix(struct kv_ask *ask, const struct applet_call *call,
    const char *prefix)
{
	enum ag_status status;
	size_t count;

	do {
		status = delete_page(ask, call, prefix, &count);
		if (status != AG_OK)
			return status;
		ask->done += count;
	} while (count > 0);
	return AG_OK;
}

static int
delete_prefix(struct kv_ask *ask, struct applet_call *call, const char *prefix)
{
	struct output *out;

	if (kv_delete_prefix(ask, call, prefix) != AG_OK)
		return kv_ask_fail(ask, call);
	if (call->is_quiet)
		return ask->done > 0 ? EXIT_YES : EXIT_NO;
	if (output_new(&out, call, stdout, NULL, deleted_columns, &ask->err) !=
	    AG_OK)
		return exit_fail(call, &ask->err);
	output_u64(out, ask->done);
	output_row(out);
	if (output_end(out, &ask->err) != AG_OK)
		return exit_fail(call, &ask->err);
	return ask->done > 0 ? EXIT_YES : EXIT_NO;
}

/* What does not go together.  EXIT_YES when all is well. */
static int
check_delete(const struct applet_call *call)
{
	const bool has_version = options_has(&call->options, "if-version");
	struct ag_error err;

	if (has_version && options_has(&call->options, "prefix"))
		return applet_usage(call,
		    "--if-version is of one key, not of a --prefix");
	if (has_version && call->operand_count > 1)
		return applet_usage(call, "--if-version is of one KEY");
	if (!options_has(&call->options, "prefix"))
		return EXIT_YES;
	if (call->operand_count > 1)
		return applet_usage(call, "--prefix takes one KEY");
	if (!kv_ask_check_prefix(call, call->operands[0]))
		return EXIT_USAGE;
	if (call->operands[0][0] != '\0' || options_has(&call->options, "yes"))
		return EXIT_YES;
	(void)ag_fail(&err, AG_EREFUSED,
	    "an empty prefix is every key: say --yes to delete them all");
	return exit_fail(call, &err);
}

int
kv_delete_run(struct applet_call *call)
{
	int code = check_delete(call);
	struct kv_ask ask;

	if (code != EXIT_YES)
		return code;
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = options_has(&call->options, "prefix")
		    ? delete_prefix(&ask, call, call->operands[0])
		    : delete_keys(&ask, call);
	kv_ask_close(&ask);
	return code;
}
