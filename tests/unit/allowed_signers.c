/*
 * Who may sign, by files in ssh-keygen's format.  tests/cli/sign.sh compares
 * the verdicts with ssh-keygen's own.
 */
#include "crypto/allowed_signers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define KEY                                                        \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICsInzybw9G9deq6GPxO" \
	"jm+Bn0WxWW7NeQS+ZNEcbDYP"
#define OTHER                                                      \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFBuLk7uOMs0gwzFss46" \
	"uIHxomWySOtl3cy0RR/RXyR8"

static enum ag_status
ask(const char *text, const char *identity, const char *namespace, uint64_t at,
    size_t *line, struct ag_error *err)
{
	struct ssh_key key;
	struct allowed_question question = {
		.key = &key,
		.identity = identity,
		.namespace = namespace,
		.at = at,
	};

	assert_int_equal(ssh_key_parse_line(&key, bytes_from_text(KEY), NULL),
	    AG_OK);
	return allowed_signers_check(bytes_from_text(text), "f", &question,
	    line, err);
}

static void
patterns_take_names_in_and_out(void **state)
{
	static const struct {
		const char *principals, *identity;
		bool is_in;
	} cases[] = {
		{ "a@b", "a@b", true },
		{ "a@b", "a@B", false },
		{ "*", "", true },
		{ "?", "", false },
		{ "*@b", "@b", true },
		{ "*a*b*c", "xaybzc", true },
		{ "*a*b*c", "xaybzcd", false },
		{ "**", "x", true },
		{ "a@b,c@d", "c@d", true },
		{ "*,!a@b", "a@b", false },
		{ "!a@b,*", "a@b", false },
		{ "!a@b", "c@d", false }, /* nothing takes it in */
		{ "!*@b,c@d", "c@d", true },
		{ "\"a b,c\"", "a b", true },
		{ "a,,b", "b", true },
	};
	struct ag_error err;
	char text[256];
	size_t line;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s %s\n",
		    cases[i].principals, KEY);
		assert_int_equal(ask(text, cases[i].identity, "file", 1, &line,
				     &err),
		    cases[i].is_in ? AG_OK : AG_EDENIED);
	}
}

/* "*aaa…ab" against a name all of a; even "*" behind it takes nothing in. */
static void
a_pattern_made_to_take_forever_fits_nothing(void **state)
{
	char pattern[1001], name[2048], text[2048];
	struct ag_error err;
	size_t line;

	(void)state;
	memset(pattern, 'a', sizeof(pattern) - 1);
	pattern[sizeof(pattern) - 1] = '\0';
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(text, sizeof(text), "*%sb,* %s\n", pattern, KEY);
	assert_int_equal(ask(text, name, "file", 1, &line, &err), AG_EDENIED);
}

static void
limits_hold_to_the_second(void **state)
{
	static const char text[] =
	    "a valid-after=\"20200102030405Z\",VALID-BEFORE=\"202101020304Z\","
	    "namespaces=\"file,git\" " KEY "\n";
	const uint64_t first = 1577934245, last = 1609556640;
	struct ag_error err;
	size_t line;

	(void)state;
	assert_int_equal(ask(text, "a", "file", first, &line, &err), AG_OK);
	assert_int_equal(ask(text, "a", "git", last, &line, &err), AG_OK);
	assert_int_equal(ask(text, "a", "file", first - 1, &line, &err),
	    AG_EDENIED);
	assert_string_equal(err.text,
	    "f:1: the key is not valid yet there (valid-after)");
	assert_int_equal(ask(text, "a", "file", last + 1, &line, &err),
	    AG_EDENIED);
	assert_int_equal(ask(text, "a", "mail", first, &line, &err),
	    AG_EDENIED);
	assert_string_equal(err.text,
	    "f:1: the key is not for namespace \"mail\" there");
}

static void
times_are_dates_that_exist(void **state)
{
	static const struct {
		const char *text;
		uint64_t at; /* 0: none */
	} cases[] = {
		{ "19700102Z", 86400 },
		{ "20200229Z", 1582934400 },
		{ "20200229UTC", 1582934400 },
		{ "20200229120001utc", 1582977601 },
		{ "20200229UTCZ", 0 },
		{ "UTC", 0 },
		{ "202002291200z", 1582977600 },
		{ "20200229120001Z", 1582977601 },
		{ "20210229Z", 0 },
		{ "20200631Z", 0 },
		{ "20201301Z", 0 },
		{ "20200100Z", 0 },
		{ "202001012400Z", 0 },
		{ "202001012360Z", 0 },
		{ "20200101235960Z", 0 },
		{ "2020010112Z", 0 },
		{ "202001011200000Z", 0 },
		{ "19691231Z", 0 },
		{ "20200101ZZ", 0 },
		{ "2020-01-01", 0 },
		{ "Z", 0 },
		{ "", 0 },
	};
	uint64_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum ag_status status = allowed_signers_parse_time(&at,
		    bytes_from_text(cases[i].text));

		assert_int_equal(status, cases[i].at == 0 ? AG_EINVAL : AG_OK);
		if (status == AG_OK)
			assert_int_equal(at, cases[i].at);
	}
}

