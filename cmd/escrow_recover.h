/*
 * `aegis escrow submit` and `recover`: custodians answer, and the secret is
 * back.
 */
#ifndef AEGIS_CMD_ESCROW_RECOVER_H
#define AEGIS_CMD_ESCROW_RECOVER_H

#include "cmd/applet.h"

extern const struct applet_option escrow_recover_submit_options[];
extern const struct applet_option escrow_recover_options[];

int escrow_recover_submit(struct applet_call *call);
int escrow_recover_run(struct applet_call *call);

#endif
