/*
 * What the writing kv commands share: a target with its comparison, and the
 * row that says what became of a write.
 */
#ifndef AEGIS_CMD_KV_WRITE_H
#define AEGIS_CMD_KV_WRITE_H

#include <stdbool.h>

#include "cmd/applet.h"
#include "cmd/kv_ask.h"

/* /v1/kv for one key and --if-version.  False: a usage error was said. */
bool kv_write_target(const struct applet_call *call, const char *key,
    struct target *target);

/* Print the result root as a row; key may be NULL: then without it. */
void kv_write_print(struct output *out, const char *key, const json_t *root);

/* Send one write and print its result as a row of *out, made if need be. */
int kv_write_send(struct kv_ask *ask, const struct applet_call *call,
    const struct client_request *request, const char *key, struct output **out);

#endif
