/*
 * aegis token: what is in PKCS#11 tokens, and keys made in them.
 *
 * RULES    1. A key that is made in a token stays there: its public half is
 *             all that comes out.
 *          2. What tokens say of themselves is somebody else's text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cmd/applet.h"
#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/output.h"
#include "cmd/pin.h"
#include "cmd/token_use.h"
#include "codec/text.h"
#include "crypto/algorithm.h"
#include "crypto/key_public.h"
#include "crypto/minisign.h"
#include "crypto/public_key.h"

static const struct applet_option token_options[] = {
	PIN_OPTIONS,
	OPTIONS_END,
};

static const struct applet_option generate_options[] = {
	{ 't', "algorithm", "NAME",
	    "ed25519 (default), ecdsa-p256, rsa-3072, aes…" },
	{ 'o', "out", "FILE", "the public half to FILE instead of printed" },
	{ 'C', "comment", "TEXT", "a note kept with the public key" },
	{ 'f', "force", NULL, "replace an existing FILE" },
	OPTIONS_END,
};

static const struct applet_option public_options[] = {
	{ 'F', "format", "FORMAT", "line (default), pem or minisign" },
	OPTIONS_END,
};

static const struct output_column list_columns[] = {
	{ "slot", NULL, OUTPUT_RIGHT },
	{ "token", NULL, 0 },
	{ "manufacturer", NULL, OUTPUT_WIDE_ONLY },
	{ "model", NULL, OUTPUT_WIDE_ONLY },
	{ "serial", NULL, 0 },
	{ "pin", NULL, 0 },
	{ "uri", NULL, OUTPUT_WIDE_ONLY | OUTPUT_VALUE_COLUMN },
	{ NULL, NULL, 0 },
};

static const struct output_column key_columns[] = {
	{ "type", NULL, 0 },
	{ "bits", NULL, OUTPUT_RIGHT },
	{ "class", NULL, 0 },
	{ "label", NULL, 0 },
	{ "id", NULL, 0 },
	{ "stays", NULL, 0 },
	{ "uses", NULL, 0 },
	{ "fingerprint", NULL, 0 },
	{ "uri", NULL, OUTPUT_WIDE_ONLY | OUTPUT_VALUE_COLUMN },
	{ NULL, NULL, 0 },
};

/* The URI of what was found; the module as the caller has named it. */
static void
output_uri(struct output *out, const struct token_uri *asked,
    const struct token_info *info, const struct token_key *key)
{
	struct token_uri uri = *asked;
	struct buf text;

	buf_init(&text, (size_t)4 * TOKEN_URI_BYTES_MAX);
	memcpy(uri.token, info->label, sizeof(uri.token));
	memcpy(uri.serial, info->serial, sizeof(uri.serial));
	if (key != NULL) {
		memcpy(uri.object, key->label, sizeof(uri.object));
		memcpy(uri.id, key->id, sizeof(uri.id));
		uri.id_len = key->id_len;
		uri.class = key->class;
	}
	if (token_uri_format(&text, &uri) == AG_OK)
		output_bytes(out, buf_bytes(&text));
	else
		output_null(out);
	buf_fini(&text);
}

static const char *
pin_state(const struct token_info *info)
{
	if (!info->is_initialized)
		return "uninitialised";
	if (info->is_pin_locked)
		return "locked";
	if (info->is_pin_final)
		return "last-try";
	if (info->is_pin_low)
		return "few-tries";
	if (info->has_pinpad)
		return "pinpad";
	return info->needs_login ? "ok" : "none";
}

static enum ag_status
list_tokens(const struct applet_call *call, const struct token_uri *uri,
    struct token *token, struct ag_error *err)
{
	struct token_info list[TOKEN_SLOTS_MAX];
	struct output *out;
	enum ag_status status;
	size_t count;

	status = token_list(token, list, &count, err);
	if (status == AG_OK)
		status =
		    output_new(&out, call, stdout, "tokens", list_columns, err);
	if (status != AG_OK)
		return status;
	for (size_t i = 0; i < count; i++) {
		output_u64(out, list[i].slot);
		output_text(out, list[i].label);
		output_text(out, list[i].manufacturer);
		output_text(out, list[i].model);
		output_text(out, list[i].serial);
		output_text(out, pin_state(&list[i]));
		output_uri(out, uri, &list[i], NULL);
		output_row(out);
	}
	return output_end(out, err);
}

