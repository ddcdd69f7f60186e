/*
 * The driver: events to the engine, effects to the world.
 *
 * RULES    1. Persist, sync, then send.  An effect that names a token is
 *             copied into `held` while the token is not durable, and leaves
 *             from there in order.  Sends keep their order among themselves
 *             even when a later one names no token, unless it is prompt; so
 *             do deliveries, which wait for no send: what a quorum decided
 *             is executed however slow our disk is.
 *          2. Records are appended in the order the engine gave them and the
 *             journal is kicked once a turn: everything a turn wrote shares
 *             one sync.  A turn that wrote only lazy records, and holds
 *             nothing back for them, leaves them to the next sync, or to a
 *             timer when none comes.
 *          3. The engine is stepped from one place, and its effects are
 *             carried out before the next step, because they borrow its
 *             memory.
 *          4. A batch that waits while a state is installed that has it is
 *             dropped: it would be executed twice.
 *          5. After a fatal effect or a failed log nothing more is stepped,
 *             sent or executed.
 *          6. The same once a signature has failed: what the step in which it
 *             did asks for is not done, as if the node had died before it,
 *             and nothing of it is known to anybody.  The way back is that of
 *             any death: to be closed, and opened from the log.
 *
 * NOT HERE What messages and records mean (consensus/), requests of local
 *          callers (requests.c), execution (applier.c).
 */
#include "node/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pages.h"
#include "codec/decoder.h"
#include "consensus/record.h"
#include "event/loop.h"
#include "node/journal.h"
#include "node/round_log.h"

#define CERTIFICATES_KEPT 256
#define LAZY_SYNC_MS 20
#define IDLE_ROUNDS 2

/* A log is cut at the ends of segments: what more it holds than it shall is a
 * quarter of that, and no file is too small to be worth its creation. */
#define SEGMENT_BYTES_LEAST (UINT64_C(4) << 20)

/* Something that waits for a token. */
struct held {
	struct held *next;
	enum effect_kind kind;
	uint64_t after;
	uint64_t seq;
	uint32_t members;
	bool is_checkpoint;
	size_t len;
	uint8_t body[];
};

struct kept_certificate {
	uint64_t seq;
	struct buf encoded;
};

struct driver {
	struct driver_callbacks callbacks;
	struct loop *loop;
	struct loop_timer *timer;
	uint64_t timer_due_us;
	const struct strategy *strategy;
	struct engine *engine;
	void *memory;
	struct effects effects;
	struct journal *journal;
	uint64_t installed_seq; /* of the last state put in place; or 0 */
	struct lane {
		struct held *first, **last;
	} sends, deliveries;
	uint64_t durable;
	uint64_t appended, kicked; /* tokens */
	uint64_t awaited;          /* the highest that anything was held for */
	bool must_sync;            /* a record that is not lazy was appended */
	struct loop_timer *lazy_timer;
	bool is_lazy_armed;
	bool is_replaying, is_open, is_started, is_touched, is_stepping;
	bool has_stopped;
	bool is_mute;
	struct ag_error failure; /* why it has stopped */
	uint64_t log_retain_bytes;
	uint64_t stable_seq, stable_token;
	struct kept_certificate certificates[CERTIFICATES_KEPT];
	struct round_log *rounds;
	uint64_t applied;     /* the last sequence executed */
	uint64_t read_number; /* of the last read asked for */
	bool is_read_ready;   /* and the step under way answers it */
	uint64_t read_seq;
	struct certificate certificate; /* to decode into */
};

static void
driver_fatal(struct driver *d, const struct ag_error *err)
{
	if (d->has_stopped)
		return;
	d->has_stopped = true;
	d->failure = *err;
	/* While it is opened, its caller is told instead. */
	if (d->is_open)
		d->callbacks.fatal(d->callbacks.arg, err);
}

static void
driver_fatal_text(struct driver *d, enum ag_status status, const char *text)
{
	struct ag_error err;

	(void)ag_fail(&err, status, "%s", text);
	driver_fatal(d, &err);
}

static void
driver_leave(struct driver *d, enum effect_kind kind, uint32_t members,
    uint64_t seq, bool is_checkpoint, struct bytes body)
{
	if (kind == EFFECT_SEND)
		d->callbacks.send(d->callbacks.arg, members, body);
	else if (seq > d->installed_seq)
		d->callbacks.deliver(d->callbacks.arg, seq, is_checkpoint,
		    body);
}

