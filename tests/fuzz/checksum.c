/*
 * Check files from anywhere, line by line.
 *
 * Oracle: a line that parses has a name and a digest of its algorithm's
 * length, and is read again from what is written of it, plain and tagged.
 */
#include "crypto/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LINE_BYTES_MAX (256 + 2 * PATH_MAX)

static void
check_line(const struct checksum_line *line, bool is_tagged)
{
	struct checksum_reader reader = { .plain = line->kind,
		.is_strict = true };
	struct checksum_style style = { .is_tagged = is_tagged };
	struct checksum_line again;
	struct ag_error err;
	struct buf text;

	buf_init(&text, LINE_BYTES_MAX);
	AG_ASSERT(checksum_format(&text, line->kind, line->digest, line->name,
		      style) == AG_OK);
	text.len--; /* its newline */
	AG_ASSERT(
	    checksum_parse(&again, &reader, buf_bytes(&text), &err) == AG_OK);
	AG_ASSERT(strcmp(again.name, line->name) == 0);
	AG_ASSERT(again.kind.algorithm == line->kind.algorithm);
	AG_ASSERT(again.kind.digest_bytes == line->kind.digest_bytes);
	AG_ASSERT(
	    memcmp(again.digest, line->digest, line->kind.digest_bytes) == 0);
	buf_fini(&text);
}

static void
check_file(struct bytes text, struct checksum_reader reader)
{
	struct checksum_line line;
	struct ag_error err;

	while (text.len > 0) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end == NULL ? text.len : (size_t)(end - text.data);

		if (checksum_parse(&line, &reader, bytes_of(text.data, len),
			&err) == AG_OK) {
			AG_ASSERT(line.name[0] != '\0');
			AG_ASSERT(line.kind.digest_bytes > 0);
			AG_ASSERT(line.kind.digest_bytes <= HASH_BYTES_MAX);
			check_line(&line, false);
			check_line(&line, true);
		}
		text.data += end == NULL ? len : len + 1;
		text.len -= end == NULL ? len : len + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct checksum_reader reader = { .plain = { HASH_SHA_256,
					      HASH_BYTES } };

	check_file(bytes_of(data, len), reader);
	reader.plain = (struct checksum_kind){ HASH_BLAKE2B_512, 0 };
	reader.is_strict = true;
	check_file(bytes_of(data, len), reader);
	return 0;
}
