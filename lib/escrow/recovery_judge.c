/*
 * Who may approve a request, and whether it has waited.
 *
 * RULES    1. Who may let somebody be a member may let somebody recover:
 *             operators, where the roster has a policy, or else a quorum of
 *             the members.
 *          2. A request that was deleted and put back was created anew: its
 *             first proof does not count with a later one of another
 *             creation, so a cancelled request does not go on.
 *          3. A proof is of the past.  That nobody has cancelled since is
 *             known as of the latest one, which must not be old.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "crypto/sign.h"
#include "escrow/recovery.h"
#include "trust/signing.h"

enum ag_status
recovery_open(struct package *package, const struct recovery *r,
    struct ag_error *err)
{
	enum ag_status status = package_decode(package, r->package, err);

	if (status != AG_OK)
		return status;
	if (!digest_equal(&package->id, &r->package_id))
		return ag_fail(err, AG_EFORGED,
		    "the request is for another package than the one in it");
	if (r->delay_ms < package->delay_ms)
		return ag_fail(err, AG_EREFUSED,
		    "the request waits %" PRIu64 " s, and its package asks "
		    "for %" PRIu64 " s",
		    r->delay_ms / 1000, package->delay_ms / 1000);
	return AG_OK;
}

static void
approval_input(struct signing *s, const struct recovery *r,
    const struct roster *roster)
{
	signing_begin(s, PURPOSE_ESCROW_APPROVAL);
	signing_put(s, roster->cluster_id, CLUSTER_ID_BYTES);
	signing_put(s, r->id.data, DIGEST_BYTES);
}

bool
recovery_approval_holds(const struct recovery *r,
    const struct recovery_approval *approval, const struct roster *roster)
{
	struct signing s;

	approval_input(&s, r, roster);
	return roster_may_approve(roster, approval->key) &&
	    sign_verify(approval->key, signing_bytes(&s), approval->signature);
}

static bool
has_approved(const struct recovery *r,
    const uint8_t key[static PUBLIC_KEY_BYTES])
{
	for (uint32_t i = 0; i < r->approval_count; i++)
		if (memcmp(r->approvals[i].key, key, PUBLIC_KEY_BYTES) == 0)
			return true;
	return false;
}

static enum ag_status
add_approval(struct recovery *r, const struct recovery_approval *approval,
    struct ag_error *err)
{
	if (r->approval_count == RECOVERY_APPROVALS_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "the request has %d approvals, which is all there is room "
		    "for",
		    RECOVERY_APPROVALS_MAX);
	r->approvals[r->approval_count++] = *approval;
	return AG_OK;
}

enum ag_status
recovery_approve(struct recovery *r, const struct roster *roster,
    const struct secret *key, struct ag_error *err)
{
	struct recovery_approval approval;
	struct signing s;

	sign_public(approval.key, key);
	if (!roster_may_approve(roster, approval.key))
		return ag_fail(err, AG_ENOENT,
		    "the key is no %s's of cluster %s, and approves of nothing",
		    roster->policy_operators > 0 ? "operator" : "member",
		    roster->cluster_name);
	if (has_approved(r, approval.key))
		return ag_fail(err, AG_EEXIST, "the key has approved already");
	approval_input(&s, r, roster);
	sign_message(approval.signature, key, signing_bytes(&s));
	return add_approval(r, &approval, err);
}

void
recovery_count(struct recovery_tally *tally, const struct recovery *r,
    const struct roster *roster)
{
	*tally = (struct recovery_tally){
		.by_operators = roster->policy_operators > 0,
		.needed = roster_approvals_needed(roster),
	};
	for (uint32_t i = 0; i < r->approval_count; i++)
		if (recovery_approval_holds(r, &r->approvals[i], roster))
			tally->approved++;
}

/* When a proof was made, by itself; 0 when it is none. */
static uint64_t
claimed_time(struct bytes encoded)
{
	struct presence *presence = malloc(sizeof(*presence));
	uint64_t time_ms = 0;

	if (presence != NULL && encoded.len > 0 &&
	    presence_decode(presence, encoded, NULL) == AG_OK)
		time_ms = presence->time_ms;
	free(presence);
	return time_ms;
}

enum ag_status
recovery_merge(struct recovery *r, const struct recovery *other,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (!digest_equal(&r->id, &other->id))
		return ag_fail(err, AG_ECONFLICT, "it is another request");
	for (uint32_t i = 0; status == AG_OK && i < other->approval_count; i++)
		if (!has_approved(r, other->approvals[i].key))
			status = add_approval(r, &other->approvals[i], err);
	if (r->first.len == 0)
		r->first = other->first;
	if (claimed_time(other->latest) > claimed_time(r->latest))
		r->latest = other->latest;
	return status;
}

enum ag_status
recovery_see(struct recovery_sight *sight, const struct recovery *r,
    const struct presence *presence, const struct roster *roster,
    struct ag_error *err)
{
	struct presence_entry entry;
	char key[RECOVERY_KEY_BYTES];
	enum ag_status status;

	recovery_key(key, r);
	status = presence_verify(presence, bytes_from_text(key), roster, err);
	if (status != AG_OK)
		return status;
	status = presence_read(presence, &entry, err);
	if (status == AG_ENOENT)
		return ag_fail(err, AG_EREFUSED,
		    "the request was not in the cluster's store: it was "
		    "cancelled, or never there");
	if (status != AG_OK)
		return status;
	if (!bytes_equal(entry.value, bytes_of(r->body, r->body_len)) ||
	    entry.version != 1)
		return ag_fail(err, AG_EREFUSED,
		    "what the cluster's store has is not this request, or was "
		    "changed");
	*sight = (struct recovery_sight){ .time_ms = presence->time_ms,
		.created = entry.created };
	return AG_OK;
}

static enum ag_status
still_waits(uint64_t left_ms, struct ag_error *err)
{
	return ag_fail(err, AG_EREFUSED,
	    "the request has still to wait %" PRIu64 " s",
	    (left_ms + 999) / 1000);
}

enum ag_status
recovery_check_wait(const struct recovery *r,
    const struct recovery_sight *first, const struct recovery_sight *latest,
    uint64_t now_ms, struct ag_error *err)
{
	uint64_t waited = latest->time_ms > first->time_ms
	    ? latest->time_ms - first->time_ms
	    : 0;

	if (first->created != latest->created)
		return ag_fail(err, AG_EREFUSED,
		    "the request was cancelled and put back: it waits anew, "
		    "as another one");
	if (waited < r->delay_ms)
		return still_waits(r->delay_ms - waited, err);
	if (now_ms > latest->time_ms &&
	    now_ms - latest->time_ms > RECOVERY_FRESH_MS)
		return ag_fail(err, AG_EREFUSED,
		    "the last look at the cluster is %" PRIu64
		    " min old, and the request may have been cancelled since: "
		    "aegis escrow prove",
		    (now_ms - latest->time_ms) / 60000);
	return AG_OK;
}

enum ag_status
recovery_check_wait_offline(const struct recovery *r, uint64_t now_ms,
    struct ag_error *err)
{
	uint64_t waited = now_ms > r->created_ms ? now_ms - r->created_ms : 0;

	return waited < r->delay_ms ? still_waits(r->delay_ms - waited, err)
				    : AG_OK;
}
