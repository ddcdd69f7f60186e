/*
 * Importing entries.
 *
 * FORMAT   A progress file is "records N\nkey BASE64\n": so many entries are
 *          in the store, and the last of them has this key.
 *
 * RULES    1. A batch is read whole before any of it is sent, and is one
 *             transaction: of a batch with a wrong entry nothing happens.
 *          2. Importing again gives the same contents: what was sent and not
 *             answered may be sent once more.  Versions rise by it; they are
 *             the store's and not restored.
 *          3. The progress file is written after the answer, never before, and
 *             is refused for a file that is not the one it is about.
 */
#include "cmd/kv_import.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/whole_file.h"
#include "cmd/exit.h"
#include "cmd/import_source.h"
#include "cmd/kv_ask.h"
#include "cmd/kv_export.h"
#include "codec/text.h"

/* Of a transaction; a larger value goes alone, as the body of a put. */
#define BATCH_BYTES (512U << 10)
#define PROGRESS_BYTES_MAX 2048
#define PROGRESS_KEY_BYTES 1400 /* scanned as one less */

const struct applet_option kv_import_options[] = {
	{ 0, "format", "NAME", "jsonl (default) or cbor" },
	{ 0, "if-absent", NULL, "leave keys that are there" },
	{ 0, "dry-run", NULL, "read and check, and send nothing" },
	{ 0, "progress", "FILE", "note how far it is, and go on from there" },
	OPTIONS_END,
};

static const struct output_column import_columns[] = {
	{ "imported", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "left", NULL, OUTPUT_RIGHT },
	{ NULL, NULL, 0 },
};

/* An entry of a batch; its key and value are in the batch's bytes. */
struct place {
	size_t at;
	size_t key_len;
	size_t value_len;
};

struct import {
	struct applet_call *call;
	struct kv_ask *ask;
	struct import_source source;
	const char *progress;
	bool if_absent;
	bool is_dry;
	struct buf bytes;
	struct place places[TXN_OPERATIONS_MAX];
	size_t count;  /* of places */
	uint64_t left; /* that were there */
};

static struct bytes
key_of(const struct import *m, size_t i)
{
	return bytes_of(m->bytes.data + m->places[i].at, m->places[i].key_len);
}

static struct bytes
value_of(const struct import *m, size_t i)
{
	return bytes_of(m->bytes.data + m->places[i].at + m->places[i].key_len,
	    m->places[i].value_len);
}

/* --- sending --- */

/* One entry; with --if-absent one that is there is left. */
static enum ag_status
send_one(struct import *m, size_t i)
{
	struct client_request request;
	enum ag_status status;
	struct target target;

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "key", key_of(m, i));
	if (m->if_absent)
		target_add_number(&target, "if_version", 0);
	request = kv_ask_request(m->call, "PUT", &target);
	request.body = value_of(m, i);
	request.has_body = true;
	status = client_call(m->ask->client, &request, &m->ask->answer,
	    &m->ask->err);
	if (status == AG_ECONFLICT && m->if_absent) {
		m->left++;
		return AG_OK;
	}
	m->ask->done += status == AG_OK;
	return status;
}

static json_t *
data_of(struct bytes data)
{
	json_t *out = NULL;
	char *text = malloc(TEXT_BASE64_BYTES(data.len));

	if (text == NULL)
		return NULL;
	text_base64(text, TEXT_BASE64_BYTES(data.len), data, BASE64_STANDARD);
	out = json_pack("{s:s}", "b64", text);
	free(text);
	return out;
}

