/*
 * What a member can be convicted of, and of what it can not.
 *
 * PROOF    A correct member writes down what it signs before it says it, and
 *          never signs against what is written down.  So these prove that
 *          a member is faulty, each by two signatures of its own:
 *            prepare, commit  two digests for one sequence in one view
 *            checkpoint       two states after one sequence, in any views:
 *                             the state is the same in all of them
 *            new view         two beginnings of one view by its primary
 *          It also verifies what it shows others under its own signature.  So
 *          these prove the same, by one signature of its own:
 *            forged view change, forged new view  see forgery.c
 *            state part       see store/part_evidence.c
 *          Faulty is not malicious: a stolen key, a key on two machines, a
 *          disk that was emptied or went back to an older day, or a state
 *          that was damaged make the same signatures.  That they were made
 *          with the member's key is what is proved.
 *
 * NO PROOF Two view changes of one member for one view: after a crash it
 *          makes the message anew, and may have prepared or checkpointed
 *          more meanwhile.
 *          One vote for a state that the others did not certify: its disk
 *          may have failed it.
 *          Votes in different views; a vote that is missing; silence.
 *          A batch, a chunk, an offer or a certificate that does not verify,
 *          by itself: the link says who sent it and nobody signed for it, so
 *          whoever received it could have made it.
 *          A view change that leaves out what its member committed or
 *          pledged: one whose disk came back older says so in good faith.
 *          (A pledge for another digest than the PREPARE would be proof, but a
 *          record would have to hold both messages.)
 *
 * RULES    1. Everything a verdict rests on is in the file or in the roster.
 *          2. The verdict needs valid signatures.  The check at the end
 *             convicts nobody: it tells damage from forgery, and makes each
 *             byte of a file count.
 *          3. The statements stand by rising digest, so one pair of them has
 *             one encoding.
 *
 * NOT HERE Finding it (consensus/), keeping files (store/evidence_store.c).
 */
#include "trust/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec/decoder.h"
#include "codec/text.h"
#include "trust/forgery.h"
#include "trust/signing.h"
#include "trust/view_message.h"

#define FILE_MAGIC "aegis-evidence"
#define FILE_VERSION 1

/* Hexadecimal digits of a cluster id that tell one from another. */
#define ID_TEXT_BYTES TEXT_HEX_BYTES(8)

void
evidence_make(struct evidence *out, const struct trust_scope *scope,
    enum evidence_kind kind, uint64_t seq, uint64_t found_ms,
    const struct evidence_statement *one,
    const struct evidence_statement *other)
{
	const bool in_order =
	    memcmp(one->digest.data, other->digest.data, DIGEST_BYTES) < 0;

	AG_ASSERT(one->proof.member == other->proof.member);
	AG_ASSERT(!digest_equal(&one->digest, &other->digest));
	*out = (struct evidence){
		.scope = *scope,
		.kind = kind,
		.member = one->proof.member,
		.view = kind == EVIDENCE_CHECKPOINT ? 0 : one->proof.view,
		.seq = seq,
		.found_ms = found_ms,
		.statements[0] = in_order ? *one : *other,
		.statements[1] = in_order ? *other : *one,
	};
}

void
evidence_make_message(struct evidence *out, const struct trust_scope *scope,
    enum evidence_kind kind, uint32_t member, uint64_t view, uint64_t seq,
    uint64_t found_ms, struct bytes message)
{
	AG_ASSERT(evidence_is_message(kind));
	*out = (struct evidence){
		.scope = *scope,
		.kind = kind,
		.member = member,
		.view = view,
		.seq = seq,
		.found_ms = found_ms,
		.message = message,
	};
}

static void
statement_encode(struct encoder *e, const struct evidence_statement *s)
{
	encoder_put_array(e, 2);
	encoder_put_bytes(e, bytes_of(s->digest.data, DIGEST_BYTES));
	vote_proof_encode(e, &s->proof);
}

