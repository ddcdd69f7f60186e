/*
 * State transfer end to end: members of one process with real stores, loop,
 * pool and snapshots; only the links are a queue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fs.h"
#include "codec/message.h"
#include "event/loop.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/members.h"
#include "node/applier.h"
#include "node/snapshots.h"
#include "node/sync.h"
#include "node/sync_parts.h"
#include "store/store.h"

#define SEQ 24
#define VALUE_BYTES 147456 /* so that there are more parts than are asked */
#define SERVERS 2          /* members 1 and 2 */
#define SERVER_SET 0x6U
#define PATIENCE_MS 120000

struct scene;

/* One member; those that only fetch have no applier. */
struct end {
	struct scene *scene;
	uint32_t self;
	char dir[DIRECTORY_PATH_BYTES + 16], fetched[DIRECTORY_PATH_BYTES + 16];
	struct applier *applier;
	struct snapshots *snapshots;
	struct identity identity;
	struct sync *sync;
	size_t ready;
	struct digest digest; /* of what was fetched */
};

struct scene {
	struct members members;
	struct chain_start start;
	char root[DIRECTORY_PATH_BYTES];
	struct loop *loop;
	struct loop_timer *patience, *quiet;
	struct end ends[MEMBERS];
	struct digest digest; /* of the server's state */
	size_t letters, stop_at;
	uint64_t sent_bytes[MEMBERS]; /* of parts, by who sent them */
	uint32_t liar;                /* changes a byte in each; 0: nobody */
	size_t wanted;                /* fetches to end before the loop stops */
};

struct letter {
	struct end *to;
	uint32_t from;
	size_t len;
	uint8_t body[];
};

/* --- the queue of links --- */

static void
letter_deliver(void *arg)
{
	struct letter *letter = arg;
	struct scene *s = letter->to->scene;
	struct bytes body = bytes_of(letter->body, letter->len);

	if (message_type_of(body) == MESSAGE_DATA_CHUNK) {
		s->sent_bytes[letter->from] += letter->len;
		if (letter->from == s->liar)
			letter->body[letter->len / 2] ^= 1;
	}
	if (letter->to->sync != NULL)
		sync_frame(letter->to->sync, letter->from, body);
	free(letter);
	if (++s->letters == s->stop_at)
		loop_stop(s->loop);
}

static enum ag_status
on_send(void *arg, uint32_t member, const struct bytes *parts, size_t count)
{
	struct end *end = arg;
	struct letter *letter;
	size_t i, len = 0;

	for (i = 0; i < count; i++)
		len += parts[i].len;
	letter = malloc(sizeof(*letter) + len);
	assert_non_null(letter);
	letter->to = &end->scene->ends[member];
	letter->from = end->self;
	letter->len = 0;
	for (i = 0; i < count; i++) {
		memcpy(letter->body + letter->len, parts[i].data, parts[i].len);
		letter->len += parts[i].len;
	}
	return loop_post(end->scene->loop, letter_deliver, letter);
}

static void
on_ready(void *arg, const char *dir, uint64_t seq, const struct digest *digest,
    struct bytes certificate)
{
	struct end *end = arg;
	struct scene *s = end->scene;
	size_t i, ready = 0;

	assert_string_equal(dir, end->fetched);
	assert_int_equal(seq, SEQ);
	assert_true(certificate.len > 0);
	end->digest = *digest;
	end->ready++;
	for (i = 0; i < MEMBERS; i++)
		ready += s->ends[i].ready;
	if (ready == s->wanted)
		loop_stop(s->loop);
}

/* --- the servers' state --- */

static void
on_applied(void *arg, const struct applied *applied)
{
	struct end *end = arg;

	if (!applied->has_digest)
		return;
	end->scene->digest = applied->digest;
	loop_stop(end->scene->loop);
}

static void
on_pinned(void *arg, void *pin_arg, enum ag_status status,
    struct store_pin *pin)
{
	snapshots_pinned(((struct end *)arg)->snapshots, pin_arg, status, pin);
}

static void
on_synced(void *arg, uint64_t seq)
{
	(void)arg;
	(void)seq;
}

static void
on_failed(void *arg, const struct ag_error *err)
{
	(void)arg;
	fail_msg("%s", err->text);
}

