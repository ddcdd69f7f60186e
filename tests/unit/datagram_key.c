/*
 * The keys of sealed datagrams: two ends in one function, whose clock is a
 * number.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "net/datagram_key.h"

#define TEXT "a sign of life"
#define SEALED (sizeof(TEXT) + DATAGRAM_OVERHEAD)

struct pair {
	struct datagram_keys *ends[2]; /* [0] dials */
	uint64_t now_us;
};

struct sealed {
	uint8_t data[SEALED];
};

/* Both ends of one handshake, over a transcript that each has. */
static void
begin(struct pair *p, const char *dialled, const char *accepted)
{
	uint8_t halves[2][DATAGRAM_PUBLIC_BYTES];
	struct secret *own[2];
	int i;

	for (i = 0; i < 2; i++)
		assert_non_null(own[i] = datagram_ephemeral(halves[i]));
	for (i = 0; i < 2; i++) {
		const struct datagram_start start = {
			.is_dialler = i == 0,
			.ephemeral = own[i],
			.their_public = halves[1 - i],
			.transcript =
			    bytes_from_text(i == 0 ? dialled : accepted),
			.now_us = p->now_us,
		};

		datagram_keys_free(p->ends[i]);
		assert_int_equal(datagram_keys_new(&p->ends[i], &start), AG_OK);
	}
	secret_free(own[0]);
	secret_free(own[1]);
}

static int
open_pair(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (p == NULL || sodium_init() < 0)
		return -1;
	p->now_us = 1000000;
	begin(p, "transcript", "transcript");
	*state = p;
	return 0;
}

static int
close_pair(void **state)
{
	struct pair *p = *state;

	datagram_keys_free(p->ends[0]);
	datagram_keys_free(p->ends[1]);
	free(p);
	return 0;
}

static struct sealed
seal(struct pair *p, int from)
{
	struct sealed s;

	assert_int_equal(datagram_seal(p->ends[from], s.data,
			     bytes_of(TEXT, sizeof(TEXT)), p->now_us),
	    AG_OK);
	return s;
}

static enum ag_status
open(struct pair *p, int to, const struct sealed *s)
{
	uint8_t out[SEALED] = { 0 };
	enum ag_status status;
	size_t len;

	status = datagram_open(p->ends[to], out, &len,
	    bytes_of(s->data, sizeof(s->data)), p->now_us);
	if (status == AG_OK) {
		assert_int_equal(len, sizeof(TEXT));
		assert_memory_equal(out, TEXT, sizeof(TEXT));
	}
	return status;
}

/* The other end takes no step before half its time. */
static void
wait_for_step(struct pair *p)
{
	const uint64_t least_us =
	    datagram_keys_since_us(p->ends[1]) + DATAGRAM_STEP_US / 2;

	if (p->now_us < least_us)
		p->now_us = least_us;
}

static void
step(struct pair *p)
{
	uint8_t offer[DATAGRAM_PUBLIC_BYTES], answer[DATAGRAM_PUBLIC_BYTES];
	uint64_t next = datagram_keys_step(p->ends[0]) + 1;

	wait_for_step(p);
	assert_int_equal(datagram_keys_offer(p->ends[0], offer), AG_OK);
	assert_int_equal(datagram_keys_answer(p->ends[1], next, offer, answer,
			     p->now_us),
	    AG_OK);
	assert_int_equal(datagram_keys_take(p->ends[0], next, answer,
			     p->now_us),
	    AG_OK);
}

/* Let counters of one end rise without anybody opening them. */
static void
lose(struct pair *p, int from, uint64_t count)
{
	for (; count > 0; count--)
		(void)seal(p, from);
}

static void
each_end_opens_what_the_other_sealed_and_not_its_own(void **state)
{
	struct pair *p = *state;
	struct sealed s[2] = { seal(p, 0), seal(p, 1) };

	assert_memory_not_equal(s[0].data + DATAGRAM_HEAD_BYTES,
	    s[1].data + DATAGRAM_HEAD_BYTES, sizeof(TEXT));
	assert_int_equal(open(p, 0, &s[0]), AG_EFORGED);
	assert_int_equal(open(p, 1, &s[0]), AG_OK);
	assert_int_equal(open(p, 0, &s[1]), AG_OK);
}

static void
a_changed_byte_anywhere_is_refused_and_changes_nothing(void **state)
{
	struct pair *p = *state;
	const struct sealed s = seal(p, 0);
	struct sealed forged;
	size_t i;

	for (i = 0; i < sizeof(s.data); i++) {
		forged = s;
		forged.data[i] ^= 1;
		assert_int_equal(open(p, 1, &forged), AG_EFORGED);
	}
	assert_int_equal(open(p, 1, &s), AG_OK);
}

