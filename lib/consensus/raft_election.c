/*
 * Terms and votes (Ongaro 2014, sections 3.4, 3.6.1, 4.2.3, 9.6 and 3.10).
 *
 * RULES    1. A member gives one vote in a term, and both are durable before
 *             the answer leaves, or the candidacy that holds its own vote:
 *             so a term has one leader.
 *          2. A vote is given only to who has all that we have, by the last
 *             entry's term, then by its sequence: what a majority has on
 *             disk, every later leader has (Leader Completeness).
 *          3. A pre-vote changes nothing at who is asked.  Who can't win, as
 *             it was cut off, raises no term and disturbs nobody.
 *          4. While the leader is heard, requests for votes are not; unless
 *             the leader wished them.  That a stuck leader is heard for ever
 *             by some is its own business: without a majority's answers it
 *             steps down.
 *          5. Who may have forgotten votes gives none (memory.c).  Who starts
 *             votes as if its log ended where the longest ends that it was
 *             told of, until whose that is was not heard for two timeouts,
 *             since it may never come back; nor for longer than sixteen, since
 *             it may be heard and have a disk that hangs.
 *          6. Patience is drawn from one to two timeouts, from the cluster,
 *             the member and what was tried before: the same in each run,
 *             and seldom the same at two members.
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/raft.h"

/* Timeouts for which a log that was told of is waited for: unheard, and at
 * most. */
#define TOLD_UNHEARD 2
#define TOLD_MOST 16

/* Splitmix64: bits that look as if drawn. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15U;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return x ^ (x >> 31);
}

void
raft_election_arm(struct engine *e)
{
	uint64_t seed;

	memcpy(&seed, e->config.scope.cluster_id, sizeof(seed));
	seed = mix(seed ^ mix(e->view) ^ mix(e->raft->attempts)) ^
	    mix(e->config.self);
	e->raft->election_due_us = e->now_us + e->config.view_timeout_us +
	    mix(seed) % e->config.view_timeout_us;
}

void
raft_election_persist(struct engine *e)
{
	struct encoder out;

	memory_reach(e, e->view, 0);
	emit_begin(e, &out);
	record_encode_term(&out, e->view, e->raft->vote);
	e->raft->term_token = emit_persist(e, 0, emit_end(e, &out));
}

void
raft_election_spend(struct engine *e, uint64_t term)
{
	if (e->view > term)
		return;
	e->view = term;
	e->raft->vote = e->config.self;
}

static uint32_t
count(uint32_t mask)
{
	uint32_t bits = 0;

	for (; mask != 0; mask &= mask - 1)
		bits++;
	return bits;
}

static bool
is_within(uint64_t seq, uint64_t term, uint64_t last_seq, uint64_t last_term)
{
	return last_term > term || (last_term == term && last_seq >= seq);
}

/* Is there nobody to wait for that we were told of? */
static bool
told_is_over(const struct engine *e)
{
	const uint64_t told_us = e->raft->told_us;
	uint64_t heard_us = told_us;
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++)
		if ((e->raft->told_by >> i & 1) != 0 &&
		    e->peers[i].heard_us > heard_us)
			heard_us = e->peers[i].heard_us;
	return e->now_us - heard_us >=
	    TOLD_UNHEARD * e->config.view_timeout_us ||
	    e->now_us - told_us >= TOLD_MOST * e->config.view_timeout_us;
}

/* Has this log what may have been committed, as far as we were told? */
static bool
has_all_told(const struct engine *e, uint64_t last_seq, uint64_t last_term)
{
	const struct raft *raft = e->raft;

	return told_is_over(e) || PLANT_RAFT_LOGS_IGNORED ||
	    is_within(raft->told_seq, raft->told_term, last_seq, last_term);
}

static void
ask(struct engine *e, uint64_t term, bool is_pre)
{
	struct encoder out;

	emit_begin(e, &out);
	encoder_put_array(&out, 6);
	encoder_put_uint(&out, MESSAGE_VOTE_REQUEST);
	encoder_put_uint(&out, term);
	encoder_put_bool(&out, is_pre);
	encoder_put_uint(&out, e->proposed);
	encoder_put_uint(&out, raft_log_last_term(e));
	encoder_put_bool(&out, e->raft->is_sent);
	emit_send(e, engine_others(e), emit_end(e, &out), e->last_token);
}

/* Stand in a new term, with our own vote. */
static void
stand(struct engine *e)
{
	struct raft *raft = e->raft;

	e->view++;
	e->view_changes++;
	raft->vote = e->config.self;
	raft_election_persist(e);
	raft->role = RAFT_CANDIDATE;
	raft->leader = RAFT_NOBODY;
	raft->grants = 0;
	raft_announce(e);
	raft_election_arm(e);
	ask(e, e->view, false);
}

static void
tally(struct engine *e)
{
	if (count(e->raft->grants) < e->quorum)
		return;
	if (e->raft->role == RAFT_CANDIDATE)
		raft_leader_begin(e);
	else
		stand(e);
}