static void
a_time_without_z_is_this_machines(void **state)
{
	uint64_t here, utc;

	(void)state;
	assert_int_equal(setenv("TZ", "UTC-5", 1), 0);
	tzset();
	assert_int_equal(allowed_signers_parse_time(&here,
			     bytes_from_text("20200101")),
	    AG_OK);
	assert_int_equal(allowed_signers_parse_time(&utc,
			     bytes_from_text("20200101Z")),
	    AG_OK);
	assert_int_equal(utc - here, 5 * 3600);
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void
the_nearest_lines_reason_is_told(void **state)
{
	struct ag_error err;
	size_t line;

	(void)state;
	assert_int_equal(ask("", "a", "file", 1, &line, &err), AG_EDENIED);
	assert_string_equal(err.text, "f: neither a nor the key is there");
	assert_int_equal(ask("a " OTHER "\nb " KEY "\na " OTHER "\n", "a",
			     "file", 1, &line, &err),
	    AG_EDENIED);
	assert_string_equal(err.text,
	    "f:2: the key is there for others, not for a");
	assert_int_equal(ask("a cert-authority " KEY "\nb " KEY "\n", "a",
			     "file", 1, &line, &err),
	    AG_EDENIED);
	assert_string_equal(err.text,
	    "f:1: the key is a certificate authority's there, and "
	    "certificates are not supported");
	assert_int_equal(ask("# c\n\n a " OTHER "\r\n\ta\t " KEY " note\r\n",
			     "a", "file", 1, &line, &err),
	    AG_OK);
	assert_int_equal(line, 4);
}

/* An expired line does not hide one that holds. */
static void
any_line_that_holds_is_enough(void **state)
{
	struct ag_error err;
	size_t line;

	(void)state;
	assert_int_equal(ask("a valid-before=\"20000101\" " KEY "\n"
			     "a ssh-dss AAAA\n"
			     "a sk-ssh-ed25519@openssh.com AAAA\n"
			     "a " KEY,
			     "a", "file", 1000000000, &line, &err),
	    AG_OK);
	assert_int_equal(line, 4);
}

static void
a_line_that_is_wrong_ends_the_search(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "a", "it has no key" },
		{ "a ssh-ed25519", "damaged or cut short" },
		{ "a nonsense " KEY, "\"nonsense\" is neither" },
		{ "a namespaces=\"x\"", "no known type of key follows" },
		{ "a namespaces=x " KEY, "not \"quoted\"" },
		{ "a namespaces=\"x,y " KEY, "a quote is not closed" },
		{ "\"a " KEY, "a quote is not closed" },
		{ "a cert-authority, " KEY, "end with a comma" },
		{ "a valid-after=\"tomorrow\" " KEY, "valid-after is no time" },
		{ "a valid-after=\"2020\",valid-after=\"2020\" " KEY,
		    "no time" },
		{ "a namespaces=\"x\",namespaces=\"y\" " KEY, "twice" },
		{ "a valid-after=\"20200101\",valid-before=\"20200101\" " KEY,
		    "not later" },
		{ "a ,cert-authority " KEY, "neither an option" },
		{ "a ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAICsInzybw9G9deq6GPxOjm"
		  "+Bn0WxWW7NeQS+ZNEcbDYP",
		    "another type than its first word" },
	};
	struct ag_error err;
	char text[512];
	size_t line;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s\na %s\n", cases[i].line,
		    KEY);
		assert_int_equal(ask(text, "a", "file", 1, &line, &err),
		    AG_EINVAL);
		assert_ptr_equal(strstr(err.text, "f:1: "), err.text);
		assert_non_null(strstr(err.text, cases[i].words));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_take_names_in_and_out),
		cmocka_unit_test(a_pattern_made_to_take_forever_fits_nothing),
		cmocka_unit_test(limits_hold_to_the_second),
		cmocka_unit_test(times_are_dates_that_exist),
		cmocka_unit_test(a_time_without_z_is_this_machines),
		cmocka_unit_test(the_nearest_lines_reason_is_told),
		cmocka_unit_test(any_line_that_holds_is_enough),
		cmocka_unit_test(a_line_that_is_wrong_ends_the_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
