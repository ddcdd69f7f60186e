/*
 * SSH public keys and their signatures.
 *
 * RULES    1. A blob has one form for each key, so keys are compared by it.
 *          2. Keys are checked when they are read: a point is on its curve,
 *             a modulus odd and of 2048 to 8192 bits, an exponent 65537.
 *          3. Which hash a signature takes is settled by the key, but for
 *             RSA, where its algorithm says so; SHA-1 is no choice.
 *          4. Ed25519 goes through crypto/sign.c and nothing else.
 */
#include "crypto/ssh_key.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <sodium.h>

#include "codec/text.h"
#include "crypto/late_crypto.h"
#include "crypto/public_key.h"
#include "crypto/sign.h"
#include "crypto/ssh_wire.h"

#define RSA_EXPONENT 65537
#define DER_BYTES_MAX 160

static const struct ssh_type {
	const char *word;  /* in lines and blobs */
	const char *name;  /* beside fingerprints */
	const char *curve; /* SSH's name of it */
	const char *group; /* OpenSSL's */
	size_t point_bytes;
	unsigned int bits;
} types[] = {
	[SSH_KEY_ED25519] = { "ssh-ed25519", "ED25519", NULL, NULL, 0, 256 },
	[SSH_KEY_ECDSA_P256] = { "ecdsa-sha2-nistp256", "ECDSA", "nistp256",
	    "prime256v1", 65, 256 },
	[SSH_KEY_ECDSA_P384] = { "ecdsa-sha2-nistp384", "ECDSA", "nistp384",
	    "secp384r1", 97, 384 },
	[SSH_KEY_RSA] = { "ssh-rsa", "RSA", NULL, NULL, 0, 0 },
};

/* Types that ssh-keygen has and that are not done here. */
static const char *const others[] = { "ssh-dss", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com" };

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))
#define OTHER_COUNT (sizeof(others) / sizeof(others[0]))

static bool
is_certificate_type(struct bytes word)
{
	const struct bytes end = bytes_from_text("-cert-v01@openssh.com");

	return word.len > end.len &&
	    memcmp(word.data + word.len - end.len, end.data, end.len) == 0;
}

bool
ssh_key_is_type(struct bytes word)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (bytes_equal(word, bytes_from_text(types[i].word)))
			return true;
	for (size_t i = 0; i < OTHER_COUNT; i++)
		if (bytes_equal(word, bytes_from_text(others[i])))
			return true;
	return is_certificate_type(word);
}

static enum ag_status
find_type(enum ssh_key_type *type, struct bytes word, struct ag_error *err)
{
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		if (bytes_equal(word, bytes_from_text(types[i].word))) {
			*type = (enum ssh_key_type)i;
			return AG_OK;
		}
	}
	if (is_certificate_type(word))
		return ag_fail(err, AG_EVERSION,
		    "it is a certificate, and those are not supported; use "
		    "the plain key");
	if (ssh_key_is_type(word))
		return ag_fail(err, AG_EVERSION,
		    "keys of type %.*s are not supported; ssh-ed25519, "
		    "ecdsa-sha2-nistp256, ecdsa-sha2-nistp384 and ssh-rsa are",
		    (int)word.len, (const char *)word.data);
	return ag_fail(err, AG_EINVAL,
	    "not a public key (it begins with its type, such as ssh-ed25519)");
}

/* Take over params; NULL when OpenSSL takes them for no public key. */
static EVP_PKEY *
pkey_from_builder(OSSL_PARAM_BLD *builder, const char *kind)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *pkey = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
pkey_of_point(const struct ssh_type *type, struct bytes point)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
		type->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
		point.data, point.len) == 1)
		pkey = pkey_from_builder(builder, "EC");
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

static EVP_PKEY *
pkey_of_modulus(struct bytes modulus)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
	EVP_PKEY *pkey = NULL;

	if (builder != NULL && n != NULL &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_ulong(builder, OSSL_PKEY_PARAM_RSA_E,
		RSA_EXPONENT) == 1)
		pkey = pkey_from_builder(builder, "RSA");
	BN_free(n);
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

