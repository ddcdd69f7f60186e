/* Names of tokens and of the keys in them. */
#include "token/token_uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct token_uri uri;
static struct ag_error err;

static void
parse(const char *text)
{
	assert_int_equal(token_uri_parse(&uri, text, &err), AG_OK);
}

static void
refuse(enum ag_status status, const char *text, const char *words)
{
	assert_int_equal(token_uri_parse(&uri, text, &err), status);
	if (strstr(err.text, words) == NULL)
		fail_msg("%s: %s", text, err.text);
}

static void
a_uri_names_token_key_module_and_pin(void **state)
{
	(void)state;
	parse("pkcs11:token=The%20Software;manufacturer=Acme;model=X;"
	      "serial=0123;object=node;id=%01%00%ff;type=private"
	      "?module-path=/usr/lib/x.so&pin-source=file:/etc/pin");
	assert_string_equal(uri.token, "The Software");
	assert_string_equal(uri.manufacturer, "Acme");
	assert_string_equal(uri.model, "X");
	assert_string_equal(uri.serial, "0123");
	assert_string_equal(uri.object, "node");
	assert_int_equal(uri.id_len, 3);
	assert_memory_equal(uri.id, "\x01\x00\xff", 3);
	assert_int_equal(uri.class, TOKEN_CLASS_PRIVATE);
	assert_string_equal(uri.module_path, "/usr/lib/x.so");
	assert_string_equal(uri.pin_source, "/etc/pin");
}

static void
an_empty_path_asks_for_nothing(void **state)
{
	(void)state;
	parse("pkcs11:");
	assert_string_equal(uri.token, "");
	assert_int_equal(uri.class, TOKEN_CLASS_ANY);
	parse("pkcs11:?module-name=softhsm2");
	assert_string_equal(uri.module_name, "softhsm2");
}

static void
what_is_not_known_or_given_twice_is_refused(void **state)
{
	(void)state;
	refuse(AG_EINVAL, "pkcs12:token=a", "not a pkcs11: URI");
	refuse(AG_EINVAL, "pkcs11:colour=red", "'colour' is not known");
	refuse(AG_EINVAL, "pkcs11:token=a;token=b", "token is given twice");
	refuse(AG_EINVAL, "pkcs11:pin-source=/a", "is not known before");
	refuse(AG_EINVAL, "pkcs11:?token=a", "is not known behind");
	refuse(AG_EINVAL, "pkcs11:token", "NAME=VALUE");
	refuse(AG_EINVAL, "pkcs11:token=a;", "NAME=VALUE");
	refuse(AG_EINVAL, "pkcs11:token=a?", "NAME=VALUE");
	refuse(AG_EINVAL, "pkcs11:token=", "token has no value");
	refuse(AG_EINVAL, "pkcs11:type=cert", "type is not one of");
}

static void
a_value_is_bounded_and_has_no_odd_characters(void **state)
{
	char text[TOKEN_URI_BYTES_MAX + 64];

	(void)state;
	refuse(AG_EINVAL, "pkcs11:token=a b", "written as %XX");
	refuse(AG_EINVAL, "pkcs11:token=a%2", "written as %XX");
	refuse(AG_EINVAL, "pkcs11:token=a%zz", "written as %XX");
	refuse(AG_EINVAL, "pkcs11:token=a%00", "written as %XX");
	refuse(AG_EINVAL, "pkcs11:serial=0123456789abcdef0",
	    "serial is longer than 16");
	(void)snprintf(text, sizeof(text), "pkcs11:object=%0*d",
	    TOKEN_OBJECT_BYTES, 0);
	refuse(AG_EINVAL, text, "object is longer than 64");
	(void)snprintf(text, sizeof(text), "pkcs11:id=%0*d",
	    TOKEN_ID_BYTES_MAX + 1, 0);
	refuse(AG_EINVAL, text, "id is longer than 64");
	(void)snprintf(text, sizeof(text), "pkcs11:?module-path=/%0*d",
	    TOKEN_URI_BYTES_MAX, 0);
	refuse(AG_EINVAL, text, "longer than 4096");
}

static void
a_pin_in_a_uri_is_refused(void **state)
{
	(void)state;
	refuse(AG_EREFUSED, "pkcs11:token=a?pin-value=1234",
	    "no PIN is taken from pin-value");
	assert_null(strstr(err.text, "1234"));
}

static void
modules_and_pin_files_have_absolute_paths(void **state)
{
	(void)state;
	refuse(AG_EINVAL, "pkcs11:?module-path=x.so", "absolute");
	refuse(AG_EINVAL, "pkcs11:?pin-source=pin", "absolute");
	refuse(AG_EINVAL, "pkcs11:?pin-source=file:pin", "absolute");
	refuse(AG_EINVAL, "pkcs11:?module-name=a/b", "module-name has a '/'");
	refuse(AG_EINVAL, "pkcs11:?module-name=a&module-path=/b",
	    "exclude each other");
}

static void
its_one_form_parses_to_the_same(void **state)
{
	const char *canonical = "pkcs11:token=The%20Software;object=a%3Bb;"
				"id=%01%FF;type=secret-key"
				"?module-name=softhsm2&pin-source=file:/a%26b";
	struct buf out = { .max = TOKEN_URI_BYTES_MAX };

	(void)state;
	parse(canonical);
	assert_int_equal(token_uri_format(&out, &uri), AG_OK);
	assert_true(bytes_equal(buf_bytes(&out), bytes_from_text(canonical)));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uri_names_token_key_module_and_pin),
		cmocka_unit_test(an_empty_path_asks_for_nothing),
		cmocka_unit_test(what_is_not_known_or_given_twice_is_refused),
		cmocka_unit_test(a_value_is_bounded_and_has_no_odd_characters),
		cmocka_unit_test(a_pin_in_a_uri_is_refused),
		cmocka_unit_test(modules_and_pin_files_have_absolute_paths),
		cmocka_unit_test(its_one_form_parses_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
