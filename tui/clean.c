/*
 * Text from elsewhere, made fit to be shown.
 *
 * The one place that decides what may reach a terminal.  A Byzantine node
 * chooses its log lines and error texts; without this it would choose what
 * the operator's terminal does.
 *
 * RULES    1. UTF-8 is decoded strictly: no overlong forms, no surrogates,
 *             nothing past U+10FFFF.  A bad byte is taken alone.
 *          2. C0, DEL, C1, line separators, bidirectional controls, joiners,
 *             tags and what the locale calls unprintable are escaped.
 *          3. Escaping twice changes nothing: an escape is plain ASCII.
 *
 * NOT HERE Where text goes on the screen (canvas.c).
 */
#include "tui/clean.h"

#include <wchar.h>

#include "base/status.h"

/* Code points that print nothing but change how others are shown. */
static const struct {
	uint32_t first;
	uint32_t last;
} clean_hidden[] = {
	{ 0x0000, 0x001F },
	{ 0x007F, 0x009F },
	{ 0x00AD, 0x00AD },
	{ 0x061C, 0x061C },
	{ 0x180E, 0x180E },
	{ 0x200B, 0x200F },
	{ 0x2028, 0x202E },
	{ 0x2060, 0x206F },
	{ 0xFE00, 0xFE0F },
	{ 0xFEFF, 0xFEFF },
	{ 0xFFF9, 0xFFFB },
	{ 0xE0000, 0xE0FFF },
};

static bool
is_hidden(uint32_t code)
{
	size_t count = sizeof(clean_hidden) / sizeof(clean_hidden[0]);

	for (size_t i = 0; i < count; i++)
		if (code >= clean_hidden[i].first &&
		    code <= clean_hidden[i].last)
			return true;
	return false;
}

/* Bytes a sequence takes by its first byte, 0 when none can start so. */
static size_t
sequence_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xC2 && first <= 0xDF)
		return 2;
	if (first >= 0xE0 && first <= 0xEF)
		return 3;
	if (first >= 0xF0 && first <= 0xF4)
		return 4;
	return 0;
}

/* Decode strictly; 0 when the front of text is not UTF-8. */
static size_t
decode(struct bytes text, uint32_t *code)
{
	static const uint32_t smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = sequence_length(text.data[0]);
	uint32_t value = 0;

	if (len == 0 || len > text.len)
		return 0;
	value = len == 1 ? text.data[0] : text.data[0] & (0x7FU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((text.data[i] & 0xC0) != 0x80)
			return 0;
		value = value << 6 | (text.data[i] & 0x3FU);
	}
	if (value < smallest[len] || value > 0x10FFFF ||
	    (value >= 0xD800 && value <= 0xDFFF))
		return 0;
	*code = value;
	return len;
}

size_t
clean_next(struct bytes text, bool ascii, struct clean_glyph *out)
{
	uint32_t code = 0;
	size_t len = 0;
	int width = 0;

	AG_ASSERT(text.len > 0);
	out->code = 0;
	out->width = 0;
	len = decode(text, &code);
	if (len == 0)
		return 1;
	if (is_hidden(code) || (ascii && code > 0x7E))
		return len;
	width = code < 0x80 ? 1 : wcwidth((wchar_t)code);
	if (width < 0)
		return len;
	out->code = code;
	out->width = width;
	return len;
}

void
clean_escape(char out[static CLEAN_ESCAPE_BYTES], uint8_t byte)
{
	static const char digits[] = "0123456789ABCDEF";

	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[byte >> 4];
	out[3] = digits[byte & 15];
	out[4] = '\0';
}

void
clean_copy(char *out, size_t cap, struct bytes text)
{
	size_t used = 0;

	AG_ASSERT(cap > 0);
	for (size_t at = 0; at < text.len;) {
		struct bytes rest = bytes_of(text.data + at, text.len - at);
		struct clean_glyph glyph;
		size_t len = clean_next(rest, false, &glyph);
		size_t need = glyph.code == 0 ? 4 * len : len;

		if (used + need >= cap)
			break;
		for (size_t i = 0; i < len; i++) {
			if (glyph.code == 0) {
				clean_escape(out + used, rest.data[i]);
				used += 4;
			} else {
				out[used++] = (char)rest.data[i];
			}
		}
		at += len;
	}
	out[used] = '\0';
}

size_t
clean_encode(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xE0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3F));
		out[2] = (char)(0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3F));
	out[2] = (char)(0x80 | (code >> 6 & 0x3F));
	out[3] = (char)(0x80 | (code & 0x3F));
	return 4;
}
