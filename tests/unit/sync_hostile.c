/*
 * State transfer among members that lie, stall, forget or ask for too much:
 * one end of it, in virtual time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fs.h"
#include "codec/encoder.h"
#include "fixture/transfer.h"

#define SEQ 24 /* of both streams */
#define ALL 0xfU
#define COMING 0
#define BUSY 1

struct scene {
	struct transfer t;
	struct buf large, small; /* of more chunks than a window; of one */
	struct digest digest, small_digest;
	uint64_t chunks; /* of the large one */
};

static int
open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	transfer_open(&s->t);
	transfer_make_stream(&s->t, SEQ, 65536, 0x6, &s->large, &s->digest);
	transfer_make_stream(&s->t, SEQ, 8, 0x6, &s->small, &s->small_digest);
	s->chunks = s->large.len / TRANSFER_CHUNK_BYTES + 1;
	assert_true(s->chunks > TRANSFER_WINDOW + 1);
	*state = s;
	return 0;
}

static int
close_scene(void **state)
{
	struct scene *s = *state;

	transfer_close(&s->t);
	buf_fini(&s->large);
	buf_fini(&s->small);
	free(s);
	return 0;
}

/* --- fetching --- */

/* The member that was asked last; its transfer in *transfer. */
static uint32_t
asked(const struct scene *s, uint64_t *transfer)
{
	const struct transfer_sent *sent = transfer_last(&s->t);

	assert_int_equal(sent->type, MESSAGE_SYNC_REQUEST);
	*transfer = sent->transfer;
	return sent->member;
}

static void
send_piece(struct scene *s, uint32_t from, uint64_t transfer,
    struct bytes stream, uint64_t index)
{
	bool is_last;
	struct bytes piece = transfer_piece(stream, index, &is_last);

	transfer_chunk(&s->t, from, transfer, index, piece, is_last);
}

/* A whole transfer by the member that was asked last, as it should be. */
static void
serve(struct scene *s, struct bytes stream)
{
	uint64_t transfer, i;
	uint32_t from = asked(s, &transfer);

	transfer_response(&s->t, from, transfer, COMING);
	for (i = 0; i <= stream.len / TRANSFER_CHUNK_BYTES; i++) {
		send_piece(s, from, transfer, stream, i);
		transfer_settle(&s->t);
	}
}

static void
assert_fetched(const struct scene *s)
{
	assert_int_equal(s->t.ready_count, 1);
	assert_int_equal(s->t.ready_seq, SEQ);
	assert_false(sync_is_fetching(s->t.sync));
}

/* The next member is asked, once, and what it sends is taken. */
static void
assert_next_member_serves(struct scene *s, uint32_t first)
{
	uint64_t transfer;
	uint32_t next;

	transfer_settle(&s->t);
	next = asked(s, &transfer);
	assert_int_not_equal(next, first);
	assert_int_equal(s->t.ready_count, 0);
	serve(s, buf_bytes(&s->large));
	assert_fetched(s);
	assert_true(digest_equal(&s->t.ready_digest, &s->digest));
}

static void
a_state_is_fetched_chunk_by_chunk(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;

	sync_fetch(s->t.sync, SEQ, 1U << 2);
	assert_true(sync_is_fetching(s->t.sync));
	assert_int_equal(asked(s, &transfer), 2);
	assert_int_equal(transfer_last(&s->t)->number, SEQ);
	serve(s, buf_bytes(&s->large));
	assert_fetched(s);
	assert_true(digest_equal(&s->t.ready_digest, &s->digest));
	/* The request, and an answer to each chunk. */
	assert_int_equal(s->t.sent_count, 1 + s->chunks);
	assert_int_equal(transfer_last(&s->t)->type, MESSAGE_DATA_ACK);
	assert_int_equal(transfer_last(&s->t)->number, s->chunks - 1);
}

