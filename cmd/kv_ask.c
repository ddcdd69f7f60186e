/*
 * What the kv commands share.
 *
 * RULES    1. The node's word on the exit code is taken where it has one:
 *             curl, scripts and this command agree.
 *          2. An unknown outcome is never said without the way to ask again.
 *          3. "Nothing happened" is said of the whole command or not at all.
 */
#include "cmd/kv_ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/display.h"
#include "cmd/exit.h"
#include "codec/decoder.h"
#include "codec/text.h"

/* What a node takes in Aegis-Timeout-Ms. */
#define TIMEOUT_MS_MAX 600000

/* Of a key in an error. */
#define KEY_SHOWN_BYTES 64

int
kv_ask_open(struct kv_ask *ask, const struct applet_call *call)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

	*ask = (struct kv_ask){ 0 };
	if (applet_socket(call, path, sizeof(path), &ask->err) != AG_OK)
		return exit_fail_local(call, &ask->err);
	return kv_ask_open_at(ask, call, path);
}

int
kv_ask_open_at(struct kv_ask *ask, const struct applet_call *call,
    const char *path)
{
	*ask = (struct kv_ask){ 0 };
	client_answer_init(&ask->answer);
	if (call->timeout_ms > TIMEOUT_MS_MAX)
		return applet_usage(call,
		    "a node waits for agreement for at most 10m, not longer");
	if (client_new(&ask->client, path, &ask->err) != AG_OK)
		return exit_fail(call, &ask->err);
	return EXIT_YES;
}

void
kv_ask_close(struct kv_ask *ask)
{
	client_answer_fini(&ask->answer);
	client_free(ask->client);
}

/* Put what the failure is about in front of the reason. */
static void
tell_subject(struct kv_ask *ask)
{
	size_t columns, len;
	struct buf shown;

	if (ask->key == NULL) {
		if (ask->done > 0)
			ag_error_prefix(&ask->err,
			    "%" PRIu64 " keys were changed, then", ask->done);
		return;
	}
	len = strnlen(ask->key, KEY_SHOWN_BYTES + 1);
	buf_init(&shown, KEY_SHOWN_BYTES * 4);
	if (display_append(&shown,
		bytes_of(ask->key,
		    len > KEY_SHOWN_BYTES ? KEY_SHOWN_BYTES : len),
		&columns) == AG_OK)
		ag_error_prefix(&ask->err, "%.*s%s", (int)shown.len,
		    (const char *)shown.data,
		    len > KEY_SHOWN_BYTES ? "..." : "");
	buf_fini(&shown);
}

int
kv_ask_fail(struct kv_ask *ask, const struct applet_call *call)
{
	const struct client_answer *answer = &ask->answer;
	struct ag_error *err = &ask->err;
	int code = answer->exit > 0 ? answer->exit
	    : err->sys_errno != 0   ? EXIT_LOCAL
				    : exit_code_of(err->status);
	size_t len;

	/* An absent key is an answer, not a mishap. */
	if (err->status == AG_ENOENT && call->is_quiet)
		return EXIT_NO;
	tell_subject(ask);
	len = strlen(err->text);
	if (err->status == AG_EUNKNOWN && answer->request[0] != '\0')
		(void)snprintf(err->text + len, sizeof(err->text) - len,
		    "; ask with: aegis kv request %s", answer->request);
	if (ask->done > 0 && code != EXIT_UNKNOWN && code != EXIT_NO)
		code = EXIT_PARTIAL;
	return exit_fail_code(call, err, code);
}

struct client_request
kv_ask_request(const struct applet_call *call, const char *method,
    const struct target *target)
{
	return (struct client_request){
		.method = method,
		.target = target,
		.timeout_ms = (uint32_t)call->timeout_ms,
	};
}

bool
kv_ask_check_key(const struct applet_call *call, const char *key)
{
	const size_t len = strlen(key);

	if (len > 0 && len <= KEY_BYTES_MAX)
		return true;
	(void)applet_usage(call, "a key has 1 to %d bytes, not %zu",
	    KEY_BYTES_MAX, len);
	return false;
}

bool
kv_ask_check_prefix(const struct applet_call *call, const char *prefix)
{
	const size_t len = strlen(prefix);

	if (len <= KEY_BYTES_MAX)
		return true;
	(void)applet_usage(call, "a prefix has at most %d bytes, not %zu",
	    KEY_BYTES_MAX, len);
	return false;
}

bool
kv_ask_add_consistency(const struct applet_call *call, struct target *target)
{
	const char *level = options_text(&call->options, "consistency");

	if (level == NULL)
		return true;
	if (strcmp(level, "linearizable") != 0 && strcmp(level, "local") != 0) {
		(void)applet_usage(call,
		    "--consistency takes linearizable, local or, with get, "
		    "proved, not %s",
		    level);
		return false;
	}
	target_add_text(target, "consistency", level);
	return true;
}

