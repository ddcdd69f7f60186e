/*
 * An observer: a state machine that follows PBFT's decisions from outside.
 *
 * One member, the source, feeds it COMMITTED messages as they come to be
 * (node/feed.c is the other end).  Each proves itself: the certificate is a
 * quorum's, the batch is known by its digest.  What it can not get that way
 * is fetched as a state, as a member that was away does.
 *
 * FORMAT   FOLLOW     [40, delivered, applied, stable, wants a checkpoint,
 *                     feeds]  feeds: the receiver is asked for what follows
 *          REQUEST, PROGRESS, COMMITTED, CHECKPOINT as members have them
 *
 * STATES   at the head  nothing is known to be decided that is not here
 *          behind       f + 1 members, or a certificate, say that there is
 *          held         the state is a window behind: nothing more is taken
 *
 * RULES    1. Nothing is signed but requests, and nothing promised: so there
 *             is nothing to write down before it leaves.  A state that comes
 *             back older is fed what it lacks.
 *          2. A sender is believed in nothing.  Where the members stand is
 *             what f + 1 of them claim, and it only decides whom to ask.
 *          3. A source that is silent, or has nothing while others have, is
 *             left for the next.
 *          4. A certified digest that differs from ours means that our state
 *             is wrong: we stop.
 *          5. A request goes to the source, which has it ordered, and when it
 *             waits for half a primary's patience to every member: no single
 *             one can keep our clients out.
 *          6. The last state of an epoch is waited for with its certificate.
 */
#include "consensus/observer.h"

#include <string.h>

#include "codec/batch.h"
#include "codec/message.h"
#include "consensus/pool.h"

#define OWN_DIGESTS 8
#define PENDING_MAX 4096
#define FETCH_REPEAT_US 5000000

/* Effects a step may add besides those it has asked room for. */
#define EFFECTS_RESERVED 16

/* Progress intervals after which a member counts as not heard; a source that
 * brings nothing is left; and a state is fetched. */
#define HEARD_INTERVALS 4
#define STALLED_INTERVALS 2
#define FETCH_INTERVALS 4

/* Batches taken before the source is told. */
#define TOLD_SLOTS 16

/* Requests sent to everybody in one turn at most. */
#define SHARED_PER_TURN 64

#define SCRATCH_BYTES(c) \
	((size_t)4 * (c)->batch_bytes_max + 8 * CERTIFICATE_BYTES_MAX)

static const char STATE_DIFFERS[] =
    "our state differs from the one the cluster certified; move state and log "
    "away, leave the rest, and restart to fetch it anew";

/* What a member says of itself. */
struct watched {
	uint64_t heard_us;
	uint64_t told_us;
	uint64_t view;
	uint64_t delivered;
	uint64_t applied;
	uint64_t lag; /* behind us, when it told */
	uint64_t stable;
	bool is_rejoining;
};

/* A request of our clients that is not executed yet. */
struct waiting {
	struct waiting *next, *previous;
	struct digest digest;
	uint64_t sent_us; /* 0: not yet */
	uint32_t len;
	uint8_t raw[];
};

struct own_digest {
	uint64_t seq;
	struct digest digest;
};

struct observer {
	struct engine_config config;
	uint32_t faults, quorum;
	struct effects *effects;
	uint64_t now_us;
	bool is_started, has_failed;

	uint64_t delivered, applied, stable;
	uint64_t last; /* of the epoch; 0: it goes on */
	struct digest stable_digest;
	struct own_digest own[OWN_DIGESTS];
	size_t own_at;
	struct certificate target; /* certified, and not ours yet; or none */
	struct certificate spare;

	struct watched members[ENGINE_MEMBERS_MAX];
	uint64_t view, view_changes;
	uint32_t source;
	uint64_t source_since_us;
	uint64_t came_on_us; /* something was delivered, or nothing lacked */
	uint64_t next_us;    /* the next look around */
	uint64_t told;       /* delivered, when the source was told last */
	uint64_t fetch_seq, fetch_asked_us;
	bool is_held, wants_checkpoint;

