/*
 * Orders about key epochs, told.
 */
#ifndef AEGIS_CMD_KEYS_ORDER_SHOW_H
#define AEGIS_CMD_KEYS_ORDER_SHOW_H

#include <jansson.h>

#include "cmd/applet.h"
#include "trust/key_order.h"

/* All of it, and how many whose approval counts approved.  An exit code. */
int keys_order_show(const struct applet_call *call,
    const struct key_order *order, const struct roster *roster);

/* In a sentence, for who is about to sign it. */
void keys_order_show_meaning(const struct applet_call *call,
    const struct key_order *order);

/* The node's answer to an order that was obeyed; its policy. */
int keys_order_show_done(const struct applet_call *call, const json_t *answer);
int keys_order_show_policy(const struct applet_call *call, const json_t *keys);

#endif
