/*
 * Keys in tokens, for the commands that use one in the place of a file.
 */
#include "cmd/token_use.h"

#include <stdlib.h>

#include "cmd/pin.h"
#include "token/token_module.h"

/* token.module_dirs, for those too who read no configuration. */
#define MODULE_DIRS_VARIABLE "AEGIS_TOKEN_MODULE_DIRS"

static enum ag_status
login(struct token *token, const struct token_uri *uri,
    const struct token_info *info, const struct applet_call *call,
    const char *prefix, struct ag_error *err)
{
	enum ag_status status;
	struct secret *pin;
	bool is_typed;

	status = pin_of_token(&pin, &is_typed, call, prefix, uri, info, err);
	if (status == AG_OK)
		status = token_login(token, pin, is_typed, err);
	secret_free(pin);
	return status;
}

static uint32_t
deadline_of(const struct applet_call *call)
{
	if (!options_has(&call->options, "timeout") ||
	    call->timeout_ms > TOKEN_USE_DEADLINE_MS)
		return TOKEN_USE_DEADLINE_MS;
	return (uint32_t)call->timeout_ms;
}

enum ag_status
token_use_new(struct token **out, const struct token_uri *uri,
    const struct applet_call *call, struct ag_error *err)
{
	const char *dirs = getenv(MODULE_DIRS_VARIABLE);
	enum ag_status status = AG_OK;

	*out = NULL;
	if (dirs != NULL)
		status = token_module_set_dirs(dirs, err);
	return status == AG_OK ? token_new(out, uri, deadline_of(call), err)
			       : status;
}

static enum ag_status
open_only(struct token **out, struct token_uri *uri, struct token_info *info,
    const struct applet_call *call, const char *text, struct ag_error *err)
{
	enum ag_status status = token_uri_parse(uri, text, err);

	*out = NULL;
	if (status == AG_OK)
		status = token_use_new(out, uri, call, err);
	if (status == AG_OK)
		status = token_open(*out, info, err);
	if (status != AG_OK) {
		token_free(*out);
		*out = NULL;
	}
	return status;
}

enum ag_status
token_use_pin(struct secret **pin, bool *is_typed, struct token_uri *uri,
    const struct applet_call *call, const char *text, struct ag_error *err)
{
	struct token_info info;
	struct token *token;
	enum ag_status status = open_only(&token, uri, &info, call, text, err);

	*pin = NULL;
	*is_typed = false;
	if (status != AG_OK)
		return status;
	token_free(token);
	return info.needs_login
	    ? pin_of_token(pin, is_typed, call, "", uri, &info, err)
	    : AG_OK;
}

enum ag_status
token_use_open(struct token **out, struct token_uri *uri,
    struct token_info *info, const struct applet_call *call, const char *prefix,
    const char *text, struct ag_error *err)
{
	struct token *token;
	enum ag_status status = open_only(&token, uri, info, call, text, err);

	*out = NULL;
	if (status == AG_OK && info->needs_login)
		status = login(token, uri, info, call, prefix, err);
	if (status != AG_OK) {
		token_free(token);
		return status;
	}
	*out = token;
	return AG_OK;
}

enum ag_status
token_use_key(struct token_sign_key *out, const struct applet_call *call,
    const char *text, struct ag_error *err)
{
	struct token_uri uri;
	struct token_info info;
	enum ag_status status;

	status = token_use_open(&out->token, &uri, &info, call, "", text, err);
	if (status == AG_OK)
		status = token_find_key(out->token, TOKEN_CLASS_PRIVATE,
		    &out->key, err);
	if (status != AG_OK) {
		token_free(out->token);
		out->token = NULL;
	}
	return status;
}