static void
chunks_may_run_a_window_ahead_of_what_is_stored(void **state)
{
	struct scene *s = *state;
	uint64_t transfer, i;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	for (i = 0; i < s->chunks; i++) {
		if (i >= TRANSFER_WINDOW)
			assert_true(virtual_loop_work(s->t.loop));
		send_piece(s, from, transfer, buf_bytes(&s->large), i);
	}
	transfer_settle(&s->t);
	assert_fetched(s);
}

static void
a_server_past_the_window_is_left_for_the_next(void **state)
{
	struct scene *s = *state;
	uint64_t transfer, i;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	for (i = 0; i <= TRANSFER_WINDOW; i++)
		send_piece(s, from, transfer, buf_bytes(&s->large), i);
	assert_next_member_serves(s, from);
}

static void
a_flipped_byte_has_the_next_member_asked(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	s->large.data[s->large.len / 2] ^= 1;
	serve(s, buf_bytes(&s->large));
	s->large.data[s->large.len / 2] ^= 1;
	assert_next_member_serves(s, from);
}

static void
a_state_that_one_member_vouches_for_is_refused(void **state)
{
	struct scene *s = *state;
	struct digest digest;
	struct buf stream;
	uint64_t transfer;
	uint32_t from;

	transfer_make_stream(&s->t, SEQ, 8, 1U << 1, &stream, &digest);
	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	serve(s, buf_bytes(&stream));
	buf_fini(&stream);
	assert_next_member_serves(s, from);
}

static void
a_state_that_is_too_old_is_refused(void **state)
{
	struct scene *s = *state;
	struct digest digest;
	struct buf stream;
	uint64_t transfer;
	uint32_t from;

	transfer_make_stream(&s->t, SEQ - 1, 8, 0x6, &stream, &digest);
	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	serve(s, buf_bytes(&stream));
	buf_fini(&stream);
	assert_next_member_serves(s, from);
}

static void
a_state_of_another_cluster_is_refused(void **state)
{
	struct scene *s = *state;
	struct digest digest;
	struct buf stream;
	uint64_t transfer;
	uint32_t from;

	s->t.members.roster.cluster_id[0] ^= 1;
	transfer_make_stream(&s->t, SEQ, 8, 0x6, &stream, &digest);
	s->t.members.roster.cluster_id[0] ^= 1;
	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	serve(s, buf_bytes(&stream));
	buf_fini(&stream);
	assert_next_member_serves(s, from);
}

static void
a_silent_member_is_left_after_ten_seconds(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	virtual_loop_pass(s->t.loop, 9000);
	assert_int_equal(asked(s, &transfer), from);
	virtual_loop_pass(s->t.loop, 3000);
	assert_next_member_serves(s, from);
}

static void
a_member_that_stops_midway_is_left_after_ten_seconds(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	transfer_response(&s->t, from, transfer, COMING);
	send_piece(s, from, transfer, buf_bytes(&s->large), 0);
	transfer_settle(&s->t);
	virtual_loop_pass(s->t.loop, 12000);
	assert_next_member_serves(s, from);
}

static void
promises_without_chunks_buy_no_time(void **state)
{
	struct scene *s = *state;
	uint64_t transfer, ignored;
	uint32_t from;
	int i;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	for (i = 0; i < 4 && asked(s, &ignored) == from; i++) {
		transfer_response(&s->t, from, transfer, COMING);
		virtual_loop_pass(s->t.loop, 6000);
	}
	assert_next_member_serves(s, from);
}

static void
chunks_that_trickle_are_refused(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	transfer_chunk(&s->t, from, transfer, 0,
	    bytes_of(s->large.data, TRANSFER_CHUNK_BYTES - 1), false);
	assert_next_member_serves(s, from);
}

static void
a_chunk_left_out_has_the_next_member_asked(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	send_piece(s, from, transfer, buf_bytes(&s->large), 0);
	send_piece(s, from, transfer, buf_bytes(&s->large), 2);
	assert_next_member_serves(s, from);
}

