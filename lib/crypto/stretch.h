/*
 * Passphrases made into keys, with so much work that few can be tried:
 * Argon2id v1.3 in one lane.
 *
 * The factors stand with a salt in the file that is sealed, so that a reader
 * need not be told.  There they are a stranger's word: they are bounded from
 * below, or a forged file would weaken the passphrase, and from above, before
 * any memory is taken.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_STRETCH_H
#define AEGIS_CRYPTO_STRETCH_H

#include <stdint.h>

#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/work.h"

#define STRETCH_KEY_BYTES 32
#define STRETCH_SALT_BYTES 16

struct stretch {
	uint32_t passes, mebibytes;
	uint8_t salt[STRETCH_SALT_BYTES];
};

/* The factors of so much work, with a new salt. */
void stretch_init(struct stretch *stretch, enum work_level work);

/* So much work it is; WORK_USUAL, if it is of no level. */
enum work_level stretch_level(const struct stretch *stretch);

/* AG_EINVAL: out of bounds. */
enum ag_status stretch_check(const struct stretch *stretch,
    struct ag_error *err) AG_MUST_USE;

/*
 * The key of STRETCH_KEY_BYTES.
 * AG_EINVAL  as above
 * AG_ENOMEM  the memory was refused;  AG_EINTERNAL  it is computed wrong here
 */
enum ag_status stretch_passphrase(struct secret **key,
    const struct stretch *stretch, const struct secret *passphrase,
    struct ag_error *err) AG_MUST_USE;

#endif
