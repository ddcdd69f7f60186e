/*
 * One replica: an engine and its driver.
 *
 * RULES    1. The driver's duties are those of consensus/engine.h, done the
 *             laziest way they allow: a send waits for exactly its token,
 *             a turn ends some time later, state is synced now and then.
 *          2. What a crash leaves is the log's safe part and `safe`, the
 *             state machine as last synced, which may lag the log.
 *
 * NOT HERE What a Byzantine replica sends instead (byzantine.c) and what
 *          must hold (invariant.c).
 */
#include "sim/replica.h"

#include <inttypes.h>
#include <stdlib.h>

#include "codec/message.h"
#include "consensus/observer.h"
#include "consensus/record.h"
#include "sim/attack.h"
#include "sim/beginning.h"
#include "sim/beyond.h"
#include "sim/byzantine.h"
#include "sim/client.h"
#include "sim/disk.h"
#include "sim/feeding.h"
#include "sim/invariant.h"
#include "sim/ledger.h"
#include "sim/lie.h"
#include "sim/network.h"
#include "sim/promise.h"
#include "sim/succession.h"
#include "sim/terms.h"
#include "sim/transfer.h"

#define NEVER UINT64_MAX
#define APPLY_MEAN_US 60
#define STATE_SYNC_CHANCE 150
#define HISTORY_BATCHES 8
#define FULL_DOWN_US 20000

static uint64_t
local_time(const struct world *w, const struct replica *r)
{
	return r->clock_offset + w->now * r->clock_rate / 1000;
}

/* The earliest moment at which the replica's clock shows local. */
static uint64_t
true_time(const struct replica *r, uint64_t local)
{
	if (local <= r->clock_offset)
		return 0;
	return ((local - r->clock_offset) * 1000 + r->clock_rate - 1) /
	    r->clock_rate;
}

static void
happen_at(struct world *w, const struct replica *r, enum happen_kind kind,
    uint64_t at)
{
	world_push(w,
	    (struct happening){
		.at = at,
		.kind = kind,
		.replica = r->index,
		.incarnation = r->incarnation,
	    });
}

static void
held_clear(struct held_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
}

static void
held_append(struct world *w, struct held_list *list,
    const struct effect *effect)
{
	struct held *held = arena_take(&w->arena, sizeof(*held));

	held->next = NULL;
	held->effect = *effect;
	held->effect.body = arena_copy(&w->arena, effect->body);
	held->effect.certificate = arena_copy(&w->arena, effect->certificate);
	*list->tail = held;
	list->tail = &held->next;
}

static void
held_pop(struct held_list *list)
{
	list->head = list->head->next;
	if (list->head == NULL)
		list->tail = &list->head;
}

/* The view a message commits this replica to, or 0. */
static uint64_t
view_of(const struct replica *r, struct bytes body)
{
	struct decoder d;
	uint64_t type;

	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	type = decoder_get_uint(&d);
	if (type == MESSAGE_VOTE_REQUEST || type == MESSAGE_VOTE_ANSWER) {
		uint64_t term = decoder_get_uint(&d);

		/* A pre-vote binds nobody. */
		return decoder_get_bool(&d) ? 0 : term;
	}
	if (type != MESSAGE_PRE_PREPARE && type != MESSAGE_VOTES &&
	    type != MESSAGE_VIEW_CHANGE && type != MESSAGE_PROGRESS &&
	    type != MESSAGE_APPEND && type != MESSAGE_APPEND_ANSWER)
		return 0;
	/* Others' are sent on. */
	if (type == MESSAGE_VIEW_CHANGE && decoder_get_uint(&d) != r->self)
		return 0;
	return decoder_get_uint(&d);
}

static void
replica_transmit(struct world *w, struct replica *r,
    const struct effect *effect)
{
	const struct membership *m = membership_of(w, r);
	uint64_t type = message_type_of(effect->body), view;
	uint32_t to, members = effect->members;

	if (r->has_stopped)
		world_violate(w, "replica %u has stopped, and sends", r->index);
	/* Most of what is sent binds nobody. */
	if (type != MESSAGE_REQUEST && type != MESSAGE_COMMITTED &&
	    type != MESSAGE_VOTE_PROOFS) {
		view = view_of(r, effect->body);
		if (view > r->view_told)
			r->view_told = view;
		if (type != MESSAGE_PROGRESS)
			invariant_leave(w, r, effect->body);
		if (world_is_raft(w))
			terms_leave(w, r, effect->members, effect->body);
		if (type != MESSAGE_PROGRESS)
			ledger_leave(w, r, effect->body);
	}
	/* Where a member stands helps observers to choose whom to follow. */
	if (type == MESSAGE_PROGRESS)
		members |= (1U << m->node_count) - (1U << m->member_count);
	for (to = 0; to < m->node_count; to++) {
		if ((members >> to & 1) == 0)
			continue;
		if (r->is_honest)
			network_send(w, r, m->nodes[to], effect->body, 0);
		else
			byzantine_send(w, r, m->nodes[to], effect->body);
	}
}

