/*
 * Watches over the stream of changes.
 *
 * RULES    1. A watch sees every change of its range from where it began,
 *             once and in order.  What is not kept any more is never
 *             skipped over: beginning there is refused, and after a jump of
 *             the state the watch is told so, with a NULL change, and ends.
 *          2. History is bounded in bytes; the oldest changes go first, by
 *             whole sequences, so that a resumed watch never starts in the
 *             middle of a batch.
 *          3. A watch that begins ahead of the state, as one does that is
 *             resumed at a node which is behind, sees nothing older.
 *          4. A watch may be closed by any callback.  It is only marked
 *             then, and freed when no walk is under way.
 */
#include "node/watches.h"

#include <stdlib.h>
#include <string.h>

/* One kept change; key and value follow it in the same block. */
struct kept {
	struct kept *next;
	struct node_change change;
	size_t bytes;
	uint8_t text[];
};

struct node_watch {
	struct watches *owner;
	struct node_watch *next;
	struct bytes first, last;
	uint64_t from;     /* the first sequence of interest */
	node_watch_fn *fn; /* NULL once ended or closed */
	void *arg;
	bool is_closed;
	uint8_t range[];
};

struct watches {
	struct kept *oldest;
	struct kept **newest;
	size_t bytes, keep_bytes;
	uint64_t complete_from; /* every change from here on is kept */
	struct node_watch *list;
	unsigned walking;
};

struct watches *
watches_new(size_t keep_bytes, uint64_t seq)
{
	struct watches *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->newest = &w->oldest;
	w->keep_bytes = keep_bytes;
	w->complete_from = seq + 1;
	return w;
}

/* Drop the oldest sequence's changes. */
static void
watches_forget(struct watches *w)
{
	uint64_t seq = w->oldest->change.seq;

	while (w->oldest != NULL && w->oldest->change.seq == seq) {
		struct kept *k = w->oldest;

		w->oldest = k->next;
		w->bytes -= k->bytes;
		free(k);
	}
	if (w->oldest == NULL)
		w->newest = &w->oldest;
	w->complete_from = seq + 1;
}

static void
watches_sweep(struct watches *w)
{
	struct node_watch **at = &w->list;

	while (w->walking == 0 && *at != NULL) {
		struct node_watch *watch = *at;

		if (!watch->is_closed) {
			at = &watch->next;
			continue;
		}
		*at = watch->next;
		free(watch);
	}
}

void
watches_free(struct watches *w)
{
	struct node_watch *watch;

	if (w == NULL)
		return;
	while (w->oldest != NULL)
		watches_forget(w);
	for (watch = w->list; watch != NULL; watch = watch->next)
		watch->is_closed = true;
	watches_sweep(w);
	free(w);
}

static struct kept *
kept_new(const struct store_change *change)
{
	const struct store_entry *e = &change->entry;
	struct kept *k = malloc(sizeof(*k) + e->key.len + e->value.len);

	if (k == NULL)
		return NULL;
	k->next = NULL;
	k->bytes = sizeof(*k) + e->key.len + e->value.len;
	memcpy(k->text, e->key.data, e->key.len);
	if (e->value.len > 0)
		memcpy(k->text + e->key.len, e->value.data, e->value.len);
	k->change = (struct node_change){
		.seq = change->seq,
		.is_delete = change->is_delete,
		.entry = {
			.key = bytes_of(k->text, e->key.len),
			.value = bytes_of(k->text + e->key.len, e->value.len),
			.version = e->version,
			.created = e->created,
			.modified = e->modified,
		},
	};
	return k;
}

static bool
watch_covers(const struct node_watch *watch, const struct node_change *change)
{
	const struct bytes key = change->entry.key;

	return change->seq >= watch->from &&
	    bytes_compare(key, watch->first) >= 0 &&
	    (watch->last.len == 0 || bytes_compare(key, watch->last) < 0);
}

static void
watches_show(struct watches *w, const struct node_change *change)
{
	struct node_watch *watch;

	for (watch = w->list; watch != NULL; watch = watch->next)
		if (watch->fn != NULL && watch_covers(watch, change))
			watch->fn(watch->arg, change);
}

void
watches_publish(struct watches *w, const struct store_change *changes,
    size_t count, uint64_t seq)
{
	size_t i;

	w->walking++;
	for (i = 0; i < count; i++) {
		struct kept *k = kept_new(&changes[i]);

		if (k == NULL) {
			watches_reset(w, seq);
			break;
		}
		*w->newest = k;
		w->newest = &k->next;
		w->bytes += k->bytes;
		watches_show(w, &k->change);
	}
	w->walking--;
	while (w->bytes > w->keep_bytes)
		watches_forget(w);
	watches_sweep(w);
}

void
watches_reset(struct watches *w, uint64_t seq)
{
	struct node_watch *watch;

	while (w->oldest != NULL)
		watches_forget(w);
	w->complete_from = seq + 1;
	w->walking++;
	for (watch = w->list; watch != NULL; watch = watch->next) {
		node_watch_fn *fn = watch->fn;

		watch->fn = NULL;
		if (fn != NULL)
			fn(watch->arg, NULL);
	}
	w->walking--;
	watches_sweep(w);
}

enum ag_status
watches_add(struct node_watch **out, struct watches *w, struct bytes first,
    struct bytes last, uint64_t from, node_watch_fn *fn, void *arg,
    struct ag_error *err)
{
	struct node_watch *watch;
	const struct kept *k;

	*out = NULL;
	if (from != 0 && from < w->complete_from)
		return ag_fail(err, AG_ENOENT,
		    "watch from %llu: changes before %llu are no longer kept",
		    (unsigned long long)from,
		    (unsigned long long)w->complete_from);
	watch = malloc(sizeof(*watch) + first.len + last.len);
	if (watch == NULL)
		return ag_fail(err, AG_ENOMEM, "watch: out of memory");
	/* In this order: the range begins inside of the struct's padding. */
	*watch = (struct node_watch){
		.owner = w,
		.next = w->list,
		.first = bytes_of(watch->range, first.len),
		.last = bytes_of(watch->range + first.len, last.len),
		.from = from,
		.fn = fn,
		.arg = arg,
	};
	if (first.len > 0)
		memcpy(watch->range, first.data, first.len);
	if (last.len > 0)
		memcpy(watch->range + first.len, last.data, last.len);
	w->list = watch;
	*out = watch;
	w->walking++;
	for (k = from == 0 ? NULL : w->oldest; k != NULL && watch->fn != NULL;
	     k = k->next)
		if (watch_covers(watch, &k->change))
			watch->fn(watch->arg, &k->change);
	w->walking--;
	return AG_OK;
}

void
watches_remove(struct node_watch *watch)
{
	if (watch == NULL)
		return;
	watch->fn = NULL;
	watch->is_closed = true;
	watches_sweep(watch->owner);
}
