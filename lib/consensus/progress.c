/*
 * Progress: links lose messages, members sleep; what is missing is found
 * out and sent again (Castro & Liskov 2002, section 5.2).
 *
 * FORMAT   PROGRESS   [21, view, is changing, delivered, applied, stable,
 *                     wanted, votes, blames the primary]
 *                     wanted: a checkpoint at or above it; 0: none
 *          FETCH      [22, seq, digest]
 *          BATCH      [23, seq, batch]  answers it; known by its digest
 *          COMMITTED  [24, certificate, batch]
 *
 * RULES    1. Everybody says now and then where it stands; whoever sees a
 *             member behind sends what it lacks, a bounded piece at a time.
 *          2. What is below the stable checkpoint is in nobody's memory, but
 *             in the records: one member sends it, in turns, or everybody to
 *             whom that one is no help.  It needs no slot at the receiver,
 *             whose log may begin above it; so that nobody makes it hold
 *             more, it takes no more than a window ahead of its state.
 *          3. What is on its way is not sent again: only what has waited for
 *             a progress interval.
 *          4. Where a member stands is no promise, but for its view: it is
 *             told before the disk has it, unless too much waits for that.
 *          5. What is sent again proves itself: certificates, signed votes,
 *             batches under their digests.  Its sender is not believed.
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/pbft.h"
#include "consensus/record.h"

/* Progress intervals after which a member counts as not heard. */
#define HEARD_INTERVALS 4

/* Batches of history that one member sends before it is another's turn. */
#define HISTORY_TURN 1024

/* Of records that are not durable, for history to be asked for. */
#define UNWRITTEN_BYTES_MAX (UINT64_C(4) << 20)

/* Questions of one member answered in a progress interval. */
#define ANSWERS_MAX 32

/*
 * The sequence at or above which we want a checkpoint; 0: we want none.  Who
 * must not vote before one is stable waits for it, once it has everything
 * else.
 */
static uint64_t
wanted_checkpoint(const struct engine *e)
{
	if (e->is_rejoining && e->horizon.memory == HORIZON_LOST &&
	    e->horizon.lost_seq > e->stable &&
	    (e->target->proof_count == 0 || e->target->seq <= e->applied))
		return e->horizon.lost_seq;
	return e->wants_checkpoint ? e->stable + 1 : 0;
}

/*
 * Is where we stand told before our disk has caught up?  It is no promise,
 * but for the view; and a member with a slow disk would be sent as much
 * history in each sync as it is sent at once.  What waits for the disk has a
 * bound.
 */
static bool
is_told_at_once(struct engine *e)
{
	if (e->durable_token >= e->written.token) {
		e->written.durable = e->written.bytes;
		e->written.token = e->last_token;
		e->written.bytes = e->written_bytes;
	}
	return e->raft == NULL && e->view_token <= e->durable_token &&
	    e->written_bytes - e->written.durable <= UNWRITTEN_BYTES_MAX;
}

void
progress_send(struct engine *e)
{
	struct encoder out;

	e->next_progress_us = e->now_us + e->config.progress_interval_us;
	e->caught_up = e->delivered;
	emit_begin(e, &out);
	encoder_put_array(&out, 9);
	encoder_put_uint(&out, MESSAGE_PROGRESS);
	encoder_put_uint(&out, e->view);
	encoder_put_bool(&out, e->is_changing);
	encoder_put_uint(&out, e->delivered);
	encoder_put_uint(&out, e->applied);
	encoder_put_uint(&out, e->stable);
	encoder_put_uint(&out, wanted_checkpoint(e));
	/* Who only asks first is about to. */
	encoder_put_bool(&out,
	    engine_votes(e) || (e->is_asking && !e->has_told_rejoining));
	encoder_put_bool(&out, e->pace.is_blaming);
	if (is_told_at_once(e))
		emit_send_promptly(e, engine_others(e), emit_end(e, &out));
	else
		emit_send(e, engine_others(e), emit_end(e, &out),
		    e->last_token);
}

bool
progress_hears_quorum(const struct engine *e)
{
	uint64_t limit = HEARD_INTERVALS * e->config.progress_interval_us;
	uint32_t i, count = 1;

	for (i = 0; i < e->config.member_count; i++)
		if (i != e->config.self && e->peers[i].heard_us != 0 &&
		    e->now_us - e->peers[i].heard_us <= limit)
			count++;
	return count >= e->quorum;
}

bool
progress_peers_lead(const struct engine *e)
{
	uint32_t i, count = 0;

	for (i = 0; i < e->config.member_count; i++)
		if (i != e->config.self && e->peers[i].delivered > e->delivered)
			count++;
	return count > e->faults;
}

