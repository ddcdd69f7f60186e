/*
 * A custodian's share, on its way to who asked for it.
 *
 * FORMAT   canonical CBOR:
 *          ["aegis-escrow-share", 1, statement, signature (64)]
 *          statement  [request id (32), package id (32), custodian's number,
 *                     wrapped (104), sealed (136)]
 *          signature  the custodian's (crypto/schnorr.h) of the statement for
 *                     "aegis/escrow/submission/v1"
 *          wrapped    a key of its own, for the request's recipient
 *                     (crypto/recipient.h)
 *          sealed     under that key (crypto/seal.h), with request id, package
 *                     id and u32 number, big-endian, for context: the point
 *                     S_i (32) and a proof (64, crypto/dleq.h) for
 *                     "aegis/escrow/share/v1" and the same context that
 *                     log_G(y_i) = log_{S_i}(Y_i)
 *
 * So a share that is not its custodian's is told from one that is, and wrong:
 * the latter is signed, and anybody who may open it can show that it is.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_ESCROW_SHARE_H
#define AEGIS_ESCROW_SHARE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/recipient.h"
#include "crypto/schnorr.h"
#include "crypto/secret.h"
#include "escrow/package.h"
#include "escrow/recovery.h"

#define SHARE_PLAIN_BYTES (RISTRETTO_BYTES + DLEQ_BYTES)
#define SHARE_SEALED_BYTES (SHARE_PLAIN_BYTES + SEAL_OVERHEAD)
#define SHARE_BYTES_MAX 512

struct share {
	struct digest request_id;
	struct digest package_id;
	uint32_t number; /* of the custodian, from 1 on */
	uint8_t wrapped[RECIPIENT_WRAPPED_BYTES];
	uint8_t sealed[SHARE_SEALED_BYTES];
	uint8_t signature[SCHNORR_BYTES];
};

/*
 * What the custodian at a place, whose key this is, answers to a request that
 * recovery_open() read the package of.  Whether it ought to, its caller asks
 * first.  AG_EINVAL the recipient's key is none.
 */
enum ag_status share_make(struct share *out, const struct recovery *request,
    const struct package *package, uint32_t place, const struct secret *key,
    struct ag_error *err) AG_MUST_USE;

enum ag_status share_encode(const struct share *share, struct buf *out,
    struct ag_error *err) AG_MUST_USE;

/* From hostile bytes; shape only.  AG_ECORRUPT, AG_EVERSION. */
enum ag_status share_decode(struct share *share, struct bytes file,
    struct ag_error *err) AG_MUST_USE;

/*
 * The point inside, which the recipient's key opens and its proof holds of.
 * AG_ECONFLICT it answers another request; AG_EFORGED it is wrong, with the
 * custodian's name and whether it is the custodian's.
 */
enum ag_status share_open(struct point *out, const struct share *share,
    const struct recovery *request, const struct package *package,
    const struct secret *recipient_key, struct ag_error *err) AG_MUST_USE;

#endif
