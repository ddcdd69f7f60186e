/*
 * The log and the vote horizon on a disk that keeps what it likes of what it
 * was not made to keep, and on one that lies.
 *
 * LIVES    A node's storage is opened, written to and synced as its journal
 *          does it, until trouble comes or the life is over; then it is
 *          opened again and judged, several times over.  Each seed is a story
 *          of its own.
 * ORACLE   What was appended, by number, and how much of it is promised: what
 *          a sync said, and what was there when the log was opened, since a
 *          node that has read a vote believes that it will read it again.
 *          Nothing else may be read than what was appended, and that without
 *          a hole.  All that is promised is read, or the log is set aside and
 *          the horizon bounds what was promised.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/log.h"
#include "fault/sectors.h"
#include "fixture/directory.h"
#include "node/recollect.h"
#include "sim/dice.h"
#include "store/crc32c.h"
#include "store/little_endian.h"
#include "store/segment.h"
#include "store/wal.h"

#define LIVES 4
#define STEPS_MAX 12
#define RECORDS_MAX 512
#define RECORD_BYTES_MAX 1500
#define CALLS_MAX 60 /* in which trouble may come */

struct spec {
	uint64_t seed;
	struct dice dice;
	char root[DIRECTORY_PATH_BYTES];
	char log[DIRECTORY_PATH_BYTES + 16];
	char horizon[DIRECTORY_PATH_BYTES + 16];
	struct recollection found;
	struct horizon wanted;
	bool is_open;

	uint64_t nonces[RECORDS_MAX]; /* of what was last appended, by number */
	uint64_t appended, promised;
	uint64_t floor; /* records below may be gone */

	/* Promised before the sync that lied, and by it; has_more is true when
	 * the log was synced again since. */
	bool has_lied, is_horizon, has_more;
	uint64_t sound, told;
};

enum outcome {
	OUTCOME_WHOLE,
	OUTCOME_SHORT, /* nothing was noticed */
	OUTCOME_ASIDE,
	OUTCOME_UNSURE, /* the same, and the horizon is an older one */
	OUTCOME_REFUSED,
	OUTCOMES,
};

/* What the node said last, for who wants to know why. */
static char last_line[512];

static void
keep_line(void *arg, const struct log_line *line)
{
	(void)arg;
	last_line[log_format_logfmt(line, last_line, sizeof(last_line) - 1)] =
	    '\0';
}

/* --- records --- */

/* Values that look like records. */
static bool is_forging;

/* A client's idea of a record that says that all before it was durable. */
static void
forge_head(uint8_t head[static SEGMENT_RECORD_HEAD_BYTES])
{
	memset(head, 0, SEGMENT_RECORD_HEAD_BYTES);
	put_le64(head + 8, RECORDS_MAX + 1);
	put_le64(head + 16, RECORDS_MAX);
	put_le32(head + 28, crc32c_update(0, bytes_of(head, 28)));
}

/* Bytes that nothing else is; no sector of them is zero. */
static struct bytes
record_of(uint64_t nonce)
{
	static uint8_t bytes[RECORD_BYTES_MAX];
	struct dice dice;
	size_t len, i;

	dice_init(&dice, nonce, 2);
	len = dice_chance(&dice, 300) ? dice_below(&dice, RECORD_BYTES_MAX)
				      : dice_below(&dice, 90);
	for (i = 0; i < len; i++)
		bytes[i] = (uint8_t)dice_range(&dice, 1, 255);
	for (i = 0; is_forging && i + SEGMENT_RECORD_HEAD_BYTES <= len;
	     i += SEGMENT_RECORD_HEAD_BYTES)
		forge_head(bytes + i);
	return bytes_of(bytes, len);
}

static void
append(struct spec *s)
{
	const uint64_t nonce = dice_next(&s->dice);
	uint64_t number;

	assert_true(s->appended + 1 < RECORDS_MAX);
	assert_int_equal(wal_append(s->found.wal, record_of(nonce), &number,
			     NULL),
	    AG_OK);
	assert_int_equal(number, s->appended + 1);
	s->nonces[number] = nonce;
	s->appended = number;
}

/* --- a life --- */

static enum ag_status
wake(struct spec *s)
{
	static const struct trust_scope scope = { .cluster_id = { 7 },
		.epoch = 1 };
	const struct recollect_config config = { .log_dir = s->log,
		.log_id = scope.cluster_id,
		.horizon_path = s->horizon,
		.scope = &scope,
		.can_rejoin = true };
	struct ag_error err = { .text = "" };
	enum ag_status status = recollect_open(&s->found, &config, &err);

	s->is_open = status == AG_OK;
	if (!s->is_open)
		assert_string_not_equal(err.text, "");
	else
		s->wanted = s->found.horizon;
	return status;
}

