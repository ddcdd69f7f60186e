/*
 * Public keys of every kind that SSH signatures are made with.
 *
 * crypto/public_key.h has the keys that members and operators have, which
 * are Ed25519 alone; these are for signatures on files, from anybody.
 *
 * FORMAT   line  type SP base64 of the blob [SP comment]
 *          blob  Ed25519  string "ssh-ed25519", string key (32)
 *                ECDSA    string "ecdsa-sha2-nistp256" (or 384), string
 *                         "nistp256", string point (04 | x | y)
 *                RSA      string "ssh-rsa", mpint e, mpint n
 *          signature      string algorithm, string bytes
 *                Ed25519  64 bytes
 *                ECDSA    mpint r, mpint s; SHA-256 with P-256, SHA-384
 *                         with P-384
 *                RSA      "rsa-sha2-256" or "rsa-sha2-512", PKCS #1 v1.5
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_SSH_KEY_H
#define AEGIS_CRYPTO_SSH_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct evp_pkey_st;

enum ssh_key_type {
	SSH_KEY_ED25519,
	SSH_KEY_ECDSA_P256,
	SSH_KEY_ECDSA_P384,
	SSH_KEY_RSA,
};

/* RSA of 8192 bits, which takes the most. */
#define SSH_KEY_RSA_BITS_MAX 8192
#define SSH_KEY_RSA_VERIFY_BITS_MIN 2048
#define SSH_KEY_RSA_SIGN_BITS_MIN 3072
#define SSH_KEY_BLOB_BYTES_MAX (4 + 7 + 4 + 5 + 4 + 1 + 1024)
#define SSH_KEY_SIGNATURE_BYTES_MAX (4 + 12 + 4 + 1024)

struct ssh_key {
	enum ssh_key_type type;
	unsigned int bits;
	uint8_t blob[SSH_KEY_BLOB_BYTES_MAX];
	size_t blob_len;
};

/*
 * Parse a blob.
 * AG_EVERSION  a type that is not done here, or a certificate
 * AG_EREFUSED  too short to rely on
 * AG_EINVAL    damaged, or not on its curve
 */
enum ag_status ssh_key_parse_blob(struct ssh_key *key, struct bytes blob,
    struct ag_error *err) AG_MUST_USE;

/* Parse the two words of a line.  As above. */
enum ag_status ssh_key_parse_words(struct ssh_key *key, struct bytes type,
    struct bytes base64, struct ag_error *err) AG_MUST_USE;

/* Parse a line, with or without newline and comment. */
enum ag_status ssh_key_parse_line(struct ssh_key *key, struct bytes line,
    struct ag_error *err) AG_MUST_USE;

/* Whether a word names a type of key, known here or not. */
bool ssh_key_is_type(struct bytes word);

bool ssh_key_equal(const struct ssh_key *a, const struct ssh_key *b);

/* "ssh-ed25519", as lines and blobs begin. */
const char *ssh_key_type_word(enum ssh_key_type type);

/* "ED25519", "ECDSA", "RSA", as fingerprints are shown with. */
const char *ssh_key_type_name(enum ssh_key_type type);

/*
 * libcrypto's form of a key that was parsed, which is not Ed25519: the
 * caller's to EVP_PKEY_free().  NULL when memory is refused.
 */
struct evp_pkey_st *ssh_key_to_evp(const struct ssh_key *key);

/* "SHA256:…", into FINGERPRINT_BYTES of crypto/public_key.h. */
void ssh_key_fingerprint(char *text, const struct ssh_key *key);

/*
 * Check an SSH signature (algorithm and bytes) over message.
 * AG_EFORGED   it does not verify
 * AG_EREFUSED  an algorithm that is refused
 * AG_ECORRUPT  of another kind than the key, or damaged
 */
enum ag_status ssh_key_verify(const struct ssh_key *key, struct bytes message,
    struct bytes signature, struct ag_error *err) AG_MUST_USE;

#endif
