/*
 * A node's keyring: what opens it, what its keys open, and what becomes of
 * it when its file is torn, changed, or another's.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/fs.h"
#include "codec/encoder.h"
#include "crypto/kdf.h"
#include "fixture/directory.h"
#include "keyring/keyring.h"
#include "keyring/keyring_cipher.h"
#include "keyring/keyring_file.h"
#include "keyring/keyring_slot.h"

#define NOW 1700000000000

static char dir[DIRECTORY_PATH_BYTES], path[DIRECTORY_PATH_BYTES + 16];
static struct secret *key_file, *other_file, *words, *wrong_words;
static struct ag_error err;

static const uint8_t cluster[KEYRING_CLUSTER_BYTES] = { 9, 8 };

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

static struct keyring_opener
by_words(const struct secret *secret)
{
	return (struct keyring_opener){ .kind = KEYRING_PASSPHRASE,
		.secret = secret,
		.work = WORK_LOW };
}

static void
make(const struct keyring_opener *opener)
{
	must(keyring_create(path, "n1", opener, "first", NOW, &err));
}

static struct keyring *
open_by(const struct keyring_opener *opener)
{
	struct keyring *k;

	must(keyring_open(&k, path, opener, true, &err));
	return k;
}

/* Made with a key file, and opened. */
static struct keyring *
made(void)
{
	const struct keyring_opener opener = by_file(key_file);

	make(&opener);
	return open_by(&opener);
}

static struct keyring *
again(struct keyring *k)
{
	const struct keyring_opener opener = by_file(key_file);

	keyring_close(k);
	return open_by(&opener);
}

static int
group_setup(void **state)
{
	(void)state;
	key_file = secret_random(KEYRING_KEY_BYTES);
	other_file = secret_random(KEYRING_KEY_BYTES);
	words = secret_copy(bytes_from_text("correct horse"));
	wrong_words = secret_copy(bytes_from_text("battery staple"));
	return key_file == NULL || other_file == NULL || words == NULL ||
	    wrong_words == NULL;
}

static int
group_teardown(void **state)
{
	(void)state;
	secret_free(key_file);
	secret_free(other_file);
	secret_free(words);
	secret_free(wrong_words);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
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

#define PLAIN "a value that is nobody's business"
#define PLAIN_BYTES (sizeof(PLAIN) - 1)

static struct bytes
context(void)
{
	return bytes_from_text("key 1");
}

static void
seal(struct keyring *k, uint8_t out[static PLAIN_BYTES + KEYRING_RECORD_BYTES])
{
	keyring_seal(k, KEYRING_VALUES, context(), bytes_from_text(PLAIN), out);
}

static enum ag_status
unseal(struct keyring *k, const uint8_t *record)
{
	uint8_t plain[PLAIN_BYTES];
	enum ag_status status = keyring_unseal(k, KEYRING_VALUES, context(),
	    bytes_of(record, PLAIN_BYTES + KEYRING_RECORD_BYTES), plain, &err);

	if (status == AG_OK)
		assert_memory_equal(plain, PLAIN, PLAIN_BYTES);
	return status;
}

/* --- records --- */

static void
what_is_sealed_opens_and_never_looks_the_same_twice(void **state)
{
	uint8_t one[PLAIN_BYTES + KEYRING_RECORD_BYTES], other[sizeof(one)];
	struct keyring *k = made();

	(void)state;
	seal(k, one);
	seal(k, other);
	assert_memory_not_equal(one + 4, other + 4, 24);
	assert_memory_not_equal(one + 28, other + 28, PLAIN_BYTES);
	must(unseal(k, one));
	k = again(k);
	must(unseal(k, other));
	keyring_close(k);
}

static void
a_record_is_sealed_and_opened_in_its_place(void **state)
{
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES];
	struct keyring *k = made();

	(void)state;
	memcpy(record + KEYRING_HEAD_BYTES, PLAIN, PLAIN_BYTES);
	keyring_seal(k, KEYRING_LOG, context(),
	    bytes_of(record + KEYRING_HEAD_BYTES, PLAIN_BYTES), record);
	assert_memory_not_equal(record + KEYRING_HEAD_BYTES, PLAIN,
	    PLAIN_BYTES);
	must(keyring_unseal(k, KEYRING_LOG, context(),
	    bytes_of(record, sizeof(record)), record + KEYRING_HEAD_BYTES,
	    &err));
	assert_memory_equal(record + KEYRING_HEAD_BYTES, PLAIN, PLAIN_BYTES);
	keyring_close(k);
}