void
evidence_encode(struct encoder *e, const struct evidence *evidence)
{
	const size_t start = e->len;
	struct digest check;

	encoder_put_array(e, 10);
	encoder_put_text(e, bytes_from_text(FILE_MAGIC));
	encoder_put_uint(e, FILE_VERSION);
	encoder_put_bytes(e,
	    bytes_of(evidence->scope.cluster_id, CLUSTER_ID_BYTES));
	encoder_put_uint(e, evidence->scope.epoch);
	encoder_put_uint(e, (uint64_t)evidence->kind);
	encoder_put_uint(e, evidence->seq);
	encoder_put_uint(e, evidence->found_ms);
	if (evidence_is_message(evidence->kind)) {
		encoder_put_uint(e, evidence->member);
		encoder_put_bytes(e, evidence->message);
	} else {
		statement_encode(e, &evidence->statements[0]);
		statement_encode(e, &evidence->statements[1]);
	}
	if (e->overflowed)
		return;
	digest_of(&check, bytes_of(e->out + start, e->len - start));
	encoder_put_bytes(e, bytes_of(check.data, DIGEST_BYTES));
}

/* --- reading --- */

static void
statement_decode(struct decoder *d, struct evidence_statement *s)
{
	decoder_expect_array(d, 2);
	decoder_get_fixed(d, s->digest.data, DIGEST_BYTES);
	vote_proof_decode(d, &s->proof);
}

static void
check_decode(struct decoder *d, struct bytes input)
{
	const size_t len = decoder_offset(d);
	struct digest check, expected;

	decoder_get_fixed(d, check.data, DIGEST_BYTES);
	if (decoder_failed(d))
		return;
	digest_of(&expected, bytes_of(input.data, len));
	if (!digest_equal(&check, &expected))
		decoder_fail(d, "its check does not match");
}

/* Do both speak of one thing, as their kind requires, and differ? */
static const char *
find_statements_mismatch(const struct evidence *e)
{
	const struct evidence_statement *a = &e->statements[0];
	const struct evidence_statement *b = &e->statements[1];

	if (a->proof.member != b->proof.member)
		return "its statements are of two members";
	if (e->kind != EVIDENCE_CHECKPOINT && a->proof.view != b->proof.view)
		return "its statements are of two views";
	if (memcmp(a->digest.data, b->digest.data, DIGEST_BYTES) >= 0)
		return "its statements are the same, or out of order";
	if (e->kind == EVIDENCE_NEW_VIEW &&
	    (e->seq != 0 || a->proof.bundle_size != 1 ||
		b->proof.bundle_size != 1))
		return "a new view is signed alone and has no sequence";
	return NULL;
}

static const char *
find_mismatch(const struct evidence *e)
{
	if (!evidence_is_message(e->kind))
		return find_statements_mismatch(e);
	return e->kind != EVIDENCE_PART && e->seq != 0
	    ? "a forgery has no sequence"
	    : NULL;
}

/* Of the right state; the rest is judged where parts are known. */
static bool
part_is_of(struct bytes message, uint64_t seq)
{
	struct decoder d;

	decoder_init(&d, message);
	decoder_expect_array(&d, 6);
	return decoder_get_uint(&d) == seq && !decoder_failed(&d);
}

static void
message_decode(struct decoder *d, struct evidence *out)
{
	struct view_change_fields change;
	struct new_view_fields new_view;

	out->member = (uint32_t)decoder_get_uint_max(d, TRUST_MEMBERS_MAX - 1);
	out->message = decoder_get_bytes_max(d, FRAME_CONTROL_BYTES_MAX);
	if (decoder_failed(d))
		return;
	if (out->kind == EVIDENCE_FORGED_CHANGE &&
	    view_message_read_change(&change, out->message) &&
	    change.member == out->member)
		out->view = change.view;
	else if (out->kind == EVIDENCE_FORGED_NEW_VIEW &&
	    view_message_read_new_view(&new_view, out->message))
		out->view = new_view.view;
	else if (out->kind != EVIDENCE_PART ||
	    !part_is_of(out->message, out->seq))
		decoder_fail(d, "its message is not of its kind or member");
}

static void
statements_decode(struct decoder *d, struct evidence *out)
{
	statement_decode(d, &out->statements[0]);
	statement_decode(d, &out->statements[1]);
	out->member = out->statements[0].proof.member;
	if (evidence_has_view(out->kind))
		out->view = out->statements[0].proof.view;
}

static void
fields_decode(struct decoder *d, struct evidence *out)
{
	uint64_t kind;

	decoder_get_fixed(d, out->scope.cluster_id, CLUSTER_ID_BYTES);
	out->scope.epoch = decoder_get_uint(d);
	kind = decoder_get_uint_max(d, EVIDENCE_PART);
	if (kind < EVIDENCE_PREPARE)
		decoder_fail(d, "unknown kind");
	out->kind = (enum evidence_kind)kind;
	out->seq = decoder_get_uint(d);
	out->found_ms = decoder_get_uint(d);
	if (evidence_is_message(out->kind))
		message_decode(d, out);
	else
		statements_decode(d, out);
}