static void
a_chunk_sent_twice_has_the_next_member_asked(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	send_piece(s, from, transfer, buf_bytes(&s->large), 0);
	transfer_settle(&s->t);
	send_piece(s, from, transfer, buf_bytes(&s->large), 0);
	assert_next_member_serves(s, from);
}

static void
a_chunk_past_the_end_has_the_next_member_asked(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	send_piece(s, from, transfer, buf_bytes(&s->small), 0);
	transfer_chunk(&s->t, from, transfer, 1, bytes_of(NULL, 0), true);
	assert_next_member_serves(s, from);
}

static void
an_end_that_comes_too_soon_has_the_next_member_asked(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	transfer_chunk(&s->t, from, transfer, 0, bytes_of(s->large.data, 1000),
	    true);
	assert_next_member_serves(s, from);
}

static void
other_transfers_and_other_members_change_nothing(void **state)
{
	struct scene *s = *state;
	struct bytes large = buf_bytes(&s->large);
	uint64_t transfer, i;
	uint32_t from, other;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	other = from % 3 + 1;
	for (i = 0; i < s->chunks; i++) {
		send_piece(s, from, transfer - 1, large, i);
		send_piece(s, from, transfer + 1, large, 0);
		send_piece(s, other, transfer, large, i);
		transfer_response(&s->t, other, transfer, BUSY);
		transfer_response(&s->t, from, transfer + 1, BUSY);
		send_piece(s, from, transfer, large, i);
		transfer_settle(&s->t);
	}
	assert_fetched(s);
	assert_int_equal(s->t.sent_count, 1 + s->chunks);
}

static void
busy_members_are_passed_over_and_asked_again(void **state)
{
	struct scene *s = *state;
	uint32_t from, seen = 0;
	uint64_t transfer;
	int i;

	sync_fetch(s->t.sync, SEQ, ALL);
	for (i = 0; i < 3; i++) {
		from = asked(s, &transfer);
		seen |= 1U << from;
		transfer_response(&s->t, from, transfer, BUSY);
	}
	assert_int_equal(seen, 0xe); /* all but ourselves */
	assert_int_equal(s->t.sent_count, 3);
	virtual_loop_pass(s->t.loop, 1000);
	assert_int_equal(s->t.sent_count, 4);
	serve(s, buf_bytes(&s->large));
	assert_fetched(s);
}

/* Between two rounds nobody has been asked for anything. */
static void
what_comes_between_two_rounds_is_not_taken(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;

	sync_fetch(s->t.sync, SEQ, 1U << 2);
	assert_int_equal(asked(s, &transfer), 2);
	transfer_response(&s->t, 2, transfer, BUSY);
	transfer_chunk(&s->t, 2, 0, 0,
	    bytes_of(s->large.data, TRANSFER_CHUNK_BYTES), false);
	transfer_response(&s->t, 2, 0, BUSY);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 1);
	virtual_loop_pass(s->t.loop, 1000);
	serve(s, buf_bytes(&s->large));
	assert_fetched(s);
}

static void
a_member_that_is_named_later_is_asked_too(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, 1U << 2);
	sync_fetch(s->t.sync, SEQ, 1U << 3);
	from = asked(s, &transfer);
	transfer_response(&s->t, from, transfer, BUSY);
	assert_int_equal(asked(s, &transfer), 3);
}

static void
a_newer_target_is_what_the_next_member_is_asked_for(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ - 4, ALL);
	sync_fetch(s->t.sync, SEQ, ALL);
	sync_fetch(s->t.sync, SEQ - 2, ALL);
	assert_int_equal(transfer_last(&s->t)->number, SEQ - 4);
	from = asked(s, &transfer);
	transfer_response(&s->t, from, transfer, BUSY);
	assert_int_equal(transfer_last(&s->t)->number, SEQ);
}

