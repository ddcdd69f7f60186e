/*
 * What an order about key epochs says, and what came of it.
 */
#include "cmd/keys_order_show.h"

#include <inttypes.h>
#include <stdio.h>

#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "cmd/output.h"

static const struct output_column order_columns[] = {
	{ "action", NULL, OUTPUT_VALUE_COLUMN },
	{ "after", NULL, OUTPUT_RIGHT },
	{ "approved", NULL, OUTPUT_RIGHT },
	{ "needed", NULL, OUTPUT_RIGHT },
	{ "max_age_s", NULL, OUTPUT_RIGHT },
	{ "max_bytes", NULL, OUTPUT_RIGHT },
	{ "on_member_change", NULL, OUTPUT_WIDE_ONLY },
	{ "reason", NULL, 0 },
	{ NULL, NULL, 0 },
};

static const struct output_column done_columns[] = {
	{ "epoch", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "request", NULL, 0 },
	{ NULL, NULL, 0 },
};

static const struct output_column policy_columns[] = {
	{ "max_age_s", NULL, OUTPUT_RIGHT },
	{ "max_bytes", NULL, OUTPUT_RIGHT },
	{ "on_member_change", NULL, 0 },
	{ "due", NULL, 0 },
	{ NULL, NULL, 0 },
};

static void
row_limit(struct output *out, uint64_t limit)
{
	if (limit == 0)
		output_null(out);
	else
		output_u64(out, limit);
}

static const char *
action_name(enum key_action action)
{
	switch (action) {
	case KEY_ACTION_ROTATE:
		return "rotate";
	case KEY_ACTION_ROTATE_NOW:
		return "rotate-now";
	case KEY_ACTION_POLICY:
	default:
		return "policy";
	}
}

int
keys_order_show(const struct applet_call *call, const struct key_order *order,
    const struct roster *roster)
{
	const bool is_policy = order->action == KEY_ACTION_POLICY;
	struct output *out;
	struct ag_error err;

	if (call->is_quiet)
		return EXIT_YES;
	if (output_new(&out, call, stdout, NULL, order_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	output_text(out, action_name(order->action));
	output_u64(out, order->serial);
	output_u64(out, key_order_approved(order, roster));
	output_u64(out, roster_approvals_needed(roster));
	row_limit(out, order->policy.max_age_ms / 1000);
	row_limit(out, order->policy.max_bytes);
	if (is_policy)
		output_bool(out, order->policy.on_member_change);
	else
		output_null(out);
	output_text(out, order->reason);
	output_row(out);
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}

void
keys_order_show_meaning(const struct applet_call *call,
    const struct key_order *order)
{
	const struct key_policy *policy = &order->policy;

	if (call->is_quiet)
		return;
	if (order->action != KEY_ACTION_POLICY)
		(void)fprintf(stderr, "to sign: begin the next key epoch%s",
		    order->action == KEY_ACTION_ROTATE_NOW
			? ", for the present keys may be known"
			: "");
	else
		(void)fprintf(stderr,
		    "to sign: key epochs end at an age of %" PRIu64
		    " s (0: any), after %" PRIu64
		    " bytes (0: any), and when a member %s",
		    policy->max_age_ms / 1000, policy->max_bytes,
		    policy->on_member_change ? "comes or goes" : "goes");
	(void)fprintf(stderr, "%s%s\n", order->reason[0] != '\0' ? ": " : "",
	    order->reason);
}

int
keys_order_show_done(const struct applet_call *call, const json_t *answer)
{
	struct output *out;
	struct ag_error err;

	if (call->is_quiet)
		return EXIT_YES;
	if (output_new(&out, call, stdout, NULL, done_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	output_u64(out, kv_ask_u64(answer, "epoch"));
	output_u64(out, kv_ask_u64(answer, "seq"));
	output_text(out, json_string_value(json_object_get(answer, "request")));
	output_row(out);
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}

int
keys_order_show_policy(const struct applet_call *call, const json_t *keys)
{
	const json_t *policy = json_object_get(keys, "policy");
	struct output *out;
	struct ag_error err;

	if (output_new(&out, call, stdout, NULL, policy_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	row_limit(out, kv_ask_u64(policy, "max_age_ms") / 1000);
	row_limit(out, kv_ask_u64(policy, "max_bytes"));
	output_bool(out,
	    json_is_true(json_object_get(policy, "on_member_change")));
	output_text(out, json_string_value(json_object_get(keys, "due")));
	output_row(out);
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}
