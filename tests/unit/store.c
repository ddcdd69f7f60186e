/*
 * The replicated store: the same batches give the same results and the same
 * state everywhere, whatever happened in between.
 */
#include "store/store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/fs.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "store/crc32c.h"

static const uint8_t cluster[CLUSTER_ID_BYTES] = { 1 };

static char root[DIRECTORY_PATH_BYTES];
static char dir[DIRECTORY_PATH_BYTES + 16];
static struct batch_maker maker;

/* The outcomes and changes of the last batch. */
static struct store_outcome outcomes[16];
static size_t outcome_count, change_count, delete_count;

static int
make_dir(void **state)
{
	(void)state;
	(void)directory_make(root);
	(void)snprintf(dir, sizeof(dir), "%s/state", root);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	return directory_remove(root);
}

static void
on_outcome(void *arg, const struct store_outcome *outcome)
{
	(void)arg;
	assert_true(outcome_count < 16);
	outcomes[outcome_count++] = *outcome;
}

static void
on_change(void *arg, const struct store_change *change)
{
	(void)arg;
	change_count++;
	delete_count += change->is_delete ? 1 : 0;
}

static const struct store_observer observer = { NULL, on_outcome, on_change };

static struct store *
opened(const char *path)
{
	struct ag_error err;
	struct store *store;

	if (store_open(&store, path, cluster, NULL, &err) != AG_OK)
		fail_msg("%s", err.text);
	return store;
}

static void
apply_bytes(struct store *store, struct bytes batch)
{
	struct ag_error err;

	outcome_count = 0;
	change_count = 0;
	delete_count = 0;
	if (store_apply(store, store_applied(store) + 1, batch, &observer,
		&err) != AG_OK)
		fail_msg("%s", err.text);
	assert_int_equal(store_commit(store, &err), AG_OK);
}

static void
apply(struct store *store)
{
	apply_bytes(store, batch_end(&maker));
}

static void
assert_value(struct store *store, const char *key, const char *value,
    uint64_t version)
{
	struct store_reader *reader;
	struct store_entry entry;

	assert_int_equal(store_reader_open(&reader, store, NULL), AG_OK);
	if (value == NULL) {
		assert_int_equal(store_get(reader, bytes_from_text(key), &entry,
				     NULL),
		    AG_ENOENT);
	} else {
		assert_int_equal(store_get(reader, bytes_from_text(key), &entry,
				     NULL),
		    AG_OK);
		assert_true(bytes_equal(entry.value, bytes_from_text(value)));
		assert_int_equal(entry.version, version);
	}
	store_reader_close(reader);
}

static void
digest(struct store *store, struct digest *out)
{
	assert_int_equal(store_digest(store, out, NULL), AG_OK);
}

static void
a_put_is_read_back_with_its_version(void **state)
{
	struct store *store = opened(dir);

	(void)state;
	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "k", "one");
	batch_put(&maker, "k", "two");
	apply(store);
	assert_int_equal(outcome_count, 2);
	assert_int_equal(outcomes[0].result.version, 1);
	assert_int_equal(outcomes[1].result.version, 2);
	assert_int_equal(outcomes[1].result.previous_version, 1);
	assert_int_equal(outcomes[1].number, 2);
	assert_value(store, "k", "two", 2);
	store_close(store);
}

static void
versions_start_again_after_a_delete(void **state)
{
	struct store *store = opened(dir);

	(void)state;
	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "k", "one");
	batch_put(&maker, "k", "two");
	batch_delete(&maker, "k");
	batch_delete(&maker, "k");
	batch_put(&maker, "k", "three");
	apply(store);
	assert_int_equal(outcomes[2].result.previous_version, 2);
	assert_int_equal(outcomes[2].result.version, 0);
	assert_int_equal(outcomes[3].result.code, RESULT_NOT_FOUND);
	assert_int_equal(delete_count, 1);
	assert_value(store, "k", "three", 1);
	store_close(store);
}

