/*
 * Signed messages that carry forgeries.
 *
 * PROOF    Whoever signs a VIEW_CHANGE or NEW_VIEW has verified all that it
 *          shows in it, or was to.  What is signed by too few, by one member
 *          twice, or by none of those it names is false for everybody and for
 *          ever: no restart, no message that was lost and no other state or
 *          configuration makes it right.  The signer's signature is over the
 *          whole message, so that nobody else can put a forgery in.
 *
 * RULES    1. A forgery is
 *               in a VIEW_CHANGE  a certificate, for its checkpoint or for
 *                                 what was prepared, that does not verify
 *               in a NEW_VIEW     a VIEW_CHANGE that its member did not sign,
 *                                 or that is of another view, or of a member
 *                                 shown twice, or with a forgery in it; or
 *                                 fewer than a quorum of them
 *          2. All is judged by the members of the epoch that the signature is
 *             of, whose signatures alone a correct member counts there.
 *          3. What depends on anything else convicts nobody: which
 *             checkpoint stands for the beginning, how long a window is, what
 *             a primary had to choose; nor do bytes that are no certificate.
 *
 * NOT HERE What must be so besides for a message to be followed (consensus/).
 */
#include "trust/forgery.h"

#include "codec/decoder.h"
#include "trust/signing.h"
#include "trust/view_message.h"

static bool
is_signed(const struct forgery_judge *j, const char *purpose, uint32_t member,
    uint64_t view, struct bytes statement,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	struct digest digest;

	digest_of(&digest, statement);
	return member < j->member_count &&
	    view_message_is_signed(j->scope, purpose, member, view, &digest,
		signature, j->authority, j->ctx);
}

/* The next is a certificate, and does not verify. */
static bool
certificate_is_forged(const struct forgery_judge *j, struct decoder *d)
{
	struct certificate certificate;

	certificate_decode(d, &certificate);
	return !decoder_failed(d) &&
	    certificate_verify(&certificate, j->scope, j->member_count,
		j->authority, j->ctx, NULL) != AG_OK;
}

static enum forgery
judge_change(const struct forgery_judge *j, const struct view_change_fields *f)
{
	struct decoder d;
	size_t i;

	if (!is_signed(j, PURPOSE_VIEW_CHANGE, f->member, f->view, f->statement,
		f->signature))
		return FORGERY_UNSIGNED;
	decoder_init(&d, f->certificate);
	if (f->certificate.len > 0 && certificate_is_forged(j, &d))
		return FORGERY_PROVED;
	decoder_init(&d, f->prepared);
	for (i = 0; i < f->prepared_count && !decoder_failed(&d); i++)
		if (certificate_is_forged(j, &d))
			return FORGERY_PROVED;
	return FORGERY_NONE;
}

enum forgery
forgery_in_view_change(const struct forgery_judge *j, uint32_t member,
    struct bytes message)
{
	struct view_change_fields f;

	if (!view_message_read_change(&f, message) || f.member != member)
		return FORGERY_UNSIGNED;
	return judge_change(j, &f);
}

/* Its view changes: forged is all that no correct primary puts together. */
static bool
changes_are_forged(const struct forgery_judge *j,
    const struct new_view_fields *f)
{
	uint32_t seen = 0;
	struct decoder d;
	size_t i;

	if (f->change_count < trust_quorum(FAULTS_BYZANTINE, j->member_count))
		return true;
	decoder_init(&d, f->changes);
	for (i = 0; i < f->change_count; i++) {
		struct view_change_fields change;

		/* Of a version that says more, for all that is known. */
		if (!view_message_read_change(&change, decoder_get_raw(&d)))
			return false;
		if (change.view != f->view || (seen >> change.member & 1) != 0)
			return true;
		seen |= UINT32_C(1) << change.member;
		if (judge_change(j, &change) != FORGERY_NONE)
			return true;
	}
	return false;
}

enum forgery
forgery_in_new_view(const struct forgery_judge *j, uint32_t primary,
    struct bytes message)
{
	struct new_view_fields f;

	if (!view_message_read_new_view(&f, message) ||
	    f.view % j->member_count != primary ||
	    !is_signed(j, PURPOSE_NEW_VIEW, primary, f.view, f.statement,
		f.signature))
		return FORGERY_UNSIGNED;
	return changes_are_forged(j, &f) ? FORGERY_PROVED : FORGERY_NONE;
}
