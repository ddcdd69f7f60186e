/*
 * CRC-32C (Castagnoli), by the processor's instruction where it has one.
 *
 * Finds damage, not forgery.
 */
#ifndef AEGIS_STORE_CRC32C_H
#define AEGIS_STORE_CRC32C_H

#include <stdint.h>

#include "base/bytes.h"

/* Continue crc (0 at first) over data. */
uint32_t crc32c_update(uint32_t crc, struct bytes data);

/* The same without the instruction, for processors that lack it. */
uint32_t crc32c_update_portable(uint32_t crc, struct bytes data);

#endif
