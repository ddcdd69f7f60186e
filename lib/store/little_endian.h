/*
 * Little-endian integers in stored bytes.
 */
#ifndef AEGIS_STORE_LITTLE_ENDIAN_H
#define AEGIS_STORE_LITTLE_ENDIAN_H

#include <stdint.h>

static inline void
put_le32(uint8_t *out, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static inline void
put_le64(uint8_t *out, uint64_t value)
{
	int i;

	for (i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t
get_le32(const uint8_t *in)
{
	return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 |
	    (uint32_t)in[3] << 24;
}

static inline uint64_t
get_le64(const uint8_t *in)
{
	return (uint64_t)get_le32(in) | (uint64_t)get_le32(in + 4) << 32;
}

#endif