static void
nothing_is_taken_of_a_fetch_that_was_cancelled(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	send_piece(s, from, transfer, buf_bytes(&s->large), 0);
	sync_cancel(s->t.sync);
	assert_false(sync_is_fetching(s->t.sync));
	transfer_settle(&s->t);
	send_piece(s, from, transfer, buf_bytes(&s->large), 1);
	transfer_settle(&s->t);
	virtual_loop_pass(s->t.loop, 30000);
	assert_int_equal(s->t.sent_count, 1);
	assert_int_equal(s->t.ready_count, 0);
	assert_false(fs_exists(s->t.dir));
}

static void
a_whole_state_that_is_not_wanted_any_more_is_removed(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	send_piece(s, from, transfer, buf_bytes(&s->small), 0);
	assert_true(fs_exists(s->t.dir));
	sync_cancel(s->t.sync);
	transfer_settle(&s->t);
	assert_int_equal(s->t.ready_count, 0);
	assert_false(fs_exists(s->t.dir));
}

static void
a_whole_state_that_was_refused_is_removed(void **state)
{
	struct scene *s = *state;

	sync_fetch(s->t.sync, SEQ + 1, 1U << 1);
	serve(s, buf_bytes(&s->small));
	assert_int_equal(s->t.sent_count, 2); /* nobody else to ask */
	assert_false(fs_exists(s->t.dir));
}

/* What is being stored when a fetch is cancelled belongs to that one. */
static void
a_fetch_begun_again_while_a_chunk_is_stored_begins_anew(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	send_piece(s, from, transfer, buf_bytes(&s->large), 0);
	sync_cancel(s->t.sync);
	sync_fetch(s->t.sync, SEQ, ALL);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 2);
	serve(s, buf_bytes(&s->large));
	assert_fetched(s);
	assert_int_equal(s->t.sent_count, 2 + s->chunks);
}

static void
a_directory_that_can_not_be_made_is_tried_again(void **state)
{
	struct scene *s = *state;
	struct ag_error err;

	/* A file where the directory should be. */
	assert_int_equal(fs_create_file(s->t.dir, 0600, bytes_of("x", 1), &err),
	    AG_OK);
	sync_fetch(s->t.sync, SEQ, ALL);
	virtual_loop_pass(s->t.loop, 5000);
	assert_int_equal(s->t.sent_count, 0);
	assert_int_equal(fs_unlink(s->t.dir, &err), AG_OK);
	virtual_loop_pass(s->t.loop, 1000);
	serve(s, buf_bytes(&s->large));
	assert_fetched(s);
}

static void
frames_of_another_shape_are_ignored(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} wrong[] = {
		{ "", 0 },
		{ "\x83\x18\x30\x07", 4 },                 /* cut */
		{ "\x82\x18\x30\x07", 4 },                 /* too few */
		{ "\x84\x18\x30\x07\x00\x00", 6 },         /* too many */
		{ "\x83\x18\x30\x00\x00", 5 },             /* no transfer */
		{ "\x83\x18\x30\x07\x00\x00", 6 },         /* bytes behind it */
		{ "\x83\x18\x34\x07\x00", 5 },             /* no such message */
		{ "\x84\x18\x31\x01\x01", 5 },             /* busy, but cut */
		{ "\x85\x18\x32\x01\x00\x41\x61", 7 },     /* a chunk, cut */
		{ "\x85\x18\x32\x01\x00\x41\x61\x01", 8 }, /* 1 is no bool */
		{ "\x85\x18\x32\x01\x00\x5a\xff\xff\xff\xff", 10 },
		{ "\x83\x18\x33\x01", 4 },
	};
	struct scene *s = *state;
	uint64_t transfer;
	uint32_t from;
	size_t i;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	assert_int_equal(transfer, 1);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		sync_frame(s->t.sync, from,
		    bytes_of(wrong[i].bytes, wrong[i].len));
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 1);
	assert_int_equal(transfer_waiting(&s->t), 0);
	serve(s, buf_bytes(&s->large));
	assert_fetched(s);
}

