/*
 * ECDSA and RSA keys as libcrypto has them.
 *
 * RULES    1. What is taken for a key is what crypto/ssh_key.c takes its
 *             public half for: one place says which are good enough.
 *          2. Curves go by name: explicit parameters can be of any curve.
 *          3. Numbers are secret and go through libcrypto's secure heap.
 */
#include "crypto/key_evp.h"

#include <openssl/core_names.h>
#include <openssl/x509.h>

#include "crypto/late_crypto.h"
#include "crypto/ssh_wire.h"

#define NAME_BYTES 64
#define NUMBER_BYTES_MAX (SSH_KEY_RSA_BITS_MAX / 8)

/* FIPS 186-5: closer than this, and the modulus falls to Fermat. */
#define PRIMES_APART_BITS 100

static enum ag_status
no_memory(struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM, "out of memory");
}

enum ag_status
key_evp_generate(EVP_PKEY **out, enum ssh_key_type type, unsigned int bits,
    struct ag_error *err)
{
	enum ag_status status = late_crypto_load(err);

	*out = NULL;
	if (status != AG_OK)
		return status;
	if (type == SSH_KEY_RSA)
		*out = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	else
		*out = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
		    type == SSH_KEY_ECDSA_P256 ? "P-256" : "P-384");
	if (*out == NULL)
		return ag_fail(err, AG_EINTERNAL,
		    "make key: OpenSSL could not make one");
	return AG_OK;
}

/* One of its numbers; NULL when it has none of that name. */
static BIGNUM *
number_of(EVP_PKEY *pkey, const char *name)
{
	BIGNUM *number = BN_secure_new();

	if (number == NULL || EVP_PKEY_get_bn_param(pkey, name, &number) == 1)
		return number;
	BN_clear_free(number);
	return NULL;
}

/* The type of an EC key; false when it is none that is done here. */
static bool
find_curve(EVP_PKEY *pkey, enum ssh_key_type *type)
{
	char curve[NAME_BYTES], encoding[NAME_BYTES];

	if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
		curve, sizeof(curve), NULL) != 1 ||
	    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING,
		encoding, sizeof(encoding), NULL) != 1 ||
	    strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) != 0)
		return false;
	*type = strcmp(curve, "prime256v1") == 0 ? SSH_KEY_ECDSA_P256
						 : SSH_KEY_ECDSA_P384;
	return *type == SSH_KEY_ECDSA_P256 || strcmp(curve, "secp384r1") == 0;
}

/* Blobs, in SSH_KEY_BLOB_BYTES_MAX; their ends, or NULL. */
static uint8_t *
put_ecdsa(uint8_t *at, EVP_PKEY *pkey, enum ssh_key_type type)
{
	const size_t len = type == SSH_KEY_ECDSA_P256 ? 32 : 48;
	BIGNUM *x = number_of(pkey, OSSL_PKEY_PARAM_EC_PUB_X);
	BIGNUM *y = number_of(pkey, OSSL_PKEY_PARAM_EC_PUB_Y);
	uint8_t point[1 + 2 * 48] = { 4 };

	if (x != NULL && y != NULL &&
	    BN_bn2binpad(x, point + 1, (int)len) != -1 &&
	    BN_bn2binpad(y, point + 1 + len, (int)len) != -1) {
		at = ssh_wire_put_string(at,
		    bytes_from_text(ssh_key_type_word(type)));
		at = ssh_wire_put_string(at,
		    bytes_from_text(
			type == SSH_KEY_ECDSA_P256 ? "nistp256" : "nistp384"));
		at = ssh_wire_put_string(at, bytes_of(point, 1 + 2 * len));
	} else {
		at = NULL;
	}
	BN_clear_free(x);
	BN_clear_free(y);
	return at;
}

/* A number that is at most of NUMBER_BYTES_MAX; NULL after a NULL. */
static uint8_t *
put_number(uint8_t *at, EVP_PKEY *pkey, const char *name)
{
	uint8_t raw[NUMBER_BYTES_MAX];
	BIGNUM *number = number_of(pkey, name);

	if (at != NULL && number != NULL &&
	    BN_bn2binpad(number, raw, sizeof(raw)) != -1)
		at = ssh_wire_put_mpint(at, bytes_of(raw, sizeof(raw)));
	else
		at = NULL;
	secret_wipe(raw, sizeof(raw));
	BN_clear_free(number);
	return at;
}

static uint8_t *
put_rsa(uint8_t *at, EVP_PKEY *pkey)
{
	at = ssh_wire_put_string(at, bytes_from_text("ssh-rsa"));
	at = put_number(at, pkey, OSSL_PKEY_PARAM_RSA_E);
	return put_number(at, pkey, OSSL_PKEY_PARAM_RSA_N);
}

enum ag_status
key_evp_public(struct ssh_key *out, EVP_PKEY *pkey, struct ag_error *err)
{
	uint8_t blob[SSH_KEY_BLOB_BYTES_MAX + NUMBER_BYTES_MAX], *end;
	enum ssh_key_type type;

	if (EVP_PKEY_is_a(pkey, "RSA"))
		end = put_rsa(blob, pkey);
	else if (EVP_PKEY_is_a(pkey, "EC") && find_curve(pkey, &type))
		end = put_ecdsa(blob, pkey, type);
	else
		return ag_fail(err, AG_EVERSION,
		    "a type or curve that is not done here (ed25519, x25519, "
		    "ecdsa-p256, ecdsa-p384 and rsa are)");
	if (end == NULL)
		return ag_fail(err, AG_EREFUSED,
		    "its numbers are longer than any that are taken");
	return ssh_key_parse_blob(out, bytes_of(blob, (size_t)(end - blob)),
	    err);
}

