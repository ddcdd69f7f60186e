/*
 * What a member sends to observers, and the little it takes from them.
 */
#include "node/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "fixture/people.h"
#include "trust/request.h"

#define OBSERVER 4
#define SENT_MAX 4096

struct fixture {
	struct people people;
	struct roster roster; /* p0 ... p3, and p4, which observes */
	struct identity identity, observer;
	struct metric_set *metrics;
	struct feed *feed;
	uint64_t decided;
	/* What came of it. */
	uint64_t sent[SENT_MAX]; /* sequences, to the observer, in order */
	size_t sent_count, checkpoints;
	uint64_t history; /* asked of the log, last */
	size_t histories, submitted, wanted;
	size_t waiting;
};

static void
on_send(void *arg, uint32_t nodes, struct bytes message)
{
	struct fixture *f = arg;
	struct decoder d;

	assert_int_equal(nodes, 1U << OBSERVER);
	if (message_type_of(message) == MESSAGE_CHECKPOINT) {
		f->checkpoints++;
		return;
	}
	decoder_init(&d, message);
	decoder_expect_array(&d, 3);
	assert_int_equal(decoder_get_uint(&d), MESSAGE_COMMITTED);
	assert_true(f->sent_count < SENT_MAX);
	f->sent[f->sent_count++] = decoder_get_uint(&d);
	(void)decoder_get_bytes(&d);
	assert_int_equal(decoder_finish(&d, NULL), AG_OK);
}

static void
on_history(void *arg, uint32_t node, uint64_t seq)
{
	struct fixture *f = arg;

	assert_int_equal(node, OBSERVER);
	f->history = seq;
	f->histories++;
}

static void
on_submit(void *arg, struct bytes envelope)
{
	struct fixture *f = arg;

	assert_true(envelope.len > 0);
	f->submitted++;
}

static size_t
on_waiting(void *arg)
{
	return ((struct fixture *)arg)->waiting;
}

static void
on_want(void *arg)
{
	((struct fixture *)arg)->wanted++;
}

static int
make_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct roster_member observer;
	struct ag_error err;

	if (f == NULL)
		return -1;
	people_open(&f->people);
	people_found(&f->people, &f->roster, 4, 0);
	observer = f->people.members[4];
	observer.is_observer = true;
	roster_put_last(&f->roster, &observer);
	roster_seal(&f->roster);
	f->metrics = metric_set_new();
	if (identity_init_key(&f->identity, &f->roster, f->people.keys[0],
		&err) != AG_OK ||
	    identity_init_key(&f->observer, &f->roster, f->people.keys[4],
		&err) != AG_OK)
		return -1;
	f->feed = feed_new(&(struct feed_config){
	    .roster = &f->roster,
	    .scope = &f->identity.scope,
	    .authority = &identity_authority,
	    .authority_ctx = &f->identity,
	    .metrics = f->metrics,
	    .arg = f,
	    .send = on_send,
	    .history = on_history,
	    .submit = on_submit,
	    .waiting = on_waiting,
	    .want_checkpoint = on_want,
	});
	*state = f;
	return f->feed == NULL ? -1 : 0;
}

static int
remove_fixture(void **state)
{
	struct fixture *f = *state;

	feed_free(f->feed);
	metric_set_free(f->metrics);
	people_close(&f->people);
	free(f);
	return 0;
}

/* The next decision; its certificate is its number, which nobody reads. */
static void
decide(struct fixture *f, unsigned count)
{
	uint8_t raw[16];
	struct encoder e;
	struct bytes certificate;

	while (count-- > 0) {
		encoder_init(&e, raw, sizeof(raw));
		encoder_put_uint(&e, ++f->decided);
		assert_int_equal(encoder_finish(&e, &certificate), AG_OK);
		feed_decided(f->feed, f->decided, certificate,
		    bytes_from_text("a batch"));
	}
}

static void
follow_with(struct fixture *f, uint64_t delivered, uint64_t stable, bool wants,
    bool feeds, uint64_t now_us)
{
	uint8_t raw[64];
	struct encoder e;
	struct bytes body;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_FOLLOW);
	encoder_put_uint(&e, delivered);
	encoder_put_uint(&e, delivered);
	encoder_put_uint(&e, stable);
	encoder_put_bool(&e, wants);
	encoder_put_bool(&e, feeds);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	feed_message(f->feed, OBSERVER, body, now_us);
}

