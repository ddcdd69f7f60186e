/*
 * ECDSA and RSA private keys of OpenSSH's files as OpenSSL has them.
 *
 * Part of crypto/ssh_signer.h, which is what callers want.
 *
 * Ownership  keys handed out are the caller's to EVP_PKEY_free(), which
 *            wipes them.
 */
#ifndef AEGIS_CRYPTO_SSH_PRIVATE_H
#define AEGIS_CRYPTO_SSH_PRIVATE_H

#include "base/bytes.h"
#include "crypto/ssh_key.h"

struct evp_pkey_st;

/*
 * Of a private section; NULL when it is damaged.  comment, which may be NULL,
 * has PUBLIC_KEY_COMMENT_BYTES.
 */
struct evp_pkey_st *ssh_private_from_section(char *comment,
    struct bytes section, enum ssh_key_type type);

#endif
