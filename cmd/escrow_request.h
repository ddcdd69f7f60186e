/*
 * `aegis escrow request`, `prove`, `approve`, `merge` and `show`: a request
 * from its making until custodians answer it.
 */
#ifndef AEGIS_CMD_ESCROW_REQUEST_H
#define AEGIS_CMD_ESCROW_REQUEST_H

#include "cmd/applet.h"

extern const struct applet_option escrow_request_options[];
extern const struct applet_option escrow_request_prove_options[];
extern const struct applet_option escrow_request_approve_options[];
extern const struct applet_option escrow_request_merge_options[];

int escrow_request_run(struct applet_call *call);
int escrow_request_prove(struct applet_call *call);
int escrow_request_approve(struct applet_call *call);
int escrow_request_merge(struct applet_call *call);

#endif
