/*
 * The leader: proposing, replicating, committing (Ongaro 2014, sections 3.5,
 * 3.6.2, 10.2.1 and 3.10).
 *
 * RULES    1. An entry is committed when a majority has it durably, if it is
 *             of the leader's own term.  Copies of an earlier term's entry
 *             commit nothing: a majority may have it, and a later leader yet
 *             replace it (figure 3.7).  So a leader begins its term with an
 *             entry of its own.
 *          2. Our own copy counts like any other, when it is durable.
 *             Followers are sent it before that: their copies are worth no
 *             less.
 *          3. A follower is sent what comes next before it has answered.
 *             When it says that it lacks what came before, it is probed:
 *             each answer names an entry at or below which the logs part, so
 *             that a term is skipped at a time, not an entry.
 *          4. Who lacks what is no more in memory is told where the log
 *             begins, and fetches the state.
 *          5. Without answers of a majority for a timeout the leader steps
 *             down: its clients should go elsewhere.
 *          6. A full window is no reason to do so, another's is as full.  All
 *             that is in it is committed and executed by whoever has it; its
 *             last state is a checkpoint wherever it stands, and votes for it
 *             are shown again with every PROGRESS: it moves as soon as a
 *             majority hear one another.  A term's first entry needs no
 *             window, or nobody elected meanwhile could commit what there
 *             is; it takes one of the spare slots.  There is one for each
 *             term that begins before a checkpoint is stable, and for many
 *             more than a majority that can elect takes to sign one.
 */
#include <string.h>

#include "codec/batch.h"
#include "codec/message.h"
#include "consensus/raft.h"

/* An APPEND besides its entries, and an entry besides its batch. */
#define APPEND_OVERHEAD 128
#define ENTRY_OVERHEAD 32

/* --- sending --- */

/* Can a follower be sent what comes from next on?  Then behind which term? */
static bool
has_from(struct engine *e, uint64_t next, uint64_t *before_term)
{
	return raft_log_term(e, next - 1, before_term) &&
	    (next > e->proposed || slot_find(e, next) != NULL);
}

/* Entries that one message takes to a follower, and its pipeline with it. */
static size_t
count_entries(struct engine *e, const struct follower *f)
{
	uint64_t last = f->match + e->config.pipeline_max;
	size_t count = 0, bytes = 0;

	if (last > e->proposed)
		last = e->proposed;
	while (count < RAFT_ENTRIES_MAX && f->next + count <= last) {
		const struct slot *slot = slot_find(e, f->next + count);

		if (slot == NULL)
			break;
		bytes += slot_bytes(slot);
		if (count > 0 && bytes > e->config.batch_bytes_max)
			break;
		count++;
	}
	return count;
}

static bool
append_has_room(const struct engine *e)
{
	return emit_has_room(e,
	    (size_t)e->config.batch_bytes_max + APPEND_OVERHEAD +
		RAFT_ENTRIES_MAX * (size_t)ENTRY_OVERHEAD);
}

/* Send count entries from next on, which follow one of this term. */
static void
send_append(struct engine *e, uint32_t members, uint64_t next,
    uint64_t before_term, size_t count)
{
	struct encoder out;
	size_t i;

	emit_begin(e, &out);
	encoder_put_array(&out, 6);
	encoder_put_uint(&out, MESSAGE_APPEND);
	encoder_put_uint(&out, e->view);
	encoder_put_uint(&out, next - 1);
	encoder_put_uint(&out, before_term);
	encoder_put_uint(&out, e->raft->commit);
	encoder_put_array(&out, count);
	for (i = 0; i < count; i++) {
		struct slot *slot = slot_find(e, next + i);
		const struct payload *p = slot_payload(slot, &slot->digest);

		encoder_put_array(&out, 2);
		encoder_put_uint(&out, slot->view);
		encoder_put_bytes(&out, bytes_of(p->data, p->len));
	}
	emit_send(e, members, emit_end(e, &out), 0);
}

