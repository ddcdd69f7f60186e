/*
 * The applier: what it reports, and when its state is replaced.
 */
#include "node/applier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event/loop.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"
#include "fixture/people.h"
#include "trust/succession.h"

static const uint8_t cluster_id[32] = { 1 };
static const uint8_t principal[32] = { 2 };

struct spec {
	char dir[DIRECTORY_PATH_BYTES];
	char state[DIRECTORY_PATH_BYTES + 8], other[DIRECTORY_PATH_BYTES + 8];
	struct loop *loop;
	struct applier *applier;
	uint64_t reported; /* the newest sequence */
	unsigned reports, commits;
	unsigned resealed;
	uint32_t resealed_epoch;
	uint64_t until; /* turn() */
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

	memset(&s, 0, sizeof(s));
	s.until = 6;
	*state = &s;
	if (directory_make(s.dir) == -1 || loop_new(&s.loop, &err) != AG_OK)
		return -1;
	(void)snprintf(s.state, sizeof(s.state), "%s/state", s.dir);
	(void)snprintf(s.other, sizeof(s.other), "%s/other", s.dir);
	return applier_open(&s.applier, s.state, cluster_id, NULL, NULL,
		   principal, s.loop, &callbacks, NULL, &err) == AG_OK
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

static void
on_patience_end(void *arg)
{
	(void)arg;
	fail_msg("the applier never reported");
}

/* Run the loop until something stops it, not for ever. */
static void
run(struct spec *s)
{
	struct loop_timer *patience;

	assert_int_equal(loop_timer_new(&patience, s->loop, on_patience_end,
			     NULL),
	    AG_OK);
	loop_timer_set(patience, 60000);
	loop_run(s->loop);
	loop_timer_close(patience);
}

/* Let the loop turn until this sequence is reported. */
static void
turn(void *arg)
{
	struct spec *s = arg;

	if (applier_seq(s->applier) < s->until)
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
	applier_execute(s->applier, false);
	turn(s);
	run(s);
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
	applier_execute(s->applier, false);
	turn(s);
	run(s);
	assert_int_equal(s->reported, 6);
}

static void
stop_when_committed(void *arg)
{
	struct spec *s = arg;

	assert_int_equal(applier_committed(s->applier),
	    applier_seq(s->applier));
	if (applier_seq(s->applier) == s->maker.time_ms)
		loop_stop(s->loop);
}

static void
deliver_up_to(struct spec *s, uint64_t first, uint64_t last)
{
	uint64_t seq;

	for (seq = first; seq <= last; seq++)
		assert_int_equal(applier_deliver(s->applier, seq, false,
				     batch(s, seq)),
		    AG_OK);
	applier_execute(s->applier, false);
}

static uint64_t
version_of_key(struct spec *s)
{
	struct store_entry entry;
	struct ag_error err;

	assert_int_equal(store_get(applier_reader(s->applier),
			     bytes_from_text("key"), &entry, &err),
	    AG_OK);
	return entry.version;
}

static void
reader_sees_what_was_reported_once_a_commit_was_asked_for(void **state)
{
	struct spec *s = *state;

	deliver_up_to(s, 1, 3);
	assert_int_equal(applier_commit(s->applier), AG_OK);
	applier_on_committed(s->applier, stop_when_committed, s);
	run(s);
	assert_int_equal(s->reported, 3);
	assert_int_equal(version_of_key(s), 3);
}

static void
what_nothing_follows_is_committed_unasked(void **state)
{
	struct spec *s = *state;

	applier_on_committed(s->applier, stop_when_committed, s);
	deliver_up_to(s, 1, 2);
	run(s);
	assert_int_equal(version_of_key(s), 2);
	deliver_up_to(s, 3, 4);
	run(s);
	assert_int_equal(version_of_key(s), 4);
}

static void
die_once_reported(void *arg, const struct applied *applied)
{
	struct spec *s = arg;

	if (applied->seq >= s->maker.time_ms)
		_exit(0);
}

static void
die_once_synced(void *arg, uint64_t seq)
{
	(void)arg;
	_exit(seq == 0 ? 0 : 1);
}

/* What the process that dies does: see below.  With is_synced it first makes
 * durable whatever is there. */
static int
execute_and_die(const char *dir, uint64_t last, bool is_synced)
{
	static struct spec s;
	const struct applier_callbacks callbacks = { .arg = &s,
		.applied = is_synced ? on_applied : die_once_reported,
		.synced = die_once_synced,
		.failed = on_failed };
	struct ag_error err;

	if (loop_new(&s.loop, &err) != AG_OK ||
	    applier_open(&s.applier, dir, cluster_id, NULL, NULL, principal,
		s.loop, &callbacks, NULL, &err) != AG_OK)
		return 1;
	deliver_up_to(&s, 1, last);
	if (is_synced && applier_sync(s.applier, 0) != AG_OK)
		return 1;
	applier_execute(s.applier, false);
	run(&s);
	return 1;
}

/* This program again, to execute so many batches in dir and die before they
 * are committed; or once they are synced. */
static void
have_it_executed(char *dir, char *last, char *synced)
{
	char name[] = "applier";
	char *const argv[] = { name, dir, last, synced, NULL };
	int how;
	pid_t pid;

	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv,
			     environ),
	    0);
	assert_int_equal(waitpid(pid, &how, 0), pid);
	assert_int_equal(how, 0);
}

