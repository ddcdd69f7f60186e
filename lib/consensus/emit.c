/*
 * Effects, and the scratch memory their bytes live in for one step.
 */
#include "consensus/pbft.h"

#include <string.h>

bool
emit_has_room(const struct engine *e, size_t len)
{
	return e->scratch_cap - e->scratch_used >= len &&
	    e->effects->count + EFFECTS_RESERVED < ENGINE_EFFECTS_MAX;
}

void
emit_begin(struct engine *e, struct encoder *out)
{
	encoder_init(out, e->scratch + e->scratch_used,
	    e->scratch_cap - e->scratch_used);
}

struct bytes
emit_end(struct engine *e, const struct encoder *out)
{
	struct bytes bytes;

	if (encoder_finish(out, &bytes) != AG_OK)
		return bytes_of(NULL, 0);
	e->scratch_used += bytes.len;
	return bytes;
}

struct effect *
emit(struct engine *e, enum effect_kind kind)
{
	struct effect *effect;

	AG_ASSERT(e->effects->count < ENGINE_EFFECTS_MAX);
	effect = &e->effects->list[e->effects->count++];
	memset(effect, 0, sizeof(*effect));
	effect->kind = kind;
	return effect;
}

static uint64_t
persist(struct engine *e, uint64_t seq, struct bytes record, bool is_lazy)
{
	struct effect *effect;

	/* A promise that can't be written down can't be made. */
	if (record.len == 0) {
		emit_fatal(e, "a record does not fit the engine's memory");
		return e->last_token;
	}
	effect = emit(e, EFFECT_PERSIST);
	effect->token = ++e->last_token;
	effect->seq = seq;
	effect->body = record;
	effect->is_lazy = is_lazy;
	e->written_bytes += record.len;
	return effect->token;
}

uint64_t
emit_persist(struct engine *e, uint64_t seq, struct bytes record)
{
	return persist(e, seq, record, false);
}

void
emit_persist_lazily(struct engine *e, uint64_t seq, struct bytes record)
{
	(void)persist(e, seq, record, true);
}

static void
send(struct engine *e, uint32_t members, struct bytes message, uint64_t after,
    bool is_prompt)
{
	struct effect *effect;

	/* A message that does not fit is asked for again. */
	if (members == 0 || message.len == 0 || !e->is_started)
		return;
	effect = emit(e, EFFECT_SEND);
	effect->members = members;
	effect->body = message;
	effect->after = PLANT_SEND_EARLY ? 0 : after;
	effect->is_prompt = is_prompt;
}

void
emit_send(struct engine *e, uint32_t members, struct bytes message,
    uint64_t after)
{
	send(e, members, message, after, false);
}

void
emit_send_promptly(struct engine *e, uint32_t members, struct bytes message)
{
	send(e, members, message, 0, true);
}

void
emit_fatal(struct engine *e, const char *text)
{
	struct effect *effect;

	if (e->has_failed)
		return;
	e->has_failed = !PLANT_BEYOND_GOES_ON;
	effect = emit(e, EFFECT_FATAL);
	effect->text = text;
}
