/*
 * Successors of a roster: which change is one, and whose word it takes.
 */
#include "trust/succession.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/people.h"

struct fixture {
	struct people people;
	struct roster roster; /* p0 ... p4 */
	struct roster next, other, again;
	struct buf text;
	struct ag_error err;
};

static void
begin(struct fixture *f, uint32_t members, uint32_t policy_operators)
{
	people_found(&f->people, &f->roster, members, policy_operators);
}

static int
make_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	people_open(&f->people);
	buf_init(&f->text, ROSTER_FILE_BYTES_MAX);
	begin(f, 5, 0);
	*state = f;
	return 0;
}

static int
remove_fixture(void **state)
{
	struct fixture *f = *state;

	people_close(&f->people);
	buf_fini(&f->text);
	free(f);
	return 0;
}

static void
sign(struct fixture *f, const struct secret *key)
{
	assert_int_equal(people_sign(&f->next, &f->roster, key, &f->err),
	    AG_OK);
}

static void
refused(struct fixture *f, enum ag_status status, enum ag_status expected,
    const char *words)
{
	assert_int_equal(status, expected);
	if (strstr(f->err.text, words) == NULL)
		fail_msg("'%s' lacks '%s'", f->err.text, words);
}

static enum ag_status
verify(struct fixture *f)
{
	return succession_verify(&f->next, &f->roster, &f->err);
}

static void
a_quorum_of_the_members_and_the_new_one_make_a_successor(void **state)
{
	struct fixture *f = *state;
	struct succession_change change;
	uint32_t i;

	assert_int_equal(succession_add(&f->next, &f->roster,
			     &f->people.members[5], &f->err),
	    AG_OK);
	assert_int_equal(succession_check(&f->next, &f->roster, &change,
			     &f->err),
	    AG_OK);
	assert_int_equal(change.kind, SUCCESSION_ADD);
	assert_int_equal(change.comes, 5);
	for (i = 0; i < 4; i++) {
		refused(f, verify(f), AG_EFORGED, "p5 has not signed");
		sign(f, f->people.keys[i]);
	}
	sign(f, f->people.keys[5]);
	assert_int_equal(verify(f), AG_OK);
	assert_int_equal(f->next.epoch, 1);
	assert_memory_equal(f->next.cluster_id, f->roster.cluster_id,
	    CLUSTER_ID_BYTES);
	/* And the next follows it, by its own members. */
	f->roster = f->next;
	assert_int_equal(succession_remove(&f->next, &f->roster, "p0", &f->err),
	    AG_OK);
	sign(f, f->people.keys[5]);
	refused(f, verify(f), AG_EFORGED,
	    "1 of the members approved it, and it takes 5");
}

static void
one_vote_too_few_is_too_few(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	assert_int_equal(succession_remove(&f->next, &f->roster, "p1", &f->err),
	    AG_OK);
	for (i = 0; i < 3; i++)
		sign(f, f->people.keys[i]);
	/* Twice by one key is once. */
	sign(f, f->people.keys[0]);
	refused(f, verify(f), AG_EFORGED,
	    "3 of the members approved it, and it takes 4");
	sign(f, f->people.keys[3]);
	assert_int_equal(verify(f), AG_OK);
}

static void
with_a_policy_only_so_many_operators_count(void **state)
{
	struct fixture *f = *state;

	begin(f, 5, 2);
	assert_int_equal(succession_remove(&f->next, &f->roster, "p4", &f->err),
	    AG_OK);
	refused(f,
	    people_sign(&f->next, &f->roster, f->people.keys[0], &f->err),
	    AG_ENOENT, "nothing to sign");
	sign(f, f->people.operators[0]);
	refused(f, verify(f), AG_EFORGED,
	    "1 of the operators approved it, and it takes 2");
	sign(f, f->people.operators[2]);
	assert_int_equal(verify(f), AG_OK);
}

