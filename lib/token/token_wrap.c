/*
 * Small secrets, wrapped by a key that stays in a token.
 *
 * FORMAT   u8 version (1) | u8 method |
 *          method 1  nonce (12) | AES-256-GCM of the secret, tag (16); what
 *                    is bound is "aegis/token-wrap/v1" NUL context
 *          method 2  RSA-OAEP of BLAKE2b-256("aegis/token-wrap/v1" NUL
 *                    context) | secret.  OAEP's hash is SHA-1, in which
 *                    nothing rests on collisions, and which all tokens can;
 *                    its label is empty for the same reason
 *
 * RULES    1. A key that can leave its token, or be shown, wraps nothing.
 *          2. Nothing is handed out that the token has not unwrapped again.
 *          3. Whatever is wrong with what is to be unwrapped, the error is
 *             one and the same.
 */
#include "token/token_wrap.h"

#include <string.h>

#include <sodium.h>

#include "token/token_call.h"
#include "token/token_object.h"

#define PURPOSE "aegis/token-wrap/v1"
#define VERSION 1
#define HEAD_BYTES 2
#define NONCE_BYTES 12
#define TAG_BITS 128
#define BINDING_BYTES 32
#define BOUND_BYTES_MAX (sizeof(PURPOSE) + TOKEN_WRAP_CONTEXT_BYTES_MAX)

enum method {
	METHOD_AES_GCM = 1,
	METHOD_RSA_OAEP = 2,
};

static enum method
method_of(const struct token_key *key)
{
	return key->type == TOKEN_KEY_AES ? METHOD_AES_GCM : METHOD_RSA_OAEP;
}

static enum ag_status
check_key(const struct token_key *key, struct ag_error *err)
{
	const char *why = NULL;

	if (key->type != TOKEN_KEY_AES && key->type != TOKEN_KEY_RSA)
		why = "it is neither AES nor RSA";
	else if (key->bits < (key->type == TOKEN_KEY_AES ? 256U : 3072U))
		why = "it is too short: AES takes 256 bits, RSA 3072";
	else if (key->is_extractable)
		why = "it can leave the token (CKA_EXTRACTABLE)";
	else if (!key->is_sensitive)
		why = "the token shows it (CKA_SENSITIVE is not set)";
	else if (!key->may_decrypt)
		why = "it is not for decrypting (CKA_DECRYPT)";
	else if (key->asks_always)
		why = "it asks for the PIN at every use";
	if (why == NULL)
		return AG_OK;
	return ag_fail(err, AG_EREFUSED,
	    "key %s in the token does not wrap other keys: %s", key->label,
	    why);
}

enum ag_status
token_wrap_find_key(struct token *token, struct token_key *out,
    struct ag_error *err)
{
	enum ag_status status =
	    token_find_key(token, TOKEN_CLASS_SECRET, out, err);

	if (status == AG_ENOENT || status == AG_EINVAL)
		status = token_find_key(token, TOKEN_CLASS_PRIVATE, out, err);
	return status == AG_OK ? check_key(out, err) : status;
}

/* --- on the token's thread --- */

/* What is to be encrypted or decrypted, and how. */
struct job {
	unsigned long handle;
	enum method method;
	uint8_t id[TOKEN_ID_BYTES_MAX]; /* of the key, by which RSA's public */
	size_t id_len;                  /* half is found */
	uint8_t nonce[NONCE_BYTES];
	uint8_t bound[BOUND_BYTES_MAX];
	size_t bound_len;
	uint8_t data[TOKEN_WRAP_BYTES_MAX];
	size_t len;
};

struct result {
	uint8_t data[TOKEN_WRAP_BYTES_MAX];
	size_t len;
};

struct parameters {
	CK_MECHANISM mechanism;
	CK_GCM_PARAMS gcm;
	CK_RSA_PKCS_OAEP_PARAMS oaep;
};

static void
parameters_init(struct parameters *p, struct job *job)
{
	*p = (struct parameters){
		.gcm = { .pIv = job->nonce,
		    .ulIvLen = NONCE_BYTES,
		    .ulIvBits = NONCE_BYTES * 8,
		    .pAAD = job->bound,
		    .ulAADLen = job->bound_len,
		    .ulTagBits = TAG_BITS },
		.oaep = { .hashAlg = CKM_SHA_1,
		    .mgf = CKG_MGF1_SHA1,
		    .source = CKZ_DATA_SPECIFIED },
	};
	if (job->method == METHOD_AES_GCM)
		p->mechanism =
		    (CK_MECHANISM){ CKM_AES_GCM, &p->gcm, sizeof(p->gcm) };
	else
		p->mechanism = (CK_MECHANISM){ CKM_RSA_PKCS_OAEP, &p->oaep,
			sizeof(p->oaep) };
}