/* Where our log begins now, to who lacks what was before. */
static void
send_base(struct engine *e, uint32_t to)
{
	struct follower *f = &e->raft->followers[to];
	struct encoder out;

	if (e->stable_certificate->proof_count == 0 ||
	    e->now_us - f->based_us < e->config.progress_interval_us / 2)
		return;
	f->based_us = e->now_us;
	emit_begin(e, &out);
	encoder_put_array(&out, 4);
	encoder_put_uint(&out, MESSAGE_LOG_BASE);
	encoder_put_uint(&out, e->view);
	encoder_put_uint(&out, e->raft->base_term);
	certificate_encode(&out, e->stable_certificate);
	emit_send(e, 1U << to, emit_end(e, &out), e->last_token);
}

/* An empty APPEND: a heartbeat, a probe, or news of what is committed. */
static void
send_empty(struct engine *e, uint32_t to)
{
	struct follower *f = &e->raft->followers[to];
	uint64_t term;

	if (!append_has_room(e))
		return;
	f->is_awaited = true;
	if (!has_from(e, f->next, &term)) {
		f->next = e->stable + 1;
		f->is_probed = true;
		send_base(e, to);
		term = e->raft->base_term;
	}
	f->told = e->raft->commit;
	send_append(e, 1U << to, f->next, term, 0);
}

/* May this follower be sent entries? */
static bool
takes_entries(const struct engine *e, const struct follower *f)
{
	return !f->is_probed && f->next <= e->proposed &&
	    f->next <= f->match + e->config.pipeline_max;
}

/* All followers that are to be sent the same, from this one on. */
static uint32_t
alike(const struct engine *e, uint32_t from)
{
	const struct follower *all = e->raft->followers;
	uint32_t i, members = 0;

	for (i = from; i < e->config.member_count; i++)
		if (i != e->config.self && all[i].next == all[from].next &&
		    takes_entries(e, &all[i]))
			members |= 1U << i;
	return members;
}

static void
send_entries(struct engine *e, uint32_t from)
{
	struct follower *all = e->raft->followers;

	while (takes_entries(e, &all[from]) && append_has_room(e)) {
		uint64_t next = all[from].next, term;
		size_t count = count_entries(e, &all[from]);
		uint32_t members = alike(e, from), i;

		if (!has_from(e, next, &term)) {
			all[from].is_probed = true;
			all[from].is_awaited = false;
			return;
		}
		send_append(e, members, next, term, count);
		for (i = 0; i < e->config.member_count; i++) {
			if ((members >> i & 1) == 0)
				continue;
			all[i].next = next + count;
			all[i].told = e->raft->commit;
		}
	}
}

static void
send_all(struct engine *e)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++) {
		struct follower *f = &e->raft->followers[i];

		if (i == e->config.self)
			continue;
		send_entries(e, i);
		if (f->is_probed ? !f->is_awaited : f->told < e->raft->commit)
			send_empty(e, i);
	}
}

/* --- committing --- */

/* The highest sequence that a majority has durably. */
static uint64_t
majority_match(const struct engine *e)
{
	uint64_t sorted[ENGINE_MEMBERS_MAX];
	uint32_t i, k, n = e->config.member_count;

	for (i = 0; i < n; i++) {
		uint64_t match = i == e->config.self
		    ? e->raft->durable
		    : e->raft->followers[i].match;

		for (k = i; k > 0 && sorted[k - 1] < match; k--)
			sorted[k] = sorted[k - 1];
		sorted[k] = match;
	}
	return sorted[e->quorum - 1];
}

static void
commit(struct engine *e)
{
	uint64_t seq = majority_match(e), term;

	if (seq <= e->raft->commit || !raft_log_term(e, seq, &term) ||
	    (term != e->view && !PLANT_RAFT_COMMIT_ANY_TERM))
		return;
	e->raft->commit = seq;
}

/* Our own entries that have become durable. */
void
raft_leader_durable(struct engine *e)
{
	struct raft *raft = e->raft;
	const struct slot *slot;

	if (raft->role != RAFT_LEADER)
		return;
	while ((slot = slot_find(e, raft->durable + 1)) != NULL &&
	    slot->token <= e->durable_token && raft->durable < e->proposed)
		raft->durable++;
	commit(e);
}

/* --- a term's beginning and end --- */

