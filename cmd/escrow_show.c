/*
 * Requests are shown: whoever approves or answers reads this first.
 */
#include "cmd/escrow_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/display.h"
#include "cmd/escrow_standing.h"
#include "cmd/exit.h"
#include "cmd/output.h"
#include "codec/text.h"
#include "crypto/age_key.h"
#include "crypto/public_key.h"

const struct applet_option escrow_show_options[] = {
	{ 'r', "roster", "FILE", "the rosters; else the node is asked" },
	{ 0, "offline", NULL, "by this machine's clock" },
	OPTIONS_END,
};

static const struct output_column request_columns[] = {
	{ "id", "REQUEST", OUTPUT_VALUE_COLUMN },
	{ "rehearsal", NULL, 0 },
	{ "package", NULL, 0 },
	{ "reason", NULL, 0 },
	{ "recipient", NULL, 0 },
	{ "created", NULL, 0 },
	{ "offline", NULL, 0 },
	{ "delay_s", "DELAY", 0 },
	{ "since", NULL, 0 },
	{ "until", NULL, 0 },
	{ "approvers", NULL, 0 },
	{ "approved", NULL, 0 },
	{ "needed", NULL, 0 },
	{ "approved_by", NULL, 0 },
	{ "ready", NULL, 0 },
	{ "why_not", NULL, 0 },
	{ NULL, NULL, 0 },
};

#define NAMES_BYTES 1024

static void
put_time(struct output *out, bool is_known, uint64_t time_ms)
{
	char text[CLOCK_TEXT_BYTES];

	clock_format_ms(time_ms, text);
	output_text(out, is_known ? text : NULL);
}

static void
put_hex(struct output *out, const struct digest *digest)
{
	char hex[TEXT_HEX_BYTES(DIGEST_BYTES)];

	text_hex(hex, sizeof(hex), bytes_of(digest->data, DIGEST_BYTES));
	output_text(out, hex);
}

static const char *
name_of(const struct roster *roster, const uint8_t *key)
{
	int at = roster_find_operator(roster, key);

	if (at != -1)
		return roster->operators[at].name;
	at = roster_find_node_key(roster, key);
	return at != -1 ? roster->members[at].name : "";
}

/* Those whose approval counts, by name. */
static void
put_approvers(struct output *out, const struct escrow_standing *s,
    const struct recovery *r)
{
	char names[NAMES_BYTES] = "";
	size_t len = 0;

	for (uint32_t i = 0; s->roster != NULL && i < r->approval_count; i++) {
		const struct recovery_approval *a = &r->approvals[i];

		if (len < sizeof(names) &&
		    recovery_approval_holds(r, a, s->roster))
			len += (size_t)snprintf(names + len,
			    sizeof(names) - len, "%s%s", len > 0 ? "," : "",
			    name_of(s->roster, a->key));
	}
	output_list(out, names);
}

static void
put_approval(struct output *out, const struct escrow_standing *s,
    const struct recovery *r)
{
	if (s->needs_approval)
		output_text(out,
		    s->tally.by_operators ? "operators" : "members");
	else
		output_null(out);
	output_u64(out, s->tally.approved);
	output_u64(out, s->tally.needed);
	put_approvers(out, s, r);
}

static void
put_request(struct output *out, const struct escrow_request *r,
    const struct escrow_standing *s)
{
	const struct recovery *q = r->request;
	char recipient[AGE_RECIPIENT_BYTES];
	enum ag_status status;
	struct ag_error err;

	put_hex(out, &q->id);
	output_bool(out, r->package->is_rehearsal);
	put_hex(out, &q->package_id);
	output_text(out, q->reason);
	age_key_format_recipient(recipient, q->recipient);
	output_text(out, recipient);
	put_time(out, true, q->created_ms);
	output_bool(out, q->is_offline);
	output_u64(out, q->delay_ms / 1000);
	put_time(out, s->has_sights, s->first.time_ms);
	put_time(out, s->has_sights, s->latest.time_ms);
	put_approval(out, s, q);
	status = escrow_standing_check(s, &err);
	output_bool(out, status == AG_OK);
	output_text(out, status == AG_OK ? NULL : err.text);
	output_row(out);
}

static int
show(const struct applet_call *call, const struct escrow_request *r)
{
	struct escrow_standing standing;
	struct output *out;
	struct ag_error err;
	int code = escrow_standing_find(&standing, call, r, false);

	if (code == EXIT_YES) {
		if (output_new(&out, call, stdout, NULL, request_columns,
			&err) != AG_OK) {
			code = exit_fail(call, &err);
		} else {
			put_request(out, r, &standing);
			if (output_end(out, &err) != AG_OK)
				code = exit_fail(call, &err);
		}
	}
	escrow_standing_fini(&standing);
	return code;
}

int
escrow_show_file(const struct applet_call *call, const char *path)
{
	struct escrow_request r = { 0 };
	struct ag_error err;
	int code;

	if (call->is_quiet)
		return EXIT_YES;
	code = escrow_file_request(&r, path, &err) == AG_OK
	    ? show(call, &r)
	    : exit_fail_local(call, &err);
	escrow_file_request_fini(&r);
	return code;
}

int
escrow_show_run(struct applet_call *call)
{
	return escrow_show_file(call, call->operands[0]);
}
