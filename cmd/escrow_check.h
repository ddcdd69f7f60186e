/*
 * `aegis escrow check`: what a package is, and that it is whole.
 */
#ifndef AEGIS_CMD_ESCROW_CHECK_H
#define AEGIS_CMD_ESCROW_CHECK_H

#include "base/bytes.h"
#include "cmd/applet.h"

extern const struct applet_option escrow_check_options[];

int escrow_check_run(struct applet_call *call);

/* Say what package was made. */
int escrow_check_tell_made(const struct applet_call *call, struct bytes file);

#endif
