/*
 * HKDF-SHA256 (RFC 5869) for one block of output.
 *
 * Ownership  what is handed out is the caller's to secret_free().
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_HKDF_H
#define AEGIS_CRYPTO_HKDF_H

#include "base/bytes.h"
#include "crypto/secret.h"

#define HKDF_BYTES 32

/* An empty salt is RFC 5869's default one.  NULL when memory is refused. */
struct secret *hkdf_sha256(struct bytes key, struct bytes salt,
    const char *info);

#endif
