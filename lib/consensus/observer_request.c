/*
 * Requests of an observer's clients, in order of arrival, until executed.
 *
 * RULES    1. A request goes to the source, which has it ordered, and when it
 *             waits for half a primary's patience to every member: no single
 *             one can keep our clients out.
 */
#include "consensus/observer_parts.h"

#include <string.h>

#define PENDING_MAX 4096

/* Requests sent to everybody in one turn at most. */
#define SHARED_PER_TURN 64

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

void
observer_request_submit(struct observer *o, struct bytes raw)
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
		observer_emit(o, EFFECT_REFUSED)->body = raw;
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

void
observer_request_executed(struct observer *o, const struct batch *batch)
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
void
observer_request_forward(struct observer *o)
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
		if (!observer_emit_has_room(o, w->len + 64))
			return;
		w->sent_us = o->now_us;
		observer_emit_begin(o, &out);
		encoder_put_array(&out, 2);
		encoder_put_uint(&out, MESSAGE_REQUEST);
		encoder_put_bytes(&out, bytes_of(w->raw, w->len));
		observer_emit_send(o,
		    is_new ? 1U << o->source : observer_source_all(o), &out);
	}
}

void
observer_request_drop_all(struct observer *o)
{
	while (o->oldest != NULL)
		drop_waiting(o, o->oldest);
}
