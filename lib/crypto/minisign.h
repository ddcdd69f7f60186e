/*
 * Keys and signatures of minisign(1).
 *
 * FORMAT   public key  "untrusted comment: …" and base64 of
 *                      "Ed" | id (8) | Ed25519 key (32)
 *          secret key  "untrusted comment: …" and base64 of
 *                      "Ed" | "Sc" or 0 0 | "B2" | salt (32) | u64 work |
 *                      u64 memory | id (8) | key (64) | check (32)
 *                      With "Sc" the last three are under a key stream of
 *                      scrypt.  check is BLAKE2b-256 of "Ed" | id | key.
 *          signature   "untrusted comment: …", base64 of
 *                      "ED" | id (8) | signature (64), then
 *                      "trusted comment: …" and base64 of a signature (64)
 *                      over the first one and the trusted comment.
 *                      "ED" signs BLAKE2b-512 of the file; "Ed", the legacy
 *                      form, the file itself.
 *          Integers little-endian.
 *
 * Ownership  keys handed out are the caller's to minisign_key_free().
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_MINISIGN_H
#define AEGIS_CRYPTO_MINISIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "crypto/sign.h"
#include "crypto/signer.h"

#define MINISIGN_FILE_BYTES_MAX 16384
#define MINISIGN_ID_BYTES 8
#define MINISIGN_ID_TEXT_BYTES (2 * MINISIGN_ID_BYTES + 1)
#define MINISIGN_COMMENT_BYTES_MAX 1000
#define MINISIGN_TRUSTED_BYTES_MAX 8000

/* minisign itself does not sign longer files in the legacy form. */
#define MINISIGN_LEGACY_BYTES_MAX ((uint64_t)1 << 30)

struct minisign_public {
	uint8_t id[MINISIGN_ID_BYTES];
	uint8_t key[SIGN_PUBLIC_BYTES];
};

struct minisign_signature {
	bool is_legacy;
	uint8_t id[MINISIGN_ID_BYTES];
	uint8_t signature[SIGN_SIGNATURE_BYTES];
	uint8_t global[SIGN_SIGNATURE_BYTES];
	struct bytes trusted; /* borrowed from the text; not ended by NUL */
};

struct minisign_key;

/* As minisign shows it: a number in capitals. */
void minisign_id_format(char text[static MINISIGN_ID_TEXT_BYTES],
    const uint8_t id[static MINISIGN_ID_BYTES]);

/* A public key file's text, or its base64 alone.  AG_EINVAL. */
enum ag_status minisign_parse_public(struct minisign_public *key,
    struct bytes text, struct ag_error *err) AG_MUST_USE;

/* Append a public key file's text. */
enum ag_status minisign_format_public(struct buf *out,
    const struct minisign_public *key) AG_MUST_USE;

/* Does text begin as minisign's files do? */
bool minisign_is_file(struct bytes text);

/*
 * Parse a signature file's text.  Nothing is verified by that, the trusted
 * comment included.  AG_ECORRUPT
 */
enum ag_status minisign_parse(struct minisign_signature *sig, struct bytes text,
    struct ag_error *err) AG_MUST_USE;

/*
 * Verify both of its signatures.  message is the whole file of a legacy
 * one, and else BLAKE2b-512 of it.  AG_EFORGED
 */
enum ag_status minisign_verify(const struct minisign_signature *sig,
    const struct minisign_public *key, struct bytes message,
    struct ag_error *err) AG_MUST_USE;

/* Does a secret key's text need a passphrase? */
bool minisign_key_is_encrypted(struct bytes text);

/*
 * Parse a secret key file's text; name is what errors call it.
 * AG_EDENIED   encrypted, and no or a wrong passphrase
 * AG_EREFUSED  it asks for more work or memory than is ever needed
 * AG_EINVAL    not a secret key, or damaged
 */
enum ag_status minisign_key_parse(struct minisign_key **out, struct bytes text,
    const struct secret *passphrase, const char *name,
    struct ag_error *err) AG_MUST_USE;
/*
 * A key that is elsewhere, borrowed.  Its id is not made by chance but begins
 * the BLAKE2b-256 of the public key, so that it is always the same.
 */
enum ag_status minisign_key_of_signer(struct minisign_key **out,
    const struct signer *signer, struct ag_error *err) AG_MUST_USE;
void minisign_key_free(struct minisign_key *key);
void minisign_key_public(struct minisign_public *out,
    const struct minisign_key *key);

/* AG_EINVAL when it is too long or not one line of text. */
enum ag_status minisign_check_comment(const char *text, size_t max,
    struct ag_error *err) AG_MUST_USE;

/* Append a signature file's text: digest is BLAKE2b-512 of the file. */
enum ag_status minisign_sign(struct buf *text, const struct minisign_key *key,
    const uint8_t digest[static HASH_BYTES_MAX], const char *comment,
    const char *trusted, struct ag_error *err) AG_MUST_USE;

#endif
