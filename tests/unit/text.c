/*
 * Bytes as text: RFC 4648's own vectors, and strict decoding.
 */
#include "codec/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
base64_matches_the_published_vectors(void **state)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" },
		{ "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
	char text[32];
	uint8_t back[32];
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		text_base64(text, sizeof(text), bytes_from_text(pairs[i][0]),
		    BASE64_STANDARD);
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(text_base64_decode(back, sizeof(back), &len,
				     bytes_from_text(text), BASE64_STANDARD),
		    AG_OK);
		assert_true(bytes_equal(bytes_of(back, len),
		    bytes_from_text(pairs[i][0])));
	}
}

static void
the_url_variant_has_its_own_alphabet_and_no_padding(void **state)
{
	static const uint8_t bytes[] = { 0xfb, 0xff };
	char text[8];

	(void)state;
	text_base64(text, sizeof(text), bytes_of(bytes, 2), BASE64_URL);
	assert_string_equal(text, "-_8");
	text_base64(text, sizeof(text), bytes_of(bytes, 2), BASE64_UNPADDED);
	assert_string_equal(text, "+/8");
}

static void
loose_base64_is_refused(void **state)
{
	/* White space, stray bits, padding where none belongs, too little. */
	static const char *const bad[] = { "Z g", "Zh", "Zg==", "Z", "Zg\n",
		"+/8" };
	uint8_t out[8];
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(text_base64_decode(out, sizeof(out), &len,
					 bytes_from_text(bad[i]), BASE64_URL),
		    AG_OK);
}

static void
base64_that_does_not_fit_is_refused(void **state)
{
	uint8_t out[2];
	size_t len;

	(void)state;
	assert_int_not_equal(text_base64_decode(out, sizeof(out), &len,
				 bytes_from_text("Zm9v"), BASE64_URL),
	    AG_OK);
}

static void
hexadecimal_is_exact(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x9a, 0xff };
	static const char *const bad[] = { "", "009a", "009aff0", "009afg",
		"00 9af", "009aff00" };
	char text[TEXT_HEX_BYTES(3)];
	uint8_t back[3];
	size_t i;

	(void)state;
	text_hex(text, sizeof(text), bytes_of(bytes, 3));
	assert_string_equal(text, "009aff");
	assert_int_equal(text_hex_decode(back, 3, bytes_from_text("009AFF")),
	    AG_OK);
	assert_memory_equal(back, bytes, 3);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(text_hex_decode(back, 3,
					 bytes_from_text(bad[i])),
		    AG_OK);
}

static void
lines_end_with_lf_or_crlf_or_the_text(void **state)
{
	static const char *const want[] = { "a", "", "b\rc", "d" };
	struct bytes text = bytes_from_text("a\n\r\nb\rc\r\nd"), line;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_true(text_next_line(&text, &line));
		assert_true(bytes_equal(line, bytes_from_text(want[i])));
	}
	assert_false(text_next_line(&text, &line));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_with_lf_or_crlf_or_the_text),
		cmocka_unit_test(base64_matches_the_published_vectors),
		cmocka_unit_test(
		    the_url_variant_has_its_own_alphabet_and_no_padding),
		cmocka_unit_test(loose_base64_is_refused),
		cmocka_unit_test(base64_that_does_not_fit_is_refused),
		cmocka_unit_test(hexadecimal_is_exact),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
