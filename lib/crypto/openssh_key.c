/*
 * OpenSSH private key files: armour around a container.
 *
 * FORMAT   The armour is "OPENSSH PRIVATE KEY" in lines of 70;
 *          crypto/openssh_container.h has the container.
 *          Ed25519's fields  string "ssh-ed25519" | string public (32) |
 *                            string seed and public (64)
 *
 * RULES    1. The public half of an Ed25519 key stands in the file three
 *             times and follows from the seed: all four must agree.
 *
 * NOT HERE The fields of other types (crypto/ssh_private.c).
 */
#include "crypto/openssh_key.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/armour.h"
#include "crypto/key_file.h"
#include "crypto/openssh_container.h"

#define LABEL "OPENSSH PRIVATE KEY"
#define COLUMNS 70
#define FIELDS_BYTES (PUBLIC_KEY_BLOB_BYTES + 4 + SIGN_SECRET_BYTES)

/* *container borrows from *raw, which is the caller's to free. */
static enum ag_status
read_text(struct secret **raw, struct openssh_container *container,
    struct bytes text, const char *name, struct ag_error *err)
{
	enum ag_status status;

	*raw = NULL;
	if (!armour_has(text, LABEL))
		return ag_fail(err, AG_EINVAL,
		    "private key %s: not in OpenSSH format", name);
	status = armour_take_off(raw, text, LABEL, name, err);
	if (status == AG_OK)
		status = openssh_container_read(container, secret_bytes(*raw),
		    name, err);
	return status;
}

bool
openssh_key_is_file(struct bytes text)
{
	return armour_has(text, LABEL);
}

bool
openssh_key_is_encrypted(struct bytes text)
{
	struct openssh_container container;
	struct secret *raw;
	bool is_encrypted =
	    read_text(&raw, &container, text, "", NULL) == AG_OK &&
	    !container.is_plain;

	secret_free(raw);
	return is_encrypted;
}

enum ag_status
openssh_key_blob(uint8_t *blob, size_t cap, size_t *len, struct bytes text,
    const char *name, struct ag_error *err)
{
	struct openssh_container container;
	struct secret *raw;
	enum ag_status status = read_text(&raw, &container, text, name, err);

	if (status == AG_OK && container.blob.len > cap)
		status = ag_fail(err, AG_EINVAL,
		    "private key %s: damaged or cut short", name);
	if (status == AG_OK) {
		*len = container.blob.len;
		memcpy(blob, container.blob.data, container.blob.len);
	}
	secret_free(raw);
	return status;
}

enum ag_status
openssh_key_section(struct secret **section, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct openssh_container container;
	struct secret *raw;
	enum ag_status status = read_text(&raw, &container, text, name, err);

	*section = NULL;
	if (status == AG_OK)
		status = openssh_container_open(section, &container, passphrase,
		    name, err);
	secret_free(raw);
	return status;
}

enum ag_status
openssh_key_wrap(struct secret **text, struct bytes blob, struct bytes fields,
    const char *comment, const struct secret *passphrase, struct ag_error *err)
{
	struct secret *raw;
	enum ag_status status = public_key_check_comment(comment, err);

	*text = NULL;
	if (status == AG_OK)
		status = openssh_container_make(&raw, blob, fields, comment,
		    passphrase, err);
	if (status != AG_OK)
		return status;
	*text = armour_put_on(secret_bytes(raw), LABEL, COLUMNS);
	secret_free(raw);
	if (*text == NULL)
		return ag_fail(err, AG_ENOMEM, "write key: out of memory");
	return AG_OK;
}

/* Whether a section is a whole and sound Ed25519 key, of that blob. */
static enum ag_status
parse_ed25519(struct secret **key, char *comment, struct bytes section,
    struct bytes blob, const char *name, struct ag_error *err)
{
	uint8_t expected[PUBLIC_KEY_BLOB_BYTES];
	struct bytes public_key, private_key;
	struct ssh_wire_reader r;

