/*
 * Armour around keys.
 *
 * RULES    1. What is inside may be secret: it is coded in constant time,
 *             and copied into locked memory only.
 *          2. Nothing but blanks may follow the last line: what does was
 *             appended, or belongs to another key.
 */
#include "crypto/armour.h"

#include <stdio.h>

#include <sodium.h>

#define LINE_BYTES 64

static size_t
make_line(char line[static LINE_BYTES], const char *word, const char *label)
{
	int len = snprintf(line, LINE_BYTES, "-----%s %s-----", word, label);

	AG_ASSERT(len > 0 && len < LINE_BYTES);
	return (size_t)len;
}

/* What follows the first line; false when it is not that label's. */
static bool
skip_begin(struct bytes *text, const char *label)
{
	char line[LINE_BYTES];
	size_t len = make_line(line, "BEGIN", label);

	if (!bytes_has_prefix(*text, bytes_of(line, len)))
		return false;
	if (text->len > len && text->data[len] == '\r')
		len++;
	if (text->len <= len || text->data[len] != '\n')
		return false;
	*text = bytes_of(text->data + len + 1, text->len - len - 1);
	return true;
}

bool
armour_has(struct bytes text, const char *label)
{
	return skip_begin(&text, label);
}

/* Without the white space at its end. */
static struct bytes
trim(struct bytes text)
{
	while (text.len > 0 &&
	    memchr(" \t\r\n", text.data[text.len - 1], 4) != NULL)
		text.len--;
	return text;
}

static enum ag_status
decode(struct secret **out, struct bytes base64, const char *name,
    struct ag_error *err)
{
	struct secret *raw = secret_new(base64.len);
	size_t len = 0;

	if (raw == NULL)
		return ag_fail(err, AG_ENOMEM, "private key %s: out of memory",
		    name);
	if (!secret_base64_decode(secret_data(raw), secret_len(raw), &len,
		base64, "\r\n", sodium_base64_VARIANT_ORIGINAL) ||
	    len == 0) {
		secret_free(raw);
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged, not base64", name);
	}
	secret_shorten(raw, len);
	*out = raw;
	return AG_OK;
}

enum ag_status
armour_take_off(struct secret **out, struct bytes text, const char *label,
    const char *name, struct ag_error *err)
{
	char line[LINE_BYTES];
	size_t len = make_line(line, "END", label);

	*out = NULL;
	if (!skip_begin(&text, label))
		return ag_fail(err, AG_EINVAL,
		    "private key %s: it does not begin with a line of %s", name,
		    label);
	text = trim(text);
	/* It is known where the last line is; what is secret is not searched. */
	if (text.len > len &&
	    memcmp(text.data + text.len - len, line, len) == 0)
		return decode(out, bytes_of(text.data, text.len - len), name,
		    err);
	if (memmem(text.data, text.len, line, len) == NULL)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: cut short, its last line is missing",
		    name);
	return ag_fail(err, AG_EINVAL,
	    "private key %s: something follows its last line", name);
}

struct secret *
armour_put_on(struct bytes raw, const char *label, size_t columns)
{
	size_t base64_len = (raw.len + 2) / 3 * 4;
	struct secret *base64 = secret_new(base64_len + 1);
	struct secret *text = secret_new(2 * (LINE_BYTES + 1) + base64_len +
	    (base64_len + columns - 1) / columns);
	char line[LINE_BYTES];
	uint8_t *at;
	size_t len;

	if (base64 == NULL || text == NULL) {
		secret_free(base64);
		secret_free(text);
		return NULL;
	}
	(void)sodium_bin2base64((char *)secret_data(base64), base64_len + 1,
	    raw.data, raw.len, sodium_base64_VARIANT_ORIGINAL);
	len = make_line(line, "BEGIN", label);
	at = mempcpy(secret_data(text), line, len);
	*at++ = '\n';
	for (size_t done = 0; done < base64_len; done += columns) {
		size_t left = base64_len - done;

		at = mempcpy(at, secret_data(base64) + done,
		    left < columns ? left : columns);
		*at++ = '\n';
	}
	len = make_line(line, "END", label);
	at = mempcpy(at, line, len);
	*at++ = '\n';
	secret_shorten(text, (size_t)(at - secret_data(text)));
	secret_free(base64);
	return text;
}
