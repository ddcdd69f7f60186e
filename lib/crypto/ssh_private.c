/*
 * Private keys from OpenSSH's private sections.
 *
 * FORMAT   The fields of a section (crypto/openssh_container.h):
 *          RSA      mpint n | mpint e | mpint d | mpint inverse of q |
 *                   mpint p | mpint q
 *          ECDSA    string curve | string point | mpint d
 *
 * RULES    1. Numbers are secret: they go into OpenSSL's wiped memory, with
 *             the flag that keeps its arithmetic from depending on them.
 *          2. Whether the halves belong together is not asked here: the
 *             signer tries.
 */
#include "crypto/ssh_private.h"

#include <openssl/core_names.h>

#include "crypto/late_crypto.h"
#include "crypto/openssh_container.h"
#include "crypto/ssh_wire.h"

enum rsa_number {
	RSA_N,
	RSA_E,
	RSA_D,
	RSA_QINV,
	RSA_P,
	RSA_Q,
	RSA_DP, /* the last two follow from the others */
	RSA_DQ,
	RSA_NUMBERS
};

static const char *const rsa_params[RSA_NUMBERS] = {
	[RSA_N] = OSSL_PKEY_PARAM_RSA_N,
	[RSA_E] = OSSL_PKEY_PARAM_RSA_E,
	[RSA_D] = OSSL_PKEY_PARAM_RSA_D,
	[RSA_QINV] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
	[RSA_P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
	[RSA_Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
	[RSA_DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
	[RSA_DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
};

static BIGNUM *
read_number(struct ssh_wire_reader *r)
{
	struct bytes number = ssh_wire_get_mpint(r);
	BIGNUM *out = BN_secure_new();

	if (out == NULL || r->failed)
		return out;
	BN_set_flags(out, BN_FLG_CONSTTIME);
	if (BN_bin2bn(number.data, (int)number.len, out) == NULL)
		r->failed = true;
	return out;
}

/* Read what a section has; the rest of numbers stays NULL. */
static bool
rsa_read(BIGNUM *numbers[static RSA_NUMBERS], char *comment,
    struct bytes section)
{
	struct ssh_wire_reader r;
	bool is_right;

	is_right = openssh_container_start(&r, section, "ssh-rsa");
	for (size_t i = RSA_N; i <= RSA_Q; i++) {
		numbers[i] = read_number(&r);
		is_right = is_right && numbers[i] != NULL;
	}
	return openssh_container_end(&r, comment) && is_right;
}

/* d mod (prime - 1), as signing by the primes wants it. */
static BIGNUM *
rsa_exponent(const BIGNUM *d, const BIGNUM *prime)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *less = BN_secure_new(), *out = BN_secure_new();
	bool is_made = ctx != NULL && less != NULL && out != NULL &&
	    BN_sub(less, prime, BN_value_one()) == 1 && !BN_is_zero(less);

	if (is_made) {
		BN_set_flags(less, BN_FLG_CONSTTIME);
		is_made = BN_mod(out, d, less, ctx) == 1;
	}
	if (!is_made) {
		BN_clear_free(out);
		out = NULL;
	}
	BN_clear_free(less);
	BN_CTX_free(ctx);
	return out;
}

/* Take what was put into builder; NULL when OpenSSL takes it for no key. */
static EVP_PKEY *
build(OSSL_PARAM_BLD *builder, const char *kind)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *pkey = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
rsa_build(BIGNUM *const numbers[static RSA_NUMBERS])
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	bool is_put = builder != NULL;
	EVP_PKEY *pkey = NULL;

	for (size_t i = 0; is_put && i < RSA_NUMBERS; i++)
		is_put = numbers[i] != NULL &&
		    OSSL_PARAM_BLD_push_BN(builder, rsa_params[i],
			numbers[i]) == 1;
	if (is_put)
		pkey = build(builder, "RSA");
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

static EVP_PKEY *
rsa_from_section(char *comment, struct bytes section)
{
	BIGNUM *numbers[RSA_NUMBERS] = { NULL };
	EVP_PKEY *pkey = NULL;

	if (rsa_read(numbers, comment, section)) {
		numbers[RSA_DP] = rsa_exponent(numbers[RSA_D], numbers[RSA_P]);
		numbers[RSA_DQ] = rsa_exponent(numbers[RSA_D], numbers[RSA_Q]);
		pkey = rsa_build(numbers);
	}
	for (size_t i = 0; i < RSA_NUMBERS; i++)
		BN_clear_free(numbers[i]);
	return pkey;
}

static EVP_PKEY *
ecdsa_build(const char *group, struct bytes point, const BIGNUM *d)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
		group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
		point.data, point.len) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1)
		pkey = build(builder, "EC");
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

/* libcrypto takes any number, and gives back none that its curve has not. */
static bool
fits_curve(const BIGNUM *d, bool is_256)
{
	return d != NULL && !BN_is_zero(d) &&
	    BN_num_bits(d) <= (is_256 ? 256 : 384);
}

static EVP_PKEY *
ecdsa_from_section(char *comment, struct bytes section, enum ssh_key_type type)
{
	bool is_256 = type == SSH_KEY_ECDSA_P256;
	struct ssh_wire_reader r;
	EVP_PKEY *pkey = NULL;
	struct bytes point;
	bool is_right;
	BIGNUM *d;

	is_right = openssh_container_start(&r, section,
	    is_256 ? "ecdsa-sha2-nistp256" : "ecdsa-sha2-nistp384");
	is_right =
	    ssh_wire_expect(&r, is_256 ? "nistp256" : "nistp384") && is_right;
	point = ssh_wire_get_string(&r);
	d = read_number(&r);
	if (openssh_container_end(&r, comment) && is_right &&
	    fits_curve(d, is_256))
		pkey =
		    ecdsa_build(is_256 ? "prime256v1" : "secp384r1", point, d);
	BN_clear_free(d);
	return pkey;
}

EVP_PKEY *
ssh_private_from_section(char *comment, struct bytes section,
    enum ssh_key_type type)
{
	return type == SSH_KEY_RSA ? rsa_from_section(comment, section)
				   : ecdsa_from_section(comment, section, type);
}
