/*
 * GET /v1/kv: one key, or a page of them.
 *
 * RULES    1. A page ends at its limit of entries or when its answer has
 *             grown large, whichever comes first; its cursor is the first
 *             key not shown, so nothing is skipped or shown twice.
 *          2. from and to narrow what the prefix leaves; a page's cursor is
 *             good with the same bounds.
 *          3. A page at a sequence ends after so many keys looked at, too: it
 *             may be empty and not the last.
 *          4. A linearizable read orders a barrier first: it may have no
 *             quorum, and then it answers nothing rather than something old.
 */
#include "api/handlers.h"

#include <string.h>

#include "api/argument.h"
#include "api/entry.h"
#include "api/kv_past.h"
#include "api/server.h"
#include "codec/text.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

/* A page is full when it holds this much, if it holds an entry. */
#define PAGE_BYTES (4U << 20)

/* What the answer is of. */
static uint64_t
seq_of(const struct exchange *x, const struct node_page *page)
{
	return x->is_at ? x->at : page->seq;
}

static void
emit_seq(struct emitter *e, const struct exchange *x,
    const struct node_page *page)
{
	emit_u64_member(e, "seq", seq_of(x, page));
	if (x->is_at)
		emit_text_member(e, "consistency", "local");
}

static void
reply_raw(struct exchange *x, const struct node_page *page)
{
	const struct node_entry *entry = &page->entries[0];

	exchange_reply(x, MHD_HTTP_OK, "application/octet-stream",
	    entry->value);
	exchange_header_u64(x, "Aegis-Version", entry->version);
	exchange_header_u64(x, "Aegis-Modified", entry->modified);
	exchange_header_u64(x, "Aegis-Seq", seq_of(x, page));
	if (x->is_at)
		exchange_header(x, "Aegis-Consistency", "local");
}

/* As it is stored, and the lease that it goes with, which no older version
 * tells. */
static void
emit_entry(struct emitter *e, const struct exchange *x,
    const struct node_entry *entry, bool with_value)
{
	entry_emit(e, entry, with_value);
	if (!x->is_at)
		emit_u64_or_null(e, "lease", entry->lease != 0, entry->lease);
}

/* Present or absent, the answer says as of which sequence. */
static void
reply_key(struct exchange *x, const struct node_page *page)
{
	struct emitter *e;

	if (page->count == 0) {
		exchange_problem(x, PROBLEM_ABSENT, "the key is absent");
	} else {
		e = exchange_json_begin(x);
		emit_entry(e, x, &page->entries[0], true);
		emit_seq(e, x, page);
		exchange_json_end(x, MHD_HTTP_OK);
	}
	exchange_header_u64(x, "Aegis-Seq", seq_of(x, page));
}

static void
emit_key_cursor(struct emitter *e, struct bytes next)
{
	char text[TEXT_BASE64_BYTES(KEY_BYTES_MAX + 1)];

	text_base64(text, sizeof(text), next, BASE64_URL);
	emit_text(e, text);
}

/* The first key behind that one. */
static void
emit_cursor_behind(struct emitter *e, struct bytes last_key)
{
	uint8_t next[KEY_BYTES_MAX + 1];

	AG_ASSERT(last_key.len <= KEY_BYTES_MAX);
	memcpy(next, last_key.data, last_key.len);
	next[last_key.len] = 0;
	emit_key_cursor(e, bytes_of(next, last_key.len + 1));
}

static void
reply_page(struct exchange *x, const struct node_page *page)
{
	struct emitter *e = exchange_json_begin(x);
	size_t i;

	emit_key(e, "entries");
	emit_array_begin(e);
	for (i = 0; i < page->count; i++) {
		if (i > 0 && e->out->len > PAGE_BYTES)
			break;
		emit_object_begin(e);
		emit_entry(e, x, &page->entries[i], !x->keys_only);
		emit_object_end(e);
	}
	emit_array_end(e);
	emit_key(e, "cursor");
	if (i < page->count || (i > 0 && page->more && !x->is_at))
		emit_cursor_behind(e, page->entries[i - 1].key);
	else if (page->more && x->is_at)
		emit_key_cursor(e, page->next);
	else
		emit_null(e);
	emit_seq(e, x, page);
	exchange_json_end(x, MHD_HTTP_OK);
}

