/*
 * An observer: a state machine that follows PBFT's decisions from outside.
 *
 * One member, the source, feeds it COMMITTED messages as they come to be
 * (node/feed.c is the other end).  Each proves itself: the certificate is a
 * quorum's, the batch is known by its digest.  What it can not get that way
 * is fetched as a state, as a member that was away does.
 *
 * STATES   at the head  nothing is known to be decided that is not here
 *          behind       f + 1 members, or a certificate, say that there is
 *          held         the state is a window behind: nothing more is taken
 *
 * RULES    1. Nothing is signed but requests, and nothing promised: so there
 *             is nothing to write down before it leaves.  A state that comes
 *             back older is fed what it lacks.
 *          2. A sender is believed in nothing: what it sends proves itself, and
 *             is taken in order.
 *          3. The last state of an epoch is waited for with its certificate.
 *
 * FILES    observer_source      where the members stand, and whom to follow
 *          observer_checkpoint  our state against theirs
 *          observer_request     what our clients ask for
 *          observer_emit        effects
 */
#include "consensus/observer_parts.h"

#include <string.h>

/* Batches taken before the source is told. */
#define TOLD_SLOTS 16

static struct observer *
self_of(struct engine *e)
{
	return (struct observer *)(void *)e;
}

static const struct observer *
self_of_const(const struct engine *e)
{
	return (const struct observer *)(const void *)e;
}

/* --- what was decided --- */

/* Has the epoch no checkpoint of its own yet?  Then each batch may be one. */
static bool
is_beginning(const struct observer *o)
{
	return o->config.first_seq > 0 && o->stable == o->config.first_seq;
}

/* May the members certify the state after this batch?  As checkpoint.c. */
static bool
is_checkpoint(const struct observer *o, uint64_t seq, const struct batch *batch)
{
	return seq % o->config.checkpoint_interval == 0 || is_beginning(o) ||
	    seq == o->stable + o->config.window ||
	    (batch->flags & BATCH_FLAG_CHECKPOINT) != 0 ||
	    (o->target.proof_count > 0 && o->target.seq == seq);
}

static void
deliver(struct observer *o, const struct certificate *c, struct bytes raw,
    const struct batch *batch)
{
	struct effect *effect;
	struct encoder out;

	observer_emit_begin(o, &out);
	certificate_encode(&out, c);
	effect = observer_emit(o, EFFECT_DELIVER);
	effect->seq = c->seq;
	effect->view = c->view;
	effect->digest = c->digest;
	effect->body = raw;
	effect->certificate = observer_emit_end(o, &out);
	effect->is_checkpoint = is_checkpoint(o, c->seq, batch);
	o->delivered = c->seq;
	o->came_on_us = o->now_us;
	observer_request_executed(o, batch);
	if (o->delivered - o->told >= TOLD_SLOTS)
		observer_source_tell(o);
}

static void
on_committed(struct observer *o, struct decoder *d)
{
	struct digest digest;
	struct batch batch;
	struct bytes raw;

	certificate_decode(d, &o->spare);
	raw = decoder_get_bytes_max(d, o->config.batch_bytes_max);
	if (decoder_finish(d, NULL) != AG_OK ||
	    !certificate_is_commit(&o->spare, o->config.member_count) ||
	    o->spare.seq != o->delivered + 1 || o->last != 0 ||
	    o->delivered < o->config.first_seq)
		return;
	o->is_held = o->delivered - o->applied >= o->config.window;
	if (o->is_held || !observer_emit_has_room(o, 2 * CERTIFICATE_BYTES_MAX))
		return;
	digest_of(&digest, raw);
	if ((!digest_equal(&digest, &o->spare.digest) && !PLANT_OBSERVER_ANY) ||
	    (!observer_checkpoint_is_certified(o, &o->spare) &&
		!PLANT_OBSERVER_TRUSTS)) {
		REACHED(OBSERVER_REFUSED);
		return;
	}
	/* The members' own judge of a batch that is none. */
	if (batch_decode(&batch, raw, NULL) != AG_OK)
		batch = (struct batch){ 0 };
	deliver(o, &o->spare, raw, &batch);
}

