/*
 * `aegis kv watch`, and what `kv get --watch` does after the value.
 */
#ifndef AEGIS_CMD_KV_FOLLOW_H
#define AEGIS_CMD_KV_FOLLOW_H

#include <stdbool.h>

#include "cmd/applet.h"
#include "cmd/kv_ask.h"

extern const struct applet_option kv_follow_options[];

int kv_follow_run(struct applet_call *call);

/* Whether changes have that form; else a usage error was said. */
bool kv_follow_check(const struct applet_call *call);

/* Follow one key from where ask's last answer saw it. */
int kv_follow_key(struct kv_ask *ask, struct applet_call *call,
    const char *key);

#endif
