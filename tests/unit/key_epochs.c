/*
 * Key epochs in the replicated state: what is decided when, by batches alone.
 */
#include "store/key_epochs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/people.h"
#include "store/store.h"

#define DAY_MS (UINT64_C(24) * 3600 * 1000)
#define START_MS UINT64_C(1700000000000)

struct fixture {
	char root[DIRECTORY_PATH_BYTES];
	char dir[DIRECTORY_PATH_BYTES + 16];
	struct people people;
	struct roster roster, next; /* p0 ... p4 */
	struct store *store;
	struct batch_maker maker;
	struct key_order order;
	uint8_t bytes[KEY_ORDER_BYTES_MAX];
	struct buf text;
	uint64_t number;
	struct result result; /* of the last operation */
	struct ag_error err;
};

static void
must(struct fixture *f, enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", f->err.text);
}

static void
open_store(struct fixture *f)
{
	must(f,
	    store_open(&f->store, f->dir, f->roster.cluster_id, NULL, &f->err));
	must(f, store_begin_epoch(f->store, &f->roster, &f->err));
}

static int
make_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL || directory_make(f->root) == -1)
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "%s/state", f->root);
	buf_init(&f->text, ROSTER_FILE_BYTES_MAX);
	people_open(&f->people);
	people_found(&f->people, &f->roster, 5, 0);
	open_store(f);
	*state = f;
	return 0;
}

static int
remove_fixture(void **state)
{
	struct fixture *f = *state;
	int code;

	store_close(f->store);
	people_close(&f->people);
	buf_fini(&f->text);
	code = directory_remove(f->root);
	free(f);
	return code;
}

static const struct key_epochs *
now(const struct fixture *f)
{
	return store_key_epochs(f->store);
}

static void
on_outcome(void *arg, const struct store_outcome *outcome)
{
	((struct fixture *)arg)->result = outcome->result;
}

static void
begin(struct fixture *f, uint64_t time_ms)
{
	batch_begin(&f->maker, 1, ++f->number, time_ms);
}

static void
apply(struct fixture *f)
{
	const struct store_observer observer = { f, on_outcome, NULL };

	must(f,
	    store_apply(f->store, store_applied(f->store) + 1,
		batch_end(&f->maker), &observer, &f->err));
}

static void
put(struct fixture *f, const char *value, uint64_t time_ms)
{
	begin(f, time_ms);
	batch_put(&f->maker, "k", value);
	apply(f);
}

/* Batches with nothing in them. */
static void
pass(struct fixture *f, unsigned int count)
{
	while (count-- > 0) {
		batch_begin(&f->maker, 1, 0, 0);
		apply(f);
	}
}

static void
draft(struct fixture *f, enum key_action action)
{
	memset(&f->order, 0, sizeof(f->order));
	memcpy(f->order.cluster_id, f->roster.cluster_id, CLUSTER_ID_BYTES);
	f->order.serial = now(f)->serial;
	f->order.action = action;
	(void)snprintf(f->order.reason, sizeof(f->order.reason), "a reason");
}

/* With the approvals of so many members. */
static enum result_code
submit(struct fixture *f, uint32_t signers)
{
	struct signer signer;
	uint32_t i;

	for (i = 0; i < signers; i++) {
		signer_of_key(&signer, f->people.keys[i]);
		must(f,
		    key_order_sign(&f->order, &f->roster, &signer, &f->err));
	}
	begin(f, START_MS);
	f->maker.op.kind = OPERATION_KEYS;
	f->maker.op.order = key_order_encode(&f->order, f->bytes);
	batch_add(&f->maker);
	apply(f);
	return f->result.code;
}

static void
a_state_begins_at_epoch_1_with_its_first_value(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(now(f)->epoch, 1);
	assert_int_equal(now(f)->since_ms, 0);
	assert_int_equal(now(f)->policy.max_age_ms, 30 * DAY_MS);
	pass(f, 3);
	assert_int_equal(now(f)->created, 0);
	put(f, "value", START_MS);
	assert_int_equal(now(f)->since_seq, 4);
	assert_int_equal(now(f)->since_ms, START_MS);
	assert_int_equal(now(f)->bytes, 5);
	assert_int_equal(now(f)->created, 4);
}