	struct waiting *oldest, *newest;
	size_t waiting_count, waiting_bytes;
	struct pool pool;
	uint8_t *scratch;
	size_t scratch_used;
};

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

/* --- effects --- */

static bool
has_room(const struct observer *o, size_t len)
{
	return SCRATCH_BYTES(&o->config) - o->scratch_used >= len &&
	    o->effects->count + EFFECTS_RESERVED < ENGINE_EFFECTS_MAX;
}

static struct effect *
emit(struct observer *o, enum effect_kind kind)
{
	struct effect *effect;

	AG_ASSERT(o->effects->count < ENGINE_EFFECTS_MAX);
	effect = &o->effects->list[o->effects->count++];
	memset(effect, 0, sizeof(*effect));
	effect->kind = kind;
	return effect;
}

static void
begin(const struct observer *o, struct encoder *out)
{
	encoder_init(out, o->scratch + o->scratch_used,
	    SCRATCH_BYTES(&o->config) - o->scratch_used);
}

static struct bytes
end(struct observer *o, const struct encoder *out)
{
	struct bytes bytes;

	if (encoder_finish(out, &bytes) != AG_OK)
		return bytes_of(NULL, 0);
	o->scratch_used += bytes.len;
	return bytes;
}

static void
send(struct observer *o, uint32_t members, const struct encoder *out)
{
	struct bytes message = end(o, out);
	struct effect *effect;

	if (members == 0 || message.len == 0)
		return;
	effect = emit(o, EFFECT_SEND);
	effect->members = members;
	effect->body = message;
}

static void
fail(struct observer *o, const char *text)
{
	if (o->has_failed)
		return;
	o->has_failed = true;
	emit(o, EFFECT_FATAL)->text = text;
}

static uint32_t
all_members(const struct observer *o)
{
	return o->config.member_count == 32
	    ? UINT32_MAX
	    : (UINT32_C(1) << o->config.member_count) - 1;
}

/* --- where the members stand --- */

/* The highest that f + 1 members claim to have reached: one is correct. */
static uint64_t
claimed(const struct observer *o, uint64_t (*of)(const struct watched *))
{
	const uint32_t n = o->config.member_count;
	uint64_t best = 0;
	uint32_t i, k, count;

	for (i = 0; i < n; i++) {
		const uint64_t value = of(&o->members[i]);

		for (count = 0, k = 0; k < n; k++)
			count += of(&o->members[k]) >= value;
		if (count > o->faults && value > best)
			best = value;
	}
	return best;
}

static uint64_t
view_of(const struct watched *m)
{
	return m->view;
}

static uint64_t
delivered_of(const struct watched *m)
{
	return m->delivered;
}

static bool
is_behind(const struct observer *o)
{
	return claimed(o, delivered_of) > o->delivered ||
	    (o->target.proof_count > 0 && o->target.seq > o->delivered);
}

static bool
is_heard(const struct observer *o, uint32_t member)
{
	const uint64_t heard = o->members[member].heard_us;

	return heard != 0 &&
	    o->now_us - heard <=
	    HEARD_INTERVALS * o->config.progress_interval_us;
}

/* What was asked of whom last: where we stand, and to go on from there. */
static void
follow(struct observer *o, uint32_t members, bool feeds)
{
	struct encoder out;

	begin(o, &out);
	encoder_put_array(&out, 6);
	encoder_put_uint(&out, MESSAGE_FOLLOW);
	encoder_put_uint(&out, o->delivered);
	encoder_put_uint(&out, o->applied);
	encoder_put_uint(&out, o->stable);
	encoder_put_bool(&out, o->wants_checkpoint);
	encoder_put_bool(&out, feeds);
	send(o, members, &out);
}

static void
tell_source(struct observer *o)
{
	o->told = o->delivered;
	follow(o, 1U << o->source, !o->is_held);
}

static void
tell_all(struct observer *o)
{
	tell_source(o);
	follow(o, all_members(o) & ~(1U << o->source), false);
}

