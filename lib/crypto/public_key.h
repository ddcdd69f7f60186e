/*
 * Ed25519 public keys as OpenSSH writes and fingerprints them.
 *
 * FORMAT  line  "ssh-ed25519" SP base64 of the key blob [SP comment]
 *         blob  string "ssh-ed25519", string key (32); a string is a u32
 *               length, big-endian, and its bytes
 */
#ifndef AEGIS_CRYPTO_PUBLIC_KEY_H
#define AEGIS_CRYPTO_PUBLIC_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/sign.h"

#define PUBLIC_KEY_TYPE "ssh-ed25519"
#define PUBLIC_KEY_BLOB_BYTES (4 + 11 + 4 + SIGN_PUBLIC_BYTES)
#define PUBLIC_KEY_COMMENT_BYTES 256 /* with its NUL */
#define PUBLIC_KEY_LINE_BYTES (11 + 1 + 68 + 1 + PUBLIC_KEY_COMMENT_BYTES)
#define PUBLIC_KEY_FILE_BYTES_MAX 16384

/* "SHA256:" and 43 characters, with its NUL. */
#define FINGERPRINT_BYTES 51

void public_key_blob(uint8_t blob[static PUBLIC_KEY_BLOB_BYTES],
    const uint8_t key[static SIGN_PUBLIC_BYTES]);

/* As `ssh-keygen -lf` shows it. */
void public_key_fingerprint(char text[static FINGERPRINT_BYTES],
    const uint8_t key[static SIGN_PUBLIC_BYTES]);

/* One line without a newline; no comment when it is NULL or empty. */
void public_key_format(char text[static PUBLIC_KEY_LINE_BYTES],
    const uint8_t key[static SIGN_PUBLIC_BYTES], const char *comment);

/*
 * Parse one line, with or without its newline.  comment (which may be NULL)
 * is "" when there is none.
 * AG_EINVAL with what is wrong in err.
 */
enum ag_status public_key_parse(uint8_t key[static SIGN_PUBLIC_BYTES],
    char *comment, struct bytes line, struct ag_error *err) AG_MUST_USE;

/* Parse the two words "ssh-ed25519" and base64 as a file has them. */
enum ag_status public_key_parse_words(uint8_t key[static SIGN_PUBLIC_BYTES],
    struct bytes type, struct bytes base64, struct ag_error *err) AG_MUST_USE;

/* Read a .pub file: its first line must be a key, with nothing after it. */
enum ag_status public_key_load(uint8_t key[static SIGN_PUBLIC_BYTES],
    char *comment, const char *path, struct ag_error *err) AG_MUST_USE;

/* The comment of a line of any type, "" when it has none.  AG_EINVAL. */
enum ag_status
public_key_take_comment(char comment[static PUBLIC_KEY_COMMENT_BYTES],
    struct bytes line, struct ag_error *err) AG_MUST_USE;

/* Can text be a comment: printable UTF-8, one line, not too long? */
enum ag_status public_key_check_comment(const char *text,
    struct ag_error *err) AG_MUST_USE;

#endif