static void
state_is_the_same_when_what_was_lost_is_executed_again(void **state)
{
	struct spec *s = *state;
	struct digest whole, again;
	struct ag_error err;
	struct store *store;
	uint64_t seq, time_ms;
	char last[] = "40";

	have_it_executed(s->other, last, NULL);
	assert_int_equal(store_open(&store, s->other, cluster_id, NULL, &err),
	    AG_OK);
	assert_in_range(store_applied(store), 0, 40);
	for (seq = store_applied(store) + 1; seq <= 40; seq++)
		assert_int_equal(store_apply(store, seq, batch(s, seq), NULL,
				     &err),
		    AG_OK);
	assert_int_equal(store_digest(store, &again, &err), AG_OK);
	store_close(store);

	deliver_up_to(s, 1, 40);
	applier_on_committed(s->applier, stop_when_committed, s);
	run(s);
	assert_int_equal(applier_digest(s->applier, &seq, &time_ms, &whole,
			     &err),
	    AG_OK);
	assert_int_equal(seq, 40);
	assert_memory_equal(&again, &whole, sizeof(whole));
}

static void
whatever_is_there_is_kept_once_it_is_synced(void **state)
{
	struct spec *s = *state;
	struct ag_error err;
	struct store *store;
	char last[] = "5", synced[] = "synced";

	have_it_executed(s->other, last, synced);
	assert_int_equal(store_open(&store, s->other, cluster_id, NULL, &err),
	    AG_OK);
	assert_int_equal(store_applied(store), 5);
	store_close(store);
}

static void
little_is_executed_at_once_where_nobody_waits(void **state)
{
	struct spec *s = *state;
	struct digest digest;
	struct ag_error err;
	uint64_t seq, time_ms;

	/* One: what follows is executed here only if this took no time. */
	assert_int_equal(applier_deliver(s->applier, 1, false, batch(s, 1)),
	    AG_OK);
	applier_execute(s->applier, true);
	/* It is there, but nobody was told yet. */
	assert_int_equal(applier_digest(s->applier, &seq, &time_ms, &digest,
			     &err),
	    AG_OK);
	assert_int_equal(seq, 1);
	assert_int_equal(s->reported, 0);
	applier_on_committed(s->applier, stop_when_committed, s);
	run(s);
	assert_int_equal(s->reported, 1);
	assert_int_equal(version_of_key(s), 1);
}

static void
count_commit(void *arg)
{
	struct spec *s = arg;

	s->commits++;
}

/* Memory and the database's log hold no more than so much of it. */
static void
much_is_committed_although_more_comes(void **state)
{
	static char value[64 << 10];
	struct spec *s = *state;
	uint64_t seq;

	memset(value, 'v', sizeof(value) - 1);
	applier_on_committed(s->applier, count_commit, s);
	for (seq = 1; seq <= 200; seq++) {
		batch_begin(&s->maker, 7, seq, seq);
		batch_put(&s->maker, "key", value);
		assert_int_equal(applier_deliver(s->applier, seq, false,
				     batch_end(&s->maker)),
		    AG_OK);
	}
	applier_execute(s->applier, false);
	s->until = 200;
	applier_execute(s->applier, false);
	turn(s);
	run(s);
	assert_in_range(s->commits, 3, 200);
}

/* An applier of its own, whose members let p4 in. */
struct ending {
	struct loop *loop;
	struct people people;
	struct roster roster, next;
	struct applier *applier;
	struct batch_maker maker;
	struct applied last; /* reported */
};