static void
on_want(void *arg)
{
	(void)arg;
}

static void
on_impatience(void *arg)
{
	(void)arg;
	fail_msg("nothing came in %d ms", PATIENCE_MS);
}

static void
execute_batches(struct end *end)
{
	struct batch_maker *maker = malloc(sizeof(*maker));
	char *value = malloc(VALUE_BYTES + 1);
	uint64_t i;

	assert_non_null(maker);
	assert_non_null(value);
	memset(value, 'v', VALUE_BYTES);
	value[VALUE_BYTES] = '\0';
	for (i = 1; i <= SEQ; i++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "key%u", (unsigned)i);
		batch_begin(maker, 1, i, 1000);
		batch_put(maker, key, value);
		assert_int_equal(applier_deliver(end->applier, i, i == SEQ,
				     batch_end(maker)),
		    AG_OK);
	}
	applier_execute(end->applier, false);
	free(value);
	free(maker);
	loop_run(end->scene->loop);
}

/* A store with batches, the last a checkpoint that a quorum signed. */
static void
open_server(struct end *end)
{
	static struct certificate certificate;
	static uint8_t space[CERTIFICATE_BYTES_MAX];
	const struct applier_callbacks callbacks = {
		.arg = end,
		.applied = on_applied,
		.pinned = on_pinned,
		.synced = on_synced,
		.failed = on_failed,
	};
	const uint8_t principal[PRINCIPAL_BYTES] = { 7 };
	struct scene *s = end->scene;
	struct trust_scope scope;
	struct ag_error err;
	struct bytes encoded;
	struct encoder e;

	roster_scope(&s->members.roster, &scope);
	assert_int_equal(applier_open(&end->applier, end->dir, scope.cluster_id,
			     NULL, NULL, principal, s->loop, &callbacks, NULL,
			     &err),
	    AG_OK);
	end->snapshots =
	    snapshots_new(s->loop, end->applier, &scope, on_want, end);
	assert_non_null(end->snapshots);
	execute_batches(end);
	members_certify(&s->members, 0x7, SEQ, &s->digest, &certificate);
	encoder_init(&e, space, sizeof(space));
	certificate_encode(&e, &certificate);
	assert_int_equal(encoder_finish(&e, &encoded), AG_OK);
	snapshots_stable(end->snapshots, SEQ, encoded);
}

/* --- scenes --- */

/* What is damaged on its way was signed by nobody. */
static void
on_evidence(void *arg, uint32_t member, struct bytes file)
{
	(void)arg;
	(void)file;
	fail_msg("evidence against member %u", member);
}

static void
start_sync(struct end *end)
{
	struct members *m = &end->scene->members;

	assert_int_equal(identity_init_key(&end->identity, &m->roster,
			     m->keys[end->self], NULL),
	    AG_OK);
	end->sync = sync_new(&(struct sync_config){
	    .loop = end->scene->loop,
	    .snapshots = end->snapshots,
	    .roster = &end->scene->members.roster,
	    .start = &end->scene->start,
	    .self = end->self,
	    .authority = &identity_authority,
	    .authority_ctx = &end->identity,
	    .dir = end->fetched,
	    .arg = end,
	    .send = on_send,
	    .evidence = on_evidence,
	    .ready = on_ready,
	});
	assert_non_null(end->sync);
}

static void
open_end(struct scene *s, uint32_t self)
{
	struct end *end = &s->ends[self];

	end->scene = s;
	end->self = self;
	(void)snprintf(end->dir, sizeof(end->dir), "%s/%u", s->root, self);
	(void)snprintf(end->fetched, sizeof(end->fetched), "%s/%u.new", s->root,
	    self);
	if ((SERVER_SET >> self & 1) != 0)
		open_server(end);
	start_sync(end);
}

/* Pins come from the applier's thread, and only to who is still there. */
static void
on_quiet_check(void *arg)
{
	struct scene *s = arg;

	if (snapshots_wanted(s->ends[1].snapshots) ||
	    snapshots_wanted(s->ends[2].snapshots))
		loop_timer_set(s->quiet, 1);
	else
		loop_stop(s->loop);
}