/* --- helping a member that is behind --- */

static void
send_new_view(struct engine *e, uint32_t to)
{
	uint8_t *copy;

	if (e->new_view == NULL || PLANT_VIEW_UNSHOWN ||
	    !emit_has_room(e, e->new_view_len))
		return;
	copy = e->scratch + e->scratch_used;
	memcpy(copy, e->new_view, e->new_view_len);
	e->scratch_used += e->new_view_len;
	emit_send(e, 1U << to, bytes_of(copy, e->new_view_len), e->last_token);
}

void
progress_show_checkpoint(struct engine *e, uint32_t to)
{
	struct encoder out;

	if (e->stable_certificate->proof_count == 0)
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 2);
	encoder_put_uint(&out, MESSAGE_CHECKPOINT);
	certificate_encode(&out, e->stable_certificate);
	emit_send(e, 1U << to, emit_end(e, &out), 0);
}

/* Long enough for its messages to have come by themselves. */
static bool
has_waited(const struct engine *e, const struct slot *slot)
{
	return e->now_us - slot->proposed_us >= e->config.progress_interval_us;
}

/* What is decided here, also above what we can execute ourselves. */
static void
send_committed(struct engine *e, uint32_t to, uint64_t from)
{
	uint64_t seq, end = from + CATCH_UP_SLOTS;

	for (seq = from; seq < end && seq <= e->proposed; seq++) {
		struct slot *slot = slot_find(e, seq);
		const struct payload *p;
		struct encoder out;

		if (slot == NULL || slot->committed->proof_count == 0 ||
		    (seq > e->delivered &&
			(PLANT_DECIDED_KEPT_BACK || !has_waited(e, slot))))
			continue;
		p = slot_payload(slot, &slot->committed->digest);
		if (p == NULL ||
		    !emit_has_room(e, p->len + CERTIFICATE_BYTES_MAX))
			return;
		emit_begin(e, &out);
		encoder_put_array(&out, 3);
		encoder_put_uint(&out, MESSAGE_COMMITTED);
		certificate_encode(&out, slot->committed);
		encoder_put_bytes(&out, bytes_of(p->data, p->len));
		emit_send(e, 1U << to, emit_end(e, &out), 0);
	}
}

static bool
cell_is_ours_to_show(const struct engine *e, const struct vote_cell *cell)
{
	return cell->is_present && cell->proof.view == e->view &&
	    cell->token <= e->durable_token;
}

/*
 * Our proposal of a slot, with the vote it was sent with; but not while we may
 * have forgotten another.
 */
static void
send_proposal_again(struct engine *e, uint32_t to, struct slot *slot)
{
	const struct vote_cell *cell = &slot->prepares[e->config.self];
	const struct payload *p = slot_payload(slot, &slot->digest);
	struct encoder out;

	if (!view_is_primary(e) || e->is_rejoining || p == NULL ||
	    !cell_is_ours_to_show(e, cell) || !emit_has_room(e, p->len + 1024))
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 6);
	encoder_put_uint(&out, MESSAGE_PRE_PREPARE);
	encoder_put_uint(&out, cell->proof.view);
	encoder_put_uint(&out, slot->seq);
	encoder_put_bytes(&out, bytes_of(cell->digest.data, DIGEST_BYTES));
	encoder_put_bytes(&out, bytes_of(p->data, p->len));
	vote_proof_encode(&out, &cell->proof);
	emit_send(e, 1U << to, emit_end(e, &out), 0);
}

/*
 * Walk our own votes from a sequence on, and those for checkpoints; with out
 * NULL only count.
 */
static size_t
own_votes(struct engine *e, uint64_t from, struct encoder *out, size_t max)
{
	const struct peer *self = &e->peers[e->config.self];
	uint64_t seq;
	size_t count = 0, k;

	for (seq = from; seq <= e->proposed && count + 2 <= max; seq++) {
		struct slot *slot = slot_find(e, seq);
		const struct vote_cell *cells[2];

		if (slot == NULL || e->raft != NULL || !has_waited(e, slot))
			continue;
		cells[0] = &slot->prepares[e->config.self];
		cells[1] = &slot->commits[e->config.self];
		for (k = 0; k < 2; k++) {
			if (!cell_is_ours_to_show(e, cells[k]))
				continue;
			count++;
			if (out != NULL)
				vote_encode(out,
				    &(struct vote){ k == 0 ? VOTE_PREPARE
							   : VOTE_COMMIT,
					seq, cells[k]->digest },
				    &cells[k]->proof);
		}
	}
	for (k = 0; k < CHECKPOINT_VOTES_KEPT && count < max; k++) {
		const struct checkpoint_vote *v = &self->checkpoints[k];

		if (!v->is_present || v->seq <= e->stable ||
		    v->token > e->durable_token)
			continue;
		count++;
		if (out != NULL)
			vote_encode(out,
			    &(struct vote){ VOTE_CHECKPOINT, v->seq,
				v->digest },
			    &v->proof);
	}
	return count;
}

