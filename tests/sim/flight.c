/*
 * Messages that are held.
 *
 * RULES    1. Dice are thrown alike for each arrival: what a replica does
 *             depends on where it stands and on what arrives, not on what
 *             happened to others before.
 *          2. A disk is written, and a batch executed, in no time; timers
 *             fire when time goes on.
 *          3. Word of progress is lost: it is said again, and would double
 *             the states.
 */
#include "sim/flight.h"

#include "codec/message.h"
#include "sim/world.h"

/* Things that one arrival may lead to, at most. */
#define SETTLED_MAX 10000

static bool
is_at_once(enum happen_kind kind)
{
	return kind == HAPPEN_FLUSH || kind == HAPPEN_SYNCED ||
	    kind == HAPPEN_APPLY;
}

bool
flight_takes(struct world *w, struct happening *h)
{
	struct flight *f = &w->flight;

	if (is_at_once(h->kind))
		h->at = w->now;
	if (h->kind != HAPPEN_ARRIVE)
		return false;
	if (message_type_of(h->body) == MESSAGE_PROGRESS)
		return true;
	if (f->count == FLIGHT_MAX)
		world_violate(w, "too much is in flight");
	else
		f->list[f->count++] = *h;
	return true;
}

/* Whatever is to happen now. */
static void
settle(struct world *w)
{
	uint32_t left = SETTLED_MAX;

	while (schedule_next_at(&w->schedule) <= w->now && world_next(w))
		if (--left == 0)
			world_violate(w, "what one message causes never ends");
}

void
flight_hold(struct world *w)
{
	static struct happening all[SCHEDULE_MAX];
	size_t i, count = 0;

	while (schedule_pop(&w->schedule, &all[count]))
		count++;
	w->flight.is_held = true;
	for (i = 0; i < count; i++)
		world_push(w, all[i]);
	settle(w);
}

void
flight_arrive(struct world *w, uint32_t which)
{
	const struct dice network = w->network_dice, disk = w->disk_dice,
			  byzantine = w->byzantine_dice;
	struct flight *f = &w->flight;
	struct happening h = f->list[which];

	h.at = w->now;
	f->count--;
	memmove(&f->list[which], &f->list[which + 1],
	    (f->count - which) * sizeof(h));
	if (!schedule_push(&w->schedule, h))
		world_violate(w, "the schedule runs away");
	settle(w);
	w->network_dice = network;
	w->disk_dice = disk;
	w->byzantine_dice = byzantine;
}

void
flight_let_go(struct world *w, uint64_t after_us)
{
	struct flight *f = &w->flight;
	uint32_t i;

	f->is_held = false;
	for (i = 0; i < f->count && after_us != FLIGHT_LOST; i++) {
		f->list[i].at = w->now + after_us;
		world_push(w, f->list[i]);
	}
	f->count = 0;
}
