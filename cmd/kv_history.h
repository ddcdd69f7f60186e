/*
 * aegis kv history.
 */
#ifndef AEGIS_CMD_KV_HISTORY_H
#define AEGIS_CMD_KV_HISTORY_H

#include "cmd/applet.h"

extern const struct applet_option kv_history_options[];

int kv_history_run(struct applet_call *call);

#endif
