/*
 * The journal: what is durable when, and what of the log is kept.
 */
#include "node/journal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "event/loop.h"
#include "fixture/directory.h"
#include "store/wal.h"

#define OPS_MAX 64

struct spec {
	char dir[DIRECTORY_PATH_BYTES];
	char log[DIRECTORY_PATH_BYTES + 16];
	char horizon[DIRECTORY_PATH_BYTES + 16];
	struct loop *loop;
	struct journal *journal;
	uint64_t token, durable;
	bool has_failed;
	size_t replayed;
};

/* What is synced, in order: h the horizon, l the log. */
static char ops[OPS_MAX];
static size_t op_count;
static bool is_horizon_lost;

static int
note_sync(void *arg, enum fs_op op, const char *path)
{
	const bool is_horizon = strstr(path, "/horizon") != NULL;

	(void)arg;
	if (op != FS_SYNC)
		return 0;
	if (op_count < OPS_MAX - 1)
		ops[op_count++] = is_horizon ? 'h' : 'l';
	return is_horizon && is_horizon_lost ? EIO : 0;
}

static void
on_durable(void *arg, uint64_t token)
{
	((struct spec *)arg)->durable = token;
}

static void
on_failed(void *arg, const struct ag_error *err)
{
	(void)err;
	((struct spec *)arg)->has_failed = true;
}

static uint64_t
on_record(void *arg, struct bytes record)
{
	((struct spec *)arg)->replayed++;
	return record.data[0];
}

static void
start(struct spec *s)
{
	static const struct trust_scope scope = { .epoch = 1 };
	static const uint8_t id[32] = { 7 };
	const struct recollect_config config = { .log_dir = s->log,
		.log_id = id,
		.horizon_path = s->horizon,
		.scope = &scope };
	const struct journal_callbacks callbacks = { s, on_durable, on_failed };
	struct ag_error err;

	s->token = s->durable = 0;
	assert_int_equal(journal_open(&s->journal, &config, s->loop, &callbacks,
			     &err),
	    AG_OK);
	assert_int_equal(journal_replay(s->journal, on_record, s, &err), AG_OK);
}

static int
set_up(void **state)
{
	static struct spec s;
	struct ag_error err;

	s = (struct spec){ 0 };
	*state = &s;
	op_count = 0;
	is_horizon_lost = false;
	fs_fault_set(note_sync, NULL);
	if (directory_make(s.dir) == -1 || loop_new(&s.loop, &err) != AG_OK)
		return -1;
	(void)snprintf(s.log, sizeof(s.log), "%s/log", s.dir);
	(void)snprintf(s.horizon, sizeof(s.horizon), "%s/horizon", s.dir);
	if (fs_mkdir(s.log, &err) != AG_OK)
		return -1;
	start(&s);
	return 0;
}

static int
tear_down(void **state)
{
	struct spec *s = *state;

	journal_close(s->journal);
	fs_fault_set(NULL, NULL);
	loop_free(s->loop);
	return directory_remove(s->dir);
}

/* A record of this sequence, and of so many bytes; its first says which. */
static void
append(struct spec *s, uint64_t seq, size_t len)
{
	static uint8_t bytes[WAL_RECORD_BYTES_MAX];
	struct ag_error err;

	bytes[0] = (uint8_t)seq;
	assert_int_equal(journal_append(s->journal, ++s->token, seq,
			     bytes_of(bytes, len), &err),
	    AG_OK);
}

/* Let the loop turn until all is durable, or never will be. */
static void
turn(void *arg)
{
	struct spec *s = arg;

	if (s->durable < s->token && !s->has_failed)
		assert_int_equal(loop_post(s->loop, turn, s), AG_OK);
	else
		loop_stop(s->loop);
}

static void
wait_for_all(struct spec *s)
{
	journal_kick(s->journal);
	turn(s);
	loop_run(s->loop);
}

/* Records of the first sequence, until a segment is full and another begun. */
static void
fill_segment(struct spec *s)
{
	unsigned i;

	for (i = 0; i < 8; i++) {
		append(s, 1, WAL_RECORD_BYTES_MAX);
		wait_for_all(s);
	}
}

/* The checkpoint of seq is stable, and its record durable. */
static void
release(struct spec *s, uint64_t seq)
{
	append(s, seq, 1);
	wait_for_all(s);
	journal_release(s->journal, seq, s->token, 0);
}