static int
open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct ag_error err;
	uint32_t i;

	assert_non_null(s);
	members_open(&s->members);
	assert_int_equal(directory_make(s->root), 0);
	assert_int_equal(loop_new(&s->loop, &err), AG_OK);
	assert_int_equal(loop_timer_new(&s->patience, s->loop, on_impatience,
			     s),
	    AG_OK);
	loop_timer_set(s->patience, PATIENCE_MS);
	assert_int_equal(loop_timer_new(&s->quiet, s->loop, on_quiet_check, s),
	    AG_OK);
	for (i = 0; i < MEMBERS; i++)
		open_end(s, i);
	*state = s;
	return 0;
}

/* Transfers end first, whatever is under way; then what they stand on. */
static int
close_scene(void **state)
{
	struct scene *s = *state;
	bool is_gone;
	uint32_t i;

	for (i = 0; i < MEMBERS; i++) {
		sync_free(s->ends[i].sync);
		s->ends[i].sync = NULL;
	}
	s->stop_at = 0;
	loop_timer_set(s->quiet, 0);
	loop_run(s->loop);
	loop_timer_close(s->quiet);
	for (i = 1; i <= SERVERS; i++) {
		snapshots_free(s->ends[i].snapshots);
		applier_close(s->ends[i].applier);
	}
	loop_timer_close(s->patience);
	loop_run(s->loop);
	loop_free(s->loop);
	members_close(&s->members);
	is_gone = directory_remove(s->root) == 0;
	free(s);
	return is_gone ? 0 : -1;
}

/* Run until so many fetches have ended. */
static void
run_until_ready(struct scene *s, size_t wanted)
{
	s->wanted = wanted;
	s->stop_at = 0;
	loop_run(s->loop);
}

/* Run until so many letters more were delivered. */
static void
run_letters(struct scene *s, size_t count)
{
	s->wanted = 0;
	s->stop_at = s->letters + count;
	loop_run(s->loop);
	assert_true(s->letters >= s->stop_at);
}

/* What was fetched opens as a store and is what the server has. */
static void
assert_fetched(struct scene *s, uint32_t member)
{
	struct end *end = &s->ends[member];
	struct digest digest;
	struct ag_error err;
	struct store *store;

	assert_int_equal(end->ready, 1);
	assert_true(digest_equal(&end->digest, &s->digest));
	assert_int_equal(store_open(&store, end->fetched,
			     s->members.roster.cluster_id, NULL, &err),
	    AG_OK);
	assert_int_equal(store_applied(store), SEQ);
	assert_int_equal(store_digest(store, &digest, &err), AG_OK);
	assert_true(digest_equal(&digest, &s->digest));
	store_close(store);
}

static void
fetch(struct scene *s, uint32_t member)
{
	sync_fetch(s->ends[member].sync, SEQ, SERVER_SET);
}

static void
a_member_that_was_away_is_sent_the_whole_state_by_all(void **state)
{
	struct scene *s = *state;

	fetch(s, 0);
	run_until_ready(s, 1);
	assert_fetched(s, 0);
	assert_true(s->sent_bytes[1] > 0);
	assert_true(s->sent_bytes[2] > 0);
	assert_in_range(s->sent_bytes[1] + s->sent_bytes[2], SEQ * VALUE_BYTES,
	    SEQ * VALUE_BYTES * 21 / 20);
}

static void
the_state_that_an_epoch_begins_with_is_sent_unsigned(void **state)
{
	struct scene *s = *state;
	struct trust_scope scope;
	uint32_t i;

	s->start.seq = SEQ;
	s->start.state = s->digest;
	roster_scope(&s->members.roster, &scope);
	for (i = 1; i <= SERVERS; i++)
		snapshots_begin_epoch(s->ends[i].snapshots, &scope, &s->start);
	fetch(s, 0);
	run_until_ready(s, 1);
	assert_fetched(s, 0);
}

static void
a_member_that_lies_costs_no_more_than_what_it_sent(void **state)
{
	struct scene *s = *state;

	s->liar = 2;
	fetch(s, 0);
	run_until_ready(s, 1);
	assert_fetched(s, 0);
	assert_in_range(s->sent_bytes[1], SEQ * VALUE_BYTES,
	    SEQ * VALUE_BYTES * 21 / 20);
}

