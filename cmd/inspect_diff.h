/*
 * aegis consensus-inspect diff.
 */
#ifndef AEGIS_CMD_INSPECT_DIFF_H
#define AEGIS_CMD_INSPECT_DIFF_H

#include "cmd/applet.h"

extern const struct applet_option inspect_diff_options[];
int inspect_diff_run(struct applet_call *call);

#endif