void
replica_send(struct world *w, struct replica *r, uint32_t members,
    struct bytes body)
{
	struct effect message = { .members = members };

	message.body = arena_copy(&w->arena, body);
	replica_transmit(w, r, &message);
}

/* The token allows: send what waited, in order of waiting. */
static void
replica_release(struct world *w, struct replica *r)
{
	struct held **at = &r->sends.head;

	while (*at != NULL) {
		if ((*at)->effect.after <= r->durable) {
			replica_transmit(w, r, &(*at)->effect);
			*at = (*at)->next;
		} else {
			at = &(*at)->next;
		}
	}
	r->sends.tail = at;
}

static void
replica_apply_soon(struct world *w, struct replica *r)
{
	if (r->is_applying || r->delivers.head == NULL ||
	    r->delivers.head->effect.after > r->durable)
		return;
	r->is_applying = true;
	happen_at(w, r, HAPPEN_APPLY,
	    w->now + 10 + dice_waiting(&w->disk_dice, APPLY_MEAN_US));
}

static void
replica_sync_state(struct replica *r)
{
	r->safe = r->machine;
}

/* Once a stable checkpoint is on disk and in the state, the log may go. */
static void
replica_truncate(struct world *w, struct replica *r)
{
	if (r->stable_token == 0 || r->durable < r->stable_token)
		return;
	/* Of a state that is yet to come nothing is safe. */
	if (r->machine.applied < r->stable_seq)
		return;
	r->stable_safe = r->stable_seq;
	replica_sync_state(r);
	disk_truncate(w, r, r->stable_seq, r->token_base + r->stable_token);
	r->stable_token = 0;
}

static void
on_persist(struct world *w, struct replica *r, const struct effect *effect)
{
	invariant_persist(w, r, effect);
	if (world_is_raft(w))
		terms_persist(w, r, effect->body);
	else
		beginning_judge(w, r, effect->body);
	if (r->crash_at == disk_kind(effect->body) && !lie_is_delicate(w)) {
		r->crash_at = 0;
		r->crash_in_steps = r->crash_after;
	}
	disk_append(w, r, r->token_base + effect->token, effect->seq,
	    effect->body);
}

static void
on_send(struct world *w, struct replica *r, const struct effect *effect)
{
	struct effect copy = *effect;

	invariant_send(w, r, effect);
	copy.view = r->status.view;
	if (r->is_replaying) {
		world_violate(w, "replica %u sends during replay", r->index);
		return;
	}
	if (effect->after > r->durable) {
		held_append(w, &r->sends, &copy);
		return;
	}
	copy.body = arena_copy(&w->arena, effect->body);
	replica_transmit(w, r, &copy);
}

static void
on_deliver(struct world *w, struct replica *r, const struct effect *effect)
{
	invariant_deliver(w, r, effect);
	r->delivered = effect->seq;
	held_append(w, &r->delivers, effect);
}

static void
on_stable(struct world *w, struct replica *r, const struct effect *effect)
{
	world_count(w, COUNT_REACHED_CHECKPOINT);
	invariant_stable(w, r, effect);
	r->stable_seq = effect->seq;
	r->stable_digest = effect->digest;
	r->stable_certificate = arena_copy(&w->arena, effect->body);
	transfer_prove(w, r, effect->seq);
	r->stable_token = effect->token;
	world_trace(w, "replica %u stable %" PRIu64, r->index, effect->seq);
	replica_truncate(w, r);
	r->ended = effect->seq;
	feeding_stable(r, effect->seq, effect->body);
	succession_consider(w, r);
}

/*
 * The digest that a log says was committed at seq; the certificate is then in
 * w->certificate.
 */
