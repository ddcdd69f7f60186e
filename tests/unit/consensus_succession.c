/*
 * From one epoch to the next while things go wrong: members crash, messages
 * are lost, some are left behind, one is added, removed or replaced.
 *
 * What is random comes from a number, and that from the test.
 */
#include "consensus_fixture.h"

#define SCHEDULES 25
#define CAUGHT_MAX 2048
#define BEYOND 6

enum change {
	CHANGE_ADD,
	CHANGE_REMOVE,
	CHANGE_REPLACE,
	CHANGES,
};

static struct {
	uint8_t bytes[4096];
	size_t len;
	uint32_t from;
} caught[CAUGHT_MAX];
static size_t caught_count;
static uint64_t chance;
static uint32_t loss; /* permille */

static uint64_t
next_random(uint64_t bound)
{
	chance = chance * 6364136223846793005U + 1442695040888963407U;
	return (chance >> 33) % bound;
}

/* What its signature, not its sender, makes worth something. */
static bool
is_signed(struct bytes body)
{
	switch (message_type_of(body)) {
	case MESSAGE_PRE_PREPARE:
	case MESSAGE_VOTES:
	case MESSAGE_VOTE_PROOFS:
	case MESSAGE_VIEW_CHANGE:
	case MESSAGE_NEW_VIEW:
	case MESSAGE_COMMITTED:
	case MESSAGE_CHECKPOINT:
		return true;
	default:
		return false;
	}
}

static bool
is_lucky(struct cluster *c, uint32_t from, uint32_t to, struct bytes body)
{
	(void)to;
	if (c->last != 0 && is_signed(body) &&
	    body.len <= sizeof(caught[0].bytes)) {
		size_t at = caught_count++ % CAUGHT_MAX;

		memcpy(caught[at].bytes, body.data, body.len);
		caught[at].len = body.len;
		caught[at].from = from;
	}
	return next_random(1000) >= loss;
}

/* One member at most is down, besides those that are away for good. */
static void
stir(struct cluster *c, uint32_t away)
{
	uint32_t i, down = 0;

	for (i = 0; i < c->n; i++)
		if (c->nodes[i].is_down && (away >> i & 1) == 0)
			down = i + 1;
	if (down > 0) {
		if (next_random(2) == 0)
			node_start(&c->nodes[down - 1]);
		return;
	}
	i = (uint32_t)next_random(c->n);
	if (next_random(5) == 0 && away == 0)
		node_crash(&c->nodes[i]);
}

static void
start_all(struct cluster *c, uint32_t away)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (c->nodes[i].is_down && (away >> i & 1) == 0)
			node_start(&c->nodes[i]);
}

static void
submit_somewhere(struct cluster *c)
{
	uint32_t at = (uint32_t)next_random(c->n);

	if (!c->nodes[at].is_down)
		submit(c, at);
}

/* An epoch that ends; some may be away when it does. */
static struct cluster *
old_epoch(uint32_t *away)
{
	struct cluster *c = cluster_new(4 + (uint32_t)next_random(4));
	unsigned round;
	uint32_t i;

	caught_count = 0;
	loss = 0;
	c->passes = is_lucky;
	c->last = 2 + next_random(12);
	cluster_start(c);
	*away = next_random(2) == 0 ? 1U << next_random(c->n) : 0;
	agree(c, 0, 1);
	for (i = 0; i < c->n; i++)
		if ((*away >> i & 1) != 0)
			node_crash(&c->nodes[i]);
	loss = (uint32_t)next_random(150);
	for (round = 0; round < 25; round++) {
		submit_somewhere(c);
		cluster_advance(c, (20 + next_random(300)) * MS);
		stir(c, *away);
	}
	loss = 0;
	start_all(c, *away);
	for (round = 0; round < 12; round++) {
		submit_somewhere(c);
		cluster_advance(c, 4000 * MS);
	}
	return c;
}

static void
assert_ended(const struct cluster *c)
{
	uint64_t seq;
	uint32_t i;

	assert_healthy(c);
	for (i = 0; i < c->n; i++) {
		if (c->nodes[i].is_down)
			continue;
		assert_int_equal(c->nodes[i].applied, c->last);
		assert_int_equal(c->nodes[i].stable, c->last);
	}
	for (seq = c->last + 1; seq < c->last + 64; seq++)
		assert_false(c->is_decided[seq]);
}

/* The members of the next, each with what it has of the state. */
static struct cluster *
new_epoch(const struct cluster *c, enum change change)
{
	uint32_t n = change == CHANGE_ADD ? c->n + 1
	    : change == CHANGE_REMOVE     ? c->n - 1
					  : c->n;
	uint32_t replaced =
	    change == CHANGE_REPLACE ? (uint32_t)next_random(n) : UINT32_MAX;
	struct cluster *d = cluster_new(n);
	uint32_t i;

	d->passes = is_lucky;
	d->now_us = c->now_us;
	d->wall_ms = c->wall_ms;
	d->number = c->number;
	d->scope.epoch = c->scope.epoch + 1;
	d->config.scope = d->scope;
	d->config.first_seq = c->last;
	d->config.first_digest = c->states[c->last];
	memcpy(d->states, c->states, sizeof(d->states));
	for (i = 0; i < n && i < c->n; i++) {
		if (i == replaced)
			continue;
		d->nodes[i].applied = c->nodes[i].applied;
		d->nodes[i].state = c->nodes[i].state;
	}
	return d;
}

