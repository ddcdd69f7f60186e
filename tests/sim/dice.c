/*
 * Randomness that replays: xoshiro256**, seeded through splitmix64.
 *
 * RULES    1. No floating point: a seed must mean the same on every compiler.
 *          2. Each concern owns a generator, so that drawing once more for
 *             the disk does not shift the network.
 */
#include "sim/dice.h"

static uint64_t
rotate(uint64_t value, int by)
{
	return value << by | value >> (64 - by);
}

static uint64_t
split(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

void
dice_init(struct dice *d, uint64_t seed, uint64_t concern)
{
	uint64_t state = seed * 0xd1342543de82ef95U + concern;
	int i;

	for (i = 0; i < 4; i++)
		d->state[i] = split(&state);
}

uint64_t
dice_next(struct dice *d)
{
	uint64_t *s = d->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t
dice_below(struct dice *d, uint64_t bound)
{
	return dice_next(d) % bound;
}

uint64_t
dice_range(struct dice *d, uint64_t low, uint64_t high)
{
	return low + dice_below(d, high - low + 1);
}

bool
dice_chance(struct dice *d, uint32_t permille)
{
	return dice_below(d, 1000) < permille;
}

bool
dice_coin(struct dice *d)
{
	return dice_chance(d, 500);
}

/* k halvings and a uniform rest: mean 1.5, tail 2^-k. */
uint64_t
dice_waiting(struct dice *d, uint64_t mean)
{
	uint64_t bits = dice_next(d);
	uint64_t halvings = 0;
	uint64_t rest = bits >> 32 & 0x3ff;

	while (halvings < 20 && (bits & 1) != 0) {
		halvings++;
		bits >>= 1;
	}
	return mean * (halvings * 1024 + rest) / 1536;
}

uint32_t
dice_member(struct dice *d, uint32_t mask)
{
	uint64_t skip = dice_below(d, (uint64_t)__builtin_popcount(mask));

	while (skip-- > 0)
		mask &= mask - 1;
	return (uint32_t)__builtin_ctz(mask);
}
