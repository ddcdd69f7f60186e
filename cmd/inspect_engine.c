/*
 * The engine, stepped.
 *
 * RULES    1. It is the engine that runs in nodes; only its key is missing,
 *             so what it would sign at a start is no signature.
 *          2. After a fatal effect it is stepped no more.
 */
#include "cmd/inspect_engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "consensus/engine.h"
#include "consensus/record.h"

struct inspect_engine {
	const struct strategy *strategy;
	struct engine *engine;
	void *memory;
	uint32_t window;
	bool has_stopped;
	struct effects effects;
	struct certificate certificate; /* to decode into */
};

/* Nobody's key is here. */
static void
no_sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)message;
	memset(signature, 0, SIGNATURE_BYTES);
}

static struct authority authority_without_key;

static void
configure(struct engine_config *engine,
    const struct inspect_engine_config *config)
{
	authority_without_key = roster_authority;
	authority_without_key.sign = no_sign;
	*engine = (struct engine_config){
		.member_count = config->roster->member_count,
		.self = config->self,
		.checkpoint_interval = config->checkpoint_interval,
		.window = config->checkpoint_interval * 2,
		.pipeline_max = config->pipeline_max,
		.batch_bytes_max = config->batch_bytes_max,
		.batch_requests_max = 256,
		.pending_bytes_max = 16U << 20,
		.view_timeout_us = 1000000,
		.progress_interval_us = 500000,
		.first_seq = config->roster->first_seq,
		.first_digest = config->roster->genesis_state,
		.clock_skew_max_ms = UINT32_MAX,
		.authority = &authority_without_key,
		.authority_ctx = config->roster,
	};
	roster_scope(config->roster, &engine->scope);
}

enum ag_status
inspect_engine_new(struct inspect_engine **out,
    const struct inspect_engine_config *config, struct ag_error *err)
{
	struct inspect_engine *e = calloc(1, sizeof(*e));
	struct engine_config engine;
	size_t memory_len;

	*out = NULL;
	if (e == NULL)
		return ag_fail(err, AG_ENOMEM, "replay: out of memory");
	configure(&engine, config);
	e->window = engine.window;
	e->strategy = strategy_find(config->roster->strategy);
	if (e->strategy == NULL) {
		free(e);
		return ag_fail(err, AG_EVERSION,
		    "roster: strategy \"%s\" is not known to this version",
		    config->roster->strategy);
	}
	memory_len = e->strategy->size(&engine);
	e->memory = pages_new(memory_len);
	if (e->memory == NULL) {
		free(e);
		return ag_fail_sys(err, "reserve memory for agreement");
	}
	e->engine = e->strategy->init(e->memory, memory_len, &engine);
	if (e->engine == NULL) {
		inspect_engine_free(e);
		return ag_fail(err, AG_EINVAL,
		    "replay: checkpoint interval %u, pipeline %u and batch "
		    "size %u do not fit together",
		    engine.checkpoint_interval, engine.pipeline_max,
		    engine.batch_bytes_max);
	}
	*out = e;
	return AG_OK;
}

void
inspect_engine_free(struct inspect_engine *e)
{
	if (e == NULL)
		return;
	pages_free(e->memory);
	free(e);
}

static const char *
phase_name(enum round_phase phase)
{
	static const char *const names[] = {
		[ROUND_EMPTY] = "EMPTY",
		[ROUND_PROPOSED] = "PROPOSED",
		[ROUND_PREPARED] = "PREPARED",
		[ROUND_COMMITTED] = "COMMITTED",
		[ROUND_EXECUTED] = "EXECUTED",
	};

	return names[phase];
}

static void
take_effect(struct inspect_step *step, const struct effect *effect)
{
	if (effect->kind == EFFECT_FATAL)
		step->fatal = effect->text;
	else if (effect->kind == EFFECT_SEND)
		step->sends++;
	else if (effect->kind == EFFECT_PERSIST)
		step->persists++;
	if (effect->kind != EFFECT_DELIVER)
		return;
	if (step->delivers++ == 0)
		step->first = effect->seq;
	step->last = effect->seq;
}

static void
do_step(struct inspect_engine *e, const struct event *event,
    struct inspect_step *step)
{
	struct engine_status status;
	struct engine_round round;
	size_t i;

	e->strategy->step(e->engine, event, &e->effects);
	for (i = 0; i < e->effects.count; i++)
		take_effect(step, &e->effects.list[i]);
	e->has_stopped = step->fatal != NULL;
	e->strategy->status(e->engine, &status);
	step->engine_view = status.view;
	step->is_changing = status.is_changing_view;
	step->stable = status.stable;
	step->proposed = status.proposed;
	if (step->has_seq &&
	    e->strategy->round(e->engine, step->seq, &round) == AG_OK)
		step->phase = phase_name(round.phase);
}

enum ag_status
inspect_engine_record(struct inspect_engine *e, struct bytes bytes,
    struct inspect_step *step, struct ag_error *err)
{
	const struct event event = { .kind = EVENT_REPLAY, .body = bytes };
	struct engine_status before;
	struct record r;
	enum ag_status status;

	status = record_decode(&r, &e->certificate, bytes, err);
	if (status != AG_OK)
		return AG_ECORRUPT;
	*step = (struct inspect_step){
		.kind = record_kind_name(r.kind),
		.seq = r.seq,
		.has_seq = r.kind != RECORD_VIEW,
		.view = r.view,
		.has_view = r.kind != RECORD_STATE && r.kind != RECORD_BATCH,
	};
	if (e->has_stopped)
		return AG_OK;
	e->strategy->status(e->engine, &before);
	do_step(e, &event, step);
	step->is_below =
	    step->has_seq && r.kind != RECORD_STATE && r.seq <= before.stable;
	step->is_moved =
	    r.kind != RECORD_CHECKPOINT && step->stable > before.stable;
	return AG_OK;
}

void
inspect_engine_start(struct inspect_engine *e, uint64_t seq,
    const struct digest *digest, struct inspect_step *step)
{
	const struct event event = {
		.kind = EVENT_START,
		.now_us = 1,
		.seq = seq,
		.has_digest = true,
		.digest = *digest,
	};

	*step = (struct inspect_step){
		.kind = "start",
		.seq = seq,
		.has_seq = true,
	};
	if (!e->has_stopped)
		do_step(e, &event, step);
}