/* The next that is heard, or else just the next. */
static void
change_source(struct observer *o)
{
	const uint32_t n = o->config.member_count;
	uint32_t i, next = (o->source + 1) % n;

	for (i = 1; i < n && !is_heard(o, next); i++)
		next = (next + 1) % n;
	o->source = is_heard(o, next) ? next : (o->source + 1) % n;
	o->source_since_us = o->now_us;
}

static void
judge_source(struct observer *o)
{
	uint64_t since = o->came_on_us > o->source_since_us
	    ? o->came_on_us
	    : o->source_since_us;

	if (!is_heard(o, o->source) ||
	    (is_behind(o) && !o->is_held &&
		o->now_us - since >=
		    STALLED_INTERVALS * o->config.progress_interval_us))
		change_source(o);
}

static void
note_view(struct observer *o)
{
	const uint64_t view = claimed(o, view_of);
	struct effect *effect;

	if (view <= o->view)
		return;
	o->view = view;
	o->view_changes++;
	effect = emit(o, EFFECT_VIEW);
	effect->view = view;
	effect->member = (uint32_t)(view % o->config.member_count);
}

static void
on_progress(struct observer *o, uint32_t from, struct decoder *d)
{
	struct watched told = { .told_us = o->now_us };
	bool votes;

	told.view = decoder_get_uint(d);
	(void)decoder_get_bool(d); /* is changing */
	told.delivered = decoder_get_uint(d);
	told.applied = decoder_get_uint(d);
	told.stable = decoder_get_uint(d);
	(void)decoder_get_bool(d); /* wants a checkpoint */
	votes = decoder_get_bool(d);
	if (decoder_finish(d, NULL) != AG_OK)
		return;
	told.heard_us = o->now_us;
	told.lag = told.applied < o->applied ? o->applied - told.applied : 0;
	told.is_rejoining = !votes;
	o->members[from] = told;
	note_view(o);
}

/* --- checkpoints --- */

static const struct digest *
own_digest(const struct observer *o, uint64_t seq)
{
	size_t i;

	for (i = 0; i < OWN_DIGESTS; i++)
		if (o->own[i].seq == seq && seq != 0)
			return &o->own[i].digest;
	return NULL;
}

static void
keep_own(struct observer *o, uint64_t seq, const struct digest *digest)
{
	if (own_digest(o, seq) != NULL)
		return;
	o->own[o->own_at] = (struct own_digest){ seq, *digest };
	o->own_at = (o->own_at + 1) % OWN_DIGESTS;
}

static void
make_stable(struct observer *o, const struct certificate *c)
{
	struct effect *effect;
	struct encoder out;

	o->stable = c->seq;
	o->stable_digest = c->digest;
	o->wants_checkpoint = false;
	if (o->target.seq <= c->seq)
		o->target.proof_count = 0;
	begin(o, &out);
	certificate_encode(&out, c);
	effect = emit(o, EFFECT_STABLE);
	effect->seq = c->seq;
	effect->digest = c->digest;
	effect->body = end(o, &out);
}

/* A quorum signed this state: is it ours? */
static void
weigh(struct observer *o, const struct certificate *c)
{
	const struct digest *ours = own_digest(o, c->seq);

	if (ours != NULL && !digest_equal(ours, &c->digest))
		fail(o, STATE_DIFFERS);
	else if (ours != NULL)
		make_stable(o, c);
	else if (c->seq > o->applied &&
	    (o->target.proof_count == 0 || o->target.seq < c->seq))
		o->target = *c;
}

static bool
is_certified(struct observer *o, const struct certificate *c)
{
	return certificate_verify(c, &o->config.scope, o->config.member_count,
		   o->config.authority, o->config.authority_ctx, NULL) == AG_OK;
}

static void
on_checkpoint(struct observer *o, struct decoder *d)
{
	certificate_decode(d, &o->spare);
	if (decoder_finish(d, NULL) != AG_OK ||
	    o->spare.phase != VOTE_CHECKPOINT || o->spare.seq <= o->stable ||
	    (o->target.proof_count > 0 && o->spare.seq <= o->target.seq) ||
	    !has_room(o, CERTIFICATE_BYTES_MAX) || !is_certified(o, &o->spare))
		return;
	weigh(o, &o->spare);
}

