/*
 * Canonical CBOR in and out: one value, one encoding, hostile bytes refused.
 */
#include "codec/decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

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
		cmocka_unit_test(an_encoder_never_writes_past_its_end),
	};

	return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
