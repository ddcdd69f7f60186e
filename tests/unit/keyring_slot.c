/*
 * Slots that a key in a token opens, and slots that what was in escrow opens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "fixture/directory.h"
#include "keyring/keyring.h"
#include "keyring/keyring_body.h"
#include "keyring/keyring_slot.h"

#define NOW 1700000000000
#define NAME "pkcs11:token=ops;object=root"
#define MASK 0x5a

static char dir[DIRECTORY_PATH_BYTES], path[DIRECTORY_PATH_BYTES + 16];
static struct secret *key_file, *escrowed;
static struct ag_error err;

/* A token whose key is one byte, and what it does. */
static struct {
	enum ag_status status;
	size_t answer_len;
	uint8_t change;
	unsigned int asked;
	char context[KEYRING_CONTEXT_BYTES];
} fake;

static void
must(enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", err.text);
}

static enum ag_status
fake_wrap(void *arg, const char *context, const struct secret *root,
    uint8_t *out, size_t *len, struct ag_error *e)
{
	(void)arg;
	if (fake.status != AG_OK)
		return ag_fail(e, fake.status, "the fake says no");
	(void)snprintf(fake.context, sizeof(fake.context), "%s", context);
	*len = secret_len(root);
	for (size_t i = 0; i < *len; i++)
		out[i] = secret_bytes(root).data[i] ^ MASK;
	return AG_OK;
}

static enum ag_status
fake_unwrap(void *arg, const char *context, struct bytes wrapped,
    struct secret **root, struct ag_error *e)
{
	(void)arg;
	fake.asked++;
	if (fake.status != AG_OK)
		return ag_fail(e, fake.status, "the fake says no");
	if (strcmp(context, fake.context) != 0)
		return ag_fail(e, AG_EFORGED, "another's");
	*root = secret_new(fake.answer_len);
	for (size_t i = 0; i < fake.answer_len; i++)
		secret_data(*root)[i] =
		    (i < wrapped.len ? wrapped.data[i] : 0) ^ MASK ^
		    fake.change;
	return AG_OK;
}

static const struct keyring_device device = {
	.name = NAME,
	.wrap = fake_wrap,
	.unwrap = fake_unwrap,
};

static const struct keyring_opener by_device = {
	.kind = KEYRING_HSM,
	.device = &device,
};

static struct keyring_opener
by_file(void)
{
	return (
	    struct keyring_opener){ .kind = KEYRING_FILE, .secret = key_file };
}

static struct keyring_opener
by_escrow(void)
{
	return (struct keyring_opener){ .kind = KEYRING_ESCROW,
		.secret = escrowed,
		.package = { 0xab, 0xcd } };
}

/* With slot 1 for the key file and two for the device. */
static void
make(void)
{
	const struct keyring_opener file = by_file();
	unsigned int number;
	struct keyring *k;

	must(keyring_create(path, "n1", &file, "", NOW, &err));
	must(keyring_open(&k, path, &file, true, &err));
	must(keyring_slot_add(k, &by_device, "one", NOW, &number, &err));
	must(keyring_slot_add(k, &by_device, "two", NOW, &number, &err));
	assert_int_equal(number, 3);
	keyring_close(k);
	fake.asked = 0;
}

static enum ag_status
open_by(const struct keyring_opener *opener)
{
	struct keyring *k;
	enum ag_status status = keyring_open(&k, path, opener, true, &err);

	keyring_close(k);
	return status;
}

static int
setup(void **state)
{
	(void)state;
	fake.status = AG_OK;
	fake.answer_len = KEYRING_KEY_BYTES;
	fake.change = 0;
	if (directory_make(dir) == -1)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/keyring", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return directory_remove(dir);
}

/* --- tokens --- */

static void
a_device_opens_what_it_wrapped_and_says_which_key_it_is(void **state)
{
	struct keyring_look look;

	(void)state;
	make();
	must(open_by(&by_device));
	assert_int_equal(fake.asked, 2);
	must(keyring_look_at(&look, path, &err));
	assert_int_equal(look.slots[1].kind, KEYRING_HSM);
	assert_string_equal(look.openers[0], "");
	assert_string_equal(look.openers[1], NAME);
	assert_int_equal(strncmp(fake.context, "aegis/keyring/v1/slot ", 22),
	    0);
}

static void
a_keyring_is_made_with_a_device_alone(void **state)
{
	struct keyring *k;

	(void)state;
	must(keyring_create(path, "n1", &by_device, "", NOW, &err));
	must(keyring_open(&k, path, &by_device, true, &err));
	assert_int_equal(keyring_slot_remove(k, 1, &err), AG_EREFUSED);
	keyring_close(k);
}

static void
a_device_that_is_away_is_told_and_asked_no_more(void **state)
{
	const struct keyring_opener file = by_file();

	(void)state;
	make();
	fake.status = AG_ETIMEOUT;
	assert_int_equal(open_by(&by_device), AG_ETIMEOUT);
	assert_non_null(strstr(err.text, "the fake says no"));
	assert_int_equal(fake.asked, 1);
	/* The other slots are as usable as before. */
	must(open_by(&file));
}

static void
a_device_that_does_not_wrap_leaves_the_keyring_as_it_is(void **state)
{
	const struct keyring_opener file = by_file();
	struct keyring_look look;
	unsigned int number;
	struct keyring *k;

	(void)state;
	make();
	must(keyring_open(&k, path, &file, true, &err));
	fake.status = AG_EREFUSED;
	assert_int_equal(keyring_slot_add(k, &by_device, "", NOW, &number,
			     &err),
	    AG_EREFUSED);
	assert_int_equal(keyring_slot_change(k, 1, &by_device, NOW, &err),
	    AG_EREFUSED);
	keyring_close(k);
	must(keyring_look_at(&look, path, &err));
	assert_int_equal(look.slot_count, 3);
	must(open_by(&file));
}

