/*
 * Formats of private keys: told by how they begin.
 */
#include "crypto/key_format.h"

#include "base/nearest.h"
#include "crypto/age_key.h"
#include "crypto/key_evp.h"
#include "crypto/late_crypto.h"
#include "crypto/openssh_key.h"
#include "crypto/pkcs8.h"
#include "crypto/recipient.h"
#include "crypto/sealed_key.h"
#include "crypto/ssh_private.h"

static const char *const names[KEY_FORMAT_COUNT] = {
	[KEY_FORMAT_OPENSSH] = "openssh",
	[KEY_FORMAT_PKCS8] = "pkcs8",
	[KEY_FORMAT_AGE] = "age",
	[KEY_FORMAT_SEALED] = "sealed",
	[KEY_FORMAT_BACKUP] = "backup",
};

const char *
key_format_name(enum key_format format)
{
	return names[format];
}

enum ag_status
key_format_find(enum key_format *out, const char *name, struct ag_error *err)
{
	struct nearest search;

	nearest_init(&search, name);
	for (int i = 0; i < KEY_FORMAT_COUNT; i++) {
		*out = (enum key_format)i;
		if (strcmp(names[i], name) == 0)
			return AG_OK;
		nearest_offer(&search, names[i]);
	}
	return ag_fail(err, AG_EINVAL,
	    "format '%s' is not one of openssh, pkcs8, age, sealed, "
	    "backup%s%s%s",
	    name, search.best != NULL ? "; did you mean " : "",
	    search.best != NULL ? search.best : "",
	    search.best != NULL ? "?" : "");
}

bool
key_format_detect(enum key_format *out, struct bytes text)
{
	if (openssh_key_is_file(text))
		*out = KEY_FORMAT_OPENSSH;
	else if (pkcs8_is_file(text))
		*out = KEY_FORMAT_PKCS8;
	else if (sealed_key_is_file(text))
		*out = KEY_FORMAT_SEALED;
	else if (recipient_key_is_file(text))
		*out = KEY_FORMAT_BACKUP;
	else if (age_key_is_file(text))
		*out = KEY_FORMAT_AGE;
	else
		return false;
	return true;
}

bool
key_format_is_encrypted(struct bytes text)
{
	return openssh_key_is_encrypted(text) || pkcs8_is_encrypted(text) ||
	    sealed_key_is_file(text) || recipient_key_is_sealed(text);
}

static enum ag_status
unknown_format(const char *name, struct ag_error *err)
{
	return ag_fail(err, AG_EINVAL,
	    "private key %s: in no format that is known (OpenSSH, PKCS#8, age, "
	    "sealed)",
	    name);
}

/* The blob in front of an OpenSSH section is of which key? */
static enum ag_status
openssh_public(struct ssh_key *key, struct bytes text, const char *name,
    struct ag_error *err)
{
	uint8_t blob[SSH_KEY_BLOB_BYTES_MAX];
	enum ag_status status;
	size_t len;

	status = openssh_key_blob(blob, sizeof(blob), &len, text, name, err);
	if (status != AG_OK)
		return status;
	status = ssh_key_parse_blob(key, bytes_of(blob, len), err);
	if (status != AG_OK)
		ag_error_prefix(err, "private key %s", name);
	return status;
}

static enum ag_status
parse_openssh_evp(struct private_key **out, char *comment,
    const struct ssh_key *claimed, struct secret *section, const char *name,
    struct ag_error *err)
{
	enum ag_status status = late_crypto_load(err);
	struct evp_pkey_st *pkey;

	if (status != AG_OK)
		return status;
	pkey = ssh_private_from_section(comment, secret_bytes(section),
	    claimed->type);
	if (pkey == NULL)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged, OpenSSL refused it", name);
	status = private_key_take_evp(out, pkey, err);
	if (status == AG_OK &&
	    !ssh_key_equal(&private_key_public(*out)->ssh, claimed)) {
		private_key_free(*out);
		*out = NULL;
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged, its halves do not belong "
		    "together",
		    name);
	}
	return status;
}

static enum ag_status
parse_openssh(struct private_key **out, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct secret *secret;
	struct ssh_key claimed;
	enum ag_status status = openssh_public(&claimed, text, name, err);

	if (status != AG_OK)
		return status;
	if (claimed.type == SSH_KEY_ED25519) {
		status = openssh_key_parse(&secret, comment, text, passphrase,
		    name, err);
		if (status == AG_OK)
			status = private_key_take_ed25519(out, secret, err);
	} else {
		status =
		    openssh_key_section(&secret, text, passphrase, name, err);
		if (status != AG_OK)
			return status;
		status = parse_openssh_evp(out, comment, &claimed, secret, name,
		    err);
		secret_free(secret);
	}
	if (status == AG_OK)
		private_key_set_comment(*out, comment);
	return status;
}

/* X25519's formats hold the bare key. */
static enum ag_status
parse_x25519(struct private_key **out, struct bytes text, bool is_age,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct secret *secret;
	enum ag_status status = is_age
	    ? age_key_parse(&secret, text, name, err)
	    : recipient_parse_key(&secret, text, passphrase, name, err);

	return status == AG_OK ? private_key_take_x25519(out, secret, err)
			       : status;
}

