/*
 * Invariants.
 *
 * AGREEMENT    one batch for a sequence; one state after it; certificates
 *              valid by their signatures alone
 * EPOCHS       nothing is executed beyond an epoch's last batch, nor certified;
 *              what is decided there is one thing all the same
 * CONSTANCY    who is correct votes for no other batch in a view after the
 *              one that decided: new views go by such votes (new_view.c)
 * DURABILITY   votes that leave are on disk; what is answered is on f + 1
 *              honest disks; views never fall, also over a crash (promise.c)
 * TIME         agreed on is one that some correct clock may have shown
 * FAIRNESS     nobody's request is passed over for long (fair.c)
 * DOUBT        who is correct sends nothing that does not verify, also of what
 *              others made: it would have to pay for it (doubt.c)
 * EVIDENCE     convinces by its signatures alone, and is only ever found
 *              against Byzantine members
 */
#include "sim/invariant.h"

#include <inttypes.h>

#include "codec/batch.h"
#include "codec/message.h"
#include "sim/beyond.h"
#include "sim/client.h"
#include "sim/disk.h"
#include "sim/promise.h"
#include "sim/terms.h"
#include "trust/evidence.h"

void
invariant_persist(struct world *w, struct replica *r,
    const struct effect *effect)
{
	if (r->is_honest && effect->token != r->last_token + 1)
		world_violate(w,
		    "replica %u skips from token %" PRIu64 " to %" PRIu64,
		    r->index, r->last_token, effect->token);
	r->last_token = effect->token;
}

/* Does this message bind its sender?  Others' are sent on. */
static bool
binds(const struct world *w, const struct replica *r, struct bytes body)
{
	struct decoder d;

	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	switch (decoder_get_uint(&d)) {
	case MESSAGE_VOTES:
		/* Of Raft's members they are for checkpoints. */
		return !world_is_raft(w);
	case MESSAGE_PRE_PREPARE:
	case MESSAGE_VOTE_REQUEST:
	case MESSAGE_VOTE_ANSWER:
		return true;
	case MESSAGE_APPEND_ANSWER:
		return r->status.is_asking;
	case MESSAGE_VIEW_CHANGE:
		return decoder_get_uint(&d) == r->self;
	default:
		return false;
	}
}

void
invariant_send(struct world *w, struct replica *r, const struct effect *effect)
{
	if (r->is_honest && (effect->members >> r->self & 1) != 0)
		world_violate(w, "replica %u sends to itself", r->index);
	if (r->is_honest && (r->status.is_rejoining || r->status.is_asking) &&
	    binds(w, r, effect->body))
		world_violate(w,
		    "replica %u votes, and does not know for what it voted",
		    r->index);
}

static void
must_be_constant(struct world *w, uint64_t seq)
{
	const struct slot *slot = &w->slots[seq];

	if (slot->is_agreed && slot->is_opposed &&
	    slot->opposed_view > slot->view &&
	    !digest_equal(&slot->opposed, &slot->digest))
		world_violate(w,
		    "a correct vote for another batch at %" PRIu64
		    " in view %" PRIu64 ", decided in view %" PRIu64,
		    seq, slot->opposed_view, slot->view);
}

/* Behind the last batch of the epoch that it is in? */
static bool
is_beyond(struct world *w, const struct replica *r, uint64_t seq)
{
	const struct membership *m = membership_of(w, r);

	return m->last_seq != 0 && seq > m->last_seq;
}

/* A PREPARE leaves: remember the last one for what was not decided. */
static void
note_prepare(struct world *w, const struct replica *r, uint64_t view,
    uint64_t seq, const struct digest *digest)
{
	struct slot *slot;

	if (seq >= WORLD_SLOTS_MAX || is_beyond(w, r, seq) ||
	    w->profile.is_beyond_faults)
		return;
	slot = &w->slots[seq];
	if (seq > w->slots_used)
		w->slots_used = seq;
	if ((slot->is_agreed && digest_equal(digest, &slot->digest)) ||
	    (slot->is_opposed && slot->opposed_view > view))
		return;
	slot->is_opposed = true;
	slot->opposed_view = view;
	slot->opposed = *digest;
	must_be_constant(w, seq);
}

