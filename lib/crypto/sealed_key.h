/*
 * Sealed keys: private keys of any type under a passphrase that is made hard
 * to guess.
 *
 * FORMAT   Armour "AEGIS SEALED KEY" in lines of 64, around
 *          "aegis-sealed" (12) | u8 version 1 | u8 kdf 1 (Argon2id) |
 *          u32 passes | u32 MiB | salt (16) | nonce (24) | commitment (32) |
 *          string public blob | string comment | sealed | tag (16)
 *          Integers big-endian; a string is a u32 length and its bytes.
 *          key         Argon2id v1.3, one lane, of passphrase and salt: 32
 *          commitment  BLAKE2b-256 keyed with key, of
 *                      "aegis/sealed-key/v1/commitment" NUL
 *          sealed      XChaCha20-Poly1305 of PKCS#8's PrivateKeyInfo, under
 *                      BLAKE2b-256 keyed with key, of
 *                      "aegis/sealed-key/v1/seal" NUL, with everything in
 *                      front as its context
 *
 * Ownership  what is handed out is the caller's to free.
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_SEALED_KEY_H
#define AEGIS_CRYPTO_SEALED_KEY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/private_key.h"
#include "crypto/work.h"

bool sealed_key_is_file(struct bytes text);

/*
 * What stands in front: claims, until it is opened.  comment has
 * PUBLIC_KEY_COMMENT_BYTES.  AG_EINVAL, AG_EVERSION.
 */
enum ag_status sealed_key_public(struct key_public *key, char *comment,
    struct bytes text, const char *name, struct ag_error *err) AG_MUST_USE;

/*
 * AG_EDENIED   no or a wrong passphrase, or damaged
 * AG_EVERSION  a later version
 * AG_EINVAL    damaged, or work factors that are out of bounds
 */
enum ag_status sealed_key_parse(struct private_key **out, struct bytes text,
    const struct secret *passphrase, const char *name,
    struct ag_error *err) AG_MUST_USE;
enum ag_status sealed_key_format(struct secret **text,
    const struct private_key *key, const struct secret *passphrase,
    enum work_level work, struct ag_error *err) AG_MUST_USE;

#endif
