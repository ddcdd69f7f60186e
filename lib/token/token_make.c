/*
 * Keys made in a token.
 *
 * RULES    1. A key that is made here never leaves: it is asked for as
 *             sensitive and not extractable, and what the token made of that
 *             is read back.  One that is otherwise is destroyed.
 *          2. Nothing is made beside a key of the same label or id: which
 *             of two is meant, nobody could say.
 */
#include "token/token_make.h"

#include <string.h>

#include <sodium.h>

#include "token/token_curve.h"
#include "token/token_object.h"

#define ID_BYTES 16
#define TEMPLATE_MAX 12

struct template
{
	CK_ATTRIBUTE list[TEMPLATE_MAX];
	CK_ULONG count;
};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void
put(struct template *t, CK_ATTRIBUTE_TYPE type, void *value, size_t len)
{
	AG_ASSERT(t->count < TEMPLATE_MAX);
	t->list[t->count++] = (CK_ATTRIBUTE){ type, value, len };
}

static void
put_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	put(t, type, value ? &yes : &no, sizeof(CK_BBOOL));
}

static void
put_names(struct template *t, struct token_making *m)
{
	put_bool(t, CKA_TOKEN, true);
	put(t, CKA_LABEL, m->label, strlen(m->label));
	put(t, CKA_ID, m->id, m->id_len);
}

static void
put_closed(struct template *t)
{
	put_bool(t, CKA_PRIVATE, true);
	put_bool(t, CKA_SENSITIVE, true);
	put_bool(t, CKA_EXTRACTABLE, false);
}

static CK_RV
make_pair(struct token_session *s, struct token_making *m,
    CK_MECHANISM_TYPE type, struct bytes params, CK_OBJECT_HANDLE *public,
    CK_OBJECT_HANDLE *private)
{
	CK_MECHANISM mechanism = { .mechanism = type };
	CK_BYTE exponent[] = { 1, 0, 1 };
	CK_ULONG bits = m->bits;
	struct template half = { 0 }, secret = { 0 };
	uint8_t curve[32];

	put_names(&half, m);
	put_bool(&half, CKA_VERIFY, true);
	put_names(&secret, m);
	put_closed(&secret);
	put_bool(&secret, CKA_SIGN, true);
	if (m->type == TOKEN_KEY_RSA) {
		put_bool(&half, CKA_ENCRYPT, true);
		put(&half, CKA_MODULUS_BITS, &bits, sizeof(bits));
		put(&half, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent));
		put_bool(&secret, CKA_DECRYPT, true);
	} else {
		AG_ASSERT(params.len <= sizeof(curve));
		memcpy(curve, params.data, params.len);
		put(&half, CKA_EC_PARAMS, curve, params.len);
	}
	return s->f->C_GenerateKeyPair(s->handle, &mechanism, half.list,
	    half.count, secret.list, secret.count, public, private);
}

/* By each of the curve's names, until the token knows one. */
static CK_RV
make_curve(struct token_session *s, struct token_making *m,
    CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private)
{
	CK_MECHANISM_TYPE type = m->type == TOKEN_KEY_ED25519
	    ? CKM_EC_EDWARDS_KEY_PAIR_GEN
	    : CKM_EC_KEY_PAIR_GEN;
	CK_RV code = CKR_CURVE_NOT_SUPPORTED;
	struct bytes params;

	for (size_t i = 0; code != CKR_OK; i++) {
		params = token_curve_params(m->type, i);
		if (params.len == 0)
			return code;
		code = make_pair(s, m, type, params, public, private);
	}
	return code;
}

static CK_RV
make_aes(struct token_session *s, struct token_making *m,
    CK_OBJECT_HANDLE *secret)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_GEN };
	CK_ULONG len = m->bits / 8;
	struct template t = { 0 };

	put_names(&t, m);
	put_closed(&t);
	put_bool(&t, CKA_ENCRYPT, true);
	put_bool(&t, CKA_DECRYPT, true);
	put(&t, CKA_VALUE_LEN, &len, sizeof(len));
	return s->f->C_GenerateKey(s->handle, &mechanism, t.list, t.count,
	    secret);
}

static enum ag_status
check_absent(struct token_session *s, const struct token_making *m,
    enum token_class class, struct ag_error *err)
{
	struct token_uri by_label = { 0 }, by_id = { 0 };
	struct token_key found;
	enum ag_status status;
	size_t count, more = 0;

	memcpy(by_label.object, m->label, sizeof(by_label.object));
	memcpy(by_id.id, m->id, m->id_len);
	by_id.id_len = m->id_len;
	status = token_object_find(s, &by_label, class, &found, 1, &count, err);
	if (status == AG_OK && m->id_len > 0)
		status =
		    token_object_find(s, &by_id, class, &found, 1, &more, err);
	if (status == AG_OK && count + more > 0)
		status = ag_fail(err, AG_EEXIST,
		    "token %s: there is a key %s with that %s already",
		    s->info.label, found.label, count > 0 ? "label" : "id");
	return status;
}

static void
destroy(struct token_session *s, const CK_OBJECT_HANDLE *objects, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (objects[i] != CK_INVALID_HANDLE)
			(void)s->f->C_DestroyObject(s->handle, objects[i]);
}

/* What the token says it made. */
static enum ag_status
check_made(struct token_session *s, const struct token_making *m,
    enum token_class class, struct token_key *out, struct ag_error *err)
{
	struct token_uri uri = { 0 };
	enum ag_status status;
	size_t count;

	memcpy(uri.id, m->id, m->id_len);
	uri.id_len = m->id_len;
	status = token_object_find(s, &uri, class, out, 1, &count, err);
	if (status == AG_OK && count == 0)
		status = ag_fail(err, AG_ESYS,
		    "token %s: the key that was made is not found",
		    s->info.label);
	if (status == AG_OK && (!out->is_sensitive || out->is_extractable))
		status = ag_fail(err, AG_EREFUSED,
		    "token %s: it makes keys that can leave it; the key was "
		    "destroyed",
		    s->info.label);
	if (status == AG_OK && class == TOKEN_CLASS_PRIVATE && !out->has_public)
		status = ag_fail(err, AG_EREFUSED,
		    "token %s: it does not show the public half; the key was "
		    "destroyed",
		    s->info.label);
	return status;
}

enum ag_status
token_make_key(struct token_session *s, const struct token_making *making,
    struct token_key *out, struct ag_error *err)
{
	struct token_making m = *making;
	CK_OBJECT_HANDLE made[2] = { CK_INVALID_HANDLE, CK_INVALID_HANDLE };
	enum token_class class =
	    m.type == TOKEN_KEY_AES ? TOKEN_CLASS_SECRET : TOKEN_CLASS_PRIVATE;
	enum ag_status status = check_absent(s, &m, class, err);
	CK_RV code;

	if (status != AG_OK)
		return status;
	if (m.id_len == 0) {
		m.id_len = ID_BYTES;
		randombytes_buf(m.id, m.id_len);
	}
	if (m.type == TOKEN_KEY_AES)
		code = make_aes(s, &m, &made[1]);
	else if (m.type == TOKEN_KEY_RSA)
		code = make_pair(s, &m, CKM_RSA_PKCS_KEY_PAIR_GEN,
		    bytes_of("", 0), &made[0], &made[1]);
	else
		code = make_curve(s, &m, &made[0], &made[1]);
	if (code != CKR_OK)
		return token_session_fail(s, err, code, "make a key");
	status = check_made(s, &m, class, out, err);
	if (status != AG_OK)
		destroy(s, made, 2);
	return status;
}