void
progress_show_votes(struct engine *e, uint32_t to)
{
	/* What a member has not executed it may lack votes for. */
	uint64_t has = e->peers[to].delivered;
	uint64_t from = (has > e->stable ? has : e->stable) + 1;
	size_t count = own_votes(e, from, NULL, VOTE_BUNDLE_MAX);
	struct encoder out;

	if (count == 0 || !emit_has_room(e, count * 400))
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 2);
	encoder_put_uint(&out, MESSAGE_VOTE_PROOFS);
	encoder_put_array(&out, count);
	(void)own_votes(e, from, &out, VOTE_BUNDLE_MAX);
	emit_send(e, 1U << to, emit_end(e, &out), 0);
}

/* Whose turn is it to send history: of the others, by where it stands. */
static bool
is_our_turn(const struct engine *e, uint32_t to)
{
	uint64_t turn = e->peers[to].delivered / HISTORY_TURN;
	uint32_t ours = (e->config.self + e->config.member_count - to - 1) %
	    e->config.member_count;

	return turn % (e->config.member_count - 1) == ours;
}

static void
send_history(struct engine *e, uint32_t to)
{
	struct peer *peer = &e->peers[to];
	bool has_stalled = peer->history_at == peer->delivered + 1;
	struct effect *effect;

	peer->history_at = peer->delivered + 1;
	if ((!has_stalled && !is_our_turn(e, to)) || !emit_has_room(e, 0))
		return;
	effect = emit(e, EFFECT_HISTORY);
	effect->member = to;
	effect->seq = peer->delivered + 1;
}

static void
help(struct engine *e, uint32_t to)
{
	struct peer *peer = &e->peers[to];
	uint64_t seq, end;

	/* At once only to who has come on since the last time. */
	if (e->now_us - peer->answered_us <
		e->config.progress_interval_us / 4 &&
	    peer->delivered < peer->answered_at + CATCH_UP_SLOTS / 2)
		return;
	peer->answered_us = e->now_us;
	peer->answered_at = peer->delivered;
	if (peer->view < e->view ||
	    (peer->view == e->view && peer->is_changing && !e->is_changing)) {
		if (!e->is_changing)
			send_new_view(e, to);
	}
	if (peer->stable < e->stable)
		progress_show_checkpoint(e, to);
	if (peer->delivered < e->stable && e->delivered >= e->stable)
		send_history(e, to);
	else
		send_committed(e, to, peer->delivered + 1);
	if (e->is_changing)
		return;
	seq = engine_floor(e) + 1;
	end = seq + CATCH_UP_SLOTS;
	for (; seq <= e->proposed && seq < end; seq++) {
		struct slot *slot = slot_find(e, seq);

		if (slot != NULL && slot->has_proposal && has_waited(e, slot))
			send_proposal_again(e, to, slot);
	}
	progress_show_votes(e, to);
}

/* Is there anything undecided here that a member might lack? */
static bool
is_unsettled(const struct engine *e)
{
	return e->proposed > e->delivered || e->applied > e->stable;
}

uint64_t
progress_lag(const struct engine *e, uint32_t member)
{
	const struct peer *peer = &e->peers[member];
	const uint64_t limit = HEARD_INTERVALS * e->config.progress_interval_us;

	if (member == e->config.self || peer->applied >= e->applied)
		return 0;
	/* What we executed since it told us does not make it late. */
	return e->now_us - peer->told_us <= limit ? peer->lag
						  : e->applied - peer->applied;
}