void
raft_leader_begin(struct engine *e)
{
	struct raft *raft = e->raft;
	struct encoder out;
	struct bytes batch;
	uint64_t seq, least_ms;
	uint32_t i;

	raft->role = RAFT_LEADER;
	raft->leader = e->config.self;
	raft->attempts = 0;
	raft->is_sent = false;
	raft->durable = raft->commit;
	raft->own_seq = e->proposed + 1;
	raft->heartbeat_due_us = e->now_us;
	raft->quorum_due_us = e->now_us + e->config.view_timeout_us;
	for (i = 0; i < e->config.member_count; i++)
		raft->followers[i] = (struct follower){
			.next = e->proposed + 1,
			.is_probed = true,
		};
	raft_read_begin_term(e);
	pending_new_view(e);
	for (seq = raft->commit + 1; seq <= e->proposed; seq++) {
		struct slot *slot = slot_find(e, seq);
		const struct payload *p = slot_payload(slot, &slot->digest);

		pending_mark_proposed(e, bytes_of(p->data, p->len), seq);
	}
	emit_begin(e, &out);
	least_ms = slot_least_ms(e, e->proposed + 1);
	batch_encode_head(&out,
	    e->event->wall_ms > least_ms ? e->event->wall_ms : least_ms, 0, 0);
	batch = emit_end(e, &out);
	/* Without room it commits nothing, and is replaced one day. */
	if (raft_log_append(e, e->view, batch) != AG_OK) {
		raft_follow(e, e->view, RAFT_NOBODY);
		return;
	}
	raft_announce(e);
	raft_leader_durable(e);
}

static bool
majority_answers(const struct engine *e)
{
	uint32_t i, answered = 1;

	for (i = 0; i < e->config.member_count; i++)
		if (i != e->config.self &&
		    e->now_us - e->raft->followers[i].answered_us <=
			e->config.view_timeout_us &&
		    e->raft->followers[i].answered_us != 0)
			answered++;
	return answered >= e->quorum;
}

void
raft_leader_tick(struct engine *e)
{
	struct raft *raft = e->raft;
	uint32_t i;

	if (raft->role != RAFT_LEADER)
		return;
	if (e->now_us >= raft->quorum_due_us) {
		if (!majority_answers(e)) {
			raft_follow(e, e->view, RAFT_NOBODY);
			return;
		}
		raft->quorum_due_us = e->now_us + e->config.view_timeout_us / 2;
	}
	if (raft->resign_until_us != 0 && e->now_us >= raft->resign_until_us)
		raft->resign_until_us = 0;
	if (e->now_us < raft->heartbeat_due_us)
		return;
	raft->heartbeat_due_us = e->now_us + raft_heartbeat_us(e);
	for (i = 0; i < e->config.member_count; i++)
		if (i != e->config.self)
			send_empty(e, i);
	raft_read_repeat(e);
}

uint64_t
raft_leader_deadline(const struct engine *e)
{
	const struct raft *raft = e->raft;
	uint64_t due = raft->heartbeat_due_us;

	if (raft->quorum_due_us < due)
		due = raft->quorum_due_us;
	if (raft->resign_until_us != 0 && raft->resign_until_us < due)
		due = raft->resign_until_us;
	return due;
}

/* --- proposing --- */

static bool
may_propose(const struct engine *e)
{
	return e->last == 0 && e->raft->role == RAFT_LEADER &&
	    e->raft->resign_until_us == 0 &&
	    e->proposed < e->stable + e->config.window &&
	    e->proposed - e->raft->commit < e->config.pipeline_max &&
	    emit_has_room(e, 3 * (size_t)e->config.batch_bytes_max);
}

static void
propose(struct engine *e)
{
	while (may_propose(e)) {
		bool flagged = proposal_flag_is_due(e);
		struct encoder out;
		struct bytes batch = proposal_fill(e, flagged, &out);

		if (batch.len == 0 ||
		    raft_log_append(e, e->view, batch) != AG_OK)
			return;
		if (flagged)
			proposal_clear_wants(e);
		pending_mark_proposed(e, batch, e->proposed);
	}
}

/* --- handing over --- */

/* The follower that is the furthest of those that answer; or RAFT_NOBODY. */
static uint32_t
heir(const struct engine *e)
{
	const struct follower *all = e->raft->followers;
	uint32_t i, best = RAFT_NOBODY;

	for (i = 0; i < e->config.member_count; i++)
		if (i != e->config.self && !e->peers[i].is_rejoining &&
		    all[i].answered_us != 0 &&
		    e->now_us - all[i].answered_us <=
			e->config.view_timeout_us &&
		    (best == RAFT_NOBODY || all[i].match > all[best].match))
			best = i;
	return best;
}

