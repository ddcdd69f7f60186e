/*
 * Keys that things are encrypted to: backups, above all.
 *
 * A recipient is an X25519 public key; its secret half is kept away from the
 * machines that write backups.  Both have a text form with a version and a
 * checksum, so that they survive being copied by hand or fail plainly.
 *
 * FORMAT  recipient  "aegis-recipient-1-" base64url of key (32), check (4)
 *         secret     "AEGIS-SECRET-KEY-1-" base64url of the same shape
 *         sealed     "AEGIS-SEALED-KEY-1-" base64url of u32 passes, u32 MiB,
 *                    salt (16), sealed buffer of the secret (72)
 *         check      first bytes of BLAKE2b-256(prefix | key)
 *         key file   one of the two secret lines; lines with # are comments
 *         wrapped    ephemeral public key (32) | sealed buffer of a file
 *                    key (72), under BLAKE2b-256 keyed with the shared
 *                    secret over "aegis/box/v1" NUL | ephemeral | recipient
 *
 * Ownership  secrets handed out are the caller's to secret_free().
 */
#ifndef AEGIS_CRYPTO_RECIPIENT_H
#define AEGIS_CRYPTO_RECIPIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/seal.h"
#include "crypto/secret.h"

#define RECIPIENT_KEY_BYTES 32
#define RECIPIENT_TEXT_BYTES 128
#define RECIPIENT_FILE_BYTES_MAX 4096
#define RECIPIENT_FILE_KEY_BYTES 32
#define RECIPIENT_WRAPPED_BYTES \
	(RECIPIENT_KEY_BYTES + RECIPIENT_FILE_KEY_BYTES + SEAL_OVERHEAD)

enum ag_status recipient_keypair(struct secret **key,
    struct ag_error *err) AG_MUST_USE;
void recipient_public(uint8_t recipient[static RECIPIENT_KEY_BYTES],
    const struct secret *key);

void recipient_format(char text[static RECIPIENT_TEXT_BYTES],
    const uint8_t recipient[static RECIPIENT_KEY_BYTES]);
enum ag_status recipient_parse(uint8_t recipient[static RECIPIENT_KEY_BYTES],
    struct bytes text, struct ag_error *err) AG_MUST_USE;

/* The text itself, or the name of a .pub file that holds it. */
enum ag_status recipient_load(uint8_t recipient[static RECIPIENT_KEY_BYTES],
    const char *text_or_path, struct ag_error *err) AG_MUST_USE;

/* A key file's text; sealed when passphrase is not NULL. */
enum ag_status recipient_format_key(struct secret **text,
    const struct secret *key, const struct secret *passphrase,
    struct ag_error *err) AG_MUST_USE;

/*
 * AG_EDENIED   sealed, and no or a wrong passphrase
 * AG_EINVAL    not a secret key, or damaged
 */
enum ag_status recipient_parse_key(struct secret **key, struct bytes text,
    const struct secret *passphrase, const char *name,
    struct ag_error *err) AG_MUST_USE;
bool recipient_key_is_sealed(struct bytes text);

/* Does text begin as a recipient does, or have a secret key's line? */
bool recipient_is_text(struct bytes text);
bool recipient_key_is_file(struct bytes text);

/* path (0600) and path.pub; AG_EEXIST unless overwrite. */
enum ag_status recipient_save(const struct secret *key, const char *path,
    const struct secret *passphrase, bool overwrite,
    struct ag_error *err) AG_MUST_USE;

/* Wrap a file key so that only the recipient can unwrap it. */
enum ag_status recipient_wrap(uint8_t wrapped[static RECIPIENT_WRAPPED_BYTES],
    const uint8_t recipient[static RECIPIENT_KEY_BYTES],
    const struct secret *file_key, struct ag_error *err) AG_MUST_USE;

/* AG_EFORGED when it was wrapped for another, or is damaged. */
enum ag_status recipient_unwrap(struct secret **file_key,
    const uint8_t wrapped[static RECIPIENT_WRAPPED_BYTES],
    const struct secret *key, struct ag_error *err) AG_MUST_USE;

#endif
