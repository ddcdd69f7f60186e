/*
 * Worlds kept.
 *
 * Everything stays at its address, so that what points there is right again
 * when the bytes are: engines are copied as they lie in their memory, and of
 * the schedule's arena, to which things are only added, its end is kept.
 *
 * RULES    1. Kept is what may change while messages are held, and later up
 *             to the end of the run: not what a world is made with.
 *          2. One function names it, for both ways.
 */
#include "sim/saved.h"

#include <stddef.h>
#include <stdlib.h>

#include "sim/insight.h"

#define REST_BYTES (1U << 20)

/* Sequences that Raft's judges know of, in so small a scope. */
#define ENTRIES_KEPT 64

struct saved_replica {
	uint8_t *bytes;
	size_t cap;
};

struct saved {
	struct saved_replica own[WORLD_REPLICAS_MAX];
	const struct saved_replica *replicas[WORLD_REPLICAS_MAX];
	uint8_t *rest;
};

/* Bytes on their way out of the world, or back. */
struct copy {
	uint8_t *at;
	const uint8_t *end;
	bool is_back;
};

static void
copy(struct copy *c, void *what, size_t len)
{
	AG_ASSERT(len <= (size_t)(c->end - c->at));
	if (c->is_back)
		memcpy(what, c->at, len);
	else
		memcpy(c->at, what, len);
	c->at += len;
}

/* The members of a struct from one up to another, which is not in it. */
#define COPY_FIELDS(c, s, from, to) \
	copy((c), &(s)->from,       \
	    (size_t)((uint8_t *)&(s)->to - (uint8_t *)&(s)->from))

static void
copy_schedule(struct copy *c, struct schedule *s)
{
	copy(c, &s->count, sizeof(s->count));
	copy(c, &s->used, sizeof(s->used));
	copy(c, &s->births, sizeof(s->births));
	copy(c, s->heap, s->count * sizeof(s->heap[0]));
	copy(c, s->cells, s->used * sizeof(s->cells[0]));
	copy(c, s->free, s->used * sizeof(s->free[0]));
}

static void
copy_flight(struct copy *c, struct flight *f)
{
	copy(c, &f->is_held, sizeof(f->is_held));
	copy(c, &f->count, sizeof(f->count));
	copy(c, f->list, f->count * sizeof(f->list[0]));
}

static void
copy_arena(struct copy *c, struct arena *a)
{
	copy(c, &a->used_chunks, sizeof(a->used_chunks));
	copy(c, &a->used, sizeof(a->used));
}

/* What Raft's judges know, which they keep where they are. */
static void
copy_terms(struct copy *c, struct world *w)
{
	struct membership *m = &w->memberships[0];

	copy(c, &m->terms, sizeof(m->terms));
	if (m->terms != NULL)
		copy(c, m->terms, WORLD_TERMS_MAX * sizeof(m->terms[0]));
	AG_ASSERT(w->slots_used < ENTRIES_KEPT);
	copy(c, w->entries, ENTRIES_KEPT * sizeof(w->entries[0]));
}

/* Entries of the ledger that came later are nobody's again. */
static void
copy_ledger(struct copy *c, struct world *w)
{
	uint32_t i, count = w->ledger_count;

	copy(c, &w->ledger_count, sizeof(w->ledger_count));
	for (i = w->ledger_count; i < count; i++)
		w->ledger[w->ledger_places[i]].world = 0;
}

/* Slots that were touched later too: there are as many as the larger of the
 * two says, and those beyond are empty. */
static void
copy_slots(struct copy *c, struct world *w)
{
	const uint64_t used = w->slots_used;
	uint64_t i;

	copy(c, &w->slots_used, sizeof(w->slots_used));
	copy(c, w->slots, (w->slots_used + 1) * sizeof(w->slots[0]));
	for (i = w->slots_used + 1; i <= used; i++)
		memset(&w->slots[i], 0, sizeof(w->slots[i]));
}

static void
copy_rest(struct copy *c, struct world *w)
{
	copy(c, &w->choices.count, sizeof(w->choices.count));
	copy_schedule(c, &w->schedule);
	copy_flight(c, &w->flight);
	copy_arena(c, &w->arena);
	COPY_FIELDS(c, w, network_dice, keyring);
	copy(c, &w->unsettled, sizeof(w->unsettled));
	copy_ledger(c, w);
	copy(c, w->asked, sizeof(w->asked));
	COPY_FIELDS(c, w, links, slots);
	copy_slots(c, w);
	copy(c, w->clients, sizeof(w->clients));
	copy(c, &w->history_count, sizeof(w->history_count));
	copy(c, w->history, w->history_count * sizeof(w->history[0]));
	copy(c, &w->executed_count, sizeof(w->executed_count));
	copy(c, &w->read_numbers, sizeof(w->read_numbers));
	copy(c, &w->answered_seq, sizeof(w->answered_seq));
	if (world_is_raft(w))
		copy_terms(c, w);
}

static void
copy_replica(struct copy *c, struct world *w, uint32_t index)
{
	struct replica *r = &w->replicas[index];
	const struct bytes scratch = insight_scratch(r->engine);
	uint8_t *memory = w->memory[index];
	const size_t before = (size_t)(scratch.data - memory);
	const size_t behind = before + scratch.len;

	copy(c, r, sizeof(*r));
	copy(c, r->disk.records, r->disk.count * sizeof(r->disk.records[0]));
	copy(c, memory, before);
	copy(c, memory + behind, w->memory_len[index] - behind);
}

struct saved *
saved_new(void)
{
	struct saved *s = calloc(1, sizeof(*s));

	AG_ASSERT(s != NULL);
	s->rest = malloc(REST_BYTES);
	AG_ASSERT(s->rest != NULL);
	return s;
}

void
saved_free(struct saved *s)
{
	uint32_t i;

	for (i = 0; i < WORLD_REPLICAS_MAX; i++)
		free(s->own[i].bytes);
	free(s->rest);
	free(s);
}

static void
take_replica(struct saved_replica *own, struct world *w, uint32_t index)
{
	const struct replica *r = &w->replicas[index];
	const size_t most = sizeof(*r) + w->memory_len[index] +
	    r->disk.count * sizeof(r->disk.records[0]);
	struct copy c;

	if (own->cap < most) {
		free(own->bytes);
		own->bytes = malloc(most);
		AG_ASSERT(own->bytes != NULL);
		own->cap = most;
	}
	c = (struct copy){ own->bytes, own->bytes + own->cap, false };
	copy_replica(&c, w, index);
}

void
saved_take(struct saved *s, struct world *w, const struct saved *below,
    uint32_t changed)
{
	struct copy c = { s->rest, s->rest + REST_BYTES, false };
	uint32_t i;

	copy_rest(&c, w);
	for (i = 0; i < w->replica_count; i++) {
		if ((changed >> i & 1) == 0) {
			s->replicas[i] = below->replicas[i];
			continue;
		}
		take_replica(&s->own[i], w, i);
		s->replicas[i] = &s->own[i];
	}
}

void
saved_restore(const struct saved *s, struct world *w, uint32_t changed)
{
	struct copy c = { s->rest, s->rest + REST_BYTES, true };
	uint32_t i;

	copy_rest(&c, w);
	for (i = 0; i < w->replica_count; i++) {
		const struct saved_replica *kept = s->replicas[i];

		if ((changed >> i & 1) == 0)
			continue;
		c = (struct copy){ kept->bytes, kept->bytes + kept->cap, true };
		copy_replica(&c, w, i);
	}
}
