/*
 * Promises: votes, and what view changes say of them.
 *
 * RULES    1. A PREPARE that leaves, or counts, has its proposal on its
 *             giver's disk; a COMMIT the prepare certificate.  Both of the
 *             vote's own view.
 *          2. A VIEW_CHANGE shows the certificates and tells of the votes
 *             that its sender's disk holds above the checkpoint it names.
 *          3. After a restart in a view that NEW_VIEW began, nothing is
 *             proposed for what that chose, also when its record was cut off.
 *          4. Who shows a prepare certificate can show its batch: a new view
 *             may choose it.
 *          5. What was cut off behind a stable checkpoint is nobody's
 *             promise any more.
 */
#include "sim/promise.h"

#include <inttypes.h>

#include "codec/message.h"
#include "consensus/record.h"
#include "sim/disk.h"
#include "sim/replica.h"

/* The record that stands for a vote of this phase. */
static enum record_kind
record_of(enum vote_phase phase)
{
	return phase == VOTE_PREPARE ? RECORD_PROPOSAL : RECORD_PREPARED;
}

static bool
is_on_disk(const struct replica *r, enum vote_phase phase, uint64_t view,
    uint64_t seq, const struct digest *digest)
{
	static struct certificate spare; /* too large for the stack */
	const struct disk *disk = &r->disk;
	size_t i;

	for (i = disk->first; i < disk->synced; i++) {
		struct record record;

		if (disk->records[i].seq == seq &&
		    disk_kind(disk->records[i].body) == record_of(phase) &&
		    record_decode(&record, &spare, disk->records[i].body,
			NULL) == AG_OK &&
		    record.view == view && digest_equal(&record.digest, digest))
			return true;
	}
	return false;
}

void
promise_vote(struct world *w, const struct replica *r, enum vote_phase phase,
    uint64_t view, uint64_t seq, const struct digest *digest)
{
	if (phase == VOTE_CHECKPOINT || seq <= r->status.stable ||
	    is_on_disk(r, phase, view, seq, digest))
		return;
	world_violate(w,
	    "replica %u sent a vote for %" PRIu64 " that is not on its disk",
	    r->index, seq);
}

void
promise_certificate(struct world *w, const struct membership *m,
    const struct certificate *c)
{
	uint32_t i;

	/* A disk that lies may have lost what was on it. */
	if (c->phase == VOTE_CHECKPOINT || w->profile.lie_count > 0)
		return;
	for (i = 0; i < c->proof_count; i++) {
		const struct replica *r =
		    &w->replicas[m->nodes[c->proofs[i].member]];

		/* What it promised in an epoch ends with it. */
		if (!r->is_honest || r->epoch != m->scope.epoch ||
		    c->seq <= r->status.stable || c->seq <= r->stable_seq ||
		    c->seq <= r->stable_safe || !r->is_up ||
		    is_on_disk(r, c->phase, c->view, c->seq, &c->digest))
			continue;
		world_violate(w,
		    "a vote of replica %u decides %" PRIu64
		    ", but is not on its disk",
		    r->index, c->seq);
	}
}

/* --- view changes --- */

/* The view that a VIEW_CHANGE names for each sequence above its base. */
struct told {
	uint64_t to; /* the view asked for */
	uint64_t base;
	bool is_told[2][PROFILE_WINDOW_MAX];
	uint64_t view[2][PROFILE_WINDOW_MAX];
};

static void
told_add(struct told *told, size_t which, uint64_t seq, uint64_t view)
{
	if (seq <= told->base || seq > told->base + PROFILE_WINDOW_MAX)
		return;
	told->is_told[which][seq - told->base - 1] = true;
	told->view[which][seq - told->base - 1] = view;
}

/* 0: certificates, 1: pledges. */
static bool
told_read(struct world *w, struct told *told, struct bytes body)
{
	struct decoder d;
	size_t i, count;

	decoder_init(&d, body);
	decoder_expect_array(&d, 8);
	for (i = 0; i < 2; i++)
		(void)decoder_get_uint(&d);
	told->to = decoder_get_uint(&d);
	told->base = decoder_get_uint(&d);
	(void)decoder_get_raw(&d);
	count = decoder_get_array_max(&d, PROFILE_WINDOW_MAX);
	for (i = 0; i < count && !decoder_failed(&d); i++) {
		certificate_decode(&d, &w->certificate);
		told_add(told, 0, w->certificate.seq, w->certificate.view);
	}
	count = decoder_get_array_max(&d, PROFILE_WINDOW_MAX);
	for (i = 0; i < count && !decoder_failed(&d); i++) {
		uint64_t seq, view;

		decoder_expect_array(&d, 3);
		seq = decoder_get_uint(&d);
		view = decoder_get_uint(&d);
		(void)decoder_get_raw(&d);
		told_add(told, 1, seq, view);
	}
	return !decoder_failed(&d);
}

static bool
is_told(const struct told *told, size_t which, const struct record *record)
{
	uint64_t at = record->seq - told->base - 1;

	/* By the time it leaves, the view may have begun. */
	return record->view >= told->to ||
	    record->seq > told->base + PROFILE_WINDOW_MAX ||
	    (told->is_told[which][at] && told->view[which][at] >= record->view);
}

