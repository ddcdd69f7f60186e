/*
 * The inbox: what members send each other's loops, kept in order, in bounds
 * and apart.
 */
#include "node/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event/loop.h"

#define BYTES_MAX (64U << 10)
#define OPENED_MAX 8192

struct scene {
	struct loop *loop;
	struct inbox *inbox;
	struct metric_set *metrics;
	size_t count;
	struct {
		uint32_t member;
		uint32_t number; /* of a frame */
		bool is_link;
		bool is_up;
	} opened[OPENED_MAX];
	size_t at_mark; /* opened when the mark was reached */
};

static void
on_frame(void *arg, uint32_t member, const struct frame *frame)
{
	struct scene *s = arg;

	assert_true(s->count < OPENED_MAX);
	s->opened[s->count].member = member;
	if (frame->body.len >= sizeof(uint32_t))
		memcpy(&s->opened[s->count].number, frame->body.data,
		    sizeof(uint32_t));
	s->count++;
}

static void
on_link(void *arg, uint32_t member, bool is_up)
{
	struct scene *s = arg;

	s->opened[s->count].member = member;
	s->opened[s->count].is_link = true;
	s->opened[s->count++].is_up = is_up;
}

static void
on_link_key(void *arg, uint32_t member,
    const struct link_certificate *certificate)
{
	struct scene *s = arg;

	s->opened[s->count].member = member;
	s->opened[s->count++].number = (uint32_t)certificate->serial;
}

static int
open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	const struct inbox_callbacks callbacks = { s, on_frame, on_link, NULL,
		on_link_key };

	if (s == NULL || loop_new(&s->loop, NULL) != AG_OK)
		return -1;
	s->metrics = metric_set_new();
	s->inbox = inbox_new(s->loop, &callbacks, BYTES_MAX, s->metrics);
	*state = s;
	return s->inbox != NULL ? 0 : -1;
}

static int
close_scene(void **state)
{
	struct scene *s = *state;

	inbox_free(s->inbox);
	loop_free(s->loop);
	metric_set_free(s->metrics);
	free(s);
	return 0;
}

static void
put(struct scene *s, uint32_t member, uint32_t number, size_t len)
{
	uint8_t body[4096] = { 0 };
	const struct frame frame = {
		.class = FRAME_CONSENSUS,
		.body = bytes_of(body, len),
	};

	assert_true(len <= sizeof(body));
	memcpy(body, &number, sizeof(number));
	inbox_put(s->inbox, member, &frame);
}

static void
stop(void *arg)
{
	struct scene *s = arg;

	loop_stop(s->loop);
}

/* Stop when nothing has come for a whole turn. */
static void
stop_when_still(void *arg)
{
	struct scene *s = arg;

	if (s->count == s->at_mark) {
		loop_stop(s->loop);
		return;
	}
	s->at_mark = s->count;
	assert_int_equal(loop_post(s->loop, stop_when_still, s), AG_OK);
}

static void
run_until_still(struct scene *s)
{
	s->at_mark = SIZE_MAX;
	assert_int_equal(loop_post(s->loop, stop_when_still, s), AG_OK);
	loop_run(s->loop);
}

static void
letters_of_a_member_keep_their_order(void **state)
{
	struct scene *s = *state;
	uint32_t i;

	inbox_put_link(s->inbox, 3, true);
	for (i = 1; i <= 600; i++)
		put(s, 3, i, sizeof(i));
	inbox_put_link(s->inbox, 3, false);
	run_until_still(s);
	assert_int_equal(s->count, 602);
	assert_true(s->opened[0].is_link && s->opened[0].is_up);
	for (i = 1; i <= 600; i++)
		assert_int_equal(s->opened[i].number, i);
	assert_true(s->opened[601].is_link && !s->opened[601].is_up);
}

static void
a_members_new_key_comes_whole_and_behind_what_it_sent(void **state)
{
	struct scene *s = *state;
	const struct link_certificate certificate = { .serial = 77 };

	put(s, 3, 5, 4);
	inbox_put_link_key(s->inbox, 3, &certificate);
	run_until_still(s);
	assert_int_equal(s->count, 2);
	assert_int_equal(s->opened[1].member, 3);
	assert_int_equal(s->opened[1].number, 77);
}

static void
a_flood_of_one_member_delays_another_by_a_letter(void **state)
{
	struct scene *s = *state;
	uint32_t i;

	for (i = 0; i < 500; i++)
		put(s, 0, i, 64);
	put(s, 2, 7, 64);
	run_until_still(s);
	assert_int_equal(s->count, 501);
	assert_int_equal(s->opened[1].member, 2);
	assert_int_equal(s->opened[1].number, 7);
}

static void
a_turn_leaves_time_for_others(void **state)
{
	struct scene *s = *state;
	uint32_t i;

	for (i = 0; i < 900; i++)
		put(s, 0, i, sizeof(i));
	/* What the loop is asked for meanwhile comes before all is opened. */
	assert_int_equal(loop_post(s->loop, stop, s), AG_OK);
	loop_run(s->loop);
	assert_in_range(s->count, 1, 899);
	/* And who comes late does not wait for what is left. */
	i = (uint32_t)s->count;
	put(s, 1, 7, sizeof(i));
	run_until_still(s);
	assert_int_equal(s->count, 901);
	assert_int_equal(s->opened[i + 1].member, 1);
}

static void
small_frames_are_charged_for_what_they_cost(void **state)
{
	struct scene *s = *state;
	uint32_t i;

	for (i = 0; i < 8000; i++)
		put(s, 0, i, 1);
	put(s, 1, 0, 1);
	run_until_still(s);
	/* No more than fits if each costs as little as an allocation can. */
	assert_in_range(s->count, 2, BYTES_MAX / 32);
	assert_int_equal(s->opened[1].member, 1);
	/* Then it is empty again. */
	i = (uint32_t)s->count;
	put(s, 0, 1, 4000);
	run_until_still(s);
	assert_int_equal(s->count, i + 1);
}

static void
what_was_not_opened_is_freed(void **state)
{
	struct scene *s = *state;
	uint32_t i;

	for (i = 0; i < 700; i++)
		put(s, 0, i, sizeof(i));
	assert_int_equal(loop_post(s->loop, stop, s), AG_OK);
	loop_run(s->loop);
	put(s, 1, 0, 4000);
	assert_true(s->count < 700);
}

int
main(void)
{
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		SPEC(letters_of_a_member_keep_their_order),
		SPEC(a_members_new_key_comes_whole_and_behind_what_it_sent),
		SPEC(a_flood_of_one_member_delays_another_by_a_letter),
		SPEC(a_turn_leaves_time_for_others),
		SPEC(small_frames_are_charged_for_what_they_cost),
		SPEC(what_was_not_opened_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
