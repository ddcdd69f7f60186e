/*
 * Envelopes and batches, from hostile bytes to borrowed spans.
 *
 * Decoding checks the whole shape at once, operations' lengths included, so
 * that walking a decoded batch cannot fail.
 *
 * RULES    1. An envelope holds 1..ENVELOPE_OPERATIONS_MAX operations.  One
 *             without any would be signed work for nothing.
 *          2. Numbers stay below ENVELOPE_NUMBER_END, so that first + count
 *             never overflows and fits a database integer.
 *
 * NOT HERE Signatures (trust/request.c), operations' contents (operation.c).
 */
#include "codec/batch.h"

#include "codec/operation.h"

#define ENVELOPE_NUMBER_END (UINT64_C(1) << 62)

static struct bytes
span_to_here(const struct decoder *d, const uint8_t *start)
{
	return decoder_failed(d) ? bytes_of(NULL, 0)
				 : bytes_of(start, (size_t)(d->at - start));
}

static void
operations_decode(struct decoder *d, struct envelope *envelope)
{
	const uint8_t *start;
	size_t i;

	envelope->operation_count =
	    decoder_get_array_max(d, ENVELOPE_OPERATIONS_MAX);
	if (envelope->operation_count == 0)
		decoder_fail(d, "envelope without operations");
	start = d->at;
	for (i = 0; i < envelope->operation_count; i++)
		(void)decoder_get_bytes_max(d, OPERATION_BYTES_MAX);
	envelope->operations = span_to_here(d, start);
}

void
envelope_decode_from(struct decoder *d, struct envelope *envelope)
{
	const uint8_t *start = d->at, *statement;

	decoder_expect_array(d, 5);
	statement = d->at;
	decoder_get_fixed(d, envelope->principal, PRINCIPAL_BYTES);
	envelope->first = decoder_get_uint_max(d,
	    ENVELOPE_NUMBER_END - ENVELOPE_OPERATIONS_MAX);
	envelope->expiry_ms = decoder_get_uint(d);
	operations_decode(d, envelope);
	envelope->statement = span_to_here(d, statement);
	decoder_get_fixed(d, envelope->signature, sizeof(envelope->signature));
	envelope->raw = span_to_here(d, start);
	if (decoder_failed(d))
		*envelope = (struct envelope){ .first = 0 };
}

enum ag_status
envelope_decode(struct envelope *envelope, struct bytes input,
    struct ag_error *err)
{
	struct decoder d;

	decoder_init(&d, input);
	envelope_decode_from(&d, envelope);
	return decoder_finish(&d, err);
}

enum ag_status
batch_decode(struct batch *batch, struct bytes input, struct ag_error *err)
{
	struct envelope envelope;
	struct decoder d;
	const uint8_t *start;
	size_t i;

	decoder_init(&d, input);
	decoder_expect_array(&d, 3);
	batch->time_ms = decoder_get_uint_max(&d, INT64_MAX);
	batch->flags =
	    (uint32_t)decoder_get_uint_max(&d, BATCH_FLAG_CHECKPOINT);
	batch->envelope_count = decoder_get_array_max(&d, BATCH_ENVELOPES_MAX);
	start = d.at;
	for (i = 0; i < batch->envelope_count; i++)
		envelope_decode_from(&d, &envelope);
	batch->envelopes = span_to_here(&d, start);
	if (decoder_failed(&d))
		*batch = (struct batch){ .time_ms = 0 };
	return decoder_finish(&d, err);
}

bool
batch_holds(struct bytes input, const uint8_t principal[static PRINCIPAL_BYTES],
    uint64_t number)
{
	struct envelope envelope;
	struct batch batch;
	struct decoder d;
	size_t i;

	if (batch_decode(&batch, input, NULL) != AG_OK)
		return false;
	decoder_init(&d, batch.envelopes);
	for (i = 0; i < batch.envelope_count; i++) {
		envelope_decode_from(&d, &envelope);
		if (number >= envelope.first &&
		    number - envelope.first < envelope.operation_count &&
		    memcmp(envelope.principal, principal, PRINCIPAL_BYTES) == 0)
			return true;
	}
	return false;
}

void
batch_encode_head(struct encoder *e, uint64_t time_ms, uint32_t flags,
    size_t count)
{
	AG_ASSERT(count <= BATCH_ENVELOPES_MAX);
	encoder_put_array(e, 3);
	encoder_put_uint(e, time_ms);
	encoder_put_uint(e, flags);
	encoder_put_array(e, count);
}
