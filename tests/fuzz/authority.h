/*
 * Signatures for engines that are fuzzed: whatever does not begin with a zero
 * is somebody's, so that an input gets past them without a key.
 */
#ifndef AEGIS_TESTS_FUZZ_AUTHORITY_H
#define AEGIS_TESTS_FUZZ_AUTHORITY_H

#include <stdbool.h>
#include <string.h>

#include "base/status.h"
#include "trust/certificate.h"

/* Whom an engine may ask about. */
#define AUTHORITY_MEMBERS 4

static inline void
any_sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)message;
	memset(signature, 0x5a, SIGNATURE_BYTES);
}

static inline bool
any_verify(void *ctx, uint32_t member, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)message;
	AG_ASSERT(member < AUTHORITY_MEMBERS);
	return signature[0] != 0;
}

static inline bool
any_verify_request(void *ctx, const uint8_t principal[static PUBLIC_KEY_BYTES],
    struct bytes message, const uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)principal;
	(void)message;
	return signature[0] != 0;
}

static const struct authority anybody = { any_sign, any_verify,
	any_verify_request, NULL };

#endif
