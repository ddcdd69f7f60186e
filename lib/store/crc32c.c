/*
 * CRC-32C, reflected, polynomial 0x1edc6f41.
 *
 * The portable form takes four bits at a step from a table of 16 words,
 * small enough to be written down and checked by eye.
 */
#include "store/crc32c.h"

#include <string.h>

uint32_t
crc32c_update_portable(uint32_t crc, struct bytes data)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, //
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, //
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, //
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75, //
	};
	size_t i;

	crc = ~crc;
	for (i = 0; i < data.len; i++) {
		crc ^= data.data[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc32c_update_sse42(uint32_t crc, struct bytes data)
{
	uint64_t wide = ~crc;
	uint32_t narrow;
	size_t i = 0;

	for (; data.len - i >= 8; i += 8) {
		uint64_t word;

		memcpy(&word, data.data + i, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	narrow = (uint32_t)wide;
	for (; i < data.len; i++)
		narrow = __builtin_ia32_crc32qi(narrow, data.data[i]);
	return ~narrow;
}
#endif

uint32_t
crc32c_update(uint32_t crc, struct bytes data)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_update_sse42(crc, data);
#endif
	return crc32c_update_portable(crc, data);
}