static void
on_ending_applied(void *arg, const struct applied *applied)
{
	struct ending *e = arg;

	e->last = *applied;
	loop_stop(e->loop);
}

static struct bytes
membership_batch(struct ending *e, struct buf *text)
{
	struct ag_error err;
	uint32_t i;

	assert_int_equal(succession_add(&e->next, &e->roster,
			     &e->people.members[4], &err),
	    AG_OK);
	for (i = 0; i < 5; i++)
		if (i != 3)
			assert_int_equal(people_sign(&e->next, &e->roster,
					     e->people.keys[i], &err),
			    AG_OK);
	assert_int_equal(roster_format(&e->next, text), AG_OK);
	batch_begin(&e->maker, 1, 1, 5);
	e->maker.op.kind = OPERATION_MEMBERSHIP;
	e->maker.op.roster = buf_bytes(text);
	batch_add(&e->maker);
	return batch_end(&e->maker);
}

static void
deliver_put(struct ending *e, uint64_t seq)
{
	batch_begin(&e->maker, 1, seq, 5);
	batch_put(&e->maker, "k", "v");
	assert_int_equal(applier_deliver(e->applier, seq, false,
			     batch_end(&e->maker)),
	    AG_OK);
}

static void
open_ending(struct ending *e, struct spec *s)
{
	const struct applier_callbacks callbacks = { .arg = e,
		.applied = on_ending_applied,
		.failed = on_failed };
	struct ag_error err;

	e->loop = s->loop;
	people_open(&e->people);
	people_found(&e->people, &e->roster, 4, 0);
	assert_int_equal(applier_open(&e->applier, s->other,
			     e->roster.cluster_id, NULL, NULL, principal,
			     s->loop, &callbacks, NULL, &err),
	    AG_OK);
	assert_int_equal(applier_begin_epoch(e->applier, &e->roster, &err),
	    AG_OK);
}

static void
what_is_decided_behind_the_end_of_an_epoch_is_dropped(void **state)
{
	static struct ending e;
	struct ag_error err;
	struct buf text;

	buf_init(&text, ROSTER_FILE_BYTES_MAX);
	open_ending(&e, *state);
	assert_int_equal(applier_deliver(e.applier, 1, false,
			     membership_batch(&e, &text)),
	    AG_OK);
	deliver_put(&e, 2);
	deliver_put(&e, 3);
	applier_execute(e.applier, false);
	run(*state);
	assert_int_equal(e.last.seq, 1);
	assert_true(e.last.is_last);
	assert_true(e.last.has_digest);
	assert_true(applier_is_last(e.applier));
	/* The next epoch decides that sequence anew. */
	assert_int_equal(applier_begin_epoch(e.applier, &e.next, &err), AG_OK);
	assert_false(applier_is_last(e.applier));
	deliver_put(&e, 2);
	applier_execute(e.applier, false);
	run(*state);
	assert_int_equal(e.last.seq, 2);
	assert_false(e.last.is_last);
	applier_close(e.applier);
	people_close(&e.people);
	buf_fini(&text);
}

static void
on_resealed(void *arg, uint32_t epoch)
{
	struct spec *s = arg;

	s->resealed++;
	s->resealed_epoch = epoch;
	if (s->until == 0)
		loop_stop(s->loop);
}

/* In the place of the applier that is there: one whose values are sealed. */
static struct keyring *
seal_applier(struct spec *s)
{
	const struct applier_callbacks callbacks = { .arg = s,
		.applied = on_applied,
		.resealed = on_resealed,
		.failed = on_failed };
	char path[DIRECTORY_PATH_BYTES + 16];
	struct keyring *keyring;
	struct ag_error err;

	(void)snprintf(path, sizeof(path), "%s/keyring", s->dir);
	keyring = keyrings_make(path);
	applier_close(s->applier);
	assert_int_equal(applier_open(&s->applier, s->other, cluster_id, NULL,
			     keyring, principal, s->loop, &callbacks, NULL,
			     &err),
	    AG_OK);
	return keyring;
}

static void
begin_key_epoch(struct keyring *keyring, uint32_t epoch)
{
	struct ag_error err;

	assert_int_equal(keyring_epoch_prepare(keyring, epoch, 0, &err), AG_OK);
	assert_int_equal(keyring_epoch_activate(keyring, epoch, &err), AG_OK);
}

