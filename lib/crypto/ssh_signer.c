/*
 * Signing as SSH does.
 *
 * Ed25519 keys stay in locked memory and are used by libsodium.  ECDSA and
 * RSA keys are OpenSSL's, which keeps them in memory of its own and wipes
 * that when they are freed.
 *
 * RULES    1. The private half must be that of the public key in front of
 *             it: what signs is what was shown.
 *          2. A signature is verified before it is handed out.  One that a
 *             fault made wrong can give an RSA key away.
 *          3. RSA signs with rsa-sha2-512 and from 3072 bits on.
 */
#include "crypto/ssh_signer.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/key_format.h"
#include "crypto/known_answer.h"
#include "crypto/late_crypto.h"
#include "crypto/sign.h"
#include "crypto/ssh_wire.h"

#define RSA_ALGORITHM "rsa-sha2-512"

struct ssh_signer {
	struct private_key *key; /* or else */
	struct ssh_key public;
	ssh_signer_fn *sign;
	void *ctx;
};

static const struct ssh_key *
public_of(const struct ssh_signer *signer)
{
	return signer->key != NULL ? &private_key_public(signer->key)->ssh
				   : &signer->public;
}

/* Sign a fixed text: the halves belong together when that verifies. */
static enum ag_status
signer_check_halves(const struct ssh_signer *signer, const char *name,
    struct ag_error *err)
{
	uint8_t signature[SSH_KEY_SIGNATURE_BYTES_MAX];
	size_t len;

	if (ssh_signer_sign(signer, bytes_from_text("aegis"), signature, &len,
		NULL) == AG_OK)
		return AG_OK;
	return ag_fail(err, AG_EINVAL,
	    "private key %s: damaged, its halves do not belong together", name);
}

/* May a key sign anything new? */
static enum ag_status
check_standing(const struct key_public *key, const char *name,
    struct ag_error *err)
{
	if (key->id == ALGORITHM_KEY_X25519)
		return ag_fail(err, AG_EVERSION,
		    "private key %s: X25519 keys are for encryption, and do not "
		    "sign",
		    name);
	if (key->id == ALGORITHM_KEY_RISTRETTO255)
		return ag_fail(err, AG_EVERSION,
		    "private key %s: ristretto255 keys are for escrow, and do "
		    "not sign",
		    name);
	if (key_public_algorithm(key)->standing != ALGORITHM_ALLOWED)
		return ag_fail(err, AG_EREFUSED,
		    "private key %s: RSA of %u bits signs nothing new; it "
		    "takes %d",
		    name, key->bits, SSH_KEY_RSA_SIGN_BITS_MIN);
	return AG_OK;
}

enum ag_status
ssh_signer_parse(struct ssh_signer **out, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct ssh_signer *signer = calloc(1, sizeof(*signer));
	enum ag_status status;

	*out = NULL;
	if (signer == NULL)
		return ag_fail(err, AG_ENOMEM, "private key %s: out of memory",
		    name);
	status = key_format_parse(&signer->key, text, passphrase, name, err);
	if (status == AG_OK)
		status =
		    check_standing(private_key_public(signer->key), name, err);
	if (status == AG_OK)
		status =
		    known_answer_check_signature(public_of(signer)->type, err);
	if (status == AG_OK)
		status = signer_check_halves(signer, name, err);
	if (status != AG_OK) {
		ssh_signer_free(signer);
		return status;
	}
	*out = signer;
	return AG_OK;
}

enum ag_status
ssh_signer_of(struct ssh_signer **out, const struct ssh_key *public_key,
    ssh_signer_fn *sign, void *ctx, struct ag_error *err)
{
	struct ssh_signer *signer = calloc(1, sizeof(*signer));

	*out = signer;
	if (signer == NULL)
		return ag_fail(err, AG_ENOMEM, "private key: out of memory");
	signer->public = *public_key;
	signer->sign = sign;
	signer->ctx = ctx;
	return AG_OK;
}