static void
end(struct spec *s)
{
	if (!s->is_open)
		return;
	wal_close(s->found.wal);
	horizon_close(s->found.file);
	s->is_open = false;
}

/* A sync has ended well: did it lie? */
static void
note_lie(struct spec *s, bool is_horizon, uint64_t told)
{
	if (s->has_lied) {
		s->has_more = s->has_more || told > s->told;
	} else if (sectors_struck()) {
		s->has_lied = true;
		s->is_horizon = is_horizon;
		s->sound = s->promised;
		s->told = told;
	}
}

/* How far votes go is written first (node/journal.c, rule 5). */
static enum ag_status
sync_horizon(struct spec *s)
{
	struct horizon next = s->wanted;
	enum ag_status status;

	if (s->wanted.seq >= s->appended)
		return AG_OK;
	next.seq = s->appended + dice_range(&s->dice, 0, 8);
	status = horizon_write(s->found.file, &next, s->promised, NULL);
	if (status != AG_OK)
		return status;
	s->wanted = next;
	note_lie(s, true, s->promised);
	return AG_OK;
}

static enum ag_status
sync_all(struct spec *s)
{
	enum ag_status status = sync_horizon(s);
	uint64_t durable;

	if (status == AG_OK)
		status = wal_sync(s->found.wal, &durable, NULL);
	if (status != AG_OK)
		return status;
	note_lie(s, false, durable);
	assert_int_equal(durable, s->appended);
	s->promised = durable;
	return AG_OK;
}

static enum ag_status
step(struct spec *s)
{
	uint64_t i, count = dice_range(&s->dice, 1, 4);

	if (s->promised > 0 && dice_chance(&s->dice, 150)) {
		s->floor = dice_range(&s->dice, s->floor, s->promised);
		return wal_truncate(s->found.wal, s->floor, 0, NULL);
	}
	for (i = 0; i < count; i++)
		append(s);
	return sync_all(s);
}

static void
work(struct spec *s)
{
	uint64_t i, steps = dice_below(&s->dice, STEPS_MAX);
	enum ag_status status = AG_OK;

	for (i = 0; i < steps && status == AG_OK; i++)
		status = step(s);
	if (status == AG_OK || s->appended == s->promised)
		return;
	/* It stays with what it said. */
	assert_true(sectors_struck());
	if (sync_all(s) == AG_OK)
		fail_msg("a log that failed goes on");
}

static void
begin(struct spec *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->floor = 1;
	dice_init(&s->dice, seed, 0);
	assert_int_equal(directory_make(s->root), 0);
	(void)snprintf(s->log, sizeof(s->log), "%s/log", s->root);
	(void)snprintf(s->horizon, sizeof(s->horizon), "%s/horizon", s->root);
	assert_int_equal(horizon_create(s->horizon, NULL), AG_OK);
	sectors_begin(s->root, seed);
}

static void
finish(struct spec *s)
{
	end(s);
	sectors_end();
	(void)directory_remove(s->root);
}

/* --- judging --- */

static bool
is_set_aside(const struct spec *s)
{
	char aside[DIRECTORY_PATH_BYTES + 32];

	(void)snprintf(aside, sizeof(aside), "%s.damaged-1", s->log);
	return fs_exists(aside);
}

/* It follows on from the last one read, and is what was appended. */
static void
judge_record(const struct spec *s, uint64_t last, uint64_t number,
    struct bytes record)
{
	if (last == 0 ? number > s->floor : number != last + 1)
		fail_msg("seed %" PRIu64 ": %" PRIu64 " follows %" PRIu64,
		    s->seed, number, last);
	if (number > s->appended ||
	    !bytes_equal(record, record_of(s->nonces[number])))
		fail_msg("seed %" PRIu64 ": %" PRIu64 " was not written",
		    s->seed, number);
}

/* Read the log through; false: it says that it can't be. */
static bool
read_all(struct spec *s, uint64_t *last)
{
	struct wal_cursor *cursor;
	struct bytes record;
	enum ag_status status;
	uint64_t number;

	*last = 0;
	if (wal_last(s->found.wal) == 0)
		return true;
	status = wal_cursor_open(&cursor, s->log, 0, NULL);
	while (status == AG_OK) {
		status = wal_cursor_next(cursor, &number, &record, NULL);
		if (status != AG_OK)
			break;
		judge_record(s, *last, number, record);
		*last = number;
	}
	wal_cursor_close(cursor);
	if (status == AG_ENOENT)
		assert_int_equal(*last, wal_last(s->found.wal));
	return status == AG_ENOENT;
}

/* A lost log's votes end where the horizon says, but for one that was itself
 * what went elsewhere. */
