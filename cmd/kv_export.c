/*
 * Exporting entries.
 *
 * RULES    1. A page is held at a time, however many keys there are.
 *          2. Pages are read one after another, each at a sequence of its own.
 *             Afterwards the node is asked what changed from the first to the
 *             last of them: if nothing did, all of it is one moment, and if
 *             that is not known, this is said.
 *          3. Keys of the cluster itself are left out: nobody can write them.
 */
#include "cmd/kv_export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/export_entry.h"
#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/kv_ask.h"

#define PAGE_ENTRIES 500
#define SCRATCH_BYTES_MAX (8U << 20)

const struct applet_option kv_export_options[] = {
	{ 0, "format", "NAME", "jsonl (default) or cbor" },
	{ 0, "after", "KEY", "go on behind KEY" },
	{ 0, "consistency", "LEVEL", "linearizable (default) or local" },
	OPTIONS_END,
};

enum moment {
	MOMENT_ONE,
	MOMENT_SEVERAL,
	MOMENT_UNKNOWN,
};

struct export
{
	struct applet_call *call;
	struct kv_ask *ask;
	const char *prefix;
	bool is_cbor;
	bool has_page;
	uint64_t first_seq, last_seq; /* of the pages */
	uint64_t count;
	struct buf last; /* the newest key that was written */
	struct buf out;
	char cursor[2048];
	enum moment moment;
};

bool
kv_export_format(const struct applet_call *call, bool *is_cbor)
{
	const char *name = options_text(&call->options, "format");

	*is_cbor = name != NULL && strcmp(name, "cbor") == 0;
	if (name == NULL || *is_cbor || strcmp(name, "jsonl") == 0)
		return true;
	(void)applet_usage(call, "--format takes jsonl or cbor, not %s", name);
	return false;
}

static enum ag_status
fetch_page(struct export *x)
{
	struct client_request request;
	struct target target;

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "prefix", bytes_from_text(x->prefix));
	target_add_number(&target, "limit", PAGE_ENTRIES);
	kv_ask_add_range(x->call, &target);
	(void)kv_ask_add_consistency(x->call, &target);
	if (x->cursor[0] != '\0')
		target_add_text(&target, "cursor", x->cursor);
	request = kv_ask_request(x->call, NULL, &target);
	return client_call(x->ask->client, &request, &x->ask->answer,
	    &x->ask->err);
}

static enum ag_status
write_entry(struct export *x, const struct export_entry *entry)
{
	enum ag_status status;

	if (operation_key_is_reserved(entry->key))
		return AG_OK;
	buf_clear(&x->out);
	status = x->is_cbor ? export_entry_write_cbor(entry, &x->out)
			    : export_entry_write_json(entry, &x->out);
	buf_clear(&x->last);
	if (status == AG_OK)
		status = buf_append(&x->last, entry->key.data, entry->key.len);
	if (status != AG_OK)
		return ag_fail(&x->ask->err, status, "export: %s",
		    ag_status_text(status));
	(void)fwrite(x->out.data, 1, x->out.len, stdout);
	x->count++;
	return AG_OK;
}

static enum ag_status
take_entry(struct export *x, const json_t *object)
{
	struct export_entry entry = {
		.version = kv_ask_u64(object, "version"),
		.created = kv_ask_u64(object, "created"),
		.modified = kv_ask_u64(object, "modified"),
	};
	struct buf key, value;
	enum ag_status status;

	buf_init(&key, SCRATCH_BYTES_MAX);
	buf_init(&value, SCRATCH_BYTES_MAX);
	status = kv_ask_data(json_object_get(object, "key"), &key, &entry.key,
	    &x->ask->err);
	if (status == AG_OK)
		status = kv_ask_data(json_object_get(object, "value"), &value,
		    &entry.value, &x->ask->err);
	if (status == AG_OK)
		status = write_entry(x, &entry);
	buf_fini(&key);
	buf_fini(&value);
	return status;
}

static enum ag_status
take_page(struct export *x, const json_t *root)
{
	const json_t *entries = json_object_get(root, "entries");
	const char *cursor = json_string_value(json_object_get(root, "cursor"));
	enum ag_status status = AG_OK;
	size_t i;

	x->last_seq = kv_ask_u64(root, "seq");
	if (!x->has_page)
		x->first_seq = x->last_seq;
	x->has_page = true;
	for (i = 0; i < json_array_size(entries) && status == AG_OK; i++)
		status = take_entry(x, json_array_get(entries, i));
	(void)snprintf(x->cursor, sizeof(x->cursor), "%s",
	    cursor != NULL ? cursor : "");
	return status == AG_OK ? output_flush(stdout, &x->ask->err) : status;
}

