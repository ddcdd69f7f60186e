/*
 * The store with a keyring: the same state to everybody who asks, and nothing
 * of a value in its files.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/fs.h"
#include "base/log.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"
#include "store/sealed_value.h"
#include "store/snapshot.h"
#include "store/store.h"
#include "store/store_proof.h"
#include "trust/presence.h"

#define MARK "a value that is nobody's business"
#define LONG_BYTES 3000

static const uint8_t cluster[CLUSTER_ID_BYTES] = { 1 };
static const struct trust_scope scope = { .cluster_id = { 1 } };

static char root[DIRECTORY_PATH_BYTES];
static char dir[DIRECTORY_PATH_BYTES + 16], copy[DIRECTORY_PATH_BYTES + 16];
static char long_value[LONG_BYTES + 1];
static struct keyring *keyring, *other;
static struct batch_maker maker;
static struct ag_error err;

static void
must(enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", err.text);
}

static int
setup(void **state)
{
	char path[DIRECTORY_PATH_BYTES + 16];
	size_t i;

	(void)state;
	(void)directory_make(root);
	(void)snprintf(dir, sizeof(dir), "%s/state", root);
	(void)snprintf(copy, sizeof(copy), "%s/copy", root);
	(void)snprintf(path, sizeof(path), "%s/keyring", root);
	keyring = keyrings_make(path);
	(void)snprintf(path, sizeof(path), "%s/other", root);
	other = keyrings_make(path);
	for (i = 0; i < LONG_BYTES; i++)
		long_value[i] = MARK[i % (sizeof(MARK) - 1)];
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	keyring_close(keyring);
	keyring_close(other);
	return directory_remove(root);
}

static struct store *
opened(struct keyring *with)
{
	struct store *store;

	must(store_open_from(&store, dir, cluster, NULL, with, NULL, &err));
	return store;
}

static void
fill(struct store *store)
{
	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "short", MARK);
	batch_put(&maker, "long", long_value);
	batch_put(&maker, "empty", "");
	batch_put(&maker, "short", MARK "!");
	batch_put(&maker, "gone", MARK);
	batch_delete(&maker, "gone");
	must(store_apply(store, store_applied(store) + 1, batch_end(&maker),
	    NULL, &err));
	must(store_commit(store, &err));
}

static void
assert_value(struct store *store, const char *key, const char *value)
{
	struct store_reader *reader;
	struct store_entry entry;

	must(store_reader_open(&reader, store, &err));
	must(store_get(reader, bytes_from_text(key), &entry, &err));
	assert_true(bytes_equal(entry.value, bytes_from_text(value)));
	store_reader_close(reader);
}

static void
assert_filled(struct store *store)
{
	assert_value(store, "short", MARK "!");
	assert_value(store, "long", long_value);
	assert_value(store, "empty", "");
}

/* Is it in any file of the folder? */
static bool
is_in_files(const char *folder, const char *text)
{
	char path[DIRECTORY_PATH_BYTES * 2];
	struct dirent *entry;
	bool is_found = false;
	DIR *handle = opendir(folder);

	assert_non_null(handle);
	while ((entry = readdir(handle)) != NULL) {
		struct buf all;

		buf_init(&all, (size_t)64 << 20);
		(void)snprintf(path, sizeof(path), "%s/%s", folder,
		    entry->d_name);
		if (entry->d_name[0] != '.' &&
		    fs_read_file(path, &all, NULL) == AG_OK &&
		    memmem(all.data, all.len, text, strlen(text)) != NULL)
			is_found = true;
		buf_fini(&all);
	}
	(void)closedir(handle);
	return is_found;
}

/* --- values --- */

