/*
 * Receipts for parts of states.
 *
 * Whether a part is right is told by the state's digest alone, so that a
 * wrong one is refused whoever sent it; a receipt makes it proof besides.
 *
 * SIGNED   "aegis/state-part/v1" NUL | cluster id | u64 epoch | u64 member |
 *          state (32) | name (32) | contents (32)
 *
 * NOT HERE What parts are, and which are wrong (store/part.h,
 *          store/part_evidence.c).
 */
#include "trust/receipt.h"

#include "trust/signing.h"

static void
signing_input(struct signing *s, const struct receipt *r,
    const struct trust_scope *scope, uint32_t member)
{
	signing_begin(s, PURPOSE_STATE_PART);
	signing_put(s, scope->cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(s, scope->epoch);
	signing_put_u64(s, member);
	signing_put(s, r->state.data, DIGEST_BYTES);
	signing_put(s, r->name.data, DIGEST_BYTES);
	signing_put(s, r->contents.data, DIGEST_BYTES);
}

void
receipt_sign(const struct receipt *r, const struct trust_scope *scope,
    uint32_t self, const struct authority *authority, void *ctx,
    uint8_t signature[static SIGNATURE_BYTES])
{
	struct signing s;

	signing_input(&s, r, scope, self);
	authority->sign(ctx, signing_bytes(&s), signature);
}

bool
receipt_is_signed(const struct receipt *r, const struct trust_scope *scope,
    uint32_t member, const uint8_t signature[static SIGNATURE_BYTES],
    const struct authority *authority, void *ctx)
{
	struct signing s;

	signing_input(&s, r, scope, member);
	return authority->verify(ctx, member, signing_bytes(&s), signature);
}
