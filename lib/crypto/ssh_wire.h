/*
 * The strings and integers that SSH's formats are made of (RFC 4251, 5).
 *
 * FORMAT   u32     big-endian
 *          string  u32 length and its bytes
 *          mpint   a string: two's complement, big-endian, as short as it
 *                  can be; only numbers above zero are taken here
 *
 * A reader that has failed stays failed and gives empty values, so a format
 * is read to its end and asked once.  Nothing is copied or allocated.
 */
#ifndef AEGIS_CRYPTO_SSH_WIRE_H
#define AEGIS_CRYPTO_SSH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct ssh_wire_reader {
	const uint8_t *at;
	size_t left;
	bool failed;
};

void ssh_wire_start(struct ssh_wire_reader *r, struct bytes input);
struct bytes ssh_wire_get_raw(struct ssh_wire_reader *r, size_t len);
uint32_t ssh_wire_get_u32(struct ssh_wire_reader *r);
struct bytes ssh_wire_get_string(struct ssh_wire_reader *r);

/* The magnitude, without leading zeros. */
struct bytes ssh_wire_get_mpint(struct ssh_wire_reader *r);

/* Is the next string text?  It is consumed either way. */
bool ssh_wire_expect(struct ssh_wire_reader *r, const char *text);

/* Whether all went well and nothing is left. */
bool ssh_wire_is_done(const struct ssh_wire_reader *r);

/* Writers: at has the room, and what follows it is returned. */
uint8_t *ssh_wire_put_raw(uint8_t *at, const void *data, size_t len);
uint8_t *ssh_wire_put_u32(uint8_t *at, size_t value);
uint8_t *ssh_wire_put_string(uint8_t *at, struct bytes data);

/* A magnitude, which may have leading zeros: len + 5 bytes at most. */
uint8_t *ssh_wire_put_mpint(uint8_t *at, struct bytes magnitude);

#endif
