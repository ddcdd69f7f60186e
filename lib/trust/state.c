/*
 * The state digest.
 *
 * The parts stay separate inside it, so that a reader who holds the other
 * three can prove one key against a checkpoint certificate (trust/proof.h).
 */
#include "trust/state.h"

#include "trust/signing.h"

void
state_digest(struct digest *out, uint64_t seq, uint64_t time_ms,
    const struct digest *kv_root, const struct digest *session_digest)
{
	struct signing s;

	signing_begin(&s, PURPOSE_STATE);
	signing_put_u64(&s, seq);
	signing_put_u64(&s, time_ms);
	signing_put(&s, kv_root->data, DIGEST_BYTES);
	signing_put(&s, session_digest->data, DIGEST_BYTES);
	digest_of(out, signing_bytes(&s));
}
