/*
 * Randomness that replays: one generator per concern, all from one seed.
 */
#ifndef AEGIS_SIM_DICE_H
#define AEGIS_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state[4];
};

/* The same seed and concern give the same throws, on any machine. */
void dice_init(struct dice *d, uint64_t seed, uint64_t concern);

uint64_t dice_next(struct dice *d);

/* Uniform in 0..bound-1; bound is at least 1. */
uint64_t dice_below(struct dice *d, uint64_t bound);

/* Uniform in low..high, both included. */
uint64_t dice_range(struct dice *d, uint64_t low, uint64_t high);

/* True in so many of a thousand throws. */
bool dice_chance(struct dice *d, uint32_t permille);

/* True in half of the throws. */
bool dice_coin(struct dice *d);

/* About exponential with this mean; integers only, so it replays. */
uint64_t dice_waiting(struct dice *d, uint64_t mean);

/* A random set bit of mask, which must not be empty. */
uint32_t dice_member(struct dice *d, uint32_t mask);

#endif