/* RSA's public half encrypts, an AES key itself. */
static enum ag_status
encrypting_handle(struct token_session *s, const struct job *job,
    unsigned long *handle, struct ag_error *err)
{
	struct token_uri uri = { .id_len = job->id_len };
	struct token_key public;
	enum ag_status status;
	size_t count;

	*handle = job->handle;
	if (job->method == METHOD_AES_GCM)
		return AG_OK;
	memcpy(uri.id, job->id, job->id_len);
	status = token_object_find(s, &uri, TOKEN_CLASS_PUBLIC, &public, 1,
	    &count, err);
	if (status == AG_OK && (count == 0 || job->id_len == 0))
		status = ag_fail(err, AG_ENOENT,
		    "token %s: the public half of the key is not there",
		    s->info.label);
	*handle = public.handle;
	return status;
}

static enum ag_status
do_encrypt(void *state, const void *in, void *out, struct ag_error *err)
{
	struct token_session *s = state;
	struct job job = *(const struct job *)in;
	struct result *result = out;
	CK_ULONG len = sizeof(result->data);
	struct parameters p;
	unsigned long handle;
	enum ag_status status = encrypting_handle(s, &job, &handle, err);
	CK_RV code;

	if (status == AG_OK) {
		parameters_init(&p, &job);
		code = s->f->C_EncryptInit(s->handle, &p.mechanism, handle);
		if (code == CKR_OK)
			code = s->f->C_Encrypt(s->handle, job.data, job.len,
			    result->data, &len);
		if (code != CKR_OK)
			status = token_session_fail(s, err, code, "wrap");
		else if (len > sizeof(result->data))
			status = ag_fail(err, AG_EFORGED,
			    "token %s: it claims to have wrapped %lu bytes",
			    s->info.label, (unsigned long)len);
		else
			result->len = len;
	}
	secret_wipe(&job, sizeof(job));
	return status;
}

static enum ag_status
not_unwrapped(struct ag_error *err)
{
	return ag_fail(err, AG_EFORGED,
	    "it does not unwrap: by another key, for something else, or "
	    "changed");
}

static enum ag_status
do_decrypt(void *state, const void *in, void *out, struct ag_error *err)
{
	struct token_session *s = state;
	struct job job = *(const struct job *)in;
	struct result *result = out;
	CK_ULONG len = sizeof(result->data);
	struct parameters p;
	CK_RV code;

	parameters_init(&p, &job);
	code = s->f->C_DecryptInit(s->handle, &p.mechanism, job.handle);
	if (code != CKR_OK)
		return token_session_fail(s, err, code, "unwrap");
	code =
	    s->f->C_Decrypt(s->handle, job.data, job.len, result->data, &len);
	if (token_session_is_wrong_data(code) ||
	    (code == CKR_OK && len > sizeof(result->data)))
		return not_unwrapped(err);
	if (code != CKR_OK)
		return token_session_fail(s, err, code, "unwrap");
	result->len = len;
	return AG_OK;
}

/* --- on any --- */

static enum ag_status
job_init(struct job *job, const struct token_key *key, const char *context,
    struct ag_error *err)
{
	size_t len = strlen(context);

	*job = (struct job){ .handle = key->handle, .method = method_of(key) };
	memcpy(job->id, key->id, key->id_len);
	job->id_len = key->id_len;
	if (len > TOKEN_WRAP_CONTEXT_BYTES_MAX)
		return ag_fail(err, AG_EINVAL,
		    "wrap: the context is longer than %d bytes",
		    TOKEN_WRAP_CONTEXT_BYTES_MAX);
	memcpy(job->bound, PURPOSE, sizeof(PURPOSE));
	memcpy(job->bound + sizeof(PURPOSE), context, len);
	job->bound_len = sizeof(PURPOSE) + len;
	return check_key(key, err);
}

static void
put(struct job *job, const void *data, size_t len)
{
	AG_ASSERT(len <= sizeof(job->data) - job->len);
	memcpy(job->data + job->len, data, len);
	job->len += len;
}

static void
binding_of(uint8_t out[static BINDING_BYTES], const struct job *job)
{
	(void)crypto_generichash(out, BINDING_BYTES, job->bound, job->bound_len,
	    NULL, 0);
}

