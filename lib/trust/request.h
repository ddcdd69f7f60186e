/*
 * What makes a request its principal's own: the envelope's signature.
 *
 * SIGNED  "aegis/request/v1" NUL | cluster id (32) | u64 epoch |
 *         principal (32) | BLAKE2b-256 of the envelope's statement
 *
 * Nothing here allocates.
 */
#ifndef AEGIS_TRUST_REQUEST_H
#define AEGIS_TRUST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "codec/batch.h"
#include "codec/encoder.h"
#include "trust/certificate.h"
#include "trust/signing.h"

/* Whoever signs as a principal: the node for its socket, or an operator. */
struct request_signer {
	uint8_t principal[PRINCIPAL_BYTES];
	const struct trust_scope *scope;
	const struct authority *authority;
	void *ctx;
};

/* The bytes to sign for a statement (see codec/batch.h). */
void request_signing_input(struct signing *s, const struct trust_scope *scope,
    const uint8_t principal[static PRINCIPAL_BYTES], struct bytes statement);

/*
 * Did the envelope's principal sign it, and may it make requests here?
 * The envelope must come from envelope_decode().
 */
bool request_verify(const struct envelope *envelope,
    const struct trust_scope *scope, const struct authority *authority,
    void *ctx);

void request_sign(uint8_t signature[static SIGNATURE_BYTES],
    const struct request_signer *signer, struct bytes statement);

/*
 * Write a whole signed envelope of 1..ENVELOPE_OPERATIONS_MAX encoded
 * operations numbered first, first + 1, …  When it does not fit, the
 * encoder has overflowed.
 */
void request_encode(struct encoder *e, const struct request_signer *signer,
    uint64_t first, uint64_t expiry_ms, const struct bytes *operations,
    size_t count);

#endif