static void
read_done(void *arg, enum ag_status status, const struct node_page *page)
{
	struct exchange *x = arg;

	if (!exchange_wake(x))
		return;
	/* A read changes nothing: what is unknown about it is only late. */
	if (status == AG_EUNKNOWN)
		status = AG_ENOQUORUM;
	if (x->is_at && page != NULL &&
	    (status == AG_EREFUSED || status == AG_EUNREACH))
		kv_past_refuse(x, status, page);
	else if (status != AG_OK)
		exchange_fail(x, status, NULL);
	else if (!x->is_single)
		reply_page(x, page);
	else if (x->wants_raw && page->count > 0)
		reply_raw(x, page);
	else
		reply_key(x, page);
}

/* False: answered. */
static bool
take_key(struct exchange *x)
{
	if (argument_is_given(x, "prefix")) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "key and prefix are two questions: give one of them");
		return false;
	}
	if (argument_is_given(x, "from") || argument_is_given(x, "to")) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "from and to bound a page, not one key");
		return false;
	}
	if (!argument_bytes(x, "key", x->range.first, KEY_BYTES_MAX,
		&x->range.first_len))
		return false;
	if (x->range.first_len == 0) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "key is empty; a key has 1 to 1024 bytes");
		return false;
	}
	entry_range_of_key(&x->range);
	x->is_single = true;
	x->limit = 1;
	x->wants_raw = exchange_accepts(x, "application/octet-stream");
	return true;
}

/* A page goes on at its cursor, which must lie where the prefix is. */
static bool
take_cursor(struct exchange *x)
{
	struct key_range *range = &x->range;
	uint8_t cursor[KEY_BYTES_MAX + 1];
	size_t len;

	if (!argument_bytes(x, "cursor", cursor, sizeof(cursor), &len))
		return false;
	if (len == 0)
		return true;
	if (!bytes_has_prefix(bytes_of(cursor, len),
		bytes_of(range->first, range->first_len))) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "the cursor belongs to another prefix");
		return false;
	}
	memcpy(range->first, cursor, len);
	range->first_len = len;
	return true;
}

/* Narrow the range to keys that are not below from, and below to. */
static bool
take_bounds(struct exchange *x)
{
	struct key_range *range = &x->range;
	uint8_t key[KEY_BYTES_MAX + 1];
	struct bytes bound;
	size_t len;

	if (!argument_bytes(x, "from", key, sizeof(key), &len))
		return false;
	bound = bytes_of(key, len);
	if (bytes_compare(bound, bytes_of(range->first, range->first_len)) >
	    0) {
		memcpy(range->first, key, len);
		range->first_len = len;
	}
	if (!argument_bytes(x, "to", key, sizeof(key), &len))
		return false;
	bound = bytes_of(key, len);
	if (len > 0 &&
	    (range->last_len == 0 ||
		bytes_compare(bound, bytes_of(range->last, range->last_len)) <
		    0)) {
		memcpy(range->last, key, len);
		range->last_len = len;
	}
	return true;
}

static bool
take_prefix(struct exchange *x)
{
	uint64_t limit = LIMIT_DEFAULT;

	if (!argument_bytes(x, "prefix", x->range.first, KEY_BYTES_MAX,
		&x->range.first_len))
		return false;
	entry_range_of_prefix(&x->range);
	if (!take_cursor(x) || !take_bounds(x) ||
	    !argument_u64(x, "limit", 1, LIMIT_MAX, &limit) ||
	    !argument_flag(x, "keys_only", &x->keys_only))
		return false;
	x->limit = (size_t)limit;
	return true;
}

static enum ag_status
read_begin(struct exchange *x, enum node_consistency consistency,
    struct ag_error *err)
{
	const struct bytes first = bytes_of(x->range.first, x->range.first_len);
	const struct bytes last = bytes_of(x->range.last, x->range.last_len);

	if (x->is_at)
		return node_read_at(x->api->node, x->at, first, last, x->limit,
		    x->keys_only, read_done, x, err);
	return node_read(x->api->node, consistency, first, last, x->limit,
	    x->keys_only, x->timeout_ms, read_done, x, err);
}

void
kv_get(struct exchange *x)
{
	enum node_consistency consistency;
	struct ag_error err = { 0 };
	enum ag_status status;

	if (!argument_consistency(x, &consistency) || !kv_past_take_at(x))
		return;
	if (argument_is_given(x, "key") ? !take_key(x) : !take_prefix(x))
		return;
	if (x->is_at && !kv_past_admit(x))
		return;
	exchange_wait(x);
	status = read_begin(x, consistency, &err);
	if (status == AG_OK)
		return;
	exchange_unwait(x);
	exchange_fail(x, status, &err);
}
