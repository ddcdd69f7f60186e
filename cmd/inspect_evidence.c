/*
 * aegis consensus-inspect evidence: who signed what no correct member signs.
 *
 * RULES    1. --verify asks nobody: the file and the roster decide.
 *          2. A file that can not be used costs the exit code, not the
 *             others.
 *          3. With a roster only what convinces is shown; without, members
 *             are numbers and nothing is called verified.
 */
#include "cmd/inspect_evidence.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/inspect_data.h"
#include "cmd/kv_ask.h"
#include "store/evidence_store.h"
#include "store/part_evidence.h"

/* --- showing --- */

const struct output_column inspect_evidence_columns[] = {
	{ "id", NULL, OUTPUT_VALUE_COLUMN },
	{ "member", NULL, 0 },
	{ "kind", NULL, 0 },
	{ "view", NULL, OUTPUT_RIGHT },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "found", NULL, 0 },
	{ "text", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static void
put_u64(struct output *out, bool is_known, uint64_t value)
{
	if (is_known)
		output_u64(out, value);
	else
		output_null(out);
}

void
inspect_evidence_row(struct output *out, const struct inspect_evidence_row *row)
{
	output_text(out, row->id);
	output_text(out, row->member);
	output_text(out, row->kind);
	put_u64(out, row->has_view, row->view);
	put_u64(out, row->has_seq, row->seq);
	output_text(out, row->found);
	output_text(out, row->text);
	output_row(out);
}

static const struct output_column card_columns[] = {
	{ "evidence", NULL, 0 },
	{ "text", "proved", OUTPUT_VALUE_COLUMN },
	{ "member", NULL, 0 },
	{ "kind", NULL, 0 },
	{ "cluster", NULL, 0 },
	{ "cluster_id", NULL, 0 },
	{ "epoch", NULL, OUTPUT_RIGHT },
	{ "view", NULL, OUTPUT_RIGHT },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "one_digest", "one signed", 0 },
	{ "other_digest", "other signed", 0 },
	{ "found", NULL, 0 },
	{ "verified", NULL, 0 },
	{ NULL, NULL, 0 },
};

static void
put_hex(struct output *out, const uint8_t *data)
{
	char hex[INSPECT_DIGEST_TEXT];

	text_hex(hex, sizeof(hex), bytes_of(data, DIGEST_BYTES));
	output_text(out, hex);
}

/* A message is neither: what is in it can not be told in a line. */
static void
put_statements(struct output *out, const struct evidence *e)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (evidence_is_message(e->kind))
			output_null(out);
		else
			put_hex(out, e->statements[i].digest.data);
}

static void
put_card(struct output *out, const char *source, const struct evidence *e,
    const struct inspect_names *names, bool is_verified)
{
	char scratch[16], text[EVIDENCE_TEXT_BYTES], found[CLOCK_TEXT_BYTES];
	const char *member = inspect_names_get(names, e->member, scratch);

	evidence_say(text, e, member);
	clock_format_ms(e->found_ms, found);
	output_text(out, source);
	output_text(out, text);
	output_text(out, member);
	output_text(out, evidence_kind_name(e->kind));
	output_text(out, names->cluster[0] != '\0' ? names->cluster : NULL);
	put_hex(out, e->scope.cluster_id);
	output_u64(out, e->scope.epoch);
	put_u64(out, evidence_has_view(e->kind), e->view);
	put_u64(out, e->seq != 0, e->seq);
	put_statements(out, e);
	output_text(out, found);
	output_bool(out, is_verified);
	output_row(out);
}

