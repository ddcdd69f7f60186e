/*
 * consensus-inspect of a running node, over its API.
 */
#ifndef AEGIS_CMD_INSPECT_LIVE_H
#define AEGIS_CMD_INSPECT_LIVE_H

#include "cmd/applet.h"

int inspect_live_status(struct applet_call *call);
int inspect_live_rounds(struct applet_call *call);
int inspect_live_votes(struct applet_call *call);
int inspect_live_views(struct applet_call *call);
int inspect_live_certificate(struct applet_call *call);
int inspect_live_evidence(struct applet_call *call);

#endif