/* The primary's vote is in its proposal. */
static void
note_proposal(struct world *w, const struct replica *r, struct bytes body)
{
	struct digest digest;
	struct decoder d;
	uint64_t view, seq;

	decoder_init(&d, body);
	decoder_expect_array(&d, 6);
	(void)decoder_get_uint(&d);
	view = decoder_get_uint(&d);
	seq = decoder_get_uint(&d);
	decoder_get_fixed(&d, digest.data, DIGEST_BYTES);
	if (!decoder_failed(&d))
		note_prepare(w, r, view, seq, &digest);
}

void
invariant_leave(struct world *w, struct replica *r, struct bytes body)
{
	struct digest digest;
	struct decoder d;
	uint64_t phase, view, seq;
	size_t i, count;

	/* Who came back older may say what it said before otherwise, until
	 * it has noticed and rejoined. */
	if (!r->is_honest || (w->unsettled >> r->member & 1) != 0)
		return;
	if (message_type_of(body) == MESSAGE_PRE_PREPARE)
		note_proposal(w, r, body);
	if (message_type_of(body) == MESSAGE_VIEW_CHANGE)
		promise_view_change(w, r, body);
	if (message_type_of(body) != MESSAGE_VOTES)
		return;
	decoder_init(&d, body);
	decoder_expect_array(&d, 4);
	(void)decoder_get_uint(&d);
	view = decoder_get_uint(&d);
	count = decoder_get_array_max(&d, VOTE_BUNDLE_MAX);
	for (i = 0; i < count && !decoder_failed(&d); i++) {
		decoder_expect_array(&d, 3);
		phase = decoder_get_uint(&d);
		seq = decoder_get_uint(&d);
		decoder_get_fixed(&d, digest.data, DIGEST_BYTES);
		promise_vote(w, r, (enum vote_phase)phase, view, seq, &digest);
		if (phase == VOTE_PREPARE)
			note_prepare(w, r, view, seq, &digest);
	}
}

/* Read a certificate into the spare; is it about this? */
static bool
certificate_is_of(struct world *w, const struct membership *m,
    struct bytes encoded, enum vote_phase phase, uint64_t seq,
    const struct digest *digest)
{
	struct certificate *c = &w->certificate;
	struct decoder d;

	decoder_init(&d, encoded);
	certificate_decode(&d, c);
	return decoder_finish(&d, NULL) == AG_OK &&
	    (c->phase == phase ||
		(phase == VOTE_COMMIT &&
		    certificate_is_commit(c, m->member_count))) &&
	    c->seq == seq && digest_equal(&c->digest, digest);
}

static bool
certificate_holds(struct world *w, struct membership *m, struct bytes encoded,
    enum vote_phase phase, uint64_t seq, const struct digest *digest)
{
	return certificate_is_of(w, m, encoded, phase, seq, digest) &&
	    certificate_verify(&w->certificate, &m->scope, m->member_count,
		&keyring_authority, &m->signers[0], NULL) == AG_OK;
}

bool
invariant_convinces(struct world *w, struct membership *m,
    struct bytes certificate, uint64_t seq, const struct digest *digest)
{
	return certificate_is_of(w, m, certificate, VOTE_CHECKPOINT, seq,
		   digest) &&
	    certificate_verify_vouched(&w->certificate, &m->scope,
		m->member_count, &keyring_authority, &m->signers[0],
		NULL) == AG_OK;
}

void
invariant_vouched(struct world *w, struct replica *r,
    const struct effect *effect)
{
	if (r->is_honest &&
	    !invariant_convinces(w, membership_of(w, r), effect->body,
		effect->seq, &effect->digest))
		world_violate(w,
		    "replica %u: nobody vouches for its state of %" PRIu64,
		    r->index, effect->seq);
}

