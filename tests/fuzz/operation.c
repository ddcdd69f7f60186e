/*
 * An operation that decodes encodes to the same bytes, within its bounds.
 */
#include <stdint.h>

#include "codec/operation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[OPERATION_BYTES_MAX];
	static struct operation op;
	struct ag_error err;
	struct encoder e;
	struct bytes again;

	if (operation_decode(&op, bytes_of(data, len), &err) != AG_OK) {
		AG_ASSERT(err.status == AG_EPROTO && err.text[0] != '\0');
		return 0;
	}
	encoder_init(&e, out, sizeof(out));
	operation_encode(&e, &op);
	AG_ASSERT(encoder_finish(&e, &again) == AG_OK);
	AG_ASSERT(bytes_equal(again, bytes_of(data, len)));
	return 0;
}