int
inspect_evidence_show(const struct applet_call *call, const char *source,
    const struct evidence *evidence, struct bytes file,
    const struct inspect_names *names, bool is_verified)
{
	struct ag_error err;
	struct output *out;

	if (call->output == OUTPUT_CBOR)
		return kv_ask_write_value(call, file);
	if (output_new(&out, call, stdout, NULL, card_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	put_card(out, source, evidence, names, is_verified);
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

/* --- a dead node's --- */

/* Of each epoch apart, as a node keeps it: its roster is what verifies it. */
struct dead {
	const struct applet_call *call;
	struct roster *roster; /* of the epoch that is looked at; or NULL */
	struct inspect_names names;
	struct evidence_store *store;
	struct output *out; /* a list; NULL: one record is looked for */
	bool is_found;
	int code; /* of the files that could not be used */
};

/* The worst of several codes: what does not verify counts most. */
static void
on_bad(void *arg, const struct ag_error *err)
{
	struct dead *dead = arg;
	int code = exit_fail_local(dead->call, err);

	if (dead->code != EXIT_VERIFY)
		dead->code = code;
}

static void
list_items(const struct dead *dead)
{
	size_t i;

	for (i = 0; i < evidence_store_count(dead->store); i++) {
		const struct evidence_item *item =
		    evidence_store_item(dead->store, i);
		const struct evidence *e = &item->evidence;
		char scratch[16], text[EVIDENCE_TEXT_BYTES];
		char found[CLOCK_TEXT_BYTES];
		const struct inspect_evidence_row row = {
			.id = item->id,
			.member =
			    inspect_names_get(&dead->names, e->member, scratch),
			.kind = evidence_kind_name(e->kind),
			.has_view = evidence_has_view(e->kind),
			.has_seq = e->seq != 0,
			.view = e->view,
			.seq = e->seq,
			.found = found,
			.text = text,
		};

		clock_format_ms(e->found_ms, found);
		evidence_say(text, e, row.member);
		inspect_evidence_row(dead->out, &row);
	}
}

static int
show_item(struct dead *dead, const char *id)
{
	const struct evidence_item *item =
	    evidence_store_find(dead->store, bytes_from_text(id));

	if (item == NULL)
		return EXIT_YES;
	dead->is_found = true;
	return inspect_evidence_show(dead->call, item->id, &item->evidence,
	    bytes_of(item->file, item->len), &dead->names,
	    dead->roster != NULL);
}

/* List what is kept in one directory, or show the record looked for. */
static int
look_into(struct dead *dead, const char *path)
{
	struct ag_error err;
	int code = EXIT_YES;

	if (dead->roster != NULL)
		inspect_names_of_roster(&dead->names, dead->roster);
	if (evidence_store_open(&dead->store, path, dead->roster, on_bad, dead,
		&err) != AG_OK)
		return exit_fail_local(dead->call, &err);
	if (dead->out != NULL)
		list_items(dead);
	else
		code = show_item(dead, dead->call->operands[0]);
	evidence_store_close(dead->store);
	return code;
}

static int
look_into_epoch(struct dead *dead, uint64_t epoch)
{
	const char *dir = options_text(&dead->call->options, "data");
	char path[PATH_MAX], name[48] = "evidence";
	struct ag_error err;

	if (epoch > 0)
		(void)snprintf(name, sizeof(name), "evidence.%llu",
		    (unsigned long long)epoch);
	if (fs_join(path, sizeof(path), dir, name, &err) != AG_OK)
		return exit_fail_local(dead->call, &err);
	if (epoch > 0 && !fs_exists(path))
		return EXIT_YES;
	if (dead->roster != NULL && dead->roster->is_successor &&
	    inspect_data_turn(dead->roster, dead->call, epoch, &err) != AG_OK)
		return exit_fail_local(dead->call, &err);
	return look_into(dead, path);
}

/* The newest epoch first: turning back reads the chain anew. */
static int
look_everywhere(struct dead *dead)
{
	uint64_t epoch = dead->roster != NULL && dead->roster->is_successor
	    ? dead->roster->epoch
	    : 0;
	int code = EXIT_YES;

	do
		code = look_into_epoch(dead, epoch);
	while (epoch-- > 0 && code == EXIT_YES && !dead->is_found);
	return code;
}

static int
fail_not_kept(const struct dead *dead)
{
	struct ag_error err;

	(void)ag_fail(&err, AG_ENOENT, "%s: no evidence named %s is kept there",
	    options_text(&dead->call->options, "data"),
	    dead->call->operands[0]);
	return exit_fail(dead->call, &err);
}

int
inspect_evidence_data(struct applet_call *call)
{
	const bool is_list = call->operand_count == 0;
	static struct dead dead;
	struct ag_error err;
	int code;

	dead = (struct dead){ .call = call, .code = EXIT_YES };
	if (inspect_data_roster(&dead.roster, call, &err) != AG_OK ||
	    (is_list &&
		output_new(&dead.out, call, stdout, "evidence",
		    inspect_evidence_columns, &err) != AG_OK))
		code = exit_fail_local(call, &err);
	else
		code = look_everywhere(&dead);
	if (dead.out != NULL && output_end(dead.out, &err) != AG_OK)
		code = exit_fail(call, &err);
	if (code == EXIT_YES && !is_list && !dead.is_found)
		code = fail_not_kept(&dead);
	free(dead.roster);
	return code == EXIT_YES ? dead.code : code;
}

/* --- a file --- */

static enum ag_status
read_file(struct evidence *evidence, struct buf *data, const char *path,
    const struct applet_call *call, struct roster *roster, struct ag_error *err)
{
	enum ag_status status = fs_read_file(path, data, err);

	if (status == AG_ELIMIT)
		return ag_fail(err, AG_ECORRUPT,
		    "%s: longer than any exported evidence", path);
	if (status != AG_OK)
		return status;
	status = evidence_decode(evidence, buf_bytes(data), err);
	/* Without its epoch's roster it is refused, and why is said. */
	if (status == AG_OK)
		(void)!inspect_data_turn(roster, call, evidence->scope.epoch,
		    err);
	if (status == AG_OK)
		status = part_evidence_verify(evidence, roster, err);
	if (status != AG_OK)
		ag_error_prefix(err, "%s", path);
	return status;
}

static int
verify_file(const struct applet_call *call, struct roster *roster)
{
	const char *path = options_text(&call->options, "verify");
	static struct inspect_names names;
	struct evidence evidence;
	struct ag_error err;
	struct buf data;
	int code;

	/* One byte more, so that too long is told from just long enough. */
	buf_init(&data, EVIDENCE_BYTES_MAX + 2);
	if (read_file(&evidence, &data, path, call, roster, &err) != AG_OK)
		code = exit_fail_local(call, &err);
	else if (call->is_quiet)
		code = EXIT_YES;
	else {
		inspect_names_of_roster(&names, roster);
		code = inspect_evidence_show(call, path, &evidence,
		    buf_bytes(&data), &names, true);
	}
	buf_fini(&data);
	return code;
}

int
inspect_evidence_verify(struct applet_call *call)
{
	struct roster *roster;
	struct ag_error err;
	int code;

	if (call->operand_count > 0 || options_has(&call->options, "data"))
		return applet_usage(call,
		    "--verify FILE takes neither ID nor --data DIR: the file "
		    "is the record");
	if (call->output == OUTPUT_CBOR)
		return applet_usage(call,
		    "--verify FILE says what is proved: -o cbor is for "
		    "exporting");
	if (inspect_data_roster(&roster, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	if (roster == NULL)
		return applet_usage(call,
		    "--roster FILE is needed: it says whose signatures count");
	code = verify_file(call, roster);
	free(roster);
	return code;
}
