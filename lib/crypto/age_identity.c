/*
 * Encrypted identity files.
 *
 * RULES    1. What is inside is in locked memory and nowhere else.
 *          2. It is handed out whole, or not at all.
 */
#include "crypto/age_identity.h"

#include "crypto/age_input.h"
#include "crypto/age_wrap.h"

#define ARMOR "-----BEGIN AGE ENCRYPTED FILE-----"
#define MAGIC "age-encryption.org/"

bool
age_identity_is_encrypted(struct bytes text)
{
	return bytes_has_prefix(text, bytes_from_text(MAGIC)) ||
	    bytes_has_prefix(text, bytes_from_text(ARMOR));
}

/* A stream_source_fn of the bytes that are left. */
static enum ag_status
get_text(void *arg, uint8_t *out, size_t cap, size_t *len, struct ag_error *err)
{
	struct bytes *text = arg;

	(void)err;
	*len = text->len < cap ? text->len : cap;
	if (*len > 0)
		memcpy(out, text->data, *len);
	*text = bytes_of(text->data + *len, text->len - *len);
	return AG_OK;
}

/* Into out, which has room for all there can be. */
static enum ag_status
read_payload(struct secret *out, struct age_input *in,
    const struct secret *file_key, struct ag_error *err)
{
	struct stream_reader *reader;
	struct bytes piece = { 0 };
	size_t len = 0;
	enum ag_status status =
	    stream_reader_open(&reader, file_key, age_input_get, in, err);

	while (status == AG_OK) {
		status = stream_reader_next(reader, &piece, err);
		if (status != AG_OK || piece.len == 0)
			break;
		AG_ASSERT(len + piece.len <= secret_len(out));
		memcpy(secret_data(out) + len, piece.data, piece.len);
		len += piece.len;
	}
	stream_reader_close(reader);
	if (status == AG_OK && len == 0)
		status = ag_fail(err, AG_EINVAL, "it is empty");
	if (status == AG_OK)
		secret_shorten(out, len);
	return status;
}

static enum ag_status
open_input(struct secret *out, struct age_input *in,
    const struct secret *passphrase, struct ag_error *err)
{
	struct secret *file_key;
	enum ag_status status = age_wrap_open_passphrase(&file_key,
	    age_input_header(in), passphrase, err);

	if (status == AG_OK)
		status = age_input_check(in, file_key, err);
	if (status == AG_OK)
		status = read_payload(out, in, file_key, err);
	secret_free(file_key);
	return status;
}

/* What a file that does not decrypt is: another's, or no key at all. */
static enum ag_status
told_as(enum ag_status status)
{
	switch ((int)status) {
	case AG_OK:
	case AG_EDENIED:
	case AG_ELIMIT:
	case AG_ENOMEM:
	case AG_EINTERNAL:
		return status;
	default:
		return AG_EINVAL;
	}
}

enum ag_status
age_identity_open(struct secret **out, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct secret *plain = secret_new(text.len);
	struct age_input *in = NULL;
	enum ag_status status;

	*out = NULL;
	if (plain == NULL)
		return ag_fail(err, AG_ENOMEM, "identity %s: out of memory",
		    name);
	status = age_input_open(&in, get_text, &text, err);
	if (status == AG_OK)
		status = open_input(plain, in, passphrase, err);
	age_input_close(in);
	if (status == AG_OK) {
		*out = plain;
		return AG_OK;
	}
	secret_free(plain);
	ag_error_prefix(err, "identity %s", name);
	return told_as(status);
}