EVP_PKEY *
ssh_key_to_evp(const struct ssh_key *key)
{
	struct ssh_wire_reader r;

	ssh_wire_start(&r, bytes_of(key->blob, key->blob_len));
	(void)ssh_wire_get_string(&r);
	(void)ssh_wire_get_string(&r);
	if (key->type == SSH_KEY_RSA)
		return pkey_of_modulus(ssh_wire_get_mpint(&r));
	return pkey_of_point(&types[key->type], ssh_wire_get_string(&r));
}

static enum ag_status
damaged(struct ag_error *err)
{
	return ag_fail(err, AG_EINVAL, "public key is damaged or cut short");
}

static unsigned int
bits_of(struct bytes magnitude)
{
	unsigned int bits = (unsigned int)magnitude.len * 8;
	uint8_t first = magnitude.data[0];

	while ((first & 0x80) == 0) {
		first = (uint8_t)(first << 1);
		bits--;
	}
	return bits;
}

static enum ag_status
check_rsa(struct ssh_key *key, struct ssh_wire_reader *r, struct ag_error *err)
{
	static const uint8_t exponent[] = { 1, 0, 1 };
	struct bytes e = ssh_wire_get_mpint(r);
	struct bytes n = ssh_wire_get_mpint(r);

	if (!ssh_wire_is_done(r))
		return damaged(err);
	key->bits = bits_of(n);
	if (key->bits < SSH_KEY_RSA_VERIFY_BITS_MIN ||
	    key->bits > SSH_KEY_RSA_BITS_MAX)
		return ag_fail(err, AG_EREFUSED,
		    "RSA keys of %u bits are refused: %d to %d are taken",
		    key->bits, SSH_KEY_RSA_VERIFY_BITS_MIN,
		    SSH_KEY_RSA_BITS_MAX);
	if (!bytes_equal(e, bytes_of(exponent, sizeof(exponent))))
		return ag_fail(err, AG_EREFUSED,
		    "RSA keys with another exponent than %d are refused",
		    RSA_EXPONENT);
	return (n.data[n.len - 1] & 1) == 1 ? AG_OK : damaged(err);
}

static enum ag_status
check_ecdsa(struct ssh_key *key, struct ssh_wire_reader *r,
    struct ag_error *err)
{
	const struct ssh_type *type = &types[key->type];
	bool is_curve = ssh_wire_expect(r, type->curve);
	struct bytes point = ssh_wire_get_string(r);
	enum ag_status status;
	EVP_PKEY *pkey;

	if (!is_curve || !ssh_wire_is_done(r) ||
	    point.len != type->point_bytes || point.data[0] != 4)
		return damaged(err);
	status = late_crypto_load(err);
	if (status != AG_OK)
		return status;
	pkey = pkey_of_point(type, point);
	if (pkey == NULL)
		return ag_fail(err, AG_EINVAL,
		    "public key is damaged: its point is not on %s",
		    type->curve);
	EVP_PKEY_free(pkey);
	return AG_OK;
}

static enum ag_status
check_ed25519(struct ssh_wire_reader *r, struct ag_error *err)
{
	struct bytes key = ssh_wire_get_string(r);

	return key.len == SIGN_PUBLIC_BYTES && ssh_wire_is_done(r)
	    ? AG_OK
	    : damaged(err);
}

enum ag_status
ssh_key_parse_blob(struct ssh_key *key, struct bytes blob, struct ag_error *err)
{
	struct ssh_wire_reader r;
	enum ag_status status;
	struct bytes word;

	*key = (struct ssh_key){ 0 };
	ssh_wire_start(&r, blob);
	word = ssh_wire_get_string(&r);
	if (r.failed)
		return damaged(err);
	status = find_type(&key->type, word, err);
	if (status != AG_OK)
		return status;
	if (blob.len > sizeof(key->blob))
		return ag_fail(err, AG_EREFUSED,
		    "public key is longer than any that is taken");
	key->bits = types[key->type].bits;
	key->blob_len = blob.len;
	memcpy(key->blob, blob.data, blob.len);
	if (key->type == SSH_KEY_RSA)
		return check_rsa(key, &r, err);
	if (key->type == SSH_KEY_ED25519)
		return check_ed25519(&r, err);
	return check_ecdsa(key, &r, err);
}

