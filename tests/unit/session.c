/*
 * The client table: at most once, the same on every replica.
 */
#include "store/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct session_config small = { .principals = 3, .window = 64 };

static const uint8_t alice[PRINCIPAL_BYTES] = { 1 };
static const uint8_t bob[PRINCIPAL_BYTES] = { 2 };
static const uint8_t carol[PRINCIPAL_BYTES] = { 3 };
static const uint8_t dave[PRINCIPAL_BYTES] = { 4 };

static struct session_table *
new_table(void)
{
	size_t len = session_size(&small);
	void *memory = calloc(1, len);

	assert_non_null(memory);
	return session_init(memory, len, &small);
}

static void
record(struct session_table *table, const uint8_t *principal, uint64_t number,
    uint64_t seq)
{
	const struct result result = { RESULT_DONE, seq, number + 1, number };

	session_record(table, principal, number, &result);
}

static void
assert_same(struct session_table *a, struct session_table *b)
{
	struct digest first, second;

	session_digest(a, &first);
	session_digest(b, &second);
	assert_true(digest_equal(&first, &second));
}

static void
a_number_is_new_until_recorded(void **state)
{
	struct session_table *table = new_table();
	struct result result;

	(void)state;
	assert_int_equal(session_find(table, alice, 5, &result), SESSION_NEW);
	record(table, alice, 5, 10);
	assert_int_equal(session_find(table, alice, 5, &result),
	    SESSION_EXECUTED);
	assert_int_equal(result.seq, 10);
	assert_int_equal(result.version, 6);
	assert_int_equal(session_find(table, alice, 4, &result), SESSION_NEW);
	assert_int_equal(session_find(table, bob, 5, &result), SESSION_NEW);
	free(table);
}

static void
numbers_go_on_above_every_window(void **state)
{
	struct session_table *table = new_table();
	struct result result;
	uint64_t next;

	(void)state;
	assert_int_equal(session_next(table, alice), 1);
	record(table, alice, 5, 1);
	record(table, alice, 1000, 2);
	next = session_next(table, alice);
	assert_int_equal(next, 1001);
	assert_int_equal(session_find(table, alice, next, &result),
	    SESSION_NEW);
	assert_int_equal(session_next(table, bob), 1);
	free(table);
}

static void
numbers_below_the_window_are_stale(void **state)
{
	struct session_table *table = new_table();
	struct result result;

	(void)state;
	record(table, alice, 0, 1);
	record(table, alice, 63, 2);
	assert_int_equal(session_find(table, alice, 0, &result),
	    SESSION_EXECUTED);
	record(table, alice, 64, 3);
	assert_int_equal(session_find(table, alice, 0, &result), SESSION_STALE);
	assert_int_equal(session_find(table, alice, 1, &result), SESSION_NEW);
	record(table, alice, 1000, 4);
	assert_int_equal(session_find(table, alice, 936, &result),
	    SESSION_STALE);
	assert_int_equal(session_find(table, alice, 937, &result), SESSION_NEW);
	assert_int_equal(session_find(table, alice, 1000, &result),
	    SESSION_EXECUTED);
	free(table);
}

static void
the_least_recent_principal_leaves_when_full(void **state)
{
	struct session_table *table = new_table();
	struct result result;

	(void)state;
	record(table, carol, 1, 1);
	record(table, bob, 1, 1);
	record(table, alice, 1, 2);
	record(table, dave, 1, 3);
	assert_int_equal(session_count(table), 3);
	assert_int_equal(session_find(table, bob, 1, &result), SESSION_NEW);
	assert_int_equal(session_find(table, carol, 1, &result),
	    SESSION_EXECUTED);
	assert_memory_equal(session_principal(table, 2), dave, PRINCIPAL_BYTES);
	free(table);
}

static void
the_digest_depends_on_contents_only(void **state)
{
	struct session_table *a = new_table(), *b = new_table();
	struct digest before, after;

	(void)state;
	record(a, alice, 1, 1);
	record(a, bob, 2, 1);
	record(b, bob, 2, 1);
	record(b, alice, 1, 1);
	assert_same(a, b);
	session_digest(a, &before);
	record(a, alice, 3, 2);
	session_digest(a, &after);
	assert_false(digest_equal(&before, &after));
	record(b, alice, 3, 2);
	assert_same(a, b);
	free(a);
	free(b);
}

static void
a_principal_is_encoded_and_comes_back(void **state)
{
	struct session_table *a = new_table(), *b = new_table();
	uint8_t out[4096];
	size_t len;

	(void)state;
	record(a, alice, 7, 3);
	record(a, alice, 200, 4);
	len = session_encode(a, 0, out, sizeof(out));
	assert_int_equal(session_decode(b, alice, bytes_of(out, len), NULL),
	    AG_OK);
	assert_same(a, b);
	assert_int_equal(session_decode(b, alice, bytes_of(out, len), NULL),
	    AG_EEXIST);
	free(a);
	free(b);
}

static void
damaged_encodings_are_refused_and_leave_no_trace(void **state)
{
	struct session_table *a = new_table(), *b = new_table();
	uint8_t out[4096];
	size_t len, cut;

	(void)state;
	record(a, alice, 7, 3);
	len = session_encode(a, 0, out, sizeof(out));
	for (cut = 0; cut < len; cut++)
		assert_int_equal(session_decode(b, alice, bytes_of(out, cut),
				     NULL),
		    AG_EPROTO);
	assert_int_equal(session_decode(b, alice, bytes_of(out, len + 1), NULL),
	    AG_EPROTO);
	out[24] = 99;
	assert_int_equal(session_decode(b, alice, bytes_of(out, len), NULL),
	    AG_EPROTO);
	assert_int_equal(session_count(b), 0);
	free(a);
	free(b);
}

/* Store what changed in a into b, as the database does. */
static void
copy_changed(struct session_table *a, struct session_table *b)
{
	struct session_head head;
	uint8_t page[4096];
	uint64_t pages;
	uint32_t i;

	while (session_take_changed(a, &head, &pages)) {
		assert_int_equal(session_head_load(b, &head, NULL), AG_OK);
		for (i = 0; i < SESSION_PAGES; i++) {
			if ((pages >> i & 1) == 0)
				continue;
			session_page_encode(a, head.place, i, page);
			assert_int_equal(session_page_load(b, head.place, i,
					     bytes_of(page,
						 session_page_bytes(a)),
					     NULL),
			    AG_OK);
		}
	}
}

static void
stored_pages_give_the_table_back(void **state)
{
	struct session_table *a = new_table(), *b = new_table();
	struct session_head head;
	uint64_t pages;

	(void)state;
	record(a, alice, 7, 3);
	record(a, bob, 700, 3);
	record(a, bob, 701, 4);
	copy_changed(a, b);
	assert_same(a, b);
	assert_false(session_take_changed(a, &head, &pages));
	record(a, bob, 702, 5);
	assert_true(session_take_changed(a, &head, &pages));
	assert_int_equal(__builtin_popcountll(pages), 1);
	free(a);
	free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_new_until_recorded),
		cmocka_unit_test(numbers_go_on_above_every_window),
		cmocka_unit_test(numbers_below_the_window_are_stale),
		cmocka_unit_test(the_least_recent_principal_leaves_when_full),
		cmocka_unit_test(the_digest_depends_on_contents_only),
		cmocka_unit_test(a_principal_is_encoded_and_comes_back),
		cmocka_unit_test(
		    damaged_encodings_are_refused_and_leave_no_trace),
		cmocka_unit_test(stored_pages_give_the_table_back),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
