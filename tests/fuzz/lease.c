/*
 * A lease that decodes encodes to the same bytes.
 */
#include <stdint.h>

#include "codec/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[LEASE_BYTES_MAX];
	struct ag_error err;
	struct lease lease;

	if (lease_decode(&lease, bytes_of(data, len), &err) != AG_OK) {
		AG_ASSERT(err.text[0] != '\0');
		return 0;
	}
	AG_ASSERT(bytes_equal(lease_encode(&lease, out), bytes_of(data, len)));
	return 0;
}
