/*
 * The ledger of what correct members have signed, over all their lives.
 *
 * RULES    1. For one view, sequence and phase of an epoch a member signs one
 *             digest; for a sequence one state; for a view one beginning.
 *          2. Who asked for a view votes in no lower one.
 *
 * A table of fixed size with open addressing; what finds no place in a few
 * steps is not looked at.  Entries of earlier worlds count as free.
 */
#include "sim/ledger.h"

#include <inttypes.h>

#include "codec/message.h"

#define STEPS_MAX 32

/* A beginning of a view, beside enum vote_phase. */
#define KIND_NEW_VIEW 4

static struct ledger_entry *
entry_for(struct world *w, const struct ledger_entry *key)
{
	uint64_t at = (key->member * 31 + key->kind) * 2654435761U +
	    key->view * 40503U + key->seq * 97U + key->epoch * 7919U;
	uint32_t i;

	for (i = 0; i < STEPS_MAX; i++) {
		struct ledger_entry *e =
		    &w->ledger[(at + i) % WORLD_LEDGER_MAX];

		if (e->world != w->generation ||
		    (e->member == key->member && e->epoch == key->epoch &&
			e->kind == key->kind && e->view == key->view &&
			e->seq == key->seq))
			return e;
	}
	return NULL;
}

static void
note(struct world *w, const struct replica *r, uint32_t kind, uint64_t view,
    uint64_t seq, const struct digest *digest)
{
	const struct ledger_entry key = {
		.world = w->generation,
		.epoch = r->epoch,
		.member = r->member,
		.kind = kind,
		.view = view,
		.seq = seq,
		.digest = *digest,
	};
	struct ledger_entry *e = entry_for(w, &key);

	if (e == NULL)
		return;
	if (e->world == w->generation && !digest_equal(&e->digest, digest))
		world_violate(w,
		    "replica %u signed two things: kind %" PRIu32
		    ", view %" PRIu64 ", sequence %" PRIu64,
		    r->index, kind, view, seq);
	if (e->world != w->generation)
		w->ledger_places[w->ledger_count++] = (uint16_t)(e - w->ledger);
	*e = key;
}

static void
note_vote(struct world *w, struct replica *r, uint32_t phase, uint64_t view,
    uint64_t seq, const struct digest *digest)
{
	if (phase == VOTE_CHECKPOINT) {
		note(w, r, phase, 0, seq, digest);
		return;
	}
	if (view < w->asked[r->member])
		world_violate(w,
		    "replica %u votes in view %" PRIu64
		    " after it asked for view %" PRIu64,
		    r->index, view, w->asked[r->member]);
	note(w, r, phase, view, seq, digest);
}

static void
leave_proposal(struct world *w, struct replica *r, struct decoder *d)
{
	uint64_t view = decoder_get_uint(d), seq = decoder_get_uint(d);
	struct digest digest;

	decoder_get_fixed(d, digest.data, DIGEST_BYTES);
	if (!decoder_failed(d))
		note_vote(w, r, VOTE_PREPARE, view, seq, &digest);
}

static void
leave_votes(struct world *w, struct replica *r, struct decoder *d)
{
	uint64_t view = decoder_get_uint(d);
	size_t i, count = decoder_get_array_max(d, VOTE_BUNDLE_MAX);

	for (i = 0; i < count; i++) {
		struct digest digest;
		uint64_t phase, seq;

		decoder_expect_array(d, 3);
		phase = decoder_get_uint(d);
		seq = decoder_get_uint(d);
		decoder_get_fixed(d, digest.data, DIGEST_BYTES);
		if (decoder_failed(d))
			return;
		note_vote(w, r, (uint32_t)phase, view, seq, &digest);
	}
}

/* The primary's own; others send it on. */
static void
leave_new_view(struct world *w, struct replica *r, struct decoder *d,
    struct bytes body)
{
	uint64_t view = decoder_get_uint(d);
	struct digest digest;

	if (decoder_failed(d) ||
	    view % membership_of(w, r)->member_count != r->self)
		return;
	digest_of(&digest, body);
	note(w, r, KIND_NEW_VIEW, view, 0, &digest);
}

void
ledger_leave(struct world *w, struct replica *r, struct bytes body)
{
	struct decoder d;
	uint64_t member, view;

	if (!r->is_honest || (w->unsettled >> r->member & 1) != 0)
		return;
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	switch (decoder_get_uint(&d)) {
	case MESSAGE_PRE_PREPARE:
		leave_proposal(w, r, &d);
		break;
	case MESSAGE_VOTES:
		leave_votes(w, r, &d);
		break;
	case MESSAGE_NEW_VIEW:
		leave_new_view(w, r, &d, body);
		break;
	case MESSAGE_VIEW_CHANGE:
		/* Others' are sent on: they bind their signers alone. */
		member = decoder_get_uint(&d);
		view = decoder_get_uint(&d);
		if (!decoder_failed(&d) && member == r->self &&
		    view > w->asked[r->member])
			w->asked[r->member] = view;
		break;
	default:
		break;
	}
}
