/*
 * A snapshot is refused with a sentence or is whole, however it is cut.
 *
 * The checksum at the end would keep the fuzzer out: an input that ends in
 * 32 zero bytes gets the right one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum ag_status
read_stream(const uint8_t *data, size_t len, size_t step,
    struct snapshot_info *info)
{
	struct ag_error err = { .text = "" };
	struct snapshot_reader *reader;
	enum ag_status status;
	size_t at;

	AG_ASSERT(snapshot_reader_new(&reader, NULL, NULL) == AG_OK);
	status = AG_OK;
	for (at = 0; status == AG_OK && at < len; at += step)
		status = snapshot_reader_feed(reader,
		    bytes_of(data + at, len - at < step ? len - at : step),
		    &err);
	if (status == AG_OK)
		status = snapshot_reader_finish(reader, info, &err);
	AG_ASSERT(status == AG_OK || err.text[0] != '\0');
	snapshot_reader_free(reader);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t zeros[DIGEST_BYTES];
	static struct snapshot_info whole, cut;
	enum ag_status status;
	struct digest sum;
	uint8_t *copy;

	if (len < DIGEST_BYTES || len > 65536)
		return 0;
	copy = malloc(len);
	AG_ASSERT(copy != NULL);
	memcpy(copy, data, len);
	if (memcmp(copy + len - DIGEST_BYTES, zeros, DIGEST_BYTES) == 0) {
		digest_of(&sum, bytes_of(copy, len - DIGEST_BYTES));
		memcpy(copy + len - DIGEST_BYTES, sum.data, DIGEST_BYTES);
	}
	status = read_stream(copy, len, len, &whole);
	if (status == AG_OK) {
		AG_ASSERT(read_stream(copy, len, 7, &cut) == AG_OK);
		AG_ASSERT(digest_equal(&whole.digest, &cut.digest));
	}
	free(copy);
	return 0;
}
