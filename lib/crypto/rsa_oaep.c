/*
 * RSA-OAEP over libcrypto.
 *
 * RULES    1. Both hashes are named: libcrypto's defaults are SHA-1.
 */
#include "crypto/rsa_oaep.h"

#include <string.h>

#include <openssl/core_names.h>

#include "crypto/late_crypto.h"

#define DIGEST "SHA256"

/* Parameters are not written to when they are set, whatever their type is. */
#define TEXT_PARAM(key, text) \
	OSSL_PARAM_utf8_string(key, (char *)(uintptr_t)(text), strlen(text))
#define OAEP_PARAMS(label)                                                     \
	{                                                                      \
		TEXT_PARAM(OSSL_ASYM_CIPHER_PARAM_PAD_MODE,                    \
		    OSSL_PKEY_RSA_PAD_MODE_OAEP),                              \
		    TEXT_PARAM(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, DIGEST),    \
		    TEXT_PARAM(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, DIGEST),    \
		    OSSL_PARAM_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, \
			(char *)(uintptr_t)(label), strlen(label)),            \
		    OSSL_PARAM_END                                             \
	}

enum ag_status
rsa_oaep_encrypt(uint8_t *out, size_t *len, EVP_PKEY *pkey, const char *label,
    struct bytes plain, struct ag_error *err)
{
	const OSSL_PARAM params[] = OAEP_PARAMS(label);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool is_done;

	*len = RSA_OAEP_BYTES_MAX;
	is_done = ctx != NULL && EVP_PKEY_encrypt_init_ex(ctx, params) == 1 &&
	    EVP_PKEY_encrypt(ctx, out, len, plain.data, plain.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return is_done ? AG_OK
		       : ag_fail(err, AG_EINTERNAL,
			     "encrypt: OpenSSL refused the RSA key");
}

enum ag_status
rsa_oaep_decrypt(struct secret **out, EVP_PKEY *pkey, const char *label,
    struct bytes sealed, struct ag_error *err)
{
	const OSSL_PARAM params[] = OAEP_PARAMS(label);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	struct secret *plain = secret_new(RSA_OAEP_BYTES_MAX);
	size_t len = RSA_OAEP_BYTES_MAX;
	bool is_done;

	*out = NULL;
	if (ctx == NULL || plain == NULL) {
		EVP_PKEY_CTX_free(ctx);
		secret_free(plain);
		return ag_fail(err, AG_ENOMEM, "decrypt: out of memory");
	}
	is_done = EVP_PKEY_decrypt_init_ex(ctx, params) == 1 &&
	    EVP_PKEY_decrypt(ctx, secret_data(plain), &len, sealed.data,
		sealed.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!is_done) {
		secret_free(plain);
		return ag_fail(err, AG_EFORGED, "it does not decrypt");
	}
	secret_shorten(plain, len);
	*out = plain;
	return AG_OK;
}