/* Members that say they have a stable checkpoint there; or everybody. */
static uint32_t
members_at(const struct observer *o, uint64_t seq)
{
	uint32_t i, members = 0;

	for (i = 0; i < o->config.member_count; i++)
		if (o->members[i].stable >= seq)
			members |= 1U << i;
	return members != 0 ? members : all_members(o);
}

static void
ask_state(struct observer *o, uint64_t seq, const struct digest *digest)
{
	struct effect *effect;

	if (o->fetch_seq == seq &&
	    o->now_us - o->fetch_asked_us < FETCH_REPEAT_US)
		return;
	o->fetch_seq = seq;
	o->fetch_asked_us = o->now_us;
	effect = emit(o, EFFECT_FETCH_STATE);
	effect->seq = seq;
	effect->digest = *digest;
	effect->members = members_at(o, seq);
}

/* What no member's log brings is fetched as a state. */
static void
chase(struct observer *o)
{
	if (o->delivered < o->config.first_seq)
		ask_state(o, o->config.first_seq, &o->config.first_digest);
	else if (o->target.proof_count > 0 && o->target.seq > o->delivered &&
	    o->now_us - o->came_on_us >=
		FETCH_INTERVALS * o->config.progress_interval_us)
		ask_state(o, o->target.seq, &o->target.digest);
}

/* --- requests of our clients --- */

static void
drop_waiting(struct observer *o, struct waiting *w)
{
	if (w->previous != NULL)
		w->previous->next = w->next;
	else
		o->oldest = w->next;
	if (w->next != NULL)
		w->next->previous = w->previous;
	else
		o->newest = w->previous;
	o->waiting_count--;
	o->waiting_bytes -= w->len;
	pool_give(&o->pool, (uint8_t *)w);
}

static struct waiting *
find_waiting(const struct observer *o, const struct digest *digest)
{
	struct waiting *w;

	for (w = o->oldest; w != NULL; w = w->next)
		if (digest_equal(&w->digest, digest))
			return w;
	return NULL;
}

static void
on_submit(struct observer *o, struct bytes raw)
{
	struct waiting *w = NULL;
	struct digest digest;

	digest_of(&digest, raw);
	/* After the last batch who waits asks again, in the next epoch. */
	if (o->last != 0 || find_waiting(o, &digest) != NULL)
		return;
	if (raw.len + 32 <= o->config.batch_bytes_max &&
	    o->waiting_count < PENDING_MAX &&
	    o->waiting_bytes + raw.len <= o->config.pending_bytes_max)
		w = (struct waiting *)(void *)pool_take(&o->pool,
		    sizeof(*w) + raw.len);
	if (w == NULL) {
		emit(o, EFFECT_REFUSED)->body = raw;
		return;
	}
	*w = (struct waiting){
		.previous = o->newest,
		.digest = digest,
		.len = (uint32_t)raw.len,
	};
	memcpy(w->raw, raw.data, raw.len);
	if (o->newest != NULL)
		o->newest->next = w;
	else
		o->oldest = w;
	o->newest = w;
	o->waiting_count++;
	o->waiting_bytes += w->len;
}

static void
forget_executed(struct observer *o, const struct batch *batch)
{
	struct decoder d;
	size_t i;

	if (o->waiting_count == 0)
		return;
	decoder_init(&d, batch->envelopes);
	for (i = 0; i < batch->envelope_count; i++) {
		struct digest digest;
		struct waiting *w;

		digest_of(&digest, decoder_get_raw(&d));
		w = find_waiting(o, &digest);
		if (w != NULL)
			drop_waiting(o, w);
	}
}

/* What is new goes to the source, what waited too long to everybody. */
static void
forward(struct observer *o)
{
	const uint64_t half = o->config.view_timeout_us / 2;
	uint32_t shared = 0;
	struct waiting *w;

	for (w = o->oldest; w != NULL; w = w->next) {
		const bool is_new = w->sent_us == 0;
		struct encoder out;

		if (!is_new &&
		    (o->now_us - w->sent_us < half ||
			shared++ >= SHARED_PER_TURN))
			continue;
		if (!has_room(o, w->len + 64))
			return;
		w->sent_us = o->now_us;
		begin(o, &out);
		encoder_put_array(&out, 2);
		encoder_put_uint(&out, MESSAGE_REQUEST);
		encoder_put_bytes(&out, bytes_of(w->raw, w->len));
		send(o, is_new ? 1U << o->source : all_members(o), &out);
	}
}

