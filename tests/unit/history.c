/*
 * History out of a log: what was committed, in order, whatever the order of
 * its records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "consensus/record.h"
#include "event/loop.h"
#include "fixture/directory.h"
#include "node/history.h"
#include "store/wal.h"

#define MESSAGES_MAX 256

struct scene {
	char dir[DIRECTORY_PATH_BYTES];
	struct wal *wal;
	struct loop *loop;
	struct history *history;
	uint64_t first; /* what find answers */
	uint64_t seqs[MESSAGES_MAX];
	uint8_t bytes[MESSAGES_MAX]; /* each batch's first */
	size_t count, wanted;
};

static const uint8_t cluster_id[32] = { 9 };

static uint64_t
scene_find(void *arg, uint64_t seq)
{
	(void)seq;
	return ((struct scene *)arg)->first;
}

static void
scene_take(void *arg, uint32_t member, struct bytes message)
{
	static struct certificate certificate;
	struct scene *s = arg;
	struct digest digest;
	struct bytes batch;
	struct decoder d;

	assert_int_equal(member, 2);
	assert_true(s->count < MESSAGES_MAX);
	decoder_init(&d, message);
	decoder_expect_array(&d, 3);
	assert_int_equal(decoder_get_uint(&d), MESSAGE_COMMITTED);
	certificate_decode(&d, &certificate);
	batch = decoder_get_bytes(&d);
	assert_int_equal(decoder_finish(&d, NULL), AG_OK);
	digest_of(&digest, batch);
	assert_true(digest_equal(&digest, &certificate.digest));
	s->seqs[s->count] = certificate.seq;
	s->bytes[s->count++] = batch.data[0];
	if (s->count == s->wanted)
		loop_stop(s->loop);
}

static int
open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct ag_error err;

	assert_non_null(s);
	assert_int_equal(directory_make(s->dir), 0);
	assert_int_equal(wal_open(&s->wal, s->dir, cluster_id, NULL, &err),
	    AG_OK);
	assert_int_equal(loop_new(&s->loop, &err), AG_OK);
	s->history = history_new(&(struct history_config){
	    .loop = s->loop,
	    .log_dir = s->dir,
	    .arg = s,
	    .find = scene_find,
	    .send = scene_take,
	});
	assert_non_null(s->history);
	s->first = 1;
	*state = s;
	return 0;
}

static int
close_scene(void **state)
{
	struct scene *s = *state;

	history_free(s->history);
	loop_run(s->loop);
	loop_free(s->loop);
	wal_close(s->wal);
	(void)directory_remove(s->dir);
	free(s);
	return 0;
}

static void
append(struct scene *s, const struct encoder *e)
{
	struct ag_error err;
	struct bytes record;
	uint64_t number;

	assert_int_equal(encoder_finish(e, &record), AG_OK);
	assert_int_equal(wal_append(s->wal, record, &number, &err), AG_OK);
}

static struct digest
digest_of_byte(uint8_t byte)
{
	struct digest digest;

	digest_of(&digest, bytes_of(&byte, 1));
	return digest;
}

/* A batch of one byte, proposed in a view. */
static void
propose(struct scene *s, uint64_t view, uint64_t seq, uint8_t byte)
{
	struct digest digest = digest_of_byte(byte);
	struct encoder e;
	uint8_t raw[256];

	encoder_init(&e, raw, sizeof(raw));
	record_encode_proposal(&e, view, seq, &digest, bytes_of(&byte, 1));
	append(s, &e);
}

static void
commit(struct scene *s, uint64_t seq, uint8_t byte)
{
	static struct certificate certificate;
	struct encoder e;
	uint8_t raw[1024];

	certificate = (struct certificate){
		.phase = VOTE_COMMIT,
		.seq = seq,
		.digest = digest_of_byte(byte),
		.proof_count = 1,
		.proofs = { { .bundle_size = 1 } },
	};
	encoder_init(&e, raw, sizeof(raw));
	record_encode_certificate(&e, RECORD_COMMITTED, &certificate);
	append(s, &e);
}

static void
sync_log(struct scene *s)
{
	struct ag_error err;
	uint64_t durable;

	assert_int_equal(wal_sync(s->wal, &durable, &err), AG_OK);
}

/* Ask, and run until count messages came in all. */
static void
ask(struct scene *s, uint64_t seq, size_t count)
{
	s->wanted = count;
	history_send(s->history, 2, seq);
	loop_run(s->loop);
	assert_int_equal(s->count, count);
}

static void
batches_are_sent_in_order_though_their_records_interleave(void **state)
{
	struct scene *s = *state;
	uint64_t i;

	propose(s, 0, 1, 11);
	propose(s, 0, 3, 13);
	propose(s, 0, 2, 12);
	commit(s, 3, 13);
	commit(s, 1, 11);
	commit(s, 2, 12);
	sync_log(s);
	ask(s, 1, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(s->seqs[i], i + 1);
		assert_int_equal(s->bytes[i], 11 + i);
	}
}

static void
of_two_batches_for_a_sequence_the_committed_one_is_sent(void **state)
{
	struct scene *s = *state;

	propose(s, 0, 1, 11);
	propose(s, 1, 1, 21);
	commit(s, 1, 11);
	propose(s, 0, 2, 12);
	propose(s, 1, 2, 22);
	commit(s, 2, 22);
	sync_log(s);
	ask(s, 1, 2);
	assert_int_equal(s->bytes[0], 11);
	assert_int_equal(s->bytes[1], 22);
}

static void
who_comes_on_is_sent_what_follows_and_nothing_twice(void **state)
{
	struct scene *s = *state;
	uint64_t i;

	for (i = 1; i <= 150; i++) {
		propose(s, 0, i, (uint8_t)i);
		commit(s, i, (uint8_t)i);
	}
	sync_log(s);
	ask(s, 5, 64);
	ask(s, 21, 80);
	ask(s, 60, 119);
	for (i = 0; i < 119; i++)
		assert_int_equal(s->seqs[i], 5 + i);
}

static void
who_asks_twice_for_the_same_is_sent_it_again(void **state)
{
	struct scene *s = *state;
	uint64_t i;

	for (i = 1; i <= 100; i++) {
		propose(s, 0, i, (uint8_t)i);
		commit(s, i, (uint8_t)i);
	}
	sync_log(s);
	ask(s, 10, 64);
	ask(s, 10, 128);
	assert_int_equal(s->seqs[63], 73);
	assert_int_equal(s->seqs[64], 10);
}

static void
a_log_that_begins_later_sends_nothing(void **state)
{
	struct scene *s = *state;

	propose(s, 0, 1, 11);
	commit(s, 1, 11);
	sync_log(s);
	s->first = 0;
	history_send(s->history, 2, 1);
	assert_int_equal(s->count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
		SPEC(batches_are_sent_in_order_though_their_records_interleave),
		SPEC(of_two_batches_for_a_sequence_the_committed_one_is_sent),
		SPEC(who_comes_on_is_sent_what_follows_and_nothing_twice),
		SPEC(who_asks_twice_for_the_same_is_sent_it_again),
		SPEC(a_log_that_begins_later_sends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
