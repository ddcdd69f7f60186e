/*
 * Hashes of what is put together piece by piece: fast, and of no use against
 * an adversary.
 */
#ifndef AEGIS_SIM_MIX_H
#define AEGIS_SIM_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15U;
	return hash ^ hash >> 32;
}

static inline uint64_t
mix_bytes(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = mix(hash, word);
	}
	word = 0;
	memcpy(&word, at, len);
	return mix(hash, word ^ (uint64_t)len << 56);
}

/* The members of a struct from one up to another, which is not in it. */
#define MIX_FIELDS(hash, s, from, to)                  \
	mix_bytes((hash), (const uint8_t *)&(s)->from, \
	    (size_t)((const uint8_t *)&(s)->to - (const uint8_t *)&(s)->from))
#define MIX_FIELDS_TO_END(hash, s, from)               \
	mix_bytes((hash), (const uint8_t *)&(s)->from, \
	    (size_t)((const uint8_t *)((s) + 1) -      \
		(const uint8_t *)&(s)->from))

#endif
