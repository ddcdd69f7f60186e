/*
 * OpenSSH public key lines and fingerprints.
 *
 * RULES    1. Parsing is strict: one type, canonical base64, the exact blob.
 *             A key has one text, so texts can be compared.
 *          2. A comment is shown on terminals: control characters in one
 *             make the line wrong.
 */
#include "crypto/public_key.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/fs.h"
#include "codec/decoder.h"
#include "codec/text.h"
#include "crypto/ssh_wire.h"

void
public_key_blob(uint8_t blob[static PUBLIC_KEY_BLOB_BYTES],
    const uint8_t key[static SIGN_PUBLIC_BYTES])
{
	uint8_t *at = blob;

	at = ssh_wire_put_string(at, bytes_from_text(PUBLIC_KEY_TYPE));
	at = ssh_wire_put_string(at, bytes_of(key, SIGN_PUBLIC_BYTES));
	AG_ASSERT(at == blob + PUBLIC_KEY_BLOB_BYTES);
}

void
public_key_fingerprint(char text[static FINGERPRINT_BYTES],
    const uint8_t key[static SIGN_PUBLIC_BYTES])
{
	uint8_t blob[PUBLIC_KEY_BLOB_BYTES], hash[crypto_hash_sha256_BYTES];
	char base64[TEXT_BASE64_BYTES(sizeof(hash))];

	public_key_blob(blob, key);
	(void)crypto_hash_sha256(hash, blob, sizeof(blob));
	text_base64(base64, sizeof(base64), bytes_of(hash, sizeof(hash)),
	    BASE64_UNPADDED);
	(void)snprintf(text, FINGERPRINT_BYTES, "SHA256:%.43s", base64);
}

void
public_key_format(char text[static PUBLIC_KEY_LINE_BYTES],
    const uint8_t key[static SIGN_PUBLIC_BYTES], const char *comment)
{
	uint8_t blob[PUBLIC_KEY_BLOB_BYTES];
	char base64[TEXT_BASE64_BYTES(sizeof(blob))];
	bool has_comment = comment != NULL && comment[0] != '\0';

	public_key_blob(blob, key);
	text_base64(base64, sizeof(base64), bytes_of(blob, sizeof(blob)),
	    BASE64_STANDARD);
	(void)snprintf(text, PUBLIC_KEY_LINE_BYTES, "%s %s%s%s",
	    PUBLIC_KEY_TYPE, base64, has_comment ? " " : "",
	    has_comment ? comment : "");
}

enum ag_status
public_key_parse_words(uint8_t key[static SIGN_PUBLIC_BYTES], struct bytes type,
    struct bytes base64, struct ag_error *err)
{
	uint8_t blob[PUBLIC_KEY_BLOB_BYTES], expected[PUBLIC_KEY_BLOB_BYTES];
	size_t len = 0;

	if (!bytes_equal(type, bytes_from_text(PUBLIC_KEY_TYPE)))
		return ag_fail(err, AG_EINVAL,
		    "not an Ed25519 public key (it begins with \"ssh-ed25519 "
		    "AAAA\")");
	if (text_base64_decode(blob, sizeof(blob), &len, base64,
		BASE64_STANDARD) != AG_OK ||
	    len != sizeof(blob))
		return ag_fail(err, AG_EINVAL,
		    "public key is damaged or cut short");
	memcpy(key, blob + PUBLIC_KEY_BLOB_BYTES - SIGN_PUBLIC_BYTES,
	    SIGN_PUBLIC_BYTES);
	public_key_blob(expected, key);
	if (memcmp(blob, expected, sizeof(blob)) != 0)
		return ag_fail(err, AG_EINVAL,
		    "public key is of another type than its first word says");
	return AG_OK;
}

static enum ag_status
check_comment(struct bytes text, struct ag_error *err)
{
	size_t i;

	if (text.len >= PUBLIC_KEY_COMMENT_BYTES)
		return ag_fail(err, AG_EINVAL,
		    "key comment is longer than %d bytes",
		    PUBLIC_KEY_COMMENT_BYTES - 1);
	for (i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return ag_fail(err, AG_EINVAL,
			    "key comment has a control character");
	if (!utf8_valid(text))
		return ag_fail(err, AG_EINVAL, "key comment is not UTF-8");
	return AG_OK;
}

enum ag_status
public_key_check_comment(const char *text, struct ag_error *err)
{
	return check_comment(bytes_from_text(text), err);
}

/* Cut the next word and the one space after it off the front of rest. */
static struct bytes
take_word(struct bytes *rest)
{
	size_t len = 0;
	struct bytes word;

	while (len < rest->len && rest->data[len] != ' ')
		len++;
	word = bytes_of(rest->data, len);
	if (len < rest->len)
		len++;
	*rest = bytes_of(rest->data + len, rest->len - len);
	return word;
}

enum ag_status
public_key_take_comment(char comment[static PUBLIC_KEY_COMMENT_BYTES],
    struct bytes line, struct ag_error *err)
{
	enum ag_status status;

	while (line.len > 0 &&
	    (line.data[line.len - 1] == '\n' ||
		line.data[line.len - 1] == '\r'))
		line.len--;
	(void)take_word(&line);
	(void)take_word(&line);
	status = check_comment(line, err);
	if (status != AG_OK)
		return status;
	if (line.len > 0)
		memcpy(comment, line.data, line.len);
	comment[line.len] = '\0';
	return AG_OK;
}

enum ag_status
public_key_parse(uint8_t key[static SIGN_PUBLIC_BYTES], char *comment,
    struct bytes line, struct ag_error *err)
{
	struct bytes rest = line, type, base64;
	enum ag_status status;

	if (rest.len > 0 && rest.data[rest.len - 1] == '\n')
		rest.len--;
	type = take_word(&rest);
	base64 = take_word(&rest);
	status = public_key_parse_words(key, type, base64, err);
	if (status == AG_OK)
		status = check_comment(rest, err);
	if (status != AG_OK || comment == NULL)
		return status;
	if (rest.len > 0)
		memcpy(comment, rest.data, rest.len);
	comment[rest.len] = '\0';
	return AG_OK;
}

enum ag_status
public_key_load(uint8_t key[static SIGN_PUBLIC_BYTES], char *comment,
    const char *path, struct ag_error *err)
{
	enum ag_status status;
	struct buf text;

	buf_init(&text, PUBLIC_KEY_FILE_BYTES_MAX);
	status = fs_read_file(path, &text, err);
	if (status != AG_OK)
		goto out;
	status = public_key_parse(key, comment, buf_bytes(&text), err);
	if (status != AG_OK)
		ag_error_prefix(err, "public key %s", path);
out:
	buf_fini(&text);
	return status;
}
