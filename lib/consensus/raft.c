/*
 * Raft: agreement among n = 2f + 1 replicas of which f may crash.
 *
 * After Ongaro, "Consensus: Bridging Theory and Practice" (Stanford 2014),
 * with what its followers found to be needed besides: etcd's pre-vote and
 * check-quorum together, and its way of finding where two logs part.
 *
 * Members are believed here: a member that lies may break everything.  What
 * it sends can't crash a correct member or reach outside its memory, and no
 * more is promised.  Checkpoints are signed as PBFT's are, so that state
 * transfer, backups and proofs work alike; but a majority's signatures prove
 * a state only to who believes that members do not lie.
 *
 * NORMAL CASE   The leader appends a batch to its log and sends it to the
 *    followers while its own disk writes it.  A follower appends it if its
 *    log has the entry before it, and answers when it is durable.  On a
 *    majority's disks, and of the leader's own term, it is committed, and
 *    all before it are (section 3.6.2 and figure 3.7).
 *
 * ELECTION   Who hears no leader for a while asks whether it could win (a
 *    pre-vote: no term rises for it), and then stands in a new term.  A
 *    member votes once in a term, for who has all that it has; term and
 *    vote are durable before the answer leaves.  Nobody listens to a
 *    candidate while the leader is heard (section 4.2.3), and a leader that
 *    a majority does not answer steps down.
 *
 * FORMAT   VOTE_REQUEST   [34, term, is a pre-vote, last seq, last term,
 *                         the leader wished it]
 *          VOTE_ANSWER    [35, term, is a pre-vote, is granted]
 *          APPEND         [29, term, seq before, its term, committed,
 *                         [[term, batch]…]]
 *          APPEND_ANSWER  [30, term, is taken, seq, hint seq, hint term]
 *                         taken: the log is the leader's up to seq; else it
 *                         lacks the entry at seq, and leaves the leader's
 *                         log at the hint or before it
 *          TIMEOUT_NOW    [31, term]
 *          LOG_BASE       [33, term, base term, certificate]
 *          READ_INDEX     [36, number]
 *          READ_ANSWER    [37, number, seq]
 *                         a read asked for before is right of a state that
 *                         was executed up to seq
 *          CONFIRM        [38, term, round]
 *          CONFIRMED      [39, term, round]
 *
 * EPOCHS   End with the batch that changes the members, when it is executed:
 *    no more is proposed or handed out, and what the log has beyond it is
 *    nobody's. Leaders come and go until a majority has signed the last state;
 *    the next epoch has a log of its own behind that state.
 *    Of that majority, n - f, one may leave.  Whichever f' of the n' that
 *    follow are lost for good then, one that signed must be left, for the
 *    rest fetch the state from it.  It is, when at least f' + 1 of the signers
 *    go on:
 *      one more   all f + 1 of 2f + 1 go on, of whom f may be lost; all f + 2
 *                 of 2f + 2, of whom f + 1 may.  So 1 -> 2, too.
 *      one less   f of the f + 1 of 2f + 1, of whom f - 1 may be lost; f + 1
 *                 of the f + 2 of 2f + 2, of whom f may.  A second goes in
 *                 the next epoch, whose last state the rest sign anew.
 *      another    f + 1 of the f + 2 of 2f + 2, of whom f may be lost; but f
 *                 of the f + 1 of 2f + 1, of whom all may.  That is no
 *                 change of one (trust/succession.c): it takes two, 3 -> 4
 *                 -> 3, of which neither waits for who is dead or goes.
 *    To wait for one more of those who stay would do as well, unless just
 *    the f that may be dead stay, and then for ever.  An entry of the next
 *    epoch's log is on a majority's disks, also of those without a state,
 *    and the state below it where it was: both outlive f'.
 *
 * READS    take no place in the log: the leader says how far it has committed,
 *    once a majority has confirmed that it leads (raft_read.c).
 *
 * SAFETY   See raft_election.c, raft_leader.c and raft_read.c.
 *
 * TIME    Nothing is read from clocks but how long ago something was: no
 *    leader believes a lease.
 *
 * FILES   raft_log        entries, commitment, the log's beginning, replay
 *         raft_election   terms and votes
 *         raft_leader     proposing and replicating
 *         raft_follower   appending what the leader sends
 *         raft_read       how far a state must be to answer a read
 *         and of PBFT's   pool slot pending checkpoint progress doubt emit record
 */
