/*
 * Two dead states compared: which keys differ, and by whose word.
 */
#include "store/store_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "fixture/batches.h"
#include "fixture/directory.h"

static const uint8_t cluster[CLUSTER_ID_BYTES] = { 1 };

static char root[DIRECTORY_PATH_BYTES];
static char left[DIRECTORY_PATH_BYTES + 16];
static char right[DIRECTORY_PATH_BYTES + 16];
static struct batch_maker maker;
static char told[4096];
static size_t told_max;

static int
set_up(void **state)
{
	(void)state;
	if (directory_make(root) == -1)
		return -1;
	(void)snprintf(left, sizeof(left), "%s/left", root);
	(void)snprintf(right, sizeof(right), "%s/right", root);
	told[0] = '\0';
	told_max = SIZE_MAX;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return directory_remove(root);
}

/* A state of one batch: KEY VALUE pairs up to NULL; then it is closed. */
static void
make(const char *path, const char *const *pairs)
{
	struct store *store;
	struct ag_error err;

	assert_int_equal(store_open(&store, path, cluster, NULL, &err), AG_OK);
	batch_begin(&maker, 1, 1, 1000);
	for (; pairs[0] != NULL; pairs += 2)
		batch_put(&maker, pairs[0], pairs[1]);
	assert_int_equal(store_apply(store, 1, batch_end(&maker), NULL, &err),
	    AG_OK);
	assert_int_equal(store_commit(store, &err), AG_OK);
	store_close(store);
}

static bool
on_key(void *arg, const struct store_entry *l, const struct store_entry *r)
{
	const struct bytes key = l != NULL ? l->key : r->key;
	size_t len = strlen(told);

	(void)arg;
	(void)snprintf(told + len, sizeof(told) - len, "%.*s%s ", (int)key.len,
	    (const char *)key.data,
	    l == NULL       ? ">"
		: r == NULL ? "<"
			    : "!");
	return --told_max > 0;
}

static void
states_with_the_same_contents_do_not_differ(void **state)
{
	const char *const pairs[] = { "a", "1", "b", "2", NULL };
	struct digest one, other;
	uint64_t seq;

	(void)state;
	make(left, pairs);
	make(right, pairs);
	assert_int_equal(store_diff(left, right, on_key, NULL, NULL), AG_OK);
	assert_string_equal(told, "");
	assert_int_equal(store_diff_digest(left, &seq, &one, NULL), AG_OK);
	assert_int_equal(seq, 1);
	assert_int_equal(store_diff_digest(right, &seq, &other, NULL), AG_OK);
	assert_true(digest_equal(&one, &other));
}

static void
a_digest_is_the_one_the_store_itself_computes(void **state)
{
	const char *const pairs[] = { "a", "1", "b", "2", NULL };
	struct digest own, found;
	struct store *store;
	uint64_t seq;

	(void)state;
	make(left, pairs);
	assert_int_equal(store_open(&store, left, cluster, NULL, NULL), AG_OK);
	assert_int_equal(store_digest(store, &own, NULL), AG_OK);
	store_close(store);
	assert_int_equal(store_diff_digest(left, &seq, &found, NULL), AG_OK);
	assert_true(digest_equal(&own, &found));
}

static void
keys_that_differ_are_told_with_the_side_that_has_them(void **state)
{
	const char *const one[] = { "a", "1", "b", "2", "c", "3", "e", "5",
		NULL };
	const char *const other[] = { "a", "1", "b", "22", "d", "4", "e", "5",
		NULL };
	struct digest x, y;
	uint64_t seq;

	(void)state;
	make(left, one);
	make(right, other);
	assert_int_equal(store_diff(left, right, on_key, NULL, NULL), AG_OK);
	assert_string_equal(told, "! b! c< d> ");
	assert_int_equal(store_diff_digest(left, &seq, &x, NULL), AG_OK);
	assert_int_equal(store_diff_digest(right, &seq, &y, NULL), AG_OK);
	assert_false(digest_equal(&x, &y));
}

static void
one_side_may_be_empty_and_the_telling_stopped(void **state)
{
	const char *const one[] = { "a", "1", "b", "2", "c", "3", NULL };
	const char *const nothing[] = { NULL };

	(void)state;
	make(left, one);
	make(right, nothing);
	told_max = 3;
	assert_int_equal(store_diff(left, right, on_key, NULL, NULL), AG_OK);
	assert_string_equal(told, "< a< b< ");
	told[0] = '\0';
	told_max = SIZE_MAX;
	assert_int_equal(store_diff(right, left, on_key, NULL, NULL), AG_OK);
	assert_string_equal(told, "> a> b> c> ");
}

static void
damage(const char *path, const char *sql)
{
	char file[DIRECTORY_PATH_BYTES + 32];
	sqlite3 *db;

	(void)snprintf(file, sizeof(file), "%s/state.db", path);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
leaves_that_nobody_writes_are_refused(void **state)
{
	static const char *const harms[] = {
		"UPDATE bucket SET leaves = x'00'",
		"UPDATE bucket SET id = id + 1",
		"INSERT INTO bucket VALUES (70000, zeroblob(64), x'')",
		"UPDATE bucket SET leaves = CAST(leaves || leaves AS BLOB)",
	};
	const char *const pairs[] = { "a", "1", NULL };
	struct digest found;
	struct ag_error err;
	uint64_t seq;
	size_t i;

	for (i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
		make(left, pairs);
		make(right, pairs);
		damage(right, harms[i]);
		assert_int_equal(store_diff(left, right, on_key, NULL, &err),
		    AG_ECORRUPT);
		assert_non_null(strstr(err.text, "damaged"));
		assert_int_equal(store_diff_digest(right, &seq, &found, NULL),
		    AG_ECORRUPT);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

static void
a_state_that_is_not_there_is_named(void **state)
{
	const char *const pairs[] = { "a", "1", NULL };
	struct ag_error err;

	(void)state;
	make(left, pairs);
	assert_int_equal(store_diff(left, right, on_key, NULL, &err),
	    AG_ENOENT);
	assert_non_null(strstr(err.text, "right/state.db"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(states_with_the_same_contents_do_not_differ),
		TEST(a_digest_is_the_one_the_store_itself_computes),
		TEST(keys_that_differ_are_told_with_the_side_that_has_them),
		TEST(one_side_may_be_empty_and_the_telling_stopped),
		TEST(leaves_that_nobody_writes_are_refused),
		TEST(a_state_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
