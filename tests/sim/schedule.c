/*
 * What will happen, and when: a binary heap.
 *
 * RULES    1. Equal times are popped in the order they were pushed, so a
 *             schedule never depends on the heap's shape.
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
is_before(const struct happening *a, const struct happening *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void
schedule_reset(struct schedule *s)
{
	s->count = 0;
	s->births = 0;
}

bool
schedule_push(struct schedule *s, struct happening h)
{
	size_t i = s->count;

	if (s->count == SCHEDULE_MAX)
		return false;
	h.order = s->births++;
	s->count++;
	while (i > 0 && is_before(&h, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = h;
	return true;
}

bool
schedule_pop(struct schedule *s, struct happening *h)
{
	struct happening last;
	size_t i = 0;

	if (s->count == 0)
		return false;
	*h = s->heap[0];
	last = s->heap[--s->count];
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
	return true;
}
