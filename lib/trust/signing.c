/*
 * Signing inputs, built field by field.
 *
 * RULES    1. A field is of fixed size, or is replaced by its digest, so two
 *             different statements never give the same bytes.
 *          2. Nothing from the network decides a length here; a statement
 *             that does not fit is a mistake of ours and asserted.
 */
#include "trust/signing.h"

#include <string.h>

#include "base/status.h"

void
signing_begin(struct signing *s, const char *purpose)
{
	s->len = 0;
	signing_put(s, purpose, strlen(purpose) + 1);
}

void
signing_put(struct signing *s, const void *data, size_t len)
{
	AG_ASSERT(len <= sizeof(s->data) - s->len);
	memcpy(s->data + s->len, data, len);
	s->len += len;
}

void
signing_put_u64(struct signing *s, uint64_t value)
{
	uint8_t field[8];
	size_t i;

	for (i = 0; i < sizeof(field); i++)
		field[i] = (uint8_t)(value >> (56 - 8 * i));
	signing_put(s, field, sizeof(field));
}