static void
values_are_sealed_again_without_being_asked_for_each(void **state)
{
	struct spec *s = *state;
	struct keyring *keyring = seal_applier(s);
	struct store_resealing progress;

	deliver_up_to(s, 1, 6);
	applier_execute(s->applier, false);
	turn(s);
	run(s);
	assert_int_equal(applier_key_epochs(s->applier)->epoch, 1);
	assert_int_equal(applier_key_epochs(s->applier)->since_seq, 1);
	begin_key_epoch(keyring, 2);
	s->until = 0;
	applier_reseal(s->applier, 50);
	run(s);
	assert_int_equal(s->resealed, 1);
	assert_int_equal(s->resealed_epoch, 2);
	applier_resealing(s->applier, &progress);
	assert_true(progress.is_settled);
	assert_int_equal(progress.resealed, progress.passed);
	applier_close(s->applier);
	s->applier = NULL;
	keyring_close(keyring);
}

static void
what_is_executed_does_not_wait_for_sealing_again(void **state)
{
	struct spec *s = *state;
	struct keyring *keyring = seal_applier(s);
	struct store_resealing progress;
	uint64_t seq;

	begin_key_epoch(keyring, 2);
	applier_reseal(s->applier, 100);
	for (seq = 1; seq <= 200; seq += 10) {
		deliver_up_to(s, seq, seq + 9);
		s->until = seq + 9;
		applier_execute(s->applier, false);
		turn(s);
		run(s);
	}
	assert_int_equal(s->reported, 200);
	/* Not asked for any more. */
	applier_reseal(s->applier, 0);
	begin_key_epoch(keyring, 3);
	s->until = 201;
	deliver_up_to(s, 201, 201);
	applier_execute(s->applier, false);
	turn(s);
	run(s);
	applier_resealing(s->applier, &progress);
	assert_int_equal(progress.epoch, 2);
	applier_close(s->applier);
	s->applier = NULL;
	keyring_close(keyring);
}

/*
 * That nothing needs an old key is on its way to the loop when the state is
 * replaced by one that was put together before, and sealed with that key.
 */
static void
another_state_is_not_said_to_be_sealed_again(void **state)
{
	struct spec *s = *state;
	struct keyring *keyring = seal_applier(s);
	char fetched[DIRECTORY_PATH_BYTES + 16];
	struct store_resealing progress;
	struct store *store;
	struct ag_error err;

	(void)snprintf(fetched, sizeof(fetched), "%s/fetched", s->dir);
	assert_int_equal(store_open_from(&store, fetched, cluster_id, NULL,
			     keyring, NULL, &err),
	    AG_OK);
	for (uint64_t seq = 1; seq <= 5; seq++)
		assert_int_equal(store_apply(store, seq, batch(s, seq), NULL,
				     &err),
		    AG_OK);
	assert_int_equal(store_commit(store, &err), AG_OK);
	store_close(store);
	begin_key_epoch(keyring, 2);
	applier_reseal(s->applier, 100);
	do
		applier_resealing(s->applier, &progress);
	while (!progress.is_settled && usleep(1000) == 0);
	assert_int_equal(applier_replace(s->applier, fetched, 5, &err), AG_OK);
	deliver_up_to(s, 6, 6);
	turn(s);
	run(s);
	assert_int_equal(s->resealed, 0);
	s->until = 0;
	applier_reseal(s->applier, 100);
	run(s);
	assert_int_equal(s->resealed_epoch, 2);
	applier_resealing(s->applier, &progress);
	assert_int_equal(progress.resealed, progress.passed - 1);
	applier_close(s->applier);
	s->applier = NULL;
	keyring_close(keyring);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(reports_from_before_a_replacement_are_dropped),
		TEST(state_that_is_no_newer_replaces_nothing),
		TEST(reader_sees_what_was_reported_once_a_commit_was_asked_for),
		TEST(what_nothing_follows_is_committed_unasked),
		TEST(state_is_the_same_when_what_was_lost_is_executed_again),
		TEST(whatever_is_there_is_kept_once_it_is_synced),
		TEST(little_is_executed_at_once_where_nobody_waits),
		TEST(much_is_committed_although_more_comes),
		TEST(what_is_decided_behind_the_end_of_an_epoch_is_dropped),
		TEST(values_are_sealed_again_without_being_asked_for_each),
		TEST(what_is_executed_does_not_wait_for_sealing_again),
		TEST(another_state_is_not_said_to_be_sealed_again),
	};

	if (argc > 2)
		return execute_and_die(argv[1], strtoull(argv[2], NULL, 10),
		    argc > 3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
