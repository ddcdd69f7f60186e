/*
 * Keys in tokens, for the commands that use one in the place of a file.
 */
#ifndef AEGIS_CMD_TOKEN_USE_H
#define AEGIS_CMD_TOKEN_USE_H

#include "base/status.h"
#include "cmd/applet.h"
#include "token/token.h"
#include "token/token_sign.h"

/* A card that makes an RSA key takes its time.  --timeout says otherwise. */
#define TOKEN_USE_DEADLINE_MS 60000

/* token_new(), with the folders and the deadline that the caller has set. */
enum ag_status token_use_new(struct token **out, const struct token_uri *uri,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

/*
 * The token that a URI names, opened and, when it wants that, logged in to
 * with the PIN of --PREFIXpin-….
 */
enum ag_status token_use_open(struct token **out, struct token_uri *uri,
    struct token_info *info, const struct applet_call *call, const char *prefix,
    const char *text, struct ag_error *err) AG_MUST_USE;

/*
 * The PIN of the token that a URI names, or NULL when it wants none; the token
 * is not logged in to.
 */
enum ag_status token_use_pin(struct secret **pin, bool *is_typed,
    struct token_uri *uri, const struct applet_call *call, const char *text,
    struct ag_error *err) AG_MUST_USE;

/* The private key that a URI names; its token is the caller's to free. */
enum ag_status token_use_key(struct token_sign_key *out,
    const struct applet_call *call, const char *text,
    struct ag_error *err) AG_MUST_USE;

#endif
