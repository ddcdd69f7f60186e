/*
 * Escrow packages: a secret that k of n custodians can bring back, in a file
 * that anybody may have and check.
 *
 * FORMAT   canonical CBOR, points and scalars in byte strings of 32:
 *          ["aegis-escrow-package", 1, head, deal, payload, [refresh…]]
 *          head     [id of the package it rehearses (32) | null, nonce (32),
 *                    created_ms, delay_ms, cluster id (32) | null, k,
 *                    [[name, public key, possession (64)]…]]
 *          deal     [[C_j…], [Y_i…], [proof (64)…]]    escrow/pvss.h
 *          payload  [commitment (32), sealed, checksum (32)]  crypto/seal.h
 *          refresh  [time_ms, set of custodians, [C_j from 1 on…],
 *                    [Y_i of the set…], [proof (64)…]]
 *
 *          id       BLAKE2b-256 of the whole file
 *          base     BLAKE2b-256 of the head
 *          bound    BLAKE2b-256 of base and the deal; then of the one before
 *                   and each refresh in turn
 *          Proofs of the deal have base for context, those of a refresh the
 *          bound before it.  The first bound is the salt of two keys made of
 *          the secret point by HKDF-SHA256: "aegis/escrow/v1/seal" seals the
 *          payload, with that bound as its context, and that of
 *          "aegis/escrow/v1/commitment" is the commitment.  The checksum,
 *          BLAKE2b-256 of that bound, commitment and sealed, proves nothing:
 *          it tells of damage while the file can still be replaced.
 *
 * Ownership  package_new() hands out; a package borrows the file it was read
 *            from.  package_free() takes it back.
 * Threads    no shared state.
 */
#ifndef AEGIS_ESCROW_PACKAGE_H
#define AEGIS_ESCROW_PACKAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/ristretto_key.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "escrow/pvss.h"
#include "trust/certificate.h"

#define PACKAGE_NAME_BYTES 65 /* of a custodian, with its NUL */
#define PACKAGE_PAYLOAD_BYTES_MAX (64U << 10)
#define PACKAGE_REFRESHES_MAX 16
#define PACKAGE_NONCE_BYTES 32
#define PACKAGE_DELAY_MS_MAX (UINT64_C(366) * 24 * 3600 * 1000)

/* Largest encoding. */
#define PACKAGE_BYTES_MAX (PACKAGE_PAYLOAD_BYTES_MAX + (128U << 10))

struct package_custodian {
	char name[PACKAGE_NAME_BYTES];
	struct ristretto_key key;
};

struct package_refresh {
	uint64_t time_ms;
	struct pvss sharing;
	struct bytes raw;
};

struct package {
	/* The head. */
	bool is_rehearsal;
	struct digest rehearsed; /* which package it rehearses */
	uint8_t nonce[PACKAGE_NONCE_BYTES];
	uint64_t created_ms;
	uint64_t delay_ms; /* no request waits less */
	bool has_cluster;  /* whose operators approve, and whose time counts */
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	uint32_t threshold;
	uint32_t count;
	struct package_custodian custodians[PVSS_CUSTODIANS_MAX];

	struct pvss deal;
	uint8_t commitment[SEAL_KEY_BYTES];
	struct bytes sealed;
	struct digest checksum;
	uint32_t refresh_count;
	struct package_refresh refreshes[PACKAGE_REFRESHES_MAX];

	/* Derived. */
	struct digest id;
	struct digest base;
	struct digest bounds[PACKAGE_REFRESHES_MAX + 1];
	uint32_t members; /* who has a share: those of the last refresh */
	struct point keys[PVSS_CUSTODIANS_MAX];
	struct point shares[PVSS_CUSTODIANS_MAX]; /* of all sharings together */
	struct bytes head_raw, deal_raw, payload_raw;
};

/* NULL: no memory. */
struct package *package_new(void);
void package_free(struct package *package);

/*
 * From hostile bytes, with every proof in it verified.
 * AG_ECORRUPT  not a package, or damaged
 * AG_EVERSION  a format this program does not read
 * AG_EFORGED   a proof does not hold; the custodian by name
 */
enum ag_status package_decode(struct package *package, struct bytes file,
    struct ag_error *err) AG_MUST_USE;

/*
 * Add one to a head under construction.  AG_EINVAL: it has no name, or one
 * that is too long or taken; AG_EEXIST: its key is there already; AG_ELIMIT.
 */
enum ag_status package_add_custodian(struct package *package, const char *name,
    const struct ristretto_key *key, struct ag_error *err) AG_MUST_USE;

/*
 * Share a payload of 1 to PACKAGE_PAYLOAD_BYTES_MAX bytes among the head's
 * custodians; append the file to out.  AG_EINVAL: k is out of bounds.
 */
enum ag_status package_deal(struct package *package,
    const struct secret *payload, struct buf *out,
    struct ag_error *err) AG_MUST_USE;

/*
 * Append to out the same package with one more refresh, in which those of
 * members, who have a share, get another.  AG_EINVAL fewer than k would be
 * left; AG_ELIMIT it was refreshed as often as it can be.
 */
enum ag_status package_refresh(const struct package *package, uint32_t members,
    uint64_t time_ms, struct buf *out, struct ag_error *err) AG_MUST_USE;

/*
 * Open the payload with the secret that was recovered.
 * AG_EFORGED it is not the secret of this package; nothing is handed out.
 */
enum ag_status package_open(struct secret **payload,
    const struct package *package, const struct point *secret,
    struct ag_error *err) AG_MUST_USE;

/* Place of the custodian who has a share, by name or key; or -1. */
int package_find_name(const struct package *package, const char *name);
int package_find_key(const struct package *package, const struct point *key);

bool package_is_member(const struct package *package, uint32_t place);
uint32_t package_member_count(const struct package *package);

#endif