static void
what_is_too_short_is_refused(void **state)
{
	struct pair *p = *state;
	const struct sealed s = seal(p, 0);
	uint8_t out[SEALED];
	size_t len;

	for (len = 0; len < DATAGRAM_OVERHEAD; len++) {
		size_t got;

		assert_int_equal(datagram_open(p->ends[1], out, &got,
				     bytes_of(s.data, len), p->now_us),
		    AG_EFORGED);
	}
}

static void
keys_depend_on_what_both_ends_have_signed(void **state)
{
	struct pair *p = *state;
	struct sealed s;

	begin(p, "transcript", "Transcript");
	s = seal(p, 0);
	assert_int_equal(open(p, 1, &s), AG_EFORGED);
}

static void
a_public_half_of_small_order_is_refused(void **state)
{
	struct pair *p = *state;
	uint8_t zero[DATAGRAM_PUBLIC_BYTES] = { 0 };
	uint8_t half[DATAGRAM_PUBLIC_BYTES];
	struct secret *own = datagram_ephemeral(half);
	const struct datagram_start start = {
		.ephemeral = own,
		.their_public = zero,
	};
	struct datagram_keys *keys;
	struct sealed s;

	assert_int_equal(datagram_keys_new(&keys, &start), AG_EFORGED);
	assert_null(keys);
	secret_free(own);
	wait_for_step(p);
	assert_int_equal(datagram_keys_answer(p->ends[1], 1, zero, half,
			     p->now_us),
	    AG_EFORGED);
	zero[0] = 1;
	assert_int_equal(datagram_keys_offer(p->ends[0], half), AG_OK);
	assert_int_equal(datagram_keys_take(p->ends[0], 1, zero, p->now_us),
	    AG_EFORGED);
	s = seal(p, 0);
	assert_int_equal(open(p, 1, &s), AG_OK);
}

static void
a_datagram_is_opened_once(void **state)
{
	struct pair *p = *state;
	const struct sealed s = seal(p, 0), later = seal(p, 0);

	assert_int_equal(open(p, 1, &later), AG_OK);
	assert_int_equal(open(p, 1, &s), AG_OK);
	assert_int_equal(open(p, 1, &s), AG_EEXIST);
	assert_int_equal(open(p, 1, &later), AG_EEXIST);
}

static void
a_window_knows_its_last_2048_and_takes_nothing_older(void **state)
{
	struct datagram_window w = { .next = 0 };
	uint64_t i;

	(void)state;
	assert_true(datagram_window_is_new(&w, 0));
	datagram_window_take(&w, 0);
	assert_false(datagram_window_is_new(&w, 0));
	datagram_window_take(&w, 2047);
	assert_false(datagram_window_is_new(&w, 0));
	for (i = 1; i < 2047; i++)
		assert_true(datagram_window_is_new(&w, i));
	datagram_window_take(&w, 2048);
	assert_false(datagram_window_is_new(&w, 0));
	assert_true(datagram_window_is_new(&w, 1));
	/* A jump forgets marks, not that older ones are old. */
	datagram_window_take(&w, 1000000);
	assert_false(datagram_window_is_new(&w, 1000000 - 2048));
	assert_true(datagram_window_is_new(&w, 1000000 - 2047));
	assert_false(datagram_window_is_new(&w, 2048));
	assert_true(datagram_window_is_new(&w, 1000001));
}

static void
a_window_agrees_with_a_list_of_all_that_was_taken(void **state)
{
	static bool taken[20000];
	struct datagram_window w = { .next = 0 };
	uint64_t newest = 0, at;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		at = newest + randombytes_uniform(40);
		at = at > 3000 ? at - randombytes_uniform(3000) : at;
		if (at >= sizeof(taken))
			break;
		if (datagram_window_is_new(&w, at)) {
			assert_false(taken[at]);
			taken[at] = true;
			datagram_window_take(&w, at);
		} else {
			assert_true(taken[at] || at + 2048 <= newest);
		}
		newest = at > newest ? at : newest;
	}
	assert_true(newest > 10000);
}

static void
a_key_seals_65536_and_the_next_is_another(void **state)
{
	struct pair *p = *state;
	struct sealed last, first;

	lose(p, 0, DATAGRAM_KEY_COUNT - 1);
	last = seal(p, 0);
	first = seal(p, 0);
	/* Either may be lost, or come late. */
	assert_int_equal(open(p, 1, &first), AG_OK);
	assert_int_equal(open(p, 1, &last), AG_OK);
}

