/*
 * Public halves of keys.
 *
 * RULES    1. A form has one text for each key, and nothing follows it.
 */
#include "crypto/key_public.h"

#include <stdio.h>

#include <sodium.h>

#include "codec/text.h"
#include "crypto/age_key.h"
#include "crypto/der.h"
#include "crypto/key_evp.h"
#include "crypto/key_weak.h"
#include "crypto/public_key.h"
#include "crypto/recipient.h"
#include "crypto/ssh_wire.h"

#define X25519_WORD "x25519"
#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define PEM_END "-----END PUBLIC KEY-----\n"
#define PEM_COLUMNS 64
#define DER_BYTES_MAX 2048

/* SubjectPublicKeyInfo of RFC 8410, up to the 32 bytes of the key. */
#define SPKI_HEAD_BYTES 12
#define SPKI_BYTES (SPKI_HEAD_BYTES + 32)
#define SPKI_KIND 8 /* the byte that tells the two apart */
static const uint8_t spki_head[SPKI_HEAD_BYTES] = { 0x30, 0x2a, 0x30, 0x05,
	0x06, 0x03, 0x2b, 0x65, 0x00, 0x03, 0x21, 0x00 };
enum spki_kind { SPKI_X25519 = 0x6e, SPKI_ED25519 = 0x70 };

void
key_public_of_ssh(struct key_public *key, const struct ssh_key *ssh)
{
	*key = (struct key_public){ .id = (int)ssh->type,
		.bits = ssh->bits,
		.ssh = *ssh };
}

void
key_public_of_x25519(struct key_public *key,
    const uint8_t raw[static KEY_PUBLIC_X25519_BYTES])
{
	*key = (struct key_public){ .id = ALGORITHM_KEY_X25519, .bits = 256 };
	memcpy(key->x25519, raw, KEY_PUBLIC_X25519_BYTES);
}

void
key_public_of_ristretto(struct key_public *key,
    const struct ristretto_key *ristretto)
{
	*key = (struct key_public){ .id = ALGORITHM_KEY_RISTRETTO255,
		.bits = 256,
		.ristretto = *ristretto };
}

enum ag_status
key_public_parse_blob(struct key_public *key, struct bytes blob,
    struct ag_error *err)
{
	struct ristretto_key ristretto;
	struct ssh_wire_reader r;
	enum ag_status status;
	struct ssh_key ssh;
	struct bytes raw;

	if (ristretto_key_is_blob(blob)) {
		status = ristretto_key_parse_blob(&ristretto, blob, err);
		if (status == AG_OK)
			key_public_of_ristretto(key, &ristretto);
		return status;
	}
	ssh_wire_start(&r, blob);
	if (ssh_wire_expect(&r, X25519_WORD)) {
		raw = ssh_wire_get_string(&r);
		if (!ssh_wire_is_done(&r) || raw.len != KEY_PUBLIC_X25519_BYTES)
			return ag_fail(err, AG_EINVAL,
			    "public key is damaged or cut short");
		key_public_of_x25519(key, raw.data);
		return AG_OK;
	}
	status = ssh_key_parse_blob(&ssh, blob, err);
	if (status == AG_OK)
		key_public_of_ssh(key, &ssh);
	return status;
}

size_t
key_public_blob(uint8_t *blob, const struct key_public *key)
{
	uint8_t *at;

	if (key->id == ALGORITHM_KEY_RISTRETTO255) {
		ristretto_key_blob(blob, &key->ristretto);
		return RISTRETTO_KEY_BLOB_BYTES;
	}
	if (key->id != ALGORITHM_KEY_X25519) {
		memcpy(blob, key->ssh.blob, key->ssh.blob_len);
		return key->ssh.blob_len;
	}
	at = ssh_wire_put_string(blob, bytes_from_text(X25519_WORD));
	at =
	    ssh_wire_put_string(at, bytes_of(key->x25519, sizeof(key->x25519)));
	return (size_t)(at - blob);
}

static enum ag_status
parse_der(struct key_public *key, struct bytes der, struct ag_error *err)
{
	uint8_t blob[PUBLIC_KEY_BLOB_BYTES], head[SPKI_HEAD_BYTES];
	enum ag_status status;
	struct ssh_key ssh;
	uint8_t kind;

	memcpy(head, spki_head, sizeof(head));
	kind = der.len == SPKI_BYTES ? der.data[SPKI_KIND] : 0;
	head[SPKI_KIND] = kind;
	if ((kind == SPKI_X25519 || kind == SPKI_ED25519) &&
	    memcmp(der.data, head, sizeof(head)) == 0) {
		if (kind == SPKI_X25519) {
			key_public_of_x25519(key, der.data + SPKI_HEAD_BYTES);
			return AG_OK;
		}
		public_key_blob(blob, der.data + SPKI_HEAD_BYTES);
		return key_public_parse_blob(key, bytes_of(blob, sizeof(blob)),
		    err);
	}
	status = key_evp_public_from_der(&ssh, der, err);
	if (status == AG_OK)
		key_public_of_ssh(key, &ssh);
	else
		ag_error_prefix(err, "public key");
	return status;
}