/* Stopped at any moment, it goes on from there. */
static void
a_member_that_starts_again_is_sent_what_it_lacks(void **state)
{
	struct scene *s = *state;
	struct sync_progress progress = { .bytes = 0 };
	struct end *end = &s->ends[0];
	uint64_t sent;

	fetch(s, 0);
	while (progress.bytes < SEQ * VALUE_BYTES / 2) {
		run_letters(s, 1);
		sync_progress(end->sync, &progress);
	}
	sync_free(end->sync);
	start_sync(end);
	sent = s->sent_bytes[1] + s->sent_bytes[2];
	fetch(s, 0);
	run_until_ready(s, 1);
	assert_fetched(s, 0);
	/* What was under way to it meanwhile is not taken. */
	sent = s->sent_bytes[1] + s->sent_bytes[2] - sent;
	assert_true(sent < SEQ * VALUE_BYTES - progress.bytes +
		2 * SYNC_WINDOW * SYNC_PIECE_BYTES);
}

static void
two_members_fetch_at_once(void **state)
{
	struct scene *s = *state;

	fetch(s, 0);
	fetch(s, 3);
	run_until_ready(s, 2);
	assert_fetched(s, 0);
	assert_fetched(s, 3);
}

static void
two_members_fetch_one_after_the_other(void **state)
{
	struct scene *s = *state;

	fetch(s, 0);
	run_until_ready(s, 1);
	fetch(s, 3);
	run_until_ready(s, 2);
	assert_fetched(s, 0);
	assert_fetched(s, 3);
}

/* Request, response, and two letters for each chunk: to its end and past. */
static void
a_fetch_may_be_begun_again_at_any_moment(void **state)
{
	struct scene *s = *state;
	size_t i;

	for (i = 1; i < 14; i += 4) {
		fetch(s, 0);
		run_letters(s, i);
		sync_cancel(s->ends[0].sync);
		fetch(s, 0);
		run_until_ready(s, 1);
		assert_fetched(s, 0);
		s->ends[0].ready = 0;
	}
}

static void
a_fetch_that_was_cancelled_brings_no_state(void **state)
{
	struct scene *s = *state;

	fetch(s, 0);
	run_letters(s, 5);
	sync_cancel(s->ends[0].sync);
	assert_false(sync_is_fetching(s->ends[0].sync));
	fetch(s, 3);
	run_until_ready(s, 1);
	assert_fetched(s, 3);
	assert_int_equal(s->ends[0].ready, 0);
}

static void
what_an_earlier_start_left_of_a_fetch_goes_when_it_is_cancelled(void **state)
{
	struct scene *s = *state;
	struct sync_progress progress = { .bytes = 0 };
	struct end *end = &s->ends[0];

	fetch(s, 0);
	while (progress.bytes == 0) {
		run_letters(s, 1);
		sync_progress(end->sync, &progress);
	}
	sync_free(end->sync);
	start_sync(end);
	assert_true(fs_exists(end->fetched));
	sync_cancel(end->sync);
	assert_false(fs_exists(end->fetched));
}

static void
all_may_be_closed_at_any_moment(void **state)
{
	struct scene *s = *state;
	size_t i;

	for (i = 0; i < 14; i += 4) {
		fetch(s, 0);
		fetch(s, 2);
		if (i > 0)
			run_letters(s, i);
		assert_int_equal(s->ends[0].ready + s->ends[2].ready, 0);
		assert_int_equal(close_scene(state), 0);
		assert_int_equal(open_scene(state), 0);
		s = *state;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
		SPEC(a_member_that_was_away_is_sent_the_whole_state_by_all),
		SPEC(the_state_that_an_epoch_begins_with_is_sent_unsigned),
		SPEC(a_member_that_lies_costs_no_more_than_what_it_sent),
		SPEC(a_member_that_starts_again_is_sent_what_it_lacks),
		SPEC(two_members_fetch_at_once),
		SPEC(two_members_fetch_one_after_the_other),
		SPEC(a_fetch_may_be_begun_again_at_any_moment),
		SPEC(a_fetch_that_was_cancelled_brings_no_state),
		SPEC(
		    what_an_earlier_start_left_of_a_fetch_goes_when_it_is_cancelled),
		SPEC(all_may_be_closed_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
