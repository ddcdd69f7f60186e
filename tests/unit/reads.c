/*
 * Reads: what is answered, when, and what is refused.
 */
#include "node/reads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "event/loop.h"
#include "fixture/batches.h"
#include "fixture/directory.h"

#define PATIENCE_MS 60000
#define READS_MAX 16384

static const uint8_t cluster_id[32] = { 1 };

struct spec {
	char dir[DIRECTORY_PATH_BYTES];
	char state[DIRECTORY_PATH_BYTES + 8], other[DIRECTORY_PATH_BYTES + 8];
	struct loop *loop;
	struct metric_set *metrics;
	struct applier *applier;
	struct requests *requests;
	struct reads *reads;
	struct trust_scope scope;
	struct request_signer signer;
	struct batch_maker maker;
	uint64_t seq;      /* delivered, */
	uint64_t executed; /* and reported */
	uint64_t last;     /* of the epoch; or 0 */
	unsigned answered;
	char told[256]; /* NAME=WHAT for each answer, sorted by who came */
	bool is_idle;
};

static struct spec s;

static void
sign_nothing(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)message;
	memset(signature, 0, SIGNATURE_BYTES);
}

static const struct authority authority = { .sign = sign_nothing };

static void
on_applied(void *arg, const struct applied *applied)
{
	(void)arg;
	s.executed = applied->seq;
	requests_set_time(s.requests, applied->time_ms);
	requests_applied(s.requests, applied->outcomes, applied->outcome_count);
	reads_applied(s.reads, s.last);
	loop_stop(s.loop);
}

static void
on_failed(void *arg, const struct ag_error *err)
{
	(void)arg;
	fail_msg("%s", err->text);
}

static int
set_up(void **state)
{
	const struct applier_callbacks callbacks = { .applied = on_applied,
		.failed = on_failed };
	struct ag_error err;

	(void)state;
	memset(&s, 0, sizeof(s));
	s.signer.authority = &authority;
	s.signer.scope = &s.scope;
	s.metrics = metric_set_new();
	if (s.metrics == NULL || directory_make(s.dir) == -1 ||
	    loop_new(&s.loop, &err) != AG_OK)
		return -1;
	(void)snprintf(s.state, sizeof(s.state), "%s/state", s.dir);
	(void)snprintf(s.other, sizeof(s.other), "%s/other", s.dir);
	return applier_open(&s.applier, s.state, cluster_id, NULL, NULL,
		   s.signer.principal, s.loop, &callbacks, NULL,
		   &err) == AG_OK &&
		requests_open(&s.requests, s.dir, 1, s.loop, &s.signer, 65536,
		    5000, s.metrics, &err) == AG_OK
	    ? 0
	    : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	reads_free(s.reads);
	requests_close(s.requests);
	applier_close(s.applier);
	loop_free(s.loop);
	metric_set_free(s.metrics);
	return directory_remove(s.dir);
}

static void
by_barrier(void)
{
	s.reads = reads_new(s.requests, s.applier, s.loop, false);
	assert_non_null(s.reads);
}

static void
by_index(void)
{
	s.reads = reads_new(s.requests, s.applier, s.loop, true);
	assert_non_null(s.reads);
}

static void
on_patience_end(void *arg)
{
	fail_msg("waited in vain for %s", (const char *)arg);
}

/* Turn the loop until something stops it, not for ever. */
static void
turn(const char *what)
{
	struct loop_timer *patience;
	char name[64];

	(void)snprintf(name, sizeof(name), "%s", what);
	assert_int_equal(loop_timer_new(&patience, s.loop, on_patience_end,
			     name),
	    AG_OK);
	loop_timer_set(patience, PATIENCE_MS);
	loop_run(s.loop);
	loop_timer_close(patience);
}

static void
deliver(struct bytes batch)
{
	assert_int_equal(applier_deliver(s.applier, ++s.seq, false, batch),
	    AG_OK);
	applier_execute(s.applier, false);
	while (s.executed < s.seq)
		turn("a batch");
}

/* Somebody writes: the version of "key" is one more. */
static void
write_key(void)
{
	batch_begin(&s.maker, 7, s.seq + 1, 1);
	batch_put(&s.maker, "key", "value");
	deliver(batch_end(&s.maker));
}

/* What waits for agreement: false when nothing does. */
static bool
is_asked(struct bytes *envelope)
{
	return requests_envelope(s.requests, envelope) == AG_OK;
}