/* Let go of a send or a delivery now, or once its token is durable. */
static void
driver_hold(struct driver *d, struct lane *lane, const struct effect *effect)
{
	struct held *h;

	if (!d->is_replaying &&
	    (effect->is_prompt ||
		(lane->first == NULL && effect->after <= d->durable))) {
		driver_leave(d, effect->kind, effect->members, effect->seq,
		    effect->is_checkpoint, effect->body);
		return;
	}
	h = malloc(sizeof(*h) + effect->body.len);
	if (h == NULL) {
		driver_fatal_text(d, AG_ENOMEM,
		    "out of memory holding a message");
		return;
	}
	*h = (struct held){
		.kind = effect->kind,
		.after = effect->after,
		.seq = effect->seq,
		.members = effect->members,
		.is_checkpoint = effect->is_checkpoint,
		.len = effect->body.len,
	};
	if (h->len > 0)
		memcpy(h->body, effect->body.data, h->len);
	if (effect->after > d->awaited)
		d->awaited = effect->after;
	*lane->last = h;
	lane->last = &h->next;
}

/* Let go of what waited for tokens that are durable now. */
static void
driver_release_lane(struct driver *d, struct lane *lane)
{
	while (lane->first != NULL && lane->first->after <= d->durable &&
	    !d->has_stopped && !d->is_mute) {
		struct held *h = lane->first;

		lane->first = h->next;
		if (lane->first == NULL)
			lane->last = &lane->first;
		driver_leave(d, h->kind, h->members, h->seq, h->is_checkpoint,
		    bytes_of(h->body, h->len));
		free(h);
	}
}

static void
driver_release(struct driver *d)
{
	driver_release_lane(d, &d->sends);
	driver_release_lane(d, &d->deliveries);
}

static void
driver_keep_certificate(struct driver *d, const struct effect *effect)
{
	struct kept_certificate *kept =
	    &d->certificates[effect->seq % CERTIFICATES_KEPT];

	buf_clear(&kept->encoded);
	kept->seq = 0;
	if (buf_append(&kept->encoded, effect->certificate.data,
		effect->certificate.len) == AG_OK)
		kept->seq = effect->seq;
}

/* What was fetched from another's log has no slot to be remembered from. */
static void
driver_note_round(struct driver *d, const struct effect *effect)
{
	const struct certificate *certificate = NULL;
	struct engine_round round;
	struct decoder decoder;

	if (d->strategy->round(d->engine, effect->seq, &round) == AG_OK)
		return;
	if (effect->certificate.len > 0) {
		decoder_init(&decoder, effect->certificate);
		certificate_decode(&decoder, &d->certificate);
		if (decoder_finish(&decoder, NULL) == AG_OK)
			certificate = &d->certificate;
	}
	round_log_decided(d->rounds, effect, certificate, clock_mono_us());
}

/* The engine may forget a round in the step that hears it is executed. */
static void
driver_keep_rounds(struct driver *d, const struct applied *applied)
{
	struct engine_round round;

	for (; d->applied < applied->seq; d->applied++)
		if (d->strategy->round(d->engine, d->applied + 1, &round) ==
		    AG_OK)
			round_log_take(d->rounds, &round);
	round_log_executed(d->rounds, applied->seq, clock_mono_us());
	if (applied->has_digest)
		round_log_state(d->rounds, applied->seq, &applied->digest);
}

static void
driver_persist(struct driver *d, const struct effect *effect)
{
	struct ag_error err;

	if (journal_append(d->journal, effect->token, effect->seq, effect->body,
		&err) != AG_OK)
		driver_fatal(d, &err);
	d->appended = effect->token;
	d->must_sync = d->must_sync || !effect->is_lazy;
}

static void
driver_stable(struct driver *d, const struct effect *effect)
{
	d->stable_seq = effect->seq;
	d->stable_token = effect->token;
	d->callbacks.stable(d->callbacks.arg, effect->seq, effect->body);
}

static void
driver_view(struct driver *d, const struct effect *effect)
{
	if (effect->is_changing)
		d->callbacks.view_asked(d->callbacks.arg, effect);
	else
		d->callbacks.view(d->callbacks.arg, effect->view,
		    effect->member, effect->members);
}