static void
a_record_opens_for_its_purpose_and_context_alone(void **state)
{
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES], plain[PLAIN_BYTES];
	struct keyring *k = made();
	const struct bytes whole = bytes_of(record, sizeof(record));

	(void)state;
	seal(k, record);
	assert_int_equal(keyring_unseal(k, KEYRING_LOG, context(), whole, plain,
			     &err),
	    AG_EFORGED);
	assert_int_equal(keyring_unseal(k, KEYRING_VALUES,
			     bytes_from_text("key 2"), whole, plain, &err),
	    AG_EFORGED);
	keyring_close(k);
}

static void
a_record_with_any_bit_changed_or_cut_does_not_open(void **state)
{
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES], plain[PLAIN_BYTES];
	struct keyring *k = made();

	(void)state;
	seal(k, record);
	for (size_t i = 0; i < sizeof(record) * 8; i++) {
		record[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(unseal(k, record), AG_EFORGED);
		record[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t len = 0; len < sizeof(record); len++)
		assert_int_equal(keyring_unseal(k, KEYRING_VALUES, context(),
				     bytes_of(record, len), plain, &err),
		    AG_EFORGED);
	must(unseal(k, record));
	keyring_close(k);
}

static void
another_keyring_opens_nothing_of_this_one(void **state)
{
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES];
	struct keyring *k = made();

	(void)state;
	seal(k, record);
	keyring_close(k);
	assert_int_equal(unlink(path), 0);
	k = made();
	assert_int_equal(unseal(k, record), AG_EFORGED);
	keyring_close(k);
}

static void
nothing_is_sealed_with_keys_that_were_wiped(void **state)
{
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES];
	struct keyring *k = made();
	int how = 0;
	pid_t child = fork();

	(void)state;
	assert_int_not_equal(child, -1);
	if (child == 0) {
		seal(k, record);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
	keyring_close(k);
}

static void
records_of_every_length_are_what_libsodium_makes(void **state)
{
	static const uint8_t key[32] = { 3 }, nonce[24] = { 5, 6 };
	static uint8_t plain[300000], ours[300016], theirs[300016];
	const struct bytes with = context();
	struct keyring_cipher cipher;
	size_t len;

	(void)state;
	keyring_cipher_init(&cipher);
	randombytes_buf(plain, sizeof(plain));
	for (len = 0; len <= sizeof(plain); len = len * 3 / 2 + 1) {
		const struct bytes sealed = bytes_of(ours, len + 16);

		(void)crypto_aead_xchacha20poly1305_ietf_encrypt(theirs, NULL,
		    plain, len, with.data, with.len, NULL, nonce, key);
		memcpy(ours, plain, len);
		keyring_cipher_seal(&cipher, ours, key, nonce, with,
		    bytes_of(ours, len));
		assert_memory_equal(ours, theirs, len + 16);
		assert_true(keyring_cipher_open(&cipher, theirs, key, nonce,
		    with, sealed));
		assert_memory_equal(theirs, plain, len);
		ours[len / 2] ^= 1;
		assert_false(keyring_cipher_open(&cipher, theirs, key, nonce,
		    with, sealed));
		assert_true(len < 8 || sodium_is_zero(theirs, len));
	}
	keyring_cipher_fini(&cipher);
}

/* --- epochs --- */

static void
a_new_epoch_seals_and_what_is_older_still_opens(void **state)
{
	uint8_t first[PLAIN_BYTES + KEYRING_RECORD_BYTES];
	uint8_t second[sizeof(first)];
	struct keyring *k = made();

	(void)state;
	seal(k, first);
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	assert_int_equal(keyring_epoch(k), 1);
	must(keyring_epoch_activate(k, 2, &err));
	assert_int_equal(keyring_epoch(k), 2);
	seal(k, second);
	assert_int_equal(first[0], 1);
	assert_int_equal(second[0], 2);
	k = again(k);
	assert_int_equal(keyring_epoch(k), 2);
	must(unseal(k, first));
	must(unseal(k, second));
	keyring_close(k);
}