/* It is agreed on. */
static void
agree(struct bytes envelope)
{
	static uint8_t room[4096];
	struct encoder e;
	struct bytes batch;

	encoder_init(&e, room, sizeof(room));
	batch_encode_head(&e, 1, 0, 1);
	encoder_put_raw(&e, envelope);
	assert_int_equal(encoder_finish(&e, &batch), AG_OK);
	deliver(batch);
}

/* The version that was read, or why not. */
static void
on_read(void *arg, enum ag_status status, const struct node_page *page)
{
	size_t len = strlen(s.told);
	const char *name = arg;

	if (status != AG_OK)
		(void)snprintf(s.told + len, sizeof(s.told) - len, "%s=%s ",
		    name, ag_status_name(status));
	else
		(void)snprintf(s.told + len, sizeof(s.told) - len, "%s=%u ",
		    name,
		    page->count == 0 ? 0 : (unsigned)page->entries[0].version);
	s.answered++;
	loop_stop(s.loop);
}

static const struct read_query of_key = {
	.first = { (const uint8_t *)"key", 3 },
	.last = { (const uint8_t *)"key0", 4 },
	.limit = 10,
};

static enum ag_status
read_as(enum node_consistency consistency, const char *name,
    uint32_t timeout_ms)
{
	static char names[8][8];
	static size_t used;
	char *copy = names[used++ % 8];
	struct ag_error err;

	(void)snprintf(copy, sizeof(names[0]), "%s", name);
	return reads_add(s.reads, consistency, &of_key, timeout_ms, on_read,
	    copy, &err);
}

static void
read_key(const char *name)
{
	assert_int_equal(read_as(NODE_LINEARIZABLE, name, PATIENCE_MS), AG_OK);
}

/* So many reads were answered since the test began: like this. */
static void
told(unsigned count, const char *text)
{
	while (s.answered < count)
		turn(text);
	assert_int_equal(s.answered, count);
	assert_string_equal(s.told, text);
}

static void
local_read_sees_what_was_executed_and_asks_nobody(void **state)
{
	struct bytes envelope;

	(void)state;
	by_barrier();
	write_key();
	write_key();
	assert_int_equal(read_as(NODE_LOCAL, "a", 1), AG_OK);
	told(1, "a=2 ");
	assert_false(is_asked(&envelope));
}

static void
reads_are_answered_when_the_barrier_they_share_is_executed(void **state)
{
	struct bytes envelope, second;

	(void)state;
	by_barrier();
	write_key();
	read_key("a");
	assert_true(is_asked(&envelope));
	write_key();
	assert_int_equal(s.answered, 0);
	agree(envelope);
	told(1, "a=2 ");
	assert_false(is_asked(&second));
}

/* The one in flight may have been ordered before a write that b knows of. */
static void
read_joins_the_next_barrier_and_not_the_one_in_flight(void **state)
{
	struct bytes envelope;

	(void)state;
	by_barrier();
	write_key();
	read_key("a");
	assert_true(is_asked(&envelope));
	read_key("b");
	read_key("c");
	agree(envelope);
	told(1, "a=1 ");
	write_key();
	assert_true(is_asked(&envelope));
	agree(envelope);
	told(3, "a=1 b=2 c=2 ");
	assert_false(is_asked(&envelope));
}

/* A view change takes longer than anybody waits: the read did not happen. */
static void
read_whose_barrier_came_to_nothing_did_not_happen(void **state)
{
	struct bytes envelope;

	(void)state;
	by_barrier();
	assert_int_equal(read_as(NODE_LINEARIZABLE, "a", 1), AG_OK);
	assert_true(is_asked(&envelope));
	told(1, "a=NO_QUORUM ");
	read_key("b");
	assert_true(is_asked(&envelope));
	agree(envelope);
	told(2, "a=NO_QUORUM b=0 ");
}

/* In a view change it may be ordered late, and twice. */
static void
barrier_that_comes_after_its_reads_were_given_up_answers_nobody(void **state)
{
	static uint8_t late[4096];
	struct bytes envelope;

	(void)state;
	by_barrier();
	assert_int_equal(read_as(NODE_LINEARIZABLE, "a", 1), AG_OK);
	assert_true(is_asked(&envelope));
	memcpy(late, envelope.data, envelope.len);
	envelope.data = late;
	told(1, "a=NO_QUORUM ");
	agree(envelope);
	agree(envelope);
	told(1, "a=NO_QUORUM ");
}