static void
a_version_that_does_not_match_changes_nothing(void **state)
{
	struct store *store = opened(dir);

	(void)state;
	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "k", "one");
	maker.op.change.has_if_version = true;
	maker.op.change.if_version = 0;
	maker.op.change.value = bytes_from_text("two");
	batch_add(&maker);
	maker.op.change.if_version = 1;
	maker.op.change.value = bytes_from_text("three");
	batch_add(&maker);
	apply(store);
	assert_int_equal(outcomes[1].result.code, RESULT_CONFLICT);
	assert_int_equal(outcomes[1].result.version, 1);
	assert_int_equal(outcomes[2].result.code, RESULT_DONE);
	assert_value(store, "k", "three", 2);
	store_close(store);
}

static void
a_request_sent_twice_happens_once(void **state)
{
	struct store *store = opened(dir);
	struct digest before, after;

	(void)state;
	batch_begin(&maker, 1, 7, 1000);
	batch_put(&maker, "k", "one");
	apply(store);
	digest(store, &before);
	apply(store);
	assert_int_equal(outcome_count, 1);
	assert_int_equal(change_count, 0);
	assert_int_equal(outcomes[0].result.seq, 1);
	assert_int_equal(outcomes[0].result.version, 1);
	assert_value(store, "k", "one", 1);
	digest(store, &after);
	assert_false(digest_equal(&before, &after)); /* the sequence moved */
	store_close(store);
}

static void
an_expired_request_changes_nothing_ever(void **state)
{
	struct store *store = opened(dir);

	(void)state;
	batch_begin(&maker, 1, 7, 1000);
	batch_put(&maker, "k", "one");
	maker.expiry_ms = 999;
	apply(store);
	assert_int_equal(outcomes[0].result.code, RESULT_EXPIRED);
	maker.expiry_ms = 0;
	apply(store);
	assert_int_equal(outcomes[0].result.code, RESULT_EXPIRED);
	assert_value(store, "k", NULL, 0);
	store_close(store);
}

static void
bytes_that_are_no_operation_get_an_outcome_too(void **state)
{
	struct store *store = opened(dir);

	(void)state;
	batch_begin(&maker, 1, 7, 1000);
	encoder_put_bytes(&maker.operations, bytes_from_text("nonsense"));
	maker.count++;
	batch_put(&maker, "k", "v");
	apply(store);
	assert_int_equal(outcomes[0].result.code, RESULT_INVALID);
	assert_int_equal(outcomes[1].result.code, RESULT_DONE);
	store_close(store);
}

static void
bytes_that_are_no_batch_move_only_the_sequence(void **state)
{
	struct store *store = opened(dir);

	(void)state;
	apply_bytes(store, bytes_from_text("nonsense"));
	assert_int_equal(outcome_count, 0);
	assert_int_equal(store_applied(store), 1);
	store_close(store);
}

static void
a_transaction_does_one_of_its_lists(void **state)
{
	struct store *store = opened(dir);
	struct operation *op = &maker.op;

	(void)state;
	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "a", "1");
	memset(op, 0, sizeof(*op));
	op->kind = OPERATION_TXN;
	op->compare_count = 1;
	op->compares[0] = (struct compare){ COMPARE_VALUE, bytes_from_text("a"),
		bytes_from_text("1"), 0 };
	op->change_count[0] = 2;
	op->changes[0][0] = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text("a"),
		.value = bytes_from_text("2") };
	op->changes[0][1] = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text("b"),
		.value = bytes_from_text("x") };
	op->change_count[1] = 1;
	op->changes[1][0] = (struct change){ .kind = OPERATION_DELETE,
		.key = bytes_from_text("b") };
	batch_add(&maker);
	apply(store);
	assert_int_equal(outcomes[1].result.code, RESULT_DONE);
	assert_value(store, "a", "2", 2);
	assert_value(store, "b", "x", 1);

	batch_begin(&maker, 1, 10, 1000);
	batch_add(&maker);
	apply(store);
	assert_int_equal(outcomes[0].result.code, RESULT_ELSE);
	assert_value(store, "b", NULL, 0);
	store_close(store);
}

