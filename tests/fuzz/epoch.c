/*
 * Epochs from anywhere, alone and as a chain.
 *
 * Oracle: what decodes encodes to the same bytes; nobody here has a key, so
 * nothing convinces, and what is refused says why.
 */
#include "trust/epoch.h"

#include "trust/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct roster before = { .member_count = 4 }, next;
	static uint8_t out[EPOCH_BYTES_MAX];
	static struct epoch epoch;
	struct bytes again;
	struct ag_error err = { 0 };
	struct encoder e;

	if (chain_parse(&next, NULL, bytes_of(data, len), CHAIN_NEWEST, "f",
		&err) != AG_OK)
		AG_ASSERT(err.text[0] == 'f');
	if (epoch_decode(&epoch, bytes_of(data, len), &err) != AG_OK) {
		AG_ASSERT(err.text[0] != '\0');
		return 0;
	}
	encoder_init(&e, out, sizeof(out));
	epoch_encode(&e, &epoch);
	AG_ASSERT(encoder_finish(&e, &again) == AG_OK);
	AG_ASSERT(bytes_equal(again, bytes_of(data, len)));
	AG_ASSERT(epoch_verify(&epoch, &before, &next, &err) != AG_OK);
	AG_ASSERT(!next.is_proved);
	return 0;
}
