/*
 * A keyring's key in a token, as the keyring asks for it (keyring/keyring.h).
 *
 * Ownership  keyring_token_open() hands out, keyring_token_close() takes back
 *            and logs out.
 */
#ifndef AEGIS_CMD_KEYRING_TOKEN_H
#define AEGIS_CMD_KEYRING_TOKEN_H

#include "base/status.h"
#include "cmd/applet.h"
#include "keyring/keyring.h"

struct keyring_token;

/*
 * The key that a URI names, in its token, logged in to with the PIN of the
 * options --PREFIXpin-….  It must be one that may wrap (token/token_wrap.h).
 */
enum ag_status keyring_token_open(struct keyring_token **out,
    const struct applet_call *call, const char *prefix, const char *uri,
    struct ag_error *err) AG_MUST_USE;
void keyring_token_close(struct keyring_token *token);

/* Borrowed. */
const struct keyring_device *keyring_token_device(
    const struct keyring_token *token);

#endif
