/*
 * The kv commands that only look.
 *
 * RULES    1. One key's value is written as it is stored, byte for byte, so
 *             that what was put from a file comes out the same file.  Rows
 *             (-o table, json, …) are for several keys or when asked for.
 *          2. An absent key prints nothing and exits 1; the other keys are
 *             still shown.
 *          3. A list is fetched page by page and shown as one.
 */
#include "cmd/kv_show.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "cmd/kv_follow.h"
#include "cmd/kv_proved.h"

#define PAGE_ENTRIES 500
#define SCRATCH_BYTES_MAX (8U << 20)

const struct applet_option kv_show_get_options[] = {
	{ 0, "consistency", "LEVEL", "linearizable (default), local, proved" },
	KV_PROVED_OPTIONS,
	{ 0, "proof", "FILE", "keep what proves it there" },
	{ 0, "at", "SEQ", "the value as it was at this sequence" },
	{ 'w', "watch", NULL, "then follow the key's changes" },
	OPTIONS_END,
};

const struct applet_option kv_show_list_options[] = {
	{ 0, "consistency", "LEVEL", "linearizable (default) or local" },
	{ 0, "at", "SEQ", "keys as they were at this sequence" },
	{ 'k', "keys-only", NULL, "leave values out" },
	{ 'n', "limit", "N", "show at most N keys" },
	{ 0, "after", "KEY", "begin behind KEY, the last one of a page" },
	{ 0, "from", "KEY", "begin with KEY" },
	{ 0, "to", "KEY", "end before KEY" },
	OPTIONS_END,
};