static enum outcome
judge_horizon(const struct spec *s)
{
	assert_int_equal(wal_last(s->found.wal), 0);
	if (s->found.horizon.memory == HORIZON_UNKNOWN ||
	    s->found.horizon.seq >= s->promised)
		return OUTCOME_ASIDE;
	if (!s->is_horizon)
		fail_msg("seed %" PRIu64 ": the horizon is %" PRIu64
			 ", but %" PRIu64 " was promised",
		    s->seed, s->found.horizon.seq, s->promised);
	return OUTCOME_UNSURE;
}

/* It is opened again; what is there is promised from then on. */
static enum outcome
judge(struct spec *s)
{
	enum ag_status status = wake(s);
	enum outcome outcome;
	uint64_t last;

	if (status != AG_OK)
		return OUTCOME_REFUSED;
	if (is_set_aside(s))
		return judge_horizon(s);
	if (!read_all(s, &last))
		return OUTCOME_REFUSED;
	outcome = last < s->promised ? OUTCOME_SHORT : OUTCOME_WHOLE;
	if (outcome == OUTCOME_SHORT &&
	    (!s->has_lied || s->has_more || last < s->sound))
		fail_msg("seed %" PRIu64 ": %" PRIu64 " of %" PRIu64 " left",
		    s->seed, last, s->promised);
	s->appended = last;
	s->promised = last;
	return outcome;
}

static void
expect(const struct spec *s, enum outcome outcome, enum outcome expected)
{
	if (outcome != expected)
		fail_msg("seed %" PRIu64 ": outcome %d: %s", s->seed,
		    (int)outcome, last_line);
}

/* What if the log is lost after all that? */
static void
judge_without_log(struct spec *s)
{
	end(s);
	assert_int_equal(directory_remove(s->log), 0);
	assert_int_equal(wake(s), AG_OK);
	expect(s, judge_horizon(s), OUTCOME_ASIDE);
}

/* --- what holds --- */

/* So many stories, or as many as SEEDS says. */
static uint64_t
seeds(void)
{
	const char *text = getenv("SEEDS");

	return text == NULL ? 200 : strtoull(text, NULL, 10);
}

static void
power_loss_leaves_all_that_was_synced_and_no_hole(void **state)
{
	static struct spec s; /* too big for a stack */
	uint64_t seed;
	int life;

	(void)state;
	for (seed = 0; seed < seeds(); seed++) {
		begin(&s, seed);
		expect(&s, judge(&s), OUTCOME_WHOLE);
		for (life = 0; life < LIVES; life++) {
			sectors_plan(SECTORS_POWER,
			    dice_range(&s.dice, 1, CALLS_MAX));
			work(&s);
			end(&s);
			/* It may fail once more while the log is opened. */
			while (dice_chance(&s.dice, 300)) {
				sectors_cut_power();
				sectors_plan(SECTORS_POWER,
				    dice_range(&s.dice, 1, 4));
				if (judge(&s) == OUTCOME_REFUSED)
					assert_true(sectors_struck());
				end(&s);
			}
			sectors_cut_power();
			expect(&s, judge(&s), OUTCOME_WHOLE);
		}
		judge_without_log(&s);
		finish(&s);
	}
}

static void
values_that_look_like_records_make_no_damage_of_a_torn_tail(void **state)
{
	is_forging = true;
	power_loss_leaves_all_that_was_synced_and_no_hole(state);
	is_forging = false;
}

static void
what_a_failed_call_left_in_the_cache_is_not_relied_on(void **state)
{
	static struct spec s;
	uint64_t seed;
	int life;

	(void)state;
	for (seed = 0; seed < seeds(); seed++) {
		begin(&s, seed);
		expect(&s, judge(&s), OUTCOME_WHOLE);
		for (life = 0; life < LIVES; life++) {
			end(&s);
			sectors_plan(dice_chance(&s.dice, 700) ? SECTORS_FAILING
							       : SECTORS_FULL,
			    dice_range(&s.dice, 1, CALLS_MAX));
			if (judge(&s) == OUTCOME_REFUSED)
				assert_true(sectors_struck());
			else
				work(&s);
			end(&s);
			sectors_plan(SECTORS_FINE, 0);
			expect(&s, judge(&s), OUTCOME_WHOLE);
			work(&s);
			if (dice_chance(&s.dice, 500))
				continue;
			end(&s);
			sectors_cut_power();
			expect(&s, judge(&s), OUTCOME_WHOLE);
		}
		judge_without_log(&s);
		finish(&s);
	}
}

/* A member whose log is lost would think that its votes ended before. */
static void
a_horizon_that_is_read_is_on_the_disk(void **state)
{
	static struct spec s;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < 10; seed++) {
		begin(&s, seed);
		expect(&s, judge(&s), OUTCOME_WHOLE);
		while (s.wanted.seq >= s.appended)
			append(&s);
		sectors_plan(SECTORS_FAILING, 2); /* of a write and a sync */
		assert_int_equal(sync_horizon(&s), AG_ESYS);
		end(&s);
		sectors_plan(SECTORS_FINE, 0);
		expect(&s, judge(&s), OUTCOME_WHOLE);
		s.promised = s.found.horizon.seq;
		end(&s);
		sectors_cut_power();
		judge_without_log(&s);
		finish(&s);
	}
}

