/*
 * Wrong parts of states as evidence.
 *
 * PROOF    The digest of a state decides its root and its client table's, and
 *          those, part by part, what each part comes to.  So whoever signed
 *          that a part of a state is these contents is faulty when they come
 *          to something else.  That the state is certified is not needed for
 *          that: a correct member signs for the states that it has.
 *
 * RULES    1. A part is wrong when its digest is.  Whether a subtree is one
 *             leaf or more is not in the digest, and what was shown of it by
 *             whoever accuses convicts nobody.
 *          2. Nobody is asked for what a split says is empty: no proof of
 *             that is taken.
 *
 * NOT HERE Parts as such (part.c), when one is signed for (node/sync_serve.c).
 */
#include "store/part_evidence.h"

#include <string.h>

#include "codec/decoder.h"
#include "store/session.h"
#include "trust/identity.h"
#include "trust/state.h"

/* From the root by at least a level each. */
#define PARTS_MAX (MERKLE_BITS + 1)
#define PAIR_BYTES (PRINCIPAL_BYTES + DIGEST_BYTES)

void
part_evidence_receipt(struct receipt *out, const struct digest *state,
    const struct part_name *name, struct bytes contents)
{
	uint8_t encoded[PART_NAME_BYTES_MAX];
	struct encoder e;
	struct bytes bytes;

	encoder_init(&e, encoded, sizeof(encoded));
	part_name_encode(&e, name);
	AG_ASSERT(encoder_finish(&e, &bytes) == AG_OK);
	out->state = *state;
	digest_of(&out->name, bytes);
	digest_of(&out->contents, contents);
}

void
part_evidence_begin(struct encoder *e, const struct part_offer *offer,
    size_t count)
{
	encoder_put_array(e, 6);
	encoder_put_uint(e, offer->seq);
	encoder_put_uint(e, offer->time_ms);
	encoder_put_bytes(e, bytes_of(offer->root.data, DIGEST_BYTES));
	encoder_put_bytes(e, bytes_of(offer->sessions.data, DIGEST_BYTES));
	encoder_put_array(e, count);
}

void
part_evidence_put(struct encoder *e, const struct part_name *name,
    struct bytes contents)
{
	encoder_put_array(e, 2);
	part_name_encode(e, name);
	encoder_put_bytes(e, contents);
}

void
part_evidence_end(struct encoder *e,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	encoder_put_bytes(e, bytes_of(signature, SIGNATURE_BYTES));
}

/* --- judging --- */

/* A message read up to its parts. */
struct accusation {
	struct digest root, sessions, state;
	size_t count;
	struct decoder parts; /* what is left of them */
	uint8_t signature[SIGNATURE_BYTES];
};

struct named_part {
	struct part_name name;
	struct bytes contents;
};

static void
part_read(struct decoder *d, struct named_part *part)
{
	decoder_expect_array(d, 2);
	part_name_decode(d, &part->name);
	part->contents = decoder_get_bytes_max(d, PART_BYTES_MAX);
}

static bool
accusation_read(struct accusation *a, struct bytes message)
{
	struct named_part part;
	uint64_t seq, time_ms;
	struct decoder d;
	size_t i;

	decoder_init(&d, message);
	decoder_expect_array(&d, 6);
	seq = decoder_get_uint_max(&d, INT64_MAX);
	time_ms = decoder_get_uint_max(&d, INT64_MAX);
	decoder_get_fixed(&d, a->root.data, DIGEST_BYTES);
	decoder_get_fixed(&d, a->sessions.data, DIGEST_BYTES);
	a->count = decoder_get_array_max(&d, PARTS_MAX);
	a->parts = d;
	for (i = 0; i < a->count; i++)
		part_read(&d, &part);
	decoder_get_fixed(&d, a->signature, SIGNATURE_BYTES);
	if (decoder_finish(&d, NULL) != AG_OK || a->count == 0)
		return false;
	state_digest(&a->state, seq, time_ms, &a->root, &a->sessions);
	return true;
}

