/*
 * DER.
 *
 * RULES    1. A length is believed only up to the bytes that are there, and
 *             has one form: as short as it can be.
 *          2. An integer has one form, too.
 */
#include "crypto/der.h"

#include <string.h>

#include "base/status.h"

#define LENGTH_MAX 0xffff

void
der_start(struct der_reader *r, struct bytes input)
{
	*r = (struct der_reader){ .at = input.data, .left = input.len };
}

static uint8_t
get_byte(struct der_reader *r)
{
	if (r->failed || r->left == 0) {
		r->failed = true;
		return 0;
	}
	r->left--;
	return *r->at++;
}

static size_t
get_length(struct der_reader *r)
{
	size_t len = get_byte(r), least = 0x80;

	if (len == 0x81) {
		len = get_byte(r);
	} else if (len == 0x82) {
		len = (size_t)get_byte(r) << 8;
		len |= get_byte(r);
		least = 0x100;
	} else if (len >= 0x80) {
		r->failed = true;
		return 0;
	} else {
		return len;
	}
	if (len < least)
		r->failed = true;
	return len;
}

struct bytes
der_get(struct der_reader *r, enum der_tag tag)
{
	struct bytes value = { r->at, 0 };
	size_t len;

	if (get_byte(r) != tag)
		r->failed = true;
	len = get_length(r);
	if (r->failed || len > r->left) {
		r->failed = true;
		return value;
	}
	value = bytes_of(r->at, len);
	r->at += len;
	r->left -= len;
	return value;
}

void
der_enter(struct der_reader *r, struct der_reader *inner)
{
	struct bytes value = der_get(r, DER_SEQUENCE);

	der_start(inner, value);
	inner->failed = r->failed;
}

uint64_t
der_get_number(struct der_reader *r, uint64_t most)
{
	struct bytes value = der_get(r, DER_INTEGER);
	uint64_t number = 0;

	if (value.len == 0 || value.len > 8 || value.data[0] >= 0x80 ||
	    (value.len > 1 && value.data[0] == 0 && value.data[1] < 0x80)) {
		r->failed = true;
		return 0;
	}
	for (size_t i = 0; i < value.len; i++)
		number = number << 8 | value.data[i];
	if (number > most)
		r->failed = true;
	return number;
}

bool
der_is_next(const struct der_reader *r, enum der_tag tag)
{
	return !r->failed && r->left > 0 && *r->at == tag;
}

bool
der_is_done(const struct der_reader *r)
{
	return !r->failed && r->left == 0;
}

uint8_t *
der_put_head(uint8_t *at, enum der_tag tag, size_t len)
{
	AG_ASSERT(len <= LENGTH_MAX);
	*at++ = (uint8_t)tag;
	if (len >= 0x100) {
		*at++ = 0x82;
		*at++ = (uint8_t)(len >> 8);
	} else if (len >= 0x80) {
		*at++ = 0x81;
	}
	*at++ = (uint8_t)len;
	return at;
}

uint8_t *
der_put(uint8_t *at, enum der_tag tag, struct bytes value)
{
	at = der_put_head(at, tag, value.len);
	if (value.len > 0)
		memcpy(at, value.data, value.len);
	return at + value.len;
}
