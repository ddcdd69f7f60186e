/*
 * aegis consensus-inspect trace: where a request was on every node.
 *
 * RULES    1. A row says whose word it is: the node's own, or another's that
 *             saw its votes.  Who was asked has a row of its own word only.
 *          2. A node that cannot be asked is named, and does not hide what
 *             others tell.
 *          3. Times are each node's clock; only differences within a row mean
 *             anything to the microsecond.
 */
#include "cmd/inspect_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/exit.h"
#include "cmd/inspect_ask.h"
#include "cmd/inspect_data.h"
#include "cmd/inspect_log.h"
#include "cmd/inspect_place.h"
#include "cmd/inspect_show.h"
#include "codec/batch.h"
#include "consensus/record.h"
#include "trust/field.h"

#define TIMES 7
#define ROWS_MAX (2 * TRUST_MEMBERS_MAX)

static const char *const time_names[TIMES] = { "received_us", "sent_us",
	"proposed_us", "prepared_us", "committed_us", "executed_us",
	"answered_us" };

static const struct output_column trace_columns[] = {
	{ "node", NULL, 0 },
	{ "phase", NULL, OUTPUT_VALUE_COLUMN },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "view", NULL, OUTPUT_RIGHT },
	{ "code", NULL, 0 },
	{ "received_us", "RECEIVED", OUTPUT_RIGHT },
	{ "sent_us", "SENT", OUTPUT_RIGHT },
	{ "proposed_us", "PROPOSED", OUTPUT_RIGHT },
	{ "prepared_us", "PREPARED", OUTPUT_RIGHT },
	{ "committed_us", "COMMITTED", OUTPUT_RIGHT },
	{ "executed_us", "EXECUTED", OUTPUT_RIGHT },
	{ "answered_us", "ANSWERED", OUTPUT_RIGHT },
	{ "told_by", "TOLD BY", 0 },
	{ "began", NULL, 0 },
	{ "answer", NULL, OUTPUT_WIDE_ONLY },
	{ "batch_time", "BATCH TIME", OUTPUT_WIDE_ONLY },
	{ "digest", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

struct row {
	char node[ROSTER_NAME_BYTES];
	char told_by[ROSTER_NAME_BYTES];
	char phase[16];
	char code[32], answer[32];
	char began[40], batch_time[40];
	char digest[INSPECT_DIGEST_TEXT];
	bool has_seq, has_view;
	uint64_t seq, view;
	bool has_times[TIMES];
	uint64_t times[TIMES];
};

struct trace {
	struct applet_call *call;
	uint8_t principal[PRINCIPAL_BYTES];
	uint64_t number;
	struct inspect_place place;  /* that is asked */
	struct inspect_place teller; /* the first that knew of it, if it runs */
	struct row rows[ROWS_MAX];
	size_t count;
	bool is_known; /* by anybody */
	int code;      /* the worst of who could not be asked */
};

static bool
parse_id(struct trace *t)
{
	const char *text = t->call->operands[0];
	size_t len = strlen(text);

	if (len > 65 && text[64] == '.' &&
	    text_hex_decode(t->principal, sizeof(t->principal),
		bytes_of(text, 64)) == AG_OK &&
	    field_parse_u64(&t->number, bytes_from_text(text + 65)))
		return true;
	(void)applet_usage(t->call,
	    "REQUEST-ID '%s' is none: it is the \"request\" of a write's "
	    "answer (kv put -o json)",
	    text);
	return false;
}

static struct row *
row_new(struct trace *t, const char *node, const char *told_by)
{
	struct row *row;

	if (t->count == ROWS_MAX)
		return NULL;
	row = &t->rows[t->count++];
	*row = (struct row){ 0 };
	(void)snprintf(row->node, sizeof(row->node), "%s", node);
	(void)snprintf(row->told_by, sizeof(row->told_by), "%s", told_by);
	return row;
}

static bool
has_row(const struct trace *t, const char *node)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (strcmp(t->rows[i].node, node) == 0)
			return true;
	return false;
}

/* --- a running node --- */

static bool
is_text(const json_t *object, const char *key)
{
	return json_is_string(json_object_get(object, key));
}

static void
row_fill(struct row *row, const json_t *root)
{
	size_t i;

	inspect_ask_copy(row->phase, sizeof(row->phase), root, "phase");
	inspect_ask_copy(row->code, sizeof(row->code), root, "code");
	inspect_ask_copy(row->answer, sizeof(row->answer), root, "answer");
	inspect_ask_copy(row->began, sizeof(row->began), root, "began");
	inspect_ask_copy(row->batch_time, sizeof(row->batch_time), root,
	    "batch_time");
	inspect_ask_copy(row->digest, sizeof(row->digest), root, "digest");
	row->has_seq = is_text(root, "seq");
	row->seq = kv_ask_u64(root, "seq");
	row->has_view = is_text(root, "view");
	row->view = kv_ask_u64(root, "view");
	for (i = 0; i < TIMES; i++) {
		row->has_times[i] = is_text(root, time_names[i]);
		row->times[i] = kv_ask_u64(root, time_names[i]);
	}
}