static void
follow(struct fixture *f, uint64_t delivered, uint64_t now_us)
{
	follow_with(f, delivered, 0, false, true, now_us);
}

/* All from first to last were sent, in order, and nothing else since. */
static void
assert_sent(struct fixture *f, uint64_t first, uint64_t last)
{
	size_t i;

	assert_int_equal(f->sent_count, last - first + 1);
	for (i = 0; i < f->sent_count; i++)
		assert_int_equal(f->sent[i], first + i);
	f->sent_count = 0;
}

static uint64_t
refused(const struct fixture *f)
{
	return (uint64_t)metric_value(metric_new(f->metrics, METRIC_COUNTER,
	    "aegis_observer_refused_total", "", "peer=\"p4\""));
}

static void
who_asks_at_the_head_gets_each_decision_as_it_is_made(void **state)
{
	struct fixture *f = *state;

	decide(f, 3);
	assert_int_equal(f->sent_count, 0);
	follow(f, 3, 1000000);
	decide(f, 5);
	assert_sent(f, 4, 8);
	/* What is on its way is not sent again. */
	follow(f, 6, 1100000);
	assert_int_equal(f->sent_count, 0);
	decide(f, 1);
	assert_sent(f, 9, 9);
}

static void
what_was_asked_for_twice_is_sent_again(void **state)
{
	struct fixture *f = *state;

	follow(f, 0, 1000000);
	decide(f, 40);
	assert_sent(f, 1, 40);
	follow(f, 10, 1500000);
	assert_int_equal(f->sent_count, 0);
	follow(f, 10, 2000000);
	/* Little, for it may be slow and not deaf. */
	assert_sent(f, 11, 26);
}

static void
who_is_behind_gets_what_is_kept_and_older_from_the_log(void **state)
{
	struct fixture *f = *state;

	decide(f, 1000);
	follow(f, 100, 1000000);
	assert_int_equal(f->history, 101);
	assert_int_equal(f->sent_count, 0);
	decide(f, 1);
	assert_int_equal(f->sent_count, 0);
	follow(f, 900, 1100000);
	assert_sent(f, 901, 1001);
	assert_int_equal(f->histories, 1);
	decide(f, 2);
	assert_sent(f, 1002, 1003);
}

static void
a_state_put_in_place_leaves_a_gap_that_is_not_papered_over(void **state)
{
	struct fixture *f = *state;

	decide(f, 10);
	f->decided = 50;
	decide(f, 2);
	follow(f, 5, 1000000);
	assert_int_equal(f->history, 6);
	assert_int_equal(f->sent_count, 0);
	follow(f, 50, 1100000);
	assert_sent(f, 51, 52);
}

static void
nobody_is_sent_more_than_so_much_ahead(void **state)
{
	struct fixture *f = *state;

	follow(f, 0, 1000000);
	decide(f, 1000);
	assert_sent(f, 1, 256);
	follow(f, 800, 1100000);
	assert_sent(f, 801, 1000);
}

static void
who_asks_another_is_only_noted(void **state)
{
	struct fixture *f = *state;
	struct feed_told told;

	follow(f, 0, 1000000);
	decide(f, 1);
	assert_sent(f, 1, 1);
	follow_with(f, 1, 0, false, false, 1100000);
	decide(f, 9);
	assert_int_equal(f->sent_count, 0);
	follow_with(f, 4, 2, false, false, 1200000);
	feed_told(f->feed, OBSERVER, &told);
	assert_int_equal(told.applied, 4);
	assert_int_equal(told.stable, 2);
	assert_int_equal(told.lag, 6);
}

static void
a_stable_checkpoint_goes_to_all_and_again_to_who_lacks_it(void **state)
{
	struct fixture *f = *state;

	feed_stable(f->feed, 8, bytes_from_text("\x01"));
	assert_int_equal(f->checkpoints, 1);
	follow_with(f, 9, 8, false, true, 1000000);
	assert_int_equal(f->checkpoints, 1);
	follow_with(f, 9, 0, false, true, 1100000);
	assert_int_equal(f->checkpoints, 2);
}

static void
a_checkpoint_is_taken_for_observers_once_a_second(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < 100; i++)
		follow_with(f, 0, 0, true, true, 5000000 + i * 10000);
	assert_int_equal(f->wanted, 1);
	follow_with(f, 0, 0, true, true, 7000000);
	assert_int_equal(f->wanted, 2);
}