static void
a_destroyed_key_opens_nothing_and_says_so(void **state)
{
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES];
	struct keyring *k = made();

	(void)state;
	seal(k, record);
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	must(keyring_epoch_activate(k, 2, &err));
	must(keyring_epoch_destroy(k, 1, &err));
	assert_int_equal(unseal(k, record), AG_EFORGED);
	assert_non_null(strstr(err.text,
	    "epoch 1, which the keyring does not "
	    "have"));
	k = again(k);
	assert_int_equal(unseal(k, record), AG_EFORGED);
	keyring_close(k);
}

static void
a_node_that_slept_makes_only_the_epoch_it_needs(void **state)
{
	struct keyring_look look;
	struct keyring *k = made();

	(void)state;
	must(keyring_epoch_prepare(k, 9, NOW, &err));
	must(keyring_epoch_activate(k, 9, &err));
	keyring_look(k, &look);
	assert_int_equal(look.epoch_count, 2);
	assert_int_equal(look.epochs[1].epoch, 9);
	assert_int_equal(keyring_epoch_prepare(k, 5, NOW, &err), AG_ECONFLICT);
	assert_int_equal(keyring_epoch_activate(k, 5, &err), AG_ENOENT);
	keyring_close(k);
}

static void
transitions_that_do_not_exist_are_refused(void **state)
{
	struct keyring *k = made();

	(void)state;
	assert_int_equal(keyring_epoch_destroy(k, 1, &err), AG_ECONFLICT);
	assert_non_null(strstr(err.text, "it is active"));
	assert_int_equal(keyring_epoch_destroy(k, 2, &err), AG_ENOENT);
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	must(keyring_epoch_prepare(k, 3, NOW, &err));
	must(keyring_epoch_activate(k, 3, &err));
	assert_int_equal(keyring_epoch_activate(k, 2, &err), AG_ECONFLICT);
	assert_int_equal(keyring_epoch_activate(k, 1, &err), AG_ECONFLICT);
	assert_non_null(strstr(err.text, "it is deactivated"));
	must(keyring_epoch_destroy(k, 1, &err));
	assert_int_equal(keyring_epoch_activate(k, 1, &err), AG_ECONFLICT);
	assert_int_equal(keyring_epoch_prepare(k, 1, NOW, &err), AG_ECONFLICT);
	keyring_close(k);
}

static void
asking_for_what_is_so_writes_nothing(void **state)
{
	struct keyring_look before, after;
	struct keyring *k = made();

	(void)state;
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	must(keyring_epoch_activate(k, 2, &err));
	must(keyring_epoch_destroy(k, 1, &err));
	must(keyring_bind(k, cluster, &err));
	keyring_look(k, &before);
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	must(keyring_epoch_activate(k, 2, &err));
	must(keyring_epoch_destroy(k, 1, &err));
	must(keyring_bind(k, cluster, &err));
	keyring_look(k, &after);
	assert_int_equal(before.generation, after.generation);
	keyring_close(k);
}

static void
keys_are_bounded_and_the_oldest_destroyed_makes_room(void **state)
{
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES];
	struct keyring *k = made();
	struct keyring_look look;
	uint32_t epoch;

	(void)state;
	for (epoch = 2; epoch <= KEYRING_EPOCHS_MAX; epoch++) {
		must(keyring_epoch_prepare(k, epoch, NOW, &err));
		must(keyring_epoch_activate(k, epoch, &err));
	}
	seal(k, record);
	assert_int_equal(keyring_epoch_prepare(k, epoch, NOW, &err), AG_ELIMIT);
	must(keyring_epoch_destroy(k, 3, &err));
	must(keyring_epoch_prepare(k, epoch, NOW, &err));
	must(keyring_epoch_activate(k, epoch, &err));
	k = again(k);
	keyring_look(k, &look);
	assert_int_equal(look.epoch_count, KEYRING_EPOCHS_MAX);
	assert_int_equal(look.epochs[0].epoch, 1);
	assert_int_equal(look.epochs[2].epoch, 4);
	must(unseal(k, record));
	keyring_close(k);
}

