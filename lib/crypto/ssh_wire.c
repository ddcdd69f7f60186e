/*
 * SSH's strings and integers.
 *
 * RULES    1. A length is believed only up to the bytes that are there.
 *          2. An integer has one form: what is not it fails, so that no two
 *             texts are the same key or signature.
 */
#include "crypto/ssh_wire.h"

#include <string.h>

void
ssh_wire_start(struct ssh_wire_reader *r, struct bytes input)
{
	*r = (struct ssh_wire_reader){ .at = input.data, .left = input.len };
}

struct bytes
ssh_wire_get_raw(struct ssh_wire_reader *r, size_t len)
{
	struct bytes value = bytes_of(r->at, len);

	if (r->failed || len > r->left) {
		r->failed = true;
		return bytes_of(r->at, 0);
	}
	/* An empty input may have no address to count from. */
	if (len > 0)
		r->at += len;
	r->left -= len;
	return value;
}

uint32_t
ssh_wire_get_u32(struct ssh_wire_reader *r)
{
	struct bytes raw = ssh_wire_get_raw(r, 4);

	if (raw.len != 4)
		return 0;
	return (uint32_t)raw.data[0] << 24 | (uint32_t)raw.data[1] << 16 |
	    (uint32_t)raw.data[2] << 8 | raw.data[3];
}

struct bytes
ssh_wire_get_string(struct ssh_wire_reader *r)
{
	return ssh_wire_get_raw(r, ssh_wire_get_u32(r));
}

struct bytes
ssh_wire_get_mpint(struct ssh_wire_reader *r)
{
	struct bytes value = ssh_wire_get_string(r);
	bool is_padded = value.len > 0 && value.data[0] == 0;

	/* Zero, negative, or with a zero in front that tells nothing. */
	if (value.len == 0 || value.data[0] >= 0x80 ||
	    (is_padded && (value.len == 1 || value.data[1] < 0x80))) {
		r->failed = true;
		return bytes_of(r->at, 0);
	}
	return is_padded ? bytes_of(value.data + 1, value.len - 1) : value;
}

bool
ssh_wire_expect(struct ssh_wire_reader *r, const char *text)
{
	struct bytes value = ssh_wire_get_string(r);

	return bytes_equal(value, bytes_from_text(text)) && !r->failed;
}

bool
ssh_wire_is_done(const struct ssh_wire_reader *r)
{
	return !r->failed && r->left == 0;
}

uint8_t *
ssh_wire_put_raw(uint8_t *at, const void *data, size_t len)
{
	if (len > 0)
		memcpy(at, data, len);
	return at + len;
}

uint8_t *
ssh_wire_put_u32(uint8_t *at, size_t value)
{
	const uint8_t raw[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
		(uint8_t)(value >> 8), (uint8_t)value };

	return ssh_wire_put_raw(at, raw, sizeof(raw));
}

uint8_t *
ssh_wire_put_string(uint8_t *at, struct bytes data)
{
	return ssh_wire_put_raw(ssh_wire_put_u32(at, data.len), data.data,
	    data.len);
}

uint8_t *
ssh_wire_put_mpint(uint8_t *at, struct bytes magnitude)
{
	bool is_high;

	while (magnitude.len > 0 && magnitude.data[0] == 0) {
		magnitude.data++;
		magnitude.len--;
	}
	is_high = magnitude.len > 0 && magnitude.data[0] >= 0x80;
	at = ssh_wire_put_u32(at, magnitude.len + is_high);
	if (is_high)
		*at++ = 0;
	return ssh_wire_put_raw(at, magnitude.data, magnitude.len);
}
