/*
 * RSA-OAEP with SHA-256 undone by a key in a token.
 *
 * RULES    1. Whatever is wrong with what is to be decrypted, the error is one
 *             and the same.
 */
#include "token/token_oaep.h"

#include <string.h>

#include "token/token_call.h"

#define LABEL_BYTES_MAX 64
#define MODULUS_BYTES_MAX 1024

struct job {
	unsigned long handle;
	char label[LABEL_BYTES_MAX];
	uint8_t data[MODULUS_BYTES_MAX];
	size_t len;
};

struct result {
	uint8_t data[MODULUS_BYTES_MAX];
	size_t len;
};

static enum ag_status
do_decrypt(void *state, const void *in, void *out, struct ag_error *err)
{
	struct token_session *s = state;
	struct job job = *(const struct job *)in;
	CK_RSA_PKCS_OAEP_PARAMS oaep = { .hashAlg = CKM_SHA256,
		.mgf = CKG_MGF1_SHA256,
		.source = CKZ_DATA_SPECIFIED,
		.pSourceData = job.label,
		.ulSourceDataLen = strlen(job.label) };
	CK_MECHANISM mechanism = { CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep) };
	struct result *result = out;
	CK_ULONG len = sizeof(result->data);
	CK_RV code = s->f->C_DecryptInit(s->handle, &mechanism, job.handle);

	if (code != CKR_OK)
		return token_session_fail(s, err, code,
		    "decrypt by RSA-OAEP with SHA-256");
	code =
	    s->f->C_Decrypt(s->handle, job.data, job.len, result->data, &len);
	if (token_session_is_wrong_data(code) ||
	    (code == CKR_OK && len > sizeof(result->data)))
		return ag_fail(err, AG_EFORGED, "token %s: it does not decrypt",
		    s->info.label);
	if (code != CKR_OK)
		return token_session_fail(s, err, code, "decrypt");
	result->len = len;
	return AG_OK;
}

static enum ag_status
check_key(const struct token_key *key, struct ag_error *err)
{
	const char *why = NULL;

	if (key->type != TOKEN_KEY_RSA)
		why = "of keys in tokens, RSA ones do";
	else if (!key->may_decrypt)
		why = "it is not for that (CKA_DECRYPT)";
	else if (key->asks_always)
		why = "it asks for the PIN at every use, which is not "
		      "supported";
	if (why == NULL)
		return AG_OK;
	return ag_fail(err, AG_EREFUSED,
	    "key %s in the token decrypts nothing: %s", key->label, why);
}

enum ag_status
token_oaep_decrypt(struct secret **out, struct token *token,
    const struct token_key *key, const char *label, struct bytes sealed,
    struct ag_error *err)
{
	struct job job = { .handle = key->handle, .len = sealed.len };
	enum ag_status status = check_key(key, err);
	struct result result;

	*out = NULL;
	AG_ASSERT(strlen(label) < sizeof(job.label));
	if (status != AG_OK)
		return status;
	if (sealed.len == 0 || sealed.len > sizeof(job.data))
		return ag_fail(err, AG_EFORGED, "it does not decrypt");
	memcpy(job.label, label, strlen(label));
	memcpy(job.data, sealed.data, sealed.len);
	status = token_call(token, do_decrypt, &job, sizeof(job), &result,
	    sizeof(result), err);
	if (status != AG_OK)
		return status;
	if (result.len == 0)
		return ag_fail(err, AG_EFORGED, "it does not decrypt");
	*out = secret_copy(bytes_of(result.data, result.len));
	secret_wipe(&result, sizeof(result));
	return *out != NULL ? AG_OK
			    : ag_fail(err, AG_ENOMEM, "decrypt: out of memory");
}
