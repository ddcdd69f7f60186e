/*
 * SQLite opened our way: what is told of files that are not ours.
 */
#include "db/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "fixture/directory.h"

static char dir[DIRECTORY_PATH_BYTES];
static struct ag_error err;

static void
tables_of_another_program_are_told_with_what_to_do(void **state)
{
	char path[DIRECTORY_PATH_BYTES + 16];
	const struct db_options options = { .path = path,
		.application_id = 7,
		.cache_kib = 64 };
	struct sqlite3_stmt *statement = NULL;
	struct sqlite3 *db = NULL;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	assert_int_equal(db_open(&db, &options, &err), AG_OK);
	assert_int_equal(db_exec(db, "CREATE TABLE meta (seq)", &err), AG_OK);
	assert_int_equal(db_prepare(db, &statement, "SELECT epoch FROM meta",
			     &err),
	    AG_EVERSION);
	assert_non_null(strstr(err.text, "no such column: epoch"));
	assert_non_null(strstr(err.text, "use the one that made it"));
	db_close(db);
}

static int
setup(void **state)
{
	(void)state;
	return directory_make(dir);
}

static int
teardown(void **state)
{
	(void)state;
	return directory_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    tables_of_another_program_are_told_with_what_to_do),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