/* Once it has all that we have it may stand at once. */
static void
hand_over(struct engine *e)
{
	uint32_t to = heir(e);
	struct encoder out;

	if (to == RAFT_NOBODY || e->raft->followers[to].match < e->proposed ||
	    e->raft->is_sent)
		return;
	e->raft->is_sent = true;
	emit_begin(e, &out);
	encoder_put_array(&out, 2);
	encoder_put_uint(&out, MESSAGE_TIMEOUT_NOW);
	encoder_put_uint(&out, e->view);
	emit_send(e, 1U << to, emit_end(e, &out), 0);
}

void
raft_leader_resign(struct engine *e)
{
	if (e->raft->role != RAFT_LEADER || e->config.member_count == 1)
		return;
	e->raft->resign_until_us = e->now_us + e->config.view_timeout_us;
	hand_over(e);
}

void
raft_leader_flush(struct engine *e)
{
	if (e->raft->role != RAFT_LEADER)
		return;
	propose(e);
	send_all(e);
	if (e->raft->resign_until_us != 0)
		hand_over(e);
}

/* --- answers --- */

/* The last entry at or below seq whose term is no higher than this. */
static uint64_t
meet(struct engine *e, uint64_t seq, uint64_t term)
{
	uint64_t ours;

	while (raft_log_term(e, seq, &ours) && ours > term && seq > 0)
		seq--;
	return seq;
}

static void
on_taken(struct engine *e, struct follower *f, uint64_t seq)
{
	/* It can't have what we have not. */
	if (seq > e->proposed)
		return;
	if (seq > f->match)
		f->match = seq;
	if (f->is_probed || f->next <= f->match)
		f->next = f->match + 1;
	f->is_probed = false;
	commit(e);
}

static void
on_refused(struct engine *e, struct follower *f, uint64_t seq,
    uint64_t hint_seq, uint64_t hint_term)
{
	/* The answer to a question that is settled. */
	if (seq == 0 || seq >= f->next || (f->is_probed && seq != f->next - 1))
		return;
	if (hint_seq >= seq)
		hint_seq = seq - 1;
	hint_seq = meet(e, hint_seq, hint_term);
	/* What it had it may have lost: an operator has emptied it.  That
	 * an old answer says so costs a probe. */
	if (f->match > hint_seq)
		f->match = hint_seq;
	f->next = hint_seq + 1;
	f->is_probed = true;
}

void
raft_leader_answer(struct engine *e, uint32_t from, struct decoder *d)
{
	struct follower *f = &e->raft->followers[from];
	uint64_t term = decoder_get_uint(d);
	bool is_taken = decoder_get_bool(d);
	uint64_t seq = decoder_get_uint(d);
	uint64_t hint_seq = decoder_get_uint(d);
	uint64_t hint_term = decoder_get_uint(d);

	if (decoder_finish(d, NULL) != AG_OK || term == UINT64_MAX)
		return;
	if (term > e->view) {
		raft_follow(e, term, RAFT_NOBODY);
		return;
	}
	if (term < e->view || e->raft->role != RAFT_LEADER)
		return;
	f->answered_us = e->now_us;
	f->is_awaited = false;
	if (is_taken && seq <= e->proposed)
		recall_bind(e, from, seq, false);
	if (is_taken)
		on_taken(e, f, seq);
	else
		on_refused(e, f, seq, hint_seq, hint_term);
}

/* What its APPENDs will not bring to a member that has told where it is. */
void
raft_leader_help(struct engine *e, uint32_t to)
{
	struct peer *peer = &e->peers[to];

	if (e->now_us - peer->answered_us < e->config.progress_interval_us / 4)
		return;
	peer->answered_us = e->now_us;
	if (peer->stable < e->stable) {
		if (e->raft->role != RAFT_LEADER)
			progress_show_checkpoint(e, to);
		else if (e->raft->followers[to].match >= e->stable)
			send_base(e, to);
	}
	if (e->applied > e->stable)
		progress_show_votes(e, to);
}