enum ag_status
evidence_decode(struct evidence *out, struct bytes input, struct ag_error *err)
{
	const char *mismatch;
	struct ag_error why;
	struct bytes magic;
	struct decoder d;
	uint64_t version;

	memset(out, 0, sizeof(*out));
	decoder_init(&d, input);
	decoder_expect_array(&d, 10);
	magic = decoder_get_text_max(&d, sizeof(FILE_MAGIC) - 1);
	if (!d.is_short &&
	    (decoder_failed(&d) ||
		!bytes_equal(magic, bytes_from_text(FILE_MAGIC))))
		return ag_fail(err, AG_ECORRUPT,
		    "it is not exported evidence, or its beginning is "
		    "damaged");
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version != FILE_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "evidence of format %" PRIu64 ", this program reads %d",
		    version, FILE_VERSION);
	fields_decode(&d, out);
	check_decode(&d, input);
	mismatch = decoder_failed(&d) ? NULL : find_mismatch(out);
	if (mismatch != NULL)
		decoder_fail(&d, mismatch);
	if (decoder_finish(&d, &why) == AG_OK)
		return AG_OK;
	memset(out, 0, sizeof(*out));
	if (d.is_short)
		return ag_fail(err, AG_ECORRUPT,
		    "the evidence is cut short: it ends at byte %zu",
		    input.len);
	return ag_fail(err, AG_ECORRUPT, "the evidence is damaged: %s",
	    why.text);
}

/* --- judging --- */

/* As new_view.c signs it: the digest is that of the message's fields. */
static bool
new_view_holds(const struct evidence *e, const struct evidence_statement *s,
    const struct authority *authority, void *ctx)
{
	return view_message_is_signed(&e->scope, PURPOSE_NEW_VIEW, e->member,
	    e->view, &s->digest, s->proof.signature, authority, ctx);
}

/* Did the member sign this one of the two? */
static bool
statement_holds(const struct evidence *e, size_t which,
    const struct authority *authority, void *ctx)
{
	const struct evidence_statement *s = &e->statements[which];
	const struct vote vote = { (enum vote_phase)e->kind, e->seq,
		s->digest };

	return e->kind == EVIDENCE_NEW_VIEW
	    ? new_view_holds(e, s, authority, ctx)
	    : vote_verify(&vote, &s->proof, &e->scope, authority, ctx);
}

static enum forgery
find_forgery(const struct evidence *e, uint32_t member_count,
    const struct authority *authority, void *ctx)
{
	const struct forgery_judge judge = { &e->scope, member_count, authority,
		ctx };

	if (e->kind == EVIDENCE_PART)
		return FORGERY_NONE;
	return e->kind == EVIDENCE_FORGED_CHANGE
	    ? forgery_in_view_change(&judge, e->member, e->message)
	    : forgery_in_new_view(&judge, e->member, e->message);
}

bool
evidence_holds(const struct evidence *e, uint32_t member_count,
    const struct authority *authority, void *ctx)
{
	if (evidence_is_message(e->kind))
		return find_forgery(e, member_count, authority, ctx) ==
		    FORGERY_PROVED;
	return e->member < member_count &&
	    (e->kind != EVIDENCE_NEW_VIEW ||
		e->view % member_count == e->member) &&
	    statement_holds(e, 0, authority, ctx) &&
	    statement_holds(e, 1, authority, ctx);
}

enum ag_status
evidence_verify_scope(const struct evidence *e, const struct roster *roster,
    struct ag_error *err)
{
	char ours[ID_TEXT_BYTES], theirs[ID_TEXT_BYTES];

	if (memcmp(e->scope.cluster_id, roster->cluster_id, CLUSTER_ID_BYTES) !=
	    0) {
		text_hex(theirs, sizeof(theirs),
		    bytes_of(e->scope.cluster_id, 8));
		text_hex(ours, sizeof(ours), bytes_of(roster->cluster_id, 8));
		return ag_fail(err, AG_EFORGED,
		    "it is of another cluster: %s..., and the roster is of "
		    "%s %s...",
		    theirs, roster->cluster_name, ours);
	}
	if (e->scope.epoch != roster->epoch)
		return ag_fail(err, AG_EFORGED,
		    "it is of another epoch: %" PRIu64
		    ", and the roster's is %" PRIu64,
		    e->scope.epoch, roster->epoch);
	if (e->member >= roster->member_count)
		return ag_fail(err, AG_EFORGED,
		    "it accuses member %u, and the roster has %u", e->member,
		    roster->member_count);
	return AG_OK;
}

