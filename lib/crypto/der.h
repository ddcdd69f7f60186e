/*
 * DER (X.690), as much of it as private keys and their wrappers take.
 *
 * A reader that has failed stays failed and gives empty values, so a format
 * is read to its end and asked once.  Nothing is copied or allocated.
 */
#ifndef AEGIS_CRYPTO_DER_H
#define AEGIS_CRYPTO_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum der_tag {
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
};

struct der_reader {
	const uint8_t *at;
	size_t left;
	bool failed;
};

void der_start(struct der_reader *r, struct bytes input);

/* The contents of the next value, which has that tag. */
struct bytes der_get(struct der_reader *r, enum der_tag tag);

/* The next value's contents are read by inner. */
void der_enter(struct der_reader *r, struct der_reader *inner);

/* An INTEGER from 0 to most. */
uint64_t der_get_number(struct der_reader *r, uint64_t most);

/* Whether the next value has that tag; nothing is consumed. */
bool der_is_next(const struct der_reader *r, enum der_tag tag);
bool der_is_done(const struct der_reader *r);

/* Writers: at has the room, and what follows it is returned. */
#define DER_HEAD_BYTES 4
uint8_t *der_put_head(uint8_t *at, enum der_tag tag, size_t len);
uint8_t *der_put(uint8_t *at, enum der_tag tag, struct bytes value);

#endif
