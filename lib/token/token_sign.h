/*
 * Signatures by a token's keys.
 *
 * Threads    the worker's; token_sign_ssh() any.
 */
#ifndef AEGIS_TOKEN_TOKEN_SIGN_H
#define AEGIS_TOKEN_TOKEN_SIGN_H

#include "token/token_session.h"

/* See token_sign(). */
enum ag_status token_sign_raw(struct token_session *s, unsigned long handle,
    enum token_key_type type, struct bytes message,
    uint8_t signature[static TOKEN_SIGNATURE_BYTES_MAX], size_t *len,
    struct ag_error *err) AG_MUST_USE;

/*
 * An SSH signature, verified by the key's public half: as ssh_signer_sign()
 * hands it out.
 * AG_EFORGED   what the token made does not verify
 * AG_EREFUSED  the key does not sign
 */
enum ag_status token_sign_ssh(struct token *token, const struct token_key *key,
    struct bytes message, uint8_t signature[static SSH_KEY_SIGNATURE_BYTES_MAX],
    size_t *len, struct ag_error *err) AG_MUST_USE;

#endif
