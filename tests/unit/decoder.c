/*
 * Canonical CBOR in and out: one value, one encoding, hostile bytes refused.
 */
#include "codec/decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cbor.h>
#include <cmocka.h>

#include "codec/encoder.h"

static struct decoder
over(const char *hex, uint8_t *space)
{
	struct decoder d;
	size_t i, len = strlen(hex) / 2;

	for (i = 0; i < len; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		space[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	decoder_init(&d, bytes_of(space, len));
	return d;
}

static void
integers_of_every_size_come_back(void **state)
{
	static const uint64_t values[] = { 0, 23, 24, 255, 256, 65535, 65536,
		UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX };
	static const size_t sizes[] = { 1, 1, 2, 2, 3, 3, 5, 5, 9, 9 };
	uint8_t out[16];
	struct encoder e;
	struct decoder d;
	struct bytes bytes;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		encoder_init(&e, out, sizeof(out));
		encoder_put_uint(&e, values[i]);
		assert_int_equal(encoder_finish(&e, &bytes), AG_OK);
		assert_int_equal(bytes.len, sizes[i]);
		decoder_init(&d, bytes);
		assert_true(decoder_get_uint(&d) == values[i]);
		assert_int_equal(decoder_finish(&d, NULL), AG_OK);
	}
}

static void
a_head_longer_than_needed_is_refused(void **state)
{
	static const char *const longer[] = { "1817", "1900ff", "1a0000ffff",
		"1b00000000ffffffff", "5801aa" };
	uint8_t space[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(longer) / sizeof(longer[0]); i++) {
		struct decoder d = over(longer[i], space);

		(void)decoder_get_raw(&d);
		assert_true(decoder_failed(&d));
	}
}

static void
what_formats_never_use_is_refused(void **state)
{
	/* Negative, indefinite, tag, float, undefined, break. */
	static const char *const others[] = { "20", "5f41aaff", "9f01ff",
		"c001", "f93c00", "f7", "ff" };
	uint8_t space[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct decoder d = over(others[i], space);

		(void)decoder_get_raw(&d);
		assert_true(decoder_failed(&d));
	}
}

static void
a_claimed_length_is_believed_up_to_what_is_there(void **state)
{
	uint8_t space[16];
	struct decoder d = over("9b00000008000000000102", space);
	struct ag_error err;

	(void)state;
	assert_int_equal(decoder_get_array_max(&d, SIZE_MAX), 0);
	assert_int_equal(decoder_finish(&d, &err), AG_EPROTO);
	d = over("5affffffff00", space);
	assert_int_equal(decoder_get_bytes(&d).len, 0);
	assert_int_equal(decoder_finish(&d, &err), AG_EPROTO);
	assert_non_null(strstr(err.text, "past the end"));
}

static void
input_cut_short_is_told_from_input_that_is_wrong(void **state)
{
	static const uint8_t cut[] = { 0x83, 0x01 },
			     wrong[] = { 0x83, 0x01, 0x02, 0x03 };
	struct decoder d;

	(void)state;
	decoder_init(&d, bytes_of(cut, sizeof(cut)));
	assert_int_equal(decoder_get_array_max(&d, 3), 0);
	assert_true(d.is_short);
	decoder_init(&d, bytes_of(wrong, sizeof(wrong)));
	assert_int_equal(decoder_get_array_max(&d, 2), 0);
	assert_false(d.is_short);
}

static void
a_failed_decoder_stays_failed_and_gives_zeros(void **state)
{
	uint8_t space[16], fixed[4] = { 1, 2, 3, 4 };
	struct decoder d = over("6161420102f5", space);
	struct ag_error err;

	(void)state;
	assert_int_equal(decoder_get_uint(&d), 0);
	assert_true(decoder_failed(&d));
	assert_int_equal(decoder_get_text_max(&d, 9).len, 0);
	decoder_get_fixed(&d, fixed, sizeof(fixed));
	assert_int_equal(fixed[0], 0);
	assert_false(decoder_get_bool(&d));
	assert_int_equal(decoder_finish(&d, &err), AG_EPROTO);
	assert_non_null(strstr(err.text, "expected an unsigned integer"));
}

static void
null_is_taken_or_left(void **state)
{
	uint8_t space[16];
	struct decoder d = over("f605", space);

	(void)state;
	assert_true(decoder_get_null(&d));
	assert_false(decoder_get_null(&d));
	assert_int_equal(decoder_get_uint(&d), 5);
	assert_int_equal(decoder_finish(&d, NULL), AG_OK);
}

static void
trailing_bytes_are_refused(void **state)
{
	uint8_t space[16];
	struct decoder d = over("0102", space);
	struct ag_error err;

	(void)state;
	(void)decoder_get_uint(&d);
	assert_int_equal(decoder_finish(&d, &err), AG_EPROTO);
	assert_non_null(strstr(err.text, "1 bytes too many"));
}

static void
nesting_is_bounded(void **state)
{
	uint8_t deep[64];
	struct decoder d;

	(void)state;
	memset(deep, 0x81, sizeof(deep));
	decoder_init(&d, bytes_of(deep, sizeof(deep)));
	(void)decoder_get_raw(&d);
	assert_true(decoder_failed(&d));
	assert_non_null(strstr(d.why, "nested"));
}

static void
raw_items_are_taken_whole(void **state)
{
	uint8_t space[16];
	struct decoder d = over("83018202a10304f405", space);

	(void)state;
	assert_int_equal(decoder_get_raw(&d).len, 8);
	assert_int_equal(decoder_get_uint(&d), 5);
	assert_int_equal(decoder_finish(&d, NULL), AG_OK);
}

static void
text_must_be_utf8(void **state)
{
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xe2\x82", "\xff" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(utf8_valid(bytes_from_text(bad[i])));
	assert_true(utf8_valid(bytes_from_text("")));
	assert_true(utf8_valid(
	    bytes_from_text("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
}

static void
an_encoder_never_writes_past_its_end(void **state)
{
	uint8_t out[4] = { 0xee, 0xee, 0xee, 0xee };
	struct encoder e;
	struct bytes bytes;

	(void)state;
	encoder_init(&e, out, 3);
	encoder_put_bytes(&e, bytes_of("abc", 3));
	encoder_put_uint(&e, 1);
	assert_int_equal(out[3], 0xee);
	assert_int_equal(encoder_finish(&e, &bytes), AG_ELIMIT);
	assert_int_equal(bytes.len, 0);
}

/* What libcbor says of an integer or a byte string at the front. */
struct judged {
	bool is_uint, is_bytes;
	uint64_t value;
};

static void
judge_uint8(void *ctx, uint8_t value)
{
	*(struct judged *)ctx = (struct judged){ true, false, value };
}

static void
judge_bytes(void *ctx, cbor_data data, size_t len)
{
	(void)data;
	*(struct judged *)ctx = (struct judged){ false, true, len };
}

/* A head of two bytes for what one can say is not canonical. */
static struct judged
judge(const uint8_t *input, size_t len)
{
	struct cbor_callbacks callbacks = cbor_empty_callbacks;
	struct judged right = { 0 };
	struct cbor_decoder_result result;

	callbacks.uint8 = judge_uint8;
	callbacks.byte_string = judge_bytes;
	result = cbor_stream_decode(input, len, &callbacks, &right);
	if (result.status != CBOR_DECODER_FINISHED ||
	    ((input[0] & 31) == 24 && right.value < 24))
		return (struct judged){ 0 };
	return right;
}

static void
must_agree(const uint8_t *input, size_t len)
{
	struct judged right = judge(input, len);
	struct decoder d;
	struct bytes bytes;
	uint64_t value;

	decoder_init(&d, bytes_of(input, len));
	value = decoder_get_uint(&d);
	assert_int_equal(decoder_failed(&d), !right.is_uint);
	assert_int_equal(value, right.is_uint ? right.value : 0);
	decoder_init(&d, bytes_of(input, len));
	bytes = decoder_get_bytes(&d);
	assert_int_equal(decoder_failed(&d), !right.is_bytes);
	assert_int_equal(bytes.len, right.is_bytes ? right.value : 0);
}

static void
every_short_head_is_read_as_libcbor_reads_it(void **state)
{
	static const size_t lens[] = { 1, 2, 24, 25, 26, 256, 257, 258 };
	uint8_t input[258] = { 0 };
	unsigned int head;
	size_t i;

	(void)state;
	for (head = 0; head <= UINT16_MAX; head++) {
		input[0] = (uint8_t)(head >> 8);
		input[1] = (uint8_t)head;
		if ((input[0] & 31) > 24)
			continue;
		for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
			must_agree(input, lens[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_of_every_size_come_back),
		cmocka_unit_test(a_head_longer_than_needed_is_refused),
		cmocka_unit_test(what_formats_never_use_is_refused),
		cmocka_unit_test(
		    a_claimed_length_is_believed_up_to_what_is_there),
		cmocka_unit_test(
		    input_cut_short_is_told_from_input_that_is_wrong),
		cmocka_unit_test(a_failed_decoder_stays_failed_and_gives_zeros),
		cmocka_unit_test(null_is_taken_or_left),
		cmocka_unit_test(trailing_bytes_are_refused),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(raw_items_are_taken_whole),
		cmocka_unit_test(text_must_be_utf8),
		cmocka_unit_test(every_short_head_is_read_as_libcbor_reads_it),
		cmocka_unit_test(an_encoder_never_writes_past_its_end),
	};

	return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
