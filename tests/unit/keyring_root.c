/*
 * A new storage root: what it keeps, and whom it shuts out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "fixture/directory.h"
#include "keyring/keyring.h"

#define PLAIN "what a record holds"
#define PLAIN_BYTES (sizeof(PLAIN) - 1)
#define RECORD_BYTES (PLAIN_BYTES + KEYRING_RECORD_BYTES)

static char dir[DIRECTORY_PATH_BYTES];
static char path[DIRECTORY_PATH_BYTES + 16], copy[DIRECTORY_PATH_BYTES + 16];
static struct secret *first, *second, *words;
static struct keyring *keyring;
static uint8_t record[RECORD_BYTES];
static struct ag_error err;

static void
must(enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", err.text);
}

static struct keyring_opener
by_file(const struct secret *secret)
{
	return (
	    struct keyring_opener){ .kind = KEYRING_FILE, .secret = secret };
}

/* Slots of two key files, and one of a passphrase; and a copy of the file. */
static int
setup(void **state)
{
	struct buf bytes;
	unsigned int number;

	(void)state;
	(void)directory_make(dir);
	(void)snprintf(path, sizeof(path), "%s/keyring", dir);
	(void)snprintf(copy, sizeof(copy), "%s/copy", dir);
	first = secret_random(KEYRING_KEY_BYTES);
	second = secret_random(KEYRING_KEY_BYTES);
	words = secret_copy(bytes_from_text("correct horse"));
	must(keyring_create(path, "n1",
	    &(struct keyring_opener){ .kind = KEYRING_FILE, .secret = first },
	    "first", 1, &err));
	must(keyring_open(&keyring, path,
	    &(struct keyring_opener){ .kind = KEYRING_FILE, .secret = first },
	    true, &err));
	must(keyring_slot_add(keyring,
	    &(struct keyring_opener){ .kind = KEYRING_FILE, .secret = second },
	    "second", 2, &number, &err));
	must(keyring_slot_add(keyring,
	    &(struct keyring_opener){ .kind = KEYRING_PASSPHRASE,
		.secret = words },
	    "words", 3, &number, &err));
	keyring_seal(keyring, KEYRING_LOG, bytes_of(NULL, 0),
	    bytes_from_text(PLAIN), record);
	buf_init(&bytes, 1 << 20);
	must(fs_read_file(path, &bytes, &err));
	must(fs_write_file(copy, 0600, buf_bytes(&bytes), &err));
	buf_fini(&bytes);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	keyring_close(keyring);
	secret_free(first);
	secret_free(second);
	secret_free(words);
	return directory_remove(dir);
}

static enum ag_status
unseal(struct keyring *k, const uint8_t *from)
{
	uint8_t plain[PLAIN_BYTES];

	return keyring_unseal(k, KEYRING_LOG, bytes_of(NULL, 0),
	    bytes_of(from, RECORD_BYTES), plain, &err);
}

static enum ag_status
open_with(struct keyring **out, const char *file, const struct secret *secret)
{
	const struct keyring_opener opener = by_file(secret);

	return keyring_open(out, file, &opener, false, &err);
}

static void
a_new_root_keeps_every_key_and_the_slots_it_is_shown(void **state)
{
	const struct keyring_opener openers[] = { by_file(first),
		{ .kind = KEYRING_PASSPHRASE, .secret = words } };
	bool fits[KEYRING_SLOTS_MAX] = { false };
	struct keyring_look look;
	struct keyring *again;

	(void)state;
	keyring_root_fit(keyring, openers, 2, fits);
	assert_true(fits[0] && !fits[1] && fits[2]);
	must(keyring_root_renew(keyring, openers, 2, 9, &err));
	keyring_look(keyring, &look);
	assert_int_equal(look.slot_count, 2);
	assert_int_equal(look.slots[0].number, 1);
	assert_string_equal(look.slots[0].label, "first");
	assert_int_equal(look.slots[1].number, 3);
	assert_int_equal(unseal(keyring, record), AG_OK);
	must(open_with(&again, path, first));
	assert_int_equal(unseal(again, record), AG_OK);
	keyring_close(again);
	must(keyring_open(&again, path, &openers[1], false, &err));
	assert_int_equal(unseal(again, record), AG_OK);
	keyring_close(again);
	assert_int_equal(open_with(&again, path, second), AG_EDENIED);
}

