/*
 * What is in a token: keys found and read.
 *
 * FORMAT   CKA_EC_PARAMS  DER: a curve's OID, or for Ed25519 also its name
 *                         as a PrintableString
 *          CKA_EC_POINT   DER: OCTET STRING of the point; some tokens leave
 *                         its head away
 *
 * RULES    1. A module's lengths are not believed: an attribute is read into
 *             room of a fixed size, and one that is longer is not there.
 *          2. A public half is parsed as any from a stranger is.
 *          3. What can not be read of a key counts as the worse: it may be
 *             extractable, and is not sensitive.
 */
#include "token/token_object.h"

#include <string.h>

#include "crypto/ssh_wire.h"
#include "token/token_curve.h"

#define MODULUS_BYTES_MAX (SSH_KEY_RSA_BITS_MAX / 8)

static bool
read_attribute(const struct token_session *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, void *out, size_t cap, size_t *len)
{
	CK_ATTRIBUTE attribute = { type, out, cap };
	CK_RV code =
	    s->f->C_GetAttributeValue(s->handle, object, &attribute, 1);

	*len = 0;
	if (code != CKR_OK || attribute.ulValueLen > cap)
		return false;
	*len = attribute.ulValueLen;
	return true;
}

static CK_ULONG
read_number(const struct token_session *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, CK_ULONG absent)
{
	CK_ULONG value;
	size_t len;

	return read_attribute(s, object, type, &value, sizeof(value), &len) &&
		len == sizeof(value)
	    ? value
	    : absent;
}

static bool
read_bool(const struct token_session *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, bool absent)
{
	CK_BBOOL value;
	size_t len;

	return read_attribute(s, object, type, &value, sizeof(value), &len) &&
		len == sizeof(value)
	    ? value != CK_FALSE
	    : absent;
}

static void
read_curve(const struct token_session *s, struct token_key *key)
{
	uint8_t params[32];
	size_t len;

	if (read_attribute(s, key->handle, CKA_EC_PARAMS, params,
		sizeof(params), &len))
		key->type = token_curve_find(bytes_of(params, len));
	key->bits = key->type == TOKEN_KEY_P384 ? 384 : 256;
}

static void
read_type(const struct token_session *s, struct token_key *key)
{
	uint8_t modulus[MODULUS_BYTES_MAX];
	size_t len;

	key->type = TOKEN_KEY_OTHER;
	switch (read_number(s, key->handle, CKA_KEY_TYPE, CKK_DH)) {
	case CKK_EC:
	case CKK_EC_EDWARDS:
		read_curve(s, key);
		break;
	case CKK_RSA:
		key->type = TOKEN_KEY_RSA;
		if (read_attribute(s, key->handle, CKA_MODULUS, modulus,
			sizeof(modulus), &len))
			key->bits = (unsigned int)len * 8;
		break;
	case CKK_AES:
		key->type = TOKEN_KEY_AES;
		key->bits = 8 *
		    (unsigned int)read_number(s, key->handle, CKA_VALUE_LEN, 0);
		break;
	default:
		break;
	}
}

static void
read_key(const struct token_session *s, CK_OBJECT_HANDLE object,
    struct token_key *key)
{
	char label[TOKEN_OBJECT_BYTES - 1];
	size_t len;

	*key = (struct token_key){ .handle = object };
	switch (read_number(s, object, CKA_CLASS, CKO_DATA)) {
	case CKO_PUBLIC_KEY:
		key->class = TOKEN_CLASS_PUBLIC;
		break;
	case CKO_PRIVATE_KEY:
		key->class = TOKEN_CLASS_PRIVATE;
		break;
	case CKO_SECRET_KEY:
		key->class = TOKEN_CLASS_SECRET;
		break;
	default:
		return;
	}
	if (read_attribute(s, object, CKA_LABEL, label, sizeof(label), &len))
		memcpy(key->label, label, len);
	(void)read_attribute(s, object, CKA_ID, key->id, sizeof(key->id),
	    &key->id_len);
	read_type(s, key);
	if (key->class == TOKEN_CLASS_PUBLIC)
		return;
	key->is_sensitive = read_bool(s, object, CKA_SENSITIVE, false);
	key->is_extractable = read_bool(s, object, CKA_EXTRACTABLE, true);
	key->asks_always = read_bool(s, object, CKA_ALWAYS_AUTHENTICATE, false);
	key->may_sign = read_bool(s, object, CKA_SIGN, false);
	key->may_decrypt = read_bool(s, object, CKA_DECRYPT, false);
}

/* --- public halves --- */

static bool
blob_of_rsa(const struct token_session *s, CK_OBJECT_HANDLE object,
    uint8_t *blob, size_t *len)
{
	uint8_t n[MODULUS_BYTES_MAX], e[8], *at = blob;
	size_t n_len, e_len;

	if (!read_attribute(s, object, CKA_MODULUS, n, sizeof(n), &n_len) ||
	    !read_attribute(s, object, CKA_PUBLIC_EXPONENT, e, sizeof(e),
		&e_len))
		return false;
	at = ssh_wire_put_string(at,
	    bytes_from_text(ssh_key_type_word(SSH_KEY_RSA)));
	at = ssh_wire_put_mpint(at, bytes_of(e, e_len));
	at = ssh_wire_put_mpint(at, bytes_of(n, n_len));
	*len = (size_t)(at - blob);
	return true;
}