void
raft_election_begin(struct engine *e)
{
	struct raft *raft = e->raft;

	raft->attempts++;
	raft->is_sent = false;
	if (raft->leader != RAFT_NOBODY) {
		raft->leader = RAFT_NOBODY;
		raft_announce(e);
	}
	raft_election_arm(e);
	if (e->is_rejoining ||
	    !has_all_told(e, e->proposed, raft_log_last_term(e)))
		return;
	raft->role = RAFT_ASKING;
	raft->grants = 1U << e->config.self;
	ask(e, e->view + 1, true);
	tally(e);
}

void
raft_election_tick(struct engine *e)
{
	if (e->raft->role != RAFT_LEADER &&
	    e->now_us >= e->raft->election_due_us)
		raft_election_begin(e);
}

void
raft_election_durable(struct engine *e)
{
	struct raft *raft = e->raft;

	if (raft->role != RAFT_CANDIDATE ||
	    raft->term_token > e->durable_token ||
	    (raft->grants >> e->config.self & 1) != 0)
		return;
	raft->grants |= 1U << e->config.self;
	tally(e);
}

/* --- being asked --- */

static bool
leader_is_heard(const struct engine *e)
{
	const struct raft *raft = e->raft;

	return raft->role == RAFT_LEADER ||
	    (raft->leader != RAFT_NOBODY &&
		e->now_us - raft->heard_us < e->config.view_timeout_us);
}

static bool
has_all_of_ours(struct engine *e, uint64_t last_seq, uint64_t last_term)
{
	return PLANT_RAFT_ANY_LOG ||
	    (is_within(e->proposed, raft_log_last_term(e), last_seq,
		 last_term) &&
		has_all_told(e, last_seq, last_term));
}

void
raft_election_told(struct engine *e, uint32_t from, uint64_t seq, uint64_t term)
{
	struct raft *raft = e->raft;

	raft->told_us = e->now_us;
	if (!is_within(raft->told_seq, raft->told_term, seq, term))
		return;
	if (!is_within(seq, term, raft->told_seq, raft->told_term))
		raft->told_by = 0;
	raft->told_by |= 1U << from;
	raft->told_seq = seq;
	raft->told_term = term;
}

static void
answer(struct engine *e, uint32_t to, uint64_t term, bool is_pre, bool granted)
{
	struct encoder out;

	emit_begin(e, &out);
	encoder_put_array(&out, 4);
	encoder_put_uint(&out, MESSAGE_VOTE_ANSWER);
	encoder_put_uint(&out, term);
	encoder_put_bool(&out, is_pre);
	encoder_put_bool(&out, granted);
	emit_send(e, 1U << to, emit_end(e, &out),
	    PLANT_RAFT_VOTE_EARLY ? 0 : e->last_token);
}

/* Give our vote of this term, if it is not another's. */
static bool
vote_for(struct engine *e, uint32_t member)
{
	struct raft *raft = e->raft;

	if (raft->vote == member)
		return true;
	if (raft->vote != RAFT_NOBODY && !PLANT_RAFT_VOTE_TWICE)
		return false;
	raft->vote = member;
	raft_election_persist(e);
	raft_election_arm(e);
	return true;
}

void
raft_election_request(struct engine *e, uint32_t from, struct decoder *d)
{
	uint64_t term = decoder_get_uint(d);
	bool is_pre = decoder_get_bool(d);
	uint64_t last_seq = decoder_get_uint(d);
	uint64_t last_term = decoder_get_uint(d);
	bool is_sent = decoder_get_bool(d);

	if (decoder_finish(d, NULL) != AG_OK || term == UINT64_MAX ||
	    e->is_rejoining)
		return;
	if (term < e->view || (is_pre && term == e->view)) {
		answer(e, from, e->view, is_pre, false);
		return;
	}
	if (leader_is_heard(e) && !is_sent)
		return;
	if (is_pre) {
		bool granted = has_all_of_ours(e, last_seq, last_term);

		answer(e, from, granted ? term : e->view, true, granted);
		return;
	}
	if (term > e->view)
		raft_follow(e, term, RAFT_NOBODY);
	answer(e, from, e->view, false,
	    has_all_of_ours(e, last_seq, last_term) && vote_for(e, from));
}

void
raft_election_answer(struct engine *e, uint32_t from, struct decoder *d)
{
	struct raft *raft = e->raft;
	uint64_t term = decoder_get_uint(d);
	bool is_pre = decoder_get_bool(d);
	bool granted = decoder_get_bool(d);

	if (decoder_finish(d, NULL) != AG_OK || term == UINT64_MAX)
		return;
	if (!(is_pre && granted) && term > e->view) {
		raft_follow(e, term, RAFT_NOBODY);
		return;
	}
	if (!granted ||
	    !(is_pre ? raft->role == RAFT_ASKING && term == e->view + 1
		     : raft->role == RAFT_CANDIDATE && term == e->view))
		return;
	raft->grants |= 1U << from;
	if (!is_pre)
		recall_bind(e, from, 0, true);
	tally(e);
}

void
raft_election_sent(struct engine *e, uint32_t from, struct decoder *d)
{
	uint64_t term = decoder_get_uint(d);

	if (decoder_finish(d, NULL) != AG_OK || term != e->view ||
	    from != e->raft->leader || e->raft->role != RAFT_FOLLOWER ||
	    e->is_rejoining)
		return;
	e->raft->is_sent = true;
	stand(e);
}
