/*
 * New views: what a quorum's view changes prove must go on, and nothing that
 * the new primary likes (Castro & Liskov 1999, section 4.4).
 *
 * FORMAT   NEW_VIEW  [20, view, [VIEW_CHANGE…], [[seq, digest]…], signature]
 *          signed: "aegis/new-view/v1" NUL | cluster id | u64 epoch |
 *          u64 primary | u64 view | BLAKE2b-256 of fields 2 to 4
 *
 * SAFETY   Whatever was committed in an earlier view was prepared by a
 *          quorum; any quorum of view changes holds one of them, correct,
 *          with its certificate.  Of two certificates for one sequence the
 *          one of the higher view is chosen: the lower one cannot have been
 *          committed, or the higher could not have been prepared.
 *          What all members' PREPAREs committed in view v is pledged, in v or
 *          later, by every correct member, so by all but f of any set of view
 *          changes; no other batch has so many pledges, since the set is
 *          more than 2f.  The view that a pledged batch is worth is the
 *          highest at or above which all but f have pledged it: at least v,
 *          and at least one of those pledges is true.  It is chosen over a
 *          certificate of a lower view, which then proves no commit: or that
 *          true pledge, made in a view after the commit, were for another
 *          batch than its view had to go on with, against rule 5.  A
 *          certificate of the same view proves that not everybody prepared
 *          the other.
 *
 * RULES    1. Every backup makes the selection itself, from the signed view
 *             changes in the message, and leaves a primary whose own
 *             selection differs.
 *          2. A primary may make two messages from two sets of view changes.
 *             At most one of them leads to commits; who has learned of one
 *             that the message at hand contradicts waits for the other.
 *          3. Sequences with neither a certificate nor enough pledges get
 *             the null request, so that execution has no holes.
 *          4. The view, with its NEW_VIEW, is durable before anything is
 *             said in it; any replica can show the message to a laggard.
 *          5. In its view nothing is proposed at or below the base, where
 *             all is decided, nor for what was chosen, also by and to who
 *             lacks the checkpoint or whose window ends before.  A member
 *             that is behind would vote for another batch than was decided,
 *             and later pledge that truly, in a higher view.
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/pbft.h"
#include "consensus/record.h"
#include "trust/signing.h"

static void
select_begin(struct engine *e)
{
	struct selection *s = &e->selection;

	s->base = e->config.first_seq;
	s->certificate = bytes_of(NULL, 0);
	s->count = 0;
	memset(s->entries, 0, e->config.window * sizeof(*s->entries));
}

/* First pass: the highest stable checkpoint anybody proves. */
static void
select_base(struct engine *e, const struct view_change_fields *f)
{
	if (f->stable <= e->selection.base || PLANT_BASE_FIRST)
		return;
	e->selection.base = f->stable;
	e->selection.certificate = f->certificate;
}

/* Second pass: for each sequence the certificate of the highest view. */
static void
select_prepared(struct engine *e, const struct view_change_fields *f)
{
	struct selection *s = &e->selection;
	struct decoder d;
	size_t i;

	decoder_init(&d, f->prepared);
	for (i = 0; i < f->prepared_count; i++) {
		uint64_t at;

		certificate_decode(&d, e->spare);
		if (e->spare->seq <= s->base + PLANT_BASE_PLUS_ONE)
			continue;
		at = e->spare->seq - s->base - 1;
		/* A correct member's window begins at or below the base. */
		if (at >= e->config.window)
			continue;
		if (s->entries[at].is_chosen &&
		    !digest_equal(&s->entries[at].digest, &e->spare->digest))
			REACHED(CERTIFICATES_DIFFER);
		if (s->entries[at].is_chosen &&
		    (s->entries[at].view >= e->spare->view) !=
			PLANT_LOWEST_VIEW)
			continue;
		s->entries[at].is_chosen = true;
		s->entries[at].view = e->spare->view;
		s->entries[at].digest = e->spare->digest;
		if (at + 1 > s->count)
			s->count = at + 1;
	}
}

