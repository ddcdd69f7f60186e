/*
 * The member commands that talk to a node.
 */
#ifndef AEGIS_CMD_MEMBER_NODE_H
#define AEGIS_CMD_MEMBER_NODE_H

#include <jansson.h>

#include "base/bytes.h"
#include "cmd/applet.h"
#include "trust/roster.h"

int member_list_run(struct applet_call *call);
int member_export_run(struct applet_call *call);

/* The chain of a node's rosters.  EXIT_YES, or the code after saying why. */
int member_node_chain(const struct applet_call *call, struct buf *chain);

/* A node's /v1/status, for what it warns of; NULL: none answered. */
json_t *member_node_status(const struct applet_call *call);

/* Submit a successor and wait until its epoch serves. */
int member_node_apply(const struct applet_call *call, const struct roster *next,
    struct bytes text);

#endif
