/*
 * The applier: what it reports, and when its state is replaced.
 */
#include "node/applier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "event/loop.h"
#include "fixture/batches.h"
#include "fixture/directory.h"

static const uint8_t cluster_id[32] = { 1 };
static const uint8_t principal[32] = { 2 };

struct spec {
	char dir[DIRECTORY_PATH_BYTES];
	char state[DIRECTORY_PATH_BYTES + 8], other[DIRECTORY_PATH_BYTES + 8];
	struct loop *loop;
	struct applier *applier;
	uint64_t reported; /* the newest sequence */
	unsigned reports;
	struct batch_maker maker;
};

static void
on_applied(void *arg, const struct applied *applied)
{
	struct spec *s = arg;

	assert_true(applied->seq > s->reported);
	s->reported = applied->seq;
	s->reports++;
}

static void
on_failed(void *arg, const struct ag_error *err)
{
	(void)arg;
	fail_msg("%s", err->text);
}

static struct bytes
batch(struct spec *s, uint64_t seq)
{
	batch_begin(&s->maker, 7, seq, seq);
	batch_put(&s->maker, "key", "value");
	return batch_end(&s->maker);
}

/* A state beside ours, with so many batches executed. */
static void
make_other(struct spec *s, uint64_t last)
{
	struct ag_error err;
	struct store *store;
	uint64_t seq;

	assert_int_equal(store_open(&store, s->other, cluster_id, NULL, &err),
	    AG_OK);
	for (seq = 1; seq <= last; seq++)
		assert_int_equal(store_apply(store, seq, batch(s, seq), NULL,
				     &err),
		    AG_OK);
	assert_int_equal(store_commit(store, &err), AG_OK);
	store_close(store);
}

static int
set_up(void **state)
{
	static struct spec s;
	const struct applier_callbacks callbacks = { .arg = &s,
		.applied = on_applied,
		.failed = on_failed };
	struct ag_error err;

	s = (struct spec){ 0 };
	*state = &s;
	if (directory_make(s.dir) == -1 || loop_new(&s.loop, &err) != AG_OK)
		return -1;
	(void)snprintf(s.state, sizeof(s.state), "%s/state", s.dir);
	(void)snprintf(s.other, sizeof(s.other), "%s/other", s.dir);
	return applier_open(&s.applier, s.state, cluster_id, NULL, principal,
		   s.loop, &callbacks, NULL, &err) == AG_OK
	    ? 0
	    : -1;
}

static int
tear_down(void **state)
{
	struct spec *s = *state;

	applier_close(s->applier);
	loop_free(s->loop);
	return directory_remove(s->dir);
}

/* Let the loop turn until this sequence is reported. */
static void
turn(void *arg)
{
	struct spec *s = arg;

	if (applier_seq(s->applier) < 6)
		assert_int_equal(loop_post(s->loop, turn, s), AG_OK);
	else
		loop_stop(s->loop);
}

/*
 * Reports are on their way to the loop when the state is replaced.  They
 * would make the node believe, and tell, that it is where it was before.
 */
static void
reports_from_before_a_replacement_are_dropped(void **state)
{
	struct spec *s = *state;
	struct ag_error err;

	make_other(s, 5);
	assert_int_equal(applier_deliver(s->applier, 1, false, batch(s, 1)),
	    AG_OK);
	assert_int_equal(applier_deliver(s->applier, 2, false, batch(s, 2)),
	    AG_OK);
	assert_int_equal(applier_replace(s->applier, s->other, 5, &err), AG_OK);
	assert_int_equal(applier_seq(s->applier), 5);
	assert_int_equal(applier_deliver(s->applier, 6, false, batch(s, 6)),
	    AG_OK);
	turn(s);
	loop_run(s->loop);
	assert_int_equal(s->reports, 1);
	assert_int_equal(s->reported, 6);
	assert_int_equal(applier_seq(s->applier), 6);
}

static void
state_that_is_no_newer_replaces_nothing(void **state)
{
	struct spec *s = *state;
	struct ag_error err;
	uint64_t seq;

	make_other(s, 2);
	for (seq = 1; seq <= 3; seq++)
		assert_int_equal(applier_deliver(s->applier, seq, false,
				     batch(s, seq)),
		    AG_OK);
	assert_int_equal(applier_replace(s->applier, s->other, 2, &err),
	    AG_EEXIST);
	for (seq = 4; seq <= 6; seq++)
		assert_int_equal(applier_deliver(s->applier, seq, false,
				     batch(s, seq)),
		    AG_OK);
	turn(s);
	loop_run(s->loop);
	assert_int_equal(s->reported, 6);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reports_from_before_a_replacement_are_dropped),
		TEST(state_that_is_no_newer_replaces_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
