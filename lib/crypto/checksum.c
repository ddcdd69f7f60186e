/*
 * Check lines.
 *
 * RULES    1. A name is what the line says to its last byte, blanks
 *             included; only an escaped one is anything else.
 *          2. A file's lines are spaced one way or the other.  Mixed, a
 *             file named with a blank or a star in front could pass for
 *             another.
 *          3. Names with a NUL in them are nobody's.
 */
#include "crypto/checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"
#include "crypto/algorithm.h"

#define TAG_BYTES 32

static bool
is_blake2b(enum hash_algorithm algorithm)
{
	return algorithm == HASH_BLAKE2B_256 || algorithm == HASH_BLAKE2B_512;
}

enum ag_status
checksum_find(struct checksum_kind *kind, const char *name,
    struct ag_error *err)
{
	enum ag_status status = hash_find(&kind->algorithm, name, err);

	if (status != AG_OK)
		return status;
	kind->digest_bytes = hash_bytes(kind->algorithm);
	if (is_blake2b(kind->algorithm))
		kind->algorithm = HASH_BLAKE2B_512;
	return AG_OK;
}

void
checksum_name(char out[static CHECKSUM_NAME_BYTES], struct checksum_kind kind)
{
	if (is_blake2b(kind.algorithm))
		(void)snprintf(out, CHECKSUM_NAME_BYTES, "blake2b-%zu",
		    kind.digest_bytes * 8);
	else
		(void)snprintf(out, CHECKSUM_NAME_BYTES, "%s",
		    algorithm_get(ALGORITHM_HASH, (int)kind.algorithm)->name);
}

enum ag_status
checksum_open(struct hash **out, struct checksum_kind kind,
    enum algorithm_provider provider, struct ag_error *err)
{
	return is_blake2b(kind.algorithm)
	    ? hash_open_blake2b(out, kind.digest_bytes, provider, err)
	    : hash_open_by(out, kind.algorithm, provider, err);
}

/* As coreutils and BSD spell them. */
static void
format_tag(char out[static TAG_BYTES], struct checksum_kind kind)
{
	switch (kind.algorithm) {
	case HASH_SHA_256:
		(void)snprintf(out, TAG_BYTES, "SHA256");
		return;
	case HASH_SHA_512:
		(void)snprintf(out, TAG_BYTES, "SHA512");
		return;
	case HASH_SHA3_256:
		(void)snprintf(out, TAG_BYTES, "SHA3-256");
		return;
	case HASH_BLAKE2B_256:
	case HASH_BLAKE2B_512:
	case HASH_COUNT:
	default:
		if (kind.digest_bytes == HASH_BYTES_MAX)
			(void)snprintf(out, TAG_BYTES, "BLAKE2b");
		else
			(void)snprintf(out, TAG_BYTES, "BLAKE2b-%zu",
			    kind.digest_bytes * 8);
		return;
	}
}

static enum ag_status
append_escaped(struct buf *out, const char *name)
{
	enum ag_status status = AG_OK;

	for (; *name != '\0' && status == AG_OK; name++) {
		if (*name == '\\')
			status = buf_append(out, "\\\\", 2);
		else if (*name == '\n')
			status = buf_append(out, "\\n", 2);
		else if (*name == '\r')
			status = buf_append(out, "\\r", 2);
		else
			status = buf_append(out, name, 1);
	}
	return status;
}

enum ag_status
checksum_format(struct buf *out, struct checksum_kind kind,
    const uint8_t *digest, const char *name, struct checksum_style style)
{
	bool is_escaped =
	    !style.ends_with_nul && strpbrk(name, "\\\n\r") != NULL;
	char hex[TEXT_HEX_BYTES(HASH_BYTES_MAX)], tag[TAG_BYTES];
	enum ag_status status = AG_OK;

	text_hex(hex, sizeof(hex), bytes_of(digest, kind.digest_bytes));
	format_tag(tag, kind);
	if (is_escaped)
		status = buf_append(out, "\\", 1);
	if (status == AG_OK)
		status = style.is_tagged ? buf_printf(out, "%s (", tag)
					 : buf_printf(out, "%s %c", hex,
					       style.is_binary ? '*' : ' ');
	if (status == AG_OK)
		status = is_escaped ? append_escaped(out, name)
				    : buf_append(out, name, strlen(name));
	if (status == AG_OK && style.is_tagged)
		status = buf_printf(out, ") = %s", hex);
	return status == AG_OK
	    ? buf_append(out, style.ends_with_nul ? "" : "\n", 1)
	    : status;
}

static enum ag_status
wrong(const char *what, struct ag_error *err)
{
	return ag_fail(err, AG_EINVAL, "not a checksum line: %s", what);
}

static void
skip(struct bytes *text, size_t len)
{
	text->data += len;
	text->len -= len;
}

static bool
begins_blank(struct bytes text)
{
	return text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t');
}

static size_t
count_hex(struct bytes text)
{
	size_t len = 0;

	while (len < text.len &&
	    memchr("0123456789abcdefABCDEF", text.data[len], 22) != NULL)
		len++;
	return len;
}

/* Into line->name, without its escapes. */
static enum ag_status
take_name(struct checksum_line *line, struct bytes name, bool is_escaped,
    struct ag_error *err)
{
	size_t len = 0;

	if (name.len == 0 || name.len >= sizeof(line->name) ||
	    memchr(name.data, '\0', name.len) != NULL)
		return wrong("its name is empty or too long", err);
	for (size_t i = 0; i < name.len; i++) {
		char c = (char)name.data[i];

		if (is_escaped && c == '\\') {
			c = i + 1 < name.len ? (char)name.data[++i] : 'x';
			if (c != '\\' && c != 'n' && c != 'r')
				return wrong("its name's escapes are wrong",
				    err);
			c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
		}
		line->name[len++] = c;
	}
	line->name[len] = '\0';
	return AG_OK;
}

