/*
 * PKCS#8.
 *
 * RULES    1. Ed25519, X25519 and ristretto255 are read and written here, in locked memory,
 *             in the one form that RFC 8410 has without a public half.  What
 *             else there is goes to libcrypto.
 *          2. A ristretto255 key is kept sealed, in which this is inside, and
 *             in no file of this format: no other program reads it.
 */
#include "crypto/pkcs8.h"

#include "crypto/armour.h"
#include "crypto/key_evp.h"
#include "crypto/pbes2.h"
#include "crypto/sign.h"

#define LABEL "PRIVATE KEY"
#define LABEL_ENCRYPTED "ENCRYPTED PRIVATE KEY"
#define COLUMNS 64

/* PrivateKeyInfo of RFC 8410, up to the 32 bytes of the key. */
#define HEAD_BYTES 16
#define RAW_BYTES 32
#define KIND 11 /* the byte that tells the two apart */
enum kind { KIND_X25519 = 0x6e, KIND_ED25519 = 0x70 };
static const uint8_t head[HEAD_BYTES] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30,
	0x05, 0x06, 0x03, 0x2b, 0x65, 0x00, 0x04, 0x22, 0x04, 0x20 };

static const char *const labels[] = { LABEL, LABEL_ENCRYPTED, "EC PRIVATE KEY",
	"RSA PRIVATE KEY" };

#define LABELS (sizeof(labels) / sizeof(labels[0]))

/* openssl puts a key's curve in front of what PEM had for one. */
static struct bytes
skip_curve(struct bytes text)
{
	static const char end[] = "-----END EC PARAMETERS-----\n";
	const uint8_t *at;

	if (!armour_has(text, "EC PARAMETERS"))
		return text;
	at = memmem(text.data, text.len, end, sizeof(end) - 1);
	if (at == NULL)
		return text;
	at += sizeof(end) - 1;
	return bytes_of(at, text.len - (size_t)(at - text.data));
}

/* It stands in the line behind the first one. */
static bool
has_old_encryption(struct bytes text)
{
	const uint8_t *end = memchr(text.data, '\n', text.len);

	return end != NULL &&
	    bytes_has_prefix(bytes_of(end + 1,
				 text.len - (size_t)(end + 1 - text.data)),
		bytes_from_text("Proc-Type:"));
}

static const char *
find_label(struct bytes text)
{
	for (size_t i = 0; i < LABELS; i++)
		if (armour_has(text, labels[i]))
			return labels[i];
	return NULL;
}

bool
pkcs8_is_file(struct bytes text)
{
	return find_label(skip_curve(text)) != NULL;
}

bool
pkcs8_is_encrypted(struct bytes text)
{
	return armour_has(text, LABEL_ENCRYPTED);
}

/* Of 32 bytes, the rest of which was compared. */
static enum ag_status
parse_raw(struct private_key **out, struct bytes raw, uint8_t kind,
    struct ag_error *err)
{
	enum ag_status status;
	struct secret *secret;

	if (kind == KIND_ED25519) {
		status = sign_key_from_seed(&secret, raw.data, err);
		return status == AG_OK
		    ? private_key_take_ed25519(out, secret, err)
		    : status;
	}
	secret = secret_copy(raw);
	if (secret == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	return private_key_take_x25519(out, secret, err);
}

enum ag_status
pkcs8_parse_der(struct private_key **out, struct bytes der,
    struct ag_error *err)
{
	struct evp_pkey_st *pkey;
	uint8_t expected[HEAD_BYTES];
	enum ag_status status;
	struct secret *scalar;

