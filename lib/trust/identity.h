/*
 * A member as itself: its place in the roster and the key to sign with.
 *
 * Ownership  an identity borrows roster and signer's key, which must outlive
 *            it.
 * Threads    read-only once made; any that the signer allows.
 */
#ifndef AEGIS_TRUST_IDENTITY_H
#define AEGIS_TRUST_IDENTITY_H

#include <stdint.h>

#include "base/status.h"
#include "crypto/signer.h"
#include "trust/certificate.h"
#include "trust/request.h"
#include "trust/roster.h"

struct identity {
	const struct roster *roster;
	uint32_t self;
	struct signer signer;
	struct trust_scope scope;
};

/* AG_ENOENT when the key is no member's node key. */
enum ag_status identity_init(struct identity *identity,
    const struct roster *roster, const struct signer *signer,
    struct ag_error *err) AG_MUST_USE;

/* The same of a key in memory. */
enum ag_status identity_init_key(struct identity *identity,
    const struct roster *roster, const struct secret *node_key,
    struct ag_error *err) AG_MUST_USE;

/*
 * Signs as the member, verifies by the roster (ctx: struct identity *).  When
 * the signer fails a signature is all zeros, and nobody takes it: whoever
 * sends signatures must know from the signer that it has failed.
 */
extern const struct authority identity_authority;

/* For request_encode(): the member as the principal of its own socket. */
void identity_request_signer(struct request_signer *signer,
    struct identity *identity);

/* Certify a link key with the node key, into a member's own part. */
enum ag_status identity_certify_link(struct roster_member *member,
    const struct signer *signer,
    const uint8_t link_key[static PUBLIC_KEY_BYTES],
    struct ag_error *err) AG_MUST_USE;

/*
 * Put the signature of the member whose key this is on a sealed roster.
 * AG_ENOENT when it is no member's.
 */
enum ag_status identity_sign_roster(struct roster *roster,
    const struct signer *signer, struct ag_error *err) AG_MUST_USE;

#endif