/* PEM: lines between the two that name it, and nothing after. */
static enum ag_status
parse_pem(struct key_public *key, struct bytes text, struct ag_error *err)
{
	char base64[TEXT_BASE64_BYTES(DER_BYTES_MAX)];
	const struct bytes end = bytes_of(PEM_END, sizeof(PEM_END) - 2);
	uint8_t der[DER_BYTES_MAX];
	struct bytes line = { 0 };
	size_t len = 0, der_len;

	(void)text_next_line(&text, &line);
	while (text_next_line(&text, &line) && !bytes_equal(line, end)) {
		if (line.len > sizeof(base64) - len)
			line.len = 0, text.len = 0;
		memcpy(base64 + len, line.data, line.len);
		len += line.len;
	}
	if (!bytes_equal(line, end) || text.len > 0 ||
	    text_base64_decode(der, sizeof(der), &der_len,
		bytes_of(base64, len), BASE64_STANDARD) != AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "public key is damaged or cut short, or something follows "
		    "it");
	return parse_der(key, bytes_of(der, der_len), err);
}

/* A line of one word for the type, one for the key, and a comment. */
static enum ag_status
parse_line(struct key_public *key, char *comment, struct bytes text,
    struct ag_error *err)
{
	bool is_ristretto = ristretto_key_is_line(text);
	struct ristretto_key ristretto;
	enum ag_status status;
	struct ssh_key ssh;

	status = is_ristretto ? ristretto_key_parse_line(&ristretto, text, err)
			      : ssh_key_parse_line(&ssh, text, err);
	if (status == AG_OK)
		status = public_key_take_comment(comment, text, err);
	if (status == AG_OK && is_ristretto)
		key_public_of_ristretto(key, &ristretto);
	else if (status == AG_OK)
		key_public_of_ssh(key, &ssh);
	return status;
}

enum ag_status
key_public_parse(struct key_public *key, char *comment, struct bytes text,
    struct ag_error *err)
{
	uint8_t raw[KEY_PUBLIC_X25519_BYTES];
	enum ag_status status;

	comment[0] = '\0';
	if (bytes_has_prefix(text, bytes_of(PEM_BEGIN, sizeof(PEM_BEGIN) - 2)))
		return parse_pem(key, text, err);
	if (age_key_is_recipient(text))
		status = age_key_parse_recipient(raw, text, err);
	else if (recipient_is_text(text))
		status = recipient_parse(raw, text, err);
	else
		return parse_line(key, comment, text, err);
	if (status == AG_OK)
		key_public_of_x25519(key, raw);
	return status;
}

enum ag_status
key_public_format(struct buf *out, const struct key_public *key,
    const char *comment, struct ag_error *err)
{
	char base64[TEXT_BASE64_BYTES(SSH_KEY_BLOB_BYTES_MAX)];
	uint8_t blob[SSH_KEY_BLOB_BYTES_MAX];
	char recipient[AGE_RECIPIENT_BYTES];
	enum ag_status status;

	if (key->id == ALGORITHM_KEY_X25519) {
		age_key_format_recipient(recipient, key->x25519);
		status = buf_printf(out, "%s\n", recipient);
	} else {
		text_base64(base64, sizeof(base64),
		    bytes_of(blob, key_public_blob(blob, key)),
		    BASE64_STANDARD);
		status = buf_printf(out, "%s %s%s%s\n",
		    key->id == ALGORITHM_KEY_RISTRETTO255
			? RISTRETTO_KEY_TYPE
			: ssh_key_type_word(key->ssh.type),
		    base64, comment[0] != '\0' ? " " : "", comment);
	}
	return status == AG_OK
	    ? AG_OK
	    : ag_fail(err, status, "write public key: out of memory");
}

static enum ag_status
put_der(struct buf *der, const struct key_public *key, struct ag_error *err)
{
	uint8_t raw[SPKI_BYTES];
	bool is_x25519 = key->id == ALGORITHM_KEY_X25519;

	if (!is_x25519 && key->ssh.type != SSH_KEY_ED25519)
		return key_evp_public_to_der(der, &key->ssh, err);
	memcpy(raw, spki_head, SPKI_HEAD_BYTES);
	raw[SPKI_KIND] = is_x25519 ? SPKI_X25519 : SPKI_ED25519;
	memcpy(raw + SPKI_HEAD_BYTES,
	    is_x25519 ? key->x25519 : key->ssh.blob + key->ssh.blob_len - 32,
	    32);
	if (buf_append(der, raw, sizeof(raw)) != AG_OK)
		return ag_fail(err, AG_ENOMEM,
		    "write public key: out of memory");
	return AG_OK;
}