static bool
log_committed(struct world *w, const struct replica *r, uint64_t seq,
    struct digest *digest)
{
	struct record fields_of;
	size_t i;

	for (i = r->disk.first; i < r->disk.count; i++) {
		if (r->disk.records[i].seq != seq ||
		    record_decode(&fields_of, &w->certificate,
			r->disk.records[i].body, NULL) != AG_OK ||
		    fields_of.kind != RECORD_COMMITTED)
			continue;
		*digest = fields_of.digest;
		return true;
	}
	return false;
}

static bool
log_batch(struct world *w, const struct replica *r, uint64_t seq,
    const struct digest *digest, struct bytes *batch)
{
	struct record fields_of;
	struct digest found;
	size_t i;

	for (i = r->disk.first; i < r->disk.count; i++) {
		if (r->disk.records[i].seq != seq ||
		    record_decode(&fields_of, &w->certificate,
			r->disk.records[i].body, NULL) != AG_OK ||
		    fields_of.batch.len == 0)
			continue;
		digest_of(&found, fields_of.batch);
		*batch = fields_of.batch;
		if (digest_equal(&found, digest))
			return true;
	}
	return false;
}

/* As the log has it. */
void
replica_send_history(struct world *w, struct replica *r, uint32_t member,
    uint64_t from)
{
	static uint8_t raw[8192];
	struct digest digest;
	struct bytes batch, body;
	struct encoder out;
	uint64_t seq;

	for (seq = from; seq < from + HISTORY_BATCHES; seq++) {
		if (!log_committed(w, r, seq, &digest) ||
		    !log_batch(w, r, seq, &digest, &batch))
			return;
		/* Looking for the batch has overwritten it. */
		(void)log_committed(w, r, seq, &digest);
		encoder_init(&out, raw, sizeof(raw));
		encoder_put_array(&out, 3);
		encoder_put_uint(&out, MESSAGE_COMMITTED);
		certificate_encode(&out, &w->certificate);
		encoder_put_bytes(&out, batch);
		AG_ASSERT(encoder_finish(&out, &body) == AG_OK);
		world_count(w, COUNT_REACHED_HISTORY);
		replica_send(w, r, 1U << member, body);
	}
}

static void
on_vouched(struct world *w, struct replica *r, const struct effect *effect)
{
	world_count(w, COUNT_REACHED_VOUCHED);
	world_trace(w, "replica %u vouched %" PRIu64, r->index, effect->seq);
	invariant_vouched(w, r, effect);
	r->vouched_seq = effect->seq;
	r->vouched_certificate = arena_copy(&w->arena, effect->body);
	transfer_prove(w, r, effect->seq);
}

static void
on_rejoining(struct world *w, struct replica *r, const struct effect *effect)
{
	world_trace(w, "replica %u %s %" PRIu64, r->index,
	    effect->is_rejoining ? "gives no votes until" : "votes again",
	    effect->seq);
	if (!effect->is_rejoining && !world_is_raft(w))
		w->unsettled &= ~(1U << r->member);
	if (!effect->is_rejoining)
		world_count(w, COUNT_REACHED_REJOINED);
	else if (effect->seq == 0)
		world_count(w, COUNT_REACHED_ASKING);
	else
		world_count(w, COUNT_REACHED_REJOINING);
	if (r->is_honest && w->profile.lie_count == 0)
		world_violate(w, "replica %u stops voting for no reason",
		    r->index);
}

static void
on_fatal(struct world *w, struct replica *r, const struct effect *effect)
{
	if (r->is_honest && !w->profile.is_beyond_faults) {
		world_violate(w, "replica %u stopped: %s", r->index,
		    effect->text);
		return;
	}
	if (r->is_honest)
		beyond_stop(w, r, effect->text);
	r->is_up = false;
	r->is_out = true;
	r->incarnation++;
}

static void
on_term(struct world *w, struct replica *r, const struct effect *effect)
{
	terms_view(w, r, effect);
	if (!w->profile.has_short_reigns || w->is_healed ||
	    lie_is_delicate(w) || effect->is_changing ||
	    effect->member != r->self || !dice_chance(&w->fault_dice, 700) ||
	    !world_strikes(w, COUNT_CRASHED))
		return;
	r->crash_in_steps = dice_range(&w->fault_dice, 2, 16);
	r->down_us = dice_waiting(&w->fault_dice, w->profile.down_us);
}

