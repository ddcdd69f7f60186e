/*
 * Orders about key epochs: one encoding, and as many approvals as a change of
 * the members takes.
 */
#include "trust/key_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixture/people.h"

struct fixture {
	struct people people;
	struct roster roster; /* p0 ... p3 */
	struct key_order order, back;
	uint8_t out[KEY_ORDER_BYTES_MAX], again[KEY_ORDER_BYTES_MAX];
	struct ag_error err;
};

static void
begin(struct fixture *f, uint32_t policy_operators)
{
	people_found(&f->people, &f->roster, 4, policy_operators);
	memset(&f->order, 0, sizeof(f->order));
	memcpy(f->order.cluster_id, f->roster.cluster_id, CLUSTER_ID_BYTES);
	f->order.serial = 3;
	f->order.action = KEY_ACTION_ROTATE;
	(void)snprintf(f->order.reason, sizeof(f->order.reason), "yearly");
}

static int
make_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	people_open(&f->people);
	begin(f, 0);
	*state = f;
	return 0;
}

static int
remove_fixture(void **state)
{
	struct fixture *f = *state;

	people_close(&f->people);
	free(f);
	return 0;
}

static enum ag_status
sign(struct fixture *f, const struct secret *key)
{
	struct signer signer;

	signer_of_key(&signer, key);
	return key_order_sign(&f->order, &f->roster, &signer, &f->err);
}

static enum ag_status
verify(struct fixture *f)
{
	return key_order_verify(&f->order, &f->roster, &f->err);
}

static void
an_order_takes_a_quorum_of_the_members(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sign(f, f->people.keys[0]), AG_OK);
	assert_int_equal(sign(f, f->people.keys[0]), AG_OK);
	assert_int_equal(sign(f, f->people.keys[2]), AG_OK);
	assert_int_equal(verify(f), AG_EFORGED);
	assert_string_equal(f->err.text,
	    "2 of the members approved the order, and it takes 3");
	assert_int_equal(sign(f, f->people.keys[5]), AG_ENOENT);
	assert_int_equal(sign(f, f->people.keys[3]), AG_OK);
	assert_int_equal(verify(f), AG_OK);
}

static void
where_operators_decide_members_do_not(void **state)
{
	struct fixture *f = *state;

	begin(f, 2);
	assert_int_equal(sign(f, f->people.keys[0]), AG_ENOENT);
	assert_int_equal(sign(f, f->people.operators[0]), AG_OK);
	assert_int_equal(verify(f), AG_EFORGED);
	assert_int_equal(sign(f, f->people.operators[1]), AG_OK);
	assert_int_equal(verify(f), AG_OK);
}

static void
an_approval_is_for_one_order_of_one_cluster(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 3; i++)
		assert_int_equal(sign(f, f->people.keys[i]), AG_OK);
	f->order.serial++;
	assert_int_equal(verify(f), AG_EFORGED);
	f->order.serial--;
	f->order.action = KEY_ACTION_ROTATE_NOW;
	assert_int_equal(verify(f), AG_EFORGED);
	f->order.action = KEY_ACTION_ROTATE;
	f->order.approvals[1].signature[5] ^= 1;
	assert_int_equal(key_order_approved(&f->order, &f->roster), 2);
	f->order.approvals[1].signature[5] ^= 1;
	assert_int_equal(verify(f), AG_OK);
	f->roster.cluster_id[0] ^= 1;
	assert_int_equal(verify(f), AG_ECONFLICT);
}

static void
an_order_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct bytes encoded, again;
	uint32_t i;

	f->order.action = KEY_ACTION_POLICY;
	f->order.policy =
	    (struct key_policy){ KEY_POLICY_AGE_MS_LEAST, 0, true };
	for (i = 0; i < 3; i++)
		assert_int_equal(sign(f, f->people.keys[i]), AG_OK);
	encoded = key_order_encode(&f->order, f->out);
	assert_int_equal(key_order_decode(&f->back, encoded, &f->err), AG_OK);
	again = key_order_encode(&f->back, f->again);
	assert_int_equal(again.len, encoded.len);
	assert_memory_equal(again.data, encoded.data, encoded.len);
}

static void
what_is_no_order_is_refused(void **state)
{
	struct fixture *f = *state;
	struct bytes encoded;
	size_t len;

	assert_int_equal(sign(f, f->people.keys[0]), AG_OK);
	encoded = key_order_encode(&f->order, f->out);
	for (len = 0; len < encoded.len; len++)
		assert_int_equal(key_order_decode(&f->back,
				     bytes_of(encoded.data, len), &f->err),
		    AG_EPROTO);
	/* The same approval twice. */
	f->order.approvals[f->order.approval_count++] = f->order.approvals[0];
	encoded = key_order_encode(&f->order, f->out);
	assert_int_equal(key_order_decode(&f->back, encoded, &f->err),
	    AG_EPROTO);
	f->order.approval_count = 0;
	f->order.reason[0] = '\n';
	encoded = key_order_encode(&f->order, f->out);
	assert_int_equal(key_order_decode(&f->back, encoded, &f->err),
	    AG_EPROTO);
	f->order.reason[0] = 'y';
	f->order.action = (enum key_action)4;
	encoded = key_order_encode(&f->order, f->out);
	assert_int_equal(key_order_decode(&f->back, encoded, &f->err),
	    AG_EPROTO);
}

static void
a_policys_limits_have_limits(void **state)
{
	struct fixture *f = *state;
	const struct key_policy none = { 0, 0, false },
				young = { KEY_POLICY_AGE_MS_LEAST - 1, 0,
					false },
				small = { 0, KEY_POLICY_BYTES_LEAST - 1,
					false };
	struct bytes encoded;

	assert_int_equal(key_policy_check(&none, &f->err), AG_OK);
	assert_int_equal(key_policy_check(&young, &f->err), AG_EINVAL);
	assert_int_equal(key_policy_check(&small, &f->err), AG_EINVAL);
	f->order.action = KEY_ACTION_POLICY;
	f->order.policy = small;
	encoded = key_order_encode(&f->order, f->out);
	assert_int_equal(key_order_decode(&f->back, encoded, &f->err),
	    AG_EPROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    an_order_takes_a_quorum_of_the_members, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(
		    where_operators_decide_members_do_not, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(
		    an_approval_is_for_one_order_of_one_cluster, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(an_order_comes_back_as_it_was,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(what_is_no_order_is_refused,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(a_policys_limits_have_limits,
		    make_fixture, remove_fixture),
	};

	return cmocka_run_group_tests_name("key_order", tests, NULL, NULL);
}