static void
driver_carry_out(struct driver *d, const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_PERSIST:
		driver_persist(d, effect);
		break;
	case EFFECT_DELIVER:
		driver_keep_certificate(d, effect);
		driver_note_round(d, effect);
		driver_hold(d, &d->deliveries, effect);
		break;
	case EFFECT_SEND:
		driver_hold(d, &d->sends, effect);
		break;
	case EFFECT_FETCH_STATE:
		d->callbacks.fetch_state(d->callbacks.arg, effect->seq,
		    effect->members);
		break;
	case EFFECT_STABLE:
		driver_stable(d, effect);
		break;
	case EFFECT_HISTORY:
		d->callbacks.history(d->callbacks.arg, effect->member,
		    effect->seq);
		break;
	case EFFECT_VOUCHED:
		d->callbacks.vouched(d->callbacks.arg, effect->seq,
		    effect->body);
		break;
	case EFFECT_VIEW:
		driver_view(d, effect);
		break;
	case EFFECT_HORIZON:
		journal_put_horizon(d->journal, effect->horizon);
		break;
	case EFFECT_REJOINING:
		d->callbacks.rejoining(d->callbacks.arg, effect->is_rejoining,
		    effect->seq);
		break;
	case EFFECT_EVIDENCE:
		d->callbacks.evidence(d->callbacks.arg, effect->member,
		    effect->body);
		break;
	case EFFECT_REFUSED:
		d->callbacks.refused(d->callbacks.arg, effect->body);
		break;
	case EFFECT_READ:
		d->is_read_ready = effect->token == d->read_number;
		d->read_seq = effect->seq;
		break;
	case EFFECT_FATAL:
	default:
		driver_fatal_text(d, d->is_open ? AG_EINTERNAL : AG_ECORRUPT,
		    effect->text);
		break;
	}
}

static void
driver_arm(struct driver *d)
{
	uint64_t due = d->effects.deadline_us;
	uint64_t now;

	if (due == d->timer_due_us)
		return;
	d->timer_due_us = due;
	if (due == UINT64_MAX) {
		loop_timer_cancel(d->timer);
		return;
	}
	now = clock_mono_us();
	loop_timer_set(d->timer, due <= now ? 0 : (due - now) / 1000 + 1);
}

static bool
driver_is_mute(struct driver *d)
{
	if (d->is_mute || d->callbacks.cannot_sign == NULL ||
	    !d->callbacks.cannot_sign(d->callbacks.arg))
		return d->is_mute;
	d->is_mute = true;
	loop_timer_cancel(d->timer);
	d->callbacks.muted(d->callbacks.arg);
	return true;
}

static void
driver_step(struct driver *d, struct event *event)
{
	size_t i;

	if (d->has_stopped || driver_is_mute(d))
		return;
	AG_ASSERT(!d->is_stepping);
	d->is_stepping = true;
	event->now_us = clock_mono_us();
	event->wall_ms = clock_wall_ms();
	d->effects.count = 0;
	d->effects.deadline_us = UINT64_MAX;
	d->strategy->step(d->engine, event, &d->effects);
	if (driver_is_mute(d))
		d->effects.count = 0;
	for (i = 0; i < d->effects.count && !d->has_stopped; i++)
		driver_carry_out(d, &d->effects.list[i]);
	d->is_stepping = false;
	if (!d->is_replaying && !d->is_mute) {
		driver_release(d);
		driver_arm(d);
	}
	/* Readers may ask for more. */
	if (d->is_read_ready && !d->has_stopped) {
		d->is_read_ready = false;
		d->callbacks.read_ready(d->callbacks.arg, d->read_seq);
	}
}

static void
driver_on_timer(void *arg)
{
	struct driver *d = arg;
	struct event event = { .kind = EVENT_TICK };

	d->timer_due_us = UINT64_MAX;
	d->is_touched = true;
	driver_step(d, &event);
}

/* So little is under way that the loop would only wait for the disk. */
static bool
driver_is_idle(const struct driver *d)
{
	struct engine_status status;

	if (!loop_is_idle(d->loop))
		return false;
	d->strategy->status(d->engine, &status);
	return status.proposed <= status.delivered + IDLE_ROUNDS;
}

