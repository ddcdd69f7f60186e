/*
 * aegis consensus-inspect replay.
 */
#ifndef AEGIS_CMD_INSPECT_REPLAY_H
#define AEGIS_CMD_INSPECT_REPLAY_H

#include "cmd/applet.h"

extern const struct applet_option inspect_replay_options[];
int inspect_replay_run(struct applet_call *call);

#endif
