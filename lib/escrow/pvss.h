/*
 * Publicly verifiable secret sharing (Schoenmakers 1999) in ristretto255.
 *
 * A dealer shares the point p(0)*G, for a polynomial p of degree k-1, among n
 * custodians, custodian i (1 to n) having the key y_i = x_i*G.  It publishes
 *
 *	C_j = a_j*H     commitments to the coefficients; H is another generator
 *	Y_i = p(i)*y_i  the shares, encrypted
 *	a proof that log_H(X_i) = log_{y_i}(Y_i), X_i being the sum of i^j*C_j
 *
 * so that anybody can see that every custodian has a share of one and the same
 * secret.  Custodian i takes off its key: S_i = x_i^-1*Y_i = p(i)*G, and k of
 * these give p(0)*G (Lagrange).  k-1 give nothing at all.
 *
 * A sharing of zero (a_0 = 0) added to another changes all shares and not the
 * secret.  It may leave custodians out, who then have no share of the sum.
 *
 * HASH     Challenges (crypto/transcript.h) for "aegis/escrow/deal/v1" or, of
 *          zero, "aegis/escrow/refresh/v1", with this digest for context:
 *          BLAKE2b-512 of the fields purpose, caller's context, u32 k, u32
 *          set of custodians (the lowest bit is 1's), big-endian, C_j in
 *          order, Y_i in order.
 *
 * Ownership  caller's storage; secrets are the caller's to wipe.
 * Threads    no shared state.
 */
#ifndef AEGIS_ESCROW_PVSS_H
#define AEGIS_ESCROW_PVSS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/dleq.h"
#include "crypto/ristretto.h"
#include "crypto/secret.h"

#define PVSS_CUSTODIANS_MAX 32
#define PVSS_THRESHOLD_MIN 2

/* Custodian i stands at place i-1 of every array. */
struct pvss {
	uint32_t threshold; /* k */
	uint32_t members;   /* a bit each, the lowest for place 0 */
	bool is_of_zero;    /* C_0 is the identity, and not there */
	struct point commitments[PVSS_CUSTODIANS_MAX];
	struct point shares[PVSS_CUSTODIANS_MAX];
	uint8_t proofs[PVSS_CUSTODIANS_MAX][DLEQ_BYTES];
};

/* k scalars, the polynomial's coefficients from a_0 on; NULL: no memory. */
struct secret *pvss_polynomial(uint32_t threshold, bool is_of_zero);

/*
 * Share what the polynomial says among the members set in out, whose keys
 * these are; threshold, members and is_of_zero are set, the rest is filled.
 * entropy is 32 random bytes.  AG_EINTERNAL when chance makes a point the
 * identity, which it does not in the life of the universe.
 */
enum ag_status pvss_deal(struct pvss *out, const struct secret *polynomial,
    const struct point *keys, struct bytes context, const uint8_t *entropy,
    struct ag_error *err) AG_MUST_USE;

/* p(0)*G, which is what is shared. */
enum ag_status pvss_secret(struct point *out, const struct secret *polynomial,
    struct ag_error *err) AG_MUST_USE;

/*
 * Has every member a share of one secret?  Points come from anywhere.
 * AG_EFORGED; *place is that of the first share that is wrong.
 */
enum ag_status pvss_verify(const struct pvss *sharing, const struct point *keys,
    struct bytes context, uint32_t *place, struct ag_error *err) AG_MUST_USE;

/* Custodian's part: take the key off.  False when there is no such point. */
bool pvss_open(struct point *out, const struct scalar *key,
    const struct point *share);

/*
 * The value at a number of the polynomial of least degree through the points
 * of count numbers, which are different from it, from each other and zero.
 * The secret is at 0.  False when they are not, or the value is the identity.
 */
bool pvss_interpolate(struct point *out, uint32_t at, const uint32_t *numbers,
    const struct point *points, size_t count);

#endif
