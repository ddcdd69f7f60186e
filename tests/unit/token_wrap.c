/* Secrets wrapped by keys of a token: SoftHSM's, where it is installed. */
#include "token/token_wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/fs.h"
#include "fixture/directory.h"

#define PATIENCE_MS 60000
#define ROOT_BYTES 32

static char dir[DIRECTORY_PATH_BYTES];
static struct ag_error err;
static struct token *token;
static struct secret *root;
static uint8_t wrapped[TOKEN_WRAP_BYTES_MAX];
static size_t wrapped_len;

/* softhsm2-util makes the token; false: there is no such program. */
static bool
make_token(void)
{
	char path[DIRECTORY_PATH_BYTES + 32], text[DIRECTORY_PATH_BYTES + 64];
	int how = 0;
	pid_t child;

	(void)snprintf(path, sizeof(path), "%s/softhsm.conf", dir);
	(void)snprintf(text, sizeof(text),
	    "directories.tokendir = %s\nlog.level = ERROR\n", dir);
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text(text), &err),
	    AG_OK);
	(void)setenv("SOFTHSM2_CONF", path, 1);
	child = fork();
	if (child == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(127);
		(void)execlp("softhsm2-util", "softhsm2-util", "--init-token",
		    "--free", "--label", "ops", "--so-pin", "87654321", "--pin",
		    "1234", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	return WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

static void
open_token(const char *object)
{
	struct secret *pin = secret_copy(bytes_from_text("1234"));
	struct token_uri uri = { .token = "ops", .module_name = "softhsm2" };
	struct token_info info;

	(void)snprintf(uri.object, sizeof(uri.object), "%s", object);
	assert_int_equal(token_new(&token, &uri, PATIENCE_MS, &err), AG_OK);
	assert_int_equal(token_open(token, &info, &err), AG_OK);
	assert_int_equal(token_login(token, pin, false, &err), AG_OK);
	secret_free(pin);
}

static void
make_key(enum token_key_type type, unsigned int bits, const char *label,
    struct token_key *key)
{
	struct token_making making = { .type = type, .bits = bits };

	(void)snprintf(making.label, sizeof(making.label), "%s", label);
	assert_int_equal(token_generate(token, &making, key, &err), AG_OK);
}

static int
teardown(void **state)
{
	(void)state;
	token_free(token);
	token = NULL;
	return 0;
}

static void
seal(const struct token_key *key)
{
	assert_int_equal(token_wrap_seal(wrapped, &wrapped_len, token, key,
			     "n1 root", root, &err),
	    AG_OK);
}

static enum ag_status
unwrap(const struct token_key *key, const char *context)
{
	struct secret *out = NULL;
	enum ag_status status = token_wrap_open(&out, token, key, context,
	    bytes_of(wrapped, wrapped_len), &err);

	if (status == AG_OK)
		assert_true(secret_equal(root, out));
	else
		assert_null(out);
	secret_free(out);
	return status;
}

static void
what_a_key_wraps_it_unwraps_for_the_same_context(enum token_key_type type,
    unsigned int bits, const char *label)
{
	struct token_key made, key;

	open_token(label);
	make_key(type, bits, label, &made);
	assert_int_equal(token_wrap_find_key(token, &key, &err), AG_OK);
	assert_int_equal(key.handle, made.handle);
	seal(&key);
	assert_int_equal(unwrap(&key, "n1 root"), AG_OK);
	assert_int_equal(unwrap(&key, "n2 root"), AG_EFORGED);
}

static void
an_aes_key_wraps_and_unwraps(void **state)
{
	(void)state;
	what_a_key_wraps_it_unwraps_for_the_same_context(TOKEN_KEY_AES, 256,
	    "aes");
}

static void
an_rsa_key_wraps_and_unwraps(void **state)
{
	(void)state;
	what_a_key_wraps_it_unwraps_for_the_same_context(TOKEN_KEY_RSA, 3072,
	    "rsa");
}

static void
what_was_changed_or_cut_short_does_not_unwrap(void **state)
{
	struct token_key key;
	size_t whole;

	(void)state;
	open_token("changed");
	make_key(TOKEN_KEY_AES, 256, "changed", &key);
	seal(&key);
	whole = wrapped_len;
	for (size_t i = 1; i < whole; i++) {
		wrapped[i] ^= 1;
		assert_int_equal(unwrap(&key, "n1 root"), AG_EFORGED);
		wrapped[i] ^= 1;
	}
	for (wrapped_len = 0; wrapped_len < whole; wrapped_len++)
		assert_int_equal(unwrap(&key, "n1 root"), AG_EFORGED);
	assert_int_equal(unwrap(&key, "n1 root"), AG_OK);
	wrapped[0] = 2;
	assert_int_equal(unwrap(&key, "n1 root"), AG_EVERSION);
}

static void
another_key_does_not_unwrap(void **state)
{
	struct token_key key, other;

	(void)state;
	open_token("");
	make_key(TOKEN_KEY_AES, 256, "one", &key);
	make_key(TOKEN_KEY_AES, 256, "other", &other);
	seal(&key);
	assert_int_equal(unwrap(&other, "n1 root"), AG_EFORGED);
}

static void
keys_that_are_not_kept_or_too_short_wrap_nothing(void **state)
{
	static const struct {
		const char *words;
		bool is_sensitive, is_extractable, may_decrypt;
		unsigned int bits;
	} cases[] = {
		{ "CKA_EXTRACTABLE", true, true, true, 256 },
		{ "CKA_SENSITIVE", false, false, true, 256 },
		{ "CKA_DECRYPT", true, false, false, 256 },
		{ "too short", true, false, true, 128 },
	};
	struct token_key made, key;

	(void)state;
	open_token("");
	make_key(TOKEN_KEY_AES, 256, "kept", &made);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		key = made;
		key.is_sensitive = cases[i].is_sensitive;
		key.is_extractable = cases[i].is_extractable;
		key.may_decrypt = cases[i].may_decrypt;
		key.bits = cases[i].bits;
		assert_int_equal(token_wrap_seal(wrapped, &wrapped_len, token,
				     &key, "n1 root", root, &err),
		    AG_EREFUSED);
		assert_non_null(strstr(err.text, cases[i].words));
	}
}

static void
a_key_of_another_kind_is_refused(void **state)
{
	struct token_key key;

	(void)state;
	open_token("");
	make_key(TOKEN_KEY_AES, 256, "kind", &key);
	key.type = TOKEN_KEY_ED25519;
	assert_int_equal(token_wrap_seal(wrapped, &wrapped_len, token, &key,
			     "n1 root", root, &err),
	    AG_EREFUSED);
	assert_non_null(strstr(err.text, "neither AES nor RSA"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
		TEST(an_aes_key_wraps_and_unwraps),
		TEST(an_rsa_key_wraps_and_unwraps),
		TEST(what_was_changed_or_cut_short_does_not_unwrap),
		TEST(another_key_does_not_unwrap),
		TEST(keys_that_are_not_kept_or_too_short_wrap_nothing),
		TEST(a_key_of_another_kind_is_refused),
	};
	int failed = 0;

	if (sodium_init() < 0 || directory_make(dir) == -1)
		return 1;
	root = secret_random(ROOT_BYTES);
	if (make_token())
		failed = cmocka_run_group_tests(tests, NULL, NULL);
	else
		(void)puts("skipped: no softhsm2-util");
	secret_free(root);
	(void)directory_remove(dir);
	return failed;
}