/* Why it proves nothing, in the roster's words. */
static enum ag_status
explain(const struct evidence *e, const struct roster *roster,
    struct ag_error *err)
{
	void *ctx = (void *)(uintptr_t)roster;
	const char *name = roster->members[e->member].name;

	if ((e->kind == EVIDENCE_NEW_VIEW ||
		e->kind == EVIDENCE_FORGED_NEW_VIEW) &&
	    e->view % roster->member_count != e->member)
		return ag_fail(err, AG_EFORGED,
		    "%s is not the primary of view %" PRIu64
		    " and can not begin it",
		    name, e->view);
	if (evidence_is_message(e->kind))
		return ag_fail(err, AG_EFORGED,
		    find_forgery(e, roster->member_count, &roster_authority,
			ctx) == FORGERY_NONE
			? "nothing in the message is forged: it proves "
			  "nothing against %s"
			: "%s did not sign the message: it proves nothing "
			  "against it",
		    name);
	return ag_fail(err, AG_EFORGED,
	    "%s signed %s of the two statements: it proves nothing against it",
	    name,
	    statement_holds(e, 0, &roster_authority, ctx) ||
		    statement_holds(e, 1, &roster_authority, ctx)
		? "only one"
		: "neither");
}

enum ag_status
evidence_verify(const struct evidence *e, const struct roster *roster,
    struct ag_error *err)
{
	enum ag_status status = evidence_verify_scope(e, roster, err);

	if (status != AG_OK)
		return status;
	if (evidence_holds(e, roster->member_count, &roster_authority,
		(void *)(uintptr_t)roster))
		return AG_OK;
	return explain(e, roster, err);
}

/* --- in words --- */

const char *
evidence_kind_name(enum evidence_kind kind)
{
	switch (kind) {
	case EVIDENCE_PREPARE:
		return "prepare";
	case EVIDENCE_COMMIT:
		return "commit";
	case EVIDENCE_CHECKPOINT:
		return "checkpoint";
	case EVIDENCE_NEW_VIEW:
		return "new-view";
	case EVIDENCE_FORGED_CHANGE:
		return "forged-view-change";
	case EVIDENCE_FORGED_NEW_VIEW:
		return "forged-new-view";
	case EVIDENCE_PART:
		return "state-part";
	default:
		return "unknown";
	}
}

void
evidence_say(char out[static EVIDENCE_TEXT_BYTES], const struct evidence *e,
    const char *member)
{
	if (e->kind == EVIDENCE_CHECKPOINT)
		(void)snprintf(out, EVIDENCE_TEXT_BYTES,
		    "%s signed two different states after sequence %" PRIu64,
		    member, e->seq);
	else if (e->kind == EVIDENCE_PART)
		(void)snprintf(out, EVIDENCE_TEXT_BYTES,
		    "%s signed for a part that the state after sequence "
		    "%" PRIu64 " does not have",
		    member, e->seq);
	else if (e->kind == EVIDENCE_FORGED_CHANGE)
		(void)snprintf(out, EVIDENCE_TEXT_BYTES,
		    "%s signed a view change to view %" PRIu64
		    " with a forged certificate in it",
		    member, e->view);
	else if (e->kind == EVIDENCE_FORGED_NEW_VIEW)
		(void)snprintf(out, EVIDENCE_TEXT_BYTES,
		    "%s signed a beginning of view %" PRIu64
		    " with forged view changes",
		    member, e->view);
	else if (e->kind == EVIDENCE_NEW_VIEW)
		(void)snprintf(out, EVIDENCE_TEXT_BYTES,
		    "%s signed two different beginnings of view %" PRIu64,
		    member, e->view);
	else
		(void)snprintf(out, EVIDENCE_TEXT_BYTES,
		    "%s signed two different %s votes for sequence %" PRIu64
		    " in view %" PRIu64,
		    member, evidence_kind_name(e->kind), e->seq, e->view);
}