/* Does the log begin where it began? */
static bool
is_whole(struct spec *s)
{
	struct wal_cursor *cursor;
	struct bytes record;
	struct ag_error err;
	uint64_t number;

	assert_int_equal(wal_cursor_open(&cursor, s->log, 0, &err), AG_OK);
	assert_int_equal(wal_cursor_next(cursor, &number, &record, &err),
	    AG_OK);
	wal_cursor_close(cursor);
	return number == 1;
}

static void
what_is_above_the_checkpoint_stays(void **state)
{
	struct spec *s = *state;

	append(s, 5, 1);
	fill_segment(s);
	release(s, 4);
	assert_true(is_whole(s));
	release(s, 5);
	assert_false(is_whole(s));
}

/* Its record is what replay begins with. */
static void
the_checkpoints_own_record_stays(void **state)
{
	struct spec *s = *state;
	uint64_t token;

	append(s, 4, 1);
	token = s->token;
	fill_segment(s);
	journal_release(s->journal, 4, token, 0);
	assert_true(is_whole(s));
	release(s, 4);
	assert_false(is_whole(s));
}

static void
what_was_there_before_a_restart_stays_as_well(void **state)
{
	struct spec *s = *state;

	append(s, 5, 1);
	fill_segment(s);
	journal_close(s->journal);
	start(s);
	assert_int_equal(s->replayed, 9);
	release(s, 4);
	assert_true(is_whole(s));
	release(s, 5);
	assert_false(is_whole(s));
}

static void
a_full_ring_keeps_too_much_and_never_too_little(void **state)
{
	struct spec *s = *state;
	unsigned i;

	append(s, 9, 1);
	fill_segment(s);
	for (i = 0; i < 4200; i++)
		append(s, 2, 1);
	wait_for_all(s);
	/* The first is in the ring no more, and needed all the same. */
	release(s, 3);
	assert_true(is_whole(s));
	release(s, 8);
	assert_true(is_whole(s));
	release(s, 9);
	assert_false(is_whole(s));
}

/* A state may be long in becoming durable, and its checkpoint old by then. */
static void
a_checkpoint_that_left_the_ring_stays(void **state)
{
	struct spec *s = *state;
	uint64_t token;
	unsigned i;

	append(s, 4, 1);
	token = s->token;
	fill_segment(s);
	for (i = 0; i < 4200; i++)
		append(s, 2, 1);
	wait_for_all(s);
	journal_release(s->journal, 4, token, 0);
	assert_true(is_whole(s));
}

static void
a_horizon_is_synced_before_the_log(void **state)
{
	struct spec *s = *state;
	const struct horizon horizon = { .view = 3, .seq = 70 };

	append(s, 1, 1);
	wait_for_all(s);
	op_count = 0;
	memset(ops, 0, sizeof(ops));
	journal_put_horizon(s->journal, &horizon);
	append(s, 2, 1);
	wait_for_all(s);
	assert_int_equal(ops[0], 'h');
	assert_int_equal(ops[op_count - 1], 'l');
	/* And only when it has moved. */
	op_count = 0;
	memset(ops, 0, sizeof(ops));
	append(s, 3, 1);
	wait_for_all(s);
	assert_null(strchr(ops, 'h'));
	journal_close(s->journal);
	start(s);
	assert_int_equal(journal_horizon(s->journal)->seq, 70);
}

static void
nothing_is_durable_behind_a_horizon_that_is_not(void **state)
{
	struct spec *s = *state;
	const struct horizon horizon = { .view = 3, .seq = 70 };

	append(s, 1, 1);
	wait_for_all(s);
	is_horizon_lost = true;
	journal_put_horizon(s->journal, &horizon);
	append(s, 2, 1);
	wait_for_all(s);
	assert_true(s->has_failed);
	assert_int_equal(s->durable, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_above_the_checkpoint_stays),
		TEST(the_checkpoints_own_record_stays),
		TEST(what_was_there_before_a_restart_stays_as_well),
		TEST(a_full_ring_keeps_too_much_and_never_too_little),
		TEST(a_checkpoint_that_left_the_ring_stays),
		TEST(a_horizon_is_synced_before_the_log),
		TEST(nothing_is_durable_behind_a_horizon_that_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