static bool
shows_progress(const struct export *x)
{
	return !x->call->is_quiet && isatty(STDERR_FILENO) == 1 &&
	    isatty(STDOUT_FILENO) != 1;
}

static enum ag_status
export_pages(struct export *x)
{
	enum ag_status status;
	json_t *root;

	do {
		status = fetch_page(x);
		if (status != AG_OK)
			return status;
		root = kv_ask_json(x->ask);
		if (root == NULL)
			return AG_EPROTO;
		status = take_page(x, root);
		json_decref(root);
		if (shows_progress(x))
			(void)fprintf(stderr, "\r%" PRIu64 " keys ", x->count);
	} while (status == AG_OK && x->cursor[0] != '\0');
	return status;
}

/* The first event decides: changes that are kept come before the ping. */
static bool
on_event(void *arg, const struct sse_event *event)
{
	struct export *x = arg;
	uint64_t seq = strtoull(event->id, NULL, 10);

	if (strcmp(event->name, "ping") == 0)
		x->moment = MOMENT_ONE;
	else if (strcmp(event->name, "cut") != 0)
		x->moment = seq <= x->last_seq ? MOMENT_SEVERAL : MOMENT_ONE;
	return false;
}

/* What changed below the prefix from the first page to the last. */
static void
judge_moment(struct export *x)
{
	struct target target;
	const struct client_watch watch = { .target = &target,
		.event = on_event,
		.arg = x };
	struct ag_error unused;

	x->moment = MOMENT_ONE;
	if (x->first_seq == x->last_seq)
		return;
	x->moment = MOMENT_UNKNOWN;
	target_init(&target, "/v1/watch");
	target_add_bytes(&target, "prefix", bytes_from_text(x->prefix));
	target_add_number(&target, "from", x->first_seq + 1);
	/* A refusal leaves it unknown, which is what will be said. */
	if (client_watch(x->ask->client, &watch, &unused) != AG_OK)
		x->moment = MOMENT_UNKNOWN;
}

static void
tell(const struct export *x)
{
	static const char *const words[] = {
		[MOMENT_ONE] = "as of one moment",
		[MOMENT_SEVERAL] =
		    "some of which changed meanwhile: this is not one moment",
		[MOMENT_UNKNOWN] =
		    "and the node does not say whether some changed meanwhile",
	};

	if (shows_progress(x))
		(void)fputs("\r\033[K", stderr);
	if (x->call->is_quiet)
		return;
	(void)fprintf(stderr, "%s: %" PRIu64 " keys, read at sequence %" PRIu64,
	    x->call->title, x->count, x->first_seq);
	if (x->last_seq != x->first_seq)
		(void)fprintf(stderr, " to %" PRIu64, x->last_seq);
	(void)fprintf(stderr, ", %s\n", words[x->moment]);
}

/* Whoever was interrupted can go on behind the last key. */
static int
fail_export(struct export *x)
{
	struct ag_error *err = &x->ask->err;
	size_t columns, len = strlen(err->text);
	struct buf shown;
	int code;

	buf_init(&shown, 4 * (KEY_BYTES_MAX + 1));
	if (x->count > 0 && len < sizeof(err->text) &&
	    memchr(x->last.data, 0, x->last.len) == NULL &&
	    display_append(&shown, buf_bytes(&x->last), &columns) == AG_OK)
		(void)snprintf(err->text + len, sizeof(err->text) - len,
		    "; go on with: --after '%.*s'", (int)shown.len,
		    (const char *)shown.data);
	buf_fini(&shown);
	code = kv_ask_fail(x->ask, x->call);
	return x->count > 0 && code != EXIT_LOCAL ? EXIT_PARTIAL : code;
}

static int
export_all(struct export *x)
{
	if (export_pages(x) != AG_OK)
		return fail_export(x);
	judge_moment(x);
	tell(x);
	return EXIT_YES;
}

int
kv_export_run(struct applet_call *call)
{
	struct export x = { .call = call,
		.prefix = call->operand_count > 0 ? call->operands[0] : "" };
	struct target unused;
	struct kv_ask ask;
	int code;

	target_init(&unused, "/v1/kv");
	if (!kv_export_format(call, &x.is_cbor) ||
	    !kv_ask_check_prefix(call, x.prefix) || !kv_ask_check_range(call) ||
	    !kv_ask_add_consistency(call, &unused))
		return EXIT_USAGE;
	if (x.is_cbor && isatty(STDOUT_FILENO) == 1)
		return applet_usage(call, "cbor is not for a terminal");
	x.ask = &ask;
	buf_init(&x.last, KEY_BYTES_MAX);
	buf_init(&x.out, EXPORT_ENTRY_BYTES_MAX);
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = export_all(&x);
	kv_ask_close(&ask);
	buf_fini(&x.last);
	buf_fini(&x.out);
	return code;
}
