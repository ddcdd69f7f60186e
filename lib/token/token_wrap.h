/*
 * Small secrets, such as a storage root, wrapped by a key that stays in a
 * token: an AES-256 key, or an RSA key of at least 3072 bits.
 *
 * What is wrapped is bound to its context, a text that says what it is for
 * and whose it is, and is unwrapped by the same only.
 *
 * Ownership  what is unwrapped is the caller's to secret_free().
 * Threads    any.
 */
#ifndef AEGIS_TOKEN_TOKEN_WRAP_H
#define AEGIS_TOKEN_TOKEN_WRAP_H

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "token/token.h"

#define TOKEN_WRAP_PLAIN_BYTES_MAX 64
#define TOKEN_WRAP_CONTEXT_BYTES_MAX 256
#define TOKEN_WRAP_BYTES_MAX 1040

/*
 * The one key that the token's URI names, secret or private, which may wrap.
 * AG_ENOENT, AG_ECONFLICT
 * AG_EREFUSED  it can leave the token, is in the clear, is too short, or is
 *              not for that: why, in err
 */
enum ag_status token_wrap_find_key(struct token *token, struct token_key *out,
    struct ag_error *err) AG_MUST_USE;

/*
 * Wrap.  It has been unwrapped once, and compared, before it is handed out.
 * AG_EVERSION  the token can not do that
 */
enum ag_status token_wrap_seal(uint8_t wrapped[static TOKEN_WRAP_BYTES_MAX],
    size_t *len, struct token *token, const struct token_key *key,
    const char *context, const struct secret *plain,
    struct ag_error *err) AG_MUST_USE;

/*
 * Unwrap, which needs the token, logged in to.
 * AG_EFORGED   it is not by this key and for this context, or was changed
 * AG_EVERSION  wrapped by a later version
 */
enum ag_status token_wrap_open(struct secret **out, struct token *token,
    const struct token_key *key, const char *context, struct bytes wrapped,
    struct ag_error *err) AG_MUST_USE;

#endif
