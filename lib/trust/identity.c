/*
 * Signing as a member of a roster.
 *
 * RULES    1. Which member we are follows from the key, never from a name
 *             in a file: a wrong name can not make us sign for another.
 *          2. Verifying is the roster's, so that those who sign and those
 *             who only look on judge alike.
 */
#include "trust/identity.h"

#include <string.h>

#include "crypto/public_key.h"
#include "crypto/sign.h"

static enum ag_status
find_self(const struct roster *roster, const uint8_t *key, uint32_t *self,
    struct ag_error *err)
{
	char fingerprint[FINGERPRINT_BYTES];
	int index = roster_find_node_key(roster, key);

	*self = (uint32_t)index;
	if (index != -1)
		return AG_OK;
	public_key_fingerprint(fingerprint, key);
	if (roster_find_link_key(roster, key) != -1)
		return ag_fail(err, AG_ENOENT,
		    "key %s is a link key in cluster %s; its node key is "
		    "wanted",
		    fingerprint, roster->cluster_name);
	return ag_fail(err, AG_ENOENT,
	    "key %s is no member's node key in cluster %s", fingerprint,
	    roster->cluster_name);
}

enum ag_status
identity_init(struct identity *identity, const struct roster *roster,
    const struct signer *signer, struct ag_error *err)
{
	*identity = (struct identity){ .roster = roster, .signer = *signer };
	roster_scope(roster, &identity->scope);
	return find_self(roster, signer->public_key, &identity->self, err);
}

enum ag_status
identity_init_key(struct identity *identity, const struct roster *roster,
    const struct secret *node_key, struct ag_error *err)
{
	struct signer signer;

	signer_of_key(&signer, node_key);
	return identity_init(identity, roster, &signer, err);
}

static void
identity_sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	const struct identity *identity = ctx;

	/* Where it fails, the zeros that are left verify nowhere. */
	if (signer_sign(&identity->signer, message, signature, NULL) != AG_OK)
		return;
}

static bool
identity_verify(void *ctx, uint32_t member, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	const struct identity *identity = ctx;
	const struct roster *roster = identity->roster;

	return member < roster->member_count &&
	    sign_verify(roster->members[member].node_key, message, signature);
}

static bool
identity_verify_request(void *ctx,
    const uint8_t principal[static PUBLIC_KEY_BYTES], struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	const struct identity *identity = ctx;

	return roster_is_principal(identity->roster, principal) &&
	    sign_verify(principal, message, signature);
}

/* A member's own callers wait at it; an operator's may be anywhere, and an
 * observer's where no message of agreement goes. */
static uint32_t
identity_waits_at(void *ctx, const uint8_t principal[static PUBLIC_KEY_BYTES])
{
	const struct identity *identity = ctx;
	int member = roster_find_node_key(identity->roster, principal);

	return member < 0 || (uint32_t)member >= identity->roster->member_count
	    ? UINT32_MAX
	    : UINT32_C(1) << member;
}

const struct authority identity_authority = {
	.sign = identity_sign,
	.verify = identity_verify,
	.verify_request = identity_verify_request,
	.waits_at = identity_waits_at,
};

void
identity_request_signer(struct request_signer *signer,
    struct identity *identity)
{
	*signer = (struct request_signer){
		.scope = &identity->scope,
		.authority = &identity_authority,
		.ctx = identity,
	};
	memcpy(signer->principal, identity->signer.public_key,
	    PUBLIC_KEY_BYTES);
}

enum ag_status
identity_certify_link(struct roster_member *member, const struct signer *signer,
    const uint8_t link_key[static PUBLIC_KEY_BYTES], struct ag_error *err)
{
	struct signing s;

	memcpy(member->node_key, signer->public_key, PUBLIC_KEY_BYTES);
	memcpy(member->link_key, link_key, PUBLIC_KEY_BYTES);
	roster_link_input(&s, member->node_key, member->link_key);
	return signer_sign(signer, signing_bytes(&s), member->link_signature,
	    err);
}

enum ag_status
identity_sign_roster(struct roster *roster, const struct signer *signer,
    struct ag_error *err)
{
	struct roster_member *member;
	enum ag_status status;
	struct buf input;
	uint32_t self;

	status = find_self(roster, signer->public_key, &self, err);
	if (status != AG_OK)
		return status;
	buf_init(&input, ROSTER_FILE_BYTES_MAX);
	status = roster_signing_input(roster, &input);
	if (status != AG_OK) {
		status = ag_fail(err, status, "sign roster: %s",
		    ag_status_text(status));
	} else {
		member = &roster->members[self];
		status = signer_sign(signer, buf_bytes(&input),
		    member->signature, err);
		member->is_signed = status == AG_OK;
	}
	buf_fini(&input);
	return status;
}
