/*
 * A group's outcomes and changes, in growing arrays.
 *
 * Keys and values of changes are copied into one buffer; the arrays hold
 * offsets until applied_group_view() turns them into pointers, because the
 * buffer moves while it grows.
 */
#include "node/applied.h"

#include <stdlib.h>
#include <string.h>

/* Sixty-four batches of the largest size fit many times over. */
#define GROUP_BYTES_MAX ((size_t)1 << 30)

struct applied_group {
	struct store_observer observer;
	uint8_t principal[32];
	struct applied what;
	struct store_outcome *outcomes;
	size_t outcome_cap;
	struct store_change *changes;
	size_t change_cap;
	struct buf text; /* keys and values, one after another */
	bool is_short;
};

/* Room for one more element, doubling. */
static void *
array_grow(void *array, size_t count, size_t *cap, size_t size)
{
	size_t next = *cap == 0 ? 16 : *cap * 2;
	void *grown;

	if (count < *cap)
		return array;
	grown = realloc(array, next * size);
	if (grown != NULL)
		*cap = next;
	return grown;
}

static void
on_outcome(void *arg, const struct store_outcome *outcome)
{
	struct applied_group *g = arg;
	struct store_outcome *grown;

	g->what.operations++;
	if (memcmp(outcome->principal, g->principal, 32) != 0)
		return;
	grown = array_grow(g->outcomes, g->what.outcome_count, &g->outcome_cap,
	    sizeof(*g->outcomes));
	if (grown == NULL) {
		g->is_short = true;
		return;
	}
	g->outcomes = grown;
	grown[g->what.outcome_count] = *outcome;
	grown[g->what.outcome_count++].principal = g->principal;
}

static void
on_change(void *arg, const struct store_change *change)
{
	struct applied_group *g = arg;
	struct store_change *grown;

	grown = array_grow(g->changes, g->what.change_count, &g->change_cap,
	    sizeof(*g->changes));
	if (grown == NULL ||
	    buf_append(&g->text, change->entry.key.data,
		change->entry.key.len) != AG_OK ||
	    buf_append(&g->text, change->entry.value.data,
		change->entry.value.len) != AG_OK) {
		if (grown != NULL)
			g->changes = grown;
		g->is_short = true;
		return;
	}
	g->changes = grown;
	grown[g->what.change_count++] = *change;
}

struct applied_group *
applied_group_new(const uint8_t principal[static 32])
{
	struct applied_group *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->observer = (struct store_observer){
		.arg = g,
		.outcome = on_outcome,
		.change = on_change,
	};
	memcpy(g->principal, principal, sizeof(g->principal));
	buf_init(&g->text, GROUP_BYTES_MAX);
	return g;
}

void
applied_group_free(struct applied_group *g)
{
	if (g == NULL)
		return;
	free(g->outcomes);
	free(g->changes);
	buf_fini(&g->text);
	free(g);
}

const struct store_observer *
applied_group_observer(struct applied_group *g)
{
	return &g->observer;
}

void
applied_group_end_batch(struct applied_group *g, uint64_t seq, uint64_t time_ms)
{
	g->what.seq = seq;
	g->what.time_ms = time_ms;
}

void
applied_group_set_digest(struct applied_group *g, const struct digest *digest)
{
	g->what.has_digest = true;
	g->what.digest = *digest;
}

void
applied_group_set_last(struct applied_group *g)
{
	g->what.is_last = true;
}

bool
applied_group_is_short(const struct applied_group *g)
{
	return g->is_short;
}

void
applied_group_view(struct applied_group *g, struct applied *view)
{
	const uint8_t *at = g->text.data;
	size_t i;

	for (i = 0; i < g->what.change_count; i++) {
		struct store_entry *e = &g->changes[i].entry;

		e->key.data = at;
		at += e->key.len;
		e->value.data = at;
		at += e->value.len;
	}
	g->what.outcomes = g->outcomes;
	g->what.changes = g->changes;
	*view = g->what;
}
