/*
 * `aegis kv del`: keys by name, or all that begin alike.
 */
#ifndef AEGIS_CMD_KV_DELETE_H
#define AEGIS_CMD_KV_DELETE_H

#include "cmd/applet.h"

extern const struct applet_option kv_delete_options[];

int kv_delete_run(struct applet_call *call);

#endif
