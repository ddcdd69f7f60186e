/*
 * Operations: one meaning, one encoding, and bounds every replica shares.
 */
#include "codec/operation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/lease.h"

static struct operation op, back;
static uint8_t out[OPERATION_BYTES_MAX + 1024];

static struct bytes
encoded(void)
{
	struct encoder e;
	struct bytes bytes;

	encoder_init(&e, out, sizeof(out));
	operation_encode(&e, &op);
	assert_int_equal(encoder_finish(&e, &bytes), AG_OK);
	return bytes;
}

static struct change
put(const char *key, const char *value)
{
	return (struct change){
		.kind = OPERATION_PUT,
		.key = bytes_from_text(key),
		.value = bytes_from_text(value),
	};
}

static void
set_put(const char *key, const char *value)
{
	memset(&op, 0, sizeof(op));
	op.kind = OPERATION_PUT;
	op.change = put(key, value);
}

static void
a_put_comes_back_as_it_was(void **state)
{
	(void)state;
	set_put("k", "v");
	op.change.has_if_version = true;
	op.change.if_version = 7;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	assert_int_equal(back.kind, OPERATION_PUT);
	assert_true(bytes_equal(back.change.key, bytes_from_text("k")));
	assert_true(bytes_equal(back.change.value, bytes_from_text("v")));
	assert_true(back.change.has_if_version);
	assert_int_equal(back.change.if_version, 7);
}

static void
a_delete_has_no_value(void **state)
{
	(void)state;
	set_put("k", "ignored");
	op.kind = OPERATION_DELETE;
	op.change.kind = OPERATION_DELETE;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	assert_int_equal(back.kind, OPERATION_DELETE);
	assert_int_equal(back.change.value.len, 0);
	assert_false(back.change.has_if_version);
}

static void
a_transaction_keeps_its_lists_in_order(void **state)
{
	(void)state;
	memset(&op, 0, sizeof(op));
	op.kind = OPERATION_TXN;
	op.compare_count = 3;
	op.compares[0] =
	    (struct compare){ COMPARE_VERSION, bytes_from_text("a"), { 0 }, 3 };
	op.compares[1] = (struct compare){ COMPARE_VALUE, bytes_from_text("b"),
		bytes_from_text("x"), 0 };
	op.compares[2] =
	    (struct compare){ COMPARE_EXISTS, bytes_from_text("c"), { 0 }, 1 };
	op.change_count[0] = 2;
	op.changes[0][0] = put("a", "1");
	op.changes[0][1] = put("b", "2");
	op.change_count[1] = 1;
	op.changes[1][0] = (struct change){ .kind = OPERATION_DELETE,
		.key = bytes_from_text("c") };
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	assert_int_equal(back.compare_count, 3);
	assert_int_equal(back.compares[0].number, 3);
	assert_true(bytes_equal(back.compares[1].value, bytes_from_text("x")));
	assert_int_equal(back.compares[2].kind, COMPARE_EXISTS);
	assert_int_equal(back.change_count[0], 2);
	assert_true(bytes_equal(back.changes[0][1].key, bytes_from_text("b")));
	assert_int_equal(back.changes[1][0].kind, OPERATION_DELETE);
}

static void
a_barrier_is_two_bytes(void **state)
{
	struct bytes bytes;

	(void)state;
	memset(&op, 0, sizeof(op));
	op.kind = OPERATION_BARRIER;
	bytes = encoded();
	assert_int_equal(bytes.len, 2);
	assert_int_equal(operation_decode(&back, bytes, NULL), AG_OK);
	assert_int_equal(back.kind, OPERATION_BARRIER);
}

static void
an_order_about_keys_comes_back_as_it_was(void **state)
{
	(void)state;
	memset(&op, 0, sizeof(op));
	op.kind = OPERATION_KEYS;
	op.order = bytes_from_text("an order");
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	assert_int_equal(back.kind, OPERATION_KEYS);
	assert_true(bytes_equal(back.order, op.order));
}

static void
a_put_names_the_lease_of_its_key(void **state)
{
	(void)state;
	set_put("k", "v");
	op.change.lease = 9;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	assert_int_equal(back.change.lease, 9);
	assert_false(back.change.has_if_version);
	op.change.has_if_version = true;
	op.change.if_version = 3;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	assert_int_equal(back.change.lease, 9);
	assert_int_equal(back.change.if_version, 3);
	set_put("k", "v");
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	assert_int_equal(back.change.lease, 0);
}

