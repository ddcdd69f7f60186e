/*
 * Heartbeats: what is taken for one, and which answers count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/message.h"
#include "net/heartbeat.h"

static void
both_come_back_as_they_were_sent(void **state)
{
	const uint64_t stamps[] = { 0, 23, 24, 1000000, UINT64_MAX };
	uint8_t out[HEARTBEAT_BYTES_MAX];
	struct heartbeat sent, taken;
	struct bytes body;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(stamps) / sizeof(stamps[0]); i++) {
		sent = (struct heartbeat){ i % 2 == 1, stamps[i / 2] };
		body = heartbeat_encode(out, &sent);
		assert_int_equal(message_type_of(body),
		    sent.is_answer ? MESSAGE_HEARTBEAT_ACK : MESSAGE_HEARTBEAT);
		assert_int_equal(heartbeat_decode(&taken, body), AG_OK);
		assert_int_equal(taken.is_answer, sent.is_answer);
		assert_int_equal(taken.stamp, sent.stamp);
	}
}

static void
any_other_shape_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} wrong[] = {
		{ "", 0 }, { "\x82", 1 }, { "\x82\x07", 2 }, /* cut */
		{ "\x81\x07", 2 },                           /* no stamp */
		{ "\x83\x07\x01\x01", 4 },     /* a field too many */
		{ "\x82\x07\x01\x00", 4 },     /* bytes behind it */
		{ "\x82\x06\x01", 3 },         /* another message */
		{ "\x82\x07\x18\x01", 4 },     /* longer than needed */
		{ "\x82\x07\x41\x01", 4 },     /* a stamp of bytes */
		{ "\x9f\x07\x01\xff", 4 },     /* of no stated length */
		{ "\x82\x08\x1b\xff\xff", 5 }, /* a stamp that is cut */
	};
	struct heartbeat beat;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(heartbeat_decode(&beat,
				     bytes_of(wrong[i].bytes, wrong[i].len)),
		    AG_EPROTO);
}

static void
an_answer_counts_for_as_long_as_silence_is_borne(void **state)
{
	struct heartbeat answer = { .is_answer = true, .stamp = 5000 };
	uint64_t took;

	(void)state;
	assert_true(heartbeat_round_trip(&answer, 5000, 1000, &took));
	assert_int_equal(took, 0);
	assert_true(heartbeat_round_trip(&answer, 6000, 1000, &took));
	assert_int_equal(took, 1000);
	assert_false(heartbeat_round_trip(&answer, 6001, 1000, &took));
}

static void
a_stamp_from_the_future_says_nothing(void **state)
{
	struct heartbeat answer = { .is_answer = true, .stamp = 5001 };
	uint64_t took;

	(void)state;
	assert_false(heartbeat_round_trip(&answer, 5000, UINT64_MAX, &took));
	answer.stamp = UINT64_MAX;
	assert_false(heartbeat_round_trip(&answer, 5000, UINT64_MAX, &took));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_come_back_as_they_were_sent),
		cmocka_unit_test(any_other_shape_is_refused),
		cmocka_unit_test(
		    an_answer_counts_for_as_long_as_silence_is_borne),
		cmocka_unit_test(a_stamp_from_the_future_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