static void
a_key_is_gone_a_window_after_its_last_datagram(void **state)
{
	struct pair *p = *state;
	struct sealed late, s;

	lose(p, 0, DATAGRAM_KEY_COUNT - 2);
	s = seal(p, 0);
	assert_int_equal(open(p, 1, &s), AG_OK);
	late = seal(p, 0);
	lose(p, 0, DATAGRAM_WINDOW - 1);
	s = seal(p, 0);
	assert_int_equal(open(p, 1, &s), AG_OK);
	assert_int_equal(open(p, 1, &late), AG_EEXIST);
}

static void
what_is_more_than_a_key_ahead_is_not_looked_for(void **state)
{
	struct pair *p = *state;
	struct sealed s;

	lose(p, 0, 2 * DATAGRAM_KEY_COUNT);
	s = seal(p, 0);
	assert_int_equal(open(p, 1, &s), AG_EFORGED);
}

static void
a_step_gives_new_keys_and_starts_counting_anew(void **state)
{
	struct pair *p = *state;
	struct sealed s;

	s = seal(p, 0);
	assert_int_equal(open(p, 1, &s), AG_OK);
	step(p);
	assert_int_equal(datagram_keys_step(p->ends[0]), 1);
	assert_int_equal(datagram_keys_step(p->ends[1]), 1);
	s = seal(p, 0);
	assert_int_equal(s.data[3], 1);
	assert_int_equal(s.data[11], 0);
	assert_int_equal(open(p, 1, &s), AG_OK);
	s = seal(p, 1);
	assert_int_equal(open(p, 0, &s), AG_OK);
}

static void
datagrams_of_the_step_before_are_opened_for_a_while(void **state)
{
	struct pair *p = *state;
	struct sealed late = seal(p, 0), later = seal(p, 0);

	step(p);
	assert_int_equal(open(p, 1, &late), AG_OK);
	assert_int_equal(open(p, 1, &late), AG_EEXIST);
	p->now_us += 10000000;
	assert_int_equal(open(p, 1, &later), AG_EFORGED);
}

static void
datagrams_of_the_step_before_are_gone_a_window_into_the_next(void **state)
{
	struct pair *p = *state;
	struct sealed late = seal(p, 0), s;

	step(p);
	lose(p, 0, DATAGRAM_WINDOW - 1);
	s = seal(p, 0);
	assert_int_equal(open(p, 1, &s), AG_OK);
	assert_int_equal(open(p, 1, &late), AG_EFORGED);
}

static void
datagrams_of_two_steps_before_are_gone(void **state)
{
	struct pair *p = *state;
	struct sealed late = seal(p, 0);

	step(p);
	step(p);
	assert_int_equal(open(p, 1, &late), AG_EFORGED);
}

static void
a_step_is_due_after_120_s_and_once(void **state)
{
	struct pair *p = *state;
	uint8_t half[DATAGRAM_PUBLIC_BYTES];

	assert_false(datagram_keys_is_due(p->ends[0], p->now_us + 119999999));
	p->now_us += 120000000;
	assert_true(datagram_keys_is_due(p->ends[0], p->now_us));
	assert_false(datagram_keys_is_due(p->ends[1], p->now_us));
	assert_int_equal(datagram_keys_offer(p->ends[0], half), AG_OK);
	assert_false(datagram_keys_is_due(p->ends[0], p->now_us));
}

static void
without_a_step_all_ends_after_180_s(void **state)
{
	struct pair *p = *state;
	struct sealed s = seal(p, 0);
	uint8_t half[DATAGRAM_PUBLIC_BYTES] = { 9 }, out[SEALED];

	p->now_us += 179999999;
	assert_true(datagram_keys_age(p->ends[0], p->now_us));
	p->now_us++;
	assert_int_equal(open(p, 1, &s), AG_ETIMEOUT);
	assert_int_equal(datagram_seal(p->ends[0], out,
			     bytes_of(TEXT, sizeof(TEXT)), p->now_us),
	    AG_ETIMEOUT);
	/* For good: time that went back brings nothing back. */
	p->now_us -= 100000000;
	assert_int_equal(open(p, 1, &s), AG_ETIMEOUT);
	assert_int_equal(datagram_keys_answer(p->ends[1], 1, half, half,
			     p->now_us),
	    AG_EPROTO);
	assert_false(datagram_keys_is_due(p->ends[0], UINT64_MAX));
}

static void
a_step_puts_the_end_off(void **state)
{
	struct pair *p = *state;
	struct sealed s;
	int i;

	for (i = 0; i < 5; i++) {
		p->now_us += 130000000;
		step(p);
		s = seal(p, 1);
		assert_int_equal(open(p, 0, &s), AG_OK);
	}
}