static void
a_value_opens_for_its_key_version_and_length_alone(void **state)
{
	struct sealed_value *s = sealed_value_new(keyring);
	struct bytes stored, value, key = bytes_from_text("key");
	uint8_t kept[256];

	(void)state;
	must(
	    sealed_value_seal(s, key, 7, bytes_from_text(MARK), &stored, &err));
	memcpy(kept, stored.data, stored.len);
	stored.data = kept;
	must(sealed_value_open(s, key, 7, strlen(MARK), stored, &value, &err));
	assert_true(bytes_equal(value, bytes_from_text(MARK)));
	assert_int_equal(sealed_value_open(s, bytes_from_text("kez"), 7,
			     strlen(MARK), stored, &value, &err),
	    AG_ECORRUPT);
	assert_int_equal(sealed_value_open(s, key, 6, strlen(MARK), stored,
			     &value, &err),
	    AG_ECORRUPT);
	assert_int_equal(sealed_value_open(s, key, 7, strlen(MARK) + 1, stored,
			     &value, &err),
	    AG_ECORRUPT);
	kept[40] ^= 1;
	assert_int_equal(sealed_value_open(s, key, 7, strlen(MARK), stored,
			     &value, &err),
	    AG_ECORRUPT);
	assert_int_equal(err.status, AG_ECORRUPT);
	sealed_value_free(s);
}

static void
values_of_every_length_come_back_and_those_that_can_be_are_shorter(void **state)
{
	static uint8_t plain[VALUE_BYTES_MAX];
	struct sealed_value *s = sealed_value_new(keyring);
	struct sealed_value *reader = sealed_value_new(keyring);
	struct bytes stored, value, key = bytes_from_text("k");
	size_t len;
	int round;

	(void)state;
	for (round = 0; round < 2; round++) {
		if (round == 1)
			randombytes_buf(plain, sizeof(plain));
		for (len = 0; len <= sizeof(plain);
		     len = len < 300 ? len + 1 : len * 2) {
			const struct bytes given = bytes_of(plain, len);

			must(
			    sealed_value_seal(s, key, 1, given, &stored, &err));
			if (round == 0 && len >= 512)
				assert_true(stored.len < len);
			assert_true(stored.len <= len + KEYRING_RECORD_BYTES);
			must(sealed_value_open(reader, key, 1, len, stored,
			    &value, &err));
			assert_true(bytes_equal(value, given));
		}
	}
	sealed_value_free(reader);
	sealed_value_free(s);
}

static void
without_a_keyring_values_are_stored_as_they_are(void **state)
{
	struct sealed_value *s = sealed_value_new(NULL);
	struct bytes stored, value, key = bytes_from_text("key");

	(void)state;
	must(
	    sealed_value_seal(s, key, 1, bytes_from_text(MARK), &stored, &err));
	assert_true(bytes_equal(stored, bytes_from_text(MARK)));
	must(sealed_value_open(s, key, 1, strlen(MARK), stored, &value, &err));
	assert_int_equal(sealed_value_open(s, key, 1, 3, stored, &value, &err),
	    AG_ECORRUPT);
	sealed_value_free(s);
}

/* --- the store --- */

static void
nothing_of_a_value_is_in_the_files(void **state)
{
	struct store *store = opened(keyring);

	(void)state;
	fill(store);
	assert_false(is_in_files(dir, "nobody's business"));
	must(store_sync(store, &err));
	assert_false(is_in_files(dir, "nobody's business"));
	assert_filled(store);
	store_close(store);
	assert_false(is_in_files(dir, "nobody's business"));
	store = opened(keyring);
	assert_filled(store);
	store_close(store);
}

static void
the_state_is_the_same_sealed_or_not(void **state)
{
	struct digest sealed, plain;
	uint64_t keys[2], bytes[2];
	struct store *store = opened(keyring);

	(void)state;
	fill(store);
	must(store_digest(store, &sealed, &err));
	store_size(store, &keys[0], &bytes[0]);
	store_close(store);
	(void)directory_remove(dir);
	store = opened(NULL);
	fill(store);
	must(store_digest(store, &plain, &err));
	store_size(store, &keys[1], &bytes[1]);
	store_close(store);
	assert_true(digest_equal(&sealed, &plain));
	assert_int_equal(keys[0], keys[1]);
	assert_int_equal(bytes[0], bytes[1]);
}

