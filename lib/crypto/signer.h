/*
 * An Ed25519 key to sign with, wherever it is: in memory, or behind a
 * function that asks a token for each signature.
 *
 * Ownership  a signer borrows its key, or what its function is given.
 * Threads    any, when what it borrows allows it.
 */
#ifndef AEGIS_CRYPTO_SIGNER_H
#define AEGIS_CRYPTO_SIGNER_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/sign.h"

/* What it hands out it has verified by the public key. */
typedef enum ag_status signer_fn(void *ctx, struct bytes message,
    uint8_t signature[static SIGN_SIGNATURE_BYTES], struct ag_error *err);

struct signer {
	uint8_t public_key[SIGN_PUBLIC_BYTES];
	const struct secret *key; /* in memory; or else NULL and */
	signer_fn *sign;
	void *ctx;
};

/* A key in memory, which never fails to sign. */
void signer_of_key(struct signer *signer, const struct secret *key);

/*
 * Sign, and fail as the function does; signature is then all zeros, which
 * verifies by no key.
 */
enum ag_status signer_sign(const struct signer *signer, struct bytes message,
    uint8_t signature[static SIGN_SIGNATURE_BYTES],
    struct ag_error *err) AG_MUST_USE;

#endif