static void
replica_effect(struct world *w, struct replica *r, const struct effect *effect)
{
	world_note(w,
	    (uint64_t)effect->kind << 32 ^ effect->seq ^ effect->token << 16 ^
		effect->body.len << 40);
	world_note_bytes(w, effect->body);
	switch (effect->kind) {
	case EFFECT_PERSIST:
		on_persist(w, r, effect);
		break;
	case EFFECT_SEND:
		on_send(w, r, effect);
		break;
	case EFFECT_DELIVER:
		on_deliver(w, r, effect);
		break;
	case EFFECT_FETCH_STATE:
		transfer_want(w, r, effect);
		break;
	case EFFECT_STABLE:
		on_stable(w, r, effect);
		break;
	case EFFECT_HISTORY:
		replica_send_history(w, r, effect->member, effect->seq);
		break;
	case EFFECT_VOUCHED:
		on_vouched(w, r, effect);
		break;
	case EFFECT_VIEW:
		world_count(w, COUNT_REACHED_VIEW);
		world_trace(w, "replica %u view %" PRIu64 "%s", r->index,
		    effect->view, effect->is_changing ? " (changing)" : "");
		if (world_is_raft(w))
			on_term(w, r, effect);
		else if (!membership_observes(w, r))
			beginning_told(w, r, effect);
		break;
	case EFFECT_EVIDENCE:
		invariant_evidence(w, r, effect);
		break;
	case EFFECT_REFUSED:
		world_count(w, COUNT_REACHED_REFUSED);
		break;
	case EFFECT_READ:
		client_indexed(w, r, effect->token, effect->seq);
		break;
	case EFFECT_HORIZON:
		lie_horizon(r, effect->horizon);
		break;
	case EFFECT_REJOINING:
		on_rejoining(w, r, effect);
		break;
	case EFFECT_FATAL:
		on_fatal(w, r, effect);
		break;
	}
}

static void
replica_arm(struct world *w, struct replica *r)
{
	uint64_t at;

	if (r->deadline_us == NEVER)
		return;
	at = true_time(r, r->deadline_us);
	if (at < w->now)
		at = w->now;
	if (at >= r->timer_at && r->timer_at > w->now)
		return;
	r->timer_at = at;
	happen_at(w, r, HAPPEN_TIMER, at);
}

void
replica_step(struct world *w, struct replica *r, struct event event)
{
	size_t i;

	if (!r->is_up)
		return;
	event.now_us = local_time(w, r);
	event.wall_ms = (uint64_t)((int64_t)(WORLD_WALL_MS + w->now / 1000) +
	    r->wall_skew_ms);
	if (r->is_honest && event.wall_ms > w->wall_latest_ms)
		w->wall_latest_ms = event.wall_ms;
	w->effects.count = 0;
	w->effects.deadline_us = NEVER;
	r->strategy->step(r->engine, &event, &w->effects);
	/* The end of a turn in which nothing happened changes nothing. */
	if (w->effects.count > 0 || event.kind != EVENT_FLUSH)
		r->strategy->status(r->engine, &r->status);
	for (i = 0; i < w->effects.count && !w->is_violated && r->is_up; i++)
		replica_effect(w, r, &w->effects.list[i]);
	if (!r->is_up || w->is_violated)
		return;
	r->deadline_us = w->effects.deadline_us;
	invariant_step(w, r, &event);
	if (r->is_replaying)
		return;
	replica_arm(w, r);
	disk_sync(w, r);
	replica_apply_soon(w, r);
	if (event.kind != EVENT_FLUSH && !r->is_flush_due) {
		r->is_flush_due = true;
		happen_at(w, r, HAPPEN_FLUSH,
		    w->now + dice_below(&w->disk_dice, w->profile.turn_us + 1));
	}
	lie_settle(w, r);
	if (disk_is_full(w, r)) {
		world_count(w, COUNT_FULL_STOPS);
		replica_crash(w, r, FULL_DOWN_US);
		return;
	}
	if (r->crash_in_steps > 0 && !w->is_healed && --r->crash_in_steps == 0)
		replica_crash(w, r, r->down_us);
}