static bool
is_own(const struct replica *r, struct bytes body)
{
	struct decoder d;

	decoder_init(&d, body);
	decoder_expect_array(&d, 8);
	(void)decoder_get_uint(&d);
	return decoder_get_uint(&d) == r->self;
}

/* Of those that a VIEW_CHANGE tells of? */
static bool
is_promise(struct bytes record)
{
	return disk_kind(record) == RECORD_PREPARED ||
	    disk_kind(record) == RECORD_PROPOSAL;
}

void
promise_view_change(struct world *w, const struct replica *r, struct bytes body)
{
	const struct disk *disk = &r->disk;
	struct told told = { 0 };
	size_t i;

	if (!is_own(r, body) || !told_read(w, &told, body))
		return;
	for (i = disk->first; i < disk->synced && !w->is_violated; i++) {
		struct record record;

		if (disk->records[i].seq <= told.base ||
		    !is_promise(disk->records[i].body) ||
		    record_decode(&record, &w->certificate,
			disk->records[i].body, NULL) != AG_OK)
			continue;
		if (record.kind == RECORD_PREPARED &&
		    !is_told(&told, 0, &record))
			world_violate(w,
			    "replica %u keeps back a certificate of %" PRIu64,
			    r->index, record.seq);
		if (record.kind == RECORD_PROPOSAL &&
		    !is_told(&told, 1, &record))
			world_violate(w,
			    "replica %u keeps back a vote for %" PRIu64,
			    r->index, record.seq);
	}
}

/* --- restarts --- */

/* The last sequence that a NEW_VIEW chose for; 0: none. */
static uint64_t
chosen_to(struct bytes body)
{
	uint64_t seq = 0;
	struct decoder d;
	size_t i, count;

	decoder_init(&d, body);
	decoder_expect_array(&d, 5);
	for (i = 0; i < 3; i++)
		(void)decoder_get_raw(&d);
	count = decoder_get_array_max(&d, PROFILE_WINDOW_MAX);
	for (i = 0; i < count && !decoder_failed(&d); i++) {
		decoder_expect_array(&d, 2);
		seq = decoder_get_uint(&d);
		(void)decoder_get_raw(&d);
	}
	return decoder_failed(&d) ? 0 : seq;
}

void
promise_keep(struct replica *r)
{
	static struct certificate spare; /* too large for the stack */
	const struct disk *disk = &r->disk;

	for (; r->kept < disk->synced; r->kept++) {
		const struct bytes body = disk->records[r->kept].body;
		struct record record;

		if (disk_kind(body) != RECORD_VIEW ||
		    record_decode(&record, &spare, body, NULL) != AG_OK)
			continue;
		r->begun = record.view;
		r->begun_to =
		    record.is_changing ? 0 : chosen_to(record.new_view);
	}
}

void
promise_recollect(struct replica *r)
{
	r->begun = 0;
	r->begun_to = 0;
	r->kept = r->disk.first;
	promise_keep(r);
}

void
promise_start(struct world *w, const struct replica *r)
{
	if (r->begun == r->status.view && r->begun_to > r->status.proposed)
		world_violate(w,
		    "replica %u forgot that its view goes on up to %" PRIu64,
		    r->index, r->begun_to);
}

/* --- batches --- */

/* What the newest prepare certificate for seq in the log is of. */
static bool
last_prepared(const struct replica *r, uint64_t seq, struct digest *digest)
{
	static struct certificate spare; /* too large for the stack */
	const struct disk *disk = &r->disk;
	struct record record;
	size_t i;

	for (i = disk->count; i > disk->first; i--) {
		const struct disk_record *at = &disk->records[i - 1];

		if (at->seq != seq || disk_kind(at->body) != RECORD_PREPARED ||
		    record_decode(&record, &spare, at->body, NULL) != AG_OK)
			continue;
		*digest = record.digest;
		return true;
	}
	return false;
}

/* Ask it as another member would: does it send this batch? */
static bool
sends_batch(struct world *w, struct replica *r, uint64_t seq,
    const struct digest *digest)
{
	uint8_t room[64];
	struct encoder e;
	struct bytes body;
	size_t i;

	encoder_init(&e, room, sizeof(room));
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, MESSAGE_FETCH);
	encoder_put_uint(&e, seq);
	encoder_put_bytes(&e, bytes_of(digest->data, DIGEST_BYTES));
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	replica_step(w, r,
	    (struct event){
		.kind = EVENT_MESSAGE,
		.member = (r->self + 1) % membership_of(w, r)->member_count,
		.body = body,
	    });
	for (i = 0; i < w->effects.count; i++)
		if (w->effects.list[i].kind == EFFECT_SEND &&
		    message_type_of(w->effects.list[i].body) == MESSAGE_BATCH)
			return true;
	return false;
}

void
promise_batches(struct world *w, struct replica *r)
{
	uint64_t seq, stable = r->status.stable;

	if (!r->is_honest || !r->is_up || world_is_raft(w) ||
	    w->profile.lie_count > 0)
		return;
	for (seq = stable + 1; seq <= stable + w->profile.window; seq++) {
		struct digest digest;

		if (last_prepared(r, seq, &digest) &&
		    !sends_batch(w, r, seq, &digest))
			world_violate(w,
			    "replica %u shows that %" PRIu64
			    " was prepared, but not what",
			    r->index, seq);
	}
}