/* Without a URI p11-kit's proxy is asked, which has all modules. */
static int
token_list_run(struct applet_call *call)
{
	struct token *token = NULL;
	struct token_uri uri;
	enum ag_status status;
	struct ag_error err;

	status = token_uri_parse(&uri,
	    call->operand_count > 0 ? call->operands[0] : "pkcs11:", &err);
	if (status == AG_OK)
		status = token_use_new(&token, &uri, call, &err);
	if (status == AG_OK)
		status = list_tokens(call, &uri, token, &err);
	token_free(token);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

static void
key_row(struct output *out, const struct token_uri *uri,
    const struct token_info *info, const struct token_key *key)
{
	char id[TEXT_HEX_BYTES(TOKEN_ID_BYTES_MAX)];
	char fingerprint[FINGERPRINT_BYTES] = "";
	bool stays = key->is_sensitive && !key->is_extractable;

	text_hex(id, sizeof(id), bytes_of(key->id, key->id_len));
	if (key->has_public)
		ssh_key_fingerprint(fingerprint, &key->public);
	output_text(out, token_key_type_name(key->type));
	output_u64(out, key->bits);
	output_text(out, token_uri_class_name(key->class));
	output_text(out, key->label);
	output_text(out, id);
	if (key->class == TOKEN_CLASS_PUBLIC)
		output_null(out);
	else
		output_bool(out, stays);
	output_list(out,
	    key->may_sign && key->may_decrypt ? "sign,decrypt"
		: key->may_sign               ? "sign"
		: key->may_decrypt            ? "decrypt"
					      : "");
	output_text(out, fingerprint);
	output_uri(out, uri, info, key);
	output_row(out);
}

static enum ag_status
list_keys(const struct applet_call *call, const struct token_uri *uri,
    const struct token_info *info, struct token *token, struct ag_error *err)
{
	struct token_key *keys = calloc(TOKEN_KEYS_MAX, sizeof(*keys));
	enum ag_status status;
	struct output *out;
	size_t count;

	if (keys == NULL)
		return ag_fail(err, AG_ENOMEM, "token: out of memory");
	status = token_list_keys(token, keys, &count, err);
	if (status == AG_OK)
		status =
		    output_new(&out, call, stdout, "keys", key_columns, err);
	if (status == AG_OK) {
		for (size_t i = 0; i < count; i++)
			key_row(out, uri, info, &keys[i]);
		status = output_end(out, err);
	}
	free(keys);
	return status;
}

static int
token_keys_run(struct applet_call *call)
{
	struct token_info info;
	struct token_uri uri;
	struct token *token;
	enum ag_status status;
	struct ag_error err;

	status = token_use_open(&token, &uri, &info, call, "",
	    call->operands[0], &err);
	if (status == AG_OK)
		status = list_keys(call, &uri, &info, token, &err);
	token_free(token);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

/* --- public halves --- */

static enum ag_status
put_minisign(struct buf *out, const struct token_key *key, struct ag_error *err)
{
	struct token_sign_key at = { .key = *key };
	struct minisign_key *minisign;
	struct minisign_public public;
	struct signer signer;
	enum ag_status status = token_sign_signer(&signer, &at, err);

	if (status == AG_OK)
		status = minisign_key_of_signer(&minisign, &signer, err);
	if (status != AG_OK)
		return status;
	minisign_key_public(&public, minisign);
	minisign_key_free(minisign);
	return minisign_format_public(out, &public);
}

static enum ag_status
format_public(struct buf *out, const struct token_key *key, const char *format,
    const char *comment, struct ag_error *err)
{
	struct key_public public;

	if (!key->has_public)
		return ag_fail(err, AG_ENOENT,
		    "key %s in the token: its public half is not there, or not "
		    "of a kind that is known here",
		    key->label);
	if (strcmp(format, "minisign") == 0)
		return put_minisign(out, key, err);
	/* A label that is more than a line would be lines of their own. */
	if (public_key_check_comment(comment, NULL) != AG_OK)
		comment = "";
	key_public_of_ssh(&public, &key->public);
	if (strcmp(format, "pem") == 0)
		return key_public_format_pem(out, &public, err);
	return key_public_format(out, &public, comment, err);
}

static int
token_public_run(struct applet_call *call)
{
	const char *format = options_text(&call->options, "format");
	struct token_sign_key at;
	enum ag_status status;
	struct ag_error err;
	struct buf text;

	if (format == NULL)
		format = "line";
	if (strcmp(format, "line") != 0 && strcmp(format, "pem") != 0 &&
	    strcmp(format, "minisign") != 0)
		return applet_usage(call,
		    "format '%s' is not one of line, pem, minisign", format);
	if (token_use_key(&at, call, call->operands[0], &err) != AG_OK)
		return exit_fail_local(call, &err);
	buf_init(&text, PUBLIC_KEY_FILE_BYTES_MAX);
	status = format_public(&text, &at.key, format, at.key.label, &err);
	if (status == AG_OK)
		status = fs_write(STDOUT_FILENO, "standard output",
		    buf_bytes(&text), &err);
	buf_fini(&text);
	token_free(at.token);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

/* --- making keys --- */

static enum ag_status
choose_type(struct token_making *making, const struct applet_call *call,
    struct ag_error *err)
{
	static const enum token_key_type types[] = {
		[SSH_KEY_ED25519] = TOKEN_KEY_ED25519,
		[SSH_KEY_ECDSA_P256] = TOKEN_KEY_P256,
		[SSH_KEY_ECDSA_P384] = TOKEN_KEY_P384,
		[SSH_KEY_RSA] = TOKEN_KEY_RSA,
	};
	const char *name = options_text(&call->options, "algorithm");
	const struct algorithm *row;
	enum ag_status status;

	if (name == NULL)
		name = "ed25519";
	if (strcmp(name, "aes") == 0 || strcmp(name, "aes-256") == 0) {
		making->type = TOKEN_KEY_AES;
		making->bits = 256;
		return AG_OK;
	}
	status = algorithm_find(&row, ALGORITHM_KEY, name, err);
	if (status != AG_OK)
		return status;
	if (row->standing != ALGORITHM_ALLOWED)
		return ag_fail(err, AG_EREFUSED, "key '%s' is refused: %s",
		    name, row->note);
	if ((size_t)row->id >= sizeof(types) / sizeof(types[0]))
		return ag_fail(err, AG_EINVAL,
		    "%s keys are not made in tokens: too few can use them; "
		    "ed25519, ecdsa-p256, ecdsa-p384, rsa-3072 and aes are",
		    row->name);
	making->type = types[row->id];
	making->bits = row->bits;
	return AG_OK;
}

static enum ag_status
put_public(const struct applet_call *call, const struct token_key *key,
    struct ag_error *err)
{
	const char *path = options_text(&call->options, "out");
	const char *comment = options_text(&call->options, "comment");
	enum ag_status status;
	struct buf text;

	buf_init(&text, PUBLIC_KEY_FILE_BYTES_MAX);
	status = format_public(&text, key, "line",
	    comment != NULL ? comment : key->label, err);
	if (status == AG_OK && (path == NULL || strcmp(path, "-") == 0))
		status = fs_write(STDOUT_FILENO, "standard output",
		    buf_bytes(&text), err);
	else if (status == AG_OK)
		status = fs_write_file(path, 0644, buf_bytes(&text), err);
	buf_fini(&text);
	return status;
}

static enum ag_status
make_key(const struct applet_call *call, struct token_making *making,
    struct ag_error *err)
{
	struct token_info info;
	struct token_key key;
	struct token_uri uri;
	struct token *token;
	enum ag_status status;

	status = token_use_open(&token, &uri, &info, call, "",
	    call->operands[0], err);
	if (status != AG_OK)
		return status;
	memcpy(making->label, uri.object, sizeof(making->label));
	memcpy(making->id, uri.id, sizeof(making->id));
	making->id_len = uri.id_len;
	status = making->label[0] == '\0'
	    ? ag_fail(err, AG_EINVAL,
		  "the URI does not say what the key is called (object=LABEL)")
	    : token_generate(token, making, &key, err);
	token_free(token);
	if (status == AG_OK && making->type != TOKEN_KEY_AES)
		status = put_public(call, &key, err);
	return status;
}

static int
token_generate_run(struct applet_call *call)
{
	const char *path = options_text(&call->options, "out");
	const char *comment = options_text(&call->options, "comment");
	struct token_making making = { 0 };
	enum ag_status status;
	struct ag_error err;

	status = choose_type(&making, call, &err);
	if (status == AG_OK && comment != NULL)
		status = public_key_check_comment(comment, &err);
	if (status == AG_EREFUSED)
		return exit_fail(call, &err);
	if (status != AG_OK)
		return applet_usage(call, "%s", err.text);
	if (making.type == TOKEN_KEY_AES && (path != NULL || comment != NULL))
		return applet_usage(call,
		    "an AES key has no public half: -o and -C are of others");
	if (path != NULL && strcmp(path, "-") != 0 && fs_exists(path) &&
	    !options_has(&call->options, "force")) {
		(void)ag_fail(&err, AG_EEXIST,
		    "%s exists already; --force replaces it", path);
		return exit_fail_local(call, &err);
	}
	return make_key(call, &making, &err) == AG_OK
	    ? EXIT_YES
	    : exit_fail_local(call, &err);
}

static const struct applet_command token_commands[] = {
	{ "list", "[URI]", "the tokens that are there", NULL, token_list_run },
	{ "keys", "URI", "the keys in a token", NULL, token_keys_run },
	{ "public", "URI", "print a key's public half", public_options,
	    token_public_run },
	{ "generate", "URI", "make a key that stays in the token",
	    generate_options, token_generate_run },
	{ 0 },
};

static const char *const token_examples[] = {
	"aegis token list 'pkcs11:?module-name=softhsm2'",
	"aegis token generate 'pkcs11:token=ops;object=alice' >alice.pub",
	NULL,
};

const struct applet applet_token = {
	.name = "token",
	.summary = "keys in hardware: PKCS#11 tokens",
	.options = token_options,
	.commands = token_commands,
	.examples = token_examples,
	.flags = APPLET_OFFLINE | APPLET_SECRETS,
};
