/*
 * aegis kv lock: a command run by one at a time.
 */
#ifndef AEGIS_CMD_KV_LOCK_H
#define AEGIS_CMD_KV_LOCK_H

#include "cmd/applet.h"

extern const struct applet_option kv_lock_options[];

int kv_lock_run(struct applet_call *call);

#endif
