/*
 * Public keys on ristretto255, which custodians of escrowed secrets have.
 *
 * Keys that stand side by side in one sharing could be made from each other's
 * by somebody who has none of them.  So a public key comes with a proof that
 * its maker has the private one, and without it is no key.
 *
 * FORMAT   line        "aegis-ristretto255" SP base64 of the blob [SP comment]
 *          blob        string "aegis-ristretto255", string point (32),
 *                      string possession (64); strings as SSH has them
 *          possession  a signature (crypto/schnorr.h) of an empty message for
 *                      "aegis/ristretto255/possession/v1"; always the same,
 *                      so that a key has one line
 *          fingerprint "SHA256:" and base64 of SHA-256 of the blob without
 *                      its last string
 *          private     PKCS#8's PrivateKeyInfo as RFC 8410 shapes it, of the
 *                      canonical scalar, with the object identifier
 *                      2.25.14757031848970943470586372853047116313
 */
#ifndef AEGIS_CRYPTO_RISTRETTO_KEY_H
#define AEGIS_CRYPTO_RISTRETTO_KEY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/ristretto.h"
#include "crypto/schnorr.h"
#include "crypto/secret.h"

#define RISTRETTO_KEY_TYPE "aegis-ristretto255"
#define RISTRETTO_KEY_BLOB_BYTES \
	(4 + 18 + 4 + RISTRETTO_BYTES + 4 + SCHNORR_BYTES)

struct ristretto_key {
	struct point point;
	uint8_t possession[SCHNORR_BYTES];
};

/* The public half of a private key, which is a valid scalar. */
void ristretto_key_of(struct ristretto_key *key, const struct secret *scalar);

/* Does its maker have the private half? */
bool ristretto_key_is_possessed(const struct ristretto_key *key);

/* Do a line or a blob begin as such a key's? */
bool ristretto_key_is_line(struct bytes text);
bool ristretto_key_is_blob(struct bytes blob);

/* AG_EINVAL damaged; AG_EREFUSED the proof of possession does not hold. */
enum ag_status ristretto_key_parse_blob(struct ristretto_key *key,
    struct bytes blob, struct ag_error *err) AG_MUST_USE;
enum ag_status ristretto_key_parse_line(struct ristretto_key *key,
    struct bytes line, struct ag_error *err) AG_MUST_USE;

void ristretto_key_blob(uint8_t blob[static RISTRETTO_KEY_BLOB_BYTES],
    const struct ristretto_key *key);

/* Into FINGERPRINT_BYTES of crypto/public_key.h. */
void ristretto_key_fingerprint(char *text, const struct point *point);

/*
 * PrivateKeyInfo.  _parse_der: AG_ENOENT another type's; AG_EINVAL the scalar
 * is none.
 */
enum ag_status ristretto_key_parse_der(struct secret **scalar, struct bytes der,
    struct ag_error *err) AG_MUST_USE;
enum ag_status ristretto_key_format_der(struct secret **der,
    const struct secret *scalar, struct ag_error *err) AG_MUST_USE;

#endif
