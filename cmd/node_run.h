/*
 * `aegis node run`: one node as a process.
 */
#ifndef AEGIS_CMD_NODE_RUN_H
#define AEGIS_CMD_NODE_RUN_H

#include "cmd/applet.h"

extern const struct applet_option node_run_options[];

int node_run(struct applet_call *call);

#endif
