/*
 * Raft believes its members, but no byte of theirs stops a node or reaches
 * outside its memory; and what no leader would send changes nothing.
 */
#include "consensus_fixture.h"

#define CAUGHT_MAX 512

static struct {
	uint8_t bytes[2048];
	size_t len;
} caught[CAUGHT_MAX];
static size_t caught_count;

static bool
catches_all(struct cluster *c, uint32_t from, uint32_t to, struct bytes body)
{
	(void)c;
	(void)from;
	(void)to;
	if (body.len <= sizeof(caught[0].bytes)) {
		size_t at = caught_count++ % CAUGHT_MAX;

		memcpy(caught[at].bytes, body.data, body.len);
		caught[at].len = body.len;
	}
	return true;
}

/* A cluster that has lived: leaders changed, a member was away. */
static struct cluster *
lived_of(uint32_t n)
{
	struct cluster *c = cluster_new_by(&strategy_raft, n);
	uint32_t i;

	caught_count = 0;
	c->passes = catches_all;
	c->has_transfer = true;
	cluster_start(c);
	for (i = 0; i < 4; i++) {
		cluster_advance(c, 4000 * MS);
		node_crash(&c->nodes[i % n]);
		cluster_advance(c, 4000 * MS);
		agree(c, (i + 1) % n, 90);
		node_step(&c->nodes[(i + 1) % n],
		    (struct event){ .kind = EVENT_READ, .token = 70 + i });
		node_step(&c->nodes[(i + 2) % n],
		    (struct event){ .kind = EVENT_READ, .token = 70 + i });
		cluster_settle(c);
		node_start(&c->nodes[i % n]);
	}
	cluster_advance(c, 2000 * MS);
	assert_healthy(c);
	return c;
}

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005U + 1442695040888963407U;
	return *state >> 33;
}

static void
no_bytes_of_a_member_stop_a_node(void **state)
{
	struct cluster *c = lived_of(3);
	uint64_t random = 7;
	uint8_t raw[2048];
	unsigned i, k;
	size_t known = caught_count < CAUGHT_MAX ? caught_count : CAUGHT_MAX;

	(void)state;
	assert_true(known > 100);
	for (i = 0; i < 20000; i++) {
		size_t at = next_random(&random) % known;
		size_t len = caught[at].len;

		memcpy(raw, caught[at].bytes, len);
		for (k = (unsigned)next_random(&random) % 4; k > 0; k--)
			raw[next_random(&random) % len] =
			    (uint8_t)next_random(&random);
		if (next_random(&random) % 8 == 0)
			len = next_random(&random) % (len + 1);
		post(c, 1 + (uint32_t)next_random(&random) % 2, 0,
		    bytes_of(raw, len));
		/* Only what is sent and written is of interest: what it was
		 * told may be believed. */
		items_free(&c->nodes[1].inbox);
		items_free(&c->nodes[2].inbox);
		assert_null(c->nodes[0].fatal);
	}
	cluster_free(c);
}

/* An APPEND of two empty batches, but for what is wrong with it. */
struct wrong {
	const char *what;
	uint64_t term, before, before_term, first_term, second_term;
	size_t fields, count;
	bool is_garbage;
};

static void
post_wrong(struct cluster *c, const struct wrong *w)
{
	uint8_t raw[1024];
	struct bytes body;
	struct encoder e;
	size_t i;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, w->fields);
	encoder_put_uint(&e, MESSAGE_APPEND);
	encoder_put_uint(&e, w->term);
	encoder_put_uint(&e, w->before);
	encoder_put_uint(&e, w->before_term);
	encoder_put_uint(&e, 0);
	encoder_put_array(&e, w->count);
	for (i = 0; i < w->count; i++) {
		encoder_put_array(&e, 2);
		encoder_put_uint(&e, i == 0 ? w->first_term : w->second_term);
		encoder_put_bytes(&e,
		    w->is_garbage ? bytes_of("batch?", 6)
				  : bytes_of("\x83\x00\x00\x80", 4));
	}
	for (i = 6; i < w->fields; i++)
		encoder_put_uint(&e, 0);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 1, 0, body);
}