static void
driver_kick(struct driver *d)
{
	d->kicked = d->appended;
	d->must_sync = false;
	if (d->is_lazy_armed)
		loop_timer_cancel(d->lazy_timer);
	d->is_lazy_armed = false;
	if (!driver_is_idle(d) || !journal_sync_here(d->journal))
		journal_kick(d->journal);
}

static void
driver_on_lazy_timer(void *arg)
{
	driver_kick(arg);
}

static void
driver_sync(struct driver *d)
{
	if (d->must_sync || d->awaited > d->kicked)
		driver_kick(d);
	else if (d->appended > d->kicked && !d->is_lazy_armed) {
		d->is_lazy_armed = true;
		loop_timer_set(d->lazy_timer, LAZY_SYNC_MS);
	}
}

static void
driver_ask_reads(struct driver *d)
{
	struct event event = { .kind = EVENT_READ };

	if (!d->strategy->reads_by_index ||
	    !d->callbacks.read_wanted(d->callbacks.arg))
		return;
	event.token = ++d->read_number;
	driver_step(d, &event);
}

/* The end of a turn: local requests, votes, one sync for all of it. */
static void
driver_end_turn(void *arg)
{
	struct driver *d = arg;
	struct event flush = { .kind = EVENT_FLUSH };
	struct event submit = { .kind = EVENT_SUBMIT };

	/* A sync done here and now begins another turn. */
	while (d->is_touched && d->is_started && !driver_is_mute(d)) {
		d->is_touched = false;
		while (!d->is_mute &&
		    d->callbacks.envelope(d->callbacks.arg, &submit.body) ==
			AG_OK)
			driver_step(d, &submit);
		driver_ask_reads(d);
		driver_step(d, &flush);
		d->callbacks.flush(d->callbacks.arg);
		driver_sync(d);
	}
	d->callbacks.flush(d->callbacks.arg);
	d->callbacks.execute(d->callbacks.arg, driver_is_idle(d));
}

static void
driver_on_durable(void *arg, uint64_t token)
{
	struct driver *d = arg;
	struct event event = { .kind = EVENT_PERSISTED, .token = token };

	d->durable = token;
	d->is_touched = true;
	driver_release(d);
	driver_step(d, &event);
}

static void
driver_on_log_failure(void *arg, const struct ag_error *err)
{
	driver_fatal(arg, err);
}

static uint64_t
driver_replay(void *arg, struct bytes record)
{
	struct driver *d = arg;
	struct event event = { .kind = EVENT_REPLAY, .body = record };
	struct record fields;

	driver_step(d, &event);
	if (record_decode(&fields, &d->certificate, record, NULL) != AG_OK)
		return 0;
	round_log_replayed(d->rounds, &fields, &d->certificate);
	return fields.seq;
}

static void
driver_configure(const struct driver_config *config,
    struct engine_config *engine)
{
	const struct node_config *node = config->node;

	*engine = (struct engine_config){
		.member_count = config->roster->member_count,
		.self = config->self,
		.checkpoint_interval = node->checkpoint_interval,
		.window = node->checkpoint_interval * 2,
		.pipeline_max = node->pipeline_max,
		.batch_bytes_max = node->batch_bytes_max,
		.batch_requests_max = 256,
		.pending_bytes_max = 16U << 20,
		.view_timeout_us = (uint64_t)node->view_timeout_ms * 1000,
		.progress_interval_us = 500000,
		.first_seq = config->first_seq,
		.first_digest = config->first_digest,
		.clock_skew_max_ms = node->clock_skew_max_ms,
		.authority = config->authority,
		.authority_ctx = config->authority_ctx,
	};
	roster_scope(config->roster, &engine->scope);
}

/*
 * The engine's memory is mapped, not allocated: most of it is room for
 * batches that an idle node never touches.
 */
static enum ag_status
driver_make_engine(struct driver *d, const struct driver_config *config,
    struct ag_error *err)
{
	struct engine_config engine;
	size_t memory_len;

	driver_configure(config, &engine);
	memory_len = d->strategy->size(&engine);
	d->memory = pages_new(memory_len);
	if (d->memory == NULL)
		return ag_fail_sys(err, "reserve %zu bytes for agreement",
		    memory_len);
	d->engine = d->strategy->init(d->memory, memory_len, &engine);
	if (d->engine == NULL)
		return ag_fail(err, AG_EINVAL,
		    "configure agreement: checkpoint interval %u, pipeline %u "
		    "and batch size %u do not fit together",
		    engine.checkpoint_interval, engine.pipeline_max,
		    engine.batch_bytes_max);
	return AG_OK;
}

