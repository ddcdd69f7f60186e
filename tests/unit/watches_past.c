/*
 * Watches from before what is in memory: every change once and in order,
 * while the state goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixture/batches.h"
#include "fixture/directory.h"
#include "node/watches_parts.h"

#define WATCHERS 1000

static const uint8_t cluster_id[32] = { 1 };
static const uint8_t principal[32] = { 2 };

static char root[DIRECTORY_PATH_BYTES];
static char dir[DIRECTORY_PATH_BYTES + 8], other[DIRECTORY_PATH_BYTES + 8];
static struct loop *loop;
static struct applier *applier;
static struct watches *watches;
static struct store_retention retention;
static struct batch_maker maker;
static uint64_t delivered, published, number;

/* A watcher of sequences, each with one change. */
struct seen {
	struct node_watch *watch;
	uint64_t next;  /* expected */
	uint64_t holds; /* itself once it is there */
	bool has_ended;
};

static void
on_applied(void *arg, const struct applied *applied)
{
	(void)arg;
	if (watches != NULL)
		watches_publish(watches, applied->changes,
		    applied->change_count, applied->seq);
	published = applied->seq;
}

static void
on_failed(void *arg, const struct ag_error *err)
{
	(void)arg;
	fail_msg("%s", err->text);
}

static void
on_patience_end(void *arg)
{
	(void)arg;
	fail_msg("it never happened");
}

static bool (*is_there)(void *arg);
static void *is_there_arg;

static void
look(void *arg)
{
	(void)arg;
	if (is_there(is_there_arg))
		loop_stop(loop);
	else
		assert_int_equal(loop_post(loop, look, NULL), AG_OK);
}

/* Let the loop turn until it is so. */
static void
until(bool (*fn)(void *arg), void *arg)
{
	struct loop_timer *patience;

	is_there = fn;
	is_there_arg = arg;
	assert_int_equal(loop_timer_new(&patience, loop, on_patience_end, NULL),
	    AG_OK);
	loop_timer_set(patience, 60000);
	look(NULL);
	loop_run(loop);
	loop_timer_close(patience);
}

static bool
is_published(void *arg)
{
	(void)arg;
	return published == delivered;
}

static void
deliver(unsigned int batches)
{
	char value[16];

	while (batches-- > 0) {
		const uint64_t seq = ++delivered;

		(void)snprintf(value, sizeof(value), "%llu",
		    (unsigned long long)seq);
		batch_begin(&maker, 7, ++number, 1000 * seq);
		batch_put(&maker, seq % 2 == 0 ? "even" : "odd", value);
		assert_int_equal(applier_deliver(applier, seq, false,
				     batch_end(&maker)),
		    AG_OK);
	}
	applier_execute(applier, false);
}

static void
open_node(void)
{
	const struct applier_callbacks callbacks = { .applied = on_applied,
		.failed = on_failed };
	struct ag_error err;

	if (applier_open(&applier, dir, cluster_id, NULL, NULL, principal, loop,
		&callbacks, NULL, &err) != AG_OK)
		fail_msg("%s", err.text);
	applier_retain(applier, &retention);
	watches = watches_new(2000, applier_seq(applier));
	assert_int_equal(watches_read_past(watches, applier, loop), AG_OK);
	published = delivered = applier_seq(applier);
}

static void
close_node(void)
{
	watches_free(watches);
	watches = NULL;
	applier_close(applier);
	loop_unpost(loop, applier);
}

static int
setup(void **state)
{
	struct ag_error err;

	(void)state;
	(void)directory_make(root);
	(void)snprintf(dir, sizeof(dir), "%s/state", root);
	(void)snprintf(other, sizeof(other), "%s/other", root);
	retention =
	    (struct store_retention){ UINT64_C(1) << 40, UINT64_C(1) << 30 };
	number = 0;
	assert_int_equal(loop_new(&loop, &err), AG_OK);
	open_node();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close_node();
	loop_run(loop);
	loop_free(loop);
	return directory_remove(root);
}

static void
on_change(void *arg, const struct node_change *change)
{
	struct seen *s = arg;
	char value[16];

	assert_false(s->has_ended);
	if (change == NULL) {
		s->has_ended = true;
		return;
	}
	assert_int_equal(change->seq, s->next);
	(void)snprintf(value, sizeof(value), "%llu",
	    (unsigned long long)change->seq);
	assert_true(bytes_equal(change->entry.value, bytes_from_text(value)));
	if (s->next == s->holds)
		watches_hold(s->watch, true);
	s->next++;
}