static bool
count_entry(void *arg, const struct store_entry *entry)
{
	size_t *bytes = arg;

	*bytes += entry->value.len;
	return true;
}

static void
a_range_has_the_values(void **state)
{
	struct store *store = opened(keyring);
	struct store_reader *reader;
	size_t bytes = 0;
	uint64_t seq;
	bool more;

	(void)state;
	fill(store);
	must(store_reader_open(&reader, store, &err));
	must(store_range(reader, bytes_of(NULL, 0), bytes_of(NULL, 0), 10,
	    false, count_entry, &bytes, &more, &seq, &err));
	assert_int_equal(bytes, LONG_BYTES + strlen(MARK "!"));
	store_reader_close(reader);
	store_close(store);
}

static void
a_value_is_compared_with_what_it_is(void **state)
{
	struct store *store = opened(keyring);

	(void)state;
	fill(store);
	batch_begin(&maker, 1, 100, 1000);
	memset(&maker.op, 0, sizeof(maker.op));
	maker.op.kind = OPERATION_TXN;
	maker.op.compares[0] = (struct compare){ .kind = COMPARE_VALUE,
		.key = bytes_from_text("short"),
		.value = bytes_from_text(MARK "!") };
	maker.op.compare_count = 1;
	maker.op.changes[0][0] = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text("held"),
		.value = bytes_from_text("yes") };
	maker.op.change_count[0] = 1;
	batch_add(&maker);
	must(store_apply(store, 2, batch_end(&maker), NULL, &err));
	must(store_commit(store, &err));
	assert_value(store, "held", "yes");
	store_close(store);
}

/* Stream the pinned state into copy. */
static void
copy_state(struct store *store)
{
	static struct snapshot_info info; /* too big for a stack */
	struct snapshot_writer *writer;
	struct snapshot_reader *reader;
	struct store_pin *pin;
	struct digest digest;
	uint8_t piece[1000];
	size_t len = 1;

	must(store_pin(store, &pin, &err));
	store_pin_digest(pin, &digest);
	must(
	    snapshot_writer_new(&writer, pin, &scope, bytes_of(NULL, 0), &err));
	must(snapshot_reader_new(&reader, copy, &err));
	while (len > 0) {
		must(snapshot_writer_read(writer, piece, sizeof(piece), &len,
		    &err));
		must(snapshot_reader_feed(reader, bytes_of(piece, len), &err));
	}
	must(snapshot_reader_finish(reader, &info, &err));
	assert_true(digest_equal(&info.digest, &digest));
	snapshot_reader_free(reader);
	snapshot_writer_free(writer);
	store_unpin(pin);
}

static void
a_restored_state_is_sealed_when_it_is_opened(void **state)
{
	struct store *store = opened(keyring);
	struct digest before, after;

	(void)state;
	fill(store);
	must(store_digest(store, &before, &err));
	copy_state(store);
	store_close(store);
	assert_true(is_in_files(copy, "nobody's business"));

	must(store_open_from(&store, copy, cluster, NULL, other, NULL, &err));
	assert_false(is_in_files(copy, "nobody's business"));
	must(store_digest(store, &after, &err));
	assert_true(digest_equal(&before, &after));
	assert_filled(store);
	fill(store);
	store_close(store);
	assert_int_equal(store_open_from(&store, copy, cluster, NULL, keyring,
			     NULL, &err),
	    AG_ECONFLICT);
}

/* As a crash leaves it when all is sealed and the file not yet emptied. */
static void
what_stood_in_the_open_is_gone_also_after_a_crash_while_sealing(void **state)
{
	struct store *store = opened(keyring);
	char path[DIRECTORY_PATH_BYTES * 2];
	FILE *file;

	(void)state;
	fill(store);
	store_close(store);
	(void)snprintf(path, sizeof(path), "%s/state.db-wal", dir);
	file = fopen(path, "we");
	assert_non_null(file);
	(void)fprintf(file, "%s", MARK);
	assert_int_equal(fclose(file), 0);
	assert_true(is_in_files(dir, MARK));
	store = opened(keyring);
	assert_false(is_in_files(dir, MARK));
	assert_filled(store);
	store_close(store);
}

