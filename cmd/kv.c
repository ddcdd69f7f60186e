/*
 * aegis kv: read and write keys.
 *
 * RULES    1. A write prints where in the agreed order it happened; a write
 *             whose outcome is unknown exits 7 and says how to ask again.
 *          2. Values come from the argument, a file or stdin, byte for byte,
 *             and are measured before anything is sent.
 *
 * NOT HERE Looking (kv_show, kv_history), following (kv_follow), deleting (kv_delete),
 *          many entries at once (kv_export, kv_import).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cmd/applet.h"
#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "cmd/kv_delete.h"
#include "cmd/kv_export.h"
#include "cmd/kv_follow.h"
#include "cmd/kv_history.h"
#include "cmd/kv_import.h"
#include "cmd/kv_lease.h"
#include "cmd/kv_lock.h"
#include "cmd/kv_proved.h"
#include "cmd/kv_show.h"
#include "cmd/kv_write.h"

#define TXN_BYTES_MAX (2U << 20)
#define READ_BYTES 65536

static const struct applet_option put_options[] = {
	{ 'f', "file", "FILE", "take the value from FILE" },
	{ 0, "if-version", "N", "only if the key's version is N; 0: absent" },
	{ 0, "lease", "ID", "the key goes when that lease does" },
	OPTIONS_END,
};

static const struct output_column txn_columns[] = {
	{ "succeeded", NULL, OUTPUT_VALUE_COLUMN },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "request", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static const struct output_column request_columns[] = {
	{ "code", NULL, OUTPUT_VALUE_COLUMN },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "version", NULL, OUTPUT_RIGHT },
	{ "previous_version", "PREVIOUS", OUTPUT_RIGHT },
	{ "request", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

/* A file that may be a pipe, to its end. */
static enum ag_status
read_stream(int fd, const char *name, struct buf *out, struct ag_error *err)
{
	enum ag_status status;
	ssize_t len;

	for (;;) {
		status = buf_reserve(out,
		    out->max - out->len < READ_BYTES ? out->max - out->len
						     : READ_BYTES);
		if (status != AG_OK)
			return ag_fail(err, status, "read %s: %s", name,
			    ag_status_text(status));
		len = read(fd, out->data + out->len, out->cap - out->len);
		if (len < 0)
			return ag_fail_sys(err, "read %s", name);
		if (len == 0)
			return AG_OK;
		out->len += (size_t)len;
		if (out->len == out->max)
			return ag_fail(err, AG_ELIMIT,
			    "read %s: longer than %zu bytes", name,
			    out->max - 1);
	}
}

/* name is a path, or "-" for stdin; what is read is at most most bytes. */
static enum ag_status
read_input(const char *name, size_t most, struct buf *out, struct ag_error *err)
{
	enum ag_status status;
	int fd;

	/* One byte more, so that too long is told from just long enough. */
	buf_init(out, most + 1);
	if (strcmp(name, "-") == 0)
		return read_stream(STDIN_FILENO, "stdin", out, err);
	status = fs_open(&fd, name, O_RDONLY, 0, err);
	if (status != AG_OK)
		return status;
	status = read_stream(fd, name, out, err);
	(void)close(fd);
	return status;
}

static enum ag_status
read_value(const struct applet_call *call, struct buf *value,
    struct ag_error *err)
{
	const char *file = options_text(&call->options, "file");
	const char *text = call->operand_count > 1 ? call->operands[1] : NULL;

	if (file != NULL)
		return read_input(file, VALUE_BYTES_MAX, value, err);
	if (text == NULL || strcmp(text, "-") == 0)
		return read_input("-", VALUE_BYTES_MAX, value, err);
	buf_init(value, VALUE_BYTES_MAX);
	if (buf_append(value, text, strlen(text)) != AG_OK)
		return ag_fail(err, AG_ELIMIT,
		    "the value is longer than %u bytes", VALUE_BYTES_MAX);
	return AG_OK;
}

