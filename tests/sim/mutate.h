/*
 * Small-scope mutations of real messages, as ByzzFuzz makes them: a field
 * one more or one less, an old field again, an element too few or twice.
 */
#ifndef AEGIS_SIM_MUTATE_H
#define AEGIS_SIM_MUTATE_H

#include "base/bytes.h"
#include "sim/arena.h"
#include "sim/dice.h"

/*
 * body with one thing changed, in the arena; old is another message of the
 * same type to take fields from, or empty.  The body again when it holds
 * nothing to change.
 */
struct bytes mutate_message(struct arena *arena, struct dice *d,
    struct bytes body, struct bytes old);

/* The item at this index of an encoded array; empty when there is none. */
struct bytes mutate_field(struct bytes array, size_t index);

/* The array with the item at index replaced, in the arena. */
struct bytes mutate_replace(struct arena *arena, struct bytes array,
    size_t index, struct bytes item);

#endif
