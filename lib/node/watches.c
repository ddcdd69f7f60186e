/*
 * Watches over the stream of changes.
 *
 * RULES    1. A watch sees every change of its range from where it began,
 *             once and in order.  What is not kept any more is never
 *             skipped over: beginning there is refused, and after a jump of
 *             the state the watch is told so, with a NULL change, and ends.
 *          2. What is kept in memory is bounded in bytes; the oldest changes
 *             go first, by whole sequences, so that a resumed watch never
 *             starts in the middle of a batch.
 *          3. A watch that begins ahead of the state, as one does that is
 *             resumed at a node which is behind, sees nothing older.
 *          4. A watch may be closed by any callback.  It is only marked
 *             then, and freed when no walk is under way.
 *
 * NOT HERE What came before that, from the store (node/watches_past.c).
 */
#include <stdlib.h>
#include <string.h>

#include "node/watches_parts.h"

struct watches *
watches_new(size_t keep_bytes, uint64_t seq)
{
	struct watches *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->newest = &w->oldest;
	w->keep_bytes = keep_bytes;
	w->complete_from = seq + 1;
	w->known_from = seq + 1;
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

void
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
	for (watch = w->list; watch != NULL; watch = watch->next) {
		watch->fn = NULL;
		watch->is_closed = true;
	}
	watches_past_forget(w);
	if (w->retry != NULL)
		loop_timer_close(w->retry);
	w->retry = NULL;
	w->is_over = w->slice != NULL;
	if (w->is_over)
		return;
	while (w->oldest != NULL)
		watches_forget(w);
	watches_sweep(w);
	free(w);
}

struct kept *
watches_kept_new(const struct store_change *change)
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

bool
watches_covers(const struct node_watch *watch, const struct node_change *change)
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
		if (watch->fn != NULL && watch->behind == 0 &&
		    watches_covers(watch, change))
			watch->fn(watch->arg, change);
}

void
watches_publish(struct watches *w, const struct store_change *changes,
    size_t count, uint64_t seq)
{
	size_t i;

	w->walking++;
	for (i = 0; i < count; i++) {
		struct kept *k = watches_kept_new(&changes[i]);

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
watches_end(struct node_watch *watch)
{
	node_watch_fn *fn = watch->fn;

	watch->fn = NULL;
	if (fn != NULL)
		fn(watch->arg, NULL);
}

void
watches_reset(struct watches *w, uint64_t seq)
{
	struct node_watch *watch;

	while (w->oldest != NULL)
		watches_forget(w);
	w->complete_from = seq + 1;
	w->known_from = seq + 1;
	w->walking++;
	for (watch = w->list; watch != NULL; watch = watch->next)
		watches_end(watch);
	w->walking--;
	watches_past_forget(w);
	watches_sweep(w);
}

void
watches_join(struct node_watch *watch)
{
	struct watches *w = watch->owner;
	const uint64_t from = watch->behind;
	const struct kept *k;

	watch->behind = 0;
	w->walking++;
	for (k = w->oldest; k != NULL && watch->fn != NULL; k = k->next)
		if (k->change.seq >= from && watches_covers(watch, &k->change))
			watch->fn(watch->arg, &k->change);
	w->walking--;
}

/* The first sequence from which changes are known, in memory or not. */
static uint64_t
first_known(const struct watches *w)
{
	struct store_past past;

	if (w->applier == NULL)
		return w->complete_from;
	applier_look_past(w->applier, &past);
	return past.oldest < w->complete_from ? past.oldest + 1
					      : w->complete_from;
}

enum ag_status
watches_add(struct node_watch **out, struct watches *w, struct bytes first,
    struct bytes last, uint64_t from, node_watch_fn *fn, void *arg,
    struct ag_error *err)
{
	struct node_watch *watch;

	*out = NULL;
	if (from != 0 && from < first_known(w))
		return ag_fail(err, AG_ENOENT,
		    "watch from %llu: changes before %llu are no longer kept",
		    (unsigned long long)from,
		    (unsigned long long)first_known(w));
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
		.behind = from,
		.fn = fn,
		.arg = arg,
	};
	if (first.len > 0)
		memcpy(watch->range, first.data, first.len);
	if (last.len > 0)
		memcpy(watch->range + first.len, last.data, last.len);
	w->list = watch;
	*out = watch;
	if (from >= w->complete_from)
		watches_join(watch);
	else if (from != 0)
		watches_past_go_on(w);
	return AG_OK;
}

uint64_t
watches_shown(const struct node_watch *watch)
{
	return watch->behind == 0 ? UINT64_MAX : watch->behind - 1;
}

uint64_t
watches_known_from(const struct node_watch *watch)
{
	return watch->owner->known_from;
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