static const struct output_column entry_columns[] = {
	{ "key", NULL, 0 },
	{ "value", NULL, OUTPUT_VALUE_COLUMN },
	{ "version", NULL, OUTPUT_RIGHT },
	{ "created", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "modified", NULL, OUTPUT_RIGHT },
	{ "lease", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static const struct output_column key_columns[] = {
	{ "key", NULL, OUTPUT_VALUE_COLUMN },
	{ "version", NULL, OUTPUT_RIGHT },
	{ "created", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "modified", NULL, OUTPUT_RIGHT },
	{ "lease", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static enum ag_status
print_entry(struct output *out, const json_t *entry, bool keys_only,
    struct ag_error *err)
{
	enum ag_status status;
	struct buf scratch;
	struct bytes data;

	buf_init(&scratch, SCRATCH_BYTES_MAX);
	status =
	    kv_ask_data(json_object_get(entry, "key"), &scratch, &data, err);
	if (status == AG_OK)
		output_bytes(out, data);
	if (status == AG_OK && !keys_only) {
		status = kv_ask_data(json_object_get(entry, "value"), &scratch,
		    &data, err);
		if (status == AG_OK)
			output_bytes(out, data);
	}
	buf_fini(&scratch);
	if (status != AG_OK)
		return status;
	output_u64(out, kv_ask_u64(entry, "version"));
	output_u64(out, kv_ask_u64(entry, "created"));
	output_u64(out, kv_ask_u64(entry, "modified"));
	if (json_is_string(json_object_get(entry, "lease")))
		output_u64(out, kv_ask_u64(entry, "lease"));
	else
		output_null(out);
	output_row(out);
	return AG_OK;
}

/* Ask for one key; accept says in which form. */
static enum ag_status
fetch(struct kv_ask *ask, struct applet_call *call, const char *key,
    const char *accept)
{
	struct client_request request;
	struct target target;

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "key", bytes_from_text(key));
	if (!kv_ask_add_consistency(call, &target) ||
	    !kv_ask_add_at(call, &target))
		return ag_fail(&ask->err, AG_EINVAL, "wrong consistency");
	ask->key = key;
	request = kv_ask_request(call, NULL, &target);
	request.accept = accept;
	return client_call(ask->client, &request, &ask->answer, &ask->err);
}

static int
get_value(struct kv_ask *ask, struct applet_call *call, const char *key)
{
	if (fetch(ask, call, key, "application/octet-stream") != AG_OK)
		return kv_ask_fail(ask, call);
	return kv_ask_write_value(call, buf_bytes(&ask->answer.body));
}

/* One key into a row.  EXIT_NO when it is absent. */
static int
get_row(struct kv_ask *ask, struct applet_call *call, const char *key,
    struct output **out)
{
	enum ag_status status;
	json_t *root;

	if (fetch(ask, call, key, NULL) != AG_OK)
		return kv_ask_fail(ask, call);
	root = kv_ask_json(ask);
	if (root == NULL)
		return exit_fail(call, &ask->err);
	status = kv_ask_rows(out, call, "entries", entry_columns, &ask->err);
	if (status == AG_OK)
		status = print_entry(*out, root, false, &ask->err);
	json_decref(root);
	return status == AG_OK ? EXIT_YES : exit_fail(call, &ask->err);
}

static int
get_rows(struct kv_ask *ask, struct applet_call *call)
{
	struct output *out = NULL;
	int code = EXIT_YES, one;
	size_t i;

	for (i = 0; i < call->operand_count; i++) {
		one = get_row(ask, call, call->operands[i], &out);
		if (one != EXIT_YES)
			code = one;
		if (one != EXIT_YES && one != EXIT_NO)
			break;
	}
	return kv_ask_end_rows(out, call, code);
}

/* The value, then changes: they begin on a line of their own. */
static int
get_then_follow(struct kv_ask *ask, struct applet_call *call, bool wants_rows)
{
	const char *key = call->operands[0];
	int code = wants_rows ? get_rows(ask, call) : get_value(ask, call, key);

	if (code != EXIT_YES && code != EXIT_NO)
		return code;
	if (code == EXIT_YES && !wants_rows && isatty(STDOUT_FILENO) != 1)
		(void)fputc('\n', stdout);
	if (output_flush(stdout, &ask->err) != AG_OK)
		return exit_fail(call, &ask->err);
	return kv_follow_key(ask, call, key);
}

static int
get_all(struct kv_ask *ask, struct applet_call *call)
{
	const bool is_watching = options_has(&call->options, "watch");
	const bool wants_rows = call->output != OUTPUT_VALUE &&
	    (options_has(&call->options, "output") || call->operand_count > 1);

	if (is_watching && call->operand_count != 1)
		return applet_usage(call, "--watch follows one KEY");
	if (is_watching && options_has(&call->options, "at"))
		return applet_usage(call,
		    "--watch follows what is, not what was --at a sequence");
	if (is_watching && !kv_follow_check(call))
		return EXIT_USAGE;
	if (is_watching)
		return get_then_follow(ask, call, wants_rows);
	if (wants_rows || call->operand_count > 1)
		return get_rows(ask, call);
	return get_value(ask, call, call->operands[0]);
}

int
kv_show_get(struct applet_call *call)
{
	static const char *const of_proofs[] = { "roster", "max-age", "proof" };
	struct kv_ask ask;
	struct target unused;
	size_t i;
	int code;

	for (i = 0; i < call->operand_count; i++)
		if (!kv_ask_check_key(call, call->operands[i]))
			return EXIT_USAGE;
	if (kv_proved_is_asked(call))
		return kv_proved_get(call);
	for (i = 0; i < sizeof(of_proofs) / sizeof(of_proofs[0]); i++)
		if (options_has(&call->options, of_proofs[i]))
			return applet_usage(call,
			    "--%s is of --consistency proved", of_proofs[i]);
	target_init(&unused, "/v1/kv");
	if (!kv_ask_add_consistency(call, &unused) ||
	    !kv_ask_add_at(call, &unused))
		return EXIT_USAGE;
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = get_all(&ask, call);
	kv_ask_close(&ask);
	return code;
}

/* What a list goes through the pages with. */
struct list {
	struct applet_call *call;
	struct kv_ask *ask;
	struct output *out;
	bool keys_only;
	uint64_t left;
	char cursor[2048]; /* "" on the first page */
};

static enum ag_status
fetch_page(struct list *list)
{
	struct applet_call *call = list->call;
	struct client_request request;
	struct target target;

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "prefix",
	    bytes_from_text(call->operand_count > 0 ? call->operands[0] : ""));
	target_add_number(&target, "limit",
	    list->left < PAGE_ENTRIES ? list->left : PAGE_ENTRIES);
	if (list->keys_only)
		target_add_number(&target, "keys_only", 1);
	kv_ask_add_range(call, &target);
	if (list->cursor[0] != '\0')
		target_add_text(&target, "cursor", list->cursor);
	if (!kv_ask_add_consistency(call, &target) ||
	    !kv_ask_add_at(call, &target))
		return ag_fail(&list->ask->err, AG_EINVAL, "wrong consistency");
	request = kv_ask_request(call, NULL, &target);
	return client_call(list->ask->client, &request, &list->ask->answer,
	    &list->ask->err);
}

/* Print a page and take its cursor. */
static enum ag_status
print_page(struct list *list, const json_t *root)
{
	const json_t *entries = json_object_get(root, "entries");
	const char *cursor = json_string_value(json_object_get(root, "cursor"));
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; i < json_array_size(entries) && status == AG_OK; i++)
		status = print_entry(list->out, json_array_get(entries, i),
		    list->keys_only, &list->ask->err);
	(void)snprintf(list->cursor, sizeof(list->cursor), "%s",
	    cursor != NULL ? cursor : "");
	list->left -= i < list->left ? i : list->left;
	return status;
}

/* A page that came; the heading, too, only once one has. */
static enum ag_status
take_page(struct list *list, const json_t *root)
{
	enum ag_status status = kv_ask_rows(&list->out, list->call, "entries",
	    list->keys_only ? key_columns : entry_columns, &list->ask->err);

	return status == AG_OK ? print_page(list, root) : status;
}

static int
list_pages(struct list *list)
{
	enum ag_status status;
	json_t *root;

	do {
		if (fetch_page(list) != AG_OK)
			return kv_ask_fail(list->ask, list->call);
		root = kv_ask_json(list->ask);
		if (root == NULL)
			return exit_fail(list->call, &list->ask->err);
		status = take_page(list, root);
		json_decref(root);
		if (status != AG_OK)
			return exit_fail(list->call, &list->ask->err);
	} while (list->cursor[0] != '\0' && list->left > 0);
	return EXIT_YES;
}

int
kv_show_list(struct applet_call *call)
{
	struct list list = { .call = call, .left = UINT64_MAX };
	struct ag_error err;
	struct kv_ask ask;
	struct target unused;
	int code;

	if (options_count_value(&call->options, "limit", 1, UINT64_MAX,
		&list.left, &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	target_init(&unused, "/v1/kv");
	if (!kv_ask_add_consistency(call, &unused) ||
	    !kv_ask_add_at(call, &unused) ||
	    (call->operand_count > 0 &&
		!kv_ask_check_prefix(call, call->operands[0])) ||
	    !kv_ask_check_range(call))
		return EXIT_USAGE;
	list.keys_only = options_has(&call->options, "keys-only");
	list.ask = &ask;
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = list_pages(&list);
	code = kv_ask_end_rows(list.out, call, code);
	kv_ask_close(&ask);
	return code;
}
