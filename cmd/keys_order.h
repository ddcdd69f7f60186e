/*
 * The keys commands that have the cluster decide on key epochs.
 */
#ifndef AEGIS_CMD_KEYS_ORDER_H
#define AEGIS_CMD_KEYS_ORDER_H

#include <jansson.h>

#include "cmd/applet.h"

extern const struct applet_option keys_rotate_options[];
extern const struct applet_option keys_policy_options[];
extern const struct applet_option keys_sign_options[];

int keys_rotate(struct applet_call *call);
int keys_policy(struct applet_call *call);
int keys_sign(struct applet_call *call);
int keys_apply(struct applet_call *call);

/*
 * A node's /v1/keys.  EXIT_YES, or the code after saying why; with is_quiet
 * nothing is said of a node that does not answer.
 */
int keys_order_ask(const struct applet_call *call, bool is_quiet, json_t **out);

#endif
