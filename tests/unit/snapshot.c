/*
 * Snapshots: what is written out comes back with the same digest, and
 * nothing else does.
 */
#include "store/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fs.h"
#include "fixture/batches.h"
#include "fixture/directory.h"

static const struct trust_scope scope = { .cluster_id = { 1 }, .epoch = 3 };

static char root[DIRECTORY_PATH_BYTES];
static char dir[DIRECTORY_PATH_BYTES + 16];
static char copy[DIRECTORY_PATH_BYTES + 16];
static struct batch_maker maker;
static struct buf stream;
static struct digest digest;

/* A store with a few keys, written out into stream. */
static int
make_stream(void **state)
{
	struct snapshot_writer *w;
	struct store_pin *pin;
	struct store *store;
	uint8_t piece[1000];
	size_t len;
	int i;

	(void)state;
	(void)directory_make(root);
	(void)snprintf(dir, sizeof(dir), "%s/state", root);
	(void)snprintf(copy, sizeof(copy), "%s/copy", root);
	assert_int_equal(store_open(&store, dir, scope.cluster_id, NULL, NULL),
	    AG_OK);
	for (i = 1; i <= 20; i++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "key%d", i);
		batch_begin(&maker, (uint8_t)(i % 3), (uint64_t)i, 1000);
		batch_put(&maker, key, "some value");
		assert_int_equal(store_apply(store, (uint64_t)i,
				     batch_end(&maker), NULL, NULL),
		    AG_OK);
	}
	assert_int_equal(store_pin(store, &pin, NULL), AG_OK);
	store_pin_digest(pin, &digest);

	/* The pin does not see what comes after it. */
	batch_begin(&maker, 1, 500, 1000);
	batch_put(&maker, "later", "value");
	assert_int_equal(store_apply(store, 21, batch_end(&maker), NULL, NULL),
	    AG_OK);
	assert_int_equal(store_commit(store, NULL), AG_OK);
	store_close(store);

	buf_init(&stream, 1U << 20);
	assert_int_equal(snapshot_writer_new(&w, pin, &scope, bytes_of(NULL, 0),
			     NULL),
	    AG_OK);
	do {
		assert_int_equal(snapshot_writer_read(w, piece, sizeof(piece),
				     &len, NULL),
		    AG_OK);
		assert_int_equal(buf_append(&stream, piece, len), AG_OK);
	} while (len > 0);
	snapshot_writer_free(w);
	store_unpin(pin);
	return 0;
}

static int
drop_stream(void **state)
{
	(void)state;
	buf_fini(&stream);
	return directory_remove(root);
}

/* Feed the stream in pieces of step bytes. */
static enum ag_status
read_stream(const char *to, struct bytes whole, size_t step,
    struct snapshot_info *info, struct ag_error *err)
{
	struct snapshot_reader *r;
	enum ag_status status = snapshot_reader_new(&r, to, err);
	size_t at;

	if (status != AG_OK)
		return status;
	for (at = 0; status == AG_OK && at < whole.len; at += step)
		status = snapshot_reader_feed(r,
		    bytes_of(whole.data + at,
			whole.len - at < step ? whole.len - at : step),
		    err);
	if (status == AG_OK)
		status = snapshot_reader_finish(r, info, err);
	snapshot_reader_free(r);
	return status;
}

static void
verifying_computes_the_digest_of_the_pin(void **state)
{
	struct snapshot_info info;
	size_t step;

	(void)state;
	for (step = 1; step < 3000; step = step * 3 + 1) {
		assert_int_equal(read_stream(NULL, buf_bytes(&stream), step,
				     &info, NULL),
		    AG_OK);
		assert_true(digest_equal(&info.digest, &digest));
	}
	assert_int_equal(info.seq, 20);
	assert_int_equal(info.keys, 20 + 1); /* the key epochs */
	assert_int_equal(info.sessions, 3);
	assert_int_equal(info.scope.epoch, 3);
	assert_false(info.has_certificate);
}

static void
a_restored_state_goes_on_where_the_pin_was(void **state)
{
	struct snapshot_info info;
	struct store *store;
	struct digest again;
	struct result result;
	uint8_t principal[32];

	(void)state;
	memset(principal, 2, sizeof(principal));
	assert_int_equal(read_stream(copy, buf_bytes(&stream), 777, &info,
			     NULL),
	    AG_OK);
	assert_int_equal(store_open(&store, copy, scope.cluster_id, NULL, NULL),
	    AG_OK);
	assert_int_equal(store_applied(store), 20);
	assert_int_equal(store_digest(store, &again, NULL), AG_OK);
	assert_true(digest_equal(&again, &digest));
	assert_int_equal(store_find_request(store, principal, 2, &result),
	    AG_OK);
	assert_int_equal(result.seq, 2);
	store_close(store);
}

static void
every_cut_of_a_stream_is_refused(void **state)
{
	struct snapshot_info info;
	size_t len;

	(void)state;
	for (len = 0; len < stream.len; len += 13)
		assert_int_equal(read_stream(NULL, bytes_of(stream.data, len),
				     4096, &info, NULL),
		    AG_ECORRUPT);
}

static void
every_flipped_byte_of_a_stream_is_noticed(void **state)
{
	struct snapshot_info info;
	size_t at;

	(void)state;
	for (at = 0; at < stream.len; at += 7) {
		stream.data[at] ^= 1;
		assert_int_not_equal(read_stream(NULL, buf_bytes(&stream), 4096,
					 &info, NULL),
		    AG_OK);
		stream.data[at] ^= 1;
	}
}

static void
bytes_after_the_end_are_refused(void **state)
{
	struct snapshot_info info;

	(void)state;
	assert_int_equal(buf_append(&stream, "x", 1), AG_OK);
	assert_int_equal(read_stream(NULL, buf_bytes(&stream), 4096, &info,
			     NULL),
	    AG_ECORRUPT);
}

static void
a_refused_stream_leaves_nothing_behind(void **state)
{
	struct snapshot_info info;

	(void)state;
	assert_int_equal(read_stream(copy,
			     bytes_of(stream.data, stream.len - 1), 4096, &info,
			     NULL),
	    AG_ECORRUPT);
	assert_false(fs_exists(copy));
}

static void
a_state_is_never_written_over(void **state)
{
	struct snapshot_info info;
	struct ag_error err;

	(void)state;
	assert_int_equal(read_stream(dir, buf_bytes(&stream), 4096, &info,
			     &err),
	    AG_EEXIST);
	assert_non_null(strstr(err.text, "there already"));
	assert_true(fs_exists(dir));
}

int
main(void)
{
#define SNAPSHOT_TEST(name) \
	cmocka_unit_test_setup_teardown(name, make_stream, drop_stream)
	const struct CMUnitTest tests[] = {
		SNAPSHOT_TEST(verifying_computes_the_digest_of_the_pin),
		SNAPSHOT_TEST(a_restored_state_goes_on_where_the_pin_was),
		SNAPSHOT_TEST(every_cut_of_a_stream_is_refused),
		SNAPSHOT_TEST(every_flipped_byte_of_a_stream_is_noticed),
		SNAPSHOT_TEST(bytes_after_the_end_are_refused),
		SNAPSHOT_TEST(a_refused_stream_leaves_nothing_behind),
		SNAPSHOT_TEST(a_state_is_never_written_over),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