static void
watch(struct seen *s, uint64_t from)
{
	struct ag_error err;

	*s = (struct seen){ .next = from };
	if (watches_add(&s->watch, watches, bytes_of(NULL, 0),
		bytes_of(NULL, 0), from, on_change, s, &err) != AG_OK)
		fail_msg("%s", err.text);
}

static bool
has_all(void *arg)
{
	const struct seen *s = arg;

	return s->next == delivered + 1 && is_published(NULL);
}

static bool
have_all(void *arg)
{
	struct seen *all = arg;
	size_t i;

	for (i = 0; i < WATCHERS; i++)
		if (!has_all(&all[i]))
			return false;
	return true;
}

static void
watch_from_long_ago_sees_every_change_once_while_others_come(void **state)
{
	struct seen s;
	unsigned int i;

	(void)state;
	deliver(600);
	until(is_published, NULL);
	assert_true(watches->complete_from > 300);
	watch(&s, 1);
	assert_int_equal(s.next, 1);
	assert_int_equal(watches_shown(s.watch), 0);
	for (i = 0; i < 40; i++) {
		deliver(10);
		if (i % 4 == 0)
			until(is_published, NULL);
	}
	until(has_all, &s);
	assert_int_equal(watches_shown(s.watch), UINT64_MAX);
	deliver(5);
	until(has_all, &s);
	watches_remove(s.watch);
}

static void
watch_goes_on_where_it_was_after_a_restart(void **state)
{
	struct seen s;

	(void)state;
	deliver(300);
	until(is_published, NULL);
	close_node();
	open_node();
	assert_int_equal(watches->complete_from, 301);
	watch(&s, 7);
	deliver(50);
	until(has_all, &s);
	watches_remove(s.watch);
}

static void
watch_of_a_range_sees_that_alone(void **state)
{
	struct node_watch *even;
	struct ag_error err;
	struct seen s = { .next = 2 };

	(void)state;
	deliver(2);
	until(is_published, NULL);
	close_node();
	open_node();
	assert_int_equal(watches_add(&even, watches, bytes_from_text("even"),
			     bytes_from_text("evem"), 1, on_change, &s, &err),
	    AG_OK);
	watches_remove(even);
	assert_int_equal(watches_add(&even, watches, bytes_from_text("even"),
			     bytes_from_text("even0"), 1, on_change, &s, &err),
	    AG_OK);
	until(has_all, &s);
	watches_remove(even);
}

static void
a_thousand_watches_share_what_is_read(void **state)
{
	struct seen *all = calloc(WATCHERS, sizeof(*all));
	size_t i;

	(void)state;
	assert_non_null(all);
	deliver(3000);
	until(is_published, NULL);
	close_node();
	open_node();
	for (i = 0; i < WATCHERS; i++)
		watch(&all[i], 1 + i);
	deliver(10);
	until(have_all, all);
	/* Each by itself would have taken one at least. */
	assert_true(watches->slices <= 8);
	assert_null(watches->reader);
	for (i = 0; i < WATCHERS; i++)
		watches_remove(all[i].watch);
	free(all);
}

static bool
is_held_there(void *arg)
{
	const struct seen *s = arg;

	return s->next > s->holds && watches->slice == NULL;
}

static void
held_watch_waits_in_its_place_and_goes_on_from_there(void **state)
{
	struct seen held, free_one;
	uint64_t there;

	(void)state;
	deliver(9000); /* several slices */
	until(is_published, NULL);
	close_node();
	open_node();
	watch(&held, 1);
	held.holds = 100;
	watch(&free_one, 1);
	until(has_all, &free_one);
	until(is_held_there, &held);
	there = held.next;
	assert_true(there < delivered);
	deliver(10);
	until(has_all, &free_one);
	assert_int_equal(held.next, there);
	assert_int_equal(watches_shown(held.watch), there - 1);
	watches_hold(held.watch, false);
	until(has_all, &held);
	watches_remove(held.watch);
	watches_remove(free_one.watch);
}

static bool
is_compacted(void *arg)
{
	struct store_past past;

	(void)arg;
	applier_look_past(applier, &past);
	return past.bytes <= retention.bytes && past.oldest > 500;
}

