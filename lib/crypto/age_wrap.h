/*
 * File keys of age files, wrapped for each recipient: what a header's stanzas
 * are made of, and opened with (crypto/age_header.h has their form).
 *
 * FORMAT   X25519       body  ChaCha20-Poly1305, nonce 0, of the file key,
 *                             under HKDF-SHA256 of the shared secret, salted
 *                             with share | recipient, for
 *                             "age-encryption.org/v1/X25519"
 *          ssh-ed25519  the same with the recipient's point on Curve25519,
 *                       for "age-encryption.org/v1/ssh-ed25519"; the shared
 *                       secret is multiplied by HKDF-SHA256 of nothing,
 *                       salted with the key's blob, for the same
 *          ssh-rsa      body  RSA-OAEP with SHA-256, labelled
 *                             "age-encryption.org/v1/ssh-rsa"
 *          scrypt       body  ChaCha20-Poly1305, nonce 0, under scrypt of the
 *                             passphrase with N 2^factor, r 8, p 1, salted
 *                             with "age-encryption.org/v1/scrypt" | salt
 *          tag          first bytes of SHA-256 of the key's blob
 *
 * Ownership  file keys handed out are the caller's to secret_free().
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_AGE_WRAP_H
#define AEGIS_CRYPTO_AGE_WRAP_H

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/age_header.h"
#include "crypto/key_public.h"
#include "crypto/private_key.h"
#include "crypto/secret.h"
#include "crypto/work.h"

/*
 * Append a stanza to a header that was begun.
 * AG_EINVAL  keys of that type do not encrypt, or this one is no point
 */
enum ag_status age_wrap_to_key(struct buf *header, const struct key_public *to,
    const struct secret *file_key, struct ag_error *err) AG_MUST_USE;
enum ag_status age_wrap_to_passphrase(struct buf *header,
    const struct secret *passphrase, enum work_level work,
    const struct secret *file_key, struct ag_error *err) AG_MUST_USE;

/*
 * The file key, of the first stanza that opens.
 * AG_EDENIED   none does
 * AG_ECORRUPT  one is not what such a stanza can be
 */
enum ag_status age_wrap_open(struct secret **file_key,
    const struct age_header *header, const struct private_key *key,
    struct ag_error *err) AG_MUST_USE;
/*
 * The same with an RSA key that is elsewhere, as in a token: decrypt undoes
 * RSA-OAEP with SHA-256 under that label, AG_EFORGED when it does not open.
 */
typedef enum ag_status age_decrypt_fn(void *arg, const char *label,
    struct bytes sealed, struct secret **out, struct ag_error *err);
enum ag_status age_wrap_open_rsa(struct secret **file_key,
    const struct age_header *header, const struct key_public *own,
    age_decrypt_fn *decrypt, void *arg, struct ag_error *err) AG_MUST_USE;
enum ag_status age_wrap_open_passphrase(struct secret **file_key,
    const struct age_header *header, const struct secret *passphrase,
    struct ag_error *err) AG_MUST_USE;

#endif
