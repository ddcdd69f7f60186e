/*
 * Watches that begin before what is in memory: their changes come from the
 * store's history, until they have come to what is in memory.
 *
 * RULES    1. One slice is read at a time, on the loop's pool, by one reader.
 *             It is bounded in bytes, and all who are behind and not before
 *             it are shown it.  It is read for who is the farthest behind, so
 *             that all together read the past once; and every other time for
 *             who was shown nothing for the longest, so that nobody who comes
 *             from farther back keeps him waiting.
 *          2. A slice ends with a sequence; the next one begins behind it.
 *             Who is at what is in memory is shown that, in the same turn, and
 *             is not behind any more: nothing is missed or shown twice.
 *          3. Who is held gets no slice, and waits in its place, as long as
 *             that is kept.
 *          4. Who is overtaken by compaction is ended.
 *          5. A slice of a state that was replaced meanwhile is dropped.
 *          6. What a slice is read for stays there until it has come, also
 *             when all is closed.
 */
#include <stdlib.h>

#include "base/log.h"
#include "node/watches_parts.h"
#include "store/versions_read.h"

#define SLICE_BYTES ((size_t)64 << 10)

/* How soon what was not committed yet is looked for again. */
#define RETRY_MS 20

struct slice {
	struct watches *owner;
	struct store_reader *reader;
	bool is_dropped; /* the reader's state was replaced: close it */
	uint64_t from, next;
	struct versions_page page;
	enum ag_status status;
	struct ag_error err;
	struct kept *first, **last;
	size_t count;
	struct node_watch *riders[];
};

static bool
is_ready(const struct node_watch *watch)
{
	return watch->behind != 0 && watch->fn != NULL && !watch->is_held;
}

/* --- on a pool thread: only what does not change is looked at --- */

static bool
slice_wants(void *arg, struct bytes key)
{
	const struct slice *slice = arg;
	const struct node_change change = { .seq = UINT64_MAX,
		.entry = { .key = key } };
	size_t i;

	for (i = 0; i < slice->count; i++)
		if (watches_covers(slice->riders[i], &change))
			return true;
	return false;
}

static bool
slice_take(void *arg, const struct store_change *change)
{
	struct slice *slice = arg;
	struct kept *k = watches_kept_new(change);

	if (k == NULL)
		return false;
	*slice->last = k;
	slice->last = &k->next;
	return true;
}

static void
slice_read(void *arg)
{
	struct slice *slice = arg;
	const struct versions_feed feed = { .arg = slice,
		.wants = slice_wants,
		.change = slice_take,
		.most_bytes = SLICE_BYTES };

	slice->status = versions_read_changes(slice->reader, slice->from, &feed,
	    &slice->next, &slice->page, &slice->err);
}

/* --- on the loop --- */

static void
slice_free(struct slice *slice)
{
	struct kept *k, *next;

	for (k = slice->first; k != NULL; k = next) {
		next = k->next;
		free(k);
	}
	if (slice->is_dropped)
		store_reader_close(slice->reader);
	free(slice);
}

static void
slice_show(const struct slice *slice)
{
	const struct kept *k;
	size_t i;

	for (k = slice->first; k != NULL; k = k->next)
		for (i = 0; i < slice->count; i++) {
			struct node_watch *watch = slice->riders[i];

			if (watch->fn != NULL &&
			    k->change.seq >= watch->behind &&
			    watches_covers(watch, &k->change))
				watch->fn(watch->arg, &k->change);
		}
	for (i = 0; i < slice->count; i++) {
		struct node_watch *watch = slice->riders[i];

		if (slice->next > watch->behind) {
			watch->behind = slice->next;
			watch->served = watch->owner->slices;
		}
		if (watch->fn != NULL &&
		    watch->behind >= watch->owner->complete_from)
			watches_join(watch);
	}
}

