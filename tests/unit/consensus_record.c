/*
 * Records and the pool: what the engine stands on.
 */
#include "consensus_fixture.h"

#include "consensus/pool.h"

static struct certificate certificate, decoded;

static void
certificate_fill(enum vote_phase phase)
{
	memset(&certificate, 0, sizeof(certificate));
	certificate.phase = phase;
	certificate.view = phase == VOTE_CHECKPOINT ? 0 : 3;
	certificate.seq = 42;
	memset(&certificate.digest, 6, sizeof(certificate.digest));
	certificate.proof_count = 1;
	certificate.proofs[0].bundle_size = 1;
	certificate.proofs[0].view = 3;
}

/* Decode the record; no prefix of it is one. */
static struct record
decode_whole(const struct encoder *e)
{
	struct record record;
	struct bytes bytes;
	size_t len;

	assert_int_equal(encoder_finish(e, &bytes), AG_OK);
	for (len = 0; len < bytes.len; len++)
		assert_int_not_equal(record_decode(&record, &decoded,
					 bytes_of(bytes.data, len), NULL),
		    AG_OK);
	assert_int_equal(record_decode(&record, &decoded, bytes, NULL), AG_OK);
	return record;
}

static void
every_kind_of_record_reads_as_it_was_written(void **state)
{
	struct digest digest;
	uint8_t raw[2048];
	struct record r;
	struct encoder e;

	(void)state;
	memset(&digest, 5, sizeof(digest));
	encoder_init(&e, raw, sizeof(raw));
	record_encode_proposal(&e, 3, 42, &digest, bytes_of("batch", 5));
	r = decode_whole(&e);
	assert_int_equal(r.kind, RECORD_PROPOSAL);
	assert_int_equal(r.view, 3);
	assert_int_equal(r.seq, 42);
	assert_int_equal(r.batch.len, 5);
	assert_true(digest_equal(&r.digest, &digest));

	certificate_fill(VOTE_PREPARE);
	encoder_init(&e, raw, sizeof(raw));
	record_encode_certificate(&e, RECORD_PREPARED, &certificate);
	r = decode_whole(&e);
	assert_int_equal(r.kind, RECORD_PREPARED);
	assert_int_equal(r.seq, 42);
	assert_int_equal(decoded.proof_count, 1);

	encoder_init(&e, raw, sizeof(raw));
	record_encode_view(&e, 9, true, bytes_of(NULL, 0));
	r = decode_whole(&e);
	assert_int_equal(r.kind, RECORD_VIEW);
	assert_int_equal(r.view, 9);
	assert_true(r.is_changing);
	assert_int_equal(r.new_view.len, 0);

	certificate_fill(VOTE_CHECKPOINT);
	encoder_init(&e, raw, sizeof(raw));
	record_encode_checkpoint(&e, &certificate, 7, false,
	    bytes_of("new view", 8));
	r = decode_whole(&e);
	assert_int_equal(r.kind, RECORD_CHECKPOINT);
	assert_int_equal(r.seq, 42);
	assert_int_equal(r.view, 7);
	assert_int_equal(r.new_view.len, 8);

	encoder_init(&e, raw, sizeof(raw));
	record_encode_state(&e, 42, &digest);
	r = decode_whole(&e);
	assert_int_equal(r.kind, RECORD_STATE);
	assert_int_equal(r.seq, 42);
	assert_true(digest_equal(&r.digest, &digest));

	encoder_init(&e, raw, sizeof(raw));
	record_encode_batch(&e, 42, bytes_of("batch", 5));
	r = decode_whole(&e);
	assert_int_equal(r.kind, RECORD_BATCH);
	assert_int_equal(r.seq, 42);
	assert_int_equal(r.batch.len, 5);

	encoder_init(&e, raw, sizeof(raw));
	record_encode_entry(&e, 3, 42, &digest, bytes_of("batch", 5));
	r = decode_whole(&e);
	assert_int_equal(r.kind, RECORD_ENTRY);
	assert_int_equal(r.view, 3);
	assert_int_equal(r.seq, 42);
	assert_int_equal(r.batch.len, 5);
	assert_true(digest_equal(&r.digest, &digest));

	encoder_init(&e, raw, sizeof(raw));
	record_encode_term(&e, 9, RECORD_NO_VOTE);
	r = decode_whole(&e);
	assert_int_equal(r.kind, RECORD_TERM);
	assert_int_equal(r.view, 9);
	assert_int_equal(r.vote, RECORD_NO_VOTE);

	encoder_init(&e, raw, sizeof(raw));
	record_encode_base(&e, &certificate, 6, 9, 2);
	r = decode_whole(&e);
	assert_int_equal(r.kind, RECORD_BASE);
	assert_int_equal(r.seq, 42);
	assert_int_equal(r.base_term, 6);
	assert_int_equal(r.view, 9);
	assert_int_equal(r.vote, 2);
}

