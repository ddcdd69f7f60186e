/*
 * Requests in the cluster's store.
 *
 * RULES    1. A request is put there once: if its key is taken, it is there.
 *          2. Agreed time goes on with batches.  A delete that can not come
 *             true, as no version is that high, is a batch that changes
 *             nothing, also where reads take no place in the log.
 */
#include "cmd/escrow_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/escrow_file.h"
#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "codec/text.h"
#include "crypto/age_key.h"

#define LIST_MAX 1000

static const struct output_column list_columns[] = {
	{ "id", NULL, OUTPUT_VALUE_COLUMN },
	{ "created", NULL, 0 },
	{ "delay_s", "DELAY", OUTPUT_RIGHT },
	{ "reason", NULL, 0 },
	{ "recipient", NULL, OUTPUT_WIDE_ONLY },
	{ "package", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

/* A change or question about the request's key. */
static enum ag_status
ask_about(struct kv_ask *ask, const struct applet_call *call,
    const char *method, const char *path, const char *key, uint64_t if_version,
    struct bytes body)
{
	struct client_request request;
	struct target target;

	target_init(&target, path);
	target_add_bytes(&target, "key", bytes_from_text(key));
	if (if_version != UINT64_MAX)
		target_add_number(&target, "if_version", if_version);
	request = kv_ask_request(call, method, &target);
	request.body = body;
	request.has_body = body.len > 0;
	if (strcmp(path, "/v1/proof") == 0)
		request.accept = "application/cbor";
	return client_call(ask->client, &request, &ask->answer, &ask->err);
}

/* A call in which one other status is as good as AG_OK. */
static int
change(const struct applet_call *call, const char *method, const char *key,
    uint64_t if_version, struct bytes body, enum ag_status as_good)
{
	struct kv_ask ask;
	enum ag_status status;
	int code = kv_ask_open(&ask, call);

	if (code == EXIT_YES) {
		status = ask_about(&ask, call, method, "/v1/kv", key,
		    if_version, body);
		if (status != AG_OK && status != as_good)
			code = kv_ask_fail(&ask, call);
	}
	kv_ask_close(&ask);
	return code;
}

int
escrow_cluster_put(const struct applet_call *call,
    const struct recovery *request)
{
	char key[RECOVERY_KEY_BYTES];

	recovery_key(key, request);
	return change(call, "PUT", key, 0,
	    bytes_of(request->body, request->body_len), AG_ECONFLICT);
}

int
escrow_cluster_tick(const struct applet_call *call,
    const struct recovery *request)
{
	char key[RECOVERY_KEY_BYTES];

	recovery_key(key, request);
	return change(call, "DELETE", key, UINT64_MAX - 1, bytes_of(NULL, 0),
	    AG_ECONFLICT);
}

int
escrow_cluster_prove(const struct applet_call *call,
    const struct recovery *request, struct buf *proof)
{
	char key[RECOVERY_KEY_BYTES];
	struct kv_ask ask;
	int code = kv_ask_open(&ask, call);

	recovery_key(key, request);
	if (code == EXIT_YES &&
	    ask_about(&ask, call, "GET", "/v1/proof", key, UINT64_MAX,
		bytes_of(NULL, 0)) != AG_OK)
		code = kv_ask_fail(&ask, call);
	if (code == EXIT_YES &&
	    buf_append(proof, ask.answer.body.data, ask.answer.body.len) !=
		AG_OK) {
		(void)ag_fail(&ask.err, AG_ELIMIT,
		    "the proof is longer than one can be");
		code = exit_fail_code(call, &ask.err, EXIT_VERIFY);
	}
	kv_ask_close(&ask);
	return code;
}

/* --- list --- */

static void
print_request(struct output *out, const struct recovery *r)
{
	char hex[TEXT_HEX_BYTES(DIGEST_BYTES)], created[CLOCK_TEXT_BYTES];
	char recipient[AGE_RECIPIENT_BYTES];

	text_hex(hex, sizeof(hex), bytes_of(r->id.data, DIGEST_BYTES));
	clock_format_ms(r->created_ms, created);
	age_key_format_recipient(recipient, r->recipient);
	output_text(out, hex);
	output_text(out, created);
	output_u64(out, r->delay_ms / 1000);
	output_text(out, r->reason);
	output_text(out, recipient);
	text_hex(hex, sizeof(hex), bytes_of(r->package_id.data, DIGEST_BYTES));
	output_text(out, hex);
	output_row(out);
}

/* What stands there and is no request is told, and no reason to stop. */
static void
print_entry(struct output *out, const json_t *entry,
    const struct applet_call *call)
{
	struct recovery *r = malloc(sizeof(*r));
	struct bytes body = { 0 };
	struct ag_error err;
	struct buf scratch;

	buf_init(&scratch, CLIENT_ANSWER_MAX);
	if (r != NULL &&
	    kv_ask_data(json_object_get(entry, "value"), &scratch, &body,
		&err) == AG_OK &&
	    recovery_decode_body(r, body, &err) == AG_OK)
		print_request(out, r);
	else
		(void)exit_fail(call, &err);
	buf_fini(&scratch);
	free(r);
}

static int
print_list(struct kv_ask *ask, const struct applet_call *call)
{
	json_t *root = kv_ask_json(ask), *entry;
	const json_t *entries = json_object_get(root, "entries");
	struct output *out;
	size_t i;

	if (root == NULL)
		return exit_fail(call, &ask->err);
	if (output_new(&out, call, stdout, "requests", list_columns,
		&ask->err) != AG_OK) {
		json_decref(root);
		return exit_fail(call, &ask->err);
	}
	json_array_foreach(entries, i, entry) print_entry(out, entry, call);
	json_decref(root);
	return kv_ask_end_rows(out, call, EXIT_YES);
}

int
escrow_cluster_list(struct applet_call *call)
{
	struct client_request request;
	struct target target;
	struct kv_ask ask;
	int code = kv_ask_open(&ask, call);

	if (code == EXIT_YES) {
		target_init(&target, "/v1/kv");
		target_add_bytes(&target, "prefix",
		    bytes_from_text(KEY_ESCROW_REQUESTS));
		target_add_number(&target, "limit", LIST_MAX);
		request = kv_ask_request(call, NULL, &target);
		code = client_call(ask.client, &request, &ask.answer,
			   &ask.err) == AG_OK
		    ? print_list(&ask, call)
		    : kv_ask_fail(&ask, call);
	}
	kv_ask_close(&ask);
	return code;
}

/* --- cancel --- */

/* The key of an id, or of the request in a file. */
static enum ag_status
find_key(char key[static RECOVERY_KEY_BYTES], const char *text,
    struct ag_error *err)
{
	uint8_t id[DIGEST_BYTES];
	struct escrow_request r = { 0 };
	enum ag_status status;

	if (text_hex_decode(id, sizeof(id), bytes_from_text(text)) == AG_OK) {
		(void)snprintf(key, RECOVERY_KEY_BYTES, "%s%s",
		    KEY_ESCROW_REQUESTS, text);
		return AG_OK;
	}
	status = escrow_file_request(&r, text, err);
	if (status == AG_OK)
		recovery_key(key, r.request);
	escrow_file_request_fini(&r);
	return status;
}

int
escrow_cluster_cancel(struct applet_call *call)
{
	char key[RECOVERY_KEY_BYTES];
	struct ag_error err;
	int code;

	if (find_key(key, call->operands[0], &err) != AG_OK)
		return exit_fail_local(call, &err);
	code =
	    change(call, "DELETE", key, UINT64_MAX, bytes_of(NULL, 0), AG_OK);
	if (code == EXIT_YES && !call->is_quiet)
		(void)fprintf(stderr,
		    "cancelled: custodians who look at the cluster refuse it "
		    "from now on\n");
	return code;
}
