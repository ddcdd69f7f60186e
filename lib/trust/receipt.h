/*
 * Receipts: what a member says a part of a state to be, under its signature.
 *
 * Threads    none of its own.
 */
#ifndef AEGIS_TRUST_RECEIPT_H
#define AEGIS_TRUST_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "trust/certificate.h"

/* "The part of this name, of the state of this digest, is these contents." */
struct receipt {
	struct digest state;
	struct digest name;     /* of its encoding */
	struct digest contents; /* of all of them */
};

void receipt_sign(const struct receipt *receipt,
    const struct trust_scope *scope, uint32_t self,
    const struct authority *authority, void *ctx,
    uint8_t signature[static SIGNATURE_BYTES]);

bool receipt_is_signed(const struct receipt *receipt,
    const struct trust_scope *scope, uint32_t member,
    const uint8_t signature[static SIGNATURE_BYTES],
    const struct authority *authority, void *ctx);

#endif
