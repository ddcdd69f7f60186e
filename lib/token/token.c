/*
 * Keys that stay in hardware: a token, and the thread that speaks to it.
 *
 * RULES    1. Everything that touches a module runs on the token's thread
 *             (token/token_worker.h), its loading included.
 *          2. What a call is given is copied for it, and what it gives back
 *             too: a call that is given up may still be running.
 *          3. A PIN is given to the thread in a struct secret of its own.
 */
#include "token/token.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token/token_call.h"
#include "token/token_make.h"
#include "token/token_object.h"
#include "token/token_sign.h"

struct token {
	struct token_worker *worker;
	struct token_uri uri;
	atomic_uint deadline_ms;
};

static void
session_fini(void *state)
{
	token_session_fini(state);
}

static enum ag_status
do_load(void *state, const void *in, void *out, struct ag_error *err)
{
	(void)out;
	return token_session_load(state, in, err);
}

enum ag_status
token_new(struct token **out, const struct token_uri *uri, uint32_t deadline_ms,
    struct ag_error *err)
{
	struct token *t = calloc(1, sizeof(*t));
	enum ag_status status;

	*out = NULL;
	if (t == NULL)
		return ag_fail(err, AG_ENOMEM, "token: out of memory");
	t->uri = *uri;
	t->deadline_ms = deadline_ms;
	status = token_worker_new(&t->worker, sizeof(struct token_session),
	    session_fini, err);
	if (status == AG_OK)
		status = token_worker_run(t->worker, do_load, uri, sizeof(*uri),
		    NULL, 0, deadline_ms, err);
	if (status != AG_OK) {
		token_free(t);
		return status;
	}
	*out = t;
	return AG_OK;
}

void
token_free(struct token *t)
{
	if (t == NULL)
		return;
	token_worker_free(t->worker);
	free(t);
}

void
token_set_deadline(struct token *t, uint32_t deadline_ms)
{
	t->deadline_ms = deadline_ms;
}

enum ag_status
token_call(struct token *t, token_worker_fn *fn, const void *in,
    size_t in_bytes, void *out, size_t out_bytes, struct ag_error *err)
{
	return token_worker_run(t->worker, fn, in, in_bytes, out, out_bytes,
	    t->deadline_ms, err);
}

static enum ag_status
do_module_file(void *state, const void *in, void *out, struct ag_error *err)
{
	const struct token_session *s = state;

	(void)in;
	(void)err;
	(void)snprintf(out, TOKEN_PATH_BYTES, "%s",
	    token_module_path(s->module));
	return AG_OK;
}

enum ag_status
token_module_file(struct token *t, char path[static TOKEN_PATH_BYTES],
    struct ag_error *err)
{
	return token_call(t, do_module_file, NULL, 0, path, TOKEN_PATH_BYTES,
	    err);
}

struct tokens {
	size_t count;
	struct token_info list[TOKEN_SLOTS_MAX];
};

static enum ag_status
do_list(void *state, const void *in, void *out, struct ag_error *err)
{
	struct tokens *tokens = out;

	return token_session_tokens(state, in, tokens->list, TOKEN_SLOTS_MAX,
	    &tokens->count, err);
}

enum ag_status
token_list(struct token *t, struct token_info *out, size_t *count,
    struct ag_error *err)
{
	struct tokens tokens = { 0 };
	enum ag_status status = token_call(t, do_list, &t->uri, sizeof(t->uri),
	    &tokens, sizeof(tokens), err);

	*count = tokens.count;
	memcpy(out, tokens.list, tokens.count * sizeof(*out));
	return status;
}

static enum ag_status
do_open(void *state, const void *in, void *out, struct ag_error *err)
{
	struct token_session *s = state;
	enum ag_status status = token_session_open(s, in, err);

	*(struct token_info *)out = s->info;
	return status;
}

static enum ag_status
do_restart(void *state, const void *in, void *out, struct ag_error *err)
{
	struct token_session *s = state;

	(void)in;
	(void)out;
	token_session_close(s);
	return token_module_restart(s->module, err);
}

enum ag_status
token_restart(struct token *t, struct ag_error *err)
{
	return token_call(t, do_restart, NULL, 0, NULL, 0, err);
}

enum ag_status
token_open(struct token *t, struct token_info *info, struct ag_error *err)
{
	return token_call(t, do_open, &t->uri, sizeof(t->uri), info,
	    sizeof(*info), err);
}

struct login {
	const struct secret *pin;
	bool is_typed;
};

static enum ag_status
do_login(void *state, const void *in, void *out, struct ag_error *err)
{
	const struct login *login = in;

	(void)out;
	return token_session_login(state, login->pin, login->is_typed, err);
}

enum ag_status
token_login(struct token *t, const struct secret *pin, bool is_typed,
    struct ag_error *err)
{
	struct secret *copy = NULL;
	struct login login = { .is_typed = is_typed };
	enum ag_status status;

	if (pin != NULL) {
		copy = secret_copy(secret_bytes(pin));
		if (copy == NULL)
			return ag_fail(err, AG_ENOMEM, "PIN: out of memory");
		login.pin = copy;
	}
	status = token_call(t, do_login, &login, sizeof(login), NULL, 0, err);
	/* One that is late may still read it. */
	if (status != AG_ETIMEOUT)
		secret_free(copy);
	return status;
}

