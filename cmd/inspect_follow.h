/*
 * aegis consensus-inspect rounds --follow.
 */
#ifndef AEGIS_CMD_INSPECT_FOLLOW_H
#define AEGIS_CMD_INSPECT_FOLLOW_H

#include "cmd/applet.h"

int inspect_follow_run(struct applet_call *call);

#endif