	*out = NULL;
	status = ristretto_key_parse_der(&scalar, der, err);
	if (status != AG_ENOENT)
		return status == AG_OK
		    ? private_key_take_ristretto(out, scalar, err)
		    : status;
	memcpy(expected, head, HEAD_BYTES);
	if (der.len == HEAD_BYTES + RAW_BYTES &&
	    (der.data[KIND] == KIND_ED25519 || der.data[KIND] == KIND_X25519)) {
		expected[KIND] = der.data[KIND];
		if (memcmp(der.data, expected, HEAD_BYTES) == 0)
			return parse_raw(out,
			    bytes_of(der.data + HEAD_BYTES, RAW_BYTES),
			    der.data[KIND], err);
	}
	status = key_evp_from_der(&pkey, der, err);
	return status == AG_OK ? private_key_take_evp(out, pkey, err) : status;
}

enum ag_status
pkcs8_format_der(struct secret **der, const struct private_key *key,
    struct ag_error *err)
{
	const struct secret *secret = private_key_secret(key);
	bool is_x25519 = private_key_public(key)->id == ALGORITHM_KEY_X25519;
	uint8_t *at;

	if (secret == NULL)
		return key_evp_to_der(der, private_key_evp(key), err);
	if (private_key_public(key)->id == ALGORITHM_KEY_RISTRETTO255)
		return ristretto_key_format_der(der, secret, err);
	*der = secret_new(HEAD_BYTES + RAW_BYTES);
	if (*der == NULL)
		return ag_fail(err, AG_ENOMEM, "write key: out of memory");
	at = secret_data(*der);
	memcpy(at, head, HEAD_BYTES);
	at[KIND] = is_x25519 ? KIND_X25519 : KIND_ED25519;
	/* An Ed25519 key begins with its seed. */
	memcpy(at + HEAD_BYTES, secret_bytes(secret).data, RAW_BYTES);
	return AG_OK;
}

static enum ag_status
parse_encrypted(struct private_key **out, struct bytes raw,
    const struct secret *passphrase, struct ag_error *err)
{
	enum ag_status status;
	struct pbes2 wrapper;
	struct secret *der;

	status = pbes2_read(&wrapper, raw, err);
	if (status == AG_OK && passphrase == NULL)
		status = ag_fail(err, AG_EDENIED,
		    "it is encrypted and needs its passphrase "
		    "(--passphrase-fd)");
	if (status == AG_OK)
		status = pbes2_open(&der, &wrapper, passphrase, err);
	if (status != AG_OK)
		return status;
	status = pkcs8_parse_der(out, secret_bytes(der), err);
	secret_free(der);
	/* Padding is right by chance once in 256 wrong passphrases. */
	return status == AG_EINVAL
	    ? ag_fail(err, AG_EDENIED, "wrong passphrase, or damaged")
	    : status;
}

enum ag_status
pkcs8_parse(struct private_key **out, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	const char *label;
	enum ag_status status;
	struct secret *raw;

	*out = NULL;
	text = skip_curve(text);
	label = find_label(text);
	if (label == NULL)
		return ag_fail(err, AG_EINVAL, "private key %s: no PKCS#8",
		    name);
	if (has_old_encryption(text))
		return ag_fail(err, AG_EVERSION,
		    "private key %s: PEM's old encryption is not done here; "
		    "openssl pkcs8 -topk8 changes it",
		    name);
	status = armour_take_off(&raw, text, label, name, err);
	if (status != AG_OK)
		return status;
	status = strcmp(label, LABEL_ENCRYPTED) == 0
	    ? parse_encrypted(out, secret_bytes(raw), passphrase, err)
	    : pkcs8_parse_der(out, secret_bytes(raw), err);
	if (status != AG_OK)
		ag_error_prefix(err, "private key %s", name);
	secret_free(raw);
	return status;
}

enum ag_status
pkcs8_format(struct secret **text, const struct private_key *key,
    const struct secret *passphrase, struct ag_error *err)
{
	struct secret *der, *wrapped;
	enum ag_status status;

	*text = NULL;
	status = pkcs8_format_der(&der, key, err);
	if (status == AG_OK && passphrase != NULL) {
		status =
		    pbes2_seal(&wrapped, secret_bytes(der), passphrase, err);
		secret_free(der);
		der = wrapped;
	}
	if (status != AG_OK)
		return status;
	*text = armour_put_on(secret_bytes(der),
	    passphrase != NULL ? LABEL_ENCRYPTED : LABEL, COLUMNS);
	secret_free(der);
	if (*text == NULL)
		return ag_fail(err, AG_ENOMEM, "write key: out of memory");
	return AG_OK;
}