static void
on_message(struct observer *o, uint32_t from, struct bytes body)
{
	const uint64_t type = message_type_of(body);
	struct decoder d;

	if (!o->is_started || from >= o->config.member_count)
		return;
	o->members[from].heard_us = o->now_us;
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	(void)decoder_get_uint(&d);
	if (type == MESSAGE_COMMITTED)
		on_committed(o, &d);
	else if (type == MESSAGE_CHECKPOINT)
		observer_checkpoint_receive(o, &d);
	else if (type == MESSAGE_PROGRESS)
		observer_source_progress(o, from, &d);
}

/* --- what the driver tells --- */

static void
end_epoch(struct observer *o, uint64_t seq)
{
	REACHED(OBSERVER_ENDED);
	o->last = PLANT_OBSERVER_BEYOND ? 0 : seq;
	observer_request_drop_all(o);
}

static void
on_start(struct observer *o, const struct event *event)
{
	o->is_started = true;
	o->delivered = event->seq;
	o->applied = event->seq;
	o->next_us = o->now_us;
	o->came_on_us = o->now_us;
	o->source = (uint32_t)(event->token % o->config.member_count);
	if (event->has_digest)
		observer_checkpoint_keep(o, event->seq, &event->digest);
	if (event->is_last)
		end_epoch(o, event->seq);
}

static void
on_applied(struct observer *o, const struct event *event)
{
	if (event->is_last)
		end_epoch(o, event->seq);
	o->applied = event->seq;
	if (event->has_digest)
		observer_checkpoint_keep(o, event->seq, &event->digest);
	if (event->has_digest && o->target.proof_count > 0 &&
	    o->target.seq == event->seq) {
		o->spare = o->target;
		observer_checkpoint_weigh(o, &o->spare);
	}
	if (o->is_held && o->delivered - o->applied <= o->config.window / 2) {
		o->is_held = false;
		observer_source_tell(o);
	}
}

static void
on_installed(struct observer *o, const struct event *event)
{
	struct decoder d;

	decoder_init(&d, event->body);
	certificate_decode(&d, &o->spare);
	if (decoder_finish(&d, NULL) != AG_OK || o->spare.seq != event->seq ||
	    !digest_equal(&o->spare.digest, &event->digest)) {
		observer_emit_fatal(o,
		    "an installed state came without its certificate");
		return;
	}
	if (event->seq <= o->applied)
		return;
	o->applied = event->seq;
	if (o->delivered < event->seq)
		o->delivered = event->seq;
	o->came_on_us = o->now_us;
	o->fetch_seq = 0;
	observer_checkpoint_keep(o, event->seq, &event->digest);
	if (event->is_last)
		end_epoch(o, event->seq);
	/* A state that only f + 1 vouch for is right, and no checkpoint. */
	if (event->seq > o->stable && o->spare.proof_count >= o->quorum)
		observer_checkpoint_adopt(o, &o->spare);
	observer_source_tell(o);
}

/* Where we stand goes to everybody, and what is wrong is seen to. */
static void
on_tick(struct observer *o)
{
	if (!o->is_started || o->now_us < o->next_us)
		return;
	o->next_us = o->now_us + o->config.progress_interval_us;
	if (!observer_source_lags(o))
		o->came_on_us = o->now_us;
	observer_source_judge(o);
	observer_source_tell_all(o);
	observer_checkpoint_chase(o);
	observer_request_forward(o);
}

static void
dispatch(struct observer *o, const struct event *event)
{
	switch (event->kind) {
	case EVENT_START:
		on_start(o, event);
		break;
	case EVENT_TICK:
		on_tick(o);
		break;
	case EVENT_MESSAGE:
		on_message(o, event->member, event->body);
		break;
	case EVENT_SUBMIT:
		observer_request_submit(o, event->body);
		break;
	case EVENT_APPLIED:
		on_applied(o, event);
		break;
	case EVENT_INSTALLED:
		on_installed(o, event);
		break;
	case EVENT_CHECKPOINT_WANTED:
		o->wants_checkpoint = true;
		if (o->is_started)
			observer_source_tell(o);
		break;
	case EVENT_FLUSH:
		if (o->is_started)
			observer_request_forward(o);
		break;
	case EVENT_REPLAY:
	case EVENT_PERSISTED:
	case EVENT_RESIGN:
	case EVENT_READ:
	default:
		break;
	}
}