/* The batch as a transaction; NULL: out of memory. */
static char *
write_txn(const struct import *m)
{
	json_t *compares = json_array(), *puts = json_array(), *root;
	int failed = 0;
	char *text = NULL;
	size_t i;

	for (i = 0; i < m->count; i++) {
		if (m->if_absent)
			failed |= json_array_append_new(compares,
			    json_pack("{s:o,s:b}", "key", data_of(key_of(m, i)),
				"exists", 0));
		failed |= json_array_append_new(puts,
		    json_pack("{s:o,s:o}", "put", data_of(key_of(m, i)),
			"value", data_of(value_of(m, i))));
	}
	root = json_pack("{s:o,s:o}", "compare", compares, "then", puts);
	if (failed == 0 && root != NULL)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

/* *was_done false: a key is there that must be absent. */
static enum ag_status
send_txn(struct import *m, bool *was_done)
{
	struct client_request request;
	enum ag_status status;
	struct target target;
	char *body = write_txn(m);
	json_t *root;

	*was_done = false;
	if (body == NULL)
		return ag_fail(&m->ask->err, AG_ENOMEM,
		    "import: out of memory");
	target_init(&target, "/v1/kv/txn");
	request = kv_ask_request(m->call, "POST", &target);
	request.content_type = "application/json";
	request.body = bytes_from_text(body);
	request.has_body = true;
	status = client_call(m->ask->client, &request, &m->ask->answer,
	    &m->ask->err);
	free(body);
	if (status != AG_OK)
		return status;
	root = kv_ask_json(m->ask);
	if (root == NULL)
		return AG_EPROTO;
	*was_done = json_is_true(json_object_get(root, "succeeded"));
	json_decref(root);
	m->ask->done += *was_done ? m->count : 0;
	return AG_OK;
}

static enum ag_status
send_batch(struct import *m)
{
	enum ag_status status = AG_OK;
	bool was_done = false;
	size_t i;

	if (m->count > 1)
		status = send_txn(m, &was_done);
	for (i = 0; i < m->count && status == AG_OK && !was_done; i++)
		status = send_one(m, i);
	return status;
}

/* --- progress --- */

static enum ag_status
write_progress(struct import *m)
{
	char text[TEXT_BASE64_BYTES(KEY_BYTES_MAX)];
	struct whole_file *file = NULL;
	struct ag_error *err = &m->ask->err;
	enum ag_status status;
	struct buf line;

	if (m->progress == NULL || m->count == 0)
		return AG_OK;
	text_base64(text, sizeof(text), key_of(m, m->count - 1),
	    BASE64_STANDARD);
	buf_init(&line, PROGRESS_BYTES_MAX);
	status = buf_printf(&line, "records %" PRIu64 "\nkey %s\n",
	    m->ask->done + m->left, text);
	if (status != AG_OK)
		(void)ag_fail(err, status, "write %s: %s", m->progress,
		    ag_status_text(status));
	else
		status = whole_file_open(&file, m->progress, 0600, true, err);
	if (status == AG_OK) {
		status = whole_file_put(file, buf_bytes(&line), err);
		if (status == AG_OK)
			status = whole_file_finish(file, err);
		else
			whole_file_drop(file);
	}
	buf_fini(&line);
	return status;
}

/* How many entries an earlier run has imported, and the last one's key. */
static enum ag_status
read_progress(const struct import *m, uint64_t *records,
    char key[static PROGRESS_KEY_BYTES], struct ag_error *err)
{
	char text[PROGRESS_BYTES_MAX];
	ssize_t len;
	int fd;

	*records = 0;
	if (m->progress == NULL || access(m->progress, F_OK) != 0)
		return AG_OK;
	if (fs_open(&fd, m->progress, O_RDONLY, 0, err) != AG_OK)
		return err->status;
	len = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[len > 0 ? len : 0] = '\0';
	if (sscanf(text, "records %" SCNu64 "\nkey %1399s", records, key) != 2)
		return ag_fail(err, AG_EINVAL,
		    "read %s: it is not a progress file", m->progress);
	return AG_OK;
}

/* Leave out what an earlier run has imported. */
static enum ag_status
skip_imported(struct import *m, struct ag_error *err)
{
	char key[PROGRESS_KEY_BYTES] = "",
	     there[TEXT_BASE64_BYTES(KEY_BYTES_MAX)] = "";
	struct export_entry entry;
	enum ag_status status;
	uint64_t records, i;
	bool has_entry = true;

	status = read_progress(m, &records, key, err);
	for (i = 0; i < records && has_entry && status == AG_OK; i++) {
		status =
		    import_source_next(&m->source, &entry, &has_entry, err);
		if (has_entry && i + 1 == records)
			text_base64(there, sizeof(there), entry.key,
			    BASE64_STANDARD);
	}
	if (status == AG_OK && strcmp(key, there) != 0)
		return ag_fail(err, AG_EINVAL,
		    "%s is not the file that %s is about", m->source.name,
		    m->progress);
	m->left = records;
	return status;
}

/* --- reading --- */

/* A key twice in one batch must not be absent twice. */
static bool
is_in_batch(const struct import *m, struct bytes key)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (bytes_equal(key_of(m, i), key))
			return true;
	return false;
}