static int
put_value(struct kv_ask *ask, const struct applet_call *call,
    const struct target *target, struct bytes value)
{
	struct client_request request = kv_ask_request(call, "PUT", target);
	struct output *out = NULL;
	int code;

	request.body = value;
	request.has_body = true;
	code = kv_write_send(ask, call, &request, call->operands[0], &out);
	return kv_ask_end_rows(out, call, code);
}

/* False: a usage error was said. */
static bool
add_lease(const struct applet_call *call, struct target *target)
{
	const char *text = options_text(&call->options, "lease");
	uint64_t id;

	if (text == NULL)
		return true;
	if (kv_lease_parse_id(text, &id)) {
		target_add_number(target, "lease", id);
		return true;
	}
	(void)applet_usage(call, "'%s' is not the number of a lease", text);
	return false;
}

static int
put_run(struct applet_call *call)
{
	const bool has_file = options_has(&call->options, "file");
	struct ag_error err;
	struct target target;
	struct kv_ask ask;
	struct buf value;
	int code;

	if (has_file && call->operand_count > 1)
		return applet_usage(call, "give VALUE or --file, not both");
	if (!has_file && call->operand_count < 2 && isatty(STDIN_FILENO) == 1)
		return applet_usage(call, "missing VALUE, or - for stdin");
	if (!kv_write_target(call, call->operands[0], &target) ||
	    !add_lease(call, &target))
		return EXIT_USAGE;
	buf_init(&value, 0);
	if (read_value(call, &value, &err) != AG_OK) {
		buf_fini(&value);
		return exit_fail(call, &err);
	}
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = put_value(&ask, call, &target, buf_bytes(&value));
	kv_ask_close(&ask);
	buf_fini(&value);
	return code;
}

/* Print one answer by its columns. */
static int
print_answer(struct kv_ask *ask, const struct applet_call *call,
    const struct output_column *columns,
    void (*print)(struct output *out, const json_t *root), json_t *root)
{
	struct output *out;

	if (output_new(&out, call, stdout, NULL, columns, &ask->err) != AG_OK)
		return exit_fail(call, &ask->err);
	print(out, root);
	if (output_end(out, &ask->err) != AG_OK)
		return exit_fail(call, &ask->err);
	return EXIT_YES;
}

static void
print_txn(struct output *out, const json_t *root)
{
	output_bool(out, json_is_true(json_object_get(root, "succeeded")));
	output_u64(out, kv_ask_u64(root, "seq"));
	output_text(out, json_string_value(json_object_get(root, "request")));
	output_row(out);
}

static int
send_txn(struct kv_ask *ask, const struct applet_call *call, struct bytes body)
{
	struct client_request request;
	struct target target;
	bool has_succeeded;
	json_t *root;
	int code;

	target_init(&target, "/v1/kv/txn");
	request = kv_ask_request(call, "POST", &target);
	request.content_type = "application/json";
	request.body = body;
	request.has_body = true;
	if (client_call(ask->client, &request, &ask->answer, &ask->err) !=
	    AG_OK)
		return kv_ask_fail(ask, call);
	root = kv_ask_json(ask);
	if (root == NULL)
		return exit_fail(call, &ask->err);
	has_succeeded = json_is_true(json_object_get(root, "succeeded"));
	code = call->is_quiet
	    ? EXIT_YES
	    : print_answer(ask, call, txn_columns, print_txn, root);
	json_decref(root);
	return code != EXIT_YES ? code : has_succeeded ? EXIT_YES : EXIT_NO;
}

static int
txn_run(struct applet_call *call)
{
	struct ag_error err;
	struct kv_ask ask;
	struct buf body;
	int code;

	buf_init(&body, 0);
	if (read_input(call->operands[0], TXN_BYTES_MAX, &body, &err) !=
	    AG_OK) {
		buf_fini(&body);
		return exit_fail(call, &err);
	}
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = send_txn(&ask, call, buf_bytes(&body));
	kv_ask_close(&ask);
	buf_fini(&body);
	return code;
}

