/*
 * The fixed headers of packs.
 */
#include "backup/pack.h"

#include <string.h>

#define PACK_VERSION 1
#define PACK_KIND 'D'

static uint8_t *
put_integer(uint8_t *out, uint64_t value, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
	return out + len;
}

static uint64_t
get_integer(const uint8_t *in, size_t len)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < len; i++)
		value = value << 8 | in[i];
	return value;
}

void
pack_header_encode(uint8_t out[static PACK_HEADER_BYTES],
    const uint8_t repository[static REPOSITORY_ID_BYTES])
{
	memcpy(out, PACK_MAGIC, 8);
	out[8] = PACK_VERSION;
	out[9] = PACK_KIND;
	memcpy(out + 10, repository, REPOSITORY_ID_BYTES);
}

void
pack_record_encode(uint8_t out[static PACK_RECORD_BYTES],
    const struct pack_record *record)
{
	out = put_integer(out, record->number, 8);
	*out++ = record->flags;
	*out++ = record->method;
	out = put_integer(out, record->raw_len, 4);
	(void)put_integer(out, record->sealed_len, 4);
}

void
pack_record_decode(struct pack_record *record,
    const uint8_t in[static PACK_RECORD_BYTES])
{
	record->number = get_integer(in, 8);
	record->flags = in[8];
	record->method = in[9];
	record->raw_len = (uint32_t)get_integer(in + 10, 4);
	record->sealed_len = (uint32_t)get_integer(in + 14, 4);
}