static bool
has_ended(void *arg)
{
	return ((struct seen *)arg)->has_ended;
}

static void
watch_overtaken_by_compaction_is_ended_and_told_from_where_it_can_begin(
    void **state)
{
	struct node_watch *out;
	struct store_past past;
	struct ag_error err;
	char text[32];
	struct seen s;

	(void)state;
	deliver(9000);
	until(is_published, NULL);
	close_node();
	open_node();
	watch(&s, 1);
	s.holds = 100;
	until(is_held_there, &s);
	retention.bytes = 20000;
	applier_retain(applier, &retention);
	until(is_compacted, NULL);
	assert_false(s.has_ended);
	watches_hold(s.watch, false);
	until(has_ended, &s);
	applier_look_past(applier, &past);
	assert_int_equal(watches_known_from(s.watch), past.oldest + 1);
	watches_remove(s.watch);
	assert_int_equal(watches_add(&out, watches, bytes_of(NULL, 0),
			     bytes_of(NULL, 0), past.oldest, on_change, &s,
			     &err),
	    AG_ENOENT);
	(void)snprintf(text, sizeof(text), "before %llu are no longer",
	    (unsigned long long)past.oldest + 1);
	assert_non_null(strstr(err.text, text));
	watch(&s, past.oldest + 1);
	until(has_all, &s);
	watches_remove(s.watch);
}

/* A state beside ours, far ahead. */
static void
make_other(uint64_t last)
{
	struct ag_error err;
	struct store *store;
	uint64_t seq;

	assert_int_equal(store_open(&store, other, cluster_id, NULL, &err),
	    AG_OK);
	for (seq = 1; seq <= last; seq++) {
		batch_begin(&maker, 9, seq, seq);
		batch_put(&maker, "key", "value");
		assert_int_equal(store_apply(store, seq, batch_end(&maker),
				     NULL, &err),
		    AG_OK);
	}
	assert_int_equal(store_commit(store, &err), AG_OK);
	store_close(store);
}

static void
a_state_from_elsewhere_ends_watches_and_begins_anew(void **state)
{
	struct store_past past;
	struct ag_error err;
	struct seen s, next;

	(void)state;
	deliver(300);
	until(is_published, NULL);
	make_other(500);
	watch(&s, 1); /* its slice is on the way */
	assert_int_equal(applier_replace(applier, other, 500, &err), AG_OK);
	watches_reset(watches, 500);
	assert_true(s.has_ended);
	assert_int_equal(watches_known_from(s.watch), 501);
	applier_look_past(applier, &past);
	assert_int_equal(past.oldest, 500);
	delivered = published = 500;
	number += 1000;
	watch(&next, 501);
	deliver(200);
	until(has_all, &next);
	watches_remove(next.watch);
	watch(&next, 501);
	until(has_all, &next);
	watches_remove(s.watch);
	watches_remove(next.watch);
}

static void
what_is_closed_while_it_is_read_for_is_shown_nothing(void **state)
{
	struct seen s, other_one;

	(void)state;
	deliver(300);
	until(is_published, NULL);
	watch(&s, 1);
	watch(&other_one, 1);
	watches_remove(s.watch);
	until(has_all, &other_one);
	assert_int_equal(s.next, 1);
	watch(&s, 1);
	/* And so it is when everything is: teardown. */
}

static void
history_is_dropped_in_the_background(void **state)
{
	(void)state;
	retention.bytes = 20000;
	applier_retain(applier, &retention);
	deliver(2000);
	until(is_published, NULL);
	until(is_compacted, NULL);
}

int
main(void)
{
#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest specs[] = {
		SPEC(
		    watch_from_long_ago_sees_every_change_once_while_others_come),
		SPEC(watch_goes_on_where_it_was_after_a_restart),
		SPEC(watch_of_a_range_sees_that_alone),
		SPEC(a_thousand_watches_share_what_is_read),
		SPEC(held_watch_waits_in_its_place_and_goes_on_from_there),
		SPEC(
		    watch_overtaken_by_compaction_is_ended_and_told_from_where_it_can_begin),
		SPEC(a_state_from_elsewhere_ends_watches_and_begins_anew),
		SPEC(what_is_closed_while_it_is_read_for_is_shown_nothing),
		SPEC(history_is_dropped_in_the_background),
	};

	return cmocka_run_group_tests(specs, NULL, NULL);
}