static void
a_conflict_inside_a_transaction_undoes_all_of_it(void **state)
{
	struct store *store = opened(dir);
	struct operation *op = &maker.op;

	(void)state;
	batch_begin(&maker, 1, 1, 1000);
	memset(op, 0, sizeof(*op));
	op->kind = OPERATION_TXN;
	op->change_count[0] = 2;
	op->changes[0][0] = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text("a"),
		.value = bytes_from_text("2") };
	op->changes[0][1] = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text("b"),
		.value = bytes_from_text("x"),
		.has_if_version = true,
		.if_version = 5 };
	batch_add(&maker);
	apply(store);
	assert_int_equal(outcomes[0].result.code, RESULT_CONFLICT);
	assert_int_equal(change_count, 0);
	assert_value(store, "a", NULL, 0);
	store_close(store);
}

static size_t seen;

static bool
count_visit(void *arg, const struct store_entry *entry)
{
	size_t *stop_at = arg;

	assert_true(entry->key.len == 1);
	seen++;
	return seen != *stop_at;
}

static size_t
range(struct store_reader *reader, const char *first, const char *last,
    size_t limit, size_t stop_at, bool *more)
{
	uint64_t seq;

	seen = 0;
	assert_int_equal(store_range(reader, bytes_from_text(first),
			     bytes_from_text(last), limit, true, count_visit,
			     &stop_at, more, &seq, NULL),
	    AG_OK);
	assert_int_equal(seq, 1);
	return seen;
}

static void
a_range_is_a_page_of_one_state(void **state)
{
	struct store *store = opened(dir);
	struct store_reader *reader;
	bool more;

	(void)state;
	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "a", "1");
	batch_put(&maker, "b", "1");
	batch_put(&maker, "c", "1");
	batch_put(&maker, "d", "1");
	apply(store);
	assert_int_equal(store_reader_open(&reader, store, NULL), AG_OK);
	assert_int_equal(range(reader, "", "", 10, 0, &more), 4);
	assert_false(more);
	assert_int_equal(range(reader, "b", "d", 10, 0, &more), 2);
	assert_false(more);
	assert_int_equal(range(reader, "b", "", 2, 0, &more), 2);
	assert_true(more);
	assert_int_equal(range(reader, "", "", 10, 1, &more), 1);
	assert_true(more);
	assert_int_equal(range(reader, "", "c", 2, 0, &more), 2);
	assert_false(more);
	store_reader_close(reader);
	store_close(store);
}

static void
what_was_committed_is_there_after_opening_again(void **state)
{
	struct store *store = opened(dir);
	struct digest before, after;
	struct result result;
	uint64_t keys, bytes;
	uint8_t principal[32];

	(void)state;
	memset(principal, 1, sizeof(principal));
	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "k", "value");
	batch_put(&maker, "gone", "value");
	batch_delete(&maker, "gone");
	apply(store);
	digest(store, &before);
	store_close(store);

	store = opened(dir);
	assert_int_equal(store_applied(store), 1);
	assert_int_equal(store_time_ms(store), 1000);
	/* Not the key epochs, which the first value began. */
	store_size(store, &keys, &bytes);
	assert_int_equal(keys, 1);
	assert_true(bytes > 6);
	digest(store, &after);
	assert_true(digest_equal(&before, &after));
	assert_int_equal(store_find_request(store, principal, 1, &result),
	    AG_OK);
	assert_int_equal(result.version, 1);
	assert_int_equal(store_find_request(store, principal, 9, &result),
	    AG_ENOENT);
	store_close(store);
}

static void
what_was_not_committed_is_not(void **state)
{
	struct store *store = opened(dir);

	(void)state;
	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "k", "value");
	assert_int_equal(store_apply(store, 1, batch_end(&maker), NULL, NULL),
	    AG_OK);
	store_close(store);
	store = opened(dir);
	assert_int_equal(store_applied(store), 0);
	assert_value(store, "k", NULL, 0);
	store_close(store);
}

