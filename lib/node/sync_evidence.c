/*
 * Evidence of wrong parts.
 *
 * RULES    1. Nobody's signature is verified before the part is found to be
 *             wrong: a transfer that goes well costs no more than hashing.
 *          2. A member that gave parts of another state than is gathered is
 *             not accused: what leads to the part is of ours.
 *
 * NOT HERE What such evidence must show (store/part_evidence.c), keeping it
 *          (node/witness.c).
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "node/sync_parts.h"
#include "store/part_evidence.h"

/* Did it sign for the part of the state that is gathered? */
static bool
is_signed_for(struct sync *s, uint32_t member, const struct trust_scope *scope)
{
	const struct fetching *f = &s->fetch;
	struct receipt receipt;
	struct part_name name;

	gather_name(f->gather, f->job_item, &name);
	part_evidence_receipt(&receipt, &f->offer->certificate.digest, &name,
	    buf_bytes(&f->job_wanted->contents));
	return receipt_is_signed(&receipt, scope, member,
	    f->job_wanted->signature, &roster_authority, s->config.roster);
}

static void
tell(struct sync *s, uint32_t member, const struct trust_scope *scope,
    struct bytes message)
{
	const size_t cap = message.len + EVIDENCE_AROUND_BYTES;
	struct evidence evidence;
	uint8_t *out = malloc(cap);
	struct bytes file;
	struct encoder e;

	if (out == NULL)
		return;
	evidence_make_message(&evidence, scope, EVIDENCE_PART, member, 0,
	    s->fetch.offer->seq, clock_wall_ms(), message);
	encoder_init(&e, out, cap);
	evidence_encode(&e, &evidence);
	AG_ASSERT(encoder_finish(&e, &file) == AG_OK);
	s->config.evidence(s->config.arg, member, file);
	free(out);
}

void
sync_evidence_tell(struct sync *s, uint32_t member)
{
	struct fetching *f = &s->fetch;
	struct trust_scope scope;
	struct ag_error err;
	struct buf message;

	roster_scope(s->config.roster, &scope);
	if (!sync_is_signed(s) || !is_signed_for(s, member, &scope))
		return;
	buf_init(&message, EVIDENCE_BYTES_MAX - EVIDENCE_AROUND_BYTES);
	if (gather_accuse(f->gather, f->job_item,
		buf_bytes(&f->job_wanted->contents), f->job_wanted->signature,
		&message, &err) == AG_OK)
		tell(s, member, &scope, buf_bytes(&message));
	else
		log_warn("node", "evidence not kept",
		    LOG_TEXT("error", err.text));
	buf_fini(&message);
}
