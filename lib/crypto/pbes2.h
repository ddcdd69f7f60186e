/*
 * PKCS#8's encryption with a passphrase: PBES2 (RFC 8018).
 *
 * FORMAT   EncryptedPrivateKeyInfo, in DER:
 *          SEQUENCE { SEQUENCE { OID PBES2, SEQUENCE { kdf, cipher } },
 *                     OCTET STRING encrypted }
 *          kdf      SEQUENCE { OID PBKDF2, SEQUENCE { OCTET STRING salt,
 *                   INTEGER rounds [, INTEGER key length]
 *                   [, SEQUENCE { OID HMAC, NULL }] } }, or
 *                   SEQUENCE { OID scrypt, SEQUENCE { OCTET STRING salt,
 *                   INTEGER N, INTEGER r, INTEGER p [, INTEGER key length] } }
 *          cipher   SEQUENCE { OID AES-CBC, OCTET STRING first vector }
 *
 * Written is PBKDF2 with HMAC-SHA-256 and AES-256-CBC, which every reader of
 * PKCS#8 has.
 *
 * Ownership  secrets handed out are the caller's to secret_free().
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_PBES2_H
#define AEGIS_CRYPTO_PBES2_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

/* What is written, and the most that is waited for: two seconds. */
#define PBES2_ROUNDS 600000
#define PBES2_ROUNDS_MAX 10000000

/* scrypt takes 128 * N * r bytes, and p times that long. */
#define PBES2_SCRYPT_BYTES_MAX ((uint64_t)1 << 30)
#define PBES2_SCRYPT_LANES_MAX 16

struct pbes2 {
	struct bytes salt, vector, encrypted; /* borrowed */
	size_t key_bytes;
	int hash_bits;   /* of PBKDF2's HMAC: 1 (SHA-1), 256, 384 or 512 */
	uint32_t rounds; /* of PBKDF2; 0: scrypt */
	uint64_t scrypt_n;
	uint32_t scrypt_r, scrypt_p;
};

/*
 * What a wrapper asks for, all of it within bounds.
 * AG_EINVAL    damaged, or out of bounds
 * AG_EVERSION  another scheme, such as DES
 */
enum ag_status pbes2_read(struct pbes2 *wrapper, struct bytes der,
    struct ag_error *err) AG_MUST_USE;

/* AG_EDENIED: wrong passphrase, or damaged. */
enum ag_status pbes2_open(struct secret **out, const struct pbes2 *wrapper,
    const struct secret *passphrase, struct ag_error *err) AG_MUST_USE;
enum ag_status pbes2_seal(struct secret **out, struct bytes plain,
    const struct secret *passphrase, struct ag_error *err) AG_MUST_USE;

#endif
