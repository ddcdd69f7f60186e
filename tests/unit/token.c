/*
 * Tokens that are as they should be, and those that are not: slow, removed,
 * locked, and modules that lie.  The module is tests/fixture/token_module.c.
 */
#include "token/token.h"

#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "crypto/sign.h"
#include "fixture/directory.h"
#include "token/token_sign.h"
#include "token/token_signer.h"
#include "token/token_worker.h"

#define PATIENCE_MS 10000

static char dir[PATH_MAX];
static char module[PATH_MAX];
static struct ag_error err;
static struct token *token;
static struct token_info info;
static struct token_key key;
static struct token_sign_key signing;

static void
put_file(const char *name, const char *text)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text(text), &err),
	    AG_OK);
}

static void
fault(const char *word)
{
	put_file("fault", word);
}

/* Calls of the specification before may be on their way back. */
static enum ag_status
new_token(const struct token_uri *uri)
{
	const uint64_t began = clock_mono_us();
	enum ag_status status;

	do
		status = token_new(&token, uri, PATIENCE_MS, &err);
	while (status == AG_ELIMIT && clock_mono_us() - began < 30000000);
	return status;
}

static void
make_token(const char *object)
{
	char text[PATH_MAX + 64];
	struct token_uri uri;

	(void)snprintf(text, sizeof(text), "pkcs11:%s?module-path=%s", object,
	    module);
	assert_int_equal(token_uri_parse(&uri, text, &err), AG_OK);
	assert_int_equal(new_token(&uri), AG_OK);
}

static enum ag_status
login(const char *text, bool is_typed)
{
	struct secret *pin = secret_copy(bytes_from_text(text));
	enum ag_status status;

	assert_non_null(pin);
	status = token_login(token, pin, is_typed, &err);
	secret_free(pin);
	return status;
}

static void
open_token(void)
{
	assert_int_equal(token_open(token, &info, &err), AG_OK);
	assert_int_equal(login("1234", false), AG_OK);
	assert_int_equal(token_find_key(token, TOKEN_CLASS_PRIVATE, &key, &err),
	    AG_OK);
}

static void
make_open_token(void)
{
	make_token("token=fake;object=node");
	open_token();
}

static enum ag_status
sign_something(void)
{
	uint8_t signature[SSH_KEY_SIGNATURE_BYTES_MAX];
	size_t len;

	signing = (struct token_sign_key){ token, key };
	return token_sign_ssh(&signing, bytes_from_text("something"), signature,
	    &len, &err);
}

static void
says(const char *words)
{
	if (strstr(err.text, words) == NULL)
		fail_msg("not told '%s': %s", words, err.text);
}

static int
setup(void **state)
{
	(void)state;
	fault("");
	put_file("tries", "0");
	put_file("made", "");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fault("");
	token_free(token);
	token = NULL;
	return 0;
}

static void
a_key_in_a_token_signs_what_its_public_half_verifies(void **state)
{
	uint8_t signature[TOKEN_SIGNATURE_BYTES_MAX];
	size_t len;

	(void)state;
	make_open_token();
	assert_string_equal(info.label, "fake");
	assert_string_equal(key.label, "node");
	assert_int_equal(key.type, TOKEN_KEY_ED25519);
	assert_true(key.is_sensitive && !key.is_extractable);
	assert_true(key.has_public);
	assert_int_equal(token_sign(token, &key, bytes_from_text("message"),
			     signature, &len, &err),
	    AG_OK);
	assert_int_equal(len, SIGN_SIGNATURE_BYTES);
	assert_true(sign_verify(key.public.blob + key.public.blob_len -
		SIGN_PUBLIC_BYTES,
	    bytes_from_text("message"), signature));
	assert_int_equal(sign_something(), AG_OK);
}

static void
what_a_uri_does_not_name_is_not_found(void **state)
{
	(void)state;
	make_token("token=other");
	assert_int_equal(token_open(token, &info, &err), AG_ENOENT);
	says("there is no token other");
	token_free(token);
	make_token("type=public");
	assert_int_equal(token_open(token, &info, &err), AG_OK);
	assert_int_equal(token_find_key(token, TOKEN_CLASS_PRIVATE, &key, &err),
	    AG_EINVAL);
	says("type=public");
}

static void
private_keys_are_there_after_a_login_only(void **state)
{
	(void)state;
	make_token("object=node");
	assert_int_equal(token_open(token, &info, &err), AG_OK);
	assert_int_equal(token_find_key(token, TOKEN_CLASS_PRIVATE, &key, &err),
	    AG_ENOENT);
	says("no key of type private and label node");
}