enum ag_status
key_evp_from_der(EVP_PKEY **out, struct bytes der, struct ag_error *err)
{
	const unsigned char *at = der.data;
	enum ag_status status = late_crypto_load(err);

	*out = NULL;
	if (status != AG_OK)
		return status;
	*out = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
	if (*out != NULL && at == der.data + der.len)
		return AG_OK;
	if (*out != NULL)
		EVP_PKEY_free(*out);
	*out = NULL;
	return ag_fail(err, AG_EINVAL, "damaged, or OpenSSL refused it");
}

enum ag_status
key_evp_to_der(struct secret **out, EVP_PKEY *pkey, struct ag_error *err)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : 0;
	unsigned char *at;

	*out = len > 0 ? secret_new((size_t)len) : NULL;
	if (*out != NULL) {
		at = secret_data(*out);
		(void)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
	}
	if (info != NULL)
		PKCS8_PRIV_KEY_INFO_free(info);
	return *out != NULL ? AG_OK : no_memory(err);
}

enum ag_status
key_evp_public_from_der(struct ssh_key *out, struct bytes der,
    struct ag_error *err)
{
	const unsigned char *at = der.data;
	enum ag_status status = late_crypto_load(err);
	EVP_PKEY *pkey;

	if (status != AG_OK)
		return status;
	pkey = d2i_PUBKEY(NULL, &at, (long)der.len);
	if (pkey == NULL)
		return ag_fail(err, AG_EINVAL,
		    "damaged, or OpenSSL refused it");
	status = at == der.data + der.len
	    ? key_evp_public(out, pkey, err)
	    : ag_fail(err, AG_EINVAL, "something follows it");
	EVP_PKEY_free(pkey);
	return status;
}

enum ag_status
key_evp_public_to_der(struct buf *out, const struct ssh_key *key,
    struct ag_error *err)
{
	enum ag_status status = late_crypto_load(err);
	unsigned char *der = NULL;
	EVP_PKEY *pkey;
	int len;

	if (status != AG_OK)
		return status;
	pkey = ssh_key_to_evp(key);
	len = pkey != NULL ? i2d_PUBKEY(pkey, &der) : 0;
	if (pkey != NULL)
		EVP_PKEY_free(pkey);
	if (len <= 0)
		return no_memory(err);
	status = buf_append(out, der, (size_t)len);
	CRYPTO_free(der, __FILE__, __LINE__);
	return status == AG_OK ? AG_OK : no_memory(err);
}

static uint8_t *
put_fields(uint8_t *at, EVP_PKEY *pkey, const struct ssh_key *public_key)
{
	static const char *const rsa[] = { OSSL_PKEY_PARAM_RSA_N,
		OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_FACTOR1,
		OSSL_PKEY_PARAM_RSA_FACTOR2 };

	if (public_key->type != SSH_KEY_RSA) {
		/* The blob is type, curve and point, as the fields are. */
		at = ssh_wire_put_raw(at, public_key->blob,
		    public_key->blob_len);
		return put_number(at, pkey, OSSL_PKEY_PARAM_PRIV_KEY);
	}
	at = ssh_wire_put_string(at, bytes_from_text("ssh-rsa"));
	for (size_t i = 0; i < sizeof(rsa) / sizeof(rsa[0]); i++)
		at = put_number(at, pkey, rsa[i]);
	return at;
}

enum ag_status
key_evp_fields(struct secret **out, EVP_PKEY *pkey,
    const struct ssh_key *public_key, struct ag_error *err)
{
	uint8_t *end;

	*out = secret_new(64 + 6 * (NUMBER_BYTES_MAX + 5));
	if (*out == NULL)
		return no_memory(err);
	end = put_fields(secret_data(*out), pkey, public_key);
	if (end == NULL) {
		secret_free(*out);
		*out = NULL;
		return ag_fail(err, AG_EINTERNAL,
		    "write key: OpenSSL does not tell its numbers");
	}
	secret_shorten(*out, (size_t)(end - secret_data(*out)));
	return AG_OK;
}

static enum ag_status
check_primes(EVP_PKEY *pkey, unsigned int bits, struct ag_error *err)
{
	BIGNUM *p = number_of(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1);
	BIGNUM *q = number_of(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2);
	BIGNUM *more = number_of(pkey, OSSL_PKEY_PARAM_RSA_FACTOR3);
	enum ag_status status = AG_OK;

	if (more != NULL)
		status =
		    ag_fail(err, AG_EREFUSED, "it has more than two primes");
	else if (p == NULL || q == NULL || BN_sub(p, p, q) != 1)
		status = ag_fail(err, AG_EREFUSED, "its primes are not there");
	else if ((unsigned int)BN_num_bits(p) < bits / 2 - PRIMES_APART_BITS)
		status = ag_fail(err, AG_EREFUSED,
		    "its primes are so close that it can be factored");
	BN_clear_free(p);
	BN_clear_free(q);
	BN_clear_free(more);
	return status;
}

enum ag_status
key_evp_check(EVP_PKEY *pkey, const struct ssh_key *public_key,
    struct ag_error *err)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool is_sound = ctx != NULL && EVP_PKEY_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	if (!is_sound)
		return ag_fail(err, AG_EREFUSED,
		    "damaged, its numbers do not belong together");
	if (public_key->type == SSH_KEY_RSA)
		return check_primes(pkey, public_key->bits, err);
	return AG_OK;
}
