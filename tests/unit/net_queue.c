/*
 * Send queues, token buckets and the limits before authentication.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/limits.h"
#include "net/queue.h"
#include "resource/bucket.h"

#define PEER_CLASSES 0xfU

static int
open_queue(void **state)
{
	struct send_queue *q = malloc(sizeof(*q));

	if (q == NULL)
		return -1;
	send_queue_init(q);
	*state = q;
	return 0;
}

static int
close_queue(void **state)
{
	send_queue_fini(*state);
	free(*state);
	return 0;
}

/* Push a body of len bytes that starts with tag. */
static enum ag_status
push(struct send_queue *q, enum frame_class class, uint8_t tag, size_t len)
{
	uint8_t *body = calloc(1, len);
	struct bytes part = bytes_of(body, len);
	struct net_frame *frame;
	enum ag_status status;

	assert_non_null(body);
	body[0] = tag;
	frame = net_frame_new(class, &part, 1);
	assert_non_null(frame);
	free(body);
	status = send_queue_push(q, frame);
	net_frame_unref(frame);
	return status;
}

/* The tag of the next frame, -1 when there is none. */
static int
pop(struct send_queue *q, uint32_t classes)
{
	struct net_frame *frame = send_queue_pop(q, classes);
	int tag;

	if (frame == NULL)
		return -1;
	tag = frame->data[FRAME_HEAD_BYTES];
	net_frame_unref(frame);
	return tag;
}

static void
parts_are_laid_end_to_end_behind_one_head(void **state)
{
	const struct bytes parts[] = { bytes_from_text("ab"),
		bytes_from_text(""), bytes_from_text("c") };
	struct net_frame *frame = net_frame_new(FRAME_CLIENT, parts, 3);

	(void)state;
	assert_non_null(frame);
	assert_int_equal(frame->len, FRAME_HEAD_BYTES + 3);
	assert_memory_equal(frame->data, "\3\0\0\0\2abc", 8);
	net_frame_unref(frame);
}

static void
control_overtakes_everything(void **state)
{
	assert_int_equal(push(*state, FRAME_GOSSIP, 3, 10), AG_OK);
	assert_int_equal(push(*state, FRAME_CONSENSUS, 2, 10), AG_OK);
	assert_int_equal(push(*state, FRAME_CONTROL, 1, 10), AG_OK);
	assert_int_equal(pop(*state, PEER_CLASSES), 1);
	assert_int_equal(pop(*state, PEER_CLASSES), 2);
	assert_int_equal(pop(*state, PEER_CLASSES), 3);
	assert_int_equal(pop(*state, PEER_CLASSES), -1);
}

static void
gossip_is_not_starved_by_votes(void **state)
{
	unsigned i;
	int tag = 0;

	assert_int_equal(push(*state, FRAME_GOSSIP, 9, 1000), AG_OK);
	for (i = 0; i < 1000; i++)
		assert_int_equal(push(*state, FRAME_CONSENSUS, 1, 4000), AG_OK);
	for (i = 0; i < 1000 && tag != 9; i++)
		tag = pop(*state, PEER_CLASSES);
	assert_int_equal(tag, 9);
	assert_true(i < 100);
}

static void
full_queue_gives_up_its_oldest_and_counts_them(void **state)
{
	struct send_queue *q = *state;
	uint8_t i;

	for (i = 0; i < 12; i++)
		assert_int_equal(push(q, FRAME_CONSENSUS, i, 1U << 20), AG_OK);
	assert_true(
	    send_queue_bytes(q) <= send_queue_bytes_max(FRAME_CONSENSUS));
	assert_int_equal(q->dropped, 5);
	assert_int_equal(pop(q, PEER_CLASSES), 5);
}

static void
full_bulk_queue_refuses_instead(void **state)
{
	struct send_queue *q = *state;
	unsigned i;

	for (i = 0; i < 15; i++)
		assert_int_equal(push(q, FRAME_BULK, 1, 256U << 10), AG_OK);
	assert_int_equal(push(q, FRAME_BULK, 1, 256U << 10), AG_ELIMIT);
	assert_int_equal(q->dropped, 0);
	assert_int_equal(pop(q, 1U << FRAME_BULK), 1);
	assert_int_equal(push(q, FRAME_BULK, 1, 256U << 10), AG_OK);
}

static void
many_small_frames_come_out_in_order(void **state)
{
	unsigned i, out = 0;

	for (i = 0; i < 1000; i++) {
		assert_int_equal(push(*state, FRAME_CLIENT, (uint8_t)i,
				     1 + i % 9),
		    AG_OK);
		if (i % 3 == 0)
			assert_int_equal(pop(*state, PEER_CLASSES),
			    out++ % 256);
	}
	while (out < 1000)
		assert_int_equal(pop(*state, PEER_CLASSES), out++ % 256);
}

