/*
 * Whom an observer follows.
 *
 * FORMAT   FOLLOW     [40, delivered, applied, stable, wants a checkpoint,
 *                     feeds]  feeds: the receiver is asked for what follows
 *
 * RULES    1. Where the members stand is what f + 1 of them claim, and it only
 *             decides whom to ask.
 *          2. A source that is silent, or has nothing while others have, is
 *             left for the next.
 */
#include "consensus/observer_parts.h"

/* Progress intervals after which a member counts as not heard, and a source
 * that brings nothing is left. */
#define HEARD_INTERVALS 4
#define STALLED_INTERVALS 2

uint32_t
observer_source_all(const struct observer *o)
{
	return o->config.member_count == 32
	    ? UINT32_MAX
	    : (UINT32_C(1) << o->config.member_count) - 1;
}

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

bool
observer_source_lags(const struct observer *o)
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

	observer_emit_begin(o, &out);
	encoder_put_array(&out, 6);
	encoder_put_uint(&out, MESSAGE_FOLLOW);
	encoder_put_uint(&out, o->delivered);
	encoder_put_uint(&out, o->applied);
	encoder_put_uint(&out, o->stable);
	encoder_put_bool(&out, o->wants_checkpoint);
	encoder_put_bool(&out, feeds);
	observer_emit_send(o, members, &out);
}

void
observer_source_tell(struct observer *o)
{
	o->told = o->delivered;
	follow(o, 1U << o->source, !o->is_held);
}

void
observer_source_tell_all(struct observer *o)
{
	observer_source_tell(o);
	follow(o, observer_source_all(o) & ~(1U << o->source), false);
}

/* The next that is heard, or else just the next. */
static void
change_source(struct observer *o)
{
	const uint32_t n = o->config.member_count;
	uint32_t i, next = (o->source + 1) % n;

	REACHED(OBSERVER_TURNED);
	for (i = 1; i < n && !is_heard(o, next); i++)
		next = (next + 1) % n;
	o->source = is_heard(o, next) ? next : (o->source + 1) % n;
	o->source_since_us = o->now_us;
}

void
observer_source_judge(struct observer *o)
{
	uint64_t since = o->came_on_us > o->source_since_us
	    ? o->came_on_us
	    : o->source_since_us;

	if (!is_heard(o, o->source) ||
	    (observer_source_lags(o) && !o->is_held &&
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
	effect = observer_emit(o, EFFECT_VIEW);
	effect->view = view;
	effect->member = (uint32_t)(view % o->config.member_count);
}

void
observer_source_progress(struct observer *o, uint32_t from, struct decoder *d)
{
	struct watched told = { .told_us = o->now_us };
	bool votes;

	told.view = decoder_get_uint(d);
	(void)decoder_get_bool(d); /* is changing */
	told.delivered = decoder_get_uint(d);
	told.applied = decoder_get_uint(d);
	told.stable = decoder_get_uint(d);
	(void)decoder_get_uint(d); /* the checkpoint it wants */
	votes = decoder_get_bool(d);
	(void)decoder_get_bool(d); /* blames the primary */
	if (decoder_finish(d, NULL) != AG_OK)
		return;
	told.heard_us = o->now_us;
	told.lag = told.applied < o->applied ? o->applied - told.applied : 0;
	told.is_rejoining = !votes;
	o->members[from] = told;
	note_view(o);
}

/* Members that say they have a stable checkpoint there; or everybody. */
uint32_t
observer_source_having(const struct observer *o, uint64_t seq)
{
	uint32_t i, members = 0;

	for (i = 0; i < o->config.member_count; i++)
		if (o->members[i].stable >= seq)
			members |= 1U << i;
	return members != 0 ? members : observer_source_all(o);
}

uint64_t
observer_source_head(const struct observer *o)
{
	return claimed(o, delivered_of);
}
