/*
 * The log between the watermarks: a slot for each sequence above the stable
 * checkpoint, up to the window.
 *
 * RULES    1. Slot seq lives at seq modulo their number, so a slot is free or
 *             belongs to exactly one sequence of the window.  (Raft has
 *             more slots than that, and keeps what was decided in them.)
 *          2. A batch is kept under its digest, computed here: what a slot
 *             says is the batch of a digest is that batch.
 *          3. At most three batches are held: the proposal's, and those of
 *             our pledge and of the newest prepared certificate, which a
 *             view change may need.
 */
#include "consensus/pbft.h"

#include <string.h>

#include "codec/batch.h"

/* [0, 0, []]: no time, no flags, no requests. */
static const uint8_t null_bytes[] = { 0x83, 0x00, 0x00, 0x80 };

void
null_batch(struct bytes *batch, struct digest *digest)
{
	*batch = bytes_of(null_bytes, sizeof(null_bytes));
	digest_of(digest, *batch);
}

struct slot *
slot_find(struct engine *e, uint64_t seq)
{
	struct slot *slot = &e->slots[seq % e->slot_count];

	return seq != 0 && slot->seq == seq ? slot : NULL;
}

struct slot *
slot_open(struct engine *e, uint64_t seq)
{
	struct slot *slot = &e->slots[seq % e->slot_count];

	if (seq <= e->stable ||
	    seq > e->stable + e->slot_count + PLANT_WINDOW_PLUS_ONE)
		return NULL;
	/* What a replay kept for a state that was behind (recover.c). */
	if (slot->seq != 0 && slot->seq <= e->stable)
		slot_free(e, slot);
	AG_ASSERT(slot->seq == 0 || slot->seq == seq);
	slot->seq = seq;
	return slot;
}

void
slot_free(struct engine *e, struct slot *slot)
{
	struct vote_cell *prepares = slot->prepares, *commits = slot->commits;
	struct certificate *prepared = slot->prepared;
	struct certificate *committed = slot->committed;
	size_t i, bytes = e->config.member_count * sizeof(*prepares);

	for (i = 0; i < SLOT_PAYLOADS; i++)
		pool_give(&e->pool, slot->payloads[i].data);
	if (e->raft == NULL) {
		memset(prepares, 0, bytes);
		memset(commits, 0, bytes);
		prepared->proof_count = 0;
		committed->proof_count = 0;
	}
	*slot = (struct slot){
		.prepares = prepares,
		.commits = commits,
		.prepared = prepared,
		.committed = committed,
	};
}

struct payload *
slot_payload(struct slot *slot, const struct digest *digest)
{
	size_t i;

	for (i = 0; i < SLOT_PAYLOADS; i++)
		if (slot->payloads[i].data != NULL &&
		    digest_equal(&slot->payloads[i].digest, digest))
			return &slot->payloads[i];
	return NULL;
}

uint32_t
slot_bytes(const struct slot *slot)
{
	size_t i;

	for (i = 0; i < SLOT_PAYLOADS; i++)
		if (slot->payloads[i].data != NULL &&
		    digest_equal(&slot->payloads[i].digest, &slot->digest))
			return slot->payloads[i].len;
	return 0;
}

bool
slot_needs(const struct slot *slot, const struct digest *digest)
{
	if (slot->prepared->proof_count > 0 &&
	    digest_equal(digest, &slot->prepared->digest))
		return true;
	/* What is decided is the only batch a new view can ask us for. */
	if (slot->committed->proof_count > 0)
		return digest_equal(digest, &slot->committed->digest);
	return slot->prepare.is_given &&
	    digest_equal(digest, &slot->prepare.digest);
}

/* The place for one more batch: an empty one, or of one not needed. */
static struct payload *
payload_place(struct slot *slot)
{
	struct payload *place = NULL;
	size_t i;

	for (i = 0; i < SLOT_PAYLOADS; i++) {
		struct payload *p = &slot->payloads[i];

		if (p->data == NULL)
			return p;
		if (place == NULL &&
		    (PLANT_PAYLOAD_LOST || !slot_needs(slot, &p->digest)))
			place = p;
	}
	AG_ASSERT(place != NULL);
	return place;
}