static void
what_no_leader_would_send_changes_nothing(void **state)
{
	static const struct wrong wrong[] = {
		{ "terms that fall", 3, 0, 0, 2, 1, 6, 2, false },
		{ "an entry of a later term", 3, 0, 0, 3, 4, 6, 2, false },
		{ "older than what came before", 3, 0, 2, 1, 1, 6, 2, false },
		{ "no batch", 3, 0, 0, 3, 3, 6, 2, true },
		{ "the last of all terms", UINT64_MAX, 0, 0, 3, 3, 6, 2,
		    false },
		{ "a field too many", 3, 0, 0, 3, 3, 7, 2, false },
		{ "more entries than one takes", 3, 0, 0, 3, 3, 6, 65, false },
		{ "behind everything", 3, UINT64_MAX, 0, 3, 3, 6, 2, false },
	};
	struct cluster *c = cluster_new_by(&strategy_raft, 3);
	struct engine_status s;
	size_t i;

	(void)state;
	c->asks_nobody = true;
	node_start(&c->nodes[0]);
	cluster_settle(c);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		post_wrong(c, &wrong[i]);
		s = status_of(c, 0);
		if (s.view != 0 || s.proposed != 0)
			fail_msg("%s: taken", wrong[i].what);
	}
	post_wrong(c, &(struct wrong){ "nothing", 3, 0, 0, 3, 3, 6, 2, false });
	assert_int_equal(status_of(c, 0).view, 3);
	assert_int_equal(status_of(c, 0).proposed, 2);
	cluster_free(c);
}

static void
a_base_without_a_majoritys_signatures_is_not_taken(void **state)
{
	static struct certificate certificate;
	struct cluster *c = cluster_new_by(&strategy_raft, 3);
	uint8_t raw[2048];
	uint32_t count;

	(void)state;
	c->asks_nobody = true;
	node_start(&c->nodes[0]);
	cluster_settle(c);
	for (count = 1; count <= 2; count++) {
		struct bytes body;
		struct encoder e;

		certificate_make(c, VOTE_CHECKPOINT, 0, 40, 9, count,
		    &certificate);
		encoder_init(&e, raw, sizeof(raw));
		encoder_put_array(&e, 4);
		encoder_put_uint(&e, MESSAGE_LOG_BASE);
		encoder_put_uint(&e, 2);
		encoder_put_uint(&e, 2);
		certificate_encode(&e, &certificate);
		assert_int_equal(encoder_finish(&e, &body), AG_OK);
		post(c, 1, 0, body);
		assert_int_equal(status_of(c, 0).stable, count == 1 ? 0 : 40);
	}
	cluster_free(c);
}

static void
forged_bases_and_checkpoints_are_soon_not_verified(void **state)
{
	static struct certificate certificate;
	static uint8_t raw[16384];
	struct cluster *c = cluster_new_by(&strategy_raft, 3);
	unsigned i, before;

	(void)state;
	cluster_start(c);
	certificate_make(c, VOTE_CHECKPOINT, 0, 40, 9, 2, &certificate);
	certificate.proofs[1].signature[0] ^= 1;
	before = c->nodes[0].verifications;
	for (i = 0; i < 1000; i++) {
		const bool is_base = i % 2 == 0;
		struct bytes body;
		struct encoder e;

		encoder_init(&e, raw, sizeof(raw));
		encoder_put_array(&e, is_base ? 4 : 2);
		encoder_put_uint(&e,
		    is_base ? MESSAGE_LOG_BASE : MESSAGE_CHECKPOINT);
		if (is_base) {
			encoder_put_uint(&e, 2);
			encoder_put_uint(&e, 2);
		}
		certificate_encode(&e, &certificate);
		assert_int_equal(encoder_finish(&e, &body), AG_OK);
		post(c, 1, 0, body);
	}
	assert_in_range(c->nodes[0].verifications - before, 2, 65);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_bytes_of_a_member_stop_a_node),
		cmocka_unit_test(what_no_leader_would_send_changes_nothing),
		cmocka_unit_test(
		    a_base_without_a_majoritys_signatures_is_not_taken),
		cmocka_unit_test(
		    forged_bases_and_checkpoints_are_soon_not_verified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
