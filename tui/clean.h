/*
 * Text from elsewhere, made fit to be shown.
 *
 * Names, messages and errors come from nodes that may lie.  Anything that
 * could move the cursor, change colours, reorder the line or hide itself is
 * shown as the bytes it is made of: \x1B, \xE2\x80\xAE.
 *
 * Threads  none of its own; setlocale() must have been called before.
 */
#ifndef AEGIS_TUI_CLEAN_H
#define AEGIS_TUI_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Bytes of "\xNN" with its NUL. */
#define CLEAN_ESCAPE_BYTES 5

struct clean_glyph {
	uint32_t code; /* 0: not printable, show the bytes as escapes */
	int width;     /* columns: 0 for a combining mark, 1 or 2 */
};

/*
 * Read one glyph from the front of text, which is not empty, and return how
 * many bytes it took.  With ascii set, only 0x20..0x7E is printable.
 */
size_t clean_next(struct bytes text, bool ascii, struct clean_glyph *out);

void clean_escape(char out[static CLEAN_ESCAPE_BYTES], uint8_t byte);

/* Copy text into out, escaped and cut at a whole glyph to fit cap. */
void clean_copy(char *out, size_t cap, struct bytes text);

/* Append code as UTF-8 to out (4 bytes of room); returns the length. */
size_t clean_encode(char *out, uint32_t code);

#endif