static void
a_decided_epoch_is_active_some_sequences_later(void **state)
{
	struct fixture *f = *state;

	put(f, "value", START_MS);
	draft(f, KEY_ACTION_ROTATE);
	assert_int_equal(submit(f, 4), RESULT_DONE);
	assert_int_equal(f->result.version, 2);
	assert_int_equal(now(f)->next, 2);
	assert_int_equal(now(f)->next_seq, 2 + KEY_EPOCHS_LEAD);
	assert_int_equal(now(f)->cause, KEY_CAUSE_ORDER);
	assert_string_equal(now(f)->reason, "a reason");
	pass(f, KEY_EPOCHS_LEAD - 1);
	assert_int_equal(now(f)->epoch, 1);
	put(f, "four", START_MS + 5);
	assert_int_equal(now(f)->epoch, 2);
	assert_int_equal(now(f)->next, 0);
	assert_int_equal(now(f)->since_seq, 2 + KEY_EPOCHS_LEAD);
	assert_int_equal(now(f)->since_ms, START_MS + 5);
	assert_int_equal(now(f)->bytes, 4);
}

static void
an_order_is_good_once_and_dead_after_another(void **state)
{
	struct fixture *f = *state;
	struct key_order policy;

	draft(f, KEY_ACTION_POLICY);
	f->order.policy = (struct key_policy){ 2 * DAY_MS, 0, true };
	policy = f->order;
	draft(f, KEY_ACTION_ROTATE);
	assert_int_equal(submit(f, 4), RESULT_DONE);
	assert_int_equal(submit(f, 4), RESULT_CONFLICT);
	f->order = policy;
	assert_int_equal(submit(f, 4), RESULT_CONFLICT);
	/* Nor is a second epoch decided while one is on its way. */
	draft(f, KEY_ACTION_ROTATE);
	assert_int_equal(submit(f, 4), RESULT_CONFLICT);
	assert_int_equal(now(f)->next, 2);
	assert_int_equal(now(f)->policy.max_age_ms, 30 * DAY_MS);
}

static void
an_order_that_too_few_approved_changes_nothing(void **state)
{
	struct fixture *f = *state;

	draft(f, KEY_ACTION_ROTATE);
	assert_int_equal(submit(f, 3), RESULT_INVALID);
	assert_int_equal(now(f)->serial, 0);
	f->order.cluster_id[0] ^= 1;
	assert_int_equal(submit(f, 5), RESULT_INVALID);
	begin(f, START_MS);
	f->maker.op.kind = OPERATION_KEYS;
	f->maker.op.order = bytes_from_text("no order");
	batch_add(&f->maker);
	apply(f);
	assert_int_equal(f->result.code, RESULT_INVALID);
	assert_int_equal(now(f)->next, 0);
	assert_int_equal(now(f)->created, 0);
}

static void
an_epoch_ends_when_it_is_old_by_agreed_time(void **state)
{
	struct fixture *f = *state;

	put(f, "value", START_MS);
	put(f, "value", START_MS + 30 * DAY_MS - 1);
	assert_int_equal(now(f)->next, 0);
	put(f, "value", START_MS + 30 * DAY_MS);
	assert_int_equal(now(f)->next, 2);
	assert_int_equal(now(f)->cause, KEY_CAUSE_AGE);
	assert_int_equal(now(f)->serial, 1);
	/* Meanwhile that is decided. */
	put(f, "value", START_MS + 31 * DAY_MS);
	assert_int_equal(now(f)->serial, 1);
}

static void
an_epoch_ends_when_so_much_was_written(void **state)
{
	struct fixture *f = *state;
	char *value = calloc(1, (512 << 10) + 1);

	draft(f, KEY_ACTION_POLICY);
	f->order.policy = (struct key_policy){ 0, 1 << 20, false };
	assert_int_equal(submit(f, 4), RESULT_DONE);
	memset(value, 'v', 512 << 10);
	put(f, value, START_MS);
	assert_int_equal(now(f)->next, 0);
	put(f, value, START_MS + 300 * DAY_MS);
	assert_int_equal(now(f)->next, 2);
	assert_int_equal(now(f)->cause, KEY_CAUSE_BYTES);
	free(value);
}

