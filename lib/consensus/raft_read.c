/*
 * Reads that take no place in the log: how far a state must have been executed
 * to answer one (Ongaro 2014, section 6.4).
 *
 * RULES    1. A read sees what was committed when its round began, and the
 *             round begins after the read was asked for.  It is answered
 *             when a majority has said in that round that it knows no later
 *             term: then no later leader had committed anything before.  One
 *             round serves all reads that wait.
 *          2. A leader that has committed nothing of its own term does not
 *             know yet what those before it committed: reads wait for that.
 *          3. CONFIRMED promises nothing, so it waits for no disk.  Who led a
 *             later term when the read was asked for had a majority's votes
 *             for it, each durable when it was given; one of that majority
 *             is asked here, and knows.
 *          4. A question has a number that no other of its member ever had,
 *             so an answer is to that question or to nothing.  Who answered
 *             may have been replaced since: its round came after the
 *             question all the same.
 *          5. A member has one question, its last.  What is lost is asked
 *             again; without a leader it waits for the next.
 *
 * NOT HERE The reads that wait for the answer, and for the state to be as
 *          far (node/reads.c).
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/raft.h"

void
raft_read_ask(struct engine *e, uint64_t number)
{
	e->raft->question = number;
	e->raft->asked = RAFT_NOBODY;
}

void
raft_read_begin_term(struct engine *e)
{
	struct raft *raft = e->raft;

	raft->round = 0;
	memset(raft->reads, 0, sizeof(raft->reads));
}

/* --- the leader --- */

static void
send_confirm(struct engine *e, uint32_t members)
{
	struct encoder out;

	emit_begin(e, &out);
	encoder_put_array(&out, 3);
	encoder_put_uint(&out, MESSAGE_CONFIRM);
	encoder_put_uint(&out, e->view);
	encoder_put_uint(&out, e->raft->round);
	emit_send(e, members, emit_end(e, &out), 0);
}

static void
answer(struct engine *e, uint32_t to, uint64_t number, uint64_t seq)
{
	struct effect *effect;
	struct encoder out;

	if (to == e->config.self) {
		e->raft->question = 0;
		effect = emit(e, EFFECT_READ);
		effect->token = number;
		effect->seq = seq;
		return;
	}
	emit_begin(e, &out);
	encoder_put_array(&out, 3);
	encoder_put_uint(&out, MESSAGE_READ_ANSWER);
	encoder_put_uint(&out, number);
	encoder_put_uint(&out, seq);
	emit_send(e, 1U << to, emit_end(e, &out), 0);
}

/* Has a majority said so in this round, or in a later one? */
static bool
is_confirmed(const struct engine *e, uint64_t round)
{
	uint32_t i, count = 1;

	for (i = 0; i < e->config.member_count; i++)
		if (i != e->config.self &&
		    e->raft->followers[i].confirmed >= round)
			count++;
	return count >= e->quorum || PLANT_RAFT_READ_AT_ONCE;
}

static void
settle(struct engine *e)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++) {
		struct raft_read *read = &e->raft->reads[i];

		if (read->number == 0 || read->round == 0 ||
		    !is_confirmed(e, read->round))
			continue;
		answer(e, i, read->number, read->seq);
		read->number = 0;
	}
}

/* One round for all that have come since the last. */
static void
begin_round(struct engine *e)
{
	struct raft *raft = e->raft;
	bool is_any = false;
	uint32_t i;

	if (raft->commit < raft->own_seq && !PLANT_RAFT_READ_EARLY)
		return;
	for (i = 0; i < e->config.member_count; i++) {
		struct raft_read *read = &raft->reads[i];

		if (read->number == 0 || read->round != 0)
			continue;
		read->round = raft->round + 1;
		read->seq = raft->commit;
		is_any = true;
	}
	if (!is_any)
		return;
	raft->round++;
	send_confirm(e, engine_others(e));
	settle(e);
}