static enum ag_status
driver_recover(struct driver *d, const struct driver_config *config,
    uint64_t applied, const struct digest *digest, struct ag_error *err)
{
	/* No two starts have the same number, and none has 0. */
	const uint64_t nonce = clock_wall_ms() * 1000000 + clock_mono_us() + 1;
	struct event start = {
		.kind = EVENT_START,
		.seq = applied,
		.token = nonce,
		.has_digest = true,
		.is_last = config->is_last,
		.members = config->convicted,
		.digest = *digest,
	};
	enum ag_status status;

	d->read_number = nonce;
	d->is_replaying = true;
	status = journal_replay(d->journal, driver_replay, d, err);
	d->is_replaying = false;
	if (status != AG_OK)
		return status;
	start.horizon = journal_horizon(d->journal);
	d->applied = applied;
	round_log_executed(d->rounds, applied, 0);
	driver_step(d, &start);
	if (!d->has_stopped)
		return AG_OK;
	*err = d->failure;
	ag_error_prefix(err, "recover from log %s", config->log_dir);
	return err->status;
}

static uint64_t
segment_bytes(const struct node_config *config)
{
	uint64_t quarter = config->log_retain_bytes / 4;

	return quarter > SEGMENT_BYTES_LEAST ? quarter : SEGMENT_BYTES_LEAST;
}

enum ag_status
driver_open(struct driver **out, const struct driver_config *config,
    const struct driver_callbacks *callbacks, uint64_t applied,
    const struct digest *digest, struct ag_error *err)
{
	struct journal_callbacks journal = {
		.durable = driver_on_durable,
		.failed = driver_on_log_failure,
	};
	struct trust_scope scope;
	const struct recollect_config stored = {
		.log_dir = config->log_dir,
		.log_id = config->roster->digest.data,
		.horizon_path = config->horizon_path,
		.scope = &scope,
		.keyring = config->keyring,
		.segment_bytes = segment_bytes(config->node),
		.can_rejoin = roster_node_count(config->roster) > 1,
		.metrics = config->metrics,
	};
	enum ag_status status;
	struct driver *d;
	size_t i;

	*out = NULL;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return ag_fail(err, AG_ENOMEM,
		    "start agreement: out of memory");
	roster_scope(config->roster, &scope);
	d->loop = config->loop;
	d->callbacks = *callbacks;
	d->strategy = config->strategy;
	d->log_retain_bytes = config->node->log_retain_bytes;
	d->sends.last = &d->sends.first;
	d->deliveries.last = &d->deliveries.first;
	d->timer_due_us = UINT64_MAX;
	for (i = 0; i < CERTIFICATES_KEPT; i++)
		buf_init(&d->certificates[i].encoded, CERTIFICATE_BYTES_MAX);
	journal.arg = d;
	d->rounds = round_log_new();
	status = d->rounds == NULL ? AG_ENOMEM : AG_OK;
	if (status == AG_OK)
		status = loop_timer_new(&d->timer, d->loop, driver_on_timer, d);
	if (status == AG_OK)
		status = loop_timer_new(&d->lazy_timer, d->loop,
		    driver_on_lazy_timer, d);
	if (status != AG_OK)
		status = ag_fail(err, status, "start agreement: out of memory");
	if (status == AG_OK)
		status = driver_make_engine(d, config, err);
	if (status == AG_OK)
		status =
		    journal_open(&d->journal, &stored, d->loop, &journal, err);
	if (status == AG_OK)
		status = driver_recover(d, config, applied, digest, err);
	if (status != AG_OK) {
		driver_close(d);
		return status;
	}
	loop_after_turn(d->loop, driver_end_turn, d);
	d->is_open = true;
	*out = d;
	return AG_OK;
}

static void
lane_free(struct lane *lane)
{
	struct held *h;

	while ((h = lane->first) != NULL) {
		lane->first = h->next;
		free(h);
	}
}

void
driver_close(struct driver *d)
{
	size_t i;

	if (d == NULL)
		return;
	loop_after_turn(d->loop, NULL, NULL);
	d->has_stopped = true;
	journal_close(d->journal);
	loop_timer_close(d->timer);
	loop_timer_close(d->lazy_timer);
	lane_free(&d->sends);
	lane_free(&d->deliveries);
	for (i = 0; i < CERTIFICATES_KEPT; i++)
		buf_fini(&d->certificates[i].encoded);
	round_log_free(d->rounds);
	pages_free(d->memory);
	free(d);
}