static void
suspicion_makes_the_present_keys_suspect(void **state)
{
	struct fixture *f = *state;

	draft(f, KEY_ACTION_ROTATE);
	assert_int_equal(submit(f, 4), RESULT_DONE);
	/* Though one is on its way. */
	draft(f, KEY_ACTION_ROTATE_NOW);
	assert_int_equal(submit(f, 4), RESULT_DONE);
	assert_int_equal(now(f)->next, 2);
	assert_int_equal(now(f)->cause, KEY_CAUSE_SUSPECT);
	pass(f, KEY_EPOCHS_LEAD);
	assert_int_equal(now(f)->epoch, 2);
	pass(f, KEY_EPOCHS_LEAD);
	draft(f, KEY_ACTION_ROTATE_NOW);
	assert_int_equal(submit(f, 4), RESULT_DONE);
	assert_int_equal(now(f)->suspect, now(f)->epoch);
	pass(f, KEY_EPOCHS_LEAD);
	assert_int_equal(now(f)->epoch, now(f)->suspect + 1);
	assert_int_equal(now(f)->next, 0);
}

/* Nodes made the next key when that was decided: who saw one saw both. */
static void
an_epoch_that_was_on_its_way_to_suspicion_is_passed_over(void **state)
{
	struct fixture *f = *state;

	draft(f, KEY_ACTION_ROTATE);
	assert_int_equal(submit(f, 4), RESULT_DONE);
	draft(f, KEY_ACTION_ROTATE_NOW);
	(void)snprintf(f->order.reason, sizeof(f->order.reason), "a copy");
	assert_int_equal(submit(f, 4), RESULT_DONE);
	assert_int_equal(now(f)->suspect, 2);
	pass(f, KEY_EPOCHS_LEAD);
	assert_int_equal(now(f)->epoch, 2);
	assert_int_equal(now(f)->next, 3);
	assert_int_equal(now(f)->cause, KEY_CAUSE_SUSPECT);
	assert_string_equal(now(f)->reason, "a copy");
	pass(f, KEY_EPOCHS_LEAD);
	assert_int_equal(now(f)->epoch, 3);
	assert_int_equal(now(f)->next, 0);
	assert_int_equal(now(f)->suspect, 2);
}

static void
change_members(struct fixture *f)
{
	uint32_t i;

	for (i = 0; i < 6; i++)
		if (people_sign(&f->next, &f->roster, f->people.keys[i],
			&f->err) != AG_OK)
			assert_int_equal(f->err.status, AG_ENOENT);
	buf_clear(&f->text);
	must(f, roster_format(&f->next, &f->text));
	begin(f, START_MS);
	f->maker.op.kind = OPERATION_MEMBERSHIP;
	f->maker.op.roster = buf_bytes(&f->text);
	batch_add(&f->maker);
	apply(f);
	assert_int_equal(f->result.code, RESULT_DONE);
	assert_true(store_is_last(f->store));
}

static void
a_member_that_goes_begins_an_epoch(void **state)
{
	struct fixture *f = *state;

	must(f, succession_remove(&f->next, &f->roster, "p4", &f->err));
	change_members(f);
	assert_int_equal(now(f)->next, 2);
	assert_int_equal(now(f)->cause, KEY_CAUSE_MEMBERS);
	/* Which becomes active in the next epoch of the membership. */
	must(f, store_begin_epoch(f->store, &f->next, &f->err));
	pass(f, KEY_EPOCHS_LEAD);
	assert_int_equal(now(f)->epoch, 2);
}

static void
a_member_that_is_replaced_begins_an_epoch(void **state)
{
	struct fixture *f = *state;

	must(f,
	    succession_replace(&f->next, &f->roster, "p4",
		&f->people.members[5], &f->err));
	change_members(f);
	assert_int_equal(now(f)->next, 2);
}