static void
print(const char *what, const size_t counts[static OUTCOMES])
{
	print_message("%s: %zu whole, %zu short, %zu set aside, %zu of them "
		      "beside an older horizon, %zu refused\n",
	    what, counts[OUTCOME_WHOLE], counts[OUTCOME_SHORT],
	    counts[OUTCOME_ASIDE] + counts[OUTCOME_UNSURE],
	    counts[OUTCOME_UNSURE], counts[OUTCOME_REFUSED]);
}

/* One sync lies; more may follow; the power fails. */
static void
live_with_lie(struct spec *s, uint64_t seed, enum sectors_trouble lie,
    size_t counts[static OUTCOMES])
{
	int life;

	begin(s, seed);
	expect(s, judge(s), OUTCOME_WHOLE);
	sectors_plan(lie, dice_range(&s->dice, 1, CALLS_MAX / 2));
	for (life = 0; life < LIVES; life++)
		work(s);
	end(s);
	sectors_cut_power();
	counts[judge(s)]++;
	finish(s);
}

static void
a_synced_sector_that_is_lost_is_noticed_unless_it_was_of_the_last_sync(
    void **state)
{
	size_t counts[OUTCOMES] = { 0 };
	static struct spec s;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < seeds(); seed++)
		live_with_lie(&s, seed, SECTORS_LOST, counts);
	print("lost", counts);
	assert_true(counts[OUTCOME_SHORT] > 0 && counts[OUTCOME_ASIDE] > 0);
	assert_int_equal(counts[OUTCOME_REFUSED], 0);
}

static void
what_can_not_be_read_is_no_end_of_the_log(void **state)
{
	size_t counts[OUTCOMES] = { 0 };
	static struct spec s;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < seeds(); seed++) {
		begin(&s, seed);
		expect(&s, judge(&s), OUTCOME_WHOLE);
		work(&s);
		end(&s);
		sectors_plan(SECTORS_UNREADABLE, dice_range(&s.dice, 1, 8));
		counts[judge(&s)]++;
		end(&s);
		sectors_plan(SECTORS_FINE, 0);
		expect(&s, judge(&s), OUTCOME_WHOLE);
		finish(&s);
	}
	print("unreadable", counts);
	assert_true(counts[OUTCOME_REFUSED] > 0);
}

static void
a_bit_that_is_read_wrong_costs_no_record(void **state)
{
	size_t counts[OUTCOMES] = { 0 };
	static struct spec s;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < seeds(); seed++) {
		enum outcome outcome;

		begin(&s, seed);
		expect(&s, judge(&s), OUTCOME_WHOLE);
		work(&s);
		end(&s);
		sectors_plan(SECTORS_FLIPPED, dice_range(&s.dice, 1, 8));
		outcome = judge(&s);
		counts[outcome]++;
		end(&s);
		sectors_plan(SECTORS_FINE, 0);
		if (outcome != OUTCOME_ASIDE)
			expect(&s, judge(&s), OUTCOME_WHOLE);
		finish(&s);
	}
	print("flipped", counts);
	assert_true(counts[OUTCOME_ASIDE] > 0);
}

static void
a_sector_that_went_elsewhere_is_noticed_there_too(void **state)
{
	size_t counts[OUTCOMES] = { 0 };
	static struct spec s;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < seeds(); seed++)
		live_with_lie(&s, seed, SECTORS_ELSEWHERE, counts);
	print("elsewhere", counts);
	assert_true(counts[OUTCOME_ASIDE] > 0);
	assert_int_equal(counts[OUTCOME_REFUSED], 0);
}

int
main(void)
{
	const struct CMUnitTest specs[] = {
		cmocka_unit_test(
		    power_loss_leaves_all_that_was_synced_and_no_hole),
		cmocka_unit_test(
		    values_that_look_like_records_make_no_damage_of_a_torn_tail),
		cmocka_unit_test(
		    what_a_failed_call_left_in_the_cache_is_not_relied_on),
		cmocka_unit_test(a_horizon_that_is_read_is_on_the_disk),
		cmocka_unit_test(
		    a_synced_sector_that_is_lost_is_noticed_unless_it_was_of_the_last_sync),
		cmocka_unit_test(what_can_not_be_read_is_no_end_of_the_log),
		cmocka_unit_test(a_bit_that_is_read_wrong_costs_no_record),
		cmocka_unit_test(
		    a_sector_that_went_elsewhere_is_noticed_there_too),
	};

	log_sink_set(keep_line, NULL);
	return cmocka_run_group_tests(specs, NULL, NULL);
}
