/*
 * bcrypt_pbkdf: how OpenSSH makes a key of a passphrase.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_BCRYPT_H
#define AEGIS_CRYPTO_BCRYPT_H

#include "base/bytes.h"
#include "crypto/secret.h"

#define BCRYPT_KEY_BYTES_MAX 1024

/*
 * len bytes of passphrase and salt, after so many rounds (at least one),
 * each of which takes some milliseconds.  NULL when memory is refused.
 */
struct secret *bcrypt_pbkdf(struct bytes passphrase, struct bytes salt,
    unsigned int rounds, size_t len);

#endif