/* --- slots --- */

static void
any_slot_opens_the_same_keys(void **state)
{
	const struct keyring_opener file = by_file(other_file);
	const struct keyring_opener pass = by_words(words);
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES];
	struct keyring *k = made();
	unsigned int number;

	(void)state;
	seal(k, record);
	must(keyring_slot_add(k, &file, "other", NOW, &number, &err));
	assert_int_equal(number, 2);
	must(keyring_slot_add(k, &pass, "words", NOW, &number, &err));
	assert_int_equal(number, 3);
	keyring_close(k);
	k = open_by(&file);
	must(unseal(k, record));
	keyring_close(k);
	k = open_by(&pass);
	must(unseal(k, record));
	keyring_close(k);
}

static void
what_opens_no_slot_is_told_in_one_way(void **state)
{
	const struct keyring_opener wrong = by_words(wrong_words);
	const struct keyring_opener file = by_file(other_file);
	struct keyring *k = made();

	(void)state;
	keyring_close(k);
	assert_int_equal(keyring_open(&k, path, &file, false, &err),
	    AG_EDENIED);
	assert_null(k);
	assert_non_null(strstr(err.text,
	    "no slot opens with this key file, or it is damaged"));
	assert_int_equal(keyring_open(&k, path, &wrong, false, &err),
	    AG_EDENIED);
	assert_non_null(strstr(err.text,
	    "no slot opens with this passphrase, or it is damaged"));
}

static void
a_changed_slot_opens_with_the_new_secret_and_not_with_the_old(void **state)
{
	const struct keyring_opener old = by_file(key_file);
	const struct keyring_opener new = by_words(words);
	struct keyring *k = made();
	struct keyring_look look;

	(void)state;
	must(keyring_slot_change(k, 1, &new, NOW + 1, &err));
	assert_int_equal(keyring_slot_change(k, 2, &new, NOW, &err), AG_ENOENT);
	keyring_look(k, &look);
	assert_int_equal(look.slots[0].kind, KEYRING_PASSPHRASE);
	assert_int_equal(look.slots[0].created_ms, NOW + 1);
	keyring_close(k);
	assert_int_equal(keyring_open(&k, path, &old, true, &err), AG_EDENIED);
	k = open_by(&new);
	keyring_close(k);
}

static void
the_last_slot_that_opens_can_not_be_removed(void **state)
{
	const struct keyring_opener other = by_file(other_file);
	struct keyring *k = made();
	unsigned int number;

	(void)state;
	assert_int_equal(keyring_slot_remove(k, 1, &err), AG_EREFUSED);
	assert_non_null(strstr(err.text, "add another first"));
	assert_int_equal(keyring_slot_remove(k, 7, &err), AG_ENOENT);
	must(keyring_slot_add(k, &other, "other", NOW, &number, &err));
	must(keyring_slot_remove(k, 1, &err));
	assert_int_equal(keyring_slot_remove(k, 2, &err), AG_EREFUSED);
	must(keyring_slot_add(k, &other, "again", NOW, &number, &err));
	assert_int_equal(number, 1);
	keyring_close(k);
	k = open_by(&other);
	keyring_close(k);
}

static void
slots_are_bounded(void **state)
{
	const struct keyring_opener other = by_file(other_file);
	struct keyring *k = made();
	unsigned int number;

	(void)state;
	for (int i = 1; i < KEYRING_SLOTS_MAX; i++)
		must(keyring_slot_add(k, &other, "x", NOW, &number, &err));
	assert_int_equal(number, KEYRING_SLOTS_MAX);
	assert_int_equal(keyring_slot_add(k, &other, "x", NOW, &number, &err),
	    AG_ELIMIT);
	k = again(k);
	keyring_close(k);
}

static void
a_key_file_of_another_length_is_refused(void **state)
{
	struct secret *twice = secret_random(KEYRING_KEY_BYTES * 2);
	const struct keyring_opener opener = by_file(twice);

	(void)state;
	assert_int_equal(keyring_create(path, "n1", &opener, "", NOW, &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "exactly 32"));
	assert_false(fs_exists(path));
	secret_free(twice);
}

