/*
 * aegis consensus-inspect trace.
 */
#ifndef AEGIS_CMD_INSPECT_TRACE_H
#define AEGIS_CMD_INSPECT_TRACE_H

#include "cmd/applet.h"

int inspect_trace_run(struct applet_call *call);

#endif
