/*
 * The proof of a backup: a quorum of members signed the state's digest.
 *
 * The digest is computed from the contents.  What the stream says of itself
 * counts for nothing.
 */
#include "backup/backup_proof.h"

#include <string.h>

enum ag_status
backup_proof_check(const struct snapshot_info *info, struct roster *roster,
    struct ag_error *err)
{
	const struct certificate *c = &info->certificate;
	struct trust_scope scope;

	if (memcmp(info->scope.cluster_id, roster->cluster_id,
		CLUSTER_ID_BYTES) != 0)
		return ag_fail(err, AG_EFORGED,
		    "the state is another cluster's than the roster's (%s)",
		    roster->cluster_name);
	if (info->scope.epoch != roster->epoch)
		return ag_fail(err, AG_EFORGED,
		    "the state is of epoch %llu, and the roster's is %llu",
		    (unsigned long long)info->scope.epoch,
		    (unsigned long long)roster->epoch);
	if (!roster_is_complete(roster))
		return ag_fail(err, AG_EFORGED,
		    "not every member has signed the roster");
	if (!info->has_certificate)
		return ag_fail(err, AG_EFORGED,
		    "the state carries no certificate");
	if (c->phase != VOTE_CHECKPOINT || c->seq != info->seq ||
	    !digest_equal(&c->digest, &info->digest))
		return ag_fail(err, AG_EFORGED,
		    "the certificate is for another state than this one");
	roster_scope(roster, &scope);
	return certificate_verify(c, &scope, roster->member_count,
	    &roster_authority, roster, err);
}