/* Agreed time is ahead of all correct clocks by no more than is allowed. */
static void
must_be_timely(struct world *w, uint64_t seq, struct bytes encoded)
{
	struct batch batch;

	if (batch_decode(&batch, encoded, NULL) == AG_OK &&
	    batch.time_ms > w->wall_latest_ms + WORLD_SKEW_MS)
		world_violate(w,
		    "the batch at %" PRIu64 " has a time far ahead of "
		    "every correct clock",
		    seq);
}

/* The first honest replica to deliver a sequence decides what it is. */
static void
agree(struct world *w, const struct replica *r, uint64_t seq,
    const struct effect *effect)
{
	struct slot *slot = &w->slots[seq];
	struct machine *copy;

	if (seq > w->slots_used)
		w->slots_used = seq;
	slot->is_agreed = true;
	slot->digest = effect->digest;
	slot->body = arena_copy(&w->arena, effect->body);
	slot->view = effect->view;
	slot->is_fast =
	    !world_is_raft(w) && w->certificate.phase == VOTE_PREPARE;
	if (slot->is_fast)
		world_count(w, COUNT_REACHED_FAST);
	must_be_timely(w, seq, effect->body);
	if (world_is_raft(w))
		w->entries[seq].committed_by = r->status.view;
	client_refer(w, seq, effect->body);
	membership_refer(w);
	copy = arena_take(&w->arena, sizeof(*copy));
	*copy = w->reference;
	slot->machine = copy;
	if (effect->body.len <= 4)
		world_count(w, COUNT_REACHED_NULL);
}

/* A batch may be decided in several views: the first of them binds. */
static void
agree_again(struct world *w, struct slot *slot, const struct effect *effect)
{
	if (slot->is_fast && effect->view > slot->view)
		world_count(w, COUNT_REACHED_FAST_KEPT);
	if (effect->view >= slot->view)
		return;
	slot->view = effect->view;
	slot->is_fast = w->certificate.phase == VOTE_PREPARE;
}

/* Nobody executes it, but agreement is agreement. */
static void
agree_beyond(struct world *w, const struct replica *r,
    const struct effect *effect)
{
	struct membership *m = membership_of(w, r);
	uint64_t at = effect->seq - m->last_seq - 1;

	world_count(w, COUNT_REACHED_BEYOND);
	if (at >= MEMBERSHIP_BEYOND)
		return;
	if (m->beyond[at].is_decided &&
	    !digest_equal(&m->beyond[at].digest, &effect->digest))
		world_violate(w,
		    "replica %u delivers another batch at %" PRIu64
		    ", beyond the end of epoch %" PRIu64,
		    r->index, effect->seq, r->epoch);
	m->beyond[at].is_decided = true;
	m->beyond[at].digest = effect->digest;
}