static bool
lists(const json_t *names, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(names, i, item) if (json_is_string(item) &&
	    strcmp(json_string_value(item), name) == 0) return true;
	return false;
}

/* How far a member came, as another that has its votes sees it. */
static const char *
phase_of(const json_t *root, const json_t *member, uint64_t seq)
{
	const char *name = inspect_ask_text(member, "name");

	if (seq != 0 && kv_ask_u64(member, "executed") >= seq)
		return "EXECUTED";
	if (lists(json_object_get(root, "commits"), name))
		return "PREPARED";
	if (lists(json_object_get(root, "prepares"), name))
		return "PROPOSED";
	return "UNKNOWN";
}

/* Rows of the members that were not asked. */
static void
add_others(struct trace *t, const json_t *root, const json_t *status)
{
	const char *teller = inspect_ask_text(root, "node");
	const json_t *member;
	struct row *row;
	size_t i;

	json_array_foreach(json_object_get(status, "members"), i, member)
	{
		const char *name = inspect_ask_text(member, "name");

		if (has_row(t, name) ||
		    (row = row_new(t, name, teller)) == NULL)
			continue;
		row->seq = kv_ask_u64(root, "seq");
		row->has_seq = row->seq != 0;
		(void)snprintf(row->phase, sizeof(row->phase), "%s",
		    phase_of(root, member, row->seq));
	}
}

/* What the node says of the request; NULL with ask->err filled. */
static json_t *
ask_trace(struct trace *t, struct kv_ask *ask)
{
	struct target target;

	target_init(&target, "/v1/consensus/trace");
	target_add_text(&target, "id", t->call->operands[0]);
	return inspect_ask(ask, t->call, &target);
}

static json_t *
ask_status(struct trace *t, struct kv_ask *ask)
{
	struct target target;

	target_init(&target, "/v1/status");
	return inspect_ask(ask, t->call, &target);
}

/* The node knows nothing of it, and says who it is all the same. */
static void
take_unknown(struct trace *t, struct kv_ask *ask)
{
	json_t *status = ask_status(t, ask);
	const char *name = inspect_ask_text(status, "node");
	struct row *row = status == NULL ? NULL : row_new(t, name, name);

	if (row != NULL)
		(void)snprintf(row->phase, sizeof(row->phase), "UNKNOWN");
	json_decref(status);
}

static int
take_live(struct trace *t, struct kv_ask *ask)
{
	json_t *root = ask_trace(t, ask);
	const char *name = inspect_ask_text(root, "node");
	struct row *row;

	if (root == NULL && ask->err.status == AG_ENOENT) {
		take_unknown(t, ask);
		return EXIT_YES;
	}
	if (root == NULL)
		return kv_ask_fail(ask, t->call);
	row = row_new(t, name, name);
	if (row != NULL)
		row_fill(row, root);
	t->is_known = true;
	json_decref(root);
	return EXIT_YES;
}

/* The members nobody was asked about, as this one sees them. */
static void
take_others(struct trace *t, const struct inspect_place *place)
{
	json_t *root = NULL, *status = NULL;
	struct kv_ask ask;

	if (kv_ask_open_at(&ask, t->call, place->path) == EXIT_YES &&
	    (root = ask_trace(t, &ask)) != NULL &&
	    (status = ask_status(t, &ask)) != NULL)
		add_others(t, root, status);
	json_decref(root);
	json_decref(status);
	kv_ask_close(&ask);
}

/* --- a dead node's log --- */

struct search {
	const struct trace *trace;
	uint64_t seq; /* 0: not found */
	struct digest digest;
};

static void
search_record(void *arg, const struct inspect_log *log, uint64_t number,
    const struct record *record, const struct certificate *certificate,
    const struct inspect_entry *entry)
{
	struct search *s = arg;

	(void)log;
	(void)number;
	(void)certificate;
	(void)entry;
	if (record->batch.len == 0 ||
	    !batch_holds(record->batch, s->trace->principal, s->trace->number))
		return;
	s->seq = record->seq;
	digest_of(&s->digest, record->batch);
}

static void
row_of_log(struct trace *t, const struct inspect_log *log,
    const struct search *s, const char *path)
{
	const struct inspect_entry *e = inspect_log_find(log, s->seq);
	const char *slash = strrchr(path, '/');
	const char *name = log->self >= 0 ? log->names.names[log->self]
	    : slash != NULL               ? slash + 1
					  : path;
	struct row *row = row_new(t, name, "its log");
	bool is_decided;

	if (row == NULL)
		return;
	(void)snprintf(row->phase, sizeof(row->phase), "UNKNOWN");
	if (e == NULL)
		return;
	t->is_known = true;
	is_decided =
	    e->committed_record != 0 && digest_equal(&e->committed, &s->digest);
	(void)snprintf(row->phase, sizeof(row->phase), "%s",
	    is_decided || e->committed_record == 0 ? inspect_log_phase(log, e)
						   : "PROPOSED");
	row->has_seq = true;
	row->seq = e->seq;
	row->has_view = true;
	row->view = e->view;
	text_hex(row->digest, sizeof(row->digest),
	    bytes_of(s->digest.data, DIGEST_BYTES));
}