static void
replica_lay_out(struct world *w, struct replica *r)
{
	struct membership *m = membership_of(w, r);
	const struct profile *p = &w->profile;
	struct engine_config config = {
		.scope = m->scope,
		.member_count = m->member_count,
		.self = r->self,
		.checkpoint_interval = p->checkpoint_interval,
		.window = p->window,
		.pipeline_max = p->pipeline_max,
		.batch_bytes_max = 4096,
		.batch_requests_max = 8,
		.pending_bytes_max = 16384,
		.view_timeout_us = (p->byzantine[r->member] & BYZ_HASTY) != 0
		    ? p->view_timeout_us / 10
		    : p->view_timeout_us,
		.progress_interval_us = p->progress_interval_us,
		.first_seq = m->first_seq,
		.first_digest = m->first_digest,
		.clock_skew_max_ms = WORLD_SKEW_MS,
		.authority = &keyring_authority,
		.authority_ctx = &m->signers[r->member],
	};
	size_t len;

	r->strategy =
	    membership_observes(w, r) ? &strategy_observer : w->strategy;
	len = r->strategy->size(&config);

	if (w->memory_len[r->index] < len) {
		free(w->memory[r->index]);
		w->memory_len[r->index] = (len + 63) & ~(size_t)63;
		w->memory[r->index] =
		    aligned_alloc(64, w->memory_len[r->index]);
		AG_ASSERT(w->memory[r->index] != NULL);
	}
	r->engine = r->strategy->init(w->memory[r->index], len, &config);
}

/* The state may lag behind the log: what the log decided is done again. */
static void
redo_state(struct world *w, struct replica *r)
{
	struct digest digest;
	struct bytes batch;

	while (!machine_is_last(&r->machine, r->epoch) &&
	    log_committed(w, r, r->machine.applied + 1, &digest) &&
	    log_batch(w, r, r->machine.applied + 1, &digest, &batch)) {
		world_count(w, COUNT_REACHED_REDELIVERY);
		client_execute(w, r, r->machine.applied + 1, batch);
		invariant_applied(w, r);
	}
}

static void
replica_replay(struct world *w, struct replica *r)
{
	size_t i;

	r->is_replaying = true;
	for (i = r->disk.first; i < r->disk.count && !w->is_violated; i++) {
		const struct disk_record *record = &r->disk.records[i];

		replica_step(w, r,
		    (struct event){
			.kind = EVENT_REPLAY,
			.seq = record->seq,
			.token = record->token,
			.body = record->body,
		    });
	}
	r->is_replaying = false;
}

void
replica_start(struct world *w, struct replica *r)
{
	struct event start = { .kind = EVENT_START, .has_digest = true };

	r->is_up = true;
	r->holdings = NULL;
	r->is_leaving = false;
	r->is_told = false;
	r->told_by = 0;
	r->ended = 0;
	r->durable = 0;
	r->last_token = 0;
	lie_recollect(r);
	r->token_base = r->disk.count > r->disk.first
	    ? r->disk.records[r->disk.count - 1].token
	    : 0;
	memset(r->before, 0, sizeof(r->before));
	redo_state(w, r);
	r->delivered = r->machine.applied;
	r->is_applying = false;
	r->is_flush_due = false;
	r->deadline_us = NEVER;
	r->timer_at = 0;
	r->transfer.is_wanted = false;
	r->stable_token = 0;
	held_clear(&r->sends);
	held_clear(&r->delivers);
	memset(&r->status, 0, sizeof(r->status));
	replica_lay_out(w, r);
	replica_replay(w, r);
	start.seq = r->machine.applied;
	start.is_last = machine_is_last(&r->machine, r->epoch);
	start.horizon = &r->memory.horizon;
	/* Who never ran has nothing to ask for; an observer asks whom it
	 * may. */
	start.token = w->profile.lie_count == 0 && r->incarnation == 0 &&
		!membership_observes(w, r)
	    ? 0
	    : w->now * WORLD_REPLICAS_MAX + r->index + 1;
	machine_digest(&r->machine, &start.digest);
	r->has_digest = true;
	replica_step(w, r, start);
	feeding_start(w, r);
	invariant_start(w, r);
}

void
replica_crash(struct world *w, struct replica *r, uint64_t down_us)
{
	world_trace(w, "crash %u", r->index);
	r->is_up = false;
	r->incarnation++;
	r->crash_in_steps = 0;
	r->crash_at = 0;
	r->paused_until = 0;
	feeding_stop(r);
	disk_crash(w, r);
	promise_keep(r);
	lie_horizon_crash(w, r);
	if (r->safe.applied < r->machine.applied)
		world_count(w, COUNT_STATE_LOST);
	r->machine = r->safe;
	r->snapshot_count = 0;
	r->is_pin_asked = false;
	r->readers = 0;
	r->is_indexed = false;
	r->vouched_seq = 0;
	happen_at(w, r, HAPPEN_RESTART, w->now + down_us);
}