/* The pledges of one view change, read in step with the others'. */
struct pledge_reader {
	struct decoder d;
	size_t left;
	uint64_t seq; /* of the one at hand; 0: none */
	struct pledge pledge;
};

/* The pledge for seq, sequences asked for in rising order; or NULL. */
static const struct pledge *
pledge_for(struct pledge_reader *r, uint64_t seq)
{
	while (r->seq < seq && r->left > 0) {
		view_change_pledge(&r->d, &r->seq, &r->pledge);
		r->left--;
	}
	return r->seq == seq ? &r->pledge : NULL;
}

/* The highest view at or above which least pledges are for digest. */
static bool
pledged_view(const struct pledge *const *pledges, size_t count, size_t least,
    const struct digest *digest, uint64_t *view)
{
	bool is_found = false;
	size_t i, k;

	for (i = 0; i < count; i++) {
		size_t above = 0;

		for (k = 0; k < count; k++)
			if (pledges[k]->view >= pledges[i]->view &&
			    digest_equal(&pledges[k]->digest, digest))
				above++;
		if (above < least || (is_found && pledges[i]->view <= *view))
			continue;
		is_found = true;
		*view = pledges[i]->view;
	}
	return is_found;
}

static void
select_pledged(struct engine *e, uint64_t at,
    const struct pledge *const *pledges, size_t count, size_t least)
{
	struct selection *s = &e->selection;
	uint64_t view = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!pledged_view(pledges, count, least, &pledges[i]->digest,
			&view) ||
		    (s->entries[at].is_chosen && s->entries[at].view >= view))
			continue;
		REACHED(PLEDGES_CHOSEN);
		if (s->entries[at].is_chosen)
			REACHED(PLEDGES_PREFERRED);
		s->entries[at].is_chosen = true;
		s->entries[at].view = view;
		s->entries[at].digest = pledges[i]->digest;
		if (at + 1 > s->count)
			s->count = at + 1;
	}
}

/* Third pass: what all but f of the view changes pledge. */
static void
select_pledges(struct engine *e, struct bytes view_changes, size_t count)
{
	struct pledge_reader readers[ENGINE_MEMBERS_MAX];
	const struct pledge *pledges[ENGINE_MEMBERS_MAX];
	struct decoder d;
	uint64_t at;
	size_t i;

	decoder_init(&d, view_changes);
	for (i = 0; i < count; i++) {
		struct view_change_fields f;

		AG_ASSERT(view_message_read_change(&f, decoder_get_raw(&d)));
		readers[i] = (struct pledge_reader){ .left = f.pledge_count };
		decoder_init(&readers[i].d, f.pledges);
	}
	for (at = 0; at < e->config.window; at++) {
		size_t given = 0;

		for (i = 0; i < count; i++) {
			const struct pledge *pledge =
			    pledge_for(&readers[i], e->selection.base + 1 + at);

			if (pledge != NULL)
				pledges[given++] = pledge;
		}
		if (given + e->faults >= count)
			select_pledged(e, at, pledges, given,
			    count - e->faults - PLANT_PLEDGES_FEW);
	}
}

static void
select_finish(struct engine *e)
{
	struct selection *s = &e->selection;
	struct digest null_digest;
	struct bytes null_bytes;
	uint64_t i;

	null_batch(&null_bytes, &null_digest);
	for (i = 0; i < s->count; i++) {
		if (s->entries[i].is_chosen)
			continue;
		REACHED(NULL_CHOSEN);
		s->entries[i].digest = null_digest;
	}
}

/* Make the selection from count view changes, laid one after another. */
static void
select_from(struct engine *e, struct bytes view_changes, size_t count)
{
	void (*const passes[])(struct engine *,
	    const struct view_change_fields *) = { select_base,
		select_prepared };
	size_t pass, i;

	select_begin(e);
	for (pass = 0; pass < 2; pass++) {
		struct decoder d;

		decoder_init(&d, view_changes);
		for (i = 0; i < count; i++) {
			struct view_change_fields f;

			AG_ASSERT(
			    view_message_read_change(&f, decoder_get_raw(&d)));
			passes[pass](e, &f);
		}
	}
	if (!PLANT_PLEDGES_IGNORED)
		select_pledges(e, view_changes, count);
	select_finish(e);
}