static int
take_dead(struct trace *t, const char *path)
{
	struct search search = { .trace = t };
	struct inspect_log *log = NULL;
	struct roster *roster = NULL;
	struct ag_error err;
	int code = EXIT_YES;

	if (inspect_data_roster_of(&roster, t->call, path, &err) != AG_OK ||
	    inspect_log_open(&log, t->call, path, roster, search_record,
		&search, &err) != AG_OK)
		code = exit_fail_local(t->call, &err);
	else
		row_of_log(t, log, &search, path);
	if (code == EXIT_YES && log->damage.status != AG_OK)
		code = exit_fail(t->call, &log->damage);
	inspect_log_close(log);
	free(roster);
	return code;
}

/* --- all of it --- */

static int
take_place(struct trace *t, const struct inspect_place *place)
{
	struct kv_ask ask;
	int code;

	if (place->is_dead)
		return take_dead(t, place->path);
	code = kv_ask_open_at(&ask, t->call, place->path);
	if (code == EXIT_YES)
		code = take_live(t, &ask);
	kv_ask_close(&ask);
	return code;
}

static void
put(struct output *out, const char *text)
{
	output_text(out, text[0] != '\0' ? text : NULL);
}

static void
put_number(struct output *out, bool is_known, uint64_t value)
{
	if (is_known)
		output_u64(out, value);
	else
		output_null(out);
}

static void
show_row(struct output *out, const struct row *row)
{
	size_t i;

	put(out, row->node);
	put(out, row->phase);
	put_number(out, row->has_seq, row->seq);
	put_number(out, row->has_view, row->view);
	put(out, row->code);
	for (i = 0; i < TIMES; i++)
		put_number(out, row->has_times[i], row->times[i]);
	put(out, row->told_by);
	put(out, row->began);
	put(out, row->answer);
	put(out, row->batch_time);
	put(out, row->digest);
	output_row(out);
}

static int
show(const struct trace *t)
{
	struct ag_error err;
	struct output *out;
	size_t i;

	if (output_new(&out, t->call, stdout, "nodes", trace_columns, &err) !=
	    AG_OK)
		return exit_fail(t->call, &err);
	for (i = 0; i < t->count; i++)
		show_row(out, &t->rows[i]);
	if (output_end(out, &err) != AG_OK)
		return exit_fail(t->call, &err);
	return EXIT_YES;
}

static int
finish(struct trace *t)
{
	struct ag_error err;
	int code;

	if (!t->is_known && t->code == EXIT_YES) {
		(void)ag_fail(&err, AG_ENOENT,
		    "request %s: nothing is known of it where it was looked "
		    "for; check the id, ask the node it was sent to, and ask "
		    "before its log is cut",
		    t->call->operands[0]);
		return exit_fail(t->call, &err);
	}
	if (t->count == 0)
		return t->code;
	code = t->call->is_quiet ? EXIT_YES : show(t);
	if (code != EXIT_YES)
		return code;
	return t->code == EXIT_YES ? EXIT_YES : EXIT_PARTIAL;
}

/* Ask one place; count 0: the one that is configured. */
static void
take_one(struct trace *t, size_t i, size_t count)
{
	const struct applet_call *call = t->call;
	const bool was_known = t->is_known;
	struct ag_error err;
	enum ag_status status = count == 0
	    ? inspect_place_default(&t->place, call, &err)
	    : inspect_place_find(&t->place, call->operands[1 + i], &err);
	int code;

	t->is_known = false;
	code = status != AG_OK ? exit_fail_local(call, &err)
			       : take_place(t, &t->place);
	if (code != EXIT_YES)
		t->code = code;
	else if (t->is_known && !t->place.is_dead && t->teller.is_dead)
		t->teller = t->place;
	t->is_known = t->is_known || was_known;
}

static int
take_all(struct trace *t)
{
	size_t i, count = t->call->operand_count - 1;

	t->teller.is_dead = true;
	for (i = 0; i < (count == 0 ? 1 : count); i++)
		take_one(t, i, count);
	if (!t->teller.is_dead)
		take_others(t, &t->teller);
	return finish(t);
}

int
inspect_trace_run(struct applet_call *call)
{
	struct trace *t = calloc(1, sizeof(*t));
	struct ag_error err;
	int code;

	if (t == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		return exit_fail(call, &err);
	}
	t->call = call;
	if (call->operand_count > 1 && options_has(&call->options, "data"))
		code = applet_usage(call, "give either NODE or --data DIR");
	else
		code = parse_id(t) ? take_all(t) : EXIT_USAGE;
	free(t);
	return code;
}