/* --- serving --- */

/* Member 1 asks and is given the large stream. */
static void
begin_serving(struct scene *s, uint64_t transfer)
{
	struct bytes stream = buf_bytes(&s->large);

	transfer_request(&s->t, 1, transfer, SEQ);
	assert_int_equal(transfer_waiting(&s->t), 1);
	transfer_answer(&s->t, &stream, SEQ, SIZE_MAX);
	assert_int_equal(transfer_last(&s->t)->type, MESSAGE_SYNC_RESPONSE);
	assert_int_equal(transfer_last(&s->t)->transfer, transfer);
	assert_int_equal(transfer_last(&s->t)->number, COMING);
	assert_int_equal(transfer_last(&s->t)->seq, SEQ);
	transfer_settle(&s->t);
}

static void
whoever_acknowledges_is_sent_the_whole(void **state)
{
	struct scene *s = *state;
	uint64_t i;

	begin_serving(s, 7);
	for (i = 0; i < s->chunks; i++) {
		transfer_ack(&s->t, 1, 7, i);
		transfer_settle(&s->t);
	}
	assert_int_equal(s->t.sent_count, 1 + s->chunks);
	assert_true(transfer_last(&s->t)->is_last);
	assert_int_equal(transfer_last(&s->t)->number, s->chunks - 1);
	assert_int_equal(transfer_reading(&s->t), 0);
}

static void
four_chunks_are_on_the_way_and_no_more(void **state)
{
	struct scene *s = *state;

	begin_serving(s, 7);
	assert_int_equal(s->t.sent_count, 1 + TRANSFER_WINDOW);
	virtual_loop_pass(s->t.loop, 5000);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 1 + TRANSFER_WINDOW);
	transfer_ack(&s->t, 1, 7, 0);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 2 + TRANSFER_WINDOW);
}

static void
one_that_never_acknowledges_is_let_go(void **state)
{
	struct scene *s = *state;

	begin_serving(s, 7);
	virtual_loop_pass(s->t.loop, 9000);
	assert_int_equal(transfer_reading(&s->t), 1);
	virtual_loop_pass(s->t.loop, 3000);
	assert_int_equal(transfer_reading(&s->t), 0);
	transfer_ack(&s->t, 1, 7, 0);
	transfer_ack(&s->t, 1, 0, 1);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 1 + TRANSFER_WINDOW);
}

static void
answers_to_what_was_not_sent_move_nothing(void **state)
{
	struct scene *s = *state;

	begin_serving(s, 7);
	transfer_ack(&s->t, 1, 7, TRANSFER_WINDOW);
	transfer_ack(&s->t, 1, 7, UINT64_MAX);
	transfer_ack(&s->t, 1, 6, 0);
	transfer_ack(&s->t, 2, 7, 0);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 1 + TRANSFER_WINDOW);
	/* Nor do they keep a transfer alive. */
	virtual_loop_pass(s->t.loop, 9000);
	transfer_ack(&s->t, 1, 7, TRANSFER_WINDOW);
	virtual_loop_pass(s->t.loop, 3000);
	assert_int_equal(transfer_reading(&s->t), 0);
}

static void
an_answer_that_comes_twice_counts_once(void **state)
{
	struct scene *s = *state;

	begin_serving(s, 7);
	transfer_ack(&s->t, 1, 7, 1);
	transfer_ack(&s->t, 1, 7, 1);
	transfer_ack(&s->t, 1, 7, 0);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 3 + TRANSFER_WINDOW);
}

static void
a_new_request_ends_the_one_before(void **state)
{
	struct scene *s = *state;

	begin_serving(s, 7);
	begin_serving(s, 8);
	assert_int_equal(transfer_reading(&s->t), 1);
	transfer_ack(&s->t, 1, 7, 0);
	transfer_settle(&s->t);
	assert_int_equal(transfer_last(&s->t)->transfer, 8);
	assert_int_equal(s->t.sent_count, 2 * (1 + TRANSFER_WINDOW));
}