/* Nothing can be read from there on: of those who are there. */
static void
slice_end_riders(const struct slice *slice)
{
	const bool is_compacted = slice->status == AG_EREFUSED;
	size_t i;

	if (is_compacted)
		slice->owner->known_from = slice->page.oldest + 1;
	else
		log_warn("node", "a watch ends: its past cannot be read",
		    LOG_TEXT("error", slice->err.text));
	for (i = 0; i < slice->count; i++)
		if (!is_compacted ||
		    slice->riders[i]->behind <= slice->page.oldest)
			watches_end(slice->riders[i]);
}

static void
slice_done(void *arg)
{
	struct slice *slice = arg;
	struct watches *w = slice->owner;
	const bool is_stuck =
	    slice->status == AG_OK && slice->next == slice->from;

	w->slice = NULL;
	if (!slice->is_dropped && slice->status == AG_OK)
		slice_show(slice);
	else if (!slice->is_dropped)
		slice_end_riders(slice);
	slice_free(slice);
	w->walking--;
	if (w->is_over) {
		watches_free(w);
		return;
	}
	watches_sweep(w);
	if (is_stuck)
		loop_timer_set(w->retry, RETRY_MS);
	else
		watches_past_go_on(w);
}

/* For this one, and who else is behind and not before it. */
static enum ag_status
slice_begin(struct watches *w, const struct node_watch *whose, size_t ready)
{
	struct slice *slice =
	    calloc(1, sizeof(*slice) + ready * sizeof(slice->riders[0]));
	struct node_watch *watch;
	enum ag_status status;

	if (slice == NULL)
		return AG_ENOMEM;
	slice->owner = w;
	slice->reader = w->reader;
	slice->from = whose->behind;
	slice->last = &slice->first;
	w->slices++;
	for (watch = w->list; watch != NULL; watch = watch->next)
		if (is_ready(watch) && watch->behind >= slice->from)
			slice->riders[slice->count++] = watch;
	status = loop_work(w->loop, slice_read, slice_done, slice);
	if (status != AG_OK) {
		free(slice);
		return status;
	}
	w->slice = slice;
	w->walking++;
	return AG_OK;
}

/* Is a slice to be read for this one rather than for that? */
static bool
comes_first(const struct node_watch *watch, const struct node_watch *that)
{
	if (that == NULL)
		return true;
	return watch->owner->slices % 2 == 0 || watch->served == that->served
	    ? watch->behind < that->behind
	    : watch->served < that->served;
}

static void
reader_close(struct watches *w)
{
	store_reader_close(w->reader);
	w->reader = NULL;
}

void
watches_past_go_on(struct watches *w)
{
	struct node_watch *watch, *next = NULL;
	bool is_behind = false;
	size_t ready = 0;
	struct ag_error err;

	if (w->applier == NULL || w->slice != NULL || w->is_over)
		return;
	for (watch = w->list; watch != NULL; watch = watch->next) {
		is_behind =
		    is_behind || (watch->behind != 0 && watch->fn != NULL);
		if (!is_ready(watch))
			continue;
		ready++;
		if (comes_first(watch, next))
			next = watch;
	}
	if (!is_behind)
		reader_close(w);
	if (next == NULL)
		return;
	if ((w->reader == NULL &&
		applier_reader_open(w->applier, &w->reader, &err) != AG_OK) ||
	    slice_begin(w, next, ready) != AG_OK)
		loop_timer_set(w->retry, RETRY_MS);
}

void
watches_past_forget(struct watches *w)
{
	if (w->slice != NULL && !w->slice->is_dropped) {
		w->slice->is_dropped = true;
		w->reader = NULL;
	}
	reader_close(w);
}

static void
on_retry(void *arg)
{
	watches_past_go_on(arg);
}

enum ag_status
watches_read_past(struct watches *w, struct applier *applier, struct loop *loop)
{
	w->applier = applier;
	w->loop = loop;
	return loop_timer_new(&w->retry, loop, on_retry, w);
}

void
watches_hold(struct node_watch *watch, bool is_held)
{
	const bool was_held = watch->is_held;

	watch->is_held = is_held;
	if (was_held && !is_held && watch->behind != 0)
		watches_past_go_on(watch->owner);
}