static bool
blob_of_curve(const struct token_session *s, CK_OBJECT_HANDLE object,
    enum token_key_type type, uint8_t *blob, size_t *len)
{
	uint8_t point[128];
	size_t point_len;

	if (!read_attribute(s, object, CKA_EC_POINT, point, sizeof(point),
		&point_len))
		return false;
	*len = token_curve_blob(blob, type, bytes_of(point, point_len));
	return *len > 0;
}

static bool
read_public(const struct token_session *s, CK_OBJECT_HANDLE object,
    struct token_key *key)
{
	uint8_t blob[SSH_KEY_BLOB_BYTES_MAX + 64];
	size_t len = 0;
	bool is_read = false;

	if (key->type == TOKEN_KEY_RSA)
		is_read = blob_of_rsa(s, object, blob, &len);
	else if (key->type != TOKEN_KEY_OTHER && key->type != TOKEN_KEY_AES)
		is_read = blob_of_curve(s, object, key->type, blob, &len);
	key->has_public = is_read &&
	    ssh_key_parse_blob(&key->public, bytes_of(blob, len), NULL) ==
		AG_OK;
	if (key->has_public)
		key->bits = key->public.bits;
	return key->has_public;
}

/* Objects that a template describes: at most cap, and their number. */
static enum ag_status
search(struct token_session *s, CK_ATTRIBUTE *template, CK_ULONG template_len,
    CK_OBJECT_HANDLE *out, CK_ULONG cap, size_t *count, struct ag_error *err)
{
	CK_RV code = s->f->C_FindObjectsInit(s->handle, template, template_len);
	CK_ULONG found = 1;

	*count = 0;
	if (code != CKR_OK)
		return token_session_fail(s, err, code, "look for keys");
	while (code == CKR_OK && found > 0 && *count < cap) {
		found = 0;
		code = s->f->C_FindObjects(s->handle, out + *count,
		    cap - *count, &found);
		if (code == CKR_OK && found > cap - *count)
			code = CKR_GENERAL_ERROR;
		else
			*count += found;
	}
	(void)s->f->C_FindObjectsFinal(s->handle);
	return code == CKR_OK
	    ? AG_OK
	    : token_session_fail(s, err, code, "look for keys");
}

/*
 * The public half of a private key: of its own attributes, or of the public
 * key with the same id, or without one with the same label.
 */
static void
find_public(struct token_session *s, struct token_key *key)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE template[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, key->id, key->id_len },
	};
	CK_OBJECT_HANDLE object;
	size_t count;

	if (read_public(s, key->handle, key))
		return;
	if (key->id_len == 0)
		template[1] =
		    (CK_ATTRIBUTE){ CKA_LABEL, key->label, strlen(key->label) };
	if (search(s, template, 2, &object, 1, &count, NULL) == AG_OK &&
	    count == 1)
		(void)read_public(s, object, key);
}

enum ag_status
token_object_find(struct token_session *s, const struct token_uri *uri,
    enum token_class class, struct token_key *out, size_t cap, size_t *count,
    struct ag_error *err)
{
	static const CK_OBJECT_CLASS classes[] = {
		[TOKEN_CLASS_PUBLIC] = CKO_PUBLIC_KEY,
		[TOKEN_CLASS_PRIVATE] = CKO_PRIVATE_KEY,
		[TOKEN_CLASS_SECRET] = CKO_SECRET_KEY,
	};
	struct token_uri wanted = *uri;
	CK_OBJECT_CLASS object_class = classes[class];
	CK_OBJECT_HANDLE found[TOKEN_KEYS_MAX];
	CK_ATTRIBUTE template[3];
	CK_ULONG used = 0;
	enum ag_status status;
	size_t found_count;

	*count = 0;
	if (class != TOKEN_CLASS_ANY)
		template[used++] = (CK_ATTRIBUTE){ CKA_CLASS, &object_class,
			sizeof(object_class) };
	if (wanted.object[0] != '\0')
		template[used++] = (CK_ATTRIBUTE){ CKA_LABEL, wanted.object,
			strlen(wanted.object) };
	if (wanted.id_len > 0)
		template[used++] =
		    (CK_ATTRIBUTE){ CKA_ID, wanted.id, wanted.id_len };
	status =
	    search(s, template, used, found, TOKEN_KEYS_MAX, &found_count, err);
	for (size_t i = 0; i < found_count && *count < cap; i++) {
		struct token_key *key = &out[*count];

		read_key(s, found[i], key);
		if (key->class == TOKEN_CLASS_ANY)
			continue;
		if (key->class != TOKEN_CLASS_SECRET)
			find_public(s, key);
		(*count)++;
	}
	return status;
}
