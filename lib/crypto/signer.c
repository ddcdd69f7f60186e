/*
 * An Ed25519 key to sign with, wherever it is.
 */
#include "crypto/signer.h"

#include <string.h>

void
signer_of_key(struct signer *signer, const struct secret *key)
{
	*signer = (struct signer){ .key = key };
	sign_public(signer->public_key, key);
}

enum ag_status
signer_sign(const struct signer *signer, struct bytes message,
    uint8_t signature[static SIGN_SIGNATURE_BYTES], struct ag_error *err)
{
	enum ag_status status;

	if (signer->key != NULL) {
		sign_message(signature, signer->key, message);
		return AG_OK;
	}
	status = signer->sign(signer->ctx, message, signature, err);
	if (status != AG_OK)
		memset(signature, 0, SIGN_SIGNATURE_BYTES);
	return status;
}