static void
steps_out_of_order_or_of_the_wrong_end_are_refused(void **state)
{
	struct pair *p = *state;
	uint8_t offer[DATAGRAM_PUBLIC_BYTES];
	uint8_t answer[DATAGRAM_PUBLIC_BYTES] = { 9 };
	struct sealed s;

	wait_for_step(p);
	assert_int_equal(datagram_keys_take(p->ends[0], 1, answer, p->now_us),
	    AG_EPROTO);
	assert_int_equal(datagram_keys_offer(p->ends[0], offer), AG_OK);
	assert_int_equal(datagram_keys_answer(p->ends[0], 1, offer, answer,
			     p->now_us),
	    AG_EPROTO);
	assert_int_equal(datagram_keys_answer(p->ends[1], 2, offer, answer,
			     p->now_us),
	    AG_EPROTO);
	assert_int_equal(datagram_keys_answer(p->ends[1], 1, offer, answer,
			     p->now_us),
	    AG_OK);
	assert_int_equal(datagram_keys_answer(p->ends[1], 1, offer, answer,
			     p->now_us),
	    AG_EPROTO);
	assert_int_equal(datagram_keys_take(p->ends[0], 2, answer, p->now_us),
	    AG_EPROTO);
	assert_int_equal(datagram_keys_take(p->ends[0], 1, answer, p->now_us),
	    AG_OK);
	s = seal(p, 0);
	assert_int_equal(open(p, 1, &s), AG_OK);
}

static void
a_step_before_half_its_time_is_refused_and_changes_nothing(void **state)
{
	struct pair *p = *state;
	uint8_t offer[DATAGRAM_PUBLIC_BYTES], answer[DATAGRAM_PUBLIC_BYTES];
	struct sealed s;

	p->now_us += DATAGRAM_STEP_US / 2 - 1;
	assert_int_equal(datagram_keys_offer(p->ends[0], offer), AG_OK);
	assert_int_equal(datagram_keys_answer(p->ends[1], 1, offer, answer,
			     p->now_us),
	    AG_EPROTO);
	s = seal(p, 0);
	assert_int_equal(open(p, 1, &s), AG_OK);
	p->now_us++;
	assert_int_equal(datagram_keys_answer(p->ends[1], 1, offer, answer,
			     p->now_us),
	    AG_OK);
}

static void
nothing_is_sealed_with_keys_that_were_wiped(void **state)
{
	struct pair *p = *state;
	int how = 0;
	pid_t child = fork();

	assert_int_not_equal(child, -1);
	if (child == 0) {
		(void)seal(p, 0);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
}

static void
who_heard_the_halves_but_not_the_secrets_is_shut_out(void **state)
{
	struct pair *p = *state;
	struct pair thief = { .now_us = p->now_us };
	struct sealed s;

	/* Another pair that goes through the same, with secrets of its own. */
	begin(&thief, "transcript", "transcript");
	s = seal(p, 0);
	assert_int_equal(open(&thief, 1, &s), AG_EFORGED);
	datagram_keys_free(thief.ends[0]);
	datagram_keys_free(thief.ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
		SPEC(each_end_opens_what_the_other_sealed_and_not_its_own),
		SPEC(a_changed_byte_anywhere_is_refused_and_changes_nothing),
		SPEC(what_is_too_short_is_refused),
		SPEC(keys_depend_on_what_both_ends_have_signed),
		SPEC(a_public_half_of_small_order_is_refused),
		SPEC(a_datagram_is_opened_once),
		SPEC(a_window_knows_its_last_2048_and_takes_nothing_older),
		SPEC(a_window_agrees_with_a_list_of_all_that_was_taken),
		SPEC(a_key_seals_65536_and_the_next_is_another),
		SPEC(a_key_is_gone_a_window_after_its_last_datagram),
		SPEC(what_is_more_than_a_key_ahead_is_not_looked_for),
		SPEC(a_step_gives_new_keys_and_starts_counting_anew),
		SPEC(datagrams_of_the_step_before_are_opened_for_a_while),
		SPEC(
		    datagrams_of_the_step_before_are_gone_a_window_into_the_next),
		SPEC(datagrams_of_two_steps_before_are_gone),
		SPEC(a_step_is_due_after_120_s_and_once),
		SPEC(without_a_step_all_ends_after_180_s),
		SPEC(a_step_puts_the_end_off),
		SPEC(steps_out_of_order_or_of_the_wrong_end_are_refused),
		SPEC(
		    a_step_before_half_its_time_is_refused_and_changes_nothing),
		SPEC(nothing_is_sealed_with_keys_that_were_wiped),
		SPEC(who_heard_the_halves_but_not_the_secrets_is_shut_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
