/*
 * More culprits than the cluster tolerates: what a correct member still owes.
 *
 * RULES    1. It dies of nothing but its engine's own stop, which says that
 *             too many members are faulty, or that its state is not the
 *             cluster's.
 *          2. Evidence that it keeps convicts, and only culprits
 *             (invariant.c).
 *          3. Who has a certificate and is shown one that contradicts it
 *             stops, and has evidence against all that signed both.  Two of
 *             different views or phases have no such signers: what was signed
 *             in a later view may have been right.
 *          4. Who has stopped sends nothing, whatever happens to it.
 *          5. What it owes to itself is as in every other world: its votes
 *             are on its disk and do not contradict each other, what it
 *             executes is certified and in order.
 *
 * Members that met nobody who knew better are introduced to each other when
 * the schedule is over.
 *
 * NOT HERE Agreement, answers, progress: nobody promises them.
 */
#include "sim/beyond.h"

#include <inttypes.h>
#include <string.h>

#include "codec/message.h"
#include "sim/invariant.h"
#include "sim/replica.h"

struct holding {
	struct holding *next;
	const struct certificate *certificate;
	struct bytes encoded;
	struct bytes batch; /* empty: of a state */
};

/* The first face of a twin stands on one side, the others on the other. */
static bool
is_fooled(const struct world *w, const struct replica *r)
{
	return r->is_honest ? (w->profile.fooled >> r->member & 1) != 0
			    : r->index >= w->profile.member_count;
}

void
beyond_begin(struct world *w)
{
	uint32_t i, k;

	if (!w->profile.is_split || !world_strikes(w, COUNT_PARTITIONED))
		return;
	for (i = 0; i < w->replica_count; i++)
		for (k = 0; k < w->replica_count; k++)
			if (is_fooled(w, &w->replicas[i]) !=
			    is_fooled(w, &w->replicas[k]))
				w->replicas[i].cut |= 1U << k;
}

static bool
is_opposed(const struct holding *h, const struct certificate *c)
{
	return h->certificate->seq == c->seq &&
	    (h->batch.len == 0) == (c->phase == VOTE_CHECKPOINT) &&
	    !digest_equal(&h->certificate->digest, &c->digest);
}

static struct holding *
find_opposed(struct holding *h, const struct certificate *c)
{
	while (h != NULL && !is_opposed(h, c))
		h = h->next;
	return h;
}

static const struct certificate *
decode(struct world *w, struct bytes encoded)
{
	struct certificate *c = arena_take(&w->arena, sizeof(*c));
	struct decoder d;

	decoder_init(&d, encoded);
	certificate_decode(&d, c);
	return decoder_finish(&d, NULL) == AG_OK ? c : NULL;
}

void
beyond_hold(struct world *w, struct replica *r, struct bytes certificate,
    struct bytes batch)
{
	struct holding *h = arena_take(&w->arena, sizeof(*h));
	uint32_t i;

	h->encoded = arena_copy(&w->arena, certificate);
	h->batch = arena_copy(&w->arena, batch);
	h->certificate = decode(w, h->encoded);
	h->next = r->holdings;
	r->holdings = h;
	world_trace(w,
	    "replica %u has a certificate of phase %d, view %" PRIu64
	    ", for %" PRIu64 ": %02x%02x",
	    r->index, (int)h->certificate->phase, h->certificate->view,
	    h->certificate->seq, h->certificate->digest.data[0],
	    h->certificate->digest.data[1]);
	for (i = 0; i < w->replica_count; i++)
		if (find_opposed(w->replicas[i].holdings, h->certificate) !=
		    NULL)
			world_count(w, COUNT_REACHED_FORK);
}

/* --- a certificate that comes in a message --- */

static const struct certificate *
certificate_in(struct world *w, struct bytes body)
{
	const uint64_t type = message_type_of(body);
	const struct certificate *c;
	struct digest digest;
	struct bytes encoded;
	struct decoder d;

	if (type != MESSAGE_COMMITTED && type != MESSAGE_CHECKPOINT)
		return NULL;
	decoder_init(&d, body);
	decoder_expect_array(&d, type == MESSAGE_COMMITTED ? 3 : 2);
	(void)decoder_get_uint(&d);
	encoded = decoder_get_raw(&d);
	c = decoder_failed(&d) ? NULL : decode(w, encoded);
	if (c == NULL ||
	    (type == MESSAGE_CHECKPOINT) != (c->phase == VOTE_CHECKPOINT))
		return NULL;
	if (type == MESSAGE_CHECKPOINT)
		return decoder_finish(&d, NULL) == AG_OK ? c : NULL;
	digest_of(&digest, decoder_get_bytes(&d));
	return decoder_finish(&d, NULL) == AG_OK &&
		digest_equal(&digest, &c->digest) &&
		certificate_is_commit(c, w->profile.member_count)
	    ? c
	    : NULL;
}

/* Does its engine still have it, and not only its log? */
static bool
is_at_hand(const struct world *w, const struct replica *r,
    const struct holding *h)
{
	const uint64_t seq = h->certificate->seq, stable = r->status.stable;

	return h->batch.len == 0
	    ? seq == stable
	    : seq > stable && seq <= stable + w->profile.window;
}

