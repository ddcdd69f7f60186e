/*
 * Clusters of Raft in memory, and what one of their members may say.
 */
#ifndef AEGIS_TESTS_CONSENSUS_RAFT_FIXTURE_H
#define AEGIS_TESTS_CONSENSUS_RAFT_FIXTURE_H

#include "consensus_fixture.h"

#define NOBODY UINT32_MAX

/* --- messages by hand --- */

FIXTURE void
say_append(struct cluster *c, uint32_t from, uint32_t to, uint64_t term,
    uint64_t before, uint64_t before_term, uint64_t commit, size_t count,
    uint64_t entry_term, uint64_t time_ms)
{
	uint8_t raw[2048], batch[64];
	struct bytes body, encoded;
	struct encoder e, b;
	size_t i;

	encoder_init(&b, batch, sizeof(batch));
	batch_encode_head(&b, time_ms, 0, 0);
	assert_int_equal(encoder_finish(&b, &encoded), AG_OK);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_APPEND);
	encoder_put_uint(&e, term);
	encoder_put_uint(&e, before);
	encoder_put_uint(&e, before_term);
	encoder_put_uint(&e, commit);
	encoder_put_array(&e, count);
	for (i = 0; i < count; i++) {
		encoder_put_array(&e, 2);
		encoder_put_uint(&e, entry_term);
		encoder_put_bytes(&e, encoded);
	}
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, from, to, body);
}

FIXTURE void
say_taken(struct cluster *c, uint32_t from, uint32_t to, uint64_t term,
    uint64_t seq)
{
	uint8_t raw[64];
	struct bytes body;
	struct encoder e;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_APPEND_ANSWER);
	encoder_put_uint(&e, term);
	encoder_put_bool(&e, true);
	encoder_put_uint(&e, seq);
	encoder_put_uint(&e, 0);
	encoder_put_uint(&e, 0);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, from, to, body);
}

FIXTURE void
say_request(struct cluster *c, uint32_t from, uint32_t to, uint64_t term,
    bool is_pre, uint64_t last_seq, uint64_t last_term)
{
	uint8_t raw[64];
	struct bytes body;
	struct encoder e;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_VOTE_REQUEST);
	encoder_put_uint(&e, term);
	encoder_put_bool(&e, is_pre);
	encoder_put_uint(&e, last_seq);
	encoder_put_uint(&e, last_term);
	encoder_put_bool(&e, false);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, from, to, body);
}

FIXTURE void
say_vote(struct cluster *c, uint32_t from, uint32_t to, uint64_t term,
    bool is_pre)
{
	uint8_t raw[64];
	struct bytes body;
	struct encoder e;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 4);
	encoder_put_uint(&e, MESSAGE_VOTE_ANSWER);
	encoder_put_uint(&e, term);
	encoder_put_bool(&e, is_pre);
	encoder_put_bool(&e, true);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, from, to, body);
}

FIXTURE void
say_two(struct cluster *c, uint32_t from, uint32_t to, uint64_t type,
    uint64_t first, uint64_t second)
{
	uint8_t raw[64];
	struct bytes body;
	struct encoder e;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, type);
	encoder_put_uint(&e, first);
	encoder_put_uint(&e, second);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, from, to, body);
}

FIXTURE void
say_confirmed(struct cluster *c, uint32_t from, uint32_t to, uint64_t term,
    uint64_t round)
{
	say_two(c, from, to, MESSAGE_CONFIRMED, term, round);
}

FIXTURE void
say_read_answer(struct cluster *c, uint32_t from, uint32_t to, uint64_t number,
    uint64_t seq)
{
	say_two(c, from, to, MESSAGE_READ_ANSWER, number, seq);
}

/* --- who leads --- */

FIXTURE uint32_t
leader_of(const struct cluster *c)
{
	uint32_t i, leader = NOBODY;
	uint64_t term = 0;

	for (i = 0; i < c->n; i++) {
		struct engine_status s;

		if (c->nodes[i].is_down)
			continue;
		s = status_of(c, i);
		if (s.primary == i && !s.is_changing_view && s.view > term) {
			leader = i;
			term = s.view;
		}
	}
	return leader;
}

/* Let time pass until somebody leads. */
FIXTURE uint32_t
elect(struct cluster *c)
{
	unsigned tries;

	for (tries = 0; leader_of(c) == NOBODY && tries < 200; tries++)
		cluster_advance(c, 100 * MS);
	assert_int_not_equal(leader_of(c), NOBODY);
	cluster_advance(c, 200 * MS);
	return leader_of(c);
}

FIXTURE struct cluster *
raft_of(uint32_t n)
{
	struct cluster *c = cluster_new_by(&strategy_raft, n);

	cluster_start(c);
	return c;
}

/* Node 0 of n members of which the others are played by hand. */
FIXTURE struct cluster *
alone_of(uint32_t n)
{
	struct cluster *c = cluster_new_by(&strategy_raft, n);

	c->asks_nobody = true;
	node_start(&c->nodes[0]);
	cluster_settle(c);
	return c;
}

/* Node 0 is elected by two others, played by hand, in this term. */
FIXTURE void
lead(struct cluster *c, uint64_t term)
{
	const struct node *node = &c->nodes[0];
	unsigned tries;

	for (tries = 0; tries < 100 && node->sent[MESSAGE_VOTE_REQUEST] == 0;
	     tries++)
		cluster_advance(c, 100 * MS);
	say_vote(c, 1, 0, term, true);
	say_vote(c, 2, 0, term, true);
	cluster_settle(c);
	say_vote(c, 1, 0, term, false);
	say_vote(c, 2, 0, term, false);
	cluster_settle(c);
	assert_int_equal(leader_of(c), 0);
	assert_int_equal(status_of(c, 0).view, term);
}

FIXTURE bool
passes_not_to_or_from_one(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	(void)body;
	return from != c->knob && to != c->knob;
}

#endif