static void
print_request(struct output *out, const json_t *root)
{
	kv_write_print(out, NULL, root);
}

/* What a request that was executed means to a script. */
static int
code_of_result(const json_t *root)
{
	static const struct {
		enum result_code result;
		int code;
	} codes[] = {
		{ RESULT_DONE, EXIT_YES },
		{ RESULT_CONFLICT, EXIT_CONFLICT },
		{ RESULT_ELSE, EXIT_NO },
		{ RESULT_NOT_FOUND, EXIT_NO },
		{ RESULT_EXPIRED, EXIT_NO_QUORUM },
		{ RESULT_NO_LEASE, EXIT_NO },
		{ RESULT_FULL, EXIT_CONFLICT },
	};
	const char *name = json_string_value(json_object_get(root, "code"));
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (name != NULL &&
		    strcmp(result_code_name(codes[i].result), name) == 0)
			return codes[i].code;
	return EXIT_INTERNAL;
}

static int
find_request(struct kv_ask *ask, const struct applet_call *call)
{
	struct client_request request;
	struct target target;
	json_t *root;
	int code, found;

	target_init(&target, "/v1/requests");
	target_add_text(&target, "id", call->operands[0]);
	request = kv_ask_request(call, NULL, &target);
	if (client_call(ask->client, &request, &ask->answer, &ask->err) !=
	    AG_OK)
		return kv_ask_fail(ask, call);
	root = kv_ask_json(ask);
	if (root == NULL)
		return exit_fail(call, &ask->err);
	found = code_of_result(root);
	code = print_answer(ask, call, request_columns, print_request, root);
	json_decref(root);
	return code != EXIT_YES ? code : found;
}

static int
request_run(struct applet_call *call)
{
	struct kv_ask ask;
	int code = kv_ask_open(&ask, call);

	if (code == EXIT_YES)
		code = find_request(&ask, call);
	kv_ask_close(&ask);
	return code;
}

static const struct applet_command kv_commands[] = {
	{ "get", "KEY...", "print values", kv_show_get_options, kv_show_get },
	{ "put", "KEY [VALUE|-]", "set a key to VALUE, a file or stdin",
	    put_options, put_run },
	{ "del", "KEY...", "remove keys", kv_delete_options, kv_delete_run },
	{ "list", "[PREFIX]", "list keys in order", kv_show_list_options,
	    kv_show_list },
	{ "history", "KEY", "list the versions of a key that are kept",
	    kv_history_options, kv_history_run },
	{ "verify", "FILE", "check what proves a value, and print that",
	    kv_proved_verify_options, kv_proved_verify },
	{ "watch", "[PREFIX]", "print changes as they are agreed",
	    kv_follow_options, kv_follow_run },
	{ "txn", "FILE|-", "compare and change several keys at once", NULL,
	    txn_run },
	{ "export", "[PREFIX]", "write entries as lines, to be imported",
	    kv_export_options, kv_export_run },
	{ "import", "FILE|-", "set keys to what was exported",
	    kv_import_options, kv_import_run },
	{ "lease", KV_LEASE_OPERANDS, "leases, and the keys that go with them",
	    kv_lease_options, kv_lease_run },
	{ "lock", "NAME COMMAND...", "run a command while no other may",
	    kv_lock_options, kv_lock_run },
	{ "request", "ID", "ask what became of a write", NULL, request_run },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const char *const kv_examples[] = {
	"aegis kv put config/color blue",
	"aegis kv get config/color",
	"aegis kv lock nightly -- ./backup.sh",
	NULL,
};

const struct applet applet_kv = {
	.name = "kv",
	.summary = "read and write keys",
	.commands = kv_commands,
	.examples = kv_examples,
};
