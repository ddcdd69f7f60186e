/*
 * Frames: taken whole, however they arrive, and bounded before they do.
 */
#include "codec/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/message.h"

#define ALL ((1U << FRAME_CLASS_COUNT) - 1)

static void
a_frame_arrives_byte_by_byte(void **state)
{
	uint8_t bytes[FRAME_HEAD_BYTES + 3];
	struct frame_parser p;
	struct frame frame;
	size_t i;

	(void)state;
	frame_head(bytes, FRAME_CONSENSUS, 3);
	memcpy(bytes + FRAME_HEAD_BYTES, "abc", 3);
	frame_parser_init(&p, ALL);
	for (i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(frame_parser_next(&p, &frame, NULL),
		    AG_EAGAIN);
		assert_int_equal(frame_parser_feed(&p, bytes_of(bytes + i, 1),
				     NULL),
		    AG_OK);
	}
	assert_int_equal(frame_parser_next(&p, &frame, NULL), AG_OK);
	assert_int_equal(frame.class, FRAME_CONSENSUS);
	assert_true(bytes_equal(frame.body, bytes_of("abc", 3)));
	assert_int_equal(frame_parser_next(&p, &frame, NULL), AG_EAGAIN);
	frame_parser_fini(&p);
}

static void
several_frames_arrive_at_once(void **state)
{
	uint8_t bytes[3 * (FRAME_HEAD_BYTES + 1)];
	struct frame_parser p;
	struct frame frame;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		uint8_t *at = bytes + i * (FRAME_HEAD_BYTES + 1);

		frame_head(at, FRAME_CLIENT, 1);
		at[FRAME_HEAD_BYTES] = (uint8_t)i;
	}
	frame_parser_init(&p, ALL);
	assert_int_equal(frame_parser_feed(&p, bytes_of(bytes, sizeof(bytes)),
			     NULL),
	    AG_OK);
	for (i = 0; i < 3; i++) {
		assert_int_equal(frame_parser_next(&p, &frame, NULL), AG_OK);
		assert_int_equal(frame.body.data[0], i);
	}
	assert_int_equal(frame_parser_next(&p, &frame, NULL), AG_EAGAIN);
	frame_parser_fini(&p);
}

static void
a_head_that_claims_too_much_is_refused_at_once(void **state)
{
	static const uint8_t head[] = { 1, 0, 1, 0, FRAME_GOSSIP };
	struct frame_parser p;
	struct ag_error err;

	(void)state;
	frame_parser_init(&p, ALL);
	assert_int_equal(frame_parser_feed(&p, bytes_of(head, sizeof(head)),
			     &err),
	    AG_EPROTO);
	assert_non_null(strstr(err.text, "gossip frame of 65537 bytes"));
	frame_parser_fini(&p);
}

static void
a_class_not_accepted_here_is_refused(void **state)
{
	static const uint8_t head[] = { 1, 0, 0, 0, FRAME_BULK };
	struct frame_parser p;

	(void)state;
	frame_parser_init(&p, 1U << FRAME_CONTROL);
	assert_int_equal(frame_parser_feed(&p, bytes_of(head, sizeof(head)),
			     NULL),
	    AG_EPROTO);
	frame_parser_fini(&p);
}

static void
an_empty_body_is_refused(void **state)
{
	static const uint8_t head[] = { 0, 0, 0, 0, FRAME_CONTROL };
	struct frame_parser p;

	(void)state;
	frame_parser_init(&p, ALL);
	assert_int_equal(frame_parser_feed(&p, bytes_of(head, sizeof(head)),
			     NULL),
	    AG_EPROTO);
	frame_parser_fini(&p);
}

static void
messages_have_one_name_number_and_class(void **state)
{
	static const uint8_t body[] = { 0x82, 0x12, 0x00 };

	(void)state;
	assert_int_equal(message_type_of(bytes_of(body, sizeof(body))),
	    MESSAGE_VOTES);
	assert_string_equal(message_name(MESSAGE_VOTES), "VOTES");
	assert_int_equal(message_class(MESSAGE_DATA_CHUNK), FRAME_BULK);
	assert_null(message_name(0));
	assert_int_equal(message_class(999), FRAME_CLASS_COUNT);
	assert_int_equal(message_type_of(bytes_of("x", 1)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_arrives_byte_by_byte),
		cmocka_unit_test(several_frames_arrive_at_once),
		cmocka_unit_test(
		    a_head_that_claims_too_much_is_refused_at_once),
		cmocka_unit_test(a_class_not_accepted_here_is_refused),
		cmocka_unit_test(an_empty_body_is_refused),
		cmocka_unit_test(messages_have_one_name_number_and_class),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
