/*
 * RSA-OAEP (RFC 8017) with SHA-256 for both of its hashes.
 *
 * Ownership  what is handed out is the caller's to secret_free().
 * Threads    one at a time per key.
 */
#ifndef AEGIS_CRYPTO_RSA_OAEP_H
#define AEGIS_CRYPTO_RSA_OAEP_H

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

struct evp_pkey_st;

/* Of 8192 bits. */
#define RSA_OAEP_BYTES_MAX 1024

/* Into RSA_OAEP_BYTES_MAX; *len is the modulus'. */
enum ag_status rsa_oaep_encrypt(uint8_t *out, size_t *len,
    struct evp_pkey_st *pkey, const char *label, struct bytes plain,
    struct ag_error *err) AG_MUST_USE;

/* AG_EFORGED whatever is wrong with sealed: which it is would tell too much. */
enum ag_status rsa_oaep_decrypt(struct secret **out, struct evp_pkey_st *pkey,
    const char *label, struct bytes sealed, struct ag_error *err) AG_MUST_USE;

#endif
