/*
 * Lines of check files.  tests/cli/hash.sh compares them with coreutils'.
 */
#include "crypto/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE_BYTES_MAX 16384
#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct checksum_kind sha256 = { HASH_SHA_256, HASH_BYTES };
static const struct checksum_kind any_blake2b = { HASH_BLAKE2B_512, 0 };

static enum ag_status
parse(struct checksum_line *line, struct checksum_kind plain, bool is_strict,
    const char *text, struct ag_error *err)
{
	struct checksum_reader reader = { .plain = plain,
		.is_strict = is_strict };

	return checksum_parse(line, &reader, bytes_from_text(text), err);
}

static void
every_line_that_is_written_is_read_again(void **state)
{
	static const char *const names[] = { "plain", " blank", "*star",
		"new\nline", "back\\slash", "carriage\rreturn", "a) = b", "(a",
		"\\n", "\xff\xfe", "trailing " };
	static const char *const algorithms[] = { "sha-256", "sha-512",
		"sha3-256", "blake2b-512", "blake2b-256" };
	uint8_t digest[HASH_BYTES_MAX];
	struct checksum_line line;
	struct checksum_kind kind;
	struct ag_error err;
	struct buf text;

	(void)state;
	for (size_t i = 0; i < sizeof(digest); i++)
		digest[i] = (uint8_t)(i * 7 + 1);
	buf_init(&text, LINE_BYTES_MAX);
	for (size_t i = 0; i < 11 * 5 * 4; i++) {
		const char *name = names[i % 11];
		const struct checksum_style style = {
			.is_binary = (i / 55 & 1) != 0,
			.is_tagged = (i / 110 & 1) != 0,
		};

		assert_int_equal(checksum_find(&kind, algorithms[i / 11 % 5],
				     &err),
		    AG_OK);
		buf_clear(&text);
		assert_int_equal(checksum_format(&text, kind, digest, name,
				     style),
		    AG_OK);
		assert_int_equal(text.data[--text.len], '\n');
		text.data[text.len] = '\0';
		assert_int_equal(parse(&line, kind, true,
				     (const char *)text.data, &err),
		    AG_OK);
		assert_string_equal(line.name, name);
		assert_int_equal(line.kind.algorithm, kind.algorithm);
		assert_int_equal(line.kind.digest_bytes, kind.digest_bytes);
		assert_memory_equal(line.digest, digest, kind.digest_bytes);
	}
	buf_fini(&text);
}

static void
a_blake2b_has_the_length_of_its_digits_or_tag(void **state)
{
	struct checksum_line line;
	struct ag_error err;

	(void)state;
	assert_int_equal(parse(&line, any_blake2b, true, "a5  x", &err), AG_OK);
	assert_int_equal(line.kind.digest_bytes, 1);
	assert_int_equal(parse(&line, any_blake2b, true,
			     "BLAKE2b-16 (x) = a5a5", &err),
	    AG_OK);
	assert_int_equal(line.kind.digest_bytes, 2);
	assert_int_equal(parse(&line, any_blake2b, true,
			     "BLAKE2b-16 (x) = a5a5a5", &err),
	    AG_EINVAL);
	assert_int_equal(parse(&line, any_blake2b, true, "BLAKE2b (x) = a5a5",
			     &err),
	    AG_EINVAL);
	assert_int_equal(parse(&line, any_blake2b, true, "BLAKE2b-12 (x) = a5a",
			     &err),
	    AG_EINVAL);
	assert_int_equal(parse(&line, any_blake2b, true, "a5a  x", &err),
	    AG_EINVAL);
}

static void
a_tag_may_name_any_algorithm_or_only_the_one_asked_for(void **state)
{
	struct checksum_line line;
	struct ag_error err;

	(void)state;
	assert_int_equal(parse(&line, any_blake2b, false, "SHA256 (x) = " HEX,
			     &err),
	    AG_OK);
	assert_int_equal(line.kind.algorithm, HASH_SHA_256);
	assert_int_equal(parse(&line, any_blake2b, true, "SHA256 (x) = " HEX,
			     &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "another algorithm"));
	assert_int_equal(parse(&line, sha256, true, "SHA2-256(x)= " HEX, &err),
	    AG_OK);
	assert_int_equal(parse(&line, sha256, false,
			     "MD5 (x) = d41d8cd98f00b204e9800998ecf8427e",
			     &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "is refused"));
}

static void
a_file_is_spaced_one_way(void **state)
{
	struct checksum_reader reader = { .plain = sha256 };
	struct checksum_line line;
	struct ag_error err;

	(void)state;
	assert_int_equal(checksum_parse(&line, &reader,
			     bytes_from_text(HEX "  x"), &err),
	    AG_OK);
	assert_string_equal(line.name, "x");
	assert_int_equal(checksum_parse(&line, &reader,
			     bytes_from_text(HEX " x"), &err),
	    AG_EINVAL);
	reader.spacing = CHECKSUM_UNDECIDED;
	assert_int_equal(checksum_parse(&line, &reader,
			     bytes_from_text(HEX " x"), &err),
	    AG_OK);
	assert_int_equal(checksum_parse(&line, &reader,
			     bytes_from_text(HEX "  x"), &err),
	    AG_OK);
	assert_string_equal(line.name, " x");
}

static void
what_is_no_checksum_line_is_none(void **state)
{
	static const char *const lines[] = { "", " ", "\\", "x", HEX, HEX " ",
		HEX "x", HEX "0  x", "\\" HEX "  x\\", "\\" HEX "  x\\q",
		"SHA256", "SHA256 (", "SHA256 ()", "SHA256 (x)",
		"SHA256 (x) " HEX, "SHA256 (x) =", "SHA256 () = " HEX,
		"(x) = " HEX, ") = (" HEX,
		"A-NAME-THAT-IS-LONGER-THAN-ANY-TAG (x) = " HEX };
	struct checksum_line line;
	struct ag_error err;
	char longer[PATH_MAX + 80];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(parse(&line, sha256, false, lines[i], &err),
		    AG_EINVAL);
	(void)snprintf(longer, sizeof(longer), "%s  %0*d", HEX, PATH_MAX, 0);
	assert_int_equal(parse(&line, sha256, false, longer, &err), AG_EINVAL);
	longer[strlen(longer) - 1] = '\0';
	assert_int_equal(parse(&line, sha256, false, longer, &err), AG_OK);
}

static void
a_name_with_a_nul_in_it_is_nobodys(void **state)
{
	static const char text[] = HEX "  a\0b";
	struct checksum_reader reader = { .plain = sha256 };
	struct checksum_line line;
	struct ag_error err;

	(void)state;
	assert_int_equal(checksum_parse(&line, &reader,
			     bytes_of(text, sizeof(text) - 1), &err),
	    AG_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_that_is_written_is_read_again),
		cmocka_unit_test(a_blake2b_has_the_length_of_its_digits_or_tag),
		cmocka_unit_test(
		    a_tag_may_name_any_algorithm_or_only_the_one_asked_for),
		cmocka_unit_test(a_file_is_spaced_one_way),
		cmocka_unit_test(what_is_no_checksum_line_is_none),
		cmocka_unit_test(a_name_with_a_nul_in_it_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