/* What was said in the epoch before does nothing in this one. */
static void
say_again(struct cluster *d)
{
	size_t known = caught_count < CAUGHT_MAX ? caught_count : CAUGHT_MAX;
	size_t at = next_random(known);
	struct node *node = &d->nodes[next_random(d->n)];
	struct event event = {
		.kind = EVENT_MESSAGE,
		.now_us = d->now_us,
		.wall_ms = d->wall_ms,
		.member = caught[at].from,
		.body = bytes_of(caught[at].bytes, caught[at].len),
	};

	cluster_settle(d);
	if (node->is_down)
		return;
	d->strategy->step(node->engine, &event, &d->effects);
	node->deadline_us = d->effects.deadline_us;
	assert_int_equal(d->effects.count, 0);
}

/* A state transfer: that of whoever is farthest, which two members sign. */
static void
give_state(struct cluster *d, struct node *node)
{
	static struct certificate certificate;
	uint8_t encoded[CERTIFICATE_BYTES_MAX];
	uint64_t seq = d->config.first_seq;
	struct bytes body;
	struct encoder e;
	uint32_t i;

	for (i = 0; i < d->n; i++)
		if (d->nodes[i].applied > seq)
			seq = d->nodes[i].applied;
	certificate_make(d, VOTE_CHECKPOINT, 0, seq, 0, 3, &certificate);
	certificate.digest = d->states[seq];
	for (i = 0; i < 3; i++) {
		const struct vote vote = { VOTE_CHECKPOINT, seq,
			certificate.digest };

		vote_bundle_sign(&certificate.proofs[i], &vote, 1, &d->scope, i,
		    0, &fake_anybody, &i);
	}
	encoder_init(&e, encoded, sizeof(encoded));
	certificate_encode(&e, &certificate);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	node->applied = seq;
	node->state = d->states[seq];
	node_step(node,
	    (struct event){ .kind = EVENT_INSTALLED,
		.seq = seq,
		.digest = node->state,
		.body = body });
}

static void
give_states(struct cluster *d)
{
	uint32_t i;

	for (i = 0; i < d->n; i++)
		if (!d->nodes[i].is_down &&
		    d->nodes[i].applied < d->config.first_seq &&
		    d->nodes[i].fetches > 0)
			give_state(d, &d->nodes[i]);
}

/* They go over one by one, in any order, while things go wrong. */
static void
go_over(struct cluster *d)
{
	unsigned round;

	loss = (uint32_t)next_random(150);
	for (round = 0; round < 20; round++) {
		uint32_t i = (uint32_t)next_random(d->n);

		if (d->nodes[i].is_down)
			node_start(&d->nodes[i]);
		else if (next_random(6) == 0)
			node_crash(&d->nodes[i]);
		cluster_advance(d, next_random(300) * MS);
		submit_somewhere(d);
		give_states(d);
		say_again(d);
	}
	loss = 0;
	start_all(d, 0);
	for (round = 0; round < 10; round++) {
		cluster_advance(d, 3000 * MS);
		give_states(d);
		say_again(d);
	}
}

/* In calm, patience may be long, but everything is agreed on in the end. */
static uint64_t
go_on(struct cluster *d)
{
	uint64_t wanted = d->config.first_seq + BEYOND;
	unsigned round;

	for (round = 0; round < 100 && d->nodes[0].applied < wanted; round++) {
		agree(d, (uint32_t)next_random(d->n), 1);
		cluster_advance(d, 3000 * MS);
		give_states(d);
	}
	cluster_advance(d, 3000 * MS);
	return d->nodes[0].applied;
}

static void
one_epoch_follows_another_whatever_goes_wrong(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < SCHEDULES; seed++) {
		struct cluster *c, *d;
		uint64_t reached;
		uint32_t away, i;

		chance = seed;
		c = old_epoch(&away);
		assert_ended(c);
		/* Three cannot do without one who has lost its log. */
		d = new_epoch(c,
		    c->n == 4 && seed % CHANGES == CHANGE_REMOVE
			? CHANGE_ADD
			: (enum change)(seed % CHANGES));
		go_over(d);
		reached = go_on(d);
		if (reached < c->last + BEYOND)
			fail_msg("schedule %u: no progress", (unsigned)seed);
		assert_applied(d, reached);
		assert_healthy(d);
		for (i = 1; i < d->n; i++)
			assert_memory_equal(&d->nodes[i].state,
			    &d->nodes[0].state, sizeof(struct digest));
		/* Nothing that the first epoch decided is decided again. */
		for (i = 0; i <= c->last; i++)
			assert_false(d->is_decided[i]);
		cluster_free(c);
		cluster_free(d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_epoch_follows_another_whatever_goes_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