static void
questions_are_answered_so_often_and_no_more(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	decide(f, 1000);
	for (i = 0; i < 10000; i++)
		follow(f, i % 700, 1000000 + i);
	assert_true(f->histories <= 64);
	assert_int_equal(refused(f), 10000 - 64);
}

static struct bytes
message_of(uint64_t type, struct bytes content, uint8_t *out, size_t cap)
{
	struct bytes body;
	struct encoder e;

	encoder_init(&e, out, cap);
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, type);
	encoder_put_bytes(&e, content);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	return body;
}

static struct bytes
request_by(struct identity *who, uint8_t *out, size_t cap)
{
	struct bytes operation = bytes_from_text("an operation"), encoded;
	struct request_signer signer;
	struct encoder e;

	identity_request_signer(&signer, who);
	encoder_init(&e, out, cap);
	request_encode(&e, &signer, 1, 0, &operation, 1);
	assert_int_equal(encoder_finish(&e, &encoded), AG_OK);
	return encoded;
}

static void
nothing_but_a_question_or_a_request_goes_any_further(void **state)
{
	struct fixture *f = *state;
	uint8_t raw[1024], out[2048];
	struct bytes request = request_by(&f->observer, raw, sizeof(raw));
	uint64_t type, count = 0;

	for (type = 0; type < 64; type++) {
		if (type == MESSAGE_REQUEST)
			continue;
		feed_message(f->feed, OBSERVER,
		    message_of(type, request, out, sizeof(out)), 1000000);
		count++;
	}
	feed_message(f->feed, OBSERVER, bytes_from_text("noise"), 1000000);
	feed_message(f->feed, OBSERVER, bytes_of(NULL, 0), 1000000);
	assert_int_equal(f->submitted, 0);
	assert_int_equal(f->sent_count, 0);
	assert_int_equal(f->histories, 0);
	assert_int_equal(refused(f), count + 2);
}

static void
a_request_is_taken_when_its_principal_signed_it(void **state)
{
	struct fixture *f = *state;
	uint8_t raw[1024], out[2048];
	struct bytes request = request_by(&f->observer, raw, sizeof(raw));

	feed_message(f->feed, OBSERVER,
	    message_of(MESSAGE_REQUEST, request, out, sizeof(out)), 1000000);
	assert_int_equal(f->submitted, 1);
	raw[request.len - 1] ^= 1;
	feed_message(f->feed, OBSERVER,
	    message_of(MESSAGE_REQUEST, request, out, sizeof(out)), 1000000);
	assert_int_equal(f->submitted, 1);
	assert_int_equal(refused(f), 1);
}

static void
our_own_clients_come_first(void **state)
{
	struct fixture *f = *state;
	uint8_t raw[1024], out[2048];
	struct bytes request = request_by(&f->observer, raw, sizeof(raw));
	unsigned i;

	f->waiting = 4U << 20;
	feed_message(f->feed, OBSERVER,
	    message_of(MESSAGE_REQUEST, request, out, sizeof(out)), 1000000);
	assert_int_equal(f->submitted, 0);
	f->waiting = 0;
	for (i = 0; i < 10000; i++)
		feed_message(f->feed, OBSERVER,
		    message_of(MESSAGE_REQUEST, request, out, sizeof(out)),
		    1000000);
	assert_true(f->submitted <= 2000);
}

#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC(who_asks_at_the_head_gets_each_decision_as_it_is_made),
		SPEC(what_was_asked_for_twice_is_sent_again),
		SPEC(who_is_behind_gets_what_is_kept_and_older_from_the_log),
		SPEC(
		    a_state_put_in_place_leaves_a_gap_that_is_not_papered_over),
		SPEC(nobody_is_sent_more_than_so_much_ahead),
		SPEC(who_asks_another_is_only_noted),
		SPEC(a_stable_checkpoint_goes_to_all_and_again_to_who_lacks_it),
		SPEC(a_checkpoint_is_taken_for_observers_once_a_second),
		SPEC(questions_are_answered_so_often_and_no_more),
		SPEC(nothing_but_a_question_or_a_request_goes_any_further),
		SPEC(a_request_is_taken_when_its_principal_signed_it),
		SPEC(our_own_clients_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