struct looking {
	struct token_uri uri;
	enum token_class class;
};

struct keys {
	size_t count;
	struct token_key list[TOKEN_KEYS_MAX];
};

static enum ag_status
do_find(void *state, const void *in, void *out, struct ag_error *err)
{
	const struct looking *looking = in;
	struct keys *keys = out;

	return token_object_find(state, &looking->uri, looking->class,
	    keys->list, TOKEN_KEYS_MAX, &keys->count, err);
}

static enum ag_status
find_keys(struct token *t, enum token_class class, struct keys **out,
    struct ag_error *err)
{
	const struct looking looking = { .uri = t->uri, .class = class };
	enum ag_status status;

	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return ag_fail(err, AG_ENOMEM, "token: out of memory");
	status = token_call(t, do_find, &looking, sizeof(looking), *out,
	    sizeof(**out), err);
	if (status != AG_OK) {
		free(*out);
		*out = NULL;
	}
	return status;
}

enum ag_status
token_list_keys(struct token *t, struct token_key *out, size_t *count,
    struct ag_error *err)
{
	struct keys *keys;
	enum ag_status status = find_keys(t, t->uri.class, &keys, err);

	*count = 0;
	if (status != AG_OK)
		return status;
	*count = keys->count;
	memcpy(out, keys->list, keys->count * sizeof(*out));
	free(keys);
	return AG_OK;
}

/* What was looked for, as the URI has it. */
static enum ag_status
not_one(const struct token *t, enum token_class class, size_t count,
    struct ag_error *err)
{
	const char *name = token_uri_class_name(class);
	const char *label = t->uri.object;

	if (count > 0)
		return ag_fail(err, AG_ECONFLICT,
		    "token: %zu keys of type %s match; say which by "
		    "object=LABEL or id=%%XX in the URI",
		    count, name);
	return ag_fail(err, AG_ENOENT,
	    "token: there is no key of type %s%s%s that the URI names", name,
	    label[0] != '\0' ? " and label " : "", label);
}

enum ag_status
token_find_key(struct token *t, enum token_class class, struct token_key *out,
    struct ag_error *err)
{
	struct keys *keys;
	enum ag_status status;

	if (t->uri.class != TOKEN_CLASS_ANY && t->uri.class != class)
		return ag_fail(err, AG_EINVAL,
		    "pkcs11: URI: it says type=%s, and a key of type %s is "
		    "wanted",
		    token_uri_class_name(t->uri.class),
		    token_uri_class_name(class));
	status = find_keys(t, class, &keys, err);
	if (status != AG_OK)
		return status;
	if (keys->count == 1)
		*out = keys->list[0];
	else
		status = not_one(t, class, keys->count, err);
	free(keys);
	return status;
}

struct signing {
	unsigned long handle;
	enum token_key_type type;
	size_t len;
	uint8_t message[];
};

struct signature {
	size_t len;
	uint8_t data[TOKEN_SIGNATURE_BYTES_MAX];
};

static enum ag_status
do_sign(void *state, const void *in, void *out, struct ag_error *err)
{
	const struct signing *signing = in;
	struct signature *signature = out;

	return token_sign_raw(state, signing->handle, signing->type,
	    bytes_of(signing->message, signing->len), signature->data,
	    &signature->len, err);
}

enum ag_status
token_sign(struct token *t, const struct token_key *key, struct bytes message,
    uint8_t out[static TOKEN_SIGNATURE_BYTES_MAX], size_t *len,
    struct ag_error *err)
{
	size_t bytes = sizeof(struct signing) + message.len;
	struct signing *signing = malloc(bytes);
	struct signature signature;
	enum ag_status status;

	*len = 0;
	if (signing == NULL)
		return ag_fail(err, AG_ENOMEM, "token: out of memory");
	*signing = (struct signing){ key->handle, key->type, message.len };
	memcpy(signing->message, message.data, message.len);
	status = token_call(t, do_sign, signing, bytes, &signature,
	    sizeof(signature), err);
	free(signing);
	if (status != AG_OK)
		return status;
	*len = signature.len;
	memcpy(out, signature.data, signature.len);
	return AG_OK;
}

static enum ag_status
do_make(void *state, const void *in, void *out, struct ag_error *err)
{
	return token_make_key(state, in, out, err);
}

enum ag_status
token_generate(struct token *t, const struct token_making *making,
    struct token_key *out, struct ag_error *err)
{
	return token_call(t, do_make, making, sizeof(*making), out,
	    sizeof(*out), err);
}

const char *
token_key_type_name(enum token_key_type type)
{
	static const char *const names[] = {
		[TOKEN_KEY_OTHER] = "other",
		[TOKEN_KEY_ED25519] = "ed25519",
		[TOKEN_KEY_P256] = "ecdsa-p256",
		[TOKEN_KEY_P384] = "ecdsa-p384",
		[TOKEN_KEY_RSA] = "rsa",
		[TOKEN_KEY_AES] = "aes",
	};

	return names[type];
}