#include "consensus/raft.h"

#include <string.h>

#include "codec/message.h"

#define SCRATCH_SMALL (256U << 10)

/* Entries that new leaders may append where proposals have no room. */
#define SPARE_SLOTS 256

static size_t
align_up(size_t value)
{
	return (value + 63) & ~(size_t)63;
}

/* Twice the window: for what is decided and a follower may yet lack. */
static uint32_t
slots_of(const struct engine_config *c)
{
	return 2 * c->window + SPARE_SLOTS;
}

/* Buddy blocks waste up to half. */
static size_t
pool_bytes(const struct engine_config *c)
{
	return 2 *
	    (2 * (size_t)c->window * (c->batch_bytes_max + 512) +
		2 * (size_t)c->pending_bytes_max + SPARE_SLOTS * (size_t)512);
}

static size_t
scratch_bytes(const struct engine_config *c)
{
	return 8 * (size_t)c->batch_bytes_max + SCRATCH_SMALL;
}

/*
 * The arena's parts, in order; with e NULL only their total is found.  From
 * scratch on nothing is read that was not written before.
 */
static size_t
lay_out(struct engine *e, const struct engine_config *c)
{
	uint8_t *base = (uint8_t *)e;
	size_t at = align_up(sizeof(struct engine));

	if (e != NULL)
		e->raft = (struct raft *)(void *)(base + at);
	at += align_up(sizeof(struct raft));
	if (e != NULL)
		e->slots = (struct slot *)(void *)(base + at);
	at += align_up(slots_of(c) * sizeof(struct slot));
	if (e != NULL)
		e->peers = (struct peer *)(void *)(base + at);
	at += align_up(c->member_count * sizeof(struct peer));
	if (e != NULL) {
		e->spare = (void *)(base + at);
		e->stable_certificate = e->spare + 1;
		e->target = e->spare + 2;
	}
	at += align_up(3 * sizeof(struct certificate));
	if (e != NULL) {
		e->scratch = base + at;
		e->scratch_cap = scratch_bytes(c);
	}
	at += align_up(scratch_bytes(c));
	if (e != NULL)
		pool_init(&e->pool, base + at, pool_bytes(c));
	return at + pool_size(pool_bytes(c));
}

static size_t
raft_size(const struct engine_config *config)
{
	return lay_out(NULL, config);
}

/* What comes before scratch. */
static size_t
state_bytes(const struct engine_config *config)
{
	return raft_size(config) - align_up(scratch_bytes(config)) -
	    pool_size(pool_bytes(config));
}

static struct engine *
raft_init(void *memory, size_t len, const struct engine_config *config)
{
	struct engine *e = memory;

	if (!engine_config_is_sound(config) ||
	    config->scope.faults != FAULTS_CRASH || len < raft_size(config))
		return NULL;
	memset(memory, 0, state_bytes(config));
	e->config = *config;
	doubt_init(e);
	e->quorum = trust_quorum(FAULTS_CRASH, config->member_count);
	e->faults = trust_faults(FAULTS_CRASH, config->member_count);
	e->slot_count = slots_of(config);
	(void)lay_out(e, config);
	e->stable = config->first_seq;
	e->stable_digest = config->first_digest;
	e->proposed = e->stable;
	e->delivered = e->stable;
	e->applied = e->stable;
	e->is_changing = true;
	e->raft->leader = RAFT_NOBODY;
	e->raft->vote = RAFT_NOBODY;
	e->raft->asked = RAFT_NOBODY;
	e->raft->commit = e->stable;
	return e;
}

uint32_t
raft_primary(const struct engine *e)
{
	return e->raft->leader != RAFT_NOBODY ? e->raft->leader
					      : e->raft->last_leader;
}

void
raft_announce(struct engine *e)
{
	struct effect *effect;

	e->is_changing = e->raft->leader == RAFT_NOBODY;
	if (!e->is_changing)
		e->raft->last_leader = e->raft->leader;
	e->view_since_us = e->now_us;
	effect = emit(e, EFFECT_VIEW);
	effect->view = e->view;
	effect->member = raft_primary(e);
	effect->is_changing = e->is_changing;
	effect->since_us = UINT64_MAX;
}

