/*
 * Showing rosters: a head and a table for people, one document as JSON, and
 * rows of members in the other forms.
 */
#include "cmd/roster_show.h"

#include "base/clock.h"
#include "cmd/json.h"
#include "cmd/output.h"
#include "codec/text.h"
#include "crypto/public_key.h"

static const struct output_column member_columns[] = {
	{ "name", NULL, OUTPUT_VALUE_COLUMN },
	{ "role", NULL, 0 },
	{ "address", NULL, 0 },
	{ "signed", NULL, 0 },
	{ "node_key", NULL, 0 },
	{ "link_key", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static void
cluster_id_text(const struct roster *roster,
    char hex[static TEXT_HEX_BYTES(CLUSTER_ID_BYTES)])
{
	text_hex(hex, TEXT_HEX_BYTES(CLUSTER_ID_BYTES),
	    bytes_of(roster->cluster_id, CLUSTER_ID_BYTES));
}

const char *
roster_show_role(const struct roster_member *member)
{
	return member->is_observer ? "observer" : "member";
}

static uint32_t
signed_count(const struct roster *roster)
{
	uint32_t count = 0;
	uint32_t i;

	for (i = 0; i < roster_node_count(roster); i++)
		count += roster->members[i].is_signed;
	return count;
}

void
roster_show_missing(FILE *stream, const struct roster *roster)
{
	uint32_t count = signed_count(roster);
	uint32_t i;

	(void)fprintf(stream, "signed by %u of %u", count,
	    roster_node_count(roster));
	if (count < roster_node_count(roster))
		(void)fputs("; missing:", stream);
	for (i = 0; i < roster_node_count(roster); i++)
		if (!roster->members[i].is_signed)
			(void)fprintf(stream, " %s", roster->members[i].name);
	(void)fputc('\n', stream);
}

void
roster_show_verdict(FILE *stream, const struct roster *roster)
{
	char hex[TEXT_HEX_BYTES(CLUSTER_ID_BYTES)];

	cluster_id_text(roster, hex);
	(void)fprintf(stream, "cluster %s %s: ", roster->cluster_name, hex);
	if (roster->is_successor) {
		(void)fprintf(stream,
		    "epoch %llu of %u members and %u observers is proved by "
		    "those before it\n",
		    (unsigned long long)roster->epoch, roster->member_count,
		    roster->observer_count);
		return;
	}
	if (roster_node_count(roster) == 1)
		(void)fputs("its one member has signed\n", stream);
	else if (roster->observer_count == 0)
		(void)fprintf(stream, "all %u members have signed\n",
		    roster->member_count);
	else
		(void)fprintf(stream,
		    "all %u members and %u observers have signed\n",
		    roster->member_count, roster->observer_count);
}

static void
show_head(const struct roster *roster)
{
	char hex[TEXT_HEX_BYTES(CLUSTER_ID_BYTES)], created[CLOCK_TEXT_BYTES];
	char key[FINGERPRINT_BYTES];
	uint32_t i;

	cluster_id_text(roster, hex);
	clock_format_ms(roster->created_ms, created);
	(void)
	    printf("cluster   %s\nid        %s\nstrategy  %s\nepoch     %llu\n"
		   "created   %s\ntolerates %u of %u, quorum %u\n",
		roster->cluster_name, hex, roster->strategy,
		(unsigned long long)roster->epoch, created,
		roster_faults(roster), roster->member_count,
		roster_quorum(roster));
	if (roster->observer_count > 0)
		(void)printf("observers %u, without a vote\n",
		    roster->observer_count);
	for (i = 0; i < roster->operator_count; i++) {
		public_key_fingerprint(key, roster->operators[i].key);
		(void)printf("operator  %s %s\n", roster->operators[i].name,
		    key);
	}
	if (roster->policy_operators > 0)
		(void)printf("changes   %u of %u operators approve\n",
		    roster->policy_operators, roster->operator_count);
	if (roster->is_successor)
		(void)printf("successor of epoch %llu, approved by %u%s\n",
		    (unsigned long long)roster->epoch - 1,
		    roster->approval_count,
		    roster->is_proved ? ", and agreed on" : "");
	(void)fputc('\n', stdout);
}

/* Who did not change need not sign a successor again. */
static const char *
signed_text(const struct roster *roster, const struct roster_member *member)
{
	if (member->is_signed)
		return "yes";
	return roster->is_proved ? "before" : "no";
}

static enum ag_status
show_rows(const struct applet_call *call, const struct roster *roster,
    struct ag_error *err)
{
	char fingerprint[FINGERPRINT_BYTES];
	struct output *out;
	enum ag_status status;
	uint32_t i;

	status = output_new(&out, call, stdout, "members", member_columns, err);
	if (status != AG_OK)
		return status;
	if (call->output == OUTPUT_TABLE || call->output == OUTPUT_WIDE)
		show_head(roster);
	for (i = 0; i < roster_node_count(roster); i++) {
		const struct roster_member *member = &roster->members[i];

		output_text(out, member->name);
		output_text(out, roster_show_role(member));
		output_text(out, member->address);
		output_text(out, signed_text(roster, member));
		public_key_fingerprint(fingerprint, member->node_key);
		output_text(out, fingerprint);
		public_key_fingerprint(fingerprint, member->link_key);
		output_text(out, fingerprint);
		output_row(out);
	}
	return output_end(out, err);
}

static void
json_member(struct json *json, const struct roster_member *member)
{
	char fingerprint[FINGERPRINT_BYTES];

	json_object_begin(json);
	json_key(json, "name");
	json_text(json, member->name);
	json_key(json, "address");
	json_text(json, member->address);
	json_key(json, "role");
	json_text(json, roster_show_role(member));
	json_key(json, "signed");
	json_bool(json, member->is_signed);
	public_key_fingerprint(fingerprint, member->node_key);
	json_key(json, "node_fingerprint");
	json_text(json, fingerprint);
	public_key_fingerprint(fingerprint, member->link_key);
	json_key(json, "link_fingerprint");
	json_text(json, fingerprint);
	json_object_end(json);
}

static void
json_operator(struct json *json, const struct roster_operator *person)
{
	char fingerprint[FINGERPRINT_BYTES];

	json_object_begin(json);
	json_key(json, "name");
	json_text(json, person->name);
	public_key_fingerprint(fingerprint, person->key);
	json_key(json, "fingerprint");
	json_text(json, fingerprint);
	json_object_end(json);
}

static void
json_head(struct json *json, const struct roster *roster)
{
	char hex[TEXT_HEX_BYTES(CLUSTER_ID_BYTES)], created[CLOCK_TEXT_BYTES];

	cluster_id_text(roster, hex);
	clock_format_ms(roster->created_ms, created);
	json_key(json, "v");
	json_number(json, 1);
	json_key(json, "cluster");
	json_text(json, roster->cluster_name);
	json_key(json, "cluster_id");
	json_text(json, hex);
	json_key(json, "strategy");
	json_text(json, roster->strategy);
	json_key(json, "epoch");
	json_u64(json, roster->epoch);
	json_key(json, "created");
	json_text(json, created);
	json_key(json, "incarnation");
	json_u64(json, roster->incarnation);
	json_key(json, "first_seq");
	json_u64(json, roster->first_seq);
	json_key(json, "policy_operators");
	json_number(json, (int)roster->policy_operators);
	json_key(json, "complete");
	json_bool(json, roster_is_complete(roster));
	json_key(json, "n");
	json_number(json, (int)roster->member_count);
	json_key(json, "f");
	json_number(json, (int)roster_faults(roster));
	json_key(json, "quorum");
	json_number(json, (int)roster_quorum(roster));
	json_key(json, "observers");
	json_number(json, (int)roster->observer_count);
}

static enum ag_status
show_json(const struct roster *roster, struct ag_error *err)
{
	struct json json;
	uint32_t i;

	json_init(&json, stdout);
	json_object_begin(&json);
	json_head(&json, roster);
	json_key(&json, "members");
	json_array_begin(&json);
	for (i = 0; i < roster_node_count(roster); i++)
		json_member(&json, &roster->members[i]);
	json_array_end(&json);
	json_key(&json, "operators");
	json_array_begin(&json);
	for (i = 0; i < roster->operator_count; i++)
		json_operator(&json, &roster->operators[i]);
	json_array_end(&json);
	json_object_end(&json);
	json_line_end(&json);
	return output_flush(stdout, err);
}

enum ag_status
roster_show(const struct applet_call *call, const struct roster *roster,
    struct ag_error *err)
{
	if (call->output == OUTPUT_JSON)
		return show_json(roster, err);
	return show_rows(call, roster, err);
}
