/*
 * aegis keys status, of a running node.
 */
#ifndef AEGIS_CMD_KEYS_LIVE_H
#define AEGIS_CMD_KEYS_LIVE_H

#include <stdbool.h>

#include "cmd/applet.h"

/*
 * Ask the node and print what it says.  False: none was asked for by its
 * socket, and none answers where it usually is; else *code is the exit code.
 */
bool keys_live_status(const struct applet_call *call, int *code);

#endif