static void
who_is_let_in_does_not_judge_it(void **state)
{
	struct fixture *f = *state;
	struct succession_tally tally;

	begin(f, 4, 0);
	assert_int_equal(succession_add(&f->next, &f->roster,
			     &f->people.members[4], &f->err),
	    AG_OK);
	sign(f, f->people.keys[0]);
	sign(f, f->people.keys[1]);
	sign(f, f->people.keys[4]);
	/* Its approval is a signature, but of nobody of the cluster. */
	f->other = f->next;
	assert_int_equal(people_sign(&f->next, &f->other, f->people.keys[4],
			     &f->err),
	    AG_OK);
	succession_count(&tally, &f->next, &f->roster);
	assert_int_equal(f->next.approval_count, 3);
	assert_int_equal(tally.approved, 2);
	refused(f, verify(f), AG_EFORGED, "it takes 3");
}

static void
those_who_stay_keep_their_place_and_order(void **state)
{
	struct fixture *f = *state;
	struct succession_change change;

	assert_int_equal(succession_replace(&f->next, &f->roster, "p2",
			     &f->people.members[6], &f->err),
	    AG_OK);
	assert_string_equal(f->next.members[2].name, "p6");
	assert_string_equal(f->next.members[3].name, "p3");
	assert_int_equal(succession_check(&f->next, &f->roster, &change,
			     &f->err),
	    AG_OK);
	assert_int_equal(change.kind, SUCCESSION_REPLACE);
	assert_int_equal(change.gone, 2);
	assert_int_equal(succession_remove(&f->next, &f->roster, "p0", &f->err),
	    AG_OK);
	assert_string_equal(f->next.members[0].name, "p1");
	f->next.members[0] = f->people.members[2];
	f->next.members[1] = f->people.members[1];
	roster_seal(&f->next);
	refused(f, succession_check(&f->next, &f->roster, NULL, &f->err),
	    AG_EINVAL, "keep their order");
}

static void
a_member_consents_to_a_new_address(void **state)
{
	struct fixture *f = *state;
	struct roster_member moved = f->people.members[1];
	uint32_t i;

	(void)snprintf(moved.address, sizeof(moved.address), "new:7422");
	assert_int_equal(succession_replace(&f->next, &f->roster, "p1", &moved,
			     &f->err),
	    AG_OK);
	for (i = 0; i < 5; i++)
		if (i != 1)
			sign(f, f->people.keys[i]);
	refused(f, verify(f), AG_EFORGED, "member p1 has not signed it");
	sign(f, f->people.keys[1]);
	assert_int_equal(verify(f), AG_OK);
}

static void
four_members_do_not_become_three(void **state)
{
	struct fixture *f = *state;

	begin(f, 4, 0);
	refused(f, succession_remove(&f->next, &f->roster, "p0", &f->err),
	    AG_EINVAL, "3 members would be left");
	begin(f, 1, 0);
	refused(f,
	    succession_add(&f->next, &f->roster, &f->people.members[1],
		&f->err),
	    AG_EINVAL, "2 members would be left");
}

static void
nothing_else_and_no_second_member_changes(void **state)
{
	struct fixture *f = *state;

	begin(f, 5, 2);
	refused(f, succession_remove(&f->next, &f->roster, "nobody", &f->err),
	    AG_ENOENT, "nobody is no member");
	refused(f,
	    succession_add(&f->next, &f->roster, &f->people.members[0],
		&f->err),
	    AG_EINVAL, "same name");
	refused(f,
	    succession_replace(&f->next, &f->roster, "p0",
		&f->people.members[0], &f->err),
	    AG_EINVAL, "adds, removes or replaces one");
	assert_int_equal(succession_replace(&f->next, &f->roster, "p0",
			     &f->people.members[5], &f->err),
	    AG_OK);
	f->other = f->next;
	f->next.members[1] = f->people.members[6];
	roster_seal(&f->next);
	refused(f, succession_check(&f->next, &f->roster, NULL, &f->err),
	    AG_EINVAL, "one member");
	f->next = f->other;
	f->next.policy_operators = 1;
	roster_seal(&f->next);
	refused(f, succession_check(&f->next, &f->roster, NULL, &f->err),
	    AG_EINVAL, "changes its members only");
	f->next = f->other;
	f->next.operators[0] = f->next.operators[1];
	refused(f, succession_check(&f->next, &f->roster, NULL, &f->err),
	    AG_EINVAL, "changes its members only");
}