	if (!openssh_container_start(&r, section, PUBLIC_KEY_TYPE))
		return ag_fail(err, AG_EVERSION,
		    "private key %s: not an Ed25519 key", name);
	public_key = ssh_wire_get_string(&r);
	private_key = ssh_wire_get_string(&r);
	if (!openssh_container_end(&r, comment) ||
	    public_key.len != SIGN_PUBLIC_BYTES ||
	    private_key.len != SIGN_SECRET_BYTES)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged or cut short", name);
	*key = secret_copy(private_key);
	if (*key == NULL)
		return ag_fail(err, AG_ENOMEM, "private key %s: out of memory",
		    name);
	public_key_blob(expected, public_key.data);
	if (bytes_equal(blob, bytes_of(expected, sizeof(expected))) &&
	    memcmp(private_key.data + SIGN_SEED_BYTES, public_key.data,
		SIGN_PUBLIC_BYTES) == 0 &&
	    sign_key_is_sound(*key))
		return AG_OK;
	secret_free(*key);
	*key = NULL;
	return ag_fail(err, AG_EINVAL,
	    "private key %s: damaged, its halves do not belong together", name);
}

enum ag_status
openssh_key_parse(struct secret **key, char *comment, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct openssh_container container;
	struct secret *raw, *section = NULL;
	enum ag_status status = read_text(&raw, &container, text, name, err);

	*key = NULL;
	if (status == AG_OK)
		status = openssh_container_open(&section, &container,
		    passphrase, name, err);
	if (status == AG_OK)
		status = parse_ed25519(key, comment, secret_bytes(section),
		    container.blob, name, err);
	secret_free(section);
	secret_free(raw);
	return status;
}

enum ag_status
openssh_key_format(struct secret **text, const struct secret *key,
    const char *comment, const struct secret *passphrase, struct ag_error *err)
{
	uint8_t blob[PUBLIC_KEY_BLOB_BYTES], *at;
	struct secret *fields = secret_new(FIELDS_BYTES);
	enum ag_status status;

	*text = NULL;
	if (fields == NULL)
		return ag_fail(err, AG_ENOMEM, "write key: out of memory");
	public_key_blob(blob, secret_bytes(key).data + SIGN_SEED_BYTES);
	at = ssh_wire_put_raw(secret_data(fields), blob, sizeof(blob));
	(void)ssh_wire_put_string(at, secret_bytes(key));
	status = openssh_key_wrap(text, bytes_of(blob, sizeof(blob)),
	    secret_bytes(fields), comment, passphrase, err);
	secret_free(fields);
	return status;
}

enum ag_status
openssh_key_load(struct secret **key, char *comment, const char *path,
    const struct secret *passphrase, struct ag_error *err)
{
	enum ag_status status;
	struct secret *text;

	*key = NULL;
	status = secret_read_file(&text, path, OPENSSH_KEY_FILE_BYTES_MAX, err);
	if (status != AG_OK)
		return status;
	status = openssh_key_parse(key, comment, secret_bytes(text), passphrase,
	    path, err);
	secret_free(text);
	return status;
}

enum ag_status
openssh_key_save(const struct secret *key, const char *path,
    const char *comment, const struct secret *passphrase, bool overwrite,
    struct ag_error *err)
{
	char line[PUBLIC_KEY_LINE_BYTES + 1];
	uint8_t public_key[SIGN_PUBLIC_BYTES];
	struct secret *text;
	enum ag_status status;
	size_t len;

	status = openssh_key_format(&text, key, comment, passphrase, err);
	if (status != AG_OK)
		return status;
	sign_public(public_key, key);
	public_key_format(line, public_key, comment);
	len = strlen(line);
	line[len] = '\n';
	status = key_file_save(secret_bytes(text), bytes_of(line, len + 1),
	    path, overwrite, err);
	secret_free(text);
	return status;
}
