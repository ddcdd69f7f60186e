/*
 * `aegis node init`: a new node's directory.  A command of cmd/node.c's
 * table, apart from it because it needs nothing of a running node.
 */
#ifndef AEGIS_CMD_NODE_INIT_H
#define AEGIS_CMD_NODE_INIT_H

#include "cmd/applet.h"

extern const struct applet_option node_init_options[];

int node_init_run(struct applet_call *call);

#endif
