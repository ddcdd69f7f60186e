/*
 * A keyring's key in a token.
 *
 * RULES    1. What a slot says of its key names no module: whoever can write
 *             the file would have that loaded.  So the URI that is used is
 *             the caller's alone.
 */
#include "cmd/keyring_token.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/token_use.h"
#include "token/token_wrap.h"

struct keyring_token {
	struct token *token;
	struct token_key key;
	struct keyring_device device;
	char name[TOKEN_URI_BYTES_MAX];
};

static enum ag_status
wrap(void *arg, const char *context, const struct secret *root, uint8_t *out,
    size_t *len, struct ag_error *err)
{
	const struct keyring_token *t = arg;
	uint8_t wrapped[TOKEN_WRAP_BYTES_MAX];
	enum ag_status status = token_wrap_seal(wrapped, len, t->token, &t->key,
	    context, root, err);

	if (status != AG_OK)
		return status;
	if (*len > KEYRING_DEVICE_BYTES_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "key %s in the token: a slot has no room for what RSA of "
		    "%u bits makes; 4096 is the most",
		    t->key.label, t->key.bits);
	memcpy(out, wrapped, *len);
	return AG_OK;
}

static enum ag_status
unwrap(void *arg, const char *context, struct bytes wrapped,
    struct secret **root, struct ag_error *err)
{
	const struct keyring_token *t = arg;

	return token_wrap_open(root, t->token, &t->key, context, wrapped, err);
}

/* Which key it is, for the slot. */
static enum ag_status
name_key(struct keyring_token *t, const struct token_info *info,
    struct ag_error *err)
{
	struct token_uri uri = { .class = t->key.class };
	enum ag_status status;
	struct buf text;

	memcpy(uri.token, info->label, sizeof(uri.token));
	memcpy(uri.serial, info->serial, sizeof(uri.serial));
	memcpy(uri.object, t->key.label, sizeof(uri.object));
	memcpy(uri.id, t->key.id, sizeof(uri.id));
	uri.id_len = t->key.id_len;
	buf_init(&text, sizeof(t->name));
	status = token_uri_format(&text, &uri);
	if (status == AG_OK)
		status = buf_append(&text, "", 1);
	if (status == AG_OK)
		memcpy(t->name, text.data, text.len);
	else
		status = ag_fail(err, status, "name key %s: %s", t->key.label,
		    ag_status_text(status));
	buf_fini(&text);
	return status;
}

enum ag_status
keyring_token_open(struct keyring_token **out, const struct applet_call *call,
    const char *prefix, const char *text, struct ag_error *err)
{
	struct keyring_token *t = calloc(1, sizeof(*t));
	struct token_info info;
	struct token_uri uri;
	enum ag_status status;

	*out = NULL;
	if (t == NULL)
		return ag_fail(err, AG_ENOMEM, "token: out of memory");
	status =
	    token_use_open(&t->token, &uri, &info, call, prefix, text, err);
	if (status == AG_OK)
		status = token_wrap_find_key(t->token, &t->key, err);
	if (status == AG_OK)
		status = name_key(t, &info, err);
	if (status != AG_OK) {
		keyring_token_close(t);
		return status;
	}
	t->device = (struct keyring_device){ .name = t->name,
		.arg = t,
		.wrap = wrap,
		.unwrap = unwrap };
	*out = t;
	return AG_OK;
}

void
keyring_token_close(struct keyring_token *t)
{
	if (t == NULL)
		return;
	token_free(t->token);
	free(t);
}

const struct keyring_device *
keyring_token_device(const struct keyring_token *t)
{
	return &t->device;
}
