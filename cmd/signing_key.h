/*
 * The Ed25519 keys that operators and members sign with: in a file, or in a
 * token.
 */
#ifndef AEGIS_CMD_SIGNING_KEY_H
#define AEGIS_CMD_SIGNING_KEY_H

#include "base/status.h"
#include "cmd/applet.h"
#include "crypto/signer.h"
#include "token/token_sign.h"

struct signing_key {
	struct signer signer; /* borrows from those below */
	struct secret *secret;
	struct token_sign_key in_token;
};

/*
 * Of a private key's file, in any format, or a pkcs11: URI; what is needed is
 * asked for.  *key must stay where it is until signing_key_fini().
 */
enum ag_status signing_key_load(struct signing_key *key,
    const struct applet_call *call, const char *name,
    struct ag_error *err) AG_MUST_USE;
void signing_key_fini(struct signing_key *key);

/*
 * Call sign with every key that -i (identity) names, and the node key of every
 * directory that -d (data) does, until one fails.
 */
enum ag_status signing_key_each(const struct applet_call *call,
    enum ag_status (
	*sign)(const struct signer *signer, void *arg, struct ag_error *err),
    void *arg, struct ag_error *err) AG_MUST_USE;

#endif
