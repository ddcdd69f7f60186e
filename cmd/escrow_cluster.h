/*
 * Requests in the cluster's store: put there, seen, listed, cancelled.
 */
#ifndef AEGIS_CMD_ESCROW_CLUSTER_H
#define AEGIS_CMD_ESCROW_CLUSTER_H

#include "base/bytes.h"
#include "cmd/applet.h"
#include "escrow/recovery.h"

int escrow_cluster_list(struct applet_call *call);
int escrow_cluster_cancel(struct applet_call *call);

/* These give EXIT_YES, or the code after saying why not. */

/* Put it there, unless it is there. */
int escrow_cluster_put(const struct applet_call *call,
    const struct recovery *request);

/* Have agreed time go on. */
int escrow_cluster_tick(const struct applet_call *call,
    const struct recovery *request);

/* Append a proof of what is there now. */
int escrow_cluster_prove(const struct applet_call *call,
    const struct recovery *request, struct buf *proof);

#endif