static void
a_wrong_pin_is_tried_once_and_told_what_is_left(void **state)
{
	(void)state;
	make_token("token=fake");
	assert_int_equal(token_open(token, &info, &err), AG_OK);
	assert_int_equal(login("4321", false), AG_EDENIED);
	says("wrong PIN, and few tries are left");
	assert_int_equal(login("4321", false), AG_EDENIED);
	says("one more locks the token");
}

static void
the_last_try_is_not_spent_on_a_pin_from_a_file(void **state)
{
	(void)state;
	put_file("tries", "2");
	make_token("token=fake");
	assert_int_equal(token_open(token, &info, &err), AG_OK);
	assert_true(info.is_pin_final);
	/* Not even on one that would be right. */
	assert_int_equal(login("1234", false), AG_EREFUSED);
	says("one more wrong PIN locks it");
	assert_int_equal(login("1234", true), AG_OK);
}

static void
a_locked_pin_is_told_and_not_tried(void **state)
{
	(void)state;
	put_file("tries", "2");
	make_token("token=fake");
	assert_int_equal(token_open(token, &info, &err), AG_OK);
	assert_int_equal(login("4321", true), AG_EDENIED);
	says("wrong PIN, and now the PIN is locked");
	assert_int_equal(login("1234", true), AG_EDENIED);
	says("the PIN is locked; its security officer");
}

static void
a_token_that_hangs_is_given_up_and_asked_again_when_it_answers(void **state)
{
	uint64_t began;

	(void)state;
	make_open_token();
	token_set_deadline(token, 100);
	fault("hang");
	began = clock_mono_us();
	assert_int_equal(sign_something(), AG_ETIMEOUT);
	says("no answer within 100 ms");
	assert_int_equal(sign_something(), AG_EBUSY);
	assert_in_range(clock_mono_us() - began, 0, 5000000);
	fault("");
	token_set_deadline(token, PATIENCE_MS);
	/* Who asks while a late call runs is told so at once. */
	while (sign_something() == AG_EBUSY)
		assert_in_range(clock_mono_us() - began, 0, 60000000);
	assert_int_equal(err.status, AG_EBUSY);
	assert_int_equal(sign_something(), AG_OK);
}

static void
nobody_waits_for_a_token_that_hangs_to_be_freed(void **state)
{
	uint64_t began = clock_mono_us();

	(void)state;
	make_open_token();
	token_set_deadline(token, 50);
	fault("hang");
	assert_int_equal(sign_something(), AG_ETIMEOUT);
	token_free(token);
	token = NULL;
	assert_in_range(clock_mono_us() - began, 0, 10000000);
}

static void
calls_that_never_come_back_are_bounded(void **state)
{
	struct token_uri named = { .token = "fake", .object = "node" };
	int left = 0;

	(void)state;
	(void)snprintf(named.module_path, sizeof(named.module_path), "%.1000s",
	    module);
	fault("hang");
	while (token_new(&token, &named, PATIENCE_MS, &err) == AG_OK) {
		assert_true(left++ < TOKEN_WORKER_LEFT_MAX);
		open_token();
		token_set_deadline(token, 50);
		assert_int_equal(sign_something(), AG_ETIMEOUT);
		token_free(token);
	}
	assert_null(token);
	says("4 calls have never come back");
	/* And when they have, there is room again. */
	fault("");
	assert_int_equal(new_token(&named), AG_OK);
}

static void
a_key_that_asks_for_the_pin_each_time_is_refused(void **state)
{
	(void)state;
	fault("asks-always");
	make_open_token();
	assert_int_equal(sign_something(), AG_EVERSION);
	says("it asks for the PIN at every use, which is not supported");
}

static void
a_token_that_was_removed_is_told_and_opened_when_it_is_back(void **state)
{
	(void)state;
	make_open_token();
	fault("removed");
	assert_int_equal(sign_something(), AG_EUNREACH);
	says("token fake: sign: the token was removed");
	assert_int_equal(token_open(token, &info, &err), AG_ENOENT);
	fault("");
	assert_int_equal(token_open(token, &info, &err), AG_OK);
	assert_int_equal(login("1234", false), AG_OK);
	assert_int_equal(sign_something(), AG_OK);
}

static void
a_signature_that_is_wrong_is_not_handed_out(void **state)
{
	(void)state;
	make_open_token();
	fault("wrong-signature");
	assert_int_equal(sign_something(), AG_EFORGED);
	says("does not verify");
	fault("short-signature");
	assert_int_equal(sign_something(), AG_EFORGED);
}

