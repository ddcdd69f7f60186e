/*
 * Identity files that are encrypted with a passphrase: an age file, armored or
 * not, around what an identity file has.
 *
 * Ownership  what is handed out is the caller's to secret_free().
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_AGE_IDENTITY_H
#define AEGIS_CRYPTO_AGE_IDENTITY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

bool age_identity_is_encrypted(struct bytes text);

/*
 * What is inside; name is what errors call it.
 * AG_EDENIED  another passphrase, or encrypted to keys
 * AG_EINVAL   not an age file, or damaged
 * AG_ELIMIT   it asks for too much
 */
enum ag_status age_identity_open(struct secret **out, struct bytes text,
    const struct secret *passphrase, const char *name,
    struct ag_error *err) AG_MUST_USE;

#endif
