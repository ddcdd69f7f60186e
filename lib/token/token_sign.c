/*
 * Signatures by a token's keys.
 *
 * RULES    1. Hashes are taken here: tokens differ in which they can, and
 *             all of them can sign a digest.
 *          2. Nothing that a token signed is handed out before its public
 *             half has verified it.
 */
#include "token/token_sign.h"

#include <string.h>

#include "crypto/late_crypto.h"
#include "crypto/sign.h"
#include "crypto/ssh_wire.h"

/* DigestInfo of SHA-512 (RFC 8017, 9.2). */
static const uint8_t sha512_info[] = { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60,
	0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04,
	0x40 };

#define DIGEST_INFO_BYTES_MAX (sizeof(sha512_info) + 64)

static const struct scheme {
	enum token_key_type type;
	CK_MECHANISM_TYPE mechanism;
	size_t half_bytes;     /* of r and of s; 0: not a pair */
	const char *algorithm; /* SSH's */
} schemes[] = {
	{ TOKEN_KEY_ED25519, CKM_EDDSA, 0, "ssh-ed25519" },
	{ TOKEN_KEY_P256, CKM_ECDSA, 32, "ecdsa-sha2-nistp256" },
	{ TOKEN_KEY_P384, CKM_ECDSA, 48, "ecdsa-sha2-nistp384" },
	{ TOKEN_KEY_RSA, CKM_RSA_PKCS, 0, "rsa-sha2-512" },
};

static const struct scheme *
scheme_of(enum token_key_type type)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].type == type)
			return &schemes[i];
	return NULL;
}

static bool
digest(const EVP_MD *md, struct bytes message, uint8_t *out, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned int digest_len = 0;
	bool is_done = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
	    EVP_DigestUpdate(ctx, message.data, message.len) == 1 &&
	    EVP_DigestFinal_ex(ctx, out, &digest_len) == 1;

	EVP_MD_CTX_free(ctx);
	*len = digest_len;
	return is_done;
}

/* What the token is given to sign; info has room for DIGEST_INFO_BYTES_MAX. */
static enum ag_status
prepare(enum token_key_type type, struct bytes message, uint8_t *info,
    struct bytes *out, struct ag_error *err)
{
	size_t head = type == TOKEN_KEY_RSA ? sizeof(sha512_info) : 0, len = 0;
	enum ag_status status;
	bool is_done;

	*out = message;
	if (type == TOKEN_KEY_ED25519)
		return AG_OK;
	status = late_crypto_load(err);
	if (status != AG_OK)
		return status;
	memcpy(info, sha512_info, head);
	if (type == TOKEN_KEY_P256)
		is_done = digest(EVP_sha256(), message, info, &len);
	else if (type == TOKEN_KEY_P384)
		is_done = digest(EVP_sha384(), message, info, &len);
	else
		is_done = digest(EVP_sha512(), message, info + head, &len);
	*out = bytes_of(info, head + len);
	return is_done ? AG_OK : ag_fail(err, AG_EINTERNAL, "sign: no digest");
}

enum ag_status
token_sign_raw(struct token_session *s, unsigned long handle,
    enum token_key_type type, struct bytes message,
    uint8_t signature[static TOKEN_SIGNATURE_BYTES_MAX], size_t *len,
    struct ag_error *err)
{
	const struct scheme *scheme = scheme_of(type);
	CK_ULONG signature_len = TOKEN_SIGNATURE_BYTES_MAX;
	uint8_t info[DIGEST_INFO_BYTES_MAX];
	CK_MECHANISM mechanism = { 0 };
	enum ag_status status;
	struct bytes input;
	CK_RV code;

	*len = 0;
	if (scheme == NULL)
		return ag_fail(err, AG_EREFUSED,
		    "token %s: a key of that kind does not sign",
		    s->info.label);
	status = prepare(type, message, info, &input, err);
	if (status != AG_OK)
		return status;
	mechanism.mechanism = scheme->mechanism;
	code = s->f->C_SignInit(s->handle, &mechanism, handle);
	if (code == CKR_OK)
		code = s->f->C_Sign(s->handle, (CK_BYTE *)(uintptr_t)input.data,
		    input.len, signature, &signature_len);
	if (code != CKR_OK)
		return token_session_fail(s, err, code, "sign");
	if (signature_len == 0 || signature_len > TOKEN_SIGNATURE_BYTES_MAX)
		return ag_fail(err, AG_EFORGED,
		    "token %s: it claims to have signed with %lu bytes",
		    s->info.label, (unsigned long)signature_len);
	*len = signature_len;
	return AG_OK;
}

