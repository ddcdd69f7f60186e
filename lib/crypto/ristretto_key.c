/*
 * Public keys on ristretto255.
 *
 * RULES    1. A key whose proof of possession does not hold is not read: no
 *             caller can forget to ask.
 */
#include "crypto/ristretto_key.h"

#include <stdio.h>

#include <sodium.h>

#include "codec/text.h"
#include "crypto/public_key.h"
#include "crypto/ssh_wire.h"

#define POSSESSION_PURPOSE "aegis/ristretto255/possession/v1"

/* PrivateKeyInfo up to the 32 bytes of the scalar. */
#define HEAD_BYTES 32
static const uint8_t head[HEAD_BYTES] = { 0x30, 0x3e, 0x02, 0x01, 0x00, 0x30,
	0x15, 0x06, 0x13, 0x69, 0x96, 0x9a, 0x8c, 0xf6, 0x81, 0xb4, 0xc2, 0xcb,
	0xaf, 0x8e, 0xf2, 0xaf, 0xb5, 0x97, 0xb6, 0x99, 0x84, 0x19, 0x04, 0x22,
	0x04, 0x20 };

void
ristretto_key_of(struct ristretto_key *key, const struct secret *scalar)
{
	struct scalar x;
	struct point base;

	AG_ASSERT(secret_len(scalar) == sizeof(x.data));
	memcpy(x.data, secret_bytes(scalar).data, sizeof(x.data));
	point_generator(&base);
	AG_ASSERT(point_multiply(&key->point, &x, &base));
	schnorr_sign(key->possession, &x, &key->point, POSSESSION_PURPOSE,
	    bytes_of(NULL, 0), NULL);
	secret_wipe(&x, sizeof(x));
}

bool
ristretto_key_is_possessed(const struct ristretto_key *key)
{
	return schnorr_verify(key->possession, &key->point, POSSESSION_PURPOSE,
	    bytes_of(NULL, 0));
}

bool
ristretto_key_is_line(struct bytes text)
{
	return bytes_has_prefix(text, bytes_from_text(RISTRETTO_KEY_TYPE " "));
}

bool
ristretto_key_is_blob(struct bytes blob)
{
	struct ssh_wire_reader r;

	ssh_wire_start(&r, blob);
	return ssh_wire_expect(&r, RISTRETTO_KEY_TYPE);
}

enum ag_status
ristretto_key_parse_blob(struct ristretto_key *key, struct bytes blob,
    struct ag_error *err)
{
	struct bytes point, possession;
	struct ssh_wire_reader r;

	ssh_wire_start(&r, blob);
	(void)ssh_wire_get_string(&r);
	point = ssh_wire_get_string(&r);
	possession = ssh_wire_get_string(&r);
	if (!ssh_wire_is_done(&r) || point.len != RISTRETTO_BYTES ||
	    possession.len != SCHNORR_BYTES)
		return ag_fail(err, AG_EINVAL,
		    "public key is damaged or cut short");
	memcpy(key->point.data, point.data, point.len);
	memcpy(key->possession, possession.data, possession.len);
	if (!ristretto_key_is_possessed(key))
		return ag_fail(err, AG_EREFUSED,
		    "public key is refused: nothing proves that its maker has "
		    "the private one");
	return AG_OK;
}

enum ag_status
ristretto_key_parse_line(struct ristretto_key *key, struct bytes line,
    struct ag_error *err)
{
	const size_t skip = strlen(RISTRETTO_KEY_TYPE) + 1;
	uint8_t blob[RISTRETTO_KEY_BLOB_BYTES];
	struct bytes base64 = bytes_of(line.data + skip, 0);
	size_t len;

	if (line.len > 0 && line.data[line.len - 1] == '\n')
		line.len--;
	if (memchr(line.data, '\n', line.len) != NULL)
		return ag_fail(err, AG_EINVAL,
		    "not a public key: it has more than one line");
	while (skip + base64.len < line.len && base64.data[base64.len] != ' ')
		base64.len++;
	if (text_base64_decode(blob, sizeof(blob), &len, base64,
		BASE64_STANDARD) != AG_OK ||
	    !ristretto_key_is_blob(bytes_of(blob, len)))
		return ag_fail(err, AG_EINVAL,
		    "public key is damaged or cut short");
	return ristretto_key_parse_blob(key, bytes_of(blob, len), err);
}

void
ristretto_key_blob(uint8_t blob[static RISTRETTO_KEY_BLOB_BYTES],
    const struct ristretto_key *key)
{
	uint8_t *at =
	    ssh_wire_put_string(blob, bytes_from_text(RISTRETTO_KEY_TYPE));

	at =
	    ssh_wire_put_string(at, bytes_of(key->point.data, RISTRETTO_BYTES));
	(void)ssh_wire_put_string(at, bytes_of(key->possession, SCHNORR_BYTES));
}

void
ristretto_key_fingerprint(char *text, const struct point *point)
{
	const struct ristretto_key key = { .point = *point };
	uint8_t hash[crypto_hash_sha256_BYTES], blob[RISTRETTO_KEY_BLOB_BYTES];
	char base64[TEXT_BASE64_BYTES(sizeof(hash))];

	ristretto_key_blob(blob, &key);
	(void)crypto_hash_sha256(hash, blob, sizeof(blob) - 4 - SCHNORR_BYTES);
	text_base64(base64, sizeof(base64), bytes_of(hash, sizeof(hash)),
	    BASE64_UNPADDED);
	(void)snprintf(text, FINGERPRINT_BYTES, "SHA256:%.43s", base64);
}

enum ag_status
ristretto_key_parse_der(struct secret **scalar, struct bytes der,
    struct ag_error *err)
{
	bool is_valid;
	struct scalar x;

	*scalar = NULL;
	if (der.len != HEAD_BYTES + sizeof(x.data) ||
	    memcmp(der.data, head, HEAD_BYTES) != 0)
		return AG_ENOENT;
	memcpy(x.data, der.data + HEAD_BYTES, sizeof(x.data));
	is_valid = scalar_is_valid(&x);
	secret_wipe(&x, sizeof(x));
	if (!is_valid)
		return ag_fail(err, AG_EINVAL,
		    "damaged, it is no number of its group");
	*scalar = secret_copy(bytes_of(der.data + HEAD_BYTES, sizeof(x.data)));
	return *scalar != NULL ? AG_OK
			       : ag_fail(err, AG_ENOMEM, "out of memory");
}

enum ag_status
ristretto_key_format_der(struct secret **der, const struct secret *scalar,
    struct ag_error *err)
{
	*der = secret_new(HEAD_BYTES + RISTRETTO_BYTES);
	if (*der == NULL)
		return ag_fail(err, AG_ENOMEM, "write key: out of memory");
	memcpy(secret_data(*der), head, HEAD_BYTES);
	memcpy(secret_data(*der) + HEAD_BYTES, secret_bytes(scalar).data,
	    RISTRETTO_BYTES);
	return AG_OK;
}
