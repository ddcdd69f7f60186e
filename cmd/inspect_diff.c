/*
 * aegis consensus-inspect diff: do two nodes have the same?
 *
 * RULES    1. What both keep is compared and nothing else; how much that was
 *             is said, so that "equal" says of how much.
 *          2. The first sequence that differs decides: what follows a
 *             difference differs too.
 *          3. Equal is 0 and different is 1.  Where nothing can be compared
 *             it is neither.
 */
#include "cmd/inspect_diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/exit.h"
#include "cmd/inspect_side.h"
#include "cmd/output.h"
#include "store/store_diff.h"

/* Running nodes' states are asked for again while they are of two moments. */
#define STATE_TRIES 5

const struct applet_option inspect_diff_options[] = {
	{ 0, "at", "SEQ", "compare at this sequence only" },
	{ 0, "keys", NULL, "list the keys that differ, of two dead nodes" },
	OPTIONS_END,
};

struct verdict {
	uint64_t rounds, states; /* that both have, compared */
	uint64_t equal_to;       /* the last sequence that is equal; 0 none */
	const char *what;        /* "batch", "state"; NULL: nothing differs */
	uint64_t seq;
	char left[INSPECT_DIGEST_TEXT], right[INSPECT_DIGEST_TEXT];
};

static const struct output_column diff_columns[] = {
	{ "left", NULL, 0 },
	{ "right", NULL, 0 },
	{ "verdict", NULL, OUTPUT_VALUE_COLUMN },
	{ "equal_to", NULL, OUTPUT_RIGHT },
	{ "differs_at", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "what", NULL, 0 },
	{ "left_digest", NULL, 0 },
	{ "right_digest", NULL, 0 },
	{ "rounds", "rounds compared", OUTPUT_RIGHT },
	{ "states", "states compared", OUTPUT_RIGHT },
	{ "left_executed", NULL, OUTPUT_RIGHT },
	{ "right_executed", NULL, OUTPUT_RIGHT },
	{ NULL, NULL, 0 },
};

static const struct output_column key_columns[] = {
	{ "key", NULL, OUTPUT_VALUE_COLUMN },
	{ "in", NULL, 0 },
	{ "left_version", NULL, OUTPUT_RIGHT },
	{ "right_version", NULL, OUTPUT_RIGHT },
	{ "left_modified", NULL, OUTPUT_RIGHT },
	{ "right_modified", NULL, OUTPUT_RIGHT },
	{ NULL, NULL, 0 },
};

/* --- digests --- */

static bool
differ(struct verdict *v, const char *what, uint64_t seq,
    const struct digest *left, const struct digest *right)
{
	if (digest_equal(left, right))
		return false;
	v->what = what;
	v->seq = seq;
	text_hex(v->left, sizeof(v->left), bytes_of(left->data, DIGEST_BYTES));
	text_hex(v->right, sizeof(v->right),
	    bytes_of(right->data, DIGEST_BYTES));
	return true;
}

/* One sequence that both keep something of; true: it differs. */
static bool
compare_point(struct verdict *v, const struct inspect_point *l,
    const struct inspect_point *r)
{
	const bool has_batch = l->has_batch && r->has_batch;
	const bool has_state = l->has_state && r->has_state;

	v->rounds += has_batch;
	v->states += has_state;
	if (has_batch && differ(v, "batch", l->seq, &l->batch, &r->batch))
		return true;
	if (has_state && differ(v, "state", l->seq, &l->state, &r->state))
		return true;
	if (has_batch || has_state)
		v->equal_to = l->seq;
	return false;
}

static void
compare(struct verdict *v, const struct inspect_side *left,
    const struct inspect_side *right, uint64_t at)
{
	const struct inspect_point *l = left->points, *r = right->points;
	size_t i = 0, k = 0;

	*v = (struct verdict){ 0 };
	while (i < left->count && k < right->count) {
		uint64_t x = l[i].seq, y = r[k].seq;

		if (x == y && (at == 0 || at == x) &&
		    compare_point(v, &l[i], &r[k]))
			return;
		i += x <= y;
		k += y <= x;
	}
}

/* While they execute, their states are of one moment only by chance. */
static int
meet(struct inspect_side *left, struct inspect_side *right)
{
	int tries, code = EXIT_YES;

	if (left->place.is_dead || right->place.is_dead)
		return EXIT_YES;
	for (tries = 1; tries < STATE_TRIES && code == EXIT_YES &&
	     left->state_seq != right->state_seq;
	     tries++) {
		code = inspect_side_ask_state(
		    left->state_seq < right->state_seq ? left : right);
	}
	return code;
}

static enum ag_status
show(const struct applet_call *call, const struct verdict *v,
    const struct inspect_side *left, const struct inspect_side *right,
    struct ag_error *err)
{
	const bool is_equal = v->what == NULL;
	struct output *out;
	enum ag_status status =
	    output_new(&out, call, stdout, NULL, diff_columns, err);

	if (status != AG_OK)
		return status;
	output_text(out, left->name);
	output_text(out, right->name);
	output_text(out, is_equal ? "equal" : "differ");
	if (v->equal_to != 0)
		output_u64(out, v->equal_to);
	else
		output_null(out);
	if (is_equal)
		output_null(out);
	else
		output_u64(out, v->seq);
	output_text(out, v->what);
	output_text(out, is_equal ? NULL : v->left);
	output_text(out, is_equal ? NULL : v->right);
	output_u64(out, v->rounds);
	output_u64(out, v->states);
	output_u64(out, left->executed);
	output_u64(out, right->executed);
	output_row(out);
	return output_end(out, err);
}

