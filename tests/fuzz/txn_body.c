/*
 * Transaction bodies: what is accepted encodes, decodes to the same
 * operation, and encodes to the same bytes again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/txn.h"
#include "codec/operation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t first[4 * OPERATION_BYTES_MAX];
static uint8_t second[4 * OPERATION_BYTES_MAX];

static struct bytes
encode(const struct operation *op, uint8_t *out, size_t cap)
{
	struct encoder e;
	struct bytes encoded;

	encoder_init(&e, out, cap);
	operation_encode(&e, op);
	if (encoder_finish(&e, &encoded) != AG_OK)
		abort();
	return encoded;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct operation op, again;
	struct ag_error err = { 0 };
	struct bytes a, b;
	struct buf arena;

	if (txn_parse(&op, &arena, bytes_of(data, len), &err) != AG_OK) {
		if (err.text[0] == '\0')
			abort();
		buf_fini(&arena);
		return 0;
	}
	a = encode(&op, first, sizeof(first));
	if (operation_decode(&again, a, &err) != AG_OK)
		abort();
	b = encode(&again, second, sizeof(second));
	if (!bytes_equal(a, b))
		abort();
	buf_fini(&arena);
	return 0;
}
