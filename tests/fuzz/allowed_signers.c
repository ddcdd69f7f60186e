/*
 * Allowed-signers files from anywhere.
 *
 * Oracle: what allows a key does so in a line that exists, says it again
 * when asked again, and by that line alone; nobody is allowed for a key
 * that no line holds.
 */
#include "crypto/allowed_signers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define KEY                                                        \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICsInzybw9G9deq6GPxO" \
	"jm+Bn0WxWW7NeQS+ZNEcbDYP"

/* The text from its line of that number on, up to the line's end. */
static struct bytes
line_of(struct bytes text, size_t number)
{
	const uint8_t *end = NULL;

	while (number-- > 0) {
		if (end != NULL) {
			text.len -= (size_t)(end + 1 - text.data);
			text.data = end + 1;
		}
		end = text.len == 0 ? NULL : memchr(text.data, '\n', text.len);
		if (end == NULL)
			AG_ASSERT(number == 0);
	}
	if (end != NULL)
		text.len = (size_t)(end - text.data);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = bytes_of(data, len);
	struct ssh_key key;
	struct allowed_question question = { &key, "a@b", "file", 1600000000 };
	struct ag_error err;
	size_t line, one;
	uint64_t at;

	/* The year has four digits; zones are less than a day apart. */
	if (allowed_signers_parse_time(&at, text) == AG_OK)
		AG_ASSERT(at < 253402300800 + 86400);
	AG_ASSERT(
	    ssh_key_parse_line(&key, bytes_from_text(KEY), NULL) == AG_OK);
	if (allowed_signers_check(text, "f", &question, &line, &err) != AG_OK)
		return 0;
	AG_ASSERT(allowed_signers_check(line_of(text, line), "f", &question,
		      &one, &err) == AG_OK);
	AG_ASSERT(one == 1);
	key.blob[key.blob_len - 1] ^= 1;
	/* The input is not likely to have this one as well. */
	if (memmem(data, len, "bDYO", 4) == NULL)
		AG_ASSERT(allowed_signers_check(text, "f", &question, &line,
			      &err) != AG_OK);
	return 0;
}