static void
requests_while_one_is_prepared_are_answered_busy(void **state)
{
	struct scene *s = *state;
	struct bytes stream = buf_bytes(&s->large);
	uint64_t i;

	for (i = 7; i < 20; i++)
		transfer_request(&s->t, 1, i, SEQ);
	assert_int_equal(transfer_waiting(&s->t), 1);
	assert_int_equal(s->t.sent_count, 12);
	assert_int_equal(transfer_last(&s->t)->number, BUSY);
	assert_int_equal(transfer_last(&s->t)->transfer, 19);
	/* Nobody wants the first one any more. */
	transfer_answer(&s->t, &stream, SEQ, SIZE_MAX);
	transfer_settle(&s->t);
	assert_int_equal(transfer_reading(&s->t), 0);
	assert_int_equal(s->t.sent_count, 12);
	s->t.sent_count = 0;
	begin_serving(s, 21);
}

static void
a_request_while_a_chunk_is_read_is_answered_busy(void **state)
{
	struct scene *s = *state;
	struct bytes stream = buf_bytes(&s->large);

	transfer_request(&s->t, 1, 7, SEQ);
	transfer_answer(&s->t, &stream, SEQ, SIZE_MAX);
	transfer_request(&s->t, 1, 8, SEQ);
	assert_int_equal(transfer_last(&s->t)->transfer, 8);
	assert_int_equal(transfer_last(&s->t)->number, BUSY);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 2);
	assert_int_equal(transfer_reading(&s->t), 0);
}

static void
without_a_snapshot_the_answer_is_busy(void **state)
{
	struct scene *s = *state;

	transfer_request(&s->t, 1, 7, SEQ);
	transfer_answer(&s->t, NULL, 0, 0);
	assert_int_equal(transfer_last(&s->t)->type, MESSAGE_SYNC_RESPONSE);
	assert_int_equal(transfer_last(&s->t)->number, BUSY);
	begin_serving(s, 8);
}

static void
a_snapshot_that_can_not_be_read_ends_its_transfer(void **state)
{
	struct scene *s = *state;
	struct bytes stream = buf_bytes(&s->large);

	transfer_request(&s->t, 1, 7, SEQ);
	transfer_answer(&s->t, &stream, SEQ, TRANSFER_CHUNK_BYTES + 1);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 2); /* coming, one chunk */
	assert_int_equal(transfer_reading(&s->t), 0);
	transfer_ack(&s->t, 1, 7, 0);
	transfer_settle(&s->t);
	assert_int_equal(s->t.sent_count, 2);
}

static void
a_link_that_takes_no_more_ends_the_transfer(void **state)
{
	struct scene *s = *state;

	begin_serving(s, 7);
	s->t.is_full = true;
	transfer_ack(&s->t, 1, 7, 0);
	transfer_settle(&s->t);
	assert_int_equal(transfer_reading(&s->t), 0);
	s->t.is_full = false;
	s->t.sent_count = 0;
	begin_serving(s, 8);
}

static void
each_member_is_served_by_itself(void **state)
{
	struct scene *s = *state;
	struct bytes stream = buf_bytes(&s->large);
	uint32_t member;

	for (member = 1; member < MEMBERS; member++) {
		transfer_request(&s->t, member, 7, SEQ);
		transfer_answer(&s->t, &stream, SEQ, SIZE_MAX);
	}
	transfer_settle(&s->t);
	assert_int_equal(transfer_reading(&s->t), 3);
	assert_int_equal(s->t.sent_count, 3 * (1 + TRANSFER_WINDOW));
	transfer_ack(&s->t, 2, 7, 0);
	transfer_settle(&s->t);
	assert_int_equal(transfer_last(&s->t)->member, 2);
	assert_int_equal(s->t.sent_count, 3 * (1 + TRANSFER_WINDOW) + 1);
}