static void
what_a_device_answers_opens_only_if_it_is_the_root(void **state)
{
	static const size_t lengths[] = { 1, KEYRING_KEY_BYTES - 1,
		KEYRING_KEY_BYTES + 1, 4096 };

	(void)state;
	make();
	fake.change = 1;
	assert_int_equal(open_by(&by_device), AG_EDENIED);
	fake.change = 0;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		fake.answer_len = lengths[i];
		assert_int_equal(open_by(&by_device), AG_EDENIED);
		assert_non_null(strstr(err.text,
		    "no slot opens with this token's key, or it is damaged"));
	}
}

static void
a_name_that_is_too_long_is_refused(void **state)
{
	char name[KEYRING_NAME_BYTES + 1];
	struct keyring_device other = device;
	const struct keyring_opener opener = { .kind = KEYRING_HSM,
		.device = &other };

	(void)state;
	memset(name, 'x', KEYRING_NAME_BYTES);
	name[KEYRING_NAME_BYTES] = '\0';
	other.name = name;
	assert_int_equal(keyring_create(path, "n1", &opener, "", NOW, &err),
	    AG_ELIMIT);
}

/* --- escrow --- */

static void
what_was_in_escrow_opens_its_slot(void **state)
{
	const struct keyring_opener file = by_file();
	const struct keyring_opener back = { .kind = KEYRING_ESCROW,
		.secret = escrowed };
	const struct keyring_opener set = by_escrow();
	struct keyring_look look;
	unsigned int number;
	struct keyring *k;

	(void)state;
	make();
	must(keyring_open(&k, path, &file, true, &err));
	must(keyring_slot_add(k, &set, "", NOW, &number, &err));
	keyring_close(k);
	must(keyring_look_at(&look, path, &err));
	assert_int_equal(look.slots[number - 1].kind, KEYRING_ESCROW);
	assert_int_equal(strncmp(look.openers[number - 1], "abcd00", 6), 0);
	/* Which package it was in, nobody has to know. */
	must(open_by(&back));
}

static void
a_key_file_opens_no_slot_of_escrow_nor_the_other_way_round(void **state)
{
	const struct keyring_opener file = by_file();
	const struct keyring_opener mixed = { .kind = KEYRING_ESCROW,
		.secret = key_file };
	const struct keyring_opener set = by_escrow();
	unsigned int number;
	struct keyring *k;

	(void)state;
	make();
	must(keyring_open(&k, path, &file, true, &err));
	must(keyring_slot_add(k, &set, "", NOW, &number, &err));
	keyring_close(k);
	assert_int_equal(open_by(&mixed), AG_EDENIED);
	assert_non_null(strstr(err.text, "this secret from escrow"));
}

static void
a_slot_of_escrow_is_not_the_last_one_to_stay(void **state)
{
	const struct keyring_opener file = by_file();
	const struct keyring_opener set = by_escrow();
	unsigned int number;
	struct keyring *k;

	(void)state;
	must(keyring_create(path, "n1", &file, "", NOW, &err));
	must(keyring_open(&k, path, &file, true, &err));
	must(keyring_slot_add(k, &set, "", NOW, &number, &err));
	assert_int_equal(keyring_slot_remove(k, 1, &err), AG_EREFUSED);
	must(keyring_slot_remove(k, number, &err));
	keyring_close(k);
}

/* --- bodies --- */

static void
bodies_that_are_cut_or_longer_are_none(void **state)
{
	static const uint8_t zeros[KEYRING_WRAPPED_BYTES];
	const struct keyring_body body = {
		.name = bytes_from_text(NAME),
		.package = bytes_of(zeros, KEYRING_PACKAGE_BYTES),
		.wrapped = bytes_of(zeros, sizeof(zeros)),
	};
	struct keyring_body back;

	(void)state;
	for (unsigned int kind = KEYRING_PASSPHRASE; kind <= KEYRING_ESCROW;
	     kind++) {
		struct keyring_slot slot = { .seen.kind = kind };

		keyring_body_encode(&slot, &body);
		assert_true(keyring_body_decode(&back, &slot));
		slot.body_len++;
		assert_false(keyring_body_decode(&back, &slot));
		for (slot.body_len -= 2; slot.body_len > 0; slot.body_len--)
			assert_false(keyring_body_decode(&back, &slot));
	}
}

#define IN_A_DIRECTORY(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(
		    a_device_opens_what_it_wrapped_and_says_which_key_it_is),
		IN_A_DIRECTORY(a_keyring_is_made_with_a_device_alone),
		IN_A_DIRECTORY(a_device_that_is_away_is_told_and_asked_no_more),
		IN_A_DIRECTORY(
		    a_device_that_does_not_wrap_leaves_the_keyring_as_it_is),
		IN_A_DIRECTORY(
		    what_a_device_answers_opens_only_if_it_is_the_root),
		IN_A_DIRECTORY(a_name_that_is_too_long_is_refused),
		IN_A_DIRECTORY(what_was_in_escrow_opens_its_slot),
		IN_A_DIRECTORY(
		    a_key_file_opens_no_slot_of_escrow_nor_the_other_way_round),
		IN_A_DIRECTORY(a_slot_of_escrow_is_not_the_last_one_to_stay),
		cmocka_unit_test(bodies_that_are_cut_or_longer_are_none),
	};
	int failed;

	if (sodium_init() < 0)
		return 1;
	key_file = secret_random(KEYRING_KEY_BYTES);
	escrowed = secret_random(KEYRING_KEY_BYTES);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	secret_free(key_file);
	secret_free(escrowed);
	return failed;
}
