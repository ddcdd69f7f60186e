/*
 * A member as itself: its place in the roster and the key to sign with.
 *
 * Ownership  an identity borrows roster and key, which must outlive it.
 * Threads    read-only once made; any.
 */
#ifndef AEGIS_TRUST_IDENTITY_H
#define AEGIS_TRUST_IDENTITY_H

#include <stdint.h>

#include "base/status.h"
#include "crypto/secret.h"
#include "trust/certificate.h"
#include "trust/request.h"
#include "trust/roster.h"

struct identity {
	const struct roster *roster;
	uint32_t self;
	const struct secret *node_key;
	struct trust_scope scope;
};

/* AG_ENOENT when the key is no member's node key. */
enum ag_status identity_init(struct identity *identity,
    const struct roster *roster, const struct secret *node_key,
    struct ag_error *err) AG_MUST_USE;

/* Signs as the member, verifies by the roster (ctx: struct identity *). */
extern const struct authority identity_authority;

/* For request_encode(): the member as the principal of its own socket. */
void identity_request_signer(struct request_signer *signer,
    struct identity *identity);

/* Certify a link key with the node key, into a member's own part. */
void identity_certify_link(struct roster_member *member,
    const struct secret *node_key,
    const uint8_t link_key[static PUBLIC_KEY_BYTES]);

/*
 * Put the signature of the member whose key this is on a sealed roster.
 * AG_ENOENT when it is no member's.
 */
enum ag_status identity_sign_roster(struct roster *roster,
    const struct secret *node_key, struct ag_error *err) AG_MUST_USE;

#endif
