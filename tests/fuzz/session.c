/*
 * A principal's numbers that decode encode to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/session.h"

#define OUT_BYTES (64U << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct session_config config = { 2, 64 };
	static const uint8_t principal[PRINCIPAL_BYTES] = { 7 };
	static uint8_t out[OUT_BYTES];
	struct session_table *table;
	size_t size = session_size(&config);
	void *memory = calloc(1, size);

	AG_ASSERT(memory != NULL);
	table = session_init(memory, size, &config);
	AG_ASSERT(session_bytes_max(table) <= sizeof(out));
	if (session_decode(table, principal, bytes_of(data, len), NULL) ==
	    AG_OK) {
		AG_ASSERT(session_encode(table, 0, out, sizeof(out)) == len);
		AG_ASSERT(memcmp(out, data, len) == 0);
	} else {
		AG_ASSERT(session_count(table) == 0);
	}
	free(memory);
	return 0;
}
