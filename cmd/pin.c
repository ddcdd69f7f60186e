/*
 * PINs of tokens.
 *
 * RULES    1. A PIN is given to a token once: none is asked for again when it
 *             was wrong.
 *          2. Who types one is told before how few tries are left.
 */
#include "cmd/pin.h"

#include <stdio.h>

#include "cmd/display.h"
#include "cmd/passphrase.h"

static enum ag_status
read_file(struct secret **out, const char *path, struct ag_error *err)
{
	enum ag_status status =
	    secret_read_file(out, path, PASSPHRASE_BYTES_MAX, err);
	const uint8_t *data;
	size_t len;

	if (status != AG_OK)
		return status;
	len = secret_len(*out);
	data = secret_data(*out);
	if (len > 0 && data[len - 1] == '\n')
		len--;
	if (len > 0 && data[len - 1] == '\r')
		len--;
	secret_shorten(*out, len);
	status = secret_check_passphrase(*out, err);
	if (status == AG_OK)
		return AG_OK;
	ag_error_prefix(err, "PIN file %s", path);
	secret_free(*out);
	*out = NULL;
	return status;
}

static void
warn(const struct applet_call *call, const struct token_info *info)
{
	if (!info->is_pin_low && !info->is_pin_final)
		return;
	(void)fprintf(stderr, "%s: token ", call->title);
	display_print(stderr, bytes_from_text(info->label));
	(void)fputs(info->is_pin_final
		? ": one more wrong PIN locks it\n"
		: ": a wrong PIN was given, and few tries are left\n",
	    stderr);
}

static enum ag_status
prompt(struct secret **out, const struct applet_call *call, const char *prefix,
    const struct token_info *info, struct ag_error *err)
{
	char text[TOKEN_LABEL_BYTES + 32];

	warn(call, info);
	(void)snprintf(text, sizeof(text), "PIN of token %s: ", info->label);
	if (passphrase_prompt(out, text, err) == AG_OK)
		return AG_OK;
	ag_error_prefix(err, "PIN of token %s (--%spin-file, --%spin-fd)",
	    info->label, prefix, prefix);
	return err->status;
}

enum ag_status
pin_of_token(struct secret **out, bool *is_typed,
    const struct applet_call *call, const char *prefix,
    const struct token_uri *uri, const struct token_info *info,
    struct ag_error *err)
{
	enum ag_status status;
	const char *path;
	char name[32];
	uint64_t fd;

	*out = NULL;
	*is_typed = false;
	(void)snprintf(name, sizeof(name), "%spin-file", prefix);
	path = options_text(&call->options, name);
	(void)snprintf(name, sizeof(name), "%spin-fd", prefix);
	if (options_has(&call->options, name)) {
		status = options_count_value(&call->options, name, 0, 65535,
		    &fd, err);
		if (status != AG_OK)
			return status;
		return secret_read_passphrase(out, (int)fd, err);
	}
	if (path == NULL && uri->pin_source[0] != '\0')
		path = uri->pin_source;
	if (path != NULL)
		return read_file(out, path, err);
	*is_typed = true;
	return info->has_pinpad ? AG_OK : prompt(out, call, prefix, info, err);
}