/* --- closing --- */

static void
closing_while_a_snapshot_is_prepared_leaves_nothing(void **state)
{
	struct scene *s = *state;

	transfer_request(&s->t, 1, 7, SEQ);
	assert_int_equal(transfer_waiting(&s->t), 1);
}

static void
closing_while_chunks_are_read_and_stored_leaves_nothing(void **state)
{
	struct scene *s = *state;
	struct bytes stream = buf_bytes(&s->large);
	uint64_t transfer;
	uint32_t from;

	sync_fetch(s->t.sync, SEQ, ALL);
	from = asked(s, &transfer);
	send_piece(s, from, transfer, stream, 0);
	transfer_request(&s->t, 1, 7, SEQ);
	transfer_answer(&s->t, &stream, SEQ, SIZE_MAX);
	transfer_request(&s->t, 2, 7, SEQ);
	assert_int_equal(transfer_reading(&s->t), 1);
	assert_int_equal(transfer_waiting(&s->t), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
		SPEC(a_state_is_fetched_chunk_by_chunk),
		SPEC(chunks_may_run_a_window_ahead_of_what_is_stored),
		SPEC(a_server_past_the_window_is_left_for_the_next),
		SPEC(a_flipped_byte_has_the_next_member_asked),
		SPEC(a_state_that_one_member_vouches_for_is_refused),
		SPEC(a_state_that_is_too_old_is_refused),
		SPEC(a_state_of_another_cluster_is_refused),
		SPEC(a_silent_member_is_left_after_ten_seconds),
		SPEC(a_member_that_stops_midway_is_left_after_ten_seconds),
		SPEC(promises_without_chunks_buy_no_time),
		SPEC(chunks_that_trickle_are_refused),
		SPEC(a_chunk_left_out_has_the_next_member_asked),
		SPEC(a_chunk_sent_twice_has_the_next_member_asked),
		SPEC(a_chunk_past_the_end_has_the_next_member_asked),
		SPEC(an_end_that_comes_too_soon_has_the_next_member_asked),
		SPEC(other_transfers_and_other_members_change_nothing),
		SPEC(busy_members_are_passed_over_and_asked_again),
		SPEC(what_comes_between_two_rounds_is_not_taken),
		SPEC(a_member_that_is_named_later_is_asked_too),
		SPEC(a_newer_target_is_what_the_next_member_is_asked_for),
		SPEC(nothing_is_taken_of_a_fetch_that_was_cancelled),
		SPEC(a_whole_state_that_is_not_wanted_any_more_is_removed),
		SPEC(a_whole_state_that_was_refused_is_removed),
		SPEC(a_fetch_begun_again_while_a_chunk_is_stored_begins_anew),
		SPEC(a_directory_that_can_not_be_made_is_tried_again),
		SPEC(frames_of_another_shape_are_ignored),
		SPEC(whoever_acknowledges_is_sent_the_whole),
		SPEC(four_chunks_are_on_the_way_and_no_more),
		SPEC(one_that_never_acknowledges_is_let_go),
		SPEC(answers_to_what_was_not_sent_move_nothing),
		SPEC(an_answer_that_comes_twice_counts_once),
		SPEC(a_new_request_ends_the_one_before),
		SPEC(requests_while_one_is_prepared_are_answered_busy),
		SPEC(a_request_while_a_chunk_is_read_is_answered_busy),
		SPEC(without_a_snapshot_the_answer_is_busy),
		SPEC(a_snapshot_that_can_not_be_read_ends_its_transfer),
		SPEC(a_link_that_takes_no_more_ends_the_transfer),
		SPEC(each_member_is_served_by_itself),
		SPEC(closing_while_a_snapshot_is_prepared_leaves_nothing),
		SPEC(closing_while_chunks_are_read_and_stored_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
