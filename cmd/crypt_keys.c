/*
 * Recipients and identities.
 */
#include "cmd/crypt_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cmd/passphrase.h"
#include "cmd/token_use.h"
#include "codec/text.h"
#include "crypto/age_identity.h"
#include "crypto/age_key.h"
#include "crypto/age_wrap.h"
#include "crypto/key_format.h"
#include "crypto/public_key.h"
#include "token/token_oaep.h"

#define RECIPIENTS_FILE_BYTES_MAX ((size_t)4 << 20)

/* Identities of age stand several to a file. */
#define IDENTITIES_FILE_BYTES_MAX ((size_t)1 << 18)

static enum ag_status
put_recipient(struct buf *header, struct bytes text,
    const struct secret *file_key, struct ag_error *err)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct key_public key;
	enum ag_status status = key_public_parse(&key, comment, text, err);

	if (status == AG_OK)
		status = key_public_check(&key, err);
	if (status == AG_OK)
		status = age_wrap_to_key(header, &key, file_key, err);
	return status;
}

/* Lines; those that are empty or begin with # are none. */
static enum ag_status
put_file(struct buf *header, size_t *count, const char *path,
    const struct secret *file_key, struct ag_error *err)
{
	struct bytes rest, line;
	enum ag_status status;
	size_t number = 0;
	struct buf text;

	buf_init(&text, RECIPIENTS_FILE_BYTES_MAX);
	status = fs_read_file(path, &text, err);
	rest = buf_bytes(&text);
	while (status == AG_OK && text_next_line(&rest, &line)) {
		number++;
		if (line.len == 0 || line.data[0] == '#')
			continue;
		status = put_recipient(header, line, file_key, err);
		if (status == AG_OK)
			(*count)++;
		else
			ag_error_prefix(err, "%s, line %zu", path, number);
	}
	buf_fini(&text);
	return status;
}

static enum ag_status
put_recipients(struct buf *header, size_t *count,
    const struct applet_call *call, const struct secret *file_key,
    struct ag_error *err)
{
	const struct options *o = &call->options;
	enum ag_status status = AG_OK;
	const char *given;

	*count = 0;
	for (size_t i = 0; status == AG_OK &&
	     (given = options_text_at(o, "recipient", i)) != NULL;
	     i++) {
		status = put_recipient(header, bytes_from_text(given), file_key,
		    err);
		if (status == AG_OK)
			(*count)++;
		else
			ag_error_prefix(err, "recipient '%.100s'", given);
	}
	for (size_t i = 0; status == AG_OK &&
	     (given = options_text_at(o, "recipients-file", i)) != NULL;
	     i++)
		status = put_file(header, count, given, file_key, err);
	return status;
}

static enum ag_status
put_passphrase(struct buf *header, const struct applet_call *call,
    const struct secret *passphrase, const struct secret *file_key,
    struct ag_error *err)
{
	enum work_level work;
	enum ag_status status = passphrase_work_option(&work, call, err);

	return status == AG_OK
	    ? age_wrap_to_passphrase(header, passphrase, work, file_key, err)
	    : status;
}

enum ag_status
crypt_make_header(struct buf *header, const struct applet_call *call,
    const struct secret *file_key, const struct secret *passphrase,
    struct ag_error *err)
{
	enum ag_status status = age_header_begin(header);
	size_t count = 0;

	if (status != AG_OK)
		return ag_fail(err, status, "encrypt: out of memory");
	status = put_recipients(header, &count, call, file_key, err);
	if (status == AG_OK && passphrase != NULL && count > 0)
		status = ag_fail(err, AG_EINVAL,
		    "a passphrase goes with no other recipient");
	else if (status == AG_OK && passphrase != NULL)
		status =
		    put_passphrase(header, call, passphrase, file_key, err);
	else if (status == AG_OK && options_has(&call->options, "work"))
		status = ag_fail(err, AG_EINVAL,
		    "--work is of passphrases, and none is given");
	else if (status == AG_OK && count == 0)
		status = ag_fail(err, AG_EINVAL,
		    "missing -r KEY, -R FILE or a passphrase: whom to encrypt "
		    "it to");
	if (status == AG_OK && age_header_finish(header, file_key) != AG_OK)
		status = ag_fail(err, AG_ENOMEM, "encrypt: out of memory");
	return status;
}

/* AG_EFORGED when it does not: what an identity's file denies is another. */
static enum ag_status
not_for_it(enum ag_status status)
{
	return status == AG_EDENIED ? AG_EFORGED : status;
}

/* What one identity opens: AG_EFORGED, and on with the next, if nothing. */
static enum ag_status
open_with(struct secret **file_key, const struct age_input *in,
    struct private_key *key, struct ag_error *err)
{
	enum ag_status status =
	    age_wrap_open(file_key, age_input_header(in), key, err);

	private_key_free(key);
	return not_for_it(status);
}