void
raft_follow(struct engine *e, uint64_t term, uint32_t leader)
{
	struct raft *raft = e->raft;
	bool is_news = term > e->view || leader != raft->leader;
	bool has_led = raft->role == RAFT_LEADER;

	if (term > e->view) {
		e->view = term;
		e->view_changes++;
		raft->vote = RAFT_NOBODY;
		raft_election_persist(e);
	}
	raft->role = RAFT_FOLLOWER;
	raft->leader = leader;
	raft->resign_until_us = 0;
	if (leader != RAFT_NOBODY) {
		raft->heard_us = e->now_us;
		raft->attempts = 0;
	}
	if (leader != RAFT_NOBODY || has_led)
		raft_election_arm(e);
	if (!is_news)
		return;
	/* What waits is the new leader's to propose. */
	if (leader != RAFT_NOBODY)
		pending_new_view(e);
	raft_announce(e);
}

static void
on_request(struct engine *e, uint32_t from, struct decoder *d)
{
	struct bytes raw = decoder_get_bytes_max(d, e->config.batch_bytes_max);

	if (decoder_finish(d, NULL) == AG_OK && raw.len > 0)
		pending_take(e, from, raw);
}

static void
on_progress(struct engine *e, uint32_t from, struct decoder *d)
{
	if (progress_note(e, from, d))
		raft_leader_help(e, from);
}

/* What makes a leader, or follows one. */
static void
on_term_message(struct engine *e, uint32_t from, uint64_t type,
    struct decoder *d)
{
	switch (type) {
	case MESSAGE_VOTE_REQUEST:
		raft_election_request(e, from, d);
		break;
	case MESSAGE_VOTE_ANSWER:
		raft_election_answer(e, from, d);
		break;
	case MESSAGE_TIMEOUT_NOW:
		raft_election_sent(e, from, d);
		break;
	case MESSAGE_APPEND:
		raft_follower_append(e, from, d);
		break;
	case MESSAGE_LOG_BASE:
		raft_follower_base(e, from, d);
		break;
	case MESSAGE_APPEND_ANSWER:
		raft_leader_answer(e, from, d);
		break;
	case MESSAGE_READ_INDEX:
		raft_read_receive_index(e, from, d);
		break;
	case MESSAGE_CONFIRM:
		raft_read_receive_confirm(e, from, d);
		break;
	case MESSAGE_CONFIRMED:
		raft_read_receive_confirmed(e, from, d);
		break;
	default:
		break;
	}
}

/* One message; anything not understood changes nothing. */
static void
on_message(struct engine *e, uint32_t from, struct bytes body)
{
	struct decoder d;
	uint64_t type = message_type_of(body);

	if (!e->is_started || from >= e->config.member_count ||
	    from == e->config.self)
		return;
	e->peers[from].heard_us = e->now_us;
	if (!doubt_hears_message(e, from, type))
		return;
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	(void)decoder_get_uint(&d);
	switch (type) {
	case MESSAGE_REQUEST:
		on_request(e, from, &d);
		break;
	case MESSAGE_VOTES:
		vote_receive(e, from, &d);
		break;
	case MESSAGE_VOTE_PROOFS:
		vote_receive_proofs(e, from, &d);
		break;
	case MESSAGE_PROGRESS:
		on_progress(e, from, &d);
		break;
	case MESSAGE_CHECKPOINT:
		checkpoint_receive(e, &d);
		break;
	case MESSAGE_RECALL:
		recall_receive(e, from, &d);
		break;
	case MESSAGE_RECALLED:
		recall_receive_answer(e, from, &d);
		break;
	case MESSAGE_READ_ANSWER:
		raft_read_receive_answer(e, &d);
		break;
	default:
		/* Who knows of no term it was in can follow nobody. */
		if (e->horizon.memory != HORIZON_UNKNOWN && !e->is_asking)
			on_term_message(e, from, type, &d);
		break;
	}
}

static void
on_persisted(struct engine *e, uint64_t token)
{
	const uint64_t before = e->durable_token;

	if (token > e->durable_token)
		e->durable_token = token;
	raft_election_durable(e);
	raft_leader_durable(e);
	checkpoint_durable(e, before);
}

static void
on_flush(struct engine *e)
{
	if (!e->is_started)
		return;
	recall_flush(e);
	raft_leader_flush(e);
	raft_read_flush(e);
	vote_flush(e);
	pending_forward(e);
}

static void
on_tick(struct engine *e)
{
	if (!e->is_started)
		return;
	raft_election_tick(e);
	raft_leader_tick(e);
	raft_read_tick(e);
	recall_tick(e);
	if (e->now_us < e->next_progress_us)
		return;
	progress_send(e);
	recall_ask(e);
	checkpoint_chase(e);
}

