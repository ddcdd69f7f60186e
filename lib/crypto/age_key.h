/*
 * age's keys: X25519 in Bech32 (BIP 173).
 *
 * FORMAT   recipient  "age1" and 58 characters
 *          identity   "AGE-SECRET-KEY-1" and 58 characters
 *          file       lines; those with # are comments, one is an identity
 *          The characters are the key's 256 bits in groups of five, and six
 *          of a checksum over the prefix and them; no mixing of cases.
 *
 * Ownership  secrets handed out are the caller's to secret_free().
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_AGE_KEY_H
#define AEGIS_CRYPTO_AGE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

#define AGE_KEY_BYTES 32
#define AGE_RECIPIENT_BYTES 63 /* with its NUL */

void age_key_format_recipient(char text[static AGE_RECIPIENT_BYTES],
    const uint8_t key[static AGE_KEY_BYTES]);

/* Does text begin as a recipient does? */
bool age_key_is_recipient(struct bytes text);

/* AG_EINVAL with what is wrong. */
enum ag_status age_key_parse_recipient(uint8_t key[static AGE_KEY_BYTES],
    struct bytes text, struct ag_error *err) AG_MUST_USE;

/* Does text have a line that begins as an identity does? */
bool age_key_is_file(struct bytes text);

/* As age-keygen writes it, but for the time; NULL when memory is refused. */
struct secret *age_key_format(const struct secret *key,
    const uint8_t public_key[static AGE_KEY_BYTES]);

/* name is what errors call it.  AG_EINVAL also for more than one identity. */
enum ag_status age_key_parse(struct secret **key, struct bytes text,
    const char *name, struct ag_error *err) AG_MUST_USE;

#endif