static bool
certificate_holds(struct membership *m, const struct certificate *c)
{
	return certificate_verify(c, &m->scope, m->member_count,
		   &keyring_authority, &m->signers[0], NULL) == AG_OK;
}

/* Members that contradicted themselves by signing both. */
static uint32_t
signers_of_both(const struct certificate *a, const struct certificate *b)
{
	uint32_t in_a = 0, in_b = 0, i;

	if (a->phase != b->phase || a->view != b->view)
		return 0;
	for (i = 0; i < a->proof_count; i++)
		in_a |= 1U << a->proofs[i].member;
	for (i = 0; i < b->proof_count; i++)
		in_b |= 1U << b->proofs[i].member;
	return in_a & in_b;
}

static void
judge_meeting(struct world *w, const struct replica *r, bool is_told,
    const struct certificate *ours, const struct certificate *theirs)
{
	const uint32_t culprits = signers_of_both(ours, theirs);

	/* Liars are not always listened to. */
	if (!r->has_stopped && !is_told)
		return;
	world_count(w, COUNT_REACHED_MET);
	if (!r->has_stopped)
		world_violate(w,
		    "replica %u was shown two certificates for %" PRIu64
		    " that contradict each other, and goes on",
		    r->index, ours->seq);
	else if ((culprits & ~r->accused) != 0)
		world_violate(w,
		    "replica %u stopped, and has no evidence against who "
		    "signed twice for %" PRIu64,
		    r->index, ours->seq);
	w->counters[COUNT_REACHED_ACCUSED] +=
	    (uint64_t)__builtin_popcount(culprits);
}

void
beyond_message(struct world *w, struct replica *r, uint32_t node,
    struct bytes body)
{
	struct membership *m = membership_of(w, r);
	const struct certificate *theirs =
	    r->is_honest ? certificate_in(w, body) : NULL;
	const struct holding *ours =
	    theirs == NULL ? NULL : find_opposed(r->holdings, theirs);
	uint64_t failed;

	if (ours != NULL &&
	    (!is_at_hand(w, r, ours) || !certificate_holds(m, theirs)))
		ours = NULL;
	failed = w->keyring.failed;
	replica_step(w, r,
	    (struct event){
		.kind = EVENT_MESSAGE,
		.member = membership_position(m, node),
		.body = body,
	    });
	if (w->keyring.failed != failed)
		invariant_doubt(w, r, node, body);
	if (ours != NULL && !w->is_violated)
		judge_meeting(w, r, w->profile.byzantine[node] == 0,
		    ours->certificate, theirs);
}

/* --- stopping --- */

void
beyond_stop(struct world *w, struct replica *r, const char *text)
{
	world_trace(w, "replica %u stops: %s", r->index, text);
	world_count(w, COUNT_REACHED_STOPPED);
	r->has_stopped = true;
	if (strstr(text, "more members are faulty") == NULL &&
	    strstr(text, "our state differs") == NULL)
		world_violate(w, "replica %u stopped: %s", r->index, text);
}

/* Whatever happens to it. */
static void
must_be_silent(struct world *w, const struct replica *r)
{
	const enum event_kind kinds[] = { EVENT_TICK, EVENT_PERSISTED,
		EVENT_CHECKPOINT_WANTED, EVENT_FLUSH };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct event event = {
			.kind = kinds[i],
			.now_us = UINT64_MAX / 2,
			.token = r->last_token,
		};

		r->strategy->step(r->engine, &event, &w->effects);
		if (w->effects.count > 0)
			world_violate(w,
			    "the engine of replica %u has stopped, and goes on",
			    r->index);
	}
}

/* --- the end --- */

static struct bytes
message_of(struct world *w, const struct holding *h)
{
	const bool is_state = h->batch.len == 0;
	const size_t cap = h->encoded.len + h->batch.len + 32;
	struct encoder e;
	struct bytes body;

	encoder_init(&e, arena_take(&w->arena, cap), cap);
	encoder_put_array(&e, is_state ? 2 : 3);
	encoder_put_uint(&e, is_state ? MESSAGE_CHECKPOINT : MESSAGE_COMMITTED);
	encoder_put_raw(&e, h->encoded);
	if (!is_state)
		encoder_put_bytes(&e, h->batch);
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	return body;
}

/* What one has that contradicts what another has. */
static void
introduce(struct world *w, struct replica *r, const struct replica *other)
{
	const struct holding *h;

	for (h = other->holdings; h != NULL && r->is_up && !w->is_violated;
	     h = h->next)
		if (find_opposed(r->holdings, h->certificate) != NULL)
			beyond_message(w, r, other->member, message_of(w, h));
}

void
beyond_judge(struct world *w)
{
	uint32_t i, k;

	for (i = 0; i < w->replica_count; i++)
		for (k = 0; k < w->replica_count; k++)
			if (w->replicas[i].is_honest &&
			    w->replicas[k].is_honest)
				introduce(w, &w->replicas[i], &w->replicas[k]);
	for (i = 0; i < w->replica_count && !w->is_violated; i++)
		if (w->replicas[i].has_stopped)
			must_be_silent(w, &w->replicas[i]);
}