/* --- entering --- */

static void
learn_base(struct engine *e)
{
	struct decoder d;

	if (e->selection.base <= e->stable || e->selection.certificate.len == 0)
		return;
	REACHED(BASE_LEARNED);
	decoder_init(&d, e->selection.certificate);
	certificate_decode(&d, e->spare);
	checkpoint_certified(e, e->spare);
}

/* Proposals of earlier views end; certificates and batches stay. */
static void
clear_proposals(struct engine *e)
{
	uint32_t i;

	for (i = 0; i < e->config.window; i++)
		e->slots[i].has_proposal = false;
	e->proposed = e->selection.base;
	if (e->proposed < e->delivered)
		e->proposed = e->delivered;
	if (e->proposed < e->stable)
		e->proposed = e->stable;
}

/* Nothing else is proposed for what the selection speaks of. */
static void
bind_chosen(struct engine *e)
{
	if (PLANT_CHOSEN_AGAIN)
		return;
	e->chosen_to = e->selection.base + e->selection.count;
	if (e->proposed < e->chosen_to)
		e->proposed = e->chosen_to;
}

/* Everybody has the null request's batch. */
static void
hold_null(struct engine *e, struct slot *slot, const struct digest *digest)
{
	struct digest null_digest;
	struct bytes null_bytes;

	null_batch(&null_bytes, &null_digest);
	/* Without room it is fetched like any other. */
	if (digest_equal(digest, &null_digest) && !PLANT_NULL_UNHELD &&
	    slot_hold(e, slot, digest, null_bytes) != AG_OK)
		return;
}

static void
go_on_with(struct engine *e, uint64_t seq, const struct digest *digest)
{
	struct slot *slot = slot_open(e, seq);

	if (slot == NULL)
		return;
	if (slot->is_delivered && slot->committed->proof_count > 0 &&
	    !digest_equal(&slot->committed->digest, digest)) {
		REACHED(EXECUTED_OTHERWISE);
		emit_fatal(e,
		    "a new view contradicts what was executed: more members "
		    "are faulty than the cluster tolerates");
		return;
	}
	hold_null(e, slot, digest);
	proposal_accept(e, slot, digest);
	slot->is_carried = true;
}

static void
enter(struct engine *e, uint64_t view, struct bytes raw)
{
	const struct selection *s = &e->selection;
	const uint64_t asked_us =
	    e->quorum_since_us != 0 ? e->quorum_since_us : e->view_since_us;
	const uint64_t waited_us = e->is_changing ? e->now_us - asked_us : 0;
	struct effect *effect;
	struct encoder out;
	uint64_t i;

	view_drop_votes(e);
	e->view = view;
	e->is_changing = false;
	e->view_since_us = e->now_us;
	e->last_progress_us = e->now_us;
	e->quorum_since_us = 0;
	e->chosen_to = 0;
	view_keep_new_view(e, raw);
	if (!e->is_rejoining)
		memory_reach(e, view, 0);
	if (!PLANT_VIEW_FORGOTTEN) {
		emit_begin(e, &out);
		record_encode_view(&out, view, false, raw);
		e->view_token = emit_persist(e, 0, emit_end(e, &out));
	}
	effect = emit(e, EFFECT_VIEW);
	effect->view = view;
	effect->member = view_primary(e, view);
	effect->members = record_new_view_askers(raw);
	learn_base(e);
	clear_proposals(e);
	bind_chosen(e);
	pace_begin(e, waited_us);
	pending_new_view(e);
	for (i = 0; i < s->count && !e->has_failed; i++)
		go_on_with(e, s->base + 1 + i, &s->entries[i].digest);
	vote_advance_from(e, e->stable + 1);
	progress_fetch(e);
	progress_send(e);
}