static void
more_reads_than_may_wait_are_refused(void **state)
{
	struct ag_error err;
	unsigned i;

	(void)state;
	by_barrier();
	for (i = 0; i < READS_MAX; i++)
		read_key("a");
	assert_int_equal(reads_add(s.reads, NODE_LOCAL, &of_key, 1, on_read,
			     NULL, &err),
	    AG_EBUSY);
	assert_string_equal(err.text, "read: too many reads wait");
	assert_int_equal(s.answered, 0);
}

static void
on_idle(void *arg)
{
	(void)arg;
	s.is_idle = true;
}

static void
idle_is_told_when_the_last_read_is_answered(void **state)
{
	struct bytes envelope;

	(void)state;
	by_barrier();
	reads_on_idle(s.reads, on_idle, NULL);
	assert_true(s.is_idle);
	s.is_idle = false;
	read_key("a");
	reads_on_idle(s.reads, on_idle, NULL);
	assert_false(s.is_idle);
	assert_true(is_asked(&envelope));
	agree(envelope);
	told(1, "a=0 ");
	assert_true(s.is_idle);
}

/* Its barrier is answered by the requests, which are closed after it. */
static void
who_waits_when_reads_stop_is_told_and_the_barrier_ends_alone(void **state)
{
	struct bytes envelope;

	(void)state;
	by_barrier();
	read_key("a");
	assert_true(is_asked(&envelope));
	read_key("b");
	reads_free(s.reads);
	s.reads = NULL;
	told(2, "b=UNREACHABLE a=UNREACHABLE ");
	requests_close(s.requests);
	s.requests = NULL;
	told(2, "b=UNREACHABLE a=UNREACHABLE ");
}

static void
on_page(void *arg, enum ag_status status, const struct node_page *page)
{
	assert_int_equal(status, AG_OK);
	*(size_t *)arg = page->count;
	assert_true(page->more);
	assert_int_equal(page->seq, 1);
	assert_int_equal(page->entries[0].value.len, 0);
	assert_true(bytes_equal(page->entries[1].key, bytes_from_text("k2")));
	s.answered++;
	loop_stop(s.loop);
}

static void
page_ends_at_its_limit_and_says_that_more_follows(void **state)
{
	const struct read_query keys = { .first = bytes_from_text("k"),
		.limit = 2,
		.keys_only = true };
	struct ag_error err;
	size_t count = 0;

	(void)state;
	by_barrier();
	batch_begin(&s.maker, 7, 1, 1);
	batch_put(&s.maker, "k1", "1");
	batch_put(&s.maker, "k2", "2");
	batch_put(&s.maker, "k3", "3");
	deliver(batch_end(&s.maker));
	assert_int_equal(reads_add(s.reads, NODE_LOCAL, &keys, 1, on_page,
			     &count, &err),
	    AG_OK);
	while (s.answered == 0)
		turn("a page");
	assert_int_equal(count, 2);
}

static void
on_past(void *arg, enum ag_status status, const struct node_page *page)
{
	*(enum ag_status *)arg = status;
	assert_int_equal(page->seq, 1);
	if (status == AG_OK)
		assert_int_equal(page->count, 3);
	s.answered++;
	loop_stop(s.loop);
}

/* What was reported and is not committed yet is waited for. */
static void
read_at_a_sequence_sees_what_was_reported_and_says_what_it_cannot(void **state)
{
	struct read_query query = { .is_at = true,
		.at = 1,
		.first = bytes_from_text("k"),
		.limit = 9 };
	enum ag_status status = AG_EINTERNAL;
	struct ag_error err;

	(void)state;
	by_barrier();
	batch_begin(&s.maker, 7, 1, 1);
	batch_put(&s.maker, "k1", "1");
	batch_put(&s.maker, "k2", "2");
	batch_put(&s.maker, "k3", "3");
	deliver(batch_end(&s.maker));
	for (; query.at <= 2; query.at++) {
		s.answered = 0;
		assert_int_equal(reads_add(s.reads, NODE_LOCAL, &query, 1,
				     on_past, &status, &err),
		    AG_OK);
		while (s.answered == 0)
			turn("what was");
		assert_int_equal(status, query.at == 1 ? AG_OK : AG_EUNREACH);
	}
}

/* --- by index --- */