void
invariant_deliver(struct world *w, struct replica *r,
    const struct effect *effect)
{
	struct membership *m = membership_of(w, r);
	uint64_t seq = effect->seq;
	struct digest digest;

	if (!r->is_honest)
		return;
	if (seq <= m->first_seq) {
		world_violate(w,
		    "replica %u delivers %" PRIu64
		    ", which is of an epoch before %" PRIu64,
		    r->index, seq, r->epoch);
		return;
	}
	if (seq != r->delivered + 1 || seq >= WORLD_SLOTS_MAX) {
		world_violate(w,
		    "replica %u delivers %" PRIu64 " after %" PRIu64, r->index,
		    seq, r->delivered);
		return;
	}
	if (seq > r->machine.applied + 2 * (uint64_t)w->profile.window) {
		world_violate(w,
		    "replica %u delivers %" PRIu64 ", far beyond its state",
		    r->index, seq);
		return;
	}
	digest_of(&digest, effect->body);
	if (!digest_equal(&digest, &effect->digest)) {
		world_violate(w,
		    "replica %u delivers another batch than "
		    "agreed at %" PRIu64,
		    r->index, seq);
		return;
	}
	if (!world_is_raft(w) &&
	    !certificate_holds(w, m, effect->certificate, VOTE_COMMIT, seq,
		&effect->digest)) {
		world_violate(w,
		    "replica %u delivers %" PRIu64 " without a certificate",
		    r->index, seq);
		return;
	}
	if (membership_observes(w, r))
		world_count(w, COUNT_REACHED_OBSERVED);
	/* A state that comes back older is executed again from the log. */
	else if (!disk_will_hold(r, seq, effect->body)) {
		world_violate(w,
		    "replica %u executes %" PRIu64
		    ", but does not write it down",
		    r->index, seq);
		return;
	}
	if (!world_is_raft(w))
		promise_certificate(w, m, &w->certificate);
	if (machine_is_last(&r->machine, r->epoch)) {
		world_violate(w,
		    "replica %u delivers %" PRIu64
		    ", after the end that it was told of",
		    r->index, seq);
		return;
	}
	if (w->profile.is_beyond_faults) {
		beyond_hold(w, r, effect->certificate, effect->body);
		return;
	}
	if (is_beyond(w, r, seq)) {
		agree_beyond(w, r, effect);
		return;
	}
	if (world_is_raft(w) && !w->slots[seq].is_agreed)
		terms_commit(w, r, effect);
	if (!w->slots[seq].is_agreed)
		agree(w, r, seq, effect);
	else if (!digest_equal(&w->slots[seq].digest, &effect->digest))
		world_violate(w,
		    "replica %u delivers another batch at "
		    "%" PRIu64 " than was agreed",
		    r->index, seq);
	else if (!world_is_raft(w))
		agree_again(w, &w->slots[seq], effect);
	must_be_constant(w, seq);
}

/* Of the reference after it, when that has come so far; or NULL. */
static const struct digest *
state_after(struct slot *slot)
{
	if (slot->machine != NULL && !slot->is_digested) {
		machine_digest(slot->machine, &slot->state);
		slot->is_digested = true;
	}
	return slot->machine == NULL ? NULL : &slot->state;
}

void
invariant_stable(struct world *w, struct replica *r,
    const struct effect *effect)
{
	const struct digest *state;

	if (!r->is_honest)
		return;
	if (!certificate_holds(w, membership_of(w, r), effect->body,
		VOTE_CHECKPOINT, effect->seq, &effect->digest)) {
		world_violate(w,
		    "replica %u: checkpoint %" PRIu64
		    " is stable without a quorum",
		    r->index, effect->seq);
		return;
	}
	if (w->profile.is_beyond_faults) {
		beyond_hold(w, r, effect->body, bytes_of(NULL, 0));
		return;
	}
	if (is_beyond(w, r, effect->seq)) {
		world_violate(w,
		    "replica %u: a state of %" PRIu64
		    " is stable, beyond the end of epoch %" PRIu64,
		    r->index, effect->seq, r->epoch);
		return;
	}
	state = state_after(&w->slots[effect->seq]);
	if (state != NULL && !digest_equal(state, &effect->digest))
		world_violate(w,
		    "replica %u: stable checkpoint %" PRIu64
		    " is of another state",
		    r->index, effect->seq);
}

void
invariant_evidence(struct world *w, struct replica *r,
    const struct effect *effect)
{
	struct membership *m = membership_of(w, r);
	struct evidence evidence;

	world_count(w, COUNT_REACHED_EVIDENCE);
	r->accused |= 1U << effect->member;
	if (evidence_decode(&evidence, effect->body, NULL) != AG_OK ||
	    evidence.member != effect->member ||
	    evidence.scope.epoch != m->scope.epoch ||
	    memcmp(evidence.scope.cluster_id, m->scope.cluster_id,
		CLUSTER_ID_BYTES) != 0 ||
	    !evidence_holds(&evidence, m->member_count, &keyring_authority,
		&m->signers[r->member]))
		world_violate(w, "replica %u: evidence that proves nothing",
		    r->index);
	if (r->is_honest &&
	    ((w->honest & ~w->forgetful) >> m->nodes[effect->member] & 1) != 0)
		world_violate(w, "evidence against honest member %u",
		    effect->member);
}

