/*
 * Public key lines from anywhere.
 *
 * Oracle: what parses is written as the same line, but for its newline.
 */
#include "crypto/public_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES], line[PUBLIC_KEY_LINE_BYTES];
	uint8_t key[SIGN_PUBLIC_BYTES];
	struct bytes text = bytes_of(data, len);
	struct ag_error err;

	if (public_key_parse(key, comment, text, &err) != AG_OK)
		return 0;
	public_key_format(line, key, comment);
	if (text.data[text.len - 1] == '\n')
		text.len--;
	/* A lone blank at the end is an empty comment. */
	if (comment[0] == '\0' && text.data[text.len - 1] == ' ')
		text.len--;
	AG_ASSERT(bytes_equal(bytes_from_text(line), text));
	return 0;
}