void
raft_read_repeat(struct engine *e)
{
	const struct raft *raft = e->raft;
	uint32_t i, members = 0;
	bool is_any = false;

	for (i = 0; i < e->config.member_count; i++) {
		is_any = is_any ||
		    (raft->reads[i].number != 0 && raft->reads[i].round != 0);
		if (raft->followers[i].confirmed < raft->round)
			members |= 1U << i;
	}
	if (is_any)
		send_confirm(e, members & engine_others(e));
}

void
raft_read_receive_index(struct engine *e, uint32_t from, struct decoder *d)
{
	uint64_t number = decoder_get_uint(d);

	if (decoder_finish(d, NULL) != AG_OK || number == 0 ||
	    e->raft->role != RAFT_LEADER ||
	    e->raft->reads[from].number == number)
		return;
	e->raft->reads[from] = (struct raft_read){ .number = number };
}

void
raft_read_receive_confirmed(struct engine *e, uint32_t from, struct decoder *d)
{
	struct follower *f = &e->raft->followers[from];
	uint64_t term = decoder_get_uint(d), round = decoder_get_uint(d);

	if (decoder_finish(d, NULL) != AG_OK || term != e->view ||
	    e->raft->role != RAFT_LEADER || round > e->raft->round)
		return;
	f->answered_us = e->now_us;
	if (round > f->confirmed)
		f->confirmed = round;
	settle(e);
}

/* --- who asks --- */

/* Is there a question, and a leader to put it to? */
static bool
may_ask(const struct engine *e)
{
	const struct raft *raft = e->raft;

	return raft->question != 0 && raft->role != RAFT_LEADER &&
	    raft->leader != RAFT_NOBODY;
}

uint64_t
raft_read_deadline(const struct engine *e)
{
	/* The first time it is put when the turn is over. */
	return may_ask(e) && e->raft->asked == e->raft->leader
	    ? e->raft->asked_us + raft_heartbeat_us(e)
	    : UINT64_MAX;
}

static void
put_question(struct engine *e)
{
	struct raft *raft = e->raft;
	struct encoder out;

	if (!may_ask(e) ||
	    (raft->asked == raft->leader &&
		e->now_us < raft->asked_us + raft_heartbeat_us(e)))
		return;
	raft->asked = raft->leader;
	raft->asked_us = e->now_us;
	emit_begin(e, &out);
	encoder_put_array(&out, 2);
	encoder_put_uint(&out, MESSAGE_READ_INDEX);
	encoder_put_uint(&out, raft->question);
	emit_send(e, 1U << raft->leader, emit_end(e, &out), 0);
}

void
raft_read_tick(struct engine *e)
{
	put_question(e);
}

void
raft_read_flush(struct engine *e)
{
	struct raft *raft = e->raft;
	struct raft_read *own = &raft->reads[e->config.self];

	if (raft->role != RAFT_LEADER) {
		put_question(e);
		return;
	}
	if (raft->question != 0 && own->number != raft->question)
		*own = (struct raft_read){ .number = raft->question };
	begin_round(e);
}

void
raft_read_receive_answer(struct engine *e, struct decoder *d)
{
	uint64_t number = decoder_get_uint(d), seq = decoder_get_uint(d);

	if (decoder_finish(d, NULL) == AG_OK && number != 0 &&
	    number == e->raft->question)
		answer(e, e->config.self, number, seq);
}

void
raft_read_receive_confirm(struct engine *e, uint32_t from, struct decoder *d)
{
	uint64_t term = decoder_get_uint(d), round = decoder_get_uint(d);
	struct encoder out;

	if (decoder_finish(d, NULL) != AG_OK || term == UINT64_MAX ||
	    !raft_follower_hear(e, from, term))
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 3);
	encoder_put_uint(&out, MESSAGE_CONFIRMED);
	encoder_put_uint(&out, e->view);
	encoder_put_uint(&out, round);
	emit_send(e, 1U << from, emit_end(e, &out), 0);
}
