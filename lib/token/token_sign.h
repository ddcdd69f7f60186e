/*
 * Signatures by a token's keys.
 *
 * Threads    the worker's; the last two any.
 */
#ifndef AEGIS_TOKEN_TOKEN_SIGN_H
#define AEGIS_TOKEN_TOKEN_SIGN_H

#include "crypto/signer.h"
#include "token/token_session.h"

/* A key and where it is: what the functions below are given as ctx. */
struct token_sign_key {
	struct token *token;
	struct token_key key;
};

/* See token_sign(). */
enum ag_status token_sign_raw(struct token_session *s, unsigned long handle,
    enum token_key_type type, struct bytes message,
    uint8_t signature[static TOKEN_SIGNATURE_BYTES_MAX], size_t *len,
    struct ag_error *err) AG_MUST_USE;

/*
 * An SSH signature, verified by the key's public half (crypto/ssh_signer.h).
 * AG_EFORGED   what the token made does not verify
 * AG_EREFUSED  the key does not sign
 */
enum ag_status token_sign_ssh(void *ctx, struct bytes message,
    uint8_t signature[static SSH_KEY_SIGNATURE_BYTES_MAX], size_t *len,
    struct ag_error *err) AG_MUST_USE;

/*
 * The key as crypto/signer.h has them; borrowed.
 * AG_EVERSION  it is not Ed25519
 */
enum ag_status token_sign_signer(struct signer *out, struct token_sign_key *key,
    struct ag_error *err) AG_MUST_USE;

#endif