static void
lengths_that_a_module_claims_are_bounded(void **state)
{
	struct token_info tokens[TOKEN_SLOTS_MAX];
	size_t count;

	(void)state;
	make_open_token();
	fault("long-signature");
	assert_int_equal(sign_something(), AG_EFORGED);
	says("claims to have signed with");
	fault("many-objects");
	assert_int_equal(token_find_key(token, TOKEN_CLASS_PRIVATE, &key, &err),
	    AG_ESYS);
	says("look for keys");
	fault("many-slots");
	assert_int_equal(token_list(token, tokens, &count, &err), AG_ELIMIT);
	says("more than 64 slots");
	fault("long-attribute");
	assert_int_equal(token_find_key(token, TOKEN_CLASS_PRIVATE, &key, &err),
	    AG_ENOENT);
	fault("endless-objects");
	assert_int_equal(token_find_key(token, TOKEN_CLASS_PRIVATE, &key, &err),
	    AG_ECONFLICT);
	says("128 keys of type private match");
}

static void
a_module_that_is_none_or_anybody_may_write_is_not_loaded(void **state)
{
	struct token_uri uri = { 0 };

	(void)state;
	(void)snprintf(uri.module_path, sizeof(uri.module_path), "%.900s/tries",
	    dir);
	assert_int_equal(token_new(&token, &uri, PATIENCE_MS, &err), AG_ESYS);
	says("load PKCS#11 module");
	assert_int_equal(chmod(uri.module_path, 0666), 0);
	assert_int_equal(token_new(&token, &uri, PATIENCE_MS, &err),
	    AG_EREFUSED);
	says("anybody may write it");
	uri = (struct token_uri){ .module_name = "no-such-module" };
	assert_int_equal(token_new(&token, &uri, PATIENCE_MS, &err), AG_ENOENT);
	says("PKCS#11 module no-such-module: not found");
}

/* --- a key that signs for as long as a node runs --- */

static struct token_signer *long_signer;
static pthread_mutex_t returned_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t returned_changed = PTHREAD_COND_INITIALIZER;
static unsigned int returns;

static void
on_returned(void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&returned_lock);
	returns++;
	(void)pthread_cond_signal(&returned_changed);
	(void)pthread_mutex_unlock(&returned_lock);
}

static enum ag_status
open_signer(const char *text)
{
	struct secret *pin = secret_copy(bytes_from_text(text));
	char uri_text[PATH_MAX + 64];
	struct token_uri uri;
	const struct token_signer_config config = {
		.uri = &uri,
		.pin = pin,
		.deadline_ms = 100,
		.probe = bytes_from_text("probe"),
		.returned = on_returned,
	};
	enum ag_status status;

	returns = 0;
	(void)snprintf(uri_text, sizeof(uri_text),
	    "pkcs11:token=fake;object=node?module-path=%s", module);
	assert_int_equal(token_uri_parse(&uri, uri_text, &err), AG_OK);
	status = token_signer_open(&long_signer, &config, &err);
	secret_free(pin);
	return status;
}

static enum ag_status
sign_long(uint8_t signature[static SIGN_SIGNATURE_BYTES])
{
	struct signer signer;

	token_signer_get(long_signer, &signer);
	return signer_sign(&signer, bytes_from_text("vote"), signature, &err);
}

static void
await_return(void)
{
	(void)pthread_mutex_lock(&returned_lock);
	while (returns == 0)
		(void)pthread_cond_wait(&returned_changed, &returned_lock);
	(void)pthread_mutex_unlock(&returned_lock);
}

static void
a_signer_whose_token_is_away_refuses_at_once_until_it_is_back(void **state)
{
	const uint8_t zeros[SIGN_SIGNATURE_BYTES] = { 0 };
	uint8_t signature[SIGN_SIGNATURE_BYTES];
	char reason[TOKEN_SIGNER_TEXT_BYTES];

	(void)state;
	assert_int_equal(open_signer("1234"), AG_OK);
	assert_string_equal(token_signer_name(long_signer),
	    "key node in token fake (tests, serial 1)");
	assert_int_equal(sign_long(signature), AG_OK);
	fault("wrong-signature");
	assert_int_equal(sign_long(signature), AG_EFORGED);
	assert_memory_equal(signature, zeros, sizeof(zeros));
	assert_true(token_signer_is_away(long_signer));
	token_signer_reason(long_signer, reason);
	assert_non_null(strstr(reason, "does not verify"));
	assert_int_equal(sign_long(signature), AG_EUNREACH);
	fault("");
	await_return();
	assert_false(token_signer_is_away(long_signer));
	assert_int_equal(sign_long(signature), AG_OK);
	token_signer_close(long_signer);
}

