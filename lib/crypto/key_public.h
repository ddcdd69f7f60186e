/*
 * Public halves of keys of every type, in every form they are written in.
 *
 * FORMAT   line      OpenSSH's, of the types that SSH has
 *          age1…     of X25519
 *          aegis-recipient-1-…  the same, as backups are sealed to it
 *          aegis-ristretto255 …  crypto/ristretto_key.h
 *          PEM       SubjectPublicKeyInfo, "PUBLIC KEY"; not of ristretto255
 */
#ifndef AEGIS_CRYPTO_KEY_PUBLIC_H
#define AEGIS_CRYPTO_KEY_PUBLIC_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/algorithm.h"
#include "crypto/ristretto_key.h"
#include "crypto/ssh_key.h"

#define KEY_PUBLIC_X25519_BYTES 32
#define KEY_PUBLIC_TEXT_BYTES 128

struct key_public {
	int id; /* of the registry: an SSH type, or ALGORITHM_KEY_… */
	unsigned int bits;
	struct ssh_key ssh; /* or else */
	uint8_t x25519[KEY_PUBLIC_X25519_BYTES];
	struct ristretto_key ristretto;
};

void key_public_of_ssh(struct key_public *key, const struct ssh_key *ssh);
void key_public_of_x25519(struct key_public *key,
    const uint8_t raw[static KEY_PUBLIC_X25519_BYTES]);

void key_public_of_ristretto(struct key_public *key,
    const struct ristretto_key *ristretto);

/* A blob, which for X25519 is string "x25519", string key.  As ssh_key.h. */
enum ag_status key_public_parse_blob(struct key_public *key, struct bytes blob,
    struct ag_error *err) AG_MUST_USE;

/* Into SSH_KEY_BLOB_BYTES_MAX; its length. */
size_t key_public_blob(uint8_t *blob, const struct key_public *key);

/*
 * A file's text, in any of the forms.  comment has PUBLIC_KEY_COMMENT_BYTES.
 * AG_EINVAL, AG_EVERSION, AG_EREFUSED as crypto/ssh_key.h has them.
 */
enum ag_status key_public_parse(struct key_public *key, char *comment,
    struct bytes text, struct ag_error *err) AG_MUST_USE;

/* Append OpenSSH's line, or age's recipient, with a newline. */
enum ag_status key_public_format(struct buf *out, const struct key_public *key,
    const char *comment, struct ag_error *err) AG_MUST_USE;
enum ag_status key_public_format_pem(struct buf *out,
    const struct key_public *key, struct ag_error *err) AG_MUST_USE;

bool key_public_equal(const struct key_public *a, const struct key_public *b);

/* "SHA256:…", or of X25519 age's recipient, which is as short. */
void key_public_name(char text[static KEY_PUBLIC_TEXT_BYTES],
    const struct key_public *key);

/* "ED25519", "X25519", "RISTRETTO255", "ECDSA", "RSA". */
const char *key_public_type(const struct key_public *key);

/* Where it stands. */
const struct algorithm *key_public_algorithm(const struct key_public *key);

/* log2 of what the best known attack takes (NIST SP 800-57). */
unsigned int key_public_strength(const struct key_public *key);

/*
 * Whether a key is what it ought to be: a point of full order, a modulus that
 * was not made badly.  AG_EREFUSED with what is wrong, as a clause.
 */
enum ag_status key_public_check(const struct key_public *key,
    struct ag_error *err) AG_MUST_USE;

#endif
