/*
 * The openssh-key-v1 container.
 *
 * Plain containers are read and written here, in locked memory.  Encrypted
 * ones (bcrypt-pbkdf and a block cipher, which no library of ours offers by
 * themselves) go through libssh's own key code: it turns an encrypted
 * container into a plain one and back, and ours does the rest.  libssh
 * encrypts with aes128-cbc after 16 rounds and leaves the comment out; the
 * .pub file keeps it.
 *
 * FORMAT   An armour line, base64 of the container in lines of 70, and an
 *          armour line; crypto/openssh_container.c has the container.
 *
 * RULES    1. Whatever libssh allocated with secret bytes inside is wiped
 *             before it is returned.
 */
#include "crypto/openssh_key.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "crypto/key_file.h"
#include "crypto/late_ssh.h"
#include "crypto/openssh_container.h"

#define ARMOUR_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define ARMOUR_END "-----END OPENSSH PRIVATE KEY-----\n"
#define ARMOUR_COLUMNS 70

/* Take the armour off: the container, in locked memory. */
static enum ag_status
container_from_text(struct secret **out, struct bytes text, const char *name,
    struct ag_error *err)
{
	const struct bytes begin = bytes_from_text(ARMOUR_BEGIN);
	const size_t end_len = sizeof(ARMOUR_END) - 2;
	const char *start, *stop;
	struct secret *container;
	size_t len = 0;

	*out = NULL;
	if (!bytes_has_prefix(text, begin))
		return ag_fail(err, AG_EINVAL,
		    "private key %s: not in OpenSSH format", name);
	start = (const char *)text.data + begin.len;
	stop = memmem(start, text.len - begin.len, ARMOUR_END, end_len);
	if (stop == NULL || stop == start)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: cut short, its last line is missing",
		    name);
	container = secret_new((size_t)(stop - start));
	if (container == NULL)
		return ag_fail(err, AG_ENOMEM, "private key %s: out of memory",
		    name);
	if (!secret_base64_decode(secret_data(container), secret_len(container),
		&len, bytes_of(start, (size_t)(stop - start)), "\r\n",
		sodium_base64_VARIANT_ORIGINAL)) {
		secret_free(container);
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged, not base64", name);
	}
	secret_shorten(container, len);
	*out = container;
	return AG_OK;
}

/* A C string in locked memory, for interfaces that want one. */
static struct secret *
secret_with_nul(struct bytes text)
{
	struct secret *copy = secret_new(text.len + 1);

	if (copy != NULL && text.len > 0)
		memcpy(secret_data(copy), text.data, text.len);
	return copy;
}

static const char *
secret_text(const struct secret *secret)
{
	return secret == NULL ? NULL : (const char *)secret_bytes(secret).data;
}

/*
 * Have libssh read text with one passphrase and write it with another; a
 * NULL passphrase is none.  *out is NULL when libssh can not.
 */
static enum ag_status
recode(struct secret **out, struct bytes text, const struct secret *from,
    const struct secret *to, struct ag_error *err)
{
	enum ag_status status = late_ssh_load(err);
	struct secret *input, *old = NULL, *new = NULL;
	ssh_key key = NULL;
	char *result = NULL;

	*out = NULL;
	if (status != AG_OK)
		return status;
	input = secret_with_nul(text);
	if (from != NULL)
		old = secret_with_nul(secret_bytes(from));
	if (to != NULL)
		new = secret_with_nul(secret_bytes(to));
	if (input == NULL || (from != NULL && old == NULL) ||
	    (to != NULL && new == NULL))
		goto out;
	if (ssh_pki_import_privkey_base64(secret_text(input), secret_text(old),
		NULL, NULL, &key) != SSH_OK ||
	    ssh_pki_export_privkey_base64(key, secret_text(new), NULL, NULL,
		&result) != SSH_OK)
		goto out;
	*out = secret_copy(bytes_from_text(result));
out:
	if (result != NULL) {
		secret_wipe(result, strlen(result));
		ssh_string_free_char(result);
	}
	ssh_key_free(key);
	secret_free(new);
	secret_free(old);
	secret_free(input);
	return AG_OK;
}