static enum ag_status
encrypt(uint8_t *wrapped, size_t *len, struct token *token, struct job *job,
    const struct secret *plain, struct ag_error *err)
{
	uint8_t binding[BINDING_BYTES];
	struct result result;
	enum ag_status status;
	uint8_t *at = wrapped;

	binding_of(binding, job);
	if (job->method == METHOD_RSA_OAEP)
		put(job, binding, sizeof(binding));
	put(job, secret_bytes(plain).data, secret_len(plain));
	randombytes_buf(job->nonce, sizeof(job->nonce));
	status = token_call(token, do_encrypt, job, sizeof(*job), &result,
	    sizeof(result), err);
	if (status != AG_OK)
		return status;
	*at++ = VERSION;
	*at++ = (uint8_t)job->method;
	if (job->method == METHOD_AES_GCM) {
		memcpy(at, job->nonce, NONCE_BYTES);
		at += NONCE_BYTES;
	}
	if (result.len > TOKEN_WRAP_BYTES_MAX - (size_t)(at - wrapped))
		return ag_fail(err, AG_EFORGED,
		    "wrap: the token gave more than it can have");
	memcpy(at, result.data, result.len);
	*len = (size_t)(at - wrapped) + result.len;
	return AG_OK;
}

enum ag_status
token_wrap_seal(uint8_t wrapped[static TOKEN_WRAP_BYTES_MAX], size_t *len,
    struct token *token, const struct token_key *key, const char *context,
    const struct secret *plain, struct ag_error *err)
{
	struct secret *again = NULL;
	struct job job;
	enum ag_status status;

	if (secret_len(plain) > TOKEN_WRAP_PLAIN_BYTES_MAX)
		return ag_fail(err, AG_EINVAL, "wrap: more than %d bytes",
		    TOKEN_WRAP_PLAIN_BYTES_MAX);
	status = job_init(&job, key, context, err);
	if (status == AG_OK)
		status = encrypt(wrapped, len, token, &job, plain, err);
	secret_wipe(&job, sizeof(job));
	if (status == AG_OK)
		status = token_wrap_open(&again, token, key, context,
		    bytes_of(wrapped, *len), err);
	if (status == AG_OK && !secret_equal(plain, again))
		status = ag_fail(err, AG_EFORGED,
		    "wrap: the token unwraps something else");
	secret_free(again);
	return status;
}

/* The secret in what was decrypted; RSA's begins with its binding. */
static enum ag_status
take_plain(struct secret **out, const struct job *job, struct bytes plain,
    struct ag_error *err)
{
	uint8_t binding[BINDING_BYTES];

	if (job->method == METHOD_RSA_OAEP) {
		binding_of(binding, job);
		if (plain.len < BINDING_BYTES ||
		    sodium_memcmp(plain.data, binding, BINDING_BYTES) != 0)
			return not_unwrapped(err);
		plain = bytes_of(plain.data + BINDING_BYTES,
		    plain.len - BINDING_BYTES);
	}
	if (plain.len == 0 || plain.len > TOKEN_WRAP_PLAIN_BYTES_MAX)
		return not_unwrapped(err);
	*out = secret_copy(plain);
	return *out != NULL ? AG_OK
			    : ag_fail(err, AG_ENOMEM, "unwrap: out of memory");
}

/* What a head says must be what the key does. */
static enum ag_status
take_head(struct job *job, struct bytes wrapped, struct ag_error *err)
{
	size_t head = HEAD_BYTES;

	if (wrapped.len > HEAD_BYTES && wrapped.data[0] != VERSION)
		return ag_fail(err, AG_EVERSION,
		    "unwrap: it is of version %u, and 1 is known here",
		    wrapped.data[0]);
	if (job->method == METHOD_AES_GCM)
		head += NONCE_BYTES;
	if (wrapped.len <= head || wrapped.len > TOKEN_WRAP_BYTES_MAX ||
	    wrapped.data[1] != job->method)
		return not_unwrapped(err);
	memcpy(job->nonce, wrapped.data + HEAD_BYTES, head - HEAD_BYTES);
	put(job, wrapped.data + head, wrapped.len - head);
	return AG_OK;
}

enum ag_status
token_wrap_open(struct secret **out, struct token *token,
    const struct token_key *key, const char *context, struct bytes wrapped,
    struct ag_error *err)
{
	struct result result;
	struct job job;
	enum ag_status status = job_init(&job, key, context, err);

	*out = NULL;
	if (status == AG_OK)
		status = take_head(&job, wrapped, err);
	if (status == AG_OK)
		status = token_call(token, do_decrypt, &job, sizeof(job),
		    &result, sizeof(result), err);
	if (status != AG_OK)
		return status;
	status = take_plain(out, &job, bytes_of(result.data, result.len), err);
	secret_wipe(&result, sizeof(result));
	return status;
}