static void
a_successor_follows_one_roster_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(succession_add(&f->next, &f->roster,
			     &f->people.members[5], &f->err),
	    AG_OK);
	assert_int_equal(succession_add(&f->other, &f->roster,
			     &f->people.members[6], &f->err),
	    AG_OK);
	refused(f, succession_check(&f->next, &f->other, NULL, &f->err),
	    AG_ECONFLICT, "follows another");
	refused(f, succession_check(&f->roster, &f->roster, NULL, &f->err),
	    AG_ECONFLICT, "no successor");
	refused(f, succession_merge(&f->next, &f->other, &f->err), AG_ECONFLICT,
	    "another successor");
	/* Of another cluster's, with the same members. */
	f->other = f->roster;
	f->other.created_ms++;
	roster_seal(&f->other);
	refused(f, succession_check(&f->next, &f->other, NULL, &f->err),
	    AG_ECONFLICT, "no successor of a roster of cluster demo");
}

static void
make_raft(struct fixture *f, uint32_t members)
{
	begin(f, members, 0);
	(void)snprintf(f->roster.strategy, sizeof(f->roster.strategy), "raft");
	roster_seal(&f->roster);
}

static void
a_cluster_of_raft_goes_down_to_three_by_a_majority(void **state)
{
	struct fixture *f = *state;

	make_raft(f, 4);
	assert_int_equal(succession_remove(&f->next, &f->roster, "p0", &f->err),
	    AG_OK);
	sign(f, f->people.keys[1]);
	sign(f, f->people.keys[2]);
	refused(f, verify(f), AG_EFORGED,
	    "2 of the members approved it, and it takes 3");
	sign(f, f->people.keys[0]);
	assert_int_equal(verify(f), AG_OK);
	f->roster = f->next;
	refused(f, succession_remove(&f->next, &f->roster, "p1", &f->err),
	    AG_EINVAL, "2 members would be left");
}

/* Of five three sign the last state: one goes, and two may be lost. */
static void
of_an_odd_number_of_raft_one_comes_before_the_other_goes(void **state)
{
	struct fixture *f = *state;

	make_raft(f, 5);
	refused(f,
	    succession_replace(&f->next, &f->roster, "p1",
		&f->people.members[5], &f->err),
	    AG_EINVAL, "add p5, and then remove p1");
	assert_int_equal(succession_add(&f->next, &f->roster,
			     &f->people.members[5], &f->err),
	    AG_OK);
	f->roster = f->next;
	assert_int_equal(succession_replace(&f->next, &f->roster, "p1",
			     &f->people.members[6], &f->err),
	    AG_OK);
	assert_int_equal(succession_remove(&f->next, &f->roster, "p1", &f->err),
	    AG_OK);
}

static void
a_member_of_raft_that_moves_has_its_state_as_before(void **state)
{
	struct fixture *f = *state;
	struct roster_member moved = f->people.members[1];

	make_raft(f, 5);
	(void)snprintf(moved.address, sizeof(moved.address), "new:7422");
	assert_int_equal(succession_replace(&f->next, &f->roster, "p1", &moved,
			     &f->err),
	    AG_OK);
}