void
ssh_signer_free(struct ssh_signer *signer)
{
	if (signer == NULL)
		return;
	private_key_free(signer->key);
	free(signer);
}

const struct ssh_key *
ssh_signer_public(const struct ssh_signer *signer)
{
	return public_of(signer);
}

/* OpenSSL's signature, at most *len bytes. */
static bool
sign_evp(const struct ssh_signer *signer, const EVP_MD *md,
    struct bytes message, uint8_t *raw, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_signed = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, md, NULL,
		private_key_evp(signer->key)) == 1 &&
	    EVP_DigestSign(ctx, raw, len, message.data, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return is_signed;
}

/* DER as SSH's r and s; the end of what was put, or NULL. */
static uint8_t *
put_ecdsa(uint8_t *at, const uint8_t *der, size_t der_len)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	uint8_t r[48], s[48];

	if (pair == NULL)
		return NULL;
	if (BN_bn2binpad(ECDSA_SIG_get0_r(pair), r, sizeof(r)) == -1 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), s, sizeof(s)) == -1) {
		ECDSA_SIG_free(pair);
		return NULL;
	}
	ECDSA_SIG_free(pair);
	at = ssh_wire_put_mpint(at, bytes_of(r, sizeof(r)));
	return ssh_wire_put_mpint(at, bytes_of(s, sizeof(s)));
}

static uint8_t *
put_signature(uint8_t *at, const struct ssh_signer *signer,
    struct bytes message)
{
	uint8_t raw[SSH_KEY_RSA_BITS_MAX / 8], pair[2 * (4 + 1 + 48)], *end;
	enum ssh_key_type type = public_of(signer)->type;
	size_t len = sizeof(raw);

	if (type == SSH_KEY_ED25519) {
		sign_message(raw, private_key_secret(signer->key), message);
		at = ssh_wire_put_string(at, bytes_from_text("ssh-ed25519"));
		return ssh_wire_put_string(at,
		    bytes_of(raw, SIGN_SIGNATURE_BYTES));
	}
	if (type == SSH_KEY_RSA) {
		if (!sign_evp(signer, EVP_sha512(), message, raw, &len))
			return NULL;
		at = ssh_wire_put_string(at, bytes_from_text(RSA_ALGORITHM));
		return ssh_wire_put_string(at, bytes_of(raw, len));
	}
	if (!sign_evp(signer,
		type == SSH_KEY_ECDSA_P256 ? EVP_sha256() : EVP_sha384(),
		message, raw, &len))
		return NULL;
	end = put_ecdsa(pair, raw, len);
	if (end == NULL)
		return NULL;
	at = ssh_wire_put_string(at,
	    bytes_from_text(type == SSH_KEY_ECDSA_P256
		    ? "ecdsa-sha2-nistp256"
		    : "ecdsa-sha2-nistp384"));
	return ssh_wire_put_string(at, bytes_of(pair, (size_t)(end - pair)));
}

static enum ag_status
sign_here(const struct ssh_signer *signer, struct bytes message,
    uint8_t *signature, size_t *len, struct ag_error *err)
{
	uint8_t *end = put_signature(signature, signer, message);

	if (end == NULL)
		return ag_fail(err, AG_EINTERNAL,
		    "sign: OpenSSL refused to sign with the key");
	*len = (size_t)(end - signature);
	return AG_OK;
}

enum ag_status
ssh_signer_sign(const struct ssh_signer *signer, struct bytes message,
    uint8_t signature[static SSH_KEY_SIGNATURE_BYTES_MAX], size_t *len,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (signer->sign != NULL)
		status =
		    signer->sign(signer->ctx, message, signature, len, err);
	else
		status = sign_here(signer, message, signature, len, err);
	if (status != AG_OK)
		return status;
	if (ssh_key_verify(public_of(signer), message,
		bytes_of(signature, *len), NULL) != AG_OK)
		return ag_fail(err, AG_EINTERNAL,
		    "sign: what was signed does not verify; nothing is "
		    "handed out");
	return AG_OK;
}
