/*
 * Where a request stands: who has approved, and whether it has waited.
 */
#ifndef AEGIS_CMD_ESCROW_STANDING_H
#define AEGIS_CMD_ESCROW_STANDING_H

#include <stdbool.h>

#include "cmd/applet.h"
#include "cmd/escrow_file.h"

struct escrow_standing {
	bool needs_approval;   /* its package names a cluster */
	struct roster *roster; /* the newest; NULL when none is needed */
	struct recovery_tally tally;
	bool has_sights;
	struct recovery_sight first, latest;
	enum ag_status wait; /* AG_OK: it has waited */
	struct ag_error why; /* it has not */
};

/*
 * Judge it; with --offline by this machine's clock.  When looks, and no
 * --roster takes the node's place, the cluster is asked anew whether the
 * request is there.  EXIT_YES, whatever was found, or the code after saying
 * why nothing could be.
 */
int escrow_standing_find(struct escrow_standing *standing,
    const struct applet_call *call, const struct escrow_request *r, bool looks);
void escrow_standing_fini(struct escrow_standing *standing);

/* May a custodian answer?  AG_EREFUSED with why not. */
enum ag_status escrow_standing_check(const struct escrow_standing *standing,
    struct ag_error *err) AG_MUST_USE;

/* The roster by which a proof is judged, and what it shows. */
enum ag_status escrow_standing_see(struct recovery_sight *sight,
    const struct recovery *request, struct bytes proof, struct bytes chain,
    struct ag_error *err) AG_MUST_USE;

#endif
