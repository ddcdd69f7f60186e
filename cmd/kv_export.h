/*
 * `aegis kv export`: entries out of the store, in order.
 */
#ifndef AEGIS_CMD_KV_EXPORT_H
#define AEGIS_CMD_KV_EXPORT_H

#include "cmd/applet.h"

extern const struct applet_option kv_export_options[];

int kv_export_run(struct applet_call *call);

/* --format: whether it is cbor.  False: a usage error was said. */
bool kv_export_format(const struct applet_call *call, bool *is_cbor);

#endif