static void
a_signature_that_was_missed_is_remembered_until_its_owner_begins_anew(
    void **state)
{
	uint8_t signature[SIGN_SIGNATURE_BYTES];

	(void)state;
	assert_int_equal(open_signer("1234"), AG_OK);
	assert_int_equal(sign_long(signature), AG_OK);
	assert_false(token_signer_has_missed(long_signer));
	fault("removed");
	assert_int_equal(sign_long(signature), AG_EUNREACH);
	fault("");
	/* Whoever was held up asks only when the token is back. */
	await_return();
	assert_false(token_signer_is_away(long_signer));
	assert_true(token_signer_has_missed(long_signer));
	assert_int_equal(sign_long(signature), AG_OK);
	assert_true(token_signer_has_missed(long_signer));
	token_signer_begin_anew(long_signer);
	assert_false(token_signer_has_missed(long_signer));
	token_signer_close(long_signer);
}

static void
a_pin_that_was_refused_is_given_again_once_another_was_right(void **state)
{
	const uint64_t began = clock_mono_us();
	char reason[TOKEN_SIGNER_TEXT_BYTES] = "";
	uint8_t signature[SIGN_SIGNATURE_BYTES];

	(void)state;
	assert_int_equal(open_signer("1234"), AG_OK);
	fault("removed");
	assert_int_equal(sign_long(signature), AG_EUNREACH);
	put_file("tries", "2");
	fault("");
	while (strstr(reason, "one more wrong PIN locks it") == NULL &&
	    clock_mono_us() - began < 30000000)
		token_signer_reason(long_signer, reason);
	assert_non_null(strstr(reason, "given elsewhere"));
	assert_true(token_signer_is_away(long_signer));
	/* Somebody gives the right one. */
	put_file("tries", "0");
	await_return();
	assert_int_equal(sign_long(signature), AG_OK);
	token_signer_close(long_signer);
}

static void
a_signer_is_opened_with_the_right_pin_and_a_key_that_stays(void **state)
{
	(void)state;
	assert_int_equal(open_signer("4321"), AG_EDENIED);
	says("wrong PIN");
	fault("extractable");
	assert_int_equal(open_signer("1234"), AG_EREFUSED);
	says("it can leave the token");
	fault("removed");
	assert_int_equal(open_signer("1234"), AG_ENOENT);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_key_in_a_token_signs_what_its_public_half_verifies),
		TEST(what_a_uri_does_not_name_is_not_found),
		TEST(private_keys_are_there_after_a_login_only),
		TEST(a_wrong_pin_is_tried_once_and_told_what_is_left),
		TEST(the_last_try_is_not_spent_on_a_pin_from_a_file),
		TEST(a_locked_pin_is_told_and_not_tried),
		TEST(
		    a_token_that_hangs_is_given_up_and_asked_again_when_it_answers),
		TEST(nobody_waits_for_a_token_that_hangs_to_be_freed),
		TEST(calls_that_never_come_back_are_bounded),
		TEST(a_key_that_asks_for_the_pin_each_time_is_refused),
		TEST(
		    a_token_that_was_removed_is_told_and_opened_when_it_is_back),
		TEST(a_signature_that_is_wrong_is_not_handed_out),
		TEST(lengths_that_a_module_claims_are_bounded),
		TEST(
		    a_signer_whose_token_is_away_refuses_at_once_until_it_is_back),
		TEST(
		    a_signature_that_was_missed_is_remembered_until_its_owner_begins_anew),
		TEST(
		    a_pin_that_was_refused_is_given_again_once_another_was_right),
		TEST(
		    a_signer_is_opened_with_the_right_pin_and_a_key_that_stays),
		TEST(a_module_that_is_none_or_anybody_may_write_is_not_loaded),
	};

	char base[DIRECTORY_PATH_BYTES];
	int failed;

	(void)argc;
	(void)snprintf(module, sizeof(module),
	    "%.*s/../fixture/token_module.so",
	    (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
	if (realpath(module, dir) == NULL || directory_make(base) == -1)
		return 1;
	(void)snprintf(module, sizeof(module), "%s", dir);
	(void)snprintf(dir, sizeof(dir), "%s", base);
	(void)setenv("TOKEN_TEST_DIR", dir, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)directory_remove(dir);
	return failed;
}