static void
on_apply(struct world *w, struct replica *r)
{
	struct effect effect;
	struct event event = { .kind = EVENT_APPLIED };

	r->is_applying = false;
	/* Of what is decided beyond the end nothing is executed. */
	if (machine_is_last(&r->machine, r->epoch))
		held_clear(&r->delivers);
	if (r->delivers.head == NULL)
		return;
	effect = r->delivers.head->effect;
	held_pop(&r->delivers);
	feeding_decided(r, &effect);
	if (effect.seq != r->machine.applied + 1)
		return;
	client_execute(w, r, effect.seq, effect.body);
	client_read(w, r);
	invariant_applied(w, r);
	event.seq = effect.seq;
	event.is_last = machine_is_last(&r->machine, r->epoch);
	r->has_digest = effect.is_checkpoint || event.is_last;
	if (r->has_digest) {
		event.has_digest = true;
		machine_digest(&r->machine, &event.digest);
		if (r->is_pin_asked)
			transfer_keep(w, r);
		if (!r->is_honest)
			byzantine_digest(w, r, &event.digest);
	}
	if (dice_chance(&w->disk_dice, STATE_SYNC_CHANCE))
		replica_sync_state(r);
	replica_step(w, r, event);
	replica_truncate(w, r);
	replica_apply_soon(w, r);
	succession_consider(w, r);
}

static void
on_synced(struct world *w, struct replica *r)
{
	uint64_t token = disk_synced(r);

	promise_keep(r);
	lie_horizon_synced(r);
	r->durable = token > r->token_base ? token - r->token_base : 0;
	replica_release(w, r);
	replica_truncate(w, r);
	replica_step(w, r,
	    (struct event){ .kind = EVENT_PERSISTED, .token = r->durable });
}

static void
on_arrive(struct world *w, struct replica *r, const struct happening *h)
{
	const uint64_t failed = w->keyring.failed;
	uint32_t from;

	if (!succession_admits(w, r, h, &from) || attack_ignores(w, r, h->body))
		return;
	if (from >= membership_of(w, r)->member_count) {
		feeding_message(w, r, from, h->body);
		return;
	}
	if (w->profile.is_beyond_faults) {
		beyond_message(w, r, h->from, h->body);
		return;
	}
	replica_step(w, r,
	    (struct event){
		.kind = EVENT_MESSAGE,
		.member = from,
		.body = h->body,
	    });
	if (w->keyring.failed != failed && h->value == r->epoch)
		invariant_doubt(w, r, h->from, h->body);
}

void
replica_happen(struct world *w, struct replica *r, const struct happening *h)
{
	if (h->kind == HAPPEN_JOIN) {
		succession_happen(w, r, h);
		return;
	}
	if (h->kind == HAPPEN_RESTART) {
		world_trace(w, "restart %u at %" PRIu64, r->index,
		    r->machine.applied);
		replica_start(w, r);
		return;
	}
	if (!r->is_up)
		return;
	if (r->paused_until > w->now) {
		struct happening later = *h;

		later.at = r->paused_until;
		world_push(w, later);
		return;
	}
	if (h->kind == HAPPEN_ARRIVE) {
		on_arrive(w, r, h);
	} else if (h->kind == HAPPEN_SUBMIT) {
		client_submit(w, r, (size_t)h->value, h->from != 0);
	} else if (h->kind == HAPPEN_FLUSH) {
		r->is_flush_due = false;
		replica_step(w, r, (struct event){ .kind = EVENT_FLUSH });
	} else if (h->kind == HAPPEN_TIMER) {
		if (h->at != r->timer_at)
			return;
		r->timer_at = 0;
		if (local_time(w, r) >= r->deadline_us)
			replica_step(w, r,
			    (struct event){ .kind = EVENT_TICK });
		else
			replica_arm(w, r);
	} else if (h->kind == HAPPEN_SYNCED) {
		on_synced(w, r);
	} else if (h->kind == HAPPEN_APPLY) {
		on_apply(w, r);
	} else if (h->kind == HAPPEN_TRANSFER) {
		transfer_try(w, r);
	} else {
		succession_happen(w, r, h);
	}
}
