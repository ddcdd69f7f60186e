/*
 * The Ed25519 keys that operators and members sign with.
 */
#include "cmd/signing_key.h"

#include <limits.h>

#include "base/fs.h"
#include "cmd/passphrase.h"
#include "cmd/token_use.h"
#include "trust/setup.h"

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

typedef enum ag_status sign_fn(const struct signer *signer, void *arg,
    struct ag_error *err);

static enum ag_status
sign_by(const struct applet_call *call, const char *name, sign_fn *sign,
    void *arg, struct ag_error *err)
{
	struct signing_key key;
	enum ag_status status = signing_key_load(&key, call, name, err);

	if (status != AG_OK)
		return status;
	status = sign(&key.signer, arg, err);
	signing_key_fini(&key);
	if (status != AG_OK)
		ag_error_prefix(err, "%s", name);
	return status;
}

enum ag_status
signing_key_each(const struct applet_call *call, sign_fn *sign, void *arg,
    struct ag_error *err)
{
	const size_t keys = options_count(&call->options, "identity");
	const size_t dirs = options_count(&call->options, "data");
	enum ag_status status = AG_OK;
	char path[PATH_MAX];
	size_t i;

	for (i = 0; status == AG_OK && i < keys; i++)
		status = sign_by(call,
		    options_text_at(&call->options, "identity", i), sign, arg,
		    err);
	for (i = 0; status == AG_OK && i < dirs; i++) {
		status = fs_join(path, sizeof(path),
		    options_text_at(&call->options, "data", i), SETUP_NODE_KEY,
		    err);
		if (status == AG_OK)
			status = sign_by(call, path, sign, arg, err);
	}
	return status;
}
