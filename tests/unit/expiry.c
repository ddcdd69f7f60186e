/*
 * What members do about leases that expire while nothing else happens: one of
 * them has a batch agreed on, in time, and no more than needed.
 */
#include "node/expiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/virtual_loop.h"

#define MEMBERS 4

struct member {
	struct expiry *expiry;
	uint32_t place;
	unsigned int submits;
	bool is_waiting;
};

struct spec {
	struct loop *loop;
	struct member members[MEMBERS];
	struct metric_set *metrics;
};

static uint32_t
on_place(void *arg, uint32_t *members)
{
	*members = MEMBERS;
	return ((struct member *)arg)->place;
}

static void
on_submit(void *arg)
{
	struct member *m = arg;

	m->submits++;
	m->is_waiting = true;
}

static int
set_up(void **state)
{
	static struct spec s;
	struct ag_error err;
	uint32_t i;

	s = (struct spec){ .loop = NULL };
	*state = &s;
	virtual_clock_reset();
	if (loop_new(&s.loop, &err) != AG_OK)
		return -1;
	for (i = 0; i < MEMBERS; i++) {
		const struct expiry_config config = {
			.loop = s.loop,
			.arg = &s.members[i],
			.place = on_place,
			.submit = on_submit,
		};

		s.members[i].place = i;
		s.members[i].expiry = expiry_new(&config);
		if (s.members[i].expiry == NULL)
			return -1;
	}
	return 0;
}

static int
tear_down(void **state)
{
	struct spec *s = *state;

	for (uint32_t i = 0; i < MEMBERS; i++)
		expiry_free(s->members[i].expiry);
	loop_free(s->loop);
	return 0;
}

static void
all_agreed(struct spec *s, uint64_t next_ms, uint64_t time_ms)
{
	for (uint32_t i = 0; i < MEMBERS; i++)
		expiry_agreed(s->members[i].expiry, next_ms, time_ms);
}

static unsigned int
submits(const struct spec *s)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < MEMBERS; i++)
		count += s->members[i].submits;
	return count;
}

/* Whose turn it is at a time that four divides is the first's. */
static void
one_member_submits_once_a_lease_is_past(void **state)
{
	struct spec *s = *state;

	all_agreed(s, 4000, 0);
	virtual_loop_pass(s->loop, 4000);
	assert_int_equal(submits(s), 0);
	virtual_loop_pass(s->loop, 1);
	assert_int_equal(submits(s), 1);
	assert_int_equal(s->members[0].submits, 1);
	all_agreed(s, 0, 4002);
	expiry_submitted(s->members[0].expiry, true);
	virtual_loop_pass(s->loop, 60000);
	assert_int_equal(submits(s), 1);
}

static void
members_take_turns_by_the_leases_time(void **state)
{
	struct spec *s = *state;

	all_agreed(s, 4001, 0);
	virtual_loop_pass(s->loop, 4002);
	assert_int_equal(submits(s), 1);
	assert_int_equal(s->members[3].submits, 1);
}

static void
the_next_member_comes_when_the_first_is_away(void **state)
{
	struct spec *s = *state;

	expiry_agreed(s->members[1].expiry, 4000, 0);
	expiry_agreed(s->members[2].expiry, 4000, 0);
	virtual_loop_pass(s->loop, 4000 + EXPIRY_RANK_MS);
	assert_int_equal(submits(s), 0);
	virtual_loop_pass(s->loop, 1);
	assert_int_equal(s->members[1].submits, 1);
	assert_int_equal(submits(s), 1);
}

static void
what_others_have_agreed_on_is_enough(void **state)
{
	struct spec *s = *state;

	all_agreed(s, 4000, 0);
	virtual_loop_pass(s->loop, 3900);
	all_agreed(s, 0, 4500);
	virtual_loop_pass(s->loop, 60000);
	assert_int_equal(submits(s), 0);
}

static void
a_lease_kept_alive_is_not_asked_about_before(void **state)
{
	struct spec *s = *state;

	all_agreed(s, 4000, 0);
	virtual_loop_pass(s->loop, 3000);
	all_agreed(s, 8000, 3000);
	virtual_loop_pass(s->loop, 5000);
	assert_int_equal(submits(s), 0);
	virtual_loop_pass(s->loop, 1);
	assert_int_equal(submits(s), 1);
}

