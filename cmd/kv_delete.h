/*
 * `aegis kv del`: keys by name, or all that begin alike.
 */
#ifndef AEGIS_CMD_KV_DELETE_H
#define AEGIS_CMD_KV_DELETE_H

#include "cmd/applet.h"
#include "cmd/kv_ask.h"

extern const struct applet_option kv_delete_options[];

int kv_delete_run(struct applet_call *call);

/* Remove all that begins with prefix; ask->done counts the keys. */
enum ag_status kv_delete_prefix(struct kv_ask *ask,
    const struct applet_call *call, const char *prefix) AG_MUST_USE;

#endif