static void
index_is_asked_for_once_and_the_state_waited_for(void **state)
{
	struct bytes envelope;

	(void)state;
	by_index();
	assert_false(reads_ask(s.reads));
	read_key("a");
	assert_false(is_asked(&envelope));
	assert_true(reads_ask(s.reads));
	assert_false(reads_ask(s.reads));
	reads_indexed(s.reads, 2, 0);
	write_key();
	assert_int_equal(s.answered, 0);
	write_key();
	told(1, "a=2 ");
}

static void
read_joins_the_next_index_and_not_the_one_asked_for(void **state)
{
	(void)state;
	by_index();
	read_key("a");
	assert_true(reads_ask(s.reads));
	read_key("b");
	assert_false(reads_ask(s.reads));
	reads_indexed(s.reads, 0, 0);
	told(1, "a=0 ");
	assert_true(reads_ask(s.reads));
	reads_indexed(s.reads, 0, 0);
	told(2, "a=0 b=0 ");
}

/* While nobody leads no answer comes; who comes next asks again. */
static void
read_without_an_index_is_given_up_and_the_next_one_asks(void **state)
{
	(void)state;
	by_index();
	assert_int_equal(read_as(NODE_LINEARIZABLE, "a", 1), AG_OK);
	assert_true(reads_ask(s.reads));
	told(1, "a=NO_QUORUM ");
	read_key("b");
	assert_true(reads_ask(s.reads));
	reads_indexed(s.reads, 0, 0);
	told(2, "a=NO_QUORUM b=0 ");
}

/* The next epoch may have gone on without us. */
static void
last_state_of_an_epoch_answers_nothing_until_the_next_says_so(void **state)
{
	(void)state;
	by_index();
	read_key("a");
	read_key("b");
	assert_true(reads_ask(s.reads));
	reads_indexed(s.reads, 1, 0);
	s.last = 1;
	write_key();
	assert_int_equal(s.answered, 0);
	s.last = 0;
	reads_renew(s.reads);
	assert_true(reads_ask(s.reads));
	reads_indexed(s.reads, 1, 0);
	told(2, "b=1 a=1 ");
}

/* What an installed state has, no commit of ours is waited for. */
static void
state_that_is_put_in_place_answers_who_waited_for_one(void **state)
{
	struct ag_error err;
	struct store *store;
	uint64_t seq;

	(void)state;
	by_index();
	read_key("a");
	assert_true(reads_ask(s.reads));
	reads_indexed(s.reads, 3, 0);
	assert_int_equal(store_open(&store, s.other, cluster_id, NULL, &err),
	    AG_OK);
	for (seq = 1; seq <= 3; seq++) {
		batch_begin(&s.maker, 7, seq, 1);
		batch_put(&s.maker, "key", "value");
		assert_int_equal(store_apply(store, seq, batch_end(&s.maker),
				     NULL, &err),
		    AG_OK);
	}
	assert_int_equal(store_commit(store, &err), AG_OK);
	store_close(store);
	assert_int_equal(applier_replace(s.applier, s.other, 3, &err), AG_OK);
	reads_applied(s.reads, 0);
	told(1, "a=3 ");
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC(local_read_sees_what_was_executed_and_asks_nobody),
		SPEC(
		    reads_are_answered_when_the_barrier_they_share_is_executed),
		SPEC(read_joins_the_next_barrier_and_not_the_one_in_flight),
		SPEC(read_whose_barrier_came_to_nothing_did_not_happen),
		SPEC(
		    barrier_that_comes_after_its_reads_were_given_up_answers_nobody),
		SPEC(more_reads_than_may_wait_are_refused),
		SPEC(idle_is_told_when_the_last_read_is_answered),
		SPEC(
		    who_waits_when_reads_stop_is_told_and_the_barrier_ends_alone),
		SPEC(page_ends_at_its_limit_and_says_that_more_follows),
		SPEC(
		    read_at_a_sequence_sees_what_was_reported_and_says_what_it_cannot),
		SPEC(index_is_asked_for_once_and_the_state_waited_for),
		SPEC(read_joins_the_next_index_and_not_the_one_asked_for),
		SPEC(read_without_an_index_is_given_up_and_the_next_one_asks),
		SPEC(
		    last_state_of_an_epoch_answers_nothing_until_the_next_says_so),
		SPEC(state_that_is_put_in_place_answers_who_waited_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
