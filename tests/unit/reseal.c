/*
 * Values are sealed again with the present epoch's key, while the state goes
 * on and stays what it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"
#include "store/store.h"

#define KEYS 200
#define STEPS_MAX 1000

static const uint8_t cluster[CLUSTER_ID_BYTES] = { 1 };

static char root[DIRECTORY_PATH_BYTES];
static char dir[DIRECTORY_PATH_BYTES + 16];
static struct keyring *keyring;
static struct store *store;
static struct store_resealing progress;
static struct batch_maker maker;
static uint64_t number;
static struct ag_error err;

static void
must(enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", err.text);
}

static void
put(const char *key, const char *value)
{
	batch_begin(&maker, 1, ++number, 1000);
	batch_put(&maker, key, value);
	must(store_apply(store, store_applied(store) + 1, batch_end(&maker),
	    NULL, &err));
}

static void
open_store(void)
{
	must(store_open_from(&store, dir, cluster, NULL, keyring, NULL, &err));
}

static void
begin_epoch(uint32_t epoch)
{
	must(keyring_epoch_prepare(keyring, epoch, 0, &err));
	must(keyring_epoch_activate(keyring, epoch, &err));
}

/* A state of KEYS values of epoch 1; the keyring is at 2. */
static int
setup(void **state)
{
	char path[DIRECTORY_PATH_BYTES + 16], key[16];
	unsigned int i;

	(void)state;
	(void)directory_make(root);
	(void)snprintf(dir, sizeof(dir), "%s/state", root);
	(void)snprintf(path, sizeof(path), "%s/keyring", root);
	keyring = keyrings_make(path);
	number = 0;
	open_store();
	for (i = 0; i < KEYS; i++) {
		(void)snprintf(key, sizeof(key), "k%03u", i);
		put(key, key);
	}
	must(store_commit(store, &err));
	begin_epoch(2);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_close(store);
	keyring_close(keyring);
	return directory_remove(root);
}

static void
step(void)
{
	size_t bytes;

	must(store_reseal(store, &progress, &bytes, &err));
}

static void
pass(void)
{
	unsigned int steps = 0;

	do
		step();
	while (!progress.is_done && ++steps < STEPS_MAX);
	assert_true(progress.is_done);
}

/* Values that are sealed with that epoch's key, as the file has them. */
static int
count_of(uint32_t epoch)
{
	char path[DIRECTORY_PATH_BYTES + 32], sql[128];
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int count;

	must(store_commit(store, &err));
	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM kv WHERE substr(value, 1, 4) = x'%02x000000'",
	    epoch);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	count = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return count;
}

static void
assert_all_there(void)
{
	struct store_reader *reader;
	struct store_entry entry;
	char key[16];
	unsigned int i;

	must(store_reader_open(&reader, store, &err));
	for (i = 0; i < KEYS; i++) {
		(void)snprintf(key, sizeof(key), "k%03u", i);
		must(store_get(reader, bytes_from_text(key), &entry, &err));
		assert_true(bytes_equal(entry.value, bytes_from_text(key)));
	}
	store_reader_close(reader);
}

static void
every_value_is_sealed_again_and_the_state_is_the_same(void **state)
{
	struct digest before, after;

	(void)state;
	must(store_digest(store, &before, &err));
	assert_int_equal(count_of(1), KEYS + 1); /* and the key epochs */
	pass();
	assert_int_equal(progress.epoch, 2);
	assert_int_equal(progress.passed, KEYS + 1);
	assert_int_equal(progress.resealed, KEYS + 1);
	assert_int_equal(count_of(1), 0);
	assert_int_equal(count_of(2), KEYS + 1);
	must(store_digest(store, &after, &err));
	assert_true(digest_equal(&before, &after));
	assert_true(progress.is_settled);
	must(keyring_epoch_destroy(keyring, 1, &err));
	assert_all_there();
}

static void
what_is_put_meanwhile_is_not_sealed_twice(void **state)
{
	(void)state;
	step();
	assert_false(progress.is_done);
	put("k000", "k000");
	put("k199", "k199");
	pass();
	/* The key epochs were written with them; k000 was passed before. */
	assert_int_equal(progress.resealed, KEYS + 1 - 1);
	assert_int_equal(count_of(1), 0);
	assert_all_there();
}

static void
a_pass_goes_on_where_it_was_committed(void **state)
{
	uint64_t passed;

	(void)state;
	step();
	passed = progress.passed;
	assert_true(passed > 0 && passed < KEYS);
	must(store_commit(store, &err));
	/* This one is lost, as by a crash. */
	step();
	store_close(store);
	open_store();
	step();
	assert_int_equal(progress.passed, 2 * passed);
	pass();
	assert_int_equal(progress.passed, KEYS + 1);
	assert_int_equal(progress.resealed, KEYS + 1);
	assert_int_equal(count_of(1), 0);
	store_close(store);
	open_store();
	/* What is done is not done again. */
	step();
	assert_true(progress.is_done);
	assert_int_equal(progress.passed, KEYS + 1);
}

static void
another_epoch_begins_the_pass_anew(void **state)
{
	(void)state;
	step();
	begin_epoch(7);
	pass();
	assert_int_equal(progress.epoch, 7);
	assert_int_equal(progress.resealed, KEYS + 1);
	assert_int_equal(count_of(7), KEYS + 1);
	must(keyring_epoch_destroy(keyring, 1, &err));
	must(keyring_epoch_destroy(keyring, 2, &err));
	assert_all_there();
}

static void
nothing_is_settled_while_somebody_reads_an_older_state(void **state)
{
	struct store_pin *pin;

	(void)state;
	must(store_pin(store, &pin, &err));
	pass();
	assert_false(progress.is_settled);
	step();
	assert_false(progress.is_settled);
	store_unpin(pin);
	step();
	assert_true(progress.is_settled);
	/* Who begins to read now needs no old key. */
	must(store_pin(store, &pin, &err));
	step();
	assert_true(progress.is_settled);
	store_unpin(pin);
}

static void
a_damaged_value_ends_the_pass_and_the_store(void **state)
{
	char path[DIRECTORY_PATH_BYTES + 32];
	size_t bytes;
	sqlite3 *db;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
			     "UPDATE kv SET value = zeroblob(60) "
			     "WHERE key = CAST('k003' AS BLOB)",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	(void)sqlite3_close(db);
	assert_int_equal(store_reseal(store, &progress, &bytes, &err),
	    AG_ECORRUPT);
	assert_int_equal(store_commit(store, &err), AG_ESYS);
}

static void
a_state_in_the_open_has_nothing_to_seal(void **state)
{
	(void)state;
	store_close(store);
	(void)snprintf(dir, sizeof(dir), "%s/open", root);
	must(store_open(&store, dir, cluster, NULL, &err));
	put("k", "v");
	step();
	assert_true(progress.is_done && progress.is_settled);
}

#define IN_A_DIRECTORY(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(
		    every_value_is_sealed_again_and_the_state_is_the_same),
		IN_A_DIRECTORY(what_is_put_meanwhile_is_not_sealed_twice),
		IN_A_DIRECTORY(a_pass_goes_on_where_it_was_committed),
		IN_A_DIRECTORY(another_epoch_begins_the_pass_anew),
		IN_A_DIRECTORY(
		    nothing_is_settled_while_somebody_reads_an_older_state),
		IN_A_DIRECTORY(a_damaged_value_ends_the_pass_and_the_store),
		IN_A_DIRECTORY(a_state_in_the_open_has_nothing_to_seal),
	};

	return cmocka_run_group_tests_name("reseal", tests, NULL, NULL);
}