enum ag_status
key_format_parse(struct private_key **out, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	enum key_format format;

	*out = NULL;
	if (!key_format_detect(&format, text))
		return unknown_format(name, err);
	switch (format) {
	case KEY_FORMAT_OPENSSH:
		return parse_openssh(out, text, passphrase, name, err);
	case KEY_FORMAT_PKCS8:
		return pkcs8_parse(out, text, passphrase, name, err);
	case KEY_FORMAT_SEALED:
		return sealed_key_parse(out, text, passphrase, name, err);
	case KEY_FORMAT_AGE:
	case KEY_FORMAT_BACKUP:
	case KEY_FORMAT_COUNT:
	default:
		return parse_x25519(out, text, format == KEY_FORMAT_AGE,
		    passphrase, name, err);
	}
}

enum ag_status
key_format_public(struct key_public *out, char *comment, struct bytes text,
    const char *name, struct ag_error *err)
{
	enum key_format format;
	struct private_key *key;
	enum ag_status status;
	struct ssh_key ssh;

	comment[0] = '\0';
	if (!key_format_detect(&format, text))
		return unknown_format(name, err);
	if (format == KEY_FORMAT_SEALED)
		return sealed_key_public(out, comment, text, name, err);
	if (format == KEY_FORMAT_OPENSSH && openssh_key_is_encrypted(text)) {
		status = openssh_public(&ssh, text, name, err);
		if (status == AG_OK)
			key_public_of_ssh(out, &ssh);
		return status;
	}
	status = key_format_parse(&key, text, NULL, name, err);
	if (status != AG_OK)
		return status;
	*out = *private_key_public(key);
	memcpy(comment, private_key_comment(key), PUBLIC_KEY_COMMENT_BYTES);
	private_key_free(key);
	return AG_OK;
}

static enum ag_status
write_openssh(struct secret **text, const struct private_key *key,
    const struct secret *passphrase, struct ag_error *err)
{
	const struct key_public *public = private_key_public(key);
	const char *comment = private_key_comment(key);
	struct secret *fields;
	enum ag_status status;

	if (public->id == SSH_KEY_ED25519)
		return openssh_key_format(text, private_key_secret(key),
		    comment, passphrase, err);
	status =
	    key_evp_fields(&fields, private_key_evp(key), &public->ssh, err);
	if (status != AG_OK)
		return status;
	status = openssh_key_wrap(text,
	    bytes_of(public->ssh.blob, public->ssh.blob_len),
	    secret_bytes(fields), comment, passphrase, err);
	secret_free(fields);
	return status;
}

/* Does a format go with a type, and with a passphrase or without? */
static enum ag_status
check_write(const struct private_key *key, enum key_format format,
    const struct secret *passphrase, struct ag_error *err)
{
	bool is_x25519 = private_key_public(key)->id == ALGORITHM_KEY_X25519;

	if (private_key_public(key)->id == ALGORITHM_KEY_RISTRETTO255 &&
	    format != KEY_FORMAT_SEALED)
		return ag_fail(err, AG_EINVAL,
		    "a ristretto255 key is kept sealed; leave out -F %s",
		    names[format]);
	if (is_x25519 && format == KEY_FORMAT_OPENSSH)
		return ag_fail(err, AG_EINVAL,
		    "OpenSSH has no X25519 keys: its format is age, pkcs8 or "
		    "sealed");
	if (!is_x25519 &&
	    (format == KEY_FORMAT_AGE || format == KEY_FORMAT_BACKUP))
		return ag_fail(err, AG_EINVAL,
		    "format %s is for X25519 keys alone", names[format]);
	if (format == KEY_FORMAT_AGE && passphrase != NULL)
		return ag_fail(err, AG_EINVAL,
		    "an age identity has no passphrase of its own: its format "
		    "with one is sealed or pkcs8");
	if (format == KEY_FORMAT_SEALED && passphrase == NULL)
		return ag_fail(err, AG_EINVAL,
		    "a sealed key takes a passphrase");
	return public_key_check_comment(private_key_comment(key), err);
}

static enum ag_status
write_age(struct secret **text, const struct private_key *key,
    struct ag_error *err)
{
	*text = age_key_format(private_key_secret(key),
	    private_key_public(key)->x25519);
	return *text != NULL
	    ? AG_OK
	    : ag_fail(err, AG_ENOMEM, "write key: out of memory");
}

enum ag_status
key_format_write(struct secret **text, const struct private_key *key,
    enum key_format format, const struct secret *passphrase,
    struct ag_error *err)
{
	enum ag_status status = check_write(key, format, passphrase, err);

	*text = NULL;
	if (status != AG_OK)
		return status;
	switch (format) {
	case KEY_FORMAT_OPENSSH:
		return write_openssh(text, key, passphrase, err);
	case KEY_FORMAT_PKCS8:
		return pkcs8_format(text, key, passphrase, err);
	case KEY_FORMAT_AGE:
		return write_age(text, key, err);
	case KEY_FORMAT_SEALED:
		return sealed_key_format(text, key, passphrase, WORK_USUAL,
		    err);
	case KEY_FORMAT_BACKUP:
	case KEY_FORMAT_COUNT:
	default:
		return recipient_format_key(text, private_key_secret(key),
		    passphrase, err);
	}
}

enum ag_status
key_format_write_sealed(struct secret **text, const struct private_key *key,
    const struct secret *passphrase, enum work_level work, struct ag_error *err)
{
	enum ag_status status =
	    check_write(key, KEY_FORMAT_SEALED, passphrase, err);

	*text = NULL;
	return status == AG_OK
	    ? sealed_key_format(text, key, passphrase, work, err)
	    : status;
}