enum ag_status
slot_hold(struct engine *e, struct slot *slot, const struct digest *digest,
    struct bytes batch)
{
	struct payload *p;

	if (slot_payload(slot, digest) != NULL)
		return AG_OK;
	p = payload_place(slot);
	if (p->data != NULL)
		REACHED(BATCH_DISPLACED);
	pool_give(&e->pool, p->data);
	p->data = pool_take(&e->pool, batch.len);
	if (p->data == NULL)
		return AG_ELIMIT;
	memcpy(p->data, batch.data, batch.len);
	p->len = (uint32_t)batch.len;
	p->is_logged = false;
	p->digest = *digest;
	return AG_OK;
}

/* Where somebody waits for a batch to be executed. */
static uint32_t
batch_waiters(const struct engine *e, const struct batch *batch)
{
	const struct authority *authority = e->config.authority;
	struct envelope envelope;
	uint32_t waiters = 0;
	struct decoder d;
	size_t i;

	/* What nobody asked for is there for everybody to go on. */
	if (authority->waits_at == NULL || batch->envelope_count == 0)
		return UINT32_MAX;
	decoder_init(&d, batch->envelopes);
	for (i = 0; i < batch->envelope_count; i++) {
		envelope_decode_from(&d, &envelope);
		if (decoder_failed(&d))
			return UINT32_MAX;
		waiters |= authority->waits_at(e->config.authority_ctx,
		    envelope.principal);
	}
	return waiters;
}

uint64_t
slot_least_ms(struct engine *e, uint64_t seq)
{
	const struct slot *before = slot_find(e, seq - 1);

	return before != NULL && (before->has_proposal || before->is_delivered)
	    ? before->time_ms
	    : 0;
}

/*
 * Note what the proposal's batch says of itself.  A null request has no time
 * of its own: it keeps that of the one before, so that time can't fall
 * across it.
 */
void
slot_describe(struct engine *e, struct slot *slot)
{
	const struct payload *p = slot_payload(slot, &slot->digest);
	uint64_t least_ms = slot_least_ms(e, slot->seq);
	struct batch batch;

	slot->requests = 0;
	slot->waiters = UINT32_MAX;
	slot->is_flagged = false;
	if (p == NULL ||
	    batch_decode(&batch, bytes_of(p->data, p->len), NULL) != AG_OK)
		return;
	slot->time_ms = batch.time_ms > least_ms ? batch.time_ms : least_ms;
	slot->requests = (uint32_t)batch.envelope_count;
	slot->is_flagged = (batch.flags & BATCH_FLAG_CHECKPOINT) != 0;
	slot->waiters =
	    slot->is_flagged ? UINT32_MAX : batch_waiters(e, &batch);
}

bool
cell_counts(const struct engine *e, const struct vote_cell *cell, uint64_t view,
    const struct digest *digest)
{
	return cell->is_present &&
	    (cell->token <= e->durable_token || PLANT_OWN_VOTE_EARLY) &&
	    (cell->proof.view == view || PLANT_ANY_VIEW) &&
	    (digest_equal(&cell->digest, digest) || PLANT_ANY_DIGEST);
}

uint32_t
slot_count(const struct engine *e, const struct vote_cell *cells, uint64_t view,
    const struct digest *digest)
{
	uint32_t i, count = 0;

	for (i = 0; i < e->config.member_count; i++)
		if (cell_counts(e, &cells[i], view, digest))
			count++;
	return count;
}

void
slot_certify(const struct engine *e, const struct slot *slot,
    enum vote_phase phase, uint32_t most, struct certificate *out)
{
	const struct vote_cell *cells =
	    phase == VOTE_PREPARE ? slot->prepares : slot->commits;
	uint32_t i;

	out->phase = phase;
	out->view = slot->view;
	out->seq = slot->seq;
	out->digest = slot->digest;
	out->proof_count = 0;
	for (i = 0; i < e->config.member_count; i++)
		if (out->proof_count < most &&
		    cell_counts(e, &cells[i], slot->view, &slot->digest))
			out->proofs[out->proof_count++] = cells[i].proof;
}