void
driver_start(struct driver *d)
{
	d->is_started = true;
	d->is_touched = true;
	driver_release(d);
}

void
driver_touch(struct driver *d)
{
	d->is_touched = true;
}

void
driver_message(struct driver *d, uint32_t member, struct bytes body)
{
	struct event event = {
		.kind = EVENT_MESSAGE,
		.member = member,
		.body = body,
	};

	d->is_touched = true;
	driver_step(d, &event);
}

void
driver_submit(struct driver *d, struct bytes envelope)
{
	struct event event = { .kind = EVENT_SUBMIT, .body = envelope };

	d->is_touched = true;
	driver_step(d, &event);
}

void
driver_applied(struct driver *d, const struct applied *applied)
{
	struct event event = {
		.kind = EVENT_APPLIED,
		.seq = applied->seq,
		.has_digest = applied->has_digest,
		.is_last = applied->is_last,
		.digest = applied->digest,
	};

	d->is_touched = true;
	driver_keep_rounds(d, applied);
	driver_step(d, &event);
}

void
driver_installed(struct driver *d, uint64_t seq, bool is_last,
    const struct digest *digest, struct bytes certificate)
{
	struct event event = {
		.kind = EVENT_INSTALLED,
		.seq = seq,
		.is_last = is_last,
		.digest = *digest,
		.body = certificate,
	};

	d->is_touched = true;
	d->installed_seq = seq;
	if (d->applied < seq)
		d->applied = seq;
	round_log_executed(d->rounds, seq, 0);
	round_log_state(d->rounds, seq, digest);
	driver_step(d, &event);
}

void
driver_want_checkpoint(struct driver *d)
{
	struct event event = { .kind = EVENT_CHECKPOINT_WANTED };

	d->is_touched = true;
	driver_step(d, &event);
}

void
driver_resign(struct driver *d)
{
	struct event event = { .kind = EVENT_RESIGN };

	d->is_touched = true;
	driver_step(d, &event);
	d->callbacks.flush(d->callbacks.arg);
}

void
driver_synced(struct driver *d, uint64_t seq, bool is_all)
{
	if (seq == d->stable_seq && d->stable_token != 0 &&
	    d->stable_token <= d->durable)
		journal_release(d->journal, seq, d->stable_token,
		    is_all ? 0 : d->log_retain_bytes);
}

uint32_t
driver_log_epoch(const struct driver *d)
{
	return journal_oldest_epoch(d->journal);
}

void
driver_status(const struct driver *d, struct engine_status *status)
{
	d->strategy->status(d->engine, status);
}

enum ag_status
driver_round(const struct driver *d, uint64_t seq, struct engine_round *round)
{
	struct engine_round kept;
	enum ag_status status = d->strategy->round(d->engine, seq, round);

	if (round_log_find(d->rounds, seq, &kept) != AG_OK)
		return status;
	if (status != AG_OK || round->phase == ROUND_EMPTY) {
		*round = kept;
	} else if (digest_equal(&kept.digest, &round->digest)) {
		/* After a restart the engine has its own votes only. */
		round->prepares |= kept.prepares;
		round->commits |= kept.commits;
	}
	return AG_OK;
}

const struct digest *
driver_state(const struct driver *d, uint64_t seq)
{
	return round_log_state_of(d->rounds, seq);
}

uint64_t
driver_find_record(const struct driver *d, uint64_t seq)
{
	return journal_find(d->journal, seq);
}

uint64_t
driver_log_bytes(const struct driver *d)
{
	return journal_bytes(d->journal);
}

uint64_t
driver_sync_p99_us(const struct driver *d)
{
	return journal_sync_p99_us(d->journal);
}

enum ag_status
driver_certificate(const struct driver *d, uint64_t seq, struct buf *out)
{
	const struct kept_certificate *kept =
	    &d->certificates[seq % CERTIFICATES_KEPT];

	/* Nobody signs what Raft decides. */
	if (seq == 0 || kept->seq != seq || kept->encoded.len == 0)
		return AG_ENOENT;
	return buf_append(out, kept->encoded.data, kept->encoded.len);
}