static void
dispatch(struct engine *e, const struct event *event)
{
	switch (event->kind) {
	case EVENT_REPLAY:
		raft_log_replay(e, event->body);
		break;
	case EVENT_START:
		doubt_convict(e, event->members);
		raft_log_start(e, event);
		break;
	case EVENT_TICK:
		on_tick(e);
		break;
	case EVENT_MESSAGE:
		on_message(e, event->member, event->body);
		break;
	case EVENT_SUBMIT:
		pending_take(e, e->config.self, event->body);
		break;
	case EVENT_PERSISTED:
		on_persisted(e, event->token);
		break;
	case EVENT_APPLIED:
		if (event->is_last)
			checkpoint_last(e, event->seq);
		checkpoint_applied(e, event->seq, event->has_digest,
		    &event->digest);
		break;
	case EVENT_INSTALLED:
		checkpoint_installed(e, event);
		break;
	case EVENT_CHECKPOINT_WANTED:
		checkpoint_want(e);
		break;
	case EVENT_RESIGN:
		raft_leader_resign(e);
		break;
	case EVENT_READ:
		raft_read_ask(e, event->token);
		break;
	case EVENT_FLUSH:
	default:
		on_flush(e);
		break;
	}
}

static uint64_t
next_deadline(struct engine *e)
{
	uint64_t deadline = e->next_progress_us, other;

	if (!e->is_started || e->has_failed)
		return UINT64_MAX;
	if (raft_log_is_behind(e))
		return e->now_us;
	other = e->raft->role == RAFT_LEADER ? raft_leader_deadline(e)
					     : e->raft->election_due_us;
	if (other < deadline)
		deadline = other;
	if (vote_held_until(e) < deadline)
		deadline = vote_held_until(e);
	if (recall_deadline(e) < deadline)
		deadline = recall_deadline(e);
	other = raft_read_deadline(e);
	if (other < deadline)
		deadline = other;
	other = pending_share_due(e);
	return other < deadline ? other : deadline;
}

static void
raft_step(struct engine *e, const struct event *event, struct effects *effects)
{
	const uint64_t committed = e->raft->commit;

	effects->count = 0;
	effects->deadline_us = UINT64_MAX;
	if (e->has_failed)
		return;
	e->event = event;
	e->effects = effects;
	e->scratch_used = 0;
	AG_ASSERT(event->now_us >= e->now_us);
	e->now_us = event->now_us;
	dispatch(e, event);
	if (e->is_started && e->raft->commit > committed)
		checkpoint_committed(e);
	raft_log_deliver(e);
	effects->deadline_us = next_deadline(e);
}

static enum round_phase
entry_phase(const struct engine *e, uint64_t seq)
{
	if (seq <= e->applied)
		return ROUND_EXECUTED;
	return seq <= e->raft->commit ? ROUND_COMMITTED : ROUND_PROPOSED;
}

/* Who has the entry durably, as far as the leader knows. */
static uint32_t
holders(const struct engine *e, uint64_t seq)
{
	uint32_t i, mask = 0;

	if (e->raft->role != RAFT_LEADER)
		return 0;
	if (e->raft->durable >= seq)
		mask |= 1U << e->config.self;
	for (i = 0; i < e->config.member_count; i++)
		if (e->raft->followers[i].match >= seq)
			mask |= 1U << i;
	return mask;
}

static enum ag_status
raft_round(const struct engine *e, uint64_t seq, struct engine_round *round)
{
	const struct slot *slot = &e->slots[seq % e->slot_count];

	if (seq == 0 || slot->seq != seq)
		return AG_ENOENT;
	*round = (struct engine_round){
		.seq = seq,
		.view = slot->view,
		.phase = entry_phase(e, seq),
		.digest = slot->digest,
		.prepares = holders(e, seq),
		.commits = seq <= e->raft->commit ? holders(e, seq) : 0,
		.requests = slot->requests,
		.bytes = slot_bytes(slot),
		.proposed_us = slot->proposed_us,
		.committed_us = slot->committed_us,
		.executed_us = slot->executed_us,
	};
	return AG_OK;
}

const struct strategy strategy_raft = {
	.name = "raft",
	.reads_by_index = true,
	.size = raft_size,
	.init = raft_init,
	.step = raft_step,
	.status = engine_describe,
	.round = raft_round,
};
