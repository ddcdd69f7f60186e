/*
 * An order about key epochs that decodes encodes to the same bytes, and nobody
 * has approved it.
 */
#include <stdint.h>

#include "trust/key_order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[KEY_ORDER_BYTES_MAX];
	static struct key_order order;
	static struct roster roster;
	struct ag_error err;

	if (key_order_decode(&order, bytes_of(data, len), &err) != AG_OK) {
		AG_ASSERT(err.status == AG_EPROTO && err.text[0] != '\0');
		return 0;
	}
	AG_ASSERT(
	    bytes_equal(key_order_encode(&order, out), bytes_of(data, len)));
	AG_ASSERT(key_order_approved(&order, &roster) == 0);
	return 0;
}
