/*
 * Members that contradict themselves, or show others what is forged: the
 * proof for everybody.
 *
 * RULES    1. Both statements were verified before they came here.
 *          2. A statement that conflicts is never counted, only told of, and
 *             of a member once for each slot, checkpoint and view: whoever
 *             lied in one phase need not be followed into the next.  Of
 *             forged messages the first of a kind is enough.
 *          3. Nothing is told of ourselves: a vote of ours that we do not
 *             know is memory.c's to judge.
 *          4. Two certificates that contradict each other stop us: more
 *             members are faulty than the cluster tolerates, and whatever we
 *             do next may be wrong.  First everybody is told of who signed
 *             both, told of before or not.  Those of two views, or of
 *             PREPAREs and COMMITs, convict nobody by themselves: what was
 *             signed in the later view may have been right.
 *
 * NOT HERE What is proof and what only suspicion (trust/evidence.c).
 */
#include <string.h>

#include "consensus/pbft.h"
#include "trust/evidence.h"
#include "trust/forgery.h"
#include "trust/signing.h"

static void
tell(struct engine *e, const struct evidence *evidence)
{
	struct effect *effect;
	struct encoder out;
	struct bytes body;

	emit_begin(e, &out);
	evidence_encode(&out, evidence);
	body = emit_end(e, &out);
	AG_ASSERT(body.len > 0);
	effect = emit(e, EFFECT_EVIDENCE);
	effect->member = evidence->member;
	effect->seq = evidence->seq;
	effect->view = evidence->view;
	effect->body = body;
	doubt_convict(e, UINT32_C(1) << evidence->member);
}

bool
conflict_report(struct engine *e, enum evidence_kind kind, uint64_t seq,
    const struct evidence_statement *one,
    const struct evidence_statement *other)
{
	struct evidence evidence;

	if (!emit_has_room(e, EVIDENCE_STATEMENTS_BYTES_MAX))
		return false;
	evidence_make(&evidence, &e->config.scope, kind, seq, e->event->wall_ms,
	    one, other);
	tell(e, &evidence);
	return true;
}

void
conflict_forged(struct engine *e, enum evidence_kind kind, uint32_t member,
    uint64_t view, struct bytes body)
{
	const struct forgery_judge judge = { &e->config.scope,
		e->config.member_count, e->config.authority,
		e->config.authority_ctx };
	const bool is_change = kind == EVIDENCE_FORGED_CHANGE;
	uint32_t *convicted =
	    is_change ? &e->change_forgers : &e->new_view_forgers;
	struct evidence evidence;

	if (member == e->config.self || (*convicted >> member & 1U) != 0 ||
	    !emit_has_room(e, body.len + EVIDENCE_AROUND_BYTES) ||
	    (is_change ? forgery_in_view_change(&judge, member, body)
		       : forgery_in_new_view(&judge, member, body)) !=
		FORGERY_PROVED)
		return;
	if (is_change)
		REACHED(CHANGE_FORGED);
	else
		REACHED(NEW_VIEW_FORGED);
	*convicted |= UINT32_C(1) << member;
	evidence_make_message(&evidence, &e->config.scope, kind, member, view,
	    0, e->event->wall_ms, body);
	tell(e, &evidence);
}

static void
report_signer(struct engine *e, const struct certificate *ours,
    const struct vote_proof *proof, const struct certificate *theirs)
{
	const struct evidence_statement one = { ours->digest, *proof };
	uint32_t i;

	for (i = 0; i < theirs->proof_count; i++) {
		const struct evidence_statement other = { theirs->digest,
			theirs->proofs[i] };

		if (other.proof.member == proof->member)
			(void)conflict_report(e,
			    (enum evidence_kind)ours->phase, ours->seq, &one,
			    &other);
	}
}

void
conflict_certified(struct engine *e, const struct certificate *ours,
    const struct certificate *theirs)
{
	uint32_t i;

	if (PLANT_BEYOND_UNSEEN)
		return;
	REACHED(CONTRADICTED);
	for (i = 0; i < ours->proof_count && ours->phase == theirs->phase &&
	     ours->view == theirs->view;
	     i++)
		if (ours->proofs[i].member != e->config.self &&
		    !PLANT_BEYOND_UNTOLD)
			report_signer(e, ours, &ours->proofs[i], theirs);
	emit_fatal(e,
	    "two certificates for one sequence contradict each other: more "
	    "members are faulty than the cluster tolerates");
}

/* As what evidence of two beginnings holds. */
static bool
read_new_view(struct bytes body, struct new_view_fields *f,
    struct evidence_statement *out)
{
	if (!view_message_read_new_view(f, body))
		return false;
	memset(out, 0, sizeof(*out));
	out->proof.view = f->view;
	out->proof.bundle_size = 1;
	memcpy(out->proof.signature, f->signature, SIGNATURE_BYTES);
	digest_of(&out->digest, f->statement);
	return true;
}

void
conflict_new_view(struct engine *e, struct bytes body)
{
	const uint32_t primary = view_primary(e, e->view);
	struct evidence_statement ours, theirs;
	struct new_view_fields f, known;

	if (e->is_changing || e->new_view_len == 0 ||
	    primary == e->config.self || e->new_view_convicted == e->view ||
	    bytes_equal(body, bytes_of(e->new_view, e->new_view_len)) ||
	    !read_new_view(body, &f, &theirs) || f.view != e->view ||
	    !read_new_view(bytes_of(e->new_view, e->new_view_len), &known,
		&ours) ||
	    digest_equal(&ours.digest, &theirs.digest) ||
	    !view_signed_by(e, PURPOSE_NEW_VIEW, primary, f.view, f.statement,
		f.signature))
		return;
	ours.proof.member = primary;
	theirs.proof.member = primary;
	if (conflict_report(e, EVIDENCE_NEW_VIEW, 0, &ours, &theirs))
		e->new_view_convicted = f.view;
}