bool
progress_note(struct engine *e, uint32_t from, struct decoder *d)
{
	struct peer *peer = &e->peers[from];
	uint64_t view = decoder_get_uint(d);
	bool is_changing = decoder_get_bool(d);
	uint64_t delivered = decoder_get_uint(d);
	uint64_t applied = decoder_get_uint(d);
	uint64_t stable = decoder_get_uint(d);
	uint64_t wanted = decoder_get_uint(d);
	bool votes = decoder_get_bool(d);
	bool blames = decoder_get_bool(d);

	if (decoder_finish(d, NULL) != AG_OK)
		return false;
	peer->view = view;
	peer->is_changing = is_changing;
	peer->delivered = delivered;
	peer->applied = applied;
	peer->told_us = e->now_us;
	peer->lag = applied < e->applied ? e->applied - applied : 0;
	peer->stable = stable;
	peer->wanted = wanted;
	if (!votes && !peer->is_rejoining)
		peer->rejoining_us = e->now_us;
	peer->is_rejoining = !votes;
	if (blames && !is_changing) {
		peer->blamed_view = view + 1;
		peer->blamed_us = e->now_us;
	}
	return true;
}

void
progress_receive(struct engine *e, uint32_t from, struct decoder *d)
{
	const struct peer *peer = &e->peers[from];

	if (!progress_note(e, from, d))
		return;
	if (peer->view < e->view || (peer->is_changing && !e->is_changing) ||
	    peer->stable < e->stable || peer->delivered < e->delivered ||
	    is_unsettled(e))
		help(e, from);
	pace_consider(e);
}

/* --- asking --- */

void
progress_fetch(struct engine *e)
{
	uint64_t seq = engine_floor(e) + 1, end = seq + CATCH_UP_SLOTS;

	for (; seq <= e->proposed && seq < end; seq++) {
		struct slot *slot = slot_find(e, seq);
		const struct digest *digest;
		struct encoder out;

		if (slot == NULL)
			continue;
		digest = slot->committed->proof_count > 0
		    ? &slot->committed->digest
		    : &slot->digest;
		if ((slot->committed->proof_count == 0 &&
			!slot->has_proposal) ||
		    slot_payload(slot, digest) != NULL || !emit_has_room(e, 64))
			continue;
		emit_begin(e, &out);
		encoder_put_array(&out, 3);
		encoder_put_uint(&out, MESSAGE_FETCH);
		encoder_put_uint(&out, seq);
		encoder_put_bytes(&out, bytes_of(digest->data, DIGEST_BYTES));
		emit_send(e, engine_others(e), emit_end(e, &out), 0);
	}
}

bool
progress_may_ask(struct engine *e, uint32_t member)
{
	struct peer *peer = &e->peers[member];

	if (e->now_us - peer->asked_us >= e->config.progress_interval_us) {
		peer->asked_us = e->now_us;
		peer->asked = 0;
	}
	return peer->asked++ < ANSWERS_MAX;
}

void
progress_receive_fetch(struct engine *e, uint32_t from, struct decoder *d)
{
	const struct payload *p;
	struct digest digest;
	struct encoder out;
	struct slot *slot;
	uint64_t seq;

	seq = decoder_get_uint(d);
	decoder_get_fixed(d, digest.data, DIGEST_BYTES);
	slot = decoder_finish(d, NULL) == AG_OK ? slot_find(e, seq) : NULL;
	p = slot == NULL ? NULL : slot_payload(slot, &digest);
	if (p == NULL || !progress_may_ask(e, from) ||
	    !emit_has_room(e, p->len + 32))
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 3);
	encoder_put_uint(&out, MESSAGE_BATCH);
	encoder_put_uint(&out, seq);
	encoder_put_bytes(&out, bytes_of(p->data, p->len));
	emit_send(e, 1U << from, emit_end(e, &out), 0);
}

/* A slot that waited for its batch has it now. */
static void
batch_arrived(struct engine *e, struct slot *slot)
{
	REACHED(BATCH_FETCHED);
	proposal_prepare(e, slot);
	vote_advance(e, slot);
	deliver_ready(e);
}

void
progress_receive_batch(struct engine *e, struct decoder *d)
{
	uint64_t seq = decoder_get_uint(d);
	struct bytes batch =
	    decoder_get_bytes_max(d, e->config.batch_bytes_max);
	struct digest digest;
	struct slot *slot;

	slot = decoder_finish(d, NULL) == AG_OK ? slot_find(e, seq) : NULL;
	if (slot == NULL)
		return;
	digest_of(&digest, batch);
	if (PLANT_BATCH_ANY && slot->has_proposal)
		digest = slot->digest;
	if (slot_payload(slot, &digest) != NULL)
		return;
	if ((slot->committed->proof_count > 0 &&
		digest_equal(&slot->committed->digest, &digest)) ||
	    (slot->has_proposal && digest_equal(&slot->digest, &digest)))
		if (slot_hold(e, slot, &digest, batch) == AG_OK)
			batch_arrived(e, slot);
}

