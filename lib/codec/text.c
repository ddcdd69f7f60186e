/*
 * Hexadecimal and base64 by libsodium, with its failures made statuses; lines.
 */
#include "codec/text.h"

#include <string.h>

#include <sodium.h>

static int
sodium_variant(enum base64_variant variant)
{
	switch (variant) {
	case BASE64_STANDARD:
		return sodium_base64_VARIANT_ORIGINAL;
	case BASE64_UNPADDED:
		return sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	case BASE64_URL:
	default:
		return sodium_base64_VARIANT_URLSAFE_NO_PADDING;
	}
}

void
text_hex(char *out, size_t cap, struct bytes data)
{
	AG_ASSERT(cap >= TEXT_HEX_BYTES(data.len));
	(void)sodium_bin2hex(out, cap, data.data, data.len);
}

enum ag_status
text_hex_decode(uint8_t *out, size_t len, struct bytes text)
{
	size_t written;

	if (text.len != len * 2 ||
	    sodium_hex2bin(out, len, (const char *)text.data, text.len, NULL,
		&written, NULL) != 0 ||
	    written != len)
		return AG_EINVAL;
	return AG_OK;
}

void
text_base64(char *out, size_t cap, struct bytes data,
    enum base64_variant variant)
{
	AG_ASSERT(cap >= TEXT_BASE64_BYTES(data.len));
	(void)sodium_bin2base64(out, cap, data.data, data.len,
	    sodium_variant(variant));
}

/*
 * libsodium 1.0.18 takes bytes above 0x7f for some digit or other, so they
 * are refused before it sees them.
 */
static bool
is_ascii(struct bytes text)
{
	uint8_t all = 0;

	for (size_t i = 0; i < text.len; i++)
		all |= text.data[i];
	return all < 0x80;
}

enum ag_status
text_base64_decode(uint8_t *out, size_t cap, size_t *len, struct bytes text,
    enum base64_variant variant)
{
	const char *end;

	if (!is_ascii(text) ||
	    sodium_base642bin(out, cap, (const char *)text.data, text.len, NULL,
		len, &end, sodium_variant(variant)) != 0 ||
	    end != (const char *)text.data + text.len)
		return AG_EINVAL;
	return AG_OK;
}

bool
text_next_line(struct bytes *text, struct bytes *line)
{
	const uint8_t *end;
	size_t len;

	if (text->len == 0)
		return false;
	end = memchr(text->data, '\n', text->len);
	len = end == NULL ? text->len : (size_t)(end - text->data);
	*line = bytes_of(text->data, len);
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;
	text->data += end == NULL ? len : len + 1;
	text->len -= end == NULL ? len : len + 1;
	return true;
}

size_t
text_json_parts(struct bytes text)
{
	bool is_string = false;
	size_t i, count = 0;

	for (i = 0; i < text.len; i++) {
		const uint8_t byte = text.data[i];

		if (byte == '\\' && is_string)
			i++;
		else if (byte == '"')
			is_string = !is_string;
		else if (!is_string && byte != '\0' &&
		    strchr("{[,:", byte) != NULL)
			count++;
	}
	return count;
}
