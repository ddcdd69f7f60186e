/*
 * ECDSA and RSA keys as libcrypto has them: made, checked, and as DER.
 *
 * Ownership  keys handed out are the caller's to EVP_PKEY_free(), which wipes
 *            them; secrets are the caller's to secret_free().
 * Threads    one at a time per key.
 */
#ifndef AEGIS_CRYPTO_KEY_EVP_H
#define AEGIS_CRYPTO_KEY_EVP_H

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/ssh_key.h"

struct evp_pkey_st;

/* bits are of RSA's modulus. */
enum ag_status key_evp_generate(struct evp_pkey_st **out,
    enum ssh_key_type type, unsigned int bits,
    struct ag_error *err) AG_MUST_USE;

/*
 * Its public half.
 * AG_EVERSION  of a type or curve that is not done here
 * AG_EREFUSED  RSA that is too short, too long, or of an odd exponent
 */
enum ag_status key_evp_public(struct ssh_key *out, struct evp_pkey_st *pkey,
    struct ag_error *err) AG_MUST_USE;

/* PKCS#8's PrivateKeyInfo, or what PEM called EC and RSA before it. */
enum ag_status key_evp_from_der(struct evp_pkey_st **out, struct bytes der,
    struct ag_error *err) AG_MUST_USE;
enum ag_status key_evp_to_der(struct secret **out, struct evp_pkey_st *pkey,
    struct ag_error *err) AG_MUST_USE;

/* SubjectPublicKeyInfo. */
enum ag_status key_evp_public_from_der(struct ssh_key *out, struct bytes der,
    struct ag_error *err) AG_MUST_USE;
enum ag_status key_evp_public_to_der(struct buf *out, const struct ssh_key *key,
    struct ag_error *err) AG_MUST_USE;

/* What an OpenSSH section has of it, the type first. */
enum ag_status key_evp_fields(struct secret **out, struct evp_pkey_st *pkey,
    const struct ssh_key *public_key, struct ag_error *err) AG_MUST_USE;

/*
 * Whatever there is to be checked: that primes are primes, and far apart, and
 * that the halves belong together.  Takes a second for long RSA keys.
 * AG_EREFUSED with what is wrong, as a clause.
 */
enum ag_status key_evp_check(struct evp_pkey_st *pkey,
    const struct ssh_key *public_key, struct ag_error *err) AG_MUST_USE;

#endif