static enum ag_status
flush_batch(struct import *m)
{
	enum ag_status status = AG_OK;

	if (m->is_dry)
		m->left += m->count;
	else
		status = send_batch(m);
	if (status == AG_OK && !m->is_dry)
		status = write_progress(m);
	m->count = 0;
	buf_clear(&m->bytes);
	if (!m->call->is_quiet && isatty(STDERR_FILENO) == 1)
		(void)fprintf(stderr, "\r%" PRIu64 " keys ",
		    m->ask->done + m->left);
	return status;
}

static enum ag_status
add_entry(struct import *m, const struct export_entry *entry)
{
	const size_t len = entry->key.len + entry->value.len;
	enum ag_status status = AG_OK;
	struct place *place;

	if (m->count == TXN_OPERATIONS_MAX ||
	    (m->count > 0 && m->bytes.len + len > BATCH_BYTES) ||
	    is_in_batch(m, entry->key))
		status = flush_batch(m);
	if (status != AG_OK)
		return status;
	place = &m->places[m->count];
	*place =
	    (struct place){ m->bytes.len, entry->key.len, entry->value.len };
	status = buf_append(&m->bytes, entry->key.data, entry->key.len);
	if (status == AG_OK && entry->value.len > 0)
		status =
		    buf_append(&m->bytes, entry->value.data, entry->value.len);
	if (status != AG_OK)
		return ag_fail(&m->ask->err, status, "import: %s",
		    ag_status_text(status));
	m->count++;
	return AG_OK;
}

static int
print_counts(const struct import *m, uint64_t skipped)
{
	struct applet_call *call = m->call;
	struct ag_error err;
	struct output *out;

	if (!call->is_quiet && isatty(STDERR_FILENO) == 1)
		(void)fputs("\r\033[K", stderr);
	if (call->is_quiet)
		return EXIT_YES;
	if (output_new(&out, call, stdout, NULL, import_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	output_u64(out, m->ask->done);
	output_u64(out, m->left - skipped);
	output_row(out);
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}

/* The file is wrong: what came before its batch is imported. */
static int
fail_file(struct import *m, const struct ag_error *why)
{
	struct ag_error err = *why;

	if (m->ask->done == 0)
		return exit_fail_local(m->call, &err);
	ag_error_prefix(&err, "%" PRIu64 " keys were imported, then",
	    m->ask->done);
	return exit_fail_code(m->call, &err, EXIT_PARTIAL);
}

static int
import_all(struct import *m)
{
	struct export_entry entry;
	struct ag_error err = { 0 };
	bool has_entry = true;
	uint64_t skipped;

	if (skip_imported(m, &err) != AG_OK)
		return fail_file(m, &err);
	skipped = m->left;
	for (;;) {
		if (import_source_next(&m->source, &entry, &has_entry, &err) !=
		    AG_OK)
			return fail_file(m, &err);
		if (!has_entry)
			break;
		if (add_entry(m, &entry) != AG_OK)
			return kv_ask_fail(m->ask, m->call);
	}
	if (flush_batch(m) != AG_OK)
		return kv_ask_fail(m->ask, m->call);
	return print_counts(m, skipped);
}

int
kv_import_run(struct applet_call *call)
{
	struct import *m = calloc(1, sizeof(*m));
	struct ag_error err;
	struct kv_ask ask;
	bool is_cbor;
	int code;

	if (m == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "import: out of memory");
		return exit_fail(call, &err);
	}
	*m = (struct import){ .call = call,
		.ask = &ask,
		.progress = options_text(&call->options, "progress"),
		.if_absent = options_has(&call->options, "if-absent"),
		.is_dry = options_has(&call->options, "dry-run") };
	buf_init(&m->bytes, BATCH_BYTES + VALUE_BYTES_MAX + KEY_BYTES_MAX);
	if (!kv_export_format(call, &is_cbor)) {
		free(m);
		return EXIT_USAGE;
	}
	m->source.fd = -1;
	code = kv_ask_open(&ask, call);
	if (code == EXIT_YES)
		code = import_source_open(&m->source, call->operands[0],
			   is_cbor, &err) == AG_OK
		    ? import_all(m)
		    : exit_fail_local(call, &err);
	import_source_close(&m->source);
	kv_ask_close(&ask);
	buf_fini(&m->bytes);
	free(m);
	return code;
}