/* --- what was decided --- */

/* Is the digest of the state after this batch of use to anybody? */
static bool
is_checkpoint(const struct observer *o, uint64_t seq, const struct batch *batch)
{
	return seq % o->config.checkpoint_interval == 0 ||
	    (batch->flags & BATCH_FLAG_CHECKPOINT) != 0 ||
	    (o->target.proof_count > 0 && o->target.seq == seq);
}

static void
deliver(struct observer *o, const struct certificate *c, struct bytes raw,
    const struct batch *batch)
{
	struct effect *effect;
	struct encoder out;

	begin(o, &out);
	certificate_encode(&out, c);
	effect = emit(o, EFFECT_DELIVER);
	effect->seq = c->seq;
	effect->view = c->view;
	effect->digest = c->digest;
	effect->body = raw;
	effect->certificate = end(o, &out);
	effect->is_checkpoint = is_checkpoint(o, c->seq, batch);
	o->delivered = c->seq;
	o->came_on_us = o->now_us;
	forget_executed(o, batch);
	if (o->delivered - o->told >= TOLD_SLOTS)
		tell_source(o);
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
	if (o->is_held || !has_room(o, 2 * CERTIFICATE_BYTES_MAX))
		return;
	digest_of(&digest, raw);
	if (!digest_equal(&digest, &o->spare.digest) ||
	    !is_certified(o, &o->spare))
		return;
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
		on_checkpoint(o, &d);
	else if (type == MESSAGE_PROGRESS)
		on_progress(o, from, &d);
}

/* --- what the driver tells --- */

static void
end_epoch(struct observer *o, uint64_t seq)
{
	o->last = seq;
	while (o->oldest != NULL)
		drop_waiting(o, o->oldest);
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
		keep_own(o, event->seq, &event->digest);
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
		keep_own(o, event->seq, &event->digest);
	if (event->has_digest && o->target.proof_count > 0 &&
	    o->target.seq == event->seq) {
		o->spare = o->target;
		weigh(o, &o->spare);
	}
	if (o->is_held && o->delivered - o->applied <= o->config.window / 2) {
		o->is_held = false;
		tell_source(o);
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
		fail(o, "an installed state came without its certificate");
		return;
	}
	if (event->seq <= o->applied)
		return;
	o->applied = event->seq;
	if (o->delivered < event->seq)
		o->delivered = event->seq;
	o->came_on_us = o->now_us;
	o->fetch_seq = 0;
	keep_own(o, event->seq, &event->digest);
	if (event->is_last)
		end_epoch(o, event->seq);
	/* A state that only f + 1 vouch for is right, and no checkpoint. */
	if (event->seq > o->stable && o->spare.proof_count >= o->quorum)
		make_stable(o, &o->spare);
	tell_source(o);
}

/* Where we stand goes to everybody, and what is wrong is seen to. */
static void
on_tick(struct observer *o)
{
	if (!o->is_started || o->now_us < o->next_us)
		return;
	o->next_us = o->now_us + o->config.progress_interval_us;
	if (!is_behind(o))
		o->came_on_us = o->now_us;
	judge_source(o);
	tell_all(o);
	chase(o);
	forward(o);
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
		on_submit(o, event->body);
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
			tell_source(o);
		break;
	case EVENT_FLUSH:
		if (o->is_started)
			forward(o);
		break;
	case EVENT_REPLAY:
	case EVENT_PERSISTED:
	case EVENT_RESIGN:
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
	    align_up(SCRATCH_BYTES(config)) + pool_size(pool_bytes(config));
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
	pool_init(&o->pool, o->scratch + align_up(SCRATCH_BYTES(config)),
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
	const uint64_t head = claimed(o, delivered_of);
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
