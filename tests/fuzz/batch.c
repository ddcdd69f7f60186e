/*
 * A batch that decodes can be walked to its end and written again from its
 * parts; an envelope taken out decodes alone to the same.
 */
#include <stdint.h>
#include <string.h>

#include "codec/batch.h"

#define OUT_BYTES (1U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_envelope(const struct envelope *envelope)
{
	struct envelope alone;
	struct decoder d;
	size_t i;

	AG_ASSERT(envelope_decode(&alone, envelope->raw, NULL) == AG_OK);
	AG_ASSERT(bytes_equal(alone.statement, envelope->statement));
	AG_ASSERT(alone.first == envelope->first);
	AG_ASSERT(envelope->operation_count >= 1);
	AG_ASSERT(
	    envelope->first + envelope->operation_count > envelope->first);
	decoder_init(&d, envelope->operations);
	for (i = 0; i < envelope->operation_count; i++)
		(void)decoder_get_bytes(&d);
	AG_ASSERT(decoder_finish(&d, NULL) == AG_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[OUT_BYTES];
	struct envelope envelope;
	struct encoder e;
	struct decoder d;
	struct batch batch;
	struct bytes again;
	size_t i;

	if (len > OUT_BYTES ||
	    batch_decode(&batch, bytes_of(data, len), NULL) != AG_OK)
		return 0;
	encoder_init(&e, out, sizeof(out));
	batch_encode_head(&e, batch.time_ms, batch.flags, batch.envelope_count);
	decoder_init(&d, batch.envelopes);
	for (i = 0; i < batch.envelope_count; i++) {
		envelope_decode_from(&d, &envelope);
		AG_ASSERT(!decoder_failed(&d));
		check_envelope(&envelope);
		encoder_put_raw(&e, envelope.raw);
	}
	AG_ASSERT(decoder_finish(&d, NULL) == AG_OK);
	AG_ASSERT(encoder_finish(&e, &again) == AG_OK);
	AG_ASSERT(bytes_equal(again, bytes_of(data, len)));
	return 0;
}