/* --- the strategy --- */

static size_t
align_up(size_t value)
{
	return (value + 63) & ~(size_t)63;
}

/* Buddy blocks waste up to half. */
static size_t
pool_bytes(const struct engine_config *c)
{
	return 2 * ((size_t)c->pending_bytes_max + c->batch_bytes_max);
}

static size_t
observer_size(const struct engine_config *config)
{
	return align_up(sizeof(struct observer)) +
	    align_up(OBSERVER_SCRATCH_BYTES(config)) +
	    pool_size(pool_bytes(config));
}

static bool
is_sound(const struct engine_config *c)
{
	return c->member_count >= 1 && c->self >= c->member_count &&
	    c->self < ENGINE_MEMBERS_MAX && c->checkpoint_interval >= 1 &&
	    c->window >= 2 * c->checkpoint_interval &&
	    c->batch_bytes_max >= 512 && c->batch_bytes_max <= 64U << 20 &&
	    c->pending_bytes_max <= 1U << 30 && c->view_timeout_us > 0 &&
	    c->progress_interval_us > 0 && c->authority != NULL &&
	    c->scope.faults == FAULTS_BYZANTINE;
}

static struct engine *
observer_init(void *memory, size_t len, const struct engine_config *config)
{
	struct observer *o = memory;
	uint8_t *base = memory;

	if (!is_sound(config) || len < observer_size(config))
		return NULL;
	memset(o, 0, sizeof(*o));
	o->config = *config;
	o->faults = trust_faults(FAULTS_BYZANTINE, config->member_count);
	o->quorum = trust_quorum(FAULTS_BYZANTINE, config->member_count);
	o->stable = config->first_seq;
	o->stable_digest = config->first_digest;
	o->scratch = base + align_up(sizeof(*o));
	pool_init(&o->pool,
	    o->scratch + align_up(OBSERVER_SCRATCH_BYTES(config)),
	    pool_bytes(config));
	return memory;
}

static void
observer_step(struct engine *e, const struct event *event,
    struct effects *effects)
{
	struct observer *o = self_of(e);

	effects->count = 0;
	effects->deadline_us = UINT64_MAX;
	if (o->has_failed)
		return;
	AG_ASSERT(event->now_us >= o->now_us);
	o->effects = effects;
	o->scratch_used = 0;
	o->now_us = event->now_us;
	dispatch(o, event);
	if (o->is_started && !o->has_failed)
		effects->deadline_us = o->next_us;
}

static void
observer_status(const struct engine *e, struct engine_status *s)
{
	const struct observer *o = self_of_const(e);
	const uint64_t head = observer_source_head(o);
	uint32_t i;

	memset(s, 0, sizeof(*s));
	s->view = o->view;
	s->primary = (uint32_t)(o->view % o->config.member_count);
	s->delivered = o->delivered;
	s->applied = o->applied;
	s->proposed = head > o->delivered ? head : o->delivered;
	s->stable = o->stable;
	s->stable_digest = o->stable_digest;
	s->view_changes = o->view_changes;
	s->pending_requests = o->waiting_count;
	s->pending_bytes = o->waiting_bytes;
	for (i = 0; i < o->config.member_count; i++) {
		s->member_view[i] = o->members[i].view;
		s->member_applied[i] = o->members[i].applied;
		s->member_lag[i] = o->members[i].lag;
		s->member_stable[i] = o->members[i].stable;
		s->member_rejoining[i] = o->members[i].is_rejoining;
	}
}

/* What was decided is known to whoever it was handed to. */
static enum ag_status
observer_round(const struct engine *e, uint64_t seq, struct engine_round *round)
{
	(void)e;
	(void)seq;
	(void)round;
	return AG_ENOENT;
}

const struct strategy strategy_observer = {
	.name = "observer",
	.size = observer_size,
	.init = observer_init,
	.step = observer_step,
	.status = observer_status,
	.round = observer_round,
};
