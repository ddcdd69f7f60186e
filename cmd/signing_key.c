/*
 * The Ed25519 keys that operators and members sign with.
 */
#include "cmd/signing_key.h"

#include "cmd/passphrase.h"
#include "cmd/token_use.h"

enum ag_status
signing_key_load(struct signing_key *key, const struct applet_call *call,
    const char *name, struct ag_error *err)
{
	enum ag_status status;

	*key = (struct signing_key){ 0 };
	if (token_uri_is_one(name)) {
		status = token_use_key(&key->in_token, call, name, err);
		if (status == AG_OK)
			status = token_sign_signer(&key->signer, &key->in_token,
			    err);
	} else {
		status = passphrase_load_key(&key->secret, call, name, err);
		if (status == AG_OK)
			signer_of_key(&key->signer, key->secret);
	}
	if (status != AG_OK)
		signing_key_fini(key);
	return status;
}

void
signing_key_fini(struct signing_key *key)
{
	secret_free(key->secret);
	token_free(key->in_token.token);
	key->secret = NULL;
	key->in_token.token = NULL;
}