static enum ag_status
passphrase_missing(const char *name, struct ag_error *err)
{
	return ag_fail(err, AG_EDENIED,
	    "private key %s: it is encrypted and needs its passphrase "
	    "(--passphrase-fd)",
	    name);
}

static enum ag_status
encrypted_parse(struct secret **key, char *comment, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct secret *plain, *container = NULL;
	enum ag_status status;

	if (passphrase == NULL)
		return passphrase_missing(name, err);
	status = recode(&plain, text, passphrase, NULL, err);
	if (status != AG_OK)
		return status;
	if (plain == NULL)
		return ag_fail(err, AG_EDENIED,
		    "private key %s: wrong passphrase, or not an Ed25519 key",
		    name);
	status =
	    container_from_text(&container, secret_bytes(plain), name, err);
	if (status == AG_OK)
		status =
		    openssh_container_parse(key, comment, container, name, err);
	secret_free(container);
	secret_free(plain);
	return status;
}

/* Is the container plain, or else encrypted in a way that can be opened? */
static enum ag_status
check_encryption(const struct secret *container, bool *is_plain,
    const char *name, struct ag_error *err)
{
	if (openssh_container_is_plain(container, is_plain) != AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged or cut short", name);
	if (!*is_plain && !openssh_container_is_bearable(container))
		return ag_fail(err, AG_EINVAL,
		    "private key %s: its passphrase takes more than %d "
		    "rounds, or is of another kind than bcrypt",
		    name, OPENSSH_ROUNDS_MAX);
	return AG_OK;
}

enum ag_status
openssh_key_parse(struct secret **key, char *comment, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct secret *container;
	enum ag_status status;
	bool is_plain;

	*key = NULL;
	status = container_from_text(&container, text, name, err);
	if (status != AG_OK)
		return status;
	status = check_encryption(container, &is_plain, name, err);
	if (status == AG_OK && is_plain)
		status =
		    openssh_container_parse(key, comment, container, name, err);
	else if (status == AG_OK)
		status =
		    encrypted_parse(key, comment, text, passphrase, name, err);
	secret_free(container);
	return status;
}

bool
openssh_key_is_encrypted(struct bytes text)
{
	struct secret *container;
	bool is_plain, is_whole;

	if (container_from_text(&container, text, "", NULL) != AG_OK)
		return false;
	is_whole = openssh_container_is_plain(container, &is_plain) == AG_OK;
	secret_free(container);
	return is_whole && !is_plain;
}

enum ag_status
openssh_key_public(uint8_t key[static SIGN_PUBLIC_BYTES], char *comment,
    struct bytes text, const char *name, struct ag_error *err)
{
	struct secret *container, *whole;
	enum ag_status status;

	if (!openssh_key_is_encrypted(text)) {
		status =
		    openssh_key_parse(&whole, comment, text, NULL, name, err);
		if (status == AG_OK)
			sign_public(key, whole);
		secret_free(whole);
		return status;
	}
	status = container_from_text(&container, text, name, err);
	if (status != AG_OK)
		return status;
	if (comment != NULL)
		comment[0] = '\0';
	if (openssh_container_public(container, key) != AG_OK)
		status = ag_fail(err, AG_EVERSION,
		    "private key %s: not an Ed25519 key", name);
	secret_free(container);
	return status;
}

enum ag_status
openssh_key_blob(uint8_t *blob, size_t cap, size_t *len, struct bytes text,
    const char *name, struct ag_error *err)
{
	struct secret *container;
	struct bytes inside;
	enum ag_status status =
	    container_from_text(&container, text, name, err);

	if (status != AG_OK)
		return status;
	if (openssh_container_blob(container, &inside) != AG_OK ||
	    inside.len > cap) {
		status = ag_fail(err, AG_EINVAL,
		    "private key %s: damaged or cut short", name);
	} else {
		*len = inside.len;
		memcpy(blob, inside.data, inside.len);
	}
	secret_free(container);
	return status;
}

enum ag_status
openssh_key_to_pem(struct secret **pem, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct secret *container;
	enum ag_status status =
	    container_from_text(&container, text, name, err);
	bool is_plain;

	*pem = NULL;
	if (status != AG_OK)
		return status;
	status = check_encryption(container, &is_plain, name, err);
	secret_free(container);
	if (status != AG_OK)
		return status;
	if (passphrase == NULL)
		return passphrase_missing(name, err);
	status = recode(pem, text, passphrase, NULL, err);
	if (status == AG_OK && *pem == NULL)
		return ag_fail(err, AG_EDENIED,
		    "private key %s: wrong passphrase, or damaged", name);
	return status;
}

enum ag_status
openssh_key_section(struct secret **section, struct bytes text,
    const char *name, struct ag_error *err)
{
	struct secret *container;
	enum ag_status status =
	    container_from_text(&container, text, name, err);
	struct bytes blob, inside;
	bool is_plain;

	*section = NULL;
	if (status != AG_OK)
		return status;
	status = check_encryption(container, &is_plain, name, err);
	if (status == AG_OK && !is_plain)
		status = passphrase_missing(name, err);
	if (status == AG_OK &&
	    (openssh_container_section(container, &blob, &inside) != AG_OK ||
		inside.len == 0))
		status = ag_fail(err, AG_EINVAL,
		    "private key %s: damaged, cut short, or not a single key",
		    name);
	if (status == AG_OK) {
		*section = secret_copy(inside);
		if (*section == NULL)
			status = ag_fail(err, AG_ENOMEM,
			    "private key %s: out of memory", name);
	}
	secret_free(container);
	return status;
}

/* Put the armour on, lines as long as ssh-keygen makes them. */
static struct secret *
text_from_container(const struct secret *container)
{
	struct bytes raw = secret_bytes(container);
	size_t base64_len = (raw.len + 2) / 3 * 4;
	struct secret *base64 = secret_new(base64_len + 1);
	struct secret *text = secret_new(sizeof(ARMOUR_BEGIN) +
	    sizeof(ARMOUR_END) + base64_len + base64_len / ARMOUR_COLUMNS + 1);
	uint8_t *at;
	size_t done;

	if (base64 == NULL || text == NULL) {
		secret_free(base64);
		secret_free(text);
		return NULL;
	}
	(void)sodium_bin2base64((char *)secret_data(base64), base64_len + 1,
	    raw.data, raw.len, sodium_base64_VARIANT_ORIGINAL);
	at = mempcpy(secret_data(text), ARMOUR_BEGIN, sizeof(ARMOUR_BEGIN) - 1);
	for (done = 0; done < base64_len; done += ARMOUR_COLUMNS) {
		size_t left = base64_len - done;

		at = mempcpy(at, secret_data(base64) + done,
		    left < ARMOUR_COLUMNS ? left : ARMOUR_COLUMNS);
		*at++ = '\n';
	}
	at = mempcpy(at, ARMOUR_END, sizeof(ARMOUR_END) - 1);
	secret_shorten(text, (size_t)(at - secret_data(text)));
	secret_free(base64);
	return text;
}

enum ag_status
openssh_key_format(struct secret **text, const struct secret *key,
    const char *comment, const struct secret *passphrase, struct ag_error *err)
{
	struct secret *container, *plain = NULL;
	enum ag_status status;

	*text = NULL;
	status = public_key_check_comment(comment, err);
	if (status != AG_OK)
		return status;
	container = openssh_container_make(key, comment);
	if (container != NULL)
		plain = text_from_container(container);
	secret_free(container);
	if (plain == NULL)
		return ag_fail(err, AG_ENOMEM, "write key: out of memory");
	if (passphrase == NULL) {
		*text = plain;
		return AG_OK;
	}
	status = recode(text, secret_bytes(plain), NULL, passphrase, err);
	secret_free(plain);
	if (status == AG_OK && *text == NULL)
		return ag_fail(err, AG_EINTERNAL,
		    "write key: libssh could not encrypt it");
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
