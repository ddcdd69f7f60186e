/*
 * Curves as PKCS#11 names them, and their points.
 */
#include "token/token_curve.h"

#include "crypto/der.h"
#include "crypto/ssh_wire.h"

#define NAMES 2

static const struct curve {
	enum token_key_type type;
	enum ssh_key_type ssh;
	const char *ssh_name; /* inside blobs; NULL: none */
	size_t point_bytes;
	struct bytes names[NAMES]; /* DER */
} curves[] = {
#define DER(text)                                                        \
	{                                                                \
		.data = (const uint8_t *)(text), .len = sizeof(text) - 1 \
	}
	{ TOKEN_KEY_ED25519, SSH_KEY_ED25519, NULL, 32,
	    { DER("\x13\x0c"
		  "edwards25519"),
		DER("\x06\x03\x2b\x65\x70") } },
	{ TOKEN_KEY_P256, SSH_KEY_ECDSA_P256, "nistp256", 65,
	    { DER("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), { 0 } } },
	{ TOKEN_KEY_P384, SSH_KEY_ECDSA_P384, "nistp384", 97,
	    { DER("\x06\x05\x2b\x81\x04\x00\x22"), { 0 } } },
#undef DER
};

#define CURVE_COUNT (sizeof(curves) / sizeof(curves[0]))

enum token_key_type
token_curve_find(struct bytes params)
{
	for (size_t i = 0; i < CURVE_COUNT; i++)
		for (size_t j = 0; j < NAMES; j++)
			if (params.len > 0 &&
			    bytes_equal(params, curves[i].names[j]))
				return curves[i].type;
	return TOKEN_KEY_OTHER;
}

static const struct curve *
curve_of(enum token_key_type type)
{
	for (size_t i = 0; i < CURVE_COUNT; i++)
		if (curves[i].type == type)
			return &curves[i];
	return NULL;
}

struct bytes
token_curve_params(enum token_key_type type, size_t i)
{
	const struct curve *curve = curve_of(type);

	return curve != NULL && i < NAMES ? curve->names[i] : bytes_of("", 0);
}

size_t
token_curve_blob(uint8_t *blob, enum token_key_type type, struct bytes point)
{
	const struct curve *curve = curve_of(type);
	struct der_reader r;
	struct bytes inner;
	uint8_t *at;

	der_start(&r, point);
	inner = der_get(&r, DER_OCTETS);
	if (der_is_done(&r) && curve != NULL && inner.len == curve->point_bytes)
		point = inner;
	if (curve == NULL || point.len != curve->point_bytes)
		return 0;
	at = ssh_wire_put_string(blob,
	    bytes_from_text(ssh_key_type_word(curve->ssh)));
	if (curve->ssh_name != NULL)
		at = ssh_wire_put_string(at, bytes_from_text(curve->ssh_name));
	at = ssh_wire_put_string(at, point);
	return (size_t)(at - blob);
}