static void
another_clusters_state_is_refused_and_not_sealed(void **state)
{
	static const uint8_t another[CLUSTER_ID_BYTES] = { 2 };
	struct store *store = opened(NULL);

	(void)state;
	fill(store);
	store_close(store);
	assert_int_equal(store_open_from(&store, dir, another, NULL, keyring,
			     NULL, &err),
	    AG_ECONFLICT);
	store = opened(NULL);
	assert_filled(store);
	store_close(store);
}

static void
a_sealed_state_opens_with_its_own_keyring_alone(void **state)
{
	struct store *store = opened(keyring);

	(void)state;
	fill(store);
	store_close(store);
	assert_int_equal(store_open(&store, dir, cluster, NULL, &err),
	    AG_EDENIED);
	assert_non_null(strstr(err.text, "without its keyring"));
	assert_int_equal(store_open_from(&store, dir, cluster, NULL, other,
			     NULL, &err),
	    AG_ECONFLICT);
	assert_non_null(strstr(err.text, "sealed with another keyring"));
	store = opened(keyring);
	assert_filled(store);
	store_close(store);
}

static void
values_of_every_epoch_are_read(void **state)
{
	struct store *store = opened(keyring);

	(void)state;
	fill(store);
	must(keyring_epoch_prepare(keyring, 4, 0, &err));
	must(keyring_epoch_activate(keyring, 4, &err));
	batch_begin(&maker, 1, 100, 1000);
	batch_put(&maker, "newer", MARK);
	must(store_apply(store, 2, batch_end(&maker), NULL, &err));
	must(store_commit(store, &err));
	assert_filled(store);
	assert_value(store, "newer", MARK);
	store_close(store);
}

static void
an_entry_is_proved_with_its_value(void **state)
{
	struct store *store = opened(keyring);
	const struct bytes key = bytes_from_text("long");
	struct presence *presence = calloc(1, sizeof(*presence));
	struct store_pin *pin;
	struct buf entry;

	(void)state;
	assert_non_null(presence);
	buf_init(&entry, (size_t)2 << 20);
	fill(store);
	must(store_pin(store, &pin, &err));
	must(store_proof_make(presence, pin, key, &entry, &err));
	store_unpin(pin);
	must(proof_verify(&presence->proof, key, presence->entry,
	    &presence->root, &err));
	assert_non_null(memmem(entry.data, entry.len, long_value, LONG_BYTES));
	buf_fini(&entry);
	free(presence);
	store_close(store);
}

#define IN_A_DIRECTORY(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

static void
ignore_line(void *arg, const struct log_line *line)
{
	(void)arg;
	(void)line;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(
		    a_value_opens_for_its_key_version_and_length_alone),
		IN_A_DIRECTORY(
		    values_of_every_length_come_back_and_those_that_can_be_are_shorter),
		IN_A_DIRECTORY(without_a_keyring_values_are_stored_as_they_are),
		IN_A_DIRECTORY(nothing_of_a_value_is_in_the_files),
		IN_A_DIRECTORY(the_state_is_the_same_sealed_or_not),
		IN_A_DIRECTORY(a_range_has_the_values),
		IN_A_DIRECTORY(a_value_is_compared_with_what_it_is),
		IN_A_DIRECTORY(a_restored_state_is_sealed_when_it_is_opened),
		IN_A_DIRECTORY(
		    what_stood_in_the_open_is_gone_also_after_a_crash_while_sealing),
		IN_A_DIRECTORY(
		    another_clusters_state_is_refused_and_not_sealed),
		IN_A_DIRECTORY(a_sealed_state_opens_with_its_own_keyring_alone),
		IN_A_DIRECTORY(values_of_every_epoch_are_read),
		IN_A_DIRECTORY(an_entry_is_proved_with_its_value),
	};

	log_sink_set(ignore_line, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