static void
bucket_allows_its_burst_then_its_rate(void **state)
{
	struct bucket b;
	unsigned i;

	(void)state;
	bucket_init(&b, 10, 3, 1000);
	for (i = 0; i < 3; i++)
		assert_true(bucket_take(&b, 1, 1000));
	assert_false(bucket_take(&b, 1, 1000));
	assert_false(bucket_take(&b, 1, 100999));
	assert_true(bucket_take(&b, 1, 101000));
	assert_false(bucket_take(&b, 4, UINT64_MAX));
	assert_true(bucket_take(&b, 3, UINT64_MAX));
	assert_false(bucket_take(&b, 1, 5));
}

/* One more from there; counted among those that wait when it may come in. */
static bool
asks(struct limits *limits, struct limits_asker *asker, uint64_t now_us)
{
	if (!limits_admit(limits, asker, now_us))
		return false;
	asker->waiting++;
	asker->waiting_here++;
	return true;
}

static void
strangers_cannot_use_up_what_members_need(void **state)
{
	struct limits_asker stranger = { .random = 99 }, member;
	struct address from, hosts[TRUST_MEMBERS_MAX];
	struct limits limits;
	char text[32];
	unsigned i, j;

	(void)state;
	assert_true(address_parse(&from, "203.0.113.9:5000"));
	stranger.from = &from;
	limits_init(&limits, 1);
	/* As fast as they like, from everywhere, lucky every time. */
	for (i = 0; i < 1000; i++)
		(void)asks(&limits, &stranger, 1 + (uint64_t)i * 1000000);
	assert_int_equal(stranger.waiting, 48);
	/* Every member's host still gets its share, and no more. */
	member = (struct limits_asker){ .members = 1, .waiting = 48 };
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "192.0.2.%u:7422", i + 1);
		assert_true(address_parse(&hosts[i], text));
		member.from = &hosts[i];
		member.waiting_here = 0;
		for (j = 0; j < LIMITS_PREAUTH_MEMBER; j++)
			assert_true(asks(&limits, &member, 1000000000));
		assert_false(asks(&limits, &member, 1000000000));
	}
	assert_int_equal(member.waiting, LIMITS_PREAUTH_MAX);
}

static void
members_on_one_host_share_its_slots_and_rate(void **state)
{
	struct limits_asker asker = { .members = 4 };
	struct address from, other;
	struct limits limits;
	unsigned i;

	(void)state;
	assert_true(address_parse(&from, "192.0.2.1:7422"));
	assert_true(address_parse(&other, "192.0.2.2:7422"));
	limits_init(&limits, 1);
	asker.from = &from;
	for (i = 0; i < 4 * LIMITS_PREAUTH_MEMBER; i++)
		assert_true(asks(&limits, &asker, 1));
	assert_false(asks(&limits, &asker, 1));
	/* Those that come and go at once run into the rate, their own. */
	asker.waiting_here = 0;
	for (i = 0; i < 1000; i++)
		(void)limits_admit(&limits, &asker, 1);
	assert_false(limits_admit(&limits, &asker, 1));
	asker.from = &other;
	assert_true(limits_admit(&limits, &asker, 1));
}

static void
one_network_has_a_rate_of_its_own(void **state)
{
	struct address a, neighbour, other;
	struct limits_asker asker = { .from = &a };
	struct limits limits;
	unsigned i;

	(void)state;
	assert_true(address_parse(&a, "203.0.113.9:5000"));
	assert_true(address_parse(&neighbour, "203.0.113.200:5000"));
	assert_true(address_parse(&other, "[2001:db8::1]:5000"));
	limits_init(&limits, 1);
	for (i = 0; i < 10; i++)
		assert_true(limits_admit(&limits, &asker, 1));
	asker.from = &neighbour;
	assert_false(limits_admit(&limits, &asker, 1));
	asker.from = &other;
	assert_true(limits_admit(&limits, &asker, 1));
}

static void
addresses_of_another_shape_are_refused(void **state)
{
	static const char *const wrong[] = { "", "host", ":80",
		"host:", "host:0", "host:65536", "host:8x", "::1:80", "[]:80" };
	struct address address;
	struct ag_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(address_resolve(&address, wrong[i], false,
				     &err),
		    AG_EINVAL);
	assert_true(address_parse(&address, "[::1]:7422"));
	assert_false(address_parse(&address, "localhost:7422"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_queue, close_queue)
		cmocka_unit_test(parts_are_laid_end_to_end_behind_one_head),
		SPEC(control_overtakes_everything),
		SPEC(gossip_is_not_starved_by_votes),
		SPEC(full_queue_gives_up_its_oldest_and_counts_them),
		SPEC(full_bulk_queue_refuses_instead),
		SPEC(many_small_frames_come_out_in_order),
		cmocka_unit_test(bucket_allows_its_burst_then_its_rate),
		cmocka_unit_test(strangers_cannot_use_up_what_members_need),
		cmocka_unit_test(members_on_one_host_share_its_slots_and_rate),
		cmocka_unit_test(one_network_has_a_rate_of_its_own),
		cmocka_unit_test(addresses_of_another_shape_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
