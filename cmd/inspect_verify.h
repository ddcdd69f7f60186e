/*
 * aegis consensus-inspect verify.
 */
#ifndef AEGIS_CMD_INSPECT_VERIFY_H
#define AEGIS_CMD_INSPECT_VERIFY_H

#include "cmd/applet.h"

int inspect_verify_run(struct applet_call *call);

#endif