/* Is this digest of the length that the kind has, or may have? */
static enum ag_status
take_digest(struct checksum_line *line, struct bytes hex, struct ag_error *err)
{
	struct checksum_kind *kind = &line->kind;

	if (kind->digest_bytes == 0 && is_blake2b(kind->algorithm) &&
	    hex.len <= 2 * (size_t)HASH_BYTES_MAX)
		kind->digest_bytes = hex.len / 2;
	if (kind->digest_bytes == 0 || hex.len != 2 * kind->digest_bytes ||
	    text_hex_decode(line->digest, kind->digest_bytes, hex) != AG_OK)
		return wrong("its digest has another length, or is no digest",
		    err);
	return AG_OK;
}

/* One blank less than usual: is that how this file is spaced? */
static bool
take_spacing(struct checksum_reader *reader, struct bytes *text)
{
	bool is_two =
	    text->len > 1 && (text->data[0] == ' ' || text->data[0] == '*');

	if (!is_two) {
		if (reader->spacing == CHECKSUM_TWO)
			return false;
		reader->spacing = CHECKSUM_ONE;
	} else if (reader->spacing != CHECKSUM_ONE) {
		reader->spacing = CHECKSUM_TWO;
		skip(text, 1);
	}
	return true;
}

static enum ag_status
parse_plain(struct checksum_line *line, struct checksum_reader *reader,
    struct bytes text, bool is_escaped, struct ag_error *err)
{
	struct bytes hex = bytes_of(text.data, count_hex(text));
	enum ag_status status;

	line->kind = reader->plain;
	status = take_digest(line, hex, err);
	if (status != AG_OK)
		return status;
	skip(&text, hex.len + 1);
	if (!take_spacing(reader, &text))
		return wrong("it is spaced unlike the lines before", err);
	return take_name(line, text, is_escaped, err);
}

/* "BLAKE2b-384", which has no row of its own. */
static bool
find_blake2b_length(struct checksum_kind *kind, const char *tag)
{
	const char prefix[] = "BLAKE2b-";
	unsigned long bits;
	char *end;

	if (strncmp(tag, prefix, sizeof(prefix) - 1) != 0)
		return false;
	tag += sizeof(prefix) - 1;
	if (*tag < '1' || *tag > '9' || strlen(tag) > 3)
		return false;
	bits = strtoul(tag, &end, 10);
	kind->algorithm = HASH_BLAKE2B_512;
	kind->digest_bytes = bits / 8;
	return *end == '\0' && bits % 8 == 0 && bits <= 8 * HASH_BYTES_MAX;
}

static enum ag_status
take_tag(struct checksum_line *line, const struct checksum_reader *reader,
    struct bytes word, struct ag_error *err)
{
	const struct checksum_kind *wanted = &reader->plain;
	char tag[TAG_BYTES];
	enum ag_status status;

	if (word.len == 0 || word.len >= sizeof(tag) ||
	    memchr(word.data, '\0', word.len) != NULL)
		return wrong("it begins with no digest and no algorithm", err);
	memcpy(tag, word.data, word.len);
	tag[word.len] = '\0';
	if (!find_blake2b_length(&line->kind, tag)) {
		status = checksum_find(&line->kind, tag, err);
		if (status != AG_OK)
			return AG_EINVAL;
	}
	if (reader->is_strict &&
	    (line->kind.algorithm != wanted->algorithm ||
		(wanted->digest_bytes != 0 &&
		    line->kind.digest_bytes != wanted->digest_bytes)))
		return wrong("it is of another algorithm than -a says", err);
	return AG_OK;
}

static enum ag_status
parse_tagged(struct checksum_line *line, const struct checksum_reader *reader,
    struct bytes text, bool is_escaped, struct ag_error *err)
{
	const uint8_t *open = memchr(text.data, '(', text.len);
	const uint8_t *close = memrchr(text.data, ')', text.len);
	struct bytes word, name, hex;
	enum ag_status status;

	if (open == NULL || close == NULL || close < open)
		return wrong("it begins with no digest and no algorithm", err);
	word = bytes_of(text.data, (size_t)(open - text.data));
	name = bytes_of(open + 1, (size_t)(close - open - 1));
	hex = bytes_of(close + 1, (size_t)(text.data + text.len - close - 1));
	if (word.len > 0 && word.data[word.len - 1] == ' ')
		word.len--;
	while (begins_blank(hex))
		skip(&hex, 1);
	if (hex.len == 0 || hex.data[0] != '=')
		return wrong("no = follows its name", err);
	skip(&hex, 1);
	while (begins_blank(hex))
		skip(&hex, 1);
	status = take_tag(line, reader, word, err);
	if (status == AG_OK)
		status = take_digest(line, hex, err);
	return status == AG_OK ? take_name(line, name, is_escaped, err)
			       : status;
}

enum ag_status
checksum_parse(struct checksum_line *line, struct checksum_reader *reader,
    struct bytes text, struct ag_error *err)
{
	bool is_escaped;
	size_t hex_len;

	if (text.len > 0 && text.data[text.len - 1] == '\r')
		text.len--;
	while (begins_blank(text))
		skip(&text, 1);
	is_escaped = text.len > 0 && text.data[0] == '\\';
	if (is_escaped)
		skip(&text, 1);
	if (text.len == 0)
		return wrong("it is empty", err);
	hex_len = count_hex(text);
	if (hex_len >= 2 &&
	    begins_blank(bytes_of(text.data + hex_len, text.len - hex_len)))
		return parse_plain(line, reader, text, is_escaped, err);
	return parse_tagged(line, reader, text, is_escaped, err);
}
