/*
 * What will happen, and when: a binary heap of keys.
 *
 * RULES    1. Equal times are popped in the order they were pushed, so a
 *             schedule never depends on the heap's shape.
 *          2. Keys alone are moved: what happens stays in its cell.
 */
#include "sim/schedule.h"

static const struct {
	const char *name;
	bool is_bound;
} kinds[HAPPEN_COUNT] = {
#define HAPPEN_ROW(name, bound) { #name, (bound) },
	HAPPEN_TABLE(HAPPEN_ROW)
#undef HAPPEN_ROW
};

const char *
happen_name(enum happen_kind kind)
{
	return kinds[kind].name;
}

bool
happen_is_bound(enum happen_kind kind)
{
	return kinds[kind].is_bound;
}

static bool
is_before(const struct schedule_key *a, const struct schedule_key *b)
{
	return a->at < b->at || (a->at == b->at && a->tag < b->tag);
}

void
schedule_reset(struct schedule *s)
{
	s->count = 0;
	s->used = 0;
	s->births = 0;
}

/* A cell nobody uses; there is one, as the heap is not full. */
static size_t
cell_take(struct schedule *s)
{
	return s->count < s->used ? s->free[s->used - s->count - 1] : s->used++;
}

bool
schedule_push(struct schedule *s, struct happening h)
{
	struct schedule_key key = { .at = h.at };
	size_t i = s->count, cell;

	if (s->count == SCHEDULE_MAX)
		return false;
	cell = cell_take(s);
	s->cells[cell] = h;
	key.tag = s->births++ << 16 | cell;
	s->count++;
	while (i > 0 && is_before(&key, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = key;
	return true;
}

/* The first key goes; the last one takes its place, and finds its own. */
static void
heap_drop_first(struct schedule *s)
{
	struct schedule_key last = s->heap[--s->count];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= s->count)
			break;
		if (child + 1 < s->count &&
		    is_before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!is_before(&s->heap[child], &last))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
}

bool
schedule_pop(struct schedule *s, struct happening *h)
{
	size_t cell;

	if (s->count == 0)
		return false;
	cell = s->heap[0].tag & (SCHEDULE_MAX - 1);
	*h = s->cells[cell];
	heap_drop_first(s);
	s->free[s->used - s->count - 1] = (uint16_t)cell;
	return true;
}