/* The root depends on contents; sequence and sessions are held equal. */
static void
commits_may_fall_anywhere(void **state)
{
	char other[DIRECTORY_PATH_BYTES + 16];
	struct store *a = opened(dir), *b;
	struct digest first, second;
	uint64_t seq;
	char key[16];

	(void)state;
	(void)snprintf(other, sizeof(other), "%s/other", root);
	b = opened(other);
	for (seq = 1; seq <= 300; seq++) {
		batch_begin(&maker, 1, seq * 2, 1000 + seq);
		(void)snprintf(key, sizeof(key), "k%u",
		    (unsigned int)(seq * 7 % 50));
		if (seq % 3 == 0)
			batch_delete(&maker, key);
		else
			batch_put(&maker, key, key);
		apply(a);
		assert_int_equal(store_apply(b, seq, batch_end(&maker), NULL,
				     NULL),
		    AG_OK);
		if (seq % 100 != 0)
			continue;
		digest(a, &first);
		digest(b, &second);
		assert_true(digest_equal(&first, &second));
	}
	store_close(a);
	store_close(b);
}

static void
another_clusters_state_is_refused(void **state)
{
	static const uint8_t other[CLUSTER_ID_BYTES] = { 2 };
	struct ag_error err;
	struct store *store = opened(dir);

	(void)state;
	store_close(store);
	assert_int_equal(store_open(&store, dir, other, NULL, &err),
	    AG_ECONFLICT);
	assert_non_null(strstr(err.text, "another cluster"));
	assert_non_null(strstr(err.text, dir));
}

/* The one key's value, and the state's place and digest, as they are now. */
static struct store_origin
filled(void)
{
	struct store_origin origin;
	struct store *store = opened(dir);

	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "key", "value");
	apply(store);
	origin.seq = store_applied(store);
	assert_int_equal(store_digest(store, &origin.digest, NULL), AG_OK);
	store_close(store);
	return origin;
}

static void
a_restored_state_becomes_its_new_cluster_s(void **state)
{
	static const uint8_t next[CLUSTER_ID_BYTES] = { 2 };
	struct store_origin origin = filled();
	struct digest digest;
	struct ag_error err;
	struct store *store;

	(void)state;
	if (store_open_from(&store, dir, next, &origin, NULL, NULL, &err) !=
	    AG_OK)
		fail_msg("%s", err.text);
	assert_int_equal(store_applied(store), origin.seq);
	assert_int_equal(store_digest(store, &digest, NULL), AG_OK);
	assert_true(digest_equal(&digest, &origin.digest));
	assert_value(store, "key", "value", 1);
	store_close(store);
	/* From now on it is: with the origin, without, and not the old one's. */
	assert_int_equal(store_open_from(&store, dir, next, &origin, NULL, NULL,
			     NULL),
	    AG_OK);
	store_close(store);
	assert_int_equal(store_open(&store, dir, next, NULL, NULL), AG_OK);
	store_close(store);
	assert_int_equal(store_open(&store, dir, cluster, NULL, &err),
	    AG_ECONFLICT);
}

