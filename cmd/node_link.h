/*
 * aegis node rotate-link-key.
 */
#ifndef AEGIS_CMD_NODE_LINK_H
#define AEGIS_CMD_NODE_LINK_H

#include "cmd/applet.h"

int node_link_run(struct applet_call *call);

#endif
