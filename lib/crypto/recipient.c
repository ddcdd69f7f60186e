/*
 * Recipient keys: text forms, files, and wrapping of file keys.
 *
 * RULES    1. An ephemeral key serves one wrapping; its secret is wiped
 *             before the wrapping is returned.
 *          2. A recipient whose shared secret is zero (a point of small
 *             order) is refused; libsodium says so.
 *          3. A sealed key names its own work factors.  They are bounded on
 *             reading from below, or a forged file would weaken the
 *             passphrase, and from above, or it would eat the memory.
 *          4. Texts of secrets are coded by libsodium in constant time.
 */
#include "crypto/recipient.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/fs.h"
#include "crypto/key_file.h"
#include "crypto/stretch.h"

#define RECIPIENT_PREFIX "aegis-recipient-1-"
#define SECRET_PREFIX "AEGIS-SECRET-KEY-1-"
#define SEALED_PREFIX "AEGIS-SEALED-KEY-1-"
#define BOX_PURPOSE "aegis/box/v1"

#define CHECK_BYTES 4
#define CHECKED_BYTES (RECIPIENT_KEY_BYTES + CHECK_BYTES)
#define HEAD_BYTES (4 + 4 + STRETCH_SALT_BYTES)
#define SEALED_BYTES (HEAD_BYTES + RECIPIENT_KEY_BYTES + SEAL_OVERHEAD)

enum ag_status
recipient_keypair(struct secret **key, struct ag_error *err)
{
	*key = secret_random(RECIPIENT_KEY_BYTES);
	if (*key == NULL)
		return ag_fail(err, AG_ENOMEM, "make key: out of memory");
	return AG_OK;
}

void
recipient_public(uint8_t recipient[static RECIPIENT_KEY_BYTES],
    const struct secret *key)
{
	AG_ASSERT(secret_len(key) == RECIPIENT_KEY_BYTES);
	(void)crypto_scalarmult_base(recipient, secret_bytes(key).data);
}

static void
checksum(uint8_t check[static CHECK_BYTES], const char *prefix,
    const uint8_t *key)
{
	crypto_generichash_state hash;
	uint8_t full[32];

	(void)crypto_generichash_init(&hash, NULL, 0, sizeof(full));
	(void)crypto_generichash_update(&hash, (const uint8_t *)prefix,
	    strlen(prefix));
	(void)crypto_generichash_update(&hash, key, RECIPIENT_KEY_BYTES);
	(void)crypto_generichash_final(&hash, full, sizeof(full));
	memcpy(check, full, CHECK_BYTES);
	secret_wipe(full, sizeof(full));
	secret_wipe(&hash, sizeof(hash));
}