/* A file of age's identities, one a line. */
static enum ag_status
open_with_lines(struct secret **file_key, const struct age_input *in,
    struct bytes text, const char *path, struct ag_error *err)
{
	enum ag_status status = AG_EFORGED;
	struct private_key *key;
	struct secret *raw;
	struct bytes line;

	while (status == AG_EFORGED && text_next_line(&text, &line)) {
		if (line.len == 0 || line.data[0] == '#')
			continue;
		status = age_key_parse(&raw, line, path, err);
		if (status == AG_OK)
			status = private_key_take_x25519(&key, raw, err);
		if (status == AG_OK)
			status = open_with(file_key, in, key, err);
	}
	return status;
}

/* The text of an identity file; behind a passphrase it is what age took in. */
static enum ag_status
read_identity(struct secret **text, const struct applet_call *call,
    const char *path, struct ag_error *err)
{
	struct secret *sealed, *passphrase;
	enum ag_status status =
	    secret_read_file(text, path, IDENTITIES_FILE_BYTES_MAX, err);

	if (status != AG_OK || !age_identity_is_encrypted(secret_bytes(*text)))
		return status;
	sealed = *text;
	*text = NULL;
	status = passphrase_of_file(&passphrase, call, path, err);
	if (status == AG_OK) {
		status = age_identity_open(text, secret_bytes(sealed),
		    passphrase, path, err);
		secret_free(passphrase);
	}
	secret_free(sealed);
	return status;
}

static enum ag_status
open_with_file(struct secret **file_key, const struct applet_call *call,
    const struct age_input *in, const char *path, struct ag_error *err)
{
	struct secret *text, *passphrase = NULL;
	struct private_key *key;
	enum ag_status status = read_identity(&text, call, path, err);

	if (status != AG_OK)
		return status;
	if (age_key_is_file(secret_bytes(text))) {
		status = open_with_lines(file_key, in, secret_bytes(text), path,
		    err);
	} else {
		status = passphrase_open_key(&key, call, path,
		    secret_bytes(text), &passphrase, err);
		if (status == AG_OK)
			status = open_with(file_key, in, key, err);
	}
	secret_free(passphrase);
	secret_free(text);
	return status;
}

static enum ag_status
decrypt_in_token(void *arg, const char *label, struct bytes sealed,
    struct secret **out, struct ag_error *err)
{
	const struct token_sign_key *at = arg;

	return token_oaep_decrypt(out, at->token, &at->key, label, sealed, err);
}

/* A key in a token: what is encrypted to its public half, as an SSH key's. */
static enum ag_status
open_with_token(struct secret **file_key, const struct applet_call *call,
    const struct age_input *in, const char *uri, struct ag_error *err)
{
	struct token_sign_key at;
	struct key_public public;
	enum ag_status status = token_use_key(&at, call, uri, err);

	if (status != AG_OK)
		return status;
	if (at.key.has_public && at.key.type == TOKEN_KEY_RSA) {
		key_public_of_ssh(&public, &at.key.public);
		status = not_for_it(age_wrap_open_rsa(file_key,
		    age_input_header(in), &public, decrypt_in_token, &at, err));
	} else {
		status = ag_fail(err, AG_EREFUSED,
		    "key %s in the token opens no file: of keys in tokens, "
		    "RSA ones with their public half do",
		    at.key.label);
	}
	token_free(at.token);
	return status;
}

static enum ag_status
open_with_passphrase(struct secret **file_key, const struct applet_call *call,
    const struct age_input *in, struct ag_error *err)
{
	struct secret *passphrase;
	enum ag_status status =
	    passphrase_of_file(&passphrase, call, "the file", err);

	if (status != AG_OK)
		return status;
	status = age_wrap_open_passphrase(file_key, age_input_header(in),
	    passphrase, err);
	secret_free(passphrase);
	return not_for_it(status);
}

bool
crypt_lacks_identity(const struct applet_call *call, const struct age_input *in)
{
	const struct options *o = &call->options;

	return !options_has(o, "identity") && !options_has(o, "passphrase") &&
	    !options_has(o, "passphrase-fd") &&
	    age_input_header(in)->stanzas[0].kind != AGE_STANZA_SCRYPT;
}

enum ag_status
crypt_unlock(struct secret **file_key, const struct applet_call *call,
    const struct age_input *in, struct ag_error *err)
{
	enum ag_status status = AG_EFORGED;
	const char *path;

	*file_key = NULL;
	if (options_has(&call->options, "identity"))
		for (size_t i = 0; status == AG_EFORGED &&
		     (path = options_text_at(&call->options, "identity", i)) !=
			 NULL;
		     i++)
			status = token_uri_is_one(path)
			    ? open_with_token(file_key, call, in, path, err)
			    : open_with_file(file_key, call, in, path, err);
	else
		status = open_with_passphrase(file_key, call, in, err);
	if (status == AG_OK)
		status = age_input_check(in, *file_key, err);
	if (status != AG_OK) {
		secret_free(*file_key);
		*file_key = NULL;
	}
	return status;
}
