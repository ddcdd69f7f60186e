/*
 * Private keys as PKCS#8, which openssl, ssh-keygen and most others read.
 *
 * FORMAT   PEM "PRIVATE KEY": PrivateKeyInfo (RFC 5208; RFC 8410 for Ed25519
 *          and X25519); "ENCRYPTED PRIVATE KEY": the same inside of what
 *          crypto/pbes2.h has; lines of 64.
 *          Read are also "EC PRIVATE KEY" and "RSA PRIVATE KEY", as PEM had
 *          them before it, when they are not encrypted: their encryption
 *          rests on MD5.
 *
 * Ownership  what is handed out is the caller's to free.
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_PKCS8_H
#define AEGIS_CRYPTO_PKCS8_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/private_key.h"

bool pkcs8_is_file(struct bytes text);
bool pkcs8_is_encrypted(struct bytes text);

/*
 * name is what errors call the key.
 * AG_EDENIED   encrypted, and no or a wrong passphrase was given
 * AG_EVERSION  a type, curve or encryption that is not done here
 * AG_EREFUSED  RSA of a length or exponent that is refused
 * AG_EINVAL    damaged, or a key derivation that is out of bounds
 */
enum ag_status pkcs8_parse(struct private_key **out, struct bytes text,
    const struct secret *passphrase, const char *name,
    struct ag_error *err) AG_MUST_USE;

/* passphrase may be NULL.  There is no place for a comment. */
enum ag_status pkcs8_format(struct secret **text, const struct private_key *key,
    const struct secret *passphrase, struct ag_error *err) AG_MUST_USE;

/* PrivateKeyInfo without armour; err has a clause. */
enum ag_status pkcs8_parse_der(struct private_key **out, struct bytes der,
    struct ag_error *err) AG_MUST_USE;
enum ag_status pkcs8_format_der(struct secret **der,
    const struct private_key *key, struct ag_error *err) AG_MUST_USE;

#endif