/* --- the new primary --- */

static uint32_t
count_changes(const struct engine *e)
{
	uint32_t i, count = 0;

	for (i = 0; i < e->config.member_count; i++)
		if (e->peers[i].view_change.view == e->view)
			count++;
	return count;
}

static void
put_view_changes(struct engine *e, struct encoder *out)
{
	uint32_t i;

	encoder_put_array(out, count_changes(e));
	for (i = 0; i < e->config.member_count; i++) {
		const struct view_change *vc = &e->peers[i].view_change;

		if (vc->view == e->view)
			encoder_put_raw(out, bytes_of(vc->raw, vc->len));
	}
}

static void
put_selection(const struct engine *e, struct encoder *out)
{
	const struct selection *s = &e->selection;
	uint64_t i;

	encoder_put_array(out, s->count);
	for (i = 0; i < s->count; i++) {
		encoder_put_array(out, 2);
		encoder_put_uint(out, s->base + 1 + i);
		encoder_put_bytes(out,
		    bytes_of(s->entries[i].digest.data, DIGEST_BYTES));
	}
}

/* The array of view changes inside an encoded NEW_VIEW being made. */
static void
select_from_ours(struct engine *e, const struct encoder *out, size_t start)
{
	struct decoder d;
	size_t count;

	decoder_init(&d, bytes_of(out->out + start, out->len - start));
	count = decoder_get_array_max(&d, ENGINE_MEMBERS_MAX);
	select_from(e, bytes_of(d.at, (size_t)(d.end - d.at)), count);
}

void
new_view_try(struct engine *e)
{
	uint8_t signature[SIGNATURE_BYTES];
	struct encoder out;
	struct bytes raw;
	size_t start, changes;

	if (!e->is_changing || e->is_rejoining ||
	    view_primary(e, e->view) != e->config.self ||
	    e->peers[e->config.self].view_change.view != e->view ||
	    count_changes(e) < e->quorum - PLANT_NEW_VIEW_SHORT)
		return;
	emit_begin(e, &out);
	encoder_put_array(&out, 5);
	encoder_put_uint(&out, MESSAGE_NEW_VIEW);
	start = out.len;
	encoder_put_uint(&out, e->view);
	changes = out.len;
	put_view_changes(e, &out);
	if (out.overflowed)
		return;
	select_from_ours(e, &out, changes);
	put_selection(e, &out);
	if (out.overflowed)
		return;
	view_sign(e, PURPOSE_NEW_VIEW, e->view,
	    bytes_of(out.out + start, out.len - start), signature);
	encoder_put_bytes(&out, bytes_of(signature, SIGNATURE_BYTES));
	raw = emit_end(e, &out);
	if (raw.len == 0)
		return;
	enter(e, e->view, raw);
	emit_send(e, engine_others(e), raw, e->last_token);
}

/* --- a backup --- */

/* A quorum of different members' valid view changes to this view. */
static bool
changes_hold(struct engine *e, const struct new_view_fields *f)
{
	uint32_t seen = 0, count = 0;
	struct decoder d;
	size_t i;

	decoder_init(&d, f->changes);
	for (i = 0; i < f->change_count; i++) {
		struct view_change_fields change;

		if (!view_change_verify(e, decoder_get_raw(&d), &change) ||
		    change.view != f->view || (seen >> change.member & 1) != 0)
			return false;
		seen |= 1U << change.member;
		count++;
	}
	return count >= e->quorum - PLANT_NEW_VIEW_SHORT;
}

/* Is the primary's selection the one that the view changes dictate? */
static bool
selection_matches(struct engine *e, const struct new_view_fields *f)
{
	struct selection *s = &e->selection;
	struct decoder d;
	size_t i;

	if (f->chosen_count != s->count && !PLANT_TRUST_NEW_VIEW)
		return false;
	decoder_init(&d, f->chosen);
	for (i = 0; i < f->chosen_count && i < e->config.window; i++) {
		struct digest digest;
		uint64_t seq;

		decoder_expect_array(&d, 2);
		seq = decoder_get_uint(&d);
		decoder_get_fixed(&d, digest.data, DIGEST_BYTES);
		if (decoder_failed(&d))
			return false;
		if (PLANT_TRUST_NEW_VIEW) {
			s->entries[i].digest = digest;
			s->count = i + 1;
			continue;
		}
		if (seq != s->base + 1 + i ||
		    !digest_equal(&digest, &s->entries[i].digest))
			return false;
	}
	return true;
}