static void
another_state_than_the_origin_is_refused_and_kept(void **state)
{
	static const uint8_t next[CLUSTER_ID_BYTES] = { 2 };
	const struct store_origin origin = filled();
	struct store_origin wrong = origin;
	struct ag_error err;
	struct store *store;

	(void)state;
	wrong.digest.data[0] ^= 1;
	assert_int_equal(store_open_from(&store, dir, next, &wrong, NULL, NULL,
			     &err),
	    AG_ECONFLICT);
	assert_non_null(strstr(err.text, "another cluster's"));
	wrong = origin;
	wrong.seq++;
	assert_int_equal(store_open_from(&store, dir, next, &wrong, NULL, NULL,
			     &err),
	    AG_ECONFLICT);
	/* Our own, but from before its beginning. */
	assert_int_equal(store_open_from(&store, dir, cluster, &wrong, NULL,
			     NULL, &err),
	    AG_ECONFLICT);
	assert_non_null(strstr(err.text, "before"));
	store = opened(dir);
	assert_value(store, "key", "value", 1);
	store_close(store);
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
	char path[DIRECTORY_PATH_BYTES + 32];
	struct ag_error err;
	struct store *store;
	FILE *file;

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fprintf(file, "%04096d", 1);
	(void)fclose(file);
	assert_int_equal(store_open(&store, dir, cluster, NULL, &err),
	    AG_ECORRUPT);
	assert_non_null(strstr(err.text, "state.db"));
}

static void
a_directory_that_can_not_be_made_is_named(void **state)
{
	struct ag_error err;
	struct store *store;

	(void)state;
	assert_int_equal(store_open(&store, "/nowhere/state", cluster, NULL,
			     &err),
	    AG_ESYS);
	assert_non_null(strstr(err.text, "/nowhere/state: No such file"));
}

static bool
sum_visit(void *arg, const struct store_entry *entry)
{
	uint64_t *sum = arg;

	*sum += entry->version;
	return true;
}

/* Each batch raises two keys' versions: a page never shows one of them. */
static void *
read_pages(void *arg)
{
	struct store_reader *reader;
	uint64_t seq = 0, sum;
	bool more;

	if (store_reader_open(&reader, arg, NULL) != AG_OK)
		return NULL;
	while (seq < 200) {
		sum = 0;
		if (store_range(reader, bytes_of(NULL, 0), bytes_of(NULL, 0),
			10, true, sum_visit, &sum, &more, &seq, NULL) != AG_OK)
			break;
		if (sum != 2 * seq)
			break;
	}
	store_reader_close(reader);
	return seq == 200 ? arg : NULL;
}

static void
readers_see_whole_batches_while_others_are_applied(void **state)
{
	struct store *store = opened(dir);
	pthread_t reader;
	void *result;
	uint64_t seq;

	(void)state;
	assert_int_equal(pthread_create(&reader, NULL, read_pages, store), 0);
	for (seq = 1; seq <= 200; seq++) {
		batch_begin(&maker, 1, seq * 2, 1000);
		batch_put(&maker, "a", "1");
		batch_put(&maker, "b", "1");
		apply(store);
		if (seq % 50 == 0)
			assert_int_equal(store_sync(store, NULL), AG_OK);
	}
	(void)pthread_join(reader, &result);
	assert_ptr_equal(result, store);
	store_close(store);
}

/* What a file is and holds, to see whether it was touched. */
struct print {
	struct timespec changed;
	off_t size;
	uint32_t sum;
};

static struct print
print_of(const char *name)
{
	char path[DIRECTORY_PATH_BYTES + 64];
	struct print print = { .size = -1 };
	struct stat st;
	struct buf data;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (stat(path, &st) == -1)
		return print;
	buf_init(&data, 64U << 20);
	assert_int_equal(fs_read_file(path, &data, NULL), AG_OK);
	print = (struct print){ st.st_mtim, st.st_size,
		crc32c_update(0, buf_bytes(&data)) };
	buf_fini(&data);
	return print;
}

static void
assert_same(const struct print *before, const struct print *after)
{
	assert_int_equal(before->size, after->size);
	assert_int_equal(before->sum, after->sum);
	assert_int_equal(before->changed.tv_sec, after->changed.tv_sec);
	assert_int_equal(before->changed.tv_nsec, after->changed.tv_nsec);
}