/* What the first part must come to. */
static bool
want_first(struct part_want *want, const struct accusation *a,
    const struct part_name *name)
{
	*want = (struct part_want){ .name = *name, .is_root = true };
	want->node.digest = name->kind == PART_NODE ? a->root : a->sessions;
	return name->kind != PART_CLIENTS_FROM && name->number == 0;
}

/* What a part says, which was right, the one below it must come to. */
static bool
want_below(struct part_want *want, const struct part_found *found,
    const struct part_name *name)
{
	const struct part_name above = want->name;
	struct part_name child;
	uint32_t i;

	*want = (struct part_want){ .name = *name, .is_root = true };
	if (found->shape == PART_IS_LIST) {
		const size_t at = (size_t)name->number * PAIR_BYTES;

		if (name->kind != PART_CLIENTS_FROM ||
		    at >= found->contents.len)
			return false;
		want->list = bytes_of(found->contents.data + at,
		    found->contents.len - at);
		if (want->list.len > PART_CLIENTS * PAIR_BYTES)
			want->list.len = PART_CLIENTS * PAIR_BYTES;
		return true;
	}
	for (i = 0; found->shape == PART_SPLIT && i < 1U << found->bits; i++) {
		part_child(&above, found->bits, i, &child);
		if (part_name_compare(&child, name) != 0)
			continue;
		want->node = found->nodes[i];
		return want->node.kind != MERKLE_EMPTY;
	}
	return false;
}

/* Is the last of the parts another than the state has, as those before show?
 * AG_OK: it is; AG_EFORGED: nothing shows that. */
static enum ag_status
judge_last(const struct accusation *a, struct named_part *part,
    struct part_found *found)
{
	struct decoder d = a->parts;
	struct part_want want;
	enum ag_status status = AG_OK;
	struct ag_error err;
	size_t i;

	for (i = 0; i < a->count; i++) {
		part_read(&d, part);
		if (status != AG_OK ||
		    !(i == 0 ? want_first(&want, a, &part->name)
			     : want_below(&want, found, &part->name)))
			return status == AG_OK ? AG_EFORGED : status;
		status = part_check(&want, part->contents, found, &err);
	}
	if (status == AG_OK)
		return AG_EFORGED;
	return status == AG_EFORGED ? AG_OK : status;
}

static enum ag_status
part_verify(const struct evidence *e, const struct roster *roster,
    struct ag_error *err)
{
	const char *name = roster->members[e->member].name;
	struct part_found found = { .count = 0 };
	struct named_part part;
	struct receipt receipt;
	struct accusation a;
	enum ag_status status;

	if (!accusation_read(&a, e->message))
		return ag_fail(err, AG_EFORGED,
		    "it shows no part of a state: it proves nothing against %s",
		    name);
	status = judge_last(&a, &part, &found);
	part_found_fini(&found);
	if (status == AG_EFORGED)
		return ag_fail(err, status,
		    "nothing shows the part to be wrong: it proves nothing "
		    "against %s",
		    name);
	if (status != AG_OK)
		return ag_fail(err, status, "verify evidence: out of memory");
	part_evidence_receipt(&receipt, &a.state, &part.name, part.contents);
	if (!receipt_is_signed(&receipt, &e->scope, e->member, a.signature,
		&roster_authority, (void *)(uintptr_t)roster))
		return ag_fail(err, AG_EFORGED,
		    "%s did not sign for the part: it proves nothing against "
		    "it",
		    name);
	return AG_OK;
}

enum ag_status
part_evidence_verify(const struct evidence *e, const struct roster *roster,
    struct ag_error *err)
{
	enum ag_status status;

	if (e->kind != EVIDENCE_PART)
		return evidence_verify(e, roster, err);
	status = evidence_verify_scope(e, roster, err);
	return status == AG_OK ? part_verify(e, roster, err) : status;
}