/* prefix and base64url of data into out; cap is enough by construction. */
static void
put_text(char *out, size_t cap, const char *prefix, const uint8_t *data,
    size_t len)
{
	size_t at = strlen(prefix);

	AG_ASSERT(at < cap);
	memcpy(out, prefix, at);
	(void)sodium_bin2base64(out + at, cap - at, data, len,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* Exactly len bytes of base64url after prefix, and nothing else. */
static bool
get_text(uint8_t *out, size_t len, const char *prefix, struct bytes text)
{
	size_t skip = strlen(prefix), got = 0;

	return bytes_has_prefix(text, bytes_from_text(prefix)) &&
	    secret_base64_decode(out, len, &got,
		bytes_of(text.data + skip, text.len - skip), NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) &&
	    got == len;
}

void
recipient_format(char text[static RECIPIENT_TEXT_BYTES],
    const uint8_t recipient[static RECIPIENT_KEY_BYTES])
{
	uint8_t data[CHECKED_BYTES];

	memcpy(data, recipient, RECIPIENT_KEY_BYTES);
	checksum(data + RECIPIENT_KEY_BYTES, RECIPIENT_PREFIX, recipient);
	put_text(text, RECIPIENT_TEXT_BYTES, RECIPIENT_PREFIX, data,
	    sizeof(data));
}

static struct bytes
trim(struct bytes text)
{
	while (text.len > 0 &&
	    (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == ' '))
		text.len--;
	return text;
}

enum ag_status
recipient_parse(uint8_t recipient[static RECIPIENT_KEY_BYTES],
    struct bytes text, struct ag_error *err)
{
	uint8_t data[CHECKED_BYTES], check[CHECK_BYTES];

	text = trim(text);
	if (!bytes_has_prefix(text, bytes_from_text(RECIPIENT_PREFIX)))
		return ag_fail(err, AG_EINVAL,
		    "not a recipient key (it begins with \"%s\")",
		    RECIPIENT_PREFIX);
	if (!get_text(data, sizeof(data), RECIPIENT_PREFIX, text))
		return ag_fail(err, AG_EINVAL,
		    "recipient key is damaged or cut short");
	checksum(check, RECIPIENT_PREFIX, data);
	if (memcmp(check, data + RECIPIENT_KEY_BYTES, CHECK_BYTES) != 0)
		return ag_fail(err, AG_EINVAL,
		    "recipient key is mistyped: its checksum is wrong");
	memcpy(recipient, data, RECIPIENT_KEY_BYTES);
	return AG_OK;
}

enum ag_status
recipient_load(uint8_t recipient[static RECIPIENT_KEY_BYTES],
    const char *text_or_path, struct ag_error *err)
{
	struct bytes text = bytes_from_text(text_or_path);
	enum ag_status status;
	struct buf file;

	if (bytes_has_prefix(text, bytes_from_text(RECIPIENT_PREFIX)))
		return recipient_parse(recipient, text, err);
	buf_init(&file, RECIPIENT_FILE_BYTES_MAX);
	status = fs_read_file(text_or_path, &file, err);
	if (status == AG_OK) {
		status = recipient_parse(recipient, buf_bytes(&file), err);
		if (status != AG_OK)
			ag_error_prefix(err, "recipient %s", text_or_path);
	}
	buf_fini(&file);
	return status;
}

static void
put_u32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

static uint32_t
get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	    (uint32_t)at[2] << 8 | at[3];
}

/* Into data, which has SEALED_BYTES. */
static enum ag_status
seal_key(uint8_t *data, const struct secret *key,
    const struct secret *passphrase, struct ag_error *err)
{
	struct secret *wrapping;
	struct stretch stretch;
	enum ag_status status;

	stretch_init(&stretch, WORK_USUAL);
	status = stretch_passphrase(&wrapping, &stretch, passphrase, err);
	if (status != AG_OK) {
		ag_error_prefix(err, "seal key");
		return status;
	}
	put_u32(data, stretch.passes);
	put_u32(data + 4, stretch.mebibytes);
	memcpy(data + 8, stretch.salt, STRETCH_SALT_BYTES);
	seal_buffer(data + HEAD_BYTES, wrapping, bytes_of(data, HEAD_BYTES),
	    secret_bytes(key));
	secret_free(wrapping);
	return AG_OK;
}

/* The line that is in the file, with its newline. */
static enum ag_status
put_key_line(char *out, size_t cap, const struct secret *key,
    const struct secret *passphrase, struct ag_error *err)
{
	uint8_t data[SEALED_BYTES];
	enum ag_status status = AG_OK;
	size_t len;

	if (passphrase != NULL) {
		status = seal_key(data, key, passphrase, err);
		if (status == AG_OK)
			put_text(out, cap, SEALED_PREFIX, data, SEALED_BYTES);
	} else {
		memcpy(data, secret_bytes(key).data, RECIPIENT_KEY_BYTES);
		checksum(data + RECIPIENT_KEY_BYTES, SECRET_PREFIX, data);
		put_text(out, cap, SECRET_PREFIX, data, CHECKED_BYTES);
	}
	secret_wipe(data, sizeof(data));
	if (status != AG_OK)
		return status;
	len = strlen(out);
	AG_ASSERT(len + 1 < cap);
	out[len] = '\n';
	out[len + 1] = '\0';
	return AG_OK;
}

enum ag_status
recipient_format_key(struct secret **text, const struct secret *key,
    const struct secret *passphrase, struct ag_error *err)
{
	char public_text[RECIPIENT_TEXT_BYTES];
	uint8_t recipient[RECIPIENT_KEY_BYTES];
	enum ag_status status;
	char *out;
	int len;

	*text = secret_new(1024);
	if (*text == NULL)
		return ag_fail(err, AG_ENOMEM, "write key: out of memory");
	out = (char *)secret_data(*text);
	recipient_public(recipient, key);
	recipient_format(public_text, recipient);
	len = snprintf(out, 512,
	    "# keep this secret; its public half is\n# %s\n", public_text);
	AG_ASSERT(len > 0);
	status = put_key_line(out + len, 512, key, passphrase, err);
	if (status != AG_OK) {
		secret_free(*text);
		*text = NULL;
		return status;
	}
	secret_shorten(*text, strlen(out));
	return AG_OK;
}

/* The one line of a key file that is not a comment. */
static struct bytes
key_line(struct bytes text)
{
	while (text.len > 0 && (text.data[0] == '#' || text.data[0] == '\n')) {
		const uint8_t *newline = memchr(text.data, '\n', text.len);

		if (newline == NULL)
			return bytes_of(text.data, 0);
		text.len -= (size_t)(newline + 1 - text.data);
		text.data = newline + 1;
	}
	return trim(text);
}

bool
recipient_key_is_sealed(struct bytes text)
{
	return bytes_has_prefix(key_line(text), bytes_from_text(SEALED_PREFIX));
}

bool
recipient_is_text(struct bytes text)
{
	return bytes_has_prefix(text, bytes_from_text(RECIPIENT_PREFIX));
}

bool
recipient_key_is_file(struct bytes text)
{
	return recipient_key_is_sealed(text) ||
	    bytes_has_prefix(key_line(text), bytes_from_text(SECRET_PREFIX));
}

static enum ag_status
parse_plain(struct secret *key, struct bytes line, const char *name,
    struct ag_error *err)
{
	uint8_t data[CHECKED_BYTES], check[CHECK_BYTES];
	bool is_right;

	is_right = get_text(data, sizeof(data), SECRET_PREFIX, line);
	if (is_right) {
		checksum(check, SECRET_PREFIX, data);
		is_right = sodium_memcmp(check, data + RECIPIENT_KEY_BYTES,
			       CHECK_BYTES) == 0;
	}
	if (is_right)
		memcpy(secret_data(key), data, RECIPIENT_KEY_BYTES);
	secret_wipe(data, sizeof(data));
	if (!is_right)
		return ag_fail(err, AG_EINVAL,
		    "secret key %s: damaged or cut short", name);
	return AG_OK;
}

static enum ag_status
parse_sealed(struct secret *key, struct bytes line,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	uint8_t data[SEALED_BYTES];
	struct secret *wrapping;
	struct stretch stretch;
	enum ag_status status;

	if (passphrase == NULL)
		return ag_fail(err, AG_EDENIED,
		    "secret key %s: it is sealed and needs its passphrase",
		    name);
	if (!get_text(data, sizeof(data), SEALED_PREFIX, line))
		return ag_fail(err, AG_EINVAL,
		    "secret key %s: damaged or cut short", name);
	stretch.passes = get_u32(data);
	stretch.mebibytes = get_u32(data + 4);
	memcpy(stretch.salt, data + 8, STRETCH_SALT_BYTES);
	status = stretch_passphrase(&wrapping, &stretch, passphrase, err);
	if (status != AG_OK) {
		ag_error_prefix(err, "secret key %s", name);
		return status;
	}
	status =
	    seal_open(secret_data(key), wrapping, bytes_of(data, HEAD_BYTES),
		bytes_of(data + HEAD_BYTES, sizeof(data) - HEAD_BYTES));
	secret_free(wrapping);
	if (status != AG_OK)
		return ag_fail(err, AG_EDENIED,
		    "secret key %s: wrong passphrase, or damaged", name);
	return AG_OK;
}

enum ag_status
recipient_parse_key(struct secret **key, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct bytes line = key_line(text);
	enum ag_status status;

	*key = secret_new(RECIPIENT_KEY_BYTES);
	if (*key == NULL)
		return ag_fail(err, AG_ENOMEM, "secret key %s: out of memory",
		    name);
	if (bytes_has_prefix(line, bytes_from_text(SECRET_PREFIX)))
		status = parse_plain(*key, line, name, err);
	else if (bytes_has_prefix(line, bytes_from_text(SEALED_PREFIX)))
		status = parse_sealed(*key, line, passphrase, name, err);
	else
		status = ag_fail(err, AG_EINVAL,
		    "secret key %s: not a backup key (no line begins with "
		    "\"%s\")",
		    name, SECRET_PREFIX);
	if (status != AG_OK) {
		secret_free(*key);
		*key = NULL;
	}
	return status;
}

enum ag_status
recipient_save(const struct secret *key, const char *path,
    const struct secret *passphrase, bool overwrite, struct ag_error *err)
{
	char line[RECIPIENT_TEXT_BYTES + 1];
	uint8_t recipient[RECIPIENT_KEY_BYTES];
	struct secret *text;
	enum ag_status status;
	size_t len;

	recipient_public(recipient, key);
	recipient_format(line, recipient);
	len = strlen(line);
	line[len] = '\n';
	status = recipient_format_key(&text, key, passphrase, err);
	if (status != AG_OK)
		return status;
	status = key_file_save(secret_bytes(text), bytes_of(line, len + 1),
	    path, overwrite, err);
	secret_free(text);
	return status;
}

/* The key that wraps: bound to both public keys and to this use. */
static struct secret *
wrapping_key(const struct secret *scalar, const uint8_t *their_public,
    const uint8_t *ephemeral, const uint8_t *recipient)
{
	struct secret *shared = secret_new(crypto_scalarmult_BYTES);
	struct secret *key = secret_new(SEAL_KEY_BYTES);
	crypto_generichash_state hash;

	if (shared == NULL || key == NULL ||
	    crypto_scalarmult(secret_data(shared), secret_bytes(scalar).data,
		their_public) != 0) {
		secret_free(shared);
		secret_free(key);
		return NULL;
	}
	(void)crypto_generichash_init(&hash, secret_data(shared),
	    crypto_scalarmult_BYTES, SEAL_KEY_BYTES);
	(void)crypto_generichash_update(&hash, (const uint8_t *)BOX_PURPOSE,
	    sizeof(BOX_PURPOSE));
	(void)crypto_generichash_update(&hash, ephemeral, RECIPIENT_KEY_BYTES);
	(void)crypto_generichash_update(&hash, recipient, RECIPIENT_KEY_BYTES);
	(void)crypto_generichash_final(&hash, secret_data(key), SEAL_KEY_BYTES);
	secret_wipe(&hash, sizeof(hash));
	secret_free(shared);
	return key;
}

enum ag_status
recipient_wrap(uint8_t wrapped[static RECIPIENT_WRAPPED_BYTES],
    const uint8_t recipient[static RECIPIENT_KEY_BYTES],
    const struct secret *file_key, struct ag_error *err)
{
	struct secret *ephemeral = secret_random(RECIPIENT_KEY_BYTES);
	struct secret *key;

	AG_ASSERT(secret_len(file_key) == RECIPIENT_FILE_KEY_BYTES);
	if (ephemeral == NULL)
		return ag_fail(err, AG_ENOMEM, "wrap key: out of memory");
	recipient_public(wrapped, ephemeral);
	key = wrapping_key(ephemeral, recipient, wrapped, recipient);
	secret_free(ephemeral);
	if (key == NULL)
		return ag_fail(err, AG_EINVAL,
		    "wrap key: the recipient's key is not a valid one");
	seal_buffer(wrapped + RECIPIENT_KEY_BYTES, key, bytes_of(NULL, 0),
	    secret_bytes(file_key));
	secret_free(key);
	return AG_OK;
}

enum ag_status
recipient_unwrap(struct secret **file_key,
    const uint8_t wrapped[static RECIPIENT_WRAPPED_BYTES],
    const struct secret *key, struct ag_error *err)
{
	uint8_t recipient[RECIPIENT_KEY_BYTES];
	struct secret *wrapping;
	enum ag_status status = AG_EFORGED;

	*file_key = secret_new(RECIPIENT_FILE_KEY_BYTES);
	if (*file_key == NULL)
		return ag_fail(err, AG_ENOMEM, "unwrap key: out of memory");
	recipient_public(recipient, key);
	wrapping = wrapping_key(key, wrapped, wrapped, recipient);
	if (wrapping != NULL)
		status = seal_open(secret_data(*file_key), wrapping,
		    bytes_of(NULL, 0),
		    bytes_of(wrapped + RECIPIENT_KEY_BYTES,
			RECIPIENT_WRAPPED_BYTES - RECIPIENT_KEY_BYTES));
	secret_free(wrapping);
	if (status == AG_OK)
		return AG_OK;
	secret_free(*file_key);
	*file_key = NULL;
	return ag_fail(err, AG_EFORGED,
	    "this key does not open it: it was made for another recipient, "
	    "or is damaged");
}
