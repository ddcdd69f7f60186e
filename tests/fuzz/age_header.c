/*
 * Headers of age files, from anywhere.
 *
 * Oracle: one that is taken has one text: its stanzas, written again, are
 * what it is authentic of.
 */
#include "crypto/age_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The words of a stanza's line, which ends where the body's begins. */
static void
check_text(const struct age_header *header, struct bytes text)
{
	struct buf again;

	buf_init(&again, 2 * AGE_HEADER_BYTES_MAX);
	AG_ASSERT(age_header_begin(&again) == AG_OK);
	for (size_t i = 0; i < header->count; i++) {
		const struct age_stanza *s = &header->stanzas[i];
		const uint8_t *end = memchr(s->type.data, '\n',
		    text.len - (size_t)(s->type.data - text.data));
		char words[4096];
		size_t words_len = (size_t)(end - s->type.data);

		if (words_len >= sizeof(words)) {
			buf_fini(&again);
			return;
		}
		memcpy(words, s->type.data, words_len);
		words[words_len] = '\0';
		AG_ASSERT(age_header_put(&again, words, s->body) == AG_OK);
	}
	AG_ASSERT(buf_append(&again, "---", 3) == AG_OK);
	AG_ASSERT(bytes_equal(buf_bytes(&again), header->authentic));
	buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = bytes_of(data, len);
	struct age_header header;
	size_t header_len;

	if (age_header_measure(&header_len, text, NULL) != AG_OK)
		return 0;
	AG_ASSERT(header_len <= len);
	text.len = header_len;
	if (age_header_parse(&header, text, NULL) == AG_OK)
		check_text(&header, text);
	age_header_fini(&header);
	return 0;
}
