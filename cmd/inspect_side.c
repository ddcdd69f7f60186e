/*
 * One node's digests, from its answers or from its files.
 *
 * RULES    1. A batch counts when it was decided; what is only proposed may
 *             rightly differ.
 *          2. A state's digest is the node's own finding, never what a
 *             certificate says it should be.
 */
#include "cmd/inspect_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/exit.h"
#include "cmd/inspect_ask.h"
#include "cmd/inspect_data.h"
#include "store/store_diff.h"

#define POINTS_FIRST 256

/* What a node keeps, and a page for what it still agrees on. */
#define PAGES_MAX 34

static struct inspect_point *
point_add(struct inspect_side *side, uint64_t seq)
{
	struct inspect_point *p;

	if (side->count == side->cap) {
		size_t cap = side->cap == 0 ? POINTS_FIRST : side->cap * 2;
		struct inspect_point *grown =
		    realloc(side->points, cap * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		side->points = grown;
		side->cap = cap;
	}
	p = &side->points[side->count++];
	*p = (struct inspect_point){ .seq = seq };
	return p;
}

static int
compare_points(const void *a, const void *b)
{
	uint64_t x = ((const struct inspect_point *)a)->seq;
	uint64_t y = ((const struct inspect_point *)b)->seq;

	return (x > y) - (x < y);
}

/* In order, one for each sequence. */
static void
points_settle(struct inspect_side *side)
{
	size_t i, count = 0;

	if (side->count == 0)
		return;
	qsort(side->points, side->count, sizeof(*side->points), compare_points);
	for (i = 1; i < side->count; i++) {
		struct inspect_point *p = &side->points[count];
		const struct inspect_point *next = &side->points[i];

		if (next->seq != p->seq) {
			side->points[++count] = *next;
			continue;
		}
		if (next->has_batch) {
			p->has_batch = true;
			p->batch = next->batch;
		}
		if (next->has_state) {
			p->has_state = true;
			p->state = next->state;
		}
	}
	side->count = count + 1;
}

static int
no_memory(const struct inspect_side *side)
{
	struct ag_error err;

	(void)ag_fail(&err, AG_ENOMEM, "compare %s: out of memory", side->name);
	return exit_fail(side->call, &err);
}

/* --- a running node --- */

static bool
take_digest(struct digest *out, const json_t *object, const char *key)
{
	const char *text = inspect_ask_text(object, key);

	return text_hex_decode(out->data, DIGEST_BYTES,
		   bytes_from_text(text)) == AG_OK;
}

static bool
is_decided(const json_t *round)
{
	const char *phase = inspect_ask_text(round, "phase");

	return strcmp(phase, "COMMITTED") == 0 ||
	    strcmp(phase, "EXECUTED") == 0;
}

/* Take a page's rounds; the lowest sequence there, or 0 for none. */
static uint64_t
take_page(struct inspect_side *side, const json_t *root, uint64_t at,
    bool *is_short)
{
	const json_t *round;
	uint64_t seq = 0;
	size_t i;

	json_array_foreach(json_object_get(root, "rounds"), i, round)
	{
		struct inspect_point *p;

		seq = kv_ask_u64(round, "seq");
		if (!is_decided(round) || (at != 0 && seq != at))
			continue;
		p = point_add(side, seq);
		if (p == NULL) {
			*is_short = true;
			return 0;
		}
		p->has_batch = take_digest(&p->batch, round, "digest");
		p->has_state = take_digest(&p->state, round, "state");
	}
	return seq;
}

static int
load_rounds(struct inspect_side *side, struct kv_ask *ask, uint64_t at)
{
	uint64_t from = at;
	bool is_short = false;
	size_t pages = 0;

	do {
		json_t *root = inspect_ask_rounds(ask, side->call, from,
		    at != 0 ? 1 : INSPECT_PAGE_ROUNDS);

		if (root == NULL)
			return kv_ask_fail(ask, side->call);
		from = take_page(side, root, at, &is_short);
		json_decref(root);
		if (is_short)
			return no_memory(side);
	} while (at == 0 && from-- > 1 && ++pages < PAGES_MAX);
	return EXIT_YES;
}

static int
ask_state(struct inspect_side *side, struct kv_ask *ask)
{
	struct target target;
	struct inspect_point *p;
	json_t *root;
	int code;

	target_init(&target, "/v1/consensus/state");
	root = inspect_ask_or_say(ask, side->call, &target, &code);
	if (root == NULL)
		return code;
	side->state_seq = kv_ask_u64(root, "seq");
	p = point_add(side, side->state_seq);
	if (p != NULL)
		p->has_state = take_digest(&p->state, root, "digest");
	json_decref(root);
	points_settle(side);
	return p == NULL ? no_memory(side) : EXIT_YES;
}

int
inspect_side_ask_state(struct inspect_side *side)
{
	struct kv_ask ask;
	int code = kv_ask_open_at(&ask, side->call, side->place.path);

	if (code == EXIT_YES)
		code = ask_state(side, &ask);
	kv_ask_close(&ask);
	return code;
}

static int
load_status(struct inspect_side *side, struct kv_ask *ask)
{
	struct target target;
	json_t *root;
	int code;

	target_init(&target, "/v1/status");
	root = inspect_ask_or_say(ask, side->call, &target, &code);
	if (root == NULL)
		return code;
	inspect_ask_copy(side->name, sizeof(side->name), root, "node");
	inspect_ask_copy(side->cluster_id, sizeof(side->cluster_id), root,
	    "cluster_id");
	side->executed = kv_ask_u64(root, "executed");
	json_decref(root);
	return EXIT_YES;
}

static int
open_live(struct inspect_side *side, uint64_t at)
{
	struct kv_ask ask;
	int code = kv_ask_open_at(&ask, side->call, side->place.path);

	if (code == EXIT_YES)
		code = load_status(side, &ask);
	if (code == EXIT_YES)
		code = load_rounds(side, &ask, at);
	if (code == EXIT_YES)
		code = ask_state(side, &ask);
	kv_ask_close(&ask);
	return code;
}

/* --- a dead node's files --- */

static bool
take_entries(struct inspect_side *side, uint64_t at)
{
	const struct inspect_log *log = side->log;
	size_t i;

	for (i = 0; i < log->entry_count; i++) {
		const struct inspect_entry *e = &log->entries[i];
		struct inspect_point *p;

		if (at != 0 && e->seq != at)
			continue;
		p = point_add(side, e->seq);
		if (p == NULL)
			return false;
		p->has_batch = e->committed_record != 0;
		p->batch = e->committed;
		p->has_state = e->state_record != 0;
		p->state = e->state;
	}
	return true;
}

static int
take_state(struct inspect_side *side)
{
	struct inspect_point *p;
	struct digest digest;
	struct ag_error err;

	if (!side->log->has_state)
		return exit_fail_local(side->call, &side->log->state_err);
	if (store_diff_digest(side->log->state_dir, &side->state_seq, &digest,
		&err) != AG_OK)
		return exit_fail_local(side->call, &err);
	p = point_add(side, side->state_seq);
	if (p == NULL)
		return no_memory(side);
	p->has_state = true;
	p->state = digest;
	return EXIT_YES;
}

static int
open_dead(struct inspect_side *side, uint64_t at)
{
	const char *dir = side->place.path;
	struct ag_error err;
	int code;

	if (inspect_data_roster_of(&side->roster, side->call, dir, &err) !=
		AG_OK ||
	    inspect_log_open(&side->log, side->call, dir, side->roster, NULL,
		NULL, &err) != AG_OK)
		return exit_fail_local(side->call, &err);
	if (side->log->self >= 0)
		(void)snprintf(side->name, sizeof(side->name), "%s",
		    side->log->names.names[side->log->self]);
	text_hex(side->cluster_id, sizeof(side->cluster_id),
	    bytes_of(side->log->cluster_id, CLUSTER_ID_BYTES));
	side->executed = side->log->has_state ? side->log->state.seq : 0;
	if (!take_entries(side, at))
		return no_memory(side);
	code = take_state(side);
	points_settle(side);
	return code;
}

/* A place's last word, until a node or a roster says its name. */
static void
name_of_place(struct inspect_side *side, const char *node)
{
	size_t len = strlen(node);
	const char *from;

	while (len > 1 && node[len - 1] == '/')
		len--;
	for (from = node + len; from > node && from[-1] != '/'; from--)
		continue;
	(void)snprintf(side->name, sizeof(side->name), "%.*s",
	    (int)(node + len - from), from);
}

int
inspect_side_open(struct inspect_side *side, const struct applet_call *call,
    const char *node, uint64_t at)
{
	struct ag_error err;

	*side = (struct inspect_side){ .call = call };
	name_of_place(side, node);
	if (inspect_place_find(&side->place, node, &err) != AG_OK)
		return exit_fail_local(call, &err);
	return side->place.is_dead ? open_dead(side, at) : open_live(side, at);
}

void
inspect_side_close(struct inspect_side *side)
{
	free(side->points);
	inspect_log_close(side->log);
	free(side->roster);
}
