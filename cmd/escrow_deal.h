/*
 * `aegis escrow init`, `refresh` and `rehearse`: the commands that make
 * packages.
 */
#ifndef AEGIS_CMD_ESCROW_DEAL_H
#define AEGIS_CMD_ESCROW_DEAL_H

#include "cmd/applet.h"

extern const struct applet_option escrow_deal_init_options[];
extern const struct applet_option escrow_deal_refresh_options[];
extern const struct applet_option escrow_deal_rehearse_options[];

int escrow_deal_init(struct applet_call *call);
int escrow_deal_refresh(struct applet_call *call);
int escrow_deal_rehearse(struct applet_call *call);

#endif
