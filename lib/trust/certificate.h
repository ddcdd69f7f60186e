/*
 * Votes and the certificates they add up to: what an outsider can check
 * with the roster alone.
 *
 * A member signs all votes of one turn of its loop together: the signature
 * is over the root of a small Merkle tree whose leaves are the votes.  A
 * certificate therefore carries, for each signer, the path from this vote
 * to the signed root.  A bundle of one vote has an empty path.
 *
 * SIGNED  "aegis/vote/v1" NUL | cluster id (32) | u64 epoch | u64 sender |
 *         u64 view | root (32), integers big-endian.
 * LEAF    BLAKE2b-256(0x00 | u8 phase | u64 seq | digest)
 * INNER   BLAKE2b-256(0x01 | left | right); an odd last node moves up as is.
 *
 * Nothing here allocates.
 */
#ifndef AEGIS_TRUST_CERTIFICATE_H
#define AEGIS_TRUST_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/decoder.h"
#include "codec/encoder.h"

#define DIGEST_BYTES 32
#define SIGNATURE_BYTES 64
#define PUBLIC_KEY_BYTES 32
#define CLUSTER_ID_BYTES 32

#define TRUST_MEMBERS_MAX 32
#define VOTE_BUNDLE_MAX 64
#define VOTE_PATH_MAX 6

struct digest {
	uint8_t data[DIGEST_BYTES];
};

static inline bool
digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->data, b->data, DIGEST_BYTES) == 0;
}

/* What a faulty member of a cluster may do. */
enum fault_model {
	FAULTS_BYZANTINE, /* anything: it may lie */
	FAULTS_CRASH,     /* nothing but stop, and start again */
};

/*
 * What every signature is bound to besides its own statement.  The fault
 * model is not signed: it follows from the roster, whose hash the cluster id
 * is.
 */
struct trust_scope {
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	uint64_t epoch;
	enum fault_model faults;
};

/*
 * Who can sign and verify.  The node's is Ed25519 over the roster; the
 * simulator's is a keyed hash no simulated node can forge.
 */
struct authority {
	/* Sign as ourselves. */
	void (*sign)(void *ctx, struct bytes message,
	    uint8_t signature[static SIGNATURE_BYTES]);
	/* Was message signed by this member of the roster? */
	bool (*verify)(void *ctx, uint32_t member, struct bytes message,
	    const uint8_t signature[static SIGNATURE_BYTES]);
	/* Was message signed by this principal, and may it make requests? */
	bool (*verify_request)(void *ctx,
	    const uint8_t principal[static PUBLIC_KEY_BYTES],
	    struct bytes message,
	    const uint8_t signature[static SIGNATURE_BYTES]);
	/* The members, a bit each, at which this principal's callers may be
	 * waiting: a hint to what is sent first.  NULL: at any. */
	uint32_t (*waits_at)(void *ctx,
	    const uint8_t principal[static PUBLIC_KEY_BYTES]);
};

enum vote_phase {
	VOTE_PREPARE = 1, /* the primary's pre-prepare counts as its prepare */
	VOTE_COMMIT = 2,
	VOTE_CHECKPOINT = 3, /* digest of the state after seq */
};

struct vote {
	enum vote_phase phase;
	uint64_t seq;
	struct digest digest;
};

/* One member's signature on one vote, checkable alone. */
struct vote_proof {
	uint32_t member;
	uint64_t view;        /* the view it was signed in */
	uint32_t position;    /* of this vote in its bundle */
	uint32_t bundle_size; /* 1..VOTE_BUNDLE_MAX */
	uint32_t path_len;
	struct digest path[VOTE_PATH_MAX];
	uint8_t signature[SIGNATURE_BYTES];
};

struct certificate {
	enum vote_phase phase;
	uint64_t view; /* of a prepare or commit; 0 for a checkpoint */
	uint64_t seq;
	struct digest digest;
	uint32_t proof_count;
	struct vote_proof proofs[TRUST_MEMBERS_MAX];
};

/* Largest encoding of a certificate, for fixed buffers. */
#define CERTIFICATE_BYTES_MAX (TRUST_MEMBERS_MAX * 320 + 128)

/*
 * f and quorum for n members.  Who may lie: f = (n-1)/3, and a quorum is
 * n - f (2f+1 at 3f+1).  Who may only crash: f = (n-1)/2, and a quorum is a
 * majority.
 */
uint32_t trust_faults(enum fault_model model, uint32_t member_count);
uint32_t trust_quorum(enum fault_model model, uint32_t member_count);

/*
 * Signatures that show a state to be right: f + 1, of which one is a correct
 * member's, or where nobody lies any one.
 */
uint32_t trust_vouchers(enum fault_model model, uint32_t member_count);

/*
 * Of the quorum that signed an epoch's last state, is a correct member left in
 * the next epoch, whoever of it was gone and whichever f are lost or lie then?
 */
bool trust_outlives(enum fault_model model, uint32_t before, uint32_t gone,
    uint32_t after);

void digest_of(struct digest *out, struct bytes data);

/* Sign a bundle; proofs[i] is then the proof of votes[i]. */
void vote_bundle_sign(struct vote_proof *proofs, const struct vote *votes,
    size_t count, const struct trust_scope *scope, uint32_t self, uint64_t view,
    const struct authority *authority, void *ctx);

/* Does the proof hold for this vote? */
bool vote_verify(const struct vote *vote, const struct vote_proof *proof,
    const struct trust_scope *scope, const struct authority *authority,
    void *ctx);

/*
 * Check a received bundle against its one signature; when it holds,
 * proofs[i] is the proof of votes[i].
 */
bool vote_bundle_open(struct vote_proof *proofs, const struct vote *votes,
    size_t count, const struct trust_scope *scope, uint32_t member,
    uint64_t view, const uint8_t signature[static SIGNATURE_BYTES],
    const struct authority *authority, void *ctx);

void vote_proof_encode(struct encoder *e, const struct vote_proof *proof);

/* From hostile bytes; shape only. */
void vote_proof_decode(struct decoder *d, struct vote_proof *proof);

void certificate_encode(struct encoder *e, const struct certificate *c);

/* Decode from hostile bytes; shape only, signatures not yet checked. */
void certificate_decode(struct decoder *d, struct certificate *c);

/*
 * A quorum of distinct members of n signed exactly this vote (for prepare
 * and commit: all in the certificate's view).
 * AG_EFORGED with what is wrong in err.
 */
enum ag_status certificate_verify(const struct certificate *c,
    const struct trust_scope *scope, uint32_t member_count,
    const struct authority *authority, void *ctx,
    struct ag_error *err) AG_MUST_USE;

/*
 * The same with as many as can vouch.  Enough to believe that a state is right
 * (Castro & Liskov 2002, section 5.3), and for nothing that a quorum must have
 * promised.
 */
enum ag_status certificate_verify_vouched(const struct certificate *c,
    const struct trust_scope *scope, uint32_t member_count,
    const struct authority *authority, void *ctx,
    struct ag_error *err) AG_MUST_USE;

/*
 * Does it decide its sequence, once verified?  A quorum's COMMITs do, and so
 * do the PREPAREs of all members: no view can go on without a quorum that
 * has every correct member's word for it but f.
 */
bool certificate_is_commit(const struct certificate *c, uint32_t member_count);

#endif
