/*
 * Where a request stands.
 *
 * RULES    1. Approvals count by the newest roster of the cluster that the
 *             package names, each proof by the roster of its own epoch.
 *          2. A package that names no cluster needs no approval.
 *          3. This machine's clock counts when it is asked for, and then it
 *             alone: what it is told of the past is the requester's word.
 */
#include "cmd/escrow_standing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/escrow_cluster.h"
#include "cmd/exit.h"
#include "trust/chain.h"

enum ag_status
escrow_standing_see(struct recovery_sight *sight,
    const struct recovery *request, struct bytes proof, struct bytes chain,
    struct ag_error *err)
{
	struct presence *presence = malloc(sizeof(*presence));
	struct roster *roster = NULL;
	enum ag_status status;

	if (presence == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	status = presence_decode(presence, proof, err);
	if (status == AG_OK)
		status = escrow_file_roster(&roster, chain,
		    presence->scope.epoch, err);
	if (status == AG_OK)
		status = recovery_see(sight, request, presence, roster, err);
	free(roster);
	free(presence);
	return status;
}

static enum ag_status
find_wait(struct escrow_standing *s, const struct recovery *r,
    struct bytes latest, struct bytes chain)
{
	enum ag_status status;

	if (r->is_offline)
		return ag_fail(&s->why, AG_EREFUSED,
		    "nothing proves how long the request has waited: it was "
		    "made offline (--offline takes this machine's clock)");
	if (r->first.len == 0)
		return ag_fail(&s->why, AG_EREFUSED,
		    "nothing proves that the request is in the cluster's "
		    "store: aegis escrow prove");
	status = escrow_standing_see(&s->first, r, r->first, chain, &s->why);
	if (status == AG_OK)
		status =
		    escrow_standing_see(&s->latest, r, latest, chain, &s->why);
	if (status != AG_OK)
		return status;
	s->has_sights = true;
	return recovery_check_wait(r, &s->first, &s->latest, clock_wall_ms(),
	    &s->why);
}

static enum ag_status
check_cluster(const struct roster *roster, const struct package *p,
    struct ag_error *err)
{
	return memcmp(roster->cluster_id, p->cluster_id, CLUSTER_ID_BYTES) == 0
	    ? AG_OK
	    : ag_fail(err, AG_ECONFLICT,
		  "the package is of another cluster than %s",
		  roster->cluster_name);
}

/* By the latest proof in the file, or by one that is made now. */
static int
wait_by_cluster(struct escrow_standing *s, const struct applet_call *call,
    const struct recovery *r, struct bytes chain, bool looks)
{
	struct bytes latest = r->latest.len > 0 ? r->latest : r->first;
	int code = EXIT_YES;
	struct buf now;

	buf_init(&now, RECOVERY_PRESENCE_BYTES_MAX);
	if (looks && !r->is_offline) {
		code = escrow_cluster_tick(call, r);
		if (code == EXIT_YES)
			code = escrow_cluster_prove(call, r, &now);
		latest = buf_bytes(&now);
	}
	if (code == EXIT_YES)
		s->wait = find_wait(s, r, latest, chain);
	buf_fini(&now);
	return code;
}

static int
find_by_cluster(struct escrow_standing *s, const struct applet_call *call,
    const struct escrow_request *r, struct buf *chain, bool looks)
{
	int code = escrow_file_rosters(chain, call);
	enum ag_status status;
	struct ag_error err;

	if (code != EXIT_YES)
		return code;
	status = escrow_file_roster(&s->roster, buf_bytes(chain), CHAIN_NEWEST,
	    &err);
	if (status == AG_OK)
		status = check_cluster(s->roster, r->package, &err);
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	recovery_count(&s->tally, r->request, s->roster);
	return wait_by_cluster(s, call, r->request, buf_bytes(chain), looks);
}

int
escrow_standing_find(struct escrow_standing *standing,
    const struct applet_call *call, const struct escrow_request *r, bool looks)
{
	const struct options *o = &call->options;
	int code = EXIT_YES;
	struct buf chain;

	*standing = (struct escrow_standing){
		.needs_approval = r->package->has_cluster,
	};
	buf_init(&chain, CHAIN_BYTES_MAX);
	if (r->package->has_cluster)
		code = find_by_cluster(standing, call, r, &chain,
		    looks && !options_has(o, "roster") &&
			!options_has(o, "offline"));
	if (options_has(o, "offline"))
		standing->wait = recovery_check_wait_offline(r->request,
		    clock_wall_ms(), &standing->why);
	else if (!r->package->has_cluster)
		standing->wait = ag_fail(&standing->why, AG_EREFUSED,
		    "the package names no cluster whose time would count "
		    "(--offline takes this machine's clock)");
	buf_fini(&chain);
	return code;
}

void
escrow_standing_fini(struct escrow_standing *standing)
{
	free(standing->roster);
}

enum ag_status
escrow_standing_check(const struct escrow_standing *standing,
    struct ag_error *err)
{
	const struct recovery_tally *t = &standing->tally;

	if (standing->needs_approval && t->approved < t->needed)
		return ag_fail(err, AG_EREFUSED,
		    "the request is approved by %u of the %s, and it takes %u",
		    t->approved, t->by_operators ? "operators" : "members",
		    t->needed);
	if (standing->wait != AG_OK)
		return ag_fail(err, standing->wait, "%s", standing->why.text);
	return AG_OK;
}
