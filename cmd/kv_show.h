/*
 * `aegis kv get` and `list`: the commands that only look.
 */
#ifndef AEGIS_CMD_KV_SHOW_H
#define AEGIS_CMD_KV_SHOW_H

#include "cmd/applet.h"

extern const struct applet_option kv_show_get_options[];
extern const struct applet_option kv_show_list_options[];

int kv_show_get(struct applet_call *call);
int kv_show_list(struct applet_call *call);

#endif