/* --- the file --- */

/* The file's two copies. */
static void
read_copies(uint8_t copies[static 2 * KEYRING_COPY_BYTES])
{
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	assert_int_equal(fread(copies, 1, 2 * KEYRING_COPY_BYTES, f),
	    2 * KEYRING_COPY_BYTES);
	assert_int_equal(fgetc(f), EOF);
	(void)fclose(f);
}

static void
write_copies(const uint8_t *copies, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(copies, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static uint8_t before[2 * KEYRING_COPY_BYTES], after[2 * KEYRING_COPY_BYTES];

static void
both_copies_are_the_same_after_each_change(void **state)
{
	struct keyring *k = made();
	struct stat st;

	(void)state;
	read_copies(before);
	assert_memory_equal(before, before + KEYRING_COPY_BYTES,
	    KEYRING_COPY_BYTES);
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	read_copies(after);
	assert_memory_equal(after, after + KEYRING_COPY_BYTES,
	    KEYRING_COPY_BYTES);
	assert_memory_not_equal(before, after, KEYRING_COPY_BYTES);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	keyring_close(k);
}

static bool
holds(const uint8_t *copies, const uint8_t *part, size_t len)
{
	for (size_t i = 0; i + len <= 2 * KEYRING_COPY_BYTES; i++)
		if (memcmp(copies + i, part, len) == 0)
			return true;
	return false;
}

static void
nothing_of_a_removed_slot_or_a_destroyed_key_is_left_in_the_file(void **state)
{
	const struct keyring_opener other = by_file(other_file);
	static struct keyring_copy copy;
	static struct keyring_image image;
	struct keyring *k = made();
	unsigned int number;

	(void)state;
	must(keyring_slot_add(k, &other, "other", NOW, &number, &err));
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	must(keyring_epoch_activate(k, 2, &err));
	must(keyring_file_read(&copy, &image, path, &err));
	must(keyring_slot_remove(k, number, &err));
	must(keyring_epoch_destroy(k, 1, &err));
	read_copies(after);
	assert_true(
	    holds(copy.bytes, image.slots[1].body, image.slots[1].body_len));
	assert_false(
	    holds(after, image.slots[1].body, image.slots[1].body_len));
	assert_false(holds(after, image.epochs[0].wrapped + 24, 16));
	keyring_close(k);
}

static void
a_torn_write_at_any_byte_leaves_the_old_or_the_new(void **state)
{
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES];
	static uint8_t torn[2 * KEYRING_COPY_BYTES];
	struct keyring *k = made();

	(void)state;
	seal(k, record);
	read_copies(before);
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	must(keyring_epoch_activate(k, 2, &err));
	read_copies(after);
	/* The copies are written one after the other, this way or that. */
	for (size_t at = 0; at <= 2 * KEYRING_COPY_BYTES;
	     at += at % KEYRING_COPY_BYTES < 1024 ? 37 : 512) {
		for (size_t way = 0; way < 2; way++) {
			for (size_t i = 0; i < sizeof(torn); i++) {
				const size_t order =
				    (i + way * KEYRING_COPY_BYTES) %
				    sizeof(torn);

				torn[i] = order < at ? after[i] : before[i];
			}
			write_copies(torn, sizeof(torn));
			k = again(k);
			assert_in_range(keyring_epoch(k), 1, 2);
			must(unseal(k, record));
			read_copies(torn);
			assert_memory_equal(torn, torn + KEYRING_COPY_BYTES,
			    KEYRING_COPY_BYTES);
		}
	}
	keyring_close(k);
}

static void
one_damaged_copy_does_not_matter_and_is_mended(void **state)
{
	struct keyring *k = made();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		read_copies(before);
		memset(before + i * KEYRING_COPY_BYTES, 0x55,
		    KEYRING_COPY_BYTES);
		write_copies(before, sizeof(before));
		k = again(k);
		read_copies(after);
		assert_memory_equal(after, after + KEYRING_COPY_BYTES,
		    KEYRING_COPY_BYTES);
	}
	keyring_close(k);
}