bool
kv_ask_add_at(const struct applet_call *call, struct target *target)
{
	const char *level = options_text(&call->options, "consistency");
	struct ag_error err;
	uint64_t at = 0;

	if (!options_has(&call->options, "at"))
		return true;
	if (options_count_value(&call->options, "at", 0, INT64_MAX, &at,
		&err) != AG_OK) {
		(void)applet_usage(call, "%s", err.text);
		return false;
	}
	if (level != NULL && strcmp(level, "local") != 0) {
		(void)applet_usage(call,
		    "--at is answered by one node: --consistency is local");
		return false;
	}
	target_add_number(target, "at", at);
	return true;
}

bool
kv_ask_check_range(const struct applet_call *call)
{
	static const char *const names[] = { "after", "from", "to" };
	size_t i;

	if (options_has(&call->options, "after") &&
	    options_has(&call->options, "from")) {
		(void)applet_usage(call,
		    "--after and --from both say where to begin: give one");
		return false;
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (options_has(&call->options, names[i]) &&
		    !kv_ask_check_key(call,
			options_text(&call->options, names[i])))
			return false;
	return true;
}

void
kv_ask_add_range(const struct applet_call *call, struct target *target)
{
	const char *after = options_text(&call->options, "after");
	const char *from = options_text(&call->options, "from");
	const char *to = options_text(&call->options, "to");

	/* The first key behind K is K and a zero byte, which texts end with. */
	if (after != NULL)
		target_add_bytes(target, "from",
		    bytes_of(after, strlen(after) + 1));
	if (from != NULL)
		target_add_bytes(target, "from", bytes_from_text(from));
	if (to != NULL)
		target_add_bytes(target, "to", bytes_from_text(to));
}

json_t *
kv_ask_json(struct kv_ask *ask)
{
	const struct buf *body = &ask->answer.body;
	json_t *root = NULL;

	if (body->len > 0)
		root = json_loadb((const char *)body->data, body->len,
		    JSON_ALLOW_NUL, NULL);
	if (json_is_object(root))
		return root;
	json_decref(root);
	(void)ag_fail(&ask->err, AG_EPROTO,
	    "read answer: it is not the JSON of a node");
	return NULL;
}

uint64_t
kv_ask_u64(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

enum ag_status
kv_ask_data(const json_t *value, struct buf *scratch, struct bytes *out,
    struct ag_error *err)
{
	const json_t *encoded = json_object_get(value, "b64");
	size_t len = 0;

	if (json_is_string(value)) {
		*out = bytes_of(json_string_value(value),
		    json_string_length(value));
		return AG_OK;
	}
	buf_clear(scratch);
	if (!json_is_string(encoded) ||
	    buf_reserve(scratch, json_string_length(encoded) + 1) != AG_OK ||
	    text_base64_decode(scratch->data, scratch->cap, &len,
		bytes_of(json_string_value(encoded),
		    json_string_length(encoded)),
		BASE64_STANDARD) != AG_OK)
		return ag_fail(err, AG_EPROTO,
		    "read answer: a key or value is neither text nor base64");
	*out = bytes_of(scratch->data, len);
	return AG_OK;
}

enum ag_status
kv_ask_rows(struct output **out, const struct applet_call *call,
    const char *list, const struct output_column *columns, struct ag_error *err)
{
	if (*out != NULL)
		return AG_OK;
	return output_new(out, call, stdout, list, columns, err);
}

int
kv_ask_end_rows(struct output *out, const struct applet_call *call, int code)
{
	struct ag_error err;

	if (out != NULL && output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return code;
}

bool
kv_ask_is_text(struct bytes data)
{
	size_t i;

	for (i = 0; i < data.len; i++) {
		const uint8_t byte = data.data[i];

		if ((byte < 0x20 && byte != '\n' && byte != '\t') ||
		    byte == 0x7f)
			return false;
		/* C1 controls: a terminal acts on them too. */
		if (byte == 0xc2 && i + 1 < data.len && data.data[i + 1] < 0xa0)
			return false;
	}
	return utf8_valid(data);
}

int
kv_ask_write_value(const struct applet_call *call, struct bytes value)
{
	const bool is_terminal = isatty(STDOUT_FILENO) == 1;
	struct ag_error err;

	if (is_terminal && !kv_ask_is_text(value)) {
		(void)ag_fail(&err, AG_EREFUSED,
		    "the value is %zu bytes of binary: not written to a "
		    "terminal; redirect it, or use -o json",
		    value.len);
		return exit_fail(call, &err);
	}
	if (value.len > 0)
		(void)fwrite(value.data, 1, value.len, stdout);
	if (is_terminal && value.len > 0 && value.data[value.len - 1] != '\n')
		(void)fputc('\n', stdout);
	if (output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}
