/*
 * Signatures on request envelopes.
 *
 * A request is good in one cluster and one epoch only, and names its
 * principal inside what is signed.  The statement goes in as its digest, so
 * that what is signed is short whatever the request carries.
 *
 * NOT HERE What an envelope looks like (codec/batch.c), and which principals
 *          may make requests (the authority).
 */
#include "trust/request.h"

#include "base/status.h"

void
request_signing_input(struct signing *s, const struct trust_scope *scope,
    const uint8_t principal[static PRINCIPAL_BYTES], struct bytes statement)
{
	struct digest digest;

	digest_of(&digest, statement);
	signing_begin(s, PURPOSE_REQUEST);
	signing_put(s, scope->cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(s, scope->epoch);
	signing_put(s, principal, PRINCIPAL_BYTES);
	signing_put(s, digest.data, DIGEST_BYTES);
}

bool
request_verify(const struct envelope *envelope, const struct trust_scope *scope,
    const struct authority *authority, void *ctx)
{
	struct signing s;

	request_signing_input(&s, scope, envelope->principal,
	    envelope->statement);
	return authority->verify_request(ctx, envelope->principal,
	    signing_bytes(&s), envelope->signature);
}

void
request_sign(uint8_t signature[static SIGNATURE_BYTES],
    const struct request_signer *signer, struct bytes statement)
{
	struct signing s;

	request_signing_input(&s, signer->scope, signer->principal, statement);
	signer->authority->sign(signer->ctx, signing_bytes(&s), signature);
}

void
request_encode(struct encoder *e, const struct request_signer *signer,
    uint64_t first, uint64_t expiry_ms, const struct bytes *operations,
    size_t count)
{
	uint8_t signature[SIGNATURE_BYTES];
	size_t start, i;

	AG_ASSERT(count >= 1);
	AG_ASSERT(count <= ENVELOPE_OPERATIONS_MAX);
	encoder_put_array(e, 5);
	start = e->len;
	encoder_put_bytes(e, bytes_of(signer->principal, PRINCIPAL_BYTES));
	encoder_put_uint(e, first);
	encoder_put_uint(e, expiry_ms);
	encoder_put_array(e, count);
	for (i = 0; i < count; i++)
		encoder_put_bytes(e, operations[i]);
	if (e->overflowed)
		return;
	request_sign(signature, signer,
	    bytes_of(e->out + start, e->len - start));
	encoder_put_bytes(e, bytes_of(signature, SIGNATURE_BYTES));
}
