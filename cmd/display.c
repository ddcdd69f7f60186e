/*
 * Making foreign text safe for a terminal.
 *
 * RULES    1. Escaped are C0, DEL and C1 controls, line and paragraph
 *             separators, everything that sets a text direction, the
 *             byte-order mark, and bytes that are no shortest-form UTF-8.
 *          2. Anything else passes unchanged.  A backslash does too: what is
 *             shown is for eyes, and -o json is the exact form.
 *          3. Widths come from wcwidth(3); main() sets the locale for it.
 */
#include "cmd/display.h"

#include <wchar.h>

size_t
display_decode(struct bytes text, uint32_t *code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t value = text.len == 0 ? 0 : text.data[0];
	size_t len = value < 0x80           ? 1
	    : value >= 0xc2 && value < 0xe0 ? 2
	    : value >= 0xe0 && value < 0xf0 ? 3
	    : value >= 0xf0 && value < 0xf5 ? 4
					    : 0;

	if (len == 0 || len > text.len)
		return 0;
	if (len > 1)
		value &= 0x7fU >> len;
	for (size_t i = 1; i < len; i++) {
		if ((text.data[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text.data[i] & 0x3f);
	}
	if (value < smallest[len] || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code = value;
	return len;
}

static bool
display_is_safe(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	if (code == 0x61c || code == 0x200e || code == 0x200f)
		return false;
	if (code >= 0x2028 && code <= 0x202e)
		return false;
	return !(code >= 0x2066 && code <= 0x2069) && code != 0xfeff;
}

enum ag_status
display_append(struct buf *out, struct bytes text, size_t *columns)
{
	enum ag_status status = AG_OK;
	size_t done = 0;

	*columns = 0;
	while (done < text.len && status == AG_OK) {
		struct bytes rest = bytes_of(text.data + done, text.len - done);
		uint32_t code = 0;
		size_t len = display_decode(rest, &code);

		if (len == 0 || !display_is_safe(code)) {
			status = buf_printf(out, "\\x%02x", rest.data[0]);
			*columns += 4;
			/* The rest of an unsafe character is no start of one,
			 * so its bytes follow escaped. */
			done++;
			continue;
		}
		int width = wcwidth((wchar_t)code);

		status = buf_append(out, rest.data, len);
		*columns += width > 0 ? (size_t)width : 0;
		done += len;
	}
	return status;
}

void
display_print(FILE *stream, struct bytes text)
{
	struct buf out;
	size_t columns;

	buf_init(&out, text.len * 4 + 1);
	if (display_append(&out, text, &columns) == AG_OK)
		(void)fwrite(out.data, 1, out.len, stream);
	buf_fini(&out);
}
