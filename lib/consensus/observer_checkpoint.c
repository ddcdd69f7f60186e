/*
 * An observer's state against what the members certify of theirs.
 *
 * RULES    1. A certified digest that differs from ours means that our state
 *             is wrong: we stop.
 *          2. A certified state that is ahead of ours is kept in mind, and
 *             fetched when no member's log leads there.
 */
#include "consensus/observer_parts.h"

#define FETCH_REPEAT_US 5000000

/* Progress intervals without any progress after which a state is fetched. */
#define FETCH_INTERVALS 4

static const char STATE_DIFFERS[] =
    "our state differs from the one the cluster certified; move state and log "
    "away, leave the rest, and restart to fetch it anew";

static const struct digest *
own_digest(const struct observer *o, uint64_t seq)
{
	size_t i;

	for (i = 0; i < OBSERVER_DIGESTS; i++)
		if (o->own[i].seq == seq && seq != 0)
			return &o->own[i].digest;
	return NULL;
}

void
observer_checkpoint_keep(struct observer *o, uint64_t seq,
    const struct digest *digest)
{
	if (own_digest(o, seq) != NULL)
		return;
	o->own[o->own_at] = (struct own_digest){ seq, *digest };
	o->own_at = (o->own_at + 1) % OBSERVER_DIGESTS;
}

void
observer_checkpoint_adopt(struct observer *o, const struct certificate *c)
{
	struct effect *effect;
	struct encoder out;

	o->stable = c->seq;
	o->stable_digest = c->digest;
	o->wants_checkpoint = false;
	if (o->target.seq <= c->seq)
		o->target.proof_count = 0;
	observer_emit_begin(o, &out);
	certificate_encode(&out, c);
	effect = observer_emit(o, EFFECT_STABLE);
	effect->seq = c->seq;
	effect->digest = c->digest;
	effect->body = observer_emit_end(o, &out);
}

/* A quorum signed this state: is it ours? */
void
observer_checkpoint_weigh(struct observer *o, const struct certificate *c)
{
	const struct digest *ours = own_digest(o, c->seq);

	if (ours != NULL && !digest_equal(ours, &c->digest))
		observer_emit_fatal(o, STATE_DIFFERS);
	else if (ours != NULL)
		observer_checkpoint_adopt(o, c);
	else if (c->seq > o->applied &&
	    (o->target.proof_count == 0 || o->target.seq < c->seq))
		o->target = *c;
}

bool
observer_checkpoint_is_certified(struct observer *o,
    const struct certificate *c)
{
	return certificate_verify(c, &o->config.scope, o->config.member_count,
		   o->config.authority, o->config.authority_ctx, NULL) == AG_OK;
}

void
observer_checkpoint_receive(struct observer *o, struct decoder *d)
{
	certificate_decode(d, &o->spare);
	if (decoder_finish(d, NULL) != AG_OK ||
	    o->spare.phase != VOTE_CHECKPOINT || o->spare.seq <= o->stable ||
	    (o->target.proof_count > 0 && o->spare.seq <= o->target.seq) ||
	    !observer_emit_has_room(o, CERTIFICATE_BYTES_MAX) ||
	    !observer_checkpoint_is_certified(o, &o->spare))
		return;
	observer_checkpoint_weigh(o, &o->spare);
}

static void
ask_state(struct observer *o, uint64_t seq, const struct digest *digest)
{
	struct effect *effect;

	if (o->fetch_seq == seq &&
	    o->now_us - o->fetch_asked_us < FETCH_REPEAT_US)
		return;
	REACHED(OBSERVER_FETCHED);
	o->fetch_seq = seq;
	o->fetch_asked_us = o->now_us;
	effect = observer_emit(o, EFFECT_FETCH_STATE);
	effect->seq = seq;
	effect->digest = *digest;
	effect->members = observer_source_having(o, seq);
}

/* What no member's log brings is fetched as a state. */
void
observer_checkpoint_chase(struct observer *o)
{
	if (o->delivered < o->config.first_seq)
		ask_state(o, o->config.first_seq, &o->config.first_digest);
	else if (o->target.proof_count > 0 && o->target.seq > o->delivered &&
	    o->now_us - o->came_on_us >=
		FETCH_INTERVALS * o->config.progress_interval_us)
		ask_state(o, o->target.seq, &o->target.digest);
}
