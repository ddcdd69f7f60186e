/*
 * pkcs11: URIs from anywhere.
 *
 * Oracle: what parses has one form, which parses to the same.
 */
#include <stdlib.h>

#include "token/token_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf form = { .max = 4 * TOKEN_URI_BYTES_MAX };
	struct token_uri uri, again;
	struct ag_error err;
	char *text = malloc(len + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	if (token_uri_parse(&uri, text, &err) == AG_OK) {
		AG_ASSERT(token_uri_format(&form, &uri) == AG_OK);
		AG_ASSERT(buf_append(&form, "", 1) == AG_OK);
		/* Its longest form may be longer than any that is read. */
		if (form.len <= TOKEN_URI_BYTES_MAX)
			AG_ASSERT(token_uri_parse(&again, (char *)form.data,
				      &err) == AG_OK &&
			    memcmp(&uri, &again, sizeof(uri)) == 0);
	}
	buf_fini(&form);
	free(text);
	return 0;
}
