/*
 * Effects of an observer, and the scratch memory they live in for a step.
 */
#include "consensus/observer_parts.h"

#include <string.h>

/* Effects a step may add besides those it has asked room for. */
#define EFFECTS_RESERVED 16

bool
observer_emit_has_room(const struct observer *o, size_t len)
{
	return OBSERVER_SCRATCH_BYTES(&o->config) - o->scratch_used >= len &&
	    o->effects->count + EFFECTS_RESERVED < ENGINE_EFFECTS_MAX;
}

struct effect *
observer_emit(struct observer *o, enum effect_kind kind)
{
	struct effect *effect;

	AG_ASSERT(o->effects->count < ENGINE_EFFECTS_MAX);
	effect = &o->effects->list[o->effects->count++];
	memset(effect, 0, sizeof(*effect));
	effect->kind = kind;
	return effect;
}

void
observer_emit_begin(const struct observer *o, struct encoder *out)
{
	encoder_init(out, o->scratch + o->scratch_used,
	    OBSERVER_SCRATCH_BYTES(&o->config) - o->scratch_used);
}

struct bytes
observer_emit_end(struct observer *o, const struct encoder *out)
{
	struct bytes bytes;

	if (encoder_finish(out, &bytes) != AG_OK)
		return bytes_of(NULL, 0);
	o->scratch_used += bytes.len;
	return bytes;
}

void
observer_emit_send(struct observer *o, uint32_t members,
    const struct encoder *out)
{
	struct bytes message = observer_emit_end(o, out);
	struct effect *effect;

	if (members == 0 || message.len == 0)
		return;
	effect = observer_emit(o, EFFECT_SEND);
	effect->members = members;
	effect->body = message;
}

void
observer_emit_fatal(struct observer *o, const char *text)
{
	if (o->has_failed)
		return;
	o->has_failed = true;
	observer_emit(o, EFFECT_FATAL)->text = text;
}