static void
its_text_holds_all_of_it_and_no_byte_more_is_believed(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	begin(f, 5, 2);
	assert_int_equal(succession_replace(&f->next, &f->roster, "p0",
			     &f->people.members[5], &f->err),
	    AG_OK);
	sign(f, f->people.operators[0]);
	sign(f, f->people.operators[1]);
	sign(f, f->people.keys[5]);
	assert_int_equal(roster_format(&f->next, &f->text), AG_OK);
	assert_int_equal(roster_parse(&f->again, buf_bytes(&f->text), "r",
			     &f->err),
	    AG_OK);
	assert_memory_equal(&f->again.digest, &f->next.digest, DIGEST_BYTES);
	assert_int_equal(succession_verify(&f->again, &f->roster, &f->err),
	    AG_OK);
	for (i = 0; i < f->text.len; i++) {
		f->text.data[i] ^= 1;
		if (roster_parse(&f->again, buf_bytes(&f->text), "r",
			&f->err) == AG_OK &&
		    succession_verify(&f->again, &f->roster, &f->err) == AG_OK)
			fail_msg("byte %u does not count", i);
		f->text.data[i] ^= 1;
	}
}

static void
signatures_given_on_copies_are_joined(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(succession_add(&f->next, &f->roster,
			     &f->people.members[5], &f->err),
	    AG_OK);
	f->other = f->next;
	sign(f, f->people.keys[0]);
	sign(f, f->people.keys[1]);
	f->again = f->next;
	f->next = f->other;
	sign(f, f->people.keys[1]);
	sign(f, f->people.keys[2]);
	sign(f, f->people.keys[3]);
	sign(f, f->people.keys[5]);
	assert_int_equal(succession_merge(&f->again, &f->next, &f->err), AG_OK);
	assert_int_equal(f->again.approval_count, 4);
	assert_int_equal(succession_verify(&f->again, &f->roster, &f->err),
	    AG_OK);
}

/* p5 becomes an observer of the next roster, which is then the present. */
static void
add_observer(struct fixture *f)
{
	struct roster_member observer = f->people.members[5];
	uint32_t i;

	observer.is_observer = true;
	assert_int_equal(succession_add(&f->next, &f->roster, &observer,
			     &f->err),
	    AG_OK);
	for (i = 0; i < 4; i++)
		sign(f, f->people.keys[i]);
	refused(f, verify(f), AG_EFORGED, "p5 has not signed");
	sign(f, f->people.keys[5]);
	assert_int_equal(verify(f), AG_OK);
	f->next.is_proved = true;
	f->roster = f->next;
}

static void
an_observer_comes_and_nobody_is_counted_anew(void **state)
{
	struct fixture *f = *state;
	struct succession_change change;

	f->other = f->roster;
	add_observer(f);
	assert_int_equal(succession_check(&f->next, &f->other, &change,
			     &f->err),
	    AG_OK);
	assert_int_equal(change.kind, SUCCESSION_ADD);
	assert_true(change.is_observer);
	assert_int_equal(change.comes, 5);
	assert_int_equal(f->next.member_count, 5);
	assert_int_equal(f->next.observer_count, 1);
	assert_int_equal(roster_quorum(&f->next), roster_quorum(&f->other));
}

static void
an_observer_approves_of_nothing(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	add_observer(f);
	assert_int_equal(succession_remove(&f->next, &f->roster, "p1", &f->err),
	    AG_OK);
	refused(f,
	    people_sign(&f->next, &f->roster, f->people.keys[5], &f->err),
	    AG_ENOENT, "nothing to sign");
	for (i = 0; i < 3; i++)
		sign(f, f->people.keys[i]);
	/* Even with its signature in it by force. */
	f->next.approvals[3] = f->next.approvals[2];
	sign_public(f->next.approvals[3].key, f->people.keys[5]);
	f->next.approval_count = 4;
	refused(f, verify(f), AG_EFORGED,
	    "3 of the members approved it, and it takes 4");
}

static void
a_member_that_comes_stands_before_the_observers(void **state)
{
	struct fixture *f = *state;
	struct succession_change change;

	add_observer(f);
	assert_int_equal(succession_add(&f->next, &f->roster,
			     &f->people.members[6], &f->err),
	    AG_OK);
	assert_int_equal(succession_check(&f->next, &f->roster, &change,
			     &f->err),
	    AG_OK);
	assert_int_equal(change.kind, SUCCESSION_ADD);
	assert_false(change.is_observer);
	assert_string_equal(f->next.members[5].name, "p6");
	assert_string_equal(f->next.members[6].name, "p5");
	assert_int_equal(f->next.member_count, 6);
}

