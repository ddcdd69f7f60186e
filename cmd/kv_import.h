/*
 * `aegis kv import`: entries into the store, batch by batch.
 */
#ifndef AEGIS_CMD_KV_IMPORT_H
#define AEGIS_CMD_KV_IMPORT_H

#include "cmd/applet.h"

extern const struct applet_option kv_import_options[];

int kv_import_run(struct applet_call *call);

#endif