/* Committed, and its batch is here. */
static bool
is_known(struct slot *slot, const struct digest *digest)
{
	return slot->committed->proof_count > 0 &&
	    digest_equal(&slot->committed->digest, digest) &&
	    slot_payload(slot, digest) != NULL;
}

/* A certificate of ours for another batch in its place; or NULL. */
static const struct certificate *
committed_otherwise(struct engine *e, const struct certificate *c)
{
	const struct slot *slot = slot_find(e, c->seq);

	return slot != NULL && slot->committed->proof_count > 0 &&
		!digest_equal(&slot->committed->digest, &c->digest)
	    ? slot->committed
	    : NULL;
}

/* The next batch below the watermark, and our state not too far behind. */
static bool
wants_history(struct engine *e, uint64_t seq)
{
	if (seq != e->delivered + 1 && !PLANT_HISTORY_GAPS)
		return false;
	e->is_history_held = e->delivered - e->applied >= e->config.window;
	if (e->is_history_held)
		REACHED(HISTORY_HELD);
	return !e->is_history_held;
}

void
progress_state_came_on(struct engine *e)
{
	if (!e->is_history_held ||
	    e->delivered - e->applied > e->config.window / 2)
		return;
	e->is_history_held = false;
	progress_send(e);
}

/*
 * A batch from below the watermark, whose slot is gone: hand it out as it
 * comes.  It binds no vote of ours; the records are for those who ask us.
 */
static void
take_history(struct engine *e, struct bytes batch)
{
	struct encoder out;

	if (!emit_has_room(e,
		2 * ((size_t)batch.len + CERTIFICATE_BYTES_MAX) + 256))
		return;
	emit_begin(e, &out);
	record_encode_batch(&out, e->spare->seq, batch);
	emit_persist_lazily(e, e->spare->seq, emit_end(e, &out));
	emit_begin(e, &out);
	record_encode_certificate(&out, RECORD_COMMITTED, e->spare);
	emit_persist_lazily(e, e->spare->seq, emit_end(e, &out));
	REACHED(HISTORY_TAKEN);
	/* The digest is of use only to be compared with the certified one. */
	deliver(e, e->spare, batch, e->spare->seq == e->stable);
	deliver_ready(e);
}

/* A committed batch for a slot of the log. */
static void
take_committed(struct engine *e, struct slot *slot, struct bytes batch)
{
	REACHED(COMMITTED_TAKEN);
	if (slot_hold(e, slot, &e->spare->digest, batch) != AG_OK)
		return;
	if (slot->committed->proof_count > 0)
		deliver_ready(e);
	else
		vote_commit(e, slot, e->spare);
}

void
progress_receive_committed(struct engine *e, struct decoder *d)
{
	const struct certificate *other;
	struct digest digest;
	struct bytes batch;
	struct slot *slot;
	bool is_history;

	certificate_decode(d, e->spare);
	batch = decoder_get_bytes_max(d, e->config.batch_bytes_max);
	if (decoder_finish(d, NULL) != AG_OK ||
	    !certificate_is_commit(e->spare, e->config.member_count) ||
	    (e->spare->seq <= e->delivered &&
		committed_otherwise(e, e->spare) == NULL))
		return;
	digest_of(&digest, batch);
	if (!digest_equal(&digest, &e->spare->digest) && !PLANT_COMMITTED_ANY)
		return;
	is_history = e->spare->seq <= e->stable;
	slot = is_history ? NULL : slot_open(e, e->spare->seq);
	if (is_history ? !wants_history(e, e->spare->seq)
		       : slot == NULL || is_known(slot, &digest))
		return;
	if (!PLANT_COMMITTED_TRUSTED &&
	    certificate_verify(e->spare, &e->config.scope,
		e->config.member_count, e->config.authority,
		e->config.authority_ctx, NULL) != AG_OK) {
		doubt_waste(e);
		return;
	}
	memory_check(e, e->spare);
	other = committed_otherwise(e, e->spare);
	if (other != NULL) {
		conflict_certified(e, other, e->spare);
		return;
	}
	if (is_history)
		take_history(e, batch);
	else
		take_committed(e, slot, batch);
	/* The last of what we were sent: say so, and get the next piece. */
	if (e->delivered - e->caught_up >= CATCH_UP_SLOTS) {
		e->caught_up = e->delivered;
		progress_send(e);
	}
}

void
progress_tick(struct engine *e)
{
	if (e->now_us < e->next_progress_us)
		return;
	progress_send(e);
	recall_ask(e);
	progress_fetch(e);
	checkpoint_chase(e);
}