static void
an_observer_is_promoted_when_it_consents(void **state)
{
	struct fixture *f = *state;
	struct succession_change change;
	uint32_t i;

	add_observer(f);
	refused(f, succession_promote(&f->next, &f->roster, "p1", &f->err),
	    AG_EINVAL, "p1 votes already");
	assert_int_equal(succession_promote(&f->next, &f->roster, "p5",
			     &f->err),
	    AG_OK);
	assert_int_equal(succession_check(&f->next, &f->roster, &change,
			     &f->err),
	    AG_OK);
	assert_int_equal(change.kind, SUCCESSION_PROMOTE);
	assert_false(change.is_observer);
	assert_int_equal(change.gone, 5);
	assert_int_equal(change.comes, 5);
	assert_int_equal(f->next.member_count, 6);
	assert_int_equal(f->next.observer_count, 0);
	for (i = 0; i < 4; i++)
		sign(f, f->people.keys[i]);
	refused(f, verify(f), AG_EFORGED, "p5 has not signed");
	sign(f, f->people.keys[5]);
	assert_int_equal(verify(f), AG_OK);
	/* As an observer it may go at any time. */
	assert_int_equal(succession_remove(&f->next, &f->roster, "p5", &f->err),
	    AG_OK);
	assert_int_equal(succession_check(&f->next, &f->roster, &change,
			     &f->err),
	    AG_OK);
	assert_int_equal(change.kind, SUCCESSION_REMOVE);
	assert_true(change.is_observer);
	assert_int_equal(change.gone, 5);
}

static void
no_member_becomes_an_observer_and_no_two_change(void **state)
{
	struct fixture *f = *state;

	add_observer(f);
	assert_int_equal(succession_promote(&f->next, &f->roster, "p5",
			     &f->err),
	    AG_OK);
	/* Another comes under its name. */
	(void)snprintf(f->next.members[5].address, ROSTER_ADDRESS_BYTES,
	    "elsewhere:1");
	roster_seal(&f->next);
	refused(f, verify(f), AG_EINVAL, "adds, removes or replaces one");

	assert_int_equal(succession_remove(&f->next, &f->roster, "p5", &f->err),
	    AG_OK);
	f->next.member_count--;
	f->next.observer_count++;
	f->next.members[4].is_observer = true;
	roster_seal(&f->next);
	refused(f, verify(f), AG_EINVAL, "adds, removes or replaces one");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_quorum_of_the_members_and_the_new_one_make_a_successor,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(one_vote_too_few_is_too_few,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(
		    with_a_policy_only_so_many_operators_count, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(who_is_let_in_does_not_judge_it,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(
		    those_who_stay_keep_their_place_and_order, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(
		    a_member_consents_to_a_new_address, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(
		    four_members_do_not_become_three, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(
		    nothing_else_and_no_second_member_changes, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(
		    a_successor_follows_one_roster_alone, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(
		    a_cluster_of_raft_goes_down_to_three_by_a_majority,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(
		    of_an_odd_number_of_raft_one_comes_before_the_other_goes,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(
		    a_member_of_raft_that_moves_has_its_state_as_before,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(
		    its_text_holds_all_of_it_and_no_byte_more_is_believed,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(
		    signatures_given_on_copies_are_joined, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(
		    an_observer_comes_and_nobody_is_counted_anew, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(an_observer_approves_of_nothing,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(
		    a_member_that_comes_stands_before_the_observers,
		    make_fixture, remove_fixture),
		cmocka_unit_test_setup_teardown(
		    an_observer_is_promoted_when_it_consents, make_fixture,
		    remove_fixture),
		cmocka_unit_test_setup_teardown(
		    no_member_becomes_an_observer_and_no_two_change,
		    make_fixture, remove_fixture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