static void
a_slot_in_escrow_stays_that_of_its_package(void **state)
{
	struct keyring_opener openers[] = { by_file(first),
		{ .kind = KEYRING_ESCROW, .secret = second } };
	struct keyring_look before, after;
	unsigned int number;
	struct keyring *again;

	(void)state;
	memset(openers[1].package, 7, sizeof(openers[1].package));
	must(
	    keyring_slot_add(keyring, &openers[1], "escrow", 4, &number, &err));
	keyring_look(keyring, &before);
	memset(openers[1].package, 0, sizeof(openers[1].package));
	must(keyring_root_renew(keyring, openers, 2, 9, &err));
	keyring_look(keyring, &after);
	assert_int_equal(after.slot_count, 2);
	assert_int_equal(after.slots[1].number, number);
	assert_string_equal(after.openers[1], before.openers[3]);
	must(keyring_open(&again, path, &openers[1], false, &err));
	assert_int_equal(unseal(again, record), AG_OK);
	keyring_close(again);
}

static void
a_slot_in_escrow_is_not_left_alone(void **state)
{
	const struct keyring_opener opener = { .kind = KEYRING_ESCROW,
		.secret = second };
	struct keyring_look before, after;
	unsigned int number;

	(void)state;
	must(keyring_slot_add(keyring, &opener, "escrow", 4, &number, &err));
	keyring_look(keyring, &before);
	assert_int_equal(keyring_root_renew(keyring, &opener, 1, 9, &err),
	    AG_EDENIED);
	assert_non_null(strstr(err.text, "without custodians"));
	keyring_look(keyring, &after);
	assert_memory_equal(&before, &after, sizeof(after));
}

static void
a_copy_from_before_opens_nothing_of_a_later_epoch(void **state)
{
	const struct keyring_opener opener = by_file(first);
	uint8_t later[RECORD_BYTES];
	struct keyring *old;

	(void)state;
	must(keyring_root_renew(keyring, &opener, 1, 9, &err));
	must(keyring_epoch_prepare(keyring, 2, 9, &err));
	must(keyring_epoch_activate(keyring, 2, &err));
	keyring_seal(keyring, KEYRING_LOG, bytes_of(NULL, 0),
	    bytes_from_text(PLAIN), later);
	must(open_with(&old, copy, second));
	assert_int_equal(unseal(old, record), AG_OK);
	assert_int_equal(unseal(old, later), AG_EFORGED);
	keyring_close(old);
}

static void
without_an_opener_that_fits_nothing_is_changed(void **state)
{
	struct secret *stranger = secret_random(KEYRING_KEY_BYTES);
	const struct keyring_opener opener = by_file(stranger);
	struct keyring_look before, after;

	(void)state;
	keyring_look(keyring, &before);
	assert_int_equal(keyring_root_renew(keyring, &opener, 1, 9, &err),
	    AG_EDENIED);
	keyring_look(keyring, &after);
	assert_memory_equal(&before, &after, sizeof(after));
	secret_free(stranger);
}

#define IN_A_DIRECTORY(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(
		    a_new_root_keeps_every_key_and_the_slots_it_is_shown),
		IN_A_DIRECTORY(a_slot_in_escrow_stays_that_of_its_package),
		IN_A_DIRECTORY(a_slot_in_escrow_is_not_left_alone),
		IN_A_DIRECTORY(
		    a_copy_from_before_opens_nothing_of_a_later_epoch),
		IN_A_DIRECTORY(without_an_opener_that_fits_nothing_is_changed),
	};

	return cmocka_run_group_tests_name("keyring_root", tests, NULL, NULL);
}
