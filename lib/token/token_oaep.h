/*
 * RSA-OAEP with SHA-256 undone by a key in a token.
 *
 * Threads    any.
 */
#ifndef AEGIS_TOKEN_TOKEN_OAEP_H
#define AEGIS_TOKEN_TOKEN_OAEP_H

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "token/token.h"

/*
 * What was encrypted under that label.
 * AG_EFORGED   not to this key, under another label, or changed
 * AG_EREFUSED  the key is not for that
 * AG_EVERSION  the token can not do it, or has SHA-1 alone
 */
enum ag_status token_oaep_decrypt(struct secret **out, struct token *token,
    const struct token_key *key, const char *label, struct bytes sealed,
    struct ag_error *err) AG_MUST_USE;

#endif