static int
judge(const struct applet_call *call, const struct inspect_side *left,
    const struct inspect_side *right, uint64_t at)
{
	struct verdict verdict;
	struct ag_error err;

	compare(&verdict, left, right, at);
	if (verdict.rounds + verdict.states == 0) {
		if (at != 0)
			(void)ag_fail(&err, AG_ENOENT,
			    "compare %s and %s: they do not both keep a "
			    "digest of sequence %" PRIu64,
			    left->name, right->name, at);
		else
			(void)ag_fail(&err, AG_ENOENT,
			    "compare %s and %s: they keep no sequence in "
			    "common; wait until the one behind has caught up",
			    left->name, right->name);
		return exit_fail_code(call, &err, EXIT_PARTIAL);
	}
	if (!call->is_quiet && show(call, &verdict, left, right, &err) != AG_OK)
		return exit_fail(call, &err);
	return verdict.what == NULL ? EXIT_YES : EXIT_NO;
}

/* --- keys --- */

struct keys {
	const struct applet_call *call;
	struct output *out;
	uint64_t count;
};

static void
put_pair(struct output *out, const struct store_entry *l,
    const struct store_entry *r, bool is_version)
{
	const struct store_entry *entries[] = { l, r };
	size_t i;

	for (i = 0; i < 2; i++) {
		if (entries[i] == NULL)
			output_null(out);
		else
			output_u64(out,
			    is_version ? entries[i]->version
				       : entries[i]->modified);
	}
}

static bool
on_key(void *arg, const struct store_entry *l, const struct store_entry *r)
{
	struct keys *k = arg;

	k->count++;
	if (k->out == NULL)
		return true;
	output_bytes(k->out, l != NULL ? l->key : r->key);
	output_text(k->out, r == NULL ? "left" : l == NULL ? "right" : "both");
	put_pair(k->out, l, r, true);
	put_pair(k->out, l, r, false);
	output_row(k->out);
	return true;
}

static int
list_keys(const struct applet_call *call, const struct inspect_side *left,
    const struct inspect_side *right)
{
	struct keys keys = { .call = call };
	struct ag_error err;
	int code = EXIT_YES;

	if (left->state_seq != right->state_seq) {
		(void)ag_fail(&err, AG_ECONFLICT,
		    "compare keys: the state of %s is of sequence %" PRIu64
		    ", that of %s of %" PRIu64,
		    left->name, left->state_seq, right->name, right->state_seq);
		return exit_fail_code(call, &err, EXIT_PARTIAL);
	}
	if (!call->is_quiet &&
	    output_new(&keys.out, call, stdout, "keys", key_columns, &err) !=
		AG_OK)
		return exit_fail(call, &err);
	if (store_diff(left->log->state_dir, right->log->state_dir, on_key,
		&keys, &err) != AG_OK)
		code = exit_fail_local(call, &err);
	if (keys.out != NULL && output_end(keys.out, &err) != AG_OK &&
	    code == EXIT_YES)
		code = exit_fail(call, &err);
	if (code == EXIT_YES && keys.count > 0)
		code = EXIT_NO;
	return code;
}

/* --- all of it --- */

/* Damage costs the exit code, not the output. */
static int
say_damage(const struct applet_call *call, const struct inspect_side *side,
    int code)
{
	struct ag_error err;

	if (side->log == NULL || (code != EXIT_YES && code != EXIT_NO))
		return code;
	if (side->log->damage.status != AG_OK)
		return exit_fail(call, &side->log->damage);
	if (inspect_log_still_dead(side->log, &err) != AG_OK)
		return exit_fail(call, &err);
	return code;
}

static int
diff_sides(const struct applet_call *call, struct inspect_side *left,
    struct inspect_side *right, uint64_t at)
{
	struct ag_error err;
	int code;

	if (strcmp(left->cluster_id, right->cluster_id) != 0) {
		(void)ag_fail(&err, AG_ECONFLICT,
		    "compare %s and %s: they are of different clusters",
		    left->name, right->name);
		return exit_fail(call, &err);
	}
	if (options_has(&call->options, "keys")) {
		if (left->place.is_dead && right->place.is_dead)
			return list_keys(call, left, right);
		return applet_usage(call,
		    "--keys needs the data directories of two nodes that do "
		    "not run");
	}
	code = meet(left, right);
	return code == EXIT_YES ? judge(call, left, right, at) : code;
}

int
inspect_diff_run(struct applet_call *call)
{
	struct inspect_side left = { 0 }, right = { 0 };
	struct ag_error err;
	uint64_t at = 0;
	int code;

	if (options_has(&call->options, "data"))
		return applet_usage(call,
		    "give the data directory as a NODE, not with --data");
	if (options_count_value(&call->options, "at", 1, UINT64_MAX, &at,
		&err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	code = inspect_side_open(&left, call, call->operands[0], at);
	if (code == EXIT_YES)
		code = inspect_side_open(&right, call, call->operands[1], at);
	if (code == EXIT_YES)
		code = diff_sides(call, &left, &right, at);
	code = say_damage(call, &left, code);
	code = say_damage(call, &right, code);
	inspect_side_close(&left);
	inspect_side_close(&right);
	return code;
}
