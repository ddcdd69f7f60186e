/*
 * The log of rounds: what is told of rounds that the engine has forgotten.
 */
#include "node/round_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "consensus/record.h"

static struct round_log *kept;
static struct certificate certificate;

static int
set_up(void **state)
{
	(void)state;
	kept = round_log_new();
	return kept == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	round_log_free(kept);
	return 0;
}

static struct digest
digest_of_byte(uint8_t byte)
{
	struct digest digest;

	memset(digest.data, byte, sizeof(digest.data));
	return digest;
}

static void
a_round_is_kept_as_the_engine_had_it(void **state)
{
	struct engine_round out,
	    round = { .seq = 7,
		    .view = 2,
		    .phase = ROUND_COMMITTED,
		    .digest = digest_of_byte(9),
		    .prepares = 7,
		    .commits = 5,
		    .requests = 3,
		    .bytes = 100,
		    .proposed_us = 10,
		    .prepared_us = 20,
		    .committed_us = 30 };

	(void)state;
	assert_int_equal(round_log_find(kept, 7, &out), AG_ENOENT);
	round_log_take(kept, &round);
	assert_int_equal(round_log_find(kept, 7, &out), AG_OK);
	assert_int_equal(out.phase, ROUND_COMMITTED);
	round_log_executed(kept, 7, 40);
	assert_int_equal(round_log_find(kept, 7, &out), AG_OK);
	assert_int_equal(out.phase, ROUND_EXECUTED);
	assert_int_equal(out.view, 2);
	assert_int_equal(out.prepares, 7);
	assert_int_equal(out.commits, 5);
	assert_int_equal(out.proposed_us, 10);
	assert_int_equal(out.executed_us, 40);
	assert_int_equal(round_log_find(kept, 6, &out), AG_ENOENT);
	assert_int_equal(round_log_find(kept, 0, &out), AG_ENOENT);
}

static void
a_state_is_known_of_the_rounds_that_have_one(void **state)
{
	const struct digest digest = digest_of_byte(4);
	struct engine_round out;

	(void)state;
	assert_null(round_log_state_of(kept, 16));
	round_log_state(kept, 16, &digest);
	assert_non_null(round_log_state_of(kept, 16));
	assert_true(digest_equal(round_log_state_of(kept, 16), &digest));
	assert_null(round_log_state_of(kept, 15));
	/* A state alone is no round. */
	assert_int_equal(round_log_find(kept, 16, &out), AG_ENOENT);
}

static void
a_newer_round_takes_an_old_ones_place_and_never_the_other_way(void **state)
{
	struct engine_round out, old = { .seq = 5, .view = 1 },
				 new = { .seq = 5 + ROUND_LOG_KEPT, .view = 2 };

	(void)state;
	round_log_take(kept, &old);
	round_log_take(kept, &new);
	assert_int_equal(round_log_find(kept, 5, &out), AG_ENOENT);
	round_log_take(kept, &old);
	assert_int_equal(round_log_find(kept, 5, &out), AG_ENOENT);
	assert_int_equal(round_log_find(kept, new.seq, &out), AG_OK);
	assert_int_equal(out.view, 2);
}

static void
records_of_an_earlier_start_tell_rounds_without_times(void **state)
{
	static const uint8_t null_bytes[] = { 0x83, 0x00, 0x00, 0x80 };
	const struct digest digest = digest_of_byte(3);
	struct engine_round out;

	(void)state;
	certificate = (struct certificate){ .phase = VOTE_COMMIT,
		.view = 4,
		.seq = 9,
		.digest = digest,
		.proof_count = 2 };
	certificate.proofs[0].member = 1;
	certificate.proofs[1].member = 3;
	round_log_replayed(kept,
	    &(struct record){ .kind = RECORD_PROPOSAL,
		.view = 4,
		.seq = 9,
		.digest = digest,
		.batch = bytes_of(null_bytes, sizeof(null_bytes)) },
	    &certificate);
	assert_int_equal(round_log_find(kept, 9, &out), AG_ENOENT);
	round_log_replayed(kept,
	    &(struct record){ .kind = RECORD_COMMITTED, .seq = 9 },
	    &certificate);
	round_log_replayed(kept,
	    &(struct record){ .kind = RECORD_STATE,
		.seq = 9,
		.digest = digest },
	    &certificate);
	round_log_executed(kept, 9, 0);
	assert_int_equal(round_log_find(kept, 9, &out), AG_OK);
	assert_int_equal(out.phase, ROUND_EXECUTED);
	assert_int_equal(out.view, 4);
	assert_int_equal(out.commits, 0xa);
	assert_int_equal(out.bytes, 4);
	assert_int_equal(out.executed_us, 0);
	assert_non_null(round_log_state_of(kept, 9));
}

static void
what_came_from_anothers_log_is_known_by_its_certificate(void **state)
{
	static const uint8_t null_bytes[] = { 0x83, 0x00, 0x00, 0x80 };
	const struct effect effect = { .kind = EFFECT_DELIVER,
		.seq = 12,
		.view = 6,
		.digest = digest_of_byte(8),
		.body = bytes_of(null_bytes, sizeof(null_bytes)) };
	static const struct certificate decided = { .phase = VOTE_COMMIT,
		.view = 6,
		.seq = 12,
		.proof_count = 2,
		.proofs = { { .member = 0 }, { .member = 2 } } };
	struct engine_round out;

	(void)state;
	round_log_decided(kept, &effect, &decided, 77);
	assert_int_equal(round_log_find(kept, 12, &out), AG_OK);
	assert_int_equal(out.phase, ROUND_COMMITTED);
	assert_int_equal(out.committed_us, 77);
	assert_int_equal(out.view, 6);
	assert_int_equal(out.commits, 0x5);
}

static void
a_state_far_ahead_is_reached_at_once(void **state)
{
	struct engine_round out, round = { .seq = UINT64_MAX - 1 };

	(void)state;
	round_log_executed(kept, UINT64_MAX - 2, 5);
	round_log_take(kept, &round);
	assert_int_equal(round_log_find(kept, UINT64_MAX - 1, &out), AG_OK);
	assert_int_equal(out.phase, ROUND_COMMITTED);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_round_is_kept_as_the_engine_had_it),
		TEST(a_state_is_known_of_the_rounds_that_have_one),
		TEST(
		    a_newer_round_takes_an_old_ones_place_and_never_the_other_way),
		TEST(records_of_an_earlier_start_tell_rounds_without_times),
		TEST(what_came_from_anothers_log_is_known_by_its_certificate),
		TEST(a_state_far_ahead_is_reached_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