static void
a_lease_has_a_number_and_lives_for_a_while(void **state)
{
	(void)state;
	memset(&op, 0, sizeof(op));
	op.kind = OPERATION_GRANT;
	op.ttl_s = 30;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	assert_int_equal(back.kind, OPERATION_GRANT);
	assert_int_equal(back.ttl_s, 30);
	op.ttl_s = 0;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_EPROTO);
	op.ttl_s = LEASE_TTL_S_MAX + 1;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_EPROTO);
	op.kind = OPERATION_REVOKE;
	op.lease = 5;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	assert_int_equal(back.kind, OPERATION_REVOKE);
	assert_int_equal(back.lease, 5);
	op.kind = OPERATION_KEEP_ALIVE;
	op.lease = 0;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_EPROTO);
}

static void
a_lease_of_zero_is_not_another_way_to_say_none(void **state)
{
	/* [1, h'6b', h'', null, 0], [2, h'6b', null, 1, 1] */
	static const uint8_t zero[] = { 0x85, 1, 0x41, 'k', 0x40, 0xf6, 0 };
	static const uint8_t of_delete[] = { 0x85, 2, 0x41, 'k', 0xf6, 1, 1 };

	(void)state;
	assert_int_equal(operation_decode(&back, bytes_of(zero, sizeof(zero)),
			     NULL),
	    AG_EPROTO);
	assert_int_equal(operation_decode(&back,
			     bytes_of(of_delete, sizeof(of_delete)), NULL),
	    AG_EPROTO);
}

static void
an_empty_key_is_refused(void **state)
{
	struct ag_error err;

	(void)state;
	set_put("", "v");
	assert_int_equal(operation_decode(&back, encoded(), &err), AG_EPROTO);
	assert_non_null(strstr(err.text, "empty key"));
}

static void
keys_and_values_have_bounds(void **state)
{
	static uint8_t big[VALUE_BYTES_MAX + 1];

	(void)state;
	set_put("k", "v");
	op.change.key = bytes_of(big, KEY_BYTES_MAX);
	op.change.value = bytes_of(big, VALUE_BYTES_MAX);
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_OK);
	op.change.key.len++;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_EPROTO);
	op.change.key.len--;
	op.change.value.len++;
	assert_int_equal(operation_decode(&back, encoded(), NULL), AG_EPROTO);
}

static void
a_transaction_inside_a_transaction_is_refused(void **state)
{
	/* [3, [], [[3, h'6b', h'']], []] */
	static const uint8_t nested[] = { 0x84, 3, 0x80, 0x81, 0x83, 3, 0x41,
		'k', 0x40, 0x80 };

	(void)state;
	assert_int_equal(operation_decode(&back,
			     bytes_of(nested, sizeof(nested)), NULL),
	    AG_EPROTO);
}

static void
unknown_kinds_and_wrong_lengths_are_refused(void **state)
{
	static const uint8_t unknown[] = { 0x81, 5 };
	static const uint8_t longer[] = { 0x82, 4, 0xf6 };

	(void)state;
	assert_int_equal(operation_decode(&back,
			     bytes_of(unknown, sizeof(unknown)), NULL),
	    AG_EPROTO);
	assert_int_equal(operation_decode(&back,
			     bytes_of(longer, sizeof(longer)), NULL),
	    AG_EPROTO);
}

static void
every_result_code_has_a_name(void **state)
{
	int code;

	(void)state;
	for (code = 0; code < RESULT_CODE_COUNT; code++)
		assert_string_not_equal(result_code_name(
					    (enum result_code)code),
		    "UNKNOWN");
	assert_string_equal(result_code_name(RESULT_CODE_COUNT), "UNKNOWN");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_put_comes_back_as_it_was),
		cmocka_unit_test(a_delete_has_no_value),
		cmocka_unit_test(a_transaction_keeps_its_lists_in_order),
		cmocka_unit_test(a_barrier_is_two_bytes),
		cmocka_unit_test(an_order_about_keys_comes_back_as_it_was),
		cmocka_unit_test(a_put_names_the_lease_of_its_key),
		cmocka_unit_test(a_lease_has_a_number_and_lives_for_a_while),
		cmocka_unit_test(
		    a_lease_of_zero_is_not_another_way_to_say_none),
		cmocka_unit_test(an_empty_key_is_refused),
		cmocka_unit_test(keys_and_values_have_bounds),
		cmocka_unit_test(a_transaction_inside_a_transaction_is_refused),
		cmocka_unit_test(unknown_kinds_and_wrong_lengths_are_refused),
		cmocka_unit_test(every_result_code_has_a_name),
	};

	return cmocka_run_group_tests_name("operation", tests, NULL, NULL);
}