static void
two_damaged_copies_or_none_are_refused_and_left_alone(void **state)
{
	const struct keyring_opener opener = by_file(key_file);
	struct keyring *k = made();

	(void)state;
	keyring_close(k);
	read_copies(before);
	before[100] ^= 1;
	before[KEYRING_COPY_BYTES + 200] ^= 1;
	write_copies(before, sizeof(before));
	assert_int_equal(keyring_open(&k, path, &opener, true, &err),
	    AG_ECORRUPT);
	read_copies(after);
	assert_memory_equal(before, after, sizeof(after));
	write_copies(before, 0);
	assert_int_equal(keyring_open(&k, path, &opener, true, &err),
	    AG_ECORRUPT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(keyring_open(&k, path, &opener, true, &err),
	    AG_ENOENT);
}

/* Write the image as somebody would who does not know the root. */
static void
forge(const struct keyring_image *image)
{
	static const uint8_t guessed[KEYRING_KEY_BYTES] = { 1 };
	static struct keyring_copy copy;

	assert_true(keyring_file_encode(&copy, image, guessed));
	must(keyring_file_write(path, &copy, &err));
}

static void
who_changes_slots_or_epochs_without_the_root_is_found_out(void **state)
{
	const struct keyring_opener opener = by_file(key_file);
	static struct keyring_image image, changed;
	static struct keyring_copy copy;
	struct keyring *k = made();

	(void)state;
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	must(keyring_epoch_activate(k, 2, &err));
	keyring_close(k);
	must(keyring_file_read(&copy, &image, path, &err));

	changed = image; /* back to the key of before */
	changed.epochs[0].seen.state = KEYRING_ACTIVE;
	changed.epochs[1].seen.state = KEYRING_DEACTIVATED;
	forge(&changed);
	assert_int_equal(keyring_open(&k, path, &opener, true, &err),
	    AG_EFORGED);
	assert_non_null(strstr(err.text, "could not open it"));

	changed = image; /* a slot more */
	changed.slots[1] = image.slots[0];
	changed.slots[1].seen.number = 2;
	changed.slot_count = 2;
	forge(&changed);
	assert_int_equal(keyring_open(&k, path, &opener, true, &err),
	    AG_EFORGED);

	changed = image;
	changed.cluster_id[0] ^= 1;
	forge(&changed);
	assert_int_equal(keyring_open(&k, path, &opener, true, &err),
	    AG_EFORGED);

	must(keyring_file_write(path, &copy, &err));
	k = open_by(&opener);
	keyring_close(k);
}

static void
a_slot_of_another_root_does_not_open_this_one(void **state)
{
	const struct keyring_opener opener = by_file(other_file);
	static struct keyring_image image;
	static struct keyring_copy copy;
	struct keyring *k = made();
	struct secret *root = secret_random(KEYRING_KEY_BYTES);

	(void)state;
	keyring_close(k);
	must(keyring_file_read(&copy, &image, path, &err));
	image.slots[1].seen.number = 2;
	image.slot_count = 2;
	must(keyring_slot_wrap(&image.slots[1], image.id, root, &opener, &err));
	secret_free(root);
	forge(&image);
	assert_int_equal(keyring_open(&k, path, &opener, true, &err),
	    AG_EDENIED);
}

static void
work_factors_out_of_bounds_are_not_tried(void **state)
{
	static const uint64_t factors[][2] = { { 0, 64 }, { 1, 63 },
		{ 1, 1U << 20 }, { 11, 64 }, { UINT64_MAX, 64 } };
	const struct keyring_opener opener = by_words(words);
	static struct keyring_image image;
	static struct keyring_copy copy;
	static const uint8_t zeros[KEYRING_WRAPPED_BYTES];
	struct keyring *k = made();

	(void)state;
	keyring_close(k);
	must(keyring_file_read(&copy, &image, path, &err));
	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
		struct keyring_slot *slot = &image.slots[0];
		struct encoder e;

		slot->seen.kind = KEYRING_PASSPHRASE;
		encoder_init(&e, slot->body, sizeof(slot->body));
		encoder_put_array(&e, 4);
		encoder_put_uint(&e, factors[i][0]);
		encoder_put_uint(&e, factors[i][1]);
		encoder_put_bytes(&e, bytes_of(zeros, 16));
		encoder_put_bytes(&e, bytes_of(zeros, sizeof(zeros)));
		slot->body_len = e.len;
		forge(&image);
		assert_int_equal(keyring_open(&k, path, &opener, true, &err),
		    AG_EDENIED);
	}
}

