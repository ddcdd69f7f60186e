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

#include "crypto/late_crypto.h"
#include "crypto/openssh_key.h"
#include "crypto/sign.h"
#include "crypto/ssh_private.h"
#include "crypto/ssh_wire.h"

#define RSA_ALGORITHM "rsa-sha2-512"

struct ssh_signer {
	struct ssh_key public_key;
	struct secret *ed25519; /* or else */
	EVP_PKEY *pkey;
};

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

static enum ag_status
signer_parse_section(struct ssh_signer *signer, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct secret *section;
	enum ag_status status =
	    openssh_key_section(&section, text, passphrase, name, err);

	if (status != AG_OK)
		return status;
	signer->pkey = ssh_private_from_section(NULL, secret_bytes(section),
	    signer->public_key.type);
	secret_free(section);
	return AG_OK;
}

static enum ag_status
signer_parse_private(struct ssh_signer *signer, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	enum ag_status status;

	if (signer->public_key.type == SSH_KEY_ED25519)
		return openssh_key_parse(&signer->ed25519, NULL, text,
		    passphrase, name, err);
	if (signer->public_key.type == SSH_KEY_RSA &&
	    signer->public_key.bits < SSH_KEY_RSA_SIGN_BITS_MIN)
		return ag_fail(err, AG_EREFUSED,
		    "private key %s: RSA of %u bits signs nothing new; it "
		    "takes %d",
		    name, signer->public_key.bits, SSH_KEY_RSA_SIGN_BITS_MIN);
	status = late_crypto_load(err);
	if (status != AG_OK)
		return status;
	status = signer_parse_section(signer, text, passphrase, name, err);
	if (status == AG_OK && signer->pkey == NULL)
		status = ag_fail(err, AG_EINVAL,
		    "private key %s: damaged, OpenSSL refused it", name);
	return status;
}

enum ag_status
ssh_signer_parse(struct ssh_signer **out, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	uint8_t blob[SSH_KEY_BLOB_BYTES_MAX];
	struct ssh_signer *signer;
	enum ag_status status;
	size_t len;

	*out = NULL;
	status = openssh_key_blob(blob, sizeof(blob), &len, text, name, err);
	if (status != AG_OK)
		return status;
	signer = calloc(1, sizeof(*signer));
	if (signer == NULL)
		return ag_fail(err, AG_ENOMEM, "private key %s: out of memory",
		    name);
	status =
	    ssh_key_parse_blob(&signer->public_key, bytes_of(blob, len), err);
	if (status != AG_OK)
		ag_error_prefix(err, "private key %s", name);
	else
		status =
		    signer_parse_private(signer, text, passphrase, name, err);
	if (status == AG_OK)
		status = signer_check_halves(signer, name, err);
	if (status != AG_OK) {
		ssh_signer_free(signer);
		return status;
	}
	*out = signer;
	return AG_OK;
}

void
ssh_signer_free(struct ssh_signer *signer)
{
	if (signer == NULL)
		return;
	secret_free(signer->ed25519);
	if (signer->pkey != NULL)
		EVP_PKEY_free(signer->pkey);
	free(signer);
}

const struct ssh_key *
ssh_signer_public(const struct ssh_signer *signer)
{
	return &signer->public_key;
}

/* OpenSSL's signature, at most *len bytes. */
static bool
sign_evp(const struct ssh_signer *signer, const EVP_MD *md,
    struct bytes message, uint8_t *raw, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_signed = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, md, NULL, signer->pkey) == 1 &&
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
	enum ssh_key_type type = signer->public_key.type;
	size_t len = sizeof(raw);

	if (type == SSH_KEY_ED25519) {
		sign_message(raw, signer->ed25519, message);
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

enum ag_status
ssh_signer_sign(const struct ssh_signer *signer, struct bytes message,
    uint8_t signature[static SSH_KEY_SIGNATURE_BYTES_MAX], size_t *len,
    struct ag_error *err)
{
	uint8_t *end = put_signature(signature, signer, message);

	if (end == NULL)
		return ag_fail(err, AG_EINTERNAL,
		    "sign: OpenSSL refused to sign with the key");
	*len = (size_t)(end - signature);
	if (ssh_key_verify(&signer->public_key, message,
		bytes_of(signature, *len), NULL) != AG_OK)
		return ag_fail(err, AG_EINTERNAL,
		    "sign: what was signed does not verify; nothing is "
		    "handed out");
	return AG_OK;
}
