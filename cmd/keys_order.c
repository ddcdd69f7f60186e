/*
 * Orders about key epochs: made, signed and put to agreement.
 *
 * RULES    1. An order is made for what a node says was decided so far, and
 *             is signed only after it was told what it says.
 *          2. Where the keys at hand are too few the order goes from hand to
 *             hand in a file: nothing happens until it is applied.
 *
 * NOT HERE What an order says (keys_order_show.c).
 */
#include "cmd/keys_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/keys_order_show.h"
#include "cmd/kv_ask.h"
#include "cmd/member_node.h"
#include "cmd/signing_key.h"
#include "trust/chain.h"
#include "trust/key_order.h"

#define KEY_OPTIONS                                                   \
	{ 'i', "identity", "FILE",                                    \
		"sign with this key, or pkcs11: URI; repeatable" },   \
	{                                                             \
		'd', "data", "DIR",                                   \
		    "sign with this directory's node key; repeatable" \
	}

#define ORDER_FILE_OPTION                                                   \
	{                                                                   \
		0, "order-file", "FILE", "write the order here, for others" \
	}

const struct applet_option keys_rotate_options[] = {
	{ 0, "reason", "TEXT", "why; the cluster keeps it, and all see it" },
	{ 0, "now", NULL, "the present keys may be known: replace them soon" },
	KEY_OPTIONS,
	ORDER_FILE_OPTION,
	OPTIONS_END,
};

const struct applet_option keys_policy_options[] = {
	{ 0, "max-age", "TIME", "end an epoch at this age, or none" },
	{ 0, "max-bytes", "SIZE", "end it after so much was put, or none" },
	{ 0, "on-member-change", "YES|NO", "end it also when a member comes" },
	{ 0, "reason", "TEXT", "why; those who sign see it" },
	KEY_OPTIONS,
	ORDER_FILE_OPTION,
	OPTIONS_END,
};

const struct applet_option keys_sign_options[] = {
	KEY_OPTIONS,
	OPTIONS_END,
};

/* An order under way; rosters are too large for the stack. */
struct work {
	struct roster roster;
	struct key_order order;
	uint8_t bytes[KEY_ORDER_BYTES_MAX];
	struct buf file;
	json_t *keys; /* the node's /v1/keys */
};

static struct work *
work_new(void)
{
	struct work *w = calloc(1, sizeof(*w));

	if (w != NULL)
		buf_init(&w->file, KEY_ORDER_BYTES_MAX);
	return w;
}

static void
work_free(struct work *w)
{
	if (w == NULL)
		return;
	buf_fini(&w->file);
	json_decref(w->keys);
	free(w);
}

static int
with_work(struct applet_call *call,
    int (*run)(struct applet_call *call, struct work *w))
{
	struct work *w = work_new();
	struct ag_error err;
	int code;

	if (w == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		return exit_fail(call, &err);
	}
	code = run(call, w);
	work_free(w);
	return code;
}

/* --- asking the node --- */

int
keys_order_ask(const struct applet_call *call, bool is_quiet, json_t **out)
{
	struct kv_ask ask;
	int code = kv_ask_open(&ask, call);

	*out = NULL;
	if (code == EXIT_YES &&
	    client_get(ask.client, "/v1/keys", &ask.answer, &ask.err) != AG_OK)
		code = is_quiet ? EXIT_UNREACHABLE : kv_ask_fail(&ask, call);
	if (code == EXIT_YES) {
		*out = kv_ask_json(&ask);
		if (*out == NULL)
			code = exit_fail(call, &ask.err);
	}
	kv_ask_close(&ask);
	return code;
}

static int
ask_roster(struct applet_call *call, struct work *w)
{
	struct ag_error err;
	struct buf chain;
	int code;

	buf_init(&chain, CHAIN_BYTES_MAX);
	code = member_node_chain(call, &chain);
	if (code == EXIT_YES &&
	    chain_parse(&w->roster, NULL, buf_bytes(&chain), CHAIN_NEWEST,
		"the node's rosters", &err) != AG_OK)
		code = exit_fail(call, &err);
	buf_fini(&chain);
	return code;
}