static void
slots_of_kinds_to_come_are_shown_and_kept(void **state)
{
	static struct keyring_image image;
	static struct keyring_copy copy;
	struct secret *root = NULL;
	struct keyring_look look;
	struct keyring *k = made();
	uint8_t mac[KEYRING_KEY_BYTES];
	const struct keyring_opener opener = by_file(key_file);

	(void)state;
	keyring_close(k);
	must(keyring_file_read(&copy, &image, path, &err));
	must(keyring_slot_unwrap(&root, &image, &opener, path, &err));
	image.slots[1] = (struct keyring_slot){
		.seen = { .number = 5, .kind = 77, .label = "to come" },
		.body = "whatever",
		.body_len = 8,
	};
	image.slot_count = 2;
	kdf_derive(mac, secret_bytes(root).data, KDF_KEYRING_MAC, 0);
	secret_free(root);
	assert_true(keyring_file_encode(&copy, &image, mac));
	must(keyring_file_write(path, &copy, &err));

	k = open_by(&opener);
	must(keyring_epoch_prepare(k, 2, NOW, &err));
	assert_int_equal(keyring_slot_remove(k, 1, &err), AG_EREFUSED);
	keyring_close(k);
	must(keyring_look_at(&look, path, &err));
	assert_int_equal(look.slot_count, 2);
	assert_int_equal(look.slots[1].kind, 77);
	assert_null(keyring_kind_name(77));
	must(keyring_file_read(&copy, &image, path, &err));
	assert_int_equal(image.slots[1].body_len, 8);
	assert_memory_equal(image.slots[1].body, "whatever", 8);
}

/* A whole copy of format 2, of which nothing else is known. */
static void
later_format(uint8_t *out)
{
	struct encoder e;
	size_t len;

	memset(out, 0, KEYRING_COPY_BYTES);
	encoder_init(&e, out, KEYRING_COPY_BYTES);
	encoder_put_array(&e, 3);
	encoder_put_text(&e, bytes_from_text("aegis-keyring"));
	encoder_put_uint(&e, 2);
	encoder_put_bool(&e, true);
	len = e.len + KEYRING_MAC_BYTES;
	(void)crypto_generichash(out + len, 32, out, len, NULL, 0);
}

static void
a_later_format_is_left_to_its_program(void **state)
{
	const struct keyring_opener opener = by_file(key_file);
	struct keyring *k = made();

	(void)state;
	keyring_close(k);
	/* Beside a whole copy of ours, as a crash of that program leaves it. */
	for (size_t i = 0; i < 2; i++) {
		read_copies(before);
		later_format(before + i * KEYRING_COPY_BYTES);
		write_copies(before, sizeof(before));
		assert_int_equal(keyring_open(&k, path, &opener, true, &err),
		    AG_EVERSION);
		assert_non_null(strstr(err.text, "use the newer program"));
		read_copies(after);
		assert_memory_equal(before, after, sizeof(after));
	}
}

static void
a_keyring_is_made_once_and_bound_once(void **state)
{
	static const uint8_t other[KEYRING_CLUSTER_BYTES] = { 1 };
	const struct keyring_opener opener = by_file(key_file);
	struct keyring_look look;
	struct keyring *k = made();

	(void)state;
	assert_int_equal(keyring_create(path, "n1", &opener, "", NOW, &err),
	    AG_EEXIST);
	must(keyring_bind(k, cluster, &err));
	assert_int_equal(keyring_bind(k, other, &err), AG_ECONFLICT);
	k = again(k);
	keyring_look(k, &look);
	assert_memory_equal(look.cluster_id, cluster, sizeof(cluster));
	assert_string_equal(look.node, "n1");
	assert_string_equal(look.slots[0].label, "first");
	keyring_close(k);
}

/* --- threads --- */

