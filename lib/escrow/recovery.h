/*
 * Requests to recover what is in escrow, as they go from hand to hand.
 *
 * Whoever wants the secret says why, for whose key, and from which package.
 * Operators approve by their signatures, as many as a change of the cluster's
 * members takes.  Then time has to pass, which custodians need not believe
 * anybody's clock for: the request stands under a key of the cluster's store,
 * where all see it and may delete it, and two proofs of presence show that it
 * has been there for so long.
 *
 * FORMAT   canonical CBOR:
 *          ["aegis-escrow-request", 1, body, package, [[key (32),
 *           signature (64)]…], first | null, latest | null]
 *          body     [id of the package (32), nonce (32), created_ms, delay_ms,
 *                    recipient (32), reason, is offline]
 *          package  the file, in a byte string
 *          first, latest  proofs of presence (trust/presence.h), in byte
 *                    strings, of an entry under "escrow/requests/" and the
 *                    request's id in hexadecimal, whose value is the body
 *          id       BLAKE2b-256 of the body
 *          signed   "aegis/escrow-approval/v1" NUL | cluster id | id
 *
 * Ownership  borrows from the file it was read from.
 * Threads    no shared state.
 */
#ifndef AEGIS_ESCROW_RECOVERY_H
#define AEGIS_ESCROW_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/operation.h"
#include "crypto/secret.h"
#include "escrow/package.h"
#include "trust/presence.h"
#include "trust/roster.h"

#define RECOVERY_REASON_BYTES 513 /* with its NUL */
#define RECOVERY_RECIPIENT_BYTES 32
#define RECOVERY_BODY_BYTES_MAX 1024
#define RECOVERY_APPROVALS_MAX 64
#define RECOVERY_KEY_BYTES 81 /* prefix, 64 digits, NUL */
#define RECOVERY_PRESENCE_BYTES_MAX \
	(PRESENCE_OVERHEAD + RECOVERY_BODY_BYTES_MAX + 256)
#define RECOVERY_BYTES_MAX \
	(PACKAGE_BYTES_MAX + 2 * RECOVERY_PRESENCE_BYTES_MAX + (16U << 10))

/* A look at the cluster that is older says nothing of what is now. */
#define RECOVERY_FRESH_MS (UINT64_C(3600) * 1000)

struct recovery_approval {
	uint8_t key[PUBLIC_KEY_BYTES];
	uint8_t signature[SIGNATURE_BYTES];
};

struct recovery {
	/* The body. */
	struct digest package_id;
	uint8_t nonce[PACKAGE_NONCE_BYTES];
	uint64_t created_ms; /* by the requester's clock: a claim */
	uint64_t delay_ms;
	uint8_t recipient[RECOVERY_RECIPIENT_BYTES]; /* X25519 */
	char reason[RECOVERY_REASON_BYTES];
	bool is_offline; /* it is in no cluster's store */

	uint32_t approval_count;
	struct recovery_approval approvals[RECOVERY_APPROVALS_MAX];
	struct bytes package; /* the file */
	struct bytes first, latest;

	/* Derived. */
	size_t body_len;
	uint8_t body[RECOVERY_BODY_BYTES_MAX];
	struct digest id;
};

/*
 * A new request for that package, whose file is package_file; nonce and id are
 * made here.  AG_EINVAL the reason is empty, too long or not text; AG_EREFUSED
 * the delay is shorter than the package asks for.
 */
enum ag_status recovery_begin(struct recovery *r, const struct package *package,
    struct bytes package_file, const char *reason,
    const uint8_t recipient[static RECOVERY_RECIPIENT_BYTES], uint64_t delay_ms,
    uint64_t now_ms, bool is_offline, struct ag_error *err) AG_MUST_USE;

enum ag_status recovery_encode(const struct recovery *r, struct buf *out,
    struct ag_error *err) AG_MUST_USE;

/* From hostile bytes; shape only.  AG_ECORRUPT, AG_EVERSION. */
enum ag_status recovery_decode(struct recovery *r, struct bytes file,
    struct ag_error *err) AG_MUST_USE;

/* The same of a body alone, as the cluster's store has it. */
enum ag_status recovery_decode_body(struct recovery *r, struct bytes body,
    struct ag_error *err) AG_MUST_USE;

/*
 * The package inside, verified (escrow/package.h), and that the request is for
 * it and does not ask for less delay.  AG_EFORGED, AG_EREFUSED.
 */
enum ag_status recovery_open(struct package *package, const struct recovery *r,
    struct ag_error *err) AG_MUST_USE;

/* "escrow/requests/…". */
void recovery_key(char key[static RECOVERY_KEY_BYTES],
    const struct recovery *r);

/*
 * Approve, by a key that may change the roster's members.  AG_ENOENT it may
 * not; AG_EEXIST it has; AG_ELIMIT.
 */
enum ag_status recovery_approve(struct recovery *r, const struct roster *roster,
    const struct secret *key, struct ag_error *err) AG_MUST_USE;

/* How many approvals the roster asks for, and how many of those that are
 * there count and hold. */
struct recovery_tally {
	bool by_operators; /* else by members */
	uint32_t needed;
	uint32_t approved;
};
void recovery_count(struct recovery_tally *tally, const struct recovery *r,
    const struct roster *roster);

/* Does this approval count and hold? */
bool recovery_approval_holds(const struct recovery *r,
    const struct recovery_approval *approval, const struct roster *roster);

/* Take over the approvals and the later proofs of another copy.
 * AG_ECONFLICT it is another request; AG_ELIMIT. */
enum ag_status recovery_merge(struct recovery *r, const struct recovery *other,
    struct ag_error *err) AG_MUST_USE;

/* What a proof of presence shows of a request. */
struct recovery_sight {
	uint64_t time_ms; /* agreed */
	uint64_t created; /* the sequence at which it was put there */
};

/*
 * Does presence, judged by the roster of its epoch, show the request?
 * AG_EREFUSED it was not there, or not whole; else as presence_verify().
 */
enum ag_status recovery_see(struct recovery_sight *sight,
    const struct recovery *r, const struct presence *presence,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/*
 * Has it been there, without a break, for its delay, and until lately by this
 * clock?  AG_EREFUSED with how long it has still to wait.
 */
enum ag_status recovery_check_wait(const struct recovery *r,
    const struct recovery_sight *first, const struct recovery_sight *latest,
    uint64_t now_ms, struct ag_error *err) AG_MUST_USE;

/* The same offline: by this clock, since the time that the request claims. */
enum ag_status recovery_check_wait_offline(const struct recovery *r,
    uint64_t now_ms, struct ag_error *err) AG_MUST_USE;

#endif
