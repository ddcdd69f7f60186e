/*
 * How the kinds of profiles are drawn, a file for each family of them.
 *
 * RULE  A seed stays what it was: the same throws, in the same order.  What is
 *       new is drawn last, or from dice of its own.
 */
#ifndef AEGIS_SIM_DRAW_H
#define AEGIS_SIM_DRAW_H

#include <stdint.h>

#include "sim/dice.h"
#include "sim/profile.h"

#define MILLISECOND 1000U

/* Streams of a seed's that nothing else is drawn from (world.c). */
#define EPOCHS_DICE 7
#define LIES_DICE 8

/* In half of the throws 0, else low..high. */
uint32_t draw_strength(struct dice *d, uint32_t low, uint32_t high);

/* classic, and what others have of it */
void draw_classic(struct profile *p, struct dice *d);
uint32_t draw_member_count(struct dice *d);
void draw_work(struct profile *p, struct dice *d);
void draw_byzantine(struct profile *p, struct dice *d);
void draw_sleeper(struct profile *p, struct dice *d);
void draw_classic_constants(struct profile *p);

/* disks, of which so many may forget; and kinds of lies that came later */
void draw_lies(struct profile *p, struct dice *d, uint32_t faults);
void draw_later_lies(struct profile *p, uint64_t seed);

/* full, txn on top of another, and the families that came later */
void draw_full(struct profile *p, struct dice *d);
void draw_transactions(struct profile *p, struct dice *d);
void draw_more(struct profile *p, struct dice *d);
void draw_attacks(struct profile *p, struct dice *d);
void draw_broken(struct profile *p, struct dice *d);

/* focused, and what all small ones have in common */
void draw_focused(struct profile *p, struct dice *d);
void draw_small(struct profile *p, struct dice *d);
void draw_tiny(struct profile *p, struct dice *d);
void draw_small_culprit(struct profile *p, struct dice *d);
void draw_ladder(struct profile *p, struct dice *d, uint64_t views);

void draw_deep(struct profile *p, struct dice *d);
void draw_beyond(struct profile *p, struct dice *d);

/* focused ones with a primary that serves nobody; slow; unfair */
void draw_patient(struct profile *p, struct dice *d);
void draw_slow(struct profile *p, struct dice *d);
void draw_unfair(struct profile *p, struct dice *d);

/* epochs, and what they are where members only crash too */
void draw_epochs(struct profile *p, struct dice *d);
void draw_epochs_more(struct profile *p, uint64_t seed);
void draw_changes(struct profile *p, struct dice *d);
void draw_epochs_sleeper(struct profile *p, struct dice *d);

/* where members only crash */
void draw_crash_classic(struct profile *p, struct dice *d);
void draw_crash_older(struct profile *p, uint64_t seed);
void draw_crash_epochs(struct profile *p, struct dice *d);
void draw_crash_broken(struct profile *p, uint64_t seed);

#endif