struct worker {
	struct keyring *keyring;
	atomic_bool *stop;
	uint64_t records;
};

static void *
work(void *arg)
{
	uint8_t record[PLAIN_BYTES + KEYRING_RECORD_BYTES], plain[PLAIN_BYTES];
	struct worker *w = arg;
	struct ag_error mine;

	while (!atomic_load(w->stop) || w->records == 0) {
		seal(w->keyring, record);
		if (keyring_unseal(w->keyring, KEYRING_VALUES, context(),
			bytes_of(record, sizeof(record)), plain,
			&mine) != AG_OK)
			return w;
		w->records++;
	}
	return NULL;
}

static void
records_are_sealed_and_opened_while_epochs_change(void **state)
{
	atomic_bool stop = false;
	struct worker workers[2];
	pthread_t threads[2];
	struct keyring *k = made();
	void *failed;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		workers[i] = (struct worker){ k, &stop, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, work,
				     &workers[i]),
		    0);
	}
	for (uint32_t epoch = 2; epoch <= KEYRING_EPOCHS_MAX; epoch++) {
		must(keyring_epoch_prepare(k, epoch, NOW, &err));
		must(keyring_epoch_activate(k, epoch, &err));
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	keyring_close(k);
}

#define IN_A_DIRECTORY(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(
		    what_is_sealed_opens_and_never_looks_the_same_twice),
		IN_A_DIRECTORY(a_record_is_sealed_and_opened_in_its_place),
		IN_A_DIRECTORY(
		    a_record_opens_for_its_purpose_and_context_alone),
		IN_A_DIRECTORY(
		    a_record_with_any_bit_changed_or_cut_does_not_open),
		IN_A_DIRECTORY(another_keyring_opens_nothing_of_this_one),
		cmocka_unit_test(
		    records_of_every_length_are_what_libsodium_makes),
		IN_A_DIRECTORY(nothing_is_sealed_with_keys_that_were_wiped),
		IN_A_DIRECTORY(a_new_epoch_seals_and_what_is_older_still_opens),
		IN_A_DIRECTORY(a_destroyed_key_opens_nothing_and_says_so),
		IN_A_DIRECTORY(a_node_that_slept_makes_only_the_epoch_it_needs),
		IN_A_DIRECTORY(transitions_that_do_not_exist_are_refused),
		IN_A_DIRECTORY(asking_for_what_is_so_writes_nothing),
		IN_A_DIRECTORY(
		    keys_are_bounded_and_the_oldest_destroyed_makes_room),
		IN_A_DIRECTORY(any_slot_opens_the_same_keys),
		IN_A_DIRECTORY(what_opens_no_slot_is_told_in_one_way),
		IN_A_DIRECTORY(
		    a_changed_slot_opens_with_the_new_secret_and_not_with_the_old),
		IN_A_DIRECTORY(the_last_slot_that_opens_can_not_be_removed),
		IN_A_DIRECTORY(slots_are_bounded),
		IN_A_DIRECTORY(a_key_file_of_another_length_is_refused),
		IN_A_DIRECTORY(both_copies_are_the_same_after_each_change),
		IN_A_DIRECTORY(
		    nothing_of_a_removed_slot_or_a_destroyed_key_is_left_in_the_file),
		IN_A_DIRECTORY(
		    a_torn_write_at_any_byte_leaves_the_old_or_the_new),
		IN_A_DIRECTORY(one_damaged_copy_does_not_matter_and_is_mended),
		IN_A_DIRECTORY(
		    two_damaged_copies_or_none_are_refused_and_left_alone),
		IN_A_DIRECTORY(
		    who_changes_slots_or_epochs_without_the_root_is_found_out),
		IN_A_DIRECTORY(a_slot_of_another_root_does_not_open_this_one),
		IN_A_DIRECTORY(work_factors_out_of_bounds_are_not_tried),
		IN_A_DIRECTORY(slots_of_kinds_to_come_are_shown_and_kept),
		IN_A_DIRECTORY(a_later_format_is_left_to_its_program),
		IN_A_DIRECTORY(a_keyring_is_made_once_and_bound_once),
		IN_A_DIRECTORY(
		    records_are_sealed_and_opened_while_epochs_change),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
