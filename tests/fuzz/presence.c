/*
 * Proofs of presence from anywhere.
 *
 * Oracle: what decodes encodes to the same bytes, and nobody of an empty
 * roster has agreed on it.
 */
#include "trust/presence.h"

#include "codec/encoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t certificate[CERTIFICATE_BYTES_MAX];
	static uint8_t out[PRESENCE_OVERHEAD + (64U << 10)];
	static struct presence presence;
	static struct roster roster = { .member_count = 4 };
	struct presence_entry entry;
	struct bytes encoded, again;
	struct ag_error err;
	struct encoder e;

	if (len > sizeof(out) ||
	    presence_decode(&presence, bytes_of(data, len), &err) != AG_OK)
		return 0;
	encoder_init(&e, certificate, sizeof(certificate));
	certificate_encode(&e, &presence.certificate);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	encoder_init(&e, out, sizeof(out));
	presence_encode(&e, &presence, encoded);
	AG_ASSERT(encoder_finish(&e, &again) == AG_OK);
	AG_ASSERT(bytes_equal(again, bytes_of(data, len)));
	if (presence_read(&presence, &entry, &err) == AG_OK)
		AG_ASSERT(entry.key.len <= presence.entry.len);
	AG_ASSERT(presence_verify(&presence, bytes_from_text("k"), &roster,
		      &err) != AG_OK);
	return 0;
}