/* A NEW_VIEW as far as who asked goes. */
static struct bytes
new_view_of(struct encoder *e, uint8_t *raw, size_t cap,
    const uint64_t *members, size_t count)
{
	struct bytes bytes;
	size_t i;

	encoder_init(e, raw, cap);
	encoder_put_array(e, 5);
	encoder_put_uint(e, MESSAGE_NEW_VIEW);
	encoder_put_uint(e, 9);
	encoder_put_array(e, count);
	for (i = 0; i < count; i++) {
		encoder_put_array(e, 8);
		encoder_put_uint(e, MESSAGE_VIEW_CHANGE);
		encoder_put_uint(e, members[i]);
		encoder_put_uint(e, 9);
		encoder_put_uint(e, 0);
		encoder_put_null(e);
		encoder_put_array(e, 0);
		encoder_put_array(e, 0);
		encoder_put_bytes(e, bytes_of("signature", 9));
	}
	encoder_put_array(e, 0);
	encoder_put_bytes(e, bytes_of("signature", 9));
	assert_int_equal(encoder_finish(e, &bytes), AG_OK);
	return bytes;
}

static void
a_new_view_says_who_asked_for_it(void **state)
{
	const uint64_t good[] = { 0, 2, 31 }, bad[] = { 1, 32 };
	struct bytes bytes;
	struct encoder e;
	uint8_t raw[512];
	size_t len;

	(void)state;
	bytes = new_view_of(&e, raw, sizeof(raw), good, 3);
	assert_int_equal(record_new_view_askers(bytes), 0x80000005);
	/* Cut before all of them are told, it says nothing. */
	for (len = 0; len < bytes.len - 11; len++)
		assert_int_equal(record_new_view_askers(
				     bytes_of(bytes.data, len)),
		    0);
	assert_int_equal(record_new_view_askers(bytes_of("new view", 8)), 0);
	bytes = new_view_of(&e, raw, sizeof(raw), bad, 2);
	assert_int_equal(record_new_view_askers(bytes), 1U << 1);
}

static void
a_certificate_of_another_phase_makes_no_record(void **state)
{
	uint8_t raw[2048];
	struct bytes bytes;
	struct record r;
	struct encoder e;

	(void)state;
	certificate_fill(VOTE_COMMIT);
	encoder_init(&e, raw, sizeof(raw));
	record_encode_certificate(&e, RECORD_PREPARED, &certificate);
	assert_int_equal(encoder_finish(&e, &bytes), AG_OK);
	assert_int_not_equal(record_decode(&r, &decoded, bytes, NULL), AG_OK);
}

static void
every_kind_of_record_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(record_kind_name(RECORD_PROPOSAL), "proposal");
	assert_string_equal(record_kind_name(RECORD_PREPARED), "prepared");
	assert_string_equal(record_kind_name(RECORD_COMMITTED), "committed");
	assert_string_equal(record_kind_name(RECORD_VIEW), "view");
	assert_string_equal(record_kind_name(RECORD_CHECKPOINT), "checkpoint");
	assert_string_equal(record_kind_name(RECORD_STATE), "state");
	assert_string_equal(record_kind_name(RECORD_BATCH), "batch");
	assert_string_equal(record_kind_name(RECORD_ENTRY), "entry");
	assert_string_equal(record_kind_name(RECORD_TERM), "term");
	assert_string_equal(record_kind_name(RECORD_BASE), "base");
}

static void
the_pool_gives_all_of_itself_and_takes_it_back(void **state)
{
	const size_t len = 64 * POOL_BLOCK_MIN;
	uint8_t *blocks[64];
	struct pool pool;
	void *memory = malloc(pool_size(len));
	unsigned i, round;

	(void)state;
	assert_non_null(memory);
	memset(memory, 0xff, pool_size(len));
	pool_init(&pool, memory, len);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 64; i++) {
			blocks[i] = pool_take(&pool, POOL_BLOCK_MIN);
			assert_non_null(blocks[i]);
			memset(blocks[i], (int)i, POOL_BLOCK_MIN);
		}
		assert_null(pool_take(&pool, 1));
		for (i = 0; i < 64; i++)
			assert_int_equal(blocks[i][POOL_BLOCK_MIN - 1], i);
		for (i = 0; i < 64; i++)
			pool_give(&pool, blocks[(i * 29) % 64]);
		assert_int_equal(pool.used_bytes, 0);
		/* Buddies have met again. */
		blocks[0] = pool_take(&pool, len);
		assert_non_null(blocks[0]);
		pool_give(&pool, blocks[0]);
	}
	assert_null(pool_take(&pool, len + 1));
	free(memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_record_reads_as_it_was_written),
		cmocka_unit_test(a_new_view_says_who_asked_for_it),
		cmocka_unit_test(
		    a_certificate_of_another_phase_makes_no_record),
		cmocka_unit_test(every_kind_of_record_has_a_name),
		cmocka_unit_test(
		    the_pool_gives_all_of_itself_and_takes_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