static void
nothing_more_is_submitted_before_an_answer(void **state)
{
	struct spec *s = *state;
	struct member *first = &s->members[0];

	expiry_agreed(first->expiry, 4000, 0);
	virtual_loop_pass(s->loop, 4001);
	expiry_agreed(first->expiry, 4000, 3990);
	virtual_loop_pass(s->loop, 4000);
	assert_int_equal(first->submits, 1);
}

static void
more_than_one_batch_lets_expire_follow_at_once(void **state)
{
	struct spec *s = *state;
	struct member *first = &s->members[0];

	all_agreed(s, 4000, 0);
	virtual_loop_pass(s->loop, 4001);
	all_agreed(s, 4000, 4001);
	expiry_submitted(first->expiry, true);
	virtual_loop_pass(s->loop, 1);
	assert_int_equal(first->submits, 2);
	assert_int_equal(submits(s), 2);
}

/* Ours is ahead by 300 ms: others of that mind wait as long, too. */
static void
a_primary_that_is_behind_is_waited_for(void **state)
{
	struct spec *s = *state;
	struct member *first = &s->members[0];

	all_agreed(s, 4000, 0);
	virtual_loop_pass(s->loop, 4001);
	all_agreed(s, 4000, 3700);
	expiry_submitted(first->expiry, true);
	virtual_loop_pass(s->loop, 300);
	assert_int_equal(submits(s), 1);
	virtual_loop_pass(s->loop, 1);
	assert_int_equal(submits(s), 2);
	assert_int_equal(first->submits, 2);
}

/* What was executed of an old log says nothing of what time it is. */
static void
a_batch_of_yesterday_is_not_waited_by(void **state)
{
	struct spec *s = *state;

	virtual_loop_pass(s->loop, 100000);
	expiry_agreed(s->members[0].expiry, 80000, 1000);
	virtual_loop_pass(s->loop, 1);
	assert_int_equal(submits(s), 1);
}

/* A minute ahead: it asks once, learns what time it is, and waits. */
static void
a_member_with_a_clock_far_ahead_asks_no_more_than_others(void **state)
{
	struct spec *s = *state;
	struct member *first = &s->members[0];

	virtual_loop_pass(s->loop, 100000);
	expiry_agreed(first->expiry, 98000, 40000);
	virtual_loop_pass(s->loop, 1);
	assert_int_equal(first->submits, 1);
	expiry_agreed(first->expiry, 98000, 40001);
	expiry_submitted(first->expiry, true);
	virtual_loop_pass(s->loop, 10000);
	expiry_agreed(first->expiry, 98000, 50001);
	virtual_loop_pass(s->loop, 47999);
	assert_int_equal(first->submits, 1);
	virtual_loop_pass(s->loop, 1);
	assert_int_equal(first->submits, 2);
}

static void
without_a_quorum_it_is_tried_ever_more_seldom(void **state)
{
	struct spec *s = *state;
	struct member *first = &s->members[0];
	int i;

	expiry_agreed(first->expiry, 4000, 0);
	virtual_loop_pass(s->loop, 4001);
	for (i = 0; i < 600; i++) {
		if (first->is_waiting) {
			first->is_waiting = false;
			expiry_submitted(first->expiry, false);
		}
		virtual_loop_pass(s->loop, 1000);
	}
	assert_in_range(first->submits, 20, 30);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC(one_member_submits_once_a_lease_is_past),
		SPEC(members_take_turns_by_the_leases_time),
		SPEC(the_next_member_comes_when_the_first_is_away),
		SPEC(what_others_have_agreed_on_is_enough),
		SPEC(a_lease_kept_alive_is_not_asked_about_before),
		SPEC(nothing_more_is_submitted_before_an_answer),
		SPEC(more_than_one_batch_lets_expire_follow_at_once),
		SPEC(a_primary_that_is_behind_is_waited_for),
		SPEC(a_batch_of_yesterday_is_not_waited_by),
		SPEC(a_member_with_a_clock_far_ahead_asks_no_more_than_others),
		SPEC(without_a_quorum_it_is_tried_ever_more_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