void
invariant_start(struct world *w, struct replica *r)
{
	r->was_asking = r->status.is_asking;
	if (!r->is_honest || !r->is_up || r->status.is_rejoining ||
	    r->status.is_asking)
		return;
	if (!world_is_raft(w))
		promise_start(w, r);
	if (r->status.view < r->view_told)
		world_violate(w,
		    "replica %u spoke in view %" PRIu64 " and forgot it",
		    r->index, r->view_told);
}

void
invariant_step(struct world *w, struct replica *r, const struct event *event)
{
	const struct engine_status *s = &r->status;

	(void)event;
	if (!r->is_honest || r->is_replaying)
		return;
	if (s->view < r->before[0] || s->stable < r->before[1] ||
	    s->delivered < r->before[2])
		world_violate(w, "replica %u: view, stable or delivered fell",
		    r->index);
	r->before[0] = s->view;
	r->before[1] = s->stable;
	r->before[2] = s->delivered;
	/* It has asked, and goes on from what it knows. */
	if (r->was_asking && !s->is_asking)
		invariant_start(w, r);
}

void
invariant_doubt(struct world *w, struct replica *r, uint32_t from,
    struct bytes body)
{
	if (r->is_honest && w->profile.byzantine[from] == 0)
		world_violate(w,
		    "replica %u cannot verify a message %" PRIu64
		    " of node %u, which is correct",
		    r->index, message_type_of(body), from);
}

void
invariant_applied(struct world *w, struct replica *r)
{
	const struct machine *agreed = w->slots[r->machine.applied].machine;

	if (r->is_honest && agreed != NULL &&
	    memcmp(agreed, &r->machine, sizeof(*agreed)) != 0)
		world_violate(w,
		    "replica %u has another state after "
		    "%" PRIu64,
		    r->index, r->machine.applied);
}

static uint32_t
honest_disks_with(struct world *w, uint64_t seq)
{
	uint32_t i, count = 0;

	for (i = 0; i < w->replica_count; i++) {
		const struct replica *r = &w->replicas[i];

		if (r->is_honest && !membership_observes(w, r) &&
		    (r->safe.applied >= seq || r->stable_safe >= seq ||
			disk_holds(r, seq, w->slots[seq].body)))
			count++;
	}
	return count;
}

/* That the epoch tolerates in which this was executed. */
static uint32_t
faults_at(const struct world *w, uint64_t seq)
{
	const struct membership *m = membership_at(w, seq);

	return trust_faults(m->scope.faults, m->member_count);
}

void
invariant_answer(struct world *w, struct replica *r,
    struct operation_history *op, const struct result *result)
{
	if (result->code == RESULT_STALE)
		return;
	op->answered_at = w->now;
	op->result = *result;
	if (w->profile.is_beyond_faults) {
		client_answered(w, op);
		return;
	}
	if (w->profile.answer_us != 0 &&
	    w->now - op->called_at > w->profile.answer_us)
		world_violate(w,
		    "a request waited for %" PRIu64
		    " us, though only a primary is at fault",
		    w->now - op->called_at);
	if (!op->is_executed)
		world_violate(w, "replica %u answers what was never executed",
		    r->index);
	else if (!w->profile.is_safety_only &&
	    (!world_is_raft(w) || w->profile.lie_count == 0) &&
	    honest_disks_with(w, op->outcome.result.seq) <=
		faults_at(w, op->outcome.result.seq))
		world_violate(w,
		    "request at %" PRIu64 " is answered but not durable",
		    op->outcome.result.seq);
	client_answered(w, op);
}