static int
post(const struct applet_call *call, struct bytes order, json_t **answer)
{
	struct client_request request;
	struct target target;
	struct kv_ask ask;
	int code = kv_ask_open(&ask, call);

	*answer = NULL;
	if (code == EXIT_YES) {
		target_init(&target, "/v1/keys");
		request = kv_ask_request(call, "POST", &target);
		request.content_type = "application/cbor";
		request.body = order;
		request.has_body = true;
		if (client_call(ask.client, &request, &ask.answer, &ask.err) !=
		    AG_OK)
			code = kv_ask_fail(&ask, call);
	}
	if (code == EXIT_YES) {
		*answer = kv_ask_json(&ask);
		if (*answer == NULL)
			code = exit_fail(call, &ask.err);
	}
	kv_ask_close(&ask);
	return code;
}

/* --- signing and applying --- */

static enum ag_status
sign_with(const struct signer *signer, void *arg, struct ag_error *err)
{
	struct work *w = arg;

	return key_order_sign(&w->order, &w->roster, signer, err);
}

static int
sign_all(struct applet_call *call, struct work *w)
{
	struct ag_error err;
	enum ag_status status = signing_key_each(call, sign_with, w, &err);

	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

static int
apply(struct applet_call *call, struct work *w)
{
	json_t *answer = NULL;
	struct ag_error err;
	enum ag_status status = key_order_verify(&w->order, &w->roster, &err);
	int code;

	if (status == AG_EFORGED) {
		ag_error_prefix(&err,
		    "nothing was changed; have others sign it "
		    "(--order-file, aegis keys sign)");
		return exit_fail_code(call, &err, EXIT_DENIED);
	}
	if (status != AG_OK)
		return exit_fail(call, &err);
	code = post(call, key_order_encode(&w->order, w->bytes), &answer);
	if (code == EXIT_YES)
		code = keys_order_show_done(call, answer);
	json_decref(answer);
	return code;
}

static int
write_order(const struct applet_call *call, struct work *w, const char *path,
    bool is_new)
{
	const struct bytes order = key_order_encode(&w->order, w->bytes);
	struct ag_error err;
	enum ag_status status = is_new ? fs_create_file(path, 0644, order, &err)
				       : fs_write_file(path, 0644, order, &err);

	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

/* What the order is for, as the node has it. */
static int
begin(struct applet_call *call, struct work *w)
{
	int code =
	    w->keys != NULL ? EXIT_YES : keys_order_ask(call, false, &w->keys);

	if (code == EXIT_YES)
		code = ask_roster(call, w);
	if (code != EXIT_YES)
		return code;
	memcpy(w->order.cluster_id, w->roster.cluster_id, CLUSTER_ID_BYTES);
	w->order.serial = kv_ask_u64(w->keys, "serial");
	return EXIT_YES;
}

/* Sign it, and hand it on or have it obeyed. */
static int
finish(struct applet_call *call, struct work *w)
{
	const char *path = options_text(&call->options, "order-file");
	int code = sign_all(call, w);

	if (code != EXIT_YES || path == NULL)
		return code == EXIT_YES ? apply(call, w) : code;
	code = write_order(call, w, path, true);
	return code == EXIT_YES ? keys_order_show(call, &w->order, &w->roster)
				: code;
}

/* False after complaining. */
static bool
take_reason(struct applet_call *call, struct key_order *order)
{
	const char *reason = options_text(&call->options, "reason");

	if (reason == NULL)
		return true;
	if (!key_order_is_reason(bytes_from_text(reason))) {
		(void)applet_usage(call,
		    "option --reason: at most %d bytes in a line",
		    KEY_ORDER_REASON_BYTES - 1);
		return false;
	}
	(void)snprintf(order->reason, sizeof(order->reason), "%s", reason);
	return true;
}

static int
rotate(struct applet_call *call, struct work *w)
{
	int code;

	w->order.action = options_has(&call->options, "now")
	    ? KEY_ACTION_ROTATE_NOW
	    : KEY_ACTION_ROTATE;
	if (!take_reason(call, &w->order))
		return EXIT_USAGE;
	code = begin(call, w);
	return code == EXIT_YES ? finish(call, w) : code;
}

int
keys_rotate(struct applet_call *call)
{
	return with_work(call, rotate);
}

/* --- the policy --- */

static bool
is_none(const struct applet_call *call, const char *name)
{
	const char *text = options_text(&call->options, name);

	return text != NULL && strcmp(text, "none") == 0;
}

/* What is given of it; the rest is as it is.  False after complaining. */
static bool
take_policy(struct applet_call *call, struct key_policy *policy)
{
	const char *change = options_text(&call->options, "on-member-change");
	enum ag_status status = AG_OK;
	struct ag_error err;

	if (is_none(call, "max-age"))
		policy->max_age_ms = 0;
	else
		status = options_duration_ms(&call->options, "max-age",
		    &policy->max_age_ms, &err);
	if (is_none(call, "max-bytes"))
		policy->max_bytes = 0;
	else if (status == AG_OK)
		status = options_size(&call->options, "max-bytes",
		    &policy->max_bytes, &err);
	if (status == AG_OK)
		status = key_policy_check(policy, &err);
	if (status != AG_OK) {
		(void)applet_usage(call, "%s", err.text);
		return false;
	}
	if (change == NULL)
		return true;
	policy->on_member_change = strcmp(change, "yes") == 0;
	if (policy->on_member_change || strcmp(change, "no") == 0)
		return true;
	(void)applet_usage(call, "option --on-member-change: yes or no");
	return false;
}

static int
policy(struct applet_call *call, struct work *w)
{
	const struct options *o = &call->options;
	struct key_policy *policy = &w->order.policy;
	const json_t *present;
	int code = keys_order_ask(call, false, &w->keys);

	if (code != EXIT_YES)
		return code;
	if (!options_has(o, "max-age") && !options_has(o, "max-bytes") &&
	    !options_has(o, "on-member-change"))
		return keys_order_show_policy(call, w->keys);
	present = json_object_get(w->keys, "policy");
	policy->max_age_ms = kv_ask_u64(present, "max_age_ms");
	policy->max_bytes = kv_ask_u64(present, "max_bytes");
	policy->on_member_change =
	    json_is_true(json_object_get(present, "on_member_change"));
	w->order.action = KEY_ACTION_POLICY;
	if (!take_reason(call, &w->order) || !take_policy(call, policy))
		return EXIT_USAGE;
	code = begin(call, w);
	return code == EXIT_YES ? finish(call, w) : code;
}

int
keys_policy(struct applet_call *call)
{
	return with_work(call, policy);
}

/* --- an order in a file --- */

static int
load(struct applet_call *call, struct work *w)
{
	const char *path = call->operands[0];
	struct ag_error err;

	if (fs_read_file(path, &w->file, &err) != AG_OK)
		return exit_fail_local(call, &err);
	if (key_order_decode(&w->order, buf_bytes(&w->file), &err) != AG_OK) {
		(void)ag_fail(&err, AG_EINVAL,
		    "%s: it is no order about key epochs, or is damaged", path);
		return exit_fail_local(call, &err);
	}
	return ask_roster(call, w);
}

/* Is it one that this cluster could still obey? */
static int
check_alive(const struct applet_call *call, struct work *w)
{
	struct ag_error err;
	int code;

	if (memcmp(w->order.cluster_id, w->roster.cluster_id,
		CLUSTER_ID_BYTES) != 0) {
		(void)ag_fail(&err, AG_ECONFLICT,
		    "%s: the order is for another cluster than %s",
		    call->operands[0], w->roster.cluster_name);
		return exit_fail(call, &err);
	}
	code = keys_order_ask(call, false, &w->keys);
	if (code != EXIT_YES ||
	    w->order.serial >= kv_ask_u64(w->keys, "serial"))
		return code;
	(void)ag_fail(&err, AG_ECONFLICT,
	    "%s: another decision on key epochs came first; make another "
	    "order, if it is still to be",
	    call->operands[0]);
	return exit_fail(call, &err);
}

static int
sign(struct applet_call *call, struct work *w)
{
	int code = load(call, w);

	if (code == EXIT_YES)
		code = check_alive(call, w);
	if (code == EXIT_YES) {
		keys_order_show_meaning(call, &w->order);
		code = sign_all(call, w);
	}
	if (code == EXIT_YES)
		code = write_order(call, w, call->operands[0], false);
	return code == EXIT_YES ? keys_order_show(call, &w->order, &w->roster)
				: code;
}

int
keys_sign(struct applet_call *call)
{
	return with_work(call, sign);
}

static int
apply_file(struct applet_call *call, struct work *w)
{
	int code = load(call, w);

	return code == EXIT_YES ? apply(call, w) : code;
}

int
keys_apply(struct applet_call *call)
{
	return with_work(call, apply_file);
}
