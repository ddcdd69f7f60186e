/*
 * Batches and envelopes: what is agreed, and what is refused before it is.
 */
#include "codec/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
put_envelope(struct encoder *e, uint64_t first, uint64_t expiry_ms,
    size_t count)
{
	uint8_t fill[64];
	size_t i;

	memset(fill, 7, sizeof(fill));
	encoder_put_array(e, 5);
	encoder_put_bytes(e, bytes_of(fill, PRINCIPAL_BYTES));
	encoder_put_uint(e, first);
	encoder_put_uint(e, expiry_ms);
	encoder_put_array(e, count);
	for (i = 0; i < count; i++)
		encoder_put_bytes(e, bytes_from_text("operation"));
	encoder_put_bytes(e, bytes_of(fill, sizeof(fill)));
}

static struct bytes
finished(const struct encoder *e)
{
	struct bytes out;

	assert_int_equal(encoder_finish(e, &out), AG_OK);
	return out;
}

static void
a_batch_is_walked_envelope_by_envelope(void **state)
{
	uint8_t out[2048];
	struct encoder e;
	struct batch batch;
	struct envelope envelope;
	struct decoder d;

	(void)state;
	encoder_init(&e, out, sizeof(out));
	batch_encode_head(&e, 1234, BATCH_FLAG_CHECKPOINT, 2);
	put_envelope(&e, 5, 0, 1);
	put_envelope(&e, 6, 99, 3);
	assert_int_equal(batch_decode(&batch, finished(&e), NULL), AG_OK);
	assert_int_equal(batch.time_ms, 1234);
	assert_int_equal(batch.flags, BATCH_FLAG_CHECKPOINT);
	assert_int_equal(batch.envelope_count, 2);

	decoder_init(&d, batch.envelopes);
	envelope_decode_from(&d, &envelope);
	assert_int_equal(envelope.first, 5);
	assert_int_equal(envelope.operation_count, 1);
	envelope_decode_from(&d, &envelope);
	assert_int_equal(envelope.first, 6);
	assert_int_equal(envelope.expiry_ms, 99);
	assert_int_equal(envelope.operation_count, 3);
	assert_int_equal(decoder_finish(&d, NULL), AG_OK);
}

static void
a_batch_holds_the_requests_of_its_envelopes_and_no_others(void **state)
{
	uint8_t out[2048], principal[PRINCIPAL_BYTES], other[PRINCIPAL_BYTES];
	struct encoder e;
	struct bytes raw;
	size_t len;

	(void)state;
	memset(principal, 7, sizeof(principal));
	memset(other, 8, sizeof(other));
	encoder_init(&e, out, sizeof(out));
	batch_encode_head(&e, 1234, 0, 2);
	put_envelope(&e, 5, 0, 1);
	put_envelope(&e, 9, 0, 3);
	raw = finished(&e);
	assert_true(batch_holds(raw, principal, 5));
	assert_true(batch_holds(raw, principal, 9));
	assert_true(batch_holds(raw, principal, 11));
	assert_false(batch_holds(raw, principal, 4));
	assert_false(batch_holds(raw, principal, 6));
	assert_false(batch_holds(raw, principal, 12));
	assert_false(batch_holds(raw, principal, UINT64_MAX));
	assert_false(batch_holds(raw, other, 5));
	for (len = 0; len < raw.len; len++)
		assert_false(
		    batch_holds(bytes_of(raw.data, len), principal, 5));
}

static void
a_null_request_is_a_batch_without_envelopes(void **state)
{
	uint8_t out[64];
	struct encoder e;
	struct batch batch;

	(void)state;
	encoder_init(&e, out, sizeof(out));
	batch_encode_head(&e, 1, 0, 0);
	assert_int_equal(batch_decode(&batch, finished(&e), NULL), AG_OK);
	assert_int_equal(batch.envelope_count, 0);
	assert_int_equal(batch.envelopes.len, 0);
}

static void
the_statement_is_the_first_four_fields(void **state)
{
	uint8_t out[512];
	struct encoder e;
	struct envelope envelope;
	struct bytes raw;

	(void)state;
	encoder_init(&e, out, sizeof(out));
	put_envelope(&e, 1, 2, 2);
	raw = finished(&e);
	assert_int_equal(envelope_decode(&envelope, raw, NULL), AG_OK);
	assert_true(bytes_equal(envelope.raw, raw));
	assert_ptr_equal(envelope.statement.data, raw.data + 1);
	assert_int_equal(envelope.statement.len, raw.len - 1 - 66);
}

static void
an_envelope_without_operations_is_refused(void **state)
{
	uint8_t out[512];
	struct encoder e;
	struct envelope envelope;
	struct ag_error err;

	(void)state;
	encoder_init(&e, out, sizeof(out));
	put_envelope(&e, 1, 2, 0);
	assert_int_equal(envelope_decode(&envelope, finished(&e), &err),
	    AG_EPROTO);
	assert_non_null(strstr(err.text, "without operations"));
}

static void
a_number_that_could_overflow_is_refused(void **state)
{
	uint8_t out[512];
	struct encoder e;
	struct envelope envelope;

	(void)state;
	encoder_init(&e, out, sizeof(out));
	put_envelope(&e, UINT64_MAX, 0, 1);
	assert_int_equal(envelope_decode(&envelope, finished(&e), NULL),
	    AG_EPROTO);
	assert_int_equal(envelope.operation_count, 0);
}

static void
unknown_flags_are_refused(void **state)
{
	uint8_t out[64];
	struct encoder e;
	struct batch batch;

	(void)state;
	encoder_init(&e, out, sizeof(out));
	batch_encode_head(&e, 1, 2, 0);
	assert_int_equal(batch_decode(&batch, finished(&e), NULL), AG_EPROTO);
}

static void
every_cut_of_a_batch_is_refused(void **state)
{
	uint8_t out[2048];
	struct encoder e;
	struct batch batch;
	struct bytes whole;
	size_t len;

	(void)state;
	encoder_init(&e, out, sizeof(out));
	batch_encode_head(&e, 1234, 0, 2);
	put_envelope(&e, 5, 0, 1);
	put_envelope(&e, 6, 99, 3);
	whole = finished(&e);
	for (len = 0; len < whole.len; len++) {
		assert_int_equal(batch_decode(&batch, bytes_of(whole.data, len),
				     NULL),
		    AG_EPROTO);
		assert_int_equal(batch.envelope_count, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_is_walked_envelope_by_envelope),
		cmocka_unit_test(
		    a_batch_holds_the_requests_of_its_envelopes_and_no_others),
		cmocka_unit_test(a_null_request_is_a_batch_without_envelopes),
		cmocka_unit_test(the_statement_is_the_first_four_fields),
		cmocka_unit_test(an_envelope_without_operations_is_refused),
		cmocka_unit_test(a_number_that_could_overflow_is_refused),
		cmocka_unit_test(unknown_flags_are_refused),
		cmocka_unit_test(every_cut_of_a_batch_is_refused),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