/* A process that puts, commits, and is gone without closing anything. */
static void
put_and_die(void)
{
	pid_t child = fork();
	int how;

	if (child == 0) {
		struct store *store = opened(dir);

		batch_begin(&maker, 1, 1, 1000);
		batch_put(&maker, "k", "one");
		apply(store);
		_Exit(store_commit(store, NULL) == AG_OK ? 0 : 1);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void
a_peek_sees_what_a_dead_process_left_and_touches_nothing(void **state)
{
	static const char *const names[] = { "state.db", "state.db-wal",
		"state.db-shm", "state.db-journal" };
	struct print before[4], after;
	struct store_glance glance;
	size_t i;

	(void)state;
	put_and_die();
	for (i = 0; i < 4; i++)
		before[i] = print_of(names[i]);
	assert_true(before[1].size > 0);
	assert_int_equal(store_peek(&glance, dir, NULL), AG_OK);
	assert_int_equal(glance.seq, 1);
	assert_int_equal(glance.keys, 2);
	assert_memory_equal(glance.cluster_id, cluster, CLUSTER_ID_BYTES);
	for (i = 0; i < 4; i++) {
		after = print_of(names[i]);
		assert_same(&before[i], &after);
	}
}

static void
a_peek_at_a_closed_state_makes_no_files(void **state)
{
	struct store *store = opened(dir);
	struct store_glance glance;
	struct print before, after;

	(void)state;
	batch_begin(&maker, 1, 1, 1000);
	batch_put(&maker, "k", "one");
	apply(store);
	assert_int_equal(store_commit(store, NULL), AG_OK);
	store_close(store);
	before = print_of("state.db");
	assert_int_equal(print_of("state.db-wal").size, -1);
	assert_int_equal(store_peek(&glance, dir, NULL), AG_OK);
	assert_int_equal(glance.seq, 1);
	after = print_of("state.db");
	assert_same(&before, &after);
	assert_int_equal(print_of("state.db-wal").size, -1);
	assert_int_equal(print_of("state.db-shm").size, -1);
}

static void
a_peek_at_nothing_says_so(void **state)
{
	struct store_glance glance;
	char path[DIRECTORY_PATH_BYTES + 64];
	struct ag_error err;

	(void)state;
	assert_int_equal(store_peek(&glance, dir, &err), AG_ENOENT);
	assert_int_equal(mkdir(dir, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	assert_int_equal(fs_create_file(path, 0600, bytes_of(NULL, 0), NULL),
	    AG_OK);
	assert_int_equal(store_peek(&glance, dir, &err), AG_ECORRUPT);
	assert_non_null(strstr(err.text, "state.db"));
}

int
main(void)
{
#define STORE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_put_is_read_back_with_its_version),
		STORE_TEST(versions_start_again_after_a_delete),
		STORE_TEST(a_version_that_does_not_match_changes_nothing),
		STORE_TEST(a_request_sent_twice_happens_once),
		STORE_TEST(an_expired_request_changes_nothing_ever),
		STORE_TEST(bytes_that_are_no_operation_get_an_outcome_too),
		STORE_TEST(bytes_that_are_no_batch_move_only_the_sequence),
		STORE_TEST(a_transaction_does_one_of_its_lists),
		STORE_TEST(a_conflict_inside_a_transaction_undoes_all_of_it),
		STORE_TEST(a_range_is_a_page_of_one_state),
		STORE_TEST(what_was_committed_is_there_after_opening_again),
		STORE_TEST(what_was_not_committed_is_not),
		STORE_TEST(commits_may_fall_anywhere),
		STORE_TEST(another_clusters_state_is_refused),
		STORE_TEST(a_restored_state_becomes_its_new_cluster_s),
		STORE_TEST(another_state_than_the_origin_is_refused_and_kept),
		STORE_TEST(a_file_that_is_no_database_is_refused),
		STORE_TEST(a_directory_that_can_not_be_made_is_named),
		STORE_TEST(
		    a_peek_sees_what_a_dead_process_left_and_touches_nothing),
		STORE_TEST(a_peek_at_a_closed_state_makes_no_files),
		STORE_TEST(a_peek_at_nothing_says_so),
		STORE_TEST(readers_see_whole_batches_while_others_are_applied),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