enum ag_status
ssh_key_parse_words(struct ssh_key *key, struct bytes type, struct bytes base64,
    struct ag_error *err)
{
	uint8_t blob[SSH_KEY_BLOB_BYTES_MAX];
	enum ssh_key_type found;
	enum ag_status status = find_type(&found, type, err);
	size_t len = 0;

	if (status != AG_OK)
		return status;
	if (text_base64_decode(blob, sizeof(blob), &len, base64,
		BASE64_STANDARD) != AG_OK)
		return damaged(err);
	status = ssh_key_parse_blob(key, bytes_of(blob, len), err);
	if (status == AG_OK && key->type != found)
		status = ag_fail(err, AG_EINVAL,
		    "public key is of another type than its first word says");
	return status;
}

/* The next word of a line, which is shortened by it. */
static struct bytes
take_word(struct bytes *line)
{
	const uint8_t *blank = memchr(line->data, ' ', line->len);
	size_t len = blank == NULL ? line->len : (size_t)(blank - line->data);
	struct bytes word = bytes_of(line->data, len);

	line->data += len;
	line->len -= len;
	if (line->len > 0) {
		line->data++;
		line->len--;
	}
	return word;
}

enum ag_status
ssh_key_parse_line(struct ssh_key *key, struct bytes line, struct ag_error *err)
{
	struct bytes type, base64;

	while (line.len > 0 &&
	    (line.data[line.len - 1] == '\n' ||
		line.data[line.len - 1] == '\r'))
		line.len--;
	if (line.len == 0)
		return ag_fail(err, AG_EINVAL, "public key is empty");
	if (memchr(line.data, '\n', line.len) != NULL)
		return ag_fail(err, AG_EINVAL,
		    "not a public key: it has more than one line");
	type = take_word(&line);
	base64 = take_word(&line);
	return ssh_key_parse_words(key, type, base64, err);
}

bool
ssh_key_equal(const struct ssh_key *a, const struct ssh_key *b)
{
	return bytes_equal(bytes_of(a->blob, a->blob_len),
	    bytes_of(b->blob, b->blob_len));
}

const char *
ssh_key_type_word(enum ssh_key_type type)
{
	return types[type].word;
}

const char *
ssh_key_type_name(enum ssh_key_type type)
{
	return types[type].name;
}

void
ssh_key_fingerprint(char *text, const struct ssh_key *key)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char base64[TEXT_BASE64_BYTES(sizeof(hash))];

	(void)crypto_hash_sha256(hash, key->blob, key->blob_len);
	text_base64(base64, sizeof(base64), bytes_of(hash, sizeof(hash)),
	    BASE64_UNPADDED);
	(void)snprintf(text, FINGERPRINT_BYTES, "SHA256:%.43s", base64);
}

static enum ag_status
forged(struct ag_error *err)
{
	return ag_fail(err, AG_EFORGED, "the signature does not verify");
}

static enum ag_status
misshapen(struct ag_error *err)
{
	return ag_fail(err, AG_ECORRUPT,
	    "the signature is damaged, or of another kind than its key");
}

static enum ag_status
verify_ed25519(const struct ssh_key *key, struct bytes message,
    struct bytes raw, struct ag_error *err)
{
	if (raw.len != SIGN_SIGNATURE_BYTES)
		return misshapen(err);
	return sign_verify(key->blob + key->blob_len - SIGN_PUBLIC_BYTES,
		   message, raw.data)
	    ? AG_OK
	    : forged(err);
}

static enum ag_status
verify_evp(const struct ssh_key *key, const EVP_MD *md, struct bytes message,
    struct bytes raw, struct ag_error *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *pkey = ssh_key_to_evp(key);
	enum ag_status status = AG_OK;

	if (ctx == NULL || pkey == NULL ||
	    EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) != 1)
		status = ag_fail(err, AG_EINTERNAL,
		    "verify: OpenSSL refused the key");
	else if (EVP_DigestVerify(ctx, raw.data, raw.len, message.data,
		     message.len) != 1)
		status = forged(err);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return status;
}