/* Was something else committed in this view, or a later one, already? */
static bool
is_overtaken(struct engine *e, uint64_t view)
{
	const struct selection *s = &e->selection;
	uint64_t i;

	for (i = 0; i < s->count; i++) {
		const struct slot *slot = slot_find(e, s->base + 1 + i);

		if (slot != NULL && slot->committed->proof_count > 0 &&
		    slot->committed->view >= view &&
		    !digest_equal(&slot->committed->digest,
			&s->entries[i].digest))
			return true;
	}
	return false;
}

void
new_view_receive(struct engine *e, struct bytes body)
{
	struct new_view_fields f;

	if (!view_message_read_new_view(&f, body) || f.view == 0 ||
	    f.view < e->view || (f.view == e->view && !e->is_changing))
		return;
	if (!view_signed_by(e, PURPOSE_NEW_VIEW, view_primary(e, f.view),
		f.view, f.statement, f.signature)) {
		doubt_waste(e);
		return;
	}
	if (!changes_hold(e, &f)) {
		doubt_waste(e);
		conflict_forged(e, EVIDENCE_FORGED_NEW_VIEW,
		    view_primary(e, f.view), f.view, body);
		return;
	}
	/* Ours, and we are not in its view: we began it and have forgotten. */
	if (view_primary(e, f.view) == e->config.self)
		memory_check_begun(e, f.view);
	select_from(e, f.changes, f.change_count);
	if (!selection_matches(e, &f)) {
		REACHED(SELECTION_REFUSED);
		doubt_waste(e);
		return;
	}
	if (is_overtaken(e, f.view) && !PLANT_OVERTAKEN_TAKEN) {
		REACHED(OVERTAKEN);
		return;
	}
	e->view_changes++;
	enter(e, f.view, body);
}

/* Can all its view changes be read?  Nothing in them is verified. */
static bool
changes_read(const struct new_view_fields *f)
{
	struct decoder d;
	size_t i;

	decoder_init(&d, f->changes);
	for (i = 0; i < f->change_count; i++) {
		struct view_change_fields change;

		if (!view_message_read_change(&change, decoder_get_raw(&d)))
			return false;
	}
	return true;
}

/*
 * After a crash: what the view we are in goes on with.  The message was
 * verified before it was written down; a disk that somebody else wrote may
 * hold anything.  Slots replayed with a proposal of this view keep it.
 */
void
new_view_restore(struct engine *e, struct bytes body)
{
	struct new_view_fields f;
	uint64_t i;

	if (!view_message_read_new_view(&f, body) || !changes_read(&f)) {
		emit_fatal(e, "the log holds a new view that cannot be read");
		return;
	}
	select_from(e, f.changes, f.change_count);
	bind_chosen(e);
	for (i = 0; i < e->selection.count; i++) {
		struct slot *slot = slot_open(e, e->selection.base + 1 + i);

		if (slot == NULL ||
		    (slot->has_proposal && slot->view == e->view))
			continue;
		hold_null(e, slot, &e->selection.entries[i].digest);
		proposal_accept(e, slot, &e->selection.entries[i].digest);
		slot->is_carried = true;
	}
}

void
new_view_extend(struct engine *e, uint64_t old_stable)
{
	if (e->is_changing || e->new_view == NULL ||
	    e->chosen_to <= old_stable + e->config.window)
		return;
	REACHED(SELECTION_EXTENDED);
	new_view_restore(e, bytes_of(e->new_view, e->new_view_len));
	vote_put_off(e, e->stable + 1);
}
