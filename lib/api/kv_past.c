/*
 * GET /v1/kv/history, and what reads at a sequence have in common.
 *
 * RULES    1. What was is told by one node from what it keeps: each answer says
 *             so ("consistency":"local"), and of which sequence it is.
 *          2. A sequence before the oldest kept is a problem of its own, which
 *             names that one; one that is still to come is "not ready".
 *          3. Keys of the cluster itself have no history: a question about it
 *             is wrong, and never answered with "absent".
 *          4. A history's page ends as one of keys does; its cursor is where
 *             the last version shown ended.
 */
#include "api/kv_past.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/argument.h"
#include "api/entry.h"
#include "api/handlers.h"
#include "api/server.h"
#include "codec/operation.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
#define PAGE_BYTES (4U << 20)

bool
kv_past_take_at(struct exchange *x)
{
	x->is_at = argument_is_given(x, "at");
	if (!x->is_at)
		return true;
	if (!bytes_equal(argument_text(x, "consistency"),
		bytes_from_text("local")) &&
	    argument_is_given(x, "consistency")) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "what was at a sequence is told by one node: consistency "
		    "is local");
		return false;
	}
	return argument_u64(x, "at", 0, UINT64_MAX, &x->at);
}

bool
kv_past_admit(struct exchange *x)
{
	if (!operation_key_is_reserved(
		bytes_of(x->range.first, x->range.first_len)))
		return true;
	exchange_problem(x, PROBLEM_BAD_REQUEST,
	    "keys of the cluster itself have no history");
	return false;
}

void
kv_past_refuse(struct exchange *x, enum ag_status status,
    const struct node_page *page)
{
	const bool is_early = status == AG_EREFUSED;
	const enum problem_kind kind =
	    is_early ? PROBLEM_COMPACTED : PROBLEM_UNAVAILABLE;
	struct emitter *e;
	char text[160];

	if (is_early)
		(void)snprintf(text, sizeof(text),
		    "sequence %" PRIu64 " is before %" PRIu64
		    ", the oldest that this node can answer for",
		    x->at, page->oldest);
	else
		(void)snprintf(text, sizeof(text),
		    "sequence %" PRIu64
		    " is not executed here yet; this node is at %" PRIu64,
		    x->at, page->seq);
	e = exchange_problem_begin(x, kind, text);
	emit_u64_member(e, "oldest", page->oldest);
	exchange_problem_end(x, kind);
}

/* --- the history of a key --- */

static void
emit_version(struct emitter *e, const struct node_entry *entry)
{
	const bool has_ended = entry->end.seq != UINT64_MAX;

	emit_object_begin(e);
	emit_data_member(e, "value", entry->value);
	emit_u64_member(e, "version", entry->version);
	emit_u64_member(e, "created", entry->created);
	emit_u64_member(e, "modified", entry->modified);
	emit_u64_or_null(e, "ended", has_ended, entry->end.seq);
	emit_bool_member(e, "deleted", entry->is_deleted);
	emit_object_end(e);
}

static void
emit_end(struct emitter *e, const struct node_version_end *end)
{
	char text[48];

	(void)snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64, end->seq,
	    end->ord);
	emit_text(e, text);
}

static void
reply_versions(struct exchange *x, const struct node_page *page)
{
	struct emitter *e = exchange_json_begin(x);
	size_t i;

	emit_data_member(e, "key",
	    bytes_of(x->range.first, x->range.first_len));
	emit_key(e, "versions");
	emit_array_begin(e);
	for (i = 0; i < page->count; i++) {
		if (i > 0 && e->out->len > PAGE_BYTES)
			break;
		emit_version(e, &page->entries[i]);
	}
	emit_array_end(e);
	emit_key(e, "cursor");
	if (i > 0 && (i < page->count || page->more))
		emit_end(e, &page->entries[i - 1].end);
	else
		emit_null(e);
	emit_u64_member(e, "seq", page->seq);
	emit_u64_member(e, "oldest", page->oldest);
	emit_text_member(e, "consistency", "local");
	exchange_json_end(x, MHD_HTTP_OK);
}

static void
versions_done(void *arg, enum ag_status status, const struct node_page *page)
{
	struct exchange *x = arg;

	if (!exchange_wake(x))
		return;
	if (status == AG_OK)
		reply_versions(x, page);
	else
		exchange_fail(x, status, NULL);
}

static bool
parse_end(struct bytes text, struct node_version_end *end)
{
	const uint8_t *dot =
	    text.len > 0 ? memchr(text.data, '.', text.len) : NULL;
	size_t len;

	if (dot == NULL)
		return false;
	len = (size_t)(dot - text.data);
	return argument_parse_u64(bytes_of(text.data, len), &end->seq) &&
	    argument_parse_u64(bytes_of(dot + 1, text.len - len - 1),
		&end->ord);
}

/* False: answered. */
static bool
take_cursor(struct exchange *x, bool is_reverse, struct node_version_end *after)
{
	*after = (struct node_version_end){ is_reverse ? UINT64_MAX : 0, 0 };
	if (!argument_is_given(x, "cursor"))
		return true;
	if (parse_end(argument_text(x, "cursor"), after)) {
		/* Behind the present version, in reverse, is what ended last. */
		if (is_reverse && after->seq == UINT64_MAX)
			after->seq--;
		return true;
	}
	exchange_problem(x, PROBLEM_BAD_REQUEST,
	    "cursor takes what a page of a history gave");
	return false;
}

void
kv_past_versions(struct exchange *x)
{
	struct node_version_end after;
	struct ag_error err = { 0 };
	uint64_t limit = LIMIT_DEFAULT;
	enum ag_status status;
	bool is_reverse;

	if (!argument_bytes(x, "key", x->range.first, KEY_BYTES_MAX,
		&x->range.first_len) ||
	    !argument_u64(x, "limit", 1, LIMIT_MAX, &limit) ||
	    !argument_flag(x, "reverse", &is_reverse) ||
	    !take_cursor(x, is_reverse, &after))
		return;
	if (x->range.first_len == 0) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "key is empty; a key has 1 to 1024 bytes");
		return;
	}
	if (!kv_past_admit(x))
		return;
	exchange_wait(x);
	status = node_read_versions(x->api->node,
	    bytes_of(x->range.first, x->range.first_len), &after, is_reverse,
	    (size_t)limit, versions_done, x, &err);
	if (status == AG_OK)
		return;
	exchange_unwait(x);
	exchange_fail(x, status, &err);
}