/* SSH's form of a token's signature; its length, or 0. */
static size_t
ssh_form(uint8_t *out, const struct scheme *scheme, struct bytes raw)
{
	uint8_t pair[2 * (4 + 1 + 48)], *end = pair, *at;

	at = ssh_wire_put_string(out, bytes_from_text(scheme->algorithm));
	if (scheme->half_bytes == 0)
		return (size_t)(ssh_wire_put_string(at, raw) - out);
	if (raw.len != 2 * scheme->half_bytes)
		return 0;
	end = ssh_wire_put_mpint(end, bytes_of(raw.data, scheme->half_bytes));
	end = ssh_wire_put_mpint(end,
	    bytes_of(raw.data + scheme->half_bytes, scheme->half_bytes));
	at = ssh_wire_put_string(at, bytes_of(pair, (size_t)(end - pair)));
	return (size_t)(at - out);
}

static enum ag_status
check_key(const struct token_key *key, struct ag_error *err)
{
	if (scheme_of(key->type) == NULL)
		return ag_fail(err, AG_EREFUSED,
		    "key %s in the token: keys of that kind do not sign",
		    key->label);
	if (!key->has_public)
		return ag_fail(err, AG_EREFUSED,
		    "key %s in the token: its public half is not there, so "
		    "nothing it signs can be checked",
		    key->label);
	if (key->asks_always)
		return ag_fail(err, AG_EVERSION,
		    "key %s in the token: it asks for the PIN at every use, "
		    "which is not supported",
		    key->label);
	if (key->type == TOKEN_KEY_RSA && key->bits < SSH_KEY_RSA_SIGN_BITS_MIN)
		return ag_fail(err, AG_EREFUSED,
		    "key %s in the token: RSA of %u bits signs nothing new; "
		    "it takes %d",
		    key->label, key->bits, SSH_KEY_RSA_SIGN_BITS_MIN);
	return AG_OK;
}

static enum ag_status
not_verified(const struct token_key *key, struct ag_error *err)
{
	return ag_fail(err, AG_EFORGED,
	    "key %s in the token: what it signed does not verify by its "
	    "public half; nothing is handed out",
	    key->label);
}

enum ag_status
token_sign_ssh(void *ctx, struct bytes message,
    uint8_t signature[static SSH_KEY_SIGNATURE_BYTES_MAX], size_t *len,
    struct ag_error *err)
{
	const struct token_sign_key *at = ctx;
	const struct token_key *key = &at->key;
	uint8_t raw[TOKEN_SIGNATURE_BYTES_MAX];
	enum ag_status status = check_key(key, err);
	size_t raw_len;

	if (status == AG_OK)
		status =
		    token_sign(at->token, key, message, raw, &raw_len, err);
	if (status != AG_OK)
		return status;
	*len =
	    ssh_form(signature, scheme_of(key->type), bytes_of(raw, raw_len));
	if (*len == 0 ||
	    ssh_key_verify(&key->public, message, bytes_of(signature, *len),
		NULL) != AG_OK)
		return not_verified(key, err);
	return AG_OK;
}

/* The 32 bytes of an Ed25519 key, which end its blob. */
static const uint8_t *
raw_key(const struct token_key *key)
{
	return key->public.blob + key->public.blob_len - SIGN_PUBLIC_BYTES;
}

static enum ag_status
sign_ed25519(void *ctx, struct bytes message,
    uint8_t signature[static SIGN_SIGNATURE_BYTES], struct ag_error *err)
{
	const struct token_sign_key *at = ctx;
	uint8_t raw[TOKEN_SIGNATURE_BYTES_MAX];
	enum ag_status status;
	size_t len;

	status = token_sign(at->token, &at->key, message, raw, &len, err);
	if (status != AG_OK)
		return status;
	if (len != SIGN_SIGNATURE_BYTES ||
	    !sign_verify(raw_key(&at->key), message, raw))
		return not_verified(&at->key, err);
	memcpy(signature, raw, SIGN_SIGNATURE_BYTES);
	return AG_OK;
}

enum ag_status
token_sign_signer(struct signer *out, struct token_sign_key *key,
    struct ag_error *err)
{
	enum ag_status status;

	if (key->key.type != TOKEN_KEY_ED25519)
		return ag_fail(err, AG_EVERSION,
		    "key %s in the token: not an Ed25519 key", key->key.label);
	status = check_key(&key->key, err);
	if (status != AG_OK)
		return status;
	*out = (struct signer){ .sign = sign_ed25519, .ctx = key };
	memcpy(out->public_key, raw_key(&key->key), SIGN_PUBLIC_BYTES);
	return AG_OK;
}