static void
a_member_that_comes_begins_one_if_the_policy_says_so(void **state)
{
	struct fixture *f = *state;

	must(f,
	    succession_add(&f->next, &f->roster, &f->people.members[5],
		&f->err));
	change_members(f);
	assert_int_equal(now(f)->next, 0);

	f->roster = f->next;
	must(f, store_begin_epoch(f->store, &f->roster, &f->err));
	draft(f, KEY_ACTION_POLICY);
	f->order.policy = (struct key_policy){ 0, 0, true };
	assert_int_equal(submit(f, 5), RESULT_DONE);
	must(f,
	    succession_add(&f->next, &f->roster, &f->people.members[6],
		&f->err));
	must(f, people_sign(&f->next, &f->roster, f->people.keys[6], &f->err));
	change_members(f);
	assert_int_equal(now(f)->next, 2);
}

static void
what_is_agreed_does_not_depend_on_commits(void **state)
{
	struct fixture *f = *state;
	struct digest apart, together;
	uint64_t i;

	for (i = 0; i < 9; i++) {
		put(f, "value", START_MS + i);
		assert_int_equal(store_commit(f->store, &f->err), AG_OK);
	}
	must(f, store_digest(f->store, &apart, &f->err));
	store_close(f->store);
	(void)snprintf(f->dir, sizeof(f->dir), "%s/other", f->root);
	f->number = 0;
	open_store(f);
	for (i = 0; i < 9; i++)
		put(f, "value", START_MS + i);
	must(f, store_digest(f->store, &together, &f->err));
	assert_true(digest_equal(&apart, &together));
}

static void
opened_again_it_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;
	struct key_epochs before;

	put(f, "value", START_MS);
	draft(f, KEY_ACTION_ROTATE);
	assert_int_equal(submit(f, 4), RESULT_DONE);
	assert_int_equal(store_commit(f->store, &f->err), AG_OK);
	before = *now(f);
	store_close(f->store);
	open_store(f);
	assert_int_equal(now(f)->next, 2);
	assert_int_equal(now(f)->created, before.created);
	assert_string_equal(now(f)->reason, "a reason");
	pass(f, KEY_EPOCHS_LEAD);
	assert_int_equal(now(f)->epoch, 2);
}

static void
bytes_that_are_no_key_epochs_are_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t out[KEY_EPOCHS_BYTES_MAX];
	struct key_epochs epochs, back;
	struct bytes encoded;
	size_t len;

	key_epochs_init(&epochs);
	encoded = key_epochs_encode(&epochs, out);
	assert_int_equal(key_epochs_decode(&back, encoded, &f->err), AG_OK);
	for (len = 0; len < encoded.len; len++)
		assert_int_equal(key_epochs_decode(&back, bytes_of(out, len),
				     &f->err),
		    AG_ECORRUPT);
	out[1] = 2;
	assert_int_equal(key_epochs_decode(&back, encoded, &f->err),
	    AG_EVERSION);
	epochs.next = 3;
	encoded = key_epochs_encode(&epochs, out);
	assert_int_equal(key_epochs_decode(&back, encoded, &f->err),
	    AG_ECORRUPT);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_state_begins_at_epoch_1_with_its_first_value),
		TEST(a_decided_epoch_is_active_some_sequences_later),
		TEST(an_order_is_good_once_and_dead_after_another),
		TEST(an_order_that_too_few_approved_changes_nothing),
		TEST(an_epoch_ends_when_it_is_old_by_agreed_time),
		TEST(an_epoch_ends_when_so_much_was_written),
		TEST(suspicion_makes_the_present_keys_suspect),
		TEST(an_epoch_that_was_on_its_way_to_suspicion_is_passed_over),
		TEST(a_member_that_goes_begins_an_epoch),
		TEST(a_member_that_is_replaced_begins_an_epoch),
		TEST(a_member_that_comes_begins_one_if_the_policy_says_so),
		TEST(what_is_agreed_does_not_depend_on_commits),
		TEST(opened_again_it_goes_on_where_it_was),
		TEST(bytes_that_are_no_key_epochs_are_refused),
	};

	return cmocka_run_group_tests_name("key_epochs", tests, NULL, NULL);
}
