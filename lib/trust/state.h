/*
 * The digest replicas agree on at a checkpoint: everything the next batch's
 * result can depend on, in 32 bytes.
 *
 * DIGEST  BLAKE2b-256 of "aegis/state/v1" NUL | u64 seq | u64 time_ms |
 *         key-value root (32) | session digest (32)
 */
#ifndef AEGIS_TRUST_STATE_H
#define AEGIS_TRUST_STATE_H

#include <stdint.h>

#include "trust/certificate.h"

/* The state after batch seq, whose agreed time is time_ms. */
void state_digest(struct digest *out, uint64_t seq, uint64_t time_ms,
    const struct digest *kv_root, const struct digest *session_digest);

#endif