enum ag_status
key_public_format_pem(struct buf *out, const struct key_public *key,
    struct ag_error *err)
{
	char base64[TEXT_BASE64_BYTES(DER_BYTES_MAX)];
	enum ag_status status;
	struct buf der;
	size_t left;

	if (key->id == ALGORITHM_KEY_RISTRETTO255)
		return ag_fail(err, AG_EINVAL,
		    "a ristretto255 key has no PEM form");
	buf_init(&der, DER_BYTES_MAX);
	status = put_der(&der, key, err);
	if (status != AG_OK) {
		buf_fini(&der);
		return status;
	}
	text_base64(base64, sizeof(base64), buf_bytes(&der), BASE64_STANDARD);
	buf_fini(&der);
	status = buf_printf(out, PEM_BEGIN);
	for (const char *at = base64; (left = strlen(at)) > 0;
	     at += left < PEM_COLUMNS ? left : PEM_COLUMNS)
		if (status == AG_OK)
			status = buf_printf(out, "%.*s\n", PEM_COLUMNS, at);
	if (status == AG_OK)
		status = buf_printf(out, PEM_END);
	return status == AG_OK
	    ? AG_OK
	    : ag_fail(err, status, "write public key: out of memory");
}

bool
key_public_equal(const struct key_public *a, const struct key_public *b)
{
	if (a->id != b->id)
		return false;
	if (a->id == ALGORITHM_KEY_RISTRETTO255)
		return point_equal(&a->ristretto.point, &b->ristretto.point);
	return a->id == ALGORITHM_KEY_X25519
	    ? memcmp(a->x25519, b->x25519, sizeof(a->x25519)) == 0
	    : ssh_key_equal(&a->ssh, &b->ssh);
}

void
key_public_name(char text[static KEY_PUBLIC_TEXT_BYTES],
    const struct key_public *key)
{
	if (key->id == ALGORITHM_KEY_X25519)
		age_key_format_recipient(text, key->x25519);
	else if (key->id == ALGORITHM_KEY_RISTRETTO255)
		ristretto_key_fingerprint(text, &key->ristretto.point);
	else
		ssh_key_fingerprint(text, &key->ssh);
}

const char *
key_public_type(const struct key_public *key)
{
	if (key->id == ALGORITHM_KEY_X25519)
		return "X25519";
	return key->id == ALGORITHM_KEY_RISTRETTO255
	    ? "RISTRETTO255"
	    : ssh_key_type_name(key->ssh.type);
}

const struct algorithm *
key_public_algorithm(const struct key_public *key)
{
	return algorithm_get_key(key->id, key->bits);
}

unsigned int
key_public_strength(const struct key_public *key)
{
	if (key->id != SSH_KEY_RSA)
		return key->bits / 2;
	if (key->bits >= 7680)
		return 192;
	if (key->bits >= 4096)
		return 152;
	return key->bits >= 3072 ? 128 : 112;
}

static enum ag_status
check_rsa(const struct ssh_key *key, struct ag_error *err)
{
	struct ssh_wire_reader r;
	const char *why;

	ssh_wire_start(&r, bytes_of(key->blob, key->blob_len));
	(void)ssh_wire_get_string(&r);
	(void)ssh_wire_get_mpint(&r);
	why = key_weak_modulus(ssh_wire_get_mpint(&r));
	return why == NULL ? AG_OK : ag_fail(err, AG_EREFUSED, "%s", why);
}

enum ag_status
key_public_check(const struct key_public *key, struct ag_error *err)
{
	static const uint8_t scalar[crypto_scalarmult_SCALARBYTES] = { 9 };
	uint8_t shared[crypto_scalarmult_BYTES];
	bool is_full = true;

	if (key->id == SSH_KEY_RSA)
		return check_rsa(&key->ssh, err);
	if (key->id == ALGORITHM_KEY_RISTRETTO255)
		is_full = ristretto_key_is_possessed(&key->ristretto);
	else if (key->id == ALGORITHM_KEY_X25519)
		is_full = crypto_scalarmult(shared, scalar, key->x25519) == 0;
	else if (key->id == SSH_KEY_ED25519)
		is_full = crypto_core_ed25519_is_valid_point(
			      key->ssh.blob + key->ssh.blob_len - 32) == 1;
	return is_full ? AG_OK
		       : ag_fail(err, AG_EREFUSED,
			     "its point is of small order, or not on the "
			     "curve");
}