/* SSH's r and s as the DER that OpenSSL verifies; its length, or 0. */
static size_t
der_of_ecdsa(uint8_t der[static DER_BYTES_MAX], struct bytes r, struct bytes s)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *big_r = BN_bin2bn(r.data, (int)r.len, NULL);
	BIGNUM *big_s = BN_bin2bn(s.data, (int)s.len, NULL);
	uint8_t *at = der;
	int len = 0;

	if (pair != NULL && big_r != NULL && big_s != NULL &&
	    ECDSA_SIG_set0(pair, big_r, big_s) == 1) {
		big_r = big_s = NULL; /* the pair owns them */
		len = i2d_ECDSA_SIG(pair, NULL);
		len = len > 0 && len <= DER_BYTES_MAX ? i2d_ECDSA_SIG(pair, &at)
						      : 0;
	}
	BN_free(big_r);
	BN_free(big_s);
	ECDSA_SIG_free(pair);
	return len > 0 ? (size_t)len : 0;
}

static enum ag_status
verify_ecdsa(const struct ssh_key *key, struct bytes message, struct bytes raw,
    struct ag_error *err)
{
	const size_t number_max = types[key->type].point_bytes / 2;
	uint8_t der[DER_BYTES_MAX];
	struct ssh_wire_reader reader;
	struct bytes r, s;
	size_t len;

	ssh_wire_start(&reader, raw);
	r = ssh_wire_get_mpint(&reader);
	s = ssh_wire_get_mpint(&reader);
	if (!ssh_wire_is_done(&reader) || r.len > number_max ||
	    s.len > number_max)
		return misshapen(err);
	len = der_of_ecdsa(der, r, s);
	if (len == 0)
		return ag_fail(err, AG_ENOMEM, "verify: out of memory");
	return verify_evp(key,
	    key->type == SSH_KEY_ECDSA_P256 ? EVP_sha256() : EVP_sha384(),
	    message, bytes_of(der, len), err);
}

static enum ag_status
verify_rsa(const struct ssh_key *key, struct bytes algorithm,
    struct bytes message, struct bytes raw, struct ag_error *err)
{
	uint8_t padded[SSH_KEY_RSA_BITS_MAX / 8] = { 0 };
	const size_t len = (key->bits + 7) / 8;
	const EVP_MD *md = NULL;

	if (bytes_equal(algorithm, bytes_from_text("rsa-sha2-512")))
		md = EVP_sha512();
	else if (bytes_equal(algorithm, bytes_from_text("rsa-sha2-256")))
		md = EVP_sha256();
	else if (bytes_equal(algorithm, bytes_from_text("ssh-rsa")))
		return ag_fail(err, AG_EREFUSED,
		    "signatures of RSA with SHA-1 are refused; sign it again "
		    "with rsa-sha2-512");
	if (md == NULL || raw.len == 0 || raw.len > len)
		return misshapen(err);
	/* Some signers leave zeros in front out. */
	memcpy(padded + len - raw.len, raw.data, raw.len);
	return verify_evp(key, md, message, bytes_of(padded, len), err);
}

enum ag_status
ssh_key_verify(const struct ssh_key *key, struct bytes message,
    struct bytes signature, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct bytes algorithm, raw;
	struct ssh_wire_reader r;

	ssh_wire_start(&r, signature);
	algorithm = ssh_wire_get_string(&r);
	raw = ssh_wire_get_string(&r);
	if (!ssh_wire_is_done(&r))
		return misshapen(err);
	if (key->type != SSH_KEY_ED25519)
		status = late_crypto_load(err);
	if (status != AG_OK)
		return status;
	if (key->type == SSH_KEY_RSA)
		return verify_rsa(key, algorithm, message, raw, err);
	if (!bytes_equal(algorithm, bytes_from_text(types[key->type].word)))
		return misshapen(err);
	if (key->type == SSH_KEY_ED25519)
		return verify_ed25519(key, message, raw, err);
	return verify_ecdsa(key, message, raw, err);
}
